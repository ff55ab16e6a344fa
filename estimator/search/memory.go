package search

import (
	"fmt"

	"servegrid/estimator"
)

// mixedStep returns what a mixed step of an aggregated row does: requests whose
// contexts it computes, requests that decode beside them, and tokens in all.
func (r *Row) mixedStep(w estimator.Workload) (contexts, decoding, tokens int) {
	b := r.Worker.BatchSize
	if b <= 1 {
		return 1, 1, r.CtxTokens
	}
	contexts = (r.CtxTokens + w.ISL - 1) / w.ISL
	return contexts, b - contexts, b - contexts + r.CtxTokens
}

// Memory returns what one GPU of a role's workers holds, part by part. Its total
// is the row's figure before rounding.
func (r *Row) Memory(role Role, w estimator.Workload) estimator.Memory {
	switch role {
	case PrefillRole:
		return r.Prefill.Plan.PrefillMemory(r.Prefill.BatchSize, w)
	case DecodeRole:
		return r.Decode.Plan.Memory(r.Decode.BatchSize, w, r.Decode.BatchSize)
	}
	_, _, tokens := r.mixedStep(w)
	return r.Worker.Plan.Memory(r.Worker.BatchSize, w, tokens)
}

// EstimateAgg returns what aggregated workers of a plan do at one batch size,
// with a prompt in every mixed step, as many of them as fit into the budget.
func EstimateAgg(plan *estimator.Plan, batch int, w estimator.Workload, totalGPUs int) (Row, error) {
	a := aggSearch{task: &Task{TotalGPUs: totalGPUs, Workload: w}, plan: plan}
	a.points.Append(batch, w.ISL)
	if err := plan.ScoreAgg(w, &a.points); err != nil {
		return Row{}, err
	}
	switch a.points.Status[0] {
	case estimator.NoData:
		return Row{}, fmt.Errorf("batch %d with %d context tokens is beyond the tables of %s", batch, w.ISL, plan.DB)
	case estimator.OutOfMemory:
		return Row{}, &NoFitError{Need: a.points.MemoryGiB[0], Have: plan.CapacityGiB()}
	}
	return a.row(0), nil
}
