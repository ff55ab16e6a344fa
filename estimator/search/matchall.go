package search

import (
	"cmp"
	"math"
	"slices"

	"servegrid/estimator"
)

// MatchAll returns the best deployment of every pair of a prefill and a decode
// worker within a GPU budget: the worker counts that finish the most per second,
// on the fewest GPUs. Counts are bounded by the budget alone.
//
// Deployments that another one beats are left out: one that is at least as good
// in TTFT, TPOT, tokens per second over the budget and requests in flight. Every
// latency limit can be answered from the rows that stay.
func MatchAll(prefill, decode []ScoredWorker, gpus int, w estimator.Workload) []Row {
	m := allMatcher{gpus: gpus, osl: float64(w.OSL)}
	for di := range decode {
		m.start = len(m.pairs)
		for pi := range prefill {
			m.add(&prefill[pi], &decode[di], pi, di)
		}
	}
	task := Task{TotalGPUs: gpus, Workload: w}
	keep := m.front.NonDominated(ByAll)
	rows := make([]Row, 0, len(keep))
	for _, i := range keep {
		p := m.pairs[i]
		rows = append(rows, disaggRow(&prefill[p.prefill], &decode[p.decode], p.split, &task))
	}
	return rows
}

// PairsWithin counts the pairs that fit into a budget.
func PairsWithin(prefill, decode []ScoredWorker, gpus int) int {
	n := 0
	for di := range decode {
		for pi := range prefill {
			if prefill[pi].GPUs+decode[di].GPUs <= gpus {
				n++
			}
		}
	}
	return n
}

type allMatcher struct {
	gpus  int
	osl   float64
	pairs []matched
	front Front
	start int // first pair of the decode worker at hand
}

type matched struct {
	prefill, decode int
	split           // of one replica
}

// add finds the worker counts of one pair.
func (m *allMatcher) add(p, d *ScoredWorker, pi, di int) {
	best := bestSplit(p, d, m.gpus)
	if best.gpus == 0 {
		return
	}
	replicas := gcd(best.x, best.y)
	one := split{best.x / replicas, best.y / replicas, best.gpus / float64(replicas)}
	perGPU := estimator.Round3(rate(p, d, one) * m.osl / one.gpus)
	ttft, cluster := estimator.Round3(p.queuedTTFT()), perGPU*best.gpus/float64(m.gpus)
	concurrency := float64(d.GlobalBatchSize() * best.y)
	// Most pairs are beaten by one of the same decode worker: leave them out
	// before anything is sorted.
	f := &m.front
	for i := m.start; i < len(m.pairs); i++ {
		if f.ttft[i] <= ttft && f.throughput[i] >= cluster && f.concurrency[i] >= concurrency {
			return
		}
	}
	m.pairs = append(m.pairs, matched{pi, di, one})
	f.Append(ttft, d.TPOT, cluster, concurrency)
}

// bestSplit returns the worker counts within the budget that finish the most per
// second, of equal ones those with the fewest GPUs. For a number of decode
// workers only the fewest prefill workers that keep up with them matter.
func bestSplit(p, d *ScoredWorker, gpus int) split {
	var best split
	most := 0.0
	perPrefill, perDecode := p.SeqPerS*prefillShare, d.SeqPerS*decodeShare
	if perPrefill <= 0 || perDecode <= 0 {
		return best
	}
	for y := 1; y*d.GPUs+p.GPUs <= gpus; y++ {
		mostPrefill := (gpus - y*d.GPUs) / p.GPUs
		need := math.Ceil(float64(y) * perDecode / perPrefill)
		// One less, in case the division came out a hair too high.
		for x := max(1, min(int(min(need, 1e9))-1, mostPrefill)); x <= mostPrefill; x++ {
			s := split{x, y, float64(x*p.GPUs + y*d.GPUs)}
			v := rate(p, d, s)
			if v > most || v == most && s.gpus < best.gpus {
				most, best = v, s
			}
			if d.SeqPerS*float64(y)*decodeShare <= p.SeqPerS*float64(x)*prefillShare {
				break // the decode side is the slower one from here on
			}
		}
	}
	return best
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// Front holds what candidates are compared by, one entry each.
type Front struct {
	ttft, tpot              []float64 // smaller is better
	throughput, concurrency []float64 // larger is better
	order                   []int
}

// Append adds a candidate.
func (f *Front) Append(ttft, tpot, throughput, concurrency float64) {
	f.ttft, f.tpot = append(f.ttft, ttft), append(f.tpot, tpot)
	f.throughput, f.concurrency = append(f.throughput, throughput), append(f.concurrency, concurrency)
}

// Reset empties the front and keeps its memory.
func (f *Front) Reset() {
	f.ttft, f.tpot, f.throughput, f.concurrency = f.ttft[:0], f.tpot[:0], f.throughput[:0], f.concurrency[:0]
}

// Criteria chooses what candidates are compared by.
type Criteria uint8

// The two comparisons.
const (
	ByAll      Criteria = iota // TTFT, TPOT, throughput and concurrency
	ByFrontier                 // TPOT and throughput only
)

// NonDominated returns the indices of the candidates that no other one beats, in
// rising order: a candidate is beaten by one that is at least as good in every
// criterion and better in one. Of candidates equal in all criteria one is kept:
// the one with the smaller TTFT, then the larger concurrency, then the earlier.
// The result is valid until the next call.
func (f *Front) NonDominated(by Criteria) []int {
	n := len(f.tpot)
	order := slices.Grow(f.order[:0], n)[:n]
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, f.compare)
	kept := order[:0]
	last := -1 // what beat the candidate before: it often beats the next one too
next:
	for _, i := range order {
		if last >= 0 && f.asGood(by, last, i) {
			continue
		}
		for _, k := range kept {
			if f.asGood(by, k, i) {
				last = k
				continue next
			}
		}
		kept = append(kept, i)
	}
	f.order = order
	slices.Sort(kept)
	return kept
}

// compare puts whatever beats a candidate before it. It spells out what cmp.Or
// would do, which computes every criterion of every pair.
func (f *Front) compare(a, b int) int {
	if c := cmp.Compare(f.throughput[b], f.throughput[a]); c != 0 {
		return c
	}
	if c := cmp.Compare(f.tpot[a], f.tpot[b]); c != 0 {
		return c
	}
	if c := cmp.Compare(f.ttft[a], f.ttft[b]); c != 0 {
		return c
	}
	if c := cmp.Compare(f.concurrency[b], f.concurrency[a]); c != 0 {
		return c
	}
	return a - b
}

// asGood reports whether k, which comes before i, is at least as good in
// everything else.
func (f *Front) asGood(by Criteria, k, i int) bool {
	return f.tpot[k] <= f.tpot[i] && (by == ByFrontier || f.ttft[k] <= f.ttft[i] && f.concurrency[k] >= f.concurrency[i])
}
