package main

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"servegrid/estimator"
	"servegrid/estimator/search"
	"servegrid/sinks/report"
)

// fallShort finds what comes closest to the limits, or why nothing does: every
// configuration that fits in memory, in the replicas that the search would try.
func (e *experiment) fallShort() {
	for _, t := range e.tasks {
		free, bounds := *t, t.Bounds()
		if !t.Exhaustive {
			free.Replica = &bounds
		}
		free.Limits = search.Limits{}
		free.Exhaustive = free.Exhaustive || e.constants == nil // a simulation of every pair would take minutes
		e.free = append(e.free, e.find(&free, e.mode).Rows...)
	}
	if len(e.free) > 0 || len(e.result.Rows) > 0 {
		return
	}
	e.failed = e.result.Err
	if h := e.hint(); h != "" {
		e.failed = fmt.Errorf("%w; %s", e.failed, h)
	}
}

// explain says in a report why an experiment has no row: it failed, or how close
// it came to the limits.
func (e *experiment) explain(out *report.Experiment) {
	if e.failed != nil {
		out.Failed = e.failed.Error()
		return
	}
	t, rows := e.task(), e.free
	if len(rows) == 0 {
		rows = e.result.Rows
	}
	l := t.Limits
	nearest := slices.MinFunc(rows, func(a, b search.Row) int { return compareShortfall(&a, &b, l) })
	closest := reportRow(&nearest, t)
	out.Closest, out.Binding = &closest, binding(&nearest, l)
	out.BestAlone = report.Latencies{TTFT: math.Inf(1), TPOT: math.Inf(1), RequestLatency: math.Inf(1)}
	for i := range rows {
		out.BestAlone.TTFT = min(out.BestAlone.TTFT, rows[i].TTFT)
		out.BestAlone.TPOT = min(out.BestAlone.TPOT, rows[i].TPOT)
		out.BestAlone.RequestLatency = min(out.BestAlone.RequestLatency, rows[i].RequestLatency)
	}
}

// overshoot is the factor by which a row misses its worst limit; at most 1 when
// it meets all.
func overshoot(r *search.Row, l search.Limits) float64 {
	if l.RequestLatency > 0 {
		return r.RequestLatency / l.RequestLatency
	}
	return max(r.TTFT/l.TTFT, r.TPOT/l.TPOT)
}

// compareShortfall puts the row that is closer to the limits first: by the limit
// that it misses most, then by both together, then by throughput.
func compareShortfall(a, b *search.Row, l search.Limits) int {
	both := func(r *search.Row) float64 { return max(1, r.TTFT/l.TTFT) * max(1, r.TPOT/l.TPOT) }
	return cmp.Or(cmp.Compare(overshoot(a, l), overshoot(b, l)), cmp.Compare(both(a), both(b)),
		cmp.Compare(b.TokensPerSPerGPUCluster, a.TokensPerSPerGPUCluster))
}

// binding names the limit that the closest row misses most.
func binding(r *search.Row, l search.Limits) string {
	switch {
	case overshoot(r, l) <= 1:
		return "none, the reference search leaves this one out; an exhaustive search has it"
	case l.RequestLatency > 0:
		return "request latency"
	case r.TTFT/l.TTFT > r.TPOT/l.TPOT:
		return "TTFT"
	}
	return "TPOT"
}

// failure is the error of an answer in which every experiment failed: a line for
// each.
func (a *answer) failure() error {
	var lines []string
	for _, e := range a.experiments {
		if e.failed == nil {
			return nil
		}
		lines = append(lines, e.name+": "+oneLine(e.failed))
	}
	return errors.New(strings.Join(lines, "\n"))
}

// hint says what it would take for an experiment to fit, "" when neither GPUs nor
// other formats help.
func (e *experiment) hint() string {
	var noFit *search.NoFitError
	t := e.task()
	if n := t.LeastGPUs(e.mode); n > t.TotalGPUs {
		return fmt.Sprintf("the smallest replica that fits needs %d GPUs of %s", n, systems(t, e.mode))
	} else if n > 0 || !errors.As(e.result.Err, &noFit) {
		return ""
	}
	for _, profile := range estimator.Profiles() {
		q, _ := estimator.ProfileQuant(profile) // it is one of them
		other := *t
		for role := range other.Roles {
			other.Roles[role].Quant = &q
		}
		if n := other.LeastGPUs(e.mode); n > 0 {
			return fmt.Sprintf("in the formats of profile %s it fits on %d GPUs of %s", profile, n, systems(t, e.mode))
		}
	}
	return fmt.Sprintf("no worker layout of %s that is tried fits %s in any formats that have data; try another system", t.Model.ID, systems(t, e.mode))
}

// systems names the GPU systems of a task.
func systems(t *search.Task, mode string) string {
	var names []string
	for _, role := range roles(mode) {
		names = append(names, t.Database(role).System.Name)
	}
	return strings.Join(slices.Compact(names), " and ")
}
