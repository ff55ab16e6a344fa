package jobs

import (
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Experiments of AIConfigurator's later releases are flat: every key stands beside the
// others, those of one role with its name in front. Here they are put where the nested
// format has them, so that everything behind reads one format. What this program has no
// word for stays where it is, and is reported as unknown.

// flatListKeys are the flat words for the lists of a worker, in the order of workerKeys;
// the other keys of a worker are called alike.
var flatListKeys = [...]string{"num_gpu_candidates", "tp_candidates", "pp_candidates", "dp_candidates", "moe_tp_candidates", "moe_ep_candidates"}

// flatRoles are the roles by what flat keys begin with, and the blocks of their workers.
var flatRoles = [...][2]string{{"agg_", "worker_config"}, {"prefill_", "prefill_worker_config"}, {"decode_", "decode_worker_config"}}

// flatPairKeys are keys of disaggregated serving: the flat word, and the block and the
// word of the nested format.
var flatPairKeys = [...][3]string{
	{"num_gpu_per_replica", "replica_config", "num_gpu_per_replica"}, {"max_gpu_per_replica", "replica_config", "max_gpu_per_replica"},
	{"max_prefill_workers", "replica_config", "max_prefill_worker"}, {"max_decode_workers", "replica_config", "max_decode_worker"},
	{"prefill_max_batch_size", "advanced_tuning_config", "prefill_max_batch_size"}, {"decode_max_batch_size", "advanced_tuning_config", "decode_max_batch_size"},
	{"prefill_latency_correction", "advanced_tuning_config", "prefill_latency_correction_scale"},
	{"decode_latency_correction", "advanced_tuning_config", "decode_latency_correction_scale"},
}

// flatDefaults are keys that say what is so here anyway, with the only value that they
// may have.
var flatDefaults = [...][2]string{
	{"enable_chunked_prefill", "false"}, {"prefill_enable_chunked_prefill", "false"},
	{"enable_eplb", "false"}, {"prefill_enable_eplb", "false"}, {"decode_enable_eplb", "false"},
	{"rate_match_prefill_degradation", "0.9"}, {"rate_match_decode_degradation", "0.92"}, {"autoscale_ttft_correction_factor", "1.8"},
}

// nestedPlace is the block and the word that the nested format has for a flat key.
func nestedPlace(key string) (block, word string, ok bool) {
	for _, k := range flatPairKeys {
		if k[0] == key {
			return k[1], k[2], true
		}
	}
	alike := workerKeys[len(flatListKeys):]
	for _, role := range flatRoles {
		word, of := strings.CutPrefix(key, role[0])
		if !of {
			continue
		}
		if i := slices.Index(flatListKeys[:], word); i >= 0 {
			return role[1], workerKeys[i], true
		}
		if slices.Contains(alike, word) {
			return role[1], word, true
		}
	}
	if strings.HasSuffix(key, "_quant_mode") && slices.Contains(alike, key) {
		return "worker_config", key, true
	}
	return "", "", false
}

// isFlat reports whether an experiment is written in the flat format: it has keys that
// only that has, and no blocks.
func isFlat(n *yaml.Node) bool {
	flat := false
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := deref(n.Content[i]).Value
		if key == "config" || key == "mode" || deref(n.Content[i+1]).Kind == yaml.MappingNode {
			return false
		}
		_, _, moved := nestedPlace(key)
		flat = flat || moved && key != "decode_system_name" || key == "nextn_accepted" || strings.HasSuffix(key, "_model_path")
	}
	return flat
}

// nested returns a flat experiment in the nested format, any other as it is. Nodes keep
// their lines.
func (p *parser) nested(what string, n *yaml.Node) *yaml.Node {
	if !isFlat(n) {
		return n
	}
	f := flatExperiment{parser: p, what: what, out: &yaml.Node{Kind: yaml.MappingNode, Line: n.Line}, blocks: map[string]*yaml.Node{}}
	for i := 0; i+1 < len(n.Content); i += 2 {
		f.put(n.Content[i], n.Content[i+1])
	}
	f.roles()
	f.drafts()
	if f.transfer != nil && f.formulas { // measured latencies alone need no policy
		appendPair(f.out, f.transfer[0], f.transfer[1])
	}
	return f.out
}

// flatExperiment is one that is being put into the nested format.
type flatExperiment struct {
	*parser
	what   string
	out    *yaml.Node
	blocks map[string]*yaml.Node

	system, model, decodeModel, nextN, accepted, transfer []*yaml.Node // key and value
	formulas                                              bool         // database_mode lets formulas fill holes
}

