package main

import (
	"bytes"
	"debug/elf"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// buildSweepOnly builds the program without cgo, and so without SQL.
func buildSweepOnly(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "servegrid-sweep")
	build := exec.Command("go", "build", "-tags=cloud", "-trimpath", "-ldflags=-s -w", "-o", program, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return program
}

// The build for pods is one static file that says what it lacks, and writes the bytes
// that the whole program writes: they can even share a sweep.
func TestSweepOnlyBuild(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the program once more")
	}
	program := buildSweepOnly(t)
	if runtime.GOOS == "linux" {
		checkStatic(t, program)
	}
	sweepOnly := func(args ...string) (string, error) {
		c := exec.Command(program, args...)
		c.Env = []string{} // as in an empty image
		out, err := c.CombinedOutput()
		return string(out), err
	}
	out, err := sweepOnly("best", "--model-path", "x", "--isl", "4000")
	if err == nil || out != "servegrid: best needs SQL, which this build, for sweeps only, has not: run it with the whole servegrid, built with cgo\n" {
		t.Errorf("best: %v, %s", err, out)
	}
	if out, err := sweepOnly("--help"); err != nil || strings.Contains(out, "query") || !strings.Contains(out, "sweep") {
		t.Errorf("help: %v\n%s", err, out)
	}

	const spec = "../../queries/testdata/python/small.yaml"
	whole, shared := t.TempDir(), t.TempDir()
	share := []string{"sweep", spec, "--warehouse", shared, "--run", "r", "--shard-count", "3"}
	for _, more := range [][]string{{"--shard-index", "0"}, {"--shard-index", "2"}} {
		if out, err := sweepOnly(append(share, more...)...); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	for _, args := range [][]string{append(share, "--shard-index", "1"), {"sweep", spec, "--warehouse", whole, "--run", "r"}} {
		var stderr bytes.Buffer
		if code := run(append([]string{"servegrid"}, args...), io.Discard, &stderr); code != 0 {
			t.Fatalf("exit code %d: %s", code, &stderr)
		}
	}
	if out, err := sweepOnly(append(share, "--finish")...); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, folder := range []string{"shards", "runs/r/tables"} {
		got, want := filesBelow(t, filepath.Join(shared, folder)), filesBelow(t, filepath.Join(whole, folder))
		if len(want) == 0 || !slices.Equal(slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want))) {
			t.Fatalf("%s: %d files, want %d", folder, len(got), len(want))
		}
		for name := range want {
			if !bytes.Equal(got[name], want[name]) {
				t.Errorf("%s/%s has other bytes", folder, name)
			}
		}
	}
}

// checkStatic fails the test when the program needs a library or a loader.
func checkStatic(t *testing.T, program string) {
	t.Helper()
	f, err := elf.Open(program)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if libraries, err := f.ImportedLibraries(); err == nil && len(libraries) > 0 {
		t.Errorf("it needs %v", libraries)
	}
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			t.Error("it needs a loader")
		}
	}
}

// filesBelow returns the files below a folder.
func filesBelow(t *testing.T, root string) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		files[name], err = os.ReadFile(path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}
