package main

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"servegrid/estimator/search"
	"servegrid/sinks/report"
)

// explain says in a report why an experiment has no row: it failed, or how close
// it came to the limits.
func (e *experiment) explain(out *report.Experiment) {
	rows := e.unlimited()
	if len(rows) == 0 {
		if out.Failed = "no configuration"; e.result.Err != nil {
			out.Failed = e.result.Err.Error()
		}
		return
	}
	t := e.task()
	l := t.Limits
	nearest := slices.MinFunc(rows, func(a, b search.Row) int { return cmp.Compare(overshoot(&a, l), overshoot(&b, l)) })
	closest := reportRow(&nearest, t)
	out.Closest, out.Binding = &closest, binding(&nearest, l)
	out.BestAlone = report.Latencies{TTFT: math.Inf(1), TPOT: math.Inf(1), RequestLatency: math.Inf(1)}
	for i := range rows {
		out.BestAlone.TTFT = min(out.BestAlone.TTFT, rows[i].TTFT)
		out.BestAlone.TPOT = min(out.BestAlone.TPOT, rows[i].TPOT)
		out.BestAlone.RequestLatency = min(out.BestAlone.RequestLatency, rows[i].RequestLatency)
	}
}

// unlimited returns everything that fits in memory and into the GPU budget,
// whatever its latency.
func (e *experiment) unlimited() []search.Row {
	if len(e.tasks) == 0 {
		return nil
	}
	return unlimited(e.task(), e.mode)
}

func unlimited(t *search.Task, mode string) []search.Row {
	free := *t
	free.Limits, free.Exhaustive = search.Limits{}, true
	return find(&free, mode).Rows
}

// overshoot is the factor by which a row misses its worst limit; at most 1 when
// it meets all.
func overshoot(r *search.Row, l search.Limits) float64 {
	if l.RequestLatency > 0 {
		return r.RequestLatency / l.RequestLatency
	}
	return max(r.TTFT/l.TTFT, r.TPOT/l.TPOT)
}

// binding names the limit that the closest row misses most.
func binding(r *search.Row, l search.Limits) string {
	switch {
	case l.RequestLatency > 0:
		return "request latency"
	case r.TTFT/l.TTFT > r.TPOT/l.TPOT:
		return "TTFT"
	}
	return "TPOT"
}

// failure is the error of an answer in which every experiment failed for another
// reason than the latency limits: a line for each, and what would fit.
func (a *answer) failure() error {
	if a.chosen != nil {
		return nil
	}
	for _, e := range a.experiments {
		if len(e.result.Rows) > 0 || len(e.unlimited()) > 0 {
			return nil
		}
	}
	var lines, hints []string
	for _, e := range a.experiments {
		lines = append(lines, fmt.Sprintf("%s: %v", e.name, e.result.Err))
		if h := e.hint(); h != "" && !slices.Contains(hints, h) {
			hints = append(hints, h)
		}
	}
	return errors.New(strings.Join(append(lines, hints...), "\n"))
}

// hint says what it would take for an experiment to fit, "" when more GPUs do not
// help.
func (e *experiment) hint() string {
	if len(e.tasks) == 0 {
		return ""
	}
	t := e.task()
	if n := gpusThatFit(t); n > 0 {
		return fmt.Sprintf("the smallest aggregated worker that fits needs %d GPUs of %s", n, t.DB.System.Name)
	}
	var noFit *search.NoFitError
	if errors.As(e.result.Err, &noFit) {
		return fmt.Sprintf("no worker layout of %s fits %s in these formats; try another system, or formats of fewer bytes", t.Model.ID, t.DB.System.Name)
	}
	return ""
}

// gpusThatFit is the size of the smallest aggregated worker that fits, 0 when
// there is none.
func gpusThatFit(t *search.Task) int {
	free := *t
	free.TotalGPUs = 1 << 10
	smallest := 0
	for _, r := range unlimited(&free, search.Agg) {
		if smallest == 0 || r.ReplicaGPUs < smallest {
			smallest = r.ReplicaGPUs
		}
	}
	return smallest
}
