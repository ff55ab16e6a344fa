package deploy

import (
	"fmt"
	"math"
	"slices"
)

// values are the engine parameters of a role by name. A nil value was taken away
// by the user.
type values map[string]any

// integer returns a whole number, or the fallback where there is none.
func (v values) integer(name string, fallback int) int {
	if n, ok := v[name].(int); ok {
		return n
	}
	return fallback
}

func (v values) is(name string) bool {
	b, ok := v[name].(bool)
	return ok && b
}

// roundUp rounds n up to a multiple of block.
func roundUp(n, block int) int { return (n + block - 1) / block * block }

// Head-room that the rules leave.
const (
	tokenHeadroom  = 500  // tokens of a step beside prompts and decoding; source: AIConfigurator 0.12.0
	tokenBlock     = 32   // token budgets are multiples of it; source: AIConfigurator 0.12.0
	lengthHeadroom = 1500 // tokens of a sequence beyond ISL + OSL; source: the guide's max-model-len
	leastSequences = 1024 // max-num-seqs of a vLLM worker that decodes; source: the guide
	sequenceBlock  = 256
)

// rules returns what the engine of a role is told. Each group of rules fills its
// parameters; see the table of engine parameters in params.go for their spelling.
func (p *Plan) rules(role string, w *Worker) values {
	v := values{}
	p.parallel(v, w)
	p.limits(v, role, w)
	p.kvCache(v, role, w)
	p.graphs(v, role, w)
	if p.Backend == trtLLM {
		v["enable_chunked_prefill"] = false
		v["disable_overlap_scheduler"] = role == Prefill
		if p.settings.model.isMoE {
			if b := trtMoEBackend(w, p.choice.WideEP); b != "" {
				v["moe_backend"] = b
			}
		}
	}
	n := p.settings.model.nextN
	if p.Backend == sgLang {
		// With pipeline stages the engine does not start unless all three are off;
		// drafts turn mixed chunks off by themselves.
		if w.PP > 1 {
			n = 0
			v["disable_overlap_scheduler"] = true
		} else if role == Agg && n == 0 {
			v["enable_mixed_chunk"] = true
		}
	}
	if n > 0 {
		v["speculative_decoding_type"] = map[string]string{trtLLM: "MTP", sgLang: "NEXTN", vLLM: "mtp"}[p.Backend]
		v["num_nextn_predict_layers"] = n
	}
	return v
}

// parallel says how the engine spreads over GPUs. The three engines cut the same
// layout in their own ways: SGLang and TensorRT-LLM count attention data parallel
// ranks inside the tensor parallel group, vLLM beside it.
func (p *Plan) parallel(v values, w *Worker) {
	moe := p.settings.model.isMoE
	v["tensor_parallel_size"], v["pipeline_parallel_size"] = w.TP, w.PP
	if p.Backend != trtLLM {
		v["data_parallel_size"] = w.DP
	}
	if p.Backend == vLLM && p.choice.Mode == Disagg { // said only where they matter, as in the guide
		for _, name := range []string{"pipeline_parallel_size", "data_parallel_size"} {
			if v[name] == 1 {
				delete(v, name)
			}
		}
	}
	if p.Backend == trtLLM {
		v["enable_attention_dp"] = w.DP > 1
	}
	if !moe {
		return
	}
	switch p.Backend {
	case vLLM:
		if w.MoEEP > 1 {
			v["enable_expert_parallel"] = true
		}
	case sgLang:
		v["tensor_parallel_size"] = w.TP * w.DP
		v["moe_expert_parallel_size"] = w.MoEEP
		if w.DP > 1 {
			v["enable_attention_dp"] = true
		}
	default:
		v["tensor_parallel_size"] = w.TP * w.DP
		v["moe_tensor_parallel_size"], v["moe_expert_parallel_size"] = w.MoETP, w.MoEEP
	}
}

// engineGPUs is the number of GPUs that an engine with these parameters takes.
func engineGPUs(backend string, v values) int {
	n := v.integer("tensor_parallel_size", 1) * v.integer("pipeline_parallel_size", 1)
	if backend == vLLM || backend == sgLang && !v.is("enable_attention_dp") {
		n *= v.integer("data_parallel_size", 1)
	}
	return n
}

// limits bounds batches, steps and sequences.
func (p *Plan) limits(v values, role string, w *Worker) {
	isl, osl, bs := p.settings.sla.isl, p.settings.sla.osl, w.BatchSize
	decoding := bs * (1 + p.settings.model.nextN)
	switch p.Backend {
	case vLLM:
		v["max_batch_size"] = max(leastSequences, roundUp(bs, sequenceBlock))
		if role == Prefill {
			v["max_batch_size"] = bs
		}
		if role == Agg {
			v["max_seq_len"] = p.capped(isl + osl + lengthHeadroom)
		}
	case sgLang:
		v["max_batch_size"] = bs * w.DP // counts the whole data parallel group
		switch role {
		case Agg: // one prompt; the engine mixes chunks of a size of its own
			v["max_prefill_tokens"] = isl + lengthHeadroom
		case Prefill:
			v["max_prefill_tokens"] = isl*max(bs, 1) + lengthHeadroom
		}
	default:
		v["max_batch_size"] = bs
		switch role {
		case Agg:
			v["max_num_tokens"] = roundUp(decoding+max(isl, w.CtxTokens)+tokenHeadroom, tokenBlock) // all prompts of a mixed step
		case Prefill:
			v["max_num_tokens"] = roundUp(isl*bs+tokenHeadroom, tokenBlock)
		case Decode:
			v["max_num_tokens"] = roundUp(decoding, tokenBlock)
		}
		// Without it the engine reserves memory for the model's longest context.
		v["max_seq_len"] = p.capped(isl + osl + lengthHeadroom)
		if role == Prefill {
			v["max_seq_len"] = p.capped(isl + lengthHeadroom)
		}
		if p.choice.Mode == Disagg {
			v["kv_transfer_backend"] = "DEFAULT"
			if !p.Runtime.target.before("1.0.0rc4") && p.Runtime.target.before("1.0.0rc7") {
				v["kv_transfer_backend"] = "default"
			}
			v["cache_transceiver_max_tokens_in_buffer"] = roundUp(isl+osl+tokenHeadroom, tokenBlock)
		}
	}
	if p.Backend == sgLang && p.choice.Mode == Disagg {
		v["kv_transfer_backend"] = "nixl"
	}
}

