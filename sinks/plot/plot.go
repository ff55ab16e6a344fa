// Package plot draws Pareto frontiers as PNG and SVG pictures, in pure Go and
// with fonts of its own. The same input gives the same bytes. It does not know
// how a point was made or why one is marked. Functions are safe for concurrent
// use.
package plot

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"
)

// Format is a picture format.
type Format string

// The formats Frontier writes.
const (
	PNG Format = "png"
	SVG Format = "svg"
)

// Sizes in pixels of 1/96 inch.
const (
	DefaultWidth  = 800
	DefaultHeight = 500
	minWidth      = 320
	minHeight     = 240
	maxSide       = 8000 // a PNG this wide and high takes 256 MB while it is drawn
)

// maxPlotted bounds the magnitudes that are placed; no figure of a serving
// system is larger, and sums of larger ones may overflow.
const maxPlotted = 1e100

// Options say what stands around the points.
type Options struct {
	Title, XLabel, YLabel string
	Width, Height         int    // pixels; 0 means the default
	Limit                 *Limit // nil for none
}

// Limit is a bound on x, drawn as a dashed vertical line; the axis is extended
// to show it. It is left out when it is not finite or there is nothing else to
// show.
type Limit struct {
	X     float64
	Label string
}

// Series is one frontier: X and Y of equal length, in any order; the line joins
// them by ascending X. Points that are not finite, or beyond 1e100 either way,
// are left out. Neither slice is changed or kept.
type Series struct {
	Name string
	X, Y []float64
}

// Mark is a point drawn as a star with its label beside it, such as the chosen
// configuration. A mark that is not finite is left out.
type Mark struct {
	X, Y  float64
	Label string
}

// point is one place in data coordinates.
type point struct{ x, y float64 }

// plottable reports whether p can be placed.
func (p point) plottable() bool {
	return math.Abs(p.x) <= maxPlotted && math.Abs(p.y) <= maxPlotted // false for NaN
}

// Frontier draws series and marks over them and writes the picture to w in a
// few calls of w.Write. A series without points stays in the legend, which says
// so; without any point at all the picture says "no points" and is no error.
// Errors: an unknown format, X and Y of unequal length, a size outside 320x240
// to 8000x8000, and whatever w returns.
func Frontier(w io.Writer, format Format, o Options, series []Series, marks []Mark) error {
	if o.Width == 0 {
		o.Width = DefaultWidth
	}
	if o.Height == 0 {
		o.Height = DefaultHeight
	}
	if o.Width < minWidth || o.Height < minHeight || o.Width > maxSide || o.Height > maxSide {
		return fmt.Errorf("plot frontier: size %dx%d: must be %dx%d to %dx%d pixels",
			o.Width, o.Height, minWidth, minHeight, maxSide, maxSide)
	}
	fronts := make([]front, len(series))
	for i, s := range series {
		if len(s.X) != len(s.Y) {
			return fmt.Errorf("plot frontier: series %q has %d x values and %d y values", s.Name, len(s.X), len(s.Y))
		}
		fronts[i] = newFront(s, styleOf(i, len(series)))
	}
	marks = slices.DeleteFunc(slices.Clone(marks), func(m Mark) bool { return !point{m.X, m.Y}.plottable() })
	p := picture{Options: o, fronts: fronts, marks: marks}
	if p.empty() || o.Limit != nil && !(point{x: o.Limit.X}).plottable() {
		p.Limit = nil
	}
	if err := encode(w, format, o.Width, o.Height, p.draw); err != nil {
		return fmt.Errorf("plot frontier: %w", err)
	}
	return nil
}

// front is a series ready to draw: plottable points by ascending x.
type front struct {
	name   string
	points []point
	style  style
}

// newFront copies the plottable points of s in drawing order.
func newFront(s Series, st style) front {
	f := front{name: s.Name, style: st}
	for i := range s.X {
		if p := (point{s.X[i], s.Y[i]}); p.plottable() {
			f.points = append(f.points, p)
		}
	}
	slices.SortStableFunc(f.points, func(a, b point) int { return cmp.Compare(a.x, b.x) })
	if len(f.points) == 0 {
		f.name += " (no points)"
	}
	return f
}
