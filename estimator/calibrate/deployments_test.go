package calibrate

import (
	"testing"

	"servegrid/estimator"
)

// Every line of the settings speaks for a shipped measurement, and for what its
// script says.
func TestDeployments(t *testing.T) {
	cases, _ := shippedCases(t)
	deployments := deployments()
	used := make([]bool, len(deployments))
	for _, c := range cases {
		for i := range deployments {
			if deployments[i].fits(c.Measurement, c.Architecture, c.Plan.Layout.TP) {
				used[i] = true
				break
			}
		}
	}
	for i, ok := range used {
		if !ok {
			t.Errorf("no shipped measurement was made with %+v", deployments[i])
		}
	}
	m := Measurement{Source: "InferenceX", Backend: "sglang", System: "b200_sxm", Precision: "fp8", Concurrency: 64, ISL: 1024, OSL: 1024}
	for _, want := range []struct{ concurrency, receive, tokens int }{{64, 30, 32768}, {8, 10, 32768}} {
		s := Schedule{TokenBudget: 1, MaxSequences: 1}
		m.Concurrency = want.concurrency
		s.asDeployed(&m, "DEEPSEEK_V3", 8, m.Concurrency)
		if s.ReceiveSteps != want.receive || s.TokenBudget != want.tokens {
			t.Errorf("%d in flight: %+v", m.Concurrency, s)
		}
	}
	m.Source = "my own"
	s := Schedule{TokenBudget: 7}
	if s.asDeployed(&m, "DEEPSEEK_V3", 8, 64); s != (Schedule{TokenBudget: 7}) {
		t.Errorf("somebody else's measurement got settings: %+v", s)
	}
}

// Prompts that the scheduler looks for every so many steps, or that wait for more,
// are later by about half of them, or all; alone nothing changes.
func TestPromptsWait(t *testing.T) {
	cost := testCost(t, testPlan(t, "vllm", 1))
	plain := Schedule{PromptsAlone: true, Chunked: true, TokenBudget: 8192, MaxSequences: 1024, KVTokens: 1 << 20}
	receive, wait := plain, plain
	receive.ReceiveSteps = 30
	wait.WaitSteps, wait.WaitTokens = 20, 8000
	predict := func(s Schedule, n int) Prediction {
		l := ClosedLoop(n, estimator.Workload{ISL: 500, OSL: 400})
		l.MinShare = 0.8
		return Predict(cost, s, 1, l)
	}
	alone := predict(plain, 1)
	for name, s := range map[string]Schedule{"receive": receive, "wait": wait} {
		if p := predict(s, 1); p.TTFT != alone.TTFT || p.TPOT != alone.TPOT {
			t.Errorf("%s: one request alone waits: %v and %v ms, want %v and %v", name, p.TTFT, p.TPOT, alone.TTFT, alone.TPOT)
		}
	}
	p := predict(plain, 16)
	for name, s := range map[string]struct {
		schedule    Schedule
		least, most float64 // steps
	}{"received every 30": {receive, 5, 30}, "wait for 20": {wait, 10, 25}} {
		steps := (predict(s.schedule, 16).TTFT - p.TTFT) / p.TPOT
		if steps < s.least || steps > s.most {
			t.Errorf("%s: first tokens are later by %.1f steps, want %v to %v", name, steps, s.least, s.most)
		}
	}
}