// capped bounds a sequence length by what the model supports.
func (p *Plan) capped(n int) int {
	if m := p.choice.MaxPositions; m > 0 && n > m {
		return m
	}
	return n
}

// kvCache says what the KV cache holds and how much memory it gets. Predictions
// know of no cached prefixes unless the workload has some.
func (p *Plan) kvCache(v values, role string, w *Worker) {
	v["kv_cache_dtype"] = kvDType(p.Backend, w.KVCache)
	if p.Backend == trtLLM {
		v["tokens_per_block"] = 32 // source: AIConfigurator 0.12.0
	}
	switch cached := p.settings.model.prefix > 0; {
	case cached:
		v["disable_prefix_cache"] = false
	case p.Backend != vLLM || role == Agg:
		v["disable_prefix_cache"] = true
	}
	if f, emit := memoryFraction(p.Backend, w.Memory); emit {
		v["kv_cache_free_gpu_memory_fraction"] = f
	}
}

// kvDType spells the format of the KV cache.
func kvDType(backend, format string) string {
	switch {
	case format == "fp8" && backend == sgLang:
		return "fp8_e4m3"
	case format == "fp8", format == "int8" && backend == trtLLM:
		return format
	}
	return "auto"
}

// Shares of GPU memory that the engines take where they are not told otherwise.
// Source: vLLM 0.12.0's default; AIConfigurator's for TensorRT-LLM; SGLang 0.5.6
// computes its own, which is not below this on the GPUs known here.
var defaultFraction = map[string]float64{vLLM: 0.90, trtLLM: 0.80, sgLang: 0.80}

// memoryFraction returns the share of GPU memory that an engine is given, and
// whether it has to be said. It covers the predicted weights, activations and KV
// cache of the batch: an engine with less would stall requests that the prediction
// counts on. TensorRT-LLM takes its share of what the weights leave; a share that
// covers everything then covers the cache all the more.
func memoryFraction(backend string, m Memory) (fraction float64, emit bool) {
	fraction = defaultFraction[backend]
	if m.Capacity > 0 {
		need := m.needed() / m.Capacity
		if need > fraction {
			return min(math.Ceil(need*100)/100, 1), true
		}
	}
	return fraction, backend == trtLLM
}

// graphs says which batch sizes get a CUDA graph. vLLM chooses well by itself.
func (p *Plan) graphs(v values, role string, w *Worker) {
	switch p.Backend {
	case trtLLM:
		v["cuda_graph_batch_sizes"] = graphSizes(w.BatchSize)
		v["cuda_graph_enable_padding"] = true
	case sgLang:
		if role != Prefill {
			v["cuda_graph_max_batch_size"] = w.BatchSize
		}
	}
}

// graphSizes is a ladder of batch sizes up to a largest one, which is on it.
func graphSizes(largest int) []int {
	var sizes []int
	for _, part := range []struct{ from, to, step int }{
		{1, 16, 1}, {20, 32, 4}, {40, 64, 8}, {80, 128, 16}, {160, 256, 32}, {320, 512, 64}, {640, math.MaxInt32, 128},
	} {
		for n := part.from; n <= part.to && n < largest; n += part.step {
			sizes = append(sizes, n)
		}
	}
	return append(sizes, largest)
}

// trtMoEBackend is the expert kernel that the prediction is about, "" where the
// engine chooses.
func trtMoEBackend(w *Worker, wideEP bool) string {
	switch {
	case w.SM >= 90 && w.SM < 100: // Hopper
		return "CUTLASS"
	case w.SM >= 100 && wideEP: // Blackwell
		return "WIDEEP"
	}
	return ""
}

// checkExpressible reports a layout that an engine cannot be told.
func checkExpressible(backend string, w *Worker) error {
	switch {
	case backend == trtLLM && w.TP > 1 && w.DP > 1:
		return fmt.Errorf("TensorRT-LLM cannot run tp %d and attention dp %d together: attention data parallelism spans the whole tensor parallel group", w.TP, w.DP)
	case backend == vLLM && w.MoETP > 1 && w.MoEEP > 1:
		return fmt.Errorf("vLLM cannot run moe_tp %d and moe_ep %d together: it has one switch for expert parallelism", w.MoETP, w.MoEEP)
	case !slices.Contains([]string{vLLM, trtLLM, sgLang}, backend):
		return fmt.Errorf("backend %q has no engine files", backend)
	}
	return nil
}
