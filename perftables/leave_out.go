package perftables

import (
	"math"
	"slices"
)

// LeaveOneOut is the error of a measurement as the others give it.
type LeaveOneOut struct {
	Slice  []string
	Row    Row
	Answer float64 // as interpolated without the row, in the row's unit

	// Outside: no measurement lies on both sides of the row on any axis, so that
	// the answer goes beyond what was measured.
	Outside bool
}

// Error is the relative error.
func (l *LeaveOneOut) Error() float64 { return l.Answer/l.Row.Latency - 1 }

// LeaveOneOut leaves out every step-th measurement and asks the raw
// interpolation for it. Nothing in the answer depends on the row that is left
// out. Slices with fewer than three rows have no answer.
func (t *TableInfo) LeaveOneOut(tab *Table, step int, visit func(LeaveOneOut)) {
	t.leaveOut(tab, step, func(*rawGrid, [3]int) bool { return true }, visit)
}

// leaveOut is [TableInfo.LeaveOneOut]; of gridded kinds it leaves out only cells
// that are of interest.
func (t *TableInfo) leaveOut(tab *Table, step int, interest func(g *rawGrid, at [3]int) bool, visit func(LeaveOneOut)) {
	sys, ok := t.layer.system(t.System)
	if !ok {
		return
	}
	for _, s := range tab.Slices {
		if sol := sys.boundOf(t.Kind, s.Key); sol != nil {
			leaveOutCells(s, sol, step, interest, visit)
			continue
		}
		leaveOutKnots(s, len(Shapes[t.Kind].Coords)-1, step, visit)
	}
}

func leaveOutCells(s Slice, sol bound, step int, interest func(g *rawGrid, at [3]int) bool, visit func(LeaveOneOut)) {
	whole := newRawGrid(s.Rows, sol)
	for i := 0; i < len(s.Rows) && len(s.Rows) > 2; i += step {
		r, g := s.Rows[i], whole
		if !interest(g, g.find(r)) {
			continue
		}
		if r.Latency == g.floor {
			g = newRawGrid(s.Rows, sol)
			g.floor = floorOf(slices.Delete(slices.Clone(s.Rows), i, i+1))
			g.rebase()
		}
		at := g.find(r)
		cell := g.index(at)
		g.set(cell, math.NaN())
		visit(LeaveOneOut{s.Key, r, g.estimate(at), !g.inside(at)})
		g.set(cell, r.Latency)
	}
}

// LeaveValueOut leaves out, one at a time, every value of every axis with all of
// its measurements, and asks for every step-th of them. Unlike [LeaveOneOut] that
// is a question between the knots of the grid, as estimates ask it. Only gridded
// kinds have an answer.
func (t *TableInfo) LeaveValueOut(tab *Table, step int, visit func(LeaveOneOut)) {
	sys, ok := t.layer.system(t.System)
	if !ok || !gridded[t.Kind] {
		return
	}
	for _, s := range tab.Slices {
		sol := sys.boundOf(t.Kind, s.Key)
		whole := newRawGrid(s.Rows, sol)
		for d, axis := range whole.axes {
			for i := 1; i+1 < len(axis); i++ {
				at := func(r Row) bool { return float64(r.Coords[d]) == axis[i] }
				g := newRawGrid(slices.DeleteFunc(slices.Clone(s.Rows), at), sol)
				n := 0
				for _, r := range s.Rows {
					if !at(r) {
						continue
					}
					if n++; n%step == 0 {
						visit(LeaveOneOut{s.Key, r, g.answer(t.Kind, r), false})
					}
				}
			}
		}
	}
}

// answer is what a kernel of the kind says at a row's place.
func (g *rawGrid) answer(kind Kind, r Row) float64 {
	x, y, z := float64(r.Coords[0]), float64(r.Coords[1]), float64(r.Coords[2])
	switch kind {
	case KindContextAttention, KindContextMLA, KindWideEPContextMLA:
		batches := g.axes[2]
		i, _ := locate(batches, max(z, batches[0]))
		near := batches[i:min(i+2, len(batches))]
		return g.surface(x, near, func(heads, b, fresh, _ float64) float64 { return g.sol(heads, fresh, b) }).at(z, y, 0)
	}
	return g.at(x, y, z)
}

// leaveOutKnots does it for kinds that are lines over their last coordinate.
func leaveOutKnots(s Slice, last, step int, visit func(LeaveOneOut)) {
	for i := 0; i < len(s.Rows); i += step {
		r := s.Rows[i]
		same := func(j int) bool {
			return j >= 0 && j < len(s.Rows) && slices.Equal(s.Rows[j].Coords[:last], r.Coords[:last])
		}
		low, high := i-1, i+1
		outside := !same(low) || !same(high)
		switch {
		case !outside:
		case same(i-1) && same(i-2):
			low, high = i-2, i-1
		case same(i+1) && same(i+2):
			low, high = i+1, i+2
		default:
			continue
		}
		a, b := s.Rows[low], s.Rows[high]
		answer := lerp(float64(a.Coords[last]), float64(b.Coords[last]), a.Latency, b.Latency, float64(r.Coords[last]))
		visit(LeaveOneOut{s.Key, r, answer, outside})
	}
}
