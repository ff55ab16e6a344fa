package queries

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// ErrNoHTTPFS is wrapped by [OpenRemote] when DuckDB's extension httpfs is not here.
var ErrNoHTTPFS = errors.New("DuckDB's extension httpfs is not installed")

// Remote is a warehouse in a bucket that speaks S3.
type Remote struct {
	URL                  string // s3://bucket/prefix
	KeyID, Secret, Token string // Token may be ""
	Region               string
	Endpoint             string // URL of the server; "" for Amazon's
	PathStyle            bool   // the bucket is in the path, not in the host's name
}

// OpenRemote opens a warehouse in a bucket for reading, as [Open] does a directory, if
// httpfs is installed: nothing is downloaded for it. All questions are answered from
// the run that is the latest one now. The credentials are only for files of the
// warehouse, and no query can read them.
func OpenRemote(ctx context.Context, r Remote, readable ...string) (*DB, error) {
	db, err := connect(r.URL)
	if err == nil {
		if err = db.reach(ctx, r); err == nil {
			err = db.ready(ctx, Bounds{}, readable)
		} else {
			db.sql.Close()
		}
	}
	if err != nil {
		return nil, fmt.Errorf("open warehouse %s: %w", r.URL, err)
	}
	return db, nil
}

// reach loads what reads buckets, and finds the latest run.
func (db *DB) reach(ctx context.Context, r Remote) error {
	// It would be fetched without these.
	for _, q := range []string{"set global autoinstall_known_extensions = false", "set global autoload_known_extensions = false"} {
		if _, err := db.sql.ExecContext(ctx, q); err != nil {
			return err
		}
	}
	if _, err := db.sql.ExecContext(ctx, "load httpfs"); err != nil {
		return fmt.Errorf("%w: %s", ErrNoHTTPFS, firstLine(err))
	}
	// It takes credentials from the environment into settings, which queries can read.
	for _, name := range []string{"s3_access_key_id", "s3_secret_access_key", "s3_session_token"} {
		if _, err := db.sql.ExecContext(ctx, "set global "+name+" = ''"); err != nil {
			return fmt.Errorf("clear the setting %s: %s", name, firstLine(err))
		}
	}
	if _, err := db.sql.ExecContext(ctx, r.secret()); err != nil {
		return errors.New("DuckDB does not take the credentials") // its message repeats them
	}
	run := ""
	err := db.sql.QueryRowContext(ctx, `select m.run from read_json(?, format = 'unstructured', maximum_object_size = 33554432,
		columns = {run: 'varchar', finished_at: 'varchar'}) as m order by cast(m.finished_at as timestamptz) desc, m.run desc limit 1`,
		r.URL+"/runs/*/manifest.json").Scan(&run)
	if err != nil && strings.Contains(err.Error(), "No files found") {
		return fmt.Errorf("%w: run `servegrid sweep SPEC` first", ErrEmpty)
	}
	if err != nil {
		return fmt.Errorf("look for its latest run: %s", firstLine(err))
	}
	db.tables = r.URL + "/runs/" + run + "/tables"
	return nil
}

// secret is the statement that gives DuckDB the credentials, in memory only.
func (r *Remote) secret() string {
	host, plain := strings.CutPrefix(r.Endpoint, "http://")
	style := "vhost"
	if r.PathStyle {
		style = "path"
	}
	q := "create secret servegrid (type s3, key_id " + quote(r.KeyID) + ", secret " + quote(r.Secret) + ", region " + quote(r.Region) +
		", url_style " + quote(style) + fmt.Sprintf(", use_ssl %v", !plain) + ", scope " + quote(r.URL+"/")
	if r.Token != "" {
		q += ", session_token " + quote(r.Token)
	}
	if host = strings.TrimRight(strings.TrimPrefix(host, "https://"), "/"); host != "" {
		q += ", endpoint " + quote(host)
	}
	return q + ")"
}
