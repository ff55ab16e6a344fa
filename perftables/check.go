package perftables

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
)

// Finding is something about a table that a person should look at.
type Finding struct {
	What  string // one of the constants below
	Rows  int    // how many rows have it
	Worst string // the worst of them
}

// What a table may have.
const (
	FindingNotPositive = "not above 0"          // latencies
	FindingTooFast     = "faster than possible" // below half the speed of light
	FindingFalls       = "falls"                // much less time for more work
	FindingOutlier     = "outlier"              // far from what the rows around it say
)

// Thresholds of findings. Measurements of shipped tables reach the bound within
// a few per cent, and repeat within 20 %; the thresholds leave room for both.
const (
	tooFast  = 0.5
	falls    = 2.0
	outlier  = 4.0
	judgeAll = 1 // every row is judged
)

// Check looks for suspicious latencies.
func (t *TableInfo) Check(tab *Table) []Finding {
	c := checker{found: map[string]*Finding{}, worst: map[string]float64{}}
	sys, known := t.layer.system(t.System)
	for _, s := range tab.Slices {
		c.slice = s.Key
		axes := len(Shapes[tab.Kind].Coords)
		first := 0
		if !gridded[tab.Kind] {
			first = axes - 1 // more GPUs or ranks may well take less time
		}
		for d := first; d < axes; d++ {
			c.falling(s, d)
		}
		for _, r := range s.Rows {
			if !(r.Latency > 0) {
				c.add(FindingNotPositive, 1-r.Latency, r, fmt.Sprintf("%.4g", r.Latency))
			}
		}
		if !known {
			continue
		}
		sol := sys.boundOf(tab.Kind, s.Key)
		if sol == nil {
			continue
		}
		for _, r := range s.Rows {
			if bound := sol(float64(r.Coords[0]), float64(r.Coords[1]), float64(r.Coords[2])); r.Latency < tooFast*bound {
				c.add(FindingTooFast, bound/r.Latency, r, fmt.Sprintf("%.4g ms, the speed of light is %.4g ms", r.Latency, bound))
			}
		}
	}
	t.leaveOut(tab, judgeAll, alone, func(l LeaveOneOut) {
		if ratio := l.Answer / l.Row.Latency; !l.Outside && (ratio > outlier || ratio < 1/outlier) {
			c.slice = l.Slice
			c.add(FindingOutlier, math.Abs(math.Log(ratio)), l.Row, fmt.Sprintf("%.4g, the rows around it say %.4g", l.Row.Latency, l.Answer))
		}
	})
	var out []Finding
	for _, what := range []string{FindingNotPositive, FindingTooFast, FindingFalls, FindingOutlier} {
		if f := c.found[what]; f != nil {
			out = append(out, *f)
		}
	}
	return out
}

// alone reports whether every measurement next to a cell on an axis is far from
// it. Only then it can be an outlier.
func alone(g *rawGrid, at [3]int) bool {
	here := g.lat[g.index(at)]
	for d := range at {
		for _, by := range [2]int{-1, +1} {
			if i := g.neighbour(at, d, by); i >= 0 {
				if r := g.lat[g.index(moved(at, d, i))] / here; r < outlier/2 && r > 2/outlier {
					return false
				}
			}
		}
	}
	return true
}

// checker collects findings with the worst example of each.
type checker struct {
	slice []string
	found map[string]*Finding
	worst map[string]float64
}

func (c *checker) add(what string, badness float64, r Row, text string) {
	f := c.found[what]
	if f == nil {
		f = &Finding{What: what}
		c.found[what] = f
	}
	f.Rows++
	if badness > c.worst[what] || f.Worst == "" {
		c.worst[what] = badness
		f.Worst = fmt.Sprintf("%s at %v: %s", strings.Join(c.slice, " "), r.Coords, text)
	}
}

// falling looks along axis d for rows that take much less time than the one
// before them.
func (c *checker) falling(s Slice, d int) {
	rows := slices.Clone(s.Rows)
	rest := func(r Row) [3]int { return moved(r.Coords, d, 0) }
	slices.SortFunc(rows, func(a, b Row) int {
		ra, rb := rest(a), rest(b)
		return cmp.Or(slices.Compare(ra[:], rb[:]), a.Coords[d]-b.Coords[d])
	})
	for i := 1; i < len(rows); i++ {
		before, r := rows[i-1], rows[i]
		if rest(before) == rest(r) && before.Latency > falls*r.Latency {
			c.add(FindingFalls, before.Latency/r.Latency, r, fmt.Sprintf("%.4g after %.4g at %v", r.Latency, before.Latency, before.Coords))
		}
	}
}

// Change is what differs between two tables of one kind.
type Change struct {
	Same, Added, Removed, Differ int     // rows
	Median, Most                 float64 // ratio of the new latency to the old one, of the rows that differ; Most is the farthest from 1
}

// Diff compares two tables row by row.
func Diff(before, after *Table) Change {
	rows := func(t *Table) map[string]float64 {
		m := map[string]float64{}
		for _, s := range t.Slices {
			key := strings.Join(s.Key, "\x00")
			for _, r := range s.Rows {
				m[fmt.Sprint(key, r.Coords)] = r.Latency
			}
		}
		return m
	}
	a, b := rows(before), rows(after)
	c := Change{Median: 1, Most: 1}
	var ratios []float64
	for k, old := range a {
		v, ok := b[k]
		switch {
		case !ok:
			c.Removed++
		case v == old:
			c.Same++
		default:
			c.Differ++
			ratios = append(ratios, v/old)
		}
	}
	for k := range b {
		if _, ok := a[k]; !ok {
			c.Added++
		}
	}
	slices.Sort(ratios)
	if n := len(ratios); n > 0 {
		c.Median, c.Most = ratios[n/2], ratios[0]
		if ratios[n-1]*ratios[0] > 1 {
			c.Most = ratios[n-1]
		}
	}
	return c
}
