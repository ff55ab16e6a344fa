package calibrate

import (
	"fmt"

	"servegrid/estimator"
)

// A run sends about runWaves prompts a slot. Where many are in flight a simulation sends
// fewer: between the burst and the last wave all is steady, so it is weighed instead of
// repeated.
const (
	runWaves       = 10
	simulatedWaves = 5
	fewInFlight    = 32
)

// mostInFlight bounds the requests in flight of a simulation; no published deployment
// has a hundredth of it.
const mostInFlight = 1 << 20

// check reports a load that would take forever to simulate.
func (l Load) check() error {
	if l.Concurrency > mostInFlight {
		return &Refusal{fmt.Sprintf("%d requests in flight, want at most %d", l.Concurrency, mostInFlight)}
	}
	return nil
}

// ClosedLoop is a run that keeps a number of requests in flight from a burst on,
// all of the same length.
func ClosedLoop(concurrency int, w estimator.Workload) Load {
	n := runWaves
	if concurrency >= fewInFlight {
		n = simulatedWaves
	}
	return Load{Concurrency: concurrency, Requests: n * concurrency, ISL: w.ISL, OSL: w.OSL, Prefix: w.Prefix, MinShare: 1}
}

// poissonRequests is how many requests of an open loop are simulated: enough for a
// 99th percentile that is steady to a few per cent at four fifths of the capacity.
const poissonRequests = 20000

// Poisson is an open loop: requests arrive at random, rate of them a second.
func Poisson(rate float64, w estimator.Workload) Load {
	return Load{Rate: rate / 1000, Requests: poissonRequests, ISL: w.ISL, OSL: w.OSL, Prefix: w.Prefix, MinShare: 1}
}
