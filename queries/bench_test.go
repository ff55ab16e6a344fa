package queries

import (
	"context"
	"os"
	"testing"
	"time"
)

// BenchmarkWarehouse asks a large warehouse, named by SERVEGRID_WAREHOUSE, what
// planners ask; see docs/performance.md. Its model is the guide's.
//
//	servegrid sweep demo --warehouse /tmp/demo
//	SERVEGRID_WAREHOUSE=/tmp/demo go test ./queries -run '^$' -bench Warehouse
func BenchmarkWarehouse(b *testing.B) {
	root := os.Getenv("SERVEGRID_WAREHOUSE")
	if root == "" {
		b.Skip("SERVEGRID_WAREHOUSE names no warehouse")
	}
	const (
		workload = "model := 'Qwen/Qwen3-32B-FP8', isl := 4000, osl := 500"
		limits   = ", ttft := 600, tpot := 16.67)"
		where    = " where model = 'Qwen/Qwen3-32B-FP8' and isl = 4000 and osl = 500 and prefix = 0 and gpus = 8"
		system   = " and system = 'h200_sxm'"
	)
	for _, q := range []struct{ name, sql string }{
		{"best_config/system", "from best_config(" + workload + ", gpus := 8, system := 'h200_sxm'" + limits},
		{"best_config/every_system", "from best_config(" + workload + ", gpus := 8" + limits},
		{"best_config/nothing_meets", "from best_config(" + workload + ", gpus := 8, ttft := 1, tpot := 1)"},
		{"best_system", "from best_system(" + workload + ", gpus := 8" + limits},
		{"min_gpus", "from min_gpus(" + workload + ", request_rate := 100" + limits},
		{"frontier/system", "from frontier" + where + system},
		{"frontier/every_system", "from frontier" + where},
		{"sla_frontier/system", "from sla_frontier" + where + system},
		{"cost_frontier", "from cost_frontier" + where},
		{"agg_vs_disagg", "from agg_vs_disagg" + where + system},
		{"points/system", "from points" + where + system},
		{"frontier/everything", "select count(*), sum(tokens_per_s_per_gpu_cluster), max(ttft_ms) from frontier"},
		{"frontier/everything_all_columns", "select count(*), max(hash(f)) from frontier as f"},
		{"cost_frontier/everything", "select count(*), max(usd_per_million_tokens) from cost_frontier"},
		{"points/count", "select count(*) from points"},
	} {
		b.Run(q.name, func(b *testing.B) {
			db, err := Open(context.Background(), root)
			if err != nil {
				b.Fatal(err)
			}
			defer db.Close()
			ask := func() int {
				r, err := db.run(context.Background(), q.sql)
				if err != nil {
					b.Fatal(err)
				}
				return len(r.Rows)
			}
			ask() // warm
			rows, began, cpu := 0, time.Now(), cpuTime()
			for b.Loop() {
				rows = ask()
			}
			n := float64(b.N)
			b.ReportMetric(float64(time.Since(began).Milliseconds())/n, "ms")
			b.ReportMetric(float64((cpuTime()-cpu).Milliseconds())/n, "cpu-ms")
			b.ReportMetric(float64(rows), "rows")
			b.ReportMetric(0, "ns/op")
		})
	}
}
