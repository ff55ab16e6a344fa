package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"servegrid/estimator"
	"servegrid/estimator/search"
	"servegrid/internal/suggest"
	"servegrid/perftables"
)

// defaultOptions are the flags of the default command.
type defaultOptions struct {
	workloadOptions
	outputOptions
	servingMode string // auto: both
}

func defaultCommand() *cli.Command {
	return &cli.Command{
		Name:  "default",
		Usage: "find the best aggregated and disaggregated configuration for one workload",
		Description: `Example:
  servegrid cli default --model-path Qwen/Qwen3-32B-FP8 --system h200_sxm --total-gpus 8 \
    --isl 4000 --osl 500 --ttft 600 --tpot 16.67 --backend vllm --backend-version 0.12.0`,
		Flags: slices.Concat(workloadFlags(), []cli.Flag{
			&cli.StringFlag{Name: "serving-mode", Value: "auto", Usage: "agg, disagg, or auto for both"},
		}, outputFlags()),
		Action: func(c *cli.Context) error {
			defer pauseCollector()()
			if done, err := generatorHelp(c); done {
				return err
			}
			o, err := newDefaultOptions(c)
			if err != nil {
				return err
			}
			return o.run(c.App.Writer)
		},
	}
}

func newDefaultOptions(c *cli.Context) (*defaultOptions, error) {
	if c.NArg() > 0 {
		return nil, usagef("unexpected argument %q", c.Args().First())
	}
	o := &defaultOptions{servingMode: c.String("serving-mode")}
	if valid := []string{"auto", search.Agg, search.Disagg}; !slices.Contains(valid, o.servingMode) {
		return nil, usagef("--serving-mode: %w", suggest.Unknown("value", o.servingMode, valid))
	}
	var err error
	if o.workloadOptions, err = newWorkloadOptions(c); err != nil {
		return nil, err
	}
	if o.outputOptions, err = newOutputOptions(c); err != nil {
		return nil, err
	}
	o.showBackend = o.backend == "auto"
	if len(o.limits) > 1 && o.saveDir != "" {
		return nil, usagef("--save-dir takes one set of limits, not %d", len(o.limits))
	}
	return o, nil
}

func (o *defaultOptions) run(stdout io.Writer) error {
	tasks, err := o.tasks()
	if err != nil {
		return err
	}
	if len(o.defaulted) > 0 {
		fmt.Fprintf(o.warning(), "note: left at their defaults, which act as limits: %s\n", strings.Join(o.defaulted, ", "))
	}
	if len(o.limits) > 1 {
		return o.runList(tasks, stdout)
	}
	return o.answer(o.experiments(tasks), stdout)
}

// experiments asks the same question in every way of serving.
func (o *defaultOptions) experiments(tasks []*search.Task) []*experiment {
	var list []*experiment
	for _, mode := range []string{search.Agg, search.Disagg} {
		if o.servingMode == "auto" || o.servingMode == mode {
			list = append(list, &experiment{name: mode, mode: mode, tasks: tasks, formats: o.quant.String(), estimatorChoice: o.estimatorChoice})
		}
	}
	return list
}

// tasks opens the databases that the question is asked of.
func (o *defaultOptions) tasks() ([]*search.Task, error) {
	m, err := lookupModel(o.info(), o.model)
	if err != nil {
		return nil, err
	}
	backends := []string{o.backend}
	if o.backend == "auto" {
		if backends = backendsOf(o.system); len(backends) == 0 {
			return nil, fmt.Errorf("no backend has measured tables on %s", o.system)
		}
	}
	var tasks []*search.Task
	for _, backend := range backends {
		db, err := o.open(m, o.system, backend)
		if err != nil {
			return nil, err
		}
		t := search.NewTask(m, db)
		t.TotalGPUs, t.Workload, t.Limits, t.Exhaustive = o.totalGPUs, o.workload, o.limits[0], o.search == "exhaustive"
		t.AcceptRates = o.acceptRates
		if o.nextN >= 0 {
			t.NextN = o.nextN
		}
		if o.decodeSystem != o.system {
			if t.DecodeDB, err = o.open(m, o.decodeSystem, backend); err != nil {
				return nil, err
			}
		}
		for role := range t.Roles {
			q, err := o.quant.choose(m, t.Database(search.Role(role)))
			if err != nil {
				return nil, err
			}
			t.Roles[role].Quant = &q
		}
		if err := o.prepare(t, o.nextN >= 0); err != nil {
			return nil, err
		}
		if err := t.Check(); err != nil {
			return nil, asUsage(err)
		}
		tasks = append(tasks, t)
	}
	return tasks, nil
}

func (o *defaultOptions) open(m *estimator.Model, system, backend string) (*perftables.Database, error) {
	version := o.backendVersion
	if o.backend == "auto" {
		version = ""
	}
	return openDatabaseIn(o.dbMode, m.ID, system, backend, version)
}
