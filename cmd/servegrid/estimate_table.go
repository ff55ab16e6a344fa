package main

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"servegrid/estimator"
	"servegrid/estimator/calibrate"
	"servegrid/estimator/search"
	"servegrid/perftables"
	"servegrid/sinks"
)

// estimateTable estimates every row of a table and writes it back with the
// est_ columns behind its own. A row that cannot be answered says why; it never
// stops the others. Columns that hold results are not read.
type estimateTable struct {
	in     *sinks.Tabular
	mode   perftables.Mode
	models map[string]*estimator.Model
	plans  map[string]planOrError

	// Of the calibrated estimator; constants are nil for the reference.
	constants    *calibrate.Set
	resolver     *calibrate.Resolver
	measurements []calibrate.Measurement
}

type planOrError struct {
	plan *estimator.Plan
	err  error
}

// estimated is one answered row. A latency that the row's kind does not have is
// NaN.
type estimated struct {
	ttft, tpot, context, generation, tokensPerGPU, memory float64
	oom                                                   bool

	// Of the calibrated estimator.
	p50, p90, p99 float64
	class         string
}

// missing stands for a figure that a kind of estimate does not have.
var missing = math.NaN()

// run estimates all rows. It returns how many were answered.
func (e *estimateTable) run(out string) (answered int, err error) {
	n := e.in.Len
	status, reason := make([]string, n), make([]string, n)
	type figure struct {
		name string
		of   func(*estimated) float64
		v    []float64
	}
	figures := []figure{
		{"est_ttft_ms", func(x *estimated) float64 { return x.ttft }, nil},
		{"est_tpot_ms", func(x *estimated) float64 { return x.tpot }, nil},
		{"est_context_latency_ms", func(x *estimated) float64 { return x.context }, nil},
		{"est_generation_latency_ms", func(x *estimated) float64 { return x.generation }, nil},
		{"est_tokens_s_gpu", func(x *estimated) float64 { return x.tokensPerGPU }, nil},
		{"est_mem_total_gib", func(x *estimated) float64 { return x.memory }, nil},
	}
	class := make([]string, n)
	if e.constants != nil {
		figures = append(figures, []figure{
			{"est_ttft_ms_p50", func(x *estimated) float64 { return x.p50 }, nil},
			{"est_ttft_ms_p90", func(x *estimated) float64 { return x.p90 }, nil},
			{"est_ttft_ms_p99", func(x *estimated) float64 { return x.p99 }, nil},
		}...)
	}
	ok, oom := make([]bool, n), make([]int64, n)
	for i := range figures {
		figures[i].v = make([]float64, n)
	}
	for row := range n {
		x, err := e.row(row)
		if err != nil {
			status[row], reason[row] = "error", strings.ReplaceAll(err.Error(), "\n", "; ")
			for i := range figures {
				figures[i].v[row] = missing
			}
			continue
		}
		answered++
		status[row], ok[row], class[row] = "ok", true, x.class
		if x.oom {
			oom[row] = 1
		}
		for i := range figures {
			figures[i].v[row] = figures[i].of(&x)
		}
	}
	added := []sinks.Added{{Name: "est_status", Text: status}, {Name: "est_reason", Text: reason}}
	for _, f := range figures {
		valid := make([]bool, n)
		for i := range valid {
			valid[i] = !math.IsNaN(f.v[i])
		}
		added = append(added, sinks.Added{Name: f.name, Float: f.v, Valid: valid})
	}
	if e.constants != nil {
		added = append(added, sinks.Added{Name: "est_class", Text: class})
	}
	return answered, e.in.Write(out, append(added, sinks.Added{Name: "est_oom", Int: oom, Valid: ok}))
}

// row estimates one row.
func (e *estimateTable) row(i int) (estimated, error) {
	if e.constants != nil {
		return e.calibrated(i)
	}
	c := &cells{t: e.in, row: i}
	w := estimator.Workload{ISL: c.integer("isl", 0), OSL: c.integer("osl", 0), Prefix: c.integer("prefix", 0)}
	kind := cmp.Or(c.text("mode"), "agg")
	if c.err != nil {
		return estimated{}, c.err
	}
	if err := w.Check(); err != nil {
		return estimated{}, err
	}
	if w.OSL < 2 && kind != string(estimator.StaticContext) {
		return estimated{}, errors.New("osl is 1, want at least 2: there is no time per output token for a single one")
	}
	switch kind {
	case search.Agg:
		return e.agg(c, w)
	case search.Disagg:
		return e.disagg(c, w)
	}
	k, err := estimator.ParseKind(kind)
	if err != nil {
		return estimated{}, fmt.Errorf("unknown mode %q: want agg, disagg, static, static_ctx or static_gen", kind)
	}
	return e.static(c, w, k)
}

func (e *estimateTable) static(c *cells, w estimator.Workload, kind estimator.Kind) (estimated, error) {
	plan, err := e.plan(c, "")
	b, scale := c.batch(""), c.real("latency_correction_scale", 1)
	if err := cmp.Or(err, c.err); err != nil {
		return estimated{}, err
	}
	s, err := plan.Static(kind, b, w, scale)
	if err != nil {
		return estimated{}, err
	}
	return estimated{
		ttft: s.TTFT, tpot: s.TPOT, context: s.Context, generation: s.Generation, tokensPerGPU: s.TokensPerSPerGPU,
		memory: s.Memory.Total(), oom: s.OutOfMemory,
	}, nil
}

