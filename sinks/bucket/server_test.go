//go:build unix

package bucket_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"servegrid/sinks/bucket/buckettest"
)

// These tests run the program itself over versitygw, a real S3 server, on loopback: see
// make test-s3, which names both in the environment.

const (
	secretKey = "tHiS-iS-nOt-To-Be-SeEn"
	runName   = "r"
)

// world is a server with a bucket, and the program.
type world struct {
	t       *testing.T
	program string
	server  string // URL
	bucket  string // the folder where the server keeps the bucket
	home    string // working directory of the program
	env     []string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, program: os.Getenv("SERVEGRID_PROGRAM"), home: t.TempDir()}
	gateway := os.Getenv("SERVEGRID_S3_SERVER")
	if w.program == "" || gateway == "" {
		t.Skip("make test-s3 runs it, over a real S3 server")
	}
	root := t.TempDir()
	w.bucket = filepath.Join(root, "bucket")
	if err := os.Mkdir(w.bucket, 0o755); err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	listener.Close()
	cmd := exec.Command(gateway, "--port", address, "--quiet", "--health", "/health", "posix", root)
	cmd.Env = append(os.Environ(), "ROOT_ACCESS_KEY=test-access", "ROOT_SECRET_KEY="+secretKey)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	w.server = "http://" + address
	waitFor(t, w.server+"/health")
	w.env = append(os.Environ(), "AWS_ACCESS_KEY_ID=test-access", "AWS_SECRET_ACCESS_KEY="+secretKey, "AWS_REGION=us-east-1",
		"AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null", "AWS_EC2_METADATA_DISABLED=true", "HOME="+w.home)
	return w
}

