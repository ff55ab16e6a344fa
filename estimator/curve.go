package estimator

import (
	"cmp"
	"math"
	"slices"

	"servegrid/perftables"
)

// curve is a piecewise linear latency over a token count: the sum of operators
// of a phase that depend on nothing else. It is exact up to the order of
// additions. Nothing is known outside of [first, last].
type curve struct {
	pieces      []perftables.Piece // half-open: each one up to where the next starts
	first, last float64
}

// zero is a curve that adds nothing and knows everything.
func zero() curve {
	return curve{pieces: []perftables.Piece{{}}, last: math.Inf(1)}
}

// at returns the latency in ms at x tokens, and whether x is in range.
func (c *curve) at(x float64) (float64, bool) {
	if x < c.first || x > c.last {
		return 0, false
	}
	lo, hi := 0, len(c.pieces)
	for hi-lo > 1 {
		if mid := int(uint(lo+hi) / 2); c.pieces[mid].X <= x {
			lo = mid
		} else {
			hi = mid
		}
	}
	return c.pieces[lo].At(x), true
}

// from is at, starting at the piece that an earlier call ended at: nearly the
// right one when x changes little from call to call.
func (c *curve) from(piece *int, x float64) (float64, bool) {
	if x < c.first || x > c.last {
		return 0, false
	}
	*piece = seek(c.pieces, *piece, x)
	return c.pieces[*piece].At(x), true
}

// seek returns the index of the piece around x, looking from piece i on.
func seek(pieces []perftables.Piece, i int, x float64) int {
	for i > 0 && pieces[i].X > x {
		i--
	}
	for i+1 < len(pieces) && pieces[i+1].X <= x {
		i++
	}
	return i
}

// scaledCurve is scale x a kernel at x x perToken, as a curve over x.
func scaledCurve(p *perftables.Pieces, perToken, scale float64) curve {
	c := curve{first: p.First / perToken, last: p.Last / perToken}
	for i, q := range p.List {
		x := q.X / perToken
		// A piece that starts just above another one still does.
		if i > 0 && x <= c.pieces[i-1].X {
			x = math.Nextafter(c.pieces[i-1].X, math.Inf(1))
		}
		c.pieces = append(c.pieces, perftables.Piece{X: x, Value: q.Value * scale, Slope: q.Slope * perToken * scale})
	}
	return c
}

// fold adds curves up.
func fold(curves []curve) curve {
	sum := zero()
	if len(curves) == 0 {
		return sum
	}
	sum.pieces = sum.pieces[:0]
	var starts []float64
	for _, c := range curves {
		sum.first, sum.last = max(sum.first, c.first), min(sum.last, c.last)
		for _, p := range c.pieces {
			starts = append(starts, p.X)
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
		p := perftables.Piece{X: x}
		for i := range curves {
			pieces := curves[i].pieces
			at, exact := slices.BinarySearchFunc(pieces, x, func(p perftables.Piece, x float64) int { return cmp.Compare(p.X, x) })
			if !exact {
				at--
			}
			p.Value += pieces[at].At(x)
			p.Slope += pieces[at].Slope
		}
		sum.pieces = append(sum.pieces, p)
	}
	return sum
}
