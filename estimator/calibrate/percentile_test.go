package calibrate

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"servegrid/estimator"
)

// serve is a server spelled out for percentiles: requests of one length that arrive at
// given times, or when a client's last one ends; one rank that splits prompts over steps
// beside the decoding sequences, and a front process. It shares nothing with [Simulate]
// but the price of a step.
func serve(cost *StepCost, stepTokens, isl, osl int, arrivals []float64, clients, requests int) (ttft []float64) {
	type request struct {
		sent, ready float64
		computed    int
		tokens      int
	}
	c := cost.c
	var queue, running []*request
	intake, front, now := 0.0, 0.0, 0.0
	sent := 0
	arrive := func(at float64) {
		if sent == requests {
			return
		}
		sent++
		intake = max(intake, at) + c[FrontRequest] + c[FrontPrompt]*float64(isl)/1000
		queue = append(queue, &request{sent: at, ready: intake})
	}
	for range clients {
		arrive(0)
	}
	for {
		for len(arrivals) > 0 && arrivals[0] <= now {
			arrive(arrivals[0])
			arrivals = arrivals[1:]
		}
		n, length := float64(len(running)), 0.0
		for _, r := range running {
			length += float64(isl+r.tokens-1) / n
		}
		budget, tokens, attention, heads := stepTokens-len(running), 0, 0.0, 0
		var done []*request
		for _, r := range queue {
			chunk := min(isl-r.computed, budget)
			if r.ready > now || chunk <= 0 {
				break
			}
			attention += cost.k.promptAttention(float64(r.computed), float64(r.computed+chunk))
			r.computed += chunk
			tokens, budget = tokens+chunk, budget-chunk
			if r.computed == isl {
				done = append(done, r)
				heads++
			}
		}
		switch {
		case tokens > 0:
			now += cost.Mixed(float64(tokens), attention, n, length, float64(heads)+n)
		case n > 0:
			now += cost.Decode(n, length)
		case len(queue) > 0:
			now = queue[0].ready
			if len(arrivals) > 0 {
				now = min(now, arrivals[0])
			}
			continue
		case len(arrivals) > 0:
			now = arrivals[0]
			continue
		default:
			return ttft
		}
		if n > 0 {
			front = max(front, now) + n*c[FrontToken]
		}
		ended := 0
		running = slices.DeleteFunc(running, func(r *request) bool {
			r.tokens++
			if r.tokens == osl {
				ended++
			}
			return r.tokens == osl
		})
		queue = queue[len(done):]
		for _, r := range done {
			front = max(front, now) + c[FrontToken]
			ttft = append(ttft, front-r.sent+c[Transit])
			r.tokens = 1
			running = append(running, r)
		}
		for range ended {
			if clients > 0 {
				arrive(front + c[Transit])
			}
		}
	}
}

func percentiles(v []float64) [3]float64 {
	s := slices.Sorted(slices.Values(v))
	at := func(share float64) float64 { return s[int(math.Ceil(share*float64(len(s))))-1] }
	return [3]float64{at(0.5), at(0.9), at(0.99)}
}

// comparePercentiles holds predicted percentiles against those of a server.
func comparePercentiles(t *testing.T, server string, p *Prediction, want, tolerance [3]float64) {
	t.Helper()
	p50, p90, p99 := p.Percentiles()
	t.Logf("%s: %.1f; predicted p50 %.1f p90 %.1f p99 %.1f ms", server, want, p50, p90, p99)
	for i, got := range []float64{p50, p90, p99} {
		if d := math.Abs(got/want[i] - 1); d > tolerance[i] {
			t.Errorf("%s: p%d is %.1f ms, predicted %.1f", server, []int{50, 90, 99}[i], want[i], got)
		}
	}
}

// Percentiles of TTFT when requests arrive at random: against a server whose arrivals
// are drawn by a random generator, five times as many of them.
func TestPoissonPercentiles(t *testing.T) {
	const stepTokens = 2048
	cost := testCost(t, testPlan(t, "vllm", 1))
	w := estimator.Workload{ISL: 2000, OSL: 64}
	rates := []float64{4, 0.5, 7, 8}
	if testing.Short() {
		rates = rates[:1]
	}
	for _, rate := range rates {
		s := Schedule{Chunked: true, TokenBudget: stepTokens, MaxSequences: 1 << 20, KVTokens: math.MaxInt32, ReserveOutput: 0.5}
		p := Predict(cost, s, 1, Poisson(rate, w))
		r := rand.New(rand.NewPCG(7, 7))
		const n = 100000
		arrivals, at := make([]float64, n), 0.0
		for i := range arrivals {
			at += r.ExpFloat64() / (rate / 1000)
			arrivals[i] = at
		}
		want := percentiles(serve(cost, stepTokens, w.ISL, w.OSL, arrivals, 0, n))
		comparePercentiles(t, fmt.Sprintf("%v requests/s, drawn at random", rate), &p, want, [3]float64{0.05, 0.10, 0.10})
	}
}

// Percentiles of TTFT in a closed loop of ten waves: against a server that really runs
// ten. Where many are in flight five waves are simulated, which have not spread as much
// yet: their median is up to a seventh off.
func TestClosedLoopPercentiles(t *testing.T) {
	const stepTokens = 2048
	cost := testCost(t, testPlan(t, "vllm", 1))
	w := estimator.Workload{ISL: 1000, OSL: 150}
	for _, clients := range []int{1, 8, 32, 64} {
		s := Schedule{Chunked: true, TokenBudget: stepTokens, MaxSequences: 1 << 20, KVTokens: math.MaxInt32, ReserveOutput: 0.5}
		p := Predict(cost, s, 1, ClosedLoop(clients, w))
		want := percentiles(serve(cost, stepTokens, w.ISL, w.OSL, nil, clients, runWaves*clients))
		comparePercentiles(t, fmt.Sprintf("%d clients, a run of ten waves", clients), &p, want, [3]float64{0.15, 0.10, 0.10})
	}
}

// The mean latencies of the waves that are simulated are those of a run of ten: TPOT to
// 1 %, TTFT, which settles over more waves, to 15 %. Where prompts take most of the time,
// requests of the last wave, beside which ever fewer prompts are computed, are the
// fastest by far: counted for more than one in ten they would take a sixth off TPOT.
func TestFewWavesStandForTen(t *testing.T) {
	for _, backend := range []string{"trtllm", "vllm", "sglang"} {
		plan := testPlan(t, backend, 1)
		cost := testCost(t, plan)
		for _, osl := range []int{64, 128, 512} {
			for _, clients := range []int{fewInFlight, 64, 128} {
				l := ClosedLoop(clients, estimator.Workload{ISL: 1024, OSL: osl})
				s := NewSchedule(backend, plan, l, ByConfigurator)
				got := Predict(cost, s, 1, l)
				l.Requests = runWaves * clients
				run := Simulate(cost, s, 1, l)
				ttft, tpot := mean(run.TTFT), mean(run.TPOT)
				t.Logf("%s, %d clients, OSL %d: TTFT %.1f TPOT %.3f ms, run %.1f %.3f", backend, clients, osl, got.TTFT, got.TPOT, ttft, tpot)
				if math.Abs(got.TPOT/tpot-1) > 0.01 || math.Abs(got.TTFT/ttft-1) > 0.15 {
					t.Errorf("%s, %d clients, OSL %d: TTFT %.1f and TPOT %.3f ms, in a run of ten waves %.1f and %.3f", backend, clients, osl, got.TTFT, got.TPOT, ttft, tpot)
				}
			}
		}
	}
}
