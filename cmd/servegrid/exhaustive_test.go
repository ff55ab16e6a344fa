package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"
	"time"

	"servegrid/estimator"
	"servegrid/estimator/search"
	"servegrid/jobs"
	"servegrid/perftables"
	"servegrid/pipeline"
	"servegrid/queries"
	"servegrid/sinks"
)

// For 30 random workloads the macro best_config says what default --search exhaustive
// says, to three decimals in throughput and then in users' speed, and never less than
// the reference search.
func TestBestConfigIsTheExhaustiveSearch(t *testing.T) {
	rng := rand.New(rand.NewPCG(30, 7))
	pick := func(v ...float64) float64 { return v[rng.IntN(len(v))] }
	spec, err := jobs.Parse("test.yaml", []byte(`
name: random
models: [Qwen/Qwen2.5-7B, Qwen/Qwen3-32B-FP8, Qwen/Qwen3-30B-A3B]
systems: [h200_sxm, a100_sxm, l40s]
backends: all
versions: latest
gpus: [8, 16]
isl: [4000]
osl: [500]
ttft: 600
tpot: 20
`), known())
	if err != nil {
		t.Fatal(err)
	}
	spec.Workloads = nil
	for range 6 {
		isl := 50 + rng.IntN(9000)
		spec.Workloads = append(spec.Workloads, jobs.Workload{ISL: isl, OSL: 2 + rng.IntN(1500), Prefix: int(pick(0, 0, float64(isl/2)))})
	}
	dir, err := sinks.OpenDir(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := pipeline.Run(context.Background(), pipeline.Options{
		Spec: spec, Catalog: search.NewCatalog(perftables.Embedded()), Dir: dir, Run: "r", Workers: 2, Events: newProgress(io.Discard), Now: time.Now,
	}); err != nil {
		t.Fatal(err)
	}
	db, err := queries.Open(context.Background(), dir.Root())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	compared, answered := 0, 0
	for compared < 30 {
		model, system := spec.Models[rng.IntN(len(spec.Models))], spec.Systems[rng.IntN(len(spec.Systems))]
		backends := backendsOf(system)
		backend, w := backends[rng.IntN(len(backends))], spec.Workloads[rng.IntN(len(spec.Workloads))]
		m, err := estimator.LookupModel(model)
		if err != nil {
			t.Fatal(err)
		}
		tables, err := openDatabase(model, system, backend, "")
		if err != nil {
			t.Fatal(err)
		}
		task := search.NewTask(m, tables)
		task.TotalGPUs, task.Workload = spec.GPUs[rng.IntN(2)], estimator.Workload{ISL: w.ISL, OSL: w.OSL, Prefix: w.Prefix}
		task.Limits = search.Limits{TTFT: pick(60, 300, 600, 2000, 5000), TPOT: pick(5, 9, 16.67, 30, 60)}
		what := fmt.Sprintf("%s on %d %s with %s, %+v, %+v", model, task.TotalGPUs, system, backend, task.Workload, task.Limits)
		compared++
		for mode, find := range map[string]func(*search.Task) *search.Result{search.Agg: search.SearchAgg, search.Disagg: search.SearchDisagg} {
			r, err := db.Best(context.Background(), queries.BestParams{
				Model: m.ID, System: system, Backend: backend, Mode: mode, GPUs: task.TotalGPUs, ISL: w.ISL, OSL: w.OSL, Prefix: w.Prefix,
				TTFT: task.Limits.TTFT, TPOT: task.Limits.TPOT, TopN: 1,
			})
			if err != nil {
				t.Fatal(err)
			}
			exhaustive, reference := *task, *task
			exhaustive.Exhaustive = true
			best, least := find(&exhaustive).Picked, find(&reference).Picked
			if len(best) == 0 || len(r.Rows) == 0 {
				if len(best) != len(r.Rows) || len(least) > 0 {
					t.Errorf("%s, %s: %d rows in the warehouse, %d by exhaustive and %d by reference search", what, mode, len(r.Rows), len(best), len(least))
				}
				continue
			}
			answered++
			row := pickColumns(r, "tokens_per_s_per_gpu_cluster", "tokens_per_s_per_user")[0]
			value, user := estimator.Round3(row[0].(float64)), row[1].(float64)
			if want := estimator.Round3(best[0].TokensPerSPerGPUCluster); value != want || user != estimator.Round3(best[0].TokensPerSPerUser) {
				t.Errorf("%s, %s: %v at %v in the warehouse, %v at %v by exhaustive search", what, mode, value, user, want, best[0].TokensPerSPerUser)
			}
			if len(least) > 0 && value < estimator.Round3(least[0].TokensPerSPerGPUCluster) {
				t.Errorf("%s, %s: %v in the warehouse, %v by the reference search", what, mode, value, least[0].TokensPerSPerGPUCluster)
			}
		}
	}
	if answered < 20 {
		t.Errorf("only %d of 60 questions have an answer", answered)
	}
	t.Logf("%d questions of 30 workloads have an answer", answered)
}
