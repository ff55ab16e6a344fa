package search

import (
	"strconv"
	"strings"

	"servegrid/estimator"
)

// AIConfigurator's result table: the columns that users of its CSV files know.

// Columns lists the columns of one way of serving, in the peer's order.
func Columns(mode string) []string {
	head := "model isl osl prefix concurrency request_rate"
	if mode == Agg {
		return strings.Fields(head + ` bs global_bs ttft tpot request_latency seq/s seq/s/gpu tokens/s tokens/s/gpu
			tokens/s/user num_total_gpus tp pp dp moe_tp moe_ep parallel gemm kvcache fmha moe comm memory balance_score
			num_ctx_reqs num_gen_reqs num_tokens ctx_tokens gen_tokens backend version system power_w tokens/s/gpu_cluster`)
	}
	cols := strings.Fields(head + ` (p)bs (p)global_bs (p)workers (d)bs (d)global_bs (d)workers ttft tpot request_latency
		seq/s seq/s/gpu tokens/s tokens/s/gpu tokens/s/user (p)seq/s/worker (d)seq/s/worker num_total_gpus`)
	for _, side := range []string{"(p)", "(d)"} {
		for _, c := range workerColumns {
			cols = append(cols, side+c)
		}
	}
	return append(cols, "power_w", "tokens/s/gpu_cluster")
}

var workerColumns = strings.Fields("tp pp dp moe_tp moe_ep parallel gemm kvcache fmha moe comm memory backend version system")

// Record returns the row's cells in the order of [Columns]. Numbers are in their
// shortest form; real numbers keep a decimal point.
func (r *Row) Record(w estimator.Workload) []string {
	v := r.cells(w)
	cols := Columns(r.Mode)
	rec := make([]string, len(cols))
	for i, c := range cols {
		rec[i] = v[c]
	}
	return rec
}

func (r *Row) cells(w estimator.Workload) map[string]string {
	v := map[string]string{
		"isl": integer(w.ISL), "osl": integer(w.OSL), "prefix": integer(w.Prefix),
		"concurrency": integer(r.Concurrency), "request_rate": real(r.SeqPerS),
		"ttft": real(r.TTFT), "tpot": real(r.TPOT), "request_latency": real(r.RequestLatency),
		"seq/s": real(r.SeqPerS), "seq/s/gpu": real(r.SeqPerSPerGPU),
		"tokens/s": real(r.TokensPerS), "tokens/s/gpu": real(r.TokensPerSPerGPU), "tokens/s/user": real(r.TokensPerSPerUser),
		"num_total_gpus": integer(r.ReplicaGPUs),
		// No table carries power measurements.
		"power_w":              "0.0",
		"tokens/s/gpu_cluster": real(r.TokensPerSPerGPUCluster),
	}
	if r.Mode == Disagg {
		v["model"] = r.Prefill.Plan.Model.ID
		v["(p)workers"], v["(d)workers"] = integer(r.PrefillWorkers), integer(r.DecodeWorkers)
		v["(p)seq/s/worker"], v["(d)seq/s/worker"] = real(r.Prefill.SeqPerS), real(r.Decode.SeqPerS)
		r.Prefill.cells(v, "(p)")
		r.Decode.cells(v, "(d)")
		return v
	}
	v["model"] = r.Worker.Plan.Model.ID
	r.Worker.cells(v, "")
	contexts, decoding, tokens := r.mixedStep(w)
	v["balance_score"] = real(r.BalanceScore)
	v["num_ctx_reqs"], v["num_gen_reqs"] = real(float64(contexts)), real(float64(decoding))
	v["num_tokens"], v["gen_tokens"] = real(float64(tokens)), real(float64(decoding))
	v["ctx_tokens"] = integer(r.CtxTokens)
	return v
}

// cells adds the columns of a worker, each name behind side.
func (w *Worker) cells(v map[string]string, side string) {
	l, q, db := w.Plan.Layout, w.Plan.Quant, w.Plan.DB
	v[side+"bs"], v[side+"global_bs"] = integer(w.BatchSize), integer(w.GlobalBatchSize())
	v[side+"tp"], v[side+"pp"], v[side+"dp"] = integer(l.TP), integer(l.PP), integer(l.DP)
	v[side+"moe_tp"], v[side+"moe_ep"] = integer(l.MoETP), integer(l.MoEEP)
	v[side+"parallel"] = l.String()
	v[side+"gemm"], v[side+"kvcache"], v[side+"fmha"] = string(q.GEMM), string(q.KV), string(q.FMHA)
	v[side+"moe"], v[side+"comm"] = string(q.MoE), string(q.Comm)
	v[side+"memory"] = real(w.MemoryGiB)
	v[side+"backend"], v[side+"version"], v[side+"system"] = db.Backend, db.Version, db.System.Name
}

func integer(v int) string { return strconv.Itoa(v) }

func real(v float64) string {
	s := strconv.FormatFloat(v, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}
