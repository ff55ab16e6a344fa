package search

import (
	"servegrid/estimator"
	"servegrid/perftables"
)

// Catalog knows which models and databases there are, and prepares combinations
// of them for a sweep. It is safe for concurrent use.
type Catalog struct{ tables *perftables.Set }

// NewCatalog offers the databases of a set of tables.
func NewCatalog(tables *perftables.Set) *Catalog { return &Catalog{tables} }

// Versions lists the engine versions with tables, oldest first.
func (c *Catalog) Versions(system, backend string) []string {
	return c.tables.Versions(system, backend)
}

// Combo is a model on a database, served in a way that is fixed but for the
// layout.
type Combo struct{ estimator.Config }

// Resolve prepares a combination. Its error says why nothing of it can be
// scored. What is not known then is nil or empty.
func (c *Catalog) Resolve(model, system, backend, version string, mode perftables.Mode) (Combo, error) {
	var out Combo
	var err error
	if out.Model, err = estimator.LookupModel(model); err != nil {
		return out, err
	}
	if out.DB, err = c.tables.Open(system, backend, version); err != nil {
		return out, err
	}
	out.DB = out.DB.WithMode(mode)
	out.Config = NewTask(out.Model, out.DB).config(AggRole)
	return out, estimator.CheckQuant(&out.Config, true, true)
}

// LayoutPlan is one worker layout of a combination, compiled, or the reason why
// it is not possible.
type LayoutPlan struct {
	Layout estimator.Layout
	Plan   *estimator.Plan
	Err    error
}

// Compile compiles every worker layout.
func (c Combo) Compile() []LayoutPlan {
	var plans []LayoutPlan
	for _, l := range Layouts(&c.Config, AggRole) {
		config := c.Config
		config.Layout = l
		p, err := estimator.Compile(config)
		if err != nil {
			p = nil
		}
		plans = append(plans, LayoutPlan{l, p, err})
	}
	return plans
}
