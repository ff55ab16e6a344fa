package main

import (
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

	generator generatorOptions
	command   []string // that gives the same answer again
}

func outputFlags() []cli.Flag {
	return append([]cli.Flag{
		&cli.StringFlag{Name: "save-dir", Usage: "folder for the result files; none are written without it"},
		&cli.IntFlag{Name: "top-n", Value: 5, Usage: "rows per table"},
		&cli.BoolFlag{Name: "no-color", Usage: "no colours, even on a terminal"},
		&cli.StringFlag{Name: "columns", Value: "guide", Usage: "columns of the tables: guide or all"},
		outputFlag(),
	}, generatorFlags()...)
}

func newOutputOptions(c *cli.Context) (outputOptions, error) {
	o := outputOptions{saveDir: c.String("save-dir"), topN: c.Int("top-n"), noColor: c.Bool("no-color"), columns: c.String("columns"), command: commandLine(c)}
	if o.topN < 1 {
		return o, usagef("--top-n is %d, want at least 1", o.topN)
	}
	if valid := []string{"guide", "all"}; !slices.Contains(valid, o.columns) {
		return o, usagef("--columns: %w", suggest.Unknown("set of columns", o.columns, valid))
	}
	var err error
	if o.generator, err = newGeneratorOptions(c); err != nil {
		return o, err
	}
	o.output, err = outputFormat(c)
	return o, err
}

// show saves an answer and prints it.
func (o *outputOptions) show(a *answer, showBackend bool, stdout, stderr io.Writer) error {
	if err := a.failure(); err != nil {
		return err
	}
	v := view{topN: o.topN, allColumns: o.columns == "all", showBackend: showBackend}
	if o.saveDir != "" {
		if err := a.save(o, v, stderr); err != nil {
			return err
		}
	}
	if o.output != "table" {
		return a.writeRows(stdout, o.output, o.topN)
	}
	final := a.report(v)
	final.Color, final.Unicode = colorful(stdout, o.noColor), unicode()
	return report.Write(stdout, final)
}
