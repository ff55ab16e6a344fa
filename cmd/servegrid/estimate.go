package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"servegrid/estimator"
	"servegrid/estimator/calibrate"
	"servegrid/estimator/search"
	"servegrid/internal/suggest"
	"servegrid/perftables"
	"servegrid/sinks"
)

func estimateCommand() *cli.Command {
	return &cli.Command{
		Name:  "estimate",
		Usage: "estimate one configuration, or every row of a table",
		Description: `One configuration:
  servegrid estimate --model-path Qwen/Qwen3-32B-FP8 --system h200_sxm --backend vllm --tp 2 --bs 14 --isl 4000 --osl 500
Prefill and decode workers together:
  servegrid estimate --estimate-mode disagg --model-path Qwen/Qwen3-32B-FP8 --system h200_sxm --backend vllm \
    --prefill-workers 2 --prefill-tp-size 2 --tp-size 4 --bs 60 --isl 4000 --osl 500
A table (.csv or .parquet) is written back with est_ columns behind its own:
  servegrid estimate --input measured.csv --out estimated.csv
It has the columns model, system, backend, version, mode (agg, disagg, static, static_ctx or static_gen; agg where
there is none), tp, pp, dp, moe_tp, moe_ep, batch, isl, osl, and where they matter prefix, ctx_tokens, nextn,
gemm_quant, moe_quant, kvcache_quant, fmha_quant; disagg rows spell the two sides p_tp … p_bs, p_workers and d_tp ….`,
		Flags: slices.Concat([]cli.Flag{
			&cli.StringFlag{Name: "input", Usage: "table to estimate, .csv or .parquet"},
			&cli.StringFlag{Name: "out", Usage: "where the estimated table goes, .csv or .parquet"},
			&cli.StringFlag{Name: "model-path", Aliases: []string{"model", "hf-id"}, Usage: "Hugging Face id, or a folder with a config.json"},
			&cli.StringFlag{Name: "system", Usage: "GPU system: " + strings.Join(kernelTables().SystemNames(), ", ")},
			&cli.StringFlag{Name: "backend", Value: "trtllm", Usage: "serving engine: " + strings.Join(perftables.Backends, ", ")},
			backendVersionFlag(),
			databaseModeFlag(),
			&cli.StringFlag{Name: "estimate-mode", Value: "agg", Usage: "agg, disagg, static, static_ctx or static_gen"},
			&cli.IntFlag{Name: "isl", Value: 1024, Usage: "input length, tokens"},
			&cli.IntFlag{Name: "osl", Value: 1024, Usage: "output length, tokens"},
			&cli.IntFlag{Name: "prefix", Usage: "input tokens found in the prefix cache"},
			&cli.IntFlag{Name: "batch-size", Aliases: []string{"bs"}, Value: 128, Usage: "requests per data-parallel rank"},
			&cli.IntFlag{Name: "ctx-tokens", Usage: "context tokens per mixed step (default: isl)"},
			&cli.IntFlag{Name: "tp-size", Aliases: []string{"tp"}, Value: 1, Usage: "tensor parallel size"},
			&cli.IntFlag{Name: "pp-size", Aliases: []string{"pp"}, Value: 1, Usage: "pipeline parallel size"},
			&cli.IntFlag{Name: "attention-dp-size", Aliases: []string{"dp"}, Value: 1, Usage: "attention data parallel size"},
			&cli.IntFlag{Name: "moe-tp-size", Aliases: []string{"etp"}, Value: 1, Usage: "tensor parallel size of the experts"},
			&cli.IntFlag{Name: "moe-ep-size", Aliases: []string{"ep"}, Value: 1, Usage: "expert parallel size"},
			&cli.IntFlag{Name: "nextn", Usage: "drafts of multi-token prediction per step"},
			&cli.StringFlag{Name: "output", Value: "table", Usage: "table, csv or json; or the file of the estimated table, as --out"},
			&cli.Float64Flag{Name: "request-rate", Usage: "requests a second that arrive at random, for the calibrated estimator (default: a closed loop of batch-size requests per rank)"},
		}, pairFlags(), estimatorFlags(), quantFlags()),
		Action: runEstimate,
	}
}

