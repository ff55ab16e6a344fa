package main

import (
	"sync"
	"sync/atomic"

	"servegrid/estimator"
	"servegrid/estimator/search"
	"servegrid/jobs"
	"servegrid/perftables"
)

// measureScored times scoring alone: nothing is rounded for files, filtered or
// written. Compiling the plans is a figure of its own.
func measureScored(c *config, r *results) error {
	spec, err := readSpec("dense")
	if err != nil {
		return err
	}
	tables := packedTables()
	catalog := search.NewCatalog(tables)
	type asked struct{ model, system, backend string }
	var combos []asked
	for _, model := range spec.Models {
		for _, system := range spec.Systems {
			for _, backend := range spec.Backends {
				combos = append(combos, asked{model, system, backend})
			}
		}
	}
	plans := make([][]search.LayoutPlan, len(combos))
	var compiled atomic.Int64
	took, err := timed(func() error {
		c.each(len(combos), func() func(int) {
			return func(i int) {
				g := combos[i]
				latest := tables.Latest(g.system, g.backend)
				combo, err := catalog.Resolve(g.model, g.system, g.backend, latest, perftables.Mode(spec.DatabaseMode))
				if err != nil {
					return // not covered there
				}
				for _, lp := range combo.Compile() {
					if lp.Err == nil && lp.Plan.ContextErr() == nil && lp.Plan.GenerationErr() == nil {
						plans[i] = append(plans[i], lp)
						compiled.Add(1)
					}
				}
			}
		})
		return nil
	})
	if err != nil {
		return err
	}
	r.rate("plans_compiled", compiled.Load(), took, "plans")

	var points atomic.Int64
	took, err = timed(func() error {
		c.each(len(plans), func() func(int) {
			var pts estimator.AggPoints
			return func(i int) { points.Add(scoreAgg(&pts, plans[i], spec.Workloads)) }
		})
		return nil
	})
	if err != nil {
		return err
	}
	r.rate("agg_points_scored", points.Load(), took, "points")

	few := every(16, spec.Workloads) // pairs are many
	scored := make([]scoredWorkers, len(plans)*len(few))
	var workers atomic.Int64
	took, _ = timed(func() error {
		c.each(len(scored), func() func(int) {
			return func(i int) {
				s := &scored[i]
				s.w = workload(few[i%len(few)])
				for _, lp := range plans[i/len(few)] {
					s.prefill = appendWorkers(s.prefill, lp.Plan, search.PrefillRole, s.w, &workers)
					s.decode = appendWorkers(s.decode, lp.Plan, search.DecodeRole, s.w, &workers)
				}
			}
		})
		return nil
	})
	r.rate("workers_scored", workers.Load(), took, "workers")

	var pairs atomic.Int64
	took, _ = timed(func() error {
		c.each(len(scored), func() func(int) {
			var m search.Matcher
			return func(i int) {
				s := &scored[i]
				for _, gpus := range budgets {
					m.MatchAll(s.prefill, s.decode, gpus, s.w)
					pairs.Add(int64(search.PairsWithin(s.prefill, s.decode, gpus)))
				}
			}
		})
		return nil
	})
	r.rate("disagg_pairs_scored", pairs.Load(), took, "pairs")
	return nil
}

var budgets = []int{8, 16, 32, 64}

// scoredWorkers are the workers of one combination and workload.
type scoredWorkers struct {
	w               estimator.Workload
	prefill, decode []search.ScoredWorker
}

func every(n int, workloads []jobs.Workload) (out []jobs.Workload) {
	for i := 0; i < len(workloads); i += n {
		out = append(out, workloads[i])
	}
	return out
}

// each hands 0 to n-1 to the workers; start makes what one of them does.
func (c *config) each(n int, start func() func(i int)) {
	var next atomic.Int64
	var group sync.WaitGroup
	for range c.workers {
		group.Go(func() {
			do := start()
			for i := next.Add(1) - 1; i < int64(n); i = next.Add(1) - 1 {
				do(int(i))
			}
		})
	}
	group.Wait()
}

// scoreAgg scores every candidate and returns how many have figures.
func scoreAgg(pts *estimator.AggPoints, plans []search.LayoutPlan, workloads []jobs.Workload) (n int64) {
	for _, jw := range workloads {
		w := workload(jw)
		pts.Reset()
		search.AppendAgg(pts, w.ISL)
		for _, lp := range plans {
			if lp.Plan.ScoreAgg(w, pts) != nil {
				continue
			}
			for _, st := range pts.Status {
				if st != estimator.NoData {
					n++
				}
			}
		}
	}
	return n
}

func workload(w jobs.Workload) estimator.Workload {
	return estimator.Workload{ISL: w.ISL, OSL: w.OSL, Prefix: w.Prefix}
}

// appendWorkers scores the workers of one role, adds those that fit, and counts
// all that have figures.
func appendWorkers(dst []search.ScoredWorker, plan *estimator.Plan, role search.Role, w estimator.Workload, n *atomic.Int64) []search.ScoredWorker {
	at, err := search.DefaultTuning.Scorer(plan, role, w)
	if err != nil {
		return dst
	}
	for _, b := range search.DefaultTuning.Batches(role) {
		pt, err := at(b)
		if err != nil {
			continue
		}
		n.Add(1)
		if pt.Status == estimator.OK {
			dst = append(dst, search.RoundWorker(plan, pt))
		}
	}
	return dst
}
