package main

import (
	"cmp"
	"io"
	"maps"
	"math"
	"runtime"
	"slices"
	"sync"

	"github.com/urfave/cli/v2"
	"golang.org/x/sync/errgroup"

	"servegrid/internal/suggest"
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
Examples:
  servegrid tables accuracy --set aic-0.12.0 --kind gemm
  servegrid tables accuracy --set aic-0.12.0 --kind generation_attention --by system`,
		Flags: append(filterFlags(),
			&cli.IntFlag{Name: "step", Value: 37, Usage: "leave out every step-th measurement"},
			&cli.StringFlag{Name: "by", Value: "kind", Usage: "one row for each kind, or for each kind on each system with each backend: kind or system"},
		),
		Action: func(c *cli.Context) error {
			if c.Int("step") < 1 {
				return usagef("--step is %d, want at least 1", c.Int("step"))
			}
			if by := []string{"kind", "system"}; !slices.Contains(by, c.String("by")) {
				return usagef("--by: %w", suggest.Unknown("grouping", c.String("by"), by))
			}
			f, err := newTableFilterAt(c)
			if err != nil {
				return err
			}
			return f.accuracy(c.Int("step"), c.String("by") == "system", c.App.Writer)
		},
	}
}

// leftOut is a group of measurements that were left out.
type leftOut struct{ kind, system, backend, how string }

// accuracy prints the errors. Tables with the same rows count once.
func (f *tableFilter) accuracy(step int, bySystem bool, w io.Writer) error {
	found, err := f.find()
	if err != nil {
		return err
	}
	errs := map[leftOut][]float64{}
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
			mine, err := leaveOut(&found[i], step, bySystem)
			mu.Lock()
			defer mu.Unlock()
			for g, e := range mine {
				errs[g] = append(errs[g], e...)
			}
			return err
		})
	}
	if err := work.Wait(); err != nil {
		return err
	}
	columns := []string{"kind", "left_out", "measurements", "median_pct", "mean_pct", "p90_pct", "p99_pct"}
	if bySystem {
		columns = slices.Insert(columns, 1, "system", "backend")
	}
	groups := slices.Collect(maps.Keys(errs))
	hows := []string{"point", "value", "point, outside"}
	slices.SortFunc(groups, func(a, b leftOut) int {
		return cmp.Or(
			slices.Index(perftables.KindNames(), a.kind)-slices.Index(perftables.KindNames(), b.kind),
			slices.Index(hows, a.how)-slices.Index(hows, b.how),
			cmp.Compare(a.system, b.system), cmp.Compare(a.backend, b.backend))
	})
	var rows [][]any
	for _, g := range groups {
		row := []any{g.kind}
		if bySystem {
			row = append(row, g.system, g.backend)
		}
		rows = append(rows, append(append(row, g.how), spread(errs[g])...))
	}
	return sinks.WriteTable(w, f.output, columns, rows)
}

// leaveOut returns the errors of a table's measurements, without sign.
func leaveOut(info *perftables.TableInfo, step int, bySystem bool) (map[leftOut][]float64, error) {
	t, err := info.Load()
	if err != nil {
		return nil, err
	}
	errs := map[leftOut][]float64{}
	note := func(how string) func(perftables.LeaveOneOut) {
		return func(l perftables.LeaveOneOut) {
			g := leftOut{kind: string(t.Kind), how: how}
			if l.Outside {
				g.how = "point, outside"
			}
			if bySystem {
				g.system, g.backend = info.System, info.Backend
			}
			errs[g] = append(errs[g], math.Abs(l.Error()))
		}
	}
	info.LeaveOneOut(t, step, note("point"))
	info.LeaveValueOut(t, step, note("value"))
	return errs, nil
}

// spread describes errors: how many, and in per cent their median, mean and two
// quantiles.
func spread(errs []float64) []any {
	slices.Sort(errs)
	sum := 0.0
	for _, v := range errs {
		sum += v
	}
	at := func(q float64) float64 { return 100 * errs[int(q*float64(len(errs)-1))] }
	return []any{len(errs), at(0.5), 100 * sum / float64(len(errs)), at(0.9), at(0.99)}
}
