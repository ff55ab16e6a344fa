package importer

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"runtime"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"servegrid/internal/suggest"
	"servegrid/perftables"
)

// Options say how a source is read.
type Options struct {
	Source     string                // where the measurements come from, kept in each table; "" = the name of what is read
	Generation perftables.Generation // "" = as the layout is: grid for the text of AIConfigurator 0.6.0, raw for the rest

	// Of a single table whose path does not say what it is.
	System, Backend, Version string
	Kind                     string

	Known []perftables.System // systems whose descriptions the source need not have
}

// Package is what an import found, ready to be installed.
type Package struct {
	Source     string
	Generation perftables.Generation
	Systems    []perftables.System
	Tables     map[string][]byte // packed tables by <system>/<backend>/<version>/<kind>.tbl
	Files      []FileReport      // one for each file with measurements, by name
}

// FileReport says what became of one file with measurements.
type FileReport struct {
	File   string   `json:"file"`
	Rows   int      `json:"rows,omitempty"` // measurements in it
	Kept   int      `json:"kept,omitempty"` // with different keys
	Tables []string `json:"tables,omitempty"`

	// Partial: the source says that its measurement is not complete.
	Partial bool `json:"partial,omitempty"`

	Reason string `json:"reason,omitempty"` // why it is in no table
}

// measured is a file with measurements and what its path says about it.
type measured struct {
	name                     string
	family                   string // "" in the layout of 0.6.0
	system, backend, version string
	kind                     perftables.Kind
}

// group names the files of one system, backend and kind.
func (m *measured) group() string { return path.Join(m.system, m.backend, string(m.kind)) }

func (m *measured) table() string {
	return path.Join(m.system, m.backend, m.version, string(m.kind)+".tbl")
}

// systemNames maps names that AIConfigurator changed to those that stay.
var systemNames = map[string]string{"gb200": "gb200_sxm"}

func canonicalSystem(name string) string {
	if n, ok := systemNames[name]; ok {
		return n
	}
	return name
}

// collectives are the folders beside the backends.
var collectives = []string{"nccl", "oneccl"}

// classify reads a path: …/<system>/<backend>/<version>/<kind>_perf.txt (0.6.0)
// or …/<system>/<family>/<backend>/<version>/<kind>_perf.parquet (0.12.0). It
// reports false for a file without measurements.
func classify(name string, o *Options) (measured, bool) {
	kind, ok := kindOfFile(path.Base(name))
	if !ok {
		return measured{}, false
	}
	m := measured{name: name, kind: kind}
	parts := strings.Split(path.Dir(name), "/")
	n := len(parts)
	switch {
	case o.System != "":
		m.system, m.backend, m.version = o.System, o.Backend, o.Version
		if o.Kind != "" {
			m.kind = perftables.Kind(o.Kind)
		}
		return m, true
	case n < 3 || !slices.Contains(slices.Concat(perftables.Backends, collectives), parts[n-2]):
		return m, false
	}
	m.backend, m.version, m.system = parts[n-2], parts[n-1], parts[n-3]
	if strings.HasSuffix(name, "_perf.parquet") && n >= 4 {
		m.family, m.system = parts[n-3], parts[n-4]
	}
	if m.backend == "oneccl" {
		m.backend = "nccl"
		if m.kind == "oneccl" {
			m.kind = perftables.KindNCCL
		}
	}
	m.system = canonicalSystem(m.system)
	return m, true
}

