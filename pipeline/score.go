package pipeline

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"servegrid/estimator"
	"servegrid/estimator/search"
	"servegrid/grid"
	"servegrid/internal/schema"
	"servegrid/jobs"
)

const (
	roleAgg     = "agg"
	rolePrefill = "prefill"
	roleDecode  = "decode"
	rolePair    = "pair"
)

// Coverage states; see the coverage table in package schema.
const (
	statusOK         = "ok"
	statusNoFit      = search.StatusNoFit
	statusNoData     = search.StatusNoData
	statusImpossible = "impossible"
	statusRefused    = search.StatusRefused
)

// shard is a shard whose combination has been resolved.
type shard struct {
	grid.Shard
	key     string
	combo   search.Combo
	refused error // why nothing of it can be scored
	damaged bool  // a stored file of it is not what was written
}

// scorer scores shards. It keeps its buffers from one shard to the next and
// belongs to one worker.
type scorer struct {
	spec         *jobs.Spec
	write        func(*schema.Rows) error // takes a block; best points are picked from those of candidates when workloadDone says so
	workloadDone func() error             // all blocks of a workload are written

	shard    *shard
	compiled *plans
	planned  *shard // the last shard whose plans were asked for
	plans    []search.LayoutPlan
	pricer   pricer
	counts   Counts
	coverage []coverageRow

	agg     blocks[*aggBlock]
	disagg  blocks[*disaggBlock]
	workers *workerBlock
	points  estimator.AggPoints
	front   search.Front
	matcher search.Matcher
	keep    []int
	rows    []search.ScoredWorker // of one role and layout
	status  []estimator.Status
	prefill []search.ScoredWorker // that fit, of all layouts
	decode  []search.ScoredWorker
}

func newScorer(spec *jobs.Spec, compiled *plans) *scorer {
	return &scorer{spec: spec, compiled: compiled, pricer: newPricer(spec), agg: blocks[*aggBlock]{add: newAggBlock}, disagg: blocks[*disaggBlock]{add: newDisaggBlock}, workers: newWorkerBlock()}
}

// score scores a shard and hands its rows to write, table by table mixed, in
// an order that depends on the shard only.
// The context's end stops it between two workloads.
func (s *scorer) score(ctx context.Context, sh *shard) (Counts, error) {
	s.shard, s.counts, s.coverage = sh, Counts{}, s.coverage[:0]
	s.agg.forget()
	s.disagg.forget()
	s.workers.identity(s.spec, sh)
	if sh.refused != nil {
		for _, mode := range s.spec.ServingModes {
			s.cover(coverageRow{mode: mode, role: mode, status: statusRefused, reason: sh.refused.Error()})
		}
		return s.counts, s.writeCoverage()
	}
	// Shards of one combination follow each other.
	if s.planned == nil || s.planned.Combo != sh.Combo {
		s.planned, s.plans = sh, s.compiled.of(sh)
		s.pricer.forget()
	}
	for _, w := range sh.Workloads {
		if err := ctx.Err(); err != nil {
			return s.counts, err
		}
		w := estimator.Workload{ISL: w.ISL, OSL: w.OSL, Prefix: w.Prefix}
		s.agg.reuse()
		s.disagg.reuse()
		for _, mode := range s.spec.ServingModes {
			var err error
			switch mode {
			case jobs.ModeAgg:
				err = s.scoreAgg(s.plans, w)
			case jobs.ModeDisagg:
				err = s.scoreDisagg(s.plans, w)
			}
			if err != nil {
				return s.counts, err
			}
		}
		if err := s.workloadDone(); err != nil {
			return s.counts, err
		}
	}
	return s.counts, s.writeCoverage()
}

func (s *scorer) scoreAgg(plans []search.LayoutPlan, w estimator.Workload) error {
	for i := range plans {
		lp := &plans[i]
		if i == 0 || s.pricer.cuts() {
			s.pricer.list(w, &s.points)
		}
		row := coverageRow{mode: jobs.ModeAgg, role: roleAgg, layout: &lp.Layout, workload: &w, candidates: s.points.Len()}
		err := lp.Err
		if err == nil {
			err = s.pricer.price(lp, w, &s.points)
		}
		if err != nil {
			row.fail(lp, err)
			s.cover(row)
			continue
		}
		row.candidates = s.points.Len()
		for _, st := range s.points.Status {
			row.count(st)
		}
		s.counts.AggPoints += int64(row.feasible + row.oom)
		s.keepAgg()
		row.kept = len(s.keep)
		row.finish()
		s.cover(row)
		if row.kept == 0 {
			continue
		}
		rows := s.agg.next(s.spec, s.shard)
		rows.fill(lp.Layout, w, &s.points, s.keep)
		if err := s.write(rows.Rows); err != nil {
			return err
		}
	}
	return nil
}

