package estimator

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"testing"

	"servegrid/perftables"
)

// resultsOfRevision is a hash of results that the formulas of a Revision give.
// When this test fails, results have changed: raise Revision, so that no stored
// shard passes for a new one, and put the new hash here.
var resultsOfRevision = map[int]string{
	1: "82e8a37e828f8b8640a3b12ddcd8443dcf2eeaa692dc9c4aa8b6cdad25b89a39",
}

func TestRevision(t *testing.T) {
	h := sha256.New()
	for _, c := range []struct{ model, system, backend string }{
		{"Qwen/Qwen3-32B-FP8", "h200_sxm", "vllm"},
		{"meta-llama/Llama-3.1-70B", "h100_sxm", "trtllm"},
		{"Qwen/Qwen2.5-7B", "b200_sxm", "sglang"},
		{"meta-llama/Llama-2-13b-hf", "gb200_sxm", "trtllm"},
		{"Qwen/Qwen3-0.6B", "a100_sxm", "trtllm"},
	} {
		m, err := LookupModel(c.model)
		if err != nil {
			t.Fatal(err)
		}
		tables := perftables.Embedded()
		db, err := tables.Open(c.system, c.backend, tables.Latest(c.system, c.backend))
		if err != nil {
			t.Fatal(err)
		}
		for _, tp := range []int{1, 4} {
			p, err := Compile(Config{Model: m, DB: db, Quant: DefaultQuant(m, db), Layout: Layout{TP: tp, PP: 1, DP: 1, MoETP: 1, MoEEP: 1}})
			if err != nil {
				t.Fatal(err)
			}
			for _, w := range []Workload{{ISL: 4000, OSL: 500}, {ISL: 300, OSL: 40, Prefix: 100}} {
				var pts AggPoints
				for _, b := range []int{1, 7, 64, 512} {
					for _, ctx := range []int{w.ISL, 8000} {
						pts.Append(b, ctx)
					}
				}
				if err := p.ScoreAgg(w, &pts); err != nil {
					t.Fatal(err)
				}
				for i := range pts.Len() {
					fmt.Fprintln(h, pts.Status[i], Round3(pts.TTFT[i]), Round3(pts.TPOT[i]), Round3(pts.SeqPerS[i]), Round3(pts.MemoryGiB[i]))
				}
				pre, err := p.Prefill(1, w, 1.1)
				if err != nil {
					t.Fatal(err)
				}
				col, err := p.Decode(w, 1.08)
				if err != nil {
					t.Fatal(err)
				}
				dec, err := col.At(16)
				if err != nil {
					t.Fatal(err)
				}
				fmt.Fprintln(h, Round3(pre.TTFT), Round3(pre.SeqPerS), Round3(dec.TPOT), Round3(dec.MemoryGiB))
			}
		}
	}
	got := hex.EncodeToString(h.Sum(nil))
	if want := resultsOfRevision[Revision]; got != want {
		t.Errorf("the results of revision %d hash to %q, recorded is %q: results have changed, raise Revision", Revision, got, want)
	}
}
