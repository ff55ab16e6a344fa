package calibrate

import (
	"math"

	"servegrid/estimator"
)

// Deployment is who chose the settings of an engine.
type Deployment int

// The deployments.
const (
	// ByConfigurator: as the peer and this program write them: a step has room for
	// one prompt beside the decoding sequences.
	ByConfigurator Deployment = iota

	// ByBenchmark: the engine's own defaults, as InferenceX mostly keeps them.
	ByBenchmark
)

// Defaults of the engines, tokens. Sources: the engines' documentation of
// max_num_tokens, max_num_batched_tokens and chunked_prefill_size.
const (
	defaultStepTokens = 8192
	stepHeadroom      = 64 // prompts are not cut to the token
)

// balanceSteps is how long TensorRT-LLM lets prompts of one data-parallel rank
// wait for those of the others. Source: timeout_iters of its attention_dp_config
// examples is 50; a wait that others end earlier is a little shorter.
const balanceSteps = 40

// NewSchedule is how an engine fills its steps.
//
// TensorRT-LLM takes whole prompts while they fit into a step. vLLM splits prompts
// over steps. SGLang computes prompts alone, in chunks, before it decodes on.
func NewSchedule(backend string, p *estimator.Plan, l Load, d Deployment) Schedule {
	s := Schedule{Chunked: true, TokenBudget: defaultStepTokens, MaxSequences: 1024, ReserveOutput: 0.5}
	onePrompt := l.ISL + l.Concurrency + stepHeadroom
	switch backend {
	case "trtllm":
		s.Chunked, s.ReserveOutput, s.BalanceSteps = false, 1, balanceSteps
		s.TokenBudget = max(defaultStepTokens, onePrompt)
		if d == ByConfigurator {
			s.TokenBudget = onePrompt
		}
	case "sglang":
		s.PromptsAlone = true
	default:
		if d == ByConfigurator {
			s.TokenBudget = onePrompt
		}
	}
	s.KVTokens = kvBudget(backend, p, s.TokenBudget, p.CapacityGiB(), d)
	return s
}

// Shares of memory that engines work with by default. Sources: the engines'
// documentation of free_gpu_memory_fraction, gpu_memory_utilization and
// mem_fraction_static.
const (
	trtllmFreeShare   = 0.9  // of what weights and activations leave free
	vllmMemoryShare   = 0.9  // of the GPU, weights and activations included
	sglangStaticShare = 0.88 // of the GPU, for weights and KV cache
)

// configuredShare is what AIConfigurator makes of TensorRT-LLM's and SGLang's shares.
// Source: free_gpu_memory_fraction in the files that it writes; measurements of a
// model that hardly fits say the same of both.
const configuredShare = 0.8

// Below leastKVTokens an engine would not start with its default share.
const (
	leastKVTokens   = 4096
	mostMemoryShare = 0.97
)

// kvBudget is the number of tokens that the KV cache of one data-parallel rank held in
// a measured run; 0 where the weights alone do not fit. stepTokens are those of its
// largest step, capacity is the memory of a GPU in GiB. Unlike [NewBudget], which says
// what an engine can be promised, it gives a model that hardly fits what there is: it ran.
func kvBudget(backend string, p *estimator.Plan, stepTokens int, capacity float64, d Deployment) int {
	const probe = 1 << 20 // tokens, to read what one takes
	m := p.Memory(1, estimator.Workload{ISL: probe}, stepTokens)
	perToken := m.KVCache / probe
	if perToken <= 0 {
		return math.MaxInt32
	}
	free, trtllm, sglang := 0.0, trtllmFreeShare, sglangStaticShare
	if d == ByConfigurator {
		trtllm, sglang = configuredShare, configuredShare
	}
	switch backend {
	case "trtllm":
		free = trtllm * (capacity - m.Weights - m.Activations - m.NCCL - m.Others)
	case "sglang":
		free = sglang*capacity - m.Weights
	default:
		free = vllmMemoryShare*capacity - m.Weights - m.Activations
	}
	if free < perToken*leastKVTokens {
		// Whoever serves such a model gives it what there is.
		free = mostMemoryShare*capacity - m.Weights
	}
	return int(min(math.MaxInt32, max(0, free/perToken)))
}
