package calibrate

import (
	"fmt"
	"math"

	"servegrid/estimator"
	"servegrid/perftables"
)

// Case is a configuration under a load that can be predicted, and what was measured
// of it.
type Case struct {
	*Measurement
	Class        Class
	Architecture string // the same for every checkpoint of one
	Group        string // system, backend and architecture: what a split leaves out together
	Family       string // of engine versions that share constants, "" = not known
	Suspect      string // why the row is probably mislabelled, "" = it is not

	Plan     *estimator.Plan
	Kernels  *Kernels
	Ranks    int
	Schedule Schedule
	Load     Load

	referencePlan *estimator.Plan // what the reference estimator is asked; nil: Plan

	// Of a disaggregated deployment; Plan, Kernels and Ranks are then of its decode
	// workers.
	PrefillPlan    *estimator.Plan
	prefillKernels *Kernels
}

// Resolver makes cases of measurements; plans and kernels are shared among them.
type Resolver struct{ plans map[string]planned }

type planned struct {
	plan    *estimator.Plan
	kernels *Kernels
	err     error
}

// NewResolver returns an empty one.
func NewResolver() *Resolver { return &Resolver{plans: map[string]planned{}} }

// Resolve makes a case of a measurement. A row that cannot be predicted is a
// [Refusal] or another error that says why.
func (r *Resolver) Resolve(m *Measurement) (*Case, error) {
	switch {
	case m.Mode != "agg" && m.Mode != "disagg":
		return nil, &Refusal{fmt.Sprintf("mode is %q, want agg or disagg", m.Mode)}
	case m.Mode == "agg" && m.Concurrency < 1 && m.Batch < 1:
		return nil, &Refusal{"no concurrency: the best throughput of an unbounded load"}
	case m.Prefix >= m.ISL && m.ISL > 0:
		return nil, &Refusal{fmt.Sprintf("prefix is %d, want less than isl, %d", m.Prefix, m.ISL)}
	case m.ISL < 1 || m.OSL < 2:
		return nil, &Refusal{fmt.Sprintf("isl is %d and osl is %d, want at least 1 and 2", m.ISL, m.OSL)}
	case m.Mode == "disagg":
		return r.pair(m)
	}
	model, architecture, db, class, err := identify(m)
	if err != nil {
		return nil, err
	}
	layout, replicas, err := realLayout(m, model)
	if err != nil {
		return nil, err
	}
	p := r.planned(model, architecture, db, layout, formats(m, model, db, true))
	if p.err != nil {
		return nil, p.err
	}
	reference := r.planned(model, architecture, db, layout, formats(m, model, db, false))
	if reference.err != nil {
		return nil, reference.err
	}
	c := &Case{
		Measurement: m, Class: class, Architecture: architecture, Group: m.System + " " + m.Backend + " " + architecture,
		Plan: p.plan, Kernels: p.kernels, Ranks: layout.DP, Suspect: suspect(m), referencePlan: reference.plan,
		Family: familyOf(m.Backend, m.Version, class),
	}
	per := m.Batch * layout.DP
	if m.Concurrency > 0 {
		per = max(1, int(math.Round(float64(m.Concurrency)/float64(replicas))))
	}
	c.Load = ClosedLoop(per, estimator.Workload{ISL: m.ISL, OSL: m.OSL, Prefix: m.Prefix})
	if err := c.Load.check(); err != nil {
		return nil, err
	}
	deployed := ByConfigurator
	if published(m) {
		deployed, c.Load.MinShare = ByBenchmark, 0.8
	}
	c.Schedule = NewSchedule(m.Backend, p.plan, c.Load, deployed)
	c.Schedule.asDeployed(m, architecture, layout.TP, per)
	if b, ok := borrowed[m.System]; ok {
		c.Schedule.KVTokens = kvBudget(m.Backend, p.plan, c.Schedule.TokenBudget, b.memoryGiB, deployed)
	}
	return c, nil
}

// identify finds the model that a measurement is of, and the tables that answer for it.
func identify(m *Measurement) (model *estimator.Model, architecture string, db *perftables.Database, class Class, err error) {
	model, architecture, standIn, err := lookupModel(m.Model)
	if err != nil {
		return nil, "", nil, "", err
	}
	if db, class, err = chooseTables(m.System, m.Backend, m.Version); err != nil {
		return nil, "", nil, "", err
	}
	if standIn {
		class = Cross
	}
	return model, architecture, db, class, nil
}

// Measured reports whether there is something to judge a prediction by.
func (c *Case) Measured() bool {
	return c.TTFT > 0 && c.TPOT > 0 // false for NaN
}

// planned compiles a configuration once.
func (r *Resolver) planned(m *estimator.Model, architecture string, db *perftables.Database, l estimator.Layout, q estimator.Quant) planned {
	key := fmt.Sprint(architecture, db, l, q)
	p, ok := r.plans[key]
	if !ok {
		p = compile(m, db, l, q)
		r.plans[key] = p
	}
	return p
}

// compile makes the plan and kernels of a configuration.
func compile(m *estimator.Model, db *perftables.Database, l estimator.Layout, q estimator.Quant) planned {
	plan, err := estimator.Compile(estimator.Config{Model: m, DB: db.WithMode(perftables.Hybrid), Quant: q, Layout: l})
	if err != nil {
		return planned{err: err}
	}
	k, err := spanKernels(plan)
	return planned{plan, k, err}
}
