package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"servegrid/estimator"
	"servegrid/estimator/search"
	"servegrid/internal/suggest"
	"servegrid/perftables"
	"servegrid/sinks"
	"servegrid/sinks/report"
)

// defaultOptions are the flags of the default command.
type defaultOptions struct {
	workloadOptions
	saveDir string
	topN    int
	noColor bool
	columns string
	output  string
}

func defaultCommand() *cli.Command {
	return &cli.Command{
		Name:  "default",
		Usage: "find the best aggregated and disaggregated configuration for one workload",
		Description: `Example:
  servegrid cli default --model-path Qwen/Qwen3-32B-FP8 --system h200_sxm --total-gpus 8 \
    --isl 4000 --osl 500 --ttft 600 --tpot 16.67 --backend vllm --backend-version 0.12.0`,
		Flags: append(workloadFlags(),
			&cli.StringFlag{Name: "save-dir", Usage: "folder for the result files; none are written without it"},
			&cli.IntFlag{Name: "top-n", Value: 5, Usage: "rows per table"},
			&cli.BoolFlag{Name: "no-color", Usage: "no colours, even on a terminal"},
			&cli.StringFlag{Name: "columns", Value: "guide", Usage: "columns of the tables: guide or all"},
			outputFlag(),
		),
		Action: func(c *cli.Context) error {
			o, err := newDefaultOptions(c)
			if err != nil {
				return err
			}
			return o.run(c.App.Writer, c.App.ErrWriter)
		},
	}
}

func newDefaultOptions(c *cli.Context) (*defaultOptions, error) {
	if c.NArg() > 0 {
		return nil, usagef("unexpected argument %q", c.Args().First())
	}
	o := &defaultOptions{
		saveDir: c.String("save-dir"), topN: c.Int("top-n"), noColor: c.Bool("no-color"), columns: c.String("columns"),
	}
	var err error
	if o.workloadOptions, err = newWorkloadOptions(c); err != nil {
		return nil, err
	}
	if o.output, err = outputFormat(c); err != nil {
		return nil, err
	}
	if len(o.limits) > 1 && o.saveDir != "" {
		return nil, usagef("--save-dir takes one set of limits, not %d", len(o.limits))
	}
	if o.topN < 1 {
		return nil, usagef("--top-n is %d, want at least 1", o.topN)
	}
	if valid := []string{"guide", "all"}; !slices.Contains(valid, o.columns) {
		return nil, usagef("--columns: %w", suggest.Unknown("set of columns", o.columns, valid))
	}
	return o, nil
}

// answer is what the default command found.
type answer struct {
	task    *search.Task // on the first database
	results []*search.Result
	chosen  *search.Result // nil: nothing met the limits
}

