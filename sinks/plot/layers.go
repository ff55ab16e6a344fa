package plot

import (
	"image/color"

	xfont "golang.org/x/image/font"
	gonumplot "gonum.org/v1/plot"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// curve draws one front: straight lines from point to point, then the points.
type curve front

// Plot implements gonum's Plotter.
func (f curve) Plot(c draw.Canvas, g *gonumplot.Plot) {
	x, y := g.Transforms(&c)
	at := make([]vg.Point, len(f.points))
	for i, p := range f.points {
		at[i] = vg.Point{X: x(p.x), Y: y(p.y)}
	}
	if len(at) > 1 {
		c.StrokeLines(f.style.line, at)
	}
	for _, p := range at {
		c.DrawGlyphNoClip(f.style.glyph, p)
	}
}

// limitLine is a dashed vertical line over the whole height, labelled at its
// upper end.
type limitLine Limit

// Plot implements gonum's Plotter.
func (l limitLine) Plot(c draw.Canvas, g *gonumplot.Plot) {
	x, _ := g.Transforms(&c)
	at := x(l.X)
	c.StrokeLine2(draw.LineStyle{Color: softInk, Width: vg.Points(1.1), Dashes: []vg.Length{5, 3}},
		at, c.Min.Y, at, c.Max.Y)
	drawLabel(c, textStyle(9.5, xfont.WeightNormal), vg.Point{X: at, Y: c.Max.Y - 8}, 5, l.Label)
}

// star is a mark: a five-pointed star with a white rim and its label.
type star Mark

var starShape = polygon{
	{0, 1}, {0.25, 0.34}, {0.95, 0.31}, {0.4, -0.13}, {0.59, -0.81},
	{0, -0.42}, {-0.59, -0.81}, {-0.4, -0.13}, {-0.95, 0.31}, {-0.25, 0.34},
}

const starRadius = vg.Length(8)

// Plot implements gonum's Plotter.
func (m star) Plot(c draw.Canvas, g *gonumplot.Plot) {
	x, y := g.Transforms(&c)
	at := vg.Point{X: x(m.X), Y: y(m.Y)}
	outline := starShape.path(starRadius, at)
	c.SetLineStyle(draw.LineStyle{Color: color.White, Width: vg.Points(3)})
	c.Stroke(outline)
	c.SetColor(ink)
	c.Fill(outline)
	above := at.Y + starRadius + 5
	if above > c.Max.Y-4 {
		above = at.Y - starRadius - 7
	}
	drawLabel(c, textStyle(10, xfont.WeightBold), vg.Point{X: at.X, Y: above}, 6, m.Label)
}

// drawLabel writes label on a white ground, vertically centred on at, to the
// right of it by gap, or to the left where the right has no room.
func drawLabel(c draw.Canvas, sty text.Style, at vg.Point, gap vg.Length, label string) {
	if label == "" {
		return
	}
	label = fit(sty, label, c.Size().X)
	width, height := sty.Width(label), sty.Height(label)
	left := at.X + gap
	if left+width > c.Max.X {
		left = max(c.Min.X, at.X-gap-width)
	}
	lo, hi := at.Y-height/2-1, at.Y+height/2+1
	c.SetColor(color.NRGBA{0xff, 0xff, 0xff, 0xd8})
	var ground vg.Path
	ground.Move(vg.Point{X: left - 2, Y: lo})
	ground.Line(vg.Point{X: left + width + 2, Y: lo})
	ground.Line(vg.Point{X: left + width + 2, Y: hi})
	ground.Line(vg.Point{X: left - 2, Y: hi})
	ground.Close()
	c.Fill(ground)
	sty.YAlign = draw.YCenter
	c.FillText(sty, vg.Point{X: left, Y: at.Y}, label)
}

// notice is a text in the middle of the plot.
type notice string

// Plot implements gonum's Plotter.
func (n notice) Plot(c draw.Canvas, _ *gonumplot.Plot) {
	sty := textStyle(14, xfont.WeightNormal)
	sty.Color = softInk
	sty.XAlign, sty.YAlign = draw.XCenter, draw.YCenter
	c.FillText(sty, c.Center(), string(n))
}
