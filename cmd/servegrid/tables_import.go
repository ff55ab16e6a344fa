package main

import (
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/urfave/cli/v2"

	"servegrid/internal/suggest"
	"servegrid/perftables"
	"servegrid/perftables/importer"
	"servegrid/perftables/store"
)

// importFlags say how a source is read and what it becomes.
func importFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "name", Usage: "name of the set in the store (default: the name of the source)"},
		&cli.StringFlag{Name: "source", Usage: "where the measurements come from, kept in each table (default: the name of the source)"},
		&cli.StringFlag{Name: "generation", Usage: "how the tables are read between and beyond measured points: grid as AIConfigurator 0.6.0, or raw (default: grid for _perf.txt files, raw for others)"},
		&cli.StringFlag{Name: "system", Usage: "of a single table: its system"},
		&cli.StringFlag{Name: "backend", Usage: "of a single table: its backend"},
		&cli.StringFlag{Name: "backend-version", Usage: "of a single table: its engine version"},
		&cli.StringFlag{Name: "kind", Usage: "of a single table: its kind (default: the name of the file)"},
		&cli.StringFlag{Name: "base", Usage: "SYSTEM/BACKEND/VERSION whose tables fill what the source lacks"},
		&cli.BoolFlag{Name: "dry-run", Usage: "read and report everything, install nothing"},
		&cli.BoolFlag{Name: "files", Usage: "report every file, not only those that are in no table"},
	}
}

func tablesImportCommand() *cli.Command {
	return &cli.Command{
		Name:      "import",
		Usage:     "install tables from a folder, an archive or a file",
		ArgsUsage: "PATH",
		Description: `PATH is a folder, .zip, .whl, .tar, .tar.gz, .tgz or .tar.zst in one of AIConfigurator's two layouts (the CSV text of
0.6.0, the Parquet of 0.12.0), a single table (.csv, _perf.txt, .parquet), or the description of a GPU system (.yaml).
Examples:
  servegrid tables import aiconfigurator_core-0.12.0.whl --name aic-0.12.0
  servegrid tables import gemm.csv --system h200_sxm --backend vllm --backend-version 0.12.0-mine --base h200_sxm/vllm/0.12.0
  servegrid tables import my_gpu.yaml`,
		Flags: importFlags(),
		Action: func(c *cli.Context) error {
			if c.NArg() != 1 {
				return usagef("want one PATH")
			}
			o, err := newImportOptions(c, c.Args().First())
			if err != nil {
				return err
			}
			return o.run(c.Args().First(), c.App.Writer)
		},
	}
}

type importOptions struct {
	importer.Options
	name, base    string
	dryRun, files bool
}

func newImportOptions(c *cli.Context, from string) (*importOptions, error) {
	if err := useTables(defaultRoot); err != nil {
		return nil, err
	}
	o := &importOptions{name: c.String("name"), base: c.String("base"), dryRun: c.Bool("dry-run"), files: c.Bool("files")}
	o.Options = importer.Options{
		Source: c.String("source"), Generation: perftables.Generation(c.String("generation")),
		System: c.String("system"), Backend: c.String("backend"), Version: c.String("backend-version"), Kind: c.String("kind"),
	}
	if g := c.String("generation"); g != "" && !slices.Contains(perftables.Generations(), g) {
		return nil, usagef("--generation: %w", suggest.Unknown("generation", g, perftables.Generations()))
	}
	for _, l := range kernelTables().Layers() {
		o.Known = append(o.Known, l.Systems...)
	}
	base := filepath.Base(from)
	if o.Source == "" {
		o.Source = base
	}
	if o.name == "" {
		o.name = setName(base)
	}
	if !store.ValidName(o.name) || o.name == perftables.EmbeddedLayer {
		return nil, usagef("--name is %q, want letters, digits, and . _ - + in between, and not %s", o.name, perftables.EmbeddedLayer)
	}
	given := []string{o.System, o.Backend, o.Version}
	switch n := len(slices.DeleteFunc(slices.Clone(given), func(s string) bool { return s == "" })); {
	case n != 0 && n != len(given):
		return nil, usagef("--system, --backend and --backend-version go together")
	case n == 0 && o.Kind != "":
		return nil, usagef("--kind needs --system, --backend and --backend-version")
	case n == 0:
		return o, nil
	}
	var err error
	if o.System, err = systemName("system", o.System); err != nil {
		return nil, err
	}
	if !slices.Contains(perftables.Backends, o.Backend) {
		return nil, usagef("--backend: %w", suggest.Unknown("backend", o.Backend, perftables.Backends))
	}
	if !store.ValidName(o.Version) || o.Version == perftables.Unmeasured {
		return nil, usagef("--backend-version is %q, want a version such as 0.12.0-mine", o.Version)
	}
	return o, nil
}

// setName makes the name of a set from the name of a file.
func setName(base string) string {
	for _, ext := range []string{".gz", ".zst", ".tgz", ".tar", ".zip", ".whl", ".csv", ".txt", ".parquet", ".yaml", ".yml"} {
		base = strings.TrimSuffix(base, ext)
	}
	return base
}

