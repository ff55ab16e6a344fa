package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"sync"
	"testing"
	"time"

	"servegrid/estimator/search"
	"servegrid/jobs"
	"servegrid/perftables"
	"servegrid/sinks"
	"servegrid/sinks/bucket/buckettest"
)

// warehouseFolders are all folders that hold the same files in a directory and in a
// bucket, whoever filled them. Manifests hold times.
var warehouseFolders = []string{"shards", "runs/r/tables", "validation"}

// sameWarehouse compares the files of two stores, and the lists of the run r.
func sameWarehouse(t *testing.T, what string, got, want sinks.Store) {
	t.Helper()
	for _, folder := range warehouseFolders {
		w := buckettest.Contents(t, want, folder)
		if len(w) == 0 {
			t.Fatalf("%s: nothing is in %s", what, folder)
		}
		sameContents(t, what+", "+folder, buckettest.Contents(t, got, folder), w)
	}
	for _, name := range []string{"runs/r/files.json", "runs/r/tables.json", "prices.csv"} {
		g, err := sinks.ReadFile(got, name)
		if err != nil {
			t.Fatal(err)
		}
		if w, err := sinks.ReadFile(want, name); err != nil || string(g) != string(w) {
			t.Errorf("%s: %s differs (%v)", what, name, err)
		}
	}
}

func part(dir sinks.Store, spec *jobs.Spec, index, count int) Options {
	o := options(dir, spec, "r", 1, quiet{})
	o.Part = Part{index, count}
	return o
}

