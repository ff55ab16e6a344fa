package main

import (
	"cmp"
	"reflect"

	"servegrid/estimator/search"
	"servegrid/jobs"
	"servegrid/perftables"
)

// newTask builds the question of an experiment. The text says where its formats
// come from.
func newTask(x *jobs.Experiment, m messages) (*search.Task, string, error) {
	model, err := lookupModel(m.info(), x.Model)
	if err != nil {
		return nil, "", err
	}
	first := x.Agg
	if x.ServingMode == jobs.ModeDisagg {
		first = x.Prefill
	}
	open := func(w *jobs.WorkerBlock) (*perftables.Database, error) {
		return openDatabaseIn(perftables.Mode(x.DatabaseMode), model.ID, w.System, w.Backend, w.Version)
	}
	db, err := open(&first)
	if err != nil {
		return nil, "", err
	}
	t := search.NewTask(model, db)
	if d := &x.Decode; x.ServingMode == jobs.ModeDisagg && (d.System != first.System || d.Backend != first.Backend || d.Version != first.Version) {
		if t.DecodeDB, err = open(d); err != nil {
			return nil, "", err
		}
	}
	t.TotalGPUs, t.Exhaustive = x.TotalGPUs, x.Search == jobs.SearchExhaustive
	t.Workload.ISL, t.Workload.OSL, t.Workload.Prefix = x.Workload.ISL, x.Workload.OSL, x.Workload.Prefix
	t.Limits = search.Limits{TTFT: x.TTFT, TPOT: x.TPOT, RequestLatency: x.RequestLatency}
	t.WideEP, t.DeepEP, t.AttentionKernel = x.WideEP, x.MoEBackend != "", x.AttentionBackend
	if x.NextN >= 0 {
		t.NextN = x.NextN
	}
	if x.AcceptRates != nil {
		t.AcceptRates = x.AcceptRates
	}
	t.Replica = replica(&x.Replica, t.WideEP)
	t.Tuning = tuning(&x.Tuning)
	formats, err := setRoles(t, x)
	if err != nil {
		return nil, "", err
	}
	return t, formats, t.Check()
}

// setRoles sets lists and formats of the roles.
func setRoles(t *search.Task, x *jobs.Experiment) (formats string, err error) {
	all := quantOptions{source: "reference", common: x.QuantMode, inFile: true}
	if n := len(x.Profiles); n > 0 {
		all.profile = x.Profiles[n-1]
	}
	blocks := [...]*jobs.WorkerBlock{search.AggRole: &x.Agg, search.PrefillRole: &x.Prefill, search.DecodeRole: &x.Decode}
	for _, role := range roles(x.ServingMode) {
		w, quant := blocks[role], all
		quant.single = []string{w.GEMM, w.MoE, w.KVCache, w.FMHA, w.Comm}
		q, err := quant.choose(t.Model, t.Database(role))
		if err != nil {
			return "", err
		}
		t.Roles[role] = search.RoleSettings{
			Lists: search.Lists{GPUs: w.GPUs, TP: w.TP, PP: w.PP, DP: w.DP, MoETP: w.MoETP, MoEEP: w.MoEEP},
			Quant: &q,
		}
		all.single = append(all.single, quant.single...)
	}
	return all.String(), nil
}

// replica fills the bounds of replicas with the defaults. Nothing but defaults is
// nil: an exhaustive search then knows no bounds.
func replica(b *jobs.ReplicaBlock, wideEP bool) *search.Replica {
	def := search.DefaultReplica(wideEP)
	r := def
	if b.AnyGPUs || b.GPUs != nil {
		r.Sizes = b.GPUs
	}
	if b.MaxGPUs != nil {
		r.MostGPUs = *b.MaxGPUs
	}
	r.MostPrefill, r.MostDecode = cmp.Or(b.MaxPrefill, r.MostPrefill), cmp.Or(b.MaxDecode, r.MostDecode)
	if reflect.DeepEqual(r, def) {
		return nil
	}
	return &r
}

func tuning(b *jobs.TuningBlock) search.Tuning {
	d := search.DefaultTuning
	return search.Tuning{
		PrefillCorrection: cmp.Or(b.PrefillCorrection, d.PrefillCorrection), DecodeCorrection: cmp.Or(b.DecodeCorrection, d.DecodeCorrection),
		PrefillMaxBatch: cmp.Or(b.PrefillMaxBatch, d.PrefillMaxBatch), DecodeMaxBatch: cmp.Or(b.DecodeMaxBatch, d.DecodeMaxBatch),
	}
}
