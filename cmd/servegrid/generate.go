package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"servegrid/estimator"
	"servegrid/estimator/search"
	"servegrid/internal/suggest"
	"servegrid/perftables"
	"servegrid/sinks/deploy"
)

// generateOptions are the flags of the generate command.
type generateOptions struct {
	model          string
	totalGPUs      int
	system         string
	backend        string
	backendVersion string
	workload       estimator.Workload
	disagg         bool
	naive, force   bool
	saveDir        string
	generator      generatorOptions
	command        []string
}

// defaultOutput is where generate writes unless told otherwise.
const defaultOutput = "./output"

func generateCommand() *cli.Command {
	return &cli.Command{
		Name:  "generate",
		Usage: "write a configuration that holds the model, without a search",
		Description: `Sizes a worker by its memory alone: no latency limit is looked at. Example:
  servegrid cli generate --model-path Qwen/Qwen3-32B-FP8 --total-gpus 8 --system h200_sxm --backend vllm`,
		Flags: append([]cli.Flag{
			&cli.StringFlag{Name: "model-path", Aliases: []string{"model", "hf-id"}, Usage: "Hugging Face id, or a folder with a config.json (required)"},
			&cli.IntFlag{Name: "total-gpus", Usage: "GPU budget (required)"},
			&cli.StringFlag{Name: "system", Usage: "GPU system: " + strings.Join(kernelTables().SystemNames(), ", ") + " (required)"},
			&cli.StringFlag{Name: "backend", Value: "trtllm", Usage: "serving engine: " + strings.Join(perftables.Backends, ", ")},
			backendVersionFlag(),
			&cli.IntFlag{Name: "isl", Value: defaultISL, Usage: "input length, tokens"},
			&cli.IntFlag{Name: "osl", Value: defaultOSL, Usage: "output length, tokens"},
			&cli.StringFlag{Name: "serving-mode", Value: search.Agg, Usage: "agg, or disagg: one prefill worker, the others decode"},
			&cli.BoolFlag{Name: "compat-naive", Usage: "count the weights as AIConfigurator does: by a rule of thumb, two bytes each"},
			&cli.BoolFlag{Name: "force", Usage: "write the files even when the model does not fit"},
			&cli.StringFlag{Name: "save-dir", Value: defaultOutput, Usage: "folder for the files"},
		}, generatorFlags()...),
		Action: func(c *cli.Context) error {
			if done, err := generatorHelp(c); done {
				return err
			}
			o, err := newGenerateOptions(c)
			if err != nil {
				return err
			}
			return o.run(c.App.Writer, c.App.ErrWriter)
		},
	}
}

func newGenerateOptions(c *cli.Context) (*generateOptions, error) {
	if c.NArg() > 0 {
		return nil, usagef("unexpected argument %q", c.Args().First())
	}
	if err := require(c, "model-path", "total-gpus", "system"); err != nil {
		return nil, err
	}
	o := &generateOptions{
		model: c.String("model-path"), totalGPUs: c.Int("total-gpus"), backend: c.String("backend"), backendVersion: c.String("backend-version"),
		workload: estimator.Workload{ISL: c.Int("isl"), OSL: c.Int("osl")}, naive: c.Bool("compat-naive"), force: c.Bool("force"),
		saveDir: c.String("save-dir"), command: commandLine(c),
	}
	var err error
	if o.system, err = systemName("system", c.String("system")); err != nil {
		return nil, err
	}
	if !slices.Contains(perftables.Backends, o.backend) {
		return nil, usagef("--backend: %w", suggest.Unknown("backend", o.backend, perftables.Backends))
	}
	modes := []string{search.Agg, search.Disagg}
	if mode := c.String("serving-mode"); !slices.Contains(modes, mode) {
		return nil, usagef("--serving-mode: %w", suggest.Unknown("mode", mode, modes))
	} else if mode == search.Disagg {
		o.disagg = true
	}
	if err := checkRanges(o.totalGPUs, o.workload); err != nil {
		return nil, err
	}
	if o.generator, err = newGeneratorOptions(c); err != nil {
		return nil, err
	}
	return o, o.generator.checkBackend(o.backend)
}

