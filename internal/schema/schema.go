// Package schema is the one list of result columns: name, type, unit, null
// rule and one-line meaning. Writers, views, documents and tests read it, so a
// column is named in exactly one place.
//
// It also defines [Rows], the columnar block that the pipeline hands to a
// writer. The package imports nothing of the project; everyone may import it.
package schema

import "fmt"

// Version of the result tables. It is part of every shard key and of every
// file's metadata. Raise it when a column is added, removed, renamed or changes
// its type, unit or null rule; a test compares with testdata/columns.txt.
//
// The policy: a program reads warehouses of its own version. Scoring is cheap, so
// an older one is swept again instead of being read with guesses for what it lacks.
const Version = 2

// Type is the physical type of a column.
type Type uint8

// The column types. Parquet stores them as BYTE_ARRAY (UTF8), INT32, DOUBLE and
// BOOLEAN.
const (
	String Type = iota
	Int32
	Float64
	Bool
)

func (t Type) String() string {
	switch t {
	case String:
		return "string"
	case Int32:
		return "int32"
	case Float64:
		return "float64"
	case Bool:
		return "bool"
	}
	return fmt.Sprintf("Type(%d)", uint8(t))
}

// Column describes one column of a table.
type Column struct {
	Name     string
	Type     Type
	Unit     string // "" where the value is a name, a count or a flag
	Nullable bool   // when null is possible, Doc says what it means
	Doc      string
}

// Table is one fact table of the warehouse.
type Table struct {
	Name    string
	Grain   string // one row per …
	Columns []Column
}

// Index returns the position of the named column, or -1.
func (t *Table) Index(name string) int {
	for i := range t.Columns {
		if t.Columns[i].Name == name {
			return i
		}
	}
	return -1
}

// Tables lists every table in the order in which they are written.
func Tables() []*Table {
	return []*Table{AggPoints, Workers, DisaggPoints, Coverage, BestPoints, GPUBudgets, SLATargets, Validation}
}

// Lookup returns the table of that name, or nil.
func Lookup(name string) *Table {
	for _, t := range Tables() {
		if t.Name == name {
			return t
		}
	}
	return nil
}

func str(name, doc string) Column { return Column{Name: name, Type: String, Doc: doc} }
func i32(name, unit, doc string) Column {
	return Column{Name: name, Type: Int32, Unit: unit, Doc: doc}
}
func f64(name, unit, doc string) Column {
	return Column{Name: name, Type: Float64, Unit: unit, Doc: doc}
}
func truth(name, doc string) Column { return Column{Name: name, Type: Bool, Doc: doc} }

func nullable(c Column) Column { c.Nullable = true; return c }

// nullables returns copies of columns that may be null, and says when.
func nullables(cs []Column, when string) []Column {
	out := make([]Column, len(cs))
	for i, c := range cs {
		c.Nullable = true
		c.Doc += "; " + when
		out[i] = c
	}
	return out
}

func columns(groups ...[]Column) []Column {
	var all []Column
	for _, g := range groups {
		all = append(all, g...)
	}
	return all
}

// identity says what was asked for and by which rules it was answered.
var identity = []Column{
	str("model", "model as a Hugging Face id"),
	str("system", "GPU system; of the prefill side where the two sides differ"),
	str("decode_system", "GPU system of the decode side; equal to system unless hardware is mixed"),
	str("backend", "serving engine: trtllm, vllm or sglang"),
	str("version", "engine version whose kernel measurements were used"),
	str("estimator", "reference or calibrated"),
	str("search", "reference or exhaustive"),
	str("database_mode", "SILICON, HYBRID, EMPIRICAL or SOL"),
	str("shard_key", "content key of the shard that made the row"),
}

var quant = []Column{
	str("gemm_quant", "numeric format of the dense matrix multiplications"),
	str("moe_quant", "numeric format of the expert layers; unused by dense models"),
	str("kvcache_quant", "numeric format of the KV cache"),
	str("fmha_quant", "numeric format of context attention"),
	str("comm_quant", "numeric format of communication"),
	i32("nextn", "tokens", "multi-token-prediction depth"),
}

