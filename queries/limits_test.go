package queries

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"servegrid/internal/schema"
	"servegrid/sinks"
)

// testLimitMacros compares the macros about latency limits with brute force, also
// for limits that nothing meets.
func testLimitMacros(t *testing.T, rng *rand.Rand, db *DB, points []record) {
	for range 8 {
		p := BestParams{Model: pick(rng, "m1", "m2"), ISL: pick(rng, 1000, 4000), OSL: 500, GPUs: pick(rng, 1, 4, 8, 16),
			Prefix: pick(rng, 0, 500), TTFT: pick(rng, 0, 1., 60, 200, 400), TPOT: pick(rng, 0, 1., 3, 8, 16),
			Backend: pick(rng, "", "", "vllm"), Version: pick(rng, "", "", "1.0"), Mode: pick(rng, "", "agg", "disagg")}
		args := []any{p.Model, p.ISL, p.OSL, orNull(p.TTFT), orNull(p.TPOT), p.Prefix, orNull(p.Backend), orNull(p.Version), orNull(p.Mode), p.GPUs}
		const limits = "model := $1, isl := $2, osl := $3, ttft := $4, tpot := $5, prefix := $6, backend := $7, version := $8, mode := $9"

		var want []record
		for _, r := range bestLayouts(admitted(matching(points, p), p), p) {
			want = append(want, limited(r, p))
		}
		equalRows(t, fmt.Sprintf("best_config %+v", p), ask(t, db, "from best_config("+limits+", gpus := $10)", args...), ranked(want), true)
		equalRows(t, fmt.Sprintf("best_system %+v", p), ask(t, db, "from best_system("+limits+", gpus := $10)", args...), bruteBestSystem(points, p), true)
		closest, err := db.Closest(context.Background(), p)
		if err != nil {
			t.Fatal(err)
		}
		if len(want) > 0 && want[0]["meets_limits"] == true {
			want = nil
		}
		equalRows(t, fmt.Sprintf("closest %+v", p), closest, ranked(want), true)

		p.GPUs = 0
		l := load{pick(rng, 0, 0.3, 1, 40), pick(rng, 0, 1., 100)}
		args[9] = orNull(l.rate)
		args = append(args, orNull(l.concurrency))
		got := ask(t, db, "from min_gpus("+limits+", request_rate := $10, concurrency := $11)", args...)
		equalRows(t, fmt.Sprintf("min_gpus %+v %+v", p, l), got, only(bruteMinGPUs(points, p, l, 16), got.Columns), true)
	}
}

// orNull is nil for a zero.
func orNull(v any) any {
	if v == "" || v == 0. {
		return nil
	}
	return v
}

// TestNotFinite: figures that are not finite change nothing of what the others give.
func TestNotFinite(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 2))
	tabs := randomTables(rng, 300, 300)
	clean := tables{"gpu_budgets": tabs["gpu_budgets"], "sla_targets": tabs["sla_targets"]}
	for _, name := range []string{"agg_points", "disagg_points"} {
		r := tabs[name]
		bad := map[int]bool{}
		for range 80 {
			i := rng.IntN(r.N)
			column := pick(rng, "ttft_ms", "tpot_ms", "tokens_per_s_per_user", "tokens_per_s_per_gpu")
			if name == "disagg_points" && column == "tokens_per_s_per_gpu" {
				column = yName
			}
			r.Col(column).Float[i] = pick(rng, math.NaN(), math.Inf(1), math.Inf(-1))
			bad[i] = true
		}
		var kept []record
		for i, rec := range records(r) {
			if !bad[i] {
				kept = append(kept, rec)
			}
		}
		clean[name] = rebuild(r.Table, kept)
	}
	db := openWarehouse(t, tabs, nil)
	points := brutePoints(clean)
	front, slas := bruteFrontier(points), records(tabs["sla_targets"])
	equalRows(t, "frontier", ask(t, db, "from frontier"), front, false)
	equalRows(t, "computed_frontier", ask(t, db, "from computed_frontier"), front, false)
	equalRows(t, "sla_frontier", ask(t, db, "from sla_frontier"), bruteSLAFrontier(points), false)
	equalRows(t, "best_config", ask(t, db, "from best_config"), bruteBestView(points, slas), false)
	equalRows(t, "unmet_limits", ask(t, db, "from unmet_limits"), bruteUnmet(points, slas), false)
	equalRows(t, "cost_frontier", ask(t, db, "from cost_frontier"), bruteCost(front), false)
	testLimitMacros(t, rng, db, points)
}

