package queries

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

// TestBestOfEachSystem: the first row of every system, ranked without gaps, whatever
// TopN says.
func TestBestOfEachSystem(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 6))
	tabs := randomTables(rng, 300, 300)
	db := openWarehouse(t, tabs, nil)
	points := brutePoints(tabs)
	most := 0
	for range 20 {
		p := BestParams{Model: pick(rng, "m1", "m2"), ISL: pick(rng, 1000, 4000), OSL: 500, GPUs: pick(rng, 4, 8, 16),
			System: pick(rng, "", "", "h200"), TTFT: pick(rng, 0, 100., 400), Mode: pick(rng, "", "agg", "disagg"),
			TopN: pick(rng, 0, 1, 50), EachSystem: true}
		got, err := db.Best(context.Background(), p)
		if err != nil {
			t.Fatal(err)
		}
		all := p
		all.TopN = math.MaxInt32
		seen := map[any]bool{}
		var want []record
		for _, r := range bruteBest(points, all) {
			if seen[r["system"]] {
				continue
			}
			seen[r["system"]] = true
			q := record{"rank": int64(len(seen))}
			for k, v := range limited(r, all) {
				q[k] = v
			}
			want = append(want, q)
		}
		most = max(most, len(want))
		if len(got.Columns) != 3+len(bruteColumns) || got.Columns[0] != "rank" {
			t.Fatalf("columns %v", got.Columns)
		}
		equalRows(t, fmt.Sprintf("best %+v", p), got, want, true)
	}
	if most != 2 {
		t.Errorf("at most %d systems in an answer, want 2", most)
	}
}

// TestBestOfNothing: no row in, no row out, also where the engine replaces a filter on
// rank by an aggregate; a model that was not swept is named.
func TestBestOfNothing(t *testing.T) {
	db := smallWarehouse(t)
	for _, query := range []string{
		"from best_config(model := 'm1', isl := 1, osl := 1, gpus := 1, top_n := 1)",
		"from best_config(model := 'm1', isl := 1, osl := 1, gpus := 1) where rank = 1",
		"from best_system(model := 'none', isl := 1, osl := 1, gpus := 1)",
	} {
		if r := ask(t, db, query); len(r.Rows) != 0 {
			t.Errorf("%s: %v", query, r.Rows)
		}
	}
	_, err := db.Best(context.Background(), BestParams{Model: "none", ISL: 1, OSL: 1, GPUs: 1})
	if !errors.Is(err, ErrNotSwept) || !strings.Contains(err.Error(), "none is not among the models of") {
		t.Errorf("got %v", err)
	}
}
