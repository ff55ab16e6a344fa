package calibrate

import (
	"math"
	"slices"
	"testing"
)

func testPair(t testing.TB, prefillWorkers, decodeWorkers, dp int) Pair {
	t.Helper()
	p := testPlan(t, "vllm", 1)
	cost := testCost(t, p)
	pair := newPair(side{p, cost, prefillWorkers}, side{p, cost, decodeWorkers}, 4096, ByBenchmark)
	pair.Prefill.Ranks, pair.Decode.Ranks = dp, dp
	return pair
}

// slowPair is one prefill and one decode worker of one rank, a tenth of a millisecond
// after the other: every step is taken, every queue searched.
func slowPair(p *Pair, l Load) (ttft, tpot []float64) {
	type req struct {
		request
		state  string // sent, prefill, moving, running, done
		until  float64
		tokens int
	}
	const tick = 0.05
	var all []*req
	front, out := 0.0, 0.0
	c := p.Prefill.cost.c
	send := func(at float64) {
		if len(all) == l.Requests {
			return
		}
		r := &req{request: l.request(len(all), at), state: "sent"}
		front = max(front, at) + c[FrontRequest] + c[FrontPrompt]*float64(r.isl)/1000
		r.until = front
		all = append(all, r)
		ttft, tpot = append(ttft, 0), append(tpot, 0)
	}
	for range min(l.Concurrency, l.Requests) {
		send(0)
	}
	prefillUntil, decodeUntil := 0.0, 0.0
	prefilling, decoding := false, false
	for now := 0.0; ; now += tick {
		left := false
		for _, r := range all {
			left = left || r.state != "done"
		}
		if !left {
			return ttft, tpot
		}
		if prefilling && now >= prefillUntil {
			prefilling = false
			for _, r := range all {
				if r.state == "prefill" {
					r.state, r.until = "moving", prefillUntil+p.Transfer*float64(r.isl)
				}
			}
		}
		if decoding && now >= decodeUntil {
			decoding = false
			n := 0
			for _, r := range all {
				if r.state == "running" {
					n++
				}
			}
			out = max(out, decodeUntil) + float64(n)*c[FrontToken]
			for i := 0; i < len(all); i++ {
				r := all[i]
				if r.state != "running" {
					continue
				}
				if r.tokens++; r.tokens == r.osl {
					r.state = "done"
					tpot[i] = (out - r.firstToken) / float64(r.osl-1)
					send(out)
				}
			}
		}
		if !prefilling {
			tokens, attention, heads := 0.0, 0.0, 0.0
			for _, r := range all {
				if r.state == "sent" && r.until <= now && (tokens == 0 || tokens+float64(r.isl) <= float64(p.Prefill.StepTokens)) {
					r.state = "prefill"
					tokens += float64(r.isl)
					attention += p.Prefill.cost.k.promptAttention(0, float64(r.isl))
					heads++
				}
			}
			if prefilling = tokens > 0; prefilling {
				prefillUntil = now + p.Prefill.cost.Mixed(tokens, attention, 0, 0, heads)
			}
		}
		if !decoding {
			n, length, reserved := 0.0, 0.0, 0.0
			for _, r := range all {
				if r.state == "running" {
					n, length = n+1, length+float64(r.isl+r.tokens-1)
					reserved += float64(r.isl) + p.Decode.ReserveOutput*float64(r.osl)
				}
			}
			for i, r := range all {
				need := float64(r.isl) + p.Decode.ReserveOutput*float64(r.osl)
				if r.state == "moving" && r.until <= now && (n == 0 || reserved+need <= float64(p.Decode.KVTokens)) {
					r.state, r.tokens = "running", 1
					out = max(out, now) + c[FrontToken]
					r.firstToken = out
					ttft[i] = out - r.sent + c[Transit]
					n, length, reserved = n+1, length+float64(r.isl), reserved+need
				}
			}
			if decoding = n > 0; decoding {
				decodeUntil = now + p.Decode.cost.Decode(n, length/n)
			}
		}
	}
}

// Workers whose clocks run apart and that jump over equal steps do what a clock that
// ticks for all of them does.
func TestPairMatchesTicks(t *testing.T) {
	for name, change := range map[string]func(p *Pair){
		"room":         func(*Pair) {},
		"slow link":    func(p *Pair) { p.Transfer = 0.2 },
		"little cache": func(p *Pair) { p.Decode.KVTokens = 9000 },
		"one prompt":   func(p *Pair) { p.Prefill.StepTokens = 1 },
	} {
		pair := testPair(t, 1, 1, 1)
		change(&pair)
		for _, l := range []Load{
			{Concurrency: 1, Requests: 4, ISL: 1000, OSL: 50, MinShare: 1},
			{Concurrency: 12, Requests: 48, ISL: 1000, OSL: 120, MinShare: 1},
			{Concurrency: 12, Requests: 48, ISL: 900, OSL: 150, MinShare: 0.8},
		} {
			o := SimulatePair(&pair, l)
			ttft, tpot := slowPair(&pair, l)
			for what, v := range map[string][2]float64{"TTFT": {mean(o.TTFT), mean(ttft)}, "TPOT": {mean(o.TPOT), mean(tpot)}} {
				if d := math.Abs(v[0]/v[1] - 1); !(d < 0.02) {
					t.Errorf("%s, %d in flight: mean %s is %.3f ms, by ticks %.3f", name, l.Concurrency, what, v[0], v[1])
				}
			}
			if slices.Contains(o.TPOT, 0) {
				t.Errorf("%s: a request was never finished", name)
			}
		}
	}
}

