package measure

import (
	"fmt"
	"math"
)

// differences says in what the benchmark was not what the prediction is for.
func (p *Prediction) differences(r *Result) []string {
	var out []string
	switch {
	case r.Concurrency == 0 || r.Concurrency == p.Concurrency:
	case r.Concurrency == p.ConcurrencyPerReplica && p.Replicas > 1:
		out = append(out, fmt.Sprintf("measured at concurrency %d, that of one replica; the prediction is for %d over %d replicas", r.Concurrency, p.Concurrency, p.Replicas))
	default:
		out = append(out, fmt.Sprintf("measured at concurrency %d, predicted for %d: run aiperf with --concurrency %d", r.Concurrency, p.Concurrency, p.Concurrency))
	}
	// Chat templates add some tokens to a prompt.
	const most = 0.05
	length := func(what, flag string, got *Stats, want int) {
		if got != nil && math.Abs(got.Avg-float64(want)) > most*float64(want) {
			out = append(out, fmt.Sprintf("requests had %.0f %s tokens on average, predicted for %d: run aiperf with %s", got.Avg, what, want, fmt.Sprintf(flag, want)))
		}
	}
	length("input", "--isl %d", r.ISL, p.ISL)
	length("output", "--osl %d --extra-inputs ignore_eos:true", r.OSL, p.OSL)
	return out
}

// flaws says what makes the result itself doubtful.
func (r *Result) flaws() []string {
	var out []string
	if r.Concurrency == 0 {
		out = append(out, "the result does not say its concurrency")
	}
	if r.Incomplete {
		out = append(out, "the benchmark ended before all of its requests were done")
	}
	if r.FailedRequests > 0 {
		out = append(out, fmt.Sprintf("%d requests failed, %d succeeded; the figures are of those", r.FailedRequests, r.Requests))
	}
	if r.TTFTMs == nil || r.ITLMs == nil {
		out = append(out, "times of single tokens were not measured: run aiperf with --streaming")
	}
	return out
}

// From these on, a time to first token points to a KV cache that travels over TCP:
// with RDMA the guide measured 355 ms, without it more than 10 s.
const (
	slowTTFTRatio = 10
	slowTTFTMs    = 10_000
)

// hints says what the differences point to.
func (c *Comparison) hints() []string {
	var out []string
	if t := c.row("ttft_ms"); c.Prediction.Mode == Disagg && t.Delta != nil && t.Shortfall() > within &&
		(t.Actual.Avg >= slowTTFTRatio*t.Predicted || t.Actual.Avg >= slowTTFTMs) {
		out = append(out, fmt.Sprintf("TTFT is %.3g times the prediction: the KV cache travels without RDMA. Give the workers rdma/ib resources, "+
			"the IPC_LOCK capability and the UCX variables, then read their logs: servegrid explain rdma", t.Actual.Avg/t.Predicted))
	}
	rate := c.row("request_rate_per_s")
	switch {
	case c.allPoor():
		out = append(out, "every metric is more than 10% worse: send 40 or more warm-up requests, look for other load on the nodes, "+
			"check the share of memory for the KV cache, and run aiperf inside the cluster: servegrid explain below-predictions")
	case rate.Delta != nil && *rate.Delta >= -0.15 && *rate.Delta < -within:
		out = append(out, fmt.Sprintf("throughput at %.0f%% of the prediction is usual: servers mostly reach 85 to 90%%", 100*(1+*rate.Delta)))
	}
	return out
}

// allPoor reports whether latency and throughput were measured and all of it is
// worse than predicted.
func (c *Comparison) allPoor() bool {
	measured := 0
	for i := range c.Rows {
		if r := &c.Rows[i]; r.Delta != nil {
			measured++
			if r.Shortfall() <= within {
				return false
			}
		}
	}
	return measured > 1
}

// row returns the comparison of one metric.
func (c *Comparison) row(column string) *Row {
	for i := range c.Rows {
		if c.Rows[i].Column == column {
			return &c.Rows[i]
		}
	}
	panic("measure: no metric " + column)
}
