package search

import (
	"strings"
	"testing"

	"servegrid/estimator"
	"servegrid/perftables"
)

// betterVerdicts are the cells whose verdict is better than the peer's, and why.
// There are none.
var betterVerdicts = map[string]string{}

// The verdict on every cell of the recorded support matrix is the peer's, with
// its counts and formats.
func TestSupportMatchesOracle(t *testing.T) {
	type cell struct{ model, system, backend, version string }
	catalog := NewCatalog(perftables.Embedded())
	verdicts := map[cell][]Support{}
	count := map[string]int{}
	for _, r := range readOracle(t, "testdata/support.csv.gz") {
		m, err := estimator.LookupModel(r["model"])
		if err != nil {
			t.Fatal(err)
		}
		c := cell{r["model"], r["system"], r["backend"], r["version"]}
		if c.version == "" && len(catalog.Versions(c.system, c.backend)) > 0 {
			t.Errorf("%v: the peer has no tables, and we have", c)
		}
		if verdicts[c] == nil {
			verdicts[c] = catalog.Support(m, c.system, c.backend, c.version)
		}
		got := verdicts[c][0]
		if r["mode"] == Disagg {
			got = verdicts[c][1]
		}
		key := c.model + " " + c.system + "/" + c.backend + "/" + c.version + " " + r["mode"]
		count[got.Status]++
		if got.Mode != r["mode"] {
			t.Fatalf("%s: got mode %s", key, got.Mode)
		}
		if (got.Reason == "") != got.Supported() {
			t.Errorf("%s: %s with reason %q", key, got.Status, got.Reason)
		}
		if got.OK+got.OutOfMemory+got.Failed != got.Layouts {
			t.Errorf("%s: counts do not add up: %+v", key, got)
		}
		why, better := betterVerdicts[key]
		if got.Status != r["status"] && !better {
			t.Errorf("%s: got %s (%s), want %s (%s)", key, got.Status, got.Reason, r["status"], r["error"])
		}
		if got.Status == r["status"] && better {
			t.Errorf("%s agrees with the peer but is listed as better: %s", key, why)
		}
		if better {
			continue
		}
		for _, n := range []struct {
			column string
			got    int
		}{{"n_parallel", got.Layouts}, {"n_ok", got.OK}, {"n_oom", got.OutOfMemory}, {"n_error", got.Failed}} {
			if float64(n.got) != r.number(t, n.column) {
				t.Errorf("%s %s: got %d, want %s", key, n.column, n.got, r[n.column])
			}
		}
		for _, q := range []struct{ column, got string }{
			{"gemm_quant", string(got.Quant.GEMM)}, {"moe_quant", string(got.Quant.MoE)}, {"kvcache_quant", string(got.Quant.KV)},
			{"fmha_quant", string(got.Quant.FMHA)}, {"comm_quant", string(got.Quant.Comm)},
		} {
			if q.got != r[q.column] {
				t.Errorf("%s %s: got %q, want %q", key, q.column, q.got, r[q.column])
			}
		}
		if r["nextn"] != "" && float64(DefaultNextN(m)) != r.number(t, "nextn") {
			t.Errorf("%s: %d drafts, want %s", key, DefaultNextN(m), r["nextn"])
		}
	}
	t.Logf("cells by verdict: %v", count)
}

func supportTask(t *testing.T, model, system, backend string) *Task {
	t.Helper()
	m, err := estimator.LookupModel(model)
	if err != nil {
		t.Fatal(err)
	}
	tables := perftables.Embedded()
	db, err := tables.Open(system, backend, tables.Latest(system, backend))
	if err != nil {
		t.Fatal(err)
	}
	return NewTask(m, db)
}

// Each side of disaggregated serving is judged as what it is, on its own
// system.
func TestSupportJudgesSides(t *testing.T) {
	// A decode step needs fewer activations than a context phase.
	neither := supportTask(t, "LLAMA3.1_405B", "a100_sxm", "trtllm").Support()[1]
	if want := "prefill: 4 of 4 worker layouts do not fit in memory, the smallest needs 102.0 GiB on each GPU, which has 80.0 GiB; " +
		"decode: 4 of 4 worker layouts do not fit in memory, the smallest needs 101.9 GiB on each GPU, which has 80.0 GiB"; neither.Reason != want {
		t.Errorf("got %q, want %q", neither.Reason, want)
	}
	h200, h100 := supportTask(t, "DEEPSEEK_V3", "h200_sxm", "trtllm"), supportTask(t, "DEEPSEEK_V3", "h100_sxm", "trtllm")
	h200.DecodeDB, h100.DecodeDB = h100.DB, h200.DB
	for side, task := range map[string]*Task{"decode: ": h200, "prefill: ": h100} {
		got := task.Support()[1]
		if got.Status != StatusNoFit || !strings.HasPrefix(got.Reason, side) || got.OK == 0 {
			t.Errorf("got %+v, want no_fit because of %s", got, side)
		}
	}
}

// The largest context fits, and twice as much does not or is beyond the model.
func TestLargestContext(t *testing.T) {
	for _, c := range []struct {
		model, system, backend, layout string
		want                           int
	}{
		{"QWEN3_32B", "h200_sxm", "vllm", "tp1pp1", 32768},                      // the model ends at 40960
		{"LLAMA2_7B", "h200_sxm", "vllm", "tp1pp1", 4096},                       // at 4096 exactly
		{"DEEPSEEK_V3", "h200_sxm", "trtllm", "tp8pp1dp1etp1ep8", 65536},        // 131072 tokens need 141.8 of 141 GiB
		{"LLAMA3.1_405B", "l40s", "trtllm", estimator.Layout{}.Short(false), 0}, // no layout fits
		{"DEEPSEEK_V3", "h200_sxm", "vllm", estimator.Layout{}.Short(true), 0},  // refused
		{"QWEN3_30B_A3B", "l40s", "trtllm", estimator.Layout{}.Short(true), 0},  // not measured
		{"LLAMA3.1_70B", "h100_sxm", "vllm", "tp2pp1", 131072},                  // one GPU holds the weights and not the cache
	} {
		task := supportTask(t, c.model, c.system, c.backend)
		isl, layout := task.LargestContext()
		if got := layout.Short(task.Model.IsMoE()); isl != c.want || got != c.layout {
			t.Errorf("%s on %s: got %d on %s, want %d on %s", c.model, task.DB, isl, got, c.want, c.layout)
		}
	}
}
