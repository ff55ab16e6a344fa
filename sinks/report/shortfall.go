package report

import (
	"bytes"
	"fmt"
)

// writeShortfall prints, in place of a table, how close the experiment e came
// to its limits: the limits, the smallest latencies any configuration reached
// each on its own, the closest row, and which limit is binding.
func (f *Final) writeShortfall(b *bytes.Buffer, e *Experiment) {
	fmt.Fprintf(b, "\n%s Top Configurations: none within the limits\n", e.Name)
	if e.Closest == nil {
		b.WriteString("  No configuration was found.")
		for _, l := range e.limits() {
			if l.limit > 0 {
				fmt.Fprintf(b, " Limit on %s: %.2fms.", l.name, l.limit)
			}
		}
		b.WriteString("\n")
		e.writeBinding(b)
		return
	}
	c := e.Closest
	g := grid{
		{header: "", cells: []string{"limit"}},
		{header: "tokens/s/gpu", cells: []string{"-"}},
		{header: "tokens/s/user", cells: []string{"-"}},
	}
	for _, l := range e.limits() {
		g = append(g, column{header: l.name, cells: []string{orDash(l.limit)}})
	}
	if e.BestAlone != (Latencies{}) {
		g.addRow("best of any", "-", "-",
			orDash(e.BestAlone.TTFT), orDash(e.BestAlone.TPOT), orDash(e.BestAlone.RequestLatency))
	}
	g.addRow("closest", fixed(c.TokensPerSecPerGPUCluster), fixed(c.TokensPerSecPerUser),
		fixed(c.TTFT), fixed(c.TPOT), fixed(c.RequestLatency))
	g.write(b, false)

	for _, l := range e.limits() {
		if l.limit > 0 && l.closest > l.limit {
			fmt.Fprintf(b, "  Closest %s is %.2fms, %.1f%% over the limit of %.2fms.\n",
				l.name, l.closest, (l.closest/l.limit-1)*100, l.limit)
		}
	}
	e.writeBinding(b)
	if e.Disagg {
		fmt.Fprintf(b, "  Closest: concurrency %s, %s\n", c.concurrency(), c.workers())
	} else {
		fmt.Fprintf(b, "  Closest: concurrency %s, %s, bs %d, total_gpus (used) %s\n",
			c.concurrency(), c.Agg.Parallel, c.Agg.BS, c.used(f.budget(e)))
	}
}

// writeBinding names the limit that ruled the rows out, when it is known.
func (e *Experiment) writeBinding(b *bytes.Buffer) {
	if e.Binding != "" {
		fmt.Fprintf(b, "  Binding limit: %s\n", e.Binding)
	}
}

// limit pairs one limit with what the closest row reached, both in ms.
type limit struct {
	name           string
	limit, closest float64
}

// limits lists the three limits in column order. Without a closest row, what it
// reached is 0.
func (e *Experiment) limits() []limit {
	var c Row
	if e.Closest != nil {
		c = *e.Closest
	}
	return []limit{
		{"TTFT", e.Limits.TTFT, c.TTFT},
		{"TPOT", e.Limits.TPOT, c.TPOT},
		{"request_latency", e.Limits.RequestLatency, c.RequestLatency},
	}
}

// addRow appends one cell to each column.
func (g grid) addRow(cells ...string) {
	for i := range g {
		g[i].cells = append(g[i].cells, cells[i])
	}
}

// orDash formats v, or "-" when it is not given.
func orDash(v float64) string {
	if v <= 0 {
		return "-"
	}
	return fixed(v)
}
