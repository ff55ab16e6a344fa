package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"text/tabwriter"
	"time"

	"github.com/urfave/cli/v2"

	"servegrid/estimator/search"
	"servegrid/jobs"
	"servegrid/perftables"
	"servegrid/pipeline"
	"servegrid/sinks"
)

// sweepOptions are the flags of the sweep command.
type sweepOptions struct {
	spec     *jobs.Spec
	workers  int
	run      string
	failFast bool
}

func sweepCommand() *cli.Command {
	return &cli.Command{
		Name:      "sweep",
		Usage:     "score every configuration of a sweep file and write Parquet",
		ArgsUsage: "SPEC",
		Description: `SPEC is a sweep file or the name of a shipped one. What an earlier sweep has
scored is not scored again. Example:
  servegrid sweep demo --warehouse ./warehouse`,
		Flags: []cli.Flag{
			warehouseFlag(), keepFlag(),
			&cli.IntFlag{Name: "workers", Usage: "goroutines that score (default: one per processor)"},
			&cli.StringFlag{Name: "run", Usage: "name of the run (default: the sweep's name and the time)"},
			&cli.BoolFlag{Name: "fail-fast", Usage: "stop at the first shard that fails"},
		},
		Action: func(c *cli.Context) error {
			o := sweepOptions{workers: c.Int("workers"), run: c.String("run"), failFast: c.Bool("fail-fast")}
			if o.workers < 0 || c.IsSet("workers") && o.workers == 0 {
				return usagef("--workers is %d, want at least 1", o.workers)
			}
			if o.workers == 0 {
				o.workers = runtime.GOMAXPROCS(0)
			}
			var err error
			if o.spec, err = readSpec(c); err != nil {
				return err
			}
			return o.sweep(c.Context, c.App.Writer, c.App.ErrWriter)
		},
	}
}

func (o *sweepOptions) sweep(ctx context.Context, stdout, stderr io.Writer) error {
	dir, err := sinks.OpenDir(o.spec.Warehouse)
	if err != nil {
		return err
	}
	began := time.Now()
	if o.run == "" {
		o.run = o.spec.Name + "-" + began.UTC().Format("20060102T150405.000Z")
	}
	m, err := pipeline.Run(ctx, pipeline.Options{
		Spec: o.spec, Catalog: search.NewCatalog(perftables.Embedded()), Dir: dir,
		Run: o.run, Workers: o.workers, FailFast: o.failFast, ToolVersion: version(),
		Events: newProgress(stderr), Now: time.Now,
	})
	var failed *pipeline.FailedError
	switch {
	case errors.As(err, &failed):
		return &codedError{exitShards, fmt.Errorf("%w\nwhat is done is kept: run the same sweep again to score the rest", err)}
	case ctx.Err() != nil:
		return fmt.Errorf("interrupted; what is done is kept: run the same sweep again to score the rest")
	case err != nil:
		return err
	}
	return summarize(stdout, m, dir, time.Since(began))
}

// summarize says what the sweep did.
func summarize(w io.Writer, m *pipeline.Manifest, dir *sinks.Dir, took time.Duration) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	c := m.Candidates
	fmt.Fprintf(t, "run\t%s\n", m.Run)
	fmt.Fprintf(t, "shards\t%s, of which %s scored now\n", thousands(int64(m.Shards)), thousands(int64(m.ScoredShards)))
	fmt.Fprintf(t, "candidates\t%s aggregated points, %s prefill and %s decode workers, %s pairs\n",
		thousands(c.AggPoints), thousands(c.PrefillWorkers), thousands(c.DecodeWorkers), thousands(c.DisaggPairs))
	fmt.Fprintf(t, "rows\t%s agg_points, %s workers, %s disagg_points, %s coverage\n",
		thousands(m.Rows.AggPoints), thousands(m.Rows.Workers), thousands(m.Rows.DisaggPoints), thousands(m.Rows.Coverage))
	fmt.Fprintf(t, "size\t%.1f MB\n", float64(m.Bytes)/1e6)
	fmt.Fprintf(t, "time\t%.1f s\n", took.Seconds())
	fmt.Fprintf(t, "warehouse\t%s\n", dir.Root())
	return t.Flush()
}
