package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// step is a command of a walk-through and the output that it shows.
type step struct {
	line    int
	command string
	want    []string // lines; "…" stands for any number of them, at a line's end for the rest
}

// steps reads the console blocks of a Markdown file.
func steps(text string) []step {
	var list []step
	inside := false
	for i, line := range strings.Split(text, "\n") {
		switch {
		case strings.HasPrefix(line, "```"):
			inside = line == "```console"
		case !inside:
		case strings.HasPrefix(line, "$ "):
			list = append(list, step{line: i + 1, command: line[2:]})
		case len(list) > 0 && strings.HasSuffix(list[len(list)-1].command, "\\"):
			s := &list[len(list)-1]
			s.command = strings.TrimSuffix(s.command, "\\") + strings.TrimSpace(line)
		default:
			s := &list[len(list)-1]
			s.want = append(s.want, line)
		}
	}
	return list
}

// matches reports whether the output is what is shown, and if not from which
// line on.
func matches(got, want []string) (ok bool, at string) {
	gap := false
	for _, w := range want {
		if w == "…" {
			gap = true
			continue
		}
		head, rest := strings.CutSuffix(w, "…")
		for {
			if len(got) == 0 {
				return false, w
			}
			line := strings.TrimRight(got[0], " ")
			got = got[1:]
			if line == strings.TrimRight(w, " ") || rest && strings.HasPrefix(line, head) {
				break
			}
			if !gap {
				return false, w
			}
		}
		gap = false
	}
	return gap || len(got) == 0, "the end"
}

// The commands of the walk-through give what it shows.
func TestGuide(t *testing.T) {
	b, err := os.ReadFile(filepath.Join("..", "..", "docs", "guide.md"))
	if err != nil {
		t.Fatal(err)
	}
	list := steps(string(b))
	if len(list) < 10 {
		t.Fatalf("only %d commands were found", len(list))
	}
	dir := t.TempDir()
	for _, s := range list {
		if file, ok := strings.CutPrefix(s.command, "cat "); ok { // shows a file that the reader is to write
			if err := os.WriteFile(filepath.Join(dir, file), []byte(strings.Join(s.want, "\n")+"\n"), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		cmd := exec.Command("bash", "-c", "set -o pipefail; "+s.command)
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "LC_ALL=C")
		out, err := cmd.Output()
		if err != nil {
			t.Errorf("guide.md:%d: %s: %v", s.line, s.command, err)
			continue
		}
		got := strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
		if ok, at := matches(got, s.want); !ok {
			t.Errorf("guide.md:%d: %s: the output lacks %q:\n%s", s.line, s.command, at, out)
		}
	}
}
