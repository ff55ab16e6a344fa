package calibrate

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"encoding/csv"
	"fmt"
	"math"
	"strconv"
	"sync"
)

// judgedCSV holds what both estimators say of every measurement that comes with the
// program, the calibrated one with constants that were fitted without the row's
// group. "make validate" writes it.
//
//go:embed data/judged.csv.gz
var judgedCSV []byte

// Judged is a measurement with the answers of both estimators, NaN where there are
// none.
type Judged struct {
	*Measurement
	Class                 Class
	Architecture          string
	Suspect               bool // probably mislabelled: it counts in no error
	Calibrated, Reference Answer
}

// Stored returns every answered measurement that comes with the program.
var Stored = sync.OnceValues(func() ([]Judged, error) {
	measured, err := Shipped()
	if err != nil {
		return nil, err
	}
	z, err := gzip.NewReader(bytes.NewReader(judgedCSV))
	if err != nil {
		return nil, err
	}
	rows, err := csv.NewReader(z).ReadAll()
	if err != nil {
		return nil, err
	}
	return readJudged(measured, rows)
})

// readJudged joins the rows of a table with the measurements, which are in the same
// order.
func readJudged(measured []Measurement, rows [][]string) ([]Judged, error) {
	if len(rows) != len(measured)+1 {
		return nil, fmt.Errorf("read stored predictions: %d rows for %d measurements: make validate", len(rows)-1, len(measured))
	}
	at := map[string]int{}
	for i, name := range rows[0] {
		at[name] = i
	}
	var out []Judged
	for i, r := range rows[1:] {
		m := &measured[i]
		if r[at["row_id"]] != m.ID {
			return nil, fmt.Errorf("read stored predictions: row %d is %s, the measurement %s: make validate", i+1, r[at["row_id"]], m.ID)
		}
		if r[at["class"]] == "" {
			continue // refused
		}
		latency := func(column string) float64 {
			v, err := strconv.ParseFloat(r[at[column]], 64)
			if err != nil {
				return math.NaN()
			}
			return v
		}
		out = append(out, Judged{
			Measurement: m, Class: Class(r[at["class"]]), Architecture: r[at["architecture"]], Suspect: r[at["suspect"]] != "",
			Calibrated: Answer{latency("calibrated_ttft_ms"), latency("calibrated_tpot_ms")},
			Reference:  Answer{latency("reference_ttft_ms"), latency("reference_tpot_ms")},
		})
	}
	return out, nil
}
