package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"servegrid/cmd/servegrid/internal/web"
	"servegrid/estimator/search"
)

// page is the API as a browser sees it.
type page struct {
	t   testing.TB
	url string
}

func servePage(t testing.TB, w *webapp) page {
	t.Helper()
	var err error
	if w.program, err = exec.LookPath("servegrid"); err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(web.Handler(web.Config{
		Name: "127.0.0.1", Version: version(), Operations: w.operations(), AtOnce: 2, Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
	}))
	t.Cleanup(s.Close)
	return page{t, s.URL}
}

// ask posts a request and returns the status and the body.
func (p page) ask(path string, request any) (int, []byte) {
	p.t.Helper()
	b, err := json.Marshal(request)
	if err != nil {
		p.t.Fatal(err)
	}
	r, err := http.Post(p.url+path, "application/json", bytes.NewReader(b))
	if err != nil {
		p.t.Fatal(err)
	}
	defer r.Body.Close()
	if b, err = io.ReadAll(r.Body); err != nil {
		p.t.Fatal(err)
	}
	return r.StatusCode, b
}

// get is ask for a request that has to be answered.
func (p page) get(path string, request, reply any) {
	p.t.Helper()
	status, b := p.ask(path, request)
	if status != http.StatusOK {
		p.t.Fatalf("%s: %d %s", path, status, b)
	}
	if err := json.Unmarshal(b, reply); err != nil {
		p.t.Fatal(err)
	}
}

type fields = map[string]any

// guideCase is the question of the guide.
func guideCase(more fields) fields {
	q := fields{"model_path": "Qwen/Qwen3-32B-FP8", "total_gpus": 8, "isl": 4000, "osl": 500, "ttft": 600, "tpot": 16.67}
	for k, v := range more {
		q[k] = v
	}
	return q
}

// What the page is told ranks as the command ranks it, for random questions.
func TestWebSweepIsDefault(t *testing.T) {
	p := servePage(t, newWebapp(t.TempDir(), ""))
	r := rand.New(rand.NewPCG(11, 7))
	rows := 0
	for range 12 {
		task := randomTask(t, r)
		q := fields{
			"model_path": task.Model.ID, "total_gpus": task.TotalGPUs, "isl": task.Workload.ISL, "osl": task.Workload.OSL, "prefix": task.Workload.Prefix,
			"ttft": task.Limits.TTFT, "tpot": task.Limits.TPOT, "systems": []string{task.DB.System.Name}, "backends": []string{task.DB.Backend}, "versions": []string{task.DB.Version},
		}
		task.WideEP = false // no flag of default
		var got sweepReply
		p.get("/api/sweep", q, &got)
		for _, s := range got.Series {
			want := (estimatorChoice{}).find(task, s.Mode)
			if len(s.Rows) > 0 != (len(want.Rows) > 0) {
				t.Errorf("%v %s: %d rows, want %d (%v)", q, s.Mode, len(s.Rows), len(want.Rows), want.Err)
			}
			at := func(row []any, column string) any { return row[slices.Index(got.Columns, column)] }
			ranked := 0
			for _, row := range s.Rows {
				if rank, ok := at(row, "rank").(float64); ok {
					ranked++
					if w := want.Picked[int(rank)-1]; at(row, "tokens_per_s_per_gpu_cluster") != w.TokensPerSPerGPUCluster || at(row, "ttft_ms") != w.TTFT || at(row, "tpot_ms") != w.TPOT {
						t.Errorf("%v %s rank %v: %v, want %+v", q, s.Mode, rank, row, w)
					}
				}
			}
			if ranked != len(want.Picked) {
				t.Errorf("%v %s: %d ranked rows, want %d", q, s.Mode, ranked, len(want.Picked))
			}
			rows += ranked
		}
	}
	if rows < 20 {
		t.Errorf("only %d rows were compared", rows)
	}
}

