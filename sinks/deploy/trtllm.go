package deploy

// trtConfig is TensorRT-LLM's engine file. Its shape depends on the engine
// version; see [trtDialects]. Source of the dialects: AIConfigurator 0.12.0 and
// the engine's release notes.
func (p *Plan) trtConfig(r *Role) mapping {
	m := mapping{}
	old := p.Runtime.target.before("1.0.0rc3") // parallel sizes, batch and KV cache only
	m.add("backend", "pytorch")
	p.trtParams(&m, r, "", "moe_expert_parallel_size", "moe_tensor_parallel_size")
	if !old {
		p.trtParams(&m, r, "", "moe_backend", "moe_load_balancer")
	}
	p.trtParams(&m, r, "", "tensor_parallel_size", "pipeline_parallel_size", "enable_attention_dp")
	if !old {
		p.trtParams(&m, r, "", "enable_chunked_prefill")
	}
	sizes := ""
	if p.nestedSizes() {
		sizes = "build_config."
	}
	p.trtParams(&m, r, sizes, sizeParams...)
	p.trtParams(&m, r, "", "kv_cache_free_gpu_memory_fraction")
	early := !old && p.Runtime.target.before("1.0.0rc4") // the format of the cache stood beside its settings
	if dtype := r.values["kv_cache_dtype"]; dtype != nil && early {
		m.add("kv_cache_dtype", dtype)
	} else {
		p.trtParams(&m, r, "", "kv_cache_dtype")
	}
	p.trtParams(&m, r, "", "tokens_per_block", "kv_cache_max_tokens")
	if disable, said := r.values["disable_prefix_cache"].(bool); said {
		m.set("kv_cache_config.enable_block_reuse", !disable)
	}
	if old {
		return m
	}
	if !early {
		p.trtParams(&m, r, "", "kv_transfer_backend", "cache_transceiver_max_tokens_in_buffer")
	}
	if !r.values.is("disable_cuda_graph") {
		p.trtParams(&m, r, "", "cuda_graph_enable_padding", "cuda_graph_batch_sizes", "cuda_graph_max_batch_size")
	}
	p.trtParams(&m, r, "", "disable_overlap_scheduler")
	m.add("print_iter_log", false)
	p.trtParams(&m, r, "", "attention_backend", "skip_tokenizer_init", "trust_remote_code", "speculative_decoding_type", "num_nextn_predict_layers")
	return m
}

// sizeParams bound batches, steps and sequences.
var sizeParams = []string{"max_batch_size", "max_num_tokens", "max_seq_len"}

// nestedSizes reports a dialect that keeps the sizes apart from the rest.
func (p *Plan) nestedSizes() bool {
	return p.Backend == trtLLM && !p.Runtime.target.before("1.0.0rc3") && p.Runtime.target.before("1.2.0rc5")
}

// trtParams sets parameters where the role has them, their paths behind a prefix.
func (p *Plan) trtParams(m *mapping, r *Role, prefix string, names ...string) {
	for _, name := range names {
		switch v := r.values[name].(type) {
		case nil:
		case []int:
			n, err := flow(v)
			if err != nil {
				panic(err) // numbers always encode
			}
			m.set(prefix+findParam(name).trtllm, n)
		default:
			m.set(prefix+findParam(name).trtllm, v)
		}
	}
}
