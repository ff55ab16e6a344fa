package plot

import (
	"math"
	"strconv"

	gonumplot "gonum.org/v1/plot"
)

// ticks places labelled ticks at round numbers, at most about `most` of them.
type ticks struct{ most int }

// Ticks implements gonum's Ticker for lo < hi.
func (t ticks) Ticks(lo, hi float64) []gonumplot.Tick {
	const slack = 1e-9 // of a step: an end that is a tick but for rounding
	step := roundStep((hi - lo) / float64(t.most))
	first, last := math.Ceil(lo/step-slack), math.Floor(hi/step+slack)
	var out []gonumplot.Tick
	for i := 0.0; i <= float64(t.most) && first+i <= last; i++ {
		v := max(lo, min((first+i)*step, hi))
		out = append(out, gonumplot.Tick{Value: v, Label: tickLabel(v, step)})
	}
	return out
}

// roundStep is the smallest of 1, 2, 2.5 and 5 times a power of ten that is at
// least min.
func roundStep(min float64) float64 {
	unit := math.Pow(10, math.Floor(math.Log10(min)))
	for _, m := range [...]float64{1, 2, 2.5, 5} {
		if m*unit >= min {
			return m * unit
		}
	}
	return 10 * unit
}

// tickLabel formats v with just the decimals step needs, or in exponent form
// where that gets long.
func tickLabel(v, step float64) string {
	decimals := 0
	for s := step; decimals <= 4 && math.Abs(s-math.Round(s)) > 1e-6*s; decimals++ {
		s *= 10
	}
	if decimals > 4 || math.Abs(v) >= 1e7 {
		return strconv.FormatFloat(v, 'g', 4, 64)
	}
	if math.Abs(v) < step/2 {
		v = 0 // never -0
	}
	return strconv.FormatFloat(v, 'f', decimals, 64)
}

// extent is the range of values an axis has to show; empty while lo > hi.
type extent struct{ lo, hi float64 }

func newExtent() extent { return extent{math.Inf(1), math.Inf(-1)} }

// add extends e to show v.
func (e *extent) add(v float64) { e.lo, e.hi = min(e.lo, v), max(e.hi, v) }

// padded is e with room on both sides, but not below zero for values that are
// not. An empty extent gives 0 to 1; values that differ by less than a
// billionth count as equal and get a tenth on each side.
func (e extent) padded(share float64) extent {
	size := max(math.Abs(e.lo), math.Abs(e.hi))
	pad := (e.hi - e.lo) * share
	switch {
	case e.lo > e.hi:
		return extent{0, 1}
	case size < 1/maxPlotted:
		return extent{0, 1}
	case e.hi-e.lo < 1e-9*size:
		pad = size / 10
	}
	out := extent{e.lo - pad, e.hi + pad}
	if e.lo >= 0 {
		out.lo = max(out.lo, 0)
	}
	return out
}
