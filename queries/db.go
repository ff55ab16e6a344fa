package queries

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/duckdb/duckdb-go/v2"

	"servegrid/internal/schema"
)

// ErrEmpty is wrapped by [Open] when there is no finished sweep to ask about.
var ErrEmpty = errors.New("no finished sweep")

// DB is a warehouse opened for questions. Safe for concurrent use.
type DB struct {
	root    string // absolute path, or URL
	tables  string // of the run that is read
	scratch string // private path for spilling and saving; made when needed
	sql     *sql.DB
}

// ErrSchema is wrapped by [Open] when the tables are of another schema version.
var ErrSchema = errors.New("another schema version")

// Result is the answer to a query. Values are nil, bool, int64, float64 or string;
// times are strings in RFC 3339, dates as 2006-01-02; lists are []any, structs and
// maps map[string]any. A whole number beyond int64 is a float64, and a float
// that is not finite is nil.
type Result struct {
	Columns []string
	Types   []string // DuckDB's names: VARCHAR, INTEGER, DOUBLE, …
	Rows    [][]any
}

// Open opens the warehouse at root for reading. Files that a later sweep puts
// under the same globs are seen by the next query.
//
// The connection is locked: settings cannot change, extensions cannot be loaded, and
// no path outside root can be read, not even by read_csv or glob. Views are the way
// to the files; a path that a query spells itself must be absolute. Folders that are
// named behind root may be read as well.
func Open(ctx context.Context, root string, readable ...string) (*DB, error) {
	return OpenWithin(ctx, root, Bounds{}, readable...)
}

// OpenWithin is [Open] with bounds on what all questions together may take.
func OpenWithin(ctx context.Context, root string, b Bounds, readable ...string) (*DB, error) {
	abs, err := filepath.Abs(root)
	if err != nil {
		return nil, fmt.Errorf("open warehouse %s: %w", root, err)
	}
	if err := checkWarehouse(root, abs); err != nil {
		return nil, err
	}
	db, err := connect(filepath.ToSlash(abs))
	if err == nil {
		db.tables = db.root + "/tables"
		err = db.ready(ctx, b, readable)
	}
	if err != nil {
		return nil, fmt.Errorf("open warehouse %s: %w", root, err)
	}
	return db, nil
}

// connect starts a DuckDB of our own.
func connect(root string) (*DB, error) {
	connector, err := duckdb.NewConnector("", nil)
	if err != nil {
		return nil, err
	}
	return &DB{root: root, scratch: filepath.Join(os.TempDir(), "servegrid-"+rand.Text()), sql: sql.OpenDB(connector)}, nil
}

// ready makes a connection one to a warehouse, or closes it.
func (db *DB) ready(ctx context.Context, b Bounds, readable []string) (err error) {
	defer func() {
		if err != nil {
			db.sql.Close()
		}
	}()
	for i, dir := range readable {
		if readable[i], err = filepath.Abs(dir); err != nil {
			return err
		}
	}
	return db.setUp(ctx, b, readable)
}

// checkWarehouse reports in one line what is missing.
func checkWarehouse(root, abs string) error {
	if strings.ContainsAny(abs, "*?[") {
		return fmt.Errorf("open warehouse %s: the path must not contain * ? or [, which stand for other names in SQL", root)
	}
	for _, part := range []string{"runs/*/manifest.json", "tables/gpu_budgets/part.parquet"} {
		found, err := filepath.Glob(filepath.Join(abs, filepath.FromSlash(part)))
		if err != nil {
			return fmt.Errorf("open warehouse %s: %w", root, err)
		}
		if len(found) == 0 {
			return fmt.Errorf("%w in %s: run `servegrid sweep SPEC` first", ErrEmpty, root)
		}
	}
	return nil
}

