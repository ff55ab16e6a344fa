package schema

import "fmt"

// derived describes the columns that views and macros add to those of the tables.
var derived = []Column{
	str("parallel", "layout of a worker in short, of a decode worker for disagg: tp2pp1, or tp1pp1dp8etp1ep8 where experts or attention are spread"),
	str("prefill_parallel", "layout of a prefill worker in short; null for agg"),
	i32("rank", "", "place in the answer, from 1"),
	truth("meets_limits", "false: nothing meets the latency limits, and this is what comes closest"),
	f64("excess", "", "how many times the worse of the two limits the row takes; above 1 it misses one"),
	i32("replicas_needed", "replicas", "replicas that carry the load"),
	i32("gpus_needed", "GPUs", "replicas_needed x replica_gpus"),
	f64("usd_per_gpu_hour", "USD/h", "price of one GPU for one hour, from the table prices"),
	f64("usd_per_million_tokens", "USD", "price of a million output tokens when the whole GPU budget is paid for"),
	str("note", "remark on the price"),
	str("agg_parallel", "layout of the best aggregated deployment"),
	str("disagg_parallel", "layout of a decode worker of the best disaggregated deployment"),
	f64("agg_tokens_per_s_per_gpu", "tokens/s/GPU", "most that aggregated serving gives over the budget; null: nothing meets the limits"),
	f64("disagg_tokens_per_s_per_gpu", "tokens/s/GPU", "most that disaggregated serving gives over the budget; null: nothing meets the limits"),
	f64("disagg_over_agg", "", "the second of these over the first; null where one of them is missing"),
	str("winner", "agg, disagg, or tie"),
	str("change", "kind of the change; the grain lists them"),
	f64("ttft_ms_a", "ms", "time to first token in the first run; null: not on its frontier"),
	f64("ttft_ms_b", "ms", "time to first token in the second run; null: not on its frontier"),
	f64("tpot_ms_a", "ms", "time per output token in the first run; null: not on its frontier"),
	f64("tpot_ms_b", "ms", "time per output token in the second run; null: not on its frontier"),
	f64("tokens_per_s_per_gpu_cluster_a", "tokens/s/GPU", "tokens per second over the whole budget in the first run; null: not on its frontier"),
	f64("tokens_per_s_per_gpu_cluster_b", "tokens/s/GPU", "tokens per second over the whole budget in the second run; null: not on its frontier"),
	f64("ratio", "", "second over first tokens_per_s_per_gpu_cluster; null where one of them is missing"),
	f64("loss", "", "share by which the second frontier falls short of the first where it does most; 0: nowhere, null: one of them is missing"),
	f64("gain", "", "share by which the second frontier exceeds the first where it does most; 0: nowhere, null: one of them is missing"),
	f64("loss_tokens_per_s_per_user_a", "tokens/s", "users' speed where most is lost, in the first run; null: no loss"),
	f64("loss_tokens_per_s_per_user_b", "tokens/s", "users' speed of what the second run has nearest to it; null: no loss"),
	f64("loss_tokens_per_s_per_gpu_cluster_a", "tokens/s/GPU", "throughput where most is lost, in the first run; null: no loss"),
	f64("loss_tokens_per_s_per_gpu_cluster_b", "tokens/s/GPU", "throughput of what the second run has nearest to it; null: no loss"),
	f64("gain_tokens_per_s_per_user_a", "tokens/s", "users' speed of what the first run has nearest to the largest gain; null: no gain"),
	f64("gain_tokens_per_s_per_user_b", "tokens/s", "users' speed where most is gained, in the second run; null: no gain"),
	f64("gain_tokens_per_s_per_gpu_cluster_a", "tokens/s/GPU", "throughput of what the first run has nearest to the largest gain; null: no gain"),
	f64("gain_tokens_per_s_per_gpu_cluster_b", "tokens/s/GPU", "throughput where most is gained, in the second run; null: no gain"),
	str("status_a", "status in the first run, as in coverage_summary; null: not swept"),
	str("status_b", "status in the second run, as in coverage_summary; null: not swept"),
	i32("n_lost", "", "layouts, by role and workload, that fit in the first run only"),
	i32("n_new", "", "layouts, by role and workload, that fit in the second run only"),
	f64("relative_error", "", "(predicted - measured) / measured"),
	i32("measurements", "", "measured deployments"),
	f64("tpot_error", "", "mean of |relative_error| of tpot_ms; null where none was measured"),
	f64("tpot_bias", "", "mean of relative_error of tpot_ms; null where none was measured"),
	f64("ttft_error", "", "mean of |relative_error| of ttft_ms; null where none was measured"),
	f64("ttft_bias", "", "mean of relative_error of ttft_ms; null where none was measured"),
	str("run", "name of the run"),
	str("name", "name of the sweep"),
	str("started_at", "when the run started, UTC"),
	str("finished_at", "when the run finished, UTC"),
	f64("duration_s", "s", "how long the run took"),
	i32("revision", "", "revision of the estimator's formulas"),
	i32("schema_version", "", "version of these tables"),
	str("tool_version", "version of the program"),
	i32("shards", "", "shards of the run"),
	f64("candidates_agg_points", "", "aggregated candidates scored"),
	f64("candidates_prefill_workers", "", "prefill worker candidates scored"),
	f64("candidates_decode_workers", "", "decode worker candidates scored"),
	f64("candidates_disagg_pairs", "", "pairs of workers considered"),
	f64("rows_agg_points", "", "rows written to agg_points"),
	f64("rows_workers", "", "rows written to workers"),
	f64("rows_disagg_points", "", "rows written to disagg_points"),
	f64("rows_coverage", "", "rows written to coverage"),
	f64("rows_best_points", "", "rows written to best_points"),
	f64("bytes", "bytes", "size of the run's files"),
	str("spec", "the sweep file as text"),
	i32("n_layouts", "", "layouts with a candidate that fits"),
}

