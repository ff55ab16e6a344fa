package report

import (
	"bytes"
	"encoding/binary"
	"math"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// plotOf returns the text plot of the given frontiers, named a, b, c, ...; the
// first point of the first is the chosen one.
func plotOf(unicode bool, fronts ...[]Point) string {
	f := Final{Model: "m", Plot: true, Unicode: unicode}
	var best *Row
	for i, p := range fronts {
		f.Experiments = append(f.Experiments, Experiment{Name: string(rune('a' + i)), Frontier: p})
	}
	if len(fronts) > 0 && len(fronts[0]) > 0 {
		f.Chosen = "a"
		best = &Row{TokensPerSecPerUser: fronts[0][0].X, TokensPerSecPerGPUCluster: fronts[0][0].Y}
	}
	var b bytes.Buffer
	f.writePlot(&b, best)
	return b.String()
}

// The title names what is plotted, which may be more than the chosen model.
func TestPlotNamesModels(t *testing.T) {
	f := &Final{Model: "m", PlotModels: "m, n", Experiments: []Experiment{{Name: "a", Frontier: []Point{{1, 1}}}}}
	var b bytes.Buffer
	f.writePlot(&b, nil)
	if !strings.Contains(b.String(), "  m, n Pareto Frontier: ") {
		t.Errorf("got\n%s", b.String())
	}
}

func TestPlotShape(t *testing.T) {
	got := plotOf(false, []Point{{10, 700}, {60, 400}}, []Point{{20, 600}, {77, 521}})
	lines := strings.Split(strings.TrimSuffix(got, "\n"), "\n")
	if want := 1 + 18 + 1; len(lines) != want {
		t.Fatalf("%d lines, want heading, 18 lines of plot and a rule:\n%s", len(lines), got)
	}
	for _, l := range lines[:19] {
		if n := utf8.RuneCountInString(l); n > 2+plotWidth {
			t.Errorf("line of %d characters: %q", n, l)
		}
	}
	if title := strings.TrimSpace(lines[1]); title != "m Pareto Frontier: tokens/s/gpu_cluster vs tokens/s/user" {
		t.Errorf("title %q", title)
	}
	if lines[2] != "  o a   * b   x chosen: a" {
		t.Errorf("legend %q", lines[2])
	}
	area := strings.Join(lines[3:16], "\n")
	for glyph, want := range map[string]int{"o": 1, "*": 2, "x": 1} {
		if n := strings.Count(area, glyph); n != want {
			t.Errorf("%d of %q, want %d:\n%s", n, glyph, want, got)
		}
	}
	if n := strings.Count(lines[16], "+"); n != 1+5 {
		t.Errorf("x axis has %d ticks and corners, want 6: %q", n, lines[16])
	}
	if ticks := strings.Fields(lines[17]); !slices.Equal(ticks, []string{"0", "20", "40", "60", "80"}) {
		t.Errorf("x ticks %q", ticks)
	}
	var yTicks []string
	for _, l := range lines[3:16] {
		if label, _, ok := strings.Cut(l, " +"); ok {
			yTicks = append(yTicks, strings.TrimSpace(label))
		}
	}
	if !slices.Equal(yTicks, []string{"720", "640", "560", "480", "400"}) {
		t.Errorf("y ticks %q", yTicks)
	}
}

func TestPlotSkipped(t *testing.T) {
	one := []Point{{1, 1}}
	for name, fronts := range map[string][][]Point{
		"nothing":    {},
		"empty":      {{}, nil},
		"not finite": {{{math.NaN(), 1}, {1, math.Inf(1)}, {math.Inf(-1), 2}, {1e300, 1}}},
		"eleven":     slices.Repeat([][]Point{one}, 11),
	} {
		if got := plotOf(true, fronts...); got != "" {
			t.Errorf("%s: want no plot, got\n%s", name, got)
		}
	}
	if plotOf(true, slices.Repeat([][]Point{one}, 10)...) == "" {
		t.Error("ten series: want a plot")
	}
}

func TestPlotRequestLatency(t *testing.T) {
	f := Final{
		Model: "m", Plot: true, Chosen: "a", XAxis: XRequestLatency,
		Experiments: []Experiment{{Name: "a", Frontier: []Point{{5000, 300}, {9000, 500}}}},
	}
	var b bytes.Buffer
	f.writePlot(&b, &Row{RequestLatency: 9000, TokensPerSecPerUser: 1e9, TokensPerSecPerGPUCluster: 500})
	if !strings.Contains(b.String(), "vs request_latency\n") || !strings.Contains(b.String(), "9000") {
		t.Errorf("x axis is not the latency:\n%s", b.String())
	}
	if strings.Contains(b.String(), "e+") {
		t.Errorf("the chosen row was placed by tokens/s/user:\n%s", b.String())
	}
}

func TestPlotNames(t *testing.T) {
	f := Final{Model: "模型\n\x1b[1m", Plot: true, Experiments: []Experiment{
		{Name: strings.Repeat("long", 30), Frontier: []Point{{1, 2}}},
		{Name: "naïve\t", Frontier: []Point{{2, 1}}},
	}}
	var b bytes.Buffer
	f.writePlot(&b, nil)
	if i := strings.IndexFunc(b.String(), func(r rune) bool { return r != '\n' && (r < ' ' || r > '~') }); i >= 0 {
		t.Errorf("not plain ASCII at %d: %q", i, b.String())
	}
	if !strings.Contains(b.String(), "na?ve?") || !strings.Contains(b.String(), "longlo..") {
		t.Errorf("names:\n%s", b.String())
	}
}

func TestAxis(t *testing.T) {
	for _, tc := range []struct {
		values []float64
		labels string
	}{
		{[]float64{0, 100}, "0 25 50 75 100"},
		{[]float64{11.8, 129.9}, "0 40 80 120 160"},
		{[]float64{521.77}, "440 480 520 560 600"},
		{[]float64{0}, "-0.10 -0.05 0.00 0.05 0.10"},
		{[]float64{0.011, 0.03}, "0.010 0.015 0.020 0.025 0.030"},
		{[]float64{-30, 50}, "-50 -25 0 25 50"},
		{[]float64{1, 1e9}, "0 2.5e+08 5e+08 7.5e+08 1e+09"},
	} {
		a := newAxis(tc.values)
		labels := a.labels()
		if got := strings.Join(labels[:], " "); got != tc.labels {
			t.Errorf("axis of %v: %s, want %s", tc.values, got, tc.labels)
		}
	}
}

// FuzzPlot draws arbitrary floats: it must not panic, loop, or leave its frame,
// and must mark the chosen row whenever there is one.
func FuzzPlot(f *testing.F) {
	seed := func(vs ...float64) {
		var b []byte
		for _, v := range vs {
			b = binary.LittleEndian.AppendUint64(b, math.Float64bits(v))
		}
		f.Add(b, true)
		f.Add(b, false)
	}
	seed()
	seed(1, 1)
	seed(5, 5, 5, 5)
	seed(-1e100, 1e100, 1e100, -1e100)
	seed(5e-324, -5e-324, 0, math.Copysign(0, -1))
	seed(math.MaxFloat64, 1, math.NaN(), math.Inf(1))
	seed(1e15, 1e15+0.125, 1e15+1, 1e-99, 3, 4, 5, 6)
	f.Fuzz(func(t *testing.T, data []byte, unicode bool) {
		fronts := make([][]Point, 3)
		for i := 0; len(data) >= 16; i++ {
			fronts[i%3] = append(fronts[i%3], Point{
				X: math.Float64frombits(binary.LittleEndian.Uint64(data)),
				Y: math.Float64frombits(binary.LittleEndian.Uint64(data[8:])),
			})
			data = data[16:]
		}
		got := plotOf(unicode, fronts...)
		for line := range strings.Lines(got) {
			if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > 2+max(plotWidth, boxWidth-4) {
				t.Fatalf("line of %d characters:\n%s", n, got)
			}
		}
		if got == "" || len(fronts[0]) == 0 || !fronts[0][0].plottable() {
			return
		}
		if !strings.Contains(got, "x chosen: a") {
			t.Fatalf("chosen row is not marked:\n%s", got)
		}
	})
}
