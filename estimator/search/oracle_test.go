package search

import (
	"compress/gzip"
	"encoding/csv"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"servegrid/estimator"
	"servegrid/perftables"
)

// record is one row of a file of the peer's answers, by column name.
type record map[string]string

func readOracle(t *testing.T, file string) []record {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	recs, err := csv.NewReader(z).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var out []record
	for _, rec := range recs[1:] {
		m := record{}
		for i, v := range rec {
			m[recs[0][i]] = v
		}
		out = append(out, m)
	}
	return out
}

// number reads a cell; an empty one is 0.
func (r record) number(t *testing.T, name string) float64 {
	t.Helper()
	if r[name] == "" {
		return 0
	}
	v, err := strconv.ParseFloat(r[name], 64)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return v
}

// task is the question that the row's workload asked.
func (r record) task(t *testing.T) *Task {
	t.Helper()
	m, err := estimator.LookupModel(r["model"])
	if err != nil {
		t.Fatal(err)
	}
	m.ID = r["model"]
	open := func(system string) *perftables.Database {
		db, err := perftables.Embedded().Open(system, r["backend"], r["version"])
		if err != nil {
			t.Fatal(err)
		}
		return db
	}
	task := NewTask(m, open(r["system"]))
	task.DecodeDB, task.TotalGPUs = open(r["decode_system"]), int(r.number(t, "total_gpus"))
	task.Workload = estimator.Workload{ISL: int(r.number(t, "isl")), OSL: int(r.number(t, "osl")), Prefix: int(r.number(t, "prefix"))}
	task.Limits = Limits{
		TTFT: r.number(t, "ttft_limit_ms"), TPOT: r.number(t, "tpot_limit_ms"), RequestLatency: r.number(t, "request_latency_limit_ms"),
	}
	return task
}

// workload is a question with all of the peer's rows for it.
type workload struct {
	name string
	task *Task
	rows []record
}

func readWorkloads(t *testing.T, file string) []workload {
	var all []workload
	for _, r := range readOracle(t, file) {
		i := slices.IndexFunc(all, func(w workload) bool { return w.name == r["workload"] })
		if i < 0 {
			i = len(all)
			all = append(all, workload{name: r["workload"], task: r.task(t)})
		}
		all[i].rows = append(all[i].rows, r)
	}
	if len(all) == 0 {
		t.Fatalf("%s: no workload of a known model", file)
	}
	return all
}

// experiment selects the peer's rows of one way of serving.
func (w workload) experiment(mode string) []record {
	var rows []record
	for _, r := range w.rows {
		if r["experiment"] == mode {
			rows = append(rows, r)
		}
	}
	return rows
}

// differs names the first column in which a row is not the peer's. Numbers are
// compared at three decimals, all the peer prints; the cluster figure is derived
// from rounded ones and gets the same tolerance.
func differs(t *testing.T, got Row, want record, w estimator.Workload) string {
	rec := got.Record(w)
	for i, c := range Columns(got.Mode) {
		if rec[i] == want[c] {
			continue
		}
		g, err1 := strconv.ParseFloat(rec[i], 64)
		v, err2 := strconv.ParseFloat(want[c], 64)
		if err1 != nil || err2 != nil || math.Abs(g-v) > 1e-9*max(1, math.Abs(v)) {
			return c + ": got " + rec[i] + ", want " + want[c]
		}
	}
	return ""
}

// tieEffects are the only differences from the peer that are accepted. The peer
// sorts with an unstable algorithm; where several rows have equal keys, which one
// it calls the tenth depends on its processor. Each entry was traced to such a
// tie.
var tieEffects = map[string]bool{
	"v51 agg frontier 4":    true, // batch 128 against 144, equal in every figure that ranks
	"v56 agg frontier 33":   true, // the tenth row at seq/s 1.876
	"v37 disagg candidates": true, // 123, the peer 124
	"v46 disagg candidates": true, // 57, the peer 58
}

// The ranked rows of every workload are the peer's.
func TestBestMatchesOracle(t *testing.T) {
	used := map[string]bool{}
	rows := 0
	for _, w := range readWorkloads(t, "testdata/best.csv.gz") {
		for _, res := range []*Result{SearchAgg(w.task), SearchDisagg(w.task)} {
			want := w.experiment(res.Mode)
			if len(want) == 0 { // neither way has a candidate, or the peer refuses the model
				if status := w.rows[0]["status"]; status != "no_result" && status != "error" || res.Err == nil {
					t.Errorf("%s %s: got error %v, want status %s", w.name, res.Mode, res.Err, w.rows[0]["status"])
				}
				continue
			}
			switch status := want[0]["status"]; status {
			case "no_result":
				if res.Err == nil {
					t.Errorf("%s %s: got %d rows, want none", w.name, res.Mode, len(res.Rows))
				}
				continue
			case "none_within_limit":
				if res.Err != nil || len(res.Picked) != 0 {
					t.Errorf("%s %s: got error %v and %d picked rows, want candidates and none picked", w.name, res.Mode, res.Err, len(res.Picked))
				}
			case "ok":
				if res.Err != nil {
					t.Errorf("%s %s: %v", w.name, res.Mode, res.Err)
					continue
				}
				picked := res.Picked[:min(len(res.Picked), MostPicked)]
				if len(picked) != len(want) {
					t.Errorf("%s %s: got %d ranked rows, want %d", w.name, res.Mode, len(picked), len(want))
					continue
				}
				for i := range want {
					rows++
					if d := differs(t, picked[i], want[i], w.task.Workload); d != "" {
						t.Errorf("%s %s rank %d: %s", w.name, res.Mode, i+1, d)
					}
				}
			default:
				t.Errorf("%s: unknown status %s", w.name, status)
			}
			for _, n := range []struct {
				what string
				got  int
				want float64
			}{{"candidates", len(res.Rows), want[0].number(t, "n_candidates")}, {"frontier rows", len(res.Frontier), want[0].number(t, "n_frontier")}} {
				if float64(n.got) == n.want {
					continue
				}
				key := w.name + " " + res.Mode + " " + n.what
				if used[key] = true; !tieEffects[key] {
					t.Errorf("%s: got %d, want %v", key, n.got, n.want)
				}
			}
		}
	}
	t.Logf("%d ranked rows compared", rows)
	checkTies(t, used, "candidates")
}

// The frontier of every workload is the peer's.
func TestFrontierMatchesOracle(t *testing.T) {
	used := map[string]bool{}
	rows := 0
	for _, w := range readWorkloads(t, "testdata/pareto.csv.gz") {
		for _, res := range []*Result{SearchAgg(w.task), SearchDisagg(w.task)} {
			want := w.experiment(res.Mode)
			if len(want) != len(res.Frontier) {
				t.Errorf("%s %s: got %d frontier rows, want %d", w.name, res.Mode, len(res.Frontier), len(want))
				continue
			}
			for i := range want {
				rows++
				d := differs(t, res.Frontier[i], want[i], w.task.Workload)
				if d == "" {
					continue
				}
				key := w.name + " " + res.Mode + " frontier " + want[i]["index"]
				if used[key] = true; !tieEffects[key] {
					t.Errorf("%s: %s", key, d)
				}
			}
		}
	}
	t.Logf("%d frontier rows compared", rows)
	checkTies(t, used, "frontier ")
}

// checkTies reports accepted differences that no longer occur.
func checkTies(t *testing.T, used map[string]bool, what string) {
	for key := range tieEffects {
		if strings.Contains(key, what) && !used[key] {
			t.Errorf("%s is listed as a tie effect but agrees with the peer", key)
		}
	}
}
