package pipeline

import (
	"context"
	"path"
	"testing"
	"time"

	"servegrid/estimator"
	"servegrid/estimator/search"
	"servegrid/internal/schema"
	"servegrid/jobs"
	"servegrid/perftables"
	"servegrid/sinks"
)

// demoSpec is the shipped demo sweep over one model.
func demoSpec(tb testing.TB, model string) *jobs.Spec {
	tb.Helper()
	src, _ := jobs.Shipped("demo")
	spec, err := jobs.Parse("demo", src, jobs.Known{
		Models: estimator.ModelIDs(), Systems: perftables.SystemNames(), Backends: perftables.Backends,
		ResolveModel: func(name string) (string, error) { return name, nil },
		Versions:     perftables.Embedded().Versions,
	})
	if err != nil {
		tb.Fatal(err)
	}
	spec.Models = []string{model}
	return spec
}

type quiet struct{}

func (quiet) Damaged(string)      {}
func (quiet) Started(int, int)    {}
func (quiet) ShardDone(ShardDone) {}

func BenchmarkSweep(b *testing.B) {
	spec := demoSpec(b, "deepseek-ai/DeepSeek-V3")
	b.ReportAllocs()
	var m *Manifest
	for b.Loop() {
		dir, err := sinks.OpenDir(b.TempDir())
		if err != nil {
			b.Fatal(err)
		}
		if m, err = Run(context.Background(), Options{
			Spec: spec, Catalog: search.NewCatalog(perftables.Embedded()), Dir: dir, Run: "bench", Workers: 1, Events: quiet{}, Now: time.Now,
		}); err != nil {
			b.Fatal(err)
		}
	}
	n := m.Candidates.AggPoints + m.Candidates.PrefillWorkers + m.Candidates.DecodeWorkers + m.Candidates.DisaggPairs
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "candidates/s")
}

// BenchmarkBestPoints picks the best points of one workload, all of whose candidates are
// kept; nothing is scored or written meanwhile.
func BenchmarkBestPoints(b *testing.B) {
	for _, model := range []string{"meta-llama/Llama-3.1-8B", "Qwen/Qwen3-32B-FP8", "Qwen/Qwen3-235B-A22B"} {
		b.Run(path.Base(model), func(b *testing.B) {
			spec := demoSpec(b, model)
			spec.Systems, spec.ServingModes, spec.Keep, spec.GPUs = spec.Systems[:1], []string{jobs.ModeAgg}, jobs.KeepAll, []int{8}
			spec.Workloads = spec.Workloads[:1]
			shards := resolve(spec, search.NewCatalog(perftables.Embedded()))
			best, scorer := NewBestPoints(spec.GPUs), newScorer(spec, newPlans(1))
			var blocks []*schema.Rows
			rows, picked := 0, 0
			scorer.write = func(r *schema.Rows) error {
				if r.Table == schema.AggPoints {
					blocks, rows = append(blocks, r), rows+r.N
				}
				return nil
			}
			scorer.workloadDone = func() error { return nil }
			if _, err := scorer.score(context.Background(), &shards[0]); err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				for _, r := range blocks {
					best.Add(r)
				}
				best.Finish(func(r *schema.Rows) error { picked = r.N; return nil })
			}
			if picked == 0 {
				b.Fatal("nothing was picked")
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(rows), "ns/row")
			b.ReportMetric(float64(rows), "rows")
			b.ReportMetric(float64(picked), "picked")
		})
	}
}
