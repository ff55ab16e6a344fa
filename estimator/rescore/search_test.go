package rescore

import (
	"testing"

	"servegrid/estimator/search"
)

// complete simulates every batch of every replica that fits, and ranks what is within
// the limits by hand.
func complete(s *Search) (best float64) {
	for _, r := range s.replicas {
		for _, b := range search.AggBatches {
			row, err := r.at(s.task.Workload, b)
			if err != nil {
				break
			}
			row.SetCluster(s.task.TotalGPUs)
			if s.task.Limits.Admits(&row) && row.Within(s.task.Limits) {
				best = max(best, row.TokensPerSPerGPUCluster)
			}
		}
	}
	return best
}

func bestOf(r *search.Result) float64 {
	if len(r.Picked) == 0 {
		return 0
	}
	return r.Picked[0].TokensPerSPerGPUCluster
}

var limits = []search.Limits{{TTFT: 600, TPOT: 16.67}, {TTFT: 1000, TPOT: 30}, {TTFT: 5000, TPOT: 60}, {TTFT: 300, TPOT: 10}, {RequestLatency: 12000}, {RequestLatency: 5000}}

// Where a climb ends early, nothing better was left: within the per cent that the rule
// on throughput allows.
func TestClimbsEndLate(t *testing.T) {
	backends := []string{"vllm", "trtllm", "sglang"}
	if testing.Short() {
		backends = backends[1:2]
	}
	for _, backend := range backends {
		k := task(t, "Qwen/Qwen3-32B-FP8", "h200_sxm", backend, 8)
		for _, k.Limits = range limits {
			for name, s := range map[string]*Search{"agg": NewAgg(k, shipped(t)), "disagg": NewDisagg(k, shipped(t))} {
				if name == "disagg" && (testing.Short() || backend != "vllm" || k.Limits.TTFT > 1000) {
					continue
				}
				got, want := bestOf(solve(s)), complete(s)
				if got > want || got < want/leastGain {
					t.Errorf("%s %s %+v: best of the climbs %.2f tokens/s/GPU, of all %.2f", backend, name, k.Limits, got, want)
				}
			}
		}
	}
}

// The promising deployments hold the best of all prefill workers with all decode workers
// in all numbers, or one that gives nearly as much.
func TestPromisingSuffice(t *testing.T) {
	if testing.Short() {
		t.Skip("simulates every pair")
	}
	for model, backend := range map[string]string{"Qwen/Qwen3-32B-FP8": "trtllm", "deepseek-ai/DeepSeek-V3": "trtllm", "Qwen/Qwen3-235B-A22B": "vllm"} {
		k := task(t, model, "h200_sxm", backend, 16)
		for _, k.Limits = range []search.Limits{{TTFT: 600, TPOT: 16.67}, {TTFT: 1000, TPOT: 30}, {RequestLatency: 8000}} {
			few := NewDisagg(k, shipped(t))
			got := bestOf(solve(few))
			k.Exhaustive = true
			all := NewDisagg(k, shipped(t))
			want := bestOf(solve(all))
			k.Exhaustive = false
			if few.Len() >= all.Len() || got < 0.99*want {
				t.Errorf("%s %+v: the best of %d deployments gives %.2f tokens/s/GPU, of all %d %.2f", model, k.Limits, few.Len(), got, all.Len(), want)
			}
		}
	}
}
