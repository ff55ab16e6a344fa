package calibrate

import "servegrid/estimator"

// PromptStep is the latency in ms of a prefill worker's step with so many prompts of a
// workload on each rank, and nothing beside them: nobody's first token comes sooner.
func (e *Engine) PromptStep(prompts int, w estimator.Workload) float64 {
	n := float64(prompts)
	attention := e.cost.k.promptAttention(float64(w.Prefix), float64(w.ISL))
	return e.cost.Mixed(n*float64(w.ISL-w.Prefix), n*attention, 0, 0, n)
}

// DecodeStep is the latency in ms of a decode worker's step with b sequences of a
// workload on each rank, halfway through their outputs.
func (e *Engine) DecodeStep(b int, w estimator.Workload) float64 {
	n := float64(b)
	return max(e.cost.Decode(n, float64(w.ISL)+float64(w.OSL)/2), n*float64(e.Plan.Layout.DP)*e.cost.c[FrontToken])
}

// MostPrompts is how many prompts of a workload the KV cache of a prefill worker's rank
// holds, when its steps take so many.
func (e *Engine) MostPrompts(prompts int, w estimator.Workload) int {
	b := NewBudget(e.Plan, prompts*w.ISL, ByConfigurator)
	return b.Most(estimator.Workload{ISL: w.ISL})
}

// MostSequences is how many whole requests the KV cache of a decode worker's rank holds.
func (e *Engine) MostSequences(w estimator.Workload) int {
	b := NewBudget(e.Plan, NewSchedule(e.Plan.DB.Backend, e.Plan, Load{}, ByConfigurator).MaxSequences, ByConfigurator)
	return b.Most(w)
}