// TestFrontierChanges: two runs side by side, either way, against themselves and
// against one without rows.
func TestFrontierChanges(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 9))
	one := randomTables(rng, 250, 250)
	two := tables{"gpu_budgets": one["gpu_budgets"]}
	for _, name := range []string{"agg_points", "disagg_points"} {
		var rows []record
		for _, r := range records(one[name]) {
			switch rng.IntN(6) {
			case 0: // gone
			case 1:
				r = with(r, record{"ttft_ms": r.float("ttft_ms") + 1})
				fallthrough
			default:
				rows = append(rows, r)
			}
		}
		two[name] = rebuild(one[name].Table, rows)
	}
	none := tables{"gpu_budgets": one["gpu_budgets"], "agg_points": empty(schema.AggPoints), "disagg_points": empty(schema.DisaggPoints)}
	db := openWarehouse(t, one, nil)
	fronts := map[string][]record{}
	for run, tabs := range map[string]tables{"one": one, "two": two, "none": none} {
		d, err := sinks.OpenDir(filepath.Join(db.Root(), "runs", run, "tables"))
		if err != nil {
			t.Fatal(err)
		}
		writeFile(t, d, sinks.NewParquetWriter(), "best_points/part.parquet", bestPoints(t, tabs))
		fronts[run] = bruteFrontier(brutePoints(tabs))
	}
	for _, pair := range [][2]string{{"one", "two"}, {"two", "one"}, {"one", "one"}, {"one", "none"}, {"none", "two"}, {"none", "none"}} {
		got := ask(t, db, "from frontier_changes(?, ?)", pair[0], pair[1])
		want := only(bruteChanges(fronts[pair[0]], fronts[pair[1]]), got.Columns)
		equalRows(t, fmt.Sprint(pair), got, want, false)
		if pair[0] == pair[1] && len(got.Rows) > 0 {
			t.Errorf("%v: %d changes", pair, len(got.Rows))
		}
		again := ask(t, db, "from frontier_changes(?, ?)", pair[0], pair[1])
		if !slices.EqualFunc(got.Rows, again.Rows, func(a, b []any) bool { return slices.Equal(a, b) }) {
			t.Errorf("%v: another order", pair)
		}
	}
	if _, err := db.Query(context.Background(), "from frontier_changes('one', 'nope')"); err == nil {
		t.Error("an unknown run: no error")
	}
}

// TestValidation: what is recorded shows at once, beside what was there.
func TestValidation(t *testing.T) {
	db := openWarehouse(t, randomTables(rand.New(rand.NewPCG(1, 1)), 5, 5), nil)
	if r := ask(t, db, "from validation"); len(r.Rows) != 0 {
		t.Fatalf("%d rows", len(r.Rows))
	}
	d, err := sinks.OpenDir(db.Root())
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)
	for i, m := range []sinks.Measurement{{Metric: "ttft_ms", Predicted: 450, Measured: 500}, {Metric: "tpot_ms", Predicted: 12, Measured: 0}} {
		if _, err := sinks.RecordMeasurements(d, at.Add(time.Duration(i)*time.Hour), []sinks.Measurement{m}); err != nil {
			t.Fatal(err)
		}
	}
	got := fmt.Sprint(ask(t, db, "select recorded_at, metric, predicted, measured, relative_error from validation order by all").Rows)
	if want := "[[2026-11-24T08:00:00Z ttft_ms 450 500 -0.1] [2026-11-24T09:00:00Z tpot_ms 12 0 <nil>]]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestPredictionErrors: means by what was measured, with nulls for what was not.
func TestPredictionErrors(t *testing.T) {
	db := openWarehouse(t, randomTables(rand.New(rand.NewPCG(1, 1)), 5, 5), nil)
	if r := ask(t, db, "from prediction_errors"); len(r.Rows) != 0 {
		t.Fatalf("%d rows", len(r.Rows))
	}
	d, err := sinks.OpenDir(db.Root())
	if err != nil {
		t.Fatal(err)
	}
	row := func(model, metric string, predicted, measured float64) sinks.Measurement {
		return sinks.Measurement{Mode: "agg", Model: model, System: "h200_sxm", DecodeSystem: "h200_sxm", Backend: "vllm", Estimator: "reference",
			Metric: metric, Predicted: predicted, Measured: measured}
	}
	list := []sinks.Measurement{
		row("a", "tpot_ms", 8, 10), row("a", "tpot_ms", 11, 10), row("a", "ttft_ms", 50, 100), row("a", "tokens_per_s", 1, 9),
		row("b", "ttft_ms", 130, 100), row("c", "tpot_ms", 9, 0),
	}
	if _, err := sinks.RecordMeasurements(d, time.Now(), list); err != nil {
		t.Fatal(err)
	}
	got := ask(t, db, `select model, measurements, round(tpot_error, 6), round(tpot_bias, 6), round(ttft_error, 6), round(ttft_bias, 6)
		from prediction_errors order by all`)
	if text, want := fmt.Sprint(got.Rows), "[[a 2 0.15 -0.05 0.5 -0.5] [b 1 <nil> <nil> 0.3 0.3]]"; text != want {
		t.Errorf("got %s, want %s", text, want)
	}
}
