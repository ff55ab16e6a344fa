package pipeline

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"servegrid/internal/schema"
)

// A pair of latencies is taken unless one before it is as good in both. The rows of
// best_points themselves are compared with brute force in package queries.
func TestStaircase(t *testing.T) {
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 1))
		var s staircase
		var before [][2]float64
		for range 60 {
			p := [2]float64{float64(rng.IntN(12)), float64(rng.IntN(12))}
			want := !slices.ContainsFunc(before, func(q [2]float64) bool { return q[0] <= p[0] && q[1] <= p[1] })
			if got := s.add(p[0], p[1]); got != want {
				t.Fatalf("seed %d: %v behind %v: %v, want %v", seed, p, before, got, want)
			}
			before = append(before, p)
		}
	}
}

// A run has one file of best points per model, a folder for each model in the big
// tables, and the files that belong to people, which a second run leaves alone.
func TestPublishedForReaders(t *testing.T) {
	spec, dir := smallSpec(t), openDir(t)
	m := sweep(t, dir, spec, "r", 2)
	best, err := filepath.Glob(dir.Path("tables/best_points/*.parquet"))
	if err != nil || len(best) != 1 || filepath.Base(best[0]) != "Qwen--Qwen2.5-7B.parquet" {
		t.Errorf("best points in %v: the other model fits nowhere", best)
	}
	if m.Rows.BestPoints == 0 || m.Rows.BestPoints > 4*(m.Rows.AggPoints+m.Rows.DisaggPoints) {
		t.Errorf("%d best points of %d and %d points", m.Rows.BestPoints, m.Rows.AggPoints, m.Rows.DisaggPoints)
	}
	for _, table := range []string{schema.AggPoints.Name, schema.DisaggPoints.Name} {
		for _, model := range []string{"Qwen--Qwen2.5-7B", "meta-llama--Llama-3.1-405B"} {
			if files, _ := filepath.Glob(dir.Path("tables/" + table + "/*/*/" + model + "/*.parquet")); len(files) == 0 {
				t.Errorf("%s has no folder of %s", table, model)
			}
		}
	}
	prices, err := os.ReadFile(dir.Path(pricesFile))
	if err != nil || !strings.Contains(string(prices), "\nh200_sxm,10.00,INVENTED SAMPLE") {
		t.Errorf("prices %q, %v", prices, err)
	}
	const mine = "system,usd_per_gpu_hour,note\nl40s,1.00,mine\n"
	if err := os.WriteFile(dir.Path(pricesFile), []byte(mine), 0o644); err != nil {
		t.Fatal(err)
	}
	sweep(t, dir, spec, "again", 2)
	if b, err := os.ReadFile(dir.Path(pricesFile)); err != nil || string(b) != mine {
		t.Errorf("a second run wrote %q, %v", b, err)
	}
	if len(contents(t, dir.Path("validation"))) != 1 {
		t.Error("no table of measurements")
	}
}
