package changes

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "rewrite the expected reports")

func sample() *Report {
	day := time.Date(2026, 11, 25, 1, 0, 0, 0, time.UTC)
	at := func(model, mode string) Combination {
		return Combination{model, "h200_sxm", "h200_sxm", "vllm", "0.12.0", mode}
	}
	mixed := Combination{"org/a", "h100_sxm", "h200_sxm", "vllm", "0.12.0", "disagg"}
	r := &Report{
		Sweep: "nightly", Run: "nightly-2", FinishedAt: day.Add(24 * time.Hour), Previous: "nightly-1", PreviousAt: day, Shards: 529, ScoredShards: 1, Threshold: 0.01,
		Notes: []string{"formulas of revision 8, in the previous run of 7"},
		Tables: []Table{
			{"altered", "h200_sxm", "vllm", "0.12.0", "gemm", "0123456789abcdef", "fedcba9876543210"},
			{"lost", "l40s", "vllm", "0.11.0", "gemm", "0123456789abcdef", ""},
			{"lost", "l40s", "vllm", "0.11.0", "moe", "0123456789abcdef", ""},
		},
		Served:   []Served{{"lost", "system", "l40s"}},
		Coverage: []Coverage{{"lost", "org/gone", "l40s", "vllm", "0.11.0", "agg", "supported", "no_data", "no measurements of fp8 | block", 12, 0}},
	}
	r.Compare([]Shift{
		{Combination: mixed, Workload: Workload{4000, 500, 2000, 8}, Change: "up", Gain: 0.034, GainAt: Move{50, 51.7, 400, 413.6}},
		{Combination: at("org/a", "agg"), Workload: Workload{1000, 1000, 0, 1}, Change: "down", Loss: 0.004},
		{Combination: at("org/a", "agg"), Workload: Workload{4000, 500, 0, 8}, Change: "mixed", Loss: 0.0421, Gain: 0.002, LossAt: Move{66, 64, 520, 498.1}},
		{Combination: at("org/b", "agg"), Workload: Workload{4000, 500, 0, 8}, Change: "lost"},
		{Combination: Combination{"org/gone", "l40s", "l40s", "vllm", "0.11.0", "agg"}, Workload: Workload{4000, 500, 0, 8}, Change: "lost"},
	})
	return r
}

// The report for people, for a pull request, and what it says when there is less.
func TestReports(t *testing.T) {
	for format, name := range map[string]string{"table": "report.txt", "markdown": "report.md"} {
		var got bytes.Buffer
		if err := sample().Write(&got, format); err != nil {
			t.Fatal(err)
		}
		name = "testdata/" + name
		if *update {
			if err := os.WriteFile(name, got.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(name)
		if err != nil || got.String() != string(want) {
			t.Errorf("%s is not what is written (%v; -update rewrites it):\n%s", name, err, &got)
		}
	}
}

func TestJSONHoldsAll(t *testing.T) {
	r := sample()
	var b bytes.Buffer
	if err := r.Write(&b, "json"); err != nil {
		t.Fatal(err)
	}
	var again Report
	if err := json.Unmarshal(b.Bytes(), &again); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(*r, again) {
		t.Errorf("read back\n%+v, was\n%+v", again, *r)
	}
}

// A frontier that is lost or down beyond the threshold, and what can be served no longer,
// are regressions; nothing else is.
func TestRegressed(t *testing.T) {
	shift := func(change string, loss, gain float64) []Shift {
		return []Shift{{Change: change, Loss: loss, Gain: gain}}
	}
	for _, c := range []struct {
		name     string
		shifts   []Shift
		coverage string
		want     bool
	}{
		{"nothing", nil, "", false},
		{"down within", shift("down", 0.01, 0), "", false},
		{"down beyond", shift("down", 0.0101, 0), "", true},
		{"up", shift("up", 0, 5), "", false},
		{"mixed beyond", shift("mixed", 0.02, 5), "", true},
		{"lost frontier", shift("lost", 0, 0), "", true},
		{"new frontier", shift("new", 0, 0), "", false},
		{"lost coverage", nil, "lost", true},
		{"less coverage", nil, "less", false},
		{"new coverage", nil, "new", false},
	} {
		r := &Report{Previous: "before", Threshold: 0.01}
		if c.coverage != "" {
			r.Coverage = []Coverage{{Change: c.coverage}}
		}
		r.Compare(c.shifts)
		if r.Regressed != c.want || strings.HasPrefix(r.Verdict(), "regressions") != c.want {
			t.Errorf("%s: regressed %v, %q", c.name, r.Regressed, r.Verdict())
		}
	}
	if v := (&Report{}).Verdict(); v != "first run: nothing to compare with" {
		t.Error(v)
	}
}

// What people are shown is cut, and says so.
func TestLongReport(t *testing.T) {
	r := sample()
	for i := range 60 {
		r.Served = append(r.Served, Served{"new", "model", fmt.Sprint("org/", i)})
	}
	var b bytes.Buffer
	if err := r.Write(&b, "table"); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(b.String(), "org/38\n… and 21 more: --output json has all\n") || strings.Contains(b.String(), "org/39") {
		t.Errorf("got\n%s", &b)
	}
}

func TestFormatOf(t *testing.T) {
	for ext, want := range map[string]string{".MD": "markdown", ".txt": "table", ".json": "json", ".pdf": "", "": ""} {
		if got, err := FormatOf(ext); got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v", ext, got, err)
		}
	}
}
