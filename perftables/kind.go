package perftables

import (
	"maps"
	"slices"
)

// Kind names one measured table.
type Kind string

// The kinds of tables, spelled as their files are.
const (
	KindGEMM                Kind = "gemm"
	KindContextAttention    Kind = "context_attention"
	KindGenerationAttention Kind = "generation_attention"
	KindContextMLA          Kind = "context_mla"
	KindGenerationMLA       Kind = "generation_mla"
	KindMLABMM              Kind = "mla_bmm"
	KindMoE                 Kind = "moe"
	KindCustomAllReduce     Kind = "custom_allreduce"
	KindNCCL                Kind = "nccl"
	KindWideEPContextMLA    Kind = "wideep_context_mla"
	KindWideEPGenerationMLA Kind = "wideep_generation_mla"
	KindWideEPContextMoE    Kind = "wideep_context_moe"
	KindWideEPGenerationMoE Kind = "wideep_generation_moe"
	KindDeepEPNormal        Kind = "wideep_deepep_normal"
	KindDeepEPLL            Kind = "wideep_deepep_ll"
)

// Shape says how a kind's rows are keyed: the fields that name a slice, in
// order, and the numbers that place a row inside of it.
type Shape struct {
	Slice  []string
	Coords []string
}

// Sub-tables of the expert-layer kinds: kernels that trade throughput for
// latency, and those of another kind of expert, are kept apart.
const (
	MoEOrdinary   = "ordinary"
	MoELowLatency = "low_latency"
	MoENonGated   = "non_gated" // experts without a gate do less work; no known model has them
)

var (
	moeShape        = Shape{[]string{"sub_table", "moe_dtype", "distribution", "topk", "num_experts", "hidden_size", "inter_size"}, []string{"moe_tp_size", "moe_ep_size", "num_tokens"}}
	wideEPMLAShapes = [2]Shape{
		{[]string{"kernel_source", "mla_dtype", "kv_cache_dtype"}, []string{"num_heads", "isl", "batch_size"}},
		{[]string{"kernel_source", "kv_cache_dtype"}, []string{"num_heads", "batch_size", "s"}},
	}
)

// Shapes lists the shape of every kind. Field names are those of the original
// columns, with three that are derived: kvn is the number of KV heads, or 0 when
// every head has its own; s is the KV length isl + step; sub_table is one of the
// MoE sub-tables.
var Shapes = map[Kind]Shape{
	KindGEMM:                {[]string{"gemm_dtype"}, []string{"m", "n", "k"}},
	KindContextAttention:    {[]string{"attn_dtype", "kv_cache_dtype", "kvn", "head_dim", "window_size"}, []string{"num_heads", "isl", "batch_size"}},
	KindGenerationAttention: {[]string{"kv_cache_dtype", "kvn", "head_dim", "window_size"}, []string{"num_heads", "batch_size", "s"}},
	KindContextMLA:          {[]string{"mla_dtype", "kv_cache_dtype"}, []string{"num_heads", "isl", "batch_size"}},
	KindGenerationMLA:       {[]string{"kv_cache_dtype"}, []string{"num_heads", "batch_size", "s"}},
	KindMLABMM:              {[]string{"bmm_dtype", "op_name"}, []string{"num_heads", "num_tokens"}},
	KindMoE:                 moeShape,
	KindCustomAllReduce:     {nil, []string{"num_gpus", "message_size"}},
	KindNCCL:                {[]string{"nccl_dtype", "op_name"}, []string{"num_gpus", "message_size"}},
	KindWideEPContextMLA:    wideEPMLAShapes[0],
	KindWideEPGenerationMLA: wideEPMLAShapes[1],
	KindWideEPContextMoE:    moeShape,
	KindWideEPGenerationMoE: moeShape,
	KindDeepEPNormal:        {[]string{"node_num", "hidden_size", "num_topk", "num_experts"}, []string{"dispatch_sms", "num_token"}},
	KindDeepEPLL:            {[]string{"node_num", "hidden_size", "num_topk", "num_experts"}, []string{"num_token"}},
}

// gridded are the kinds whose three coordinates span a grid; the others are lines
// over their last coordinate.
var gridded = map[Kind]bool{
	KindGEMM: true, KindContextAttention: true, KindGenerationAttention: true, KindContextMLA: true, KindGenerationMLA: true,
	KindWideEPContextMLA: true, KindWideEPGenerationMLA: true,
}

// kindsOf lists the tables that the formulas of a backend read.
func kindsOf(backend string) []Kind {
	kinds := []Kind{
		KindGEMM, KindContextAttention, KindGenerationAttention, KindContextMLA, KindGenerationMLA,
		KindMoE, KindCustomAllReduce, KindNCCL,
	}
	if backend != "vllm" {
		kinds = append(kinds, KindMLABMM)
	}
	if backend == "sglang" {
		kinds = append(kinds, KindWideEPContextMLA, KindWideEPGenerationMLA, KindWideEPContextMoE,
			KindWideEPGenerationMoE, KindDeepEPNormal, KindDeepEPLL)
	}
	return kinds
}

// KindNames lists the kinds.
func KindNames() []string {
	var names []string
	for _, k := range slices.Sorted(maps.Keys(Shapes)) {
		names = append(names, string(k))
	}
	return names
}

// Unit is the unit of a kind's latencies in its tables.
func (k Kind) Unit() string {
	if k == KindDeepEPNormal || k == KindDeepEPLL {
		return "µs"
	}
	return "ms"
}
