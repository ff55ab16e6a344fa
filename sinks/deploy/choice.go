package deploy

// The two ways of serving, and the roles of their workers.
const (
	Agg     = "agg"
	Disagg  = "disagg"
	Prefill = "prefill"
	Decode  = "decode"
)

// Choice is a configuration that the search chose, with what the rules need to
// know about model and hardware.
type Choice struct {
	Mode string // [Agg] or [Disagg]

	ModelPath    string // as the engine is to load it
	IsMoE        bool
	MaxPositions int // longest context of the model, tokens; 0 = not known

	Backend string // vllm, trtllm or sglang
	Version string // engine version behind the prediction

	TotalGPUs        int // budget
	ISL, OSL, Prefix int // tokens
	NextN            int // drafts of multi-token prediction per step
	WideEP           bool
	TTFT, TPOT       float64 // predicted, ms; recorded only

	// Workers, by mode: Agg alone, or Prefill and Decode.
	Agg, Prefill, Decode *Worker
}

// Worker is one engine instance of a role, and how many of them a replica has.
type Worker struct {
	Count                    int // in one replica
	TP, PP, DP, MoETP, MoEEP int // ways
	BatchSize                int // requests per data-parallel rank
	CtxTokens                int // context tokens of a mixed step; 0 = one prompt

	GEMM, MoE, KVCache, FMHA, Comm string // numeric formats of the prediction

	System      string
	SM          int // CUDA compute capability x 10
	GPUsPerNode int

	Memory Memory
}

// Memory is what one GPU of a worker is predicted to hold, GiB.
type Memory struct {
	Weights, Activations, KVCache float64
	Total                         float64 // the three, and what the runtime takes
	Capacity                      float64 // of the GPU
}

// needed is what the engine has to get of a GPU.
func (m Memory) needed() float64 { return m.Weights + m.Activations + m.KVCache }

// gpus is the number of GPUs that the prediction is about.
func (w *Worker) gpus() int { return w.TP * w.PP * w.DP }

// concurrency is the number of requests that one worker holds.
func (w *Worker) concurrency() int { return w.BatchSize * w.PP * w.DP }

// roles lists the roles of a mode with their workers, in the order in which
// they are rendered.
func (c *Choice) roles() []roleWorker {
	if c.Mode == Agg {
		return []roleWorker{{Agg, c.Agg}}
	}
	return []roleWorker{{Prefill, c.Prefill}, {Decode, c.Decode}}
}

type roleWorker struct {
	name   string
	worker *Worker
}
