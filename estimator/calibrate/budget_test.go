package calibrate

import (
	"errors"
	"math"
	"strings"
	"testing"

	"servegrid/estimator"
)

// What each engine logs when it starts, worked out by hand from its own formula.
func TestBudget(t *testing.T) {
	const step = 8192
	w := estimator.Workload{ISL: 4000, OSL: 500}
	for backend, kv := range map[string]func(capacity, weights, activations, runtime float64) float64{
		// determine_available_memory: requested share of the GPU, minus all that is not cache.
		"vllm": func(c, w, a, r float64) float64 { return 0.9*c - (w + a + r) },
		// KvCacheConfig: share of what is free after a dry run.
		"trtllm": func(c, w, a, r float64) float64 { return 0.9 * (c - w - a - r) },
		// profile_max_num_token: what is free after the weights, minus the dynamic share.
		"sglang": func(c, w, a, r float64) float64 { return (c - r - w) - (c-r)*(1-0.88) },
	} {
		p := testPlan(t, backend, 1)
		b := NewBudget(p, step, ByBenchmark)
		m := p.Memory(1, w, step)
		want := kv(p.CapacityGiB(), m.Weights, m.Activations, m.NCCL+m.Others)
		if math.Abs(b.KVCache-want) > 1e-9 {
			t.Errorf("%s: %.3f GiB for the cache, want %.3f", backend, b.KVCache, want)
		}
		// The cache of the tokens it holds is the memory it was given.
		perToken := m.KVCache / float64(w.ISL+w.OSL)
		if d := b.KVCache - perToken*float64(b.Tokens); d < 0 || d > perToken {
			t.Errorf("%s: %d tokens take %.6f GiB of %.6f", backend, b.Tokens, perToken*float64(b.Tokens), b.KVCache)
		}
		deployed := NewBudget(p, step, ByConfigurator)
		c, r := p.CapacityGiB(), m.NCCL+m.Others
		if least := map[string]float64{"vllm": want, "sglang": 0.8*(c-r) - m.Weights, "trtllm": want * 8 / 9}[backend]; math.Abs(deployed.KVCache-least) > 1e-9 {
			t.Errorf("%s: %.3f GiB for the cache as deployment files have it, want %.3f", backend, deployed.KVCache, least)
		}
		if b.Most(w) != b.Tokens/4500 {
			t.Errorf("%s: %d requests in %d tokens", backend, b.Most(w), b.Tokens)
		}
	}
}

// Nothing that a budget admits exceeds the GPU, and more memory for steps never leaves
// more for the cache.
func TestBudgetsFit(t *testing.T) {
	for _, backend := range []string{"vllm", "trtllm", "sglang"} {
		p := testPlan(t, backend, 1)
		last := math.MaxInt
		for step := 512; step <= 1<<24; step *= 2 {
			b := NewBudget(p, step, ByBenchmark)
			if total := b.Weights + b.KVCache + b.Activations + b.Runtime; b.KVCache > 0 && total > b.Capacity {
				t.Errorf("%s, steps of %d tokens: %.2f GiB of %.2f", backend, step, total, b.Capacity)
			}
			if b.Tokens > last {
				t.Errorf("%s: steps of %d tokens leave %d tokens, smaller ones %d", backend, step, b.Tokens, last)
			}
			last = b.Tokens
		}
		if last != 0 {
			t.Errorf("%s: steps of 16 million tokens leave %d", backend, last)
		}
	}
}

// A forecast promises as many requests as the cache holds whole, and says when it holds
// none.
func TestForecastKeepsToTheBudget(t *testing.T) {
	set, err := ShippedSet()
	if err != nil {
		t.Fatal(err)
	}
	p := testPlan(t, "vllm", 1)
	e, err := NewEngine(p, set, "0.12.0")
	if err != nil {
		t.Fatal(err)
	}
	w := estimator.Workload{ISL: 30000, OSL: 2000}
	f, err := e.Forecast(ClosedLoop(4, w))
	if err != nil || f.MostConcurrent != f.Budget.Tokens/32000 || f.MostConcurrent < 4 {
		t.Fatalf("%d requests in %d tokens, %v", f.MostConcurrent, f.Budget.Tokens, err)
	}
	over, err := e.Forecast(ClosedLoop(2*f.MostConcurrent, w))
	if err != nil {
		t.Fatal(err)
	}
	// vLLM counts on half of an output, so a few more may run than fit whole.
	if most := f.Budget.Tokens/31000 + 1; over.Most > most {
		t.Errorf("%d sequences ran at a time, the cache admits %d", over.Most, most)
	}
	_, err = e.Forecast(ClosedLoop(1, estimator.Workload{ISL: f.Budget.Tokens, OSL: 2}))
	var none *NoRoomError
	if !errors.As(err, &none) || !strings.Contains(err.Error(), "not one request") {
		t.Errorf("error is %v", err)
	}
	if text := (&NoRoomError{f.Budget, 30000, 2000, 99}).Error(); !strings.Contains(text, "gpu_memory_utilization 0.9") || !strings.Contains(text, "not 99") {
		t.Error(text)
	}
}

func TestEngineRefusals(t *testing.T) {
	set, err := ShippedSet()
	if err != nil {
		t.Fatal(err)
	}
	p := *testPlan(t, "vllm", 1)
	p.Layout.PP = 2
	if _, err := NewEngine(&p, set, ""); err == nil || !strings.Contains(err.Error(), "pp must be 1") {
		t.Errorf("error is %v", err)
	}
	p.Layout.PP, p.NextN = 1, 1
	if _, err := NewEngine(&p, set, ""); err == nil || !strings.Contains(err.Error(), "nextn must be 0") {
		t.Errorf("error is %v", err)
	}
}
