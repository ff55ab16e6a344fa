package estimator

import (
	"fmt"
	"sync"

	"servegrid/perftables"
)

// operators are the steps of a model's two phases.
type operators struct {
	context    *builder // all steps of a context phase but attention and the head projection
	logits     *builder // head projection of a context phase: it runs on the last token of a sequence only
	generation *builder // all steps of a decode step but attention

	contextAttention    []contextAttention
	generationAttention []generationAttention
	contextErr          error // why there is no context attention
	generationErr       error // why there is no generation attention

	found   []*foundAttention // in the order asked for
	finding sync.WaitGroup
}

// foundAttention is an attention kernel of both phases, or why there is none.
type foundAttention struct {
	context                   *perftables.ContextAttention
	generation                *perftables.GenerationAttention
	scale                     float64
	contextErr, generationErr error
}

// contextAttention and generationAttention are attention kernels with the number
// of times they run.
type contextAttention struct {
	kernel *perftables.ContextAttention
	scale  float64
}

type generationAttention struct {
	kernel *perftables.GenerationAttention
	scale  float64
}

// buildOperators lists the steps of a configuration. The lists are those of
// AIConfigurator 0.6.0, oddities included: what a step leaves out is missing
// from weights and latencies alike.
func buildOperators(c *Config) *operators {
	o := &operators{context: &builder{Config: c}, logits: &builder{Config: c}, generation: &builder{Config: c}}
	switch c.Model.Family {
	case Llama, GPT:
		o.dense()
	case MoE:
		o.moe()
	case DeepSeek:
		if c.wideDeepSeek() {
			o.deepSeekWideEP()
		} else {
			o.deepSeek()
		}
	case NemotronNAS:
		o.nemotron()
	default:
		panic("estimator: unknown family " + string(c.Model.Family))
	}
	o.finding.Wait()
	for _, f := range o.found {
		o.contextAttention = append(o.contextAttention, contextAttention{f.context, f.scale})
		o.generationAttention = append(o.generationAttention, generationAttention{f.generation, f.scale})
		o.contextErr = firstError(o.contextErr, f.contextErr)
		o.generationErr = firstError(o.generationErr, f.generationErr)
	}
	return o
}

// both runs f for the context and the generation phase.
func (o *operators) both(f func(b *builder)) {
	f(o.context)
	f(o.generation)
}

// attention adds an attention kernel to both phases. Its tables are decoded beside
// those of the other operators: for a single question that is most of the work.
func (o *operators) attention(shape perftables.AttentionShape, scale float64) {
	f := &foundAttention{scale: scale}
	o.found = append(o.found, f)
	o.finding.Go(func() {
		f.context, f.contextErr = o.context.DB.ContextAttention(shape)
		f.generation, f.generationErr = o.context.DB.GenerationAttention(shape)
	})
}

// shape is one GPU's share of an attention layer.
func (o *operators) shape(kvHeads, headDim, window int) perftables.AttentionShape {
	c := o.context
	return perftables.AttentionShape{
		Heads: c.Model.Heads / c.Layout.TP, KVHeads: ceilDiv(kvHeads, c.Layout.TP), HeadDim: headDim, Window: window,
		KV: c.Quant.KV, FMHA: c.Quant.FMHA,
	}
}

// measuredHeadDim is the head size that dense families ask the attention tables
// for, whatever the model's own.
const measuredHeadDim = 128

// dense lists a dense decoder, gated (Llama) or not (GPT).
func (o *operators) dense() {
	c := o.context
	m, tp, q := c.Model, c.Layout.TP, c.Quant.GEMM
	l := float64(m.Layers)
	attention := m.Heads * m.HeadDim / tp
	gates := 1
	if m.Family == Llama {
		gates = 2
	}
	o.attention(o.shape(m.KVHeads, measuredHeadDim, 0), l)
	o.both(func(b *builder) {
		b.embedding(1)
		b.elementWise("add_norm_1", l, 2*m.Hidden, 2*m.Hidden)
		b.gemm("qkv_gemm", l, attention+2*m.HeadDim*ceilDiv(m.KVHeads, tp), m.Hidden, q)
		b.gemm("proj_gemm", l, m.Hidden, attention, q)
		b.elementWise("add_norm_2", l, 2*m.Hidden, 2*m.Hidden)
		b.gemm("gate_ffn1_gemm", l, gates*m.Intermediate/tp, m.Hidden, q)
		b.elementWise("act_gate", l, gates*m.Intermediate/tp, m.Intermediate/tp)
		b.gemm("ffn2_gemm", l, m.Hidden, m.Intermediate/tp, q)
		b.allReduce("ar_1", l)
		b.allReduce("ar_2", l)
		b.p2p(1)
	})
	o.logits.logits(1)
	o.generation.logits(1)
}

