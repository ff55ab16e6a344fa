package main

import (
	"io"

	"servegrid/estimator/search"
	"servegrid/sinks"
)

// rowColumns name what programs are told of a ranked row.
var rowColumns = []string{"tokens_per_s_per_gpu_cluster", "tokens_per_s_per_user", "ttft_ms", "tpot_ms", "request_latency_ms",
	"concurrency", "replicas", "replica_gpus", "total_gpus", "backend", "version", "parallel", "bs", "prefill_parallel", "prefill_bs", "prefill_workers", "decode_workers", "memory_gib"}

// rowCells are the values of rowColumns.
func rowCells(row *search.Row, t *search.Task, v view) []any {
	worker, memory := row.Worker, 0.0
	var prefillParallel, prefillBS, prefillWorkers, decodeWorkers any
	if row.Mode == search.Disagg {
		worker = row.Decode
		prefillParallel, prefillBS = row.Prefill.Plan.Layout.Short(t.Model.IsMoE()), row.Prefill.BatchSize
		prefillWorkers, decodeWorkers = row.PrefillWorkers, row.DecodeWorkers
		memory = row.Prefill.MemoryGiB
	}
	replicas := row.Replicas(t.TotalGPUs)
	db := worker.Plan.DB
	return []any{
		row.TokensPerSPerGPUCluster, row.TokensPerSPerUser, row.TTFT, v.tpot(row, t), row.RequestLatency,
		row.Concurrency * replicas, replicas, row.ReplicaGPUs, t.TotalGPUs, db.Backend, db.Version,
		worker.Plan.Layout.Short(t.Model.IsMoE()), worker.BatchSize, prefillParallel, prefillBS, prefillWorkers, decodeWorkers, max(memory, worker.MemoryGiB),
	}
}

// writeRows writes the ranked rows for programs.
func (a *answer) writeRows(w io.Writer, format string, v view) error {
	columns := append([]string{"experiment", "rank", "chosen"}, rowColumns...)
	var rows [][]any
	for _, e := range a.experiments {
		for i, row := range e.top(v.topN) {
			rows = append(rows, append([]any{e.name, i + 1, e == a.chosen}, rowCells(&row, e.task(), v)...))
		}
	}
	return sinks.WriteTable(w, format, columns, rows)
}
