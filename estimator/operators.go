package estimator

import (
	"servegrid/perftables"
)

// operator is one named step of a phase whose latency depends on a token count
// only.
type operator struct {
	name   string
	scale  float64 // how often it runs: usually the number of layers
	weight float64 // stored weight bytes of one run
	cost   cost
}

// cost is the latency of one run.
type cost interface {
	// at returns ms for x tokens; false where nothing is known.
	at(x float64) (float64, bool)
	// curve returns the same, times scale, as a curve.
	curve(scale float64) curve
}

// lineCost is a measured line over x x perToken: a GEMM over its rows, a
// collective over its elements.
type lineCost struct {
	line     *perftables.Line
	perToken float64
}

func (c lineCost) at(x float64) (float64, bool) { return c.line.At(x * c.perToken) }

func (c lineCost) curve(scale float64) curve { return lineCurve(c.line, c.perToken, scale) }

// bytesCost is a formula over the bytes moved, affine in the tokens.
type bytesCost struct {
	latency       func(bytes float64) float64 // ms
	bytesPerToken float64
}

func (c bytesCost) at(x float64) (float64, bool) { return c.latency(x * c.bytesPerToken), true }

func (c bytesCost) curve(scale float64) curve {
	// Many tokens, so that the difference keeps its digits beside the constant.
	const many = 1 << 20
	constant := c.latency(0)
	return affine(constant*scale, (c.latency(many*c.bytesPerToken)-constant)/many*scale)
}

// freeCost is a step that a layout does not need, such as an all-reduce on one
// GPU.
type freeCost struct{}

func (freeCost) at(float64) (float64, bool) { return 0, true }
func (freeCost) curve(float64) curve        { return affine(0, 0) }

// builder collects the operators of a phase; the first failure sticks.
type builder struct {
	db  *perftables.Database
	ops []operator
	err error
}

func (b *builder) add(name string, scale, weight float64, c cost, err error) {
	if err != nil && b.err == nil {
		b.err = err
	}
	b.ops = append(b.ops, operator{name, scale, weight, c})
}

// activationBytes is the size of one activation element in the memory-bound
// operators, whatever the formats.
const activationBytes = 2

func (b *builder) embedding(name string, vocab, hidden int) {
	b.add(name, 1, float64(vocab*hidden*2), bytesCost{b.db.System.MemOp, float64(hidden * activationBytes)}, nil)
}

func (b *builder) elementWise(name string, scale float64, in, out int) {
	b.add(name, scale, 0, bytesCost{b.db.System.MemOp, float64(in*activationBytes + out*activationBytes)}, nil)
}

func (b *builder) gemm(name string, scale float64, n, k int, q perftables.GEMMQuant) {
	l, err := b.db.GEMM(q, n, k)
	b.add(name, scale, float64(n*k)*q.Bytes(), lineCost{l, 1}, err)
}

func (b *builder) allReduce(name string, scale float64, hidden, tp int) {
	l, err := b.db.CustomAllReduce(tp)
	if l == nil {
		b.add(name, scale, 0, freeCost{}, err)
		return
	}
	b.add(name, scale, 0, lineCost{l, float64(hidden)}, err)
}

func (b *builder) p2p(name string, hidden, pp int) {
	if pp == 1 {
		b.add(name, 0, 0, freeCost{}, nil)
		return
	}
	b.add(name, float64(pp-1), 0, bytesCost{b.db.System.P2P, float64(hidden * activationBytes)}, nil)
}

// denseOperators lists the steps of a gated dense decoder but its attention.
// Context and generation run the same steps. The head projection comes apart,
// because a context phase runs it on the last token of each sequence only.
func denseOperators(c *Config) (layers *builder, logits *builder) {
	m, tp := c.Model, c.Layout.TP
	l := float64(m.Layers)
	q := c.Quant.GEMM
	kvHeads := ceilDiv(m.KVHeads, tp)
	attention := m.Heads * m.HeadDim / tp

	b := &builder{db: c.DB}
	b.embedding("embedding", m.Vocab, m.Hidden)
	b.elementWise("add_norm_1", l, 2*m.Hidden, 2*m.Hidden)
	b.gemm("qkv_gemm", l, attention+2*m.HeadDim*kvHeads, m.Hidden, q)
	b.gemm("proj_gemm", l, m.Hidden, attention, q)
	b.elementWise("add_norm_2", l, 2*m.Hidden, 2*m.Hidden)
	b.gemm("gate_ffn1_gemm", l, 2*m.Intermediate/tp, m.Hidden, q)
	b.elementWise("act_gate", l, 2*m.Intermediate/tp, m.Intermediate/tp)
	b.gemm("ffn2_gemm", l, m.Hidden, m.Intermediate/tp, q)
	b.allReduce("ar_1", l, m.Hidden, tp)
	b.allReduce("ar_2", l, m.Hidden, tp)
	b.p2p("p2p", m.Hidden, c.Layout.PP)

	head := &builder{db: c.DB}
	head.gemm("logits_gemm", 1, m.Vocab/tp, m.Hidden, perftables.GEMMFloat16)
	return b, head
}

// denseAttention is one GPU's share of the attention layers. The kernel tables
// are asked for a head size of 128 whatever the model's own.
func denseAttention(c *Config) perftables.AttentionShape {
	return perftables.AttentionShape{
		Heads: c.Model.Heads / c.Layout.TP, KVHeads: ceilDiv(c.Model.KVHeads, c.Layout.TP), HeadDim: 128,
		KV: c.Quant.KV, FMHA: c.Quant.FMHA,
	}
}

func ceilDiv(a, b int) int { return (a + b - 1) / b }
