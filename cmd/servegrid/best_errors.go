//go:build cgo

package main

import (
	"context"
	"fmt"
	"slices"

	"servegrid/estimator"
	"servegrid/estimator/calibrate"
	"servegrid/queries"
)

// offByColumn heads how far answers have been off, in words.
const offByColumn = "off by (TPOT / TTFT)"

// errorColumnsBeside say beside an answer how far such answers have been off.
var errorColumnsBeside = []string{"measurements", "tpot_error", "ttft_error", "errors_of"}

// addErrors puts beside every row how far such answers have been from measurements:
// those that the warehouse has of them, else those that come with the program.
func addErrors(ctx context.Context, db *queries.DB, model string, r *queries.Result) error {
	recorded, err := db.Query(ctx, `select mode, system, backend, estimator, measurements, tpot_error, ttft_error
		from prediction_errors where model = ? and tpot_error is not null and ttft_error is not null`, model)
	if err != nil {
		return err
	}
	byAnswer := map[[4]any][]any{}
	for _, row := range recorded.Rows {
		byAnswer[[4]any(row[:4])] = append(slices.Clone(row[4:]), "the same in this warehouse")
	}
	architecture := model
	if m, err := estimator.LookupModel(model); err == nil {
		architecture = calibrate.Architecture(m)
	}
	about := pickColumns(r, "mode", "system", "backend", "estimator")
	r.Columns = append(r.Columns, errorColumnsBeside...)
	for i := range r.Rows {
		beside, ok := byAnswer[[4]any(about[i])]
		if !ok {
			beside = shippedErrors(about[i], architecture)
		}
		r.Rows[i] = append(r.Rows[i], beside...)
	}
	return nil
}

// shippedErrors are the error columns of an answer, of the measurements that come with
// the program.
func shippedErrors(about []any, architecture string) []any {
	text := func(i int) string { return fmt.Sprint(about[i]) }
	k, ok := offBy(text(3), calibrate.Like{Mode: text(0), System: text(1), Backend: text(2), Architecture: architecture})
	if !ok {
		return []any{int64(0), nil, nil, ""}
	}
	return []any{int64(k.Rows), k.TPOT, k.TTFT, k.Of}
}

// offByTexts word the error columns for people: TPOT and TTFT off by that much, and
// how many measurements say so.
func offByTexts(r *queries.Result) []any {
	var out []any
	for _, row := range pickColumns(r, errorColumnsBeside...) {
		tpot, ok1 := row[1].(float64)
		ttft, ok2 := row[2].(float64)
		if !ok1 || !ok2 {
			out = append(out, "not known")
			continue
		}
		out = append(out, fmt.Sprintf("%.0f %% / %.0f %% of %v", 100*tpot, 100*ttft, row[0]))
	}
	return out
}

// errorNotes say once what the errors beside the rows are of.
func errorNotes(r *queries.Result) []string {
	var notes []string
	for _, row := range pickColumns(r, "system", "mode", "errors_of") {
		if note := fmt.Sprintf("%v %v: off by, on measurements of %v", row[0], row[1], row[2]); row[2] != "" && !slices.Contains(notes, note) {
			notes = append(notes, note)
		}
	}
	return notes
}
