package main

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"slices"

	"github.com/urfave/cli/v2"

	"servegrid/estimator/search"
	"servegrid/jobs"
)

// expOptions are the flags of the exp command.
type expOptions struct {
	file string
	estimatorChoice
	outputOptions
}

func expCommand() *cli.Command {
	return &cli.Command{
		Name:  "exp",
		Usage: "run the experiments of a YAML file and compare them",
		Description: `Example:
  servegrid cli exp --yaml-path experiments.yaml --save-dir results

An experiment names what is served and may narrow what is tried:
  exp_tp2:
    serving_mode: agg
    model_path: Qwen/Qwen3-32B-FP8
    total_gpus: 8
    system_name: h200_sxm
    config:
      agg_worker_config:
        tp_list: [2]`,
		Flags: slices.Concat([]cli.Flag{&cli.StringFlag{Name: "yaml-path", Usage: "experiment file (required)"}}, estimatorFlags(), outputFlags()),
		Action: func(c *cli.Context) error {
			if done, err := generatorHelp(c); done {
				return err
			}
			o, err := newExpOptions(c)
			if err != nil {
				return err
			}
			return o.run(c.App.Writer)
		},
	}
}

func newExpOptions(c *cli.Context) (*expOptions, error) {
	if c.NArg() > 0 {
		return nil, usagef("unexpected argument %q", c.Args().First())
	}
	o := &expOptions{file: c.String("yaml-path")}
	if o.file == "" {
		return nil, usagef("missing --yaml-path")
	}
	var err error
	if o.estimatorChoice, err = newEstimatorChoice(c); err != nil {
		return nil, err
	}
	o.outputOptions, err = newOutputOptions(c)
	return o, err
}

func (o *expOptions) run(stdout io.Writer) error {
	src, err := os.ReadFile(o.file)
	if errors.Is(err, fs.ErrNotExist) {
		return usagef("experiment file %s does not exist", o.file)
	}
	if err != nil {
		return err
	}
	list, err := jobs.ParseExperiments(o.file, src, known())
	if err != nil {
		return err
	}
	var experiments []*experiment
	for i := range list {
		experiments = append(experiments, newExperiment(&list[i], o.messages, o.estimatorChoice))
	}
	return o.answer(experiments, stdout)
}

// newExperiment asks an experiment of a file. One that cannot be asked says why
// among the others.
func newExperiment(x *jobs.Experiment, m messages, by estimatorChoice) *experiment {
	t, formats, err := newTask(x, m)
	if err == nil {
		err = by.prepare(t, x.NextN >= 0)
	}
	if err != nil {
		return unasked(x.Name, x.ServingMode, err)
	}
	return &experiment{name: x.Name, mode: x.ServingMode, tasks: []*search.Task{t}, formats: formats, estimatorChoice: by}
}
