package calibrate

import (
	_ "embed"
	"encoding/csv"
	"fmt"
	"strconv"
	"strings"
	"sync"
)

// errorsCSV sums up the errors of the stored predictions: every answer quotes one of
// them, and reading all predictions takes as long as answering. "make validate" writes
// it.
//
//go:embed data/errors.csv
var errorsCSV string

// StoredErrors returns the error sums of an estimator, "reference" or "calibrated", on
// the measurements that come with the program.
func StoredErrors(estimator string) ([]ErrorSum, error) {
	all, err := storedErrors()
	if err != nil {
		return nil, fmt.Errorf("read stored errors: %w", err)
	}
	return all[estimator], nil
}

var storedErrors = sync.OnceValues(func() (map[string][]ErrorSum, error) { return parseErrors(errorsCSV) })

var errorColumns = []string{"estimator", "mode", "system", "backend", "architecture", "rows", "tpot", "ttft", "tpot_bias", "ttft_bias"}

func parseErrors(text string) (map[string][]ErrorSum, error) {
	r := csv.NewReader(strings.NewReader(text))
	r.FieldsPerRecord = len(errorColumns)
	rows, err := r.ReadAll()
	if err != nil {
		return nil, err
	}
	sums := map[string][]ErrorSum{}
	for _, f := range rows[min(1, len(rows)):] {
		s := ErrorSum{Like: Like{Mode: f[1], System: f[2], Backend: f[3], Architecture: f[4]}}
		if s.Rows, err = strconv.Atoi(f[5]); err != nil {
			return nil, err
		}
		for i, v := range []*float64{&s.TPOT, &s.TTFT, &s.TPOTBias, &s.TTFTBias} {
			if *v, err = strconv.ParseFloat(f[6+i], 64); err != nil {
				return nil, err
			}
		}
		sums[f[0]] = append(sums[f[0]], s)
	}
	return sums, nil
}

// formatErrors is the reverse of parseErrors, for the named estimators.
func formatErrors(sums map[string][]ErrorSum, estimators ...string) string {
	var b strings.Builder
	w := csv.NewWriter(&b)
	w.Write(errorColumns)
	for _, e := range estimators {
		for _, s := range sums[e] {
			row := []string{e, s.Mode, s.System, s.Backend, s.Architecture, strconv.Itoa(s.Rows)}
			for _, v := range []float64{s.TPOT, s.TTFT, s.TPOTBias, s.TTFTBias} {
				row = append(row, strconv.FormatFloat(v, 'g', -1, 64))
			}
			w.Write(row)
		}
	}
	w.Flush()
	return b.String()
}
