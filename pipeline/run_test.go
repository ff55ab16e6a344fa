package pipeline

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"servegrid/estimator/search"
	"servegrid/internal/schema"
	"servegrid/jobs"
	"servegrid/perftables"
	"servegrid/sinks"
)

// smallSpec is a sweep of a few shards, with combinations that are refused, that
// do not fit and that cannot be laid out.
func smallSpec(tb testing.TB) *jobs.Spec {
	spec := demoSpec(tb, "Qwen/Qwen2.5-7B")
	spec.Models = []string{"Qwen/Qwen2.5-7B", "meta-llama/Llama-3.1-405B"}
	spec.Systems = []string{"l40s", "a100_sxm"}
	spec.Workloads = []jobs.Workload{{ISL: 4000, OSL: 500}, {ISL: 300, OSL: 40, Prefix: 100}}
	spec.GPUs = []int{8, 16}
	return spec
}

func openDir(t *testing.T) *sinks.Dir {
	t.Helper()
	dir, err := sinks.OpenDir(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func sweep(t *testing.T, dir sinks.Store, spec *jobs.Spec, run string, workers int) *Manifest {
	t.Helper()
	m, err := Run(context.Background(), options(dir, spec, run, workers, quiet{}))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func options(dir sinks.Store, spec *jobs.Spec, run string, workers int, events Events) Options {
	return Options{
		Spec: spec, Catalog: search.NewCatalog(perftables.Embedded()), Dir: dir, Run: run, Workers: workers, Events: events, Now: time.Now,
	}
}

// contents hashes every file below a folder, by its relative name. Links are
// followed at the top only.
func contents(t *testing.T, root string) map[string]string {
	t.Helper()
	root, err := filepath.EvalSymlinks(root)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(b)
		rel, _ := filepath.Rel(root, path)
		out[rel] = hex.EncodeToString(sum[:])
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func sameContents(t *testing.T, what string, got, want map[string]string) {
	t.Helper()
	for name, sum := range want {
		if got[name] != sum {
			t.Errorf("%s: %s differs or is missing", what, name)
		}
	}
	for name := range got {
		if _, ok := want[name]; !ok {
			t.Errorf("%s: %s should not be there", what, name)
		}
	}
}

// One worker and eight write the same bytes.
func TestBytesDoNotDependOnWorkers(t *testing.T) {
	spec := smallSpec(t)
	one, eight := openDir(t), openDir(t)
	sweep(t, one, spec, "r", 1)
	sweep(t, eight, spec, "r", 8)
	for _, folder := range []string{"shards", "tables"} {
		want := contents(t, one.Path(folder))
		if len(want) < 10 {
			t.Fatalf("%s: only %d files", folder, len(want))
		}
		sameContents(t, folder, contents(t, eight.Path(folder)), want)
	}
}

// What was scored is not scored again, and the plan says so.
func TestSecondRunScoresNothing(t *testing.T) {
	spec, dir := smallSpec(t), openDir(t)
	first := sweep(t, dir, spec, "first", 2)
	second := sweep(t, dir, spec, "second", 2)
	if first.ScoredShards != first.Shards || second.ScoredShards != 0 {
		t.Errorf("scored %d of %d shards, then %d; want all, then none", first.ScoredShards, first.Shards, second.ScoredShards)
	}
	if first.Candidates != second.Candidates || first.Rows != second.Rows {
		t.Errorf("counts differ: %+v and %+v", first, second)
	}
	target, err := os.Readlink(dir.Path("tables"))
	if err != nil || target != "runs/second/tables" {
		t.Errorf("tables points at %q (%v), want the second run", target, err)
	}
	sameContents(t, "second run", contents(t, dir.Path("runs/second/tables")), contents(t, dir.Path("runs/first/tables")))
	spec.Workloads = append(spec.Workloads[:1:1], jobs.Workload{ISL: 500, OSL: 50})
	e, err := Plan(spec, search.NewCatalog(perftables.Embedded()), dir)
	if err != nil {
		t.Fatal(err)
	}
	if e.Done >= e.Shards {
		t.Errorf("with another workload %d of %d shards count as done", e.Done, e.Shards)
	}
}

// stopAfter cancels a sweep after some shards.
type stopAfter struct {
	mu     sync.Mutex
	left   int
	cancel context.CancelFunc
}

func (s *stopAfter) Started(int, int) {}

func (s *stopAfter) Damaged(string) {}

func (s *stopAfter) ShardDone(ShardDone) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.left--; s.left == 0 {
		s.cancel()
	}
}

// An interrupted sweep publishes nothing, keeps what is done, and comes to the
// same result when it is started again.
func TestInterruptedSweepResumes(t *testing.T) {
	spec := smallSpec(t)
	whole := openDir(t)
	want := sweep(t, whole, spec, "r", 2)
	dir := openDir(t)
	ctx, cancel := context.WithCancel(context.Background())
	_, err := Run(ctx, options(dir, spec, "killed", 2, &stopAfter{left: 3, cancel: cancel}))
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("got error %v, want cancelled", err)
	}
	for _, name := range []string{"tables", "runs/killed"} {
		if _, err := os.Lstat(dir.Path(name)); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s exists after an interrupted run", name)
		}
	}
	// Leftovers of a killed process: a temporary file, and files without a receipt.
	half := dir.Path(shardName(schema.AggPoints.Name, "0123456789abcdef0123456789abcdef"))
	if err := os.WriteFile(half, []byte("PAR1"), 0o644); err != nil {
		t.Fatal(err)
	}
	got := sweep(t, dir, spec, "r", 2)
	if got.ScoredShards >= got.Shards || got.ScoredShards == 0 {
		t.Errorf("the second run scored %d of %d shards", got.ScoredShards, got.Shards)
	}
	if got.Candidates != want.Candidates || got.Rows != want.Rows || got.Bytes != want.Bytes {
		t.Errorf("resumed: got %+v, want %+v", got, want)
	}
	sameContents(t, "resumed", contents(t, dir.Path("tables")), contents(t, whole.Path("tables")))
}

// listed keeps what is said about damage.
type listed struct {
	quiet
	damaged []string
}

func (l *listed) Damaged(what string) { l.damaged = append(l.damaged, what) }

// A damaged or lost shard is scored again, and put right in earlier runs too.
func TestDamagedShardIsScoredAgain(t *testing.T) {
	spec, dir := smallSpec(t), openDir(t)
	sweep(t, dir, spec, "first", 2)
	want := contents(t, dir.Path("tables"))
	files, err := filepath.Glob(dir.Path("shards/agg_points/*.parquet"))
	if err != nil || len(files) < 3 {
		t.Fatalf("found %d files: %v", len(files), err)
	}
	if err := os.Remove(files[0]); err != nil {
		t.Fatal(err)
	}
	damage(t, dir, "shards/agg_points/"+filepath.Base(files[1]), func(b []byte) []byte { return b[:len(b)/2] })
	damage(t, dir, "shards/agg_points/"+filepath.Base(files[2]), func(b []byte) []byte { b[len(b)/2] ^= 1; return b })
	events := &listed{}
	m, err := Run(context.Background(), options(dir, spec, "second", 2, events))
	if err != nil {
		t.Fatal(err)
	}
	if m.ScoredShards != 3 || len(events.damaged) != 3 {
		t.Errorf("scored %d shards, want 3; reported %q", m.ScoredShards, events.damaged)
	}
	for i, want := range []string{"is missing", "bytes instead of", "has other bytes"} {
		if !slices.ContainsFunc(events.damaged, func(s string) bool {
			return strings.Contains(s, want) && strings.Contains(s, filepath.Base(files[i]))
		}) {
			t.Errorf("%q is not said in %q", want, events.damaged)
		}
	}
	sameContents(t, "repaired", contents(t, dir.Path("tables")), want)
	sameContents(t, "the run before", contents(t, dir.Path("runs/first/tables")), want)
}

// A shard that cannot be written fails alone; the run is not published.
func TestFailingShardIsReported(t *testing.T) {
	spec, dir := smallSpec(t), openDir(t)
	// A folder in the way of a shard's file.
	victim := resolve(spec, search.NewCatalog(perftables.Embedded()))[1]
	if err := os.MkdirAll(filepath.Join(dir.Path(shardName(schema.Coverage.Name, victim.key)), "x"), 0o755); err != nil {
		t.Fatal(err)
	}
	_, err := Run(context.Background(), options(dir, spec, "r", 2, quiet{}))
	var failed *FailedError
	if !errors.As(err, &failed) || failed.Failed != 1 || !strings.Contains(err.Error(), victim.key) {
		t.Fatalf("got error %v, want one failed shard named by its key", err)
	}
	if _, err := os.Lstat(dir.Path("tables")); !errors.Is(err, fs.ErrNotExist) {
		t.Error("a failed run was published")
	}
}

// The plan counts exactly what a sweep then covers.
func TestPlanCountsWhatIsCovered(t *testing.T) {
	spec := smallSpec(t)
	e, err := Plan(spec, search.NewCatalog(perftables.Embedded()), nil)
	if err != nil {
		t.Fatal(err)
	}
	var agg, prefill, decode int64
	s := newScorer(spec, newPlans(1))
	s.workloadDone = func() error { return nil }
	s.write = func(r *schema.Rows) error {
		if err := r.Check(); err != nil {
			return err
		}
		if r.Table != schema.Coverage {
			return nil
		}
		for i := range r.N {
			n := int64(r.Col("n_candidates").FloatAt(i))
			sum := r.Col("n_feasible").FloatAt(i) + r.Col("n_oom").FloatAt(i) + r.Col("n_no_data").FloatAt(i)
			if float64(n) != sum {
				return fmt.Errorf("row %d: %d candidates, but %g counted", i, n, sum)
			}
			switch r.Col("role").TextAt(i) {
			case roleAgg:
				agg += n
			case rolePrefill:
				prefill += n
			case roleDecode:
				decode += n
			}
		}
		return nil
	}
	for _, sh := range resolve(spec, search.NewCatalog(perftables.Embedded())) {
		if _, err := s.score(context.Background(), &sh); err != nil {
			t.Fatal(err)
		}
	}
	if agg != e.Counts.AggPoints || prefill != e.Counts.PrefillWorkers || decode != e.Counts.DecodeWorkers {
		t.Errorf("covered %d, %d, %d; planned %+v", agg, prefill, decode, e.Counts)
	}
}

func TestRunNames(t *testing.T) {
	dir := openDir(t)
	for _, bad := range []string{"", "..", "a/b", ".x", strings.Repeat("a", 101), "a b"} {
		if err := checkRun(dir, bad); err == nil {
			t.Errorf("run name %q is accepted", bad)
		}
	}
	if err := checkRun(dir, "nightly-2026.11_1"); err != nil {
		t.Error(err)
	}
}

// Two sweeps that share shards can run in one warehouse at once.
func TestTwoSweepsAtOnce(t *testing.T) {
	whole, dir := openDir(t), openDir(t)
	spec := smallSpec(t)
	other := *spec
	other.Models = spec.Models[:1]
	sweep(t, whole, &other, "a", 2)
	sweep(t, whole, spec, "b", 2)
	var group sync.WaitGroup
	for run, spec := range map[string]*jobs.Spec{"a": &other, "b": spec} {
		group.Go(func() {
			if _, err := Run(context.Background(), options(dir, spec, run, 2, quiet{})); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	for _, folder := range []string{"shards", "runs/a/tables", "runs/b/tables"} {
		sameContents(t, folder, contents(t, dir.Path(folder)), contents(t, whole.Path(folder)))
	}
}
