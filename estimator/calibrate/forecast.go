package calibrate

import (
	"errors"
	"fmt"

	"servegrid/estimator"
)

// Forecast is the calibrated estimate of a configuration that is deployed as this
// program deploys it.
type Forecast struct {
	Prediction
	KVTokens       int // tokens that the KV cache of one data-parallel rank holds
	MostConcurrent int // whole requests that fit into it, over all ranks
}

// NewForecast predicts a plan under a load with a set's constants; version is that
// of the engine. Requests that would never fit are an error.
func NewForecast(p *estimator.Plan, s *Set, version string, l Load) (Forecast, error) {
	if p.NextN > 0 {
		return Forecast{}, errors.New("the calibrated estimator does not know multi-token prediction: nextn must be 0")
	}
	k, err := kernelsOf(p)
	if err != nil {
		return Forecast{}, err
	}
	schedule := NewSchedule(p.DB.Backend, p, l, ByConfigurator)
	fits := schedule.KVTokens / (l.ISL + l.OSL)
	if fits < 1 {
		return Forecast{}, fmt.Errorf("the KV cache holds %d tokens beside the weights: not one request of %d + %d", schedule.KVTokens, l.ISL, l.OSL)
	}
	constants := s.of(p.DB.Backend, familyOf(p.DB.Backend, version, Exact))
	return Forecast{
		Prediction: Predict(NewStepCost(k, constants), schedule, p.Layout.DP, l),
		KVTokens:   schedule.KVTokens, MostConcurrent: fits * p.Layout.DP,
	}, nil
}
