package perftables

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"

	"servegrid/internal/lazyregexp"
	"servegrid/internal/suggest"
)

//go:embed all:data
var embedded embed.FS

// Backends lists the serving engines.
var Backends = []string{"trtllm", "vllm", "sglang"}

// Layer is one collection of packed tables, laid out as
// <system>/<backend>/<version>/<kind>.tbl, with <system>/nccl/<version>/nccl.tbl
// beside the backends.
type Layer struct {
	Name       string
	Files      fs.FS
	Generation Generation
	Systems    []System // figures of its systems
}

// Set is one or more layers of tables. A database comes whole from the first
// layer that has it; only collectives, which belong to a system, may come from a
// later one. It is safe for concurrent use.
type Set struct {
	layers []Layer
	open   memo[databaseKey, *Database]
}

type databaseKey struct{ system, backend, version string }

// EmbeddedLayer is the name of the layer that is part of the program.
const EmbeddedLayer = "embedded"

// Embedded returns the tables that are part of the program.
var Embedded = sync.OnceValue(func() *Set {
	data, err := fs.Sub(embedded, "data")
	if err != nil {
		panic(err) // the path is a constant
	}
	return NewSet(data)
})

// NewSet returns the tables below fsys, of generation grid and on the systems
// that the program knows.
func NewSet(fsys fs.FS) *Set {
	return Layers(Layer{Name: EmbeddedLayer, Files: fsys, Generation: GenerationGrid, Systems: systems})
}

// Layers returns the tables of the layers, earlier ones first.
func Layers(layers ...Layer) *Set { return &Set{layers: layers} }

// Layers lists the layers of the set.
func (s *Set) Layers() []Layer { return s.layers }

// SystemNames lists the GPU systems of all layers, each once.
func (s *Set) SystemNames() []string {
	var names []string
	for _, l := range s.layers {
		for i := range l.Systems {
			if !slices.Contains(names, l.Systems[i].Name) {
				names = append(names, l.Systems[i].Name)
			}
		}
	}
	return names
}

// system returns the figures of a system in a layer.
func (l *Layer) system(name string) (*System, bool) {
	i := slices.IndexFunc(l.Systems, func(s System) bool { return s.Name == name })
	if i < 0 {
		return nil, false
	}
	return &l.Systems[i], true
}

// versions lists the engine versions that the layer has, in no order.
func (l *Layer) versions(system, backend string) []string {
	if _, ok := l.system(system); !ok {
		return nil
	}
	entries, err := fs.ReadDir(l.Files, path.Join(system, backend))
	if err != nil {
		return nil
	}
	var versions []string
	for _, e := range entries {
		if e.IsDir() {
			versions = append(versions, e.Name())
		}
	}
	return versions
}

// Versions lists the engine versions that have tables, oldest first. It is
// empty when the backend has none on that system.
func (s *Set) Versions(system, backend string) []string {
	if !slices.Contains(Backends, backend) {
		return nil // "nccl" is a folder, not a backend
	}
	var versions []string
	for i := range s.layers {
		versions = append(versions, s.layers[i].versions(system, backend)...)
	}
	slices.Sort(versions)
	versions = slices.Compact(versions)
	slices.SortStableFunc(versions, CompareVersions)
	if len(versions) == 0 && s.unmeasured(system) {
		return []string{Unmeasured}
	}
	return versions
}

// unmeasured reports whether a system was added without any measurement: then
// every backend has a database that answers by formulas.
func (s *Set) unmeasured(system string) bool {
	added := false
	for i := range s.layers {
		l := &s.layers[i]
		if _, ok := l.system(system); !ok {
			continue
		}
		added = added || l.Name != EmbeddedLayer
		for _, b := range Backends {
			if len(l.versions(system, b)) > 0 {
				return false
			}
		}
	}
	return added
}

// Latest returns the newest version that has tables, or "".
func (s *Set) Latest(system, backend string) string {
	versions := s.Versions(system, backend)
	if len(versions) == 0 {
		return ""
	}
	// Of versions that compare equal the first in lexical order counts.
	last := versions[len(versions)-1]
	i := slices.IndexFunc(versions, func(v string) bool { return CompareVersions(v, last) == 0 })
	return versions[i]
}

// Open returns the database of one (system, backend, version). It reads table
// headers and decodes nothing.
func (s *Set) Open(system, backend, version string) (*Database, error) {
	if version == Unmeasured {
		return s.OpenUnmeasured(system, backend)
	}
	return s.open.get(databaseKey{system, backend, version}, func() (*Database, error) {
		db, err := s.load(system, backend, version)
		if err != nil {
			return nil, fmt.Errorf("open tables %s/%s/%s: %w", system, backend, version, err)
		}
		return db, nil
	})
}

// Unmeasured is the version of a database without measurements of its own.
const Unmeasured = "unmeasured"

