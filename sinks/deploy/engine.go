package deploy

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// option is one engine option: its long name without dashes, and its value: nil
// for a switch, a text, a number, or a list of numbers.
type option struct {
	name  string
	value any
}

// args spells the options for a command line, each flag and value an item of its
// own.
func args(options []option) []string {
	var out []string
	for _, o := range options {
		out = append(out, "--"+o.name)
		switch v := o.value.(type) {
		case nil:
		case string:
			out = append(out, v)
		case int:
			out = append(out, strconv.Itoa(v))
		case float64:
			out = append(out, strconv.FormatFloat(v, 'f', -1, 64))
		case []int:
			for _, n := range v {
				out = append(out, strconv.Itoa(n))
			}
		case []string:
			out = append(out, v...)
		default:
			panic(fmt.Sprintf("option %s: value of type %T", o.name, v))
		}
	}
	return out
}

// options lists the engine options of a role's workers. For TensorRT-LLM they say
// where its file is; configPath is that place.
func (p *Plan) options(r *Role, configPath string) []option {
	switch p.Backend {
	case vLLM:
		return p.vllmOptions(r)
	case sgLang:
		return p.sglangOptions(r)
	default:
		return p.trtOptions(r, configPath)
	}
}

// optionList collects options in the order in which they are emitted.
type optionList struct {
	backend string
	values  values
	list    []option
}

func (l *optionList) add(name string, value any) { l.list = append(l.list, option{name, value}) }

// params adds parameters by name where the role has them: a switch when its
// value is true, anything else with its value.
func (l *optionList) params(names ...string) {
	for _, name := range names {
		v := l.values[name]
		if v == nil {
			continue
		}
		spelled := findParam(name).spelling(l.backend)
		switch v := v.(type) {
		case bool:
			if v {
				l.add(spelled, nil)
			}
		default:
			l.add(spelled, v)
		}
	}
}

// served adds the name of the model in the API where it is not its path.
func (l *optionList) served(s *settings) {
	if s.service.servedName != s.service.modelPath {
		l.add("served-model-name", s.service.servedName)
	}
}

// vllmOptions are in the order of the guide.
func (p *Plan) vllmOptions(r *Role) []option {
	l := optionList{backend: vLLM, values: r.values}
	l.add("model", p.settings.service.modelPath)
	l.served(&p.settings)
	if disable, said := r.values["disable_prefix_cache"].(bool); said {
		l.add(map[bool]string{true: "no-enable-prefix-caching", false: "enable-prefix-caching"}[disable], nil)
	}
	l.params("tensor_parallel_size", "pipeline_parallel_size", "data_parallel_size", "kv_cache_dtype", "max_seq_len", "max_batch_size",
		"enable_expert_parallel", "kv_cache_free_gpu_memory_fraction", "tokens_per_block", "disable_cuda_graph", "max_num_tokens")
	if kind := r.values["speculative_decoding_type"]; kind != nil {
		l.add("speculative-config", compactJSON(struct {
			Method string `json:"method"`
			Tokens int    `json:"num_speculative_tokens"`
		}{fmt.Sprint(kind), r.values.integer("num_nextn_predict_layers", 1)}))
	}
	if p.settings.router {
		l.add("kv-events-config", kvEvents(p.settings.service.kvEventPort))
	}
	if chunked, said := r.values["enable_chunked_prefill"].(bool); said {
		l.add(map[bool]string{true: "enable-chunked-prefill", false: "no-enable-chunked-prefill"}[chunked], nil)
	}
	l.params("moe_all2all_backend", "cuda_graph_batch_sizes", "skip_tokenizer_init", "trust_remote_code")
	if p.choice.Mode == Disagg && (p.settings.k8s.transport == transportEFA || !mustVersion(p.Runtime.Dynamo).before("1.0.0")) {
		if mustVersion(p.Runtime.Dynamo).before("1.0.0") {
			l.add("connector", "none") // its default would name the connector a second time
		}
		l.add("kv-transfer-config", p.kvTransfer())
	}
	l.list = append(l.list, r.extra...)
	switch r.Name {
	case Prefill:
		l.add("is-prefill-worker", nil)
	case Decode:
		l.add("is-decode-worker", nil)
	}
	return l.list
}

// kvTransfer tells vLLM what moves KV caches: NIXL, over another library on EFA.
func (p *Plan) kvTransfer() string {
	type extra struct {
		Backends []string `json:"backends"`
	}
	c := struct {
		Connector string `json:"kv_connector"`
		Role      string `json:"kv_role"`
		Extra     *extra `json:"kv_connector_extra_config,omitempty"`
	}{Connector: "NixlConnector", Role: "kv_both"}
	if p.settings.k8s.transport == transportEFA {
		c.Extra = &extra{[]string{"LIBFABRIC"}}
	}
	return compactJSON(c)
}

