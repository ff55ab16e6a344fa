package importer

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"servegrid/perftables"
)

// meta is what a source says about its tables beside the tables.
type meta struct {
	systems []perftables.System
	slots   *slots
	reuse   map[string]string            // path of a table without extension → version whose table it uses
	partial map[string]bool              // path of a table without extension, if its measurement is not complete
	kernels map[string]map[string]kernel // backend → version → SM version → kernel
}

type kernel map[int]string

// slots are the engine versions that a release of AIConfigurator offers.
type slots struct {
	Defaults  map[string]slot            `yaml:"defaults"`  // by backend
	Overrides map[string]map[string]slot `yaml:"overrides"` // by system and backend
}

type slot struct {
	Current  string `yaml:"current"`
	Previous string `yaml:"previous"`
}

// readMeta reads the descriptions of systems and the files of release 0.12.0 that
// say which tables count.
func readMeta(s *Source) (*meta, error) {
	m := &meta{reuse: map[string]string{}, partial: map[string]bool{}}
	for _, name := range s.Names {
		if !hasSuffix(name, ".yaml", ".yml") {
			continue
		}
		content, err := s.Read(name)
		if err == nil {
			err = m.read(name, content)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return m, nil
}

func (m *meta) read(name string, content []byte) error {
	switch base := path.Base(name); {
	case base == "query_versions.yaml":
		m.slots = &slots{}
		return yaml.Unmarshal(content, m.slots)
	case base == "attention_lane_defaults.yaml":
		return yaml.Unmarshal(content, &m.kernels)
	case base == "reuse.yaml":
		var f struct {
			Reuse []struct {
				Table string `yaml:"table"`
				From  string `yaml:"from_version"`
			} `yaml:"reuse"`
		}
		if err := yaml.Unmarshal(content, &f); err != nil {
			return err
		}
		for _, r := range f.Reuse {
			if r.Table == "" || r.From == "" {
				return errors.New("an entry lacks table or from_version")
			}
			m.reuse[path.Join(path.Dir(name), r.Table)] = r.From
		}
	case base == "collection_meta.yaml":
		var f struct {
			Tables map[string]struct {
				Status string `yaml:"status"`
			} `yaml:"tables"`
		}
		if err := yaml.Unmarshal(content, &f); err != nil {
			return err
		}
		for table, t := range f.Tables {
			m.partial[path.Join(path.Dir(name), table)] = t.Status == "partial"
		}
	case isSystem(content):
		sys, err := System(canonicalSystem(strings.TrimSuffix(base, path.Ext(base))), content)
		if err != nil {
			return err
		}
		m.systems = append(m.systems, sys)
	case len(path.Dir(name)) <= 1: // given by itself
		return errors.New("it describes no system: it has no keys gpu and node")
	}
	return nil
}

// preferred is the attention kernel that an engine uses by default.
func (m *meta) preferred(f *measured, systems []perftables.System) string {
	if f.kind != perftables.KindContextAttention && f.kind != perftables.KindGenerationAttention {
		return ""
	}
	i := slices.IndexFunc(systems, func(s perftables.System) bool { return s.Name == f.system })
	return m.kernels[f.backend][f.version][systems[i].SMVersion]
}

// plan says which files make each table. Where there are several, later ones add
// the slices that earlier ones lack.
//
// The layout of 0.6.0 says it itself. In that of 0.12.0 every kind has versions
// of its own: an offered engine version takes the table that was measured with
// it and the one that reuse.yaml names, else the newest older one. A version that
// is newer than the release's current one is measured in parts only, and takes the
// rest from the current one.
func plan(files []measured, meta *meta, systems []perftables.System) map[string][]string {
	uses := map[string][]string{}
	use := func(m *measured, system, backend, version string) {
		to := measured{system: system, backend: backend, version: version, kind: m.kind}
		if table := to.table(); !slices.Contains(uses[table], m.name) {
			uses[table] = append(uses[table], m.name)
		}
	}
	grouped := map[string][]*measured{} // files of one system, backend and kind
	offered := map[[2]string][]string{} // versions that have a file, by system and backend
	for i := range files {
		m := &files[i]
		_, known := perftables.Shapes[m.kind]
		if m.family == "" {
			if known {
				use(m, m.system, m.backend, m.version)
			}
			continue
		}
		at := [2]string{m.system, m.backend}
		if m.kind == perftables.KindGEMM || meta.slots != nil {
			offered[at] = append(offered[at], m.version)
		}
		if known {
			grouped[m.group()] = append(grouped[m.group()], m)
		}
	}
	for at, have := range offered {
		if at[1] == "nccl" {
			continue
		}
		current := meta.slot(at[0], at[1]).Current
		for _, version := range meta.offered(at[0], at[1], have) {
			for kind := range perftables.Shapes {
				group := grouped[path.Join(at[0], at[1], string(kind))]
				donors := meta.donors(group, version)
				if current != "" && perftables.CompareVersions(version, current) > 0 {
					donors = append(donors, meta.donors(group, current)...)
				}
				for _, m := range donors {
					use(m, at[0], at[1], version)
				}
			}
		}
	}
	for i := range systems {
		s := &systems[i]
		group := grouped[s.Name+"/nccl/nccl"]
		if len(group) == 0 {
			continue
		}
		donors := meta.donors(group, s.NCCLVersion)
		if len(donors) == 0 {
			donors = []*measured{slices.MaxFunc(group, func(a, b *measured) int { return perftables.CompareVersions(a.version, b.version) })}
		}
		for _, m := range donors {
			use(m, s.Name, "nccl", s.NCCLVersion)
		}
	}
	return uses
}

// slot returns the versions that the release offers of a backend on a system.
func (m *meta) slot(system, backend string) slot {
	switch {
	case m.slots == nil:
		return slot{}
	case m.slots.Overrides[system][backend] != slot{}:
		return m.slots.Overrides[system][backend]
	}
	return m.slots.Defaults[backend]
}

// offered lists the engine versions that become databases: those that the
// release offers, else those with a GEMM table of their own.
func (m *meta) offered(system, backend string, have []string) []string {
	if m.slots == nil {
		slices.Sort(have)
		return slices.Compact(have)
	}
	s := m.slot(system, backend)
	_, override := m.slots.Overrides[system][backend]
	var versions []string
	for _, v := range []string{s.Previous, s.Current} {
		if v != "" {
			versions = append(versions, v)
		}
	}
	if override || s.Current == "" {
		return versions
	}
	// What is newer than the current version is offered too: the newest of it.
	newest := slices.MaxFunc(have, perftables.CompareVersions)
	if perftables.CompareVersions(newest, s.Current) > 0 {
		versions = append(versions, newest)
	}
	return versions
}

// donors are the files that a version takes its table from, the first one first.
func (m *meta) donors(group []*measured, version string) []*measured {
	var own, named, older *measured
	for _, f := range group {
		name := path.Join(path.Dir(path.Dir(f.name)), version, strings.TrimSuffix(path.Base(f.name), ".parquet"))
		switch {
		case f.version == version:
			own = f
		case f.version == m.reuse[name]:
			named = f
		case perftables.CompareVersions(f.version, version) <= 0 && (older == nil || perftables.CompareVersions(f.version, older.version) > 0):
			older = f
		}
	}
	if own == nil && named == nil {
		named = older
	}
	return slices.DeleteFunc([]*measured{own, named}, func(f *measured) bool { return f == nil })
}
