//go:build cgo

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"servegrid/estimator"
	"servegrid/internal/suggest"
	"servegrid/queries"
	"servegrid/sinks"
)

// withWarehouse opens the warehouse of a command for one use.
func withWarehouse(c *cli.Context, use func(ctx context.Context, db *queries.DB) error) error {
	l, err := reachable(c.String("warehouse"))
	if err != nil {
		return err
	}
	db, err := openToAsk(c, l)
	if err != nil {
		return err
	}
	defer db.Close()
	return use(c.Context, db)
}

// openToAsk opens a warehouse for questions: a directory, or a bucket where DuckDB can
// read it.
func openToAsk(c *cli.Context, l sinks.Location) (*queries.DB, error) {
	if l.Local() {
		return queries.Open(c.Context, l.Path, readableDirs(c)...)
	}
	if l.Scheme != "s3" {
		return nil, pullFirst(l, "which SQL cannot read directly")
	}
	a, err := sinks.FindAccess(c.Context, l)
	if err != nil {
		return nil, err
	}
	db, err := queries.OpenRemote(c.Context, queries.Remote{
		URL: l.Name(), KeyID: a.KeyID, Secret: a.Secret, Token: a.Token, Region: a.Region, Endpoint: a.Endpoint, PathStyle: a.PathStyle,
	}, readableDirs(c)...)
	if errors.Is(err, queries.ErrNoHTTPFS) {
		return nil, pullFirst(l, "and "+queries.ErrNoHTTPFS.Error())
	}
	return db, err
}

// readableDirs are folders outside of the warehouse that the command may read.
func readableDirs(c *cli.Context) []string {
	if dir := c.String("allow-dir"); dir != "" {
		return strings.Split(dir, ",")
	}
	return nil
}

// askFlags name one workload in a warehouse.
func askFlags() []cli.Flag {
	return []cli.Flag{
		warehouseFlag(),
		&cli.StringFlag{Name: "model-path", Aliases: []string{"model"}, Usage: "model (required)"},
		&cli.StringFlag{Name: "system", Usage: "GPU system (default: all)"},
		&cli.StringFlag{Name: "backend", Usage: "serving engine (default: all)"},
		&cli.StringFlag{Name: "backend-version", Usage: "engine version (default: all)"},
		&cli.StringFlag{Name: "serving-mode", Usage: "agg or disagg (default: both)"},
		&cli.IntFlag{Name: "isl", Value: defaultISL, Usage: "input length, tokens"},
		&cli.IntFlag{Name: "osl", Value: defaultOSL, Usage: "output length, tokens"},
		&cli.IntFlag{Name: "prefix", Usage: "input tokens found in the prefix cache"},
		&cli.IntFlag{Name: "total-gpus", Value: 8, Usage: "GPU budget, one of those swept"},
		&cli.Float64Flag{Name: "ttft", Usage: "limit on the time to first token, ms (default: none)"},
		&cli.Float64Flag{Name: "tpot", Usage: "limit on the time per output token, ms (default: none)"},
	}
}

// question is what askFlags say.
type question struct {
	model, system, backend, version, mode string // the model as the warehouse calls it
	workload                              estimator.Workload
	gpus                                  int
	ttft, tpot                            float64
}

