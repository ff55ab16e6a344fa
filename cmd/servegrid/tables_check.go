package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"runtime"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
	"golang.org/x/sync/errgroup"

	"servegrid/perftables"
	"servegrid/sinks"
)

func tablesVerifyCommand() *cli.Command {
	return &cli.Command{
		Name:      "verify",
		Usage:     "check digests and look for suspicious values",
		ArgsUsage: "[SYSTEM[/BACKEND[/VERSION[/KIND]]]]",
		Description: `Every table is decoded and its digest checked; a damaged one is a failure. Then rows are looked for that are not above
0, faster than possible (less than half the speed of light), much faster than a row with less work, or far from what the
rows around them say. Such rows are listed and no failure: measurements are kept as they are. Example:
  servegrid tables verify h200_sxm/vllm`,
		Flags: filterFlags(),
		Action: func(c *cli.Context) error {
			f, err := newTableFilterAt(c)
			if err != nil {
				return err
			}
			return f.verify(c.Context, c.App.Writer, c.App.ErrWriter)
		},
	}
}

func (f *tableFilter) verify(ctx context.Context, stdout, stderr io.Writer) error {
	found, err := f.find()
	if err != nil {
		return err
	}
	findings := make([][]perftables.Finding, len(found))
	damaged := make([]error, len(found))
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(runtime.GOMAXPROCS(0))
	for i := range found {
		work.Go(func() error {
			var t *perftables.Table
			if t, damaged[i] = found[i].Load(); damaged[i] == nil {
				findings[i] = found[i].Check(t)
			}
			return ctx.Err()
		})
	}
	if err := work.Wait(); err != nil {
		return err
	}
	columns := []string{"set", "table", "finding", "rows", "of", "worst"}
	var rows [][]any
	bad, total := 0, 0
	for i := range found {
		total += found[i].Kept
		if damaged[i] != nil {
			bad++
			rows = append(rows, []any{found[i].Layer, found[i].Name(), "damaged", found[i].Kept, found[i].Kept, damaged[i].Error()})
		}
		for _, x := range findings[i] {
			rows = append(rows, []any{found[i].Layer, found[i].Name(), x.What, x.Rows, found[i].Kept, x.Worst})
		}
	}
	if len(rows) > 0 {
		if err := sinks.WriteTable(stdout, f.output, columns, rows); err != nil {
			return err
		}
	}
	fmt.Fprintf(stderr, "%d tables with %s rows: %d damaged, %d findings\n", len(found), thousands(int64(total)), bad, len(rows)-bad)
	if bad > 0 {
		return fmt.Errorf("%d of %d tables are damaged", bad, len(found))
	}
	return nil
}

func tablesDiffCommand() *cli.Command {
	return &cli.Command{
		Name:      "diff",
		Usage:     "what changed between two sets, or between two engine versions",
		ArgsUsage: "A B",
		Description: `A and B are names of sets (embedded, or an installed one), or SYSTEM/BACKEND/VERSION. Sets are compared table by table
where both have one, engine versions kind by kind. Examples:
  servegrid tables diff embedded aic-0.12.0
  servegrid tables diff h200_sxm/trtllm/1.0.0rc3 h200_sxm/trtllm/1.2.0rc5`,
		Flags: filterFlags(),
		Action: func(c *cli.Context) error {
			if c.NArg() != 2 {
				return usagef("want two sets, or two engine versions")
			}
			f, err := newTableFilter(c)
			if err != nil {
				return err
			}
			return f.diff(c.Args().Get(0), c.Args().Get(1), c.App.Writer)
		},
	}
}

// side lists the tables of one side of a comparison by what both sides share.
func (f *tableFilter) side(name string) (map[string]perftables.TableInfo, error) {
	g := *f
	byKind := strings.Contains(name, "/")
	if byKind {
		if err := g.at(name); err != nil {
			return nil, err
		}
	} else {
		g.set = name
	}
	found, err := g.find()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	tables := map[string]perftables.TableInfo{}
	for _, t := range found {
		key := t.Name()
		if byKind {
			key = string(t.Kind)
		}
		if _, ok := tables[key]; !ok { // the first set counts
			tables[key] = t
		}
	}
	return tables, nil
}

func (f *tableFilter) diff(a, b string, w io.Writer) error {
	if strings.Contains(a, "/") != strings.Contains(b, "/") {
		return usagef("compare two sets or two engine versions, not %q with %q", a, b)
	}
	before, err := f.side(a)
	if err != nil {
		return err
	}
	after, err := f.side(b)
	if err != nil {
		return err
	}
	columns := []string{"table", "change", "same", "differ", "added", "removed", "median_ratio", "farthest_ratio"}
	var rows [][]any
	for _, key := range unionKeys(before, after) {
		x, inA := before[key]
		y, inB := after[key]
		switch {
		case !inA:
			rows = append(rows, []any{key, "added", nil, nil, y.Kept, nil, nil, nil})
		case !inB:
			rows = append(rows, []any{key, "removed", nil, nil, nil, x.Kept, nil, nil})
		case x.Digest == y.Digest:
			rows = append(rows, []any{key, "same", x.Kept, 0, 0, 0, nil, nil})
		default:
			c, err := compareTables(&x, &y)
			if err != nil {
				return err
			}
			rows = append(rows, []any{key, "changed", c.Same, c.Differ, c.Added, c.Removed, c.Median, c.Most})
		}
	}
	return sinks.WriteTable(w, f.output, columns, rows)
}

func compareTables(a, b *perftables.TableInfo) (perftables.Change, error) {
	before, err := a.Load()
	if err != nil {
		return perftables.Change{}, err
	}
	after, err := b.Load()
	if err != nil {
		return perftables.Change{}, err
	}
	return perftables.Diff(before, after), nil
}

func unionKeys[V any](a, b map[string]V) []string {
	keys := slices.Collect(maps.Keys(a))
	for k := range b {
		if _, ok := a[k]; !ok {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	return keys
}