var workload = []Column{
	i32("isl", "tokens", "input length, cached prefix included"),
	i32("osl", "tokens", "output length"),
	i32("prefix", "tokens", "part of the input that is found in the prefix cache"),
}

// layout returns the parallel layout of one worker; prefix names its role.
func layout(prefix string) []Column {
	return []Column{
		i32(prefix+"tp", "ways", "tensor parallel size of the worker"),
		i32(prefix+"pp", "ways", "pipeline parallel size of the worker"),
		i32(prefix+"dp", "ways", "attention data parallel size of the worker"),
		i32(prefix+"moe_tp", "ways", "tensor parallel size of the experts"),
		i32(prefix+"moe_ep", "ways", "expert parallel size"),
	}
}

var feasibility = []Column{
	truth("feasible", "true when the candidate fits in GPU memory"),
	str("reason", "why it is not feasible: out_of_memory; empty when it is"),
}

// AggPoints holds aggregated serving candidates.
var AggPoints = &Table{
	Name:  "agg_points",
	Grain: "one aggregated candidate: worker layout, batch size and context tokens per step, for one workload",
	Columns: columns(identity, quant, layout(""), []Column{
		i32("replica_gpus", "GPUs", "GPUs of one replica: tp x pp x dp"),
	}, workload, []Column{
		i32("bs", "requests", "batch size per data-parallel rank"),
		i32("global_bs", "requests", "bs x dp"),
		i32("ctx_tokens", "tokens", "context tokens scheduled in a mixed step"),
		i32("replica_concurrency", "requests", "requests in flight over one replica"),
		f64("ttft_ms", "ms", "time to first token"),
		f64("tpot_ms", "ms", "time per output token after the first"),
		f64("request_latency_ms", "ms", "ttft_ms + tpot_ms x (osl - 1)"),
		f64("replica_seq_per_s", "requests/s", "requests finished per second by one replica"),
		f64("replica_tokens_per_s", "tokens/s", "output tokens per second of one replica: replica_seq_per_s x (osl - 1)"),
		f64("tokens_per_s_per_gpu", "tokens/s/GPU", "replica_tokens_per_s over replica_gpus"),
		f64("tokens_per_s_per_user", "tokens/s", "1000 / tpot_ms"),
		f64("memory_gib", "GiB", "memory needed on each GPU; 1 GiB = 2^30 bytes"),
	}, feasibility),
}

// Workers holds the prefill and decode workers that disaggregated serving is
// put together from.
var Workers = &Table{
	Name:  "workers",
	Grain: "one prefill or decode worker candidate: layout and batch size, for one workload",
	Columns: columns(identity, quant, []Column{
		str("role", "prefill or decode"),
	}, layout(""), []Column{
		i32("worker_gpus", "GPUs", "GPUs of the worker: tp x pp x dp"),
	}, workload, []Column{
		i32("bs", "requests", "batch size per data-parallel rank"),
		i32("global_bs", "requests", "bs x dp"),
		nullable(f64("ttft_ms", "ms", "context latency with the prefill correction, before queueing; null for decode")),
		nullable(f64("tpot_ms", "ms", "time per output token with the decode correction; null for prefill")),
		f64("worker_seq_per_s", "requests/s", "requests per second that the worker can take"),
		f64("seq_per_s_per_gpu", "requests/s/GPU", "worker_seq_per_s over worker_gpus"),
		f64("memory_gib", "GiB", "memory needed on each GPU; 1 GiB = 2^30 bytes"),
	}, feasibility),
}

