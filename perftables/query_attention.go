package perftables

import (
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
type ContextAttention struct{ s slab }

// ContextAttention returns the attention kernel of a context phase.
func (db *Database) ContextAttention(a AttentionShape) (*ContextAttention, error) {
	s, err := db.attention(KindContextAttention, a,
		string(a.FMHA), string(a.KV), a.kvKey(), strconv.Itoa(a.HeadDim), strconv.Itoa(a.Window))
	return &ContextAttention{s}, err
}

// At returns the latency in ms for b sequences of s new tokens each after prefix
// cached ones. It reports false outside of the measured and extended range.
func (c *ContextAttention) At(b, s, prefix float64) (float64, bool) {
	full := s + prefix
	v, ok := c.s.at(full, b, cubic)
	// The kernel was measured without a prefix: keep the share of the score
	// matrix that is really computed.
	return v * ((float64(full*full) - float64(prefix*prefix)) / (full * full)), ok
}

// Covers reports whether b sequences of full tokens, cached ones included, are in
// range.
func (c *ContextAttention) Covers(b, full float64) bool {
	return within(c.s.g.y, full) && within(c.s.g.z, b)
}

// GenerationAttention is the attention of a decode step with fixed heads.
type GenerationAttention struct{ s slab }

// GenerationAttention returns the attention kernel of a decode step.
func (db *Database) GenerationAttention(a AttentionShape) (*GenerationAttention, error) {
	s, err := db.attention(KindGenerationAttention, a,
		string(a.KV), a.kvKey(), strconv.Itoa(a.HeadDim), strconv.Itoa(a.Window))
	return &GenerationAttention{s}, err
}

// At returns the latency in ms for b sequences whose KV length, new token
// included, is s. It reports false outside of the measured and extended range.
func (g *GenerationAttention) At(b, s float64) (float64, bool) { return g.s.at(b, s, bilinear) }

// Batches returns the batch sizes between which the latency is a straight line,
// whatever the length.
func (g *GenerationAttention) Batches() []float64 { return g.s.g.y }

// AddColumn adds weight x latency at KV length s to dst, one entry per
// [GenerationAttention.Batches]. It reports false when s is out of range.
func (g *GenerationAttention) AddColumn(dst []float64, s, weight float64) bool {
	grid := g.s.g
	if !within(grid.z, s) {
		return false
	}
	iz := segment(grid.z, s)
	z0, z1 := grid.z[iz], grid.z[iz+1]
	nz := len(grid.z)
	left := grid.plane(g.s.ix)
	var right []float64
	if !g.s.single {
		right = grid.plane(g.s.ix + 1)
	}
	for i := range dst {
		at := i*nz + iz
		v := (float64(left[at]*(z1-s)) + float64(left[at+1]*(s-z0))) / (z1 - z0)
		if right != nil {
			r := (float64(right[at]*(z1-s)) + float64(right[at+1]*(s-z0))) / (z1 - z0)
			v = lerp(grid.x[g.s.ix], grid.x[g.s.ix+1], v, r, g.s.x)
		}
		dst[i] += float64(weight * v)
	}
	return true
}

// attention finds the planes of the slice that answer for a's heads.
func (db *Database) attention(kind Kind, a AttentionShape, key ...string) (slab, error) {
	if a.KVHeads > a.Heads {
		return slab{}, noData("%d KV heads for %d heads", a.KVHeads, a.Heads)
	}
	g, err := db.grid(kind, key...)
	if err != nil {
		return slab{}, err
	}
	s, ok := g.slabAt(float64(a.Heads))
	if !ok {
		return slab{}, noData("%s %s: %d heads with %d KV heads lie outside of %g…%g", db, kind, a.Heads, a.KVHeads, g.x[0], g.x[len(g.x)-1])
	}
	return s, nil
}
