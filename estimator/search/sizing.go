package search

import (
	"fmt"
	"math"

	"servegrid/estimator"
)

// Sizing is a worker that holds a model, found without any search.
type Sizing struct {
	Plan      *estimator.Plan
	BatchSize int // largest that fits, up to [MostFitBatch]

	WeightsGiB  float64 // of the whole model
	RequiredGiB float64 // with head-room for everything else
}

// How a model is fitted. Source: AIConfigurator 0.12.0, which has the factor and
// the powers of two, and assumes a batch whatever the memory.
const (
	fitHeadroom  = 1.5 // of the weights, for KV cache, activations and the runtime
	MostFitBatch = 256
)

// NeedGPUsError says that a model takes more GPUs than there are.
type NeedGPUsError struct {
	Need, Have  int
	RequiredGiB float64
}

func (e *NeedGPUsError) Error() string {
	return fmt.Sprintf("weights with head-room take %.0f GiB: at least %d GPUs are needed, and there are %d", e.RequiredGiB, e.Need, e.Have)
}

// Fit finds the smallest worker that holds the model of a configuration in its
// formats: a power of two of tensor parallel GPUs within a node, and pipeline
// stages over several. naive counts the weights as AIConfigurator 0.12.0 does:
// from a rule of thumb, two bytes each.
//
// When there are too few GPUs it returns a [*NeedGPUsError], with the largest worker
// that they allow.
func Fit(c estimator.Config, w estimator.Workload, totalGPUs int, naive bool) (Sizing, error) {
	whole, err := compileFit(c, 1, 1)
	if err != nil {
		return Sizing{}, err
	}
	s := Sizing{WeightsGiB: whole.Memory(1, w, w.ISL).Weights}
	if naive {
		s.WeightsGiB = naiveWeightsGiB(c.Model)
	}
	s.RequiredGiB = fitHeadroom * s.WeightsGiB
	gpus := powerOfTwo(int(math.Ceil(s.RequiredGiB / whole.CapacityGiB())))
	node := c.DB.System.GPUsPerNode
	for {
		tp, pp := min(gpus, node), 1
		if gpus > node {
			pp = (gpus + node - 1) / node
		}
		if tp*pp > totalGPUs {
			short := &NeedGPUsError{tp * pp, totalGPUs, s.RequiredGiB}
			s.BatchSize = 1
			if s.Plan, err = compileFit(c, min(powerOfTwo(totalGPUs+1)/2, node), 1); err != nil {
				return s, err
			}
			return s, short
		}
		if s.Plan, err = compileFit(c, tp, pp); err != nil {
			return s, err
		}
		if s.BatchSize = largestBatch(s.Plan, w); s.BatchSize > 0 {
			return s, nil
		}
		gpus *= 2 // the weights fit, but not one request
	}
}

// compileFit compiles a worker whose experts, if any, are cut like its attention.
func compileFit(c estimator.Config, tp, pp int) (*estimator.Plan, error) {
	c.Layout = estimator.Layout{TP: tp, PP: pp, DP: 1, MoETP: 1, MoEEP: 1}
	if c.Model.IsMoE() {
		c.Layout.MoETP = tp
	}
	return estimator.Compile(c)
}

// largestBatch is the largest batch whose memory fits beside a prompt, 0 when
// none does.
func largestBatch(p *estimator.Plan, w estimator.Workload) int {
	for b := MostFitBatch; b > 0; b-- {
		if p.Fits(p.Memory(b, w, w.ISL+b-1).Total()) {
			return b
		}
	}
	return 0
}

// powerOfTwo is the smallest power of two from n on.
func powerOfTwo(n int) int {
	p := 1
	for p < n {
		p *= 2
	}
	return p
}

// naiveWeightsGiB is the rule of thumb of AIConfigurator 0.12.0: square attention
// projections, a gated feed-forward in every layer or expert, 16-bit weights.
func naiveWeightsGiB(m *estimator.Model) float64 {
	h, ffn := m.Hidden, 3*m.Hidden*m.Intermediate
	if m.Experts > 1 {
		inter := m.MoEInter
		if inter == 0 {
			inter = m.Intermediate
		}
		ffn = 3*h*inter*m.Experts + h*m.Experts
	}
	params := m.Vocab*h + m.Layers*(4*h*h+ffn+4*h)
	return float64(2*params) / estimator.GiB
}