// DisaggPoints holds matched pairs of prefill and decode workers.
var DisaggPoints = &Table{
	Name: "disagg_points",
	Grain: "one non-dominated pair of prefill and decode workers for one workload and GPU budget, " +
		"with the worker counts that give the most tokens per second",
	Columns: columns(identity, quant, workload, []Column{
		i32("gpus", "GPUs", "GPU budget"),
		i32("used_gpus", "GPUs", "GPUs in use: replicas x replica_gpus, at most gpus"),
		i32("replicas", "replicas", "identical replicas: the greatest common divisor of the worker counts"),
		i32("replica_gpus", "GPUs", "GPUs of one replica"),
		i32("prefill_workers", "workers", "prefill workers of one replica"),
		i32("decode_workers", "workers", "decode workers of one replica"),
	}, layout("prefill_"), []Column{
		i32("prefill_bs", "requests", "batch size per data-parallel rank of a prefill worker"),
		i32("prefill_gpus", "GPUs", "GPUs of one prefill worker"),
	}, layout("decode_"), []Column{
		i32("decode_bs", "requests", "batch size per data-parallel rank of a decode worker"),
		i32("decode_gpus", "GPUs", "GPUs of one decode worker"),
		i32("replica_concurrency", "requests", "requests in flight over one replica"),
		f64("ttft_ms", "ms", "time to first token, queueing included"),
		f64("tpot_ms", "ms", "time per output token after the first"),
		f64("request_latency_ms", "ms", "ttft_ms + tpot_ms x (osl - 1)"),
		f64("replica_seq_per_s", "requests/s", "requests per second of one replica: the slower of its two sides"),
		f64("replica_tokens_per_s", "tokens/s", "output tokens per second of one replica: replica_seq_per_s x osl"),
		f64("tokens_per_s_per_gpu", "tokens/s/GPU", "replica_tokens_per_s over replica_gpus"),
		f64("tokens_per_s_per_gpu_cluster", "tokens/s/GPU", "tokens per second of all replicas over the whole budget, idle GPUs included"),
		f64("tokens_per_s_per_user", "tokens/s", "1000 / tpot_ms"),
		f64("prefill_memory_gib", "GiB", "memory needed on each prefill GPU"),
		f64("decode_memory_gib", "GiB", "memory needed on each decode GPU"),
	}),
}

// Coverage lists everything that was asked for: scored, or why not.
var Coverage = &Table{
	Name: "coverage",
	Grain: "one worker layout in one role for one workload; a combination that is refused as a whole has one row " +
		"with null layout and workload",
	Columns: columns(identity, quant, []Column{
		str("mode", "agg or disagg"),
		str("role", "agg, prefill, decode, or pair for the disaggregated matching"),
		nullable(i32("tp", "ways", "tensor parallel size; null when not about one layout")),
		nullable(i32("pp", "ways", "pipeline parallel size; null when not about one layout")),
		nullable(i32("dp", "ways", "attention data parallel size; null when not about one layout")),
		nullable(i32("moe_tp", "ways", "tensor parallel size of the experts; null when not about one layout")),
		nullable(i32("moe_ep", "ways", "expert parallel size; null when not about one layout")),
		nullable(i32("isl", "tokens", "input length; null when not about one workload")),
		nullable(i32("osl", "tokens", "output length; null when not about one workload")),
		nullable(i32("prefix", "tokens", "cached prefix length; null when not about one workload")),
		str("status", "ok, no_fit (nothing fits in memory), no_data (no measurement covers it), impossible (the model cannot be laid out so) or refused"),
		str("reason", "what is missing; empty when status is ok"),
		f64("n_candidates", "", "candidates asked for: n_feasible + n_oom + n_no_data"),
		f64("n_feasible", "", "candidates scored that fit in memory"),
		f64("n_oom", "", "candidates scored that do not fit in memory"),
		f64("n_no_data", "", "candidates that no measurement covers"),
		f64("n_kept", "", "rows written for them"),
	}),
}