// routerExperts is the number of experts from which on the router is priced.
const routerExperts = 128

// slidingWindow is the window of every other layer of GPT-OSS, tokens.
const slidingWindow = 128

// moe lists a decoder with expert layers: Mixtral, Qwen3 MoE, GPT-OSS. A context
// phase has no head projection.
func (o *operators) moe() {
	c := o.context
	m, tp, q := c.Model, c.Layout.TP, c.Quant.GEMM
	l := float64(m.Layers)
	attention := m.Heads * m.HeadDim / tp
	if m.SlidingWindow {
		o.attention(o.shape(m.KVHeads, m.HeadDim, slidingWindow), l/2)
		o.attention(o.shape(m.KVHeads, m.HeadDim, 0), l/2)
	} else {
		o.attention(o.shape(m.KVHeads, m.HeadDim, 0), l)
	}
	o.both(func(b *builder) {
		b.embedding(1)
		b.elementWise("add_norm_1", l, 2*m.Hidden, 2*m.Hidden)
		b.gemm("qkv_gemm", l, attention+2*m.HeadDim*ceilDiv(m.KVHeads, tp), m.Hidden, q)
		b.gemm("proj_gemm", l, m.Hidden, attention, q)
		b.elementWise("add_norm_2", l, 2*m.Hidden, 2*m.Hidden)
		if m.Experts >= routerExperts {
			b.gemm("router_gemm", l, m.Experts, m.Hidden, perftables.GEMMFloat16)
		}
		b.experts(l, "power_law_1.2", b == o.context)
		b.p2p(1)
	})
	o.generation.logits(1)
}

// Figures of DeepSeek-V3's latent attention, which its formulas are written for.
const (
	mlaHeads   = 128
	mlaHidden  = 7168
	mlaDown    = 2112  // joint down projection: q 1536 + kv 512 + rope 64
	mlaQ       = 1536  // rank of q
	mlaKV      = 512   // rank of kv
	mlaQUp     = 24576 // 128 heads x (128 + 64)
	mlaKVUp    = 32768 // 128 heads x (128 + 128)
	mlaOut     = 16384 // 128 heads x 128
	mlaKVBytes = 576   // elements of a token in the KV cache: 512 + 64
)

// mtpScale is what one generated token costs relative to one step, when drafts of
// multi-token prediction are accepted at the given rates.
func mtpScale(nextN, layers int, rates []float64) float64 {
	expected, chance := 0.0, 1.0
	for i := range nextN {
		chance = float64(chance * rates[i])
		expected += chance
	}
	return 1 / (1 + expected) * float64(nextN+layers) / float64(layers)
}

// deepSeek lists DeepSeek-V3: latent attention, and every layer an expert layer.
func (o *operators) deepSeek() {
	c := o.context
	m, tp, q := c.Model, c.Layout.TP, c.Quant.GEMM
	mtp := mtpScale(c.NextN, m.Layers, c.AcceptRates)
	bmm := perftables.GEMMFP8
	if q == perftables.GEMMFloat16 {
		bmm = perftables.GEMMFloat16
	}
	steps := func(b *builder, one, l float64) {
		inter := m.MoEInter / tp
		b.embedding(one)
		b.elementWise("add_norm_1", l, 2*m.Hidden, 2*m.Hidden)
		b.gemm("downscale_gemm", l, mlaDown, m.Hidden, q)
		b.gemm("q_b_proj_gemm", l, mlaQUp/tp, mlaQ, q)
		if b == o.context {
			b.gemm("kv_b_proj_gemm", l, mlaKVUp/tp, mlaKV, q)
			b.gemm("proj_gemm", l, m.Hidden, mlaOut/tp, q)
		} else {
			b.mlaBMM("bmm_pre", l, m.Heads/tp, bmm, true)
			b.mlaBMM("bmm_post", l, m.Heads/tp, bmm, false)
			b.gemm("proj_gemm", l, m.Hidden, m.Hidden/tp, q)
		}
		b.elementWise("add_norm_2", l, 2*m.Hidden, 2*m.Hidden)
		b.gemm("shared_gate_gemm", l, inter, m.Hidden, q)
		b.gemm("shared_ffn1_gemm", l, inter, m.Hidden, q)
		b.elementWise("shared_act_gate", l, 2*m.MoEInter/tp, inter)
		b.gemm("shared_ffn2_gemm", l, m.Hidden, inter, q)
		b.gemm("router_gemm", l, m.Experts, m.Hidden, perftables.GEMMFloat16)
		b.experts(l, "power_law_1.01", b == o.context)
		b.p2p(mtp) // in a context phase too
	}
	l := float64(m.Layers)
	steps(o.context, 1, l)
	steps(o.generation, mtp, l*mtp)
	o.logits.logits(1)
	o.generation.logits(mtp)

	context, err := c.DB.ContextMLA(mlaHeads/tp, c.Quant.KV, c.Quant.FMHA)
	o.contextAttention = []contextAttention{{context, l}}
	o.contextErr = err
	generation, err := c.DB.GenerationMLA(mlaHeads/tp, c.Quant.KV)
	o.generationAttention = []generationAttention{{generation, l * mtp}}
	o.generationErr = err
}

