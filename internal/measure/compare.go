package measure

import (
	"fmt"
	"math"
)

// within is the relative difference up to which a prediction holds.
const within = 0.10

// Row compares one metric.
type Row struct {
	Name      string // for people, with the unit
	Column    string // the project's column name
	Predicted float64
	Actual    *Stats   // nil: not measured
	Delta     *float64 // (average - predicted) / predicted; nil where there is none
	Status    string
	Limit     float64 // ms, 0 = none

	higherIsBetter bool
}

// Comparison is a prediction beside the result of a benchmark.
type Comparison struct {
	Prediction *Prediction
	Result     *Result
	Rows       []Row
	Caveats    []string // why the two are not about the same thing
	Hints      []string // what the differences point to
}

// Compare compares a prediction with the result of a benchmark.
func Compare(p *Prediction, r *Result) *Comparison {
	perGPU := r.TokensPerS.scaled(1 / float64(p.TotalGPUs))
	c := &Comparison{Prediction: p, Result: r, Rows: []Row{
		{Name: "TTFT (ms)", Column: "ttft_ms", Predicted: p.TTFTMs, Actual: r.TTFTMs, Limit: p.Limits.TTFTMs},
		{Name: "ITL/TPOT (ms)", Column: "tpot_ms", Predicted: p.TPOTMs, Actual: r.ITLMs, Limit: p.Limits.TPOTMs},
		{Name: "Throughput (req/s)", Column: "request_rate_per_s", Predicted: p.RequestRatePerS, Actual: r.RequestRatePerS, higherIsBetter: true},
		{Name: "Total Output TPS", Column: "tokens_per_s", Predicted: p.TokensPerS, Actual: r.TokensPerS, higherIsBetter: true},
		{Name: "Request latency (ms)", Column: "request_latency_ms", Predicted: p.RequestLatencyMs, Actual: r.RequestLatencyMs, Limit: p.Limits.RequestLatencyMs},
		{Name: "tokens/s/gpu", Column: "tokens_per_s_per_gpu", Predicted: p.TokensPerSPerGPU, Actual: perGPU, higherIsBetter: true},
		{Name: "tokens/s/user", Column: "tokens_per_s_per_user", Predicted: p.TokensPerSPerUser, Actual: r.TokensPerSPerUser, higherIsBetter: true},
	}}
	for i := range c.Rows {
		c.Rows[i].judge()
	}
	differences := p.differences(r)
	c.Caveats = append(differences, r.flaws()...)
	if len(differences) == 0 {
		c.Hints = c.hints()
	}
	return c
}

// judge fills in delta and status.
func (r *Row) judge() {
	switch {
	case r.Actual == nil:
		r.Status = "Not measured"
		return
	case r.Predicted == 0:
		r.Status = "Not predicted"
		return
	}
	delta := (r.Actual.Avg - r.Predicted) / r.Predicted
	r.Delta = &delta
	missed := r.Limit > 0 && r.Actual.Avg > r.Limit
	switch {
	case math.Abs(delta) <= within:
		r.Status = "Within 10%"
	case r.Shortfall() > 0:
		r.Status = "Worse by " + percent(math.Abs(delta))
	case r.Limit > 0 && !missed:
		r.Status = "Better than target"
	default:
		r.Status = "Better by " + percent(math.Abs(delta))
	}
	if missed {
		r.Status += ", SLA missed"
	}
}

// Shortfall is how far the result is from the prediction in the bad direction, as
// a share of the prediction; 0 where it is as good or better, or unknown.
func (r *Row) Shortfall() float64 {
	switch {
	case r.Delta == nil:
		return 0
	case r.higherIsBetter:
		return max(0, -*r.Delta)
	}
	return max(0, *r.Delta)
}

// percent writes a share as a percentage of two digits or more.
func percent(share float64) string {
	if share < within {
		return fmt.Sprintf("%.1f%%", 100*share)
	}
	return fmt.Sprintf("%.0f%%", 100*share)
}

// scaled returns the statistics times a factor.
func (s *Stats) scaled(by float64) *Stats {
	if s == nil {
		return nil
	}
	times := func(v *float64) *float64 {
		if v == nil {
			return nil
		}
		product := *v * by
		return &product
	}
	return &Stats{s.Avg * by, times(s.P50), times(s.P90), times(s.P95), times(s.P99), times(s.Min), times(s.Max), times(s.Std)}
}

// Pick returns the result to compare with a prediction: that at its concurrency,
// else the nearest one; of equals the last. The others keep their order.
func Pick(results []*Result, concurrency int) (picked *Result, others []*Result) {
	at := 0
	far := func(r *Result) int { return max(r.Concurrency-concurrency, concurrency-r.Concurrency) }
	for i, r := range results {
		if far(r) <= far(results[at]) {
			at = i
		}
	}
	for i, r := range results {
		if i != at {
			others = append(others, r)
		}
	}
	return results[at], others
}
