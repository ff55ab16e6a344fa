//go:build cgo

package main

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/urfave/cli/v2"

	"servegrid/estimator"
	"servegrid/internal/suggest"
	"servegrid/queries"
	"servegrid/sinks"
	"servegrid/sinks/plot"
)

func compareCommand() *cli.Command {
	return &cli.Command{
		Name:      "compare",
		Usage:     "set two runs, systems, backends, versions or serving modes side by side",
		ArgsUsage: "A B",
		Description: `Two runs: what changed on the frontiers. Anything else: the best of each for every
model, workload, GPU budget and pair of latency limits. Examples:
  servegrid compare h200_sxm h100_sxm --model-path Qwen/Qwen3-32B-FP8
  servegrid compare agg disagg --model-path Qwen/Qwen3-32B-FP8 --isl 4000 --osl 500
  servegrid compare nightly-1 nightly-2`,
		Flags: []cli.Flag{
			warehouseFlag(),
			&cli.StringFlag{Name: "by", Usage: "what A and B are, where a name could be several: run, system, backend, version or mode"},
			&cli.StringFlag{Name: "model-path", Aliases: []string{"model"}, Usage: "model (default: all)"},
			&cli.IntFlag{Name: "isl", Usage: "input length, tokens (default: all)"},
			&cli.IntFlag{Name: "osl", Usage: "output length, tokens (default: all)"},
			&cli.IntFlag{Name: "total-gpus", Usage: "GPU budget, one of those swept (default: all)"},
			&cli.Float64Flag{Name: "ttft", Usage: "limit on the time to first token, ms (default: the pairs of limits that were swept)"},
			&cli.Float64Flag{Name: "tpot", Usage: "limit on the time per output token, ms"},
			&cli.StringFlag{Name: "plot", Usage: "draw the frontiers of both into this .png or .svg file; of one workload and GPU budget"},
			&cli.IntFlag{Name: "top-n", Value: 20, Usage: "rows, the largest differences first"},
			outputFlag(),
		},
		Action: func(c *cli.Context) error {
			format, err := outputFormat(c)
			if err != nil {
				return err
			}
			if c.NArg() != 2 {
				return usagef("want two names to compare, got %d", c.NArg())
			}
			if c.Int("top-n") < 1 {
				return usagef("--top-n is %d, want at least 1", c.Int("top-n"))
			}
			picture, err := plotFormat(c.String("plot"))
			if err != nil {
				return err
			}
			return withWarehouse(c, func(ctx context.Context, db *queries.DB) error {
				p, err := newComparison(ctx, c, db)
				if err != nil {
					return err
				}
				r, err := compare(ctx, db, p)
				if err != nil {
					return err
				}
				if path := c.String("plot"); path != "" {
					if err := plotCompared(ctx, db, path, picture, p); err != nil {
						return err
					}
					fmt.Fprintf(c.App.ErrWriter, "frontiers drawn in %s\n", path)
				}
				fmt.Fprintln(c.App.ErrWriter, summary(r, c.Args().Get(0), c.Args().Get(1)))
				r.Rows = r.Rows[:min(len(r.Rows), c.Int("top-n"))]
				if format == "table" {
					return sinks.WriteTable(c.App.Writer, format, shownIn(r), pickColumns(r, shownIn(r)...))
				}
				return sinks.WriteTable(c.App.Writer, format, r.Columns, r.Rows)
			})
		},
	}
}

// newComparison finds out what the two names are.
func newComparison(ctx context.Context, c *cli.Context, db *queries.DB) (queries.CompareParams, error) {
	p := queries.CompareParams{
		A: c.Args().Get(0), B: c.Args().Get(1), ISL: c.Int("isl"), OSL: c.Int("osl"), GPUs: c.Int("total-gpus"),
		TTFT: c.Float64("ttft"), TPOT: c.Float64("tpot"),
	}
	if c.String("model-path") != "" {
		var q question
		if err := q.resolveModel(c, db); err != nil {
			return p, err
		}
		p.Model = q.model
	}
	var err error
	p.By, err = kindOf(ctx, db, c.String("by"), p.A, p.B)
	if c.String("plot") != "" && err == nil && (p.By == "run" || p.Model == "" || p.ISL == 0 || p.OSL == 0 || p.GPUs == 0) {
		err = usagef("--plot draws one workload and needs --model-path, --isl, --osl and --total-gpus, and no runs")
	}
	return p, err
}

