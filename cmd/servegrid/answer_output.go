package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"servegrid/internal/suggest"
	"servegrid/sinks/report"
)

// outputOptions say where an answer goes, and what of it.
type outputOptions struct {
	view
	messages
	saveDir   string
	noColor   bool
	output    string
	strictSLA bool

	generator generatorOptions
	command   []string // that gives the same answer again
}

func outputFlags() []cli.Flag {
	return append([]cli.Flag{
		&cli.StringFlag{Name: "save-dir", Usage: "folder for the result files; none are written without it"},
		&cli.IntFlag{Name: "top-n", Value: 5, Usage: "rows per table"},
		&cli.BoolFlag{Name: "strict-sla", Usage: "leave what misses the limit out of the frontier too"},
		&cli.BoolFlag{Name: "inclusive-tpot", Usage: "show the time per output token over the whole request: (ttft + tpot x (osl - 1)) / osl"},
		&cli.BoolFlag{Name: "no-color", Usage: "no colours, even on a terminal"},
		&cli.StringFlag{Name: "columns", Value: "guide", Usage: "columns of the tables: guide or all"},
		outputFlag(),
	}, append(messageFlags(), generatorFlags()...)...)
}

func newOutputOptions(c *cli.Context) (outputOptions, error) {
	o := outputOptions{
		view:    view{topN: c.Int("top-n"), allColumns: c.String("columns") == "all", inclusiveTPOT: c.Bool("inclusive-tpot")},
		saveDir: c.String("save-dir"), noColor: c.Bool("no-color"), strictSLA: c.Bool("strict-sla"), command: commandLine(c),
	}
	if o.topN < 1 {
		return o, usagef("--top-n is %d, want at least 1", o.topN)
	}
	if valid := []string{"guide", "all"}; !slices.Contains(valid, c.String("columns")) {
		return o, usagef("--columns: %w", suggest.Unknown("set of columns", c.String("columns"), valid))
	}
	var err error
	if o.generator, err = newGeneratorOptions(c); err != nil {
		return o, err
	}
	if o.output, err = outputFormat(c); err != nil {
		return o, err
	}
	o.messages, err = newMessages(c)
	return o, err
}

// answer solves experiments and shows what was found.
func (o *outputOptions) answer(experiments []*experiment, stdout io.Writer) error {
	for _, e := range experiments {
		for _, t := range e.tasks {
			if err := o.generator.checkBackend(t.DB.Backend); err != nil {
				return err
			}
		}
	}
	begin := time.Now()
	a := solve(experiments)
	fmt.Fprintf(o.info(), "scored %d candidates on %s in %.1f ms\n", a.scored(), a.databases(), float64(time.Since(begin).Microseconds())/1000)
	for _, e := range experiments {
		for _, d := range e.result.Dropped {
			fmt.Fprintf(o.debug(), "debug: %s: dropped %s\n", e.name, oneLine(d))
		}
	}
	if err := a.failure(); err != nil {
		return err
	}
	for _, e := range experiments {
		if e.failed != nil {
			fmt.Fprintf(o.warning(), "warning: %s failed: %s\n", e.name, oneLine(e.failed))
		}
	}
	if o.strictSLA {
		a.dropBeyondLimits()
	}
	if o.saveDir != "" {
		if err := a.save(o); err != nil {
			return err
		}
	}
	if o.output != "table" {
		return a.writeRows(stdout, o.output, o.view)
	}
	final := a.report(o.view)
	final.Color, final.Unicode = colorful(stdout, o.noColor), unicode()
	return report.Write(stdout, final)
}

// oneLine words an error that may join several in one line.
func oneLine(err error) string { return strings.ReplaceAll(err.Error(), "\n", "; ") }
