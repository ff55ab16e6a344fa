package calibrate

import (
	"cmp"
	"math"
	"slices"
)

// Prediction is what a configuration does under a load.
type Prediction struct {
	TTFT, TPOT   float64 // means over requests, ms
	TokensPerSec float64 // output tokens of all ranks, as the mean latencies imply in a closed loop
	Most         int     // most sequences that ran at a time, per rank

	ttft  []float64 // of every request
	waves waves
}

// Percentiles returns what half, nine tenths and 99 of 100 requests do not exceed in
// TTFT, ms.
func (p *Prediction) Percentiles() (p50, p90, p99 float64) {
	q := p.waves.quantiles(p.ttft, 0.5, 0.9, 0.99)
	return q[0], q[1], q[2]
}

// Predict simulates a case with an engine's constants. A closed loop is simulated
// for a few waves; the steady ones stand for those that the run has beside.
func (c *Case) Predict(k *Constants) Prediction {
	o, w := c.simulate(k)
	return summarize(o, w, c.Load)
}

// Predict simulates a load on an engine.
func Predict(cost *StepCost, s Schedule, ranks int, l Load) Prediction {
	o, w := simulateWaves(cost, s, ranks, l)
	return summarize(o, w, l)
}

// summarize takes means.
func summarize(o Outcome, w waves, l Load) Prediction {
	p := Prediction{TTFT: w.mean(o.TTFT), TPOT: w.mean(o.TPOT), Most: o.Most, ttft: o.TTFT, waves: w}
	if l.Concurrency > 0 {
		osl := float64(l.OSL) * (1 + l.MinShare) / 2
		p.TokensPerSec = 1000 * float64(l.Concurrency) * osl / (p.TTFT + p.TPOT*(osl-1))
	} else if o.Elapsed > 0 {
		p.TokensPerSec = 1000 * o.Tokens / o.Elapsed
	}
	return p
}

// means is [Case.Predict] without what a fit does not look at.
func (c *Case) means(k *Constants) (ttft, tpot float64) {
	o, w := c.simulate(k)
	return w.mean(o.TTFT), w.mean(o.TPOT)
}

// simulateWaves simulates a load and weighs its waves.
func simulateWaves(cost *StepCost, s Schedule, ranks int, l Load) (Outcome, waves) {
	o := Simulate(cost, s, ranks, l)
	return o, weigh(&o)
}

// weigh weighs the waves of an outcome.
func weigh(o *Outcome) waves {
	n := len(o.TTFT)
	w := waves{first: o.First, last: n - o.First, weight: 1}
	if steady := n - 2*o.First; steady > 0 && o.First > 0 {
		w.weight = float64(runWaves-2) * float64(o.First) / float64(steady)
	}
	return w
}

// waves weighs the requests of a simulation: those of the burst count once, and so do
// those of the last wave, which decode while ever fewer prompts come between; the steady
// ones count for all that a run has.
type waves struct {
	first, last int     // the steady requests: from first up to last
	weight      float64 // of each
}

func (w waves) of(i int) float64 {
	if i < w.first || i >= w.last {
		return 1
	}
	return w.weight
}

func (w waves) mean(v []float64) float64 {
	sum, total := 0.0, 0.0
	for i, x := range v {
		sum += w.of(i) * x
		total += w.of(i)
	}
	return sum / total
}

// quantiles returns the smallest values that the given shares of the requests do
// not exceed.
func (w waves) quantiles(v []float64, shares ...float64) []float64 {
	order := make([]int, len(v))
	total := 0.0
	for i := range order {
		order[i] = i
		total += w.of(i)
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Or(cmp.Compare(v[a], v[b]), a-b) })
	out := make([]float64, len(shares))
	for k, share := range shares {
		sum := 0.0
		out[k] = math.NaN()
		for _, i := range order {
			if sum += w.of(i); sum >= share*total-1e-9 {
				out[k] = v[i]
				break
			}
		}
	}
	return out
}
