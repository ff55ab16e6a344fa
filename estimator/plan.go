package estimator

import (
	"fmt"
	"math"
	"slices"

	"servegrid/perftables"
)

// Config says what a plan is for.
type Config struct {
	Model  *Model
	Quant  Quant
	Layout Layout
	DB     *perftables.Database

	// Multi-token prediction: drafts per step, and how often the first, second, …
	// one is accepted. Only DeepSeek has it.
	NextN       int
	AcceptRates []float64

	WideEP          bool   // experts spread over more ranks than attention
	DeepEP          bool   // with wide EP: SGLang's DeepEP kernels for the experts and their exchange
	AttentionKernel string // of wide EP; "" = flashinfer
}

// wideDeepSeek reports whether the model is listed as SGLang's wide EP runs it.
// Only then do DeepEP and the attention kernel have a say; elsewhere wide EP
// changes nothing about a run.
func (c *Config) wideDeepSeek() bool {
	return c.WideEP && c.Model.Family == DeepSeek && c.DB.Backend == "sglang"
}

func (c *Config) deepEPKernels() bool { return c.DeepEP && c.wideDeepSeek() }

func (c *Config) attentionKernel() string {
	if c.AttentionKernel == "" {
		return perftables.FlashInfer
	}
	return c.AttentionKernel
}

// Workload is the traffic that a candidate serves.
type Workload struct {
	ISL    int // input tokens, cached prefix included
	OSL    int // output tokens
	Prefix int // input tokens found in the prefix cache
}

// Check reports a workload that no formula covers.
func (w Workload) Check() error {
	switch {
	case w.ISL < 1:
		return fmt.Errorf("isl is %d, want at least 1", w.ISL)
	case w.OSL < 1:
		return fmt.Errorf("osl is %d, want at least 1", w.OSL)
	case w.Prefix < 0 || w.Prefix >= w.ISL:
		return fmt.Errorf("prefix is %d, want 0 to isl - 1 (%d)", w.Prefix, w.ISL-1)
	}
	return nil
}

// Plan is a compiled [Config]: it scores candidates of one worker layout. It is
// read-only and safe for concurrent use.
type Plan struct {
	Config

	context    phase // all operators but attention and the head projection
	logits     phase // head projection of a context phase
	generation phase // all operators but attention

	contextAttention    []contextAttention
	generationAttention []generationAttention
	batches             []float64 // knots of generation attention over the batch; nil: not piecewise linear
	pairs               []batchPair
	pairOf              []uint8 // by batch, for small ones: its pair

	// Why a phase cannot be scored; nil when it can.
	contextErr, generationErr error

	memory memoryModel
}

// Compile prepares a configuration for scoring. It fails where the model cannot
// be laid out like that at all; a phase without measurements fails when it is
// scored, see [Plan.ContextErr] and [Plan.GenerationErr].
func Compile(c Config) (*Plan, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	p := &Plan{Config: c}
	o := buildOperators(&p.Config)
	p.context, p.logits = newPhase(o.context.ops), newPhase(o.logits.ops)
	p.generation = newPhase(o.generation.ops)
	p.contextErr = firstError(o.context.err, o.logits.err, o.contextErr)
	p.generationErr = firstError(o.generation.err, o.generationErr)
	p.contextAttention, p.generationAttention = o.contextAttention, o.generationAttention
	if p.generationErr == nil {
		p.batches = p.generationAttention[0].kernel.Batches()
		for _, a := range p.generationAttention[1:] {
			if !slices.Equal(a.kernel.Batches(), p.batches) {
				p.batches = nil
			}
		}
		p.pairs, p.pairOf = pairsOf(p.batches)
	}
	var err error
	p.memory, err = newMemoryModel(p)
	return p, err
}

// mostRanks bounds the ranks that share the experts.
const mostRanks = 256

