package queries

import (
	"bytes"
	"encoding/csv"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"servegrid/internal/schema"
	"servegrid/sinks"
)

var update = flag.Bool("update", false, "rewrite the expected rows in testdata")

// TestText runs testdata/*.txt: sections separated by blank lines,
//
//	# a comment
//
//	load TABLE
//	column,column
//	value,value        null is a null, columns left out are zero
//
//	query
//	select …
//	----
//	expected rows as CSV
//
// A load replaces the table for the queries that follow.
func TestText(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no testdata", err)
	}
	for _, name := range files {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txt"), func(t *testing.T) { runText(t, name) })
	}
}

func runText(t *testing.T, name string) {
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	tabs := tables{}
	var db *DB
	var out []string
	for _, section := range strings.Split(strings.TrimSpace(string(text)), "\n\n") {
		first, rest, _ := strings.Cut(section, "\n")
		switch verb, arg, _ := strings.Cut(first, " "); verb {
		case "#":
		case "load":
			tabs[arg] = parseRows(t, arg, rest)
			db = nil
		case "query":
			if db == nil {
				db = openWarehouse(t, tabs, nil)
			}
			query, want, _ := strings.Cut(rest, "\n----")
			var got bytes.Buffer
			r := ask(t, db, query)
			if err := sinks.WriteTable(&got, "csv", r.Columns, r.Rows); err != nil {
				t.Fatal(err)
			}
			result := strings.TrimSpace(got.String())
			if !*update && result != strings.TrimSpace(want) {
				t.Errorf("%s\ngot\n%s\nwant%s", query, result, want)
			}
			section = "query\n" + query + "\n----\n" + result
		default:
			t.Fatalf("%s: unknown section %q", name, first)
		}
		out = append(out, section)
	}
	if *update {
		if err := os.WriteFile(name, []byte(strings.Join(out, "\n\n")+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func parseRows(t *testing.T, table, text string) *schema.Rows {
	t.Helper()
	tab := schema.Lookup(table)
	lines, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if tab == nil || err != nil {
		t.Fatalf("load %s: %v", table, err)
	}
	return build(tab, len(lines)-1, func(i int) map[string]any {
		row := map[string]any{}
		for j, name := range lines[0] {
			v, err := parseValue(tab, name, lines[i+1][j])
			if err != nil {
				t.Fatalf("load %s: row %d: %v", table, i, err)
			}
			row[name] = v
		}
		return row
	})
}

func parseValue(tab *schema.Table, name, text string) (any, error) {
	at := tab.Index(name)
	if at < 0 {
		return nil, fmt.Errorf("no column %q", name)
	}
	if text == "null" {
		return nil, nil
	}
	switch tab.Columns[at].Type {
	case schema.Int32:
		return strconv.Atoi(text)
	case schema.Float64:
		return strconv.ParseFloat(text, 64)
	case schema.Bool:
		return strconv.ParseBool(text)
	}
	return text, nil
}
