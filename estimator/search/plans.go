package search

import (
	"fmt"
	"runtime"
	"slices"
	"sync"

	"servegrid/estimator"
	"servegrid/perftables"
)

// planCache keeps the plans of a task: aggregated, prefill and decode workers
// share most layouts. It is safe for concurrent use.
type planCache struct {
	mu      sync.Mutex
	entries map[planKey]*cachedPlan
}

// planKey is a configuration in a form that can be compared.
type planKey struct {
	db              *perftables.Database
	quant           estimator.Quant
	layout          estimator.Layout
	nextN           int
	accepted        string
	wideEP, deepEP  bool
	attentionKernel string
}

type cachedPlan struct {
	once sync.Once
	plan *estimator.Plan
	err  error
}

// compile compiles a configuration of the cache's model once.
func (c *planCache) compile(config estimator.Config) (*estimator.Plan, error) {
	key := planKey{
		config.DB, config.Quant, config.Layout, config.NextN, fmt.Sprint(config.AcceptRates), config.WideEP, config.DeepEP, config.AttentionKernel,
	}
	c.mu.Lock()
	if c.entries == nil {
		c.entries = map[planKey]*cachedPlan{}
	}
	e := c.entries[key]
	if e == nil {
		e = new(cachedPlan)
		c.entries[key] = e
	}
	c.mu.Unlock()
	e.once.Do(func() { e.plan, e.err = estimator.Compile(config) })
	return e.plan, e.err
}

// LayoutPlans compiles every layout that is tried for a role's workers and that is
// no larger than the GPU budget, and says why engines cannot run the others.
func (t *Task) LayoutPlans(role Role) (plans []LayoutPlan, refused []error, err error) {
	return t.layoutPlans(role, t.TotalGPUs)
}

func (t *Task) layoutPlans(role Role, mostGPUs int) ([]LayoutPlan, reasons, error) {
	config := t.config(role)
	if err := estimator.CheckQuant(&config, role != DecodeRole, role != PrefillRole); err != nil {
		return nil, nil, err
	}
	lists := t.SizeLists(role)
	layouts, refused := lists.layouts(&config)
	if len(layouts) == 0 {
		return nil, refused, lists.impossible(&config, refused)
	}
	layouts = slices.DeleteFunc(layouts, func(l estimator.Layout) bool { return l.GPUs() > mostGPUs })
	return t.compileAll(config, layouts), refused, nil
}

// compileAll compiles the configuration in every layout, on all processors.
func (t *Task) compileAll(config estimator.Config, layouts []estimator.Layout) []LayoutPlan {
	cache := t.plans
	if cache == nil { // a task that NewTask did not make
		cache = new(planCache)
	}
	plans := make([]LayoutPlan, len(layouts))
	next := make(chan int, len(layouts))
	for i := range layouts {
		next <- i
	}
	close(next)
	var group sync.WaitGroup
	for range min(len(layouts), runtime.GOMAXPROCS(0)) {
		group.Go(func() {
			config := config
			for i := range next {
				config.Layout = layouts[i]
				p, err := cache.compile(config)
				plans[i] = LayoutPlan{layouts[i], p, err}
			}
		})
	}
	group.Wait()
	return plans
}
