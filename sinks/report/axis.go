package report

import (
	"math"
	"strconv"
)

// intervals between the ticks of an axis; ticks are one more.
const intervals = 4

// axis is a range of values cut into equal intervals with round ends.
type axis struct{ lo, step float64 }

// newAxis returns the axis with the smallest round step that spans values.
// values must not be empty and hold magnitudes up to maxPlotted. Values that
// differ by less than a billionth count as equal and get room on both sides.
func newAxis(values []float64) axis {
	lo, hi := values[0], values[0]
	for _, v := range values {
		lo, hi = min(lo, v), max(hi, v)
	}
	size := max(math.Abs(lo), math.Abs(hi))
	if size < 1/maxPlotted {
		lo, hi, size = 0, 0, 1
	}
	if hi-lo < 1e-9*size {
		lo, hi = lo-size/10, hi+size/10
	}
	unit := math.Pow(10, math.Floor(math.Log10((hi-lo)/intervals)))
	for ; ; unit *= 10 {
		for _, m := range [...]float64{1, 1.5, 2, 2.5, 3, 4, 5, 6, 8} {
			a := axis{step: m * unit}
			a.lo = math.Floor(lo/a.step) * a.step
			if a.lo+intervals*a.step >= hi {
				return a
			}
		}
	}
}

// cell is the index of the character v falls on when n characters span the
// axis, always within [0, n).
func (a axis) cell(v float64, n int) int {
	i := math.Round((v - a.lo) / (intervals * a.step) * float64(n-1))
	return int(max(0, min(i, float64(n-1))))
}

// tickCell is the index of tick i when n characters span the axis.
func tickCell(i, n int) int {
	return int(math.Round(float64(i*(n-1)) / intervals))
}

// labels formats the ticks with just the decimals the step needs, or in
// exponent form where that gets long.
func (a axis) labels() (out [intervals + 1]string) {
	decimals, format := 0, byte('f')
	for s := a.step; decimals <= 4 && math.Abs(s-math.Round(s)) > 1e-6*s; decimals++ {
		s *= 10
	}
	if decimals > 4 || max(math.Abs(a.lo), math.Abs(a.lo+intervals*a.step)) >= 1e7 {
		decimals, format = 3, 'g'
	}
	for i := range out {
		v := a.lo + float64(i)*a.step
		if math.Abs(v) < 1e-6*a.step {
			v = 0 // not the -0 or 1e-17 that adding steps leaves behind
		}
		out[i] = strconv.FormatFloat(v, format, decimals, 64)
	}
	return out
}
