package estimator

import (
	"math"
	"testing"

	"servegrid/perftables"
)

// Plans on tables of generation raw: the folded curves and the decode columns say
// what the operators say one by one.
func TestPlansOnRawTables(t *testing.T) {
	layer := perftables.Embedded().Layers()[0]
	layer.Name, layer.Generation = "raw", perftables.GenerationRaw
	db, err := perftables.Layers(layer).Open("h200_sxm", "trtllm", "1.2.0rc5")
	if err != nil {
		t.Fatal(err)
	}
	same := func(what string, a float64, okA bool, b float64, okB bool) {
		t.Helper()
		if okA != okB || math.Abs(a-b) > 1e-9*math.Abs(b) {
			t.Errorf("%s: %v (%v) and %v (%v)", what, a, okA, b, okB)
		}
	}
	for _, id := range []string{"Qwen/Qwen3-32B", "Qwen/Qwen3-235B-A22B", "openai/gpt-oss-120b", "deepseek-ai/DeepSeek-V3"} {
		m, err := LookupModel(id)
		if err != nil {
			t.Fatal(err)
		}
		layout := Layout{TP: 8, PP: 1, DP: 1, MoETP: 1, MoEEP: 1}
		if m.IsMoE() {
			layout.MoEEP = 8
		}
		p, err := Compile(Config{Model: m, DB: db, Quant: DefaultQuant(m, db), Layout: layout})
		if err != nil {
			t.Fatal(err)
		}
		if p.contextErr != nil || p.generationErr != nil {
			t.Fatalf("%s: %v, %v", id, p.contextErr, p.generationErr)
		}
		for x := 1.0; x < 1e6; x = math.Ceil(x * 1.7) {
			for name, phase := range map[string]*phase{"context": &p.context, "generation": &p.generation} {
				want, known := 0.0, true
				for _, op := range phase.ops {
					v, ok := op.cost.at(x)
					want, known = want+v*op.scale, known && ok
				}
				got, ok := phase.at(x)
				same(id+" "+name, got, ok, want, known)
			}
		}
		if p.batches == nil {
			continue // kernels whose batches differ are asked one by one anyway
		}
		slow := *p
		slow.batches = nil
		steps := decodeSteps(Workload{ISL: 3000, OSL: 700})
		fast, direct := p.newColumn(nil, steps), slow.newColumn(nil, steps)
		for b := 1.0; b < 5000; b = math.Ceil(b * 1.3) {
			v, ok := fast.at(b)
			w, known := direct.at(b)
			same(id+" decode", v, ok, w, known)
		}
	}
}