func (db *DB) setUp(ctx context.Context, b Bounds, readable []string) error {
	allowed := ""
	for _, dir := range append([]string{db.root, db.scratch}, readable...) {
		allowed += ", " + quote(filepath.ToSlash(dir))
	}
	exec := func(ctx context.Context, q string) error {
		_, err := db.sql.ExecContext(ctx, q)
		return err
	}
	if err := db.checkSchema(ctx); err != nil {
		return err
	}
	if err := applyViews(ctx, exec, db.root, db.tables); err != nil {
		return err
	}
	for _, q := range append(b.settings(),
		// Footers are read once, not at every question; a changed file is read again.
		"set global parquet_metadata_cache = true",
		// Without a place to spill DuckDB makes .tmp in the working directory.
		"set global temp_directory = "+quote(db.scratch),
		"set global autoinstall_known_extensions = false",
		"set global autoload_known_extensions = false",
		"set global allowed_directories = ["+allowed[2:]+"]",
		"set global enable_external_access = false",
		"set global lock_configuration = true",
	) {
		if err := exec(ctx, q); err != nil {
			return fmt.Errorf("%s: %s", q, firstLine(err))
		}
	}
	return nil
}

// checkSchema reads which schema version made the tables of the latest run.
func (db *DB) checkSchema(ctx context.Context) error {
	var version string
	err := db.sql.QueryRowContext(ctx, "select decode(value) from parquet_kv_metadata(?) where decode(key) = 'schema_version'",
		db.tables+"/gpu_budgets/part.parquet").Scan(&version)
	if err != nil {
		return fmt.Errorf("read its schema version: %s", firstLine(err))
	}
	if version != strconv.Itoa(schema.Version) {
		return fmt.Errorf("%w: its tables are of version %s, this program reads version %d; sweep again with this program "+
			"(the sweep file is kept as spec in runs/*/manifest.json), or ask with the one that made it", ErrSchema, version, schema.Version)
	}
	return nil
}

// Root returns the absolute path of the warehouse, or its URL.
func (db *DB) Root() string { return filepath.FromSlash(db.root) }

// Close releases the connection and what it spilled.
func (db *DB) Close() error {
	err := db.sql.Close()
	os.RemoveAll(db.scratch)
	return err
}

// Query answers one query: select, from, with, values, describe, show,
// summarize, or explain of one of these. Anything else is refused before
// it runs. Arguments stand for ? or $1, or for $name as a [sql.NamedArg].
func (db *DB) Query(ctx context.Context, query string, args ...any) (*Result, error) {
	if err := db.checkQuery(ctx, query); err != nil {
		return nil, err
	}
	return db.run(ctx, query, args...)
}

// run is Query for text that is known to be harmless.
func (db *DB) run(ctx context.Context, query string, args ...any) (*Result, error) {
	r, _, err := db.scan(ctx, math.MaxInt, math.MaxInt64, query, args...)
	return r, err
}

// scan reads the rows of an answer up to a number of rows and bytes; more says
// that there are others.
func (db *DB) scan(ctx context.Context, mostRows int, mostBytes int64, query string, args ...any) (_ *Result, more bool, _ error) {
	rows, err := db.sql.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, false, queryError(ctx, err)
	}
	defer rows.Close()
	types, err := rows.ColumnTypes()
	if err != nil {
		return nil, false, queryError(ctx, err)
	}
	res := &Result{Rows: [][]any{}}
	for _, t := range types {
		res.Columns = append(res.Columns, t.Name())
		res.Types = append(res.Types, t.DatabaseTypeName())
	}
	targets := make([]any, len(types))
	size := int64(0)
	for rows.Next() {
		if len(res.Rows) == mostRows || size > mostBytes {
			return res, true, nil
		}
		row := make([]any, len(types))
		for i := range row {
			targets[i] = &row[i]
		}
		if err := rows.Scan(targets...); err != nil {
			return nil, false, queryError(ctx, err)
		}
		for i := range row {
			row[i] = normalise(row[i], res.Types[i])
			size += sizeOf(row[i])
		}
		res.Rows = append(res.Rows, row)
	}
	if err := rows.Err(); err != nil {
		return nil, false, queryError(ctx, err)
	}
	return res, false, nil
}

// queryError keeps cancellation recognisable; DuckDB calls it an interrupt.
func queryError(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("query: %w", context.Cause(ctx))
	}
	return fmt.Errorf("query: %w", err)
}

func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}
