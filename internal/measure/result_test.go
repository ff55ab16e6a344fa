package measure

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const aiperfRun = "testdata/aiperf_0.13.0"

// What AIPerf really writes.
func TestRealExport(t *testing.T) {
	results, err := LoadResults(filepath.Join(aiperfRun, "concurrency_2"))
	if err != nil || len(results) != 1 {
		t.Fatal(results, err)
	}
	r := results[0]
	if r.AIPerfVersion != "0.13.0" || r.Concurrency != 2 || r.Requests != 12 || r.FailedRequests != 0 || r.Incomplete {
		t.Errorf("%+v", r)
	}
	for _, c := range []struct {
		name string
		got  *Stats
		avg  float64
	}{
		{"TTFT", r.TTFTMs, 60.82323233333333}, {"ITL", r.ITLMs, 7.1076106166666655}, {"request latency", r.RequestLatencyMs, 167.43739158333332},
		{"request rate", r.RequestRatePerS, 10.968318943951532}, {"tokens/s", r.TokensPerS, 175.4931031032245},
		{"tokens/s/user", r.TokensPerSPerUser, 145.55566965447483}, {"ISL", r.ISL, 40}, {"OSL", r.OSL, 16},
	} {
		if c.got == nil || c.got.Avg != c.avg {
			t.Errorf("%s is %+v, want %g on average", c.name, c.got, c.avg)
		}
	}
	if s := r.TTFTMs; *s.P50 != 58.902354499999994 || *s.P99 != 73.47835973 || *s.Min != 52.077638 || *s.Max != 73.897246 || *s.Std != 6.469089605800253 {
		t.Errorf("TTFT: %+v", s)
	}
	if r.TokensPerS.P50 != nil {
		t.Error("throughput of the whole run has a median")
	}
}

// Older versions kept the metrics below "records", and settings elsewhere.
func TestParseResultShapes(t *testing.T) {
	for name, export := range map[string]string{
		"records":     `{"records": {"ttft": {"unit": "ms", "avg": 209}}, "input_config": {"loadgen": {"concurrency": 56}}}`,
		"top":         `{"time_to_first_token": {"unit": "ms", "avg": 209}, "input_config": {"phases": [{"kind": "warmup", "concurrency": 9}, {"kind": "profiling", "concurrency": 56}]}}`,
		"seconds":     `{"ttft": {"unit": "sec", "avg": 0.209}, "input_config": {"loadgen": {"concurrency": 56}}}`,
		"nanoseconds": `{"ttft": {"unit": "ns", "avg": 209e6}, "input_config": {"loadgen": {"concurrency": 56}}}`,
	} {
		r, err := ParseResult([]byte(export))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := fmt.Sprintf("%.6g at %d", r.TTFTMs.Avg, r.Concurrency); got != "209 at 56" {
			t.Errorf("%s: got %s", name, got)
		}
	}
	// A shape of the settings that is not known costs the concurrency, not the figures.
	r, err := ParseResult([]byte(`{"ttft": {"unit": "ms", "avg": 209}, "input_config": {"loadgen": [1]}}`))
	if err != nil || r.Concurrency != 0 {
		t.Errorf("got %+v, %v", r, err)
	}
}

func TestUnits(t *testing.T) {
	for _, c := range []struct {
		q    quantity
		unit string
		want float64 // 0: an error
	}{
		{duration, "ms", 1}, {duration, "sec", 1000}, {duration, "us", 1e-3}, {duration, "ns", 1e-6}, {duration, "S", 1000},
		{duration, "tokens", 0}, {duration, "", 0}, {duration, "fortnight", 0},
		{requestRate, "requests/sec", 1}, {requestRate, "requests/s", 1}, {requestRate, "requests/ms", 1000}, {requestRate, "tokens/sec", 0}, {requestRate, "requests", 0},
		{tokenRate, "tokens/sec", 1}, {tokenRate, "tokens/sec/user", 0},
		{userTokenRate, "tokens/sec/user", 1}, {userTokenRate, "tokens/sec", 0},
		{requests, "requests", 1}, {tokens, "tokens", 1}, {tokens, "requests", 0},
	} {
		got, err := c.q.factor(c.unit)
		if c.want == 0 && err == nil || c.want != 0 && (err != nil || fmt.Sprintf("%.9g", got) != fmt.Sprintf("%.9g", c.want)) {
			t.Errorf("%v of %q: got %g, %v; want %g", c.q, c.unit, got, err, c.want)
		}
	}
}

