package search

import (
	"slices"

	"servegrid/estimator"
	"servegrid/perftables"
)

// RoleSettings narrow the workers of one role. The zero value leaves everything
// to the reference search.
type RoleSettings struct {
	Lists
	Quant *estimator.Quant // nil: [estimator.DefaultQuant]
}

// Replica bounds the replicas of disaggregated serving.
type Replica struct {
	Sizes                   []int // GPU totals that a replica may have, rising; nil: any
	MostGPUs                int   // 0: as many as there are
	MostPrefill, MostDecode int   // workers of each role
}

// DefaultReplica is how the reference search bounds replicas.
// Source: AIConfigurator 0.6.0, defaults of its replica settings.
func DefaultReplica(wideEP bool) Replica {
	r := Replica{MostGPUs: 128, MostPrefill: 32, MostDecode: 32}
	if wideEP {
		r.MostGPUs = 512
		return r
	}
	r.Sizes = append([]int{1, 2, 4}, steps(8, r.MostGPUs, 8)...)
	return r
}

// admits reports whether a replica may have a GPU total. A largest total beyond
// the list extends the list in steps of 8.
func (r Replica) admits(gpus int) bool {
	if r.MostGPUs > 0 && gpus > r.MostGPUs {
		return false
	}
	if r.Sizes == nil || slices.Contains(r.Sizes, gpus) {
		return true
	}
	last := slices.Max(r.Sizes)
	return gpus > last && r.MostGPUs > last && (gpus-last)%8 == 0
}

// Tuning holds the factors and batch sizes of prefill and decode workers.
type Tuning struct {
	PrefillCorrection, DecodeCorrection float64 // multiply the latency
	PrefillMaxBatch, DecodeMaxBatch     int     // per data-parallel rank
}

// DefaultTuning is the tuning of the reference search.
// Source: AIConfigurator 0.6.0, defaults of its advanced tuning.
var DefaultTuning = Tuning{PrefillCorrection: 1.1, DecodeCorrection: 1.08, PrefillMaxBatch: 1, DecodeMaxBatch: largestDecodeBatch}

const largestDecodeBatch = 512

// Batches lists the batch sizes of a role's workers, rising.
func (u Tuning) Batches(role Role) []int {
	switch {
	case role == PrefillRole:
		return steps(1, u.PrefillMaxBatch, 1)
	case u.DecodeMaxBatch > largestDecodeBatch:
		return append(steps(1, largestDecodeBatch, 1), u.DecodeMaxBatch)
	}
	all := slices.Concat(steps(1, 15, 1), steps(16, 30, 2), steps(32, 124, 4), steps(128, largestDecodeBatch, 8))
	return slices.DeleteFunc(all, func(b int) bool { return b > u.DecodeMaxBatch })
}

// Scorer returns the function that scores one batch size of a role's workers.
func (u Tuning) Scorer(plan *estimator.Plan, role Role, w estimator.Workload) (func(b int) (estimator.WorkerPoint, error), error) {
	if role == PrefillRole {
		return func(b int) (estimator.WorkerPoint, error) { return plan.Prefill(b, w, u.PrefillCorrection) }, plan.ContextErr()
	}
	column, err := plan.Decode(w, u.DecodeCorrection)
	return column.At, err
}

// Database returns the database of a role's workers.
func (t *Task) Database(role Role) *perftables.Database {
	if role == DecodeRole && t.DecodeDB != nil {
		return t.DecodeDB
	}
	return t.DB
}

// Formats returns the formats that a role's workers run in.
func (t *Task) Formats(role Role) estimator.Quant {
	if q := t.Roles[role].Quant; q != nil {
		return *q
	}
	return estimator.DefaultQuant(t.Model, t.Database(role))
}

// SizeLists returns the sizes that are tried for a role's workers.
func (t *Task) SizeLists(role Role) Lists {
	config := t.config(role)
	return t.Roles[role].over(DefaultLists(&config, role))
}

// Bounds returns the bounds of replicas.
func (t *Task) Bounds() Replica {
	if t.Replica != nil {
		return *t.Replica
	}
	return DefaultReplica(t.WideEP)
}

// config is the configuration of a role's workers, without a layout.
func (t *Task) config(role Role) estimator.Config {
	return estimator.Config{
		Model: t.Model, DB: t.Database(role), Quant: t.Formats(role), NextN: t.NextN, AcceptRates: t.AcceptRates,
		WideEP: t.WideEP, DeepEP: t.DeepEP, AttentionKernel: t.AttentionKernel,
	}
}
