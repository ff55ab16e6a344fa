package search

import (
	"math"

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
	return new(Matcher).MatchAll(prefill, decode, gpus, w)
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

// Matcher keeps the memory of [MatchAll] from one call to the next.
type Matcher struct {
	gpus    int
	osl     float64
	pairs   []matched
	front   Front
	beaters [8]criteria // pairs that beat others lately, the last one first
	rows    []Row
}

type matched struct {
	prefill, decode int
	split           // of one replica
}

// MatchAll is the function of that name. Its rows are valid until the next call.
func (m *Matcher) MatchAll(prefill, decode []ScoredWorker, gpus int, w estimator.Workload) []Row {
	m.gpus, m.osl, m.pairs = gpus, float64(w.OSL), m.pairs[:0]
	m.front.Reset()
	for i := range m.beaters {
		m.beaters[i] = criteria{ttft: math.Inf(1)} // beats nothing
	}
	for di := range decode {
		first := len(m.pairs)
		for pi := range prefill {
			m.add(&prefill[pi], &decode[di], pi, di, first)
		}
	}
	task := Task{TotalGPUs: gpus, Workload: w}
	m.rows = m.rows[:0]
	for _, i := range m.front.NonDominated(ByAll) {
		p := &m.pairs[i]
		m.rows = append(m.rows, disaggRow(&prefill[p.prefill], &decode[p.decode], p.split, &task))
	}
	return m.rows
}

// add finds the worker counts of one pair. Pairs from first on have the same
// decode worker.
func (m *Matcher) add(p, d *ScoredWorker, pi, di, first int) {
	best, most := bestSplit(p, d, m.gpus)
	if best.gpus == 0 {
		return
	}
	// Most pairs are beaten by one that came before, and most of those by one that
	// has just beaten another: leave them out before anything is rounded or sorted.
	// What rounding can add to the throughput is in the bound.
	total := float64(m.gpus)
	c := criteria{estimator.Round3(p.queuedTTFT()), d.TPOT, (float64(most*m.osl) + float64(0.001*best.gpus)) / total, float64(d.GlobalBatchSize() * best.y)}
	if m.beaten(&c) {
		return
	}
	replicas := gcd(best.x, best.y)
	one := split{best.x / replicas, best.y / replicas, best.gpus / float64(replicas)}
	c.throughput = estimator.Round3(rate(p, d, one)*m.osl/one.gpus) * best.gpus / total
	for i := first; i < len(m.pairs); i++ {
		if k := &m.front.list[i]; k.asGood(&c) {
			copy(m.beaters[1:], m.beaters[:])
			m.beaters[0] = *k
			return
		}
	}
	m.pairs = append(m.pairs, matched{pi, di, one})
	m.front.list = append(m.front.list, c)
}

// beaten reports whether one of the last beaters is as good, and moves it to the
// front.
func (m *Matcher) beaten(c *criteria) bool {
	for i := range m.beaters {
		if k := m.beaters[i]; k.asGood(c) {
			copy(m.beaters[1:i+1], m.beaters[:i])
			m.beaters[0] = k
			return true
		}
	}
	return false
}

// bestSplit returns the worker counts within the budget that finish the most per
// second, of equal ones those with the fewest GPUs, and how much that is.
//
// With more decode workers their side gets faster and what is left for prefill
// slower. As long as prefill can keep up, one more decode worker is better, with
// the fewest prefill workers that do; from the first number on where it cannot,
// one more is worse. So two numbers of decode workers come into question.
func bestSplit(p, d *ScoredWorker, gpus int) (best split, most float64) {
	perPrefill, perDecode := p.SeqPerS*prefillShare, d.SeqPerS*decodeShare
	mostDecode := (gpus - p.GPUs) / d.GPUs
	if perPrefill <= 0 || perDecode <= 0 || gpus < p.GPUs || mostDecode < 1 {
		return split{}, 0
	}
	// Both are as in rate, so that what is compared is what counts.
	prefillRate := func(x int) float64 { return p.SeqPerS * float64(x) * prefillShare }
	decodeRate := func(y int) float64 { return d.SeqPerS * float64(y) * decodeShare }
	mostPrefill := func(y int) int { return int(uint32(gpus-y*d.GPUs) / uint32(p.GPUs)) }

	// The most decode workers that prefill keeps up with: estimated, then exact.
	ratio := perDecode / perPrefill // prefill workers for each decode worker
	y := min(mostDecode, int(float64(gpus)/(float64(ratio*float64(p.GPUs))+float64(d.GPUs))))
	for y < mostDecode && decodeRate(y+1) <= prefillRate(mostPrefill(y+1)) {
		y++
	}
	for y > 0 && decodeRate(y) > prefillRate(mostPrefill(y)) {
		y--
	}
	if y > 0 {
		most = decodeRate(y)
		x := min(mostPrefill(y), max(1, int(math.Ceil(float64(y)*ratio))))
		for x > 1 && most <= prefillRate(x-1) {
			x--
		}
		for most > prefillRate(x) {
			x++
		}
		best = split{x, y, float64(x*p.GPUs + y*d.GPUs)}
	}
	if y < mostDecode {
		x := mostPrefill(y + 1)
		s := split{x, y + 1, float64(x*p.GPUs + (y+1)*d.GPUs)}
		if v := prefillRate(x); v > most || v == most && s.gpus < best.gpus {
			best, most = s, v
		}
	}
	return best, most
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}
