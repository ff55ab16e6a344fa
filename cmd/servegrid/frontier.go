package main

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"servegrid/internal/suggest"
	"servegrid/queries"
	"servegrid/sinks/plot"
)

func frontierCommand() *cli.Command {
	return &cli.Command{
		Name:  "frontier",
		Usage: "show the Pareto frontiers for one workload in a warehouse",
		Description: `One frontier for each system, backend, version and serving mode. Example:
  servegrid frontier --model-path Qwen/Qwen3-32B-FP8 --isl 4000 --osl 500 --total-gpus 8 --plot frontier.png`,
		Flags: append(askFlags(), &cli.StringFlag{Name: "plot", Usage: "draw the frontiers into this .png or .svg file"}, outputFlag()),
		Action: func(c *cli.Context) error {
			q, err := newQuestion(c)
			if err != nil {
				return err
			}
			format, err := outputFormat(c)
			if err != nil {
				return err
			}
			picture, err := plotFormat(c.String("plot"))
			if err != nil {
				return err
			}
			return withWarehouse(c, func(ctx context.Context, db *queries.DB) error {
				if err := q.resolveModel(c, db); err != nil {
					return err
				}
				r, err := db.Frontier(ctx, queries.FrontierParams{
					Model: q.model, System: q.system, Backend: q.backend, Version: q.version, Mode: q.mode,
					ISL: q.workload.ISL, OSL: q.workload.OSL, Prefix: q.workload.Prefix, GPUs: q.gpus, TTFT: q.ttft, TPOT: q.tpot,
				})
				if err != nil {
					return err
				}
				if len(r.Rows) == 0 {
					if err := explainEmpty(c, q, db); err != nil {
						return err
					}
				}
				if path := c.String("plot"); path != "" {
					if err := plotFrontiers(path, picture, q, r); err != nil {
						return err
					}
					fmt.Fprintf(c.App.ErrWriter, "frontiers drawn in %s\n", path)
				}
				return write(c.App.Writer, format, r, "system", "backend", "version", "mode", "tokens_per_s_per_user",
					"tokens_per_s_per_gpu_cluster", "overall", "ttft_ms", "tpot_ms", "concurrency", "replicas",
					"prefill_workers", "prefill_parallel", "decode_workers", "parallel", "bs")
			})
		},
	}
}

// plotFormat is the picture format that a file name asks for.
func plotFormat(path string) (plot.Format, error) {
	if path == "" {
		return "", nil
	}
	ext := strings.ToLower(strings.TrimPrefix(filepath.Ext(path), "."))
	formats := []string{string(plot.PNG), string(plot.SVG)}
	for _, f := range formats {
		if ext == f {
			return plot.Format(f), nil
		}
	}
	return "", usagef("--plot %s: %w", path, suggest.Unknown("extension", ext, formats))
}

// plotFrontiers draws one line per system, backend, version and mode.
func plotFrontiers(path string, format plot.Format, q question, r *queries.Result) error {
	_, rows := pickColumns(r, "system", "backend", "version", "mode", "tokens_per_s_per_user", "tokens_per_s_per_gpu_cluster")
	var series []plot.Series
	for _, row := range rows {
		name := fmt.Sprintf("%v %v %v %v", row[0], row[1], row[2], row[3])
		if len(series) == 0 || series[len(series)-1].Name != name {
			series = append(series, plot.Series{Name: name})
		}
		s := &series[len(series)-1]
		x, ok1 := row[4].(float64)
		y, ok2 := row[5].(float64)
		if !ok1 || !ok2 {
			return fmt.Errorf("plot %s: a frontier point has no number", path)
		}
		s.X, s.Y = append(s.X, x), append(s.Y, y)
	}
	o := plot.Options{
		Title: "Frontiers of " + q.String(), XLabel: "tokens/s/user", YLabel: "tokens/s/GPU", Width: 1100, Height: 760,
	}
	if q.tpot > 0 {
		o.Limit = &plot.Limit{X: 1000 / q.tpot, Label: fmt.Sprintf("TPOT %g ms", q.tpot)}
	}
	return saveAs(path, func(w io.Writer) error { return plot.Frontier(w, format, o, series, nil) })
}
