package main

import (
	"servegrid/estimator/search"
	"servegrid/sinks/report"
)

// view says how much of an answer is shown.
type view struct {
	topN          int // rows per table
	allColumns    bool
	showBackend   bool // a column of its own: rows of several backends compete
	inclusiveTPOT bool // TPOT counts the time to the first token
}

// tpot is the time per output token that is shown for a row, ms.
func (v view) tpot(r *search.Row, t *search.Task) float64 {
	if v.inclusiveTPOT {
		return r.RequestLatency / float64(t.Workload.OSL)
	}
	return r.TPOT
}

// report fills the printed report of an answer in which not everything failed. The
// box speaks of the leading experiment.
func (a *answer) report(v view) *report.Final {
	t := a.leading().task()
	f := &report.Final{
		Model: t.Model.ID, IsMoE: t.Model.IsMoE(), TotalGPUs: t.TotalGPUs,
		Plot: true, PlotModels: a.models(), AllColumns: v.allColumns, ShowBackend: v.showBackend, Notes: a.notes(v),
	}
	if t.Limits.RequestLatency > 0 {
		f.XAxis = report.XRequestLatency
	}
	if a.chosen != nil {
		f.Chosen = a.chosen.name
	}
	for _, e := range a.experiments {
		f.Experiments = append(f.Experiments, e.report(v, f.XAxis))
	}
	return f
}

// report fills one table.
func (e *experiment) report(v view, x report.XAxis) report.Experiment {
	out := report.Experiment{Name: e.name, Disagg: e.mode == search.Disagg}
	if t := e.task(); t != nil {
		out.TotalGPUs, out.Limits = t.TotalGPUs, latencies(t.Limits)
	}
	for _, row := range e.top(v.topN) {
		r := reportRow(&row, e.task())
		r.TPOT = v.tpot(&row, e.task())
		out.Rows = append(out.Rows, r)
	}
	for _, row := range e.result.Frontier {
		p := report.Point{X: row.TokensPerSPerUser, Y: row.TokensPerSPerGPUCluster}
		if x == report.XRequestLatency {
			p.X = row.RequestLatency
		}
		out.Frontier = append(out.Frontier, p)
	}
	if len(out.Rows) == 0 {
		e.explain(&out)
	}
	return out
}

func latencies(l search.Limits) report.Latencies {
	if l.RequestLatency > 0 {
		return report.Latencies{RequestLatency: l.RequestLatency}
	}
	return report.Latencies{TTFT: l.TTFT, TPOT: l.TPOT}
}

func reportRow(r *search.Row, t *search.Task) report.Row {
	out := report.Row{
		TokensPerSecPerGPUCluster: r.TokensPerSPerGPUCluster, TokensPerSecPerUser: r.TokensPerSPerUser,
		TTFT: r.TTFT, TPOT: r.TPOT, RequestLatency: r.RequestLatency, RequestRate: r.SeqPerS,
		Concurrency: r.Concurrency, ReplicaGPUs: r.ReplicaGPUs, Replicas: r.Replicas(t.TotalGPUs), IsMoE: t.Model.IsMoE(),
	}
	worker := func(w *search.Worker, n int) report.Worker {
		l := w.Plan.Layout
		return report.Worker{Workers: n, Parallel: l.Short(t.Model.IsMoE()), BS: w.BatchSize, TP: l.TP, PP: l.PP, DP: l.DP}
	}
	if r.Mode == search.Agg {
		out.Agg, out.Backend = worker(r.Worker, 1), r.Worker.Plan.DB.Backend
		return out
	}
	out.Prefill, out.Decode = worker(r.Prefill, r.PrefillWorkers), worker(r.Decode, r.DecodeWorkers)
	out.Backend = r.Prefill.Plan.DB.Backend
	return out
}
