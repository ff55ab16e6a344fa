package calibrate

// Constants say what an engine adds to the kernels of a step, and how far the
// kernels that were measured alone are from the same ones in a server. They belong
// to an engine, never to a model, a system or a point.
type Constants [NumConstants]float64

// The constants.
const (
	HostStep         = iota // scheduler and sampler of a step, ms
	HostSequence            // of each sequence that decodes, ms
	HostPrefill             // more for a step with prompts in it, ms
	Launch                  // launching kernels that no CUDA graph covers, ms per matrix multiplication with what is around it
	MatMulPrefill           // matrix multiplications in the server over alone, steps with prompts
	MatMulDecode            // the same, decode steps
	KernelGap               // of each multiplication and collective measured alone, what a CUDA graph hides, ms
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
	Transit                 // from the end of a step to the client, which then sends its next request, ms
	NumConstants
)

// scope is whom a constant belongs to, which says how far engines may differ in it.
type scope int

const (
	ofEngine  scope = iota
	ofKernels       // engines share kernels
	ofVersion       // one version says nothing about the next
	ofEach          // as far apart as the start allows
)

// constantInfo is the name of each constant, its unit, the value that a fit starts
// from, how far (standard deviation of its logarithm) data may easily move it, and
// its scope.
var constantInfo = [NumConstants]struct {
	name, unit    string
	start, spread float64
	scope         scope
}{
	HostStep:         {"host_step", "ms", 1.5, 0.7, ofEach},
	HostSequence:     {"host_sequence", "ms", 0.011, 1.5, ofEach},
	HostPrefill:      {"host_prefill", "ms", 2.0, 1, ofEngine},
	Launch:           {"launch", "ms per multiplication", 0.1, 0.7, ofEngine},
	MatMulPrefill:    {"matmul_prefill", "ratio", 1, 0.25, ofKernels},
	MatMulDecode:     {"matmul_decode", "ratio", 1, 0.2, ofKernels},
	KernelGap:        {"kernel_gap", "ms", 0.003, 0.7, ofKernels},
	ElementWise:      {"element_wise", "ratio", 0.5, 0.5, ofKernels},
	Communication:    {"communication", "ratio", 0.7, 0.4, ofKernels},
	ExpertsHopper:    {"experts_hopper", "ratio", 1, 0.4, ofKernels},
	ExpertsBlackwell: {"experts_blackwell", "ratio", 1, 0.6, ofKernels},
	ExpertsFormula:   {"experts_formula", "ratio", 0.5, 0.5, ofKernels},
	ExpertsPrefill:   {"experts_prefill", "ratio", 1, 0.3, ofKernels},
	AttentionDecode:  {"attention_decode", "ratio", 1, 0.3, ofKernels},
	LatentDecode:     {"latent_decode", "ratio", 0.7, 0.5, ofKernels},
	LatentPrefill:    {"latent_prefill", "ratio", 1, 0.4, ofKernels},
	AttentionPrefill: {"attention_prefill", "ratio", 1, 0.3, ofKernels},
	FrontRequest:     {"front_request", "ms", 1, 1, ofVersion},
	FrontPrompt:      {"front_prompt", "ms per 1,000 tokens", 1, 0.7, ofEngine},
	FrontToken:       {"front_token", "ms", 0.01, 0.7, ofVersion},
	Transit:          {"transit", "ms", 10, 0.3, ofEngine},
}

// Engines share their kernels: what is about those may move less from engine to
// engine, by that factor. What the front process takes for a request or a token is
// an affair of a version, so that the levels above are held and the version is not.
const (
	kernelShare  = 0.15
	versionsHeld = 0.25
	versionFree  = 5
)

// spread is how far data may easily move a constant at a level.
func spread(i int, at Level) float64 {
	k := &constantInfo[i]
	s := k.spread * float64(at)
	switch {
	case k.scope == ofEach:
		return k.spread
	case k.scope == ofVersion && at == OneFamily:
		return s * versionFree
	case k.scope == ofVersion:
		return s * versionsHeld
	case k.scope == ofKernels && (at == OneEngine || at == OneFamily):
		return s * kernelShare
	}
	return s
}

// Start are the constants that a fit starts from.
func Start() Constants {
	var c Constants
	for i := range c {
		c[i] = constantInfo[i].start
	}
	return c
}
