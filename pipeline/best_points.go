package pipeline

import (
	"cmp"
	"math"
	"slices"

	"servegrid/estimator/search"
	"servegrid/internal/schema"
)

// BestPoints picks the rows of the table best_points out of the agg_points and
// disagg_points of one shard, one workload after the other; each GPU budget of a
// workload is one comparison.
type BestPoints struct {
	budgets []int32
	rows    *bestBlock

	sources [2][]*sourceBlock // every block that was ever added, by mode
	used    [2]int            // of these, by the workload at hand
	blocks  []*sourceBlock    // of the workload at hand
	ranked  []rankedPoint     // of the budget at hand
	chosen  []bestPoint       // of these
	sieve   sieve
	order   search.Order
	modes   [2]modeFront
	best    []bestPoint // of all budgets
}

// rankedPoint is what a deployment is ranked and compared by, and where it stands.
type rankedPoint struct {
	cluster, perUser, ttft, tpot float64
	block, row                   int32
}

// onlyFinite moves the points whose figures are all finite to the front, and returns
// them: others can be on no front. What is not finite leaves no 0 when it is taken from
// itself.
func onlyFinite(points []rankedPoint) []rankedPoint {
	return slices.DeleteFunc(points, func(p rankedPoint) bool {
		return (p.cluster-p.cluster)+(p.perUser-p.perUser)+(p.ttft-p.ttft)+(p.tpot-p.tpot) != 0
	})
}

// bestPoint is one that is on a front.
type bestPoint struct {
	cluster, perUser                   float64
	block, row                         int32
	gpus                               int32
	mode                               uint8
	onFrontier, overall, onSLAFrontier bool
}

// NewBestPoints returns a picker for a sweep of these GPU budgets.
func NewBestPoints(budgets []int) *BestPoints {
	b := &BestPoints{rows: newBestBlock()}
	for _, gpus := range budgets {
		b.budgets = append(b.budgets, int32(gpus))
	}
	return b
}

// Add takes a block of the workload at hand. It has to stay as it is until Finish.
func (b *BestPoints) Add(rows *schema.Rows) {
	if rows.Table != schema.AggPoints && rows.Table != schema.DisaggPoints || rows.N == 0 {
		return
	}
	d := b.source(rows)
	if len(b.blocks) == 0 {
		for i, c := range d.named {
			if c != nil {
				b.rows.Cols[i] = *c
			}
		}
	}
	b.blocks = append(b.blocks, d)
}

// source is the block as one that deployments come from. A sweep fills the same blocks
// again and again, those of a mode in the same order.
func (b *BestPoints) source(rows *schema.Rows) *sourceBlock {
	mode := modeOf(rows)
	at := b.used[mode]
	b.used[mode]++
	all := &b.sources[mode]
	if at == len(*all) {
		*all = append(*all, newSourceBlock(rows))
	} else if (*all)[at].rows != rows {
		(*all)[at] = newSourceBlock(rows)
	}
	return (*all)[at]
}

// Finish writes what was picked for the workload at hand, and forgets it.
func (b *BestPoints) Finish(write func(*schema.Rows) error) error {
	defer b.Reset()
	b.best = b.best[:0]
	for _, gpus := range b.present() {
		b.pick(gpus)
	}
	if len(b.best) == 0 {
		return nil
	}
	b.rows.fill(b.best, b.blocks)
	return write(b.rows.Rows)
}

