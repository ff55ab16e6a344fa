package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"servegrid/estimator/calibrate"
	"servegrid/estimator/search"
	"servegrid/perftables"
)

// notes collects remarks with the experiments that they are about.
type notes struct {
	texts []string
	about map[string][]string
}

func (n *notes) add(e *experiment, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if !slices.Contains(n.texts, text) {
		n.texts = append(n.texts, text)
	}
	if !slices.Contains(n.about[text], e.name) {
		n.about[text] = append(n.about[text], e.name)
	}
}

// notes are the remarks below the tables, by subject. One that does not hold for
// every experiment names those for which it does.
func (a *answer) notes(v view) []string {
	var asked []*experiment
	for _, e := range a.experiments {
		if e.failed == nil {
			asked = append(asked, e)
		}
	}
	var out []string
	for _, remark := range []func(*notes, *experiment){
		noteEstimator, noteFormats, noteData, noteWorkload,
		func(n *notes, e *experiment) { noteIdle(n, e, v.topN) },
		func(n *notes, e *experiment) { noteMemory(n, e, v.topN) },
	} {
		n := notes{about: map[string][]string{}}
		for _, e := range asked {
			remark(&n, e)
		}
		for _, text := range n.texts {
			if names := n.about[text]; len(names) < len(asked) {
				text = strings.Join(names, ", ") + ": " + text
			}
			out = append(out, text)
		}
	}
	if v.inclusiveTPOT {
		out = append(out, "TPOT is shown over the whole request, its first token included; the limit is on the tokens after it.")
	}
	if a.chosen != nil && a.chosen.mode == search.Disagg {
		out = append(out, "Disaggregated serving needs RDMA between its workers. Without it TTFT grows about 40 times, from 355 ms to 10 s and more.")
	}
	return out
}

// noteEstimator says who answers, and how far such answers have been off.
func noteEstimator(n *notes, e *experiment) {
	for _, t := range e.tasks {
		who := "reference, AIConfigurator's formulas"
		if t.Estimator == calibratedEstimator {
			who = "calibrated, a simulation of the engine fitted to real servers"
			if search.DefaultNextN(t.Model) > 0 {
				who += "; it knows no multi-token prediction, so there is none here"
			}
		}
		n.add(e, "Estimator: %s. %s", who, knownError(t, e.mode))
	}
}

// knownError words how far answers like those to a task have been from measurements.
func knownError(t *search.Task, mode string) string {
	k, ok := offBy(cmp.Or(t.Estimator, referenceEstimator), calibrate.Like{
		Mode: mode, System: t.DB.System.Name, Backend: t.DB.Backend, Architecture: calibrate.Architecture(t.Model),
	})
	if !ok {
		return "No measurements of such answers come with the program."
	}
	return fmt.Sprintf("Such answers have been off by %.0f %% in TPOT and %.0f %% in TTFT, on %d measurements (%s; servegrid validate).",
		100*k.TPOT, 100*k.TTFT, k.Rows, k.Of)
}

func noteFormats(n *notes, e *experiment) {
	for _, t := range e.tasks {
		for _, role := range roles(e.mode) {
			n.add(e, "Formats: %s. %s", describeQuant(t.Model, t.Formats(role)), e.formats)
		}
	}
}

func noteData(n *notes, e *experiment) {
	for _, t := range e.tasks {
		n.add(e, "Kernel data: %s, %s.", databases(t, e.mode), provenance[t.DB.Mode])
	}
}

// provenance says where the latencies of a mode come from.
var provenance = map[perftables.Mode]string{
	perftables.Silicon:   "measured; every operator behind these rows lies inside the measured tables or their extension",
	perftables.Hybrid:    "measured where it was measured, estimated by formulas elsewhere",
	perftables.Empirical: "estimated by formulas, nothing measured",
	perftables.SOL:       "the speed of light, which no kernel reaches",
}

func noteIdle(n *notes, e *experiment, topN int) {
	total, idle := e.task().TotalGPUs, 0
	for _, r := range e.top(topN) {
		idle = max(idle, total-r.Replicas(total)*r.ReplicaGPUs)
	}
	if idle > 0 {
		n.add(e, "Some rows leave up to %d of %d GPUs idle; tokens/s/gpu counts them.", idle, total)
	}
}

func noteWorkload(n *notes, e *experiment) {
	w := e.task().Workload
	switch ratio := float64(w.ISL) / float64(w.OSL); {
	case w.ISL > 8000 && ratio > 10:
		n.add(e, "Long inputs with short outputs: disaggregated serving is often the better choice.")
	case ratio >= 2 && ratio <= 10:
		n.add(e, "Inputs are %.3g times as long as outputs: between 2 and 10, aggregated serving is often as good on real clusters.", ratio)
	}
}

func noteMemory(n *notes, e *experiment, topN int) {
	for _, r := range e.top(topN) {
		if share := memoryShare(&r); share > 0.95 {
			n.add(e, "A ranked configuration is predicted to use %.0f %% of GPU memory. If it runs out of memory, lower --max-num-seqs or raise tensor parallelism.", share*100)
			return
		}
	}
}

// memoryShare is the largest share of GPU memory that a worker of the row uses.
func memoryShare(r *search.Row) float64 {
	share := 0.0
	for _, w := range []*search.Worker{r.Worker, r.Prefill, r.Decode} {
		if w != nil {
			share = max(share, w.MemoryGiB/w.Plan.CapacityGiB())
		}
	}
	return share
}
