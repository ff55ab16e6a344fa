package rescore

import "servegrid/estimator/search"

// margin is how far beyond a limit a climb goes on: mean latencies rise with the
// requests in flight but for a few per cent, where the steps of a wave fall otherwise.
const margin = 1.25

// mostTPOT is the longest time per output token that is worth a row, ms; the
// reference search's largest target.
const mostTPOT = 295

// A climb takes every stride-th batch. It ends too where that many strides gave less
// than leastGain more throughput: from there on everybody only waits longer.
const (
	stride    = 3
	lookBack  = 2
	leastGain = 1.01
)

// climb is a replica with ever more requests in flight. Rows are by place in
// [search.AggBatches]; nil where nothing was simulated or did not fit.
type climb struct {
	search    *Search
	replica   replica
	rows      []*search.Row
	simulated int
	err       error // of the smallest batch
}

// Score simulates replica i with ever more requests in flight: with strides until the
// limits are passed, then with what was left out around the last that met them.
func (s *Search) Score(i int) Scored {
	c := climb{search: s, replica: s.replicas[i], rows: make([]*search.Row, len(search.AggBatches))}
	c.up()
	c.fill()
	out := Scored{simulated: c.simulated, err: c.err}
	l := s.task.Limits
	for _, r := range c.rows {
		if r != nil && l.Admits(r) && r.TPOT <= mostTPOT {
			out.rows = append(out.rows, *r)
		}
	}
	return out
}

// step simulates the batch at a place. It reports false where that does not fit.
func (c *climb) step(place int) bool {
	t := c.search.task
	r, err := c.replica.at(t.Workload, search.AggBatches[place])
	if err != nil {
		if place == 0 {
			c.err = err
		}
		return false
	}
	c.simulated++
	r.SetCluster(t.TotalGPUs)
	c.rows[place] = &r
	return true
}

// up takes strides while they fit and something is left to gain.
func (c *climb) up() {
	for place := 0; place < len(c.rows); place += stride {
		if !c.step(place) || c.beyond(c.rows[place]) {
			return
		}
		if back := place - lookBack*stride; back >= 0 && c.rows[place].TokensPerSPerGPU < leastGain*c.rows[back].TokensPerSPerGPU {
			return
		}
	}
}

// beyond reports whether a row and all with more requests miss the limits.
func (c *climb) beyond(r *search.Row) bool {
	switch l := c.search.task.Limits; {
	case l.RequestLatency > 0:
		return r.RequestLatency > margin*l.RequestLatency
	case l.TTFT > 0 && r.TTFT > margin*l.TTFT:
		return true
	}
	return r.TPOT > margin*mostTPOT
}

// fill simulates what the strides left out on both sides of the last row that meets all
// limits. There the best within them is, or where memory ends.
func (c *climb) fill() {
	last := -1
	l := c.search.task.Limits
	for place, r := range c.rows {
		if r != nil && l.Admits(r) && r.Within(l) {
			last = place
		}
	}
	if last < 0 { // without a limit on TPOT everything is beyond it: only memory ends the climb
		for place, r := range c.rows {
			if r != nil {
				last = place
			}
		}
	}
	for place := max(0, last-stride+1); place < min(len(c.rows), last+stride) && last >= 0; place++ {
		if c.rows[place] == nil && !c.step(place) {
			return
		}
	}
}
