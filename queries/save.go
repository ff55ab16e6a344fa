package queries

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// saveFormats are the options of copy by file extension.
var saveFormats = map[string]string{
	".csv":     "format csv, header true",
	".json":    "format json, array true",
	".parquet": "format parquet, compression zstd",
}

// Save writes the answer of a query, checked as by [DB.Query], to a .csv, .json or
// .parquet file outside of the warehouse, whole or not at all, and returns the
// number of rows. An existing file is replaced.
func (db *DB) Save(ctx context.Context, query, path string, args ...any) (rows int64, err error) {
	options, ok := saveFormats[strings.ToLower(filepath.Ext(path))]
	if !ok {
		return 0, fmt.Errorf("save %s: unknown extension %q: one of .csv, .json, .parquet", path, filepath.Ext(path))
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return 0, fmt.Errorf("save %s: %w", path, err)
	}
	for _, owned := range []string{"tables", "runs", "shards", "validation"} {
		if rel, err := filepath.Rel(filepath.Join(db.root, owned), abs); err == nil && filepath.IsLocal(rel) {
			return 0, fmt.Errorf("save %s: a result cannot be saved among the files of the warehouse", path)
		}
	}
	if explainPrefix.MatchString(query) {
		return 0, fmt.Errorf("save %s: an explain has no rows to save", path)
	}
	if err := db.checkQuery(ctx, query); err != nil {
		return 0, err
	}

	// DuckDB may write to the private directory only; the file is copied from there.
	if err := os.Mkdir(db.scratch, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return 0, fmt.Errorf("save %s: %w", path, err)
	}
	dir, err := os.MkdirTemp(db.scratch, "save-")
	if err != nil {
		return 0, fmt.Errorf("save %s: %w", path, err)
	}
	defer os.RemoveAll(dir)
	temp := filepath.Join(dir, "result")
	text := strings.TrimRight(query, "; \t\r\n")
	done, err := db.sql.ExecContext(ctx, "copy (\n"+text+"\n) to "+quote(temp)+" ("+options+")", args...)
	if err != nil {
		return 0, queryError(ctx, err)
	}
	if rows, err = done.RowsAffected(); err != nil {
		return 0, queryError(ctx, err)
	}
	if err := moveInto(temp, abs); err != nil {
		return 0, fmt.Errorf("save %s: %w", path, err)
	}
	return rows, nil
}

// moveInto puts a copy of the file from at the path to, in one step. The two may be
// on different file systems.
func moveInto(from, to string) (err error) {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.CreateTemp(filepath.Dir(to), ".tmp-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			out.Close()
			os.Remove(out.Name())
		}
	}()
	if _, err := io.Copy(out, in); err != nil {
		return err
	}
	if err := errors.Join(out.Chmod(0o644), out.Sync(), out.Close()); err != nil {
		return err
	}
	return os.Rename(out.Name(), to)
}

// SaveExtensions lists what [DB.Save] can write.
func SaveExtensions() []string {
	var ext []string
	for e := range saveFormats {
		ext = append(ext, e)
	}
	slices.Sort(ext)
	return ext
}
