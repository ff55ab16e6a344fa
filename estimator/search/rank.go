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

// Rank fills the frontier and the ranking from the rows.
func (res *Result) Rank(t *Task) {
	res.Frontier = frontier(res.Rows, t.Limits.RequestLatency > 0)
	res.Picked = pick(res.Rows, t.Limits)
}

// Merge joins the answers of several databases to the same question: all rows
// compete, and each database keeps its ranked layouts.
func Merge(results []*Result, l Limits) *Result {
	out := &Result{Mode: results[0].Mode}
	var errs []error
	for _, r := range results {
		out.Rows = append(out.Rows, r.Rows...)
		out.Picked = append(out.Picked, r.Picked...)
		out.Scored += r.Scored
		out.Dropped = append(out.Dropped, r.Dropped...)
		errs = append(errs, r.Err)
	}
	if len(out.Rows) == 0 {
		out.Err = errors.Join(errs...)
		return out
	}
	slices.SortStableFunc(out.Rows, func(a, b Row) int { return cmp.Compare(b.TokensPerSPerGPUCluster, a.TokensPerSPerGPUCluster) })
	out.Frontier = frontier(out.Rows, l.RequestLatency > 0)
	slices.SortStableFunc(out.Picked, ranking(l))
	return out
}

// ranking orders picked rows, best first.
func ranking(l Limits) func(a, b Row) int {
	return func(a, b Row) int {
		second := cmp.Compare(b.TokensPerSPerUser, a.TokensPerSPerUser)
		if l.RequestLatency > 0 {
			second = cmp.Compare(a.RequestLatency, b.RequestLatency)
		}
		return cmp.Or(cmp.Compare(b.TokensPerSPerGPUCluster, a.TokensPerSPerGPUCluster), second)
	}
}

// Within reports whether a row meets the limit that picking applies. TTFT was
// applied when the rows were made.
func (r *Row) Within(l Limits) bool {
	if l.RequestLatency > 0 {
		return r.RequestLatency <= l.RequestLatency
	}
	return r.TPOT <= l.TPOT
}

// pick returns the best row of each layout within the limits, best first.
func pick(rows []Row, l Limits) []Row {
	best := map[string]int{}
	for i := range rows {
		if !rows[i].Within(l) {
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
	slices.SortStableFunc(picked, ranking(l))
	return picked
}

// frontier returns the rows that no other row beats in tokens/s/user (request
// latency, when that is the limit) and tokens/s/GPU of the cluster, rising along
// the first. Of rows equal in both the first one stays.
func frontier(rows []Row, byLatency bool) []Row {
	x := func(r *Row) float64 { return r.TokensPerSPerUser }
	if byLatency {
		x = func(r *Row) float64 { return -r.RequestLatency } // larger is better, as for the other
	}
	order := make([]*Row, len(rows))
	for i := range rows {
		order[i] = &rows[i]
	}
	slices.SortStableFunc(order, func(a, b *Row) int {
		return cmp.Or(cmp.Compare(x(b), x(a)), cmp.Compare(b.TokensPerSPerGPUCluster, a.TokensPerSPerGPUCluster))
	})
	var front []Row
	for _, r := range order {
		// Whatever beats r is at least as good in x and so came before it.
		if n := len(front); n == 0 || r.TokensPerSPerGPUCluster > front[n-1].TokensPerSPerGPUCluster {
			front = append(front, *r)
		}
	}
	if !byLatency {
		slices.Reverse(front)
	}
	return front
}

func sortedUnique(v []float64) []float64 {
	slices.Sort(v)
	return slices.Compact(v)
}

// LayoutError says why a layout gave nothing.
type LayoutError struct {
	Layout estimator.Layout
	Err    error
}

func (e *LayoutError) Error() string { return fmt.Sprintf("%s: %v", e.Layout, e.Err) }
func (e *LayoutError) Unwrap() error { return e.Err }

// reasons collects why layouts gave nothing.
type reasons []error

func (rs *reasons) add(l estimator.Layout, err error) { *rs = append(*rs, &LayoutError{l, err}) }

// Error words the reasons, layouts with the same one together.
func (rs reasons) Error() string {
	var texts []string
	layouts := map[string][]string{}
	for _, err := range rs {
		var name string
		if one := (*LayoutError)(nil); errors.As(err, &one) {
			name, err = one.Layout.String(), one.Err
		}
		text := err.Error()
		if layouts[text] == nil {
			texts = append(texts, text)
		}
		layouts[text] = append(layouts[text], name)
	}
	for i, text := range texts {
		if names := strings.Join(layouts[text], ", "); names != "" {
			texts[i] = names + ": " + text
		}
	}
	return strings.Join(texts, "; ")
}

func (rs reasons) Unwrap() []error { return rs }

// NoneError is the error of a search in a mode in which every layout was dropped;
// dropped says why, with a [*LayoutError] for each.
func NoneError(mode string, dropped []error) error {
	return reasons(dropped).none(map[string]string{Agg: "aggregated", Disagg: "disaggregated"}[mode])
}

// none is the error of a search that found nothing.
func (rs reasons) none(what string) error {
	if len(rs) == 0 {
		return fmt.Errorf("no %s worker layout fits into the GPU budget", what)
	}
	return fmt.Errorf("no %s configuration: %w", what, rs)
}
