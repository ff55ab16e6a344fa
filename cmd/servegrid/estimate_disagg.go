package main

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"servegrid/estimator"
	"servegrid/estimator/calibrate"
	"servegrid/estimator/search"
)

// pairFlags describe the prefill workers of a disaggregated deployment, and how many
// workers there are; the other flags are those of its decode workers.
func pairFlags() []cli.Flag {
	return []cli.Flag{
		&cli.IntFlag{Name: "prefill-workers", Value: 1, Usage: "of --estimate-mode disagg: prefill workers"},
		&cli.IntFlag{Name: "decode-workers", Value: 1, Usage: "decode workers; --tp-size and the like are theirs, --batch-size is what each of their ranks decodes"},
		&cli.IntFlag{Name: "prefill-batch-size", Value: 1, Usage: "prompts of a prefill step, per data-parallel rank"},
		&cli.IntFlag{Name: "prefill-tp-size", Value: 1, Usage: "tensor parallel size of a prefill worker"},
		&cli.IntFlag{Name: "prefill-attention-dp-size", Value: 1, Usage: "attention data parallel size of a prefill worker"},
		&cli.IntFlag{Name: "prefill-moe-tp-size", Value: 1, Usage: "tensor parallel size of its experts"},
		&cli.IntFlag{Name: "prefill-moe-ep-size", Value: 1, Usage: "expert parallel size of a prefill worker"},
	}
}

// checkPairFlags reports flags of disaggregated deployments in other modes, and sizes
// below one.
func checkPairFlags(c *cli.Context) error {
	for _, f := range pairFlags() {
		name := f.Names()[0]
		switch {
		case c.IsSet(name) && c.String("estimate-mode") != search.Disagg:
			return usagef("--%s needs --estimate-mode %s", name, search.Disagg)
		case c.Int(name) < 1:
			return usagef("--%s is %d, want at least 1", name, c.Int(name))
		}
	}
	return nil
}

// pairRow estimates prefill and decode workers together.
func pairRow(c *cli.Context, decode *estimator.Plan, w estimator.Workload, s *calibrate.Set) (columns []string, row []any, err error) {
	if w.OSL < 2 {
		return nil, nil, usagef("--osl is %d, want at least 2", w.OSL)
	}
	for _, f := range []string{"request-rate", "ctx-tokens"} {
		if c.IsSet(f) {
			return nil, nil, usagef("--%s: it is about aggregated workers, not --estimate-mode %s", f, search.Disagg)
		}
	}
	config := decode.Config
	config.Layout = estimator.Layout{
		TP: c.Int("prefill-tp-size"), PP: 1, DP: c.Int("prefill-attention-dp-size"), MoETP: c.Int("prefill-moe-tp-size"), MoEEP: c.Int("prefill-moe-ep-size"),
	}
	prefill, err := estimator.Compile(config)
	if err != nil {
		return nil, nil, fmt.Errorf("prefill workers: %w", err)
	}
	p := pair{
		prefill: search.Side{Plan: prefill, BatchSize: c.Int("prefill-batch-size"), Workers: c.Int("prefill-workers")},
		decode:  search.Side{Plan: decode, BatchSize: c.Int("batch-size"), Workers: c.Int("decode-workers")}, w: w,
	}
	add := func(name string, v any) { columns, row = append(columns, name), append(row, v) }
	add("model", decode.Model.ID)
	add("tables", decode.DB.String())
	add("prefill_layout", fmt.Sprintf("%d x %s", p.prefill.Workers, prefill.Layout))
	add("decode_layout", fmt.Sprintf("%d x %s", p.decode.Workers, decode.Layout))
	add("formats", describeQuant(decode.Model, decode.Quant))
	add("isl", w.ISL)
	add("osl", w.OSL)
	add("prefix", w.Prefix)
	add("concurrency", p.concurrency())
	if s == nil {
		err = p.reference(add)
	} else {
		add("estimator", calibratedEstimator)
		err = p.calibrated(add, s)
	}
	return columns, row, err
}

// pair is a deployment of prefill and decode workers.
type pair struct {
	prefill, decode search.Side
	w               estimator.Workload
}

func (p *pair) concurrency() int {
	return p.decode.BatchSize * p.decode.Plan.Layout.DP * p.decode.Workers
}

func (p *pair) gpus() int {
	return p.prefill.Workers*p.prefill.Plan.Layout.GPUs() + p.decode.Workers*p.decode.Plan.Layout.GPUs()
}

// reference adds the reference's figures.
func (p *pair) reference(add func(string, any)) error {
	r, err := search.EstimatePair(p.prefill, p.decode, p.w)
	if err != nil {
		return err
	}
	add("ttft_ms", r.TTFT)
	add("tpot_ms", r.TPOT)
	add("request_latency_ms", r.RequestLatency)
	add("seq_per_s", r.SeqPerS)
	add("tokens_per_s", r.TokensPerS)
	add("tokens_per_s_per_gpu", r.TokensPerSPerGPU)
	add("tokens_per_s_per_user", r.TokensPerSPerUser)
	add("prefill_memory_gib", r.Prefill.MemoryGiB)
	add("decode_memory_gib", r.Decode.MemoryGiB)
	add("memory_capacity_gib", p.decode.Plan.CapacityGiB())
	add("fits", p.prefill.Plan.Fits(r.Prefill.MemoryGiB) && p.decode.Plan.Fits(r.Decode.MemoryGiB))
	return nil
}

// calibrated adds the simulation's.
func (p *pair) calibrated(add func(string, any), s *calibrate.Set) error {
	var workers [2]calibrate.Workers
	for i, side := range []search.Side{p.prefill, p.decode} {
		e, err := calibrate.NewEngine(side.Plan, s, side.Plan.DB.Version)
		if err != nil {
			return err
		}
		workers[i] = calibrate.Workers{Engine: e, Count: side.Workers}
	}
	f, err := calibrate.ForecastPair(workers[0], workers[1], p.prefill.BatchSize, calibrate.ClosedLoop(p.concurrency(), p.w))
	if err != nil {
		return err
	}
	addForecast(add, &f, p.gpus(), p.w)
	add("kv_transfer_ms", calibrate.TransferPerToken(p.prefill.Plan, p.decode.Plan)*float64(p.w.ISL))
	return nil
}
