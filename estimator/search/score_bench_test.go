package search

import (
	"testing"

	"servegrid/estimator"
	"servegrid/perftables"
)

// BenchmarkScoreAgg scores the candidates of a search for every layout of a dense and
// an expert model, over some kinds of traffic.
func BenchmarkScoreAgg(b *testing.B) {
	for _, model := range []string{"Qwen/Qwen3-32B-FP8", "deepseek-ai/DeepSeek-V3"} {
		b.Run(model, func(b *testing.B) {
			combo, err := NewCatalog(perftables.Embedded()).Resolve(model, "h200_sxm", "trtllm", perftables.Embedded().Latest("h200_sxm", "trtllm"), perftables.Silicon)
			if err != nil {
				b.Fatal(err)
			}
			plans := combo.Compile()
			var pts estimator.AggPoints
			scored := 0
			b.ReportAllocs()
			for b.Loop() {
				scored = 0
				for isl := 500; isl <= 8000; isl += 1500 {
					for osl := 100; osl <= 2000; osl += 600 {
						pts.Reset()
						AppendAgg(&pts, isl)
						for i := range plans {
							if plans[i].Err == nil && plans[i].Plan.ScoreAgg(estimator.Workload{ISL: isl, OSL: osl}, &pts) == nil {
								scored += pts.Len()
							}
						}
					}
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(scored), "ns/point")
		})
	}
}
