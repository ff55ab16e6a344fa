package sinks

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"math"
	"time"

	"servegrid/internal/schema"
)

// Measurement is a row of the table validation: one metric of one measured
// deployment beside its prediction.
type Measurement struct {
	Source                              string // where the measurement comes from
	Mode, Model, System, DecodeSystem   string
	Backend, Version, Estimator         string
	Deployment                          string // what ran, in words
	ISL, OSL, Prefix, GPUs, Concurrency int
	Metric                              string // the column that was measured
	Predicted, Measured                 float64
}

// RecordMeasurements appends measurements to the warehouse: one Parquet file below
// validation, named by its time and contents. Recording the same again changes nothing.
// The view validation shows them at once.
func RecordMeasurements(warehouse Store, at time.Time, ms []Measurement) (name string, err error) {
	if len(ms) == 0 {
		return "", errors.New("record measurements: there is none")
	}
	rows := schema.NewRows(schema.Validation)
	rows.N = len(ms)
	rows.Col("recorded_at").SetText(at.UTC().Format(time.RFC3339))
	text := func(column string, of func(m *Measurement) string) {
		c := rows.Col(column)
		for i := range ms {
			c.Dict, c.Code = append(c.Dict, of(&ms[i])), append(c.Code, int32(i))
		}
	}
	text("source", func(m *Measurement) string { return m.Source })
	text("mode", func(m *Measurement) string { return m.Mode })
	text("model", func(m *Measurement) string { return m.Model })
	text("system", func(m *Measurement) string { return m.System })
	text("decode_system", func(m *Measurement) string { return m.DecodeSystem })
	text("backend", func(m *Measurement) string { return m.Backend })
	text("version", func(m *Measurement) string { return m.Version })
	text("estimator", func(m *Measurement) string { return m.Estimator })
	text("deployment", func(m *Measurement) string { return m.Deployment })
	text("metric", func(m *Measurement) string { return m.Metric })
	number := func(column string, of func(m *Measurement) int) {
		for i := range ms {
			rows.Col(column).Int = append(rows.Col(column).Int, int32(of(&ms[i])))
		}
	}
	number("isl", func(m *Measurement) int { return m.ISL })
	number("osl", func(m *Measurement) int { return m.OSL })
	number("prefix", func(m *Measurement) int { return m.Prefix })
	number("gpus", func(m *Measurement) int { return m.GPUs })
	number("concurrency", func(m *Measurement) int { return m.Concurrency })
	for i := range ms {
		for column, v := range map[string]float64{"predicted": ms[i].Predicted, "measured": ms[i].Measured} {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				return "", fmt.Errorf("record measurements: %s of row %d is %v, want a number", column, i+1, v)
			}
			rows.Col(column).Float = append(rows.Col(column).Float, v)
		}
	}
	return writeNamed(warehouse, "validation/"+at.UTC().Format("20060102T150405Z"), rows)
}

// writeNamed writes rows to a file whose name ends in the hash of its contents.
func writeNamed(d Store, prefix string, rows *schema.Rows) (string, error) {
	var b bytes.Buffer
	w := NewParquetWriter()
	if err := w.Reset(&b, rows.Table, nil); err != nil {
		return "", err
	}
	if err := w.Write(rows); err != nil {
		return "", err
	}
	if _, err := w.Close(); err != nil {
		return "", err
	}
	sum := sha256.Sum256(b.Bytes())
	name := fmt.Sprintf("%s-%x.parquet", prefix, sum[:6])
	return name, PutFile(d, name, b.Bytes())
}
