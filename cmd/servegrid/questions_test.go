package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const questions = "../../docs/queries.md"

// block is a fenced part of a page.
type block struct{ kind, text string }

// blocks cuts a page into what stands between fences, and the rest (kind "").
func blocks(page string) []block {
	var out []block
	for i, part := range strings.Split(page, "```") {
		if i%2 == 0 {
			out = append(out, block{"", part})
			continue
		}
		kind, text, _ := strings.Cut(part, "\n")
		out = append(out, block{kind, text})
	}
	return out
}

// The questions of the page give its answers; -update rewrites them.
func TestQuestions(t *testing.T) {
	b, err := os.ReadFile(questions)
	if err != nil {
		t.Fatal(err)
	}
	root := filepath.Join(t.TempDir(), "warehouse")
	call := func(args ...string) string {
		var stdout, stderr bytes.Buffer
		if code := run(append([]string{"servegrid"}, args...), &stdout, &stderr); code != 0 {
			t.Fatalf("%q: exit code %d: %s", args, code, &stderr)
		}
		return stdout.String()
	}
	parts := blocks(string(b))
	asked, answer := 0, ""
	for i := range parts {
		p := &parts[i]
		switch p.kind {
		case "yaml":
			name := strings.TrimPrefix(strings.SplitN(p.text, "\n", 2)[0], "name: ")
			spec := filepath.Join(t.TempDir(), "spec.yaml")
			if err := os.WriteFile(spec, []byte(p.text), 0o644); err != nil {
				t.Fatal(err)
			}
			call("sweep", spec, "--warehouse", root, "--run", name)
		case "csv":
			if err := os.WriteFile(filepath.Join(root, "prices.csv"), []byte(p.text), 0o644); err != nil {
				t.Fatal(err)
			}
		case "sql":
			asked++
			answer = call("query", "--warehouse", root, p.text)
			if strings.Count(answer, "\n") < 3 {
				t.Errorf("no rows: %s", p.text)
			}
		case "text":
			if p.text != answer && !*update {
				t.Errorf("question %d: got\n%s\nwant\n%s", asked, answer, p.text)
			}
			p.text = answer
		}
	}
	if asked != 20 {
		t.Errorf("%d questions, want 20", asked)
	}
	if *update {
		var page strings.Builder
		for _, p := range parts {
			if p.kind == "" {
				page.WriteString(p.text)
			} else {
				page.WriteString("```" + p.kind + "\n" + p.text + "```")
			}
		}
		if err := os.WriteFile(questions, []byte(page.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
