package pipeline

import (
	"slices"
	"sync"

	"servegrid/estimator/search"
	"servegrid/grid"
)

// plans are the compiled layouts of the combinations at hand. The shards of one follow
// each other, so most workers ask for the same ones at about the same time: they are
// compiled once for all. Safe for concurrent use.
type plans struct {
	mu     sync.Mutex
	recent []compiled // the latest last; as many as there are workers
}

// compiled are the layouts of one combination.
type compiled struct {
	combo   grid.Combo
	layouts func() []search.LayoutPlan // waits until they are there
}

func newPlans(workers int) *plans { return &plans{recent: make([]compiled, workers)} }

// of returns the layouts of a shard's combination, for reading.
func (p *plans) of(s *shard) []search.LayoutPlan {
	p.mu.Lock()
	i := slices.IndexFunc(p.recent, func(c compiled) bool { return c.combo == s.Combo })
	if i < 0 {
		p.recent = append(slices.Delete(p.recent, 0, 1), compiled{s.Combo, sync.OnceValue(s.combo.Compile)})
		i = len(p.recent) - 1
	}
	layouts := p.recent[i].layouts
	p.mu.Unlock()
	return layouts()
}
