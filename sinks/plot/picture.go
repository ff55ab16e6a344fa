package plot

import (
	xfont "golang.org/x/image/font"
	gonumplot "gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

const margin = vg.Length(12) // points around everything

// picture is everything that is drawn, checked and ready.
type picture struct {
	Options
	fronts []front
	marks  []Mark
}

// draw lays out title, legend and plot from top to bottom.
func (p picture) draw(c draw.Canvas) {
	c = draw.Crop(c, margin, -margin, margin, -margin)
	top := c.Max.Y
	if p.Title != "" {
		sty := textStyle(13, xfont.WeightBold)
		sty.YAlign = draw.YTop
		title := fit(sty, p.Title, c.Size().X)
		c.FillText(sty, vg.Point{X: c.Min.X, Y: top}, title)
		top -= sty.Height(title) + 7
	}
	third := int(c.Size().Y / 3 / legendLine) // at least 3 at the least height
	entries, height := layLegend(p.fronts, c.Size().X, third)
	drawLegend(c, entries, c.Min.X, top)
	if height > 0 {
		top -= height + 6
	}
	p.plot().Draw(draw.Crop(c, 0, 0, 0, top-c.Max.Y))
}

// plot builds axes, grid, lines, points, limit and marks, later ones on top.
func (p picture) plot() *gonumplot.Plot {
	g := gonumplot.New()
	g.BackgroundColor = nil
	p.axes(g)
	grid := plotter.NewGrid()
	grid.Vertical.Color, grid.Horizontal.Color = gridColor, gridColor
	grid.Vertical.Width, grid.Horizontal.Width = vg.Points(0.6), vg.Points(0.6)
	g.Add(grid)
	for _, f := range p.fronts {
		g.Add(curve(f))
	}
	if p.Limit != nil {
		g.Add(limitLine(*p.Limit))
	}
	for _, m := range p.marks {
		g.Add(star(m))
	}
	if p.empty() {
		g.Add(notice("no points"))
	}
	return g
}

// empty reports whether there is neither a point nor a mark.
func (p picture) empty() bool {
	for _, f := range p.fronts {
		if len(f.points) > 0 {
			return false
		}
	}
	return len(p.marks) == 0
}

// axes sets range, ticks and text of both axes of g. The y axis starts at zero
// when no value is negative, so that heights compare as throughputs do.
func (p picture) axes(g *gonumplot.Plot) {
	x, y := newExtent(), newExtent()
	for _, f := range p.fronts {
		for _, q := range f.points {
			x.add(q.x)
			y.add(q.y)
		}
	}
	for _, m := range p.marks {
		x.add(m.X)
		y.add(m.Y)
	}
	if y.lo >= 0 && y.lo <= y.hi {
		y.add(0)
	}
	if p.Limit != nil {
		x.add(p.Limit.X)
	}
	headroom := 0.05
	if len(p.marks) > 0 {
		headroom = 0.09 // for a label above the highest star
	}
	x, y = x.padded(0.04), y.padded(headroom)
	g.X.Min, g.X.Max, g.Y.Min, g.Y.Max = x.lo, x.hi, y.lo, y.hi
	label := textStyle(11, xfont.WeightNormal)
	g.X.Label.Text = fit(label, p.XLabel, vg.Length(p.Width)*vg.Inch/dpi-4*margin)
	g.Y.Label.Text = fit(label, p.YLabel, vg.Length(p.Height)*vg.Inch/dpi/2)
	for _, a := range []*gonumplot.Axis{&g.X, &g.Y} {
		a.Padding = 0
		a.Color, a.Tick.Color = softInk, softInk
		a.Width, a.Tick.Width = vg.Points(0.8), vg.Points(0.8)
		a.Tick.Length = vg.Points(4)
		a.Label.Padding = vg.Points(4)
		a.Label.TextStyle.Font = label.Font
		a.Tick.Label.Font = textStyle(9.5, xfont.WeightNormal).Font
		a.Label.TextStyle.Color, a.Tick.Label.Color = ink, ink
	}
	g.X.Tick.Marker, g.Y.Tick.Marker = ticks{max(3, p.Width/90)}, ticks{max(3, p.Height/50)}
	if p.empty() {
		g.X.Tick.Marker, g.Y.Tick.Marker = gonumplot.ConstantTicks(nil), gonumplot.ConstantTicks(nil)
	}
}
