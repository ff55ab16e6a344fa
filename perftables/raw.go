package perftables

import (
	"math"
	"slices"
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

	// GenerationRaw answers measured points exactly, and others by how far the
	// measured kernels around them are from the speed of light. Outside of the
	// measurements that ratio is held at the boundary.
	GenerationRaw Generation = "raw"
)

// Generations lists them.
func Generations() []string { return []string{string(GenerationGrid), string(GenerationRaw)} }

// rawGrid is a slice of a gridded kind as measured, over the rectangle of its
// axes. It stores ratios: a latency over the kernel's floor plus its speed of
// light. The floor is the least latency of the slice, which is what launching
// costs. A ratio changes slowly where a latency changes by decades, so straight
// lines over the logarithms of the axes describe it.
type rawGrid struct {
	axes  [3][]float64 // strictly rising
	logs  [3][]float64 // position on the axis; see position
	ratio []float64    // [(ix*len(y)+iy)*len(z)+iz]; NaN where nothing is measured
	floor float64      // ms
	sol   bound
}

// position is where a coordinate stands on an axis. Coordinates may be 0.
func position(x float64) float64 { return math.Log1p(x) }

func newRawGrid(rows []Row, sol bound) *rawGrid {
	g := &rawGrid{sol: sol, floor: math.Inf(1)}
	for d := range g.axes {
		axis := make([]int, len(rows))
		for i, r := range rows {
			axis[i] = r.Coords[d]
		}
		slices.Sort(axis)
		g.axes[d] = floats(slices.Compact(axis))
		for _, x := range g.axes[d] {
			g.logs[d] = append(g.logs[d], position(x))
		}
	}
	for _, r := range rows {
		g.floor = min(g.floor, r.Latency)
	}
	g.ratio = make([]float64, len(g.axes[0])*len(g.axes[1])*len(g.axes[2]))
	for i := range g.ratio {
		g.ratio[i] = math.NaN()
	}
	for _, r := range rows {
		at := g.find(r)
		g.ratio[g.index(at)] = r.Latency / g.base(at)
	}
	return g
}

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

// base is what the ratio of a cell is relative to, ms.
func (g *rawGrid) base(at [3]int) float64 {
	return g.floor + g.sol(g.axes[0][at[0]], g.axes[1][at[1]], g.axes[2][at[2]])
}

// cell returns the ratio of a cell: measured, or estimated from its neighbours.
func (g *rawGrid) cell(at [3]int) float64 {
	if r := g.ratio[g.index(at)]; !math.IsNaN(r) {
		return r
	}
	return g.estimate(at)
}

// neighbour returns the index of the next measured cell on axis d in a
// direction, or -1.
func (g *rawGrid) neighbour(at [3]int, d, step int) int {
	for at[d] += step; at[d] >= 0 && at[d] < len(g.axes[d]); at[d] += step {
		if !math.IsNaN(g.ratio[g.index(at)]) {
			return at[d]
		}
	}
	return -1
}

// moved is the cell with another place on axis d.
func moved(at [3]int, d, i int) [3]int {
	at[d] = i
	return at
}

// rules are the ways to interpolate on one axis: the ratio is a straight line
// over the logarithm of the coordinate, or the latency one over the coordinate.
const rules = 2

// interpolate returns the ratio of a cell between the nearest measured ones on
// both sides of it on axis d, whatever the cell itself holds. It reports false
// where one side has none.
func (g *rawGrid) interpolate(at [3]int, d, rule int) (float64, bool) {
	low, high := g.neighbour(at, d, -1), g.neighbour(at, d, +1)
	if low < 0 || high < 0 {
		return 0, false
	}
	a, b := moved(at, d, low), moved(at, d, high)
	ra, rb := g.ratio[g.index(a)], g.ratio[g.index(b)]
	if rule == 0 {
		pos := g.logs[d]
		w := (pos[at[d]] - pos[low]) / (pos[high] - pos[low])
		return float64(ra*(1-w)) + float64(rb*w), true
	}
	x := g.axes[d]
	w := (x[at[d]] - x[low]) / (x[high] - x[low])
	return (float64(ra*g.base(a)*(1-w)) + float64(rb*g.base(b)*w)) / g.base(at), true
}

