package search

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"servegrid/estimator"
)

// MostPicked is how many ranked rows a result holds at most; reports show fewer.
const MostPicked = 5

// rank fills the frontier and the ranking from the rows.
func (res *Result) rank(t *Task) {
	res.Frontier = frontier(res.Rows, t.Limits.RequestLatency > 0)
	res.Picked = pick(res.Rows, t.Limits)
}

// within reports whether a row meets the limit that picking applies. TTFT was
// applied when the rows were made.
func (r *Row) within(l Limits) bool {
	if l.RequestLatency > 0 {
		return r.RequestLatency <= l.RequestLatency
	}
	return r.TPOT <= l.TPOT
}

// pick returns the best row of each layout within the limits, best first.
func pick(rows []Row, l Limits) []Row {
	best := map[string]int{}
	for i := range rows {
		if !rows[i].within(l) {
			continue
		}
		g := rows[i].Group()
		if j, ok := best[g]; !ok || rows[i].TokensPerSPerGPUCluster > rows[j].TokensPerSPerGPUCluster {
			best[g] = i
		}
	}
	groups := make([]string, 0, len(best))
	for g := range best {
		groups = append(groups, g)
	}
	slices.Sort(groups)
	picked := make([]Row, len(groups))
	for i, g := range groups {
		picked[i] = rows[best[g]]
	}
	slices.SortStableFunc(picked, func(a, b Row) int {
		second := cmp.Compare(b.TokensPerSPerUser, a.TokensPerSPerUser)
		if l.RequestLatency > 0 {
			second = cmp.Compare(a.RequestLatency, b.RequestLatency)
		}
		return cmp.Or(cmp.Compare(b.TokensPerSPerGPUCluster, a.TokensPerSPerGPUCluster), second)
	})
	return picked
}

// frontier returns the rows that no other row beats in tokens/s/user (request
// latency, when that is the limit) and tokens/s/GPU of the cluster, rising along
// the first.
func frontier(rows []Row, byLatency bool) []Row {
	x := func(r *Row) float64 { return r.TokensPerSPerUser }
	if byLatency {
		x = func(r *Row) float64 { return r.RequestLatency }
	}
	sorted := slices.Clone(rows)
	slices.SortStableFunc(sorted, func(a, b Row) int { return cmp.Compare(x(&a), x(&b)) })
	better := func(a, b *Row) bool { // a dominates b
		ax, bx := x(a), x(b)
		if byLatency {
			ax, bx = -ax, -bx
		}
		ay, by := a.TokensPerSPerGPUCluster, b.TokensPerSPerGPUCluster
		return ax >= bx && ay >= by && (ax > bx || ay > by)
	}
	var front []Row
	for i := range sorted {
		dominated := slices.ContainsFunc(sorted, func(r Row) bool { return better(&r, &sorted[i]) })
		repeated := slices.ContainsFunc(front, func(r Row) bool {
			return x(&r) == x(&sorted[i]) && r.TokensPerSPerGPUCluster == sorted[i].TokensPerSPerGPUCluster
		})
		if !dominated && !repeated {
			front = append(front, sorted[i])
		}
	}
	return front
}

func sortedUnique(v []float64) []float64 {
	slices.Sort(v)
	return slices.Compact(v)
}

// reasons collects why layouts gave nothing.
type reasons []error

func (rs *reasons) add(l estimator.Layout, err error) {
	*rs = append(*rs, fmt.Errorf("%s: %w", l, err))
}

// none words the error of a search that found nothing.
func (rs reasons) none(what string) error {
	if len(rs) == 0 {
		return fmt.Errorf("no %s worker layout fits into the GPU budget", what)
	}
	text := make([]string, len(rs))
	for i, err := range rs {
		text[i] = err.Error()
	}
	err := fmt.Errorf("no %s configuration: %s", what, strings.Join(text, "; "))
	for _, r := range rs {
		if errors.Is(r, ErrLimits) {
			return fmt.Errorf("%w (%w)", err, ErrLimits)
		}
	}
	return err
}
