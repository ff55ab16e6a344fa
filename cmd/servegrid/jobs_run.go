//go:build cgo

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"servegrid/internal/suggest"
	"servegrid/pipeline"
	"servegrid/sinks"
	"servegrid/sinks/changes"
)

// jobOptions are the flags of the command "jobs run".
type jobOptions struct {
	sweepOptions

	threshold float64 // share of a frontier that may be lost
	keepRuns  int     // 0: all
	format    string  // of standard output
	report    string  // file, or ""
	fileAs    string  // its format
}

func jobsRunCommand() *cli.Command {
	c := &cli.Command{
		Name:      "run",
		Usage:     "sweep, verify, publish, and say what changed since the previous run",
		ArgsUsage: "SPEC",
		Description: `SPEC is a sweep file or the name of a shipped one. What earlier runs have scored is
not scored again. Every file is read back before the run is published. The report
goes to standard output. Example:
  servegrid jobs run nightly --warehouse ./warehouse --keep-runs 14 --report changes.md

Exit code 4 says that a frontier is lost or down by more than the threshold, or that
something can be served no longer. The other codes are those of every command. The
first run has nothing to compare with, and exits with 0.`,
		Flags: []cli.Flag{
			warehouseFlag(), keepFlag(), workersFlag(),
			&cli.StringFlag{Name: "threshold", Value: "1%", Usage: "how much of a frontier may be lost without an alarm"},
			&cli.IntFlag{Name: "keep-runs", Usage: "remove all but this many of the latest runs afterwards (default: keep all)"},
			&cli.StringFlag{Name: "report", Usage: "write the report to this .txt, .md or .json file as well"},
			&cli.StringFlag{Name: "output", Value: "table", Usage: "what goes to standard output: " + strings.Join(changes.Formats(), ", ")},
		},
		Action: func(c *cli.Context) error {
			o, err := newJobOptions(c)
			if err != nil {
				return err
			}
			return o.runJob(c.Context, c.App.Writer, c.App.ErrWriter)
		},
	}
	withTables(c)
	return c
}

func newJobOptions(c *cli.Context) (o *jobOptions, err error) {
	o = &jobOptions{keepRuns: c.Int("keep-runs"), format: c.String("output"), report: c.String("report")}
	o.verify, o.again = true, shellLine(slices.Insert(commandLine(c), 1, "jobs"))
	if o.workers, err = workersOf(c); err != nil {
		return nil, err
	}
	if o.threshold, err = percentage("threshold", c.String("threshold")); err != nil {
		return nil, err
	}
	switch {
	case c.IsSet("keep-runs") && o.keepRuns < 1:
		return nil, usagef("--keep-runs is %d, want at least 1", o.keepRuns)
	case !slices.Contains(changes.Formats(), o.format):
		return nil, usagef("--output: %w", suggest.Unknown("format", o.format, changes.Formats()))
	}
	if o.report != "" {
		if o.fileAs, err = changes.FormatOf(filepath.Ext(o.report)); err != nil {
			return nil, usagef("--report %s: %w", o.report, err)
		}
	}
	o.spec, err = readSpec(c)
	return o, err
}

// percentage reads "1%". The sign is asked for because 0.01 could mean either.
func percentage(flag, text string) (share float64, err error) {
	number, ok := strings.CutSuffix(strings.TrimSpace(text), "%")
	v, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if !ok || err != nil || math.IsNaN(v) || v < 0 || v > 100 {
		return 0, usagef("--%s is %q, want a percentage from 0%% to 100%%, such as 1%%", flag, text)
	}
	return v / 100, nil
}

func (o *jobOptions) runJob(ctx context.Context, stdout, stderr io.Writer) error {
	dir, err := openWarehouse(ctx, o.spec.Warehouse)
	if err != nil {
		return err
	}
	return o.night(ctx, dir, stdout, stderr)
}

// night is one of many. The next report compares with its run only once its own report is
// out: a job that is stopped before, and started again, reports the same changes.
func (o *jobOptions) night(ctx context.Context, dir sinks.Store, stdout, stderr io.Writer) error {
	previous, err := pipeline.Baseline(dir, o.spec.Name)
	if err != nil {
		return err
	}
	if previous != "" {
		if err := pipeline.SetBaseline(dir, o.spec.Name, previous); err != nil {
			return err
		}
	}
	began := time.Now()
	m, err := o.score(ctx, dir, began, stderr)
	if err != nil {
		return err
	}
	if err := summarize(stderr, m, dir, time.Since(began)); err != nil {
		return err
	}
	r, err := o.compare(ctx, dir, previous, m)
	if err != nil {
		return fmt.Errorf("compare with run %s: %w", previous, err)
	}
	if err := o.write(r, stdout); err != nil {
		return err
	}
	if err := pipeline.SetBaseline(dir, o.spec.Name, m.Run); err != nil {
		return err
	}
	if err := o.collectOld(dir, stderr); err != nil {
		return err
	}
	if r.Regressed {
		return &codedError{exitRegressed, errors.New(r.Verdict())}
	}
	return nil
}

// write writes the report to its file and to standard output.
func (o *jobOptions) write(r *changes.Report, stdout io.Writer) error {
	if o.report != "" {
		if err := sinks.WriteFile(o.report, func(w io.Writer) error { return r.Write(w, o.fileAs) }); err != nil {
			return err
		}
	}
	return r.Write(stdout, o.format)
}

// collectOld removes old runs. Another sweep in the warehouse puts that off until the
// next time.
func (o *jobOptions) collectOld(dir sinks.Store, stderr io.Writer) error {
	if o.keepRuns == 0 {
		return nil
	}
	g, err := pipeline.Collect(dir, o.keepRuns, false)
	if errors.Is(err, sinks.ErrLocked) {
		fmt.Fprintln(stderr, "old runs stay for now: another sweep is working here")
		return nil
	}
	if err != nil {
		return fmt.Errorf("remove old runs: %w", err)
	}
	if len(g.Runs) > 0 || g.Files > 0 {
		(&gcOptions{}).say(stderr, g)
	}
	return nil
}