func TestReadResultsErrors(t *testing.T) {
	ok := `{"ttft": {"unit": "ms", "avg": 209}}`
	for _, c := range []struct{ text, want string }{
		{``, `not an AIPerf result: line 1 is not JSON: unexpected end of JSON input`},
		{`hello`, `neither AIPerf's JSON nor a log with the line -----BEGIN AIPERF RESULT-----`},
		{`[1]`, `neither AIPerf's JSON nor a log with the line -----BEGIN AIPERF RESULT-----`},
		{"{\n\"a\": 1,\n}", `not an AIPerf result: line 3 is not JSON: invalid character '}' looking for beginning of object key string`},
		{`{"b": 1, "a": {}}`, `not an AIPerf result: it has none of the metrics time_to_first_token, inter_token_latency, request_latency, request_throughput, output_token_throughput, output_token_throughput_per_user; it has "a", "b"`},
		{`{"records": {}}`, `not an AIPerf result: it has none of the metrics time_to_first_token, inter_token_latency, request_latency, request_throughput, output_token_throughput, output_token_throughput_per_user; it has nothing`},
		{`{"records": 3}`, `not an AIPerf result: records: it holds number, want an object`},
		{`{"ttft": 3}`, `ttft: it holds number, want an object`},
		{`{"ttft": {"unit": "ms"}}`, `ttft has no avg`},
		{`{"ttft": {"unit": "ms", "avg": "3"}}`, `ttft: avg is string, want a number`},
		{`{"ttft": {"unit": "ms", "avg": -3}}`, `ttft holds -3 ms, want 0 to 1e+15`},
		{`{"ttft": {"unit": "ms", "avg": 1e300}}`, `ttft holds 1e+300 ms, want 0 to 1e+15`},
		{`{"ttft": {"avg": 3}}`, `ttft: no unit, want ms or sec`},
		{`{"request_throughput": {"avg": 3, "unit": "tokens/sec"}}`, `request_throughput: unknown unit "tokens/sec", want requests/sec`},
		{BeginResult + "\n" + ok, `line 1 begins a result that does not end with -----END AIPERF RESULT-----: the log is cut, or the benchmark still runs`},
		{BeginResult + "\n" + ok + "\n" + EndResult + "\n" + BeginResult + "\n{}\n" + EndResult, `result 2 of the log: not an AIPerf result: it has none of`},
	} {
		if _, err := ReadResults(strings.NewReader(c.text)); err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%.60q: got %v, want %s", c.text, err, c.want)
		}
	}
}

// A pod's log, as kubectl prints it.
func TestReadLog(t *testing.T) {
	export, err := os.ReadFile(filepath.Join(aiperfRun, "concurrency_2", ResultFile))
	if err != nil {
		t.Fatal(err)
	}
	text := strings.TrimRight(string(export), "\n") // as AIPerf leaves it
	block := "Collecting aiperf\n" + BeginResult + "\n" + text + EndResult + "\ndone\n"
	logs := map[string]string{
		"plain":    block,
		"crlf":     strings.ReplaceAll(block, "\n", "\r\n"),
		"prefixed": prefixLines(block, "[pod/aiperf-benchmark-x2v9k/aiperf] "),
		"times":    prefixLines(block, "2026-01-02T03:04:05.123456789Z "),
		"new line": BeginResult + "\n" + text + "\n" + EndResult,
		"echoed":   "+ echo " + BeginResult + "\n" + BeginResult + "\n+ cat " + ResultFile + "\n" + text + "+ echo " + EndResult + "\n" + EndResult + "\n",
	}
	for name, log := range logs {
		results, err := ReadResults(strings.NewReader(log))
		if err != nil || len(results) != 1 || results[0].Concurrency != 2 || results[0].TTFTMs.Avg != 60.82323233333333 {
			t.Errorf("%s: got %+v, %v", name, results, err)
		}
	}
	if results, err := ReadResults(strings.NewReader(block + block)); err != nil || len(results) != 2 {
		t.Errorf("two results: got %d, %v", len(results), err)
	}
}

// prefixLines puts a prefix in front of every line.
func prefixLines(text, prefix string) string {
	return prefix + strings.ReplaceAll(strings.TrimSuffix(text, "\n"), "\n", "\n"+prefix) + "\n"
}

func FuzzReadResults(f *testing.F) {
	// Small seeds: mutating a whole export gets nowhere.
	export := `{"time_to_first_token": {"unit": "ms", "avg": 209, "p50": 200}, "inter_token_latency": {"unit": "ms", "avg": 15},
 "output_token_throughput": {"unit": "tokens/sec", "avg": 3462}, "input_config": {"phases": [{"kind": "profiling", "concurrency": 60}]}}`
	f.Add([]byte(export))
	f.Add([]byte(prefixLines(BeginResult+"\n"+export+"\n"+EndResult, "pod: ")))
	f.Add([]byte(`{"records": {"ttft": {"unit": "us", "avg": 1e15, "p50": null}}, "input_config": {"loadgen": {"concurrency": -3}}}`))
	f.Add([]byte(BeginResult + "\n\n" + EndResult))
	p := guideDisagg()
	f.Fuzz(func(t *testing.T, data []byte) {
		results, err := ReadResults(bytes.NewReader(data))
		if (err == nil) != (len(results) > 0) {
			t.Fatalf("%d results and error %v", len(results), err)
		}
		for _, r := range results {
			c := Compare(&p, r)
			for i := range c.Rows {
				row := &c.Rows[i]
				if (row.Actual == nil) != (row.Status == "Not measured") || row.Shortfall() < 0 {
					t.Errorf("%+v", row)
				}
			}
			if prefill, decode, err := c.Correction(); err == nil && !(prefill > 0 && decode > 0) {
				t.Errorf("correction scales %g and %g", prefill, decode)
			}
		}
	})
}