// keepAgg chooses the candidates that are written, in order.
func (s *scorer) keepAgg() {
	p := &s.points
	s.keep = s.keep[:0]
	if s.spec.Keep == jobs.KeepAll {
		for i, st := range p.Status {
			if st != estimator.NoData {
				s.keep = append(s.keep, i)
			}
		}
		return
	}
	s.front.Reset()
	var feasible []int
	for i, st := range p.Status {
		if st == estimator.OK {
			feasible = append(feasible, i)
			s.front.Append(estimator.Round3(p.TTFT[i]), estimator.Round3(p.TPOT[i]), estimator.Round3(p.TokensPerSPerGPU[i]), float64(p.BatchSize[i]))
		}
	}
	for _, j := range s.front.NonDominated(s.criteria()) {
		s.keep = append(s.keep, feasible[j])
	}
	if s.spec.Keep == jobs.KeepUseful {
		// The first batch that does not fit, for each number of context tokens:
		// larger ones do not either.
		var full []int32
		for i, st := range p.Status {
			if st == estimator.OutOfMemory && !slices.Contains(full, p.CtxTokens[i]) {
				full = append(full, p.CtxTokens[i])
				s.keep = append(s.keep, i)
			}
		}
		slices.Sort(s.keep)
	}
}

func (s *scorer) criteria() search.Criteria {
	if s.spec.Keep == jobs.KeepFrontier {
		return search.ByFrontier
	}
	return search.ByAll
}

func (s *scorer) scoreDisagg(plans []search.LayoutPlan, w estimator.Workload) error {
	s.prefill, s.decode = s.prefill[:0], s.decode[:0]
	for i := range plans {
		if err := s.scoreWorkers(rolePrefill, &plans[i], w); err != nil {
			return err
		}
	}
	for i := range plans {
		if err := s.scoreWorkers(roleDecode, &plans[i], w); err != nil {
			return err
		}
	}
	row := coverageRow{mode: jobs.ModeDisagg, role: rolePair, workload: &w}
	for _, gpus := range s.shard.GPUs {
		row.feasible += search.PairsWithin(s.prefill, s.decode, gpus)
		rows := s.matcher.MatchAll(s.prefill, s.decode, gpus, w)
		if s.spec.Keep == jobs.KeepFrontier {
			s.front.Reset()
			for i := range rows {
				s.front.Append(rows[i].TTFT, rows[i].TPOT, rows[i].TokensPerSPerGPUCluster, 0)
			}
			front := s.front.NonDominated(search.ByFrontier)
			for to, from := range front {
				rows[to] = rows[from]
			}
			rows = rows[:len(front)]
		}
		row.kept += len(rows)
		if len(rows) == 0 {
			continue
		}
		pairs := s.disagg.next(s.spec, s.shard)
		pairs.fill(w, gpus, rows)
		if err := s.write(pairs.Rows); err != nil {
			return err
		}
	}
	row.candidates = row.feasible
	s.counts.DisaggPairs += int64(row.feasible)
	row.finish()
	if row.status != statusOK {
		row.reason = cmp.Or(missingSide(s.prefill, s.decode), "no pair of workers fits into the GPU budgets")
	}
	s.cover(row)
	return nil
}

func missingSide(prefill, decode []search.ScoredWorker) string {
	switch {
	case len(prefill) == 0:
		return "no prefill worker can be used"
	case len(decode) == 0:
		return "no decode worker can be used"
	}
	return ""
}

// scoreWorkers scores one role of one layout.
func (s *scorer) scoreWorkers(role string, lp *search.LayoutPlan, w estimator.Workload) error {
	searched, usable := search.PrefillRole, &s.prefill
	if role == roleDecode {
		searched, usable = search.DecodeRole, &s.decode
	}
	batches := search.DefaultTuning.Batches(searched)
	row := coverageRow{mode: jobs.ModeDisagg, role: role, layout: &lp.Layout, workload: &w, candidates: len(batches)}
	err := lp.Err
	var at func(b int) (estimator.WorkerPoint, error)
	if err == nil {
		at, err = search.DefaultTuning.Scorer(lp.Plan, searched, w)
	}
	if err != nil {
		row.fail(lp, err)
		s.cover(row)
		return nil
	}
	s.rows, s.status = s.rows[:0], s.status[:0]
	for _, b := range batches {
		pt, err := at(b)
		row.count(pt.Status)
		if err != nil {
			row.reason = err.Error()
			continue
		}
		s.rows = append(s.rows, search.RoundWorker(lp.Plan, pt))
		s.status = append(s.status, pt.Status)
		if pt.Status == estimator.OK {
			*usable = append(*usable, s.rows[len(s.rows)-1])
		}
	}
	if role == rolePrefill {
		s.counts.PrefillWorkers += int64(len(s.rows))
	} else {
		s.counts.DecodeWorkers += int64(len(s.rows))
	}
	s.keepWorkers()
	row.kept = len(s.keep)
	row.finish()
	s.cover(row)
	if row.kept == 0 {
		return nil
	}
	s.workers.fill(role, lp.Layout, w, s.rows, s.status, s.keep)
	return s.write(s.workers.Rows)
}

