package perftables

import (
	"math"
	"slices"
	"sync/atomic"
)

// Generation says how the tables of a layer are read between and beyond their
// measured points.
type Generation string

// The generations.
const (
	// GenerationGrid extends a table to a fixed rectangular grid when it is loaded
	// and interpolates there, as AIConfigurator 0.6.0 does. The published figures
	// need it.
	GenerationGrid Generation = "grid"

	// GenerationRaw answers measured points exactly, and others by the measured ones
	// around them. Outside of the measurements the distance from the speed of light
	// is held at the boundary.
	GenerationRaw Generation = "raw"
)

// Generations lists them.
func Generations() []string { return []string{string(GenerationGrid), string(GenerationRaw)} }

// RawRevision is the revision of what generation raw answers between and beyond
// measured points. It is part of the digests of installed tables, and so of the
// keys of shards: raise it whenever an answer changes. TestRawRevision reminds of
// it.
const RawRevision = 2

// rawGrid is a slice of a gridded kind as measured, over the rectangle of its
// axes. What a latency is compared with is its base: the kernel's floor plus its
// speed of light. The floor is the least latency of the slice, which is what
// launching costs. The ratio of the two says how well the hardware is used. It is
// safe for concurrent use.
type rawGrid struct {
	axes  [3][]float64 // strictly rising
	lat   []float64    // ms, [(ix*len(y)+iy)*len(z)+iz]; NaN where nothing is measured
	log   []float64    // logarithms of lat; NaN also where it is not above 0
	bases []float64    // ms
	floor float64      // ms
	sol   bound

	estimates []atomic.Uint64 // bits of those that were asked for
}

// position is where a coordinate stands on an axis. Coordinates may be 0.
func position(x float64) float64 { return math.Log1p(x) }

func newRawGrid(rows []Row, sol bound) *rawGrid {
	g := &rawGrid{sol: sol, floor: floorOf(rows)}
	for d := range g.axes {
		axis := make([]int, len(rows))
		for i, r := range rows {
			axis[i] = r.Coords[d]
		}
		slices.Sort(axis)
		g.axes[d] = floats(slices.Compact(axis))
	}
	g.rebase()
	n := len(g.bases)
	g.lat, g.log, g.estimates = slices.Repeat([]float64{math.NaN()}, n), slices.Repeat([]float64{math.NaN()}, n), make([]atomic.Uint64, n)
	for _, r := range rows {
		g.set(g.index(g.find(r)), r.Latency)
	}
	return g
}

// floorOf is the least latency of the rows.
func floorOf(rows []Row) float64 {
	least := math.Inf(1)
	for _, r := range rows {
		least = min(least, r.Latency)
	}
	return least
}

// rebase computes the bases of all cells.
func (g *rawGrid) rebase() {
	g.bases = g.bases[:0]
	for _, x := range g.axes[0] {
		for _, y := range g.axes[1] {
			for _, z := range g.axes[2] {
				g.bases = append(g.bases, g.base(x, y, z))
			}
		}
	}
}

// set puts a measurement into a cell; NaN takes it out.
func (g *rawGrid) set(cell int, latency float64) {
	g.lat[cell], g.log[cell] = latency, math.NaN()
	if latency > 0 {
		g.log[cell] = math.Log(latency)
	}
}

// base is what latencies at a point are compared with, ms.
func (g *rawGrid) base(x, y, z float64) float64 { return g.floor + g.sol(x, y, z) }

// find returns the cell of a measured row.
func (g *rawGrid) find(r Row) (at [3]int) {
	for d := range at {
		at[d], _ = slices.BinarySearch(g.axes[d], float64(r.Coords[d]))
	}
	return at
}

func (g *rawGrid) index(at [3]int) int {
	return (at[0]*len(g.axes[1])+at[1])*len(g.axes[2]) + at[2]
}

// cell returns the latency of a cell: measured, or estimated.
func (g *rawGrid) cell(at [3]int) float64 {
	i := g.index(at)
	if v := g.lat[i]; !math.IsNaN(v) {
		return v
	}
	if bits := g.estimates[i].Load(); bits != 0 {
		return math.Float64frombits(bits)
	}
	v := g.estimate(at)
	g.estimates[i].Store(math.Float64bits(v)) // whoever else comes here finds the same
	return v
}

// neighbour returns the index of the next measured cell on axis d in a
// direction, or -1.
func (g *rawGrid) neighbour(at [3]int, d, step int) int {
	for at[d] += step; at[d] >= 0 && at[d] < len(g.axes[d]); at[d] += step {
		if !math.IsNaN(g.lat[g.index(at)]) {
			return at[d]
		}
	}
	return -1
}

// sides returns the next measured cells on both sides on axis d, and false where
// one has none.
func (g *rawGrid) sides(at [3]int, d int) (low, high int, ok bool) {
	low, high = g.neighbour(at, d, -1), g.neighbour(at, d, +1)
	return low, high, low >= 0 && high >= 0
}

// moved is the cell with another place on axis d.
func moved(at [3]int, d, i int) [3]int {
	at[d] = i
	return at
}

// at returns the latency at a point, ms. It is exact on measured points, and a
// straight line over each coordinate between them; beyond the axes the ratio is
// that of the boundary.
func (g *rawGrid) at(x, y, z float64) float64 {
	p := [3]float64{x, y, z}
	var low, high [3]int
	var weight, held [3]float64
	for d, axis := range g.axes {
		held[d] = min(max(p[d], axis[0]), axis[len(axis)-1])
		low[d], weight[d] = locate(axis, held[d])
		high[d] = min(low[d]+1, len(axis)-1)
	}
	var sum float64
	for corner := range 8 {
		at, w := low, 1.0
		for d := range at {
			if corner>>d&1 == 0 {
				w *= 1 - weight[d]
			} else {
				at[d] = high[d]
				w *= weight[d]
			}
		}
		if w > 0 {
			sum += float64(w * g.cell(at))
		}
	}
	if p == held {
		return sum
	}
	return sum * g.base(x, y, z) / g.base(held[0], held[1], held[2])
}

// locate finds a coordinate on its axis: an index, and how far it is to the next
// one, 0 to 1.
func locate(axis []float64, x float64) (int, float64) {
	last := len(axis) - 1
	if x >= axis[last] {
		return last, 0
	}
	i := segment(axis, x)
	return i, (x - axis[i]) / (axis[i+1] - axis[i])
}