func runEstimate(c *cli.Context) error {
	if c.NArg() > 0 {
		return usagef("unexpected argument %q", c.Args().First())
	}
	mode, err := databaseMode(c)
	if err != nil {
		return err
	}
	constants, err := chosenConstants(c)
	if err != nil {
		return err
	}
	if constants == nil && c.IsSet("request-rate") {
		return usagef("--request-rate needs --estimator %s", calibratedEstimator)
	}
	format, out := c.String("output"), c.String("out")
	if !slices.Contains(sinks.TableFormats(), format) {
		out, format = format, "table"
	}
	if in := c.String("input"); in != "" {
		if out == "" {
			return usagef("--input needs --out FILE for the estimated table")
		}
		return estimateFile(in, out, mode, constants, c.App.ErrWriter)
	}
	if out != "" {
		return usagef("--out %s: it needs --input, or --output table, csv or json", out)
	}
	return estimateOne(c, mode, constants, format)
}

func estimateFile(in, out string, mode perftables.Mode, constants *calibrate.Set, stderr io.Writer) error {
	t, err := sinks.ReadTabular(in)
	if err != nil {
		return err
	}
	e := &estimateTable{in: t, mode: mode, models: map[string]*estimator.Model{}, plans: map[string]planOrError{}, constants: constants}
	if constants != nil {
		e.resolver = calibrate.NewResolver()
		if e.measurements, err = calibrate.Parse(t.Len, t.Text); err != nil {
			return fmt.Errorf("%s: %w", in, err)
		}
	}
	answered, err := e.run(out)
	if err != nil {
		return err
	}
	fmt.Fprintf(stderr, "estimated %d of %d rows; est_reason says why not the others: %s\n", answered, t.Len, out)
	return nil
}

// estimateOne prints the estimate of the configuration that the flags spell.
func estimateOne(c *cli.Context, mode perftables.Mode, constants *calibrate.Set, format string) error {
	if err := checkPairFlags(c); err != nil {
		return err
	}
	plan, w, err := estimatePlan(c, mode)
	if err != nil {
		return err
	}
	var columns []string
	var row []any
	switch {
	case c.String("estimate-mode") == search.Disagg:
		columns, row, err = pairRow(c, plan, w, constants)
	case constants != nil:
		columns, row, err = calibratedRow(c, plan, w, constants)
	default:
		columns, row, err = estimateRow(c, plan, w)
	}
	if err != nil {
		return err
	}
	if format != "table" {
		return sinks.WriteTable(c.App.Writer, format, columns, [][]any{row})
	}
	lines := make([][]any, len(columns))
	for i := range columns {
		lines[i] = []any{columns[i], row[i]}
	}
	return sinks.WriteTable(c.App.Writer, format, []string{"figure", "value"}, lines)
}

// estimatePlan compiles the configuration that the flags spell.
func estimatePlan(c *cli.Context, mode perftables.Mode) (*estimator.Plan, estimator.Workload, error) {
	w := estimator.Workload{ISL: c.Int("isl"), OSL: c.Int("osl"), Prefix: c.Int("prefix")}
	if !c.IsSet("model-path") || !c.IsSet("system") {
		return nil, w, usagef("missing --model-path and --system, or --input for a table")
	}
	m, err := lookupModel(c.App.ErrWriter, c.String("model-path"))
	if err != nil {
		return nil, w, err
	}
	system, err := systemName("system", c.String("system"))
	if err != nil {
		return nil, w, err
	}
	if b := c.String("backend"); !slices.Contains(perftables.Backends, b) {
		return nil, w, usagef("--backend: %w", suggest.Unknown("backend", b, perftables.Backends))
	}
	for _, f := range []string{"batch-size", "tp-size", "pp-size", "attention-dp-size", "moe-tp-size", "moe-ep-size", "isl", "osl"} {
		if c.Int(f) < 1 {
			return nil, w, usagef("--%s is %d, want at least 1", f, c.Int(f))
		}
	}
	if err := w.Check(); err != nil {
		return nil, w, asUsage(err)
	}
	db, err := openDatabaseIn(mode, m.ID, system, c.String("backend"), c.String("backend-version"))
	if err != nil {
		return nil, w, err
	}
	quant, err := newQuantOptions(c)
	if err != nil {
		return nil, w, err
	}
	q, err := quant.choose(m, db)
	if err != nil {
		return nil, w, err
	}
	plan, err := estimator.Compile(estimator.Config{
		Model: m, DB: db, Quant: q, NextN: c.Int("nextn"), AcceptRates: search.DefaultAcceptRates,
		Layout: estimator.Layout{TP: c.Int("tp-size"), PP: c.Int("pp-size"), DP: c.Int("attention-dp-size"), MoETP: c.Int("moe-tp-size"), MoEEP: c.Int("moe-ep-size")},
	})
	return plan, w, err
}

