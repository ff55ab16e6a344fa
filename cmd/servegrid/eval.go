package main

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"

	"github.com/urfave/cli/v2"

	"servegrid/internal/measure"
)

// evalOptions are the flags of the eval command.
type evalOptions struct {
	results, config string
	failOver        float64 // percent; negative: never
	emitCorrection  bool
	warehouse       string // that the comparison is recorded in; "" = none
	output          string
}

func evalCommand() *cli.Command {
	return &cli.Command{
		Name:  "eval",
		Usage: "compare what a benchmark measured with the prediction",
		Description: `Reads AIPerf's profile_export_aiperf.json, the log of the pod that ran it, or a
folder with one export per concurrency, of which the predicted one is compared.
Examples:
  servegrid eval --results artifacts/concurrency_56 --config results_vllm/agg/top1
  kubectl logs job/aiperf-benchmark | servegrid eval --results - --config results_vllm/agg/top1 --fail-over 20`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "results", Usage: "AIPerf's JSON, a folder with it, a pod's log, or - for standard input (required)"},
			&cli.StringFlag{Name: "config", Usage: "folder of the deployed rank, such as results/agg/top1, or its prediction.json (required)"},
			&cli.Float64Flag{Name: "fail-over", Usage: "exit with 1 when a metric is worse than predicted by more than this many percent"},
			&cli.BoolFlag{Name: "emit-correction", Usage: "print the latency correction scales that fit the result, for the experiment file, in place of the table"},
			&cli.BoolFlag{Name: "record", Usage: "add the comparison to the table validation of the warehouse"},
			warehouseFlag(),
			outputFlag(),
		},
		Action: func(c *cli.Context) error {
			o, err := newEvalOptions(c)
			if err != nil {
				return err
			}
			return o.run(c.App.Writer, c.App.ErrWriter)
		},
	}
}

func newEvalOptions(c *cli.Context) (*evalOptions, error) {
	if c.NArg() > 0 {
		return nil, usagef("unexpected argument %q", c.Args().First())
	}
	o := &evalOptions{results: c.String("results"), config: c.String("config"), failOver: -1, emitCorrection: c.Bool("emit-correction")}
	switch {
	case o.results == "":
		return nil, usagef("missing --results: AIPerf's profile_export_aiperf.json, a folder with it, or a pod's log")
	case o.config == "":
		return nil, usagef("missing --config: the folder of the deployed rank, such as results/agg/top1")
	}
	if c.IsSet("fail-over") {
		o.failOver = c.Float64("fail-over")
		if !(o.failOver >= 0) || math.IsInf(o.failOver, 1) {
			return nil, usagef("--fail-over is %g, want a percentage from 0 up", o.failOver)
		}
	}
	if c.Bool("record") {
		o.warehouse = c.String("warehouse")
	}
	var err error
	o.output, err = outputFormat(c)
	if err == nil && o.emitCorrection && c.IsSet("output") {
		err = usagef("--emit-correction prints YAML: leave out --output")
	}
	return o, err
}

func (o *evalOptions) run(stdout, stderr io.Writer) error {
	p, err := measure.LoadPrediction(o.config)
	if err != nil {
		return fmt.Errorf("--config: %w", err)
	}
	results, err := o.read()
	if err != nil {
		return fmt.Errorf("--results: %w", err)
	}
	picked, others := measure.Pick(results, p.Concurrency)
	c := measure.Compare(p, picked)
	switch {
	case o.emitCorrection:
		err = writeCorrection(stdout, stderr, c)
	case o.output == "table":
		err = writeComparison(stdout, c, others)
	default:
		err = writeComparisonRows(stdout, stderr, o.output, c, others)
	}
	if err != nil {
		return err
	}
	if o.warehouse != "" {
		if err := record(o.warehouse, o.results, c, stderr); err != nil {
			return fmt.Errorf("--record: %w", err)
		}
	}
	return o.judge(c)
}

func (o *evalOptions) read() ([]*measure.Result, error) {
	if o.results == "-" {
		return measure.ReadResults(os.Stdin)
	}
	return measure.LoadResults(o.results)
}

// judge returns an error for every metric that is worse than allowed.
func (o *evalOptions) judge(c *measure.Comparison) error {
	if o.failOver < 0 {
		return nil
	}
	var errs []error
	for i := range c.Rows {
		r := &c.Rows[i]
		if worse := 100 * r.Shortfall(); worse > o.failOver {
			errs = append(errs, fmt.Errorf("%s is %.1f%% worse than predicted, more than --fail-over %g", r.Name, worse, o.failOver))
		}
	}
	return errors.Join(errs...)
}