// present lists the GPU budgets that the blocks at hand are about, rising: aggregated
// candidates are about all of the sweep's, pairs say theirs.
func (b *BestPoints) present() []int32 {
	var all []int32
	for _, d := range b.blocks {
		if d.mode == aggMode {
			all = append(all, b.budgets...)
		} else {
			all = append(all, d.cols[atGPUs].Int...)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// Reset forgets what was not finished.
func (b *BestPoints) Reset() { b.used, b.blocks = [2]int{}, b.blocks[:0] }

// pick finds the fronts of a GPU budget, and adds who is on one to the best:
// aggregated deployments first, fast users last.
//
// In the order of the ranking (throughput, users' speed, then ties) a deployment is on
// a frontier when it serves users faster than every one before it, and on the frontier
// for latency limits when none before it is as good in both latencies: then it is the
// answer when its own latencies are the limits.
func (b *BestPoints) pick(gpus int32) {
	b.ranked = b.ranked[:0]
	if slices.Contains(b.budgets, gpus) {
		b.rank(aggMode, gpus)
		b.ranked = b.sieve.drop(b.ranked) // of pairs none beats another
	}
	aggs := len(b.ranked)
	b.rank(disaggMode, gpus)
	b.ranked = b.ranked[:aggs+len(onlyFinite(b.ranked[aggs:]))]
	fastest := math.Inf(-1)
	for m := range b.modes {
		b.modes[m].reset()
	}
	b.chosen = b.chosen[:0]
	b.order.Reset(len(b.ranked))
	for i := range b.ranked {
		b.order.Add(b.ranked[i].cluster)
	}
	for _, i := range b.order.Falling(func(i, j int) int { return b.compare(i, j, gpus) }) {
		p := &b.ranked[i]
		mode := b.blocks[p.block].mode
		m := &b.modes[mode]
		c := bestPoint{
			p.cluster, p.perUser, p.block, p.row, gpus, mode,
			p.perUser > m.fastest, p.perUser > fastest, m.latencies.add(p.ttft, p.tpot),
		}
		m.fastest, fastest = max(m.fastest, p.perUser), max(fastest, p.perUser)
		if c.onFrontier || c.onSLAFrontier {
			b.chosen = append(b.chosen, c)
		}
	}
	b.addChosen()
}

// rank appends what the blocks of a serving mode have for a GPU budget.
func (b *BestPoints) rank(mode uint8, gpus int32) {
	for i, d := range b.blocks {
		if d.mode == mode {
			b.ranked = d.appendRanked(b.ranked, int32(i), gpus)
		}
	}
}

// addChosen adds the chosen points of a GPU budget to the best: by mode, slow users
// first, and of equally fast ones the lower ranks first.
func (b *BestPoints) addChosen() {
	b.order.Reset(len(b.chosen))
	for i := range b.chosen {
		b.order.Add(-b.chosen[i].perUser)
	}
	order := b.order.Falling(func(i, j int) int { return cmp.Or(cmp.Compare(b.chosen[i].perUser, b.chosen[j].perUser), j-i) })
	for mode := range b.modes {
		for _, i := range order {
			if c := &b.chosen[i]; int(c.mode) == mode {
				b.best = append(b.best, *c)
			}
		}
	}
}

// compare orders two of the ranked points, the better one first.
func (b *BestPoints) compare(i, j int, gpus int32) int {
	x, y := &b.ranked[i], &b.ranked[j]
	if c := cmp.Compare(y.cluster, x.cluster); c != 0 {
		return c
	}
	if c := cmp.Compare(y.perUser, x.perUser); c != 0 {
		return c
	}
	d, e := b.blocks[x.block].tieBreak(int(x.row), gpus), b.blocks[y.block].tieBreak(int(y.row), gpus)
	return d.compare(&e)
}

type modeFront struct {
	fastest   float64
	latencies staircase
}

func (m *modeFront) reset() {
	m.fastest = math.Inf(-1)
	m.latencies = m.latencies[:0]
}

// staircase holds pairs of latencies of which none is as good as another in both:
// TTFT rises, TPOT falls.
type staircase []struct{ ttft, tpot float64 }

// add reports whether no pair is as good in both, and then takes the new one.
func (s *staircase) add(ttft, tpot float64) bool {
	// The first that is slower to the first token; the one before has the least TPOT
	// of all that are not.
	at, above := 0, len(*s)
	for at < above {
		if mid := int(uint(at+above) / 2); (*s)[mid].ttft <= ttft {
			at = mid + 1
		} else {
			above = mid
		}
	}
	if at > 0 && (*s)[at-1].tpot <= tpot {
		return false
	}
	end := at
	for end < len(*s) && (*s)[end].tpot >= tpot {
		end++
	}
	if at > 0 && (*s)[at-1].ttft == ttft {
		at-- // same TTFT, more TPOT
	}
	*s = slices.Replace(*s, at, end, struct{ ttft, tpot float64 }{ttft, tpot})
	return true
}