// Import reads every table of a source. What is in it and not used is in the
// report; a file that is damaged or means something else than its name says is
// an error, and then nothing is imported.
func Import(s *Source, o Options) (*Package, error) {
	p := &Package{Source: o.Source, Generation: o.Generation, Tables: map[string][]byte{}}
	meta, err := readMeta(s)
	if err != nil {
		return nil, err
	}
	var files []measured
	for _, name := range s.Names {
		if m, ok := classify(name, &o); ok {
			files = append(files, m)
		} else if hasSuffix(name, ".parquet", "_perf.txt") {
			p.Files = append(p.Files, FileReport{File: name, Reason: "its path is not …/<system>/<backend>/<version>/<kind>"})
		}
	}
	if _, known := perftables.Shapes[perftables.Kind(o.Kind)]; o.Kind != "" && !known {
		return nil, suggest.Unknown("kind of table", o.Kind, perftables.KindNames())
	}
	for _, m := range files {
		if _, known := perftables.Shapes[m.kind]; !known && o.System != "" {
			return nil, fmt.Errorf("%s: %w; name the file <kind>.csv, or say its kind", m.name, suggest.Unknown("kind of table", string(m.kind), perftables.KindNames()))
		}
	}
	if len(files) == 0 && len(meta.systems) == 0 {
		return nil, errors.New("it has no tables (<system>/<backend>/<version>/<kind>_perf.txt or .parquet) and no description of a system")
	}
	if p.Generation == "" {
		p.Generation = perftables.GenerationRaw
		if slices.ContainsFunc(files, func(m measured) bool { return strings.HasSuffix(m.name, "_perf.txt") }) {
			p.Generation = perftables.GenerationGrid
		}
	}
	if err := p.chooseSystems(files, meta, o.Known); err != nil {
		return nil, err
	}
	uses := plan(files, meta, p.Systems)
	if err := p.readTables(s, files, uses, meta); err != nil {
		return nil, err
	}
	slices.SortFunc(p.Files, func(a, b FileReport) int { return strings.Compare(a.File, b.File) })
	return p, nil
}

// chooseSystems collects the figures of every system that has tables, and of
// those that the source only describes.
func (p *Package) chooseSystems(files []measured, meta *meta, known []perftables.System) error {
	var names []string
	for _, m := range files {
		if !slices.Contains(names, m.system) {
			names = append(names, m.system)
		}
	}
	p.Systems = slices.Clone(meta.systems)
	for _, name := range names {
		has := func(s perftables.System) bool { return s.Name == name }
		if slices.ContainsFunc(p.Systems, has) {
			continue
		}
		i := slices.IndexFunc(known, has)
		if i < 0 {
			var valid []string
			for _, s := range known {
				valid = append(valid, s.Name)
			}
			return fmt.Errorf("%w; a new system needs its description: see servegrid tables template system", suggest.Unknown("system", name, valid))
		}
		p.Systems = append(p.Systems, known[i])
	}
	slices.SortFunc(p.Systems, func(a, b perftables.System) int { return strings.Compare(a.Name, b.Name) })
	return nil
}

// readTables reads and packs the files that are used.
func (p *Package) readTables(s *Source, files []measured, uses map[string][]string, meta *meta) error {
	makes := map[string][]string{} // tables of each file
	for to, from := range uses {
		for _, name := range from {
			makes[name] = append(makes[name], to)
		}
	}
	read := make([]*perftables.Table, len(files))
	var work errgroup.Group
	work.SetLimit(runtime.GOMAXPROCS(0))
	for i, m := range files {
		if len(makes[m.name]) == 0 {
			continue
		}
		content, err := s.Read(m.name)
		if err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
		work.Go(func() error {
			rows := Rows{Fastest: p.Generation == perftables.GenerationRaw, Prefer: meta.preferred(&m, p.Systems)}
			t, err := Read(m.name, content, m.kind, rows)
			if err != nil {
				return fmt.Errorf("%s: %w", m.name, err)
			}
			t.Source = p.Source
			t.Sort() // several tables may share it
			read[i] = t
			return nil
		})
	}
	if err := work.Wait(); err != nil {
		return err
	}
	taken := map[string][]string{} // versions of the files that are used
	for i, m := range files {
		if read[i] != nil {
			taken[m.group()] = append(taken[m.group()], m.version)
		}
	}
	byName := map[string]*perftables.Table{}
	for i, m := range files {
		byName[m.name] = read[i]
		report := FileReport{File: m.name, Tables: makes[m.name]}
		if t := read[i]; t != nil {
			report.Rows, report.Kept = t.Read, t.Kept()
			report.Partial = meta.partial[strings.TrimSuffix(m.name, path.Ext(m.name))]
			slices.Sort(report.Tables)
		} else {
			report.Reason = unused(&m, taken[m.group()])
		}
		p.Files = append(p.Files, report)
	}
	return p.pack(uses, byName)
}

