package estimator

import (
	"math"

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

// cost is the latency of one run over the tokens of a step.
type cost struct {
	kernel   perftables.Kernel
	perToken float64 // the kernel's x per token
	divide   int     // ranks that share the tokens, rounded down; 0 or 1: none
}

// at returns ms for x tokens; false where nothing is known.
func (c cost) at(x float64) (float64, bool) {
	if c.divide > 1 {
		x = math.Floor(x / float64(c.divide))
	}
	return c.kernel.At(x * c.perToken)
}

// pieces returns the straight lines of the cost over the kernel's x, nil when it
// cannot be folded into a curve over tokens.
func (c cost) pieces() *perftables.Pieces {
	if c.divide > 1 {
		return nil
	}
	return c.kernel.Pieces()
}

// phase holds operators that depend on a token count only: one by one, and
// folded into a curve where they can be.
type phase struct {
	ops    []operator
	sum    curve
	direct []operator // those that the curve leaves out
}

func newPhase(ops []operator) phase {
	p := phase{ops: ops}
	var curves []curve
	for _, op := range ops {
		if pieces := op.cost.pieces(); pieces != nil {
			curves = append(curves, scaledCurve(pieces, op.cost.perToken, op.scale))
		} else {
			p.direct = append(p.direct, op)
		}
	}
	p.sum = fold(curves)
	return p
}

// at returns the latency of all operators at x tokens in ms, and whether all of
// them have one.
func (p *phase) at(x float64) (float64, bool) {
	v, ok := p.sum.at(x)
	if len(p.direct) == 0 {
		return v, ok
	}
	return p.addDirect(x, v, ok)
}

// from is at, with [curve.from] for the curve.
func (p *phase) from(piece *int, x float64) (float64, bool) {
	v, ok := p.sum.from(piece, x)
	if len(p.direct) == 0 {
		return v, ok
	}
	return p.addDirect(x, v, ok)
}

func (p *phase) addDirect(x, v float64, ok bool) (float64, bool) {
	for i := range p.direct {
		d, known := p.direct[i].cost.at(x)
		v, ok = v+float64(d*p.direct[i].scale), ok && known
	}
	return v, ok
}

// builder collects the operators of one phase; the first failure sticks.
type builder struct {
	*Config
	ops []operator
	err error
}

func (b *builder) add(name string, scale, weight float64, k perftables.Kernel, perToken float64, err error) {
	if err != nil {
		b.fail(err)
		k = perftables.Constant(0)
	}
	b.ops = append(b.ops, operator{name, scale, weight, cost{kernel: k, perToken: perToken}})
}

func (b *builder) fail(err error) {
	if b.err == nil {
		b.err = err
	}
}

// activationBytes is the size of one activation element in the memory-bound
// operators, whatever the formats.
const activationBytes = 2

func (b *builder) embedding(scale float64) {
	m := b.Model
	b.add("embedding", scale, 2*float64(float64(m.Vocab)*float64(m.Hidden)), b.DB.MemOp(), float64(m.Hidden*activationBytes), nil)
}

func (b *builder) elementWise(name string, scale float64, in, out int) {
	b.add(name, scale, 0, b.DB.MemOp(), float64(in*activationBytes+out*activationBytes), nil)
}

func (b *builder) gemm(name string, scale float64, n, k int, q perftables.GEMMQuant) {
	kernel, err := b.DB.GEMM(q, n, k)
	b.add(name, scale, float64(n)*float64(k)*q.Bytes(), kernel, 1, err)
}

// divideTokens makes the last operator run on a rank's share of the tokens.
func (b *builder) divideTokens(ranks int) { b.ops[len(b.ops)-1].cost.divide = ranks }

func (b *builder) allReduce(name string, scale float64) {
	k, err := b.DB.CustomAllReduce(b.Layout.TP)
	b.add(name, scale, 0, k, float64(b.Model.Hidden), err)
}

func (b *builder) nccl(name string, scale float64, op perftables.NCCLOp, gpus int, perToken float64) {
	k, err := b.DB.NCCL(perftables.CommHalf, op, gpus)
	b.add(name, scale, 0, k, perToken, err)
}

// p2p is the hand-over between pipeline stages; factor is 1 but for models with
// multi-token prediction.
func (b *builder) p2p(factor float64) {
	if b.Layout.PP == 1 {
		b.add("p2p", 0, 0, perftables.Constant(0), 1, nil)
		return
	}
	b.add("p2p", float64(b.Layout.PP-1)*factor, 0, b.DB.P2P(), float64(b.Model.Hidden*activationBytes), nil)
}

// logits is the head projection.
func (b *builder) logits(scale float64) {
	b.gemm("logits_gemm", scale, b.Model.Vocab/b.Layout.TP, b.Model.Hidden, perftables.GEMMFloat16)
}

func ceilDiv(a, b int) int { return (a + b - 1) / b }
