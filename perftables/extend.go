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
//
// All of it happens in one array over every key that the grid can end up with:
// building the grids is most of what the first answer of a process waits for.

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

// filling is a table on its way to a grid.
type filling struct {
	x, y, z []int     // every key, measured or targeted, rising
	v       []float64 // v[(ix*len(y)+iy)*len(z)+iz], ms; NaN: nothing is there
	rows    []bool    // rows[ix*len(y)+iy]: the plane has that row, if an empty one
	planes  []bool
	has     []bool // scratch: where a row has values
}

// newFilling places measured rows, which come sorted, passed through clamp (nil =
// keep).
func newFilling(rows []Row, to targets, clamp func(x, y, z, v float64) float64) *filling {
	f := &filling{x: axisOf(rows, 0, to.x), y: axisOf(rows, 1, to.y), z: axisOf(rows, 2, to.z)}
	f.planes, f.rows = make([]bool, len(f.x)), make([]bool, len(f.x)*len(f.y))
	f.v, f.has = make([]float64, len(f.rows)*len(f.z)), make([]bool, len(f.z))
	for i := range f.v {
		f.v[i] = math.NaN()
	}
	ix, iy, iz := 0, 0, 0
	for i := range rows {
		c := &rows[i].Coords
		ix, iy, iz = seekKey(f.x, ix, c[0]), seekKey(f.y, iy, c[1]), seekKey(f.z, iz, c[2])
		f.planes[ix], f.rows[ix*len(f.y)+iy] = true, true
		v := rows[i].Latency
		if clamp != nil {
			v = clamp(float64(c[0]), float64(c[1]), float64(c[2]), v)
		}
		f.row(ix, iy)[iz] = v
	}
	return f
}

// axisOf returns the targets and the d-th coordinates of the rows, rising.
func axisOf(rows []Row, d int, targets []int) []int {
	axis := slices.Sorted(slices.Values(targets))
	at := 0
	for i := range rows {
		k := rows[i].Coords[d]
		if at = seekKey(axis, at, k); at == len(axis) || axis[at] != k {
			axis = slices.Insert(axis, at, k)
		}
	}
	return axis
}

// seekKey returns where k is on an axis, or belongs, looking from place i on first:
// keys mostly rise.
func seekKey(axis []int, i, k int) int {
	if i >= len(axis) || axis[i] > k {
		i = 0
	}
	for i < len(axis) && axis[i] < k {
		i++
	}
	return i
}

func (f *filling) row(ix, iy int) []float64 {
	at := (ix*len(f.y) + iy) * len(f.z)
	return f.v[at : at+len(f.z)]
}

// rowsOf says which rows a plane has.
func (f *filling) rowsOf(ix int) []bool { return f.rows[ix*len(f.y) : (ix+1)*len(f.y)] }

// extend fills the table to the targets. A row with a single measurement cannot be
// extended along z and stays as it is; a key for which fewer than two neighbours
// exist is left out.
func (f *filling) extend(to targets) {
	for ix := range f.x {
		if f.planes[ix] {
			f.extendPlane(ix, to)
		}
	}
	known := count(f.planes)
	for _, x := range to.x {
		ix := seekKey(f.x, 0, x)
		if f.planes[ix] || known < 2 {
			continue
		}
		a, b := pairFor(f.planes, ix)
		inA, inB := f.rowsOf(a), f.rowsOf(b)
		for iy, there := range inA {
			if there && inB[iy] {
				between(f.row(ix, iy), f.row(a, iy), f.row(b, iy), f.x[a], f.x[b], x, false)
				f.rowsOf(ix)[iy] = true
			}
		}
		f.planes[ix] = true
		known++
	}
}

func (f *filling) extendPlane(ix int, to targets) {
	there := f.rowsOf(ix)
	for iy := range there {
		if there[iy] {
			f.extendRow(f.row(ix, iy), to.z)
		}
	}
	known := count(there)
	for _, y := range to.y {
		iy := seekKey(f.y, 0, y)
		if there[iy] || known < 2 {
			continue
		}
		a, b := pairFor(there, iy)
		between(f.row(ix, iy), f.row(ix, a), f.row(ix, b), f.y[a], f.y[b], y, to.root)
		there[iy] = true
		known++
	}
}

func (f *filling) extendRow(row []float64, targets []int) {
	for i, v := range row {
		f.has[i] = !math.IsNaN(v)
	}
	if count(f.has) < 2 {
		return
	}
	at := 0
	for _, z := range targets {
		if at = seekKey(f.z, at, z); f.has[at] {
			continue
		}
		a, b := pairFor(f.has, at)
		row[at] = lerp(float64(f.z[a]), float64(f.z[b]), row[a], row[b], float64(z))
		f.has[at] = true
	}
}

func count(has []bool) int {
	n := 0
	for _, h := range has {
		if h {
			n++
		}
	}
	return n
}

// pairFor returns the pair of keys that answers for one that is not there, of at
// least two: the pair around it, or the outer pair on its side.
func pairFor(has []bool, i int) (a, b int) {
	a, b = before(has, i), after(has, i)
	switch {
	case a < 0:
		a, b = b, after(has, b)
	case b == len(has):
		a, b = before(has, a), a
	}
	return a, b
}

func before(has []bool, i int) int {
	for i--; i >= 0 && !has[i]; i-- {
	}
	return i
}

func after(has []bool, i int) int {
	for i++; i < len(has) && !has[i]; i++ {
	}
	return i
}

// between makes the row at key k from the rows at k0 and k1, for the z that both
// have.
func between(dst, a, b []float64, k0, k1, k int, root bool) {
	x0, x1, x := float64(k0), float64(k1), float64(k)
	for i, f0 := range a {
		f1 := b[i]
		if math.IsNaN(f0) || math.IsNaN(f1) {
			continue
		}
		if root {
			v := lerp(x0, x1, math.Sqrt(f0), math.Sqrt(f1), x)
			dst[i] = v * v
		} else {
			dst[i] = lerp(x0, x1, f0, f1, x)
		}
	}
}

// grid keeps the keys that something is at, and passes every cell through clamp (nil
// = keep).
func (f *filling) grid(clamp func(x, y, z, v float64) float64) *grid {
	hasY, hasZ := make([]bool, len(f.y)), make([]bool, len(f.z))
	for at, there := range f.rows {
		if !there {
			continue
		}
		iy := at % len(f.y)
		hasY[iy] = true
		for iz, v := range f.v[at*len(f.z) : (at+1)*len(f.z)] {
			hasZ[iz] = hasZ[iz] || !math.IsNaN(v)
		}
	}
	g := &grid{x: kept(f.x, f.planes), y: kept(f.y, hasY), z: kept(f.z, hasZ)}
	g.v = f.v[:0] // cells only move to the front
	for ix, x := range f.x {
		for iy, y := range f.y {
			if !f.planes[ix] || !hasY[iy] {
				continue
			}
			for iz, v := range f.row(ix, iy) {
				if !hasZ[iz] {
					continue
				}
				if clamp != nil && !math.IsNaN(v) {
					v = clamp(float64(x), float64(y), float64(f.z[iz]), v)
				}
				g.v = append(g.v, v)
			}
		}
	}
	return g
}

// kept returns the keys that are there.
func kept(keys []int, has []bool) []float64 {
	f := make([]float64, 0, len(keys))
	for i, k := range keys {
		if has[i] {
			f = append(f, float64(k))
		}
	}
	return f
}