func (p *Plan) sglangOptions(r *Role) []option {
	l := optionList{backend: sgLang, values: r.values}
	l.add("model-path", p.settings.service.modelPath)
	l.served(&p.settings)
	l.params("tensor_parallel_size", "pipeline_parallel_size", "data_parallel_size", "moe_expert_parallel_size", "enable_attention_dp")
	if r.values["kv_cache_dtype"] != "auto" {
		l.params("kv_cache_dtype")
	}
	l.params("max_batch_size", "max_prefill_tokens", "cuda_graph_max_batch_size", "cuda_graph_batch_sizes", "disable_cuda_graph")
	if padding, said := r.values["cuda_graph_enable_padding"].(bool); said && !padding {
		l.add("disable-cuda-graph-padding", nil)
	}
	l.params("enable_mixed_chunk", "disable_prefix_cache", "kv_cache_free_gpu_memory_fraction", "kv_cache_max_tokens", "tokens_per_block", "max_seq_len")
	if chunked, said := r.values["enable_chunked_prefill"].(bool); said {
		size := -1 // off
		if chunked {
			size = r.values.integer("max_num_tokens", p.settings.sla.isl+lengthHeadroom)
		}
		l.add("chunked-prefill-size", size)
	}
	l.params("moe_backend", "moe_all2all_backend", "moe_load_balancer", "attention_backend", "elastic_ep_backend", "disable_overlap_scheduler")
	l.params("speculative_decoding_type", "num_nextn_predict_layers")
	if r.values["speculative_decoding_type"] != nil {
		l.add("speculative-eagle-topk", 1)
		l.add("speculative-num-draft-tokens", r.values.integer("num_nextn_predict_layers", 1)+1)
	}
	l.params("skip_tokenizer_init", "trust_remote_code")
	if p.settings.router {
		l.add("kv-events-config", kvEvents(p.settings.service.sglangKVEventPort))
	}
	l.list = append(l.list, r.extra...)
	l.add("host", "0.0.0.0")
	l.add("enable-metrics", nil)
	if r.Name != Agg {
		l.add("disaggregation-mode", r.Name)
		l.params("kv_transfer_backend", "disaggregation_bootstrap_port")
	}
	return l.list
}

// trtOptions are those of Dynamo's worker; everything about the engine stands in
// its file.
func (p *Plan) trtOptions(r *Role, configPath string) []option {
	l := optionList{backend: trtLLM, values: r.values}
	l.add("model-path", p.settings.service.modelPath)
	l.add("served-model-name", p.settings.service.servedName)
	l.add("extra-engine-args", configPath)
	if r.Name != Agg {
		l.add("disaggregation-mode", r.Name)
	}
	if p.settings.router {
		l.add("publish-events-and-metrics", nil)
	}
	if p.nestedSizes() { // Dynamo passes sizes of its own, which would win over nested ones
		for _, name := range sizeParams {
			if n, ok := r.values[name].(int); ok {
				l.add(strings.ReplaceAll(name, "_", "-"), n)
			}
		}
	}
	return l.list
}

// kvEvents tells an engine to publish what its KV cache holds.
func kvEvents(port int) string {
	return compactJSON(struct {
		Publisher string `json:"publisher"`
		Topic     string `json:"topic"`
		Endpoint  string `json:"endpoint"`
		Enable    bool   `json:"enable_kv_cache_events"`
	}{"zmq", "kv-events", fmt.Sprintf("tcp://*:%d", port), true})
}

func compactJSON(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // only texts and numbers come here
	}
	return string(b)
}

// engineFile renders the engine configuration of a role. vLLM and SGLang read
// their command-line options from such a file too.
func (p *Plan) engineFile(r *Role) ([]byte, error) {
	if p.Backend == trtLLM {
		content, err := node(p.trtConfig(r))
		if err != nil {
			return nil, err
		}
		return encode("", merge(content, r.engineArgs))
	}
	m := mapping{}
	for _, o := range p.options(r, "") {
		switch v := o.value.(type) {
		case nil:
			m.add(o.name, true)
		case []int:
			n, err := flow(v)
			if err != nil {
				return nil, err
			}
			m.add(o.name, n)
		default:
			m.add(o.name, v)
		}
	}
	return encode(fmt.Sprintf("Options of dynamo.%s: those of this worker in k8s_deploy.yaml.", p.Backend), m)
}

// configName is the name of a role's engine file.
func configName(role string) string { return role + "_config.yaml" }

// ShellWord quotes an argument for bash where it needs that.
func ShellWord(s string) string {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:=,@+%"
	if s != "" && strings.Trim(s, plain) == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
