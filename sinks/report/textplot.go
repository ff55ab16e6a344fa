package report

import (
	"bytes"
	"cmp"
	"fmt"
	"math"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The plot is plotWidth characters wide, tick labels included, and 18 lines
// high with one line of legend. plotRows is one more than a multiple of the
// four intervals between ticks, so that every tick has a row of its own.
const (
	plotWidth     = 72
	plotRows      = 13
	maxPlotSeries = 10
	maxPlotted    = 1e100 // larger magnitudes are no figure of a serving system
	maxNameRunes  = 40
)

const yName = "tokens/s/gpu_cluster"

// XAxis is what the x axis of the text plot shows. A Pareto front over tokens
// per second per user prefers large x, one over request latency small x.
type XAxis int

// The two axes a frontier can have.
const (
	XTokensPerSecPerUser XAxis = iota // tokens/s/user
	XRequestLatency                   // request_latency in ms
)

// String is the axis' name as printed.
func (x XAxis) String() string {
	if x == XRequestLatency {
		return "request_latency"
	}
	return "tokens/s/user"
}

// Point is one point of a frontier: X by Final.XAxis, Y in tokens/s/gpu over
// the whole budget.
type Point struct{ X, Y float64 }

// plottable reports whether p can be placed: both values are finite and not
// absurdly large.
func (p Point) plottable() bool {
	return math.Abs(p.X) <= maxPlotted && math.Abs(p.Y) <= maxPlotted // false for NaN
}

// charset is what a text plot is drawn with. No glyph is 'x', which marks the
// chosen row.
type charset struct {
	glyphs                       [maxPlotSeries]rune
	vertical, horizontal, corner rune
	yTick, xTick                 rune
	ellipsis                     string
}

var (
	asciiChars = charset{
		glyphs:   [maxPlotSeries]rune{'o', '*', '+', '#', '@', '%', '&', 's', 'v', 'd'},
		vertical: '|', horizontal: '-', corner: '+', yTick: '+', xTick: '+', ellipsis: "..",
	}
	unicodeChars = charset{
		glyphs:   [maxPlotSeries]rune{'●', '■', '▲', '◆', '▼', '○', '□', '△', '◇', '▽'},
		vertical: '│', horizontal: '─', corner: '└', yTick: '┤', xTick: '┬', ellipsis: "…",
	}
)

// series is one experiment's frontier in a text plot.
type series struct {
	name   string
	points []Point
}

// writePlot prints the text plot of all frontiers and a rule below it. It
// prints nothing when there is nothing to place or there are more series than
// glyphs.
func (f *Final) writePlot(b *bytes.Buffer, best *Row) {
	var all []series
	for _, e := range f.Experiments {
		s := series{name: e.Name}
		for _, p := range e.Frontier {
			if p.plottable() {
				s.points = append(s.points, p)
			}
		}
		if len(s.points) > 0 {
			all = append(all, s)
		}
	}
	if len(all) == 0 || len(all) > maxPlotSeries {
		return
	}
	var chosen *Point
	if best != nil {
		p := Point{X: best.TokensPerSecPerUser, Y: best.TokensPerSecPerGPUCluster}
		if f.XAxis == XRequestLatency {
			p.X = best.RequestLatency
		}
		if p.plottable() {
			chosen = &p
		}
	}
	cs := &asciiChars
	if f.Unicode {
		cs = &unicodeChars
	}
	b.WriteString("  Pareto Frontier:\n")
	title := fmt.Sprintf("%s Pareto Frontier: %s vs %s", printable(cmp.Or(f.PlotModels, f.Model), f.Unicode), yName, f.XAxis)
	for _, line := range cs.plot(title, f.XAxis.String(), all, chosen, printable(f.Chosen, f.Unicode), f.Unicode) {
		b.WriteString(strings.TrimRight("  "+line, " ") + "\n")
	}
	b.WriteString(rule)
}

// plot draws title, legend, points, axes and tick labels as lines of text. all
// holds 1 to maxPlotSeries series of at least one plottable point each; chosen
// is the point marked x, nil for none. Where points share a character, the later
// series shows, and the mark above all.
func (cs *charset) plot(title, xName string, all []series, chosen *Point, chosenName string, uni bool) []string {
	var xs, ys []float64
	for _, s := range all {
		for _, p := range s.points {
			xs, ys = append(xs, p.X), append(ys, p.Y)
		}
	}
	if chosen != nil {
		xs, ys = append(xs, chosen.X), append(ys, chosen.Y)
	}
	x, y := newAxis(xs), newAxis(ys)
	yLabels, xLabels := y.labels(), x.labels()
	gutter := 0
	for _, l := range yLabels {
		gutter = max(gutter, len(l))
	}
	width := plotWidth - gutter - 2

	area := make([][]rune, plotRows)
	for i := range area {
		area[i] = []rune(strings.Repeat(" ", width))
	}
	put := func(p Point, glyph rune) {
		area[plotRows-1-y.cell(p.Y, plotRows)][x.cell(p.X, width)] = glyph
	}
	entries := make([]string, 0, len(all)+1)
	for i, s := range all {
		for _, p := range s.points {
			put(p, cs.glyphs[i])
		}
		entries = append(entries, string(cs.glyphs[i])+" "+shorten(printable(s.name, uni), cs.ellipsis))
	}
	if chosen != nil {
		put(*chosen, 'x')
		entries = append(entries, "x chosen: "+shorten(chosenName, cs.ellipsis))
	}

	lines := []string{centre(title, plotWidth)}
	lines = append(lines, flow(entries, plotWidth)...)
	for i, row := range area {
		label, edge := "", cs.vertical
		if tick := plotRows - 1 - i; tick%(plotRows/intervals) == 0 {
			label, edge = yLabels[tick/(plotRows/intervals)], cs.yTick
		}
		lines = append(lines, fmt.Sprintf("%*s %c%s", gutter, label, edge, string(row)))
	}
	lines = append(lines, cs.xAxis(xLabels, gutter, width)...)
	return append(lines, centre(xName, plotWidth))
}

// xAxis draws the line below the points, width characters long after the
// gutter of the y labels, and its tick labels.
func (cs *charset) xAxis(labels [intervals + 1]string, gutter, width int) []string {
	axis := []rune(strings.Repeat(string(cs.horizontal), width))
	ticks := []rune(strings.Repeat(" ", plotWidth))
	for i, l := range labels {
		col := tickCell(i, width)
		axis[col] = cs.xTick
		from := gutter + 2 + col - len(l)/2
		from = max(0, min(from, plotWidth-len(l)))
		copy(ticks[from:], []rune(l))
	}
	return []string{
		strings.Repeat(" ", gutter+1) + string(cs.corner) + string(axis),
		string(ticks),
	}
}

// flow places entries side by side, three blanks apart, starting a new line
// when the next would pass width.
func flow(entries []string, width int) []string {
	const gap = "   "
	var lines []string
	for _, e := range entries {
		last := len(lines) - 1
		if last >= 0 && utf8.RuneCountInString(lines[last]+gap+e) <= width {
			lines[last] += gap + e
			continue
		}
		lines = append(lines, e)
	}
	return lines
}

// shorten cuts s to maxNameRunes, ending it with ellipsis when it was longer.
func shorten(s, ellipsis string) string {
	r := []rune(s)
	if len(r) <= maxNameRunes {
		return s
	}
	return string(r[:maxNameRunes-utf8.RuneCountInString(ellipsis)]) + ellipsis
}

// printable replaces what would break the layout, and everything outside ASCII
// when uni is false, with '?'.
func printable(s string, uni bool) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) || r > unicode.MaxASCII && !uni {
			return '?'
		}
		return r
	}, s)
}
