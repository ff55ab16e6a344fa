package jobs

import (
	"go.yaml.in/yaml/v3"
)

// ExperimentsYAML returns experiments as a file that runs them in this order.
// What stays at its zero value is left out. With the same [Known] the file parses
// back to equal experiments.
func ExperimentsYAML(list []Experiment) []byte {
	var names []string
	root := &mapping{}
	for _, x := range list {
		names = append(names, x.Name)
	}
	root.put("exps", flowList(names, textNode))
	for i := range list {
		root.put(list[i].Name, list[i].node())
	}
	return encode(root.node())
}

// mapping is a YAML mapping that grows.
type mapping struct{ content []*yaml.Node }

func (m *mapping) put(key string, value *yaml.Node) {
	m.content = append(m.content, textNode(key), value)
}

func (m *mapping) text(key, v string) {
	if v != "" {
		m.put(key, textNode(v))
	}
}

func (m *mapping) int(key string, v int) {
	if v != 0 {
		m.put(key, intNode(v))
	}
}

func (m *mapping) float(key string, v float64) {
	if v != 0 {
		m.put(key, floatNode(v))
	}
}

func (m *mapping) ints(key string, v []int) {
	if v != nil {
		m.put(key, flowList(v, intNode))
	}
}

// inner adds a mapping unless it is empty.
func (m *mapping) inner(key string, in *mapping) {
	if len(in.content) > 0 {
		m.put(key, in.node())
	}
}

func (m *mapping) node() *yaml.Node { return &yaml.Node{Kind: yaml.MappingNode, Content: m.content} }

func (x *Experiment) node() *yaml.Node {
	m := &mapping{}
	mode := modePatch
	if x.Replace {
		mode = modeReplace
	}
	base := x.base()
	m.text("mode", mode)
	m.text("serving_mode", x.ServingMode)
	m.text("model_path", x.Model)
	m.int("total_gpus", x.TotalGPUs)
	m.text("system_name", base.System)
	m.text("backend_name", base.Backend)
	m.text("backend_version", base.Version)
	m.int("isl", x.Workload.ISL)
	m.int("osl", x.Workload.OSL)
	m.int("prefix", x.Workload.Prefix)
	m.float("ttft", x.TTFT)
	m.float("tpot", x.TPOT)
	m.float("request_latency", x.RequestLatency)
	m.text("database_mode", x.DatabaseMode)
	m.text("search", x.Search)
	m.text("use_specific_quant_mode", x.QuantMode)
	if x.Profiles != nil {
		m.put("profiles", flowList(x.Profiles, textNode))
	}
	if x.WideEP {
		m.put("enable_wideep", boolNode(true))
	}
	m.inner("config", x.overlay(base))
	return m.node()
}

// base is where the workers run unless a block says otherwise.
func (x *Experiment) base() WorkerBlock {
	if x.ServingMode == ModeAgg {
		return WorkerBlock{System: x.Agg.System, Backend: x.Agg.Backend, Version: x.Agg.Version}
	}
	p, d := &x.Prefill, &x.Decode
	base := WorkerBlock{System: p.System, Backend: p.Backend}
	if d.Backend == p.Backend && d.Version == p.Version {
		base.Version = p.Version
	}
	return base
}

// overlay is what stands under config.
func (x *Experiment) overlay(base WorkerBlock) *mapping {
	m := &mapping{}
	if x.NextN > 0 || x.NextN == 0 && !x.Replace {
		m.put("nextn", intNode(x.NextN))
	}
	if x.AcceptRates != nil {
		m.put("nextn_accept_rates", flowList(x.AcceptRates, floatNode))
	}
	m.text("moe_backend", x.MoEBackend)
	m.text("attention_backend", x.AttentionBackend)
	if x.ServingMode == ModeAgg {
		m.inner("agg_worker_config", x.Agg.mapping(base))
		return m
	}
	m.inner("prefill_worker_config", x.Prefill.mapping(base))
	m.inner("decode_worker_config", x.Decode.mapping(base))
	m.inner("replica_config", x.Replica.mapping())
	m.inner("advanced_tuning_config", x.Tuning.mapping())
	return m
}

func (w *WorkerBlock) mapping(base WorkerBlock) *mapping {
	m := &mapping{}
	if w.System != base.System {
		m.text("system_name", w.System)
	}
	if w.Backend != base.Backend {
		m.text("backend_name", w.Backend)
	}
	if w.Version != base.Version {
		m.text("backend_version", w.Version)
	}
	for i, list := range [][]int{w.GPUs, w.TP, w.PP, w.DP, w.MoETP, w.MoEEP} {
		m.ints(workerKeys[i], list)
	}
	for i, format := range []string{w.GEMM, w.MoE, w.KVCache, w.FMHA, w.Comm} {
		m.text(workerKeys[6+i], format)
	}
	return m
}

func (r *ReplicaBlock) mapping() *mapping {
	m := &mapping{}
	if r.AnyGPUs {
		m.put(replicaKeys[0], &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Value: "null"})
	}
	m.ints(replicaKeys[0], r.GPUs)
	if r.MaxGPUs != nil {
		m.put(replicaKeys[1], intNode(*r.MaxGPUs))
	}
	m.int(replicaKeys[2], r.MaxPrefill)
	m.int(replicaKeys[3], r.MaxDecode)
	return m
}

func (u *TuningBlock) mapping() *mapping {
	m := &mapping{}
	m.float(tuningKeys[0], u.PrefillCorrection)
	m.float(tuningKeys[1], u.DecodeCorrection)
	m.int(tuningKeys[2], u.PrefillMaxBatch)
	m.int(tuningKeys[3], u.DecodeMaxBatch)
	return m
}
