package search

import (
	"errors"

	"servegrid/estimator"
	"servegrid/perftables"
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

// WorkerBatches lists the batch sizes of a role's workers, rising.
func WorkerBatches(role Role) []int {
	if role == PrefillRole {
		return PrefillBatches
	}
	return DecodeBatches
}

// WorkerScorer returns the function that scores one batch size of a role's
// workers.
func WorkerScorer(plan *estimator.Plan, role Role, w estimator.Workload) (func(b int) (estimator.WorkerPoint, error), error) {
	if role == PrefillRole {
		return func(b int) (estimator.WorkerPoint, error) { return plan.Prefill(b, w, PrefillCorrection) }, plan.ContextErr()
	}
	column, err := plan.Decode(w, DecodeCorrection)
	return column.At, err
}

// appendWorkers scores the workers of a layout up to the first batch that does
// not fit. On an error it keeps those before.
func appendWorkers(dst []ScoredWorker, plan *estimator.Plan, role Role, w estimator.Workload) ([]ScoredWorker, error) {
	at, err := WorkerScorer(plan, role, w)
	if err != nil {
		return dst, err
	}
	n := len(dst)
	for _, b := range WorkerBatches(role) {
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

// workers scores one side over all layouts.
func (t *Task) workers(db *perftables.Database, role Role) ([]ScoredWorker, error) {
	config := t.config(db)
	if err := estimator.CheckQuant(&config, role == PrefillRole, role == DecodeRole); err != nil {
		return nil, err
	}
	var rows []ScoredWorker
	var reasons reasons
	for _, layout := range Layouts(&config, role) {
		config.Layout = layout
		plan, err := estimator.Compile(config)
		if err == nil {
			rows, err = appendWorkers(rows, plan, role, t.Workload)
		}
		if err != nil {
			reasons.add(layout, err)
		}
	}
	if len(rows) == 0 {
		what := "decode"
		if role == PrefillRole {
			what = "prefill"
		}
		return nil, reasons.none(what)
	}
	return rows, nil
}

var errTooFewGPUs = errors.New("disaggregated serving needs at least 2 GPUs")
