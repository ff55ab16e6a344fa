package calibrate

import (
	"math"

	"servegrid/estimator"
)

// Constants say what an engine adds to the kernels of a step, and how far the
// kernels that were measured alone are from the same ones in a server. They belong
// to an engine, never to a model, a system or a point.
type Constants [NumConstants]float64

// The constants.
const (
	HostStep         = iota // scheduler and sampler of a step, ms
	HostSequence            // of each sequence that decodes, ms
	HostPrefill             // more for a step with prompts in it, ms
	Launch                  // launching the kernels of a step with prompts, which no CUDA graph covers, ms per layer
	LaunchExperts           // the same of layers with experts, which have many more kernels
	MatMulPrefill           // matrix multiplications in the server over alone, steps with prompts
	MatMulDecode            // the same, decode steps
	MatMulGap               // of each multiplication measured alone, what a CUDA graph hides, ms
	ElementWise             // element-wise kernels: fused in the server
	Communication           // collectives: overlapped and fused in the server
	ExpertsHopper           // measured expert layers up to compute capability 9
	ExpertsBlackwell        // measured ones from compute capability 10
	ExpertsFormula          // expert layers that only a formula prices
	ExpertsPrefill          // expert layers of steps with prompts, on top of that
	AttentionDecode         // attention of decode steps
	AttentionPrefill        // attention of prompts
	LatentDecode            // latent attention of decode steps
	LatentPrefill           // latent attention of prompts
	FrontRequest            // process in front of the engine: each request, ms
	FrontPrompt             // its tokenizer, ms per 1,000 prompt tokens
	FrontToken              // its work on each output token, ms
	FirstToken              // from the end of the step to the client, ms
	StreamLag               // steps that a first token waits where tokens are streamed in groups
	NumConstants
)

// constantInfo is the name of each constant, its unit, the value that a fit starts
// from, and how far (standard deviation of its logarithm) data may easily move it.
var constantInfo = [NumConstants]struct {
	name, unit    string
	start, spread float64
	kernel        bool // about kernels, which engines share, not about the engine
}{
	HostStep:         {"host_step", "ms", 1.5, 1, false},
	HostSequence:     {"host_sequence", "ms", 0.011, 1, false},
	HostPrefill:      {"host_prefill", "ms", 2.0, 1, false},
	Launch:           {"launch", "ms per layer", 0.25, 0.7, false},
	LaunchExperts:    {"launch_experts", "ms per layer", 0.6, 1, false},
	MatMulPrefill:    {"matmul_prefill", "ratio", 1, 0.25, true},
	MatMulDecode:     {"matmul_decode", "ratio", 1, 0.2, true},
	MatMulGap:        {"matmul_gap", "ms", 0.003, 0.7, true},
	ElementWise:      {"element_wise", "ratio", 0.5, 0.5, true},
	Communication:    {"communication", "ratio", 0.7, 0.4, true},
	ExpertsHopper:    {"experts_hopper", "ratio", 1, 0.4, true},
	ExpertsBlackwell: {"experts_blackwell", "ratio", 1, 0.6, true},
	ExpertsFormula:   {"experts_formula", "ratio", 0.5, 0.5, true},
	ExpertsPrefill:   {"experts_prefill", "ratio", 1, 0.3, true},
	AttentionDecode:  {"attention_decode", "ratio", 1, 0.3, true},
	LatentDecode:     {"latent_decode", "ratio", 0.7, 0.5, true},
	LatentPrefill:    {"latent_prefill", "ratio", 1, 0.4, true},
	AttentionPrefill: {"attention_prefill", "ratio", 1, 0.3, true},
	FrontRequest:     {"front_request", "ms", 1, 1, false},
	FrontPrompt:      {"front_prompt", "ms per 1,000 tokens", 1, 0.7, false},
	FrontToken:       {"front_token", "ms", 0.01, 0.7, false},
	FirstToken:       {"first_token", "ms", 8, 2, false},
	StreamLag:        {"stream_lag", "steps", 4, 1, false},
}

// spread is how far data may easily move a constant at a level. Engines share their
// kernels. What the front process takes for a token is an affair of a version: one
// that is slow says nothing about the next.
func spread(i int, at Level) float64 {
	s := constantInfo[i].spread * float64(at)
	switch {
	case constantInfo[i].kernel && at != AllEngines:
		s *= kernelShare
	case i == FrontToken && at == OneFamily:
		s *= 5
	}
	return s
}

// kernelShare is how much less the factors of kernels may move from engine to engine
// than what is the engine's own.
const kernelShare = 0.15

// Start are the constants that a fit starts from.
func Start() Constants {
	var c Constants
	for i := range c {
		c[i] = constantInfo[i].start
	}
	return c
}

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
	s := &StepCost{k: k, c: c, launchFloor: c[Launch] * k.Layers}
	if k.Experts {
		s.launchFloor = c[LaunchExperts] * k.Layers
	}
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
	p[estimator.MatMul] = max(p[estimator.MatMul]/4, p[estimator.MatMul]-s.c[MatMulGap]*s.k.MatMuls)
	return dot(&p, &s.scale[1]) + s.attend[1]*s.k.decodeAttention(n, length) + s.c[HostStep] + s.c[HostSequence]*n
}

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
