package perftables

import (
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
)

// Database answers how long kernels take on one system with one version of one
// backend. It is safe for concurrent use; what it returns is shared and must not
// be changed.
type Database struct {
	System  *System
	Backend string
	Version string
	Mode    Mode

	Generation Generation // how its tables are read
	Layer      string     // the collection of tables that it is part of

	*store
}

// store holds the tables of a database and what has been decoded of them. It is
// shared by the modes.
type store struct {
	tables map[Kind]*packed
	grids  memo[gridKey, *grid]
	slices memo[gridKey, []Row] // of the kinds that no grid is made of
	lines  memo[lineKey, *Line]
	gemms  memo[gemmKey, *Line]

	raws     memo[gridKey, *rawGrid] // generation raw
	surfaces memo[planeKey, *rawSurface]
	planes   memo[planeKey, *slab]
}

// WithMode returns the same database answering in another mode.
func (db *Database) WithMode(m Mode) *Database {
	other := *db
	other.Mode = m
	return &other
}

// NoDataError says that no measurement covers a query.
type NoDataError struct{ Text string }

func (e *NoDataError) Error() string { return e.Text }

func noData(format string, args ...any) error {
	return &NoDataError{fmt.Sprintf(format, args...)}
}

// String names the database as system/backend/version.
func (db *Database) String() string {
	return db.System.Name + "/" + db.Backend + "/" + db.Version
}

// Digests lists the tables that answers may depend on, each with the digest of
// its rows, sorted by kind; for tables that were installed also how they are read
// and the figures of their system.
func (db *Database) Digests() []string {
	var d []string
	for _, kind := range slices.Sorted(maps.Keys(db.tables)) {
		p := db.tables[kind]
		d = append(d, string(kind)+":"+hex.EncodeToString(p.digest[:]))
	}
	if db.Layer != EmbeddedLayer {
		// What else answers depend on, and what the program's own revision covers
		// for embedded tables.
		read := string(db.Generation)
		if db.Generation == GenerationRaw {
			read += fmt.Sprintf(".%d", RawRevision)
		}
		d = append(d, fmt.Sprintf("read:%s %+v", read, *db.System))
	}
	return d
}

// Formats that the tables hold, in order of first appearance. An absent table
// has none.

// GEMMQuants lists the formats of the GEMM table.
func (db *Database) GEMMQuants() []GEMMQuant {
	return names[GEMMQuant](db.tables[KindGEMM], 0, nil)
}

// MoEQuants lists the formats of the expert-layer table, low-latency kernels
// aside.
func (db *Database) MoEQuants() []MoEQuant {
	return names[MoEQuant](db.tables[KindMoE], 1, func(key []string) bool { return key[0] == MoEOrdinary })
}

// FMHAQuants lists the formats of the context attention table.
func (db *Database) FMHAQuants() []FMHAQuant {
	return names[FMHAQuant](db.tables[KindContextAttention], 0, nil)
}

// KVQuants lists the KV cache formats of the generation attention table.
func (db *Database) KVQuants() []KVQuant {
	return names[KVQuant](db.tables[KindGenerationAttention], 0, nil)
}

// ContextKVQuants lists the KV cache formats that context attention was
// measured with in format q.
func (db *Database) ContextKVQuants(q FMHAQuant) []KVQuant {
	return names[KVQuant](db.tables[KindContextAttention], 1, func(key []string) bool { return key[0] == string(q) })
}

// ContextMLAQuants lists the formats of the context attention of latent
// attention. vLLM's tables have it, but the reference does not serve it there.
func (db *Database) ContextMLAQuants() []FMHAQuant {
	if db.Backend == "vllm" {
		return nil
	}
	return names[FMHAQuant](db.tables[KindContextMLA], 0, nil)
}

// GenerationMLAQuants lists the KV cache formats of the generation attention of
// latent attention.
func (db *Database) GenerationMLAQuants() []KVQuant {
	if db.Backend == "vllm" {
		return nil
	}
	return names[KVQuant](db.tables[KindGenerationMLA], 0, nil)
}

// WideEPContextMLAQuants lists the context formats of wide expert parallelism.
func (db *Database) WideEPContextMLAQuants() []FMHAQuant {
	return names[FMHAQuant](db.tables[KindWideEPContextMLA], 1, nil)
}

// WideEPGenerationMLAQuants lists the KV cache formats of wide expert
// parallelism.
func (db *Database) WideEPGenerationMLAQuants() []KVQuant {
	return names[KVQuant](db.tables[KindWideEPGenerationMLA], 1, nil)
}

// WideEPMoEQuants lists the expert formats of wide expert parallelism, of the
// context or the generation phase.
func (db *Database) WideEPMoEQuants(context bool) []MoEQuant {
	return names[MoEQuant](db.tables[wideEPMoE(context)], 1, nil)
}