func newQuestion(c *cli.Context) (question, error) {
	q := question{
		backend: c.String("backend"), version: c.String("backend-version"), mode: c.String("serving-mode"), gpus: c.Int("total-gpus"),
		workload: estimator.Workload{ISL: c.Int("isl"), OSL: c.Int("osl"), Prefix: c.Int("prefix")},
		ttft:     c.Float64("ttft"), tpot: c.Float64("tpot"),
	}
	if c.NArg() > 0 {
		return q, usagef("unexpected argument %q", c.Args().First())
	}
	if !c.IsSet("model-path") {
		return q, usagef("missing --model-path")
	}
	if err := q.workload.Check(); err != nil {
		return q, asUsage(err)
	}
	if q.gpus < 1 && slices.ContainsFunc(c.Command.Flags, func(f cli.Flag) bool { return f.Names()[0] == "total-gpus" }) {
		return q, usagef("--total-gpus is %d, want at least 1", q.gpus)
	}
	for _, f := range []struct {
		flag string
		v    float64
	}{{"ttft", q.ttft}, {"tpot", q.tpot}} {
		if c.IsSet(f.flag) && !(f.v > 0) {
			return q, usagef("--%s is %v, want a positive number of ms", f.flag, f.v)
		}
	}
	if q.mode != "" && q.mode != "agg" && q.mode != "disagg" {
		return q, usagef("--serving-mode: %w", suggest.Unknown("mode", q.mode, []string{"agg", "disagg"}))
	}
	var err error
	if s := c.String("system"); s != "" {
		if q.system, err = systemName("system", s); err != nil {
			return q, err
		}
	}
	return q, nil
}

// params asks for the best configurations of the question, whatever their
// latency.
func (q question) params() queries.BestParams {
	return queries.BestParams{
		Model: q.model, System: q.system, ISL: q.workload.ISL, OSL: q.workload.OSL, Prefix: q.workload.Prefix, GPUs: q.gpus,
		Backend: q.backend, Version: q.version, Mode: q.mode,
	}
}

// resolveModel finds the id under which a warehouse holds the model: its own, or
// another one of the same architecture.
func (q *question) resolveModel(c *cli.Context, db *queries.DB) error {
	name := c.String("model-path")
	swept, err := db.Models(c.Context)
	if err != nil {
		return err
	}
	ids := []string{name}
	m, err := estimator.LookupModel(name)
	if err == nil {
		ids = append(ids, m.IDs()...)
	}
	for _, id := range ids {
		if slices.Contains(swept, id) {
			if q.model = id; id != name {
				fmt.Fprintf(c.App.ErrWriter, "note: %s has the architecture of %s, which was swept\n", name, id)
			}
			return nil
		}
	}
	if err != nil {
		return usagef("--model-path: %w", suggest.Unknown("model", name, swept))
	}
	return fmt.Errorf("%s was not swept into %s, which holds %s", name, db.Root(), suggest.List(swept))
}

// String names the workload.
func (q question) String() string {
	return fmt.Sprintf("%s, ISL %d, OSL %d, prefix %d, %d GPUs", q.model, q.workload.ISL, q.workload.OSL, q.workload.Prefix, q.gpus)
}

// pickColumns cuts a result to some of its columns.
func pickColumns(r *queries.Result, names ...string) [][]any {
	rows := make([][]any, len(r.Rows))
	for _, n := range names {
		at := slices.Index(r.Columns, n)
		if at < 0 {
			panic("no column " + n) // the views and their readers are one program
		}
		for i, row := range r.Rows {
			rows[i] = append(rows[i], row[at])
		}
	}
	return rows
}

// write prints configurations: for programs every column, for people those to
// choose by, and what to deploy in words.
func write(w io.Writer, format string, r *queries.Result, names ...string) error {
	if format != "table" {
		return sinks.WriteTable(w, format, r.Columns, r.Rows)
	}
	rows := pickColumns(r, names...)
	for i, parts := range pickColumns(r, append([]string{"replicas"}, deploymentColumns...)...) {
		rows[i] = append(rows[i], deployment(parts))
	}
	headers := map[string]string{"tokens_per_s_per_gpu_cluster": "tokens/s/gpu", "tokens_per_s_per_user": "tokens/s/user"}
	columns := slices.Clone(names)
	for i, n := range columns {
		if h, ok := headers[n]; ok {
			columns[i] = h
		}
	}
	return sinks.WriteTable(w, format, append(columns, "deployment"), rows)
}

// readStdin reads SQL from standard input.
func readStdin() (string, error) {
	b, err := io.ReadAll(os.Stdin)
	return string(b), err
}
