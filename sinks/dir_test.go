package sinks

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func openDir(t *testing.T) *Dir {
	t.Helper()
	d, err := OpenDir(filepath.Join(t.TempDir(), "ware house", "w"))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// files lists everything below the root.
func files(t *testing.T, d *Dir) (names []string) {
	t.Helper()
	err := filepath.WalkDir(d.Root(), func(p string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			rel, _ := filepath.Rel(d.Root(), p)
			names = append(names, filepath.ToSlash(rel))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func put(t *testing.T, d *Dir, name, text string) {
	t.Helper()
	f, err := d.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(f, text)
	if err := f.Commit(); err != nil {
		t.Fatal(err)
	}
}

func TestDirCommit(t *testing.T) {
	d := openDir(t)
	put(t, d, "tables/x/a.parquet", "old")
	f, err := d.Create("tables/x/a.parquet")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Repeat("new ", 50_000)
	fmt.Fprint(f, text)
	if b, _ := os.ReadFile(d.Path("tables/x/a.parquet")); string(b) != "old" {
		t.Error("seen before Commit")
	}
	if got := files(t, d); len(got) != 2 || !strings.HasPrefix(got[0], "tables/x/"+TempPrefix) {
		t.Errorf("files while writing: %q", got)
	}
	for range 2 {
		if err := f.Commit(); err != nil {
			t.Fatal(err)
		}
	}
	f.Abort()
	if b, _ := os.ReadFile(d.Path("tables/x/a.parquet")); string(b) != text {
		t.Error("wrong contents after Commit")
	}
	if got := files(t, d); len(got) != 1 {
		t.Errorf("files after Commit: %q", got)
	}
	if f.XXH128() != XXH128([]byte(text)) || f.Size() != int64(len(text)) {
		t.Errorf("sum %s size %d", f.XXH128(), f.Size())
	}
	if _, err := f.Write([]byte("x")); !errors.Is(err, ErrClosed) {
		t.Errorf("Write after Commit: %v", err)
	}
}

func TestDirAbort(t *testing.T) {
	d := openDir(t)
	f, _ := d.Create("a")
	fmt.Fprint(f, "x")
	f.Abort()
	f.Abort()
	if err := f.Commit(); !errors.Is(err, ErrClosed) {
		t.Errorf("Commit after Abort: %v", err)
	}
	if got := files(t, d); len(got) != 0 {
		t.Errorf("files: %q", got)
	}
}

// TestDirFailedWrite: an error of the disk surfaces on Write and again on Commit,
// and nothing is left.
func TestDirFailedWrite(t *testing.T) {
	d := openDir(t)
	f, _ := d.Create("a")
	f.f.Close() // every write from here on fails
	fmt.Fprint(f, strings.Repeat("x", 2*blockSize))
	for range 2 {
		if err := f.Commit(); err == nil || !strings.HasPrefix(err.Error(), "write a: ") {
			t.Errorf("Commit: %v", err)
		}
	}
	g, _ := d.Create("b")
	fmt.Fprint(g, "short") // stays in the buffer until Commit
	g.f.Close()
	for range 2 {
		if err := g.Commit(); err == nil {
			t.Error("Commit of a failed flush succeeds")
		}
	}
	h, _ := d.Create("c")
	os.MkdirAll(filepath.Join(d.Path("c"), "in the way"), 0o755)
	if err := h.Commit(); err == nil {
		t.Error("Commit onto a directory succeeds")
	}
	if got := files(t, d); len(got) != 0 {
		t.Errorf("files left: %q", got)
	}
}

func TestDirNames(t *testing.T) {
	d := openDir(t)
	for _, name := range []string{"", ".", "..", "../x", "/etc/x", "a/../../x", "a/" + TempPrefix + "x"} {
		if _, err := d.Create(name); err == nil {
			t.Errorf("Create(%q) succeeds", name)
		}
		if err := d.Remove(name); err == nil {
			t.Errorf("Remove(%q) succeeds", name)
		}
		if !strings.HasPrefix(d.Path(name), d.Root()) {
			t.Errorf("Path(%q) = %s", name, d.Path(name))
		}
	}
	if _, err := d.Stat("missing"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Stat: %v", err)
	}
	if err := d.Remove("missing"); err != nil {
		t.Errorf("Remove: %v", err)
	}
}

func TestOpenDirErrors(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	os.WriteFile(file, nil, 0o644)
	for path, want := range map[string]string{"": "the path is empty", file: "exists and is not a directory", file + "/x": "exists and is not a directory"} {
		_, err := OpenDir(path)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("OpenDir(%q): %v, want %q", path, err, want)
		}
	}
}

func TestDirLink(t *testing.T) {
	d := openDir(t)
	put(t, d, "shards/a", "one")
	put(t, d, "tables/old", "zero")
	for _, to := range []string{"tables/new", "tables/old", "tables/new", "shards/a"} {
		if err := d.Link("shards/a", to); err != nil {
			t.Fatal(err)
		}
		if b, _ := os.ReadFile(d.Path(to)); string(b) != "one" {
			t.Errorf("%s has %q", to, b)
		}
	}
	if err := d.Link("missing", "x"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Link of a missing file: %v", err)
	}
	if err := d.copy(d.Path("shards/a"), "copy"); err != nil {
		t.Error(err)
	}
	if got := fmt.Sprint(files(t, d)); got != "[copy shards/a tables/new tables/old]" {
		t.Errorf("files: %s", got)
	}
}

// TestCleanTemp leaves a writer killed in the middle, and one that lives.
func TestCleanTemp(t *testing.T) {
	if dir := os.Getenv("SINKS_TEST_CHILD"); dir != "" {
		d, _ := OpenDir(dir)
		f, _ := d.Create("deep/x")
		f.f.WriteString("half")
		os.Exit(9) // as killed: no Abort
	}
	d := openDir(t)
	child := exec.Command(os.Args[0], "-test.run=^TestCleanTemp$")
	child.Env = append(os.Environ(), "SINKS_TEST_CHILD="+d.Root())
	child.Run()
	if got := files(t, d); len(got) != 1 {
		t.Fatalf("the child left %q", got)
	}

	ours, _ := d.Create("deep/y")
	defer ours.Abort()
	pid, old := os.Getpid(), time.Now().Add(-48*time.Hour)
	leave := func(name string, changed time.Time) {
		os.WriteFile(filepath.Join(d.Root(), name), nil, 0o644)
		os.Chtimes(filepath.Join(d.Root(), name), changed, changed)
	}
	leave(fmt.Sprintf("%s%s-%d-ANCESTOR-x", TempPrefix, host, pid), old)        // our id, before our start
	leave(fmt.Sprintf("%s%s-%d-SIBLING-x", TempPrefix, host, pid), time.Now())  // our id in another container
	leave(fmt.Sprintf("%s%s-%d-PARENT-x", TempPrefix, host, os.Getppid()), old) // alive
	leave(fmt.Sprintf("%sfar_%s-1-AWAY-x", TempPrefix, host), time.Now())       // another host, fresh
	leave(fmt.Sprintf("%sfar_%s-1-AWAYOLD-x", TempPrefix, host), old)           // another host, at rest
	leave("finished", old)
	n, err := d.CleanTemp()
	if err != nil || n != 3 {
		t.Errorf("CleanTemp = %d, %v; want 3", n, err)
	}
	got := fmt.Sprint(files(t, d))
	for _, want := range []string{"SIBLING", "PARENT", "AWAY-", "finished", instance} {
		if !strings.Contains(got, want) {
			t.Errorf("%s is gone from %s", want, got)
		}
	}
	if err := ours.Commit(); err != nil {
		t.Error(err)
	}
}
