package search

import (
	"errors"

	"servegrid/estimator"
	"servegrid/perftables"
)

// workerRow is a scored worker as matching sees it: rounded.
type workerRow struct {
	Worker
	ttft, tpot    float64 // ms
	seqPerSPerGPU float64
	perUser       float64 // tokens/s/user of a decode worker
	gpus          int
	group         int // index of its layout
}

func roundWorker(plan *estimator.Plan, group int, pt estimator.WorkerPoint) workerRow {
	w := workerRow{
		Worker: Worker{
			Plan: plan, BatchSize: pt.BatchSize,
			SeqPerS: estimator.Round3(pt.SeqPerS), MemoryGiB: estimator.Round3(pt.MemoryGiB),
		},
		ttft: estimator.Round3(pt.TTFT), tpot: estimator.Round3(pt.TPOT),
		seqPerSPerGPU: estimator.Round3(pt.SeqPerSPerGPU),
		gpus:          plan.Layout.GPUs(), group: group,
	}
	if pt.TPOT > 0 {
		w.perUser = estimator.Round3(1000 / pt.TPOT)
	}
	return w
}

// prefillRows scores the prefill workers of a layout up to the first batch that
// does not fit.
func prefillRows(dst []workerRow, plan *estimator.Plan, group int, w estimator.Workload) ([]workerRow, error) {
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
		dst = append(dst, roundWorker(plan, group, pt))
	}
	if len(dst) == n {
		return dst, &NoFitError{Need: smallest, Have: plan.CapacityGiB()}
	}
	return dst, nil
}

// decodeRows does the same for decode workers.
func decodeRows(dst []workerRow, plan *estimator.Plan, group int, w estimator.Workload) ([]workerRow, error) {
	n := len(dst)
	col, err := plan.Decode(w, DecodeCorrection, nil)
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
		dst = append(dst, roundWorker(plan, group, pt))
	}
	if len(dst) == n {
		return dst, &NoFitError{Need: smallest, Have: plan.CapacityGiB()}
	}
	return dst, nil
}

// workers scores one side over all layouts. scored counts candidates.
func (t *Task) workers(db *perftables.Database, prefill bool) (rows []workerRow, scored int, err error) {
	quant := estimator.DefaultQuant(t.Model, db)
	if err := estimator.CheckQuant(quant, db, prefill, !prefill); err != nil {
		return nil, 0, err
	}
	side, what := decodeRows, "decode"
	if prefill {
		side, what = prefillRows, "prefill"
	}
	var reasons reasons
	for i, layout := range Layouts(t.Model, db.System.Name) {
		plan, err := estimator.Compile(estimator.Config{Model: t.Model, Quant: quant, Layout: layout, DB: db})
		if err != nil {
			reasons.add(layout, err)
			continue
		}
		if rows, err = side(rows, plan, i, t.Workload); err != nil {
			reasons.add(layout, err)
		}
	}
	if len(rows) == 0 {
		return nil, 0, reasons.none(what)
	}
	return rows, len(rows), nil
}

var errTooFewGPUs = errors.New("disaggregated serving needs at least 2 GPUs")
