package perftables

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// Outside of its knots a rising line goes on and a falling one stays at the left
// value of the outer pair.
func TestLineOutsideItsKnots(t *testing.T) {
	for _, c := range []struct {
		name    string
		y       []float64
		x, want float64
	}{
		{"rising, left", []float64{1, 2, 3}, 0, 0},
		{"rising, right", []float64{1, 2, 3}, 50, 5},
		{"falling, left", []float64{3, 2, 1}, 0, 3},
		{"falling, right jumps back", []float64{3, 2, 1}, 50, 2},
		{"falling, last knot", []float64{3, 2, 1}, 30, 1},
		{"flat", []float64{2, 2, 2}, 50, 2},
		{"falling, inside", []float64{3, 2, 1}, 25, 1.5},
		{"inner knot", []float64{1, 5, 1}, 20, 5},
	} {
		l := &Line{X: []float64{10, 20, 30}, Y: c.y}
		if got, ok := l.At(c.x); !ok || got != c.want {
			t.Errorf("%s: got %v (%v), want %v", c.name, got, ok, c.want)
		}
	}
	strict := &Line{X: []float64{10, 20, 30}, Y: []float64{1, 2, 3}, Strict: true}
	for x, want := range map[float64]bool{9: false, 10: true, 30: true, 31: false} {
		if _, ok := strict.At(x); ok != want {
			t.Errorf("strict line at %g: answered = %v, want %v", x, ok, want)
		}
	}
}

// On its corners the interpolant is exact, and along an edge it does not depend
// on the other corners' position beyond their values.
func TestCubicReproducesCorners(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	for range 1000 {
		c := cell{y0: float64(r.IntN(1000)), z0: float64(r.IntN(1000)), f00: r.Float64(), f01: r.Float64(), f10: r.Float64(), f11: r.Float64()}
		c.y1, c.z1 = c.y0+float64(1+r.IntN(60000)), c.z0+float64(1+r.IntN(60000))
		for _, corner := range []struct{ y, z, want float64 }{{c.y0, c.z0, c.f00}, {c.y0, c.z1, c.f01}, {c.y1, c.z0, c.f10}, {c.y1, c.z1, c.f11}} {
			c.y, c.z = corner.y, corner.z
			if got := cubic(c); got != corner.want {
				t.Fatalf("cubic at (%g, %g) of %+v: got %v, want %v", c.y, c.z, c, got, corner.want)
			}
			if got := bilinear(c); math.Abs(got-corner.want) > 1e-12 {
				t.Fatalf("bilinear at (%g, %g): got %v, want %v", c.y, c.z, got, corner.want)
			}
		}
		// Both triangles agree on their common edge.
		u := r.Float64()
		p := [4]vec{{c.y0, c.z0}, {c.y0, c.z1}, {c.y1, c.z0}, {c.y1, c.z1}}
		f := [4]float64{c.f00, c.f01, c.f10, c.f11}
		g := gradients(p, f)
		a, b := triangle{p, f, g, 3, 1, 0}.at(u, 0, 1-u), triangle{p, f, g, 2, 3, 0}.at(0, u, 1-u)
		if math.Abs(a-b) > 1e-12 {
			t.Fatalf("on the diagonal: %v and %v", a, b)
		}
	}
}

func TestVersionsAreOrdered(t *testing.T) {
	want := []string{"nightly", "0.5.6.post2", "1.0", "1.0.1", "1.1.0rc", "1.1.0rc2", "1.1.0RC10", "1.1.0", "v2"}
	got := slices.Clone(want)
	r := rand.New(rand.NewPCG(4, 4))
	for range 50 {
		r.Shuffle(len(got), func(i, j int) { got[i], got[j] = got[j], got[i] })
		slices.SortStableFunc(got, CompareVersions)
		if !slices.Equal(got, want) {
			t.Fatalf("got %v, want %v", got, want)
		}
	}
	for _, c := range []struct{ system, backend, want string }{
		{"h200_sxm", "trtllm", "1.2.0rc5"}, {"b200_sxm", "trtllm", "1.2.0rc5"}, {"a100_sxm", "trtllm", "1.0.0"},
		{"l40s", "sglang", "0.5.5.post3"}, {"a100_sxm", "vllm", ""}, {"h200_sxm", "nccl", ""},
	} {
		if got := Embedded().Latest(c.system, c.backend); got != c.want {
			t.Errorf("latest %s on %s: got %q, want %q", c.backend, c.system, got, c.want)
		}
	}
}
