package search

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"servegrid/estimator"
)

// Bounds of the reference matching.
// Source: AIConfigurator 0.6.0.
const (
	prefillRowsKept    = 32
	decodeRowsPerGroup = 16
	combosPerTarget    = 5
)

// SearchDisagg answers the task with disaggregated serving.
func SearchDisagg(t *Task) *Result {
	res := &Result{Mode: Disagg}
	if t.TotalGPUs < 2 {
		res.Err = ErrTooFewGPUs
		return res
	}
	var sides [2][]ScoredWorker
	for i, role := range []Role{PrefillRole, DecodeRole} {
		workers, dropped, err := t.workers(role)
		for _, d := range dropped {
			res.Dropped = append(res.Dropped, fmt.Errorf("%s: %w", role, d))
		}
		if err != nil {
			res.Err = err
			return res
		}
		sides[i] = workers
		res.Scored += len(workers)
	}
	prefill, decode := sides[0], sides[1]
	if t.Exhaustive {
		res.Rows = slices.DeleteFunc(t.matchAll(prefill, decode), func(r Row) bool { return !t.Limits.Admits(&r) })
	} else {
		s := newMatcher(t, prefill, decode)
		for _, tg := range t.targets() {
			s.match(tg)
		}
		res.Rows = s.rows
	}
	if len(res.Rows) == 0 {
		if res.Err = t.noReplica(prefill, decode); res.Err == nil {
			res.Err = reasons{ErrLimits}.none("disaggregated")
		}
		return res
	}
	res.Rank(t)
	return res
}

// noReplica reports workers of which no numbers make an admissible replica.
func (t *Task) noReplica(prefill, decode []ScoredWorker) error {
	m := newMatcher(t, nil, nil)
	least := math.MaxInt
	for i := range prefill {
		for j := range decode {
			if len(m.admissible(prefill[i].GPUs, decode[j].GPUs)) > 0 {
				return nil
			}
			least = min(least, prefill[i].GPUs+decode[j].GPUs)
		}
	}
	if least > t.TotalGPUs {
		return fmt.Errorf("a prefill and a decode worker that fit in memory take %d GPUs, there are %d", least, t.TotalGPUs)
	}
	return fmt.Errorf("the bounds of replicas admit no numbers of workers on %d GPUs", t.TotalGPUs)
}

// matchAll returns the best deployment of every pair of workers. Replicas without
// bounds of their own are bounded by the budget alone.
func (t *Task) matchAll(prefill, decode []ScoredWorker) []Row {
	if t.Replica == nil {
		return MatchAll(prefill, decode, t.TotalGPUs, t.Workload)
	}
	m := newMatcher(t, prefill, decode)
	var rows []Row
	for _, group := range m.decode {
		for i := range group {
			for j := range m.prefill {
				if s := m.choose(&m.prefill[j], &group[i]); s.gpus > 0 {
					rows = append(rows, disaggRow(&m.prefill[j], &group[i], s.split, t))
				}
			}
		}
	}
	return rows
}

// split is an admissible pair of worker counts.
type split struct {
	x, y int // prefill and decode workers
	gpus float64
}

// matcher pairs prefill with decode workers under one target after the other.
type matcher struct {
	task    *Task
	prefill []ScoredWorker // best rate per GPU first
	decode  [][]ScoredWorker
	splits  map[[2]int][]split // by GPUs per prefill and decode worker
	starts  []int              // of each group's workers in a list of all
	chosen  []choice           // by decode worker and prefill worker
	emitted map[pair]bool
	rows    []Row
}

type pair struct{ prefill, decode *ScoredWorker }

// choice is the best split of a pair.
type choice struct {
	split
	perGPU float64 // tokens/s
	made   bool
}

func newMatcher(t *Task, prefill, decode []ScoredWorker) *matcher {
	m := &matcher{task: t, splits: map[[2]int][]split{}, emitted: map[pair]bool{}}
	m.prefill = prefill
	slices.SortStableFunc(m.prefill, func(a, b ScoredWorker) int {
		return cmp.Or(cmp.Compare(b.SeqPerSPerGPU, a.SeqPerSPerGPU), cmp.Compare(a.GlobalBatchSize(), b.GlobalBatchSize()))
	})
	// Groups in the order of their names, inside a group best rate per GPU first.
	groups := map[string][]ScoredWorker{}
	var names []string
	for _, d := range decode {
		name := d.Plan.Layout.String()
		if groups[name] == nil {
			names = append(names, name)
		}
		groups[name] = append(groups[name], d)
	}
	slices.Sort(names)
	for _, name := range names {
		g := groups[name]
		slices.SortStableFunc(g, func(a, b ScoredWorker) int { return cmp.Compare(b.SeqPerSPerGPU, a.SeqPerSPerGPU) })
		m.decode = append(m.decode, g)
	}
	n := 0
	for _, g := range m.decode {
		m.starts = append(m.starts, n)
		n += len(g)
	}
	m.chosen = make([]choice, n*len(prefill))
	return m
}

