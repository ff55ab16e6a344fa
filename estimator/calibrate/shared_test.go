package calibrate

import (
	"testing"

	"servegrid/estimator"
	"servegrid/perftables"
)

// Kernels of other tables are only taken where they are faster, and only where
// engines share them.
func TestSharedKernels(t *testing.T) {
	compile := func(system, backend, model string, gemm perftables.GEMMQuant) *estimator.Plan {
		t.Helper()
		set := perftables.Embedded()
		db, err := set.Open(system, backend, set.Latest(system, backend))
		if err != nil {
			t.Fatal(err)
		}
		m, err := estimator.LookupModel(model)
		if err != nil {
			t.Fatal(err)
		}
		q := estimator.DefaultQuant(m, db)
		q.GEMM = gemm
		p, err := estimator.Compile(estimator.Config{Model: m, DB: db.WithMode(perftables.Hybrid), Quant: q, Layout: estimator.Layout{TP: 8, PP: 1, DP: 1, MoETP: 1, MoEEP: 1}})
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	for _, c := range []struct {
		gemm   perftables.GEMMQuant
		faster bool
	}{{perftables.GEMMFP8, true}, {perftables.GEMMFloat16, false}} {
		p := compile("h100_sxm", "vllm", "meta-llama/Llama-3.1-70B", c.gemm)
		own, err := NewKernels(p, nil)
		if err != nil {
			t.Fatal(err)
		}
		shared, err := kernelsOf(p)
		if err != nil {
			t.Fatal(err)
		}
		faster := false
		for i := range own.context {
			a, b := own.context[i][estimator.MatMul], shared.context[i][estimator.MatMul]
			if b > a {
				t.Fatalf("%s: multiplications of %v tokens take %v ms, on the engine's own tables %v", c.gemm, knot(i), b, a)
			}
			faster = faster || b < a
		}
		if faster != c.faster {
			t.Errorf("%s: kernels of other tables taken is %v, want %v", c.gemm, faster, c.faster)
		}
	}
}

// Kernels that walk through all experts take the same for few tokens, and no less
// than others for many.
func TestWalkAllExperts(t *testing.T) {
	var k Kernels
	k.generation = make([]estimator.Parts, knotCount)
	for i := range k.generation {
		k.generation[i][estimator.Experts] = knot(i)
	}
	k.walkAllExperts(&estimator.Model{Experts: 128, TopK: 8})
	for i := range k.generation {
		if got, want := k.generation[i][estimator.Experts], max(64, knot(i)); got != want {
			t.Errorf("%v tokens take %v, want %v", knot(i), got, want)
		}
	}
}