// One request alone waits for its prompt, its KV cache on the way, and nothing else.
func TestPairOneRequest(t *testing.T) {
	p := testPair(t, 2, 2, 1)
	p.Transfer = 0.01
	o := SimulatePair(&p, Load{Concurrency: 1, Requests: 1, ISL: 4000, OSL: 2, MinShare: 1})
	cost := p.Prefill.cost
	c := cost.c
	want := c[FrontRequest] + 4*c[FrontPrompt] + cost.Mixed(4000, cost.k.promptAttention(0, 4000), 0, 0, 1) + 40 + c[FrontToken] + c[Transit]
	if math.Abs(o.TTFT[0]-want) > 1e-9 {
		t.Errorf("TTFT is %v, want %v", o.TTFT[0], want)
	}
	if want := cost.Decode(1, 4000.5); math.Abs(o.TPOT[0]-want) > 1e-9 {
		t.Errorf("TPOT is %v, want %v", o.TPOT[0], want)
	}
}

// Prompts never disturb a decode worker, more workers never make anybody slower, and a
// slower link makes everybody wait.
func TestPairProperties(t *testing.T) {
	l := Load{Concurrency: 48, Requests: 144, ISL: 4000, OSL: 100, MinShare: 1}
	figures := func(p Pair) (ttft, tpot float64) {
		o := SimulatePair(&p, l)
		return mean(o.TTFT), mean(o.TPOT)
	}
	ttft, tpot := figures(testPair(t, 1, 1, 1))
	if more, _ := figures(testPair(t, 2, 1, 1)); more > ttft {
		t.Errorf("TTFT with two prefill workers is %.1f ms, %.1f with one", more, ttft)
	}
	// Twice the decode workers have half the sequences each.
	if _, more := figures(testPair(t, 4, 2, 1)); more > 1.001*func() float64 { _, v := figures(testPair(t, 4, 1, 1)); return v }() {
		t.Errorf("TPOT grows with decode workers to %.2f ms", more)
	}
	slow := testPair(t, 1, 1, 1)
	slow.Transfer += 0.05
	if late, _ := figures(slow); late < ttft {
		t.Errorf("TTFT over a slower link is %.1f ms, %.1f over a faster", late, ttft)
	}
	// A decode step is never longer than that of all sequences at their full length.
	p := testPair(t, 1, 1, 1)
	if most := p.Decode.cost.Decode(48, 4100) + 48*p.Decode.cost.c[FrontToken]; tpot > most {
		t.Errorf("TPOT is %.2f ms, a full step %.2f", tpot, most)
	}
}

// A prefix that is cached is not computed, but its KV cache travels.
func TestPairPrefix(t *testing.T) {
	p := testPair(t, 1, 1, 1)
	whole := SimulatePair(&p, Load{Concurrency: 1, Requests: 1, ISL: 4000, OSL: 2, MinShare: 1})
	part := SimulatePair(&p, Load{Concurrency: 1, Requests: 1, ISL: 4000, OSL: 2, MinShare: 1, Prefix: 3000})
	if part.TTFT[0] >= whole.TTFT[0] {
		t.Errorf("TTFT is %.1f ms with a cached prefix, %.1f without", part.TTFT[0], whole.TTFT[0])
	}
}

// The KV cache of a token of Qwen3-32B in FP8 over two GPUs: 8 heads of 128, keys and
// values, 64 layers, one byte each; a link of H200 nodes carries 25 GB/s per GPU.
func TestTransfer(t *testing.T) {
	p := testPlan(t, "vllm", 1)
	if got, want := TransferPerToken(p, p), 1000*(8.0*128*2*64/2)*p.Quant.KV.Bytes()/25e9; math.Abs(got/want-1) > 1e-9 {
		t.Errorf("%v ms a token, want %v", got, want)
	}
}

// The published deployments: every one is answered but that without a layout, and the
// errors are what the documentation says.
func TestPublishedPairs(t *testing.T) {
	set, err := ShippedSet()
	if err != nil {
		t.Fatal(err)
	}
	all, refused := shippedCases(t)
	var pairs []*Case
	for _, c := range all {
		if c.Disaggregated() {
			pairs = append(pairs, c)
		}
	}
	if len(pairs) != 102 || refused["the row does not say how many prefill and decode workers there are and how they are laid out"] != 1 {
		t.Errorf("%d answered, refused %v", len(pairs), refused)
	}
	e := Judge(pairs, func(i int) Answer {
		p := pairs[i].Predict(set.For(pairs[i]))
		return Answer{p.TTFT, p.TPOT}
	})
	t.Logf("%d rows, TPOT off by %.3f, TTFT by %.3f, throughput by %.3f", e.N, e.TPOT.MAPE, e.TTFT.MAPE, e.Throughput.MAPE)
	if e.TPOT.MAPE > 0.40 || e.TTFT.MAPE > 0.75 || e.Throughput.MAPE > 0.30 {
		t.Error("more than documented")
	}
}
