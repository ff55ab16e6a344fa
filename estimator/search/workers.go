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

// prefillRows scores the prefill workers of a layout up to the first batch that
// does not fit.
func prefillRows(dst []ScoredWorker, plan *estimator.Plan, w estimator.Workload) ([]ScoredWorker, error) {
	n := len(dst)
	var smallest float64
	for _, b := range PrefillBatches {
		pt, err := plan.Prefill(b, w, PrefillCorrection)
		if err != nil {
			return dst, err
		}
		if pt.Status == estimator.OutOfMemory {
			smallest = pt.MemoryGiB
			break
		}
		dst = append(dst, RoundWorker(plan, pt))
	}
	if len(dst) == n {
		return dst, &NoFitError{Need: smallest, Have: plan.CapacityGiB()}
	}
	return dst, nil
}

// decodeRows does the same for decode workers.
func decodeRows(dst []ScoredWorker, plan *estimator.Plan, w estimator.Workload) ([]ScoredWorker, error) {
	n := len(dst)
	col, err := plan.Decode(w, DecodeCorrection)
	if err != nil {
		return dst, err
	}
	var smallest float64
	for _, b := range DecodeBatches {
		pt, err := col.At(b)
		if err != nil {
			return dst, err
		}
		if pt.Status == estimator.OutOfMemory {
			smallest = pt.MemoryGiB
			break
		}
		dst = append(dst, RoundWorker(plan, pt))
	}
	if len(dst) == n {
		return dst, &NoFitError{Need: smallest, Have: plan.CapacityGiB()}
	}
	return dst, nil
}

// workers scores one side over all layouts. scored counts candidates.
func (t *Task) workers(db *perftables.Database, prefill bool) (rows []ScoredWorker, scored int, err error) {
	config := t.config(db)
	if err := estimator.CheckQuant(&config, prefill, !prefill); err != nil {
		return nil, 0, err
	}
	side, what, role := decodeRows, "decode", DecodeRole
	if prefill {
		side, what, role = prefillRows, "prefill", PrefillRole
	}
	var reasons reasons
	for _, layout := range Layouts(&config, role) {
		config.Layout = layout
		plan, err := estimator.Compile(config)
		if err != nil {
			reasons.add(layout, err)
			continue
		}
		if rows, err = side(rows, plan, t.Workload); err != nil {
			reasons.add(layout, err)
		}
	}
	if len(rows) == 0 {
		return nil, 0, reasons.none(what)
	}
	return rows, len(rows), nil
}

var errTooFewGPUs = errors.New("disaggregated serving needs at least 2 GPUs")
