package search

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"servegrid/estimator"
)

// rowsPerTarget is how many rows of a layout the reference search keeps for one
// target.
const rowsPerTarget = 10

// SearchAgg answers the task with aggregated serving.
func SearchAgg(t *Task) *Result {
	res := &Result{Mode: Agg}
	plans, refused, err := t.layoutPlans(AggRole, t.TotalGPUs)
	if err != nil {
		res.Err = err
		return res
	}
	var failed reasons
	for _, lp := range plans {
		if lp.Err != nil {
			failed.add(lp.Layout, lp.Err)
			continue
		}
		a := aggSearch{task: t, plan: lp.Plan}
		rows, err := a.run(t.Exhaustive)
		res.Scored += a.points.Len()
		if err != nil {
			failed.add(lp.Layout, err)
			continue
		}
		res.Rows = append(res.Rows, rows...)
	}
	res.Dropped = append(refused, failed...)
	if len(res.Rows) == 0 {
		res.Err = failed.none("aggregated")
		return res
	}
	slices.SortStableFunc(res.Rows, func(a, b Row) int { return cmp.Compare(b.TokensPerSPerGPU, a.TokensPerSPerGPU) })
	res.Rank(t)
	return res
}

// aggSearch searches one layout.
type aggSearch struct {
	task   *Task
	plan   *estimator.Plan
	points estimator.AggPoints
}

// run returns the rows of one layout.
func (a *aggSearch) run(exhaustive bool) ([]Row, error) {
	AppendAgg(&a.points, a.task.Workload.ISL)
	if err := a.plan.ScoreAgg(a.task.Workload, &a.points); err != nil {
		return nil, err
	}
	var rows []Row
	var err error
	if exhaustive {
		rows = a.all()
	} else {
		rows, err = a.reference()
	}
	if err == nil && len(rows) == 0 {
		err = a.explain()
	}
	return rows, err
}

// all returns every candidate that fits and starts in time.
func (a *aggSearch) all() []Row {
	var rows []Row
	for i, st := range a.points.Status {
		if st == estimator.OK {
			if r := a.row(i); a.task.Limits.Admits(&r) {
				rows = append(rows, r)
			}
		}
	}
	return rows
}

// reference returns the rows that the reference search keeps, in the order in
// which it meets them.
func (a *aggSearch) reference() ([]Row, error) {
	visited, err := Visit(&a.points, a.task.Workload)
	if err != nil {
		return nil, err
	}
	// Best rate first; equal rates in the order they were met.
	rate := func(i int) float64 { return estimator.Round3(a.points.SeqPerS[i]) }
	slices.SortStableFunc(visited, func(i, j int) int { return cmp.Compare(rate(j), rate(i)) })

	var rows []Row
	taken := make([]bool, a.points.Len())
	for _, tg := range a.task.targets() {
		n := 0
		for _, i := range visited {
			if a.points.TPOT[i] > tg.tpot || a.points.TTFT[i] > tg.ttft {
				continue
			}
			if !taken[i] {
				taken[i] = true
				rows = append(rows, a.row(i))
			}
			if n++; n == rowsPerTarget {
				break
			}
		}
	}
	return rows, nil
}

// explain says why no point was kept.
func (a *aggSearch) explain() error {
	smallest, fits := -1.0, false
	for i, s := range a.points.Status {
		fits = fits || s == estimator.OK
		if m := a.points.MemoryGiB[i]; smallest < 0 || m < smallest {
			smallest = m
		}
	}
	if !fits {
		return &NoFitError{Need: smallest, Have: a.plan.CapacityGiB()}
	}
	return ErrLimits
}

// NoFitError says that a layout needs more memory than a GPU has.
type NoFitError struct{ Need, Have float64 } // GiB per GPU

func (e *NoFitError) Error() string {
	return fmt.Sprintf("needs %.1f GiB on each GPU, which has %.1f GiB", e.Need, e.Have)
}

// ErrLimits says that candidates fit but none meets the latency limits.
var ErrLimits = errors.New("nothing meets the latency limits")

func (a *aggSearch) row(i int) Row {
	p, w := &a.points, a.task.Workload
	layout := a.plan.Layout
	b, c := int(p.BatchSize[i]), int(p.CtxTokens[i])
	r := Row{
		Mode:              Agg,
		Concurrency:       b * layout.PP * layout.DP,
		TTFT:              estimator.Round3(p.TTFT[i]),
		TPOT:              estimator.Round3(p.TPOT[i]),
		RequestLatency:    estimator.Round3(p.RequestLatency[i]),
		SeqPerS:           estimator.Round3(p.SeqPerS[i]),
		SeqPerSPerGPU:     estimator.Round3(p.SeqPerS[i] / float64(layout.PP) / float64(layout.TP) / float64(layout.DP)),
		TokensPerS:        estimator.Round3(p.TokensPerS[i]),
		TokensPerSPerGPU:  estimator.Round3(p.TokensPerSPerGPU[i]),
		TokensPerSPerUser: estimator.Round3(p.TokensPerSPerUser[i]),
		ReplicaGPUs:       layout.GPUs(),
		Worker:            &Worker{Plan: a.plan, BatchSize: b, MemoryGiB: estimator.Round3(p.MemoryGiB[i])},
		CtxTokens:         c,
		BalanceScore:      estimator.Round3(float64(w.ISL) * float64(b) / float64(c) / float64(w.OSL)),
	}
	r.SetCluster(a.task.TotalGPUs)
	return r
}

// Visit returns the indices of the candidates that the reference search
// evaluates and that fit in memory, in its order. pts holds the candidates of
// [AppendAgg], scored. It skips a prefill-bound batch when as many requests
// decode beside its contexts as with a smaller one, and goes on to the next batch at
// the first context size that does not fit. A visited candidate without data
// disqualifies the layout.
func Visit(pts *estimator.AggPoints, w estimator.Workload) ([]int, error) {
	var visited []int
	var seen []float64
	for i := 0; i < pts.Len(); i++ {
		b, c := pts.BatchSize[i], pts.CtxTokens[i]
		if s := float64(w.ISL) * float64(b) / float64(c) / float64(w.OSL); s > 1 {
			g := estimator.FloorDiv(float64(b), s)
			if g > 1 && slices.Contains(seen, g) {
				continue
			}
			seen = append(seen, g)
		}
		switch pts.Status[i] {
		case estimator.NoData:
			return nil, fmt.Errorf("batch %d with %d context tokens is beyond the tables", b, c)
		case estimator.OutOfMemory:
			for i+1 < pts.Len() && pts.BatchSize[i+1] == b {
				i++
			}
		default:
			visited = append(visited, i)
		}
	}
	return visited, nil
}