// keepWorkers chooses the workers that are written.
func (s *scorer) keepWorkers() {
	s.keep = s.keep[:0]
	s.front.Reset()
	var feasible []int
	full := -1
	for i, st := range s.status {
		if s.spec.Keep == jobs.KeepAll {
			s.keep = append(s.keep, i)
			continue
		}
		switch {
		case st == estimator.OK:
			feasible = append(feasible, i)
			r := &s.rows[i]
			s.front.Append(r.TTFT, r.TPOT, r.SeqPerSPerGPU, float64(r.GlobalBatchSize()))
		case full < 0:
			full = i
		}
	}
	for _, j := range s.front.NonDominated(s.criteria()) {
		s.keep = append(s.keep, feasible[j])
	}
	if full >= 0 && s.spec.Keep == jobs.KeepUseful {
		s.keep = append(s.keep, full)
		slices.Sort(s.keep)
	}
}

// coverageRow is one row of the coverage table.
type coverageRow struct {
	mode, role     string
	layout         *estimator.Layout // nil: not about one layout
	workload       *estimator.Workload
	status, reason string

	candidates, feasible, oom, noData, kept int
}

func (r *coverageRow) count(st estimator.Status) {
	switch st {
	case estimator.OK:
		r.feasible++
	case estimator.OutOfMemory:
		r.oom++
	case estimator.NoData:
		r.noData++
	}
}

// fail marks every candidate of the row as not scored.
func (r *coverageRow) fail(lp *search.LayoutPlan, err error) {
	r.status, r.reason, r.noData = statusNoData, err.Error(), r.candidates
	if lp.Err != nil {
		r.status = statusImpossible
	}
}

// finish derives the status from the counts.
func (r *coverageRow) finish() {
	switch {
	case r.feasible > 0:
		r.status, r.reason = statusOK, ""
	case r.oom > 0:
		r.status, r.reason = statusNoFit, "every candidate needs more memory than a GPU has"
	case r.noData > 0:
		r.status, r.reason = statusNoData, cmp.Or(r.reason, "every candidate is beyond the tables")
	default:
		r.status = statusNoFit
	}
}

func (s *scorer) cover(r coverageRow) { s.coverage = append(s.coverage, r) }

// writeCoverage writes the coverage rows of the shard.
func (s *scorer) writeCoverage() error {
	rows := s.coverage
	b := block{schema.NewRows(schema.Coverage)}
	b.identity(s.spec, s.shard)
	b.N = len(rows)
	if b.N == 0 {
		return errors.New("a shard without serving modes or workloads")
	}
	text := func(name string, of func(r *coverageRow) string) {
		c := b.Col(name)
		*c = schema.Col{Code: make([]int32, b.N)}
		for i := range rows {
			v := of(&rows[i])
			code := slices.Index(c.Dict, v)
			if code < 0 {
				code = len(c.Dict)
				c.Dict = append(c.Dict, v)
			}
			c.Code[i] = int32(code)
		}
	}
	text("mode", func(r *coverageRow) string { return r.mode })
	text("role", func(r *coverageRow) string { return r.role })
	text("status", func(r *coverageRow) string { return r.status })
	text("reason", func(r *coverageRow) string { return r.reason })
	nullable := func(name string, known func(r *coverageRow) bool, of func(r *coverageRow) int) {
		c := b.Col(name)
		*c = schema.Col{Int: make([]int32, b.N), Valid: make([]bool, b.N)}
		for i := range rows {
			if known(&rows[i]) {
				c.Int[i], c.Valid[i] = int32(of(&rows[i])), true
			}
		}
	}
	hasLayout := func(r *coverageRow) bool { return r.layout != nil }
	nullable("tp", hasLayout, func(r *coverageRow) int { return r.layout.TP })
	nullable("pp", hasLayout, func(r *coverageRow) int { return r.layout.PP })
	nullable("dp", hasLayout, func(r *coverageRow) int { return r.layout.DP })
	nullable("moe_tp", hasLayout, func(r *coverageRow) int { return r.layout.MoETP })
	nullable("moe_ep", hasLayout, func(r *coverageRow) int { return r.layout.MoEEP })
	hasWorkload := func(r *coverageRow) bool { return r.workload != nil }
	nullable("isl", hasWorkload, func(r *coverageRow) int { return r.workload.ISL })
	nullable("osl", hasWorkload, func(r *coverageRow) int { return r.workload.OSL })
	nullable("prefix", hasWorkload, func(r *coverageRow) int { return r.workload.Prefix })
	number := func(name string, of func(r *coverageRow) int) {
		c := b.floats(name)
		*c = make([]float64, b.N)
		for i := range rows {
			(*c)[i] = float64(of(&rows[i]))
		}
	}
	number("n_candidates", func(r *coverageRow) int { return r.candidates })
	number("n_feasible", func(r *coverageRow) int { return r.feasible })
	number("n_oom", func(r *coverageRow) int { return r.oom })
	number("n_no_data", func(r *coverageRow) int { return r.noData })
	number("n_kept", func(r *coverageRow) int { return r.kept })
	return s.write(b.Rows)
}