// pack makes the tables. Equal ones are packed once.
func (p *Package) pack(uses map[string][]string, read map[string]*perftables.Table) error {
	same := map[string][]string{} // tables by the files that they are made of
	for to, from := range uses {
		key := strings.Join(from, "\x00")
		same[key] = append(same[key], to)
	}
	var work errgroup.Group
	work.SetLimit(runtime.GOMAXPROCS(0))
	var mu sync.Mutex
	for _, tables := range same {
		from := uses[tables[0]]
		work.Go(func() error {
			t := *read[from[0]]
			for _, name := range from[1:] {
				t = merge(t, read[name])
			}
			packed, err := t.Pack()
			if err != nil {
				return fmt.Errorf("%s: %w", from[0], err)
			}
			mu.Lock()
			defer mu.Unlock()
			for _, to := range tables {
				p.Tables[to] = packed
			}
			return nil
		})
	}
	return work.Wait()
}

// merge adds the slices of another table that the first one lacks.
func merge(t perftables.Table, more *perftables.Table) perftables.Table {
	slicesOf := slices.Clone(t.Slices)
	for _, s := range more.Slices {
		if !slices.ContainsFunc(t.Slices, func(have perftables.Slice) bool { return slices.Equal(have.Key, s.Key) }) {
			slicesOf = append(slicesOf, perftables.Slice{Key: s.Key, Rows: slices.Clone(s.Rows)})
			t.Read += len(s.Rows)
		}
	}
	t.Slices = slicesOf
	return t
}

// Fill adds a table of another database to every engine version of the package
// on the same system and backend that lacks the kind.
func (p *Package) Fill(name string, t *perftables.Table) error {
	parts := strings.Split(name, "/")
	system, backend, kind := parts[0], parts[1], parts[3]
	packed, err := t.Pack()
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	for _, dir := range p.databases() {
		to := path.Join(dir, kind+".tbl")
		if _, have := p.Tables[to]; !have && strings.HasPrefix(dir, system+"/"+backend+"/") {
			p.Tables[to] = packed
		}
	}
	return nil
}

// databases lists the folders of the tables.
func (p *Package) databases() []string {
	var dirs []string
	for name := range p.Tables {
		dirs = append(dirs, path.Dir(name))
	}
	slices.Sort(dirs)
	return slices.Compact(dirs)
}

// unused says why a file is in no table; taken are the versions of the files of its
// group that are.
func unused(m *measured, taken []string) string {
	switch {
	case slices.Contains(neverRead, string(m.kind)):
		return "no formula reads this kind"
	case perftables.Shapes[m.kind].Coords == nil:
		return fmt.Sprintf("kind %q is not known", m.kind)
	}
	if len(taken) == 0 {
		return "no engine version that is offered takes it"
	}
	slices.SortFunc(taken, perftables.CompareVersions)
	what := "the engine versions that are offered take"
	if m.kind == perftables.KindNCCL {
		what = "the description of the system names"
	}
	return fmt.Sprintf("%s that of %s", what, strings.Join(slices.Compact(taken), " and "))
}

// FS returns the packed tables as a file system.
func (p *Package) FS() (fs.FS, error) {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, content := range p.Tables {
		w, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Store})
		if err != nil {
			return nil, err
		}
		if _, err := w.Write(content); err != nil {
			return nil, err
		}
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return zip.NewReader(bytes.NewReader(b.Bytes()), int64(b.Len()))
}