// kindOf returns what two names are: the kind that is asked for, or the first that has
// both.
func kindOf(ctx context.Context, db *queries.DB, by, a, b string) (string, error) {
	kinds := append([]string{"run"}, queries.ComparedBy...)
	if by != "" && !slices.Contains(kinds, by) {
		return "", usagef("--by: %w", suggest.Unknown("kind", by, kinds))
	}
	what := "run, system, backend, version or mode"
	if by != "" {
		what, kinds = by, []string{by}
	}
	var all []string
	for _, kind := range kinds {
		names, err := namesOf(ctx, db, kind)
		if err != nil {
			return "", err
		}
		if slices.Contains(names, a) && slices.Contains(names, b) {
			return kind, nil
		}
		all = append(all, names...)
	}
	for _, name := range []string{a, b} {
		if !slices.Contains(all, name) {
			return "", usagef("%w", suggest.Unknown(what, name, all))
		}
	}
	return "", usagef("%s and %s are not of one kind: want two runs, systems, backends, versions or modes", a, b)
}

func compare(ctx context.Context, db *queries.DB, p queries.CompareParams) (*queries.Result, error) {
	if p.By == "run" {
		return db.CompareRuns(ctx, p.A, p.B, p.Model)
	}
	return db.Compare(ctx, p)
}

// plotCompared draws one line for each of the two: the best of all that is coarser.
func plotCompared(ctx context.Context, db *queries.DB, path string, format plot.Format, p queries.CompareParams) error {
	q := question{model: p.Model, workload: estimator.Workload{ISL: p.ISL, OSL: p.OSL}, gpus: p.GPUs, ttft: p.TTFT, tpot: p.TPOT}
	r, err := q.frontiers(ctx, db)
	if err != nil {
		return err
	}
	all, err := frontierSeries(r, p.By)
	if err != nil {
		return fmt.Errorf("plot %s: %w", path, err)
	}
	var series []plot.Series
	for _, name := range []string{p.A, p.B} {
		if i := slices.IndexFunc(all, func(s plot.Series) bool { return s.Name == name }); i >= 0 {
			series = append(series, all[i])
		}
	}
	return drawFrontiers(path, format, q, p.A+" and "+p.B+": ", series, nil)
}

func namesOf(ctx context.Context, db *queries.DB, kind string) ([]string, error) {
	if kind == "run" {
		return db.Runs(ctx)
	}
	return db.Values(ctx, kind)
}

// shownIn lists the columns that people compare by.
func shownIn(r *queries.Result) []string {
	var names []string
	for _, n := range []string{"change", "model", "system", "backend", "version", "mode", "parallel", "isl", "osl", "prefix", "gpus", "ttft_limit_ms", "tpot_limit_ms",
		"tokens_per_s_per_gpu_cluster_a", "tokens_per_s_per_gpu_cluster_b", "ratio"} {
		if slices.Contains(r.Columns, n) {
			names = append(names, n)
		}
	}
	return names
}

// summary says in one line how the two stand to each other.
func summary(r *queries.Result, a, b string) string {
	var only [2]int // answered by one of them only
	var ratios []float64
	more := 0
	for _, row := range pickColumns(r, "tokens_per_s_per_gpu_cluster_a", "tokens_per_s_per_gpu_cluster_b", "ratio") {
		switch ratio, ok := row[2].(float64); {
		case row[1] == nil:
			only[0]++
		case row[0] == nil:
			only[1]++
		case ok:
			ratios = append(ratios, ratio)
			if ratio > 1 {
				more++
			}
		}
	}
	slices.Sort(ratios)
	median := math.NaN()
	if n := len(ratios); n > 0 {
		median = (ratios[(n-1)/2] + ratios[n/2]) / 2
	}
	text := fmt.Sprintf("%d differences: %d only in %s, %d only in %s", len(r.Rows), only[0], a, only[1], b)
	if slices.Contains(r.Columns, "ttft_limit_ms") {
		text = fmt.Sprintf("%d questions: %d answered by %s only, %d by %s only", len(r.Rows), only[0], a, only[1], b)
	}
	if len(ratios) > 0 {
		text += fmt.Sprintf("; of %d in both %s gives more in %d, in the median %.3g times as much", len(ratios), b, more, median)
	}
	return text
}
