package rescore

import (
	"sync"

	"servegrid/estimator"
	"servegrid/estimator/calibrate"
	"servegrid/estimator/search"
)

// NewAgg prepares every aggregated worker that the task allows.
func NewAgg(t *search.Task, constants *calibrate.Set) *Search {
	s := &Search{task: t, mode: search.Agg}
	plans, refused, err := t.LayoutPlans(search.AggRole)
	s.dropped = refused
	if s.err = err; err != nil {
		return s
	}
	for _, p := range plans {
		if p.Err == nil {
			s.replicas = append(s.replicas, &aggregated{plan: p.Plan, engine: sync.OnceValues(func() (*calibrate.Engine, error) {
				return calibrate.NewEngine(p.Plan, constants, p.Plan.DB.Version)
			})})
			continue
		}
		s.dropped = append(s.dropped, &search.LayoutError{Layout: p.Layout, Err: p.Err})
	}
	if len(s.replicas) == 0 {
		s.err = search.NoneError(s.mode, s.dropped)
	}
	return s
}

// aggregated is one worker that computes prompts and decodes.
type aggregated struct {
	plan   *estimator.Plan
	engine func() (*calibrate.Engine, error) // made when it is first simulated
}

func (a *aggregated) layout() estimator.Layout { return a.plan.Layout }

func (a *aggregated) at(w estimator.Workload, b int) (search.Row, error) {
	engine, err := a.engine()
	if err != nil {
		return search.Row{}, err
	}
	concurrency := b * a.plan.Layout.DP
	f, err := engine.Forecast(calibrate.ClosedLoop(concurrency, w))
	if err != nil {
		r := search.Row{Mode: search.Agg}
		a.size(&r, w, b)
		return r, err
	}
	if concurrency > f.MostConcurrent {
		err = &calibrate.NoRoomError{Budget: f.Budget, ISL: w.ISL, OSL: w.OSL, Batch: b}
	}
	return a.row(w, b, &f), err
}

func (a *aggregated) row(w estimator.Workload, b int, f *calibrate.Forecast) search.Row {
	l := a.plan.Layout
	r := row(search.Agg, w, &f.Prediction, b*l.DP, l.GPUs())
	a.size(&r, w, b)
	return r
}

// size says what a row deploys, and how much memory that takes.
func (a *aggregated) size(r *search.Row, w estimator.Workload, b int) {
	r.Worker = &search.Worker{Plan: a.plan, BatchSize: b}
	r.CtxTokens = w.ISL // a step has room for one prompt beside the decoding sequences
	r.BalanceScore = estimator.Round3(float64(b) / float64(w.OSL))
	m := r.Memory(search.AggRole, w)
	r.Worker.MemoryGiB = estimator.Round3(m.Total())
}
