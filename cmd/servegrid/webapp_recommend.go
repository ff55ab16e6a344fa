package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"servegrid/cmd/servegrid/internal/web"
	"servegrid/estimator/search"
	"servegrid/perftables"
)

// recommendRequest asks for the fewest GPUs that carry a load.
type recommendRequest struct {
	workloadRequest
	engineRequest
	TargetRequestRate *float64 `json:"target_request_rate,omitempty" doc:"requests per second to serve"`
	TargetConcurrency *float64 `json:"target_concurrency,omitempty" doc:"or requests in flight to hold"`
}

type recommendReply struct {
	Columns []string `json:"columns"`
	Rows    [][]any  `json:"rows" doc:"the best of each layout, fewest GPUs first"`
	Reasons []string `json:"reasons,omitempty" doc:"why a way of serving has none"`
}

// mostNodes bounds the replicas that are looked for.
const mostNodes = 16

// recommend sizes a fleet: the search fills one node, and where nothing fits twice as
// many GPUs, and copies of what it finds carry the load.
// Source of the rule: AIConfigurator 0.12.0, command recommend.
func (w *webapp) recommend(ctx context.Context, q recommendRequest) (recommendReply, error) {
	reply := recommendReply{Columns: append([]string{"total_gpus_needed", "replicas_needed", "mode", "deployment", "seq_per_s"}, rowColumns...), Rows: [][]any{}}
	need, err := q.load()
	if err != nil {
		return reply, err
	}
	if q.TotalGPUs != nil {
		return reply, fmt.Errorf("%w: total_gpus is what is looked for; leave it out", web.ErrRequest)
	}
	name, err := resolveSystem(q.System)
	if err != nil {
		return reply, fmt.Errorf("%w: system: %w", web.ErrRequest, err)
	}
	system, _ := perftables.LookupSystem(name) // it was resolved
	var found *answer
	for nodes := 1; nodes <= mostNodes && ctx.Err() == nil; nodes *= 2 {
		gpus := nodes * system.GPUsPerNode
		one := q.workloadRequest
		one.TotalGPUs = &gpus
		if found, _, _, err = ask(one, q.engineRequest, nil); err != nil {
			return reply, err
		}
		if found.chosen != nil || !needsGPUs(found) {
			break
		}
	}
	for _, e := range found.experiments {
		if e.best() == nil {
			reason := closest(e)
			if e.failed != nil {
				reason = oneLine(e.failed)
			}
			reply.Reasons = append(reply.Reasons, e.name+": "+reason)
		}
		for i := range e.result.Picked {
			r := &e.result.Picked[i]
			n := need(r)
			copies := *r
			cells := rowCells(&copies, e.task(), view{})
			reply.Rows = append(reply.Rows, append([]any{n * r.ReplicaGPUs, n, e.mode, copiesOf(r, e.task(), n), r.SeqPerS * float64(n)}, cells...))
		}
	}
	slices.SortStableFunc(reply.Rows, func(a, b []any) int {
		return cmp.Or(cmp.Compare(a[0].(int), b[0].(int)), cmp.Compare(b[5].(float64), a[5].(float64)))
	})
	return reply, nil
}

// load returns how many replicas of a row carry the load.
func (q *recommendRequest) load() (func(*search.Row) int, error) {
	rate, held := q.TargetRequestRate, q.TargetConcurrency
	if (rate == nil) == (held == nil) {
		return nil, fmt.Errorf("%w: want one of target_request_rate and target_concurrency", web.ErrRequest)
	}
	if v := cmp.Or(rate, held); !(*v > 0) || *v > 1e6 {
		return nil, fmt.Errorf("%w: the load is %g, want a number above 0, 1000000 at most", web.ErrRequest, *v)
	}
	return func(r *search.Row) int {
		if rate != nil {
			return int(math.Ceil(*rate / r.SeqPerS))
		}
		return int(math.Ceil(*held / float64(r.Concurrency)))
	}, nil
}

// needsGPUs reports whether more GPUs could help.
func needsGPUs(a *answer) bool {
	return slices.ContainsFunc(a.experiments, func(e *experiment) bool {
		return e.failed != nil && !errors.Is(e.failed, search.ErrLimits)
	})
}

// copiesOf words n replicas of a row.
func copiesOf(r *search.Row, t *search.Task, n int) string {
	fleet := *t
	fleet.TotalGPUs = n * r.ReplicaGPUs
	return rowDeployment(r, &fleet)
}
