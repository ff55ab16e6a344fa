package search

import (
	"errors"
	"fmt"
	"math"

	"servegrid/estimator"
	"servegrid/perftables"
)

// Task is one question: a model on some GPUs under some traffic and limits.
type Task struct {
	Model     *estimator.Model
	DB        *perftables.Database // of aggregated and prefill workers
	DecodeDB  *perftables.Database // of decode workers; nil = DB
	TotalGPUs int
	Workload  estimator.Workload
	Limits    Limits

	// How the model is served beyond its layout; see [estimator.Config].
	NextN           int
	AcceptRates     []float64
	WideEP, DeepEP  bool
	AttentionKernel string

	Roles   [3]RoleSettings // by [Role]
	Replica *Replica        // nil: [DefaultReplica]
	Tuning  Tuning

	// Estimator names who scores the candidates; "" is this package. It is carried for
	// those who show or keep the answer.
	Estimator string

	// Exhaustive considers every candidate and every number of workers, and
	// applies the limits as they are.
	Exhaustive bool

	plans *planCache
}

// Limits are the latencies that a row must meet, in ms.
type Limits struct {
	TTFT, TPOT float64

	// RequestLatency, when positive, replaces the other two: TTFT becomes one of
	// the values that are tried and TPOT plays no part.
	RequestLatency float64
}

// Admits reports whether a search that looks at every candidate keeps a row: TTFT
// within its limit, unless the limit is on the whole request.
func (l Limits) Admits(r *Row) bool {
	return l.RequestLatency > 0 || l.TTFT <= 0 || r.TTFT <= l.TTFT
}

// The two ways of serving.
const (
	Agg    = "agg"
	Disagg = "disagg"
)

// Worker is one engine instance of a row.
type Worker struct {
	Plan      *estimator.Plan
	BatchSize int     // per data-parallel rank
	SeqPerS   float64 // of a prefill or decode worker
	MemoryGiB float64
}

// GlobalBatchSize is the batch over all data-parallel ranks.
func (w *Worker) GlobalBatchSize() int { return w.BatchSize * w.Plan.Layout.DP }

// Row is one configuration, a replica as a whole. All figures but
// TokensPerSPerGPUCluster are rounded to three decimals.
type Row struct {
	Mode string // Agg or Disagg

	Concurrency       int
	TTFT, TPOT        float64 // ms
	RequestLatency    float64 // ms
	SeqPerS           float64
	SeqPerSPerGPU     float64
	TokensPerS        float64
	TokensPerSPerGPU  float64
	TokensPerSPerUser float64
	ReplicaGPUs       int

	// TokensPerSPerGPUCluster spreads what all replicas that fit into the budget
	// give over every GPU of it.
	TokensPerSPerGPUCluster float64

	Worker       *Worker // of an aggregated row
	CtxTokens    int
	BalanceScore float64

	Prefill, Decode               *Worker // of a disaggregated row
	PrefillWorkers, DecodeWorkers int
}

// Group names the worker layout by which rows compete: one row of each is
// ranked.
func (r *Row) Group() string {
	if r.Mode == Agg {
		return r.Worker.Plan.Layout.String()
	}
	return r.Decode.Plan.Layout.String()
}

// Replicas is how many copies fit into a budget.
func (r *Row) Replicas(totalGPUs int) int { return totalGPUs / r.ReplicaGPUs }

// SetCluster sets TokensPerSPerGPUCluster for a budget.
func (r *Row) SetCluster(totalGPUs int) {
	replicas := float64(r.Replicas(totalGPUs))
	r.TokensPerSPerGPUCluster = r.TokensPerSPerGPU * replicas * float64(r.ReplicaGPUs) / float64(totalGPUs)
}

// Result is the answer of one way of serving.
type Result struct {
	Mode     string
	Rows     []Row   // everything worth looking at
	Frontier []Row   // non-dominated rows
	Picked   []Row   // ranked rows within the limits, best first
	Err      error   // why there is none at all
	Dropped  []error // layouts that gave nothing, and why
	Scored   int     // candidates scored
}

// Check reports a task that cannot be searched at all.
func (t *Task) Check() error {
	if t.TotalGPUs < 1 {
		return fmt.Errorf("total GPUs is %d, want at least 1", t.TotalGPUs)
	}
	if err := t.Workload.Check(); err != nil {
		return err
	}
	if t.Workload.OSL < 2 {
		return errors.New("osl is 1, want at least 2: there is no time per output token for a single one")
	}
	if t.NextN > len(t.AcceptRates) {
		return fmt.Errorf("nextn %d needs as many acceptance rates, not %d", t.NextN, len(t.AcceptRates))
	}
	for _, l := range []struct {
		name string
		v    float64
	}{{"ttft", t.Limits.TTFT}, {"tpot", t.Limits.TPOT}, {"request latency", t.Limits.RequestLatency}} {
		if l.v < 0 || math.IsNaN(l.v) || math.IsInf(l.v, 0) {
			return fmt.Errorf("%s limit is %v ms, want a positive number", l.name, l.v)
		}
	}
	return nil
}

// DefaultNextN is the multi-token prediction depth that a model is served with
// unless said otherwise, and DefaultAcceptRates how often the drafts are accepted.
// Source: AIConfigurator 0.6.0.
func DefaultNextN(m *estimator.Model) int {
	if m.Family == estimator.DeepSeek {
		return 1
	}
	return 0
}

// DefaultAcceptRates are the acceptance rates of the first, second, … draft.
var DefaultAcceptRates = []float64{0.85, 0, 0, 0, 0}

// NewTask asks about a model on a database with everything at its default.
func NewTask(m *estimator.Model, db *perftables.Database) *Task {
	return &Task{Model: m, DB: db, NextN: DefaultNextN(m), AcceptRates: DefaultAcceptRates, Tuning: DefaultTuning, plans: new(planCache)}
}

// target is one pair of limits that the reference search tries.
type target struct{ ttft, tpot float64 }

// targets lists the limits that the reference search tries. With a TPOT limit
// it is a fixed grid that the limit itself is not part of; with a limit on the
// whole request it is every TTFT that leaves time for decoding.
func (t *Task) targets() []target {
	var out []target
	r := t.Limits.RequestLatency
	if r <= 0 {
		for tpot := 1; tpot < 300; {
			out = append(out, target{t.Limits.TTFT, float64(tpot)})
			if tpot < 20 {
				tpot++
			} else {
				tpot += 5
			}
		}
		return out
	}
	values := []float64{300, 400, 500, 600, 800, 1000, 1200, 1400, 1600, 2000, 3000, 5000, 8000}
	for _, f := range []float64{0.1, 0.2, 0.3, 0.5, 0.7} {
		if v := f * r; v < 300 || v > 8000 {
			values = append(values, v)
		}
	}
	own := t.Limits.TTFT
	if own <= 0 {
		own = 0.95 * r
	}
	for _, v := range sortedUnique(append(values, own)) {
		if v < r {
			out = append(out, target{v, (r - v) / float64(t.Workload.OSL-1)})
		}
	}
	return out
}