func (e *estimateTable) agg(c *cells, w estimator.Workload) (estimated, error) {
	plan, err := e.plan(c, "")
	b, ctx := c.batch(""), c.integer("ctx_tokens", w.ISL)
	if err := cmp.Or(err, c.err); err != nil {
		return estimated{}, err
	}
	if b < 1 || ctx < 1 {
		return estimated{}, fmt.Errorf("batch is %d and ctx_tokens are %d, want at least 1", b, ctx)
	}
	var pts estimator.AggPoints
	pts.Append(b, ctx)
	if err := plan.ScoreAgg(w, &pts); err != nil {
		return estimated{}, err
	}
	if pts.Status[0] == estimator.NoData {
		return estimated{}, fmt.Errorf("batch %d with %d context tokens is beyond the tables of %s", b, ctx, plan.DB)
	}
	return estimated{
		ttft: pts.TTFT[0], tpot: pts.TPOT[0], context: missing, generation: missing, tokensPerGPU: pts.TokensPerSPerGPU[0],
		memory: pts.MemoryGiB[0], oom: pts.Status[0] == estimator.OutOfMemory,
	}, nil
}

func (e *estimateTable) disagg(c *cells, w estimator.Workload) (estimated, error) {
	side := func(prefix string) (search.Side, error) {
		plan, err := e.plan(c, prefix)
		return search.Side{Plan: plan, BatchSize: c.batch(prefix), Workers: c.integer(prefix+"workers", 0)}, err
	}
	prefill, err1 := side("p_")
	decode, err2 := side("d_")
	if err := cmp.Or(err1, err2, c.err); err != nil {
		return estimated{}, err
	}
	r, err := search.EstimatePair(prefill, decode, w)
	if err != nil {
		return estimated{}, err
	}
	memory := max(r.Prefill.MemoryGiB, r.Decode.MemoryGiB)
	oom := !prefill.Plan.Fits(r.Prefill.MemoryGiB) || !decode.Plan.Fits(r.Decode.MemoryGiB)
	return estimated{ttft: r.TTFT, tpot: r.TPOT, context: missing, generation: missing, tokensPerGPU: r.TokensPerSPerGPU, memory: memory, oom: oom}, nil
}

// plan compiles the configuration of a row; prefix names the role's columns.
func (e *estimateTable) plan(c *cells, prefix string) (*estimator.Plan, error) {
	layout := estimator.Layout{
		TP: c.integer(prefix+"tp", 1), PP: c.integer(prefix+"pp", 1), DP: c.integer(prefix+"dp", 1),
		// Tables of dense models say 0 where there are no experts.
		MoETP: max(1, c.integer(prefix+"moe_tp", 1)), MoEEP: max(1, c.integer(prefix+"moe_ep", 1)),
	}
	nextN := c.integer("nextn", 0)
	names := make([]string, 0, 10)
	for _, column := range []string{"model", "system", "backend", "version", "gemm_quant", "moe_quant", "kvcache_quant", "fmha_quant", "comm_quant"} {
		names = append(names, c.text(column))
	}
	if c.err != nil {
		return nil, c.err
	}
	key := fmt.Sprint(names, layout, nextN)
	p, ok := e.plans[key]
	if !ok {
		p.plan, p.err = e.compile(names, layout, nextN)
		e.plans[key] = p
	}
	return p.plan, p.err
}

func (e *estimateTable) compile(names []string, layout estimator.Layout, nextN int) (*estimator.Plan, error) {
	for i, what := range []string{"model", "system", "backend"} {
		if names[i] == "" {
			return nil, fmt.Errorf("the row has no %s", what)
		}
	}
	if layout.TP < 1 || layout.PP < 1 || layout.DP < 1 || layout.MoETP < 1 || layout.MoEEP < 1 {
		return nil, fmt.Errorf("every parallel size must be at least 1: %s", layout)
	}
	m, ok := e.models[names[0]]
	if !ok {
		var err error
		if m, err = estimator.LookupModel(names[0]); err != nil {
			return nil, err
		}
		e.models[names[0]] = m
	}
	system, err := resolveSystem(names[1])
	if err != nil {
		return nil, err
	}
	db, err := openDatabaseIn(e.mode, m.ID, system, names[2], names[3])
	if err != nil {
		return nil, err
	}
	q, err := quantOf(estimator.DefaultQuant(m, db), names[4:])
	if err != nil {
		return nil, err
	}
	return estimator.Compile(estimator.Config{Model: m, DB: db, Quant: q, Layout: layout, NextN: nextN, AcceptRates: search.DefaultAcceptRates})
}

// cells reads one row; the first mistake sticks.
type cells struct {
	t   *sinks.Tabular
	row int
	err error
}

func (c *cells) text(column string) string { return c.t.Text(c.row, column) }

// real reads a number; an empty cell gives the default.
func (c *cells) real(column string, otherwise float64) float64 {
	s := c.text(column)
	if s == "" {
		return otherwise
	}
	v, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
		c.fail("%s is %q, want a number", column, s)
		return otherwise
	}
	return v
}

// integer reads a whole number, which may be spelled 4.0.
func (c *cells) integer(column string, otherwise int) int {
	v := c.real(column, float64(otherwise))
	if v != math.Trunc(v) || math.Abs(v) > 1<<31 {
		c.fail("%s is %q, want a whole number", column, c.text(column))
		return otherwise
	}
	return int(v)
}

// batch is the batch size per data-parallel rank, by any of its names.
func (c *cells) batch(prefix string) int {
	for _, column := range []string{prefix + "batch", prefix + "batch_per_rank", prefix + "bs"} {
		if c.text(column) != "" {
			return c.integer(column, 0)
		}
	}
	c.fail("the row has no %sbatch", prefix)
	return 0
}

func (c *cells) fail(format string, args ...any) {
	if c.err == nil {
		c.err = fmt.Errorf(format, args...)
	}
}
