package calibrate

import (
	"errors"
	"fmt"

	"servegrid/estimator"
)

// Engine is a worker that is deployed as this program deploys it, ready to be
// simulated under any load. It is safe for concurrent use.
type Engine struct {
	Plan *estimator.Plan
	cost *StepCost
}

// NewEngine tabulates a plan and picks its constants from a set; version is that of
// the engine. What the constants know nothing about is an error.
func NewEngine(p *estimator.Plan, s *Set, version string) (*Engine, error) {
	switch {
	case p.NextN > 0:
		return nil, errors.New("the calibrated estimator does not know multi-token prediction: nextn must be 0")
	case p.Layout.PP > 1:
		return nil, errors.New("the calibrated estimator does not know pipeline parallelism: pp must be 1")
	}
	k, err := spanKernels(p)
	if err != nil {
		return nil, err
	}
	constants := s.of(p.DB.Backend, familyOf(p.DB.Backend, version, Exact))
	return &Engine{Plan: p, cost: NewStepCost(k, constants)}, nil
}

// Forecast is the calibrated estimate of a configuration under a load.
type Forecast struct {
	Prediction
	Budget         Budget
	MostConcurrent int // whole requests that the KV cache holds, over all ranks
}

// Forecast simulates a load. Requests that would never fit are a [*NoRoomError];
// more of them than fit wait for room.
func (e *Engine) Forecast(l Load) (Forecast, error) {
	if err := l.check(); err != nil {
		return Forecast{}, err
	}
	schedule := NewSchedule(e.Plan.DB.Backend, e.Plan, l, ByConfigurator)
	b := NewBudget(e.Plan, schedule.TokenBudget, ByConfigurator)
	most := b.Most(estimator.Workload{ISL: l.ISL, OSL: l.OSL})
	if most < 1 {
		return Forecast{}, &NoRoomError{b, l.ISL, l.OSL, 1}
	}
	schedule.KVTokens = b.Tokens
	ranks := e.Plan.Layout.DP
	p := Predict(e.cost, schedule, ranks, l)
	if served := p.TokensPerSec / float64(l.OSL); l.Rate > 0 && served < steadyShare*1000*l.Rate {
		return Forecast{}, fmt.Errorf("%.3g requests/s arrive and %.3g are served: they wait ever longer", 1000*l.Rate, served)
	}
	return Forecast{Prediction: p, Budget: b, MostConcurrent: most * ranks}, nil
}

// steadyShare is how much of what arrives at random an engine serves at least by the
// time of the last arrival and a little more, unless a queue has built up.
const steadyShare = 0.96

// Workers are some engines of one role of a disaggregated deployment.
type Workers struct {
	*Engine
	Count int
}

// ForecastPair simulates a closed loop on prefill and decode workers; a prefill step
// takes as many whole prompts a rank as prompts says. The budget is that of a decode
// worker.
func ForecastPair(prefill, decode Workers, prompts int, l Load) (Forecast, error) {
	if err := l.check(); err != nil {
		return Forecast{}, err
	}
	p := newPair(side{prefill.Plan, prefill.cost, prefill.Count}, side{decode.Plan, decode.cost, decode.Count}, prompts*l.ISL, ByConfigurator)
	if b := NewBudget(prefill.Plan, prompts*l.ISL, ByConfigurator); b.Tokens < l.ISL {
		return Forecast{}, &NoRoomError{b, l.ISL, 0, 1}
	}
	b := NewBudget(decode.Plan, p.Decode.MaxSequences, ByConfigurator)
	most := b.Most(estimator.Workload{ISL: l.ISL, OSL: l.OSL})
	if most < 1 {
		return Forecast{}, &NoRoomError{b, l.ISL, l.OSL, 1}
	}
	o := SimulatePair(&p, l)
	return Forecast{
		Prediction: summarize(o, weigh(&o), l), Budget: b, MostConcurrent: most * p.Decode.Ranks * decode.Count,
	}, nil
}