// OpenUnmeasured returns a database for a system and backend that nothing was
// measured for. It answers in the modes that have formulas, and collectives from
// the system's own measurements.
func (s *Set) OpenUnmeasured(system, backend string) (*Database, error) {
	return s.open.get(databaseKey{system, backend, Unmeasured}, func() (*Database, error) {
		if err := s.check(system, backend); err != nil {
			return nil, err
		}
		for i := range s.layers {
			if sys, ok := s.layers[i].system(system); ok {
				return s.read(&s.layers[i], sys, backend, Unmeasured)
			}
		}
		panic("perftables: a checked system is in no layer")
	})
}

// check reports an unknown system or backend.
func (s *Set) check(system, backend string) error {
	if names := s.SystemNames(); !slices.Contains(names, system) {
		return suggest.Unknown("system", system, names)
	}
	if !slices.Contains(Backends, backend) {
		return suggest.Unknown("backend", backend, Backends)
	}
	return nil
}

func (s *Set) load(system, backend, version string) (*Database, error) {
	if err := s.check(system, backend); err != nil {
		return nil, err
	}
	for i := range s.layers {
		l := &s.layers[i]
		if slices.Contains(l.versions(system, backend), version) {
			sys, _ := l.system(system)
			return s.read(l, sys, backend, version)
		}
	}
	versions := s.Versions(system, backend)
	if len(versions) == 0 {
		return nil, errors.New("no tables are measured for this system and backend")
	}
	return nil, suggest.Unknown("version", version, versions)
}

// read opens the tables that there are.
func (s *Set) read(layer *Layer, sys *System, backend, version string) (*Database, error) {
	db := &Database{
		System: sys, Backend: backend, Version: version, Mode: Silicon, Generation: layer.Generation, Layer: layer.Name,
		store: &store{tables: map[Kind]*packed{}},
	}
	for _, kind := range kindsOf(backend) {
		dir := path.Join(sys.Name, backend, version)
		from := []Layer{*layer}
		if kind == KindNCCL {
			dir = path.Join(sys.Name, "nccl", sys.NCCLVersion)
			from = append(from, s.layers...)
		}
		name := path.Join(dir, string(kind)+".tbl")
		b, err := readFirst(from, name)
		if errors.Is(err, fs.ErrNotExist) {
			continue // queries of this kind have no data
		}
		if err != nil {
			return nil, err
		}
		p, err := openPacked(b)
		if err == nil && p.kind != kind {
			err = fmt.Errorf("%w: it holds %s", errDamaged, p.kind)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		db.tables[kind] = p
	}
	return db, nil
}

// readFirst reads a file from the first layer that has it.
func readFirst(layers []Layer, name string) ([]byte, error) {
	for _, l := range layers {
		b, err := fs.ReadFile(l.Files, name)
		if err == nil || !errors.Is(err, fs.ErrNotExist) {
			return b, err
		}
	}
	return nil, fs.ErrNotExist
}

var versionNumbers = lazyregexp.New(`\d+`)

// versionKey orders version names: by their first three numbers, then a release
// after its candidates, then the candidate's number. Suffixes such as .post2
// play no part.
func versionKey(v string) [5]int {
	v = strings.ToLower(v)
	number := func(s string) int { n, _ := strconv.Atoi(s); return n }
	if m := threeNumbers.FindStringSubmatch(v); m != nil {
		k := [5]int{number(m[1]), number(m[2]), number(m[3]), 1, 0}
		if rc := candidate.FindStringSubmatch(v); rc != nil {
			k[3], k[4] = 0, number(rc[1])
		}
		return k
	}
	if m := twoNumbers.FindStringSubmatch(v); m != nil {
		return [5]int{number(m[1]), number(m[2]), 0, 1, 0}
	}
	n := versionNumbers.FindAllString(v, 3)
	if len(n) == 0 {
		return [5]int{0, 0, 0, -1, 0}
	}
	var k [5]int
	for i := range n {
		k[i] = number(n[i])
	}
	return k
}

var (
	threeNumbers = lazyregexp.New(`(\d+)\.(\d+)\.(\d+)`)
	twoNumbers   = lazyregexp.New(`(\d+)\.(\d+)`)
	candidate    = lazyregexp.New(`rc(\d*)`)
)

// CompareVersions orders version names, see [Set.Versions].
func CompareVersions(a, b string) int {
	ka, kb := versionKey(a), versionKey(b)
	return slices.Compare(ka[:], kb[:])
}

// memo computes each value once, however many goroutines ask for it.
type memo[K comparable, V any] struct {
	mu sync.Mutex
	m  map[K]*memoEntry[V]
}

type memoEntry[V any] struct {
	once sync.Once
	v    V
	err  error
}

func (m *memo[K, V]) get(k K, compute func() (V, error)) (V, error) {
	m.mu.Lock()
	e := m.m[k]
	if e == nil {
		if m.m == nil {
			m.m = map[K]*memoEntry[V]{}
		}
		e = &memoEntry[V]{}
		m.m[k] = e
	}
	m.mu.Unlock()
	e.once.Do(func() { e.v, e.err = compute() })
	return e.v, e.err
}

// System returns the figures of a system in the first layer that has it.
func (s *Set) System(name string) (*System, bool) {
	for i := range s.layers {
		if sys, ok := s.layers[i].system(name); ok {
			return sys, true
		}
	}
	return nil, false
}
