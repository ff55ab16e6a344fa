package search

import (
	"errors"
	"math"

	"servegrid/estimator"
)

// ScoredWorker is a prefill or decode worker as matching sees it: all figures
// are rounded.
type ScoredWorker struct {
	Worker
	TTFT, TPOT        float64 // ms; the one that is not of its role is 0
	SeqPerSPerGPU     float64
	TokensPerSPerUser float64 // of a decode worker
	GPUs              int
}

// RoundWorker makes a worker point of a plan ready for matching.
func RoundWorker(plan *estimator.Plan, pt estimator.WorkerPoint) ScoredWorker {
	w := ScoredWorker{
		Worker: Worker{
			Plan: plan, BatchSize: pt.BatchSize,
			SeqPerS: estimator.Round3(pt.SeqPerS), MemoryGiB: estimator.Round3(pt.MemoryGiB),
		},
		TTFT: estimator.Round3(pt.TTFT), TPOT: estimator.Round3(pt.TPOT),
		SeqPerSPerGPU: estimator.Round3(pt.SeqPerSPerGPU),
		GPUs:          plan.Layout.GPUs(),
	}
	if pt.TPOT > 0 {
		w.TokensPerSPerUser = estimator.Round3(1000 / pt.TPOT)
	}
	return w
}

// appendWorkers scores the workers of a layout up to the first batch that does
// not fit. On an error it keeps those before.
func (t *Task) appendWorkers(dst []ScoredWorker, plan *estimator.Plan, role Role) ([]ScoredWorker, error) {
	at, err := t.Tuning.Scorer(plan, role, t.Workload)
	if err != nil {
		return dst, err
	}
	n := len(dst)
	for _, b := range t.Tuning.Batches(role) {
		pt, err := at(b)
		if err != nil {
			return dst, err
		}
		if pt.Status == estimator.OutOfMemory {
			if len(dst) == n {
				return dst, &NoFitError{Need: pt.MemoryGiB, Have: plan.CapacityGiB()}
			}
			break
		}
		dst = append(dst, RoundWorker(plan, pt))
	}
	return dst, nil
}

// workers scores one side over all layouts. Layouts that gave nothing are
// returned beside the workers.
func (t *Task) workers(role Role) ([]ScoredWorker, reasons, error) {
	plans, dropped, err := t.layoutPlans(role, math.MaxInt)
	if err != nil {
		return nil, dropped, err
	}
	var rows []ScoredWorker
	var failed reasons
	for _, lp := range plans {
		err := lp.Err
		if err == nil {
			rows, err = t.appendWorkers(rows, lp.Plan, role)
		}
		if err != nil {
			failed.add(lp.Layout, err)
		}
	}
	dropped = append(dropped, failed...)
	if len(rows) == 0 {
		return nil, dropped, failed.none(role.String())
	}
	return rows, dropped, nil
}

// ErrTooFewGPUs says that a budget has no room for a prefill and a decode worker.
var ErrTooFewGPUs = errors.New("disaggregated serving needs at least 2 GPUs")