func (b *builder) mlaBMM(name string, scale float64, heads int, q perftables.GEMMQuant, before bool) {
	k, err := b.DB.MLABMM(heads, q, before)
	b.add(name, scale, 0, k, 1, err)
}

// deepSeekWideEP lists DeepSeek-V3 as SGLang serves it with wide expert
// parallelism: attention kernels include their projections, and the exchange
// between experts has one step a phase.
func (o *operators) deepSeekWideEP() {
	c := o.context
	m, tp, q := c.Model, c.Layout.TP, c.Quant.GEMM
	l := float64(m.Layers)
	mtp := mtpScale(c.NextN, m.Layers, c.AcceptRates)
	steps := func(b *builder, l float64, ranks int) {
		b.gemm("gate_ffn1_gemm", l, 2*m.MoEInter, m.Hidden, q)
		b.divideTokens(ranks)
		b.elementWise("act_gate", l, 2*m.MoEInter, m.MoEInter)
		b.divideTokens(ranks)
		b.gemm("ffn2_gemm", l, m.Hidden, m.MoEInter, q)
		b.divideTokens(ranks)
		b.dispatch("moe_pre_dispatch", l, true, b == o.context, ranks)
		b.expertLayer(l, "power_law_1.01", b == o.context)
	}
	if tp > 1 {
		o.context.nccl("attention_all_gather", l, perftables.AllGather, tp, float64(m.Hidden))
		o.context.nccl("attention_reduce_scatter", l, perftables.ReduceScatter, tp, float64(m.Hidden))
	}
	steps(o.context, l, tp)
	steps(o.generation, l*mtp, 1)

	context, err := c.DB.WideEPContextMLA(tp, c.Quant.KV, c.Quant.FMHA, c.attentionKernel())
	o.contextAttention = []contextAttention{{context, l}}
	o.contextErr = err
	generation, err := c.DB.WideEPGenerationMLA(tp, c.Quant.KV, c.Quant.FMHA, c.attentionKernel())
	o.generationAttention = []generationAttention{{generation, l * mtp}}
	o.generationErr = err
}

// nemotron lists a decoder whose blocks differ, some without attention.
func (o *operators) nemotron() {
	c := o.context
	m, tp, q := c.Model, c.Layout.TP, c.Quant.GEMM
	attention := m.Heads * m.HeadDim / tp
	o.both(func(b *builder) { b.embedding(1) })
	for _, block := range m.Blocks {
		n := float64(block.Count)
		o.both(func(b *builder) {
			if block.HeadsPerGroup > 0 {
				kvHeads := ceilDiv(m.Heads/block.HeadsPerGroup, tp)
				b.elementWise("add_norm_1", n, 2*m.Hidden, 2*m.Hidden)
				b.gemm("qkv_gemm", n, attention+2*m.HeadDim*kvHeads, m.Hidden, q)
				b.gemm("proj_gemm", n, m.Hidden, attention, q)
				b.allReduce("ar_1", n)
			}
			if f := block.FFN; f > 0 {
				b.elementWise("add_norm_2", n, 2*m.Hidden, 2*m.Hidden)
				b.gemm("gate_ffn1_gemm", n, 2*f/tp, m.Hidden, q)
				b.elementWise("act_gate", n, 2*f/tp, f/tp)
				b.gemm("ffn2_gemm", n, m.Hidden, f/tp, q)
				b.allReduce("ar_2", n)
			}
		})
		if block.HeadsPerGroup > 0 {
			o.attention(o.shape(m.Heads/block.HeadsPerGroup, measuredHeadDim, 0), n)
		}
	}
	o.both(func(b *builder) { b.p2p(1) })
	o.logits.logits(1)
	o.generation.logits(1)
}

// experts lists an expert layer with the exchange before and after it.
func (b *builder) experts(scale float64, distribution string, context bool) {
	b.dispatch("moe_pre_dispatch", scale, true, context, 1)
	b.expertLayer(scale, distribution, context)
	b.dispatch("moe_post_dispatch", scale, false, context, 1)
}

