package queries

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"servegrid/internal/schema"
)

// The dictionary for people and the comments for databases are written from the
// list of columns; -update rewrites them.
func TestDictionary(t *testing.T) {
	tabs := randomTables(rand.New(rand.NewPCG(1, 1)), 20, 20)
	db := openWarehouse(t, tabs, nil)
	writeRun(t, db.Root(), "r1", tabs)
	entries, err := db.Dictionary(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "../docs/schema.md", schemaPage(entries))
	golden(t, "views/25_comments.sql", comments())
	for _, e := range entries {
		for _, c := range e.Columns {
			if c.Example == "" {
				t.Errorf("%s.%s has no example", e.Name, c.Name)
			}
		}
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(name, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil || string(want) != got {
		t.Errorf("%s is not what the columns say (%v): run go test ./queries -run TestDictionary -update", name, err)
	}
}

// comments is the SQL file that carries the dictionary into a database.
func comments() string {
	var b strings.Builder
	b.WriteString(`-- Question: what does a column mean? Ask duckdb_columns(), or look at it in any tool.
-- Grain: one comment per column of the tables, which are all there is to know about the
-- columns of the views: one name has one meaning.
-- Units: in brackets.
-- Ties: none. Written by go test ./queries -run TestDictionary -update.
`)
	for _, t := range schema.Tables() {
		fmt.Fprintf(&b, "comment on view %s is %s;\n", t.Name, quote(t.Grain))
		for i := range t.Columns {
			fmt.Fprintf(&b, "comment on column %s.%s is %s;\n", t.Name, t.Columns[i].Name, quote(t.Columns[i].Text()))
		}
	}
	return b.String()
}

func schemaPage(entries []Entry) string {
	var b strings.Builder
	fmt.Fprintf(&b, `# Schema

<!-- Written by go test ./queries -run TestDictionary -update. -->

Tables are Parquet files below `+"`tables/`"+` (the latest finished run) or `+"`runs/<run>/tables/`"+`; `+"`validation/`"+` and `+"`prices.csv`"+` belong to the
warehouse and outlive its runs. Views and macros are the files in `+"`queries/views`"+`, which the DuckDB shell and Python's duckdb run unchanged:

    cd warehouse && cat /path/to/queries/views/*.sql > /tmp/views.sql && duckdb -init /tmp/views.sql

The same text is in every Parquet file as metadata (`+"`column.NAME`, `grain`"+`) and, with these files, in DuckDB's column comments.

## Version %d

Every Parquet file says which version of this schema it has (`+"`schema_version`"+` in its metadata), every run in its manifest. The number is raised
when a column is added, removed, renamed, or changes its type, unit or null rule; a test fails when one changes without that. A program reads
warehouses of its own version and refuses others in one line. Scoring is cheap: sweep again instead of migrating. Columns of views may be added
at any time, behind the others; name the columns that you use.

Names: a unit is the tail of a name (`+"`_ms`, `_gib`, `_per_s`"+`), `+"`replica_`"+` is of one replica and nothing is of the whole deployment, `+"`prefill_`"+` is of the prefill
side, and bare layout columns are of the only worker or of the decode worker. A figure that does not exist is null; NaN and infinities are never written.

`, schema.Version)
	for _, kind := range []string{"table", "view", "macro"} {
		fmt.Fprintf(&b, "## %s%ss\n\n", strings.ToUpper(kind[:1]), kind[1:])
		for _, e := range entries {
			if e.Kind != kind {
				continue
			}
			fmt.Fprintf(&b, "### %s\n\n%s\n\nGrain: %s\n\n", e.Name, e.Question, e.Grain)
			if e.Call != "" {
				fmt.Fprintf(&b, "    from %s\n\n", e.Call)
			}
			b.WriteString("| column | type | unit | null | meaning | example |\n| --- | --- | --- | --- | --- | --- |\n")
			for _, c := range e.Columns {
				fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s | %s |\n", c.Name, c.Type, c.Unit, c.Null, c.Meaning, c.Example)
			}
			b.WriteString("\n")
		}
	}
	b.WriteString("## AIConfigurator's names\n\n`(p)` is the prefill side, `(d)` the decode side.\n\n| AIConfigurator | here | |\n| --- | --- | --- |\n")
	for _, p := range schema.PeerNames {
		column := "`" + p.Column + "`"
		if p.Column == "" {
			column = ""
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", p.Peer, column, p.Note)
	}
	return b.String()
}
