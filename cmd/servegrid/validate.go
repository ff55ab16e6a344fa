package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"servegrid/estimator/calibrate"
	"servegrid/internal/suggest"
	"servegrid/sinks"
)

func validateCommand() *cli.Command {
	return &cli.Command{
		Name:  "validate",
		Usage: "compare predictions with measurements of real servers",
		Description: `On the measurements that come with the program, each predicted with constants that were fitted without its group (a
system, an engine and a model); the fits come with the program too, and are repeated by --split group:
  servegrid validate
On your own (.csv or .parquet), with the constants of the program or with those of calibrate --out:
  servegrid validate --input measured.csv --by class,backend
A table has the columns model, system, backend, tp, concurrency (or batch, per data-parallel rank), isl, osl, ttft_ms and
tpot_ms, and where they matter version, mode, gpus, pp, dp, moe_tp, moe_ep, prefix, precision, gemm_quant and moe_quant.
Errors are shares: MAPE is the mean of |predicted / measured - 1|, bias the mean of predicted / measured - 1, low and
high the 95 % interval of the MAPE by bootstrap over rows.`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "input", Usage: "table of measurements, .csv or .parquet (default: those that come with the program)"},
			&cli.StringFlag{Name: "split", Usage: "which constants: " + strings.Join(splitNames(), ", ") + "; stored: those of the group fits that come with the program, none: " +
				"one set for all, the others: fitted without what is judged (default: stored, with --input none)"},
			&cli.StringFlag{Name: "by", Value: "mode,class/mode,class,backend", Usage: "what rows of the answer are about: any of " + strings.Join(dimensionNames(), ", ") + "; several breakdowns with / between them"},
			&cli.BoolFlag{Name: "all", Usage: "judge rows too that are probably mislabelled"},
			&cli.StringFlag{Name: "rows", Usage: "where every row goes with its predictions or why there are none, .csv or .csv.gz"},
			&cli.StringFlag{Name: "plot", Usage: "draw predicted over measured, coloured by the first breakdown, into this .png or .svg file"},
			&cli.BoolFlag{Name: "record", Usage: "add every judged row to the table validation of the warehouse, for best and SQL"},
			warehouseFlag(), constantsFlag(), outputFlag(),
		},
		Action: runValidate,
	}
}

// storedSplit stands for the answers of the group split that come with the program.
const storedSplit = "stored"

func splitNames() []string {
	names := []string{storedSplit, "none"}
	for _, s := range calibrate.Splits {
		names = append(names, s.Name)
	}
	return names
}

// dimensions are what errors can be broken down by.
var dimensions = []struct {
	name string
	of   func(c *calibrate.Case) string
}{
	{"mode", func(c *calibrate.Case) string { return c.Mode }},
	{"class", func(c *calibrate.Case) string { return string(c.Class) }},
	{"system", func(c *calibrate.Case) string { return c.System }},
	{"backend", func(c *calibrate.Case) string { return c.Backend }},
	{"model", func(c *calibrate.Case) string { return c.Architecture }},
	{"version", func(c *calibrate.Case) string { return c.Version }},
}

func dimensionOf(c *calibrate.Case, name string) string {
	for _, d := range dimensions {
		if d.name == name {
			return d.of(c)
		}
	}
	panic("servegrid: no dimension " + name)
}

func dimensionNames() []string {
	var names []string
	for _, d := range dimensions {
		names = append(names, d.name)
	}
	return names
}

func runValidate(c *cli.Context) error {
	if c.NArg() > 0 {
		return usagef("unexpected argument %q", c.Args().First())
	}
	format, err := outputFormat(c)
	if err != nil {
		return err
	}
	by, err := parseBreakdowns(c.String("by"))
	if err != nil {
		return err
	}
	picture, err := plotFormat(c.String("plot"))
	if err != nil {
		return err
	}
	split, set, err := chosenSplit(c)
	if err != nil {
		return err
	}
	measured, err := readMeasurements(c.String("input"))
	if err != nil {
		return err
	}
	v := newValidation(measured)
	if err := v.predict(split, set); err != nil {
		return err
	}
	if path := c.String("rows"); path != "" {
		if err := v.writeRows(path); err != nil {
			return err
		}
	}
	v.summary(c.App.ErrWriter)
	if path := c.String("plot"); path != "" {
		if err := v.plot(path, picture, by[0], c.Bool("all")); err != nil {
			return err
		}
		fmt.Fprintf(c.App.ErrWriter, "predicted over measured: %s\n", path)
	}
	if c.Bool("record") {
		at := recordedAt
		if c.IsSet("input") {
			at = time.Now()
		}
		if err := v.record(c.Context, c.String("warehouse"), at, c.Bool("all"), c.App.ErrWriter); err != nil {
			return fmt.Errorf("--record: %w", err)
		}
	}
	dims := slices.Compact(slices.Sorted(slices.Values(slices.Concat(by...))))
	var rows [][]any
	for _, b := range by {
		rows = append(rows, v.errors(dims, b, c.Bool("all"))...)
	}
	return sinks.WriteTable(c.App.Writer, format, errorColumns(dims), rows)
}

// chosenSplit says how constants are fitted, and which they are where they are not.
func chosenSplit(c *cli.Context) (split string, set *calibrate.Set, err error) {
	split = c.String("split")
	own := c.IsSet("input") || c.IsSet("constants")
	switch {
	case split == "" && own:
		split = "none"
	case split == "":
		split = storedSplit
	case !slices.Contains(splitNames(), split):
		return "", nil, usagef("--split: %w", suggest.Unknown("split", split, splitNames()))
	case split == storedSplit && own:
		return "", nil, usagef("--split stored: those answers belong to the program's own measurements and constants")
	case split != "none" && c.IsSet("constants"):
		return "", nil, usagef("--constants and --split %s: a split fits its own", split)
	}
	if split == "none" {
		set, err = readConstants(c)
	}
	return split, set, err
}

// parseBreakdowns reads the flag: "class/class,backend".
func parseBreakdowns(text string) ([][]string, error) {
	var by [][]string
	for _, level := range strings.Split(text, "/") {
		names := strings.Split(level, ",")
		for _, b := range names {
			if !slices.Contains(dimensionNames(), b) {
				return nil, usagef("--by: %w", suggest.Unknown("dimension", b, dimensionNames()))
			}
		}
		by = append(by, names)
	}
	return by, nil
}

// readMeasurements reads a table of measurements; without a path those that come
// with the program.
func readMeasurements(path string) ([]calibrate.Measurement, error) {
	if path == "" {
		return calibrate.Shipped()
	}
	t, err := sinks.ReadTabular(path)
	if err != nil {
		return nil, err
	}
	m, err := calibrate.Parse(t.Len, t.Text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return m, nil
}
