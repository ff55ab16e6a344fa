package perftables

import (
	"cmp"
	"math"
	"slices"
)

// A missing cell is estimated by many simple rules, each of which makes some
// kernel's shape exact. Every rule is judged by how well it gives the measured
// neighbours of the cell back, and the middle of all estimates counts, weighted by
// that. Which rule is right differs from place to place: latencies are flat where
// launching dominates, follow the work where memory or arithmetic does, and have
// steps where kernels change; a mean of rules would blur the steps.
//
// Tried and dropped, by the errors of left-out measurements of AIConfigurator
// 0.12.0: the mean instead of the middle; judging by the six nearest neighbours
// alone or by distance; cubic polynomials; other formats of the same kernel.

// step is a way through the grid: on each axis one measured cell down (-1) or up
// (+1), or none.
type step [3]int

// rule is one estimate of a cell.
type rule struct {
	// Between the measured cells on both sides on an axis the latency, or its ratio
	// to the base, is a straight line: over the coordinate, or its logarithm.
	between, ratio bool
	axis           int

	// Else: the latency is that of the cell a step away, changed as it changes there
	// by taking another step aside.
	to, aside step
}

// insideRules estimate cells that have measurements on both sides on some axis.
var insideRules = makeInsideRules()

func makeInsideRules() []rule {
	var rules []rule
	for d := range 3 {
		rules = append(rules, rule{between: true, axis: d}, rule{between: true, axis: d, ratio: true})
		e, f := (d+1)%3, (d+2)%3 // the other axes
		for _, s := range [2]int{-1, +1} {
			var along, product step
			along[d] = s
			product[e], product[f] = s, -s // leaves e times f, and with it about the work, as it is
			rules = append(rules, rule{to: along}, rule{to: product})
			for _, t := range [2]int{-1, +1} {
				var next, across step
				next[e], across[d] = t, t
				rules = append(rules, rule{to: along, aside: next}, rule{to: product, aside: across})
			}
		}
	}
	return rules
}

// next returns the measured cell a step away: on every axis that the step moves
// on, the next measured place. It reports false where there is none.
func (g *rawGrid) next(at [3]int, s step) ([3]int, bool) {
	to := at
	for d, by := range s {
		if by == 0 {
			continue
		}
		if to[d] = g.neighbour(at, d, by); to[d] < 0 {
			return to, false
		}
	}
	return to, true
}

// apply returns the logarithm of the latency that a rule says for a cell, whatever
// the cell itself holds; NaN where it says nothing.
func (g *rawGrid) apply(r *rule, at [3]int) float64 {
	if r.between {
		return math.Log(g.interpolate(at, r.axis, r.ratio))
	}
	to, ok := g.next(at, r.to)
	if !ok {
		return math.NaN()
	}
	if r.aside == (step{}) {
		return g.log[g.index(to)]
	}
	side, ok := g.next(at, r.aside)
	if !ok {
		return math.NaN()
	}
	both := side
	for d, by := range r.to {
		if by != 0 {
			both[d] = to[d]
		}
	}
	return g.log[g.index(to)] + g.log[g.index(side)] - g.log[g.index(both)]
}

// interpolate returns the latency of a cell between its sides on axis d; NaN where
// it has not both, or one is not above 0.
func (g *rawGrid) interpolate(at [3]int, d int, ratio bool) float64 {
	low, high, ok := g.sides(at, d)
	if !ok {
		return math.NaN()
	}
	a, b := g.index(moved(at, d, low)), g.index(moved(at, d, high))
	if math.IsNaN(g.log[a]) || math.IsNaN(g.log[b]) {
		return math.NaN()
	}
	x, x0, x1 := g.axes[d][at[d]], g.axes[d][low], g.axes[d][high]
	if !ratio {
		w := (x - x0) / (x1 - x0)
		return float64(g.lat[a]*(1-w)) + float64(g.lat[b]*w)
	}
	w := (position(x) - position(x0)) / (position(x1) - position(x0))
	return (float64(g.lat[a]/g.bases[a]*(1-w)) + float64(g.lat[b]/g.bases[b]*w)) * g.bases[g.index(at)]
}

// Weights of estimates. Source: errors of left-out measurements of AIConfigurator
// 0.12.0's tables, see docs/accuracy_tables.md. They change little with either.
const (
	trustNoise   = 0.003 // error that repeated measurements have anyway
	trustUnknown = 0.2   // error of a rule that no neighbour can judge
)

