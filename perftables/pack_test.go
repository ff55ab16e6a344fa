package perftables

import (
	"bytes"
	"io/fs"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/fstest"
)

func randomTable(r *rand.Rand) *Table {
	kinds := slices.Sorted(maps.Keys(Shapes))
	t := &Table{Kind: kinds[r.IntN(len(kinds))], Source: "test", Read: r.IntN(1000), Dropped: r.IntN(10)}
	shape := Shapes[t.Kind]
	for s := range 1 + r.IntN(4) {
		slice := Slice{}
		for range shape.Slice {
			slice.Key = append(slice.Key, string(rune('a'+s)))
		}
		seen := map[[3]int]bool{}
		for range 1 + r.IntN(700) {
			row := Row{Latency: math.Float64frombits(r.Uint64())}
			for d := range shape.Coords {
				row.Coords[d] = r.IntN(1 << r.IntN(40))
			}
			if !seen[row.Coords] && !math.IsNaN(row.Latency) {
				seen[row.Coords] = true
				slice.Rows = append(slice.Rows, row)
			}
		}
		if len(slice.Rows) > 0 {
			t.Slices = append(t.Slices, slice)
		}
	}
	return t
}

func TestPackRoundTrip(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for range 100 {
		want := randomTable(r)
		b, err := want.Pack()
		if err != nil {
			t.Fatal(err)
		}
		got, err := Unpack(b)
		if err != nil {
			t.Fatal(err)
		}
		same := got.Kind == want.Kind && got.Source == want.Source && got.Read == want.Read && got.Dropped == want.Dropped &&
			slices.EqualFunc(got.Slices, want.Slices, func(a, b Slice) bool { return slices.Equal(a.Key, b.Key) && slices.Equal(a.Rows, b.Rows) })
		if !same {
			t.Fatalf("got %+v, want %+v", got, want)
		}
	}
}

func TestPackRefusesRepeatedRows(t *testing.T) {
	row := Row{Coords: [3]int{1, 2, 3}}
	bad := &Table{Kind: KindGEMM, Slices: []Slice{{Key: []string{"fp8"}, Rows: []Row{row, row}}}}
	if _, err := bad.Pack(); err == nil {
		t.Error("two rows with one key are accepted")
	}
}

// A damaged file is an error, never a crash and never other figures.
func TestDamagedTable(t *testing.T) {
	name := "h200_sxm/vllm/0.12.0/custom_allreduce.tbl"
	whole, err := fs.ReadFile(Embedded().layers[0].Files, name)
	if err != nil {
		t.Fatal(err)
	}
	for i := range whole {
		b := bytes.Clone(whole)
		b[i] ^= 0x10
		tab, err := Unpack(b)
		if err != nil {
			continue
		}
		// The header's source and counts are not part of the digest.
		want, _ := Unpack(whole)
		if tab.Digest() != want.Digest() {
			t.Fatalf("byte %d changed: other figures were accepted", i)
		}
	}
	for n := range whole {
		if _, err := Unpack(whole[:n]); err == nil {
			t.Fatalf("the first %d of %d bytes were accepted", n, len(whole))
		}
	}
	// A set with a damaged table says which file it is.
	set := NewSet(fstest.MapFS{name: {Data: whole[:20]}})
	if _, err := set.Open("h200_sxm", "vllm", "0.12.0"); err == nil || !bytes.Contains([]byte(err.Error()), []byte(name)) {
		t.Errorf("got error %v, want one that names the file", err)
	}
}

func FuzzUnpack(f *testing.F) {
	r := rand.New(rand.NewPCG(2, 2))
	for range 5 {
		b, err := randomTable(r).Pack()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if tab, err := Unpack(b); err == nil {
			if _, err := tab.Pack(); err != nil {
				t.Skip() // repeated rows
			}
		}
	})
}
