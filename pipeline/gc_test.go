package pipeline

import (
	"context"
	"errors"
	"os"
	"slices"
	"testing"

	"servegrid/jobs"
	"servegrid/sinks"
)

// Old runs go with the shards that only they hold; the others, and what an
// unfinished sweep has scored, stay.
func TestCollect(t *testing.T) {
	spec, dir := smallSpec(t), openDir(t)
	spec.Models = spec.Models[:1]
	sweep(t, dir, spec, "old", 2)
	more := *spec
	more.Workloads = []jobs.Workload{{ISL: 2000, OSL: 200}}
	sweep(t, dir, &more, "middle", 2)
	sweep(t, dir, &more, "new", 2)
	before := contents(t, dir.Path("tables"))
	unfinished := *spec
	unfinished.Keep = jobs.KeepFrontier
	o := options(dir, &unfinished, "later", 2, quiet{})
	o.Part = Part{0, 2}
	if _, err := Run(context.Background(), o); err != nil {
		t.Fatal(err)
	}

	all := contents(t, dir.Path("shards"))
	would, err := Collect(dir, 1, true)
	if err != nil {
		t.Fatal(err)
	}
	sameContents(t, "after a dry run", contents(t, dir.Path("shards")), all)
	did, err := Collect(dir, 1, false)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(would.Runs, []string{"old", "middle"}) || !slices.Equal(did.Runs, would.Runs) ||
		did.Shards != would.Shards || did.Files != would.Files || did.Bytes != would.Bytes || did.Unfinished != would.Unfinished {
		t.Errorf("removed %+v, announced %+v", did, would)
	}
	if did.Shards == 0 || did.Unfinished == 0 {
		t.Errorf("removed %+v, want shards, and some of the unfinished sweep kept", did)
	}
	if left := contents(t, dir.Path("shards")); len(left) != len(all)-did.Files {
		t.Errorf("%d files of %d are left after removing %d", len(left), len(all), did.Files)
	}
	sameContents(t, "the latest run", contents(t, dir.Path("tables")), before)
	if _, err := os.Stat(dir.Path("runs/old")); err == nil {
		t.Error("run old is left")
	}
	if m := sweep(t, dir, &more, "again", 2); m.ScoredShards != 0 {
		t.Errorf("%d shards of a kept run are scored again", m.ScoredShards)
	}
	if m := sweep(t, dir, spec, "old", 2); m.ScoredShards == 0 {
		t.Error("removed shards count as scored")
	}
}

// Nothing is collected under a running sweep.
func TestCollectWaitsForSweeps(t *testing.T) {
	dir := openDir(t)
	unlock, err := dir.Lock(false)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Collect(dir, 1, false); !errors.Is(err, sinks.ErrLocked) {
		t.Errorf("got error %v, want the lock's", err)
	}
	unlock()
	if _, err := Collect(dir, 1, false); err != nil {
		t.Error(err)
	}
}
