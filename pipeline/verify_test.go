package pipeline

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"servegrid/internal/schema"
	"servegrid/sinks"
)

// spoiler damages the warehouse after the stored shards were checked and before the run
// is published.
type spoiler struct {
	quiet
	spoil func()
}

func (s spoiler) Started(int, int) { s.spoil() }

func flip(b []byte) []byte {
	b[len(b)/2] ^= 1
	return b
}

// A run is verified before readers see it: what was damaged is named, and the run before
// stays the latest.
func TestVerifyBeforePublishing(t *testing.T) {
	spec, dir := smallSpec(t), openDir(t)
	for _, table := range []*schema.Table{schema.AggPoints, schema.BestPoints, schema.Coverage} {
		o := options(dir, spec, "good-"+table.Name, 2, quiet{})
		o.Verify = true
		if _, err := Run(context.Background(), o); err != nil {
			t.Fatal(err)
		}
		name := firstFile(t, dir, shardDir(table.Name))
		o = options(dir, spec, "bad", 2, spoiler{spoil: func() { damage(t, dir, name, flip) }})
		o.Verify = true
		_, err := Run(context.Background(), o)
		if err == nil || !strings.Contains(err.Error(), "verify run bad, which is not published: ") ||
			!strings.Contains(err.Error(), "/"+table.Name+"/") || !strings.Contains(err.Error(), "other bytes than were written") {
			t.Errorf("%s: %v", table.Name, err)
		}
		if now, _ := os.Readlink(dir.Path("tables")); now != "runs/"+"good-"+table.Name+"/tables" {
			t.Errorf("readers see %s", now)
		}
	}
}

// Every file of the run is read, and the manifest counts what there is.
func TestVerifyFilesAndCounts(t *testing.T) {
	spec, dir := smallSpec(t), openDir(t)
	o := options(dir, spec, "r", 2, quiet{})
	m := sweep(t, dir, spec, "r", 2)
	receipts, err := readReceipts(context.Background(), o, resolve(spec, o.Catalog))
	if err != nil {
		t.Fatal(err)
	}
	b, err := sinks.ReadFile(dir, "runs/r/"+listRel)
	if err != nil {
		t.Fatal(err)
	}
	var files []runFile
	if err := json.Unmarshal(b, &files); err != nil {
		t.Fatal(err)
	}
	again := func() error {
		return verify(context.Background(), o, dir, "runs/r/tables", files, receipts, m.Rows)
	}
	if err := again(); err != nil {
		t.Fatal(err)
	}
	m.Rows.BestPoints++
	if err := again(); err == nil || !strings.Contains(err.Error(), "the files of best_points have") {
		t.Errorf("a manifest that counts too much: %v", err)
	}
	m.Rows.BestPoints--
	for _, table := range []string{"best_points", "gpu_budgets"} {
		name := firstFile(t, dir, "runs/r/tables/"+table)
		damage(t, dir, name, flip)
		if err := again(); err == nil || !strings.Contains(err.Error(), strings.TrimPrefix(name, "runs/r/")+": other bytes than were written") {
			t.Errorf("%s was changed: %v", name, err)
		}
		damage(t, dir, name, flip)
	}
}

func firstFile(t *testing.T, dir *sinks.Dir, folder string) string {
	t.Helper()
	files, err := filepath.Glob(dir.Path(folder + "/*.parquet"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%s has no files: %v", folder, err)
	}
	return folder + "/" + filepath.Base(files[0])
}
