package calibrate

import (
	"fmt"

	"servegrid/estimator"
)

// Side is the workers of one role of a measured disaggregated deployment.
type Side struct {
	Workers int
	Layout  estimator.Layout // zero where it is not known
	Batch   int              // per data-parallel rank; 0 = not said
}

// side reads the columns of a role: p_workers, p_tp … p_bs of prefill workers, d_… of
// decode workers.
func (p *parser) side(prefix string) Side {
	s := Side{Workers: p.integer(prefix + "workers"), Layout: estimator.Layout{
		TP: p.integer(prefix + "tp"), PP: p.integer(prefix + "pp"), DP: p.integer(prefix + "dp"), MoETP: p.integer(prefix + "moe_tp"), MoEEP: p.integer(prefix + "moe_ep"),
	}}
	for _, column := range []string{"batch", "batch_per_rank", "bs"} {
		s.Batch = max(s.Batch, p.integer(prefix+column))
	}
	return s
}

// mostWorkers bounds the workers of a role; the largest published deployment has 40.
const mostWorkers = 1024

// known reports whether it is published how many workers there are and how they are
// laid out.
func (s *Side) known() bool { return s.Workers > 0 && s.Layout.TP > 0 }

// layout completes what is published of a side's parallelism.
func (s *Side) layout(role string, moe bool) (estimator.Layout, error) {
	l := s.Layout
	if s.Workers > mostWorkers {
		return l, &Refusal{fmt.Sprintf("%d %s workers, want at most %d", s.Workers, role, mostWorkers)}
	}
	l.PP, l.DP = max(1, l.PP), max(1, l.DP)
	if l.PP > 1 {
		return l, &Refusal{role + " workers over several pipeline stages are not simulated"}
	}
	if !moe {
		l.MoETP, l.MoEEP = 1, 1
		return l, nil
	}
	l.MoEEP = max(1, l.MoEEP)
	if l.MoETP*l.MoEEP != l.TP*l.DP {
		l.MoETP = max(1, l.TP*l.DP/l.MoEEP)
	}
	if l.TP == 1 && l.MoETP == l.DP {
		// Data parallel attention spreads experts as wholes. The same deployments were
		// published both ways.
		l.MoETP, l.MoEEP = 1, l.DP
	}
	return l, nil
}

// pair makes a case of a disaggregated measurement.
func (r *Resolver) pair(m *Measurement) (*Case, error) {
	if !m.Prefill.known() || !m.Decode.known() {
		return nil, &Refusal{"the row does not say how many prefill and decode workers there are and how they are laid out"}
	}
	model, architecture, db, class, err := identify(m)
	if err != nil {
		return nil, err
	}
	var sides [2]planned
	gpus := 0
	quant := formats(m, model, db, true)
	for i, s := range []struct {
		role string
		*Side
	}{{"prefill", &m.Prefill}, {"decode", &m.Decode}} {
		layout, err := s.layout(s.role, model.IsMoE())
		if err != nil {
			return nil, err
		}
		if sides[i] = r.planned(model, architecture, db, layout, quant); sides[i].err != nil {
			return nil, fmt.Errorf("%s: %w", s.role, sides[i].err)
		}
		gpus += s.Workers * layout.GPUs()
	}
	if m.GPUs > 0 && m.GPUs != gpus {
		return nil, &Refusal{fmt.Sprintf("its workers take %d GPUs, not the %d it names", gpus, m.GPUs)}
	}
	c := &Case{
		Measurement: m, Class: class, Architecture: architecture, Group: m.System + " " + m.Backend + " " + architecture,
		Plan: sides[1].plan, Kernels: sides[1].kernels, PrefillPlan: sides[0].plan, prefillKernels: sides[0].kernels, Ranks: sides[1].plan.Layout.DP,
		Family: familyOf(m.Backend, m.Version, class),
	}
	concurrency := m.Concurrency
	if concurrency < 1 {
		concurrency = m.Decode.Batch * c.Ranks * m.Decode.Workers
	}
	if concurrency < 1 {
		return nil, &Refusal{"no concurrency and no batch of the decode workers"}
	}
	c.Load = ClosedLoop(concurrency, estimator.Workload{ISL: m.ISL, OSL: m.OSL, Prefix: m.Prefix})
	if err := c.Load.check(); err != nil {
		return nil, err
	}
	if published(m) {
		c.Load.MinShare = 0.8
	}
	return c, nil
}

// Disaggregated reports whether a case is about prefill and decode workers.
func (c *Case) Disaggregated() bool { return c.PrefillPlan != nil }

// GPUs is how many the workers of a case take.
func (c *Case) GPUs() int {
	if c.Disaggregated() {
		return c.Measurement.Prefill.Workers*c.PrefillPlan.Layout.GPUs() + c.Measurement.Decode.Workers*c.Plan.Layout.GPUs()
	}
	return c.Plan.Layout.GPUs()
}

// simulate serves the load of a case with an engine's constants.
func (c *Case) simulate(k *Constants) (Outcome, waves) {
	decode := NewStepCost(c.Kernels, k)
	if !c.Disaggregated() {
		return simulateWaves(decode, c.Schedule, c.Ranks, c.Load)
	}
	p := newPair(side{c.PrefillPlan, NewStepCost(c.prefillKernels, k), c.Measurement.Prefill.Workers},
		side{c.Plan, decode, c.Measurement.Decode.Workers}, defaultStepTokens, ByBenchmark)
	o := SimulatePair(&p, c.Load)
	return o, weigh(&o)
}

// OutOfMemory reports whether not one request would fit beside the weights.
func (c *Case) OutOfMemory() bool {
	if c.Disaggregated() {
		return c.ISL > NewBudget(c.PrefillPlan, c.ISL, ByBenchmark).Tokens || c.ISL+c.OSL > NewBudget(c.Plan, c.Ranks, ByBenchmark).Tokens
	}
	return c.ISL+c.OSL > c.Schedule.KVTokens
}
