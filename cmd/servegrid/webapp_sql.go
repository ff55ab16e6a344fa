//go:build cgo

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"servegrid/queries"
)

// Bounds of a question in SQL. The process gets more memory than DuckDB counts: the
// program itself, and what a last step takes before it is noticed.
const (
	mostQueryRows     = 10_000
	mostQueryBytes    = 16 << 20
	mostQueryMemory   = 1 << 30
	mostProcessMemory = 3 << 30
	mostParquetRows   = 1_000_000 // a row takes little there
)

// sqlWorker is the command that answers one query of the page and ends.
const sqlWorker = "webapp-sql"

// sqlRequest is what it reads from standard input.
type sqlRequest struct {
	Warehouse string `json:"warehouse"`
	SQL       string `json:"sql"`
	Parquet   bool   `json:"parquet"`
}

func sqlWorkerCommand() *cli.Command {
	return &cli.Command{
		Name: sqlWorker, Hidden: true, Usage: "answer one query of the page; for the page only",
		Action: func(c *cli.Context) error {
			if err := limitMemory(mostProcessMemory); err != nil {
				return fmt.Errorf("bound the memory: %w", err)
			}
			var q sqlRequest
			if err := json.NewDecoder(os.Stdin).Decode(&q); err != nil {
				return fmt.Errorf("read the request: %w", err)
			}
			db, err := queries.OpenWithin(c.Context, q.Warehouse, queries.Bounds{MemoryBytes: mostQueryMemory})
			if errors.Is(err, queries.ErrEmpty) {
				return errNoWarehouse
			}
			if err != nil {
				return err
			}
			defer db.Close()
			if q.Parquet {
				return writeParquet(c.Context, c.App.Writer, db, q.SQL)
			}
			r, more, err := db.QueryAtMost(c.Context, q.SQL, mostQueryRows, mostQueryBytes)
			if err != nil {
				return err
			}
			return json.NewEncoder(c.App.Writer).Encode(queryReply{table: table{r.Columns, r.Rows}, Types: r.Types, Truncated: more})
		},
	}
}

var errNoWarehouse = errors.New("there is no warehouse: run servegrid sweep demo, then ask again; --warehouse names another folder")

// writeParquet writes the answer as a Parquet file.
func writeParquet(ctx context.Context, w io.Writer, db *queries.DB, sql string) error {
	dir, err := os.MkdirTemp("", "servegrid-query-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "result.parquet")
	if _, err := db.Save(ctx, fmt.Sprintf("from (\n%s\n) limit %d", strings.TrimRight(sql, "; \t\r\n"), mostParquetRows), file); err != nil {
		return err
	}
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(w, f)
	return err
}
