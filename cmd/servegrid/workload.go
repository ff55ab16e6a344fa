package main

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"servegrid/estimator"
	"servegrid/estimator/search"
	"servegrid/internal/suggest"
	"servegrid/jobs"
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
	limits               []search.Limits // at least one; each is answered
	nextN                int             // -1: by the model
	acceptRates          []float64
	search               string
	estimatorChoice
	dbMode    perftables.Mode
	quant     quantOptions
	defaulted []string // workload and limit flags left at their default
}

// Defaults of the workload flags.
const (
	defaultISL  = jobs.DefaultISL
	defaultOSL  = jobs.DefaultOSL
	defaultTTFT = "2000" // ms
	defaultTPOT = "30"
)

func workloadFlags() []cli.Flag {
	return slices.Concat([]cli.Flag{
		&cli.StringFlag{Name: "model-path", Aliases: []string{"model", "hf-id"}, Usage: "Hugging Face id, or a folder with a config.json (required)"},
		&cli.IntFlag{Name: "total-gpus", Usage: "GPU budget (required)"},
		&cli.StringFlag{Name: "system", Usage: "GPU system: " + strings.Join(kernelTables().SystemNames(), ", ") + " (required)"},
		&cli.StringFlag{Name: "decode-system", Usage: "GPU system of the decode workers, where it is another one"},
		&cli.StringFlag{Name: "backend", Value: "trtllm", Usage: "serving engine: " + strings.Join(perftables.Backends, ", ") + ", or auto for all that have data"},
		backendVersionFlag(),
		databaseModeFlag(),
		&cli.IntFlag{Name: "isl", Value: defaultISL, Usage: "input length, tokens"},
		&cli.IntFlag{Name: "osl", Value: defaultOSL, Usage: "output length, tokens"},
		&cli.IntFlag{Name: "prefix", Usage: "input tokens found in the prefix cache"},
		&cli.StringFlag{Name: "ttft", Value: defaultTTFT, Usage: "limit on the time to first token, ms; several with commas are answered in one run"},
		&cli.StringFlag{Name: "tpot", Value: defaultTPOT, Usage: "limit on the time per output token, ms; or several"},
		&cli.StringFlag{Name: "request-latency", Usage: "limit on the whole request, ms; or several. It replaces the other two"},
		&cli.StringFlag{Name: "nextn", Value: "auto", Usage: "drafts of multi-token prediction per step; auto: 1 for DeepSeek, 0 for others"},
		&cli.StringFlag{Name: "nextn-accept-rates", Value: "0.85,0,0,0,0", Usage: "how often the first, second, … draft is accepted"},
		&cli.Float64Flag{Name: "nextn-accepted", Usage: "or how many drafts of a step are accepted on average, 0 to --nextn"},
		&cli.StringFlag{Name: "search", Value: "reference", Usage: "reference: AIConfigurator's heuristics; exhaustive: every candidate"},
	}, estimatorFlags(), quantFlags())
}

func backendVersionFlag() cli.Flag {
	return &cli.StringFlag{Name: "backend-version", Aliases: []string{"perf-db-version"}, Usage: "engine version (default: the newest with data)"}
}

func newWorkloadOptions(c *cli.Context) (workloadOptions, error) {
	o := workloadOptions{
		model: c.String("model-path"), totalGPUs: c.Int("total-gpus"), backend: c.String("backend"), backendVersion: c.String("backend-version"),
		workload: estimator.Workload{ISL: c.Int("isl"), OSL: c.Int("osl"), Prefix: c.Int("prefix")},
		search:   c.String("search"),
	}
	err := require(c, "model-path", "system", "total-gpus")
	if err != nil {
		return o, err
	}
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
	} {
		if !slices.Contains(f.valid, f.value) {
			return o, usagef("--%s: %w", f.flag, suggest.Unknown("value", f.value, f.valid))
		}
	}
	if o.estimatorChoice, err = newEstimatorChoice(c); err != nil {
		return o, err
	}
	if o.dbMode, err = databaseMode(c); err != nil {
		return o, err
	}
	if o.quant, err = newQuantOptions(c); err != nil {
		return o, err
	}
	return o, o.check(c)
}

