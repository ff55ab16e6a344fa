package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/urfave/cli/v2"

	"servegrid/pipeline"
	"servegrid/sinks"
)

// pullOptions are the arguments and flags of the pull command.
type pullOptions struct{ from, to, run string }

func pullCommand() *cli.Command {
	return &cli.Command{
		Name:      "pull",
		Usage:     "bring a finished run from a bucket into a directory",
		ArgsUsage: "URL DIR",
		Description: `The directory is then a warehouse for query, best, frontier and all other
commands. Files that are there already are not brought again, each file is compared
with the hash that its run lists, and readers see the run when it is whole. Example:
  servegrid pull s3://bucket/prefix ./warehouse`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "run", Usage: "which run (default: the latest)"},
		},
		Action: func(c *cli.Context) error {
			if c.NArg() != 2 {
				return usagef("want the URL of a warehouse and a directory, got %d arguments", c.NArg())
			}
			o := pullOptions{c.Args().Get(0), c.Args().Get(1), c.String("run")}
			return o.pull(c.Context, c.App.Writer, c.App.ErrWriter)
		},
	}
}

func (o *pullOptions) pull(ctx context.Context, stdout, stderr io.Writer) error {
	target, err := sinks.ParseLocation(o.to)
	if err != nil {
		return asUsage(err)
	}
	if !target.Local() {
		return usagef("want a directory to pull into, got %s", target.Name())
	}
	from, err := openExisting(ctx, o.from)
	if err != nil {
		return err
	}
	to, err := sinks.OpenDir(target.Path)
	if err != nil {
		return err
	}
	if from.Root() == to.Root() {
		return usagef("%s would be pulled into itself", to.Root())
	}
	began := time.Now()
	p, err := pipeline.Pull(ctx, from, to, o.run, func(p pipeline.Pulled) {
		fmt.Fprintf(stderr, "run %s: %s files, %.1f MB; %s files of shards are new, %.1f MB\n",
			p.Run, thousands(int64(p.Files)), float64(p.Bytes)/1e6, thousands(int64(p.Fetched)), float64(p.Moved)/1e6)
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "run %s is in %s: %s files brought, %.1f MB, in %.1f s\n",
		p.Run, to.Root(), thousands(int64(p.Fetched)), float64(p.Moved)/1e6, time.Since(began).Seconds())
	return nil
}