// The limit on TPOT plays no part in which rows there are, so that a page may rank
// again without asking. What is looser in TTFT holds every row of what is tighter.
func TestRowsForEveryTPOT(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 10 {
		task := randomTask(t, r)
		other := *task
		other.Limits.TPOT = 5
		for _, mode := range []string{search.Agg, search.Disagg} {
			a, b := (estimatorChoice{}).find(task, mode), (estimatorChoice{}).find(&other, mode)
			if len(a.Rows) != len(b.Rows) {
				t.Errorf("%s %s: %d rows at TPOT %g, %d at 5", task.Model.ID, mode, len(a.Rows), task.Limits.TPOT, len(b.Rows))
			}
		}
	}
}

// The files are those of --save-dir, byte for byte.
func TestWebArtifacts(t *testing.T) {
	p := servePage(t, newWebapp(t.TempDir(), ""))
	dir := t.TempDir()
	args := []string{
		"servegrid", "default", "--model-path", "Qwen/Qwen3-32B-FP8", "--total-gpus", "8", "--isl", "4000", "--osl", "500", "--ttft", "600", "--tpot", "16.67",
		"--system", "h200_sxm", "--backend", "vllm", "--namespace", "serving", "--generator-set", "Workers.agg.cuda_graph_batch_sizes=[1,2]", "--save-dir", dir,
	}
	var stderr bytes.Buffer
	if code := run(args, io.Discard, &stderr); code != 0 {
		t.Fatalf("%d: %s", code, stderr.String())
	}
	for _, c := range []struct {
		experiment string
		rank       int
	}{{"agg", 1}, {"agg", 3}, {"disagg", 2}} {
		var got artifactsReply
		p.get("/api/artifacts", guideCase(fields{
			"system": "h200_sxm", "backend": "vllm", "namespace": "serving", "generator_set": []string{"Workers.agg.cuda_graph_batch_sizes=[1,2]"},
			"experiment": c.experiment, "rank": c.rank,
		}), &got)
		for _, f := range got.Files {
			want, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(f.Path)))
			if err != nil || string(want) != f.Content {
				t.Errorf("%s differs from what --save-dir writes (%v)", f.Path, err)
			}
		}
		on, err := filepath.Glob(filepath.Join(dir, filepath.FromSlash(got.Folder), "*"))
		if pre, _ := filepath.Glob(filepath.Join(dir, "prerequisites", "*")); err != nil || len(got.Files) != len(on)+len(pre) || len(on) < 5 {
			t.Errorf("%s: %d files, --save-dir writes %d and %d (%v)", got.Folder, len(got.Files), len(on), len(pre), err)
		}
	}
}

