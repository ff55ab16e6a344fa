package main

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"strings"

	"servegrid/internal/measure"
	"servegrid/sinks"
)

// writeComparison prints the comparison for people: what was compared, one row per
// metric, what to make of it, and the results at other concurrencies.
func writeComparison(w io.Writer, c *measure.Comparison, others []*measure.Result) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "Predicted: %s\n", describePrediction(c.Prediction))
	fmt.Fprintf(&b, "Measured:  %s\n\n", describeResult(c.Result))
	columns := []string{"metric", "predicted", "actual (avg)", "delta", "status"}
	var rows [][]any
	for i := range c.Rows {
		row := &c.Rows[i]
		var delta any
		if row.Delta != nil {
			delta = fmt.Sprintf("%+.1f%%", 100**row.Delta)
		}
		rows = append(rows, []any{row.Name, row.Predicted, average(row.Actual), delta, row.Status})
	}
	if err := sinks.WriteTable(&b, "table", columns, rows); err != nil {
		return err
	}
	if lines := remarks(c); len(lines) > 0 {
		fmt.Fprintf(&b, "\n%s\n", strings.Join(lines, "\n"))
	}
	if len(others) > 0 {
		fmt.Fprintln(&b, "\nThe other results:")
		if err := writeOthers(&b, others); err != nil {
			return err
		}
	}
	_, err := w.Write(b.Bytes())
	return err
}

func describePrediction(p *measure.Prediction) string {
	return fmt.Sprintf("%s rank %d, %s on %d x %s, %s %s, ISL %d, OSL %d, concurrency %d",
		p.Experiment, p.Rank, p.Model, p.TotalGPUs, systemsOf(p), p.Backend, p.Version, p.ISL, p.OSL, p.Concurrency)
}

// systemsOf names the GPUs of a prediction.
func systemsOf(p *measure.Prediction) string {
	if p.DecodeSystem == "" || p.DecodeSystem == p.System {
		return p.System
	}
	return p.System + " and " + p.DecodeSystem
}

func describeResult(r *measure.Result) string {
	parts := []string{strings.TrimSpace("AIPerf " + r.AIPerfVersion)}
	if r.Concurrency > 0 {
		parts = append(parts, fmt.Sprintf("concurrency %d", r.Concurrency))
	}
	if r.Requests > 0 {
		parts = append(parts, fmt.Sprintf("%d requests", r.Requests))
	}
	return strings.Join(append(parts, cmp.Or(r.Source, "from standard input")), ", ")
}

// remarks are the caveats and hints of a comparison, one a line.
func remarks(c *measure.Comparison) (lines []string) {
	for _, text := range c.Caveats {
		lines = append(lines, "note: "+text)
	}
	for _, text := range c.Hints {
		lines = append(lines, "hint: "+text)
	}
	return lines
}

// average is the mean of a metric; nil where it was not measured.
func average(s *measure.Stats) any {
	if s == nil {
		return nil
	}
	return s.Avg
}

// writeOthers prints one row per result.
func writeOthers(w io.Writer, results []*measure.Result) error {
	columns := []string{"concurrency", "ttft_ms", "tpot_ms", "request_rate_per_s", "tokens_per_s", "request_latency_ms", "tokens_per_s_per_user"}
	var rows [][]any
	for _, r := range results {
		row := []any{concurrency(r)}
		for _, s := range []*measure.Stats{r.TTFTMs, r.ITLMs, r.RequestRatePerS, r.TokensPerS, r.RequestLatencyMs, r.TokensPerSPerUser} {
			row = append(row, average(s))
		}
		rows = append(rows, row)
	}
	return sinks.WriteTable(w, "table", columns, rows)
}

func concurrency(r *measure.Result) any {
	if r.Concurrency == 0 {
		return nil
	}
	return r.Concurrency
}

// writeComparisonRows writes one row per result and metric for programs, the
// compared result first. Results at other concurrencies have no prediction.
func writeComparisonRows(stdout, stderr io.Writer, format string, c *measure.Comparison, others []*measure.Result) error {
	columns := []string{"concurrency", "metric", "predicted", "actual", "delta", "status", "limit", "p50", "p90", "p95", "p99", "min", "max", "std"}
	var rows [][]any
	add := func(r *measure.Result, compared []measure.Row, predicted bool) {
		for _, m := range compared {
			row := []any{concurrency(r), m.Column, nil, average(m.Actual), nil, nil, nil}
			if predicted {
				row[2], row[4], row[5] = m.Predicted, valueOf(m.Delta), m.Status
				if m.Limit > 0 {
					row[6] = m.Limit
				}
			}
			s := m.Actual
			if s == nil {
				s = &measure.Stats{}
			}
			rows = append(rows, append(row, valueOf(s.P50), valueOf(s.P90), valueOf(s.P95), valueOf(s.P99), valueOf(s.Min), valueOf(s.Max), valueOf(s.Std)))
		}
	}
	add(c.Result, c.Rows, true)
	for _, r := range others {
		add(r, measure.Compare(c.Prediction, r).Rows, false)
	}
	if err := sinks.WriteTable(stdout, format, columns, rows); err != nil {
		return err
	}
	return writeRemarks(stderr, c)
}

// valueOf is the value that a pointer points to, nil for none.
func valueOf(v *float64) any {
	if v == nil {
		return nil
	}
	return *v
}

func writeRemarks(w io.Writer, c *measure.Comparison) error {
	for _, line := range remarks(c) {
		if _, err := fmt.Fprintln(w, line); err != nil {
			return err
		}
	}
	return nil
}

// writeCorrection prints the scales as YAML for an experiment file.
func writeCorrection(stdout, stderr io.Writer, c *measure.Comparison) error {
	prefill, decode, err := c.Correction()
	if err != nil {
		return fmt.Errorf("--emit-correction: %w", err)
	}
	if _, err := fmt.Fprintf(stdout, `# below "config:" of the experiment
advanced_tuning_config:
  prefill_latency_correction_scale: %.4g
  decode_latency_correction_scale: %.4g
`, prefill, decode); err != nil {
		return err
	}
	return writeRemarks(stderr, c)
}
