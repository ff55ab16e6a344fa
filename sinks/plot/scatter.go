package plot

import (
	"fmt"
	"io"
	"math"

	xfont "golang.org/x/image/font"
	gonumplot "gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Panel compares two quantities of one unit: points of several series on logarithmic
// axes of the same range, with the line on which both are equal. Points that are not
// positive and finite are left out.
type Panel struct {
	XLabel, YLabel string
	Series         []Series
}

// band is how far the dashed lines beside the line of equals are from it.
const band = 0.2

// Scatter draws panels side by side, under one title and one legend: series of the same
// place in their panels look the same, and are named by the first panel. A panel without
// points says so. Errors are those of [Frontier].
func Scatter(w io.Writer, format Format, title string, panels []Panel) error {
	const side = 460 // pixels
	width, height := max(minWidth, side*len(panels)), side+70
	for _, p := range panels {
		for _, s := range p.Series {
			if len(s.X) != len(s.Y) {
				return fmt.Errorf("plot scatter: series %q has %d x values and %d y values", s.Name, len(s.X), len(s.Y))
			}
		}
	}
	if err := encode(w, format, width, height, func(c draw.Canvas) { drawScatter(c, title, panels) }); err != nil {
		return fmt.Errorf("plot scatter: %w", err)
	}
	return nil
}

func drawScatter(c draw.Canvas, title string, panels []Panel) {
	c = draw.Crop(c, margin, -margin, margin, -margin)
	sty := textStyle(13, xfont.WeightBold)
	sty.YAlign = draw.YTop
	top := c.Max.Y
	title = fit(sty, title, c.Size().X)
	c.FillText(sty, vg.Point{X: c.Min.X, Y: top}, title)
	top -= sty.Height(title) + 7
	if len(panels) == 0 {
		return
	}
	var names []front
	for i, s := range panels[0].Series {
		names = append(names, front{name: s.Name, style: dotStyle(i)})
	}
	entries, height := layLegend(names, c.Size().X, 3)
	drawLegend(c, entries, c.Min.X, top)
	top -= height + 6
	wide := c.Size().X / vg.Length(len(panels))
	for i, p := range panels {
		left := vg.Length(i) * wide
		p.plot().Draw(draw.Crop(c, left, left+wide-c.Size().X-margin/2, 0, top-c.Max.Y))
	}
}

// dotStyle is the style of many small points.
func dotStyle(i int) style {
	s := styleOf(i, 1)
	s.glyph.Radius = vg.Points(1.7)
	s.line.Width = 0
	return s
}

// plot builds the axes, the lines of equals and the points of a panel.
func (p Panel) plot() *gonumplot.Plot {
	g := gonumplot.New()
	g.BackgroundColor = nil
	r := newExtent()
	layers := make([]dots, len(p.Series))
	for i, s := range p.Series {
		layers[i].style = dotStyle(i)
		for k := range s.X {
			q := point{math.Log10(s.X[k]), math.Log10(s.Y[k])}
			if q.plottable() {
				layers[i].points = append(layers[i].points, q)
				r.add(q.x)
				r.add(q.y)
			}
		}
	}
	if r.lo > r.hi {
		styleAxes(g, p.XLabel, p.YLabel, gonumplot.ConstantTicks(nil))
		g.Add(notice("no points"))
		return g
	}
	r.lo, r.hi = r.lo-0.05, r.hi+0.05
	g.X.Min, g.X.Max, g.Y.Min, g.Y.Max = r.lo, r.hi, r.lo, r.hi
	styleAxes(g, p.XLabel, p.YLabel, logTicks{})
	grid := plotter.NewGrid()
	grid.Vertical.Color, grid.Horizontal.Color = gridColor, gridColor
	g.Add(grid, equals(0), equals(math.Log10(1+band)), equals(math.Log10(1-band)))
	for _, l := range layers {
		g.Add(l)
	}
	return g
}

// styleAxes sets text and ticks of both axes of a panel.
func styleAxes(g *gonumplot.Plot, x, y string, t gonumplot.Ticker) {
	label, tick := textStyle(11, xfont.WeightNormal), textStyle(9.5, xfont.WeightNormal)
	g.X.Label.Text, g.Y.Label.Text = x, y
	for _, a := range []*gonumplot.Axis{&g.X, &g.Y} {
		a.Padding = 0
		a.Color, a.Tick.Color = softInk, softInk
		a.Label.TextStyle.Font, a.Tick.Label.Font = label.Font, tick.Font
		a.Label.TextStyle.Color, a.Tick.Label.Color = ink, ink
		a.Tick.Marker = t
	}
}

// logTicks labels 1, 2 and 5 times the powers of ten, the powers alone over a wide
// range. Values are logarithms.
type logTicks struct{}

// Ticks implements gonum's Ticker.
func (logTicks) Ticks(lo, hi float64) []gonumplot.Tick {
	steps := []float64{1, 2, 5}
	if hi-lo > 2.5 {
		steps = steps[:1]
	}
	var out []gonumplot.Tick
	for e := math.Floor(lo); e <= hi; e++ {
		for _, s := range steps {
			if v := e + math.Log10(s); v >= lo && v <= hi {
				out = append(out, gonumplot.Tick{Value: v, Label: tickLabel(s*math.Pow(10, e), math.Pow(10, math.Min(e, 0)))})
			}
		}
	}
	return out
}

// equals is the line on which y is x plus an offset; dashed beside that of equals.
type equals float64

// Plot implements gonum's Plotter.
func (e equals) Plot(c draw.Canvas, g *gonumplot.Plot) {
	x, y := g.Transforms(&c)
	sty := draw.LineStyle{Color: softInk, Width: vg.Points(0.9)}
	if e != 0 {
		sty.Width, sty.Dashes = vg.Points(0.7), []vg.Length{4, 3}
	}
	lo, hi, off := g.X.Min, g.X.Max, float64(e)
	lo, hi = max(lo, lo-off), min(hi, hi-off)
	c.StrokeLine2(sty, x(lo), y(lo+off), x(hi), y(hi+off))
}

// dots are points that no line joins.
type dots struct {
	points []point
	style  style
}

// Plot implements gonum's Plotter.
func (d dots) Plot(c draw.Canvas, g *gonumplot.Plot) {
	x, y := g.Transforms(&c)
	for _, p := range d.points {
		c.DrawGlyphNoClip(d.style.glyph, vg.Point{X: x(p.x), Y: y(p.y)})
	}
}
