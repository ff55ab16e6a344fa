package estimator

import (
	"cmp"
	"math"
	"slices"

	"servegrid/perftables"
)

// piece is a straight line on a half-open interval that starts at x and ends
// where the next piece starts.
type piece struct {
	x, value, slope float64 // value at x, ms; slope in ms per token
}

// curve is a piecewise linear latency over a token count: the sum of all
// operators of a phase that depend on nothing else. It is exact up to the
// order of additions. Nothing is known outside of [first, last].
type curve struct {
	pieces      []piece
	first, last float64
}

// at returns the latency in ms at x tokens, and whether x is in range.
func (c *curve) at(x float64) (float64, bool) {
	if x < c.first || x > c.last {
		return 0, false
	}
	lo, hi := 0, len(c.pieces)
	for hi-lo > 1 {
		if mid := int(uint(lo+hi) / 2); c.pieces[mid].x <= x {
			lo = mid
		} else {
			hi = mid
		}
	}
	p := &c.pieces[lo]
	return p.value + float64(p.slope*(x-p.x)), true
}

// affine is the curve constant + perToken x x.
func affine(constant, perToken float64) curve {
	return curve{pieces: []piece{{0, constant, perToken}}, last: math.Inf(1)}
}

// lineCurve is scale x the line at x x perToken, as a curve over x.
func lineCurve(l *perftables.Line, perToken, scale float64) curve {
	n := len(l.X)
	slope := func(i int) float64 { return (l.Y[i+1] - l.Y[i]) / (l.X[i+1] - l.X[i]) }
	var c curve
	add := func(x, y, slope float64) {
		c.pieces = append(c.pieces, piece{x, y * scale, slope * perToken * scale})
	}
	if l.Strict {
		c.first, c.last = l.X[0]/perToken, l.X[n-1]/perToken
	} else {
		// Left of the first knot falling data are held, rising data continued.
		c.last = math.Inf(1)
		if s := slope(0); s < 0 {
			add(0, l.Y[0], 0)
		} else {
			add(0, l.Y[0]-float64(s*l.X[0]), s)
		}
	}
	for i := range n - 1 {
		add(l.X[i]/perToken, l.Y[i], slope(i))
	}
	if !l.Strict {
		// Right of the last knot falling data jump back to the knot before it.
		// The last knot itself still belongs to the pair on its left.
		x := math.Nextafter(l.X[n-1]/perToken, math.Inf(1))
		if s := slope(n - 2); s < 0 {
			add(x, l.Y[n-2], 0)
		} else {
			add(x, l.Y[n-1], s)
		}
	}
	return c
}

// fold adds curves up.
func fold(curves []curve) curve {
	sum := curve{last: math.Inf(1)}
	var starts []float64
	for _, c := range curves {
		sum.first, sum.last = max(sum.first, c.first), min(sum.last, c.last)
		for _, p := range c.pieces {
			starts = append(starts, p.x)
		}
	}
	slices.Sort(starts)
	starts = slices.Compact(starts)
	from, _ := slices.BinarySearch(starts, sum.first)
	starts = starts[from:]
	if len(starts) == 0 || starts[0] > sum.first {
		starts = slices.Insert(starts, 0, sum.first)
	}
	for _, x := range starts {
		p := piece{x: x}
		for i := range curves {
			pieces := curves[i].pieces
			at, exact := slices.BinarySearchFunc(pieces, x, func(p piece, x float64) int { return cmp.Compare(p.x, x) })
			if !exact {
				at--
			}
			q := pieces[at]
			p.value += q.value + float64(q.slope*(x-q.x))
			p.slope += q.slope
		}
		sum.pieces = append(sum.pieces, p)
	}
	return sum
}