func waitFor(t *testing.T, url string) {
	t.Helper()
	for range 300 {
		if answer, err := http.Get(url); err == nil {
			answer.Body.Close()
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("%s does not answer", url)
}

// warehouse is a warehouse in the bucket, over a line to the server.
func (w *world) warehouse(line, prefix string) string {
	return "s3://bucket/" + prefix + "?endpoint=" + line
}

func (w *world) command(args ...string) *exec.Cmd {
	cmd := exec.Command(w.program, args...)
	cmd.Env, cmd.Dir = w.env, w.home
	return cmd
}

// run runs the program to its end; what it says holds no secret.
func (w *world) run(args ...string) (string, error) {
	out, err := w.command(args...).CombinedOutput()
	if bytes.Contains(out, []byte(secretKey)) {
		w.t.Errorf("servegrid %s says the secret:\n%s", strings.Join(args, " "), out)
	}
	if err != nil {
		err = fmt.Errorf("servegrid %s: %w\n%s", strings.Join(args, " "), err, out)
	}
	return string(out), err
}

func (w *world) must(args ...string) string {
	w.t.Helper()
	out, err := w.run(args...)
	if err != nil {
		w.t.Fatal(err)
	}
	return out
}

// spec is the sweep file.
func spec(t *testing.T) string {
	t.Helper()
	path, err := filepath.Abs("testdata/many.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// sums hashes the files below a folder that are the same in every warehouse of one sweep:
// all but the manifest, which holds times, and locks.
func (w *world) sums(root string) map[string]string {
	w.t.Helper()
	sums := map[string]string{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil || name == ".lock" || strings.HasPrefix(name, "locks/") {
			return err
		}
		b, err := os.ReadFile(path)
		if bytes.Contains(b, []byte(secretKey)) {
			w.t.Errorf("the secret is in %s", name)
		}
		sum := sha256.Sum256(b)
		if sums[name] = hex.EncodeToString(sum[:]); filepath.Base(name) == "manifest.json" {
			sums[name] = "a manifest"
		}
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return sums
}

func (w *world) same(what string, got, want map[string]string) {
	w.t.Helper()
	if len(want) < 100 {
		w.t.Errorf("%s: only %d files are compared", what, len(want))
	}
	for name, sum := range want {
		if got[name] != sum {
			w.t.Errorf("%s: %s differs or is missing", what, name)
		}
	}
	for name := range got {
		if want[name] == "" {
			w.t.Errorf("%s: %s should not be there", what, name)
		}
	}
}

func shareArgs(warehouse string, count int, more ...string) []string {
	return append([]string{"sweep", "--warehouse", warehouse, "--run", runName, "--shard-count", fmt.Sprint(count)}, more...)
}

// Three processes on one bucket leave the files of one process on a local directory, of two
// that finish at once one wins, and what is read and pulled is the same.
func TestServerSharedSweep(t *testing.T) {
	w := newWorld(t)
	w.must("sweep", spec(t), "--warehouse", "local", "--run", runName)
	local := w.sums(filepath.Join(w.home, "local"))
	at := w.warehouse(w.server, "some/prefix")
	const n = 3
	var group sync.WaitGroup
	for i := range n {
		group.Go(func() {
			if _, err := w.run(shareArgs(at, n, "--shard-index", fmt.Sprint(i), spec(t))...); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if _, err := os.Stat(filepath.Join(w.bucket, "some/prefix/runs")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("something is published before the sweep is finished (%v)", err)
	}
	// Of two that finish at once one wins, and the other says so.
	said := make([]string, 2)
	var won atomic.Int32
	for i := range said {
		group.Go(func() {
			var err error
			if said[i], err = w.run(shareArgs(at, n, "--finish", spec(t))...); err != nil {
				t.Error(err)
			}
			if !strings.Contains(said[i], "another process has published run r of this sweep") {
				won.Add(1)
			}
		})
	}
	group.Wait()
	if won.Load() != 1 {
		t.Errorf("%d finishers won:\n%s", won.Load(), strings.Join(said, "\n"))
	}
	if out, err := w.run(shareArgs(at, n, "--finish", "--keep", "frontier", spec(t))...); err == nil || !strings.Contains(out, `run "r" exists in s3://bucket/some/prefix`) {
		t.Errorf("another sweep under the same name: %v\n%s", err, out)
	}
	w.same("the bucket", w.sums(filepath.Join(w.bucket, "some/prefix")), local)
	if out := w.must("plan", spec(t), "--warehouse", at); !strings.Contains(out, "40 of them scored already") {
		t.Errorf("the plan says:\n%s", out)
	}

	w.must("pull", at, "pulled")
	w.same("pulled", w.sums(filepath.Join(w.home, "pulled")), local)
	if out := w.must("pull", at, "pulled"); !strings.Contains(out, ": 0 files brought") {
		t.Errorf("pulled again: %s", out)
	}
	ask := []string{"best", "--model", "Qwen/Qwen3-32B-FP8", "--isl", "4000", "--osl", "500", "--total-gpus", "8", "--output", "csv", "--warehouse"}
	want := w.must(append(ask, "local")...)
	if got := w.must(append(ask, "pulled")...); got != want {
		t.Errorf("the pulled run answers\n%swant\n%s", got, want)
	}

	w.must("sweep", spec(t), "--warehouse", at, "--run", "later", "--keep", "frontier")
	if out := w.must("gc", "--warehouse", at, "--keep-runs", "1"); !strings.Contains(out, "removed the run r") {
		t.Errorf("gc says: %s", out)
	}
	w.must("sweep", spec(t), "--warehouse", "local", "--run", "later", "--keep", "frontier")
	w.must("gc", "--warehouse", "local", "--keep-runs", "1")
	w.same("after gc", w.sums(filepath.Join(w.bucket, "some/prefix")), w.sums(filepath.Join(w.home, "local")))
}

// Without servegrid-cloud beside it the program says what is missing.
func TestServerProgramAlone(t *testing.T) {
	w := newWorld(t)
	alone := filepath.Join(w.home, "servegrid")
	if err := os.Link(w.program, alone); err != nil {
		b, err := os.ReadFile(w.program)
		if err := errors.Join(err, os.WriteFile(alone, b, 0o755)); err != nil {
			t.Fatal(err)
		}
	}
	w.program, w.env = alone, append(w.env, "PATH=")
	out, err := w.run("plan", spec(t), "--warehouse", w.warehouse(w.server, "w"))
	if err == nil || out != "servegrid: warehouse s3://bucket/w: this program was built without access to buckets: put servegrid-cloud beside it, which `make cloud` builds\n" {
		t.Errorf("got error %v and\n%s", err, out)
	}
}

// DuckDB reads the bucket itself where its extension httpfs is installed, and nothing else
// than the warehouse; without it one line says what to do. No query finds a
// credential.
func TestServerHTTPFS(t *testing.T) {
	w := newWorld(t)
	extension := os.Getenv("SERVEGRID_HTTPFS")
	if extension == "" {
		t.Skip("make test-s3 names DuckDB's extension")
	}
	at := w.warehouse(w.server, "w")
	for _, warehouse := range []string{"local", at, w.warehouse(w.server, "w2")} {
		w.must("sweep", spec(t), "--warehouse", warehouse, "--run", "first", "--keep", "frontier")
	}
	w.must("sweep", spec(t), "--warehouse", "local", "--run", runName)
	w.must("sweep", spec(t), "--warehouse", at, "--run", runName)
	ask := []string{"best", "--model", "Qwen/Qwen3-32B-FP8", "--isl", "4000", "--osl", "500", "--total-gpus", "8", "--output", "csv", "--warehouse"}
	if out, err := w.run(append(ask, at)...); err == nil || strings.Count(out, "\n") != 1 || !strings.Contains(out, "bring it here with `servegrid pull") {
		t.Errorf("without httpfs: %v\n%s", err, out)
	}

	b, err := os.ReadFile(extension)
	if err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(w.home, ".duckdb/extensions", filepath.Base(filepath.Dir(extension)), runtime.GOOS+"_"+runtime.GOARCH)
	if err := errors.Join(os.MkdirAll(folder, 0o755), os.WriteFile(filepath.Join(folder, filepath.Base(extension)), b, 0o644)); err != nil {
		t.Fatal(err)
	}
	queries := [][]string{
		ask,
		{"query", "select run, shards, rows_agg_points from runs order by run", "--warehouse"},
		{"query", "select count(*), sum(ttft_ms), min(shard_key) from agg_points", "--warehouse"},
		{"query", "select system, count(*) from frontier group by system order by system", "--warehouse"},
	}
	for _, q := range queries {
		want := w.must(append(q, "local")...)
		if got := w.must(append(q, at)...); got != want {
			t.Errorf("%s: from the bucket\n%swant\n%s", q[1], got, want)
		}
	}
	for _, q := range []string{
		"select value from duckdb_settings() where value like '%test-access%'",
		"select current_setting('s3_access_key_id') as v where v <> ''",
		"select current_setting('s3_secret_access_key') as v where v <> ''",
	} {
		if out := w.must("query", q, "--output", "csv", "--warehouse", at); strings.Count(out, "\n") != 1 {
			t.Errorf("%s answers\n%s", q, out)
		}
	}
	for _, q := range []string{
		"select * from duckdb_secrets()",
		"select count(*) from read_json('s3://bucket/w2/runs/first/manifest.json')",
		"select count(*) from read_csv('" + w.server + "/bucket/w2/prices.csv')",
		"select count(*) from read_csv('/etc/passwd')",
	} {
		if out, err := w.run("query", q, "--warehouse", at); err == nil {
			t.Errorf("%s answers\n%s", q, out)
		}
	}
}

// The SQL of docs/buckets.md finds the latest run, in a DuckDB without servegrid.
func TestServerDocumentedSQL(t *testing.T) {
	w := newWorld(t)
	python, extension := os.Getenv("SERVEGRID_PYTHON"), os.Getenv("SERVEGRID_HTTPFS")
	if python == "" || extension == "" {
		t.Skip("make test-s3 names a Python with DuckDB, and DuckDB's extension")
	}
	page, err := os.ReadFile("../../docs/buckets.md")
	if err != nil {
		t.Fatal(err)
	}
	_, sql, found := strings.Cut(string(page), "```sql\n")
	sql, _, closed := strings.Cut(sql, "```")
	if !found || !closed {
		t.Fatal("the page has no SQL")
	}
	secret := "key_id 'test-access', secret '" + secretKey + "', url_style 'path', use_ssl false, endpoint '" + strings.TrimPrefix(w.server, "http://") + "'"
	sql = strings.Replace(strings.ReplaceAll(sql, "bucket/llm", "bucket/w"), "key_id 'KEY', secret 'SECRET'", secret, 1)
	for _, run := range []string{"first", "second"} {
		w.must("sweep", spec(t), "--warehouse", w.warehouse(w.server, "w"), "--run", run)
		w.must("sweep", spec(t), "--warehouse", "local", "--run", run)
	}
	// What a killed finisher has left of a later run is not read.
	folder := filepath.Join(w.bucket, "w/runs/third/tables/agg_points")
	if err := errors.Join(os.MkdirAll(folder, 0o755), os.WriteFile(filepath.Join(folder, "x.parquet"), []byte("PAR1"), 0o644)); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(python, "-c", `
import duckdb, sys
c = duckdb.connect()
c.execute("load '" + sys.argv[1] + "'")
for row in c.execute(sys.argv[2]).fetchall():
    print(",".join(map(str, row)))
`, extension, sql)
	got, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	want := w.must("query", "select system, count(*) as n from agg_points group by system order by system", "--output", "csv", "--warehouse", "local")
	if _, want, _ = strings.Cut(want, "\n"); string(got) != want || want == "" {
		t.Errorf("the documented SQL answers\n%swant\n%s", got, want)
	}
}

// Two processes sweep over a line that answers 500 and 503 and cuts connections, and are
// killed by SIGKILL fifty times at random instants and started again; nothing is lost
// or doubled, and nothing is seen before the end.
func TestServerSurvivesKills(t *testing.T) {
	w := newWorld(t)
	w.must("sweep", spec(t), "--warehouse", "local", "--run", runName)
	seed := uint64(time.Now().UnixNano())
	line := buckettest.NewFlaky(t, w.server, 12, seed)
	at := w.warehouse(line.URL, "killed")
	began := time.Now()
	w.must("sweep", spec(t), "--warehouse", w.warehouse(line.URL, "undisturbed"), "--run", runName)
	undisturbed := time.Since(began)
	const kills, n = 50, 2
	k := &killer{w: w, random: rand.New(rand.NewPCG(seed, 1)), longest: undisturbed / 4}
	var group sync.WaitGroup
	for i := range n {
		group.Go(func() {
			args := shareArgs(at, n, "--shard-index", fmt.Sprint(i), spec(t))
			for k.killed.Load() < kills-kills/5 {
				k.life(args)
			}
			if _, err := w.run(args...); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if _, err := os.Stat(filepath.Join(w.bucket, "killed/runs")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("something is published before the sweep is finished (%v)", err)
	}
	finish := shareArgs(at, n, "--finish", spec(t))
	manifest := filepath.Join(w.bucket, "killed/runs", runName, "manifest.json")
	for k.killed.Load() < kills {
		k.life(finish)
		if _, err := os.Stat(manifest); err == nil {
			break
		}
	}
	if _, err := os.Stat(manifest); err != nil {
		w.must(finish...)
	}
	t.Logf("undisturbed %v; %d kills, %d lives came to their end; over a line with %s", undisturbed, k.killed.Load(), k.ended.Load(), line)
	if k.killed.Load() < kills*4/5 || !line.EveryWay() {
		t.Error("too few kills or failures")
	}
	got := w.sums(filepath.Join(w.bucket, "killed"))
	for name := range got {
		if strings.HasPrefix(name, "parts/") {
			delete(got, name) // of a finisher that was killed behind its last step
		}
	}
	w.same("killed", got, w.sums(filepath.Join(w.home, "local")))
	w.must("pull", at, "pulled")
	w.same("pulled", w.sums(filepath.Join(w.home, "pulled")), w.sums(filepath.Join(w.home, "local")))
}

// killer ends lives of the program.
type killer struct {
	w             *world
	longest       time.Duration
	killed, ended atomic.Int32

	mu     sync.Mutex
	random *rand.Rand
}

// life runs the program, and kills it after a random time if it has not come to its end.
func (k *killer) life(args []string) {
	cmd := k.w.command(args...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		k.w.t.Error(err)
		return
	}
	k.mu.Lock()
	after := time.Duration(k.random.Int64N(int64(k.longest)))
	k.mu.Unlock()
	timer := time.AfterFunc(after, func() { cmd.Process.Signal(syscall.SIGKILL) })
	err := cmd.Wait()
	timer.Stop()
	switch status := cmd.ProcessState.Sys().(syscall.WaitStatus); {
	case status.Signaled():
		k.killed.Add(1)
	case err != nil:
		k.w.t.Errorf("a life ends with %v\n%s", err, out.Bytes())
		k.killed.Add(1) // so that the test comes to its end
	default:
		k.ended.Add(1)
	}
}
