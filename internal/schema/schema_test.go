package schema

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite testdata/columns.txt; refused while Version is the recorded one")

const recorded = "testdata/columns.txt"

// listing spells what readers rely on.
func listing() string {
	var b strings.Builder
	fmt.Fprintf(&b, "version %d\n", Version)
	for _, t := range Tables() {
		for _, c := range t.Columns {
			null := ""
			if c.Nullable {
				null = " null"
			}
			fmt.Fprintf(&b, "%s.%s %s%s %s\n", t.Name, c.Name, c.Type, null, c.Unit)
		}
	}
	return b.String()
}

// A column cannot change without a new Version.
func TestColumnsDoNotChangeSilently(t *testing.T) {
	b, err := os.ReadFile(recorded)
	if err != nil && !*update {
		t.Fatal(err)
	}
	want, got := string(b), listing()
	if got == want {
		return
	}
	before, _, _ := strings.Cut(want, "\n")
	now, _, _ := strings.Cut(got, "\n")
	switch {
	case before == now:
		t.Fatalf("columns changed, but schema.Version did not: raise it, then run go test ./internal/schema -update\n%s", difference(want, got))
	case *update:
		if err := os.WriteFile(recorded, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Fatalf("%s is of %s, the columns are of %s: run go test ./internal/schema -update", recorded, before, now)
	}
}

// difference lists the lines that only one of two texts has.
func difference(a, b string) string {
	var out []string
	for _, s := range []struct{ sign, from, in string }{{"-", a, b}, {"+", b, a}} {
		for line := range strings.Lines(s.from) {
			if !strings.Contains(s.in, line) {
				out = append(out, s.sign+strings.TrimSpace(line))
			}
		}
	}
	return strings.Join(out, "\n")
}

// Every column says what it means; names are unique within a table.
func TestColumnsAreDescribed(t *testing.T) {
	for _, table := range Tables() {
		seen := map[string]bool{}
		for _, c := range table.Columns {
			if c.Doc == "" || seen[c.Name] {
				t.Errorf("%s.%s: undescribed or there twice", table.Name, c.Name)
			}
			seen[c.Name] = true
			if c.Nullable && !strings.Contains(c.Doc, "null") {
				t.Errorf("%s.%s is nullable and does not say when it is null", table.Name, c.Name)
			}
		}
	}
	for _, c := range derived {
		for _, table := range Tables() {
			if table.Index(c.Name) >= 0 && table != Coverage {
				t.Errorf("derived column %s is one of %s", c.Name, table.Name)
			}
		}
	}
}

// A name has one type and one unit, wherever it is.
func TestOneNameOneMeaning(t *testing.T) {
	first := map[string]Column{}
	for _, table := range Tables() {
		for _, c := range table.Columns {
			f, ok := first[c.Name]
			if !ok {
				first[c.Name] = c
			} else if f.Type != c.Type || f.Unit != c.Unit {
				t.Errorf("%s is %s [%s] in %s and %s [%s] elsewhere", c.Name, c.Type, c.Unit, table.Name, f.Type, f.Unit)
			}
		}
	}
}

func TestPeerNamesExist(t *testing.T) {
	for _, p := range PeerNames {
		if p.Column == "" {
			if p.Note == "" {
				t.Errorf("%s has neither a column nor a reason", p.Peer)
			}
			continue
		}
		if _, err := Describe("", p.Column); err != nil {
			t.Errorf("%s: %v", p.Peer, err)
		}
	}
}
