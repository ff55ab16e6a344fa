package search

import (
	"testing"

	"servegrid/estimator"
	"servegrid/perftables"
)

// Wide expert parallelism on 64 GPUs: the peer's ranked rows and frontiers, both
// ways of serving.
func TestWideEPMatchesOracle(t *testing.T) {
	m, err := estimator.LookupModel("DEEPSEEK_V3")
	if err != nil {
		t.Fatal(err)
	}
	m.ID = "DEEPSEEK_V3"
	db, err := perftables.Embedded().Open("h200_sxm", "sglang", "0.5.6.post2")
	if err != nil {
		t.Fatal(err)
	}
	task := NewTask(m, db)
	task.TotalGPUs = 64
	task.Workload = estimator.Workload{ISL: 4000, OSL: 500}
	task.Limits = Limits{TTFT: 3000, TPOT: 50}
	task.WideEP, task.DeepEP = true, true
	for role := range task.Roles {
		task.Roles[role].Quant = &estimator.Quant{
			GEMM: perftables.GEMMFP8Block, MoE: perftables.MoEFP8Block, KV: perftables.KVFP8, FMHA: perftables.FMHAFP8Block, Comm: perftables.CommHalf,
		}
	}
	want := map[string][]record{}
	for _, r := range readOracle(t, "testdata/wide_ep.csv.gz") {
		key := r["experiment"] + " " + r["table"]
		want[key] = append(want[key], r)
	}
	for _, res := range []*Result{SearchAgg(task), SearchDisagg(task)} {
		if res.Err != nil {
			t.Fatal(res.Err)
		}
		for table, got := range map[string][]Row{"best": res.Picked[:min(MostPicked, len(res.Picked))], "frontier": res.Frontier} {
			rows := want[res.Mode+" "+table]
			if len(got) != len(rows) || len(rows) == 0 {
				t.Errorf("%s %s: got %d rows, want %d", res.Mode, table, len(got), len(rows))
				continue
			}
			for i := range rows {
				if d := differs(t, got[i], rows[i], task.Workload); d != "" {
					t.Errorf("%s %s row %d: %s", res.Mode, table, i, d)
				}
			}
		}
	}
}
