package perftables

import (
	"errors"
	"math"
	"strconv"
)

// AttentionShape fixes one GPU's share of an attention layer.
type AttentionShape struct {
	Heads, KVHeads int // on this GPU
	HeadDim        int
	Window         int       // sliding window in tokens, 0 = none
	KV             KVQuant   // format of the KV cache
	FMHA           FMHAQuant // format of context attention
}

// kvKey spells the number of KV heads as the tables do: 0 when every head has
// its own.
func (a AttentionShape) kvKey() string {
	if a.KVHeads == a.Heads {
		return "0"
	}
	return strconv.Itoa(a.KVHeads)
}

// ContextAttention is the attention of a context phase with fixed heads.
type ContextAttention struct {
	measured *slab
	raw      *rawSurface                            // instead of measured, for generation raw
	formula  func(b, fresh, prefix float64) float64 // nil: none
}

// ContextAttention returns the attention kernel of a context phase.
func (db *Database) ContextAttention(a AttentionShape) (*ContextAttention, error) {
	if err := a.check(); err != nil {
		return nil, err
	}
	sol := db.System.solContextAttention(a.FMHA, a.KV, a.Window, a.HeadDim, db.fallbackKVHeads(KindContextAttention, a))
	return db.contextKernel(KindContextAttention, a.Heads, sol, contextAttentionEfficiency,
		string(a.FMHA), string(a.KV), a.kvKey(), strconv.Itoa(a.HeadDim), strconv.Itoa(a.Window))
}

func (a AttentionShape) check() error {
	if a.KVHeads > a.Heads {
		return noData("%d KV heads for %d heads", a.KVHeads, a.Heads)
	}
	return nil
}

// fallbackKVHeads is the number of KV heads that formulas count with that many
// heads. The reference looks a table up under 0 KV heads when every head has its
// own, and its fall-back to the formula then still counts 0, unless there is no
// table at all. Raw tables do not follow it there.
func (db *Database) fallbackKVHeads(kind Kind, a AttentionShape) func(heads float64) float64 {
	n := float64(a.KVHeads)
	if a.KVHeads == a.Heads {
		if db.Generation == GenerationRaw {
			return func(heads float64) float64 { return heads }
		}
		if db.Mode == Hybrid && db.tables[kind] != nil {
			n = 0
		}
	}
	return func(float64) float64 { return n }
}

// contextKernel makes the context kernel of the database's mode.
func (db *Database) contextKernel(kind Kind, heads int, solOf contextBound, efficiency float64, key ...string) (*ContextAttention, error) {
	sol := func(b, fresh, prefix float64) float64 { return solOf(float64(heads), b, fresh, prefix) }
	c := &ContextAttention{}
	var err error
	if db.Generation == GenerationRaw && db.measuredMode() {
		c.raw, err = db.rawContext(kind, heads, solOf, key...)
		if c.raw != nil {
			return c, nil
		}
		err = db.unlessHybrid(err)
	} else {
		c.measured, err = db.measuredSlab(kind, heads, key...)
	}
	if err != nil {
		return nil, err
	}
	switch db.Mode {
	case SOL:
		c.formula = sol
	case Empirical, Hybrid:
		c.formula = func(b, fresh, prefix float64) float64 { return sol(b, fresh, prefix) / efficiency }
	}
	return c, nil
}

// unlessHybrid drops the error of a missing measurement where formulas stand in
// for it.
func (db *Database) unlessHybrid(err error) error {
	var missing *NoDataError
	if db.Mode == Hybrid && errors.As(err, &missing) {
		return nil
	}
	return err
}

