package rescore

import (
	"errors"
	"math"
	"strings"
	"sync"
	"testing"

	"servegrid/estimator"
	"servegrid/estimator/calibrate"
	"servegrid/estimator/search"
)

// Every row keeps to its engine's memory, to the limits, and to Little's law.
func TestRows(t *testing.T) {
	backends := []string{"sglang", "vllm", "trtllm"}
	if testing.Short() {
		backends = backends[:1]
	}
	for _, backend := range backends {
		k := task(t, "Qwen/Qwen3-32B-FP8", "h100_sxm", backend, 8)
		for name, res := range map[string]*search.Result{search.Agg: solve(NewAgg(k, shipped(t))), search.Disagg: solve(NewDisagg(k, shipped(t)))} {
			if res.Err != nil || len(res.Picked) == 0 || len(res.Frontier) == 0 {
				t.Fatalf("%s %s: %d rows, %v", backend, name, len(res.Rows), res.Err)
			}
			for i := range res.Rows {
				r := &res.Rows[i]
				if r.TTFT > k.Limits.TTFT || !(r.TPOT > 0) || r.ReplicaGPUs > k.TotalGPUs || r.Mode != name {
					t.Errorf("%s %s: %+v", backend, name, r)
				}
				if seq := 1000 * float64(r.Concurrency) / (r.TTFT + r.TPOT*499); math.Abs(r.SeqPerS-seq) > 0.001 {
					t.Errorf("%s %s: %v requests/s, %v by Little's law", backend, name, r.SeqPerS, seq)
				}
				checkMemory(t, r, k.Workload)
			}
		}
	}
}

func checkMemory(t *testing.T, r *search.Row, w estimator.Workload) {
	t.Helper()
	for _, worker := range []*search.Worker{r.Worker, r.Prefill, r.Decode} {
		if worker != nil && worker.MemoryGiB > worker.Plan.CapacityGiB() {
			t.Errorf("%s bs %d takes %.1f of %.1f GiB", worker.Plan.Layout, worker.BatchSize, worker.MemoryGiB, worker.Plan.CapacityGiB())
		}
	}
	decoding := r.Worker
	if r.Mode == search.Disagg {
		decoding = r.Decode
	}
	b := calibrate.NewBudget(decoding.Plan, 0, calibrate.ByConfigurator)
	if most := b.Most(w); decoding.BatchSize > most {
		t.Errorf("%s bs %d: the KV cache holds %d", decoding.Plan.Layout, decoding.BatchSize, most)
	}
}

// The answer is the same when replicas are scored at the same time.
func TestSameAnswer(t *testing.T) {
	k := task(t, "Qwen/Qwen3-32B-FP8", "h200_sxm", "vllm", 4)
	for _, prepare := range []func(*search.Task, *calibrate.Set) *Search{NewAgg, NewDisagg} {
		want := solve(prepare(k, shipped(t)))
		s := prepare(k, shipped(t))
		list := make([]Scored, s.Len())
		var group sync.WaitGroup
		for i := range list {
			group.Go(func() { list[i] = s.Score(i) })
		}
		group.Wait()
		got := s.Result(list)
		if len(got.Rows) != len(want.Rows) {
			t.Fatalf("%d rows, then %d", len(want.Rows), len(got.Rows))
		}
		for i := range got.Rows {
			if a, b := got.Rows[i], want.Rows[i]; a.TTFT != b.TTFT || a.TPOT != b.TPOT || a.TokensPerSPerGPUCluster != b.TokensPerSPerGPUCluster || a.Group() != b.Group() {
				t.Errorf("row %d: %+v, then %+v", i, b, a)
			}
		}
	}
}

// A model that no worker holds, limits that nothing meets, and what the constants know
// nothing about are told apart.
func TestNoAnswer(t *testing.T) {
	big := task(t, "meta-llama/Llama-3.1-405B", "h100_sxm", "vllm", 2)
	var room *calibrate.NoRoomError
	if res := solve(NewAgg(big, shipped(t))); len(res.Rows) > 0 || !errors.As(res.Err, &room) {
		t.Errorf("%d rows, %v", len(res.Rows), res.Err)
	}
	if res := solve(NewDisagg(big, shipped(t))); len(res.Rows) > 0 || res.Err == nil {
		t.Errorf("%d rows, %v", len(res.Rows), res.Err)
	}
	tight := task(t, "Qwen/Qwen3-32B-FP8", "h200_sxm", "vllm", 4)
	tight.Limits = search.Limits{TTFT: 1, TPOT: 1}
	for _, res := range []*search.Result{solve(NewAgg(tight, shipped(t))), solve(NewDisagg(tight, shipped(t)))} {
		if len(res.Rows) > 0 || !errors.Is(res.Err, search.ErrLimits) {
			t.Errorf("%s: %d rows, %v", res.Mode, len(res.Rows), res.Err)
		}
	}
	for want, change := range map[string]func(*search.Task){
		"multi-token":       func(k *search.Task) { k.NextN = 1 },
		"wide expert":       func(k *search.Task) { k.WideEP = true },
		"correction scales": func(k *search.Task) { k.Tuning.PrefillCorrection = 1 },
		"SILICON or HYBRID": func(k *search.Task) { k.DB = k.DB.WithMode("SOL") },
	} {
		k := *tight
		change(&k)
		if err := Check(&k); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error is %v, want one with %q", err, want)
		}
	}
	if err := Check(tight); err != nil {
		t.Error(err)
	}
}
