package deploy

import (
	"slices"
	"strings"
)

// The engines.
const (
	vLLM   = "vllm"
	trtLLM = "trtllm"
	sgLang = "sglang"
)

// kind is the type of an engine parameter.
type kind int

const (
	integer kind = iota
	number
	boolean
	text
	integers // a list of whole numbers
)

// param is one engine parameter under the name that all engines share, and how
// each engine spells it: an option without its dashes, or for TensorRT-LLM the path
// in its YAML file. An empty spelling means that the engine does not have it.
type param struct {
	name string
	kind kind
	help string

	vllm, sglang, trtllm string
}

// params lists them; the order is that of generator_config.yaml and of the help.
var params = []param{
	{name: "tensor_parallel_size", vllm: "tensor-parallel-size", sglang: "tensor-parallel-size", trtllm: "tensor_parallel_size",
		help: "GPUs that share each layer"},
	{name: "pipeline_parallel_size", vllm: "pipeline-parallel-size", sglang: "pipeline-parallel-size", trtllm: "pipeline_parallel_size",
		help: "stages of layers"},
	{name: "data_parallel_size", vllm: "data-parallel-size", sglang: "data-parallel-size",
		help: "ranks that attend to requests of their own"},
	{name: "enable_attention_dp", kind: boolean, sglang: "enable-dp-attention", trtllm: "enable_attention_dp",
		help: "data parallel attention inside the tensor parallel group"},
	{name: "enable_expert_parallel", kind: boolean, vllm: "enable-expert-parallel",
		help: "spread experts over all ranks"},
	{name: "moe_expert_parallel_size", sglang: "expert-parallel-size", trtllm: "moe_expert_parallel_size",
		help: "ranks that share the experts"},
	{name: "moe_tensor_parallel_size", trtllm: "moe_tensor_parallel_size",
		help: "ranks that share each expert"},
	{name: "moe_backend", kind: text, sglang: "moe-runner-backend", trtllm: "moe_config.backend",
		help: "kernels of the expert layers"},
	{name: "moe_all2all_backend", kind: text, vllm: "all2all-backend", sglang: "moe-a2a-backend",
		help: "exchange between experts"},
	{name: "moe_load_balancer", kind: text, sglang: "load-balance-method", trtllm: "moe_config.load_balancer",
		help: "balancing of the load"},
	{name: "kv_cache_dtype", kind: text, vllm: "kv-cache-dtype", sglang: "kv-cache-dtype", trtllm: "kv_cache_config.dtype",
		help: "format of the KV cache"},
	{name: "kv_cache_free_gpu_memory_fraction", kind: number, vllm: "gpu-memory-utilization", sglang: "mem-fraction-static", trtllm: "kv_cache_config.free_gpu_memory_fraction",
		help: "share of GPU memory for weights and KV cache; TensorRT-LLM: of what the weights leave, for the KV cache"},
	{name: "kv_cache_max_tokens", sglang: "max-total-tokens", trtllm: "kv_cache_config.max_tokens",
		help: "most tokens in the KV cache"},
	{name: "tokens_per_block", vllm: "block-size", sglang: "page-size", trtllm: "kv_cache_config.tokens_per_block",
		help: "tokens per KV cache block"},
	{name: "disable_prefix_cache", kind: boolean, vllm: "no-enable-prefix-caching", sglang: "disable-radix-cache", trtllm: "kv_cache_config.enable_block_reuse",
		help: "compute repeated prefixes anew"},
	{name: "max_batch_size", vllm: "max-num-seqs", sglang: "max-running-requests", trtllm: "max_batch_size",
		help: "most requests in a batch"},
	{name: "max_num_tokens", vllm: "max-num-batched-tokens", trtllm: "max_num_tokens",
		help: "most tokens in a step"},
	{name: "max_prefill_tokens", sglang: "max-prefill-tokens",
		help: "most prompt tokens in a step"},
	{name: "max_seq_len", vllm: "max-model-len", sglang: "context-length", trtllm: "max_seq_len",
		help: "longest sequence, output included"},
	{name: "enable_chunked_prefill", kind: boolean, vllm: "enable-chunked-prefill", sglang: "chunked-prefill-size", trtllm: "enable_chunked_prefill",
		help: "split long prompts over several steps"},
	{name: "enable_mixed_chunk", kind: boolean, sglang: "enable-mixed-chunk",
		help: "decode beside prompt chunks"},
	{name: "disable_cuda_graph", kind: boolean, vllm: "enforce-eager", sglang: "disable-cuda-graph", trtllm: "cuda_graph_config",
		help: "launch every kernel on its own"},
	{name: "cuda_graph_batch_sizes", kind: integers, vllm: "cudagraph-capture-sizes", sglang: "cuda-graph-bs", trtllm: "cuda_graph_config.batch_sizes",
		help: "batch sizes with a recorded graph"},
	{name: "cuda_graph_enable_padding", kind: boolean, sglang: "disable-cuda-graph-padding", trtllm: "cuda_graph_config.enable_padding",
		help: "pad batches to the next recorded size"},
	{name: "cuda_graph_max_batch_size", sglang: "cuda-graph-max-bs", trtllm: "cuda_graph_config.max_batch_size",
		help: "largest batch with a recorded graph"},
	{name: "disable_overlap_scheduler", kind: boolean, sglang: "disable-overlap-schedule", trtllm: "disable_overlap_scheduler",
		help: "schedule only between steps"},
	{name: "attention_backend", kind: text, sglang: "attention-backend", trtllm: "attn_backend",
		help: "kernels of attention"},
	{name: "elastic_ep_backend", kind: text, sglang: "elastic-ep-backend",
		help: "exchange between experts that may come and go"},
	{name: "speculative_decoding_type", kind: text, vllm: "speculative-config", sglang: "speculative-algorithm", trtllm: "speculative_config.decoding_type",
		help: "how drafts are made"},
	{name: "num_nextn_predict_layers", vllm: "speculative-config", sglang: "speculative-num-steps", trtllm: "speculative_config.num_nextn_predict_layers",
		help: "drafts per step"},
	{name: "kv_transfer_backend", kind: text, sglang: "disaggregation-transfer-backend", trtllm: "cache_transceiver_config.backend",
		help: "library that moves KV caches between workers"},
	{name: "cache_transceiver_max_tokens_in_buffer", trtllm: "cache_transceiver_config.max_tokens_in_buffer",
		help: "tokens that the transfer buffer holds"},
	{name: "disaggregation_bootstrap_port", sglang: "disaggregation-bootstrap-port",
		help: "port at which prefill and decode workers meet"},
	{name: "skip_tokenizer_init", kind: boolean, vllm: "skip-tokenizer-init", sglang: "skip-tokenizer-init", trtllm: "skip_tokenizer_init",
		help: "leave the tokenizer to the frontend"},
	{name: "trust_remote_code", kind: boolean, vllm: "trust-remote-code", sglang: "trust-remote-code", trtllm: "trust_remote_code",
		help: "run code that comes with the model"},
}

