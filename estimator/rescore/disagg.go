package rescore

import (
	"fmt"

	"servegrid/estimator"
	"servegrid/estimator/calibrate"
	"servegrid/estimator/search"
)

// fewDeployments are simulated without asking which are worth it.
const fewDeployments = 64

// NewDisagg prepares the deployments of prefill and decode workers that are worth a
// simulation: all that there are where they are few or the task is exhaustive, else the
// promising ones.
func NewDisagg(t *search.Task, constants *calibrate.Set) *Search {
	s := &Search{task: t, mode: search.Disagg}
	if t.TotalGPUs < 2 {
		s.err = search.ErrTooFewGPUs
		return s
	}
	var sides [2][]*calibrate.Engine
	engines := engines{constants: constants, of: map[*estimator.Plan]*calibrate.Engine{}}
	for i, role := range []search.Role{search.PrefillRole, search.DecodeRole} {
		plans, refused, err := t.LayoutPlans(role)
		s.drop(role, refused...)
		if s.err = err; s.err != nil {
			return s
		}
		for _, p := range plans {
			e, err := engines.get(p)
			if err != nil {
				s.drop(role, &search.LayoutError{Layout: p.Layout, Err: err})
				continue
			}
			sides[i] = append(sides[i], e)
		}
	}
	if len(sides[0]) == 0 || len(sides[1]) == 0 {
		s.err = search.NoneError(s.mode, s.dropped)
		return s
	}
	all := deployments(t, sides[0], sides[1])
	if len(all) > fewDeployments && !t.Exhaustive {
		all = promising(t, all)
	}
	for i := range all {
		s.replicas = append(s.replicas, &all[i])
	}
	if len(all) == 0 {
		s.err = fmt.Errorf("no numbers of prefill and decode workers fit on %d GPUs", t.TotalGPUs)
	}
	return s
}

func (s *Search) drop(role search.Role, errs ...error) {
	for _, err := range errs {
		s.dropped = append(s.dropped, fmt.Errorf("%s: %w", role, err))
	}
}

// deployments lists every prefill worker with every decode worker, in all numbers that a
// replica may have.
func deployments(t *search.Task, prefill, decode []*calibrate.Engine) []disaggregated {
	var list []disaggregated
	for _, p := range prefill {
		for _, d := range decode {
			for _, n := range t.WorkerCounts(p.Plan.Layout.GPUs(), d.Plan.Layout.GPUs()) {
				for _, prompts := range t.Tuning.Batches(search.PrefillRole) {
					list = append(list, disaggregated{calibrate.Workers{Engine: p, Count: n[0]}, calibrate.Workers{Engine: d, Count: n[1]}, prompts})
				}
			}
		}
	}
	return list
}

// engines holds one engine of each plan; both roles share plans.
type engines struct {
	constants *calibrate.Set
	of        map[*estimator.Plan]*calibrate.Engine
}

func (e *engines) get(p search.LayoutPlan) (*calibrate.Engine, error) {
	if p.Err != nil {
		return nil, p.Err
	}
	if have := e.of[p.Plan]; have != nil {
		return have, nil
	}
	made, err := calibrate.NewEngine(p.Plan, e.constants, p.Plan.DB.Version)
	if err == nil {
		e.of[p.Plan] = made
	}
	return made, err
}

// disaggregated is a deployment of prefill and decode workers.
type disaggregated struct {
	prefill, decode calibrate.Workers
	prompts         int // of a prefill step, per rank
}

func (d *disaggregated) gpus() int {
	return d.prefill.Count*d.prefill.Plan.Layout.GPUs() + d.decode.Count*d.decode.Plan.Layout.GPUs()
}

// sequences is how many run where every rank of every decode worker has one.
func (d *disaggregated) sequences() int { return d.decode.Count * d.decode.Plan.Layout.DP }

func (d *disaggregated) layout() estimator.Layout { return d.decode.Plan.Layout }

func (d *disaggregated) at(w estimator.Workload, b int) (search.Row, error) {
	concurrency := b * d.sequences()
	f, err := calibrate.ForecastPair(d.prefill, d.decode, d.prompts, calibrate.ClosedLoop(concurrency, w))
	if err == nil && concurrency > f.MostConcurrent {
		err = &calibrate.NoRoomError{Budget: f.Budget, ISL: w.ISL, OSL: w.OSL, Batch: b}
	}
	return d.row(w, b, &f), err
}

func (d *disaggregated) row(w estimator.Workload, b int, f *calibrate.Forecast) search.Row {
	r := row(search.Disagg, w, &f.Prediction, b*d.sequences(), d.gpus())
	r.PrefillWorkers, r.DecodeWorkers = d.prefill.Count, d.decode.Count
	r.Prefill = &search.Worker{Plan: d.prefill.Plan, BatchSize: d.prompts, SeqPerS: estimator.Round3(r.SeqPerS / float64(d.prefill.Count))}
	r.Decode = &search.Worker{Plan: d.decode.Plan, BatchSize: b, SeqPerS: estimator.Round3(r.SeqPerS / float64(d.decode.Count))}
	for role, worker := range map[search.Role]*search.Worker{search.PrefillRole: r.Prefill, search.DecodeRole: r.Decode} {
		m := r.Memory(role, w)
		worker.MemoryGiB = estimator.Round3(m.Total())
	}
	return r
}
