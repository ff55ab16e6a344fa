package plot

import (
	"image/color"
	"strings"
	"unicode"

	xfont "golang.org/x/image/font"
	gonumplot "gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

var (
	ink       = color.RGBA{0x22, 0x22, 0x22, 0xff} // text
	softInk   = color.RGBA{0x66, 0x66, 0x66, 0xff} // axes, limit line
	gridColor = color.RGBA{0xda, 0xda, 0xda, 0xff}
)

// colors are those of Okabe and Ito, "Color Universal Design" (2008), told apart
// with any kind of colour blindness; their yellow is left out, too faint on
// white, and brown and grey are added.
var colors = []color.RGBA{
	{0x00, 0x72, 0xb2, 0xff}, // blue
	{0xd5, 0x5e, 0x00, 0xff}, // vermilion
	{0x00, 0x9e, 0x73, 0xff}, // green
	{0xcc, 0x79, 0xa7, 0xff}, // purple
	{0xe6, 0x9f, 0x00, 0xff}, // orange
	{0x56, 0xb4, 0xe9, 0xff}, // sky blue
	{0x7a, 0x4b, 0x2a, 0xff}, // brown
	{0x55, 0x55, 0x55, 0xff}, // grey
}

var shapes = []draw.GlyphDrawer{
	draw.CircleGlyph{},
	draw.BoxGlyph{},
	draw.PyramidGlyph{},
	polygon{{0, 1.3}, {1.3, 0}, {0, -1.3}, {-1.3, 0}}, // diamond
	polygon{{0, -1.15}, {1.1, 0.8}, {-1.1, 0.8}},      // triangle on its tip
	draw.RingGlyph{},
	draw.SquareGlyph{},
	draw.TriangleGlyph{},
}

var dashes = [][]vg.Length{nil, {6, 3}, {2, 2}, {8, 3, 2, 3}}

// crowd is the number of series from which lines and points get finer.
const crowd = 9

// style is how one series looks. No two of the first 64 look the same: each
// round through the colours moves the shapes on by one, and neighbouring rounds
// also differ in their dashes.
type style struct {
	line  draw.LineStyle
	glyph draw.GlyphStyle
}

// styleOf is the style of series i of n.
func styleOf(i, n int) style {
	round := i / len(colors)
	c := colors[i%len(colors)]
	width, radius := vg.Points(1.6), vg.Points(2.8)
	if n >= crowd {
		width, radius = vg.Points(1.1), vg.Points(2.2)
	}
	return style{
		line:  draw.LineStyle{Color: c, Width: width, Dashes: dashes[round%len(dashes)]},
		glyph: draw.GlyphStyle{Color: c, Radius: radius, Shape: shapes[(i+round)%len(shapes)]},
	}
}

// polygon is a filled glyph; corners are in units of the radius.
type polygon []struct{ x, y vg.Length }

// DrawGlyph implements draw.GlyphDrawer.
func (p polygon) DrawGlyph(c *draw.Canvas, sty draw.GlyphStyle, at vg.Point) {
	c.SetColor(sty.Color)
	c.Fill(p.path(sty.Radius, at))
}

// path is the closed outline around at.
func (p polygon) path(radius vg.Length, at vg.Point) vg.Path {
	var path vg.Path
	for i, corner := range p {
		to := vg.Point{X: at.X + corner.x*radius, Y: at.Y + corner.y*radius}
		if i == 0 {
			path.Move(to)
		} else {
			path.Line(to)
		}
	}
	path.Close()
	return path
}

// textStyle is the package's font at a size in points.
func textStyle(size float64, weight xfont.Weight) text.Style {
	f := font.Font{Typeface: "Liberation", Variant: "Sans", Weight: weight}
	return text.Style{
		Color:   ink,
		Font:    font.From(f, vg.Points(size)),
		Handler: gonumplot.DefaultTextHandler,
	}
}

// fit returns s on one line and no wider than width: what cannot be printed
// becomes '?', and what is too long ends in an ellipsis.
func fit(sty text.Style, s string, width vg.Length) string {
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, s)
	for cut := []rune(s); sty.Width(s) > width && len(cut) > 0; s = string(cut) + "…" {
		cut = cut[:len(cut)-1]
	}
	return s
}
