package main

import (
	"fmt"
	"io"
	"slices"

	"github.com/urfave/cli/v2"

	"servegrid/internal/suggest"
	"servegrid/sinks/report"
)

// outputOptions say where an answer goes and how much of it.
type outputOptions struct {
	saveDir string
	topN    int
	noColor bool
	columns string
	output  string
}

func outputFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "save-dir", Usage: "folder for the result files; none are written without it"},
		&cli.IntFlag{Name: "top-n", Value: 5, Usage: "rows per table"},
		&cli.BoolFlag{Name: "no-color", Usage: "no colours, even on a terminal"},
		&cli.StringFlag{Name: "columns", Value: "guide", Usage: "columns of the tables: guide or all"},
		outputFlag(),
	}
}

func newOutputOptions(c *cli.Context) (outputOptions, error) {
	o := outputOptions{saveDir: c.String("save-dir"), topN: c.Int("top-n"), noColor: c.Bool("no-color"), columns: c.String("columns")}
	if o.topN < 1 {
		return o, usagef("--top-n is %d, want at least 1", o.topN)
	}
	if valid := []string{"guide", "all"}; !slices.Contains(valid, o.columns) {
		return o, usagef("--columns: %w", suggest.Unknown("set of columns", o.columns, valid))
	}
	var err error
	o.output, err = outputFormat(c)
	return o, err
}

// show saves an answer and prints it.
func (o *outputOptions) show(a *answer, showBackend bool, stdout, stderr io.Writer) error {
	if err := a.failure(); err != nil {
		return err
	}
	if o.saveDir != "" {
		if err := a.save(o.saveDir, o.topN); err != nil {
			return err
		}
		fmt.Fprintf(stderr, "results saved in %s\n", o.saveDir)
	}
	if o.output != "table" {
		return a.writeRows(stdout, o.output, o.topN)
	}
	final := a.report(view{topN: o.topN, allColumns: o.columns == "all", showBackend: showBackend})
	final.Color, final.Unicode = colorful(stdout, o.noColor), unicode()
	return report.Write(stdout, final)
}