// estimate returns the latency of a cell from the measured cells around it.
func (g *rawGrid) estimate(at [3]int) float64 {
	if !g.inside(at) {
		return g.held(at)
	}
	around := g.around(at)
	var all []judged
	for i := range insideRules {
		r := &insideRules[i]
		if v := g.apply(r, at); !math.IsNaN(v) {
			all = append(all, judged{v, g.trust(around, func(at [3]int) float64 { return g.apply(r, at) })})
		}
	}
	if len(all) == 0 {
		return g.held(at) // what is around it is not above 0
	}
	return g.bounded(at, math.Exp(middle(all)))
}

// inside reports whether a cell has measurements on both sides on some axis.
func (g *rawGrid) inside(at [3]int) bool {
	for d := range at {
		if _, _, ok := g.sides(at, d); ok {
			return true
		}
	}
	return false
}

// held returns the latency of a cell beyond the measurements: the ratio to the
// base is that of the nearest measured cell on an axis, of all cells where no axis
// has one.
func (g *rawGrid) held(at [3]int) float64 {
	around := g.around(at)
	var all []judged
	for d := range at {
		for _, by := range [2]int{-1, +1} {
			hold := func(at [3]int) float64 {
				i := g.neighbour(at, d, by)
				if i < 0 {
					return math.NaN()
				}
				from := g.index(moved(at, d, i))
				return g.log[from] + math.Log(g.bases[g.index(at)]/g.bases[from])
			}
			if v := hold(at); !math.IsNaN(v) {
				all = append(all, judged{v, g.trust(around, hold)})
			}
		}
	}
	if len(all) > 0 {
		return math.Exp(middle(all))
	}
	near := g.index(g.nearest(at))
	return g.lat[near] * g.bases[g.index(at)] / g.bases[near]
}

// around lists the measured cells next to a cell, on the axes and aside of them,
// up to 26.
func (g *rawGrid) around(at [3]int) [][3]int {
	var places [3][3]int
	for d := range at {
		places[d] = [3]int{g.neighbour(at, d, -1), at[d], g.neighbour(at, d, +1)}
	}
	var cells [][3]int
	for _, x := range places[0] {
		for _, y := range places[1] {
			for _, z := range places[2] {
				near := [3]int{x, y, z}
				if x >= 0 && y >= 0 && z >= 0 && near != at && !math.IsNaN(g.log[g.index(near)]) {
					cells = append(cells, near)
				}
			}
		}
	}
	return cells
}

// trust is the weight of a rule: one over the square of its typical error at the
// cells.
func (g *rawGrid) trust(cells [][3]int, say func(at [3]int) float64) float64 {
	sum, n := 0.0, 0.0
	for _, c := range cells {
		if v := say(c); !math.IsNaN(v) {
			sum, n = sum+math.Log(trustNoise+math.Abs(v-g.log[g.index(c)])), n+1
		}
	}
	if n == 0 {
		return 1 / (trustUnknown * trustUnknown)
	}
	return math.Exp(-2 * sum / n)
}

// judged is a value and how much it counts.
type judged struct{ value, weight float64 }

// middle is the weighted median.
func middle(all []judged) float64 {
	slices.SortFunc(all, func(a, b judged) int { return cmp.Compare(a.value, b.value) })
	var whole, sum float64
	for _, j := range all {
		whole += j.weight
	}
	for _, j := range all {
		if sum += j.weight; sum >= whole/2 {
			return j.value
		}
	}
	return all[len(all)-1].value
}

// bounded keeps the latency of a cell between those on both sides of it, on every
// axis on which they rise: more work takes no less time where the measurements say
// so. Where axes contradict each other it stays as it is.
func (g *rawGrid) bounded(at [3]int, latency float64) float64 {
	least, most := 0.0, math.Inf(1)
	for d := range at {
		if low, high, ok := g.sides(at, d); ok {
			a, b := g.lat[g.index(moved(at, d, low))], g.lat[g.index(moved(at, d, high))]
			if a > 0 && a <= b {
				least, most = max(least, a), min(most, b)
			}
		}
	}
	if least > most {
		return latency
	}
	return min(max(latency, least), most)
}

// nearest returns the measured cell that is nearest by the logarithms of the
// coordinates.
func (g *rawGrid) nearest(at [3]int) [3]int {
	best, found := math.Inf(1), [3]int{}
	for x := range g.axes[0] {
		for y := range g.axes[1] {
			for z := range g.axes[2] {
				c := [3]int{x, y, z}
				if math.IsNaN(g.log[g.index(c)]) {
					continue
				}
				dist := 0.0
				for d := range c {
					by := position(g.axes[d][c[d]]) - position(g.axes[d][at[d]])
					dist += float64(by * by)
				}
				if dist < best {
					best, found = dist, c
				}
			}
		}
	}
	return found
}