// generated is a sized worker and what is made of it.
type generated struct {
	search.Sizing
	task     *search.Task
	row      search.Row
	estimate error // why the row has no figures; nil when it has
	plan     *deploy.Plan
}

func (o *generateOptions) run(stdout, stderr io.Writer) error {
	m, err := lookupModel(stderr, o.model)
	if err != nil {
		return err
	}
	g, err := o.size(m)
	if err != nil {
		return err
	}
	t, err := openTree(o.saveDir, o.command)
	if err != nil {
		return err
	}
	s := &saver{tree: t, generator: &o.generator}
	if err := s.deployment(g.row.Mode, 1, g.task, &g.row, g.estimate == nil); err != nil {
		return err
	}
	g.plan = s.plans[0]
	if err := s.prerequisites(); err != nil {
		return err
	}
	if err := t.finish(); err != nil {
		return err
	}
	s.summarize(o.saveDir, stderr)
	return o.summary(stdout, g, t)
}

// size finds the worker and estimates it.
func (o *generateOptions) size(m *estimator.Model) (*generated, error) {
	mode := perftables.Silicon
	if o.backendVersion == "" && len(kernelTables().Versions(o.system, o.backend)) == 0 {
		mode = perftables.Hybrid // nothing was measured: formulas estimate it
	}
	db, err := openDatabaseIn(mode, m.ID, o.system, o.backend, o.backendVersion)
	if err != nil {
		return nil, err
	}
	g := &generated{task: search.NewTask(m, db)}
	g.task.TotalGPUs, g.task.Workload = o.totalGPUs, o.workload
	c := estimator.Config{Model: m, DB: db, NextN: g.task.NextN, AcceptRates: g.task.AcceptRates}
	if c.Quant, err = estimator.CheckpointQuant(m, db); err != nil {
		return nil, err
	}
	g.Sizing, err = search.Fit(c, o.workload, o.totalGPUs, o.naive)
	var short *search.NeedGPUsError
	switch {
	case errors.As(err, &short) && !o.force:
		return nil, fmt.Errorf("%s does not fit %d GPUs of %s: %w; --force writes the files all the same", m.ID, o.totalGPUs, o.system, err)
	case err != nil && short == nil:
		return nil, err
	}
	if o.disagg {
		return g, g.disagg(c)
	}
	g.agg(c)
	return g, nil
}

// estimated returns the plan to take figures from: the worker's own, or where
// nothing was measured in its formats one in the formats of the measurements.
func (g *generated) estimated(c estimator.Config) *estimator.Plan {
	if estimator.CheckQuant(&c, true, true) == nil && g.Plan.ContextErr() == nil && g.Plan.GenerationErr() == nil {
		return g.Plan
	}
	c.Quant, c.Layout = estimator.DefaultQuant(c.Model, c.DB), g.Plan.Layout
	if p, err := estimator.Compile(c); err == nil {
		return p
	}
	return g.Plan
}

func (g *generated) agg(c estimator.Config) {
	g.row, g.estimate = search.EstimateAgg(g.estimated(c), g.BatchSize, g.task.Workload, g.task.TotalGPUs)
	if g.estimate != nil {
		g.row = search.Row{Mode: search.Agg, CtxTokens: g.task.Workload.ISL, ReplicaGPUs: g.Plan.Layout.GPUs(),
			Worker: &search.Worker{Plan: g.Plan, BatchSize: g.BatchSize}}
	}
}

