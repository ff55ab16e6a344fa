package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"servegrid/estimator/calibrate"
	"servegrid/sinks"
	"servegrid/sinks/plot"
)

// plot draws predicted over measured TPOT and TTFT of the calibrated estimator, points
// apart by what the first breakdown names.
func (v *validation) plot(path string, format plot.Format, by []string, all bool) error {
	names := map[string]int{}
	var order []string
	kinds := make([]string, len(v.cases))
	for i, c := range v.cases {
		var parts []string
		for _, name := range by {
			parts = append(parts, dimensionOf(c, name))
		}
		kinds[i] = strings.Join(parts, " ")
		if c.Suspect == "" || all {
			names[kinds[i]]++
		}
	}
	for name := range names {
		order = append(order, name)
	}
	slices.Sort(order)
	panel := func(what string, of func(a calibrate.Answer) float64) plot.Panel {
		p := plot.Panel{XLabel: "measured " + what + " (ms)", YLabel: "predicted " + what + " (ms)"}
		for _, name := range order {
			s := plot.Series{Name: fmt.Sprintf("%s (%d)", name, names[name])}
			for i, c := range v.cases {
				if kinds[i] == name && (c.Suspect == "" || all) {
					s.X, s.Y = append(s.X, of(calibrate.Answer{TTFT: c.TTFT, TPOT: c.TPOT})), append(s.Y, of(v.answers[i]))
				}
			}
			p.Series = append(p.Series, s)
		}
		return p
	}
	panels := []plot.Panel{
		panel("TPOT", func(a calibrate.Answer) float64 { return a.TPOT }),
		panel("TTFT", func(a calibrate.Answer) float64 { return a.TTFT }),
	}
	return sinks.WriteFile(path, func(w io.Writer) error {
		return plot.Scatter(w, format, "Calibrated estimator: predicted over measured; dashed: 20 % off", panels)
	})
}
