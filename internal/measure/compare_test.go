package measure

import (
	"fmt"
	"math"
	"strings"
	"testing"
)

func avg(v float64) *Stats { return &Stats{Avg: v} }

// guideResult is the measurement that the guide prints beside guideAgg.
func guideResult() *Result {
	return &Result{Concurrency: 56, TTFTMs: avg(209), ITLMs: avg(15.06), RequestRatePerS: avg(6.9), TokensPerS: avg(3462)}
}

// statuses returns the statuses of the measured rows.
func statuses(c *Comparison) (s []string) {
	for _, r := range c.Rows {
		if r.Actual != nil {
			s = append(s, r.Status)
		}
	}
	return s
}

func TestCompareGuide(t *testing.T) {
	p := guideAgg()
	c := Compare(&p, guideResult())
	want := "Better than target; Within 10%; Within 10%; Within 10%; Within 10%" // the last: tokens/s/gpu
	if got := strings.Join(statuses(c), "; "); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if len(c.Hints) > 0 {
		t.Errorf("nothing is wrong, but: %v", c.Hints)
	}
	var shown []string
	for _, r := range c.Rows[:4] {
		shown = append(shown, fmt.Sprintf("%s %.4g/%.4g %+.1f%%", r.Name, r.Predicted, r.Actual.Avg, 100**r.Delta))
	}
	want = "TTFT (ms) 509.1/209 -59.0%; ITL/TPOT (ms) 16.48/15.06 -8.6%; Throughput (req/s) 6.368/6.9 +8.4%; Total Output TPS 3178/3462 +8.9%"
	if got := strings.Join(shown, "; "); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := c.row("tokens_per_s_per_gpu").Actual.Avg; got != 3462.0/8 {
		t.Errorf("tokens/s/gpu is %g", got)
	}
}

func TestStatus(t *testing.T) {
	for _, c := range []struct {
		predicted, actual, limit float64
		higher                   bool
		want                     string
		shortfall                float64
	}{
		{500, 545, 0, false, "Within 10%", 0.09},
		{500, 545, 540, false, "Within 10%, SLA missed", 0.09},
		{500, 455, 600, false, "Within 10%", 0},
		{500, 200, 600, false, "Better than target", 0},
		{500, 200, 0, false, "Better by 60%", 0},
		{500, 300, 250, false, "Better by 40%, SLA missed", 0}, // the prediction misses it too
		{500, 575, 600, false, "Worse by 15%", 0.15},
		{500, 5000, 600, false, "Worse by 900%, SLA missed", 9},
		{100, 80, 0, true, "Worse by 20%", 0.20},
		{100, 120, 0, true, "Better by 20%", 0},
		{100, 0, 0, true, "Worse by 100%", 1},
		{0, 3, 0, false, "Not predicted", 0},
	} {
		r := Row{Predicted: c.predicted, Actual: avg(c.actual), Limit: c.limit, higherIsBetter: c.higher}
		r.judge()
		if r.Status != c.want || math.Abs(r.Shortfall()-c.shortfall) > 1e-12 {
			t.Errorf("%+v: got %s, %g", c, r.Status, r.Shortfall())
		}
	}
}

