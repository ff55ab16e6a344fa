package estimator

// Part is a kind of kernel: what a correction of measured latencies can be about.
type Part int

// The parts of a step, attention aside.
const (
	MatMul Part = iota
	ElementWise
	Experts
	Communication
	NumParts
)

// Parts is the latency of one step by part, ms.
type Parts [NumParts]float64

// partOf names the part of an operator; what it does not list are matrix
// multiplications.
var partOf = map[string]Part{
	"embedding": ElementWise, "add_norm_1": ElementWise, "add_norm_2": ElementWise, "act_gate": ElementWise, "shared_act_gate": ElementWise,
	"moe":  Experts,
	"ar_1": Communication, "ar_2": Communication, "p2p": Communication, "moe_pre_dispatch": Communication, "moe_post_dispatch": Communication,
	"attention_all_gather": Communication, "attention_reduce_scatter": Communication,
}

// PartCurves is a phase of a plan without attention, split by part.
type PartCurves struct{ phases [NumParts]phase }

func newPartCurves(ops []operator) *PartCurves {
	var byPart [NumParts][]operator
	for _, op := range ops {
		byPart[partOf[op.name]] = append(byPart[partOf[op.name]], op)
	}
	c := &PartCurves{}
	for i := range c.phases {
		c.phases[i] = newPhase(byPart[i])
	}
	return c
}

// PartAt returns what one part takes in a step that computes that many tokens, ms;
// false where it has no answer.
func (c *PartCurves) PartAt(part Part, tokens float64) (float64, bool) {
	return c.phases[part].at(tokens)
}

// Count is the number of kernels of a part in one step.
func (c *PartCurves) Count(part Part) float64 {
	n := 0.0
	for _, op := range c.phases[part].ops {
		n += op.scale
	}
	return n
}

// ContextParts splits the context phase, its head projection left out.
func (p *Plan) ContextParts() *PartCurves { return newPartCurves(p.context.ops) }

// GenerationParts splits a decode step.
func (p *Plan) GenerationParts() *PartCurves { return newPartCurves(p.generation.ops) }

// HasExperts reports whether the expert layers of both phases have an answer; a
// plan of measured kernels has none for shapes that were not measured.
func (p *Plan) HasExperts() bool {
	for _, ops := range [][]operator{p.context.ops, p.generation.ops} {
		for _, op := range ops {
			if v, ok := op.cost.at(64); op.name == "moe" && (!ok || v == 0) {
				return false
			}
		}
	}
	return true
}

// HeadProjection returns the latency in ms of the head projection of a context
// phase for that many sequences; false beyond the tables.
func (p *Plan) HeadProjection(sequences float64) (float64, bool) { return p.logits.at(sequences) }

// ContextAttention returns the attention of all layers in ms for b sequences of
// fresh tokens each after prefix cached ones; false beyond the tables.
func (p *Plan) ContextAttention(b, fresh, prefix float64) (float64, bool) {
	return p.attend(b, fresh, prefix)
}

// GenerationAttention returns the attention of all layers in ms of one decode
// step of b sequences of that length; false beyond the tables.
func (p *Plan) GenerationAttention(b, length float64) (float64, bool) {
	c := p.newColumn(nil, []step{{length, 1}})
	return c.at(b)
}
