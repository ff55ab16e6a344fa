//go:build cgo

package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"servegrid/queries"
	"servegrid/sinks"
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
				r, err := q.frontiers(ctx, db)
				if err != nil {
					return err
				}
				if len(r.Rows) == 0 {
					if err := explainEmpty(c, q, db); err != nil {
						return err
					}
				}
				if path := c.String("plot"); path != "" {
					if err := plotFrontiers(path, picture, q, r, nil); err != nil {
						return err
					}
					fmt.Fprintf(c.App.ErrWriter, "frontiers drawn in %s\n", path)
				}
				return write(c.App.Writer, format, r, "system", "backend", "version", "mode", "tokens_per_s_per_user",
					"tokens_per_s_per_gpu_cluster", "overall", "ttft_ms", "tpot_ms", "concurrency")
			})
		},
	}
}

// frontiers asks for the frontiers of the question.
func (q question) frontiers(ctx context.Context, db *queries.DB) (*queries.Result, error) {
	return db.Frontier(ctx, queries.FrontierParams{
		Model: q.model, System: q.system, Backend: q.backend, Version: q.version, Mode: q.mode,
		ISL: q.workload.ISL, OSL: q.workload.OSL, Prefix: q.workload.Prefix, GPUs: q.gpus, TTFT: q.ttft, TPOT: q.tpot,
	})
}

// mostLines is how many lines a picture can show apart.
const mostLines = 12

// plotFrontiers draws one line per system, backend, version and mode. Where those
// are too many to tell apart it draws one per system: the best of all that runs
// there. Marks stand out from the lines.
func plotFrontiers(path string, format plot.Format, q question, r *queries.Result, marks []plot.Mark) error {
	series, err := frontierSeries(r, "system", "backend", "version", "mode")
	title := "Frontiers of "
	if err == nil && len(series) > mostLines {
		title = "Best of all backends and modes on each system: "
		series, err = frontierSeries(r, "system")
	}
	if err != nil {
		return fmt.Errorf("plot %s: %w", path, err)
	}
	return drawFrontiers(path, format, q, title, series, marks)
}

func drawFrontiers(path string, format plot.Format, q question, title string, series []plot.Series, marks []plot.Mark) error {
	o := plot.Options{
		Title: title + q.String(), XLabel: "tokens/s/user", YLabel: "tokens/s/GPU", Width: 1100, Height: 700,
	}
	if q.tpot > 0 {
		o.Limit = &plot.Limit{X: 1000 / q.tpot, Label: fmt.Sprintf("TPOT %g ms", q.tpot)}
	}
	return sinks.WriteFile(path, func(w io.Writer) error { return plot.Frontier(w, format, o, series, marks) })
}

// frontierSeries makes a line of the points that share the values of some columns. Of
// several frontiers joined in one line the points stay that no other one of it beats.
func frontierSeries(r *queries.Result, by ...string) ([]plot.Series, error) {
	type point struct{ x, y float64 }
	points := map[string][]point{}
	var order []string
	n := len(by)
	for _, row := range pickColumns(r, append(slices.Clone(by), "tokens_per_s_per_user", "tokens_per_s_per_gpu_cluster")...) {
		name := strings.TrimSpace(fmt.Sprintln(row[:n]...))
		x, ok1 := row[n].(float64)
		y, ok2 := row[n+1].(float64)
		if !ok1 || !ok2 {
			return nil, fmt.Errorf("a point of %s has no number", name)
		}
		if points[name] == nil {
			order = append(order, name)
		}
		points[name] = append(points[name], point{x, y})
	}
	var series []plot.Series
	for _, name := range order {
		ps := points[name]
		slices.SortFunc(ps, func(a, b point) int { return cmp.Or(cmp.Compare(b.x, a.x), cmp.Compare(b.y, a.y)) })
		s := plot.Series{Name: name}
		for _, p := range ps {
			if n := len(s.Y); n == 0 || p.y > s.Y[n-1] {
				s.X, s.Y = append(s.X, p.x), append(s.Y, p.y)
			}
		}
		series = append(series, s)
	}
	return series, nil
}