// What is wrong is said with its value, and nothing that names a file or a flag of
// another kind gets through.
func TestWebRefuses(t *testing.T) {
	p := servePage(t, newWebapp(t.TempDir(), ""))
	model := t.TempDir()
	if err := os.WriteFile(filepath.Join(model, "config.json"), []byte(`{"architectures":["LlamaForCausalLM"]}`), 0o644); err != nil {
		t.Fatal(err)
	}
	one := fields{"systems": []string{"h200_sxm"}, "backends": []string{"vllm"}}
	with := func(more fields) fields {
		q := guideCase(one)
		for k, v := range more {
			q[k] = v
		}
		return q
	}
	artifacts := func(more fields) fields {
		q := guideCase(fields{"system": "h200_sxm", "backend": "vllm", "experiment": "agg", "rank": 1})
		for k, v := range more {
			q[k] = v
		}
		return q
	}
	for _, c := range []struct {
		path    string
		request any
		says    string
	}{
		{"/api/sweep", with(fields{"model_path": model}), "unknown model"},
		{"/api/sweep", with(fields{"model_path": "../../../etc/passwd"}), "unknown model"},
		{"/api/sweep", with(fields{"model_path": "Qwen/Qwen3-32B-FP8 --save-dir=/tmp/x"}), "unknown model"},
		{"/api/sweep", with(fields{"model_path": ""}), "missing --model-path"},
		{"/api/sweep", with(fields{"save_dir": "/tmp/x"}), `unknown key "save_dir"`},
		{"/api/sweep", with(fields{"generator_config": "/etc/passwd"}), `unknown key "generator_config"`},
		{"/api/sweep", with(fields{"total_gpus": 0}), "--total-gpus is 0, want 1 to"},
		{"/api/sweep", with(fields{"total_gpus": 1e300}), "total_gpus is a number"},
		{"/api/sweep", with(fields{"isl": -1}), "--isl is -1"},
		{"/api/sweep", with(fields{"prefix": 4000}), "--prefix is 4000"},
		{"/api/sweep", with(fields{"ttft": 0}), "--ttft is 0"},
		{"/api/sweep", with(fields{"systems": []string{"h20"}}), "systems: unknown system"},
		{"/api/sweep", with(fields{"backends": []string{"../vllm"}}), "backends: unknown backend"},
		{"/api/sweep", with(fields{"versions": []string{"9.9"}}), "no engine that is asked for has data of version 9.9"},
		{"/api/sweep", with(fields{"search": "fast"}), "--search"},
		{"/api/sweep", with(fields{"decode_system": "h200_sxm --debug"}), "unknown system"},
		{"/api/artifacts", artifacts(fields{"experiment": "../agg"}), "experiment: unknown value"},
		{"/api/artifacts", artifacts(fields{"rank": 99}), "rank is 99, agg has 3 ranked rows"},
		{"/api/artifacts", artifacts(fields{"rank": 0, "row": -1}), "row is -1"},
		{"/api/artifacts", artifacts(fields{"generator_set": []string{"K8sConfig.shared_memry=1Gi"}}), "shared_memory"},
		{"/api/artifacts", artifacts(fields{"generator_set": []string{"--save-dir=/tmp/x"}}), "--generator-set"},
		{"/api/artifacts", artifacts(fields{"namespace": "a\nkind: Secret"}), "namespace"},
		{"/api/artifacts", artifacts(fields{"backend": "auto"}), "one backend"},
		{"/api/estimate", fields{"model_path": "Qwen/Qwen3-32B-FP8", "system": "h200_sxm", "tp_size": 0}, "--tp-size is 0"},
		{"/api/estimate", fields{"model_path": "Qwen/Qwen3-32B-FP8", "system": "h200_sxm", "input": "/etc/passwd"}, `unknown key "input"`},
		{"/api/recommend", fields{"model_path": "Qwen/Qwen3-32B-FP8", "system": "h200_sxm"}, "one of --target-request-rate and --target-concurrency"},
		{"/api/recommend", guideCase(fields{"system": "h200_sxm", "target_request_rate": 10}), `unknown key "total_gpus"`},
		{"/api/recommend", fields{"model_path": "Qwen/Qwen3-32B-FP8", "system": "h200_sxm", "target_request_rate": 0}, "--target-request-rate is 0"},
		{"/api/eval", fields{"prediction": fields{}, "results": "{}"}, "prediction: "},
		{"/api/query", fields{"sql": "  "}, "sql is empty"},
		{"/api/query", fields{"sql": "select 1"}, "there is no warehouse"},
	} {
		status, b := p.ask(c.path, c.request)
		var got struct{ Error string }
		if err := json.Unmarshal(b, &got); err != nil || status < 400 || status >= 500 || !strings.Contains(got.Error, c.says) {
			t.Errorf("%s %v: %d %s, want %q", c.path, c.request, status, b, c.says)
		}
		if strings.Contains(got.Error, "bad request") || strings.Contains(got.Error, "goroutine") {
			t.Errorf("%s: %s", c.path, got.Error)
		}
	}
}

