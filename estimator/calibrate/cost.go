package calibrate

import (
	"math"

	"servegrid/estimator"
)

// StepCost prices the steps of an engine.
type StepCost struct {
	k *Kernels
	c *Constants

	scale       [2]estimator.Parts // factors of the parts: steps with prompts, decode steps
	launchFloor float64
	attend      [2]float64 // factors of attention: prompts, decode steps
}

// NewStepCost prices the steps of a plan with an engine's constants.
func NewStepCost(k *Kernels, c *Constants) *StepCost {
	s := &StepCost{k: k, c: c, launchFloor: c[Launch] * k.Launches}
	experts := c[ExpertsHopper]
	switch {
	case k.ExpertsByFormula:
		experts = c[ExpertsFormula]
	case k.Blackwell:
		experts = c[ExpertsBlackwell]
	}
	s.attend = [2]float64{c[AttentionPrefill], c[AttentionDecode]}
	if k.Latent {
		s.attend = [2]float64{c[LatentPrefill], c[LatentDecode]}
	}
	s.scale[0] = estimator.Parts{c[MatMulPrefill], c[ElementWise], experts * c[ExpertsPrefill], c[Communication]}
	s.scale[1] = estimator.Parts{c[MatMulDecode], c[ElementWise], experts, c[Communication]}
	return s
}

func dot(a, b *estimator.Parts) float64 {
	return a[0]*b[0] + a[1]*b[1] + a[2]*b[2] + a[3]*b[3]
}

// Decode is the latency in ms of a step in which n sequences of a mean length
// decode.
func (s *StepCost) Decode(n, length float64) float64 {
	p := partsAt(s.k.generation, n)
	p[estimator.MatMul] = withoutGaps(p[estimator.MatMul], s.c[KernelGap]*s.k.MatMuls)
	p[estimator.Communication] = withoutGaps(p[estimator.Communication], s.c[KernelGap]*s.k.Collectives)
	return dot(&p, &s.scale[1]) + s.attend[1]*s.k.decodeAttention(n, length) + s.c[HostStep] + s.c[HostSequence]*n
}

// withoutGaps is a latency without what a CUDA graph hides of it: never less than a quarter.
func withoutGaps(latency, gaps float64) float64 { return max(latency/4, latency-gaps) }

// Mixed is the latency in ms of a step that computes prompt tokens, with their
// attention, beside n decoding sequences; heads sequences leave it with a token.
func (s *StepCost) Mixed(tokens, attention, n, length, heads float64) float64 {
	p := partsAt(s.k.context, tokens+n)
	device := dot(&p, &s.scale[0]) + s.c[MatMulPrefill]*between(s.k.head, math.Max(1, heads)) +
		s.attend[0]*attention + s.attend[1]*s.k.decodeAttention(n, length)
	return smoothMax(device, s.launchFloor) + s.c[HostStep] + s.c[HostPrefill] + s.c[HostSequence]*n
}

// smoothMax is a maximum without an edge: what overlaps is not quite hidden.
func smoothMax(a, b float64) float64 {
	if b == 0 {
		return a
	}
	a2, b2 := a*a, b*b
	return math.Sqrt(math.Sqrt(a2*a2 + b2*b2))
}
