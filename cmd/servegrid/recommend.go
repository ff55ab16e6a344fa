//go:build cgo

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/urfave/cli/v2"

	"servegrid/perftables"
	"servegrid/queries"
	"servegrid/sinks"
)

// recommendOptions are the flags of the recommend command.
type recommendOptions struct {
	question
	estimatorChoice
	rate, concurrency float64 // one of them is positive
	dbMode            perftables.Mode
	topN              int
	output            string
}

func recommendCommand() *cli.Command {
	flags := []cli.Flag{
		&cli.Float64Flag{Name: "target-request-rate", Usage: "requests/s to carry; this or --target-concurrency"},
		&cli.Float64Flag{Name: "target-concurrency", Usage: "requests in flight to carry"},
	}
	for _, f := range askFlags() {
		if f.Names()[0] != "total-gpus" {
			flags = append(flags, f)
		}
	}
	flags = append(flags, estimatorFlags()...)
	return &cli.Command{
		Name:  "recommend",
		Usage: "find the fewest GPUs that carry a load",
		Description: `The answer comes from the warehouse where it holds the workload, and is estimated
on the spot otherwise, and always by the calibrated estimator; then --system is needed. Example:
  servegrid recommend --model-path Qwen/Qwen3-32B-FP8 --system h200_sxm --isl 4000 --osl 500 --ttft 1000 --tpot 30 --target-request-rate 10`,
		Flags: append(flags,
			&cli.StringFlag{Name: "database-mode", Value: string(perftables.Hybrid), Usage: "where it is estimated on the spot: SILICON, HYBRID, EMPIRICAL or SOL"},
			&cli.IntFlag{Name: "top-n", Value: 5, Usage: "rows"}, outputFlag()),
		Action: func(c *cli.Context) error {
			o, err := newRecommendOptions(c)
			if err != nil {
				return err
			}
			r, err := o.ask(c)
			if err != nil {
				return err
			}
			return o.write(c.App.Writer, r)
		},
	}
}

func newRecommendOptions(c *cli.Context) (*recommendOptions, error) {
	o := &recommendOptions{rate: c.Float64("target-request-rate"), concurrency: c.Float64("target-concurrency"), topN: c.Int("top-n")}
	var err error
	if o.question, err = newQuestion(c); err != nil {
		return nil, err
	}
	if c.IsSet("target-request-rate") == c.IsSet("target-concurrency") {
		return nil, usagef("want one of --target-request-rate and --target-concurrency")
	}
	for _, f := range []string{"target-request-rate", "target-concurrency"} {
		if v := c.Float64(f); c.IsSet(f) && !(v > 0 && !math.IsInf(v, 0)) {
			return nil, usagef("--%s is %v, want a positive number", f, v)
		}
	}
	if o.estimatorChoice, err = newEstimatorChoice(c); err != nil {
		return nil, err
	}
	if o.dbMode, err = databaseMode(c); err != nil {
		return nil, err
	}
	if o.topN < 1 {
		return nil, usagef("--top-n is %d, want at least 1", o.topN)
	}
	o.output, err = outputFormat(c)
	return o, err
}

// ask answers from the warehouse, or else estimates.
func (o *recommendOptions) ask(c *cli.Context) (*queries.Result, error) {
	if o.constants != nil {
		if o.system == "" {
			return nil, usagef("missing --system: the calibrated estimator answers on the spot")
		}
		return o.estimate(c.String("model-path"), c.App.ErrWriter)
	}
	var r *queries.Result
	held := false // the warehouse holds the workload
	where, err := sinks.ParseLocation(c.String("warehouse"))
	if err != nil {
		return nil, asUsage(err)
	}
	err = withWarehouse(c, func(ctx context.Context, db *queries.DB) error {
		if err := o.resolveModel(c, db); err != nil {
			return err
		}
		var err error
		r, err = db.MinGPUs(ctx, queries.MinGPUsParams{
			Model: o.model, ISL: o.workload.ISL, OSL: o.workload.OSL, Prefix: o.workload.Prefix, RequestRate: o.rate, Concurrency: o.concurrency,
			TTFT: o.ttft, TPOT: o.tpot, System: o.system, Backend: o.backend, Version: o.version, Mode: o.mode, TopN: o.topN,
		})
		if held = err == nil && len(r.Rows) > 0; held {
			fmt.Fprintf(c.App.ErrWriter, "note: answered from %s\n", db.Root())
			o.explain(c.App.ErrWriter, r)
		}
		return err
	})
	if held {
		return r, nil
	}
	remote := !where.Local() && err != nil && !errors.Is(err, queries.ErrNotSwept)
	if c.Context.Err() != nil || c.IsSet("warehouse") && errors.Is(err, queries.ErrEmpty) || errors.Is(err, queries.ErrSchema) || remote {
		return nil, err
	}
	if o.system == "" {
		return nil, usagef("missing --system: %s does not hold this workload, so it has to be estimated", where.Name())
	}
	fmt.Fprintf(c.App.ErrWriter, "note: estimated on the spot: %s does not hold this workload\n", where.Name())
	return o.estimate(c.String("model-path"), c.App.ErrWriter)
}

// explain says on standard error when nothing meets the limits, and leaves no rows:
// what misses them is no recommendation.
func (o *recommendOptions) explain(stderr io.Writer, r *queries.Result) {
	first := pickColumns(r, "meets_limits", "system", "mode", "ttft_ms", "tpot_ms")[0]
	if first[0] == false {
		fmt.Fprintf(stderr, "nothing meets the limits; %v %v comes closest, with TTFT %v ms and TPOT %v ms\n", first[1], first[2], first[3], first[4])
		r.Rows = [][]any{}
	}
}

// write prints the load, the best of each mode, and the ranking.
func (o *recommendOptions) write(w io.Writer, r *queries.Result) error {
	if o.output != "table" {
		return sinks.WriteTable(w, o.output, r.Columns, r.Rows)
	}
	if o.rate > 0 {
		fmt.Fprintf(w, "Target Load: %s req/s\n", decimal(o.rate))
	} else {
		fmt.Fprintf(w, "Target Load: %s concurrent requests\n", decimal(o.concurrency))
	}
	seen := map[any]bool{}
	for _, row := range pickColumns(r, "mode", "gpus_needed", "replicas_needed") {
		if !seen[row[0]] {
			seen[row[0]] = true
			fmt.Fprintf(w, "%v GPUs needed: %v (replicas: %v)\n", row[0], row[1], row[2])
		}
	}
	fmt.Fprint(w, "\nRanked by total_gpus_needed:\n")
	names := []string{"rank", "gpus_needed", "system", "backend", "version", "mode", "seq_per_s", "concurrency", "tokens_per_s_per_gpu", "tokens_per_s_per_user", "ttft_ms", "tpot_ms"}
	rows := pickColumns(r, names...)
	for i, parts := range pickColumns(r, append([]string{"replicas_needed"}, deploymentColumns...)...) {
		rows[i] = append(rows[i], deployment(parts))
	}
	names[6], names[8], names[9] = "req/s", "tokens/s/gpu", "tokens/s/user"
	return sinks.WriteTable(w, "table", append(names, "deployment"), rows)
}

// decimal writes a number as people do, with a decimal point.
func decimal(v float64) string {
	s := fmt.Sprintf("%g", v)
	if !strings.ContainsAny(s, ".e") {
		s += ".0"
	}
	return s
}