// run imports what is at a path.
func (o *importOptions) run(from string, stdout io.Writer) error {
	src, err := importer.Open(from)
	if err != nil {
		return err
	}
	defer src.Close()
	return o.install(src, from, stdout)
}

// install imports an opened source and reports it.
func (o *importOptions) install(src *importer.Source, from string, stdout io.Writer) error {
	p, err := importer.Import(src, o.Options)
	if err != nil {
		return fmt.Errorf("import %s: %w", from, err)
	}
	if o.base != "" {
		if err := o.fill(p); err != nil {
			return err
		}
	}
	where := "nothing was installed (--dry-run)"
	if !o.dryRun {
		info, err := userStore().Install(o.name, p)
		if err != nil {
			return err
		}
		where = fmt.Sprintf("%s in %s, digest %s", o.name, userStore().Root(), info.Digest[:12])
	}
	return o.report(stdout, p, where)
}

// fill adds tables of the base to every engine version that lacks them.
func (o *importOptions) fill(p *importer.Package) error {
	f := &tableFilter{}
	if err := f.at(o.base); err != nil || f.version == "" || f.kind != "" {
		return usagef("--base is %q, want SYSTEM/BACKEND/VERSION", o.base)
	}
	if _, err := kernelTables().Open(f.system, f.backend, f.version); err != nil {
		return usagef("--base: %w", err)
	}
	found, err := f.find()
	if err != nil {
		return fmt.Errorf("--base %s: %w", o.base, err)
	}
	for i := range found {
		t, err := found[i].Load()
		if err != nil {
			return err
		}
		if err := p.Fill(found[i].Name(), t); err != nil {
			return err
		}
	}
	return nil
}

func (o *importOptions) report(w io.Writer, p *importer.Package, where string) error {
	var used, unused, rows, kept int
	for _, f := range p.Files {
		rows, kept = rows+f.Rows, kept+f.Kept
		if f.Reason == "" {
			used++
		} else {
			unused++
		}
		switch {
		case f.Reason != "":
			fmt.Fprintf(w, "%s: not used: %s\n", f.File, f.Reason)
		case f.Partial:
			fmt.Fprintf(w, "%s: %d rows, %d kept, in %s; its source says that it is not complete\n", f.File, f.Rows, f.Kept, strings.Join(f.Tables, ", "))
		case o.files:
			fmt.Fprintf(w, "%s: %d rows, %d kept, in %s\n", f.File, f.Rows, f.Kept, strings.Join(f.Tables, ", "))
		}
	}
	var systems []string
	for _, s := range p.Systems {
		systems = append(systems, s.Name)
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "set\t%s\n", where)
	fmt.Fprintf(t, "files\t%d used, %d not used\n", used, unused)
	fmt.Fprintf(t, "tables\t%d of generation %s\n", len(p.Tables), p.Generation)
	fmt.Fprintf(t, "rows\t%s read, %s with different keys kept\n", thousands(int64(rows)), thousands(int64(kept)))
	fmt.Fprintf(t, "systems\t%s\n", strings.Join(systems, ", "))
	return t.Flush()
}

func tablesRemoveCommand() *cli.Command {
	return &cli.Command{
		Name:        "remove",
		Usage:       "take an installed set out of the store",
		ArgsUsage:   "NAME",
		Description: "Example:\n  servegrid tables remove aic-0.12.0",
		Action: func(c *cli.Context) error {
			if c.NArg() != 1 {
				return usagef("want the name of one set: servegrid tables list shows them")
			}
			return userStore().Remove(c.Args().First())
		},
	}
}

func tablesTemplateCommand() *cli.Command {
	return &cli.Command{
		Name:      "template",
		Usage:     "print a file to start from: a system description, or the columns of a table",
		ArgsUsage: "system|KIND",
		Description: `Examples:
  servegrid tables template system --system h200_sxm > my_gpu.yaml
  servegrid tables template gemm > gemm.csv`,
		Flags: []cli.Flag{&cli.StringFlag{Name: "system", Value: "h200_sxm", Usage: "the system whose figures the description starts with"}},
		Action: func(c *cli.Context) error {
			kinds := append([]string{"system"}, perftables.KindNames()...)
			if c.NArg() != 1 {
				return usagef("want one of %s", suggest.List(kinds))
			}
			what := c.Args().First()
			if !slices.Contains(kinds, what) {
				return asUsage(suggest.Unknown("template", what, kinds))
			}
			if what != "system" {
				b, err := importer.TableTemplate(perftables.Kind(what))
				if err == nil {
					_, err = c.App.Writer.Write(b)
				}
				return err
			}
			if err := useTables(defaultRoot); err != nil {
				return err
			}
			name, err := systemName("system", c.String("system"))
			if err != nil {
				return err
			}
			s, _ := kernelTables().System(name)
			_, err = c.App.Writer.Write(importer.SystemTemplate(s))
			return err
		},
	}
}
