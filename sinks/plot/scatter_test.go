package plot

import (
	"bytes"
	"image/png"
	"math"
	"slices"
	"strings"
	"testing"
)

func panels() []Panel {
	return []Panel{
		{"measured TPOT (ms)", "predicted TPOT (ms)", []Series{
			{"exact", []float64{8, 16, 40}, []float64{9, 15, 38}}, {"near", []float64{10, math.NaN(), -3}, []float64{12, 1, 2}},
		}},
		{"measured TTFT (ms)", "predicted TTFT (ms)", []Series{{"exact", []float64{100, 90000}, []float64{200, 5000}}, {"near", nil, nil}}},
	}
}

func TestScatter(t *testing.T) {
	var svg, again, picture bytes.Buffer
	for _, b := range []*bytes.Buffer{&svg, &again} {
		if err := Scatter(b, SVG, "calibrated", panels()); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(svg.Bytes(), again.Bytes()) {
		t.Error("two drawings of the same differ")
	}
	have := texts(t, svg.Bytes())
	for _, want := range []string{"calibrated", "exact", "near", "measured TPOT (ms)", "predicted TTFT (ms)", "10", "20", "1000", "10000"} {
		if !slices.Contains(have, want) {
			t.Errorf("%q is not on the picture: %q", want, have)
		}
	}
	if err := Scatter(&picture, PNG, "calibrated", panels()); err != nil {
		t.Fatal(err)
	}
	img, err := png.Decode(&picture)
	if err != nil || img.Bounds().Dx() != 920 {
		t.Errorf("png: %v, %v", img, err)
	}
}

func TestScatterWithoutPoints(t *testing.T) {
	var b bytes.Buffer
	if err := Scatter(&b, SVG, "", []Panel{{"x", "y", []Series{{"a", []float64{-1}, []float64{2}}}}}); err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(texts(t, b.Bytes()), "no points") {
		t.Error("an empty panel does not say so")
	}
	err := Scatter(&b, SVG, "", []Panel{{"x", "y", []Series{{"a", []float64{1}, nil}}}})
	if err == nil || !strings.Contains(err.Error(), `series "a" has 1 x values and 0 y values`) {
		t.Errorf("error is %v", err)
	}
	if err := Scatter(&b, "gif", "", nil); err == nil {
		t.Error("no error for an unknown format")
	}
}