func (b *builder) expertLayer(scale float64, distribution string, context bool) {
	m, l := b.Model, b.Layout
	k, err := b.DB.MoE(perftables.MoEShape{
		Hidden: m.Hidden, Inter: m.MoEInter, TopK: m.TopK, Experts: m.Experts, TP: l.MoETP, EP: l.MoEEP,
		Quant: b.Quant.MoE, Distribution: distribution, Context: context, DeepEP: b.deepEPKernels(),
	})
	weight := floor(floor(float64(m.Hidden)*float64(m.MoEInter)*float64(m.Experts)*b.Quant.MoE.Bytes()*3/float64(l.MoEEP)) / float64(l.MoETP))
	b.add("moe", scale, weight, k, float64(l.DP), err)
}

// dispatch is the communication before or after the experts. ranks share the
// tokens on the DeepEP road only.
func (b *builder) dispatch(name string, scale float64, before, context bool, ranks int) {
	m, l := b.Model, b.Layout
	g := l.MoETP * l.MoEEP
	attentionTP := g / l.DP
	hidden, dp := float64(m.Hidden), float64(l.DP)

	if b.deepEPKernels() {
		b.deepEP(name, scale, g, context, ranks)
		return
	}
	if b.DB.Backend == "vllm" {
		if l.MoETP > 1 && l.MoEEP > 1 {
			b.fail(fmt.Errorf("vllm cannot split experts over both moe_tp %d and moe_ep %d", l.MoETP, l.MoEEP))
		}
		// Both can apply at once.
		if attentionTP > 1 {
			b.reduceOver(name, scale, g, hidden)
		}
		if l.DP > 1 {
			b.gather(name, scale, g, before, hidden*dp)
		}
		if attentionTP <= 1 && l.DP <= 1 {
			b.free(name)
		}
		return
	}
	switch {
	case attentionTP == 0: // wide EP only: other layouts put both on the same ranks
		b.fail(fmt.Errorf("%s cannot spread data parallel %d over the %d ranks of the experts", b.DB.Backend, l.DP, g))
	case attentionTP > 1 && l.DP > 1:
		b.fail(fmt.Errorf("%s cannot combine attention over %d tensor parallel ranks with data parallel %d", b.DB.Backend, attentionTP, l.DP))
	case attentionTP > 1:
		b.reduceOver(name, scale, g, hidden)
	case l.DP > 1 && b.DB.Backend == "trtllm" && b.DB.System.SMVersion == 100:
		// Four-bit all-to-all with its scales (an eighth of the volume), whatever
		// the format of the experts.
		volume := hidden * float64(1+min(m.TopK, l.DP)) / 2 / 4
		b.nccl(name, scale, perftables.AllToAll, g, volume)
		if before {
			b.nccl(name, scale, perftables.AllToAll, g, volume/8)
			b.add(name, scale, 0, perftables.Constant(quantizeLatency), 1, nil)
		}
	case l.DP > 1:
		b.gather(name, scale, g, before, hidden*dp)
	default:
		b.free(name)
	}
}

// quantizeLatency is what quantizing before a four-bit all-to-all takes, ms.
// Source: AIConfigurator 0.6.0.
const quantizeLatency = 0.01

func (b *builder) free(name string) { b.add(name, 0, 0, perftables.Constant(0), 1, nil) }

// reduceOver is an all-reduce over gpus GPUs.
func (b *builder) reduceOver(name string, scale float64, gpus int, perToken float64) {
	k, err := b.DB.CustomAllReduce(gpus)
	b.add(name, scale, 0, k, perToken, err)
}

// gather collects the tokens of all ranks before the experts and scatters the
// sums after them.
func (b *builder) gather(name string, scale float64, gpus int, before bool, perToken float64) {
	op := perftables.ReduceScatter
	if before {
		op = perftables.AllGather
	}
	b.nccl(name, scale, op, gpus, perToken)
}

// deepEPSMs is the number of streaming multiprocessors that the exchange uses.
const deepEPSMs = 20

func (b *builder) deepEP(name string, scale float64, gpus int, context bool, ranks int) {
	m := b.Model
	nodes := float64(gpus) / float64(b.DB.System.GPUsPerNode)
	var k perftables.Kernel
	var err error
	if context {
		k, err = b.DB.DeepEPNormal(nodes, m.Experts, m.TopK, m.Hidden, deepEPSMs)
	} else {
		k, err = b.DB.DeepEPLowLatency(nodes, m.Experts, m.TopK, m.Hidden)
	}
	b.add(name, scale, 0, k, 1, err)
	b.divideTokens(ranks)
}
