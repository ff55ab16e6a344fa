package pipeline

import (
	"reflect"
	"slices"
	"testing"
)

// A report compares with the run that was reported last, which garbage collection
// leaves; without one, with the latest of the same sweep.
func TestBaseline(t *testing.T) {
	spec, dir := smallSpec(t), openDir(t)
	spec.Models = spec.Models[:1]
	other := *spec
	other.Name = "other"
	is := func(want string) {
		t.Helper()
		if got, err := Baseline(dir, spec.Name); got != want || err != nil {
			t.Errorf("the next report compares with %q (%v), want %q", got, err, want)
		}
	}
	is("")
	sweep(t, dir, &other, "x", 2)
	is("")
	sweep(t, dir, spec, "first", 2)
	sweep(t, dir, &other, "y", 2)
	is("first")
	if err := SetBaseline(dir, spec.Name, "first"); err != nil {
		t.Fatal(err)
	}
	sweep(t, dir, spec, "second", 2)
	is("first")
	g, err := Collect(dir, 1, false)
	if err != nil || !slices.Equal(g.Runs, []string{"x", "y"}) {
		t.Errorf("removed %v (%v)", g.Runs, err)
	}
	is("first")
	if err := SetBaseline(dir, spec.Name, "gone"); err != nil {
		t.Fatal(err)
	}
	is("second")
	damage(t, dir, reportedName(spec.Name), func([]byte) []byte { return []byte("{") })
	if _, err := Baseline(dir, spec.Name); err == nil {
		t.Error("a damaged note is no error")
	}
}

func TestTableChanges(t *testing.T) {
	a := &Manifest{Tables: []ManifestTables{
		{"h200", "vllm", "1", []string{"gemm:aa", "moe:bb"}},
		{"h200", "vllm", "2", []string{"gemm:aa", "read:raw {x}"}},
	}}
	b := &Manifest{Tables: []ManifestTables{
		{"h200", "vllm", "2", []string{"gemm:cc", "read:raw {y}"}},
		{"h100", "vllm", "1", []string{"gemm:aa"}},
	}}
	figures := func(text string) string { _, d := digestOf("read:" + text); return d }
	want := []TableChange{
		{"h100", "vllm", "1", "gemm", "", "aa"},
		{"h200", "vllm", "1", "gemm", "aa", ""},
		{"h200", "vllm", "1", "moe", "bb", ""},
		{"h200", "vllm", "2", "figures", figures("raw {x}"), figures("raw {y}")},
		{"h200", "vllm", "2", "gemm", "aa", "cc"},
	}
	if got := TableChanges(a, b); !reflect.DeepEqual(got, want) {
		t.Errorf("got %v\nwant %v", got, want)
	}
	if got := TableChanges(a, a); len(got) != 0 {
		t.Errorf("a run differs from itself: %v", got)
	}
}

// The manifest that is read is the one that was written.
func TestReadManifest(t *testing.T) {
	spec, dir := smallSpec(t), openDir(t)
	spec.Models = spec.Models[:1]
	m := sweep(t, dir, spec, "r", 2)
	got, err := ReadManifest(dir, "r")
	if err != nil || !reflect.DeepEqual(got.Tables, m.Tables) || got.Rows != m.Rows || !got.FinishedAt.Equal(m.FinishedAt) {
		t.Errorf("read %+v (%v), wrote %+v", got, err, m)
	}
	if _, err := ReadManifest(dir, "none"); err == nil {
		t.Error("no error for a run that is not there")
	}
}
