package main

import (
	"servegrid/estimator/search"
	"servegrid/jobs"
	"servegrid/perftables"
)

// effective writes an experiment as a file that asks the same again with nothing
// left to defaults. Several databases become as many experiments.
func (e *experiment) effective() []byte {
	var list []jobs.Experiment
	for _, t := range e.tasks {
		x := effective(t, e.mode)
		if x.Name = e.name; len(e.tasks) > 1 {
			x.Name += "_" + t.DB.Backend
		}
		list = append(list, x)
	}
	return jobs.ExperimentsYAML(list)
}

func effective(t *search.Task, mode string) jobs.Experiment {
	x := jobs.Experiment{
		Replace: true, ServingMode: mode, Model: t.Model.ID, TotalGPUs: t.TotalGPUs,
		Workload: jobs.Workload{ISL: t.Workload.ISL, OSL: t.Workload.OSL, Prefix: t.Workload.Prefix},
		TTFT:     t.Limits.TTFT, TPOT: t.Limits.TPOT, RequestLatency: t.Limits.RequestLatency,
		DatabaseMode: string(t.DB.Mode), Search: jobs.SearchReference,
		WideEP: t.WideEP, AttentionBackend: t.AttentionKernel, NextN: t.NextN, AcceptRates: t.AcceptRates,
	}
	if t.Exhaustive {
		x.Search = jobs.SearchExhaustive
	}
	if t.DeepEP {
		x.MoEBackend = deepEP
	}
	if mode == search.Agg {
		x.Agg = effectiveWorkers(t, search.AggRole)
		return x
	}
	x.Prefill, x.Decode = effectiveWorkers(t, search.PrefillRole), effectiveWorkers(t, search.DecodeRole)
	b := t.Bounds()
	x.Replica = jobs.ReplicaBlock{GPUs: b.Sizes, AnyGPUs: b.Sizes == nil, MaxGPUs: &b.MostGPUs, MaxPrefill: b.MostPrefill, MaxDecode: b.MostDecode}
	x.Tuning = jobs.TuningBlock(t.Tuning)
	return x
}

func effectiveWorkers(t *search.Task, role search.Role) jobs.WorkerBlock {
	db, l, q := t.Database(role), t.SizeLists(role), t.Formats(role)
	w := jobs.WorkerBlock{
		System: db.System.Name, Backend: db.Backend, Version: db.Version,
		GPUs: l.GPUs, TP: l.TP, PP: l.PP, DP: l.DP, MoETP: l.MoETP, MoEEP: l.MoEEP,
		GEMM: string(q.GEMM), MoE: string(q.MoE), KVCache: string(q.KV), FMHA: string(q.FMHA), Comm: string(q.Comm),
	}
	if w.Version == perftables.Unmeasured {
		w.Version = "" // there is nothing to name
	}
	return w
}