// One process on a directory, one on a bucket and several that share a bucket write the same
// files; a second run scores nothing.
func TestBucketHoldsTheSameFiles(t *testing.T) {
	spec, dir, one, shared := smallSpec(t), openDir(t), buckettest.Memory(t), buckettest.Memory(t)
	sweep(t, dir, spec, "r", 2)
	sweep(t, one, spec, "r", 2)
	sameWarehouse(t, "one process", one, dir)
	const n = 3
	var group sync.WaitGroup
	for i := range n {
		group.Go(func() {
			if _, err := Run(context.Background(), part(shared, spec, i, n)); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if _, err := Finish(context.Background(), part(shared, spec, 0, n)); err != nil {
		t.Fatal(err)
	}
	sameWarehouse(t, "three processes", shared, dir)
	for _, folder := range []string{"parts", "locks"} {
		if left := buckettest.Contents(t, shared, folder); len(left) > 0 {
			t.Errorf("%v is left in %s", left, folder)
		}
	}
	if m := sweep(t, shared, spec, "again", 2); m.ScoredShards != 0 {
		t.Errorf("a second run scored %d shards", m.ScoredShards)
	}
	e, err := Plan(spec, search.NewCatalog(perftables.Embedded()), shared)
	if err != nil || e.Done != e.Shards {
		t.Errorf("%d of %d shards count as done (%v)", e.Done, e.Shards, err)
	}
}

// A line that fails again and again changes nothing, from the first shard to the pulled run.
func TestSweepOverFlakyLine(t *testing.T) {
	buckettest.Credentials(t)
	line := buckettest.NewFlaky(t, buckettest.S3(t), 10, 3)
	b := buckettest.Open(t, line.URL, "some/prefix")
	spec, dir, back := smallSpec(t), openDir(t), openDir(t)
	sweep(t, dir, spec, "r", 2)
	if m := sweep(t, b, spec, "r", 2); m.ScoredShards != m.Shards {
		t.Errorf("scored %d of %d shards", m.ScoredShards, m.Shards)
	}
	sameWarehouse(t, "in the bucket", b, dir)
	pulled(t, b, back, "")
	sameWarehouse(t, "pulled", back, dir)
	t.Log(line)
}

// failures keeps what is said about shards that failed, and interrupts after some.
type failures struct {
	stopAfter
	failed []error
}

func (f *failures) ShardDone(d ShardDone) {
	f.stopAfter.ShardDone(d)
	if d.Err != nil {
		f.failed = append(f.failed, d.Err)
	}
}

// An interrupted sweep drops what it was uploading, fails no shard, publishes nothing, and
// lets go of its lock.
func TestInterruptedUpload(t *testing.T) {
	spec := smallSpec(t)
	ctx, cancel := context.WithCancel(context.Background())
	b := buckettest.MemoryUntil(ctx, t)
	events := &failures{stopAfter: stopAfter{left: 3, cancel: cancel}}
	_, err := Run(ctx, options(b, spec, "r", 2, events))
	if !errors.Is(err, context.Canceled) || len(events.failed) > 0 {
		t.Errorf("got error %v and failures %v, want cancelled only", err, events.failed)
	}
	if _, err := b.Stat("runs/r/manifest.json"); !errors.Is(err, context.Canceled) {
		t.Errorf("a request after the end: %v", err)
	}
}

// A shard that is lost or cut is scored again, in a bucket too.
func TestBucketShardIsScoredAgain(t *testing.T) {
	spec, b, dir := smallSpec(t), buckettest.Memory(t), openDir(t)
	sweep(t, dir, spec, "r", 2)
	sweep(t, b, spec, "r", 2)
	files, err := b.List("shards/agg_points")
	if err != nil || len(files) < 3 {
		t.Fatal(len(files), err)
	}
	if err := b.Remove(files[0].Name); err != nil {
		t.Fatal(err)
	}
	if err := sinks.PutFile(b, files[1].Name, []byte("PAR1")); err != nil {
		t.Fatal(err)
	}
	events := &listed{}
	m, err := Run(context.Background(), options(b, spec, "second", 2, events))
	if err != nil {
		t.Fatal(err)
	}
	if m.ScoredShards != 2 || len(events.damaged) != 2 {
		t.Errorf("scored %d shards, want 2; reported %q", m.ScoredShards, events.damaged)
	}
	sameWarehouse(t, "repaired", b, dir)
}

// Of processes that publish one run at the same time one wins, and the others say so.
func TestOneFinisherWins(t *testing.T) {
	for name, open := range map[string]func() sinks.Store{
		"directory": func() sinks.Store { return openDir(t) },
		"bucket":    func() sinks.Store { return buckettest.Memory(t) },
	} {
		t.Run(name, func(t *testing.T) {
			spec, dir := smallSpec(t), open()
			const n = 2
			for i := range n {
				if _, err := Run(context.Background(), part(dir, spec, i, n)); err != nil {
					t.Fatal(err)
				}
			}
			const finishers = 4
			errs := make([]error, finishers)
			var group sync.WaitGroup
			for i := range finishers {
				group.Go(func() { _, errs[i] = Finish(context.Background(), part(dir, spec, 0, n)) })
			}
			group.Wait()
			won := 0
			for _, err := range errs {
				var lost *PublishedError
				switch {
				case err == nil:
					won++
				case !errors.As(err, &lost):
					t.Errorf("a finisher that lost says: %v", err)
				}
			}
			if won != 1 {
				t.Errorf("%d of %d finishers won: %v", won, finishers, errs)
			}
			whole := openDir(t)
			sweep(t, whole, spec, "r", 2)
			sameWarehouse(t, "finished at once", dir, whole)
		})
	}
}

// Nobody publishes files of another sweep under a name that is being published.
func TestClaimedRunKeepsOthersOut(t *testing.T) {
	spec, b := smallSpec(t), buckettest.Memory(t)
	if err := sinks.PutFile(b, "runs/r/files.json", []byte("[]\n")); err != nil {
		t.Fatal(err)
	}
	_, err := Run(context.Background(), options(b, spec, "r", 2, quiet{}))
	if err == nil {
		t.Fatal("a run that somebody else began was published")
	}
	if _, err := b.Stat("runs/r/manifest.json"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("there is a manifest (%v)", err)
	}
}

// Old runs go from a bucket as from a directory, with what a killed finisher left.
func TestCollectBucket(t *testing.T) {
	spec := smallSpec(t)
	spec.Models = spec.Models[:1]
	more := *spec
	more.Workloads = []jobs.Workload{{ISL: 2000, OSL: 200}}
	var left []map[string]string
	for _, dir := range []sinks.Store{openDir(t), buckettest.Memory(t)} {
		sweep(t, dir, spec, "old", 2)
		sweep(t, dir, &more, "r", 2)
		if err := sinks.PutFile(dir, "runs/half/files.json", []byte("[]\n")); err != nil {
			t.Fatal(err)
		}
		if err := sinks.PutFile(dir, "shards/agg_points/later.parquet", []byte("x")); err != nil {
			t.Fatal(err)
		}
		g, err := Collect(dir, 1, false)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(g.Runs, []string{"old"}) || g.Shards == 0 || g.Unfinished != 1 {
			t.Errorf("%s: collected %+v", dir.Root(), g)
		}
		if runs, err := dir.Folders("runs"); err != nil || !slices.Equal(runs, []string{"r"}) {
			t.Errorf("%s: runs %v are left (%v)", dir.Root(), runs, err)
		}
		left = append(left, buckettest.Contents(t, dir, "shards"))
	}
	sameContents(t, "what is left", left[1], left[0])
}

// A sweep and gc keep each other out of a bucket, as out of a directory.
func TestLocksOfBucket(t *testing.T) {
	b := buckettest.Memory(t)
	unlock, err := b.Lock(false)
	if err != nil {
		t.Fatal(err)
	}
	other, err := b.Lock(false)
	if err != nil {
		t.Fatal(err)
	}
	other()
	if _, err := Collect(b, 1, false); !errors.Is(err, sinks.ErrLocked) {
		t.Errorf("gc beside a sweep: %v, want the lock's error", err)
	}
	unlock()
	unlock()
	unlock, err = b.Lock(true)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Run(context.Background(), options(b, smallSpec(t), "r", 2, quiet{})); !errors.Is(err, sinks.ErrLocked) {
		t.Errorf("a sweep beside gc: %v, want the lock's error", err)
	}
	unlock()
	if left := buckettest.Contents(t, b, "locks"); len(left) > 0 {
		t.Errorf("locks are left: %v", left)
	}
}

// A process whose lock was taken away does not publish.
func TestLostLockStopsPublishing(t *testing.T) {
	spec, b := smallSpec(t), buckettest.Memory(t)
	o := options(b, spec, "r", 2, quiet{})
	began := time.Now()
	o.Now = func() time.Time { // asked when the run is about to be published, too
		locks, err := b.List("locks")
		if err != nil {
			t.Error(err)
		}
		for _, l := range locks {
			if err := b.Remove(l.Name); err != nil {
				t.Error(err)
			}
		}
		return began
	}
	_, err := Run(context.Background(), o)
	if err == nil {
		t.Fatal("published without a lock")
	}
	if runs, _, err := listRuns(b); err != nil || len(runs) > 0 {
		t.Errorf("there are runs: %v (%v)", runs, err)
	}
	t.Log(fmt.Sprint(err))
}
