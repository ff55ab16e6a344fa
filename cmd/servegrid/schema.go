//go:build cgo

package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"servegrid/internal/schema"
	"servegrid/queries"
	"servegrid/sinks"
)

func schemaCommand() *cli.Command {
	return &cli.Command{
		Name:      "schema",
		Usage:     "explain the tables, views and macros of a warehouse, and their columns",
		ArgsUsage: "[TABLE]",
		Description: `Without a name: what there is, and which question it answers. No warehouse is
needed. Example:
  servegrid schema best_config`,
		Flags: []cli.Flag{outputFlag()},
		Action: func(c *cli.Context) error {
			format, err := outputFormat(c)
			if err != nil {
				return err
			}
			if c.NArg() > 1 {
				return usagef("want one name, got %d", c.NArg())
			}
			db, err := emptyWarehouse(c.Context)
			if err != nil {
				return err
			}
			defer os.RemoveAll(db.Root())
			defer db.Close()
			if c.NArg() == 0 {
				entries, err := db.Dictionary(c.Context)
				if err != nil {
					return err
				}
				var rows [][]any
				for _, e := range entries {
					rows = append(rows, []any{e.Name, e.Kind, len(e.Columns), e.Question})
				}
				return sinks.WriteTable(c.App.Writer, format, []string{"name", "kind", "columns", "question"}, rows)
			}
			entries, err := db.Describe(c.Context, c.Args().First())
			if err != nil {
				return asUsage(err)
			}
			for i, e := range entries {
				if format == "table" {
					if i > 0 {
						fmt.Fprintln(c.App.Writer)
					}
					fmt.Fprintf(c.App.Writer, "%s %s: %s\n%s\n", e.Kind, e.Name, e.Question, e.Grain)
					if e.Call != "" {
						fmt.Fprintf(c.App.Writer, "from %s\n", e.Call)
					}
					fmt.Fprintln(c.App.Writer)
				}
			}
			var rows [][]any
			for _, e := range entries {
				for _, col := range e.Columns {
					rows = append(rows, []any{e.Kind, col.Name, col.Type, col.Unit, col.Null, col.Meaning, col.Example})
				}
			}
			return sinks.WriteTable(c.App.Writer, format, strings.Fields("kind column type unit null meaning example"), rows)
		},
	}
}

// emptyWarehouse makes a warehouse without rows in a temporary folder, for
// questions about its columns.
func emptyWarehouse(ctx context.Context) (*queries.DB, error) {
	root, err := os.MkdirTemp("", "servegrid-schema-")
	if err != nil {
		return nil, err
	}
	db, err := fillEmpty(ctx, root)
	if err != nil {
		os.RemoveAll(root)
	}
	return db, err
}

func fillEmpty(ctx context.Context, root string) (*queries.DB, error) {
	dir, err := sinks.OpenDir(root)
	if err != nil {
		return nil, err
	}
	const run = "none"
	w := sinks.NewParquetWriter()
	for _, t := range schema.Tables() {
		name := "runs/" + run + "/tables/" + t.Name + "/part.parquet"
		switch t {
		case schema.Validation:
			name = "validation/part.parquet"
		case schema.AggPoints, schema.DisaggPoints:
			name = "runs/" + run + "/tables/" + t.Name + "/none/none/none/part.parquet"
		}
		f, err := dir.Create(name)
		if err != nil {
			return nil, err
		}
		defer f.Abort()
		if err := w.Reset(f, t, nil); err != nil {
			return nil, err
		}
		if _, err := w.Close(); err != nil {
			return nil, err
		}
		if err := f.Commit(); err != nil {
			return nil, err
		}
	}
	for name, text := range map[string]string{"prices.csv": "system,usd_per_gpu_hour,note\n", "runs/" + run + "/manifest.json": `{"run": "` + run + `"}`} {
		if err := os.WriteFile(filepath.Join(root, name), []byte(text), 0o644); err != nil {
			return nil, err
		}
	}
	if err := os.Symlink("runs/"+run+"/tables", filepath.Join(root, "tables")); err != nil {
		return nil, err
	}
	return queries.Open(ctx, root)
}
