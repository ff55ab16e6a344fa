package report

import (
	"bytes"
	"fmt"
	"math"
	"strings"
)

const boxWidth = 80

var (
	stars = strings.Repeat("*", boxWidth) + "\n"
	rule  = "  " + strings.Repeat("-", boxWidth-4) + "\n"
)

// writeSummary prints the box: title, what was asked, and the best
// configuration. best is the first row of the chosen experiment, nil when
// nothing was chosen; the figures of the best configuration are then left out.
func (f *Final) writeSummary(b *bytes.Buffer, best *Row) {
	title := f.Title
	if title == "" {
		title = DefaultTitle
	}
	b.WriteString(stars)
	fmt.Fprintf(b, "*%s*\n", centre(title, boxWidth-2))
	b.WriteString(stars)
	b.WriteString(rule)
	b.WriteString("  Input Configuration & SLA Target:\n")
	fmt.Fprintf(b, "    Model: %s (is_moe: %s)\n", f.Model, pythonBool(f.IsMoE))
	fmt.Fprintf(b, "    Total GPUs: %d\n", f.TotalGPUs)
	if best == nil {
		fmt.Fprintf(b, "    Best Experiment Chosen: none (%s)\n", f.whyNone())
		b.WriteString(rule)
		return
	}
	fmt.Fprintf(b, "    Best Experiment Chosen: %s at %.2f tokens/s/gpu\n",
		bold(f.Chosen, f.Color), best.TokensPerSecPerGPUCluster)
	if r, ok := f.disaggVsAgg(); ok {
		fmt.Fprintf(b, "    Disagg vs Agg: %sx\n", r)
	}
	b.WriteString(rule)
	b.WriteString("  Overall Best Configuration:\n")
	throughput := best.TokensPerSecPerGPUCluster * float64(f.budget(f.experiment(f.Chosen)))
	fmt.Fprintf(b, "    - Best Throughput: %s tokens/s\n", thousands(throughput))
	fmt.Fprintf(b, "    - Per-GPU Throughput: %.2f tokens/s/gpu\n", best.TokensPerSecPerGPUCluster)
	fmt.Fprintf(b, "    - Per-User Throughput: %.2f tokens/s/user\n", best.TokensPerSecPerUser)
	fmt.Fprintf(b, "    - TTFT: %.2fms\n", best.TTFT)
	fmt.Fprintf(b, "    - TPOT: %.2fms\n", best.TPOT)
	fmt.Fprintf(b, "    - Request Latency: %.2fms\n", best.RequestLatency)
	b.WriteString(rule)
}

// whyNone tells a search whose experiments all failed from one whose rows all
// missed the limits.
func (f *Final) whyNone() string {
	for i := range f.Experiments {
		if f.Experiments[i].Failed == "" {
			return "no configuration met the limits"
		}
	}
	return "every experiment failed"
}

// disaggVsAgg is the best tokens/s/gpu of the experiment named disagg over that
// of the one named agg. A side without a row counts as 0: "inf" when only agg
// has none, "0.00" when disagg has none. ok is false when either experiment is
// missing or failed, since a failure says nothing about its speed.
func (f *Final) disaggVsAgg() (ratio string, ok bool) {
	agg, disagg := f.experiment("agg"), f.experiment("disagg")
	if agg == nil || disagg == nil || agg.Failed != "" || disagg.Failed != "" {
		return "", false
	}
	a, d := agg.bestPerGPU(), disagg.bestPerGPU()
	switch {
	case d == 0:
		return "0.00", true
	case a == 0:
		return "inf", true
	default:
		return fmt.Sprintf("%.2f", d/a), true
	}
}

// bestPerGPU is the first row's tokens/s/gpu, 0 without rows.
func (e *Experiment) bestPerGPU() float64 {
	if len(e.Rows) == 0 {
		return 0
	}
	return e.Rows[0].TokensPerSecPerGPUCluster
}

// thousands formats v with two decimals and commas between groups of three
// digits: 4174.2 is "4,174.20".
func thousands(v float64) string {
	s := fmt.Sprintf("%.2f", v)
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return s
	}
	sign := ""
	if s[0] == '-' {
		sign, s = "-", s[1:]
	}
	whole, frac, _ := strings.Cut(s, ".")
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	return sign + whole + "." + frac
}

// pythonBool spells a bool as the reference program prints it.
func pythonBool(v bool) string {
	if v {
		return "True"
	}
	return "False"
}
