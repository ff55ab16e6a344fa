package estimator

// OperatorLatency is what one operator of a phase takes, all its runs together.
type OperatorLatency struct {
	Name string
	MS   float64
}

// ContextBreakdown returns the latency of a context phase operator by operator,
// the slow road to the same total as [Plan.Context]. It is nil where that has no
// answer. A name can occur more than once.
func (p *Plan) ContextBreakdown(b int, w Workload) []OperatorLatency {
	if _, err := p.Context(b, w); err != nil {
		return nil
	}
	fresh := w.ISL - w.Prefix
	ops := evaluate(nil, p.context.ops, float64(b*fresh))
	ops = evaluate(ops, p.logits.ops, float64(b))
	attention, _ := p.attend(float64(b), float64(fresh), float64(w.Prefix))
	return append(ops, OperatorLatency{"attention", attention})
}

// GenerationBreakdown returns the latency of all decode steps operator by
// operator, the slow road to the same total as [Plan.Generation]. It is nil
// where that has no answer. A name can occur more than once.
func (p *Plan) GenerationBreakdown(b int, w Workload) []OperatorLatency {
	if _, err := p.Generation(b, w); err != nil {
		return nil
	}
	batch := float64(b * p.stepTokens())
	attention := 0.0
	for _, s := range decodeSteps(w) {
		for _, a := range p.generationAttention {
			v, _ := a.kernel.At(batch, s.length)
			attention += float64(v * a.scale * s.count)
		}
	}
	ops := evaluate(nil, p.generation.ops, batch)
	for i := range ops {
		ops[i].MS *= float64(w.OSL - 1)
	}
	return append(ops, OperatorLatency{"attention", attention})
}

func evaluate(dst []OperatorLatency, ops []operator, x float64) []OperatorLatency {
	for _, op := range ops {
		v, _ := op.cost.at(x)
		dst = append(dst, OperatorLatency{op.name, v * op.scale})
	}
	return dst
}
