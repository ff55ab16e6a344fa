package jobs

import (
	"slices"

	"go.yaml.in/yaml/v3"
)

// experiments reads the experiments of a file in their order.
func (p *parser) experiments(root *yaml.Node) []Experiment {
	if root == nil {
		return nil
	}
	var names []string
	for i := 0; i+1 < len(root.Content); i += 2 {
		if k := deref(root.Content[i]); k.Kind == yaml.ScalarNode {
			names = append(names, k.Value)
		}
	}
	// Every name is valid here; this reports repeated and odd keys.
	fs := p.fields(root, "experiment file", names)
	names = slices.DeleteFunc(unique(names), func(name string) bool { return name == "exps" || fs[name].value == nil })
	if f, ok := fs["exps"]; ok {
		names = p.selected(f, names)
	} else if len(names) == 0 {
		p.add(root.Line, "the file has no experiment")
	}
	var list []Experiment
	for _, name := range names {
		f := fs[name]
		switch {
		case !validName.MatchString(name):
			p.add(f.line, "experiment %s: the name becomes part of paths: use at most 63 letters, digits, '.', '-' and '_', the first a letter or digit", quote(name))
		case f.value.Kind != yaml.MappingNode:
			p.add(f.value.Line, "experiment %s: wants a mapping of keys such as serving_mode, not %s", name, kindOf(f.value))
		default:
			list = append(list, p.experiment(name, f.value))
		}
	}
	return list
}

// selected reads the list of experiments that are to run.
func (p *parser) selected(f field, have []string) []string {
	var names []string
	for _, n := range p.items("exps", f.value) {
		name, ok := p.text("exps", n)
		switch {
		case !ok:
		case !slices.Contains(have, name):
			p.add(n.Line, "exps: %v", unknown("experiment", name, have))
		case slices.Contains(names, name):
			p.add(n.Line, "exps: %s is already listed", name)
		default:
			names = append(names, name)
		}
	}
	return names
}

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

// block is one experiment, or a mapping inside of one, as it is read.
type block struct {
	*parser
	what    string // names the mapping in messages
	line    int
	given   map[string]field // without those that have no value
	replace bool             // nothing has a default
}

// block reads the keys of a mapping. A key without a value counts as absent.
func (p *parser) block(what string, n *yaml.Node, valid []string) *block {
	b := &block{parser: p, what: what, line: n.Line, given: p.fields(n, what, valid)}
	for key, f := range b.given {
		if f.value.Kind == yaml.ScalarNode && isEmpty(f.value) {
			delete(b.given, key)
		}
	}
	return b
}

// inner reads the mapping under a key; it is empty where the key is absent.
func (b *block) inner(key string, valid []string) *block {
	in := &block{parser: b.parser, what: b.what + ": " + key, line: b.line}
	if f, ok := b.given[key]; ok {
		if f.value.Kind == yaml.MappingNode {
			in = b.block(in.what, f.value, valid)
		} else {
			b.add(f.value.Line, "%s: wants a mapping, not %s", in.what, kindOf(f.value))
		}
	}
	in.replace = b.replace
	return in
}

// experiment reads one experiment.
func (p *parser) experiment(name string, n *yaml.Node) Experiment {
	what := "experiment " + name
	b := p.block(what, n, slices.Concat(experimentKeys, overlayKeys))
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
	for _, n := range repeated(f.value) {
		v, _ := b.number(rateAxis, "nextn_accept_rates", n)
		x.AcceptRates = append(x.AcceptRates, v)
	}
	if x.NextN > len(x.AcceptRates) {
		b.add(f.line, "%s: nextn %d needs as many nextn_accept_rates, not %d", b.what, x.NextN, len(x.AcceptRates))
	}
}

// repeated returns the elements of a list in which one may stand twice.
func repeated(n *yaml.Node) []*yaml.Node {
	if n.Kind != yaml.SequenceNode {
		return []*yaml.Node{n}
	}
	out := make([]*yaml.Node, len(n.Content))
	for i, c := range n.Content {
		out[i] = deref(c)
	}
	return out
}
