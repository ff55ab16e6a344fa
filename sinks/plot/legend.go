package plot

import (
	"fmt"

	xfont "golang.org/x/image/font"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Sizes of the legend in points.
const (
	legendSize  = 9.5           // of the text
	legendLine  = vg.Length(14) // height of one line
	legendThumb = vg.Length(24) // line and point of the series
	legendGap   = vg.Length(5)  // thumb to text
	legendSpace = vg.Length(12) // entry to entry
)

// entry is one item of the legend, placed relative to its top left corner.
type entry struct {
	text  string
	style *style // nil for the entry that counts what did not fit
	x, y  vg.Length
}

// layLegend places the names of fronts in the given width: on one line where
// they fit, else in columns of equal width. It uses at most the given number of
// lines; what does not fit is counted in a last entry. The height is that of the
// lines used. The legend stands above the points, where it can hide none.
func layLegend(fronts []front, width vg.Length, lines int) (entries []entry, height vg.Length) {
	if len(fronts) == 0 {
		return nil, 0
	}
	sty := textStyle(legendSize, xfont.WeightNormal)
	var widest, total vg.Length
	for i := range fronts {
		text := fit(sty, fronts[i].name, width-legendThumb-legendGap)
		w := legendThumb + legendGap + sty.Width(text) + legendSpace
		entries = append(entries, entry{text: text, style: &fronts[i].style, x: total})
		widest, total = max(widest, w), total+w
	}
	if total-legendSpace <= width {
		return entries, legendLine
	}
	columns := max(1, int((width+legendSpace)/widest))
	if room := columns * lines; len(entries) > room {
		more := fmt.Sprintf("and %d more", len(entries)-room+1)
		entries = append(entries[:room-1], entry{text: more})
	}
	for i := range entries {
		entries[i].x = vg.Length(i%columns) * widest
		entries[i].y = vg.Length(i/columns) * legendLine
	}
	return entries, entries[len(entries)-1].y + legendLine
}

// drawLegend draws entries with their top left corner at the given point.
func drawLegend(c draw.Canvas, entries []entry, left, top vg.Length) {
	sty := textStyle(legendSize, xfont.WeightNormal)
	sty.YAlign = draw.YCenter
	for _, e := range entries {
		x, y := left+e.x, top-e.y-legendLine/2
		if e.style != nil {
			c.StrokeLine2(e.style.line, x, y, x+legendThumb, y)
			c.DrawGlyphNoClip(e.style.glyph, vg.Point{X: x + legendThumb/2, Y: y})
			x += legendThumb + legendGap
		}
		c.FillText(sty, vg.Point{X: x, Y: y}, e.text)
	}
}
