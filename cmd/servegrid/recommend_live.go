//go:build cgo

package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"

	"servegrid/estimator/search"
	"servegrid/queries"
)

// mostReplicaGPUs is the largest replica that is tried.
const mostReplicaGPUs = 64

// scaled is a replica with as many copies as the load takes.
type scaled struct {
	search.Row
	replicas int
}

func (s *scaled) gpus() int { return s.replicas * s.ReplicaGPUs }

// estimate looks at every replica of up to a node's GPUs, and of twice as many while
// none meets the limits.
func (o *recommendOptions) estimate(model string, stderr io.Writer) (*queries.Result, error) {
	m, err := lookupModel(stderr, model)
	if err != nil {
		return nil, err
	}
	backends := []string{o.backend}
	if o.backend == "" {
		backends = backendsOf(o.system)
	}
	var tasks []*search.Task
	for _, b := range backends {
		db, err := openDatabaseIn(o.dbMode, m.ID, o.system, b, o.version)
		if err != nil {
			if o.backend == "" && o.version != "" {
				continue // a version of another backend
			}
			return nil, err
		}
		t := search.NewTask(m, db)
		t.Workload = o.workload
		t.Exhaustive = o.constants == nil // the limits are applied here
		if err := o.prepare(t, false); err != nil {
			return nil, err
		}
		tasks = append(tasks, t)
	}
	if len(tasks) == 0 {
		return nil, fmt.Errorf("backend version %q has no data on %s", o.version, o.system)
	}
	var found []scaled
	var failed error // why there is no row at all, whatever its latency
	from, to := 1, tasks[0].DB.System.GPUsPerNode
	for {
		for gpus := from; gpus <= to; gpus++ {
			rows, err := o.replicas(tasks, gpus, gpus == to)
			found = append(found, rows...)
			failed = err
		}
		if len(found) > 0 || to >= mostReplicaGPUs {
			break
		}
		from, to = to*2, to*2
	}
	if len(found) == 0 {
		if failed != nil {
			return nil, failed
		}
		fmt.Fprintf(stderr, "nothing meets the limits with replicas of up to %d GPUs; how close it comes: servegrid cli default with the same flags\n", to)
	}
	return o.rank(m.ID, found), nil
}

// replicas returns those of the rows within a budget that meet the limits. It fails
// when there is no row at all, whatever its latency. Aggregated workers are simulated
// once, with the largest budget.
func (o *recommendOptions) replicas(tasks []*search.Task, gpus int, largest bool) ([]scaled, error) {
	var found []scaled
	var failed []error
	some := false
	for _, t := range tasks {
		t.TotalGPUs = gpus
		if o.constants != nil {
			t.Limits.TTFT = o.ttft // beyond it nothing need be simulated
		}
		for _, mode := range []string{search.Agg, search.Disagg} {
			if o.mode != "" && mode != o.mode || o.constants != nil && mode == search.Agg && !largest {
				continue
			}
			res := o.find(t, mode)
			some = some || errors.Is(res.Err, search.ErrLimits)
			if res.Err != nil {
				failed = append(failed, fmt.Errorf("%s on %s: %w", res.Mode, t.DB.Backend, res.Err))
			}
			for _, r := range res.Rows {
				some = true
				if (o.ttft <= 0 || r.TTFT <= o.ttft) && (o.tpot <= 0 || r.TPOT <= o.tpot) && r.SeqPerS > 0 {
					n := max(1, math.Ceil(o.rate/r.SeqPerS), math.Ceil(o.concurrency/float64(r.Concurrency)))
					found = append(found, scaled{r, int(n)})
				}
			}
		}
	}
	if some {
		return found, nil
	}
	return nil, errors.Join(failed...)
}

// rank orders replicas as the macro min_gpus does, one for each layout.
func (o *recommendOptions) rank(model string, found []scaled) *queries.Result {
	slices.SortStableFunc(found, func(a, b scaled) int {
		return cmp.Or(cmp.Compare(a.gpus(), b.gpus()), cmp.Compare(b.TokensPerSPerGPU, a.TokensPerSPerGPU),
			cmp.Compare(b.TokensPerSPerUser, a.TokensPerSPerUser), cmp.Compare(a.Mode, b.Mode), cmp.Compare(a.TTFT, b.TTFT))
	})
	r := &queries.Result{Rows: [][]any{}, Columns: []string{
		"rank", "gpus_needed", "replicas_needed", "mode", "model", "system", "backend", "version", "database_mode", "isl", "osl", "prefix",
		"replica_gpus", "concurrency", "replica_concurrency", "ttft_ms", "tpot_ms", "request_latency_ms", "tokens_per_s_per_gpu", "tokens_per_s_per_user",
		"seq_per_s", "replica_seq_per_s", "parallel", "bs", "prefill_parallel", "prefill_bs", "prefill_workers", "decode_workers",
	}}
	seen := map[[3]string]bool{}
	for _, s := range found {
		w := s.Worker
		if w == nil {
			w = s.Decode
		}
		at := [3]string{s.Mode, w.Plan.DB.Backend, s.Group()}
		if seen[at] || len(r.Rows) == o.topN {
			continue
		}
		seen[at] = true
		moe := w.Plan.Model.IsMoE()
		var parallel, bs, prefill, decode any
		if s.Mode == search.Disagg {
			parallel, bs, prefill, decode = s.Prefill.Plan.Layout.Short(moe), s.Prefill.BatchSize, s.PrefillWorkers, s.DecodeWorkers
		}
		r.Rows = append(r.Rows, []any{
			len(r.Rows) + 1, s.gpus(), s.replicas, s.Mode, model, o.system, w.Plan.DB.Backend, w.Plan.DB.Version, string(w.Plan.DB.Mode),
			o.workload.ISL, o.workload.OSL, o.workload.Prefix, s.ReplicaGPUs, s.replicas * s.Concurrency, s.Concurrency, s.TTFT, s.TPOT, s.RequestLatency,
			s.TokensPerSPerGPU, s.TokensPerSPerUser, float64(s.replicas) * s.SeqPerS, s.SeqPerS, w.Plan.Layout.Short(moe), w.BatchSize, parallel, bs, prefill, decode,
		})
	}
	return r
}
