package main

import (
	"io"

	"servegrid/estimator/search"
	"servegrid/sinks"
)

// runList answers several sets of latency limits in one run: a row for each,
// with the best configuration of either way of serving.
func (o *defaultOptions) runList(tasks []*search.Task, stdout io.Writer) error {
	columns := []string{"ttft_limit_ms", "tpot_limit_ms", "request_latency_limit_ms", "chosen"}
	for _, e := range o.experiments(tasks) {
		columns = append(columns, e.name+" tokens/s/gpu")
	}
	columns = append(columns, "tokens/s/user", "ttft_ms", "tpot_ms", "request_latency_ms", "deployment")
	var rows [][]any
	for _, l := range o.limits {
		for _, t := range tasks {
			t.Limits = l
		}
		a := solve(o.experiments(tasks))
		if err := a.failure(); err != nil {
			return err
		}
		row := []any{l.TTFT, l.TPOT, nil}
		if l.RequestLatency > 0 {
			row = []any{nil, nil, l.RequestLatency}
		}
		if a.chosen == nil {
			row = append(row, "none")
			rows = append(rows, append(row, make([]any, len(columns)-len(row))...))
			continue
		}
		row = append(row, a.chosen.name)
		for _, e := range a.experiments {
			if b := e.best(); b != nil {
				row = append(row, b.TokensPerSPerGPUCluster)
			} else {
				row = append(row, nil)
			}
		}
		best := a.chosen.best()
		rows = append(rows, append(row, best.TokensPerSPerUser, best.TTFT, o.tpot(best, a.chosen.task()), best.RequestLatency, rowDeployment(best, a.chosen.task())))
	}
	return sinks.WriteTable(stdout, o.output, columns, rows)
}

// rowDeployment words what a row runs.
func rowDeployment(r *search.Row, t *search.Task) string {
	name := func(w *search.Worker) string { return w.Plan.Layout.Short(t.Model.IsMoE()) }
	replicas := r.Replicas(t.TotalGPUs)
	if r.Mode == search.Agg {
		return deployment([]any{replicas, r.Mode, nil, nil, nil, nil, name(r.Worker), r.Worker.BatchSize})
	}
	return deployment([]any{replicas, r.Mode, r.PrefillWorkers, name(r.Prefill), r.Prefill.BatchSize, r.DecodeWorkers, name(r.Decode), r.Decode.BatchSize})
}
