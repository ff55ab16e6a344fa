package calibrate

import (
	"slices"
	"strings"

	"servegrid/estimator"
	"servegrid/perftables"
)

// quantisesApart reports whether a kernel of its own quantises what a matrix
// multiplication takes in. Later engines fuse it with the operator before.
func quantisesApart(db *perftables.Database) bool {
	return db.Backend == "trtllm" && strings.HasPrefix(db.Version, "1.0.")
}

// share takes over kernels from the tables of other engines on the same GPU where they are faster.
//
// Matrix multiplications in fewer than 16 bits come from the same libraries; tables
// that have them slower hold the kernels that quantise the input too, which servers
// fuse. From compute capability 10 on the other engines run FlashInfer's expert
// kernels, which are TensorRT-LLM's. For experts quantised in blocks vLLM and SGLang
// both take DeepGEMM, which SGLang's tables hold.
func (k *Kernels) share(p *estimator.Plan) {
	// Latent attention multiplies in 16 bits, whatever the format of the experts.
	quantised := p.Quant.GEMM != perftables.GEMMFloat16 && !k.Latent && !quantisesApart(p.DB)
	for _, b := range []string{"trtllm", "vllm", "sglang"} {
		shareExperts := k.Blackwell && k.Experts && b == sharedBackend || deepGEMM(p) && b == "sglang"
		if b == p.DB.Backend || !quantised && !shareExperts {
			continue
		}
		other := onTables(p, b)
		if other == nil {
			continue
		}
		if quantised {
			k.takeFaster(other, estimator.MatMul)
		}
		if shareExperts {
			k.takeFaster(other, estimator.Experts)
			k.ExpertsByFormula = k.ExpertsByFormula && !other.HasExperts()
		}
	}
}

// deepGEMM reports whether vLLM takes DeepGEMM's kernels for the experts of a plan.
func deepGEMM(p *estimator.Plan) bool {
	return p.DB.Backend == "vllm" && p.Quant.MoE == perftables.MoEFP8Block
}

// onTables returns the same plan on the measured kernels of another engine; nil where there are none.
func onTables(p *estimator.Plan, backend string) *estimator.Plan {
	set := perftables.Embedded()
	if len(set.Versions(p.DB.System.Name, backend)) == 0 {
		return nil
	}
	db, err := set.Open(p.DB.System.Name, backend, set.Latest(p.DB.System.Name, backend))
	if err != nil {
		return nil
	}
	c := p.Config
	c.DB = db.WithMode(perftables.Silicon)
	c.Quant.GEMM = nearest(c.Quant.GEMM, db.GEMMQuants(), perftables.GEMMFP8, perftables.GEMMFP8Block)
	c.Quant.MoE = nearest(c.Quant.MoE, db.MoEQuants(), perftables.MoEFP8, perftables.MoEFP8Block)
	if !slices.Contains(db.GEMMQuants(), c.Quant.GEMM) {
		return nil
	}
	other, err := estimator.Compile(c)
	if err != nil {
		return nil
	}
	return other
}

// takeFaster takes over a part of another plan where that is faster.
func (k *Kernels) takeFaster(p *estimator.Plan, part estimator.Part) {
	for _, o := range []struct{ dst, src []estimator.Parts }{
		{k.context, tabulateParts(p.ContextParts())}, {k.generation, tabulateParts(p.GenerationParts())},
	} {
		for i := range o.dst {
			if v := o.src[i][part]; v > 0 {
				o.dst[i][part] = min(o.dst[i][part], v)
			}
		}
	}
}

// tokensOfExpert is how many tokens an expert has on average when hardly any has none.
const tokensOfExpert = 4

// walkAllExperts prices grouped kernels that give each expert tiles of its own and
// walk through all of them, as DeepGEMM's do in vLLM: a decode step never takes less
// than one whose tokens reach all experts.
func (k *Kernels) walkAllExperts(m *estimator.Model) {
	all := partsAt(k.generation, float64(tokensOfExpert*m.Experts)/float64(m.TopK))[estimator.Experts]
	for i := range k.generation {
		k.generation[i][estimator.Experts] = max(k.generation[i][estimator.Experts], all)
	}
}
