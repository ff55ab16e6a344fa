package perftables

import (
	"math"
	"slices"
)

// Measured tables have holes: large batches at large lengths are missing, and
// nothing is measured beyond what fitted on the machine. extend fills a table
// to a rectangular grid over fixed target axes, first along z, then y, then x.
// Knots that were just added serve as neighbours of the next ones, so the order
// of the targets matters and is kept.

// Target axes. Source: AIConfigurator 0.6.0.
var (
	targetHeads = []int{1, 2, 3, 4, 5, 6, 8, 9, 10, 12, 14, 16, 18, 20, 24, 28, 32, 36, 40, 48, 56, 72, 96, 128} // no 64
	targetSeq   = slices.Concat([]int{1, 16, 32, 64, 128, 256, 512, 1024, 2048},
		steps(4096, 2048, 14), steps(32768, 16384, 6), steps(131072, 32768, 12), steps(524288, 65536, 9))
	// Plain and latent attention put 512 and 384 in another order, which
	// changes what 384 is computed from.
	targetContextBatch    = []int{1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 384, 1024, 2048}
	targetContextBatchMLA = []int{1, 2, 4, 8, 16, 32, 64, 128, 256, 384, 512, 1024, 2048}
	targetGenBatch        = []int{1, 2, 4, 8, 16, 32, 64, 128, 256, 384, 512, 1024, 2048, 8192}
	targetGenLength       = append(powersOfTwo(0, 18), 16777216)
	targetGEMMRows        = []int{
		1, 2, 4, 8, 16, 32, 48, 64, 80, 96, 128, 160, 192, 224, 256, 320, 384, 448, 512, 640, 768, 896, 1024,
		2048, 4096, 8192, 16384, 32768, 131072, 524288, 1048576, 16777216,
	}
	targetGEMMSides = []int{
		32, 64, 128, 256, 512, 768, 1024, 1536, 2048, 2560, 3072, 3584, 4096, 5120, 6144, 7168, 8192, 10240, 12288,
		14336, 16384, 20480, 24576, 28672, 32768, 40960, 49152, 57344, 65536, 131072, 262144,
	}
)

func steps(from, by, n int) []int {
	v := make([]int, n)
	for i := range v {
		v[i] = from + i*by
	}
	return v
}

func powersOfTwo(from, to int) []int {
	var v []int
	for e := from; e <= to; e++ {
		v = append(v, 1<<e)
	}
	return v
}

// targets are the axes that a table is extended to.
type targets struct {
	x, y, z []int
	root    bool // along y, interpolate the square root: time grows with length squared
}

// sorted is a map with integer keys kept in order.
type sorted[V any] struct {
	keys []int
	vals []V
}

func (m *sorted[V]) get(k int) (V, bool) {
	i, ok := slices.BinarySearch(m.keys, k)
	if !ok {
		var zero V
		return zero, false
	}
	return m.vals[i], true
}

func (m *sorted[V]) has(k int) bool {
	_, ok := slices.BinarySearch(m.keys, k)
	return ok
}

func (m *sorted[V]) put(k int, v V) {
	if n := len(m.keys); n == 0 || k > m.keys[n-1] { // stored rows come in order
		m.keys, m.vals = append(m.keys, k), append(m.vals, v)
		return
	}
	i, ok := slices.BinarySearch(m.keys, k)
	if ok {
		m.vals[i] = v
		return
	}
	m.keys = slices.Insert(m.keys, i, k)
	m.vals = slices.Insert(m.vals, i, v)
}

type (
	tableRow   = sorted[float64]     // z → latency
	tablePlane = sorted[*tableRow]   // y → row
	table      = sorted[*tablePlane] // x → plane
)

// lineOf returns the row at x and y, a new one where there is none.
func lineOf(t *table, x, y int) *tableRow {
	p, ok := t.get(x)
	if !ok {
		p = &tablePlane{}
		t.put(x, p)
	}
	r, ok := p.get(y)
	if !ok {
		r = &tableRow{}
		p.put(y, r)
	}
	return r
}

// extend fills t to the targets. A row with a single measurement cannot be
// extended along z and stays as it is; a key for which fewer than two neighbours
// exist is left out.
func extend(t *table, to targets) {
	for _, p := range t.vals {
		for _, r := range p.vals {
			extendRow(r, to.z)
		}
		for _, y := range to.y {
			if !p.has(y) && len(p.keys) > 1 {
				i := segment(p.keys, y)
				p.put(y, between(p.keys[i], p.keys[i+1], p.vals[i], p.vals[i+1], y, to.root))
			}
		}
	}
	for _, x := range to.x {
		if t.has(x) || len(t.keys) < 2 {
			continue
		}
		i := segment(t.keys, x)
		a, b := t.vals[i], t.vals[i+1]
		p := &tablePlane{}
		p.keys, p.vals = make([]int, 0, len(a.keys)), make([]*tableRow, 0, len(a.keys))
		for j, y := range a.keys {
			if other, ok := b.get(y); ok {
				p.put(y, between(t.keys[i], t.keys[i+1], a.vals[j], other, x, false))
			}
		}
		t.put(x, p)
	}
}

func extendRow(r *tableRow, targets []int) {
	if len(r.keys) <= 1 {
		return
	}
	for _, z := range targets {
		if !r.has(z) {
			i := segment(r.keys, z)
			r.put(z, lerp(float64(r.keys[i]), float64(r.keys[i+1]), r.vals[i], r.vals[i+1], float64(z)))
		}
	}
}

// between makes the row at key k from the rows at k0 and k1, for the z that both
// have.
func between(k0, k1 int, a, b *tableRow, k int, root bool) *tableRow {
	r := &tableRow{keys: make([]int, 0, len(a.keys)), vals: make([]float64, 0, len(a.keys))}
	at := 0 // in b
	for i, z := range a.keys {
		for at < len(b.keys) && b.keys[at] < z {
			at++
		}
		if at == len(b.keys) {
			break
		}
		if b.keys[at] != z {
			continue
		}
		f0, f1 := a.vals[i], b.vals[at]
		if root {
			f0, f1 = math.Sqrt(f0), math.Sqrt(f1)
		}
		v := lerp(float64(k0), float64(k1), f0, f1, float64(k))
		if root {
			v *= v
		}
		r.keys = append(r.keys, z)
		r.vals = append(r.vals, v)
	}
	return r
}