func (o *defaultOptions) run(stdout, stderr io.Writer) error {
	tasks, err := o.tasks(stderr)
	if err != nil {
		return err
	}
	if len(o.defaulted) > 0 {
		fmt.Fprintf(stderr, "note: left at their defaults, which act as limits: %s\n", strings.Join(o.defaulted, ", "))
	}
	if len(o.limits) > 1 {
		return o.runList(tasks, stdout)
	}
	begin := time.Now()
	a := solve(tasks)
	scored := 0
	for _, r := range a.results {
		scored += r.Scored
	}
	fmt.Fprintf(stderr, "scored %d candidates on %s in %.1f ms\n", scored, databases(tasks), float64(time.Since(begin).Microseconds())/1000)
	if err := a.failure(tasks); err != nil {
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
	final := a.report(o)
	final.Color, final.Unicode = colorful(stdout, o.noColor), unicode()
	return report.Write(stdout, final)
}

// solve answers the question of the tasks, which differ in their database only.
func solve(tasks []*search.Task) *answer {
	a := &answer{task: tasks[0]}
	for _, find := range []func(*search.Task) *search.Result{search.SearchAgg, search.SearchDisagg} {
		var results []*search.Result
		for _, t := range tasks {
			results = append(results, find(t))
		}
		if len(results) == 1 {
			a.results = append(a.results, results[0])
		} else {
			a.results = append(a.results, search.Merge(results, tasks[0].Limits))
		}
	}
	for _, r := range a.results {
		if len(r.Picked) > 0 && (a.chosen == nil || r.Picked[0].TokensPerSPerGPUCluster > a.chosen.Picked[0].TokensPerSPerGPUCluster) {
			a.chosen = r
		}
	}
	return a
}

func databases(tasks []*search.Task) string {
	text := ""
	for i, t := range tasks {
		if i > 0 {
			text += ", "
		}
		text += t.DB.String()
		if t.DecodeDB != nil && t.DecodeDB != t.DB {
			text += " + " + t.DecodeDB.String()
		}
	}
	return text
}

// report fills the printed report.
func (a *answer) report(o *defaultOptions) *report.Final {
	t := a.task
	f := &report.Final{
		Model: t.Model.ID, IsMoE: t.Model.IsMoE(), TotalGPUs: t.TotalGPUs,
		Plot: true, AllColumns: o.columns == "all", ShowBackend: o.backend == "auto",
	}
	if t.Limits.RequestLatency > 0 {
		f.XAxis = report.XRequestLatency
	}
	for _, r := range a.results {
		e := report.Experiment{Name: r.Mode, Disagg: r.Mode == search.Disagg, TotalGPUs: t.TotalGPUs, Limits: latencies(t.Limits)}
		for _, row := range r.Picked[:min(len(r.Picked), o.topN)] {
			e.Rows = append(e.Rows, reportRow(&row, t))
		}
		for _, row := range r.Frontier {
			x := row.TokensPerSPerUser
			if f.XAxis == report.XRequestLatency {
				x = row.RequestLatency
			}
			e.Frontier = append(e.Frontier, report.Point{X: x, Y: row.TokensPerSPerGPUCluster})
		}
		if len(e.Rows) == 0 {
			a.explain(&e, r)
		}
		f.Experiments = append(f.Experiments, e)
	}
	if a.chosen != nil {
		f.Chosen = a.chosen.Mode
	}
	f.Notes = a.notes(o, o.top(a))
	return f
}

// top returns the rows that are printed.
func (o *defaultOptions) top(a *answer) []search.Row {
	var rows []search.Row
	for _, r := range a.results {
		rows = append(rows, r.Picked[:min(len(r.Picked), o.topN)]...)
	}
	return rows
}

func latencies(l search.Limits) report.Latencies {
	if l.RequestLatency > 0 {
		return report.Latencies{RequestLatency: l.RequestLatency}
	}
	return report.Latencies{TTFT: l.TTFT, TPOT: l.TPOT}
}

func reportRow(r *search.Row, t *search.Task) report.Row {
	out := report.Row{
		TokensPerSecPerGPUCluster: r.TokensPerSPerGPUCluster, TokensPerSecPerUser: r.TokensPerSPerUser,
		TTFT: r.TTFT, TPOT: r.TPOT, RequestLatency: r.RequestLatency, RequestRate: r.SeqPerS,
		Concurrency: r.Concurrency, ReplicaGPUs: r.ReplicaGPUs, Replicas: r.Replicas(t.TotalGPUs), IsMoE: t.Model.IsMoE(),
	}
	worker := func(w *search.Worker, n int) report.Worker {
		l := w.Plan.Layout
		return report.Worker{Workers: n, Parallel: l.Short(t.Model.IsMoE()), BS: w.BatchSize, TP: l.TP, PP: l.PP, DP: l.DP}
	}
	if r.Mode == search.Agg {
		out.Agg, out.Backend = worker(r.Worker, 1), r.Worker.Plan.DB.Backend
		return out
	}
	out.Prefill, out.Decode = worker(r.Prefill, r.PrefillWorkers), worker(r.Decode, r.DecodeWorkers)
	out.Backend = r.Prefill.Plan.DB.Backend
	return out
}

// explain says why an experiment has no row: it failed, or how close it came to
// the limits.
func (a *answer) explain(e *report.Experiment, r *search.Result) {
	rows := unlimited(a.task, r.Mode)
	if len(rows) == 0 {
		if e.Failed = "no configuration"; r.Err != nil {
			e.Failed = r.Err.Error()
		}
		return
	}
	l := a.task.Limits
	nearest := slices.MinFunc(rows, func(a, b search.Row) int { return cmp.Compare(overshoot(&a, l), overshoot(&b, l)) })
	closest := reportRow(&nearest, a.task)
	e.Closest, e.Binding = &closest, binding(&nearest, l)
	e.BestAlone = report.Latencies{TTFT: math.Inf(1), TPOT: math.Inf(1), RequestLatency: math.Inf(1)}
	for i := range rows {
		e.BestAlone.TTFT = min(e.BestAlone.TTFT, rows[i].TTFT)
		e.BestAlone.TPOT = min(e.BestAlone.TPOT, rows[i].TPOT)
		e.BestAlone.RequestLatency = min(e.BestAlone.RequestLatency, rows[i].RequestLatency)
	}
}

// unlimited returns everything that fits in memory and into the GPU budget,
// whatever its latency.
func unlimited(t *search.Task, mode string) []search.Row {
	free := *t
	free.Limits, free.Exhaustive = search.Limits{}, true
	find := search.SearchAgg
	if mode == search.Disagg {
		find = search.SearchDisagg
	}
	return find(&free).Rows
}

// overshoot is the factor by which a row misses its worst limit; at most 1 when
// it meets all.
func overshoot(r *search.Row, l search.Limits) float64 {
	if l.RequestLatency > 0 {
		return r.RequestLatency / l.RequestLatency
	}
	return max(r.TTFT/l.TTFT, r.TPOT/l.TPOT)
}

// binding names the limit that the closest row misses most.
func binding(r *search.Row, l search.Limits) string {
	switch {
	case l.RequestLatency > 0:
		return "request latency"
	case r.TTFT/l.TTFT > r.TPOT/l.TPOT:
		return "TTFT"
	}
	return "TPOT"
}

// failure is the error of a search in which every experiment failed for
// another reason than the latency limits.
func (a *answer) failure(tasks []*search.Task) error {
	if a.chosen != nil {
		return nil
	}
	for _, r := range a.results {
		if len(r.Rows) > 0 || len(unlimited(a.task, r.Mode)) > 0 {
			return nil
		}
	}
	var lines []string
	memory := false
	for _, r := range a.results {
		lines = append(lines, fmt.Sprintf("%s: %v", r.Mode, r.Err))
		var noFit *search.NoFitError
		memory = memory || errors.As(r.Err, &noFit)
	}
	t := tasks[0]
	if n := gpusThatFit(t); n > 0 {
		lines = append(lines, fmt.Sprintf("the smallest aggregated worker that fits needs %d GPUs of %s", n, t.DB.System.Name))
	} else if memory {
		lines = append(lines, fmt.Sprintf("no worker layout of %s fits %s in these formats; try another system, or formats of fewer bytes", t.Model.ID, t.DB.System.Name))
	}
	return errors.New(strings.Join(lines, "\n"))
}

// gpusThatFit is the size of the smallest aggregated worker that fits, 0 when
// there is none.
func gpusThatFit(t *search.Task) int {
	free := *t
	free.TotalGPUs = 1 << 10
	smallest := 0
	for _, r := range unlimited(&free, search.Agg) {
		if smallest == 0 || r.ReplicaGPUs < smallest {
			smallest = r.ReplicaGPUs
		}
	}
	return smallest
}

// notes are the remarks below the tables.
func (a *answer) notes(o *defaultOptions, rows []search.Row) []string {
	t := a.task
	var notes []string
	notes = append(notes, fmt.Sprintf("Formats: %s. %s", describeQuant(t.Model, t.QuantOn(t.DB)), o.quant))
	notes = append(notes, fmt.Sprintf("Kernel data: %s, %s.", databases([]*search.Task{t}), provenance[t.DB.Mode]))
	idle := 0
	for i := range rows {
		idle = max(idle, t.TotalGPUs-rows[i].Replicas(t.TotalGPUs)*rows[i].ReplicaGPUs)
	}
	if idle > 0 {
		notes = append(notes, fmt.Sprintf("Some rows leave up to %d of %d GPUs idle; tokens/s/gpu counts them.", idle, t.TotalGPUs))
	}
	if a.chosen != nil && a.chosen.Mode == search.Disagg {
		notes = append(notes, "Disaggregated serving needs RDMA between its workers. Without it TTFT grows about 40 times, from 355 ms to 10 s and more.")
	}
	w := t.Workload
	switch ratio := float64(w.ISL) / float64(w.OSL); {
	case w.ISL > 8000 && ratio > 10:
		notes = append(notes, "Long inputs with short outputs: disaggregated serving is often the better choice.")
	case ratio >= 2 && ratio <= 10:
		notes = append(notes, fmt.Sprintf("Inputs are %.3g times as long as outputs: between 2 and 10, aggregated serving is often as good on real clusters.", ratio))
	}
	for i := range rows {
		if tight := tightest(&rows[i]); tight > 0.95 {
			notes = append(notes, fmt.Sprintf("A ranked configuration is predicted to use %.0f %% of GPU memory. If it runs out of memory, lower --max-num-seqs or raise tensor parallelism.", tight*100))
			break
		}
	}
	return notes
}

// provenance says where the latencies of a mode come from.
var provenance = map[perftables.Mode]string{
	perftables.Silicon:   "measured; every operator behind these rows lies inside the measured tables or their extension",
	perftables.Hybrid:    "measured where it was measured, estimated by formulas elsewhere",
	perftables.Empirical: "estimated by formulas, nothing measured",
	perftables.SOL:       "the speed of light, which no kernel reaches",
}

// tightest is the largest share of GPU memory that a worker of the row uses.
func tightest(r *search.Row) float64 {
	share := 0.0
	for _, w := range []*search.Worker{r.Worker, r.Prefill, r.Decode} {
		if w != nil {
			share = max(share, w.MemoryGiB/w.Plan.CapacityGiB())
		}
	}
	return share
}

// writeRows writes the ranked rows for programs.
func (a *answer) writeRows(w io.Writer, format string, topN int) error {
	columns := []string{"experiment", "rank", "chosen", "tokens_per_s_per_gpu_cluster", "tokens_per_s_per_user", "ttft_ms", "tpot_ms", "request_latency_ms",
		"concurrency", "replicas", "replica_gpus", "total_gpus", "backend", "version", "parallel", "bs", "prefill_parallel", "prefill_bs", "prefill_workers", "decode_workers", "memory_gib"}
	var rows [][]any
	for _, r := range a.results {
		for i, row := range r.Picked[:min(len(r.Picked), topN)] {
			worker, memory := row.Worker, 0.0
			var prefillParallel, prefillBS, prefillWorkers, decodeWorkers any
			if r.Mode == search.Disagg {
				worker = row.Decode
				prefillParallel, prefillBS = row.Prefill.Plan.Layout.Short(a.task.Model.IsMoE()), row.Prefill.BatchSize
				prefillWorkers, decodeWorkers = row.PrefillWorkers, row.DecodeWorkers
				memory = row.Prefill.MemoryGiB
			}
			replicas := row.Replicas(a.task.TotalGPUs)
			db := worker.Plan.DB
			rows = append(rows, []any{
				r.Mode, i + 1, r == a.chosen, row.TokensPerSPerGPUCluster, row.TokensPerSPerUser, row.TTFT, row.TPOT, row.RequestLatency,
				row.Concurrency * replicas, replicas, row.ReplicaGPUs, a.task.TotalGPUs, db.Backend, db.Version,
				worker.Plan.Layout.Short(a.task.Model.IsMoE()), worker.BatchSize, prefillParallel, prefillBS, prefillWorkers, decodeWorkers, max(memory, worker.MemoryGiB),
			})
		}
	}
	return sinks.WriteTable(w, format, columns, rows)
}

// tasks opens the databases that the question is asked of.
func (o *defaultOptions) tasks(stderr io.Writer) ([]*search.Task, error) {
	m, err := lookupModel(stderr, o.model)
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
		// The choice can fail for the model only, whatever the database.
		if _, err := o.quant.choose(m, db); err != nil {
			return nil, err
		}
		t.Quant = func(db *perftables.Database) estimator.Quant {
			q, _ := o.quant.choose(m, db)
			return q
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
