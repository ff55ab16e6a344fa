package search

import (
	"slices"

	"servegrid/estimator"
)

// Role is what a worker does.
type Role uint8

// The roles.
const (
	AggRole Role = iota
	PrefillRole
	DecodeRole
)

func (r Role) String() string { return [...]string{"agg", "prefill", "decode"}[r] }

// AggBatches are the batch sizes of aggregated candidates.
var AggBatches = slices.Concat(steps(1, 15, 1), steps(16, 28, 4), steps(32, 56, 8), steps(64, 240, 16), steps(256, 512, 32)[:8], []int{512})

func steps(from, to, by int) []int {
	var v []int
	for i := from; i <= to; i += by {
		v = append(v, i)
	}
	return v
}

// CtxTokens lists the context tokens per mixed step that are tried, rising.
// Without chunked prefill they are whole prompts, up to the larger of 8192 and
// two prompts.
func CtxTokens(isl int) []int {
	const (
		budget = 8192
		stride = 512
	)
	most := max(budget, 2*isl)
	small := max(isl, stride, budget/16)
	large := max(1024, stride, most/8)
	large = (large + isl - 1) / isl * isl
	var v []int
	for c := 0; ; {
		if c < budget {
			c += small
		} else {
			c += large
		}
		if c > most {
			break
		}
		v = append(v, c)
	}
	for _, c := range []int{isl, 2 * isl} {
		if !slices.Contains(v, c) {
			v = append(v, c)
		}
	}
	slices.Sort(v)
	return v
}

// admissible reports whether a batch leaves a request that decodes while
// contexts of c tokens are computed. stop says that no c of this batch will.
func admissible(b, c, isl int) (ok, stop bool) {
	contexts := (c + isl - 1) / isl
	switch {
	case b < contexts:
		return false, true
	case b > 1 && b == contexts:
		return false, false
	}
	return true, false
}

// AppendAgg adds every aggregated candidate of a workload to pts: batches
// outermost, context tokens rising.
func AppendAgg(pts *estimator.AggPoints, isl int) {
	ctx := CtxTokens(isl)
	for _, b := range AggBatches {
		for _, c := range ctx {
			ok, stop := admissible(b, c, isl)
			if stop {
				break
			}
			if ok {
				pts.Append(b, c)
			}
		}
	}
}

// CountAgg is the number of candidates that [AppendAgg] adds.
func CountAgg(isl int) int {
	var pts estimator.AggPoints
	AppendAgg(&pts, isl)
	return pts.Len()
}

// Factors of the disaggregated model.
// Source: AIConfigurator 0.6.0.
const (
	QueueFactor  = 1.8  // from a prefill worker's latency to TTFT
	prefillShare = 0.9  // of a prefill worker's rate that matching counts on
	decodeShare  = 0.92 // of a decode worker's rate
)