// ttft is what a request waits for on a prefill worker, ms.
func (w *ScoredWorker) queuedTTFT() float64 { return float64(QueueFactor * w.TTFT) }

// match adds the rows of one target.
func (m *matcher) match(tg target) {
	var prefill []int
	for i := range m.prefill {
		if p := &m.prefill[i]; p.queuedTTFT() < tg.ttft && len(prefill) < prefillRowsKept {
			prefill = append(prefill, i)
		}
	}
	if len(prefill) == 0 {
		return
	}
	type combo struct {
		p, d *ScoredWorker
		choice
	}
	var combos []combo
	for gi, group := range m.decode {
		var best combo
		n := 0
		for i := range group {
			d := &group[i]
			if d.TPOT <= 0 || d.TPOT >= tg.tpot {
				continue
			}
			if n++; n > decodeRowsPerGroup {
				break
			}
			row := m.chosen[(m.starts[gi]+i)*len(m.prefill):]
			for _, pi := range prefill {
				c := &row[pi]
				if !c.made {
					*c = m.choose(&m.prefill[pi], d)
				}
				if c.gpus == 0 {
					continue
				}
				if best.p == nil || c.perGPU > best.perGPU || c.perGPU == best.perGPU && c.gpus < best.gpus {
					best = combo{&m.prefill[pi], d, *c}
				}
			}
		}
		if best.p != nil {
			combos = append(combos, best)
		}
	}
	slices.SortStableFunc(combos, func(a, b combo) int {
		return cmp.Compare(estimator.Round3(b.perGPU), estimator.Round3(a.perGPU))
	})
	for _, c := range combos[:min(len(combos), combosPerTarget)] {
		if key := (pair{c.p, c.d}); !m.emitted[key] {
			m.emitted[key] = true
			m.rows = append(m.rows, disaggRow(c.p, c.d, c.split, m.task))
		}
	}
}

// rate is what a replica finishes per second: the slower of its two sides, each
// counted with a margin.
func rate(p, d *ScoredWorker, s split) float64 {
	return min(p.SeqPerS*float64(s.x)*prefillShare, d.SeqPerS*float64(s.y)*decodeShare)
}

// choose returns the worker counts that give the most per GPU, with zero GPUs
// when there are none. Of equal ones the first counts, decode workers
// outermost.
func (m *matcher) choose(p, d *ScoredWorker) choice {
	best, most := choice{made: true}, 0.0
	for _, s := range m.admissible(p.GPUs, d.GPUs) {
		if v := rate(p, d, s) / s.gpus; v > most {
			most, best.split = v, s
		}
	}
	best.perGPU = rate(p, d, best.split) * float64(m.task.Workload.OSL) / best.gpus
	return best
}

// admissible lists the worker counts whose GPU total a replica may have.
func (m *matcher) admissible(prefillGPUs, decodeGPUs int) []split {
	key := [2]int{prefillGPUs, decodeGPUs}
	if s, ok := m.splits[key]; ok {
		return s
	}
	bounds, budget := m.task.Bounds(), m.task.TotalGPUs
	var out []split
	for y := 1; y <= bounds.MostDecode && y*decodeGPUs < budget; y++ {
		for x := 1; x <= bounds.MostPrefill; x++ {
			g := x*prefillGPUs + y*decodeGPUs
			if g > budget {
				break
			}
			if bounds.admits(g) {
				out = append(out, split{x, y, float64(g)})
			}
		}
	}
	m.splits[key] = out
	return out
}

// WorkerCounts lists the numbers of prefill and decode workers, of so many GPUs each,
// that a replica of the task may have.
func (t *Task) WorkerCounts(prefillGPUs, decodeGPUs int) [][2]int {
	var out [][2]int
	for _, s := range newMatcher(t, nil, nil).admissible(prefillGPUs, decodeGPUs) {
		out = append(out, [2]int{s.x, s.y})
	}
	return out
}

// disaggRow is the replica of x prefill and y decode workers.
func disaggRow(p, d *ScoredWorker, s split, t *Task) Row {
	osl := float64(t.Workload.OSL)
	seq := rate(p, d, s)
	tokens := seq * osl
	ttft := p.queuedTTFT()
	r := Row{
		Mode:              Disagg,
		Concurrency:       d.BatchSize * d.Plan.Layout.DP * s.y,
		TTFT:              estimator.Round3(ttft),
		TPOT:              d.TPOT,
		RequestLatency:    estimator.Round3(ttft + float64(d.TPOT*(osl-1))),
		SeqPerS:           estimator.Round3(seq),
		SeqPerSPerGPU:     estimator.Round3(seq / s.gpus),
		TokensPerS:        estimator.Round3(tokens),
		TokensPerSPerGPU:  estimator.Round3(tokens / s.gpus),
		TokensPerSPerUser: d.TokensPerSPerUser,
		ReplicaGPUs:       int(s.gpus),
		Prefill:           &p.Worker, Decode: &d.Worker,
		PrefillWorkers: s.x, DecodeWorkers: s.y,
	}
	r.SetCluster(t.TotalGPUs)
	return r
}
