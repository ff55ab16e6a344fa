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
	"servegrid/pipeline"
	"servegrid/sinks"
)

// sweepOptions are the flags of the sweep command.
type sweepOptions struct {
	spec     *jobs.Spec
	workers  int
	run      string
	part     pipeline.Part
	share    bool          // score the part's shards
	finish   bool          // publish what all parts have scored
	wait     time.Duration // for parts that are missing
	failFast bool
	verify   bool   // read everything back before it is published
	again    string // the command that continues an interrupted sweep
}

func sweepCommand() *cli.Command {
	return &cli.Command{
		Name:      "sweep",
		Usage:     "score every configuration of a sweep file and write Parquet",
		ArgsUsage: "SPEC",
		Description: `SPEC is a sweep file or the name of a shipped one. What an earlier sweep has
scored is not scored again. Example:
  servegrid sweep demo --warehouse ./warehouse

Several processes can share a sweep, on one machine or on many with a common
directory or bucket. Each takes every N-th shard; one more publishes the run:
  servegrid sweep demo --run nightly --shard-count 8 --shard-index 0    (to 7)
  servegrid sweep demo --run nightly --shard-count 8 --finish --wait 2h
With --shard-index and --finish together the process that ends last publishes it.
servegrid jobs render writes this down for a cluster.`,
		Flags: []cli.Flag{
			warehouseFlag(), keepFlag(),
			workersFlag(),
			&cli.StringFlag{Name: "run", Usage: "name of the run (default: the sweep's name and the time)"},
			&cli.IntFlag{Name: "shard-count", Usage: "processes that share the sweep"},
			&cli.IntFlag{Name: "shard-index", Usage: "which of them this one is, from 0"},
			&cli.BoolFlag{Name: "finish", Usage: "publish the run that --shard-count processes have scored; with --shard-index score that share first, and publish if it is the last"},
			&cli.StringFlag{Name: "wait", Usage: "with --finish alone: longest time to wait for shares that are missing, such as 2h (default: none)"},
			&cli.BoolFlag{Name: "fail-fast", Usage: "stop at the first shard that fails"},
		},
		Action: func(c *cli.Context) error {
			o := sweepOptions{run: c.String("run"), failFast: c.Bool("fail-fast")}
			var err error
			if o.workers, err = workersOf(c); err != nil {
				return err
			}
			if err := o.readPart(c); err != nil {
				return err
			}
			if o.spec, err = readSpec(c); err != nil {
				return err
			}
			o.again = shellLine(commandLine(c))
			return o.sweep(c.Context, c.App.Writer, c.App.ErrWriter)
		},
	}
}

func workersFlag() cli.Flag {
	return &cli.IntFlag{Name: "workers", Usage: "goroutines that score (default: one per processor)"}
}

func workersOf(c *cli.Context) (int, error) {
	n := c.Int("workers")
	if n < 0 || c.IsSet("workers") && n == 0 {
		return 0, usagef("--workers is %d, want at least 1", n)
	}
	if n == 0 {
		n = runtime.GOMAXPROCS(0)
	}
	return n, nil
}

// readPart reads which share of the sweep is meant.
func (o *sweepOptions) readPart(c *cli.Context) error {
	o.part = pipeline.Part{Index: c.Int("shard-index"), Count: c.Int("shard-count")}
	o.share, o.finish = c.IsSet("shard-index"), c.Bool("finish")
	shared := c.IsSet("shard-count")
	switch {
	case (o.share || o.finish) && !shared:
		return usagef("--shard-index and --finish need --shard-count, the number of processes that share the sweep")
	case c.IsSet("wait") && (o.share || !o.finish):
		return usagef("--wait is for --finish without --shard-index: how long to wait for the others")
	case !shared:
		return nil
	case !o.share && !o.finish:
		return usagef("--shard-count needs --shard-index, to score a share, or --finish, to publish the run")
	case o.run == "":
		return usagef("--shard-count needs --run: the processes of a sweep share the name of its run")
	case o.part.Count < 1:
		return usagef("--shard-count is %d, want at least 1", o.part.Count)
	case o.part.Index < 0 || o.part.Index >= o.part.Count:
		return usagef("--shard-index is %d, want 0 to %d", o.part.Index, o.part.Count-1)
	}
	if c.IsSet("wait") {
		var err error
		o.wait, err = duration(c, "wait")
		return err
	}
	return nil
}

func (o *sweepOptions) sweep(ctx context.Context, stdout, stderr io.Writer) error {
	dir, err := openWarehouse(ctx, o.spec.Warehouse)
	if err != nil {
		return err
	}
	began := time.Now()
	m, err := o.score(ctx, dir, began, stderr)
	if err != nil {
		return err
	}
	return summarize(stdout, m, dir, time.Since(began))
}

// score scores and publishes what the flags ask for.
func (o *sweepOptions) score(ctx context.Context, dir sinks.Store, began time.Time, stderr io.Writer) (*pipeline.Manifest, error) {
	if o.run == "" {
		o.run = o.spec.Name + "-" + began.UTC().Format("20060102T150405.000Z")
	}
	options := pipeline.Options{
		Spec: o.spec, Catalog: search.NewCatalog(kernelTables()), Dir: dir,
		Run: o.run, Part: o.part, Workers: o.workers, FailFast: o.failFast, Verify: o.verify, ToolVersion: version(),
		Events: newProgress(stderr), Now: time.Now,
	}
	m, err := o.work(ctx, options, stderr)
	if err != nil && ctx.Err() == nil && o.part.Count > 0 {
		if published := pipeline.Published(options); published != nil {
			fmt.Fprintf(stderr, "note: another process has published run %s of this sweep\n", o.run)
			m, err = published, nil
		}
	}
	var failed *pipeline.FailedError
	var missing *pipeline.MissingPartsError
	switch {
	case ctx.Err() != nil:
		return nil, fmt.Errorf("interrupted; what is done is kept. To go on:\n  %s", o.again)
	case errors.As(err, &failed):
		return nil, &codedError{exitShards, fmt.Errorf("%w\nwhat is done is kept. To score the rest:\n  %s", err, o.again)}
	case errors.As(err, &missing):
		return nil, &codedError{exitShards, err}
	}
	return m, err
}

// work scores and publishes what the options ask for.
func (o *sweepOptions) work(ctx context.Context, options pipeline.Options, stderr io.Writer) (*pipeline.Manifest, error) {
	if o.finish && !o.share {
		return pipeline.Await(ctx, options, o.wait, func(missing *pipeline.MissingPartsError) {
			if o.wait > 0 {
				fmt.Fprintf(stderr, "waiting for %d of %d parts\n", len(missing.Parts), o.part.Count)
			}
		})
	}
	m, err := pipeline.Run(ctx, options)
	if err != nil || !o.finish {
		return m, err
	}
	whole, err := pipeline.Await(ctx, options, 0, func(missing *pipeline.MissingPartsError) {
		fmt.Fprintf(stderr, "%d of %d parts are not done yet: the last one publishes the run\n", len(missing.Parts), o.part.Count)
	})
	var missing *pipeline.MissingPartsError
	if errors.As(err, &missing) {
		return m, nil
	}
	return whole, err
}

// summarize says what the sweep did.
func summarize(w io.Writer, m *pipeline.Manifest, dir sinks.Store, took time.Duration) error {
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
