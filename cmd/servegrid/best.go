//go:build cgo

package main

import (
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/urfave/cli/v2"

	"servegrid/queries"
	"servegrid/sinks/plot"
)

func bestCommand() *cli.Command {
	return &cli.Command{
		Name:  "best",
		Usage: "look up the best configurations for one workload in a warehouse",
		Description: `Without --system: the best of every system. Example:
  servegrid best --model-path Qwen/Qwen3-32B-FP8 --isl 4000 --osl 500 --total-gpus 8 --ttft 600 --tpot 16.67`,
		Flags: append(askFlags(), &cli.IntFlag{Name: "top-n", Value: 5, Usage: "rows, where a system is given"},
			&cli.StringFlag{Name: "plot", Usage: "draw the frontiers, and the best on them, into this .png or .svg file"}, outputFlag()),
		Action: func(c *cli.Context) error {
			q, err := newQuestion(c)
			if err != nil {
				return err
			}
			format, err := outputFormat(c)
			if err != nil {
				return err
			}
			if c.Int("top-n") < 1 {
				return usagef("--top-n is %d, want at least 1", c.Int("top-n"))
			}
			picture, err := plotFormat(c.String("plot"))
			if err != nil {
				return err
			}
			return withWarehouse(c, func(ctx context.Context, db *queries.DB) error {
				if err := q.resolveModel(c, db); err != nil {
					return err
				}
				ask := q.params()
				ask.TTFT, ask.TPOT, ask.TopN, ask.EachSystem = q.ttft, q.tpot, c.Int("top-n"), q.system == ""
				r, err := db.Best(ctx, ask)
				if err != nil {
					return err
				}
				switch {
				case len(r.Rows) == 0:
					err = explainEmpty(c, q, db)
				case q.system == "":
					err = nameMissing(c, q, db, r)
				}
				if err != nil {
					return err
				}
				if path := c.String("plot"); path != "" {
					if err := plotBest(ctx, db, path, picture, q, r); err != nil {
						return err
					}
					fmt.Fprintf(c.App.ErrWriter, "frontiers drawn in %s\n", path)
				}
				if err := addErrors(ctx, db, q.model, r); err != nil {
					return err
				}
				return writeBest(c.App.Writer, c.App.ErrWriter, format, r)
			})
		},
	}
}

// writeBest prints the rows, for people with how far such answers have been off.
func writeBest(stdout, stderr io.Writer, format string, r *queries.Result) error {
	if format != "table" {
		return write(stdout, format, r)
	}
	for _, note := range errorNotes(r) {
		fmt.Fprintf(stderr, "note: %s\n", note)
	}
	texts := offByTexts(r)
	r.Columns = append(r.Columns, offByColumn)
	for i := range r.Rows {
		r.Rows[i] = append(r.Rows[i], texts[i])
	}
	return write(stdout, format, r, "rank", "system", "backend", "version", "mode", "tokens_per_s_per_gpu_cluster",
		"tokens_per_s_per_user", "ttft_ms", "tpot_ms", offByColumn, "concurrency", "used_gpus")
}

// plotBest draws the frontiers of the question with the best rows on them.
func plotBest(ctx context.Context, db *queries.DB, path string, format plot.Format, q question, best *queries.Result) error {
	r, err := q.frontiers(ctx, db)
	if err != nil {
		return err
	}
	var marks []plot.Mark
	for _, row := range pickColumns(best, "tokens_per_s_per_user", "tokens_per_s_per_gpu_cluster", "rank", "system", "mode") {
		x, ok1 := row[0].(float64)
		y, ok2 := row[1].(float64)
		if ok1 && ok2 {
			marks = append(marks, plot.Mark{X: x, Y: y, Label: fmt.Sprintf("%v %v %v", row[2:]...)})
		}
	}
	return plotFrontiers(path, format, q, r, marks)
}

// explainEmpty says on standard error why a question has no row: nothing meets
// the limits. That it was not swept at all is an error.
func explainEmpty(c *cli.Context, q question, db *queries.DB) error {
	ask := q.params()
	ask.TopN = 1
	free, err := db.Best(c.Context, ask)
	if err != nil {
		return err
	}
	if len(free.Rows) == 0 {
		return fmt.Errorf("%s holds nothing for %s; what it holds: servegrid query --warehouse %s \"select distinct isl, osl, prefix, gpus from points where model = '%s'\"",
			db.Root(), q, db.Root(), q.model)
	}
	best := pickColumns(free, "tokens_per_s_per_gpu_cluster", "ttft_ms", "tpot_ms", "system", "mode")[0]
	fmt.Fprintf(c.App.ErrWriter, "nothing meets the limits for %s; without them %v %v gives %v tokens/s/GPU at TTFT %v ms and TPOT %v ms\n",
		q, best[3], best[4], best[0], best[1], best[2])
	ask.TTFT, ask.TPOT = q.ttft, q.tpot
	closest, err := db.Closest(c.Context, ask)
	if err != nil {
		return err
	}
	for _, row := range pickColumns(closest, "system", "backend", "mode", "ttft_ms", "tpot_ms", "excess") {
		fmt.Fprintf(c.App.ErrWriter, "%v %v %v comes closest, with TTFT %v ms and TPOT %v ms: %.3g times the worse limit\n", row...)
	}
	return nil
}

// nameMissing says on standard error on which systems nothing meets the limits.
func nameMissing(c *cli.Context, q question, db *queries.DB, found *queries.Result) error {
	ask := q.params()
	ask.EachSystem = true
	free, err := db.Best(c.Context, ask)
	if err != nil {
		return err
	}
	have := pickColumns(found, "system")
	for _, row := range pickColumns(free, "system", "tokens_per_s_per_gpu_cluster", "ttft_ms", "tpot_ms") {
		if !slices.ContainsFunc(have, func(h []any) bool { return h[0] == row[0] }) {
			fmt.Fprintf(c.App.ErrWriter, "nothing meets the limits on %v; without them its best is %v tokens/s/GPU at TTFT %v ms and TPOT %v ms\n",
				row[0], row[1], row[2], row[3])
		}
	}
	return nil
}
