//go:build cgo

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"servegrid/cmd/servegrid/internal/web"
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

func (w *webapp) query(ctx context.Context, q queryRequest) (queryReply, error) {
	var reply queryReply
	began := time.Now()
	b, err := w.ask(ctx, sqlRequest{SQL: q.SQL})
	if err != nil {
		return reply, err
	}
	if err := json.Unmarshal(b, &reply); err != nil {
		return reply, fmt.Errorf("read the answer of the query: %w", err)
	}
	reply.Milliseconds = float64(time.Since(began).Microseconds()) / 1000
	return reply, nil
}

// queryParquet answers a query as a Parquet file.
func (w *webapp) queryParquet(ctx context.Context, q queryRequest) (web.Blob, error) {
	b, err := w.ask(ctx, sqlRequest{SQL: q.SQL, Parquet: true})
	return web.Blob{Type: "application/vnd.apache.parquet", Name: "result.parquet", Content: b}, err
}

// ask has a query answered by a process of its own, so that whatever the query does
// ends with it: DuckDB keeps its bound on memory loosely (peaks of twice the bound
// were seen), and not every step of it can be interrupted.
func (w *webapp) ask(ctx context.Context, q sqlRequest) ([]byte, error) {
	if strings.TrimSpace(q.SQL) == "" {
		return nil, fmt.Errorf("%w: sql is empty", web.ErrRequest)
	}
	q.Warehouse = w.warehouse
	request, err := json.Marshal(q)
	if err != nil {
		return nil, err
	}
	bounded, cancel := context.WithTimeout(ctx, w.longestQuery)
	defer cancel()
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(bounded, w.program, sqlWorker)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(request), &stdout, &stderr
	cmd.Env = []string{"TMPDIR=" + os.TempDir()} // the rest is none of the query's business
	err = cmd.Run()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return stdout.Bytes(), nil
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case bounded.Err() != nil:
		return nil, fmt.Errorf("the query took longer than %s and was stopped", w.longestQuery)
	case errors.As(err, &exit) && exit.ExitCode() == exitFailed:
		// What DuckDB recommends are settings that are locked here.
		text, _, _ := strings.Cut(strings.ReplaceAll(stderr.String(), "servegrid: ", ""), "\n\nPossible solutions:")
		return nil, errors.New(strings.TrimSpace(text))
	case errors.As(err, &exit):
		return nil, fmt.Errorf("the query took more memory than %d MiB and was stopped", mostQueryMemory>>20)
	}
	return nil, fmt.Errorf("start the query: %w", err)
}