// estimateRow scores the plan in the mode that the flags ask for.
func estimateRow(c *cli.Context, p *estimator.Plan, w estimator.Workload) (columns []string, row []any, err error) {
	add := func(name string, v any) { columns, row = append(columns, name), append(row, v) }
	b := c.Int("batch-size")
	add("model", p.Model.ID)
	add("tables", p.DB.String())
	add("layout", p.Layout.String())
	add("formats", describeQuant(p.Model, p.Quant))
	add("isl", w.ISL)
	add("osl", w.OSL)
	add("prefix", w.Prefix)
	add("batch", b)
	var memory estimator.Memory
	kind := c.String("estimate-mode")
	if kind == search.Agg {
		ctx := c.Int("ctx-tokens")
		if ctx == 0 {
			ctx = w.ISL
		}
		if w.OSL < 2 || ctx < 1 {
			return nil, nil, usagef("--osl is %d and --ctx-tokens is %d, want at least 2 and 1", w.OSL, ctx)
		}
		var pts estimator.AggPoints
		pts.Append(b, ctx)
		if err := p.ScoreAgg(w, &pts); err != nil {
			return nil, nil, err
		}
		if pts.Status[0] == estimator.NoData {
			return nil, nil, fmt.Errorf("batch %d with %d context tokens cannot be scheduled or is beyond the tables", b, ctx)
		}
		add("ctx_tokens", ctx)
		add("ttft_ms", pts.TTFT[0])
		add("tpot_ms", pts.TPOT[0])
		add("request_latency_ms", pts.RequestLatency[0])
		add("seq_per_s", pts.SeqPerS[0])
		add("tokens_per_s", pts.TokensPerS[0])
		add("tokens_per_s_per_gpu", pts.TokensPerSPerGPU[0])
		add("tokens_per_s_per_user", pts.TokensPerSPerUser[0])
		tokens := ctx
		if b > 1 {
			tokens = b - (ctx+w.ISL-1)/w.ISL + ctx
		}
		memory = p.Memory(b, w, tokens)
	} else {
		k, err := estimator.ParseKind(kind)
		if err != nil {
			return nil, nil, usagef("--estimate-mode: %w", suggest.Unknown("mode", kind, []string{"agg", "disagg", "static", "static_ctx", "static_gen"}))
		}
		s, err := p.Static(k, b, w, 1)
		if err != nil {
			return nil, nil, err
		}
		add("context_latency_ms", s.Context)
		add("generation_latency_ms", s.Generation)
		add("ttft_ms", s.TTFT)
		add("tpot_ms", s.TPOT)
		add("request_latency_ms", s.RequestLatency)
		add("seq_per_s", s.SeqPerS)
		add("tokens_per_s", s.TokensPerS)
		add("tokens_per_s_per_gpu", s.TokensPerSPerGPU)
		add("tokens_per_s_per_user", s.TokensPerSPerUser)
		memory = s.Memory
	}
	add("memory_weights_gib", memory.Weights)
	add("memory_activations_gib", memory.Activations)
	add("memory_kvcache_gib", memory.KVCache)
	add("memory_nccl_gib", memory.NCCL)
	add("memory_others_gib", memory.Others)
	add("memory_total_gib", memory.Total())
	add("memory_capacity_gib", p.CapacityGiB())
	add("fits", p.Fits(memory.Total()))
	return columns, row, nil
}
