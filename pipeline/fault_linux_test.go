package pipeline

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"testing"

	"servegrid/sinks"
)

// mount makes a small file system in memory, or skips the test where that is not
// permitted.
func mount(t *testing.T, options string) (path string) {
	t.Helper()
	path = t.TempDir()
	if err := syscall.Mount("tmpfs", path, "tmpfs", 0, options); err != nil {
		t.Skipf("file systems cannot be mounted here: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(path, 0); err != nil {
			t.Error(err)
		}
	})
	return path
}

// With a full disk a sweep stops with one line; what was whole by then is kept,
// nothing is published, and with more room the rest is scored.
func TestFullDisk(t *testing.T) {
	root := mount(t, "size=1200k")
	spec := longerSpec(t)
	dir, err := sinks.OpenDir(root)
	if err != nil {
		t.Fatal(err)
	}
	_, err = Run(context.Background(), options(dir, spec, "r", 2, quiet{}))
	if !errors.Is(err, syscall.ENOSPC) || strings.Contains(err.Error(), "\n") {
		t.Fatalf("got error %v, want one line about a full disk", err)
	}
	if _, err := os.Lstat(dir.Path("tables")); !errors.Is(err, fs.ErrNotExist) {
		t.Error("a sweep on a full disk was published")
	}
	if left := temporary(t, root); len(left) > 0 {
		t.Errorf("temporary files are left: %q", left)
	}
	if err := syscall.Mount("tmpfs", root, "tmpfs", syscall.MS_REMOUNT, "size=100m"); err != nil {
		t.Fatal(err)
	}
	m := sweep(t, dir, spec, "r", 2)
	if m.ScoredShards == m.Shards || m.ScoredShards == 0 {
		t.Errorf("with more room %d of %d shards were scored, want the rest only", m.ScoredShards, m.Shards)
	}
	whole := openDir(t)
	sweep(t, whole, spec, "r", 2)
	sameContents(t, "tables", contents(t, dir.Path("tables")), contents(t, whole.Path("tables")))
}

// A directory that cannot be written is one line before anything is scored.
func TestReadOnlyDirectory(t *testing.T) {
	root := mount(t, "size=1m")
	dir, err := sinks.OpenDir(root)
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", root, "tmpfs", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	_, err = Run(context.Background(), options(dir, smallSpec(t), "r", 2, quiet{}))
	if !errors.Is(err, syscall.EROFS) || strings.Contains(err.Error(), "\n") {
		t.Errorf("got error %v, want one line about a read-only file system", err)
	}
}
