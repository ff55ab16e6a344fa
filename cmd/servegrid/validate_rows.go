package main

import (
	"compress/gzip"
	"io"
	"strings"

	"servegrid/estimator"
	"servegrid/sinks"
)

// writeRows writes every measurement with its predictions, compressed where the name
// ends in .gz. Latencies are rounded to a microsecond.
func (v *validation) writeRows(path string) error {
	columns := []string{"row_id", "mode", "model", "system", "backend", "version", "class", "architecture", "suspect", "refused",
		"ttft_ms", "tpot_ms", "calibrated_ttft_ms", "calibrated_tpot_ms", "reference_ttft_ms", "reference_tpot_ms"}
	byRow := map[int]int{}
	for i, at := range v.at {
		byRow[at] = i
	}
	var rows [][]any
	for i := range v.measured {
		m := &v.measured[i]
		row := []any{m.ID, m.Mode, m.Model, m.System, m.Backend, m.Version}
		k, ok := byRow[i]
		if !ok {
			rows = append(rows, append(row, "", "", "", v.refusals[i], m.TTFT, m.TPOT, missing, missing, missing, missing))
			continue
		}
		c := v.cases[k]
		row = append(row, string(c.Class), c.Architecture, c.Suspect, "", m.TTFT, m.TPOT)
		for _, a := range []float64{v.answers[k].TTFT, v.answers[k].TPOT, v.reference[k].TTFT, v.reference[k].TPOT} {
			row = append(row, estimator.Round3(a))
		}
		rows = append(rows, row)
	}
	return sinks.WriteFile(path, func(w io.Writer) error {
		if !strings.HasSuffix(path, ".gz") {
			return sinks.WriteTable(w, "csv", columns, rows)
		}
		z := gzip.NewWriter(w)
		if err := sinks.WriteTable(z, "csv", columns, rows); err != nil {
			return err
		}
		return z.Close()
	})
}