// Describe returns what a column of that name means: in the named table if it is
// one and has it, else wherever the name is first listed. One name has one meaning;
// what differs between tables is of whom the figure is.
func Describe(table, name string) (Column, error) {
	if t := Lookup(table); t != nil {
		if i := t.Index(name); i >= 0 {
			return t.Columns[i], nil
		}
	}
	for _, t := range append([]*Table{BestPoints}, Tables()...) {
		if i := t.Index(name); i >= 0 {
			return t.Columns[i], nil
		}
	}
	for _, c := range derived {
		if c.Name == name {
			return c, nil
		}
	}
	return Column{}, fmt.Errorf("schema: column %s of %s is not described", name, table)
}

// Text is the one line that files and databases carry for a column: its meaning,
// with its unit.
func (c *Column) Text() string {
	if c.Unit == "" {
		return c.Doc
	}
	return fmt.Sprintf("%s [%s]", c.Doc, c.Unit)
}

// PeerName is how AIConfigurator spells a column in its result files.
type PeerName struct{ Peer, Column, Note string }

// PeerNames maps AIConfigurator's columns to ours. (p) and (d) are the prefill and
// the decode side; agg_points has the plain names.
var PeerNames = []PeerName{
	{"model", "model", ""},
	{"isl", "isl", ""},
	{"osl", "osl", ""},
	{"prefix", "prefix", ""},
	{"concurrency", "replica_concurrency", "of one replica; concurrency is of all"},
	{"request_rate", "replica_seq_per_s", "of one replica; seq_per_s is of all"},
	{"bs", "bs", ""},
	{"global_bs", "global_bs", "in agg_points and workers"},
	{"ttft", "ttft_ms", ""},
	{"tpot", "tpot_ms", ""},
	{"request_latency", "request_latency_ms", ""},
	{"seq/s", "replica_seq_per_s", "of one replica"},
	{"seq/s/gpu", "seq_per_s_per_gpu", "in workers"},
	{"tokens/s", "replica_tokens_per_s", "in agg_points and disagg_points"},
	{"tokens/s/gpu", "tokens_per_s_per_gpu", ""},
	{"tokens/s/gpu_cluster", "tokens_per_s_per_gpu_cluster", ""},
	{"tokens/s/user", "tokens_per_s_per_user", ""},
	{"num_total_gpus", "replica_gpus", ""},
	{"tp", "tp", ""},
	{"pp", "pp", ""},
	{"dp", "dp", ""},
	{"moe_tp", "moe_tp", ""},
	{"moe_ep", "moe_ep", ""},
	{"parallel", "parallel", "tp2pp1"},
	{"gemm", "gemm_quant", ""},
	{"kvcache", "kvcache_quant", ""},
	{"fmha", "fmha_quant", ""},
	{"moe", "moe_quant", ""},
	{"comm", "comm_quant", ""},
	{"memory", "memory_gib", ""},
	{"backend", "backend", ""},
	{"version", "version", ""},
	{"system", "system", ""},
	{"(p)tp", "prefill_tp", ""},
	{"(p)pp", "prefill_pp", ""},
	{"(p)dp", "prefill_dp", ""},
	{"(p)moe_tp", "prefill_moe_tp", ""},
	{"(p)moe_ep", "prefill_moe_ep", ""},
	{"(p)parallel", "prefill_parallel", ""},
	{"(p)workers", "prefill_workers", ""},
	{"(p)bs", "prefill_bs", ""},
	{"(p)memory", "prefill_memory_gib", "in disagg_points"},
	{"(p)system", "system", ""},
	{"(p)backend", "backend", "both sides run the same"},
	{"(p)version", "version", "both sides run the same"},
	{"(p)gemm", "gemm_quant", "both sides run the same"},
	{"(p)kvcache", "kvcache_quant", "both sides run the same"},
	{"(p)fmha", "fmha_quant", "both sides run the same"},
	{"(p)moe", "moe_quant", "both sides run the same"},
	{"(p)comm", "comm_quant", "both sides run the same"},
	{"(p)global_bs", "global_bs", "in workers"},
	{"(d)global_bs", "global_bs", "in workers"},
	{"(p)seq/s/worker", "worker_seq_per_s", "in workers"},
	{"(d)seq/s/worker", "worker_seq_per_s", "in workers"},
	{"ctx_tokens", "ctx_tokens", ""},
	{"balance_score", "", "not stored: isl x bs / ctx_tokens over osl, constant 1 at its best"},
	{"num_ctx_reqs", "", "not stored: requests that prefill in a mixed step"},
	{"num_gen_reqs", "", "not stored: requests that decode in a mixed step"},
	{"num_tokens", "", "not stored: tokens of a mixed step"},
	{"gen_tokens", "", "not stored: tokens decoded in a mixed step"},
	{"power_w", "", "not stored: no table carries power measurements"},
	{"(d)tp", "tp", "decode_tp in disagg_points, and so on"},
	{"(d)pp", "pp", ""},
	{"(d)dp", "dp", ""},
	{"(d)moe_tp", "moe_tp", ""},
	{"(d)moe_ep", "moe_ep", ""},
	{"(d)parallel", "parallel", ""},
	{"(d)workers", "decode_workers", ""},
	{"(d)bs", "bs", ""},
	{"(d)memory", "decode_memory_gib", "in disagg_points"},
	{"(d)system", "decode_system", ""},
	{"(d)backend", "backend", ""},
	{"(d)version", "version", ""},
	{"(d)gemm", "gemm_quant", ""},
	{"(d)kvcache", "kvcache_quant", ""},
	{"(d)fmha", "fmha_quant", ""},
	{"(d)moe", "moe_quant", ""},
	{"(d)comm", "comm_quant", ""},
}