// Weights of interpolations. Source: leave-one-out errors of AIConfigurator
// 0.12.0's tables, see docs/accuracy_tables.md.
const (
	trustNoise   = 0.002 // error that repeated measurements have anyway
	trustUnknown = 0.2   // error of an interpolation that no neighbour can judge
)

// estimate returns the ratio of a cell from the measured cells that share two of
// its coordinates. Every axis with measurements on both sides interpolates by
// both rules, and each result counts by how well the same axis and rule give the
// measured neighbours of the cell back. Where no axis has both sides the nearest
// cells are held.
func (g *rawGrid) estimate(at [3]int) float64 {
	var sum, weights float64
	for d := range at {
		for rule := range rules {
			v, ok := g.interpolate(at, d, rule)
			if !ok {
				continue
			}
			e := trustNoise + g.misses(at, d, rule)
			w := 1 / (e * e * e)
			sum, weights = sum+float64(w*v), weights+w
		}
	}
	if weights > 0 {
		return sum / weights
	}
	return g.held(at)
}

// misses returns the mean error by which an axis and rule give the measured
// neighbours of a cell back.
func (g *rawGrid) misses(at [3]int, axis, rule int) float64 {
	var sum, n float64
	for d := range at {
		for _, step := range [2]int{-1, +1} {
			i := g.neighbour(at, d, step)
			if i < 0 {
				continue
			}
			near := moved(at, d, i)
			if v, ok := g.interpolate(near, axis, rule); ok {
				sum, n = sum+math.Abs(v/g.ratio[g.index(near)]-1), n+1
			}
		}
	}
	if n == 0 {
		return trustUnknown
	}
	return sum / n
}

// held returns the ratio of the nearest measured cells on the axes, nearer ones
// counting more; of the nearest measured cell where no axis has one.
func (g *rawGrid) held(at [3]int) float64 {
	var sum, weights float64
	for d := range at {
		for _, step := range [2]int{-1, +1} {
			if i := g.neighbour(at, d, step); i >= 0 {
				w := 1 / math.Abs(g.logs[d][i]-g.logs[d][at[d]])
				sum, weights = sum+float64(w*g.ratio[g.index(moved(at, d, i))]), weights+w
			}
		}
	}
	if weights > 0 {
		return sum / weights
	}
	best, ratio := math.Inf(1), math.NaN()
	for x := range g.axes[0] {
		for y := range g.axes[1] {
			for z := range g.axes[2] {
				r := g.ratio[g.index([3]int{x, y, z})]
				if math.IsNaN(r) {
					continue
				}
				dx, dy, dz := g.logs[0][x]-g.logs[0][at[0]], g.logs[1][y]-g.logs[1][at[1]], g.logs[2][z]-g.logs[2][at[2]]
				if dist := float64(dx*dx) + float64(dy*dy) + float64(dz*dz); dist < best {
					best, ratio = dist, r
				}
			}
		}
	}
	return ratio
}

// at returns the latency at a point, ms. It is exact on measured points; beyond
// the axes the ratio is that of the boundary.
func (g *rawGrid) at(x, y, z float64) float64 {
	ix, wx := locate(g.axes[0], g.logs[0], x)
	iy, wy := locate(g.axes[1], g.logs[1], y)
	iz, wz := locate(g.axes[2], g.logs[2], z)
	row := func(x, y int) float64 {
		return blend(wz, func(i int) float64 { return g.cell([3]int{x, y, iz + i}) })
	}
	plane := func(x int) float64 { return blend(wy, func(i int) float64 { return row(x, iy+i) }) }
	return blend(wx, func(i int) float64 { return plane(ix + i) }) * (g.floor + g.sol(x, y, z))
}

// blend mixes the values at 0 and 1; at weight 0 the second is not asked for.
func blend(w float64, value func(i int) float64) float64 {
	if w == 0 {
		return value(0)
	}
	return float64(value(0)*(1-w)) + float64(value(1)*w)
}

// locate finds the place of a coordinate: an index, and how far it is to the
// next one on the way of their positions, 0 to 1. Beyond the axis it is the
// boundary.
func locate(axis, positions []float64, x float64) (int, float64) {
	last := len(axis) - 1
	switch {
	case x <= axis[0]:
		return 0, 0
	case x >= axis[last]:
		return last, 0
	}
	i := segment(axis, x)
	if x == axis[i] {
		return i, 0
	}
	return i, (position(x) - positions[i]) / (positions[i+1] - positions[i])
}