func (g *generated) disagg(c estimator.Config) error {
	workers := g.task.TotalGPUs / g.Plan.Layout.GPUs()
	if workers < 2 {
		return fmt.Errorf("disaggregated serving takes two workers, here of %d GPUs each: %d GPUs are needed, and there are %d",
			g.Plan.Layout.GPUs(), 2*g.Plan.Layout.GPUs(), g.task.TotalGPUs)
	}
	plan := g.estimated(c)
	g.row, g.estimate = search.EstimatePair(search.Side{Plan: plan, BatchSize: 1, Workers: 1}, search.Side{Plan: plan, BatchSize: g.BatchSize, Workers: workers - 1}, g.task.Workload)
	if g.estimate != nil {
		g.row = search.Row{Mode: search.Disagg, ReplicaGPUs: workers * g.Plan.Layout.GPUs(), PrefillWorkers: 1, DecodeWorkers: workers - 1,
			Prefill: &search.Worker{Plan: g.Plan, BatchSize: 1}, Decode: &search.Worker{Plan: g.Plan, BatchSize: g.BatchSize}}
	}
	return nil
}

// summary prints what was generated.
func (o *generateOptions) summary(w io.Writer, g *generated, t *tree) error {
	var b strings.Builder
	rule := strings.Repeat("=", supportWidth)
	line := func(label, format string, args ...any) {
		fmt.Fprintf(&b, "  %-16s %s\n", label+":", fmt.Sprintf(format, args...))
	}
	db, l := g.Plan.DB, g.Plan.Layout
	fmt.Fprintf(&b, "%s\n  Generated Configuration (without a search)\n%s\n", rule, rule)
	line("Model", "%s", g.Plan.Model.ID)
	line("System", "%s (%.0f GiB per GPU, %d GPUs per node)", o.system, g.Plan.CapacityGiB(), db.System.GPUsPerNode)
	line("Backend", "%s (%s)", o.backend, g.plan.Runtime.Target)
	line("Total GPUs", "%d (using %d)", o.totalGPUs, g.plan.GPUs())
	line("Weights", "%.1f GiB, %.1f GiB with head-room", g.WeightsGiB, g.RequiredGiB)
	line("Parallelism", "%s", parallelism(g.plan, l))
	for i := range g.plan.Roles {
		r := &g.plan.Roles[i]
		label := "Replicas"
		if o.disagg {
			label = map[string]string{deploy.Prefill: "Prefill Workers", deploy.Decode: "Decode Workers"}[r.Name]
		}
		line(label, "%d (GPUs of each: %d)", r.Workers, r.GPUs)
	}
	line("Max Batch Size", "%d", g.BatchSize)
	if g.estimate == nil {
		line("Predicted", "TTFT %.2f ms, TPOT %.2f ms, %.2f tokens/s/gpu", g.row.TTFT, g.row.TPOT, g.row.TokensPerSPerGPU)
	} else {
		line("Predicted", "nothing: %v", g.estimate)
	}
	line("Output", "%s", o.saveDir)
	fmt.Fprintln(&b, rule)
	for _, f := range t.files {
		fmt.Fprintf(&b, "  %s\n", f.Path)
	}
	fmt.Fprintln(&b, rule)
	fmt.Fprintf(&b, "  No latency limit was looked at. The best configuration under limits:\n  servegrid cli default --model-path %s --system %s --total-gpus %d --backend %s --ttft 2000 --tpot 30\n",
		deploy.ShellWord(o.model), o.system, o.totalGPUs, o.backend)
	_, err := io.WriteString(w, b.String())
	return err
}

// parallelism words how the engine is told to spread.
func parallelism(p *deploy.Plan, l estimator.Layout) string {
	text := fmt.Sprintf("TP %d, PP %d, DP %d", l.TP*l.DP, l.PP, l.DP)
	if p.Backend == "vllm" {
		text = fmt.Sprintf("TP %d, PP %d, DP %d", l.TP, l.PP, l.DP)
	}
	return text + fmt.Sprintf(", EP %d", l.MoEEP)
}
