package perftables

import "sort"

// lerp is the rule for every one-dimensional step, inside and outside of
// [x0, x1], x0 < x1. Data that fall with x are held at the left value outside
// the interval, on both sides; data that rise are continued in a straight line.
func lerp(x0, x1, f0, f1, x float64) float64 {
	if (x0-x1)*(f0-f1) < 0 && (x-x0)*(x-x1) > 0 {
		return f0
	}
	if f0 == f1 {
		return f0
	}
	return f0 + float64((f1-f0)/(x1-x0)*(x-x0))
}

// segment returns i such that (keys[i], keys[i+1]) is the pair that answers for
// x: the pair around x, the first pair below the first key, the last pair from
// the last key on. An exact hit on an inner key is the left end of its pair.
func segment[T int | float64](keys []T, x T) int {
	i := sort.Search(len(keys), func(i int) bool { return keys[i] > x }) - 1
	return min(max(i, 0), len(keys)-2)
}

// Line is a latency that depends on one number x: a GEMM on its rows, a
// collective on its element count, an expert layer on its tokens.
type Line struct {
	X []float64 // strictly rising, at least two
	Y []float64 // latency at X, ms

	// Strict lines answer only between their first and last knot; the others
	// continue beyond both by the rule of the outer pair.
	Strict bool
}

// At returns the latency at x in ms. It reports false where a strict line has
// no answer.
func (l *Line) At(x float64) (float64, bool) {
	if l.Strict && (x < l.X[0] || x > l.X[len(l.X)-1]) {
		return 0, false
	}
	i := segment(l.X, x)
	return lerp(l.X[i], l.X[i+1], l.Y[i], l.Y[i+1], x), true
}
