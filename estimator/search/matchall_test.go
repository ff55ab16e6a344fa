package search

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"servegrid/estimator"
)

// randomWorker has few distinct figures, so that ties happen.
func randomWorker(r *rand.Rand, plans []*estimator.Plan) ScoredWorker {
	p := plans[r.IntN(len(plans))]
	return ScoredWorker{
		Worker: Worker{Plan: p, BatchSize: 1 + r.IntN(4), SeqPerS: float64(1+r.IntN(40)) / 8, MemoryGiB: 1},
		TTFT:   float64(1 + r.IntN(5)), TPOT: float64(1 + r.IntN(5)), TokensPerSPerUser: 1, GPUs: p.Layout.GPUs(),
	}
}

func randomPlans() []*estimator.Plan {
	var plans []*estimator.Plan
	for _, tp := range []int{1, 2, 4} {
		plans = append(plans, &estimator.Plan{Config: estimator.Config{Layout: estimator.Layout{TP: tp, PP: 1, DP: 1, MoETP: 1, MoEEP: 1}}})
	}
	return plans
}

// bestSplit finds what trying every pair of worker counts finds.
func TestBestSplitIsOptimal(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	plans := randomPlans()
	for range 20000 {
		p, d := randomWorker(r, plans), randomWorker(r, plans)
		gpus := 1 + r.IntN(40)
		var want split
		most := 0.0
		for y := 1; y <= gpus; y++ {
			for x := 1; x <= gpus; x++ {
				s := split{x, y, float64(x*p.GPUs + y*d.GPUs)}
				if v := rate(&p, &d, s); s.gpus <= float64(gpus) && (v > most || v == most && s.gpus < want.gpus) {
					most, want = v, s
				}
			}
		}
		if got, v := bestSplit(&p, &d, gpus); v != most || got.gpus > 0 && rate(&p, &d, got) != most || got.gpus != want.gpus {
			t.Fatalf("%d GPUs, prefill %v/s on %d, decode %v/s on %d: got %+v, want %+v", gpus, p.SeqPerS, p.GPUs, d.SeqPerS, d.GPUs, got, want)
		}
	}
}

// The rows kept answer every pair of limits as well as all rows do, none of
// them is beaten by another, and no copy of the deployment would still fit.
func TestMatchAllAnswersEveryLimit(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	plans := randomPlans()
	w := estimator.Workload{ISL: 100, OSL: 10}
	for range 300 {
		var prefill, decode []ScoredWorker
		for range 1 + r.IntN(4) {
			prefill = append(prefill, randomWorker(r, plans))
		}
		for range 1 + r.IntN(12) {
			decode = append(decode, randomWorker(r, plans))
		}
		gpus := 2 + r.IntN(20)
		kept := MatchAll(prefill, decode, gpus, w)
		var all []Row
		for di := range decode {
			for pi := range prefill {
				if s, _ := bestSplit(&prefill[pi], &decode[di], gpus); s.gpus > 0 {
					g := gcd(s.x, s.y)
					all = append(all, disaggRow(&prefill[pi], &decode[di], split{s.x / g, s.y / g, s.gpus / float64(g)}, &Task{TotalGPUs: gpus, Workload: w}))
				}
			}
		}
		best := func(rows []Row, ttft, tpot float64) (throughput float64) {
			for _, row := range rows {
				if row.TTFT <= ttft && row.TPOT <= tpot {
					throughput = max(throughput, row.TokensPerSPerGPUCluster)
				}
			}
			return throughput
		}
		for ttft := 1.0; ttft < 12; ttft++ {
			for tpot := 0.0; tpot < 7; tpot++ {
				if got, want := best(kept, ttft, tpot), best(all, ttft, tpot); got != want {
					t.Fatalf("limits %g/%g: got %g, want %g", ttft, tpot, got, want)
				}
			}
		}
		for i, a := range kept {
			if a.ReplicaGPUs*a.Replicas(gpus) > gpus || a.Replicas(gpus) < 1 {
				t.Fatalf("row %d uses %d GPUs of %d", i, a.ReplicaGPUs*a.Replicas(gpus), gpus)
			}
			for j, b := range kept {
				if i != j && beats(a, b, gpus) {
					t.Fatalf("kept row %d is beaten by row %d", j, i)
				}
			}
		}
	}
}

func beats(a, b Row, gpus int) bool {
	return a.TTFT <= b.TTFT && a.TPOT <= b.TPOT && a.TokensPerSPerGPUCluster >= b.TokensPerSPerGPUCluster &&
		a.Concurrency*a.Replicas(gpus) >= b.Concurrency*b.Replicas(gpus)
}

// NonDominated equals the definition, ties included.
func TestNonDominatedIsTheDefinition(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for range 2000 {
		n := r.IntN(12)
		type candidate [4]float64 // ttft, tpot, -throughput, -concurrency: smaller is better
		var cs []candidate
		var f Front
		for range n {
			c := candidate{float64(r.IntN(3)), float64(r.IntN(3)), -float64(r.IntN(3)), -float64(r.IntN(3))}
			cs = append(cs, c)
			f.Append(c[0], c[1], -c[2], -c[3])
		}
		for by, use := range map[Criteria][]int{ByAll: {0, 1, 2, 3}, ByFrontier: {1, 2}} {
			want := []int{}
			for i := range cs {
				beaten := false
				for j := range cs {
					asGood, better := true, false
					for _, k := range use {
						asGood = asGood && cs[j][k] <= cs[i][k]
						better = better || cs[j][k] < cs[i][k]
					}
					beaten = beaten || i != j && asGood && (better || equalBefore(cs[j], cs[i], j, i, by))
				}
				if !beaten {
					want = append(want, i)
				}
			}
			if got := f.NonDominated(by); !slices.Equal(got, want) {
				t.Fatalf("%v by %d: got %v, want %v", cs, by, got, want)
			}
		}
	}
}

// equalBefore breaks ties in the criteria the way NonDominated documents: by all
// four figures first, then by position.
func equalBefore(a, b [4]float64, i, j int, by Criteria) bool {
	if by == ByFrontier {
		if c := slices.Compare([]float64{a[0], a[3]}, []float64{b[0], b[3]}); c != 0 {
			return c < 0
		}
	}
	return i < j
}

// The order that numbers are sorted by is the one that comparing gives.
func TestFrontSorts(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	values := []float64{0, math.Copysign(0, -1), -1.5, -1e300, 1e300, 1, 1.0000000000000002, 1.001, math.SmallestNonzeroFloat64, 7.25}
	for range 500 {
		var f Front
		for range r.IntN(40) {
			f.Append(float64(r.IntN(3)), float64(r.IntN(3)), values[r.IntN(len(values))], float64(r.IntN(3)))
		}
		f.sort()
		if !slices.IsSortedFunc(f.sorted, func(a, b ranked) int { return f.compare(a.index, b.index) }) || len(f.sorted) != len(f.list) {
			t.Fatalf("not sorted: %v", f.sorted)
		}
	}
}
