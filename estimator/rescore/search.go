package rescore

import (
	"cmp"
	"errors"
	"slices"

	"servegrid/estimator"
	"servegrid/estimator/calibrate"
	"servegrid/estimator/search"
)

// Search is a task with the replicas that are simulated for it.
type Search struct {
	task     *search.Task
	mode     string
	replicas []replica
	dropped  []error // what gave nothing, and why
	err      error   // why there is nothing to simulate
}

// replica is what is deployed together and serves on its own.
type replica interface {
	layout() estimator.Layout // by which its rows compete

	// at simulates b requests in flight on every rank that decodes. It fails where they
	// do not fit.
	at(w estimator.Workload, b int) (search.Row, error)
}

// Scored is what one replica does.
type Scored struct {
	rows      []search.Row
	simulated int
	err       error // why not even one request could be simulated
}

// Len is the number of replicas.
func (s *Search) Len() int { return len(s.replicas) }

// Result ranks what was scored; scored holds every replica, in order.
func (s *Search) Result(scored []Scored) *search.Result {
	res := &search.Result{Mode: s.mode, Dropped: slices.Clone(s.dropped), Err: s.err}
	if s.err != nil {
		return res
	}
	for i, x := range scored {
		res.Scored += x.simulated
		res.Rows = append(res.Rows, x.rows...)
		if x.err == nil && len(x.rows) == 0 {
			x.err = search.ErrLimits
		}
		if x.err != nil {
			res.Dropped = append(res.Dropped, &search.LayoutError{Layout: s.replicas[i].layout(), Err: x.err})
		}
	}
	if len(res.Rows) == 0 {
		res.Err = search.NoneError(s.mode, res.Dropped)
		return res
	}
	slices.SortStableFunc(res.Rows, func(a, b search.Row) int { return cmp.Compare(b.TokensPerSPerGPU, a.TokensPerSPerGPU) })
	res.Rank(s.task)
	return res
}

// Check reports a task whose answer the constants know nothing about.
func Check(t *search.Task) error {
	switch {
	case t.NextN > 0:
		return errors.New("the calibrated estimator does not know multi-token prediction: nextn must be 0")
	case t.WideEP || t.DeepEP:
		return errors.New("the calibrated estimator does not know wide expert parallelism: its kernels were in no measured server")
	case t.Tuning.PrefillCorrection != search.DefaultTuning.PrefillCorrection || t.Tuning.DecodeCorrection != search.DefaultTuning.DecodeCorrection:
		return errors.New("latency correction scales belong to the reference estimator; the calibrated one has constants of its own")
	}
	for _, role := range []search.Role{search.AggRole, search.DecodeRole} {
		if m := t.Database(role).Mode; m != "SILICON" && m != "HYBRID" {
			return errors.New("the calibrated estimator's constants belong to measured kernels: database mode must be SILICON or HYBRID")
		}
	}
	return nil
}

// row fills what every row derives from its latencies and its load. Requests per
// second follow from Little's law: the loop is closed.
func row(mode string, w estimator.Workload, p *calibrate.Prediction, concurrency, gpus int) search.Row {
	r := search.Row{
		Mode: mode, Concurrency: concurrency, ReplicaGPUs: gpus,
		TTFT: estimator.Round3(p.TTFT), TPOT: estimator.Round3(p.TPOT),
	}
	latency := p.TTFT + p.TPOT*float64(w.OSL-1)
	seq := 1000 * float64(concurrency) / latency
	r.RequestLatency = estimator.Round3(latency)
	r.SeqPerS, r.SeqPerSPerGPU = estimator.Round3(seq), estimator.Round3(seq/float64(gpus))
	tokens := seq * float64(w.OSL)
	r.TokensPerS, r.TokensPerSPerGPU = estimator.Round3(tokens), estimator.Round3(tokens/float64(gpus))
	r.TokensPerSPerUser = estimator.Round3(1000 / p.TPOT)
	return r
}
