package calibrate

import (
	"fmt"
	"math"

	"servegrid/estimator"
)

// Budget is how an engine divides the memory of one GPU when it starts, in GiB.
type Budget struct {
	Setting string  // the engine's name for the share
	Share   float64 // of what it counts

	Capacity, Weights, Activations, Runtime float64 // Runtime: communication buffers and the CUDA context

	KVCache float64 // what is left for the KV cache, 0 where the weights take it all
	Tokens  int     // that one data-parallel rank holds in it
}

// deployedShare is what deployment files of the peer and of this program give
// TensorRT-LLM at least, and what SGLang takes at least where they leave it the choice.
const deployedShare = 0.8

// NewBudget divides the memory of a plan's GPU; stepTokens are those of the engine's
// largest step, d says whether the share is the engine's default or that of deployment
// files.
//
// TensorRT-LLM gives the cache free_gpu_memory_fraction of what weights and the
// activations of a largest step leave free. vLLM may take gpu_memory_utilization of
// the GPU for all but CUDA graphs, and the cache gets what a profiled largest step
// leaves of that. SGLang gives weights and cache together mem_fraction_static of
// what is free once its processes have connected; activations and graphs live in
// the rest, so the cache is cut where they would not fit there.
// Sources: TensorRT-LLM's KvCacheConfig, vLLM's determine_available_memory, SGLang's
// profile_max_num_token.
func NewBudget(p *estimator.Plan, stepTokens int, d Deployment) Budget {
	const probe = 1 << 20 // tokens, to read what one takes
	m := p.Memory(1, estimator.Workload{ISL: probe}, stepTokens)
	b := Budget{Capacity: p.CapacityGiB(), Weights: m.Weights, Activations: m.Activations, Runtime: m.NCCL + m.Others}
	free := b.Capacity - b.Weights - b.Activations - b.Runtime
	share := func(byDefault float64) float64 {
		if d == ByConfigurator {
			return deployedShare
		}
		return byDefault
	}
	switch p.DB.Backend {
	case "trtllm":
		b.Setting, b.Share = "free_gpu_memory_fraction", share(trtllmFreeShare)
		b.KVCache = b.Share * free
	case "sglang":
		b.Setting, b.Share = "mem_fraction_static", share(sglangStaticShare)
		b.KVCache = min(free, b.Share*(b.Capacity-b.Runtime)-b.Weights)
	default:
		b.Setting, b.Share = "gpu_memory_utilization", vllmMemoryShare
		b.KVCache = b.Share*b.Capacity - b.Weights - b.Activations - b.Runtime
	}
	b.KVCache = max(0, b.KVCache)
	b.Tokens = math.MaxInt32
	if perToken := m.KVCache / probe; perToken > 0 {
		b.Tokens = int(min(math.MaxInt32, b.KVCache/perToken))
	}
	return b
}

// Most is how many whole requests of a workload the cache of one rank holds: as many
// run without one being evicted or kept out.
func (b *Budget) Most(w estimator.Workload) int { return b.Tokens / (w.ISL + w.OSL) }

// NoRoomError says that a budget's KV cache holds fewer requests than are to run.
type NoRoomError struct {
	Budget   Budget
	ISL, OSL int
	Batch    int // requests of a rank that are to run
}

func (e *NoRoomError) Error() string {
	b := &e.Budget
	if b.Tokens < e.ISL+e.OSL {
		return fmt.Sprintf("the KV cache holds %d tokens beside the weights: not one request of %d + %d", b.Tokens, e.ISL, e.OSL)
	}
	return fmt.Sprintf("the KV cache holds %d tokens at %s %g: %d requests of %d + %d, not %d", b.Tokens, b.Setting, b.Share,
		b.Tokens/(e.ISL+e.OSL), e.ISL, e.OSL, e.Batch)
}
