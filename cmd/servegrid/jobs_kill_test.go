//go:build cgo && unix

package main

import (
	"bufio"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// A job that is killed behind its sweep and before its report is out reports the next
// time, although that scores nothing: the run that nobody heard of is not what it
// compares with.
func TestJobKilledBeforeItsReport(t *testing.T) {
	dir := t.TempDir()
	spec := filepath.Join(dir, "spec.yaml")
	run := func(stdout *os.File, models string, command ...string) *exec.Cmd {
		text := "name: kill\nmodels: [" + models + "]\nsystems: [h200_sxm]\nbackends: [vllm]\ngpus: [8]\nisl: [4000]\nosl: [500]\n"
		if err := os.WriteFile(spec, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		exe, err := os.Executable()
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(exe, append(command, spec, "--warehouse", filepath.Join(dir, "warehouse"))...)
		cmd.Args[0] = "servegrid" // see TestMain
		cmd.Env = append(os.Environ(), "SERVEGRID_TABLES="+filepath.Join(dir, "tables"))
		if stdout != nil {
			cmd.Stdout = stdout
		}
		return cmd
	}
	if err := run(nil, "Qwen/Qwen3-32B-FP8", "sweep").Run(); err != nil {
		t.Fatal(err)
	}
	killBehindSweep(t, run(fullPipe(t), "Qwen/Qwen3-32B-FP8, Qwen/Qwen2.5-7B", "jobs", "run"))
	out, err := run(nil, "Qwen/Qwen3-32B-FP8, Qwen/Qwen2.5-7B", "jobs", "run").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"2 shards, of which 0 scored now\n", "new     model  Qwen/Qwen2.5-7B\n"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("%q is not in the report:\n%s", want, out)
		}
	}
}

// killBehindSweep kills a job that has published its run, as the summary of the sweep
// says.
func killBehindSweep(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	stderr, err := cmd.StderrPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(stderr)
	for lines.Scan() && !strings.HasPrefix(lines.Text(), "warehouse ") {
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatalf("the job ended before its report was read: %v", err)
	}
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) || exit.Exited() {
		t.Fatalf("the job was not killed: %v", err)
	}
}

// fullPipe is a pipe that nobody reads and that takes no more: who writes to it waits.
func fullPipe(t *testing.T) *os.File {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close(); w.Close() })
	fd := int(w.Fd())
	if err := syscall.SetNonblock(fd, true); err != nil {
		t.Fatal(err)
	}
	for size := 4096; size > 0; {
		switch _, err := syscall.Write(fd, make([]byte, size)); {
		case errors.Is(err, syscall.EAGAIN):
			size /= 2
		case err != nil:
			t.Fatal(err)
		}
	}
	if err := syscall.SetNonblock(fd, false); err != nil {
		t.Fatal(err)
	}
	return w
}
