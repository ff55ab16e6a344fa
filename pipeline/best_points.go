package pipeline

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"servegrid/estimator"
	"servegrid/estimator/search"
	"servegrid/internal/schema"
)

// BestPoints picks the rows of the table best_points out of the agg_points and
// disagg_points of one shard. Those of a workload come together; each GPU budget of
// it is one comparison.
type BestPoints struct {
	budgets []int
	rows    block
	now     workloadKey
	begun   bool         // there is a workload at hand
	all     []deployment // of the workload at hand
	order   []placed
	modes   [2]modeFront
	front   search.Front // of the block at hand
	finite  []int        // rows of the block behind the front's entries
	leading []int        // rows of the block
}

type workloadKey struct{ isl, osl, prefix int32 }

// workloadOf is the workload of a block that has one.
func workloadOf(rows *schema.Rows) workloadKey {
	return workloadKey{rows.Col("isl").IntAt(0), rows.Col("osl").IntAt(0), rows.Col("prefix").IntAt(0)}
}

// placed is a deployment's place in the ranking; the two figures lie beside each
// other because nearly every comparison ends with them.
type placed struct {
	cluster, perUser float64
	at               int32
}

// NewBestPoints returns a picker for a sweep of these GPU budgets.
func NewBestPoints(budgets []int) *BestPoints {
	return &BestPoints{budgets: budgets, rows: block{schema.NewRows(schema.BestPoints)}}
}

// Add takes a block; one of another workload than before finishes that one. What
// is finished goes to write, which may not keep it.
func (b *BestPoints) Add(rows *schema.Rows, write func(*schema.Rows) error) error {
	if rows.Table != schema.AggPoints && rows.Table != schema.DisaggPoints || rows.N == 0 {
		return nil
	}
	at := workloadOf(rows)
	if !b.begun || at != b.now {
		if err := b.Finish(write); err != nil {
			return err
		}
		b.now, b.begun = at, true
		for i, c := range schema.BestPoints.Columns {
			if j := rows.Table.Index(c.Name); j >= 0 && len(rows.Cols[j].Dict) > 0 || c.Name == "nextn" {
				b.rows.Cols[i] = *rows.Col(c.Name) // what identifies the shard is constant in it
			}
		}
		b.rows.workload(estimator.Workload{ISL: int(at.isl), OSL: int(at.osl), Prefix: int(at.prefix)})
	}
	if rows.Table == schema.AggPoints {
		b.addAgg(rows)
	} else {
		b.addDisagg(rows)
	}
	return nil
}

// lead finds the rows of a block that can be on a front. Most have one before them
// that is as good in both latencies, when throughput ranks the rows in every
// budget: it does where they have one replica size, or one budget.
func (b *BestPoints) lead(rows *schema.Rows, one, throughput, ttft, tpot, perUser *schema.Col, possible func(i int) bool) []int {
	b.front.Reset()
	b.finite, b.leading = b.finite[:0], b.leading[:0]
	for i := range rows.N {
		if !possible(i) {
			continue
		}
		t, p, v, u := ttft.FloatAt(i), tpot.FloatAt(i), throughput.FloatAt(i), perUser.FloatAt(i)
		if !finite(t, p, v, u) {
			continue
		}
		b.front.Append(t, p, v, u)
		b.finite = append(b.finite, i)
	}
	if len(one.Int) > 1 {
		return b.finite
	}
	for _, k := range b.front.Leading() {
		b.leading = append(b.leading, b.finite[k])
	}
	slices.Sort(b.leading)
	return b.leading
}

// Finish writes what was picked for the last workload.
func (b *BestPoints) Finish(write func(*schema.Rows) error) error {
	defer b.Reset()
	slices.SortStableFunc(b.all, func(x, y deployment) int { return cmp.Compare(x.gpus, y.gpus) })
	var best []*deployment
	for lo := 0; lo < len(b.all); {
		hi := lo
		for hi < len(b.all) && b.all[hi].gpus == b.all[lo].gpus {
			hi++
		}
		best = append(best, b.pick(b.all[lo:hi])...)
		lo = hi
	}
	if len(best) == 0 {
		return nil
	}
	fillBestPoints(b.rows, best)
	return write(b.rows.Rows)
}

// Reset forgets what was not finished.
func (b *BestPoints) Reset() { b.all, b.begun = b.all[:0], false }

// pick marks the fronts of one workload and GPU budget, and returns who is on one:
// aggregated deployments first, fast users last.
//
// In the order of the ranking (throughput, users' speed, then ties) a deployment is on
// a frontier when it serves users faster than every one before it, and on the frontier
// for latency limits when none before it is as good in both latencies: then it is the
// answer when its own latencies are the limits.
func (b *BestPoints) pick(ds []deployment) []*deployment {
	b.order = b.order[:0]
	for i := range ds {
		b.order = append(b.order, placed{ds[i].cluster, ds[i].perUser, int32(i)})
	}
	slices.SortFunc(b.order, func(x, y placed) int {
		if c := cmp.Compare(y.cluster, x.cluster); c != 0 {
			return c
		}
		if c := cmp.Compare(y.perUser, x.perUser); c != 0 {
			return c
		}
		return ds[x.at].compareTies(&ds[y.at])
	})
	fastest := math.Inf(-1)
	for m := range b.modes {
		b.modes[m].reset()
	}
	var best []*deployment
	for _, p := range b.order {
		d := &ds[p.at]
		m := &b.modes[d.mode]
		d.onFrontier, d.overall = d.perUser > m.fastest, d.perUser > fastest
		d.onSLAFrontier = m.latencies.add(d.ttft, d.tpot)
		m.fastest, fastest = max(m.fastest, d.perUser), max(fastest, d.perUser)
		if d.onFrontier || d.onSLAFrontier {
			best = append(best, d)
		}
	}
	slices.Reverse(best)
	slices.SortStableFunc(best, func(x, y *deployment) int {
		return cmp.Or(cmp.Compare(x.mode, y.mode), cmp.Compare(x.perUser, y.perUser))
	})
	return best
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
	at, _ := slices.BinarySearchFunc(*s, ttft, func(e struct{ ttft, tpot float64 }, t float64) int {
		if e.ttft <= t {
			return -1
		}
		return 1
	})
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

// parallelText is the column parallel of the views, by which ties are broken.
func parallelText(l [5]int32) string {
	s := fmt.Sprintf("tp%dpp%d", l[0], l[1])
	if l[2] > 1 || l[3] > 1 || l[4] > 1 {
		s += fmt.Sprintf("dp%detp%dep%d", l[2], l[3], l[4])
	}
	return s
}