// check reports a layout that the model cannot have.
func (c *Config) check() error {
	m, l := c.Model, c.Layout
	if m.Heads%l.TP != 0 {
		return fmt.Errorf("%d attention heads cannot be divided over tp %d", m.Heads, l.TP)
	}
	if l.PP > m.Layers {
		return fmt.Errorf("%d layers cannot be divided over pp %d", m.Layers, l.PP)
	}
	if c.NextN > 0 && m.Family != DeepSeek {
		return fmt.Errorf("multi-token prediction is known for DeepSeek only, not for %s", m.ID)
	}
	if c.NextN > len(c.AcceptRates) {
		return fmt.Errorf("%d drafts need as many acceptance rates, not %d", c.NextN, len(c.AcceptRates))
	}
	if !m.IsMoE() {
		return nil
	}
	if m.Experts < l.MoEEP {
		return fmt.Errorf("%d experts cannot be spread over moe_ep %d", m.Experts, l.MoEEP)
	}
	if c.wideDeepSeek() {
		return nil
	}
	if l.TP*l.DP != l.MoETP*l.MoEEP {
		return fmt.Errorf("tp %d x dp %d and moe_tp %d x moe_ep %d must be the same GPUs", l.TP, l.DP, l.MoETP, l.MoEEP)
	}
	if l.TP*l.DP > mostRanks {
		return fmt.Errorf("tp %d x dp %d is more than %d ranks", l.TP, l.DP, mostRanks)
	}
	return nil
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// ContextErr says why no context phase can be scored, nil when it can.
func (p *Plan) ContextErr() error { return p.contextErr }

// GenerationErr says why no decode step can be scored, nil when it can.
func (p *Plan) GenerationErr() error { return p.generationErr }

// OutOfRangeError says that a candidate lies beyond what the tables cover.
type OutOfRangeError struct{ text string }

func (e *OutOfRangeError) Error() string { return e.text }

// Context returns the latency in ms of the context phase of b sequences.
func (p *Plan) Context(b int, w Workload) (float64, error) {
	if p.contextErr != nil {
		return 0, p.contextErr
	}
	fresh := w.ISL - w.Prefix
	if fresh <= 0 {
		return 0, &OutOfRangeError{fmt.Sprintf("prefix %d leaves nothing of isl %d", w.Prefix, w.ISL)}
	}
	layers, ok1 := p.context.at(float64(b * fresh))
	logits, ok2 := p.logits.at(float64(b))
	attention, ok3 := p.attend(float64(b), float64(fresh), float64(w.Prefix))
	if !ok1 || !ok2 || !ok3 {
		return 0, &OutOfRangeError{fmt.Sprintf("a context phase of %d x %d tokens is beyond the tables of %s", b, w.ISL, p.DB)}
	}
	return layers + logits + attention, nil
}

// attend returns the context attention of all layers in ms.
func (p *Plan) attend(b, fresh, prefix float64) (float64, bool) {
	sum, known := 0.0, true
	for _, a := range p.contextAttention {
		v, ok := a.kernel.At(b, fresh, prefix)
		sum, known = sum+float64(v*a.scale), known && ok
	}
	return sum, known
}

// attendable returns the tokens, cached ones included, between which context
// attention has an answer for b sequences.
func (p *Plan) attendable(b float64) (shortest, longest float64) {
	shortest, longest = math.Inf(-1), math.Inf(1)
	for _, a := range p.contextAttention {
		from, upto := a.kernel.Lengths(b)
		shortest, longest = max(shortest, from), min(longest, upto)
	}
	return shortest, longest
}

// stepTokens is the number of tokens that a sequence computes in a decode step:
// one, and the drafts of multi-token prediction.
func (p *Plan) stepTokens() int { return p.NextN + 1 }

// Generation returns the latency in ms of all decode steps of b sequences. The
// first token comes from the context phase: an output of one token has no steps,
// and asks nothing of the tables.
func (p *Plan) Generation(b int, w Workload) (float64, error) {
	if w.OSL <= 1 {
		return 0, nil
	}
	if p.generationErr != nil {
		return 0, p.generationErr
	}
	column := p.newColumn(nil, decodeSteps(w))
	layers, ok1 := p.generation.at(float64(b * p.stepTokens()))
	attention, ok2 := column.at(float64(b * p.stepTokens()))
	if !ok1 || !ok2 {
		return 0, p.decodeRange(b, w)
	}
	return float64(layers*float64(w.OSL-1)) + attention, nil
}

func (p *Plan) decodeRange(b int, w Workload) error {
	return &OutOfRangeError{fmt.Sprintf("decoding %d x %d tokens after %d is beyond the tables of %s", b, w.OSL, w.ISL, p.DB)}
}

// step is a decode step that stands for several: the KV length, new token
// included, and how many.
type step struct{ length, count float64 }

// stride is the number of decode steps between two that are evaluated.
const stride = 32

// decodeSteps are the steps that stand for all of a request.
func decodeSteps(w Workload) []step {
	var steps []step
	for i := 0; i < w.OSL-1; i += stride {
		steps = append(steps, step{float64(w.ISL + i + 1), float64(min(stride, w.OSL-1-i))})
	}
	return steps
}

// middleStep is the one decode step that stands for all: halfway through the
// output.
func middleStep(w Workload) []step { return []step{{float64(w.ISL + w.OSL/2 + 1), 1}} }

// column is the generation attention of some decode steps over the batch.
type column struct {
	plan   *Plan
	steps  []step
	values []float64 // ms per batch knot; nil where the kernels are not piecewise linear
	ok     bool
}

// newColumn prepares steps; scratch is reused where it is large enough.
func (p *Plan) newColumn(scratch []float64, steps []step) column {
	c := column{plan: p, steps: steps, ok: true}
	if p.batches == nil {
		return c
	}
	c.values = resize(scratch, len(p.batches))
	clear(c.values)
	for _, a := range p.generationAttention {
		for _, s := range steps {
			c.ok = c.ok && a.kernel.AddColumn(c.values, s.length, float64(s.count*a.scale))
		}
	}
	return c
}

// at returns the latency in ms for a batch of b.
func (c *column) at(b float64) (float64, bool) {
	if !c.ok {
		return 0, false
	}
	if x := c.plan.batches; x != nil {
		if b < x[0] || b > x[len(x)-1] {
			return 0, false
		}
		return c.plan.interpolate(c.values, b), true
	}
	sum := 0.0
	for _, a := range c.plan.generationAttention {
		for _, s := range c.steps {
			v, ok := a.kernel.At(b, s.length)
			if !ok {
				return 0, false
			}
			sum += float64(v * a.scale * s.count)
		}
	}
	return sum, true
}

// batchPair is two neighbouring batch knots.
type batchPair struct {
	left, right float64
	perWidth    float64 // 1 / (right - left) where multiplying by it is dividing; else 0
}

// between is linear from y0 at the left knot to y1 at the right one.
func (q *batchPair) between(y0, y1, b float64) float64 {
	sum := float64(y0*(q.right-b)) + float64(y1*(b-q.left))
	if q.perWidth != 0 {
		return float64(sum * q.perWidth)
	}
	return sum / (q.right - q.left)
}

// interpolate is linear between the values at the batch knots; b is whole and
// within them.
func (p *Plan) interpolate(values []float64, b float64) float64 {
	i := int(p.pairOf[min(int(b), len(p.pairOf)-1)])
	for i < len(p.pairs)-1 && p.pairs[i].right <= b {
		i++
	}
	return p.pairs[i].between(values[i], values[i+1], b)
}

// pairsOf returns the pairs of knots and, for whole batches that searches try,
// the pair around each. The last knot belongs to the last pair.
func pairsOf(knots []float64) (pairs []batchPair, of []uint8) {
	const most = 512
	n := len(knots)
	if n == 0 {
		return nil, nil
	}
	for i := range n - 1 {
		q := batchPair{left: knots[i], right: knots[i+1]}
		width := q.right - q.left
		if per, exact := reciprocal(int(width)); exact && width == math.Trunc(width) {
			q.perWidth = per
		}
		pairs = append(pairs, q)
	}
	of = make([]uint8, min(int(knots[n-1]), most)+1)
	i := 0
	for b := range of {
		for i < n-2 && knots[i+1] <= float64(b) {
			i++
		}
		of[b] = uint8(i)
	}
	return pairs, of
}
