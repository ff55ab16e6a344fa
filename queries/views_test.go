package queries

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"servegrid/internal/schema"
)

// openWarehouse writes the tables and opens them.
func openWarehouse(t testing.TB, tabs tables, manifests map[string]string) *DB {
	t.Helper()
	root := t.TempDir() + "/it's a warehouse"
	writeWarehouse(t, root, tabs, manifests)
	db, err := Open(context.Background(), root)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func ask(t testing.TB, db *DB, query string, args ...any) *Result {
	t.Helper()
	r, err := db.Query(context.Background(), query, args...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// equalRows compares a result with expected records, in any order unless
// ordered.
func equalRows(t *testing.T, what string, got *Result, want []record, ordered bool) {
	t.Helper()
	if len(got.Rows) > 0 && len(want) > 0 {
		for name := range want[0] {
			if !slices.Contains(got.Columns, name) {
				t.Fatalf("%s: column %s is missing", what, name)
			}
		}
	}
	var g, w []string
	for _, row := range got.Rows {
		r := record{}
		for i, c := range got.Columns {
			r[c] = row[i]
		}
		g = append(g, key(r, got.Columns))
	}
	for _, r := range want {
		w = append(w, key(r, got.Columns))
	}
	if !ordered {
		slices.Sort(g)
		slices.Sort(w)
	}
	if slices.Equal(g, w) {
		return
	}
	for i := range max(len(g), len(w)) {
		var a, b string
		if i < len(g) {
			a = g[i]
		}
		if i < len(w) {
			b = w[i]
		}
		if a != b {
			t.Fatalf("%s: %d rows, want %d; row %d\n got %s\nwant %s\ncolumns %v", what, len(g), len(w), i, a, b, got.Columns)
		}
	}
}

// TestViewsEqualBruteForce: every view over random warehouses full of ties.
func TestViewsEqualBruteForce(t *testing.T) {
	sizes := [][2]int{{25, 25}, {300, 0}, {0, 300}, {0, 0}, {400, 400}, {900, 700}}
	if testing.Short() {
		sizes = sizes[:4]
	}
	for seed, size := range sizes {
		t.Run(fmt.Sprintf("agg=%d/disagg=%d", size[0], size[1]), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(uint64(seed), 11))
			tabs := randomTables(rng, size[0], size[1])
			db := openWarehouse(t, tabs, nil)
			for name, r := range tabs {
				equalRows(t, name, ask(t, db, "from "+name), records(r), false)
			}
			points := brutePoints(tabs)
			equalRows(t, "points", ask(t, db, "from points"), points, false)
			front := bruteFrontier(points)
			equalRows(t, "frontier", ask(t, db, "from frontier"), front, false)
			equalRows(t, "computed_frontier", ask(t, db, "from computed_frontier"), front, false)
			slas := records(tabs["sla_targets"])
			sla := bruteSLAFrontier(points)
			equalRows(t, "sla_frontier", ask(t, db, "from sla_frontier"), sla, false)
			equalRows(t, "unmet_limits", ask(t, db, "from unmet_limits"), bruteUnmet(points, slas), false)
			equalRows(t, "agg_vs_disagg", ask(t, db, "from agg_vs_disagg"), bruteVersus(points, slas), false)
			equalRows(t, "cost_frontier", ask(t, db, "from cost_frontier"), bruteCost(front), false)
			equalRows(t, "best_config view", ask(t, db, "from best_config"), bruteBestView(points, records(tabs["sla_targets"])), false)
			for range 12 {
				p := BestParams{Model: pick(rng, "m1", "m2"), ISL: pick(rng, 1000, 4000), OSL: 500, GPUs: pick(rng, 1, 4, 8, 16),
					System: pick(rng, "", "h100", "h200"), Prefix: pick(rng, 0, 500), TTFT: pick(rng, 0, 200., 400),
					TPOT: pick(rng, 0, 8., 16), Backend: pick(rng, "", "", "vllm"), Version: pick(rng, "", "", "1.0"),
					Mode: pick(rng, "", "agg", "disagg"), TopN: pick(rng, 0, 1, 3, 50)}
				got, err := db.Best(context.Background(), p)
				if err != nil {
					t.Fatal(err)
				}
				want := bruteBest(points, p)
				for i := range want {
					q := record{"rank": int64(i + 1)}
					for k, v := range limited(want[i], p) {
						q[k] = v
					}
					want[i] = q
				}
				equalRows(t, fmt.Sprintf("best %+v", p), got, want, true)
			}
			testFrontierParams(t, rng, db, front)
			testLimitMacros(t, rng, db, points)
		})
	}
}

func testFrontierParams(t *testing.T, rng *rand.Rand, db *DB, front []record) {
	for range 10 {
		p := FrontierParams{Model: pick(rng, "m1", "m2"), System: pick(rng, "", "h100"), Mode: pick(rng, "", "agg", "disagg"),
			ISL: pick(rng, 0, 4000), GPUs: pick(rng, 0, 8), Prefix: pick(rng, 0, 500), AnyPrefix: rng.IntN(2) == 0,
			Overall: rng.IntN(2) == 0, TTFT: pick(rng, 0, 300.)}
		got, err := db.Frontier(context.Background(), p)
		if err != nil {
			t.Fatal(err)
		}
		var want []record
		for _, r := range front {
			if r["model"] == p.Model && (p.System == "" || r["system"] == p.System) && (p.Mode == "" || r["mode"] == p.Mode) &&
				(p.ISL == 0 || r.num("isl") == int64(p.ISL)) && (p.GPUs == 0 || r.num("gpus") == int64(p.GPUs)) &&
				(p.AnyPrefix || r.num("prefix") == int64(p.Prefix)) && (!p.Overall || r["overall"] == true) &&
				(p.TTFT == 0 || r.float("ttft_ms") <= p.TTFT) {
				want = append(want, r)
			}
		}
		equalRows(t, fmt.Sprintf("frontier %+v", p), got, want, false)
	}
}

func TestFrontierOrder(t *testing.T) {
	db := openWarehouse(t, randomTables(rand.New(rand.NewPCG(5, 5)), 200, 100), nil)
	r, err := db.Frontier(context.Background(), FrontierParams{Model: "m1", ISL: 1000, Limit: 3})
	if err != nil || len(r.Rows) != 3 {
		t.Fatalf("%d rows, %v", len(r.Rows), err)
	}
	full, _ := db.Frontier(context.Background(), FrontierParams{Model: "m1", ISL: 1000})
	for i := range r.Rows {
		if !slices.Equal(r.Rows[i], full.Rows[i]) {
			t.Errorf("row %d changes with the limit", i)
		}
	}
	for _, call := range []func() (*Result, error){
		func() (*Result, error) { return db.Frontier(context.Background(), FrontierParams{}) },
		func() (*Result, error) { return db.Best(context.Background(), BestParams{Model: "m1"}) },
	} {
		if _, err := call(); err == nil || !strings.Contains(err.Error(), "missing") {
			t.Errorf("incomplete parameters: %v", err)
		}
	}
}

// TestBaseViews: column names and order are those of the schema.
func TestBaseViews(t *testing.T) {
	db := openWarehouse(t, randomTables(rand.New(rand.NewPCG(1, 1)), 3, 3), nil)
	for _, tab := range schema.Tables() {
		r := ask(t, db, "from "+tab.Name+" limit 0")
		for i, c := range tab.Columns {
			want := map[schema.Type]string{schema.String: "VARCHAR", schema.Int32: "INTEGER", schema.Float64: "DOUBLE", schema.Bool: "BOOLEAN"}[c.Type]
			if i >= len(r.Columns) || r.Columns[i] != c.Name || r.Types[i] != want {
				t.Fatalf("%s: columns %v %v, want %s %s at %d", tab.Name, r.Columns, r.Types, c.Name, want, i)
			}
		}
		want := len(tab.Columns)
		if tab == schema.Validation {
			want++ // relative_error
		}
		if len(r.Columns) != want {
			t.Errorf("%s: %d columns, want %d", tab.Name, len(r.Columns), want)
		}
	}
	if got := ask(t, db, "from points limit 0").Columns; !slices.Equal(got, bruteColumns) {
		t.Errorf("points: columns %v", got)
	}
}

// TestViewFiles holds the files to the house style.
func TestViewFiles(t *testing.T) {
	names, texts := Views()
	if len(names) != 29 || !slices.IsSorted(names) {
		t.Errorf("files: %v", names)
	}
	for i, text := range texts {
		for _, want := range []string{"-- Question: ", "\n-- Grain: ", "\n-- Units: ", "\n-- Ties: "} {
			if !strings.Contains(text, want) {
				t.Errorf("%s: no %q", names[i], strings.TrimSpace(want))
			}
		}
		if strings.Contains(text, "*\n") || strings.Contains(text, "select *") {
			t.Errorf("%s: selects *", names[i])
		}
		if !strings.HasSuffix(text, ";\n") {
			t.Errorf("%s: does not end in ;", names[i])
		}
	}
}

// TestPushdown: filters on identifying columns reach the Parquet scan, also
// through the windows of frontier and as parameters.
func TestPushdown(t *testing.T) {
	db := openWarehouse(t, randomTables(rand.New(rand.NewPCG(1, 1)), 50, 50), nil)
	for _, view := range []string{"points", "frontier", "best_config"} {
		plan := fmt.Sprint(ask(t, db, "explain select parallel from "+view+" where model = 'm1' and isl = 1000 and gpus = 8").Rows)
		// points looks at two tables, best_config at the best points twice.
		want := map[string]int{"points": 2, "frontier": 1, "best_config": 2}[view]
		if n := strings.Count(plan, "model='m1'"); n != want || strings.Count(plan, "isl=1000") != want {
			t.Errorf("%s: the filter is in %d scans, want %d:\n%s", view, n, want, plan)
		}
	}
	plan := fmt.Sprint(ask(t, db, "explain from best_config(model := ?, isl := ?, osl := 500, gpus := 8)", "m1", 1000).Rows)
	if strings.Count(plan, "model='m1'") != 2 {
		t.Errorf("macro: the filter does not reach the scans:\n%s", plan)
	}
}

func TestRuns(t *testing.T) {
	db := openWarehouse(t, nil, map[string]string{
		"a": manifest("a", "2026-11-20T08:00:00Z"),
		"b": manifest("b", "2026-11-22T08:00:00+09:00"),
		"c": manifest("c", "2026-11-22T01:00:00+02:00"),
	})
	r := ask(t, db, "select run, started_at, finished_at, shards, candidates_disagg_pairs, rows_coverage, bytes, spec from runs")
	want := `[[b 2026-11-21T23:00:00Z 2026-11-23T23:02:03.25Z 12 600 40 123456 models: [m]
] [c 2026-11-21T23:00:00Z 2026-11-23T23:02:03.25Z 12 600 40 123456 models: [m]
] [a 2026-11-20T08:00:00Z 2026-11-23T23:02:03.25Z 12 600 40 123456 models: [m]
]]`
	if got := fmt.Sprint(r.Rows); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}
