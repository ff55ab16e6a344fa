package perftables

import (
	"encoding/csv"
	"io/fs"
	"math"
	"math/big"
	"os"
	"path"
	"strconv"
	"strings"
	"testing"
)

// readCSV returns the records of a small test table, without its header.
func readCSV(t *testing.T, name string) [][]string {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	recs, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return recs[1:]
}

// embeddedTable opens one embedded table and decodes all of it, which verifies
// its digest.
func embeddedTable(t *testing.T, name string) (*packed, *Table) {
	t.Helper()
	b, err := fs.ReadFile(Embedded().layers[0].Files, name)
	if err != nil {
		t.Fatal(err)
	}
	p, err := openPacked(b)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	tab, err := p.unpack()
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return p, tab
}

// exactSum is the correctly rounded sum.
func exactSum(sum *big.Float, v float64) { sum.Add(sum, new(big.Float).SetFloat64(v)) }

func newSum() *big.Float { return new(big.Float).SetPrec(400) }

// Every table holds as many rows as the original file, dropped as many repeated
// keys, and extends to as many cells.
func TestEmbeddedCounts(t *testing.T) {
	tables, rows := 0, 0
	for _, rec := range readCSV(t, "testdata/counts.csv") {
		system, folder, kind := rec[0], rec[1], Kind(rec[2])
		name := path.Join(system, folder, string(kind)+".tbl")
		p, tab := embeddedTable(t, name)
		want := func(what, text string, got int) {
			if text == "" {
				return
			}
			if n, err := strconv.Atoi(text); err != nil || n != got {
				t.Errorf("%s: %s: got %d, want %s", name, what, got, text)
			}
		}
		want("rows", rec[3], p.read)
		want("kept rows", rec[4], tab.Kept())
		want("dropped rows", rec[5], p.dropped)
		if rec[6] != "" {
			sys, _ := LookupSystem(system)
			cells := 0
			for _, s := range tab.Slices {
				for _, v := range buildGrid(sys, kind, s.Key, s.Rows).v {
					if !math.IsNaN(v) {
						cells++
					}
				}
			}
			want("grid cells", rec[6], cells)
		}
		tables, rows = tables+1, rows+tab.Kept()
	}
	if tables != 144 || rows != 1683651 {
		t.Errorf("got %d tables with %d rows, want 144 with 1683651", tables, rows)
	}
}

// The sums of the kept rows and of the final grids equal the peer's to the last
// bit.
func TestEmbeddedChecksums(t *testing.T) {
	for _, rec := range readCSV(t, "testdata/checksums.csv") {
		parts := strings.Split(rec[0], "/")
		sys, _ := LookupSystem(parts[0])
		kind := Kind(rec[1])
		name := path.Join(rec[0], rec[1]+".tbl")
		if kind == KindNCCL {
			name = path.Join(parts[0], "nccl", sys.NCCLVersion, "nccl.tbl")
		}
		_, tab := embeddedTable(t, name)
		kept, grids := newSum(), newSum()
		for _, s := range tab.Slices {
			for _, r := range s.Rows {
				exactSum(kept, r.Latency)
			}
			if rec[3] == "" {
				continue
			}
			for _, v := range buildGrid(sys, kind, s.Key, s.Rows).v {
				if !math.IsNaN(v) {
					exactSum(grids, v)
				}
			}
		}
		check := func(what, text string, sum *big.Float) {
			if text == "" {
				return
			}
			want, err := strconv.ParseFloat(text, 64)
			if err != nil {
				t.Fatal(err)
			}
			if got, _ := sum.Float64(); got != want {
				t.Errorf("%s: sum of %s: got %v, want %v", name, what, got, want)
			}
		}
		check("rows", rec[2], kept)
		check("grid", rec[3], grids)
	}
}
