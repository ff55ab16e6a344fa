package main

import (
	"io"

	"servegrid/estimator/search"
	"servegrid/sinks"
)

// writeRows writes the ranked rows for programs.
func (a *answer) writeRows(w io.Writer, format string, v view) error {
	columns := []string{"experiment", "rank", "chosen", "tokens_per_s_per_gpu_cluster", "tokens_per_s_per_user", "ttft_ms", "tpot_ms", "request_latency_ms",
		"concurrency", "replicas", "replica_gpus", "total_gpus", "backend", "version", "parallel", "bs", "prefill_parallel", "prefill_bs", "prefill_workers", "decode_workers", "memory_gib"}
	var rows [][]any
	for _, e := range a.experiments {
		for i, row := range e.top(v.topN) {
			t, worker, memory := e.task(), row.Worker, 0.0
			var prefillParallel, prefillBS, prefillWorkers, decodeWorkers any
			if row.Mode == search.Disagg {
				worker = row.Decode
				prefillParallel, prefillBS = row.Prefill.Plan.Layout.Short(t.Model.IsMoE()), row.Prefill.BatchSize
				prefillWorkers, decodeWorkers = row.PrefillWorkers, row.DecodeWorkers
				memory = row.Prefill.MemoryGiB
			}
			replicas := row.Replicas(t.TotalGPUs)
			db := worker.Plan.DB
			rows = append(rows, []any{
				e.name, i + 1, e == a.chosen, row.TokensPerSPerGPUCluster, row.TokensPerSPerUser, row.TTFT, v.tpot(&row, t), row.RequestLatency,
				row.Concurrency * replicas, replicas, row.ReplicaGPUs, t.TotalGPUs, db.Backend, db.Version,
				worker.Plan.Layout.Short(t.Model.IsMoE()), worker.BatchSize, prefillParallel, prefillBS, prefillWorkers, decodeWorkers, max(memory, worker.MemoryGiB),
			})
		}
	}
	return sinks.WriteTable(w, format, columns, rows)
}
