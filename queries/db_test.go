package queries

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func smallWarehouse(t testing.TB) *DB {
	return openWarehouse(t, randomTables(rand.New(rand.NewPCG(1, 1)), 40, 40), nil)
}

func TestOpenEmpty(t *testing.T) {
	dir := t.TempDir()
	tablesOnly := filepath.Join(dir, "tables only")
	writeWarehouse(t, tablesOnly, tables{}, map[string]string{})
	for _, root := range []string{dir, filepath.Join(dir, "missing"), tablesOnly} {
		_, err := Open(context.Background(), root)
		if want := "no finished sweep in " + root + ": run `servegrid sweep SPEC` first"; err == nil || err.Error() != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
		if !errors.Is(err, ErrEmpty) {
			t.Errorf("%v is not ErrEmpty", err)
		}
	}
	if _, err := Open(context.Background(), filepath.Join(dir, "a[b]")); err == nil || errors.Is(err, ErrEmpty) {
		t.Errorf("a glob as root: %v", err)
	}
}

// TestQueryAllowed lists what people may type.
func TestQueryAllowed(t *testing.T) {
	db := smallWarehouse(t)
	for _, q := range []string{
		"select 1", "from points", "with a as (select 1 as x) from a", "values (1), (2)", "describe points",
		"show tables", "summarize points", "explain select 1", "EXPLAIN ANALYZE select 1", "explain (format json) select 1",
		"-- note\nselect 1;", "/* x */ explain /* y */ from points", "from best_config(model := 'm1', isl := 1000, osl := 500, gpus := 8)",
		"select unnest([1, 2])", "from range(3)", "select count(*) from duckdb_views()", "select 'copy x to y; drop view z'",
		"from read_parquet('" + strings.ReplaceAll(db.Root(), "'", "''") + "/tables/agg_points/**/*.parquet')",
		"select * from points pivot (max(tokens_per_s_per_user) for mode in ('agg', 'disagg') group by gpus)",
	} {
		if _, err := db.Query(context.Background(), q); err != nil {
			t.Errorf("%s: %v", q, err)
		}
	}
}

