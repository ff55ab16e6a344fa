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

// Combo is a model on a database, with the numeric formats it is served in.
type Combo struct {
	Model *estimator.Model
	DB    *perftables.Database
	Quant estimator.Quant
}

// Resolve prepares a combination. Its error says why nothing of it can be
// scored. What is not known then is nil or empty.
func (c *Catalog) Resolve(model, system, backend, version string) (Combo, error) {
	var out Combo
	var err error
	if out.Model, err = estimator.LookupModel(model); err != nil {
		return out, err
	}
	if out.DB, err = c.tables.Open(system, backend, version); err != nil {
		return out, err
	}
	out.Quant = estimator.DefaultQuant(out.Model, out.DB)
	return out, estimator.CheckQuant(out.Quant, out.DB, true, true)
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
	for _, l := range Layouts(c.Model, c.DB.System.Name) {
		p, err := estimator.Compile(estimator.Config{Model: c.Model, Quant: c.Quant, Layout: l, DB: c.DB})
		if err != nil {
			p = nil
		}
		plans = append(plans, LayoutPlan{l, p, err})
	}
	return plans
}