// require reports flags that were not given.
func require(c *cli.Context, flags ...string) error {
	var missing []string
	for _, f := range flags {
		if !c.IsSet(f) {
			missing = append(missing, "--"+f)
		}
	}
	if len(missing) > 0 {
		return usagef("missing %s", strings.Join(missing, ", "))
	}
	return nil
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

// checkRanges reports numbers out of range.
func checkRanges(totalGPUs int, w estimator.Workload) error {
	// Larger ones exceed what any table covers and the int32 result columns.
	const longest = 1 << 24
	for _, f := range []struct {
		flag        string
		value       int
		least, most int
	}{
		{"total-gpus", totalGPUs, 1, 1 << 20},
		{"isl", w.ISL, 1, longest},
		{"osl", w.OSL, 2, longest},
		{"prefix", w.Prefix, 0, max(0, w.ISL-1)},
	} {
		if f.value < f.least || f.value > f.most {
			return usagef("--%s is %d, want %d to %d", f.flag, f.value, f.least, f.most)
		}
	}
	return nil
}

// check reads and checks what depends on several flags.
func (o *workloadOptions) check(c *cli.Context) error {
	if err := checkRanges(o.totalGPUs, o.workload); err != nil {
		return err
	}
	if err := o.readLimits(c); err != nil {
		return err
	}
	if err := o.readDrafts(c); err != nil {
		return err
	}
	for _, f := range []string{"isl", "osl", "ttft", "tpot"} {
		if !c.IsSet(f) && (o.limits[0].RequestLatency <= 0 || f == "isl" || f == "osl") {
			o.defaulted = append(o.defaulted, fmt.Sprintf("--%s %v", f, c.Value(f)))
		}
	}
	return nil
}

// readLimits crosses the latency limits that were given.
func (o *workloadOptions) readLimits(c *cli.Context) error {
	values := map[string][]float64{"request-latency": {0}}
	for _, f := range []string{"ttft", "tpot", "request-latency"} {
		if f == "request-latency" && !c.IsSet(f) {
			continue
		}
		v, err := numbers(c, f, "a positive number of ms", func(v float64) bool { return v > 0 })
		if err != nil {
			return err
		}
		values[f] = v
	}
	if c.IsSet("request-latency") {
		values["tpot"] = values["tpot"][:1] // it plays no part
	}
	for _, latency := range values["request-latency"] {
		for _, ttft := range values["ttft"] {
			for _, tpot := range values["tpot"] {
				o.limits = append(o.limits, search.Limits{TTFT: ttft, TPOT: tpot, RequestLatency: latency})
			}
		}
	}
	return nil
}

// readDrafts reads how multi-token prediction is used.
func (o *workloadOptions) readDrafts(c *cli.Context) error {
	o.nextN = -1
	if s := c.String("nextn"); s != "auto" {
		n, err := strconv.Atoi(s)
		if err != nil || n < 0 || n > 16 {
			return usagef("--nextn is %q, want auto or 0 to 16", s)
		}
		o.nextN = n
	}
	if c.IsSet("nextn-accepted") {
		return o.readAccepted(c)
	}
	var err error
	o.acceptRates, err = numbers(c, "nextn-accept-rates", "a rate from 0 to 1", func(v float64) bool { return v >= 0 && v <= 1 })
	if err == nil && o.nextN > len(o.acceptRates) {
		err = usagef("--nextn %d needs as many --nextn-accept-rates, not %d", o.nextN, len(o.acceptRates))
	}
	return err
}

// readAccepted reads how many drafts are accepted.
func (o *workloadOptions) readAccepted(c *cli.Context) error {
	accepted := c.Float64("nextn-accepted")
	switch {
	case c.IsSet("nextn-accept-rates"):
		return usagef("--nextn-accepted and --nextn-accept-rates say the same: give one of them")
	case o.nextN < 0:
		return usagef("--nextn-accepted %v needs --nextn with a number of drafts", accepted)
	case !(accepted >= 0 && accepted <= float64(o.nextN)):
		return usagef("--nextn-accepted is %v, want 0 to --nextn, %d", accepted, o.nextN)
	}
	o.acceptRates = jobs.AcceptRates(accepted, o.nextN)
	return nil
}

// numbers reads a flag of numbers separated by commas.
func numbers(c *cli.Context, flag, want string, valid func(float64) bool) ([]float64, error) {
	var list []float64
	for _, s := range strings.Split(c.String(flag), ",") {
		v, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
		if err != nil || !valid(v) || math.IsInf(v, 0) {
			return nil, usagef("--%s is %s, want %s", flag, s, want)
		}
		list = append(list, v)
	}
	return list, nil
}
