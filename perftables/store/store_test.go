package store

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"servegrid/perftables"
	"servegrid/perftables/importer"
)

// pkg is a set with n tables whose latency tells sets apart.
func pkg(t testing.TB, n int, latency float64) *importer.Package {
	t.Helper()
	p := &importer.Package{Source: "test", Generation: perftables.GenerationRaw, Tables: map[string][]byte{}, Systems: perftables.Embedded().Layers()[0].Systems}
	tab := &perftables.Table{Kind: perftables.KindGEMM, Source: "test", Read: 2, Slices: []perftables.Slice{{
		Key: []string{"fp8"}, Rows: []perftables.Row{{Coords: [3]int{1, 64, 64}, Latency: latency}, {Coords: [3]int{2, 64, 64}, Latency: 2 * latency}},
	}}}
	b, err := tab.Pack()
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		p.Tables[fmt.Sprintf("h200_sxm/vllm/9.0.%d/gemm.tbl", i)] = b
	}
	return p
}

// check reports what is wrong with a store: every set in the index must be whole.
func check(s *Store) error {
	layers, err := s.Layers()
	if err != nil {
		return err
	}
	if len(layers) == 0 {
		return nil
	}
	tables, err := perftables.Layers(layers...).Tables()
	if err != nil {
		return err
	}
	for i := range tables {
		if _, err := tables[i].Load(); err != nil {
			return err
		}
	}
	sets, err := s.Sets()
	if err != nil {
		return err
	}
	for _, e := range sets {
		info, err := s.Info(e)
		if err != nil {
			return err
		}
		have := map[string][]byte{}
		dir := filepath.Join(s.folder(e), "tables")
		for _, t := range tables {
			if t.Layer == e.Name {
				if have[t.Name()+".tbl"], err = os.ReadFile(filepath.Join(dir, t.Name()+".tbl")); err != nil {
					return err
				}
			}
		}
		want := info.Digest
		info.Digest = ""
		if got, err := digest(info, have); err != nil || got != want {
			return fmt.Errorf("set %s is not what its digest says (%w)", e.Name, err)
		}
	}
	return nil
}

func names(t *testing.T, s *Store) []string {
	t.Helper()
	sets, err := s.Sets()
	if err != nil {
		t.Fatal(err)
	}
	var n []string
	for _, e := range sets {
		n = append(n, e.Name)
	}
	return n
}

func folders(t *testing.T, s *Store) int {
	t.Helper()
	f, err := os.ReadDir(filepath.Join(s.root, "sets"))
	if err != nil {
		t.Fatal(err)
	}
	return len(f)
}

func TestInstallReplaceRemove(t *testing.T) {
	s := Open(filepath.Join(t.TempDir(), "new", "store"))
	if layers, err := s.Layers(); err != nil || len(layers) != 0 {
		t.Fatalf("a store that does not exist: %v, %v", layers, err)
	}
	for _, step := range []struct {
		name    string
		latency float64
		want    []string
	}{{"a", 1, []string{"a"}}, {"b", 2, []string{"b", "a"}}, {"a", 3, []string{"a", "b"}}, {"a", 3, []string{"a", "b"}}} {
		if _, err := s.Install(step.name, pkg(t, 2, step.latency)); err != nil {
			t.Fatal(err)
		}
		if got := names(t, s); !slices.Equal(got, step.want) || folders(t, s) != len(step.want) {
			t.Errorf("after %s: sets %v in %d folders, want %v", step.name, got, folders(t, s), step.want)
		}
		if err := check(s); err != nil {
			t.Error(err)
		}
	}
	if err := s.Remove("c"); err == nil || !strings.Contains(err.Error(), `unknown table set "c"`) {
		t.Errorf("removing what is not there: %v", err)
	}
	if err := s.Remove("a"); err != nil || !slices.Equal(names(t, s), []string{"b"}) || folders(t, s) != 1 {
		t.Errorf("after removing a: %v, %v", names(t, s), err)
	}
}

// A set that cannot be written leaves the store as it was.
func TestFailedInstall(t *testing.T) {
	s := Open(t.TempDir())
	if _, err := s.Install("a", pkg(t, 1, 1)); err != nil {
		t.Fatal(err)
	}
	bad := pkg(t, 1, 2)
	bad.Tables["h200_sxm/vllm/9.0.0/gemm.tbl/x.tbl"] = []byte("x") // a file where a folder must be
	if _, err := s.Install("a", bad); err == nil {
		t.Fatal("a set that cannot be written is installed")
	}
	if err := check(s); err != nil || !slices.Equal(names(t, s), []string{"a"}) || folders(t, s) != 1 {
		t.Errorf("after the failure: %v, %d folders, %v", names(t, s), folders(t, s), err)
	}
}

// TestMain is the other process of the tests below when it is told so: it installs
// sets again and again, and says so after each.
func TestMain(m *testing.M) {
	root := os.Getenv("STORE_TEST_ROOT")
	if root == "" {
		os.Exit(m.Run())
	}
	for i := 0; ; i++ {
		if _, err := Open(root).Install(os.Getenv("STORE_TEST_NAME"), pkg(&testing.T{}, 40, float64(1+i%3))); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println("installed")
		if os.Getenv("STORE_TEST_ROUNDS") == fmt.Sprint(i+1) {
			return
		}
	}
}

func process(t *testing.T, root, name, rounds string) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "STORE_TEST_ROOT="+root, "STORE_TEST_NAME="+name, "STORE_TEST_ROUNDS="+rounds)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	return cmd, bufio.NewScanner(out)
}

// Two processes that install at the same time both succeed, and a reader sees
// whole sets all along.
func TestTwoProcesses(t *testing.T) {
	s := Open(t.TempDir())
	a, outA := process(t, s.root, "a", "8")
	b, outB := process(t, s.root, "b", "8")
	for outA.Scan() {
		if outA.Text() != "installed" {
			t.Error(outA.Text())
		}
		if _, err := s.Layers(); err != nil && !errors.Is(err, os.ErrNotExist) { // a set that was replaced since the index was read
			t.Error(err)
		}
	}
	for outB.Scan() {
		if outB.Text() != "installed" {
			t.Error(outB.Text())
		}
	}
	if err := errors.Join(a.Wait(), b.Wait(), check(s)); err != nil {
		t.Error(err)
	}
	got := names(t, s)
	slices.Sort(got)
	if !slices.Equal(got, []string{"a", "b"}) || folders(t, s) != 2 {
		t.Errorf("sets %v in %d folders", got, folders(t, s))
	}
}

// A process that is killed while it installs leaves a valid store, which the next
// installation cleans.
func TestKill(t *testing.T) {
	s := Open(t.TempDir())
	for round := range 15 {
		cmd, out := process(t, s.root, "a", "0")
		for range round % 4 {
			out.Scan()
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		cmd.Wait()
		if err := check(s); err != nil {
			t.Fatalf("after kill %d: %v", round, err)
		}
	}
	if _, err := s.Install("b", pkg(t, 1, 9)); err != nil {
		t.Fatal(err)
	}
	if err := check(s); err != nil || folders(t, s) != len(names(t, s)) {
		t.Errorf("after the next installation: %v, %d folders of %v", err, folders(t, s), names(t, s))
	}
}
