package plot

import (
	"bytes"
	"encoding/binary"
	"encoding/xml"
	"errors"
	"fmt"
	"image/color"
	"image/png"
	"io"
	"math"
	"strings"
	"sync"
	"testing"
)

// guide is the case of the guide: two fronts, the chosen row, the TPOT limit.
func guide() (Options, []Series, []Mark) {
	return Options{
			Title:  "Qwen/Qwen3-32B-FP8 tokens/s/gpu vs tokens/s/user",
			XLabel: "tokens/s/user", YLabel: "tokens/s/gpu",
			Limit: &Limit{X: 1000 / 16.67, Label: "TPOT limit 16.67 ms"},
		}, []Series{
			{Name: "agg", X: []float64{11.8, 30.1, 60.7, 100, 151.7}, Y: []float64{704.4, 590.5, 397.3, 152.5, 18.4}},
			{Name: "disagg", X: []float64{17, 36.6, 77, 91.9, 112.5}, Y: []float64{753.4, 540.2, 521.8, 137.8, 38.9}},
		}, []Mark{{77, 521.8, "chosen: disagg"}}
}

func render(t testing.TB, format Format, o Options, s []Series, m []Mark) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := Frontier(&b, format, o, s, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// texts returns the text elements of an SVG in drawing order, and fails when it
// is not well-formed.
func texts(t testing.TB, svg []byte) (out []string) {
	t.Helper()
	d := xml.NewDecoder(bytes.NewReader(svg))
	inText := false
	for {
		token, err := d.Token()
		if err == io.EOF {
			return out
		}
		if err != nil {
			t.Fatalf("svg: %v", err)
		}
		switch e := token.(type) {
		case xml.StartElement:
			inText = e.Name.Local == "text"
		case xml.EndElement:
			inText = false
		case xml.CharData:
			if inText {
				out = append(out, string(e))
			}
		}
	}
}

func TestPNGSize(t *testing.T) {
	o, s, m := guide()
	for _, size := range [][2]int{{0, 0}, {320, 240}, {801, 499}, {1600, 1000}} {
		o.Width, o.Height = size[0], size[1]
		img, err := png.Decode(bytes.NewReader(render(t, PNG, o, s, m)))
		if err != nil {
			t.Fatal(err)
		}
		want := size
		if want == [2]int{} {
			want = [2]int{DefaultWidth, DefaultHeight}
		}
		if b := img.Bounds(); b.Dx() != want[0] || b.Dy() != want[1] {
			t.Errorf("size %v, want %v", b, want)
		}
	}
}

func TestPNGColors(t *testing.T) {
	o, s, m := guide()
	img, err := png.Decode(bytes.NewReader(render(t, PNG, o, s, m)))
	if err != nil {
		t.Fatal(err)
	}
	seen := map[color.RGBA]int{}
	for y := range DefaultHeight {
		for x := range DefaultWidth {
			seen[color.RGBAModel.Convert(img.At(x, y)).(color.RGBA)]++
		}
	}
	for i := range s {
		if n := seen[colors[i]]; n < 200 {
			t.Errorf("series %d: %d pixels of its colour, want a line and points", i, n)
		}
	}
	if n := seen[colors[2]]; n != 0 {
		t.Errorf("%d pixels of a third series", n)
	}
}

func TestSVGText(t *testing.T) {
	o, s, m := guide()
	svg := render(t, SVG, o, s, m)
	if !bytes.Contains(svg, []byte(`width="600pt" height="375pt"`)) {
		t.Error("svg is not 800x500 CSS pixels")
	}
	if n, all := bytes.Count(svg, []byte("Arial,Helvetica,sans-serif;")), bytes.Count(svg, []byte("font-family:")); n != all {
		t.Errorf("%d of %d texts name a fallback font", n, all)
	}
	got := strings.Join(texts(t, svg), "\n") + "\n"
	for _, want := range []string{
		o.Title, o.XLabel, o.YLabel, o.Limit.Label, "agg", "disagg", "chosen: disagg", "0", "700", "20", "140",
	} {
		if !strings.Contains(got, want+"\n") {
			t.Errorf("no text %q in\n%s", want, got)
		}
	}
}

func TestSameBytes(t *testing.T) {
	o, s, m := guide()
	for _, format := range []Format{PNG, SVG} {
		want := render(t, format, o, s, m)
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				var b bytes.Buffer
				if err := Frontier(&b, format, o, s, m); err != nil || !bytes.Equal(b.Bytes(), want) {
					t.Errorf("%s: a second drawing differs (error %v)", format, err)
				}
			})
		}
		wg.Wait()
	}
}

