package rescore

import (
	"errors"

	"servegrid/estimator"
	"servegrid/estimator/calibrate"
	"servegrid/estimator/search"
)

// Worker is an aggregated worker that a sweep asks about many workloads.
type Worker struct{ aggregated }

// NewWorker prepares a plan. What the constants know nothing about is an error.
func NewWorker(p *estimator.Plan, constants *calibrate.Set) (*Worker, error) {
	e, err := calibrate.NewEngine(p, constants, p.DB.Version)
	if err != nil {
		return nil, err
	}
	return &Worker{aggregated{p, func() (*calibrate.Engine, error) { return e, nil }}}, nil
}

// Score fills points with the batches of [search.AggBatches], until one does not fit or
// nothing is left to gain: from there on everybody only waits longer. The one that does
// not fit is among them.
func (k *Worker) Score(w estimator.Workload, points *estimator.AggPoints) error {
	points.Reset()
	const back = lookBack * stride
	for place, b := range search.AggBatches {
		r, err := k.at(w, b)
		status := estimator.OK
		if full := (*calibrate.NoRoomError)(nil); errors.As(err, &full) {
			status = estimator.OutOfMemory
		} else if err != nil {
			return err
		}
		points.Add(estimator.AggPoint{
			BatchSize: b, CtxTokens: w.ISL, TTFT: r.TTFT, TPOT: r.TPOT, RequestLatency: r.RequestLatency, SeqPerS: r.SeqPerS,
			TokensPerS: r.TokensPerS, TokensPerSPerGPU: r.TokensPerSPerGPU, TokensPerSPerUser: r.TokensPerSPerUser,
			MemoryGiB: r.Worker.MemoryGiB, Status: status,
		})
		if status != estimator.OK || r.TPOT > mostTPOT {
			break
		}
		if place >= back && r.TokensPerSPerGPU < leastGain*points.TokensPerSPerGPU[place-back] {
			break
		}
	}
	return nil
}
