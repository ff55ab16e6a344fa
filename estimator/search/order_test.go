package search

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// The order is that of comparing, for few candidates and many, spread evenly, in
// heaps, or all the same.
func TestOrderIsTheComparison(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	var o Order
	for round := range 400 {
		values := make([]float64, r.IntN(1500))
		for i := range values {
			switch round % 4 {
			case 0:
				values[i] = math.Exp(r.NormFloat64())
			case 1:
				values[i] = float64(r.IntN(5))
			case 2:
				values[i] = []float64{-1e300, -1, 0, math.Copysign(0, -1), 1, 1.0000000000000002, 1e300, math.SmallestNonzeroFloat64}[r.IntN(8)]
			case 3:
				values[i] = 1e6 + r.Float64()
			}
		}
		compare := func(i, j int) int { return cmp.Or(cmp.Compare(values[j], values[i]), i-j) }
		want := make([]int32, len(values))
		for i := range want {
			want[i] = int32(i)
		}
		slices.SortFunc(want, func(i, j int32) int { return compare(int(i), int(j)) })
		o.Reset(len(values))
		for _, v := range values {
			o.Add(v)
		}
		if got := o.Falling(compare); !slices.Equal(got, want) {
			t.Fatalf("%d values: got %v, want %v", len(values), got, want)
		}
	}
}
