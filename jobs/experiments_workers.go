package jobs

import "slices"

var (
	workerKeys = []string{
		"num_gpu_per_worker", "tp_list", "pp_list", "dp_list", "moe_tp_list", "moe_ep_list",
		"gemm_quant_mode", "moe_quant_mode", "kvcache_quant_mode", "fmha_quant_mode", "comm_quant_mode",
		"system_name", "backend_name", "backend_version",
	}
	replicaKeys = []string{"num_gpu_per_replica", "max_gpu_per_replica", "max_prefill_worker", "max_decode_worker"}
	tuningKeys  = []string{"prefill_latency_correction_scale", "decode_latency_correction_scale", "prefill_max_batch_size", "decode_max_batch_size"}
)

// disaggKeys are those of the overlay that only disaggregated serving has.
var disaggKeys = []string{"prefill_worker_config", "decode_worker_config", "replica_config", "advanced_tuning_config"}

// aggWorkerKeys are the two words for the block of aggregated workers.
var aggWorkerKeys = []string{"agg_worker_config", "worker_config"}

// workers reads the blocks of the serving mode; top holds what they share. An
// unknown mode has all of them, to find their mistakes.
func (b *block) workers(x *Experiment, top *block) {
	base := top.base("system_name", WorkerBlock{})
	if x.ServingMode != ModeDisagg {
		x.Agg = b.worker(b.aggWorkers(), base)
	} else {
		b.refuse(aggWorkerKeys, ModeAgg)
	}
	if x.ServingMode == ModeAgg {
		b.refuse(disaggKeys, ModeDisagg)
		top.refuse([]string{"decode_system_name"}, ModeDisagg)
		return
	}
	x.Prefill = b.worker("prefill_worker_config", base)
	if _, ok := top.given["decode_system_name"]; ok {
		base.System = top.system("decode_system_name")
	}
	x.Decode = b.worker("decode_worker_config", base)
	b.replica(&x.Replica)
	b.tuning(&x.Tuning)
}

// aggWorkers is the word that the file uses for the block of aggregated workers.
func (b *block) aggWorkers() string {
	f, ok := b.given["worker_config"]
	if !ok {
		return "agg_worker_config"
	}
	if _, both := b.given["agg_worker_config"]; both {
		b.add(f.line, "%s: worker_config is another word for agg_worker_config: keep one of them", b.what)
	}
	return "worker_config"
}

// refuse reports keys of the other serving mode.
func (b *block) refuse(keys []string, mode string) {
	for _, key := range keys {
		if f, ok := b.given[key]; ok {
			b.add(f.line, "%s: %s belongs to serving_mode %s", b.what, key, mode)
		}
	}
}

// base reads where workers run; what is not given is that of def. Another backend
// has versions of its own.
func (b *block) base(systemKey string, def WorkerBlock) WorkerBlock {
	out := def
	if _, ok := b.given[systemKey]; ok {
		out.System = b.system(systemKey)
	}
	if out.Backend == "" {
		out.Backend = DefaultBackend
	}
	if backend := b.choiceOf("backend_name", out.Backend, b.known.Backends...); backend != out.Backend {
		out.Backend, out.Version = backend, ""
	}
	b.readName("backend_version", &out.Version)
	return out
}

func (b *block) system(key string) string {
	f := b.given[key]
	name, ok := b.text(key, f.value)
	switch {
	case !ok:
	case slices.Contains(b.known.Systems, name):
		return name
	case slices.Contains(b.known.Systems, systemAliases[name]):
		return systemAliases[name]
	default:
		b.add(f.value.Line, "%s: %v", key, unknown("system", name, b.known.Systems))
	}
	return ""
}

// worker reads the block of one role.
func (b *block) worker(key string, base WorkerBlock) WorkerBlock {
	in := b.inner(key, workerKeys)
	out := in.base("system_name", base)
	in.needs(workerKeys[:6])
	for i, dst := range []*[]int{&out.GPUs, &out.TP, &out.PP, &out.DP, &out.MoETP, &out.MoEEP} {
		in.readInts(workerKeys[i], dst, waysAxis)
	}
	for i, dst := range []*string{&out.GEMM, &out.MoE, &out.KVCache, &out.FMHA, &out.Comm} {
		in.readName(workerKeys[6+i], dst)
	}
	return out
}

func (b *block) replica(out *ReplicaBlock) {
	in := b.inner("replica_config", replicaKeys)
	in.readInts("num_gpu_per_replica", &out.GPUs, waysAxis)
	// A null says that any total will do; elsewhere it means absent.
	if f, ok := b.given["replica_config"]; ok && in.given["num_gpu_per_replica"].value == nil {
		for i := 0; i+1 < len(f.value.Content); i += 2 {
			out.AnyGPUs = out.AnyGPUs || deref(f.value.Content[i]).Value == "num_gpu_per_replica"
		}
	}
	if out.AnyGPUs {
		in.needs(replicaKeys[1:])
	} else {
		in.needs(replicaKeys)
	}
	if _, ok := in.given["max_gpu_per_replica"]; ok {
		out.MaxGPUs = new(int)
		in.readInt("max_gpu_per_replica", out.MaxGPUs, mostGPUsAxis)
	}
	in.readInt("max_prefill_worker", &out.MaxPrefill, mostWorkersAxis)
	in.readInt("max_decode_worker", &out.MaxDecode, mostWorkersAxis)
}

func (b *block) tuning(out *TuningBlock) {
	in := b.inner("advanced_tuning_config", tuningKeys)
	in.needs(tuningKeys)
	in.readFloat(tuningKeys[0], &out.PrefillCorrection, scaleAxis)
	in.readFloat(tuningKeys[1], &out.DecodeCorrection, scaleAxis)
	in.readInt(tuningKeys[2], &out.PrefillMaxBatch, batchAxis)
	in.readInt(tuningKeys[3], &out.DecodeMaxBatch, batchAxis)
}
