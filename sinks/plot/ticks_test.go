package plot

import (
	"math"
	"strings"
	"testing"
)

func TestTicks(t *testing.T) {
	for _, tc := range []struct {
		lo, hi float64
		most   int
		want   string
	}{
		{0, 821, 10, "0 100 200 300 400 500 600 700 800"},
		{6.2, 157.3, 8, "20 40 60 80 100 120 140"},
		{0, 1, 4, "0.00 0.25 0.50 0.75 1.00"},
		{-0.3, 0.3, 6, "-0.3 -0.2 -0.1 0.0 0.1 0.2 0.3"},
		{0, 4e9, 4, "0 1e+09 2e+09 3e+09 4e+09"},
	} {
		var got []string
		for _, tick := range (ticks{tc.most}).Ticks(tc.lo, tc.hi) {
			got = append(got, tick.Label)
		}
		if s := strings.Join(got, " "); s != tc.want {
			t.Errorf("ticks of [%g, %g]: %s, want %s", tc.lo, tc.hi, s, tc.want)
		}
	}
}

func TestPadded(t *testing.T) {
	for _, tc := range []struct{ in, want extent }{
		{newExtent(), extent{0, 1}},
		{extent{0, 0}, extent{0, 1}},
		{extent{10, 20}, extent{9, 21}},
		{extent{0, 20}, extent{0, 22}},
		{extent{-10, 10}, extent{-12, 12}},
		{extent{50, 50}, extent{45, 55}},
	} {
		got := tc.in.padded(0.1)
		if math.Abs(got.lo-tc.want.lo) > 1e-12 || math.Abs(got.hi-tc.want.hi) > 1e-12 {
			t.Errorf("%v padded: %v, want %v", tc.in, got, tc.want)
		}
	}
}
