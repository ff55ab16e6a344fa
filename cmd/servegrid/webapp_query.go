package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"servegrid/cmd/servegrid/internal/web"
	"servegrid/queries"
)

// Bounds of a question in SQL.
const (
	mostQueryRows   = 10_000
	mostQueryBytes  = 16 << 20
	mostQueryMemory = 1 << 30
	longestQuery    = 20 * time.Second
)

type queryRequest struct {
	SQL string `json:"sql" doc:"one query that only reads; the views are points, frontier, best_config, coverage, coverage_summary and runs"`
}

type queryReply struct {
	table
	Types        []string `json:"types" doc:"DuckDB's names"`
	Truncated    bool     `json:"truncated" doc:"there are more rows than are shown"`
	Milliseconds float64  `json:"ms"`
}

// openWarehouse is a warehouse that is opened when it is first asked, and again as
// long as there was none.
type openWarehouse struct {
	root string
	mu   sync.Mutex
	db   *queries.DB
}

func (o *openWarehouse) get(ctx context.Context) (*queries.DB, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.db != nil {
		return o.db, nil
	}
	db, err := queries.OpenWithin(context.WithoutCancel(ctx), o.root, queries.Bounds{MemoryBytes: mostQueryMemory})
	if errors.Is(err, queries.ErrEmpty) {
		return nil, errors.New("there is no warehouse: run servegrid sweep demo, then ask again; --warehouse names another folder")
	}
	o.db = db
	return db, err
}

func (o *openWarehouse) close() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.db == nil {
		return nil
	}
	return o.db.Close()
}

func (w *webapp) query(ctx context.Context, q queryRequest) (queryReply, error) {
	var reply queryReply
	began := time.Now()
	err := w.withQuery(ctx, q, func(ctx context.Context, db *queries.DB) error {
		r, more, err := db.QueryAtMost(ctx, q.SQL, mostQueryRows, mostQueryBytes)
		if err != nil {
			return err
		}
		reply = queryReply{table: table{r.Columns, r.Rows}, Types: r.Types, Truncated: more}
		return nil
	})
	reply.Milliseconds = float64(time.Since(began).Microseconds()) / 1000
	return reply, err
}

// queryParquet answers a query as a Parquet file.
func (w *webapp) queryParquet(ctx context.Context, q queryRequest) (web.Blob, error) {
	var b []byte
	err := w.withQuery(ctx, q, func(ctx context.Context, db *queries.DB) error {
		dir, err := os.MkdirTemp("", "servegrid-query-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		file := filepath.Join(dir, "result.parquet")
		if _, err := db.Save(ctx, "from (\n"+strings.TrimRight(q.SQL, "; \t\r\n")+"\n) limit "+fmt.Sprint(mostParquetRows), file); err != nil {
			return err
		}
		b, err = os.ReadFile(file)
		return err
	})
	return web.Blob{Type: "application/vnd.apache.parquet", Name: "result.parquet", Content: b}, err
}

// mostParquetRows bounds a file; a row takes little there.
const mostParquetRows = 1_000_000

func (w *webapp) withQuery(ctx context.Context, q queryRequest, use func(ctx context.Context, db *queries.DB) error) error {
	if len(bytes.TrimSpace([]byte(q.SQL))) == 0 {
		return fmt.Errorf("%w: sql is empty", web.RequestError)
	}
	db, err := w.warehouse.get(ctx)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, longestQuery, fmt.Errorf("it took longer than %s and was stopped", longestQuery))
	defer cancel()
	return use(ctx, db)
}
