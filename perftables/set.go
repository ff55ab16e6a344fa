package perftables

import (
	"cmp"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"servegrid/internal/suggest"
)

//go:embed all:data
var embedded embed.FS

// Backends lists the serving engines.
var Backends = []string{"trtllm", "vllm", "sglang"}

// Set is a collection of packed tables, laid out as
// <system>/<backend>/<version>/<kind>.tbl, with <system>/nccl/<version>/nccl.tbl
// beside the backends. It is safe for concurrent use.
type Set struct {
	fsys fs.FS
	open memo[databaseKey, *Database]
}

type databaseKey struct{ system, backend, version string }

// Embedded returns the tables that are part of the program.
var Embedded = sync.OnceValue(func() *Set {
	data, err := fs.Sub(embedded, "data")
	if err != nil {
		panic(err) // the path is a constant
	}
	return NewSet(data)
})

// NewSet returns the tables below fsys.
func NewSet(fsys fs.FS) *Set { return &Set{fsys: fsys} }

// Versions lists the engine versions that have tables, oldest first. It is
// empty when the backend has none on that system.
func (s *Set) Versions(system, backend string) []string {
	if !slices.Contains(Backends, backend) {
		return nil // "nccl" is a folder, not a backend
	}
	entries, err := fs.ReadDir(s.fsys, path.Join(system, backend))
	if err != nil {
		return nil
	}
	var versions []string
	for _, e := range entries {
		if e.IsDir() {
			versions = append(versions, e.Name())
		}
	}
	slices.SortStableFunc(versions, compareVersions)
	return versions
}

// Latest returns the newest version that has tables, or "".
func (s *Set) Latest(system, backend string) string {
	versions := s.Versions(system, backend)
	if len(versions) == 0 {
		return ""
	}
	// Of versions that compare equal the first in lexical order counts.
	last := versions[len(versions)-1]
	i := slices.IndexFunc(versions, func(v string) bool { return compareVersions(v, last) == 0 })
	return versions[i]
}

// Open returns the database of one (system, backend, version). It reads table
// headers and decodes nothing.
func (s *Set) Open(system, backend, version string) (*Database, error) {
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
		sys, ok := LookupSystem(system)
		if !ok {
			return nil, suggest.Unknown("system", system, SystemNames())
		}
		if !slices.Contains(Backends, backend) {
			return nil, suggest.Unknown("backend", backend, Backends)
		}
		return s.read(sys, backend, Unmeasured)
	})
}

func (s *Set) load(system, backend, version string) (*Database, error) {
	sys, ok := LookupSystem(system)
	if !ok {
		return nil, suggest.Unknown("system", system, SystemNames())
	}
	if !slices.Contains(Backends, backend) {
		return nil, suggest.Unknown("backend", backend, Backends)
	}
	if versions := s.Versions(system, backend); !slices.Contains(versions, version) {
		if len(versions) == 0 {
			return nil, errors.New("no tables are measured for this system and backend")
		}
		return nil, suggest.Unknown("version", version, versions)
	}
	return s.read(sys, backend, version)
}

// read opens the tables that there are.
func (s *Set) read(sys *System, backend, version string) (*Database, error) {
	db := &Database{System: sys, Backend: backend, Version: version, Mode: Silicon, store: &store{tables: map[Kind]*packed{}}}
	for _, kind := range kindsOf(backend) {
		dir := path.Join(sys.Name, backend, version)
		if kind == KindNCCL {
			dir = path.Join(sys.Name, "nccl", sys.NCCLVersion)
		}
		name := path.Join(dir, string(kind)+".tbl")
		b, err := fs.ReadFile(s.fsys, name)
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

var versionNumbers = regexp.MustCompile(`\d+`)

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
	threeNumbers = regexp.MustCompile(`(\d+)\.(\d+)\.(\d+)`)
	twoNumbers   = regexp.MustCompile(`(\d+)\.(\d+)`)
	candidate    = regexp.MustCompile(`rc(\d*)`)
)

func compareVersions(a, b string) int {
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

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K {
	keys := make([]K, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
