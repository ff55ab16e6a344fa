package main

import (
	"io"
	"math"
	"runtime"
	"slices"
	"sync"

	"github.com/urfave/cli/v2"
	"golang.org/x/sync/errgroup"

	"servegrid/perftables"
	"servegrid/sinks"
)

func tablesAccuracyCommand() *cli.Command {
	return &cli.Command{
		Name:      "accuracy",
		Usage:     "how well interpolation gives left-out measurements back",
		ArgsUsage: "[SYSTEM[/BACKEND[/VERSION[/KIND]]]]",
		Description: `Measurements are left out of their tables and asked from the rest, by the interpolation of generation raw. "point"
leaves out one measurement at a time; "value" one value of an axis with all of its measurements, so that the question
lies between the knots. Errors are relative, without sign; points beyond the other measurements are counted apart.
Example:
  servegrid tables accuracy --set aic-0.12.0 --kind gemm`,
		Flags: append(filterFlags(), &cli.IntFlag{Name: "step", Value: 37, Usage: "leave out every step-th measurement"}),
		Action: func(c *cli.Context) error {
			if c.Int("step") < 1 {
				return usagef("--step is %d, want at least 1", c.Int("step"))
			}
			f, err := newTableFilterAt(c)
			if err != nil {
				return err
			}
			return f.accuracy(c.Int("step"), c.App.Writer)
		},
	}
}

// accuracy prints the errors by kind. Tables with the same rows count once.
func (f *tableFilter) accuracy(step int, w io.Writer) error {
	found, err := f.find()
	if err != nil {
		return err
	}
	type group struct{ kind, left string }
	errs := map[group][]float64{}
	seen := map[string]bool{}
	var mu sync.Mutex
	var work errgroup.Group
	work.SetLimit(runtime.GOMAXPROCS(0))
	for i := range found {
		if seen[found[i].Digest] {
			continue
		}
		seen[found[i].Digest] = true
		work.Go(func() error {
			t, err := found[i].Load()
			if err != nil {
				return err
			}
			mine := map[group][]float64{}
			note := func(left string) func(perftables.LeaveOneOut) {
				return func(l perftables.LeaveOneOut) {
					g := group{string(t.Kind), left}
					if l.Outside {
						g.left = "point, outside"
					}
					mine[g] = append(mine[g], math.Abs(l.Error()))
				}
			}
			found[i].LeaveOneOut(t, step, note("point"))
			found[i].LeaveValueOut(t, step, note("value"))
			mu.Lock()
			defer mu.Unlock()
			for g, e := range mine {
				errs[g] = append(errs[g], e...)
			}
			return nil
		})
	}
	if err := work.Wait(); err != nil {
		return err
	}
	columns := []string{"kind", "left_out", "measurements", "median_pct", "mean_pct", "p90_pct", "p99_pct"}
	var rows [][]any
	for _, kind := range perftables.KindNames() {
		for _, left := range []string{"point", "value", "point, outside"} {
			e := errs[group{kind, left}]
			if len(e) == 0 {
				continue
			}
			slices.Sort(e)
			sum := 0.0
			for _, v := range e {
				sum += v
			}
			at := func(q float64) float64 { return 100 * e[int(q*float64(len(e)-1))] }
			rows = append(rows, []any{kind, left, len(e), at(0.5), 100 * sum / float64(len(e)), at(0.9), at(0.99)})
		}
	}
	return sinks.WriteTable(w, f.output, columns, rows)
}
