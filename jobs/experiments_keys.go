package jobs

import (
	"slices"

	"go.yaml.in/yaml/v3"
)

// The keys of an experiment. The overlay stands under "config" or, without it,
// beside the others.
var (
	experimentKeys = []string{
		"mode", "serving_mode", "model_path", "model_name", "total_gpus", "system_name", "decode_system_name", "backend_name", "backend_version",
		"isl", "osl", "prefix", "ttft", "tpot", "request_latency", "database_mode", "search", "enable_wideep", "use_specific_quant_mode", "profiles", "config",
	}
	overlayKeys = []string{
		"agg_worker_config", "worker_config", "prefill_worker_config", "decode_worker_config", "replica_config", "advanced_tuning_config",
		"nextn", "nextn_accept_rates", "runtime_config", "enable_wideep", "moe_backend", "attention_backend",
	}
	runtimeKeys = []string{"isl", "osl", "prefix", "ttft", "tpot", "request_latency"}
)

// experiment reads one experiment.
func (p *parser) experiment(name string, n *yaml.Node) Experiment {
	what := "experiment " + name
	b := p.block(what, p.nested(what, n), slices.Concat(experimentKeys, overlayKeys))
	x := Experiment{Name: name}
	x.Replace = b.choiceOf("mode", modePatch, modePatch, modeReplace) == modeReplace
	b.replace = x.Replace
	b.require("serving_mode", "model_path", "total_gpus", "system_name")
	x.ServingMode = b.choiceOf("serving_mode", "", ModeAgg, ModeDisagg)
	x.Model = b.model()
	b.readInt("total_gpus", &x.TotalGPUs, gpuBudget)

	overlay := b.overlay()
	b.runtime(&x, overlay)
	x.DatabaseMode = b.choiceOf("database_mode", DatabaseSilicon, DatabaseSilicon, DatabaseHybrid, DatabaseEmpirical, DatabaseSOL)
	x.Search = b.choiceOf("search", SearchReference, SearchReference, SearchExhaustive)
	b.readNames("profiles", &x.Profiles)
	b.readName("use_specific_quant_mode", &x.QuantMode)
	if x.QuantMode != "" && len(x.Profiles) > 0 {
		b.add(b.given["use_specific_quant_mode"].line, "%s: use_specific_quant_mode has no effect beside profiles: keep one of them", what)
	}
	b.readBool("enable_wideep", &x.WideEP)
	overlay.readBool("enable_wideep", &x.WideEP)
	overlay.readName("moe_backend", &x.MoEBackend)
	overlay.readName("attention_backend", &x.AttentionBackend)
	overlay.drafts(&x)
	overlay.workers(&x, b)
	return x
}

// overlay returns what is laid over the defaults.
func (b *block) overlay() *block {
	config, ok := b.given["config"]
	if !ok || isEmpty(config.value) {
		return b
	}
	for _, key := range overlayKeys {
		if f, ok := b.given[key]; ok && key != "enable_wideep" {
			b.add(f.line, "%s: %s belongs into config, which is there too", b.what, key)
		}
	}
	return b.inner("config", overlayKeys)
}

func (b *block) model() string {
	key := "model_path"
	if f, ok := b.given["model_name"]; ok {
		if _, both := b.given[key]; both {
			b.add(f.line, "%s: model_name is another word for model_path: keep one of them", b.what)
		}
		key = "model_name"
	}
	f, ok := b.given[key]
	if !ok {
		return ""
	}
	name, ok := b.text(key, f.value)
	if !ok {
		return ""
	}
	if b.known.ResolveModel != nil {
		if _, err := b.known.ResolveModel(name); err != nil {
			b.add(f.value.Line, "%s: %v", key, err)
		}
	}
	return name
}

// runtime reads traffic and limits, from beside the other keys or from the
// overlay.
func (b *block) runtime(x *Experiment, overlay *block) {
	x.Workload = Workload{ISL: DefaultISL, OSL: DefaultOSL}
	x.TTFT, x.TPOT = DefaultTTFT, DefaultTPOT
	inner := overlay.inner("runtime_config", runtimeKeys)
	for _, from := range []*block{b, inner} {
		from.readInt("isl", &x.Workload.ISL, islAxis.upTo(longest))
		from.readInt("osl", &x.Workload.OSL, oslAxis.upTo(longest))
		from.readInt("prefix", &x.Workload.Prefix, prefixAxis.upTo(longest))
		from.readFloat("ttft", &x.TTFT, ttftAxis)
		from.readFloat("tpot", &x.TPOT, tpotAxis)
		from.readFloat("request_latency", &x.RequestLatency, requestLatencyAxis)
	}
	if x.Workload.Prefix >= x.Workload.ISL {
		b.add(lineOf(b.line, inner.given["prefix"], b.given["prefix"]), "%s: prefix %d is not below isl %d: at least one token must be computed", b.what, x.Workload.Prefix, x.Workload.ISL)
	}
	if b.replace {
		needed := []string{"isl", "osl"}
		if x.RequestLatency == 0 {
			needed = append(needed, "ttft", "tpot")
		}
		for _, key := range needed {
			if _, ok := inner.given[key]; !ok {
				b.require(key)
			}
		}
	}
}

// lineOf is the line of the first field that is there, def without any.
func lineOf(def int, fields ...field) int {
	for _, f := range fields {
		if f.line > 0 {
			return f.line
		}
	}
	return def
}

// drafts reads how multi-token prediction is used.
func (b *block) drafts(x *Experiment) {
	x.NextN = -1
	if b.replace {
		x.NextN = 0
	}
	b.readInt("nextn", &x.NextN, draftsAxis)
	f, ok := b.given["nextn_accept_rates"]
	if !ok {
		return
	}
	for _, n := range elements(f.value) {
		v, _ := b.number(rateAxis, "nextn_accept_rates", n)
		x.AcceptRates = append(x.AcceptRates, v)
	}
	if x.NextN > len(x.AcceptRates) {
		b.add(f.line, "%s: nextn %d needs as many nextn_accept_rates, not %d", b.what, x.NextN, len(x.AcceptRates))
	}
}