func TestOrderAndInputs(t *testing.T) {
	o, s, m := guide()
	want := render(t, SVG, o, s, m)
	x, y := s[0].X, s[0].Y
	for i, j := 0, len(x)-1; i < j; i, j = i+1, j-1 {
		x[i], x[j], y[i], y[j] = x[j], x[i], y[j], y[i]
	}
	s[0].X, s[0].Y = append(x, math.NaN(), 5, 1e300), append(y, 5, math.Inf(1), 1)
	m = append(m, Mark{X: math.Inf(1), Label: "nowhere"})
	before := fmt.Sprint(s, m)
	if !bytes.Equal(render(t, SVG, o, s, m), want) {
		t.Error("order of points, or points that cannot be placed, change the picture")
	}
	if after := fmt.Sprint(s, m); after != before {
		t.Errorf("input changed from %s to %s", before, after)
	}
}

func TestNoPoints(t *testing.T) {
	o, _, _ := guide()
	nan := []float64{math.NaN()}
	for name, s := range map[string][]Series{
		"no series":  nil,
		"empty":      {{Name: "agg"}, {Name: "disagg"}},
		"not finite": {{Name: "agg", X: nan, Y: nan}},
	} {
		got := strings.Join(texts(t, render(t, SVG, o, s, nil)), "\n") + "\n"
		if !strings.Contains(got, "no points\n") || strings.Contains(got, "TPOT") {
			t.Errorf("%s: texts\n%s", name, got)
		}
		if len(s) > 0 && !strings.Contains(got, "agg (no points)\n") {
			t.Errorf("%s: legend does not say that agg has no points:\n%s", name, got)
		}
	}
	s := []Series{{Name: "agg"}, {Name: "disagg", X: []float64{1}, Y: []float64{2}}}
	got := strings.Join(texts(t, render(t, SVG, o, s, nil)), "\n") + "\n"
	if strings.Contains(got, "\nno points\n") || !strings.Contains(got, "agg (no points)\ndisagg\n") {
		t.Errorf("one empty series: texts\n%s", got)
	}
}

func TestManySeries(t *testing.T) {
	many := func(n int) (s []Series) {
		for i := range n {
			v := float64(i + 1)
			s = append(s, Series{Name: fmt.Sprintf("experiment_%d", i), X: []float64{v, 2 * v}, Y: []float64{2 * v, v}})
		}
		return s
	}
	for _, tc := range []struct{ n, inLegend, more int }{{14, 14, 0}, {200, 0, 1}} {
		legend, more := 0, 0
		for _, s := range texts(t, render(t, SVG, Options{}, many(tc.n), nil)) {
			if strings.HasPrefix(s, "experiment_") {
				legend++
			}
			if strings.HasPrefix(s, "and ") {
				more++
				if want := fmt.Sprintf("and %d more", tc.n-legend); s != want {
					t.Errorf("%q, want %q", s, want)
				}
			}
		}
		if more != tc.more || tc.inLegend > 0 && legend != tc.inLegend {
			t.Errorf("%d series: %d names and %d counts in the legend", tc.n, legend, more)
		}
	}
}

