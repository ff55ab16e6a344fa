package main

import (
	"cmp"

	"servegrid/estimator"
	"servegrid/estimator/search"
	"servegrid/internal/measure"
	"servegrid/sinks/deploy"
)

// deployChoice says what a row deploys.
func deployChoice(t *search.Task, r *search.Row) deploy.Choice {
	first := r.Worker
	if r.Mode == search.Disagg {
		first = r.Prefill
	}
	c := deploy.Choice{
		Mode: r.Mode, ModelPath: t.Model.ID, IsMoE: t.Model.IsMoE(), MaxPositions: t.Model.MaxPositions,
		Backend: first.Plan.DB.Backend, Version: first.Plan.DB.Version, TotalGPUs: t.TotalGPUs,
		ISL: t.Workload.ISL, OSL: t.Workload.OSL, Prefix: t.Workload.Prefix, NextN: t.NextN, WideEP: t.WideEP,
		TTFT: r.TTFT, TPOT: r.TPOT,
	}
	if r.Mode == search.Agg {
		c.Agg = deployWorker(r.Worker, 1, r.Memory(search.AggRole, t.Workload))
		c.Agg.CtxTokens = r.CtxTokens
		return c
	}
	c.Prefill = deployWorker(r.Prefill, r.PrefillWorkers, r.Memory(search.PrefillRole, t.Workload))
	c.Decode = deployWorker(r.Decode, r.DecodeWorkers, r.Memory(search.DecodeRole, t.Workload))
	return c
}

func deployWorker(w *search.Worker, count int, m estimator.Memory) *deploy.Worker {
	l, q, s := w.Plan.Layout, w.Plan.Quant, w.Plan.DB.System
	return &deploy.Worker{
		Count: count, TP: l.TP, PP: l.PP, DP: l.DP, MoETP: l.MoETP, MoEEP: l.MoEEP, BatchSize: w.BatchSize,
		GEMM: string(q.GEMM), MoE: string(q.MoE), KVCache: string(q.KV), FMHA: string(q.FMHA), Comm: string(q.Comm),
		System: s.Name, SM: s.SMVersion, GPUsPerNode: s.GPUsPerNode,
		Memory: deploy.Memory{
			Weights: m.Weights, Activations: m.Activations, KVCache: m.KVCache, Total: m.Total(), Capacity: w.Plan.CapacityGiB(),
		},
	}
}

// prediction says what is expected of a row, for a later measurement.
func prediction(name string, rank int, t *search.Task, r *search.Row) *measure.Prediction {
	replicas := r.Replicas(t.TotalGPUs)
	n := float64(replicas)
	p := &measure.Prediction{
		ToolVersion: release, Experiment: name, Rank: rank, Mode: r.Mode,
		Model: t.Model.ID, Estimator: cmp.Or(t.Estimator, referenceEstimator), Deployment: rowDeployment(r, t), KernelData: databases(t, r.Mode) + ", " + provenance[t.DB.Mode],
		ISL: t.Workload.ISL, OSL: t.Workload.OSL, Prefix: t.Workload.Prefix,
		TotalGPUs: t.TotalGPUs, UsedGPUs: replicas * r.ReplicaGPUs, Replicas: replicas,
		Concurrency: r.Concurrency * replicas, ConcurrencyPerReplica: r.Concurrency,
		Limits: measure.Limits{TTFTMs: t.Limits.TTFT, TPOTMs: t.Limits.TPOT, RequestLatencyMs: t.Limits.RequestLatency},
		TTFTMs: r.TTFT, TPOTMs: r.TPOT, RequestLatencyMs: r.RequestLatency,
		RequestRatePerS: r.SeqPerS * n, TokensPerS: r.TokensPerS * n,
		TokensPerSPerGPU: r.TokensPerSPerGPUCluster, TokensPerSPerUser: r.TokensPerSPerUser,
	}
	if t.Limits.RequestLatency > 0 { // it replaces the other two
		p.Limits = measure.Limits{RequestLatencyMs: t.Limits.RequestLatency}
	}
	first := r.Worker
	if r.Mode == search.Agg {
		p.MemoryGiB.Agg = r.Worker.MemoryGiB
	} else {
		first = r.Prefill
		p.MemoryGiB.Prefill, p.MemoryGiB.Decode = r.Prefill.MemoryGiB, r.Decode.MemoryGiB
		if t.Estimator == "" { // the calibrated estimator has constants of its own
			p.PrefillCorrection, p.DecodeCorrection = t.Tuning.PrefillCorrection, t.Tuning.DecodeCorrection
		}
		p.DecodeSystem = r.Decode.Plan.DB.System.Name
	}
	db := first.Plan.DB
	p.System, p.Backend, p.Version = db.System.Name, db.Backend, db.Version
	if p.DecodeSystem == p.System {
		p.DecodeSystem = ""
	}
	return p
}
