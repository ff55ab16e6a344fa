package sinks

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"
)

// What is read is written back unchanged, with the new columns behind it.
func TestTabularRoundTrip(t *testing.T) {
	dir := t.TempDir()
	type row struct {
		Z string   `parquet:"z"`
		A int64    `parquet:"a"`
		M *float64 `parquet:"m,optional"`
	}
	half := 0.5
	file := filepath.Join(dir, "in.parquet")
	if err := parquet.WriteFile(file, []row{{"x,\"y\"", 1, &half}, {"", -2, nil}}); err != nil {
		t.Fatal(err)
	}
	text := "z,a,m\n\"x,\"\"y\"\"\",1,0.5\n,-2,\n"
	csvFile := filepath.Join(dir, "in.csv")
	if err := os.WriteFile(csvFile, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	added := []Added{{Name: "est_b", Text: []string{"ok", "error"}}, {Name: "est_a", Float: []float64{1.25, 0}, Valid: []bool{true, false}}, {Name: "n", Int: []int64{3, 4}}}
	want := "z,a,m,est_b,est_a,n\n\"x,\"\"y\"\"\",1,0.5,ok,1.25,3\n,-2,,error,,4\n"
	for _, in := range []string{file, csvFile} {
		tab, err := ReadTabular(in)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(tab.Columns, []string{"z", "a", "m"}) || tab.Len != 2 || tab.Text(0, "z") != `x,"y"` || tab.Text(1, "m") != "" || tab.Text(0, "none") != "" {
			t.Fatalf("%s: read %+v", in, tab)
		}
		out := filepath.Join(dir, "out.csv")
		if err := tab.Write(out, added); err != nil {
			t.Fatal(err)
		}
		if b, _ := os.ReadFile(out); string(b) != want {
			t.Errorf("%s: got %q, want %q", in, b, want)
		}
		back := filepath.Join(dir, "out.parquet")
		if err := tab.Write(back, added); err != nil {
			t.Fatal(err)
		}
		again, err := ReadTabular(back)
		if err != nil {
			t.Fatal(err)
		}
		if err := again.Write(out, nil); err != nil {
			t.Fatal(err)
		}
		if b, _ := os.ReadFile(out); string(b) != want {
			t.Errorf("%s through Parquet: got %q, want %q", in, b, want)
		}
	}
	tab, _ := ReadTabular(csvFile)
	for _, c := range []struct{ path, column, want string }{{"x.txt", "n", "unknown extension"}, {"x.csv", "a", `a column "a" already`}} {
		if err := tab.Write(filepath.Join(dir, c.path), []Added{{Name: c.column, Int: []int64{1, 2}}}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got error %v, want one with %q", err, c.want)
		}
	}
	if _, err := ReadTabular(filepath.Join(dir, "none.csv")); err == nil {
		t.Error("a missing file is read")
	}
}