// smallWarehouse sweeps a little.
func smallWarehouse(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	spec := filepath.Join(dir, "small.yaml")
	text := "name: small\nmodels: [Qwen/Qwen3-32B-FP8]\nsystems: [h200_sxm]\nbackends: [vllm]\nversions: latest\ngpus: [8]\nisl: 4000\nosl: 500\nttft: [600]\ntpot: [16.67]\n"
	if err := os.WriteFile(spec, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	root := filepath.Join(dir, "warehouse")
	var stderr bytes.Buffer
	if code := run([]string{"servegrid", "sweep", spec, "--warehouse", root}, io.Discard, &stderr); code != 0 {
		t.Fatalf("%d: %s", code, stderr.String())
	}
	return root
}

// SQL of strangers reads the warehouse within bounds, and does nothing else.
func TestWebSQL(t *testing.T) {
	root := smallWarehouse(t)
	secret := filepath.Join(t.TempDir(), "secret.csv")
	if err := os.WriteFile(secret, []byte("a\nb\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	w := newWebapp(root, "")
	p := servePage(t, w)
	w.longestQuery = time.Minute
	var got queryReply
	p.get("/api/query", fields{"sql": "select round(max(tokens_per_s_per_gpu_cluster), 2) from best_config(model := 'Qwen/Qwen3-32B-FP8', isl := 4000, osl := 500, gpus := 8, ttft := 600, tpot := 16.67)"}, &got)
	if fmt.Sprint(got.Rows) != "[[521.78]]" && fmt.Sprint(got.Rows) != "[[521.77]]" {
		t.Errorf("best is %v", got.Rows)
	}
	p.get("/api/query", fields{"sql": "from range(1000000)"}, &got)
	if len(got.Rows) != mostQueryRows || !got.Truncated {
		t.Errorf("%d rows, truncated %v", len(got.Rows), got.Truncated)
	}
	p.get("/api/query", fields{"sql": "select repeat('x', 1000000) from range(100)"}, &got)
	if !got.Truncated || len(got.Rows) > 20 {
		t.Errorf("%d megabytes, truncated %v", len(got.Rows), got.Truncated)
	}
	if status, b := p.ask("/api/query", fields{"sql": "select length(string_agg(repeat('x', 100000000), '')) from range(2000)"}); status != 422 || !strings.Contains(string(b), "emory") {
		t.Errorf("%d %.300s, want a word on memory", status, b)
	}
	if status, b := p.ask("/api/query.parquet", fields{"sql": "from range(10)"}); status != 200 || !bytes.HasPrefix(b, []byte("PAR1")) {
		t.Errorf("%d %.80s", status, b)
	}
	before := listing(t, root)
	for sql, says := range map[string]string{
		"create table a (b int)": "single query", "drop view points": "single query", "insert into runs values (1)": "single query",
		"select 1; select 2": "single query", "copy points to '/tmp/x.csv'": "single query", "attach '/tmp/x.db'": "single query",
		"set memory_limit = '100GB'": "single query", "install httpfs": "single query", "pragma database_list": "single query", "call enable_logging()": "single query",
		"from read_csv('" + secret + "')":                     "",
		"from read_text('" + secret + "')":                    "",
		"from '" + secret + "'":                               "",
		"from glob('/etc/*')":                                 "",
		"from read_parquet('" + root + "/../../*/*.parquet')": "",
		"select getenv('HOME')":                               "",
		"select":                                              "",
		"select no_column":                                    "",
		"select 1) to '" + root + "/x' (format csv); --":      "",
	} {
		for _, path := range []string{"/api/query", "/api/query.parquet"} {
			status, b := p.ask(path, fields{"sql": sql})
			if strings.HasPrefix(sql, "from glob") && status == 200 { // it sees nothing
				if json.Unmarshal(b, &got); len(got.Rows) > 0 {
					t.Errorf("%s %s: %s", path, sql, b)
				}
				continue
			}
			if status < 400 || status >= 500 && status != http.StatusServiceUnavailable || path == "/api/query" && !strings.Contains(string(b), says) {
				t.Errorf("%s %s: %d %.300s, want %q", path, sql, status, b, says)
			}
		}
	}
	if after := listing(t, root); after != before {
		t.Errorf("the warehouse changed:\n%s\nbefore:\n%s", after, before)
	}
	w.longestQuery = 500 * time.Millisecond
	if status, b := p.ask("/api/query", fields{"sql": "select count(*) from range(10000000) a, range(10000000) b where a.range + b.range = 7"}); status != 422 || !strings.Contains(string(b), "took longer than 500ms") {
		t.Errorf("%d %s", status, b)
	}
	w.longestQuery = time.Minute
	if p.get("/api/query", fields{"sql": "select count(*) > 0 from points"}, &got); fmt.Sprint(got.Rows) != "[[true]]" {
		t.Errorf("after all that: %v", got.Rows)
	}
}

// listing names every file below a folder with its size.
func listing(t *testing.T, root string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.Walk(root, func(path string, info os.FileInfo, err error) error {
		if err == nil {
			fmt.Fprintln(&b, path, info.Size())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// A hundred users at once are all answered, each as if alone.
func TestWebManyUsers(t *testing.T) {
	p := servePage(t, newWebapp(smallWarehouse(t), ""))
	requests := []struct {
		path    string
		request fields
	}{
		{"/api/sweep", guideCase(fields{"systems": []string{"h200_sxm"}, "backends": []string{"vllm", "trtllm", "sglang"}})},
		{"/api/estimate", fields{"model_path": "Qwen/Qwen3-32B-FP8", "system": "h200_sxm", "backend": "vllm", "tp_size": 2, "batch_size": 14, "isl": 4000, "osl": 500}},
		{"/api/artifacts", guideCase(fields{"system": "h200_sxm", "backend": "vllm", "experiment": "disagg", "rank": 1})},
		{"/api/recommend", fields{"model_path": "Qwen/Qwen3-32B-FP8", "system": "h200_sxm", "isl": 4000, "osl": 500, "target_request_rate": 10}},
		{"/api/query", fields{"sql": "select count(*) from points"}},
	}
	clean := func(b []byte) string { // times differ
		var v fields
		if err := json.Unmarshal(b, &v); err != nil {
			t.Error(err)
		}
		delete(v, "ms")
		return fmt.Sprint(v)
	}
	var want []string
	for _, r := range requests {
		status, b := p.ask(r.path, r.request)
		if status != 200 {
			t.Fatalf("%s: %d %s", r.path, status, b)
		}
		want = append(want, clean(b))
	}
	const users = 100
	each := 2 // requests of a user
	if os.Getenv("SERVEGRID_LOAD") != "" {
		each = 5 * len(requests)
	}
	took := make([][]time.Duration, len(requests))
	var mu sync.Mutex
	var wg sync.WaitGroup
	for user := range users {
		wg.Go(func() {
			for i := range each {
				at := (i + user) % len(requests)
				began := time.Now()
				status, b := p.ask(requests[at].path, requests[at].request)
				d := time.Since(began)
				mu.Lock()
				took[at] = append(took[at], d)
				mu.Unlock()
				if status != 200 || clean(b) != want[at] {
					t.Errorf("%s: %d %.200s", requests[at].path, status, b)
				}
			}
		})
	}
	wg.Wait()
	for i, r := range requests {
		slices.Sort(took[i])
		q := func(share float64) time.Duration {
			return took[i][int(share*float64(len(took[i])-1))].Round(time.Millisecond)
		}
		t.Logf("%-16s %d requests of %d users: median %v, 95 %% %v, slowest %v", r.path, len(took[i]), users, q(.5), q(.95), q(1))
	}
}

// The command serves, says where, and ends with 0 when it is told to.
func TestWebappCommand(t *testing.T) {
	cmd := exec.Command("servegrid", "webapp", "--server_port", "0", "--warehouse", t.TempDir())
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(stderr)
	lines.Scan()
	url, ok := strings.CutPrefix(strings.TrimSuffix(lines.Text(), " (Ctrl-C ends it)"), "Serving on ")
	if !ok || !strings.HasPrefix(url, "http://127.0.0.1:") {
		t.Errorf("it says %q", lines.Text())
	}
	if r, err := http.Get(url + "/api/support?model_path=Qwen/Qwen3-32B-FP8&system=h200_sxm&backend=vllm"); err != nil || r.StatusCode != 200 {
		t.Error(r, err)
	} else {
		r.Body.Close()
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
	if lines.Scan(); lines.Text() != "stopped" {
		t.Errorf("at its end it says %q", lines.Text())
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}
