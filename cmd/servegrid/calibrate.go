package main

import (
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/urfave/cli/v2"

	"servegrid/estimator/calibrate"
	"servegrid/sinks"
)

func calibrateCommand() *cli.Command {
	return &cli.Command{
		Name:  "calibrate",
		Usage: "fit the constants of the calibrated estimator to measurements",
		Description: `To your own servers, starting from what the program knows of each engine:
  servegrid calibrate --input measured.csv --out constants.json
  servegrid estimate --estimator calibrated --constants constants.json --model-path …
Columns of the table: as validate reads them; disaggregated rows are in no fit. An engine with fewer than 20 different configurations is refused. The
error with the new constants is that of predictions whose own configuration was left out of the fit.`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "input", Usage: "table of measurements, .csv or .parquet (default: those that come with the program)"},
			&cli.StringFlag{Name: "out", Usage: "where the constants go, .json", Required: true},
			outputFlag(),
		},
		Action: runCalibrate,
	}
}

func runCalibrate(c *cli.Context) error {
	if c.NArg() > 0 {
		return usagef("unexpected argument %q", c.Args().First())
	}
	format, err := outputFormat(c)
	if err != nil {
		return err
	}
	input, path := c.String("input"), c.String("out")
	if input != "" && isShipped(path) {
		return usagef("--out %s holds the constants that come with the program: choose another file", path)
	}
	measured, err := readMeasurements(input)
	if err != nil {
		return err
	}
	v := newValidation(measured)
	v.summary(c.App.ErrWriter)
	var set *calibrate.Set
	if input == "" {
		cases := calibrate.Trusted(v.cases)
		set = calibrate.FitSet(cases)
		set.Provenance = fmt.Sprintf("fitted to %d of the %d measurements that come with the program, by servegrid calibrate", len(cases), len(measured))
	} else {
		shipped, err := calibrate.ShippedSet()
		if err != nil {
			return err
		}
		cases := slices.DeleteFunc(v.cases, (*calibrate.Case).Disaggregated)
		adapted, checks, err := calibrate.Adapt(cases, shipped)
		if err != nil {
			return err
		}
		set = adapted
		set.Provenance = fmt.Sprintf("fitted to %d measurements of %s, from those of the program", len(cases), input)
		if err := sinks.WriteTable(c.App.Writer, format, checkColumns, checkRows(checks)); err != nil {
			return err
		}
	}
	if err := sinks.WriteFile(path, func(w io.Writer) error { return set.Write(w) }); err != nil {
		return err
	}
	fmt.Fprintf(c.App.ErrWriter, "constants: %s\n", path)
	return nil
}

// isShipped reports whether a file holds the constants that come with the program.
func isShipped(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false // there is none to lose
	}
	defer f.Close()
	have, err := calibrate.ReadSet(f)
	if err != nil {
		return false
	}
	shipped, err := calibrate.ShippedSet()
	return err == nil && have.Provenance == shipped.Provenance
}

var checkColumns = []string{"backend", "rows", "configurations", "constants", "tpot_mape", "ttft_mape", "throughput_mape"}

func checkRows(checks []calibrate.Check) [][]any {
	var rows [][]any
	for _, k := range checks {
		for _, e := range []struct {
			name string
			calibrate.Error
		}{{"the program's", k.Before}, {"fitted, left out", k.After}} {
			rows = append(rows, []any{k.Backend, e.N, k.Configurations, e.name, share(e.TPOT.MAPE), share(e.TTFT.MAPE), share(e.Throughput.MAPE)})
		}
	}
	return rows
}
