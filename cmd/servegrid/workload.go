package main

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"servegrid/estimator"
	"servegrid/estimator/search"
	"servegrid/internal/suggest"
	"servegrid/perftables"
)

// workloadOptions say what is asked: a model on some GPUs under some traffic and
// limits.
type workloadOptions struct {
	model                string
	totalGPUs            int
	system, decodeSystem string
	backend              string // or "auto"
	backendVersion       string // "" = newest
	workload             estimator.Workload
	limits               search.Limits
	search               string
	estimator            string
	dbMode               perftables.Mode
	quant                quantOptions
	defaulted            []string // workload and limit flags left at their default
}

// Defaults of the workload flags.
const (
	defaultISL  = 4000
	defaultOSL  = 1000
	defaultTTFT = 2000
	defaultTPOT = 30
)

func workloadFlags() []cli.Flag {
	return append([]cli.Flag{
		&cli.StringFlag{Name: "model-path", Aliases: []string{"model", "hf-id"}, Usage: "Hugging Face id, or a folder with a config.json (required)"},
		&cli.IntFlag{Name: "total-gpus", Usage: "GPU budget (required)"},
		&cli.StringFlag{Name: "system", Usage: "GPU system: " + strings.Join(perftables.SystemNames(), ", ") + " (required)"},
		&cli.StringFlag{Name: "decode-system", Usage: "GPU system of the decode workers, where it is another one"},
		&cli.StringFlag{Name: "backend", Value: "trtllm", Usage: "serving engine: " + strings.Join(perftables.Backends, ", ") + ", or auto for all that have data"},
		&cli.StringFlag{Name: "backend-version", Usage: "engine version (default: the newest with data)"},
		databaseModeFlag(),
		&cli.IntFlag{Name: "isl", Value: defaultISL, Usage: "input length, tokens"},
		&cli.IntFlag{Name: "osl", Value: defaultOSL, Usage: "output length, tokens"},
		&cli.IntFlag{Name: "prefix", Usage: "input tokens found in the prefix cache"},
		&cli.Float64Flag{Name: "ttft", Value: defaultTTFT, Usage: "limit on the time to first token, ms"},
		&cli.Float64Flag{Name: "tpot", Value: defaultTPOT, Usage: "limit on the time per output token, ms"},
		&cli.Float64Flag{Name: "request-latency", Usage: "limit on the whole request, ms; replaces the other two"},
		&cli.StringFlag{Name: "search", Value: "reference", Usage: "reference: AIConfigurator's heuristics; exhaustive: every candidate"},
		&cli.StringFlag{Name: "estimator", Value: "reference", Usage: "reference: AIConfigurator's formulas"},
	}, quantFlags()...)
}

func newWorkloadOptions(c *cli.Context) (workloadOptions, error) {
	o := workloadOptions{
		model: c.String("model-path"), totalGPUs: c.Int("total-gpus"), backend: c.String("backend"), backendVersion: c.String("backend-version"),
		workload: estimator.Workload{ISL: c.Int("isl"), OSL: c.Int("osl"), Prefix: c.Int("prefix")},
		limits:   search.Limits{TTFT: c.Float64("ttft"), TPOT: c.Float64("tpot"), RequestLatency: c.Float64("request-latency")},
		search:   c.String("search"), estimator: c.String("estimator"),
	}
	var missing []string
	for _, f := range []string{"model-path", "system", "total-gpus"} {
		if !c.IsSet(f) {
			missing = append(missing, "--"+f)
		}
	}
	if len(missing) > 0 {
		return o, usagef("missing %s", strings.Join(missing, ", "))
	}
	var err error
	if o.system, err = systemName("system", c.String("system")); err != nil {
		return o, err
	}
	o.decodeSystem = o.system
	if s := c.String("decode-system"); s != "" {
		if o.decodeSystem, err = systemName("decode-system", s); err != nil {
			return o, err
		}
	}
	for _, f := range []struct {
		flag, value string
		valid       []string
	}{
		{"backend", o.backend, append(slices.Clone(perftables.Backends), "auto")},
		{"search", o.search, []string{"reference", "exhaustive"}},
		{"estimator", o.estimator, []string{"reference"}},
	} {
		if !slices.Contains(f.valid, f.value) {
			return o, usagef("--%s: %w", f.flag, suggest.Unknown("value", f.value, f.valid))
		}
	}
	if o.dbMode, err = databaseMode(c); err != nil {
		return o, err
	}
	if o.quant, err = newQuantOptions(c); err != nil {
		return o, err
	}
	return o, o.check(c)
}

func databaseModeFlag() cli.Flag {
	return &cli.StringFlag{Name: "database-mode", Value: string(perftables.Silicon), Usage: "SILICON: measured latencies; " +
		"HYBRID: formulas where nothing was measured; EMPIRICAL: formulas only; SOL: the speed of light"}
}

func databaseMode(c *cli.Context) (perftables.Mode, error) {
	mode, err := perftables.ParseMode(strings.ToUpper(c.String("database-mode")))
	if err != nil {
		return "", usagef("--database-mode: %w", err)
	}
	return mode, nil
}

// check reports numbers out of range.
func (o *workloadOptions) check(c *cli.Context) error {
	// Larger ones exceed what any table covers and the int32 result columns.
	const longest = 1 << 24
	for _, f := range []struct {
		flag        string
		value       int
		least, most int
	}{
		{"total-gpus", o.totalGPUs, 1, 1 << 20},
		{"isl", o.workload.ISL, 1, longest},
		{"osl", o.workload.OSL, 2, longest},
		{"prefix", o.workload.Prefix, 0, max(0, o.workload.ISL-1)},
	} {
		if f.value < f.least || f.value > f.most {
			return usagef("--%s is %d, want %d to %d", f.flag, f.value, f.least, f.most)
		}
	}
	for _, f := range []struct {
		flag  string
		value float64
	}{{"ttft", o.limits.TTFT}, {"tpot", o.limits.TPOT}, {"request-latency", o.limits.RequestLatency}} {
		if (c.IsSet(f.flag) || f.flag != "request-latency") && !(f.value > 0 && !math.IsInf(f.value, 0)) {
			return usagef("--%s is %v, want a positive number of ms", f.flag, f.value)
		}
	}
	for _, f := range []string{"isl", "osl", "ttft", "tpot"} {
		if !c.IsSet(f) && (o.limits.RequestLatency <= 0 || f == "isl" || f == "osl") {
			o.defaulted = append(o.defaulted, fmt.Sprintf("--%s %v", f, c.Value(f)))
		}
	}
	return nil
}
