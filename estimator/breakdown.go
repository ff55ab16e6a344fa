package estimator

// OperatorLatency is what one operator of a phase takes, all its runs together.
type OperatorLatency struct {
	Name string
	MS   float64
}

// ContextBreakdown returns the latency of a context phase operator by operator,
// the slow road to the same total as [Plan.Context]. It is nil where that has no
// answer.
func (p *Plan) ContextBreakdown(b int, w Workload) []OperatorLatency {
	if _, err := p.Context(b, w); err != nil {
		return nil
	}
	fresh := w.ISL - w.Prefix
	ops := evaluate(nil, p.context.ops, float64(b*fresh))
	ops = evaluate(ops, p.logits.ops, float64(b))
	attention, _ := p.contextAttention.At(float64(b), float64(fresh), float64(w.Prefix))
	return append(ops, OperatorLatency{"attention", attention * p.attentionScale})
}

// GenerationBreakdown returns the latency of all decode steps operator by
// operator, the slow road to the same total as [Plan.Generation]. It is nil
// where that has no answer.
func (p *Plan) GenerationBreakdown(b int, w Workload) []OperatorLatency {
	if _, err := p.Generation(b, w); err != nil {
		return nil
	}
	attention := 0.0
	for i := 0; i < w.OSL-1; i += stride {
		v, _ := p.generationAttention.At(float64(b), float64(w.ISL+i+1))
		attention += float64(v * p.attentionScale * float64(min(stride, w.OSL-1-i)))
	}
	ops := evaluate(nil, p.generation.ops, float64(b))
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