func names[Q ~string](p *packed, part int, keep func(key []string) bool) []Q {
	var found []Q
	if p == nil {
		return nil
	}
	for _, s := range p.slices {
		if q := Q(s.key[part]); (keep == nil || keep(s.key)) && !slices.Contains(found, q) {
			found = append(found, q)
		}
	}
	return found
}

type gridKey struct {
	kind Kind
	key  string
}

// grid returns the extended grid of one slice. A slice that the table lacks is
// a [NoDataError].
func (db *Database) grid(kind Kind, key ...string) (*grid, error) {
	return db.grids.get(gridKey{kind, strings.Join(key, "\x00")}, func() (*grid, error) {
		rows, err := db.decode(kind, key...)
		if err != nil {
			return nil, err
		}
		return buildGrid(db.System, kind, key, rows), nil
	})
}

// slice returns one slice of a table and keeps it: many shapes ask for the same.
func (db *Database) slice(kind Kind, key ...string) ([]Row, error) {
	return db.slices.get(gridKey{kind, strings.Join(key, "\x00")}, func() ([]Row, error) { return db.decode(kind, key...) })
}

// decode decodes one slice of a table.
func (db *Database) decode(kind Kind, key ...string) ([]Row, error) {
	p := db.tables[kind]
	if p == nil {
		return nil, noData("%s has no %s table", db, kind)
	}
	s := p.find(key...)
	if s == nil {
		return nil, noData("%s %s has nothing measured for %s", db, kind, describe(kind, key))
	}
	rows, err := p.rows(s)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", db, kind, err)
	}
	return rows, nil
}

// describe words a slice key: "gemm_dtype fp8".
func describe(kind Kind, key []string) string {
	fields := Shapes[kind].Slice
	parts := make([]string, len(key))
	for i := range key {
		parts[i] = fields[i] + " " + key[i]
	}
	return strings.Join(parts, ", ")
}

// buildGrid makes the grid of a slice: clamp the measurements, extend, clamp
// again.
func buildGrid(sys *System, kind Kind, key []string, rows []Row) *grid {
	clamp := clampOf(sys, kind, key)
	to := targetsOf(kind, rows[0].Coords[0]) // rows come sorted
	f := newFilling(rows, to, clamp)
	f.extend(to)
	g := f.grid(clamp)
	switch kind {
	case KindContextAttention, KindContextMLA, KindWideEPContextMLA:
		// Plans of one model share these cells.
		g.slopes = make([]atomic.Pointer[[4]vec], len(g.v))
	}
	return g
}

// clampOf returns the rule that raises measurements below the speed of light,
// or nil for the kinds that have none.
func clampOf(sys *System, kind Kind, key []string) func(x, y, z, v float64) float64 {
	switch kind {
	case KindGEMM:
		q := gemmFormats[GEMMQuant(key[0])]
		return func(m, n, k, v float64) float64 { return max(v, sys.solGEMM(q, m, n, k)) }
	case KindGenerationAttention:
		kv := kvFormats[KVQuant(key[0])]
		kvn, headDim, window := number(key[1]), number(key[2]), number(key[3])
		return func(heads, b, s, v float64) float64 {
			kvHeads := kvn
			if kvn == 0 {
				kvHeads = heads
			}
			return max(v, sys.solGenerationAttention(kv, b, s, heads, kvHeads, window, headDim))
		}
	}
	return nil
}

// targetsOf returns the axes that a kind is extended to. first is the smallest
// measured x.
func targetsOf(kind Kind, first int) targets {
	heads := slices.DeleteFunc(slices.Clone(targetHeads), func(h int) bool { return h < first })
	switch kind {
	case KindGEMM:
		return targets{x: targetGEMMRows, y: targetGEMMSides, z: targetGEMMSides}
	case KindContextAttention:
		return targets{x: heads, y: targetSeq, z: targetContextBatch, root: true}
	case KindGenerationAttention:
		return targets{x: heads, y: targetGenBatch, z: targetGenLength}
	case KindContextMLA:
		return targets{y: targetSeq, z: targetContextBatchMLA, root: true}
	case KindWideEPContextMLA:
		return targets{y: targetSeq[1:], z: targetContextBatchMLA, root: true}
	case KindGenerationMLA, KindWideEPGenerationMLA:
		return targets{y: targetGenBatch, z: targetGenLength}
	}
	panic("perftables: " + string(kind) + " is not a gridded kind")
}

// number reads a slice key part that is a number; the importer wrote it.
func number(s string) float64 {
	n, err := strconv.Atoi(s)
	if err != nil {
		panic("perftables: slice key part " + s + " is not a number")
	}
	return float64(n)
}
