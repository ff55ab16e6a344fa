package pipeline

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// What the sieve leaves out is beaten by a point that is better in throughput and both
// latencies and serves users no slower, or has a figure that is not finite; with coarse
// figures, and with those of any size. Most of what is beaten by far is left out.
func TestSieve(t *testing.T) {
	var s sieve // one for all: nothing may stay behind
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(seed, 1))
		figure := []func() float64{
			func() float64 { return float64(rng.IntN(12)) },
			func() float64 { return rng.ExpFloat64() * 300 },
			func() float64 { return float64(rng.IntN(3)) * 1e300 },
			func() float64 { return 0 },
		}
		of := [4]int{rng.IntN(4), rng.IntN(4), rng.IntN(4), rng.IntN(4)}
		points := make([]rankedPoint, rng.IntN(500))
		for i := range points {
			points[i] = rankedPoint{figure[of[0]](), figure[of[1]](), figure[of[2]](), figure[of[3]](), 0, int32(i)}
		}
		if rng.IntN(8) == 0 && len(points) > 0 {
			points[rng.IntN(len(points))].tpot = -1
		}
		if rng.IntN(8) == 0 && len(points) > 0 {
			points[rng.IntN(len(points))].cluster = []float64{math.NaN(), math.Inf(1), math.Inf(-1)}[rng.IntN(3)]
		}
		all := slices.Clone(points)
		left := s.drop(points)
		if !slices.IsSortedFunc(left, func(p, q rankedPoint) int { return int(p.row - q.row) }) {
			t.Fatalf("seed %d: the order has changed", seed)
		}
		kept := map[int32]bool{}
		for _, p := range left {
			if kept[p.row] = true; p != all[p.row] {
				t.Fatalf("seed %d: point %d has changed", seed, p.row)
			}
		}
		for _, p := range all {
			finite := p.cluster-p.cluster == 0
			if kept[p.row] && !finite {
				t.Fatalf("seed %d: %+v is left", seed, p)
			}
			if kept[p.row] || !finite {
				continue
			}
			if !slices.ContainsFunc(all, func(q rankedPoint) bool {
				return q.cluster > p.cluster && q.perUser >= p.perUser && q.ttft < p.ttft && q.tpot < p.tpot
			}) {
				t.Fatalf("seed %d: %+v is left out, and nothing beats it", seed, p)
			}
		}
	}
	points := []rankedPoint{{cluster: 100, perUser: 100, ttft: 1, tpot: 1}}
	for i := range 999 {
		points = append(points, rankedPoint{cluster: 1 + float64(i%50), perUser: 1, ttft: 10 + float64(i), tpot: 20})
	}
	if left := s.drop(points); len(left) > 10 {
		t.Errorf("%d points are left of 999 that one beats by far", len(left))
	}
}
