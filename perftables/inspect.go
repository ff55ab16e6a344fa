package perftables

import (
	"encoding/hex"
	"fmt"
	"io/fs"
	"math"
	"path"
	"slices"
	"strings"
)

// TableInfo is what a table's header says.
type TableInfo struct {
	Layer                    string
	Generation               Generation
	System, Backend, Version string
	Kind                     Kind
	Source                   string
	Read, Kept, Dropped      int
	Digest                   string // SHA-256 of the kind and the rows, hexadecimal

	layer *Layer
}

// Name is the table's place: system/backend/version/kind.
func (t *TableInfo) Name() string {
	return path.Join(t.System, t.Backend, t.Version, string(t.Kind))
}

// Tables lists the tables of all layers, layer by layer, by name.
func (s *Set) Tables() ([]TableInfo, error) {
	var out []TableInfo
	for i := range s.layers {
		l := &s.layers[i]
		err := fs.WalkDir(l.Files, ".", func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || path.Ext(name) != ".tbl" {
				return err
			}
			t, p, err := l.open(name)
			if err != nil {
				return err
			}
			t.Read, t.Kept, t.Dropped, t.Source, t.Digest = p.read, p.kept, p.dropped, p.source, hex.EncodeToString(p.digest[:])
			out = append(out, t)
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// open reads the header of a table.
func (l *Layer) open(name string) (TableInfo, *packed, error) {
	parts := strings.Split(strings.TrimSuffix(name, ".tbl"), "/")
	if len(parts) != 4 {
		return TableInfo{}, nil, fmt.Errorf("%s: want <system>/<backend>/<version>/<kind>.tbl", name)
	}
	t := TableInfo{Layer: l.Name, Generation: l.Generation, System: parts[0], Backend: parts[1], Version: parts[2], Kind: Kind(parts[3]), layer: l}
	b, err := fs.ReadFile(l.Files, name)
	if err != nil {
		return t, nil, err
	}
	p, err := openPacked(b)
	if err == nil && p.kind != t.Kind {
		err = fmt.Errorf("%w: it holds %s", errDamaged, p.kind)
	}
	if err != nil {
		return t, nil, fmt.Errorf("%s in %s: %w", name, l.Name, err)
	}
	return t, p, nil
}

// Load decodes a table and verifies its digest.
func (t *TableInfo) Load() (*Table, error) {
	_, p, err := t.layer.open(t.Name() + ".tbl")
	if err != nil {
		return nil, err
	}
	tab, err := p.unpack()
	if err != nil {
		return nil, fmt.Errorf("%s in %s: %w", t.Name(), t.Layer, err)
	}
	return tab, nil
}

// SliceStats describes a slice: what is measured and where its grid has holes.
type SliceStats struct {
	Key       []string
	Rows      int
	Axes      [][]int // the values of each coordinate, rising
	Cells     int     // of the rectangle over the axes
	Low, High float64 // latencies in the table's unit
}

// Holes is the number of cells of the rectangle without a measurement.
func (s *SliceStats) Holes() int { return s.Cells - s.Rows }

// Stats describes the slices of a table.
func (t *Table) Stats() []SliceStats {
	var out []SliceStats
	for _, s := range t.Slices {
		st := SliceStats{Key: s.Key, Rows: len(s.Rows), Cells: 1, Low: math.Inf(1), High: math.Inf(-1)}
		for d := range Shapes[t.Kind].Coords {
			var axis []int
			for _, r := range s.Rows {
				axis = append(axis, r.Coords[d])
			}
			slices.Sort(axis)
			st.Axes = append(st.Axes, slices.Compact(axis))
			st.Cells *= len(st.Axes[d])
		}
		for _, r := range s.Rows {
			st.Low, st.High = min(st.Low, r.Latency), max(st.High, r.Latency)
		}
		out = append(out, st)
	}
	return out
}

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
// interpolation for it. Slices with fewer than three rows have no answer.
func (t *TableInfo) LeaveOneOut(tab *Table, step int, visit func(LeaveOneOut)) {
	sys, ok := t.layer.system(t.System)
	if !ok {
		return
	}
	for _, s := range tab.Slices {
		if sol := sys.boundOf(t.Kind, s.Key); sol != nil {
			leaveOutCells(newRawGrid(s.Rows, sol), s, step, visit)
			continue
		}
		leaveOutKnots(s, len(Shapes[t.Kind].Coords)-1, step, visit)
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
	case KindGenerationAttention, KindGenerationMLA, KindWideEPGenerationMLA:
		v, _ := g.plane(x).at(y, z, bilinear)
		return v
	}
	return g.at(x, y, z)
}

func leaveOutCells(g *rawGrid, s Slice, step int, visit func(LeaveOneOut)) {
	for i := 0; i < len(s.Rows) && len(s.Rows) > 2; i += step {
		at := g.find(s.Rows[i])
		cell := g.index(at)
		was := g.ratio[cell]
		g.ratio[cell] = math.NaN()
		outside := true
		for d := range at {
			outside = outside && (g.neighbour(at, d, -1) < 0 || g.neighbour(at, d, +1) < 0)
		}
		visit(LeaveOneOut{s.Key, s.Rows[i], g.estimate(at) * g.base(at), outside})
		g.ratio[cell] = was
	}
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
