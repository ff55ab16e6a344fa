package main

import (
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"servegrid/internal/suggest"
	"servegrid/perftables"
	"servegrid/sinks"
)

func tablesCommand() *cli.Command {
	return group(&cli.Command{
		Name:  "tables",
		Usage: "list, check, import and fetch kernel tables",
		Description: `Kernel tables hold measured latencies by system, backend and engine version.
Some are part of the program; others are installed beside them, into the folder
SERVEGRID_TABLES (default: servegrid/tables below the user's data folder).
  servegrid tables list --system h200_sxm
  servegrid tables import aiconfigurator_core-0.12.0.whl`,
		Subcommands: []*cli.Command{
			tablesListCommand(), tablesShowCommand(), tablesVerifyCommand(), tablesAccuracyCommand(), tablesDiffCommand(),
			tablesImportCommand(), tablesFetchCommand(), tablesTemplateCommand(), tablesRemoveCommand(),
		},
	})
}

// filterFlags choose tables.
func filterFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "set", Usage: "only tables of this set: embedded, or the name of an installed one"},
		&cli.StringFlag{Name: "system", Usage: "only tables of this system"},
		&cli.StringFlag{Name: "backend", Usage: "only tables of this backend, or nccl"},
		&cli.StringFlag{Name: "backend-version", Usage: "only tables of this engine version"},
		&cli.StringFlag{Name: "kind", Usage: "only tables of this kind"},
		outputFlag(),
	}
}

// tableFilter is what the flags choose; empty fields choose everything.
type tableFilter struct {
	set, system, backend, version, kind string
	output                              string
}

func newTableFilter(c *cli.Context) (*tableFilter, error) {
	f := &tableFilter{set: c.String("set"), system: c.String("system"), backend: c.String("backend"), version: c.String("backend-version"), kind: c.String("kind")}
	if err := useTables(defaultRoot); err != nil {
		return nil, err
	}
	if f.system != "" {
		var err error
		if f.system, err = systemName("system", f.system); err != nil {
			return nil, err
		}
	}
	if valid := append(slices.Clone(perftables.Backends), "nccl"); f.backend != "" && !slices.Contains(valid, f.backend) {
		return nil, usagef("--backend: %w", suggest.Unknown("backend", f.backend, valid))
	}
	if _, ok := perftables.Shapes[perftables.Kind(f.kind)]; f.kind != "" && !ok {
		return nil, usagef("--kind: %w", suggest.Unknown("kind of table", f.kind, perftables.KindNames()))
	}
	var sets []string
	for _, l := range kernelTables().Layers() {
		sets = append(sets, l.Name)
	}
	if f.set != "" && !slices.Contains(sets, f.set) {
		return nil, usagef("--set: %w", suggest.Unknown("table set", f.set, sets))
	}
	var err error
	f.output, err = outputFormat(c)
	return f, err
}

// newTableFilterAt is a filter that an argument may narrow further.
func newTableFilterAt(c *cli.Context) (*tableFilter, error) {
	f, err := newTableFilter(c)
	switch {
	case c.NArg() > 1:
		return nil, usagef("want at most one SYSTEM[/BACKEND[/VERSION[/KIND]]]")
	case err == nil && c.NArg() == 1:
		err = f.at(c.Args().First())
	}
	return f, err
}

// at narrows the filter to SYSTEM[/BACKEND[/VERSION[/KIND]]].
func (f *tableFilter) at(name string) error {
	parts := strings.Split(strings.Trim(name, "/"), "/")
	if len(parts) > 4 {
		return usagef("%q: want SYSTEM[/BACKEND[/VERSION[/KIND]]]", name)
	}
	for i, to := range []*string{&f.system, &f.backend, &f.version, &f.kind} {
		if i < len(parts) {
			*to = parts[i]
		}
	}
	return nil
}

func (f *tableFilter) matches(t *perftables.TableInfo) bool {
	same := func(want, have string) bool { return want == "" || want == have }
	return same(f.set, t.Layer) && same(f.system, t.System) && same(f.backend, t.Backend) && same(f.version, t.Version) && same(f.kind, string(t.Kind))
}

