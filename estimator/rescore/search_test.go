package rescore

import (
	"math"
	"testing"

	"servegrid/estimator/search"
)

// complete simulates every batch of every replica that fits, and ranks what is within
// the limits by hand.
func complete(s *Search) (best float64) {
	for _, r := range s.replicas {
		_ = r.climb(s.task.Workload, func(row search.Row) bool {
			row.SetCluster(s.task.TotalGPUs)
			if s.task.Limits.Admits(&row) && row.Within(s.task.Limits) {
				best = max(best, row.TokensPerSPerGPUCluster)
			}
			return true
		})
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
				if name == "disagg" && (testing.Short() || backend != "vllm") {
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

// The deployments that the reference search names hold the best of all pairs of workers
// with their best numbers, or one that gives nearly as much.
func TestNamedDeploymentsSuffice(t *testing.T) {
	if testing.Short() {
		t.Skip("simulates every pair")
	}
	worst := 0.0
	for _, backend := range []string{"vllm", "trtllm"} {
		k := task(t, "Qwen/Qwen3-32B-FP8", "h200_sxm", backend, 16)
		for _, k.Limits = range limits[:4] {
			few := NewDisagg(k, shipped(t))
			got := bestOf(solve(few))
			k.Exhaustive = true
			all := NewDisagg(k, shipped(t))
			want := bestOf(solve(all))
			k.Exhaustive = false
			lost := 1 - got/want
			if want == 0 {
				lost = 0
			}
			t.Logf("%s %+v: %d of %d deployments, %.2f of %.2f", backend, k.Limits, few.Len(), all.Len(), got, want)
			worst = math.Max(worst, lost)
		}
	}
	if worst > 0.03 {
		t.Errorf("the named deployments lose up to %.1f %%", 100*worst)
	}
}