// TestQueryRefused lists what strangers may try. Nothing on disk may change, and
// the connection must answer afterwards.
func TestQueryRefused(t *testing.T) {
	db := smallWarehouse(t)
	outside := t.TempDir()
	secret := filepath.Join(outside, "secret.csv")
	if err := os.WriteFile(secret, []byte("a\n1\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	root := strings.ReplaceAll(db.Root(), "'", "''")
	before := listing(t, db.Root(), outside)
	for _, q := range []string{
		"", ";", "-- nothing", "selec 1", "select 1; select 2", "select 1; drop view points", "explain select 1; drop view points",
		"select * from '" + secret + "'", "from read_csv('" + secret + "')", "from read_text('/etc/passwd')",
		"from read_parquet('/etc/passwd')", "from read_blob('" + root + "/runs/r1/manifest.json')", "from glob('/etc/*')",
		"from read_csv('" + root + "/../../secret.csv')", "from '" + root + "x/tables/a.parquet'", "from 'http://127.0.0.1:1/x.parquet'",
		"from 's3://bucket/x.parquet'", "copy (select 1) to '" + outside + "/x.csv'", "copy (select 1) to '" + root + "/x.csv'",
		"copy points to '" + root + "/tables/x.parquet'", "export database '" + root + "/dump'", "import database '" + root + "'",
		"attach '" + root + "/x.db'", "attach ':memory:' as x", "install httpfs", "load httpfs", "load '" + root + "/x.so'",
		"set threads = 1", "reset threads", "set lock_configuration = false", "set enable_external_access = true",
		"set global allowed_directories = ['/']", "pragma threads = 1", "pragma enable_profiling", "call enable_logging()",
		"from enable_logging()", "select * from enable_logging(storage := 'file', storage_path := '" + outside + "/log')",
		"from Main.Enable_Logging()", "from query('from enable_logging()')", "with a as (from enable_logging()) from a",
		"select (select count(*) from enable_logging())", "explain analyze from enable_logging()", "describe from enable_logging()",
		"from json_execute_serialized_sql(json_serialize_sql('select 1'))", "from checkpoint()", "checkpoint",
		"select write_log('x')", "select sleep_ms(1)", "create table x as select 1", "create view x as select 1",
		"create or replace view points as select 1", "create macro x() as 1", "drop view points", "alter view points rename to p",
		"insert into gpu_budgets values (1)", "delete from gpu_budgets", "update gpu_budgets set gpus = 1", "begin", "commit",
		"prepare x as select 1", "execute x", "vacuum", "use memory", "detach memory", "set variable x = 1",
		"create secret (type s3)", "explain copy (select 1) to '" + root + "/x.csv'", "explain analyze create table x as select 1",
		"from frontier_changes('../../" + filepath.Base(outside) + "', 'r1')", "from frontier_changes('" + outside + "', 'r1')",
		"from points_of('m1'), read_text('/etc/passwd')", "pivot points on mode using max(tokens_per_s_per_user)",
	} {
		if r, err := db.Query(context.Background(), q); err == nil {
			t.Errorf("%s: answered %v", q, r.Rows)
		} else if strings.Contains(err.Error(), "root:") {
			t.Errorf("%s: the error shows contents: %v", q, err)
		}
		if _, err := db.Query(context.Background(), "select 1"); err != nil {
			t.Fatalf("%s: broke the connection: %v", q, err)
		}
	}
	if after := listing(t, db.Root(), outside); after != before {
		t.Errorf("files changed:\n%s\nwere\n%s", after, before)
	}
}

func listing(t *testing.T, roots ...string) string {
	t.Helper()
	var b strings.Builder
	for _, root := range roots {
		err := filepath.Walk(root, func(p string, fi os.FileInfo, err error) error {
			if err == nil {
				fmt.Fprintln(&b, p, fi.Mode(), fi.ModTime())
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return b.String()
}

func TestQueryValues(t *testing.T) {
	db := smallWarehouse(t)
	r := ask(t, db, `select null as a, true as b, 3::utinyint as c, 170141183460469231731687303715884105727::hugeint as d, sum(i) as e,
		1.25::decimal(9, 2) as f, 'nan'::double as g, '-inf'::float as h, 2.5::float as i, timestamp '2026-11-23 18:00:00.5' as j,
		date '2026-11-23' as k, timestamptz '2026-11-23 18:00:00+02' as l, [1, null, 3] as m, {'x': 1, 'y': [0.5]} as n, map {'k': 2} as o,
		'ab'::blob as p, uuid '00112233-4455-6677-8899-aabbccddeeff' as q, interval 90 minute as r, 'x'::enum('x', 'y') as s,
		'{"z": 1}'::json as t, ?::integer as u, $2 as v, time '01:02:03' as w from range(4) as t(i)`, 7, "text")
	want := `[<nil> true 3 1.7014118346046923e+38 6 1.25 <nil> <nil> 2.5 2026-11-23T18:00:00.5Z 2026-11-23 2026-11-23T16:00:00Z ` +
		`[1 <nil> 3] map[x:1 y:[0.5]] map[k:2] 6162 00112233-4455-6677-8899-aabbccddeeff P0M0DT5400S x map[z:1] 7 text 01:02:03]`
	if got := fmt.Sprint(r.Rows[0]); got != want {
		t.Errorf("got  %s\nwant %s\ntypes %v", got, want, r.Types)
	}
}

func TestQueryCancelled(t *testing.T) {
	db := smallWarehouse(t)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := db.Query(ctx, "select count(*) from range(1000000000) a, range(1000000) b"); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestQueryConcurrently(t *testing.T) {
	db := smallWarehouse(t)
	want := fmt.Sprint(ask(t, db, "select count(*), sum(seq_per_s) from points").Rows)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			r, err := db.Query(context.Background(), "select count(*), sum(seq_per_s) from points")
			if err != nil || fmt.Sprint(r.Rows) != want {
				t.Errorf("%v %v", r, err)
			}
		})
	}
	wg.Wait()
}

func TestSave(t *testing.T) {
	db := smallWarehouse(t)
	dir := t.TempDir()
	for ext, want := range map[string]string{
		".csv":  "x,y\n1,a'b\n,c\n",
		".json": "[\n\t{\"x\":1,\"y\":\"a'b\"},\n\t{\"x\":null,\"y\":\"c\"}\n]\n",
	} {
		path := filepath.Join(dir, "it's"+ext)
		for range 2 { // again: replaced
			n, err := db.Save(context.Background(), "select * from (values (1, ?), (null, 'c')) as t(x, y) -- end", path, "a'b")
			if err != nil || n != 2 {
				t.Fatalf("%s: %d rows, %v", ext, n, err)
			}
		}
		if b, _ := os.ReadFile(path); string(b) != want {
			t.Errorf("%s: %q", ext, b)
		}
	}
	path := filepath.Join(dir, "points.parquet")
	n, err := db.Save(context.Background(), "from points;", path)
	if err != nil || n != int64(len(ask(t, db, "from points").Rows)) {
		t.Fatalf("%d rows, %v", n, err)
	}
	for path, query := range map[string]string{
		filepath.Join(dir, "x.txt"):                         "select 1",
		filepath.Join(dir, "a.csv"):                         "drop view points",
		filepath.Join(dir, "b.csv"):                         "select 1) to '/tmp/x'; select (1",
		filepath.Join(dir, "c.csv"):                         "explain select 1",
		filepath.Join(dir, "d.csv"):                         "select nothing",
		filepath.Join(dir, "no", "such", "dir.csv"):         "select 1",
		filepath.Join(db.Root(), "tables", "a.parquet"):     "from points",
		filepath.Join(db.Root(), "validation", "a.parquet"): "from points",
		filepath.Join(db.Root(), "runs", "r1", "a.parquet"): "from points",
	} {
		if _, err := db.Save(context.Background(), query, path); err == nil {
			t.Errorf("%s to %s: saved", query, path)
		}
	}
	left, _ := filepath.Glob(filepath.Join(dir, "*"))
	hidden, _ := filepath.Glob(filepath.Join(dir, ".*"))
	if len(left) != 3 || len(hidden) != 0 {
		t.Errorf("files: %q %q", left, hidden)
	}
	db.Close()
	if _, err := os.Stat(db.scratch); !os.IsNotExist(err) {
		t.Errorf("the private directory is left: %v", err)
	}
}

// TestReadBySQL reads files of the writer in sinks with the other reader.
func TestReadBySQL(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 8))
	tabs := randomTables(rng, 3000, 1)
	db := openWarehouse(t, tabs, nil)
	equalRows(t, "agg_points", ask(t, db, "from agg_points"), records(tabs["agg_points"]), false)
	r := ask(t, db, `select path_in_schema, stats_min_value, stats_max_value, stats_null_count from parquet_metadata(?)
		where path_in_schema in ('model', 'isl', 'ttft_ms', 'feasible') order by all`,
		filepath.Join(db.Root(), "tables/agg_points/h200/vllm/m1/a.parquet"))
	want := "[[feasible false true 0] [isl 1000 4000 0] [model m1 m1 0] [ttft_ms 100.0 600.0 0]]"
	if got := fmt.Sprint(r.Rows); got != want {
		t.Errorf("statistics %s, want %s", got, want)
	}
}

// TestOlderWarehouse: tables of another schema version are refused in one line.
func TestOlderWarehouse(t *testing.T) {
	db := smallWarehouse(t)
	part := filepath.Join(db.Root(), "tables/gpu_budgets/part.parquet")
	other, err := sql.Open("duckdb", "")
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if _, err := other.Exec("copy (select 8::integer as gpus) to " + quote(part) + " (format parquet, kv_metadata {schema_version: '1'})"); err != nil {
		t.Fatal(err)
	}
	_, err = Open(context.Background(), db.Root())
	if !errors.Is(err, ErrSchema) || !strings.Contains(err.Error(), "of version 1, this program reads version") || strings.Contains(err.Error(), "\n") {
		t.Errorf("got %v", err)
	}
}