// find lists the chosen tables. None is an error.
func (f *tableFilter) find() ([]perftables.TableInfo, error) {
	all, err := kernelTables().Tables()
	if err != nil {
		return nil, err
	}
	var found []perftables.TableInfo
	for i := range all {
		if f.matches(&all[i]) {
			found = append(found, all[i])
		}
	}
	if len(found) == 0 {
		return nil, errors.New("no table matches: servegrid tables list shows what there is")
	}
	return found, nil
}

func tablesListCommand() *cli.Command {
	return &cli.Command{
		Name:  "list",
		Usage: "what is embedded and installed",
		Description: `One row per engine version. With --kind, or --output csv or json, one row per table with its digest. Example:
  servegrid tables list --system h200_sxm --kind gemm`,
		Flags: filterFlags(),
		Action: func(c *cli.Context) error {
			if c.NArg() > 0 {
				return usagef("unexpected argument %q", c.Args().First())
			}
			f, err := newTableFilter(c)
			if err != nil {
				return err
			}
			return f.list(c.App.Writer)
		},
	}
}

func (f *tableFilter) list(w io.Writer) error {
	found, err := f.find()
	if err != nil {
		return err
	}
	if f.kind != "" || f.output != "table" {
		columns := []string{"set", "generation", "system", "backend", "version", "kind", "rows", "repeated", "digest", "source"}
		var rows [][]any
		for _, t := range found {
			digest := t.Digest
			if f.output == "table" {
				digest = digest[:12]
			}
			rows = append(rows, []any{t.Layer, string(t.Generation), t.System, t.Backend, t.Version, string(t.Kind), t.Kept, t.Dropped, digest, t.Source})
		}
		return sinks.WriteTable(w, f.output, columns, rows)
	}
	columns := []string{"set", "generation", "system", "backend", "version", "tables", "rows", "source"}
	var rows [][]any
	for i := 0; i < len(found); {
		t, kept, n := found[i], 0, 0
		for ; i < len(found) && path.Dir(found[i].Name()) == path.Dir(t.Name()) && found[i].Layer == t.Layer; i++ {
			kept, n = kept+found[i].Kept, n+1
		}
		rows = append(rows, []any{t.Layer, string(t.Generation), t.System, t.Backend, t.Version, n, kept, t.Source})
	}
	return sinks.WriteTable(w, f.output, columns, rows)
}

func tablesShowCommand() *cli.Command {
	return &cli.Command{
		Name:      "show",
		Usage:     "what tables hold: formats, ranges, holes",
		ArgsUsage: "SYSTEM[/BACKEND[/VERSION[/KIND]]]",
		Description: `One row per slice: the part of a table with the same formats and shape. A hole is a cell of the rectangle over the
measured values without a measurement. Example:
  servegrid tables show h200_sxm/vllm/0.12.0/gemm`,
		Flags: filterFlags(),
		Action: func(c *cli.Context) error {
			if c.NArg() != 1 {
				return usagef("want one table: SYSTEM[/BACKEND[/VERSION[/KIND]]]")
			}
			f, err := newTableFilter(c)
			if err == nil {
				err = f.at(c.Args().First())
			}
			if err != nil {
				return err
			}
			return f.show(c.App.Writer)
		},
	}
}

func (f *tableFilter) show(w io.Writer) error {
	found, err := f.find()
	if err != nil {
		return err
	}
	columns := []string{"set", "table", "slice", "rows", "ranges", "holes", "low", "high", "unit"}
	var rows [][]any
	for i := range found {
		t, err := found[i].Load()
		if err != nil {
			return err
		}
		for _, s := range t.Stats() {
			var ranges []string
			for d, name := range perftables.Shapes[t.Kind].Coords {
				axis := s.Axes[d]
				ranges = append(ranges, fmt.Sprintf("%s %d…%d (%d)", name, axis[0], axis[len(axis)-1], len(axis)))
			}
			rows = append(rows, []any{found[i].Layer, found[i].Name(), strings.Join(s.Key, " "), s.Rows, strings.Join(ranges, ", "), s.Holes(), s.Low, s.High, t.Kind.Unit()})
		}
	}
	return sinks.WriteTable(w, f.output, columns, rows)
}
