package pipeline

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"servegrid/sinks"
)

// One, two and eight processes write the same files with the same bytes.
func TestPartsMakeTheSameRun(t *testing.T) {
	spec, whole := smallSpec(t), openDir(t)
	sweep(t, whole, spec, "r", 2)
	for _, n := range []int{1, 2, 8} {
		dir := openDir(t)
		var group sync.WaitGroup
		for i := range n {
			group.Go(func() {
				o := options(dir, spec, "r", 1, quiet{})
				o.Part = Part{i, n}
				if _, err := Run(context.Background(), o); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		o := options(dir, spec, "r", 1, quiet{})
		o.Part.Count = n
		m, err := Finish(context.Background(), o)
		if err != nil {
			t.Fatal(err)
		}
		if m.ScoredShards != m.Shards {
			t.Errorf("%d processes: scored %d of %d shards", n, m.ScoredShards, m.Shards)
		}
		for _, folder := range []string{"shards", "tables"} {
			sameContents(t, fmt.Sprintf("%d processes, %s", n, folder), contents(t, dir.Path(folder)), contents(t, whole.Path(folder)))
		}
	}
}

// Finishing says what is missing, and publishes nothing.
func TestFinishRefuses(t *testing.T) {
	spec, dir := smallSpec(t), openDir(t)
	o := options(dir, spec, "r", 2, quiet{})
	part := func(i int) {
		t.Helper()
		o := o
		o.Part = Part{i, 3}
		if _, err := Run(context.Background(), o); err != nil {
			t.Fatal(err)
		}
	}
	refused := func(want string) {
		t.Helper()
		o := o
		o.Part.Count = 3
		_, err := Finish(context.Background(), o)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("got error %v, want one line with %q", err, want)
		}
		if _, err := os.Lstat(dir.Path("tables")); err == nil {
			t.Error("an incomplete run was published")
		}
	}
	part(1)
	var missing *MissingPartsError
	o.Part.Count = 3
	if _, err := Finish(context.Background(), o); !errors.As(err, &missing) || !slices.Equal(missing.Parts, []Part{{0, 3}, {2, 3}}) {
		t.Errorf("got error %v, want parts 0 and 2 missing", err)
	}
	refused("parts 0 and 2 of 3")
	part(0)
	refused("part 2 of 3")
	part(2)

	r, err := readReceipt(dir, resolve(spec, o.Catalog)[1].key)
	if err != nil || r == nil {
		t.Fatal(err)
	}
	damage(t, dir, r.Files[0].Name, func(b []byte) []byte { return b[:len(b)-1] })
	refused("sweep with shard index 1 again")
	part(1)

	other := *spec
	other.Keep = "all"
	o.Spec = &other
	refused("another sweep file")
	o.Spec = spec
	o.Part.Count = 3
	if _, err := Finish(context.Background(), o); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(dir.Path("parts/r")); err == nil {
		t.Error("part manifests of a finished run are left")
	}
}

// Many missing parts are named in few words.
func TestMissingPartsAreNamedShortly(t *testing.T) {
	for want, at := range map[string][]int{
		"part 3 of 12 (":                {3},
		"parts 3-4 of 12 (":             {3, 4},
		"parts 0 and 2 of 12 (":         {0, 2},
		"parts 0-2, 5 and 7-11 of 12 (": {0, 1, 2, 5, 7, 8, 9, 10, 11},
	} {
		e := &MissingPartsError{Run: "r"}
		for _, i := range at {
			e.Parts = append(e.Parts, Part{i, 12})
		}
		if !strings.Contains(e.Error(), want) {
			t.Errorf("got %q, want %q", e, want)
		}
	}
}

// damage rewrites a stored file in place, as a disk or a person would.
func damage(t *testing.T, dir *sinks.Dir, name string, change func([]byte) []byte) {
	t.Helper()
	b, err := os.ReadFile(dir.Path(name))
	if err == nil {
		err = os.WriteFile(dir.Path(name), change(b), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}