func TestHints(t *testing.T) {
	agg, disagg := guideAgg(), guideDisagg()
	poor := func() *Result {
		return &Result{Concurrency: 56, TTFTMs: avg(700), ITLMs: avg(21), RequestRatePerS: avg(4.9), TokensPerS: avg(2400)}
	}
	for _, c := range []struct {
		name string
		p    *Prediction
		r    *Result
		hint string // "" = none
	}{
		{"guide", &agg, guideResult(), ""},
		{"usual", &agg, &Result{Concurrency: 56, TTFTMs: avg(510), ITLMs: avg(17), RequestRatePerS: avg(5.54), TokensPerS: avg(2765)}, "throughput at 87% of the prediction is usual"},
		{"lower than usual, latency fine", &agg, &Result{Concurrency: 56, TTFTMs: avg(510), ITLMs: avg(17), RequestRatePerS: avg(4)}, ""},
		{"all poor", &agg, poor(), "every metric is more than 10% worse"},
		{"no RDMA", &disagg, &Result{Concurrency: 60, TTFTMs: avg(14200), ITLMs: avg(13.2), RequestRatePerS: avg(8)}, "TTFT is 36.6 times the prediction: the KV cache travels without RDMA"},
		{"no RDMA, ten times", &disagg, &Result{Concurrency: 60, TTFTMs: avg(3890)}, "TTFT is 10 times the prediction"},
		{"slow, but not that slow", &disagg, &Result{Concurrency: 60, TTFTMs: avg(800), ITLMs: avg(13)}, ""},
		{"slow, aggregated", &agg, &Result{Concurrency: 56, TTFTMs: avg(14200), ITLMs: avg(13)}, ""},
		{"another load", &disagg, &Result{Concurrency: 600, TTFTMs: avg(14200), ITLMs: avg(130)}, ""},
	} {
		got := Compare(c.p, c.r).Hints
		switch {
		case c.hint == "" && len(got) > 0, c.hint != "" && (len(got) != 1 || !strings.HasPrefix(got[0], c.hint)):
			t.Errorf("%s: got %q, want %q", c.name, got, c.hint)
		}
	}
	slow := guideDisagg() // predicted to be slow, and it is
	slow.TTFTMs = 11000
	if got := Compare(&slow, &Result{Concurrency: 60, TTFTMs: avg(11500)}).Hints; len(got) > 0 {
		t.Errorf("as predicted, but %q", got)
	}
}

func TestCaveats(t *testing.T) {
	p := guideAgg()
	full := func(change func(*Result)) *Result {
		r := guideResult()
		r.ISL, r.OSL = avg(4010), avg(500)
		change(r)
		return r
	}
	for _, c := range []struct {
		change func(*Result)
		want   string // "" = none
	}{
		{func(*Result) {}, ""},
		{func(r *Result) { r.Concurrency = 8 }, "measured at concurrency 8, predicted for 56: run aiperf with --concurrency 56"},
		{func(r *Result) { r.Concurrency = 14 }, "measured at concurrency 14, that of one replica; the prediction is for 56 over 4 replicas"},
		{func(r *Result) { r.Concurrency = 0 }, "the result does not say its concurrency"},
		{func(r *Result) { r.ISL = avg(550) }, "requests had 550 input tokens on average, predicted for 4000: run aiperf with --isl 4000"},
		{func(r *Result) { r.OSL = avg(123.4) }, "requests had 123 output tokens on average, predicted for 500: run aiperf with --osl 500 --extra-inputs ignore_eos:true"},
		{func(r *Result) { r.Incomplete = true }, "the benchmark ended before all of its requests were done"},
		{func(r *Result) { r.Requests, r.FailedRequests = 2200, 40 }, "40 requests failed, 2200 succeeded; the figures are of those"},
		{func(r *Result) { r.TTFTMs, r.ITLMs = nil, nil }, "times of single tokens were not measured: run aiperf with --streaming"},
	} {
		got := Compare(&p, full(c.change)).Caveats
		if strings.Join(got, "; ") != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

func TestCorrection(t *testing.T) {
	p := guideDisagg()
	prefill, decode, err := Compare(&p, &Result{Concurrency: 60, TTFTMs: avg(2 * p.TTFTMs), ITLMs: avg(p.TPOTMs / 2)}).Correction()
	if err != nil || prefill != 2.2 || decode != 0.54 {
		t.Errorf("got %g, %g, %v; want 2.2 and 0.54", prefill, decode, err)
	}
	agg, bare := guideAgg(), guideDisagg()
	bare.DecodeCorrection = 0
	simulated := guideDisagg()
	simulated.Estimator = "calibrated"
	for _, c := range []struct {
		p    *Prediction
		r    *Result
		want string
	}{
		{&agg, guideResult(), "mode is agg: only disagg predictions have latency correction scales"},
		{&p, &Result{TTFTMs: avg(300)}, "ITL/TPOT (ms): a correction scale needs a prediction and a measurement"},
		{&bare, guideResult(), "the prediction has no decode_latency_correction_scale"},
		{&simulated, guideResult(), "the prediction is the calibrated estimator's, which has constants in place of correction scales: servegrid calibrate fits them"},
	} {
		if _, _, err := Compare(c.p, c.r).Correction(); err == nil || err.Error() != c.want {
			t.Errorf("got %v, want %s", err, c.want)
		}
	}
}
