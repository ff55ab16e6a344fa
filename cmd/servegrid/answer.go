package main

import (
	"fmt"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"servegrid/estimator/search"
)

// experiment is one way of serving with what was found for it: a table of the
// report.
type experiment struct {
	name    string
	mode    string         // search.Agg or search.Disagg
	tasks   []*search.Task // the question, on each of its databases; none when it cannot be asked
	formats string         // where the numeric formats come from, a sentence
	estimatorChoice
	result *search.Result

	// When no row meets the limits: those of any latency and, where there are none
	// either, why.
	free   []search.Row
	failed error
}

// unasked is an experiment that cannot be asked.
func unasked(name, mode string, err error) *experiment {
	return &experiment{name: name, mode: mode, result: &search.Result{Mode: mode, Err: err}, failed: err}
}

// task is the question on the first database, nil when there is none.
func (e *experiment) task() *search.Task {
	if len(e.tasks) == 0 {
		return nil
	}
	return e.tasks[0]
}

// top returns the best rows, n at most.
func (e *experiment) top(n int) []search.Row {
	return e.result.Picked[:min(len(e.result.Picked), n)]
}

// best is the first ranked row, nil when no row met the limits.
func (e *experiment) best() *search.Row {
	if len(e.result.Picked) == 0 {
		return nil
	}
	return &e.result.Picked[0]
}

// solve searches every database and lets their rows compete.
func (e *experiment) solve() {
	if len(e.tasks) == 0 {
		return
	}
	var results []*search.Result
	for _, t := range e.tasks {
		results = append(results, e.find(t, e.mode))
	}
	if e.result = results[0]; len(results) > 1 {
		e.result = search.Merge(results, e.tasks[0].Limits)
	}
	if e.best() == nil {
		e.fallShort()
	}
}

// answer is what a command found.
type answer struct {
	experiments []*experiment // in the order in which they are reported
	chosen      *experiment   // nil: nothing met the limits
}

// solve answers the experiments side by side. The answer does not depend on
// which one finishes first.
func solve(experiments []*experiment) *answer {
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	for _, e := range experiments {
		g.Go(func() error {
			e.solve()
			return nil
		})
	}
	_ = g.Wait() // what went wrong is in the results
	a := &answer{experiments: experiments}
	for _, e := range experiments {
		if b := e.best(); b != nil && (a.chosen == nil || b.TokensPerSPerGPUCluster > a.chosen.best().TokensPerSPerGPUCluster) {
			a.chosen = e
		}
	}
	return a
}

// leading is the experiment that titles speak of: the chosen one, else the first
// that could be asked, nil when there is none.
func (a *answer) leading() *experiment {
	if a.chosen != nil {
		return a.chosen
	}
	for _, e := range a.experiments {
		if len(e.tasks) > 0 {
			return e
		}
	}
	return nil
}

// dropBeyondLimits leaves rows that miss the limits out of the frontiers. What
// beats a row within them is within them too, so the rest stays as it is.
func (a *answer) dropBeyondLimits() {
	for _, e := range a.experiments {
		e.result.Frontier = slices.DeleteFunc(e.result.Frontier, func(r search.Row) bool { return !r.Within(e.task().Limits) })
	}
}

// scored counts the candidates behind the answer.
func (a *answer) scored() int {
	n := 0
	for _, e := range a.experiments {
		n += e.result.Scored
	}
	return n
}

// models names the models that something was found for, each once; many are
// counted.
func (a *answer) models() string {
	const longest = 40 // characters
	var names []string
	for _, e := range a.experiments {
		if e.failed == nil && !slices.Contains(names, e.task().Model.ID) {
			names = append(names, e.task().Model.ID)
		}
	}
	text := strings.Join(names, ", ")
	if len(names) > 1 && len(text) > longest {
		return fmt.Sprintf("%d models", len(names))
	}
	return text
}

// databases names the databases of the answer, each once.
func (a *answer) databases() string {
	var names []string
	for _, e := range a.experiments {
		for _, t := range e.tasks {
			if name := databases(t, e.mode); !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return strings.Join(names, ", ")
}

// databases names what a task reads.
func databases(t *search.Task, mode string) string {
	var names []string
	for _, role := range roles(mode) {
		names = append(names, t.Database(role).String())
	}
	return strings.Join(slices.Compact(names), " + ")
}

// roles lists the workers of a way of serving.
func roles(mode string) []search.Role {
	if mode == search.Disagg {
		return []search.Role{search.PrefillRole, search.DecodeRole}
	}
	return []search.Role{search.AggRole}
}