// put takes a key with its value. One that stands twice is left for the reader to find.
func (f *flatExperiment) put(key, value *yaml.Node) {
	v := deref(value)
	empty := v.Kind == yaml.ScalarNode && isEmpty(v)
	switch name := deref(key).Value; {
	case name == "prefill_system_name" && f.system == nil:
		f.system = []*yaml.Node{key, value}
	case name == "prefill_model_path" && f.model == nil:
		f.model = []*yaml.Node{key, value}
	case name == "decode_model_path" && f.decodeModel == nil:
		f.decodeModel = []*yaml.Node{key, value}
	case name == "nextn_accepted" && f.accepted == nil:
		f.accepted = []*yaml.Node{key, value}
	case name == "transfer_policy" && f.transfer == nil:
		f.transfer = []*yaml.Node{key, value}
	case name == "decode_system_name":
		appendPair(f.out, key, value)
	case slices.Contains(flatDefaults[:], [2]string{name, v.Value}):
	default:
		if name == "nextn" {
			f.nextN = []*yaml.Node{key, value}
		}
		f.formulas = f.formulas || name == "database_mode" && !empty && v.Value != DatabaseSilicon
		block, word, moved := nestedPlace(name)
		switch {
		case !moved:
			appendPair(f.out, key, value)
		case !empty:
			appendPair(f.block(block, key), renamed(key, word), halfPrecision(word, value))
		}
	}
}

// roles names the system and the model of disaggregated serving, which the nested format
// has once. Where prefill workers run is where all do that say nothing else.
func (f *flatExperiment) roles() {
	if f.system != nil {
		appendPair(f.out, renamed(f.system[0], "system_name"), f.system[1])
	}
	if f.model != nil {
		appendPair(f.out, renamed(f.model[0], "model_path"), f.model[1])
	}
	switch {
	case f.decodeModel == nil:
	case f.model == nil:
		appendPair(f.out, f.decodeModel[0], f.decodeModel[1])
	case deref(f.decodeModel[1]).Value != deref(f.model[1]).Value:
		f.add(f.decodeModel[0].Line, "%s: decode_model_path is %s and prefill_model_path %s: both serve one model", f.what, deref(f.decodeModel[1]).Value, deref(f.model[1]).Value)
	}
}

// drafts spells how many drafts are accepted on average as a rate of each. The flat
// format has no drafts unless it says so.
func (f *flatExperiment) drafts() {
	if f.nextN == nil {
		key := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: "nextn", Line: f.out.Line}
		appendPair(f.out, key, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!int", Value: "0", Line: f.out.Line})
	}
	if f.accepted == nil {
		return
	}
	key, v := f.accepted[0], deref(f.accepted[1])
	if v.Kind == yaml.ScalarNode && isEmpty(v) {
		return
	}
	drafts := 0
	if f.nextN != nil {
		drafts, _ = strconv.Atoi(deref(f.nextN[1]).Value) // what is no number is reported as such
	}
	accepted, err := strconv.ParseFloat(v.Value, 64)
	if v.Kind != yaml.ScalarNode || err != nil || !(accepted >= 0 && accepted <= float64(drafts)) {
		f.add(v.Line, "nextn_accepted: wants a number from 0 to nextn, %d, not %s", drafts, kindOf(v))
		return
	}
	rates := &yaml.Node{Kind: yaml.SequenceNode, Line: v.Line}
	for _, rate := range AcceptRates(accepted, min(drafts, int(draftsAxis.max))) {
		rates.Content = append(rates.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!float", Value: strconv.FormatFloat(rate, 'g', -1, 64), Line: v.Line})
	}
	appendPair(f.out, renamed(key, "nextn_accept_rates"), rates)
}

// AcceptRates spells how many of a step's drafts are accepted on average as a rate of
// each: as many always as are whole in it, and the next one as often as the rest says.
func AcceptRates(accepted float64, drafts int) []float64 {
	rates := make([]float64, drafts)
	for i := range rates {
		rates[i] = min(1, max(0, accepted-float64(i)))
	}
	return rates
}

// block is a block of the nested experiment.
func (f *flatExperiment) block(name string, at *yaml.Node) *yaml.Node {
	b := f.blocks[name]
	if b == nil {
		b = &yaml.Node{Kind: yaml.MappingNode, Line: at.Line}
		f.blocks[name] = b
		appendPair(f.out, renamed(at, name), b)
	}
	return b
}

func appendPair(to, key, value *yaml.Node) { to.Content = append(to.Content, key, value) }

func renamed(key *yaml.Node, name string) *yaml.Node {
	k := *deref(key)
	k.Value = name
	return &k
}

// halfPrecision calls 16 bits what the tables call them.
func halfPrecision(word string, value *yaml.Node) *yaml.Node {
	if v := deref(value); strings.HasSuffix(word, "_quant_mode") && v.Value == "bfloat16" {
		return renamed(v, "float16")
	}
	return value
}
