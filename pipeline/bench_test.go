package pipeline

import (
	"context"
	"testing"
	"time"

	"servegrid/estimator"
	"servegrid/estimator/search"
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
