package search

import (
	"fmt"

	"servegrid/estimator"
)

// Side is one role of a disaggregated deployment that is fixed beforehand.
type Side struct {
	Plan      *estimator.Plan
	BatchSize int // per data-parallel rank
	Workers   int
}

// EstimatePair returns what a given number of prefill and decode workers do
// together.
func EstimatePair(prefill, decode Side, w estimator.Workload) (Row, error) {
	for _, s := range []struct {
		name string
		Side
	}{{"prefill", prefill}, {"decode", decode}} {
		if s.BatchSize < 1 || s.Workers < 1 {
			return Row{}, fmt.Errorf("%s batch is %d and workers are %d, want at least 1", s.name, s.BatchSize, s.Workers)
		}
	}
	p, err := prefill.Plan.Prefill(prefill.BatchSize, w, DefaultTuning.PrefillCorrection)
	if err != nil {
		return Row{}, fmt.Errorf("prefill: %w", err)
	}
	column, err := decode.Plan.Decode(w, DefaultTuning.DecodeCorrection)
	if err != nil {
		return Row{}, fmt.Errorf("decode: %w", err)
	}
	d, err := column.At(decode.BatchSize)
	if err != nil {
		return Row{}, fmt.Errorf("decode: %w", err)
	}
	ps, ds := RoundWorker(prefill.Plan, p), RoundWorker(decode.Plan, d)
	gpus := prefill.Workers*ps.GPUs + decode.Workers*ds.GPUs
	return disaggRow(&ps, &ds, split{prefill.Workers, decode.Workers, float64(gpus)}, &Task{TotalGPUs: gpus, Workload: w}), nil
}
