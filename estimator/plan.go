package estimator

import (
	"fmt"

	"servegrid/perftables"
)

// Config says what a plan is for.
type Config struct {
	Model  *Model
	Quant  Quant
	Layout Layout
	DB     *perftables.Database
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

	contextAttention    *perftables.ContextAttention
	generationAttention *perftables.GenerationAttention
	attentionScale      float64 // attention layers

	// Why a phase cannot be scored; nil when it can.
	contextErr, generationErr error

	memory memoryModel
}

// phase holds operators that depend on a token count only, one by one and
// folded.
type phase struct {
	ops []operator
	sum curve
}

func newPhase(b *builder) phase {
	p := phase{ops: b.ops}
	if b.err != nil {
		return p
	}
	curves := make([]curve, len(b.ops))
	for i, op := range b.ops {
		curves[i] = op.cost.curve(op.scale)
	}
	p.sum = fold(curves)
	return p
}

// Compile prepares a configuration for scoring. It fails where the model cannot
// be laid out like that at all; a phase without measurements fails when it is
// scored, see [Plan.ContextErr] and [Plan.GenerationErr].
func Compile(c Config) (*Plan, error) {
	if c.Model.Heads%c.Layout.TP != 0 {
		return nil, fmt.Errorf("%d attention heads cannot be divided over tp %d", c.Model.Heads, c.Layout.TP)
	}
	p := &Plan{Config: c, attentionScale: float64(c.Model.Layers)}
	layers, head := denseOperators(&c)
	p.context, p.logits = newPhase(layers), newPhase(head)
	p.generation = newPhase(&builder{db: c.DB, ops: append(layers.ops[:len(layers.ops):len(layers.ops)], head.ops...), err: firstError(layers.err, head.err)})

	shape := denseAttention(&c)
	var err error
	p.contextAttention, err = c.DB.ContextAttention(shape)
	p.contextErr = firstError(layers.err, head.err, err)
	p.generationAttention, err = c.DB.GenerationAttention(shape)
	p.generationErr = firstError(layers.err, head.err, err)

	p.memory, err = newMemoryModel(p)
	return p, err
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
	layers, ok1 := p.context.sum.at(float64(b * fresh))
	logits, ok2 := p.logits.sum.at(float64(b))
	attention, ok3 := p.contextAttention.At(float64(b), float64(fresh), float64(w.Prefix))
	if !ok1 || !ok2 || !ok3 {
		return 0, &OutOfRangeError{fmt.Sprintf("a context phase of %d x %d tokens is beyond the tables of %s", b, w.ISL, p.DB)}
	}
	return layers + logits + float64(attention*p.attentionScale), nil
}

// stride is the number of decode steps between two that are evaluated.
const stride = 32

// Generation returns the latency in ms of all decode steps of b sequences.
func (p *Plan) Generation(b int, w Workload) (float64, error) {
	if p.generationErr != nil {
		return 0, p.generationErr
	}
	column := make([]float64, len(p.generationAttention.Batches()))
	ok := p.decodeColumn(column, w)
	layers, ok1 := p.generation.sum.at(float64(b))
	attention, ok2 := interpolate(p.generationAttention.Batches(), column, float64(b))
	if !ok || !ok1 || !ok2 {
		return 0, &OutOfRangeError{fmt.Sprintf("decoding %d x %d tokens after %d is beyond the tables of %s", b, w.OSL, w.ISL, p.DB)}
	}
	return float64(layers*float64(w.OSL-1)) + attention, nil
}

// decodeColumn fills dst, one entry per [perftables.GenerationAttention.Batches],
// with the attention latency of all decode steps, in ms. It reports false when a
// length is out of range.
func (p *Plan) decodeColumn(dst []float64, w Workload) bool {
	clear(dst)
	for i := 0; i < w.OSL-1; i += stride {
		repeat := min(stride, w.OSL-1-i)
		if !p.generationAttention.AddColumn(dst, float64(w.ISL+i+1), float64(repeat)*p.attentionScale) {
			return false
		}
	}
	return true
}

// stepColumn fills dst like decodeColumn, for the one decode step that stands
// for all: halfway through the output.
func (p *Plan) stepColumn(dst []float64, w Workload) bool {
	clear(dst)
	return p.generationAttention.AddColumn(dst, float64(w.ISL+w.OSL/2+1), p.attentionScale)
}

// interpolate is linear between the knots and false outside of them.
func interpolate(x, y []float64, at float64) (float64, bool) {
	n := len(x)
	if at < x[0] || at > x[n-1] {
		return 0, false
	}
	i := 0
	for i < n-2 && x[i+1] <= at {
		i++
	}
	return (float64(y[i]*(x[i+1]-at)) + float64(y[i+1]*(at-x[i]))) / (x[i+1] - x[i]), true
}
