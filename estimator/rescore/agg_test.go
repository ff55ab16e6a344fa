package rescore

import (
	"testing"

	"servegrid/estimator"
	"servegrid/estimator/calibrate"
	"servegrid/estimator/search"
	"servegrid/perftables"
)

func task(t testing.TB, model, system, backend string, gpus int) *search.Task {
	t.Helper()
	m, err := estimator.LookupModel(model)
	if err != nil {
		t.Fatal(err)
	}
	tables := perftables.Embedded()
	db, err := tables.Open(system, backend, tables.Latest(system, backend))
	if err != nil {
		t.Fatal(err)
	}
	k := search.NewTask(m, db)
	k.NextN, k.TotalGPUs = 0, gpus
	k.Workload = estimator.Workload{ISL: 4000, OSL: 500}
	k.Limits = search.Limits{TTFT: 2000, TPOT: 30}
	return k
}

func shipped(t testing.TB) *calibrate.Set {
	t.Helper()
	s, err := calibrate.ShippedSet()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func solve(s *Search) *search.Result {
	scored := make([]Scored, s.Len())
	for i := range scored {
		scored[i] = s.Score(i)
	}
	return s.Result(scored)
}

func BenchmarkAgg(b *testing.B) {
	for _, model := range []string{"Qwen/Qwen3-32B-FP8", "deepseek-ai/DeepSeek-V3"} {
		t := task(b, model, "h200_sxm", "trtllm", 8)
		for _, limits := range []search.Limits{{TTFT: 2000, TPOT: 30}, {}} {
			t.Limits = limits
			var r *search.Result
			b.Run(model, func(b *testing.B) {
				for b.Loop() {
					r = solve(NewAgg(t, shipped(b)))
				}
			})
			b.Log("agg", len(r.Rows), r.Scored, len(r.Picked), r.Err)
			for _, x := range r.Picked {
				b.Log(x.Group(), x.Concurrency, x.TTFT, x.TPOT, x.TokensPerSPerGPUCluster)
			}
		}
	}
}

func BenchmarkDisagg(b *testing.B) {
	for _, model := range []string{"Qwen/Qwen3-32B-FP8", "deepseek-ai/DeepSeek-V3"} {
		t := task(b, model, "h200_sxm", "trtllm", 32)
		for _, limits := range []search.Limits{{TTFT: 2000, TPOT: 30}, {}} {
			t.Limits = limits
			var r *search.Result
			n := 0
			b.Run(model, func(b *testing.B) {
				for b.Loop() {
					s := NewDisagg(t, shipped(b))
					n = s.Len()
					r = solve(s)
				}
			})
			b.Log("disagg", n, len(r.Rows), r.Scored, len(r.Picked), r.Err)
			for _, x := range r.Picked {
				b.Log(x.Group(), x.PrefillWorkers, x.Prefill.Plan.Layout, x.DecodeWorkers, x.Concurrency, x.TTFT, x.TPOT, x.TokensPerSPerGPUCluster)
			}
		}
	}
}
