package rescore

import (
	"testing"

	"servegrid/estimator"
)

// What a sweep simulates holds everything that a search of the same workload does, to the
// bit, and ends where a batch does not fit or nothing is to be gained.
func TestWorkersScoreWhatSearchesDo(t *testing.T) {
	k := task(t, "Qwen/Qwen3-32B-FP8", "h200_sxm", "vllm", 8)
	ended := map[estimator.Status]int{}
	for _, k.Workload = range []estimator.Workload{{ISL: 4000, OSL: 500}, {ISL: 60000, OSL: 200, Prefix: 2000}} {
		s := NewAgg(k, shipped(t))
		for i := range s.replicas {
			a := s.replicas[i].(*aggregated)
			worker, err := NewWorker(a.plan, shipped(t))
			if err != nil {
				t.Fatal(err)
			}
			var points estimator.AggPoints
			if err := worker.Score(k.Workload, &points); err != nil {
				t.Fatal(err)
			}
			at := map[int]int{}
			for j, b := range points.BatchSize {
				at[int(b)] = j
			}
			for _, r := range s.Score(i).rows {
				j, ok := at[r.Worker.BatchSize]
				if !ok || points.TTFT[j] != r.TTFT || points.TPOT[j] != r.TPOT || points.TokensPerSPerGPU[j] != r.TokensPerSPerGPU ||
					points.MemoryGiB[j] != r.Worker.MemoryGiB || points.Status[j] != estimator.OK {
					t.Errorf("%v batch %d: a search has %+v, a sweep %v, place %d", a.plan.Layout, r.Worker.BatchSize, r, ok, j)
				}
			}
			last := points.Len() - 1
			ended[points.Status[last]]++
			for j, st := range points.Status[:last] {
				if st != estimator.OK {
					t.Errorf("%v: batch %d does not fit and is not the last", a.plan.Layout, points.BatchSize[j])
				}
			}
		}
	}
	if ended[estimator.OutOfMemory] == 0 || ended[estimator.OK] == 0 {
		t.Errorf("ends by status: %v, want some of both", ended)
	}
}