func TestStylesDiffer(t *testing.T) {
	seen := map[string]int{}
	for i := range 64 {
		st := styleOf(i, 64)
		key := fmt.Sprintf("%v %T%v", st.line.Color, st.glyph.Shape, st.glyph.Shape)
		if j, ok := seen[key]; ok {
			t.Fatalf("series %d and %d look the same", j, i)
		}
		seen[key] = i
	}
}

func TestHostileText(t *testing.T) {
	o := Options{Title: strings.Repeat("title <&\"\x00\xff> ", 40), XLabel: "a\nb", YLabel: strings.Repeat("y", 500)}
	s := []Series{{Name: strings.Repeat("ünïcode\n", 60), X: []float64{1}, Y: []float64{1}}, {X: []float64{2}, Y: []float64{2}}}
	got := texts(t, render(t, SVG, o, s, []Mark{{1, 1, strings.Repeat("mark", 100)}}))
	for _, text := range got {
		if strings.ContainsAny(text, "\n\x00") || len([]rune(text)) > 150 {
			t.Errorf("text of %d bytes: %q", len(text), text)
		}
	}
	render(t, PNG, o, s, nil)
}

func TestErrors(t *testing.T) {
	o, s, m := guide()
	for _, tc := range []struct {
		format Format
		width  int
		s      []Series
		want   string
	}{
		{"gif", 0, s, `unknown picture format "gif": valid are png, svg`},
		{PNG, 100, s, "size 100x500"},
		{PNG, 9000, s, "size 9000x500"},
		{PNG, -1, s, "size -1x500"},
		{SVG, 0, []Series{{Name: "agg", X: []float64{1}}}, `series "agg" has 1 x values and 0 y values`},
	} {
		o.Width = tc.width
		var b bytes.Buffer
		err := Frontier(&b, tc.format, o, tc.s, m)
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("error %v, want %q", err, tc.want)
		}
		if b.Len() > 0 {
			t.Errorf("%q: %d bytes written", tc.want, b.Len())
		}
	}
}

type brokenWriter struct{ err error }

func (w brokenWriter) Write([]byte) (int, error) { return 0, w.err }

func TestWriterError(t *testing.T) {
	o, s, m := guide()
	broken := errors.New("disk full")
	for _, format := range []Format{PNG, SVG} {
		if err := Frontier(brokenWriter{broken}, format, o, s, m); !errors.Is(err, broken) {
			t.Errorf("%s: error %v, want %v", format, err, broken)
		}
	}
}

// FuzzFrontier draws arbitrary floats: it must neither fail nor loop, and the
// SVG must be well-formed and free of NaN.
func FuzzFrontier(f *testing.F) {
	for _, vs := range [][]float64{
		{}, {1, 1}, {5, 5, 5, 5}, {0, 0, 0, 0}, {-1e100, 1e100, 1e100, -1e100}, {5e-324, -5e-324, 0, 1},
		{math.MaxFloat64, 1, math.NaN(), math.Inf(1)}, {1e15, 1e15 + 0.125, 1e15 + 1, 1e-99, 3, 4, 5, 6},
	} {
		var b []byte
		for _, v := range vs {
			b = binary.LittleEndian.AppendUint64(b, math.Float64bits(v))
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var s [2]Series
		var marks []Mark
		o := Options{Width: 320, Height: 240}
		for i := 0; len(data) >= 16; i++ {
			x := math.Float64frombits(binary.LittleEndian.Uint64(data))
			y := math.Float64frombits(binary.LittleEndian.Uint64(data[8:]))
			data = data[16:]
			switch i % 4 {
			case 3:
				marks = append(marks, Mark{x, y, "mark"})
				o.Limit = &Limit{X: y, Label: "limit"}
			default:
				s[i%2].X, s[i%2].Y = append(s[i%2].X, x), append(s[i%2].Y, y)
			}
		}
		svg := render(t, SVG, o, s[:], marks)
		texts(t, svg)
		if bytes.Contains(svg, []byte("NaN")) || bytes.Contains(svg, []byte("Inf")) {
			t.Fatalf("not a number in\n%s", svg)
		}
	})
}
