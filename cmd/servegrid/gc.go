package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/urfave/cli/v2"

	"servegrid/pipeline"
	"servegrid/sinks"
)

// gcOptions are the flags of the gc command.
type gcOptions struct {
	warehouse string
	keep      int
	dryRun    bool
}

func gcCommand() *cli.Command {
	return &cli.Command{
		Name:  "gc",
		Usage: "remove old runs and the shards that no other run holds",
		Description: `The run that readers see is always kept. Example:
  servegrid gc --warehouse ./warehouse --keep-runs 7 --dry-run`,
		Flags: []cli.Flag{
			warehouseFlag(),
			&cli.IntFlag{Name: "keep-runs", Usage: "latest runs to keep, at least 1"},
			&cli.BoolFlag{Name: "dry-run", Usage: "only say what would be removed"},
		},
		Action: func(c *cli.Context) error {
			o := gcOptions{c.String("warehouse"), c.Int("keep-runs"), c.Bool("dry-run")}
			switch {
			case c.NArg() > 0:
				return usagef("gc takes no arguments, got %q", c.Args().First())
			case !c.IsSet("keep-runs"):
				return usagef("missing --keep-runs: how many of the latest runs are to stay")
			case o.keep < 1:
				return usagef("--keep-runs is %d, want at least 1", o.keep)
			}
			return o.collect(c.Context, c.App.Writer)
		},
	}
}

func (o *gcOptions) collect(ctx context.Context, stdout io.Writer) error {
	dir, err := openExisting(ctx, o.warehouse)
	if err != nil {
		return err
	}
	g, err := pipeline.Collect(dir, o.keep, o.dryRun)
	if errors.Is(err, sinks.ErrLocked) {
		return fmt.Errorf("a sweep is working in %s: try again when it has finished (%w)", dir.Root(), err)
	}
	if err != nil {
		return err
	}
	o.say(stdout, g)
	return nil
}

// say tells what was removed, or would be.
func (o *gcOptions) say(w io.Writer, g *pipeline.Garbage) {
	verb := "removed"
	if o.dryRun {
		verb = "would remove"
	}
	runs := "no run"
	switch {
	case len(g.Runs) == 1:
		runs = "the run " + g.Runs[0]
	case len(g.Runs) > 1:
		runs = "the runs " + strings.Join(g.Runs, ", ")
	}
	fmt.Fprintf(w, "%s %s\n", verb, runs)
	fmt.Fprintf(w, "%s %s shards in %s files, %.1f MB\n", verb, thousands(int64(g.Shards)), thousands(int64(g.Files)), float64(g.Bytes)/1e6)
	if g.Unfinished > 0 {
		fmt.Fprintf(w, "%s shards of a sweep that is not finished are kept\n", thousands(int64(g.Unfinished)))
	}
}
