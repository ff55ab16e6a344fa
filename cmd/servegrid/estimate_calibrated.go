package main

import (
	"math"

	"github.com/urfave/cli/v2"

	"servegrid/estimator"
	"servegrid/estimator/calibrate"
	"servegrid/estimator/search"
)

// calibratedRow simulates the plan under the load that the flags spell.
func calibratedRow(c *cli.Context, p *estimator.Plan, w estimator.Workload, s *calibrate.Set) (columns []string, row []any, err error) {
	if kind := c.String("estimate-mode"); kind != search.Agg {
		return nil, nil, usagef("--estimate-mode %s: the calibrated estimator simulates aggregated workers (agg) and disaggregated ones (disagg) only", kind)
	}
	if c.IsSet("ctx-tokens") {
		return nil, nil, usagef("--ctx-tokens: the calibrated estimator fills steps as the engine does")
	}
	if w.OSL < 2 {
		return nil, nil, usagef("--osl is %d, want at least 2", w.OSL)
	}
	rate := c.Float64("request-rate")
	if rate < 0 || math.IsNaN(rate) || math.IsInf(rate, 0) {
		return nil, nil, usagef("--request-rate is %v, want a positive number of requests a second", rate)
	}
	concurrency := c.Int("batch-size") * p.Layout.DP
	load := calibrate.ClosedLoop(concurrency, w)
	if rate > 0 {
		load = calibrate.Poisson(rate, w)
	}
	engine, err := calibrate.NewEngine(p, s, p.DB.Version)
	if err != nil {
		return nil, nil, err
	}
	f, err := engine.Forecast(load)
	if err != nil {
		return nil, nil, err
	}
	add := func(name string, v any) { columns, row = append(columns, name), append(row, v) }
	add("model", p.Model.ID)
	add("tables", p.DB.String())
	add("layout", p.Layout.String())
	add("formats", describeQuant(p.Model, p.Quant))
	add("estimator", calibratedEstimator)
	add("isl", w.ISL)
	add("osl", w.OSL)
	add("prefix", w.Prefix)
	if rate > 0 {
		add("arrivals", "poisson")
		add("request_rate_per_s", rate)
	} else {
		add("arrivals", "closed loop")
		add("concurrency", concurrency)
	}
	addForecast(add, &f, p.Layout.GPUs(), w)
	return columns, row, nil
}

// addForecast adds the figures of a simulation on so many GPUs.
func addForecast(add func(string, any), f *calibrate.Forecast, gpus int, w estimator.Workload) {
	add("ttft_ms", f.TTFT)
	p50, p90, p99 := f.Percentiles()
	add("ttft_ms_p50", p50)
	add("ttft_ms_p90", p90)
	add("ttft_ms_p99", p99)
	add("tpot_ms", f.TPOT)
	add("request_latency_ms", f.TTFT+f.TPOT*float64(w.OSL-1))
	add("tokens_per_s", f.TokensPerSec)
	add("tokens_per_s_per_gpu", f.TokensPerSec/float64(gpus))
	add("tokens_per_s_per_user", 1000/f.TPOT)
	add("most_running_per_rank", f.Most)
	add("most_concurrent_requests", f.MostConcurrent)
	add("kv_cache_tokens_per_rank", f.Budget.Tokens)
	add("kv_cache_gib", f.Budget.KVCache)
	add("weights_gib", f.Budget.Weights)
	add("activations_gib", f.Budget.Activations)
	add("memory_capacity_gib", f.Budget.Capacity)
	add(f.Budget.Setting, f.Budget.Share)
}

// calibrated estimates one row of a table. Its cells were read before.
func (e *estimateTable) calibrated(i int) (estimated, error) {
	c, err := e.resolver.Resolve(&e.measurements[i])
	if err != nil {
		return estimated{}, err
	}
	p := c.Predict(e.constants.For(c))
	p50, p90, p99 := p.Percentiles()
	memory := c.Plan.Memory(p.Most, estimator.Workload{ISL: c.ISL, OSL: c.OSL}, max(c.Schedule.TokenBudget, p.Most))
	return estimated{
		ttft: p.TTFT, tpot: p.TPOT, context: missing, generation: missing, memory: memory.Total(),
		tokensPerGPU: p.TokensPerSec / float64(c.GPUs()),
		oom:          c.OutOfMemory(),
		p50:          p50, p90: p90, p99: p99, class: string(c.Class),
	}, nil
}