// spelling returns how an engine spells the parameter, "" when it does not have
// it.
func (p *param) spelling(backend string) string {
	switch backend {
	case vLLM:
		return p.vllm
	case sgLang:
		return p.sglang
	default:
		return p.trtllm
	}
}

// spellings are the names beside its own that a user may call the parameter by:
// those of the engines, in snake case, where they mean the same.
func (p *param) spellings() []string {
	var names []string
	for _, s := range []string{p.vllm, p.sglang, p.trtllm} {
		if s = snake(s); s != "" && s != p.name && !ambiguous(s) && !slices.Contains(names, s) {
			names = append(names, s)
		}
	}
	return names
}

func snake(s string) string { return strings.ReplaceAll(s, "-", "_") }

// ambiguous reports spellings that are not another name for one parameter: their
// value means something else, or several parameters share them.
func ambiguous(s string) bool {
	return slices.Contains([]string{
		"no_enable_prefix_caching",                                         // a switch of its own
		"kv_cache_config.enable_block_reuse", "disable_cuda_graph_padding", // negated
		"chunked_prefill_size", // a number of tokens
		"cuda_graph_config", "speculative_config",
	}, s)
}

// findParam returns the parameter that a user calls by a name, nil when there is
// none.
func findParam(name string) *param {
	name = snake(name)
	for i := range params {
		if params[i].name == name {
			return &params[i]
		}
	}
	for i := range params {
		if slices.Contains(params[i].spellings(), name) {
			return &params[i]
		}
	}
	return nil
}
