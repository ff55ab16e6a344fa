package pipeline

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"servegrid/jobs"
	"servegrid/sinks"
	"servegrid/sinks/bucket/buckettest"
)

func pulled(t *testing.T, from sinks.Store, to *sinks.Dir, run string) *Pulled {
	t.Helper()
	p, err := Pull(context.Background(), from, to, run, func(Pulled) {})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// What is pulled is what the same sweep writes into a directory, links included; a second
// time nothing is brought, and of a later run only what is new.
func TestPull(t *testing.T) {
	spec, whole, b, dir := smallSpec(t), openDir(t), buckettest.Memory(t), openDir(t)
	small := *spec
	small.Workloads = spec.Workloads[:1]
	sweep(t, whole, &small, "r", 2)
	sweep(t, b, &small, "r", 2)
	first := pulled(t, b, dir, "")
	if first.Fetched == 0 || first.Run != "r" {
		t.Errorf("pulled %+v", first)
	}
	sameWarehouse(t, "pulled", dir, whole)
	sameContents(t, "shown", contents(t, dir.Path("tables")), contents(t, whole.Path("tables")))
	manifest := func(s sinks.Store) string {
		m, err := sinks.ReadFile(s, "runs/r/manifest.json")
		if err != nil {
			t.Fatal(err)
		}
		return string(m)
	}
	if manifest(dir) != manifest(b) {
		t.Error("the manifest was changed on the way")
	}
	if again := pulled(t, b, dir, ""); again.Fetched != 0 {
		t.Errorf("pulled %d files again", again.Fetched)
	}
	if err := os.WriteFile(dir.Path("prices.csv"), []byte("mine"), 0o644); err != nil {
		t.Fatal(err)
	}

	more := *spec
	more.Models = spec.Models[:1]
	more.Workloads = []jobs.Workload{spec.Workloads[0], {ISL: 2000, OSL: 200}}
	sweep(t, b, &more, "later", 2)
	if p := pulled(t, b, dir, ""); p.Run != "later" || p.Fetched == 0 {
		t.Errorf("pulled %+v", p)
	}
	if mine, err := os.ReadFile(dir.Path("prices.csv")); err != nil || string(mine) != "mine" {
		t.Errorf("prices.csv is %q (%v), want it left alone", mine, err)
	}
	if target, _ := os.Readlink(dir.Path("tables")); target != "runs/later/tables" {
		t.Errorf("tables points at %q", target)
	}
	pulled(t, b, dir, "r")
	if target, _ := os.Readlink(dir.Path("tables")); target != "runs/r/tables" {
		t.Errorf("tables points at %q after run r was asked for", target)
	}
	// What was pulled counts as scored.
	if m := sweep(t, dir, &more, "here", 2); m.ScoredShards != 0 {
		t.Errorf("%d shards that were pulled are scored again", m.ScoredShards)
	}
}

// Files that are damaged here are brought again and put right in all runs; files that are
// damaged there are refused, and the directory stays as it was.
func TestPullVerifies(t *testing.T) {
	spec, b, dir := smallSpec(t), buckettest.Memory(t), openDir(t)
	sweep(t, b, spec, "r", 2)
	pulled(t, b, dir, "")
	want := contents(t, dir.Path("tables"))
	files, err := filepath.Glob(dir.Path("shards/agg_points/*.parquet"))
	if err != nil || len(files) < 2 {
		t.Fatal(len(files), err)
	}
	for _, f := range files[:2] {
		damage(t, dir, "shards/agg_points/"+filepath.Base(f), func(b []byte) []byte { b[len(b)/2] ^= 1; return b })
	}
	damage(t, dir, "tables/gpu_budgets/part.parquet", func(b []byte) []byte { return b[:8] })
	if p := pulled(t, b, dir, ""); p.Fetched != 3 {
		t.Errorf("brought %d files again, want 3", p.Fetched)
	}
	sameContents(t, "put right", contents(t, dir.Path("tables")), want)

	bad := "shards/agg_points/" + filepath.Base(files[0])
	there, err := sinks.ReadFile(b, bad)
	if err != nil {
		t.Fatal(err)
	}
	there[len(there)/2] ^= 1
	if err := sinks.PutFile(b, bad, there); err != nil {
		t.Fatal(err)
	}
	empty := openDir(t)
	_, err = Pull(context.Background(), b, empty, "", func(Pulled) {})
	if err == nil || !strings.Contains(err.Error(), bad+" in mem://") || strings.Contains(err.Error(), "\n") {
		t.Errorf("got error %v, want one line that names %s", err, bad)
	}
	if _, err := os.Lstat(empty.Path("tables")); err == nil {
		t.Error("a run that is not whole is shown")
	}
	if left := temporary(t, empty.Root()); len(left) > 0 {
		t.Errorf("temporary files are left: %q", left)
	}
}

// Names that lead out of the directory are refused.
func TestPullRefusesNames(t *testing.T) {
	spec := smallSpec(t)
	spec.Models, spec.Systems = spec.Models[:1], spec.Systems[:1]
	for file, list := range map[string]string{
		"tables.json": `[{"name": "../../x", "bytes": 1, "xxh128": "00"}]`,
		"files.json":  `[{"key": "k", "files": [{"table": "../..", "name": "shards/../../k.parquet", "bytes": 1}]}]`,
	} {
		b := buckettest.Memory(t)
		sweep(t, b, spec, "r", 2)
		if err := sinks.PutFile(b, "runs/r/"+file, []byte(list)); err != nil {
			t.Fatal(err)
		}
		if _, err := Pull(context.Background(), b, openDir(t), "", func(Pulled) {}); err == nil || !strings.Contains(err.Error(), "which is not") {
			t.Errorf("%s: got error %v", file, err)
		}
	}
}

// temporary lists the unfinished files below a folder.
func temporary(t *testing.T, root string) (names []string) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err == nil && strings.HasPrefix(d.Name(), sinks.TempPrefix) {
			names = append(names, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}
