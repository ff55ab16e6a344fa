package jobs

// Experiment is one experiment of an experiment file, with the defaults of the
// file format filled in. What stays at its zero value is left to the search.
type Experiment struct {
	Name        string // becomes part of paths, like the name of a [Spec]
	Replace     bool   // nothing was left to defaults: mode replace
	ServingMode string // ModeAgg or ModeDisagg
	Model       string // as the file spells it
	TotalGPUs   int
	Workload    Workload

	// Limits in ms. A RequestLatency above 0 replaces the limit on TPOT.
	TTFT, TPOT, RequestLatency float64

	DatabaseMode string   // DatabaseSilicon or another mode
	Search       string   // SearchReference or SearchExhaustive
	Profiles     []string // named sets of formats, the last one counts
	QuantMode    string   // format of experts and matrix multiplications; "" = by the GPU

	WideEP           bool
	MoEBackend       string // "" = the engine's own
	AttentionBackend string // of wide EP; "" = the reference's choice
	NextN            int    // drafts per step; -1 = by the model
	AcceptRates      []float64

	Agg             WorkerBlock // with ModeAgg
	Prefill, Decode WorkerBlock // with ModeDisagg, as are the settings below
	Replica         ReplicaBlock
	Tuning          TuningBlock
}

// WorkerBlock is what a file says about the workers of one role. A nil list and
// an empty format are left to the search.
type WorkerBlock struct {
	System, Backend string
	Version         string // "" = the newest

	GPUs, TP, PP, DP, MoETP, MoEEP []int
	GEMM, MoE, KVCache, FMHA, Comm string
}

// ReplicaBlock bounds replicas; 0 and nil stand for the default.
type ReplicaBlock struct {
	GPUs                  []int // GPU totals that a replica may have
	AnyGPUs               bool  // every total; GPUs is then empty
	MaxGPUs               *int  // 0 = as many as there are
	MaxPrefill, MaxDecode int   // workers of each role
}

// TuningBlock holds factors and batch sizes of disaggregated workers; 0 stands
// for the default.
type TuningBlock struct {
	PrefillCorrection, DecodeCorrection float64
	PrefillMaxBatch, DecodeMaxBatch     int
}

// Defaults of the workload, in tokens.
const (
	DefaultISL = 4000
	DefaultOSL = 1000
)

// Values of the key "mode" of an experiment: lay what is given over the defaults,
// or take no defaults.
const (
	modePatch   = "patch"
	modeReplace = "replace"
)

// ParseExperiments reads an experiment file: a mapping of experiments by name,
// and the list "exps" where only some of them are to run, or in another order.
//
// Every mistake of the experiments that would run is reported, as [Parse] does.
func ParseExperiments(file string, src []byte, known Known) ([]Experiment, error) {
	p := &parser{mistakes: mistakes{file: file}, known: known}
	list := p.experiments(p.root(src, document{"an experiment file", "experiments: mappings with serving_mode, model_path, total_gpus and system_name"}))
	if len(p.list) > 0 {
		return nil, p.err()
	}
	return list, nil
}
