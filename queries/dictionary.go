package queries

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"servegrid/internal/lazyregexp"
	"servegrid/internal/schema"
	"servegrid/internal/suggest"
)

// Entry describes a table, view or macro of the warehouse.
type Entry struct {
	Name     string
	Kind     string // table, view, or macro
	Question string // that it answers
	Grain    string
	Call     string // how a macro is called; "" for the others
	Columns  []DictionaryColumn
}

// DictionaryColumn is a column of an Entry.
type DictionaryColumn struct {
	Name, Type, Unit, Null, Meaning, Example string
}

var (
	headerLine = lazyregexp.New(`(?m)^-- ?(.*)\n`)
	defines    = lazyregexp.New(`(?m)^create or replace (view|macro) (\w+)(?:\(([^)]*)\) as( table)?)?`)
)

// Dictionary lists what can be asked, in the order of the SQL files: the tables,
// views and table macros, with the columns that they have.
func (db *DB) Dictionary(ctx context.Context) ([]Entry, error) {
	var all []Entry
	_, texts := Views()
	run, err := db.latestRun(ctx)
	if err != nil {
		return nil, err
	}
	for _, text := range texts {
		sections := header(text)
		for _, m := range defines.FindAllStringSubmatch(text, -1) {
			e := Entry{Name: m[2], Kind: m[1], Question: sections["Question"], Grain: sections["Grain"]}
			from := m[2]
			switch {
			case m[1] == "macro" && m[4] == "":
				continue // gives one value
			case m[1] == "macro":
				e.Call, from = call(m[2], m[3], run)
			case schema.Lookup(m[2]) != nil:
				e.Kind = "table"
			}
			if e.Columns, err = db.describe(ctx, e.Name, from); err != nil {
				return nil, err
			}
			all = append(all, e)
		}
	}
	return all, nil
}

// Describe returns the entries of one name: a view and a macro may share it.
func (db *DB) Describe(ctx context.Context, name string) ([]Entry, error) {
	all, err := db.Dictionary(ctx)
	if err != nil {
		return nil, err
	}
	var found []Entry
	var names []string
	for _, e := range all {
		if e.Name == name {
			found = append(found, e)
		}
		if !slices.Contains(names, e.Name) {
			names = append(names, e.Name)
		}
	}
	if len(found) == 0 {
		return nil, suggest.Unknown("table", name, names)
	}
	return found, nil
}

// header cuts the opening comment into its sections.
func header(text string) map[string]string {
	sections := map[string]string{}
	at := ""
	top, _, _ := strings.Cut(text, "create or replace")
	for _, m := range headerLine.FindAllStringSubmatch(top, -1) {
		if name, rest, ok := strings.Cut(m[1], ": "); ok && slices.Contains([]string{"Question", "Call", "Required", "Grain", "Units", "Ties"}, name) {
			at, sections[name] = name, rest
			continue
		}
		sections[at] += " " + strings.TrimSpace(m[1])
	}
	return sections
}

// call spells a macro with all of its parameters, and as it is asked for its columns:
// about nothing, or about a run where it needs one.
func call(name, parameters, run string) (shown, asked string) {
	needed := map[string]string{"run_a": quote(run), "run_b": quote(run), "folder": "tables_of(" + quote(run) + ")"}
	var given, values []string
	for _, p := range strings.Split(parameters, ",") {
		p = strings.TrimSpace(p)
		given = append(given, p)
		if !strings.Contains(p, ":=") {
			values = append(values, p+" := "+cmp.Or(needed[p], "null"))
		}
	}
	return name + "(" + strings.Join(given, ", ") + ")", name + "(" + strings.Join(values, ", ") + ")"
}

func (db *DB) describe(ctx context.Context, table, from string) ([]DictionaryColumn, error) {
	r, err := db.run(ctx, "describe from "+from)
	if err != nil {
		return nil, fmt.Errorf("describe %s: %w", table, err)
	}
	var columns []DictionaryColumn
	for _, row := range r.Rows {
		name, typ := row[0].(string), row[1].(string)
		c, err := schema.Describe(table, name)
		if err != nil {
			return nil, err
		}
		null := "no"
		if c.Nullable || strings.Contains(c.Doc, "null") {
			null = "yes"
		}
		columns = append(columns, DictionaryColumn{Name: name, Type: strings.ToLower(typ), Unit: c.Unit, Null: null, Meaning: c.Doc, Example: schema.Example(name)})
	}
	return columns, nil
}

// latestRun names a run whose tables are there.
func (db *DB) latestRun(ctx context.Context) (string, error) {
	r, err := db.run(ctx, "select r.run from runs as r limit 1")
	if err != nil {
		return "", err
	}
	if len(r.Rows) == 0 {
		return "", ErrEmpty
	}
	return r.Rows[0][0].(string), nil
}
