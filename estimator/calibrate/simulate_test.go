package calibrate

import (
	"math"
	"slices"
	"testing"

	"servegrid/estimator"
	"servegrid/perftables"
)

// testPlan compiles Qwen3-32B in FP8 for vLLM on two H200.
func testPlan(t testing.TB, backend string, dp int) *estimator.Plan {
	t.Helper()
	m, err := estimator.LookupModel("Qwen/Qwen3-32B-FP8")
	if err != nil {
		t.Fatal(err)
	}
	tables := perftables.Embedded()
	db, err := tables.Open("h200_sxm", backend, tables.Latest("h200_sxm", backend))
	if err != nil {
		t.Fatal(err)
	}
	p, err := estimator.Compile(estimator.Config{Model: m, DB: db, Quant: estimator.DefaultQuant(m, db), Layout: estimator.Layout{TP: 2, PP: 1, DP: dp, MoETP: 1, MoEEP: 1}})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func testCost(t testing.TB, p *estimator.Plan) *StepCost {
	t.Helper()
	k, err := NewKernels(p, nil)
	if err != nil {
		t.Fatal(err)
	}
	c := Start()
	return NewStepCost(k, &c)
}

// slowRun is the same engine loop, spelled out step by step for one rank and a
// closed loop: no jumps over equal steps, no queues kept in order.
func slowRun(cost *StepCost, s Schedule, l Load) (ttft, tpot []float64) {
	type req struct {
		isl, osl, done, tokens int
		sent, ready, first     float64
		admitted, finished     bool
	}
	var all []*req
	now, intake, front := 0.0, 0.0, 0.0
	send := func(at float64) {
		i := len(all)
		if i == l.Requests {
			return
		}
		length := func(full int, alpha float64) int {
			return max(1, int(math.Round(float64(full)*(l.MinShare+(1-l.MinShare)*fraction(i, alpha)))))
		}
		r := &req{isl: length(l.ISL, 0.7548776662466927), osl: length(l.OSL, 0.5698402909980532), sent: at}
		intake = max(intake, at) + cost.c[FrontRequest] + cost.c[FrontPrompt]*float64(r.isl)/1000
		r.ready = intake
		all = append(all, r)
		ttft, tpot = append(ttft, 0), append(tpot, 0)
	}
	for range min(l.Concurrency, l.Requests) {
		send(0)
	}
	for {
		running, length, admitted, reserved := 0, 0, 0, 0.0
		left := false
		for _, r := range all {
			left = left || !r.finished
			if r.admitted && !r.finished {
				admitted++
				reserved += float64(r.isl) + s.ReserveOutput*float64(r.osl)
			}
			if r.tokens > 0 && !r.finished {
				running++
				length += r.isl + r.tokens - 1
			}
		}
		if !left {
			return ttft, tpot
		}
		budget, tokens, attention, heads := s.TokenBudget, 0, 0.0, 0
		if !s.PromptsAlone {
			budget -= running
		}
		blocked := false
		for _, r := range all {
			if blocked || r.ready > now || r.finished || r.done == r.isl {
				continue
			}
			need := float64(r.isl) + s.ReserveOutput*float64(r.osl)
			if !r.admitted && (admitted >= s.MaxSequences || admitted > 0 && reserved+need > float64(s.KVTokens)) {
				blocked = true
				continue
			}
			chunk := r.isl - r.done
			if chunk > budget {
				if s.Chunked {
					chunk = budget
				} else if tokens > 0 {
					chunk = 0
				}
			}
			if chunk <= 0 || budget <= 0 {
				blocked = true
				continue
			}
			if !r.admitted {
				r.admitted = true
				admitted++
				reserved += need
			}
			attention += cost.k.promptAttention(float64(r.done), float64(r.done+chunk))
			r.done += chunk
			budget -= chunk
			tokens += chunk
			if r.done == r.isl {
				heads++
			}
		}
		mean := 0.0
		if running > 0 {
			mean = float64(length) / float64(running)
		}
		decode := running > 0
		switch {
		case tokens > 0:
			n := float64(running)
			if s.PromptsAlone {
				n, decode = 0, false
			}
			now += cost.Mixed(float64(tokens), attention, n, mean, float64(heads)+n)
		case running > 0:
			now += cost.Decode(float64(running), mean)
		default:
			next := math.Inf(1)
			for _, r := range all {
				if !r.admitted {
					next = min(next, r.ready)
				}
			}
			now = max(now, next)
			continue
		}
		if decode {
			front = max(front, now) + float64(running)*cost.c[FrontToken]
			for i := 0; i < len(all); i++ {
				r := all[i]
				if r.tokens == 0 || r.finished {
					continue
				}
				if r.tokens++; r.tokens == r.osl {
					r.finished = true
					tpot[i] = (front - r.first) / float64(r.osl-1)
					send(front + cost.c[Transit])
				}
			}
		}
		for i := 0; i < len(all); i++ {
			r := all[i]
			if r.done == r.isl && r.tokens == 0 {
				front = max(front, now) + cost.c[FrontToken]
				r.first, r.tokens = front, 1
				ttft[i] = front - r.sent + cost.c[Transit]
			}
		}
	}
}

func mean(v []float64) float64 {
	sum := 0.0
	for _, x := range v {
		sum += x
	}
	return sum / float64(len(v))
}

// The simulation that jumps over equal steps is the one that takes every step.
func TestSimulationMatchesStepByStep(t *testing.T) {
	cost := testCost(t, testPlan(t, "vllm", 1))
	schedules := map[string]Schedule{
		"vllm":         {Chunked: true, TokenBudget: 2048, MaxSequences: 1024, KVTokens: 400000, ReserveOutput: 0.5},
		"trtllm":       {TokenBudget: 1100, MaxSequences: 1024, KVTokens: 400000, ReserveOutput: 1},
		"sglang":       {Chunked: true, PromptsAlone: true, TokenBudget: 8192, MaxSequences: 1024, KVTokens: 400000, ReserveOutput: 0.5},
		"little cache": {Chunked: true, TokenBudget: 2048, MaxSequences: 1024, KVTokens: 9000, ReserveOutput: 1},
		"few places":   {Chunked: true, TokenBudget: 2048, MaxSequences: 5, KVTokens: 400000, ReserveOutput: 1},
	}
	for name, s := range schedules {
		for _, l := range []Load{
			{Concurrency: 1, Requests: 4, ISL: 1000, OSL: 50, MinShare: 1},
			{Concurrency: 16, Requests: 64, ISL: 1000, OSL: 200, MinShare: 1},
			{Concurrency: 24, Requests: 96, ISL: 900, OSL: 150, MinShare: 0.8},
		} {
			o := Simulate(cost, s, 1, l)
			ttft, tpot := slowRun(cost, s, l)
			for what, pair := range map[string][2]float64{"TTFT": {mean(o.TTFT), mean(ttft)}, "TPOT": {mean(o.TPOT), mean(tpot)}} {
				if d := math.Abs(pair[0]/pair[1] - 1); !(d < 0.02) {
					t.Errorf("%s, %d in flight: mean %s is %.3f ms, step by step %.3f", name, l.Concurrency, what, pair[0], pair[1])
				}
			}
			if i := slices.Index(o.TPOT, 0); i >= 0 {
				t.Errorf("%s: request %d was never finished", name, i)
			}
		}
	}
}

// One request alone waits for nothing.
func TestOneRequestAlone(t *testing.T) {
	cost := testCost(t, testPlan(t, "vllm", 1))
	s := Schedule{Chunked: true, TokenBudget: 8192, MaxSequences: 8, KVTokens: 1 << 20}
	o := Simulate(cost, s, 1, Load{Concurrency: 1, Requests: 1, ISL: 4000, OSL: 2, MinShare: 1})
	c := cost.c
	want := c[FrontRequest] + c[FrontPrompt]*4 + cost.Mixed(4000, cost.k.promptAttention(0, 4000), 0, 0, 1) + c[FrontToken] + c[Transit]
	if math.Abs(o.TTFT[0]-want) > 1e-9 {
		t.Errorf("TTFT is %v, want %v", o.TTFT[0], want)
	}
	if want := cost.Decode(1, 4000); math.Abs(o.TPOT[0]-want) > 1e-9 {
		t.Errorf("TPOT is %v, want %v", o.TPOT[0], want)
	}
}

// More in flight never makes anybody faster, and the KV cache bounds how many run.
func TestLoadProperties(t *testing.T) {
	cost := testCost(t, testPlan(t, "vllm", 1))
	s := Schedule{Chunked: true, TokenBudget: 8192, MaxSequences: 1024, KVTokens: 50000, ReserveOutput: 1}
	last := Prediction{}
	for _, n := range []int{1, 4, 16, 64, 256} {
		p := Predict(cost, s, 1, ClosedLoop(n, estimator.Workload{ISL: 1000, OSL: 100}))
		if p.TTFT < last.TTFT || p.TPOT < last.TPOT*0.999 {
			t.Errorf("%d in flight: TTFT %.1f and TPOT %.2f are below those of fewer, %.1f and %.2f", n, p.TTFT, p.TPOT, last.TTFT, last.TPOT)
		}
		if p50, p90, p99 := p.Percentiles(); p50 > p90 || p90 > p99 {
			t.Errorf("%d in flight: percentiles fall: %v %v %v", n, p50, p90, p99)
		}
		if p.Most > 50000/1100 {
			t.Errorf("%d in flight: %d ran at a time, more than the KV cache holds", n, p.Most)
		}
		last = p
	}
}

// Requests that arrive at random wait longer the more of them there are; the mean
// waiting time of a nearly idle engine is that of a request alone.
func TestPoissonLoad(t *testing.T) {
	p := testPlan(t, "vllm", 1)
	cost := testCost(t, p)
	w := estimator.Workload{ISL: 2000, OSL: 64}
	alone := Predict(cost, NewSchedule("vllm", p, Poisson(0.01, w), ByConfigurator), 1, Poisson(0.01, w))
	one := Predict(cost, NewSchedule("vllm", p, ClosedLoop(1, w), ByConfigurator), 1, ClosedLoop(1, w))
	if d := alone.TTFT/one.TTFT - 1; math.Abs(d) > 0.02 {
		t.Errorf("TTFT of an idle engine is %.1f ms, %.1f alone", alone.TTFT, one.TTFT)
	}
	_, _, last := alone.Percentiles()
	for _, rate := range []float64{1, 3, 6} {
		q := Predict(cost, NewSchedule("vllm", p, Poisson(rate, w), ByConfigurator), 1, Poisson(rate, w))
		p50, p90, p99 := q.Percentiles()
		if p99 <= last || p50 > p90 || p90 > p99 {
			t.Errorf("%v requests/s: percentiles %v %v %v after a 99th of %v", rate, p50, p90, p99, last)
		}
		last = p99
	}
}

// Ranks in lockstep that share a load evenly are as one rank with its share.
func TestRanksInLockstep(t *testing.T) {
	cost := testCost(t, testPlan(t, "vllm", 1))
	s := Schedule{Chunked: true, TokenBudget: 8192, MaxSequences: 1024, KVTokens: 1 << 20}
	one := Predict(cost, s, 1, ClosedLoop(8, estimator.Workload{ISL: 1000, OSL: 100}))
	four := Predict(cost, s, 4, ClosedLoop(32, estimator.Workload{ISL: 1000, OSL: 100}))
	if four.TPOT < one.TPOT*0.99 {
		t.Errorf("TPOT of 4 ranks is %.2f, below that of one with a quarter, %.2f", four.TPOT, one.TPOT)
	}
	if four.Most != 8 {
		t.Errorf("a rank ran %d sequences at a time, want 8", four.Most)
	}
}

func BenchmarkPredict(b *testing.B) {
	p := testPlan(b, "vllm", 1)
	cost := testCost(b, p)
	l := ClosedLoop(64, estimator.Workload{ISL: 4000, OSL: 500})
	s := NewSchedule("vllm", p, l, ByConfigurator)
	b.ReportAllocs()
	for b.Loop() {
		Predict(cost, s, 1, l)
	}
}