// measuredSlab finds the planes that answer for the heads; nil without error
// where the mode answers by a formula.
func (db *Database) measuredSlab(kind Kind, heads int, key ...string) (*slab, error) {
	if !db.measuredMode() {
		return nil, nil
	}
	g, err := db.grid(kind, key...)
	var missing *NoDataError
	if errors.As(err, &missing) && db.Mode == Hybrid {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	s, ok := g.slabAt(float64(heads))
	if !ok {
		if db.Mode == Hybrid {
			return nil, nil
		}
		return nil, noData("%s %s: %d heads lie outside of %g…%g, which is measured for %s", db, kind, heads, g.x[0], g.x[len(g.x)-1], describe(kind, key))
	}
	return &s, nil
}

// At returns the latency in ms for b sequences of fresh new tokens each after
// prefix cached ones. It reports false where nothing is known.
func (c *ContextAttention) At(b, fresh, prefix float64) (float64, bool) {
	if c.raw != nil {
		return c.raw.at(b, fresh, prefix), true
	}
	if c.measured != nil {
		full := fresh + prefix
		if v, ok := c.measured.at(full, b, cubic); ok {
			// The kernel was measured without a prefix: keep the share of the score
			// matrix that is really computed.
			return v * ((float64(full*full) - float64(prefix*prefix)) / (full * full)), true
		}
	}
	if c.formula != nil {
		return c.formula(b, fresh, prefix), true
	}
	return 0, false
}

// Lengths returns the tokens, cached ones included, between which b sequences
// have an answer.
func (c *ContextAttention) Lengths(b float64) (shortest, longest float64) {
	switch {
	case c.raw != nil || c.formula != nil:
		return math.Inf(-1), math.Inf(1)
	case c.measured == nil || len(c.measured.g.y) < 2 || !within(c.measured.g.z, b):
		return math.Inf(1), math.Inf(-1)
	}
	y := c.measured.g.y
	return y[0], y[len(y)-1]
}

// GenerationAttention is the attention of a decode step with fixed heads.
type GenerationAttention struct {
	measured *slab
	formula  func(b, length float64) float64 // nil: none
}

// GenerationAttention returns the attention kernel of a decode step.
func (db *Database) GenerationAttention(a AttentionShape) (*GenerationAttention, error) {
	if err := a.check(); err != nil {
		return nil, err
	}
	kvHeads := db.fallbackKVHeads(KindGenerationAttention, a)
	kv := kvFormats[a.KV]
	sol := func(heads, b, length float64) float64 {
		return db.System.solGenerationAttention(kv, b, length, heads, kvHeads(heads), float64(a.Window), float64(a.HeadDim))
	}
	return db.generationKernel(KindGenerationAttention, a.Heads, sol, generationAttentionEfficiency,
		string(a.KV), a.kvKey(), strconv.Itoa(a.HeadDim), strconv.Itoa(a.Window))
}

// generationKernel makes the generation kernel of the database's mode.
func (db *Database) generationKernel(kind Kind, heads int, solOf bound, efficiency float64, key ...string) (*GenerationAttention, error) {
	sol := func(b, length float64) float64 { return solOf(float64(heads), b, length) }
	g := &GenerationAttention{}
	var err error
	if db.Generation == GenerationRaw && db.measuredMode() {
		g.measured, err = db.rawGeneration(kind, heads, key...)
		if g.measured != nil && db.Mode == Silicon {
			return g, nil
		}
		err = db.unlessHybrid(err)
	} else {
		g.measured, err = db.measuredSlab(kind, heads, key...)
	}
	if err != nil {
		return nil, err
	}
	switch db.Mode {
	case SOL:
		g.formula = sol
	case Empirical, Hybrid:
		g.formula = func(b, length float64) float64 { return sol(b, length) / efficiency }
	}
	return g, nil
}

// At returns the latency in ms for b sequences whose KV length, new token
// included, is length. It reports false where nothing is known.
func (g *GenerationAttention) At(b, length float64) (float64, bool) {
	if g.measured != nil {
		if v, ok := g.measured.at(b, length, bilinear); ok {
			return v, true
		}
	}
	if g.formula != nil {
		return g.formula(b, length), true
	}
	return 0, false
}

// Batches returns the batch sizes between which the latency is a straight line,
// whatever the length; nil where a formula has a say.
func (g *GenerationAttention) Batches() []float64 {
	if g.formula != nil {
		return nil
	}
	return g.measured.g.y
}

// AddColumn adds weight x latency at KV length s to dst, one entry per
// [GenerationAttention.Batches]. It reports false when s is out of range.
func (g *GenerationAttention) AddColumn(dst []float64, s, weight float64) bool {
	grid, m := g.measured.g, g.measured
	if !within(grid.z, s) {
		return false
	}
	iz := segment(grid.z, s)
	z0, z1 := grid.z[iz], grid.z[iz+1]
	nz := len(grid.z)
	left := grid.plane(m.ix)
	var right []float64
	if !m.single {
		right = grid.plane(m.ix + 1)
	}
	for i := range dst {
		at := i*nz + iz
		v := (float64(left[at]*(z1-s)) + float64(left[at+1]*(s-z0))) / (z1 - z0)
		if right != nil {
			r := (float64(right[at]*(z1-s)) + float64(right[at+1]*(s-z0))) / (z1 - z0)
			v = lerp(grid.x[m.ix], grid.x[m.ix+1], v, r, m.x)
		}
		dst[i] += float64(weight * v)
	}
	return true
}
