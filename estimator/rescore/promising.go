package rescore

import (
	"cmp"
	"slices"

	"servegrid/estimator/search"
)

// Where there are many deployments, those are simulated that could give the most if
// nothing waited, for several paces of decoding and several shares of the prefill
// workers' time: a queue of prompts needs spare time to be short, the more the tighter
// the limit on TTFT.
var (
	paces       = []float64{5, 10, 15, 20, 30, 50, 100, 200} // ms per token, beside the asked one
	busyShares  = []float64{1, 0.7, 0.5, 0.35, 0.2}
	mostPerCase = 6 // of each pace and share, and the best of every prefill and every decode layout
)

// promising picks the deployments that are worth a simulation. What misses the limit on
// TTFT with a prompt alone is left out.
func promising(t *search.Task, all []disaggregated) []disaggregated {
	w, l := t.Workload, t.Limits
	all = slices.DeleteFunc(slices.Clone(all), func(d disaggregated) bool {
		alone := d.prefill.PromptStep(1, w)
		return l.RequestLatency <= 0 && l.TTFT > 0 && alone > margin*l.TTFT || d.prefill.MostPrompts(d.prompts, w) < 1 || d.decode.MostSequences(w) < 1
	})
	chosen := make([]bool, len(all))
	most := make([]float64, len(all))
	order := make([]int, len(all))
	for _, pace := range withPace(l.TPOT) {
		rates := decodeRates(t, all, pace)
		for _, busy := range busyShares {
			for i := range all {
				order[i], most[i] = i, all[i].most(t, rates[i], busy)
			}
			slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(most[b], most[a]) })
			seen := map[any]bool{}
			for place, i := range order {
				prefill, decode := all[i].prefill.Engine, all[i].decode.Engine
				as := [2]any{"prefill", prefill}
				if most[i] > 0 && (place < mostPerCase || !seen[decode] || !seen[as]) {
					chosen[i] = true
				}
				seen[decode], seen[as] = true, true
			}
		}
	}
	var out []disaggregated
	for i := range all {
		if chosen[i] {
			out = append(out, all[i])
		}
	}
	return out
}

func withPace(tpot float64) []float64 {
	if tpot <= 0 || slices.Contains(paces, tpot) {
		return paces
	}
	return append(slices.Clone(paces), tpot)
}

// decodeRates are the requests per ms that the decode workers of each deployment finish
// when no step takes longer than the pace.
func decodeRates(t *search.Task, all []disaggregated, pace float64) []float64 {
	perWorker := map[any]float64{}
	out := make([]float64, len(all))
	for i := range all {
		e := all[i].decode.Engine
		rate, ok := perWorker[e]
		if !ok {
			room := e.MostSequences(t.Workload)
			for _, b := range search.AggBatches {
				if step := e.DecodeStep(b, t.Workload); b <= room && step <= pace {
					rate = max(rate, float64(b*e.Plan.Layout.DP)/(step*float64(t.Workload.OSL)))
				}
			}
			perWorker[e] = rate
		}
		out[i] = rate * float64(all[i].decode.Count)
	}
	return out
}

// most is what the deployment gives of the whole budget, per GPU, when its prefill
// workers are busy for a share of the time and its decode workers finish so many
// requests per ms.
func (d *disaggregated) most(t *search.Task, decodeRate, busy float64) float64 {
	prompts := float64(d.prompts * d.prefill.Plan.Layout.DP)
	prefillRate := busy * float64(d.prefill.Count) * prompts / d.prefill.PromptStep(d.prompts, t.Workload)
	return min(prefillRate, decodeRate) * float64(t.TotalGPUs/d.gpus()) / float64(t.TotalGPUs)
}