// BestPoints holds the deployments that can be the answer to a question: what the
// views frontier and sla_frontier show. It repeats rows of agg_points and
// disagg_points, so that those views need not look at all of them.
var BestPoints = &Table{
	Name: "best_points",
	Grain: "one deployment within a GPU budget that no other of its serving mode beats, in speed and throughput or under some pair " +
		"of latency limits, for one workload",
	Columns: columns([]Column{
		str("mode", "agg or disagg"),
	}, identity, quant, workload, []Column{
		i32("gpus", "GPUs", "GPU budget"),
		i32("used_gpus", "GPUs", "GPUs in use: replicas x replica_gpus, at most gpus"),
		i32("replicas", "replicas", "identical replicas within the budget"),
		i32("replica_gpus", "GPUs", "GPUs of one replica"),
		i32("concurrency", "requests", "requests in flight over all replicas"),
		i32("replica_concurrency", "requests", "requests in flight over one replica"),
		f64("ttft_ms", "ms", "time to first token, queueing included"),
		f64("tpot_ms", "ms", "time per output token after the first"),
		f64("request_latency_ms", "ms", "ttft_ms + tpot_ms x (osl - 1)"),
		f64("tokens_per_s_per_gpu", "tokens/s/GPU", "output tokens per second of one replica over replica_gpus"),
		f64("tokens_per_s_per_gpu_cluster", "tokens/s/GPU", "output tokens per second of all replicas over the whole budget, idle GPUs included"),
		f64("tokens_per_s_per_user", "tokens/s", "1000 / tpot_ms"),
		f64("seq_per_s", "requests/s", "requests finished per second by all replicas"),
		f64("replica_seq_per_s", "requests/s", "requests finished per second by one replica"),
	}, layout(""), []Column{
		i32("bs", "requests", "batch size per data-parallel rank; of a decode worker for disagg"),
		nullable(i32("ctx_tokens", "tokens", "context tokens scheduled in a mixed step; null for disagg")),
	}, nullables(layout("prefill_"), "null for agg"), []Column{
		nullable(i32("prefill_bs", "requests", "batch size per data-parallel rank of a prefill worker; null for agg")),
		nullable(i32("prefill_workers", "workers", "prefill workers of one replica; null for agg")),
		nullable(i32("decode_workers", "workers", "decode workers of one replica; null for agg")),
		f64("memory_gib", "GiB", "memory needed on each GPU, of the fuller side where there are two"),
		truth("on_frontier", "no other of its mode gives as much to users and per GPU, and more of one"),
		truth("overall", "on the frontier of both modes taken together"),
		truth("on_sla_frontier", "the best of its mode under some pair of latency limits"),
	}),
}

// GPUBudgets holds the GPU counts that the sweep was asked about.
var GPUBudgets = &Table{
	Name:    "gpu_budgets",
	Grain:   "one GPU budget of the run",
	Columns: []Column{i32("gpus", "GPUs", "GPU budget")},
}

// SLATargets holds the latency limits that the sweep was asked about. They are
// filters over scored candidates and never cause one to be scored.
var SLATargets = &Table{
	Name:  "sla_targets",
	Grain: "one pair of latency limits of the run",
	Columns: []Column{
		f64("ttft_limit_ms", "ms", "largest acceptable time to first token"),
		f64("tpot_limit_ms", "ms", "largest acceptable time per output token"),
	},
}

// Validation holds measurements beside their predictions. It belongs to the
// warehouse, not to a run: what was measured stays true after the next sweep.
var Validation = &Table{
	Name:  "validation",
	Grain: "one metric of one measured deployment, with its prediction",
	Columns: []Column{
		str("recorded_at", "when it was recorded, UTC, as in RFC 3339"),
		str("source", "where the measurement comes from: a file, a report"),
		str("mode", "agg or disagg"),
		str("model", "model as a Hugging Face id"),
		str("system", "GPU system; of the prefill side where the two sides differ"),
		str("decode_system", "GPU system of the decode side; equal to system unless hardware is mixed"),
		str("backend", "serving engine: trtllm, vllm or sglang"),
		str("version", "engine version that was measured"),
		str("estimator", "which estimator predicted: reference or calibrated"),
		str("deployment", "what ran, in words"),
		i32("isl", "tokens", "input length"),
		i32("osl", "tokens", "output length"),
		i32("prefix", "tokens", "part of the input that is found in the prefix cache"),
		i32("gpus", "GPUs", "GPUs in use"),
		i32("concurrency", "requests", "requests in flight over the whole deployment"),
		str("metric", "the column that was measured: ttft_ms, tpot_ms, tokens_per_s_per_gpu, …"),
		f64("predicted", "the metric's", "predicted value"),
		f64("measured", "the metric's", "measured value"),
	},
}
