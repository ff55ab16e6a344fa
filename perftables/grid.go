package perftables

import (
	"math"
	"sync/atomic"
)

// grid is an extended table as a dense rectangular array. A cell that could not
// be filled holds NaN and answers nothing.
type grid struct {
	x, y, z []float64 // strictly rising axes
	v       []float64 // v[(ix*len(y)+iy)*len(z)+iz], ms

	// slopes keeps the corner gradients of cells that were asked for, one entry
	// for each v as the low corner. Nil for kinds that do not need them or ask for
	// each cell once.
	slopes []atomic.Pointer[[4]vec]
}

func floats(v []int) []float64 {
	f := make([]float64, len(v))
	for i := range v {
		f[i] = float64(v[i])
	}
	return f
}

// plane returns the cells of the ix-th x, indexed [iy*len(z)+iz].
func (g *grid) plane(ix int) []float64 {
	n := len(g.y) * len(g.z)
	return g.v[ix*n : (ix+1)*n]
}

// within reports whether x lies on the axis. An axis with fewer than two keys
// answers nothing.
func within(axis []float64, x float64) bool {
	return len(axis) > 1 && x >= axis[0] && x <= axis[len(axis)-1]
}

// slab is the pair of neighbouring planes of a grid that answers for one fixed
// x, such as a head count. Where x is on the axis the right plane has no weight
// and is not evaluated.
type slab struct {
	g      *grid
	ix     int
	x      float64
	single bool
}

// slabAt reports false when x is outside of the grid.
func (g *grid) slabAt(x float64) (slab, bool) {
	if !within(g.x, x) {
		return slab{}, false
	}
	ix := segment(g.x, x)
	s := slab{g: g, ix: ix, x: x}
	if x == g.x[ix] {
		s.single = true
	} else if x == g.x[ix+1] {
		s.ix, s.single = ix+1, true
	}
	return s, true
}

// at evaluates both planes by f and blends them. It reports false outside of
// the (y, z) range and on cells that could not be filled.
func (s slab) at(y, z float64, f func(cell) float64) (float64, bool) {
	g := s.g
	if !within(g.y, y) || !within(g.z, z) {
		return 0, false
	}
	c := cell{y: y, z: z}
	iy, iz := segment(g.y, y), segment(g.z, z)
	c.y0, c.y1, c.z0, c.z1 = g.y[iy], g.y[iy+1], g.z[iz], g.z[iz+1]
	v := f(g.corners(c, s.ix, iy, iz))
	if !s.single {
		right := f(g.corners(c, s.ix+1, iy, iz))
		v = lerp(g.x[s.ix], g.x[s.ix+1], v, right, s.x)
	}
	return v, !math.IsNaN(v)
}

// cell is one rectangle of a plane with its corner values f[i][j] at (y_i, z_j)
// and the query point.
type cell struct {
	y0, y1, z0, z1 float64
	f00, f01       float64
	f10, f11       float64
	y, z           float64

	slopes *atomic.Pointer[[4]vec] // where to keep the corner gradients; nil: nowhere
}

// corners fills in the values of a cell of the ix-th plane.
func (g *grid) corners(c cell, ix, iy, iz int) cell {
	nz := len(g.z)
	at := (ix*len(g.y)+iy)*nz + iz
	c.f00, c.f01, c.f10, c.f11 = g.v[at], g.v[at+1], g.v[at+nz], g.v[at+nz+1]
	if g.slopes != nil {
		c.slopes = &g.slopes[at]
	}
	return c
}

// bilinear is the rule of the generation kinds.
func bilinear(c cell) float64 {
	sum := float64(c.f00*(c.y1-c.y)*(c.z1-c.z)) + float64(c.f01*(c.y1-c.y)*(c.z-c.z0)) +
		float64(c.f10*(c.y-c.y0)*(c.z1-c.z)) + float64(c.f11*(c.y-c.y0)*(c.z-c.z0))
	return sum / ((c.y1 - c.y0) * (c.z1 - c.z0))
}
