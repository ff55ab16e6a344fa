package schema

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// engine is a program that reads Parquet files where they are.
type engine struct {
	name   string
	types  map[Type]string
	head   string // before the tables
	create string // of a table's name
	column func(c *Column, sqlType string) string
	close  string // of a table's location
}

// quoted spells a text between single quotes, which the escape stands for inside.
func quoted(text, escape string) string { return "'" + strings.ReplaceAll(text, "'", escape) + "'" }

var engines = []engine{
	{
		name:  "trino",
		types: map[Type]string{String: "varchar", Int32: "integer", Float64: "double", Bool: "boolean"},
		head: "-- Trino, Hive connector. Files are in folders below a table's location, so that its catalog needs\n" +
			"-- hive.recursive-directories=true.\n",
		create: "create table servegrid.%s (\n",
		column: func(c *Column, sqlType string) string {
			return fmt.Sprintf("  %s %s comment %s", c.Name, sqlType, quoted(c.Text(), "''"))
		},
		close: "\n) with (format = 'PARQUET', external_location = '%s');\n",
	},
	{
		name:   "spark",
		types:  map[Type]string{String: "string", Int32: "int", Float64: "double", Bool: "boolean"},
		head:   "-- Spark SQL.\n",
		create: "create table servegrid.%s (\n",
		column: func(c *Column, sqlType string) string {
			return fmt.Sprintf("  %s %s comment %s", c.Name, sqlType, quoted(c.Text(), `\'`))
		},
		close: "\n) using parquet options (path '%s', recursiveFileLookup 'true');\n",
	},
	{
		name:   "bigquery",
		types:  map[Type]string{String: "string", Int32: "int64", Float64: "float64", Bool: "bool"},
		head:   "-- BigQuery, of files in Google Cloud Storage. The star stands for folders too.\n",
		create: "create external table servegrid.%s (\n",
		column: func(c *Column, sqlType string) string {
			return fmt.Sprintf("  %s %s options (description = %s)", c.Name, sqlType, strconv.Quote(c.Text()))
		},
		close: "\n) options (format = 'PARQUET', uris = ['%s/*.parquet']);\n",
	},
}

// statements returns what makes the tables of a run known to an engine.
func (e *engine) statements() string {
	var b strings.Builder
	fmt.Fprintf(&b, "-- Written by go test ./internal/schema -run TestExternalTables -update.\n%s"+
		"-- Replace WAREHOUSE by where the warehouse is and RUN by the name of a run. Of schema version %d.\n", e.head, Version)
	for _, t := range Tables() {
		if t == Validation {
			continue // of the warehouse, not of a run
		}
		fmt.Fprintf(&b, "\n-- %s\n"+e.create, t.Grain, t.Name)
		for i := range t.Columns {
			if i > 0 {
				b.WriteString(",\n")
			}
			b.WriteString(e.column(&t.Columns[i], e.types[t.Columns[i].Type]))
		}
		fmt.Fprintf(&b, e.close, "WAREHOUSE/runs/RUN/tables/"+t.Name)
	}
	return b.String()
}

// The statements that people paste into other engines are those of this schema.
func TestExternalTables(t *testing.T) {
	for _, e := range engines {
		file := filepath.Join("../../docs/external", e.name+".sql")
		if *update {
			if err := os.WriteFile(file, []byte(e.statements()), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if got := e.statements(); got != string(b) {
			t.Errorf("%s differs from the schema: run go test ./internal/schema -run TestExternalTables -update\n%s", file, difference(string(b), got))
		}
	}
}
