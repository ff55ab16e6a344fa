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
