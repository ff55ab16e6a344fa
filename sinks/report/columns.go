package report

import (
	"fmt"
	"strconv"
)

// table lays out the rows of e in the column order of the reference program.
// The wide view adds backend, req/s, GPUs per replica and per worker, each
// role's workers and batch, and power when it is known.
func (f *Final) table(e *Experiment) grid {
	var g grid
	add := func(header string, cell func(r *Row) string) {
		c := column{header: header, cells: make([]string, len(e.Rows))}
		for i := range e.Rows {
			c.cells[i] = cell(&e.Rows[i])
		}
		g = append(g, c)
	}
	rank := 0
	add("Rank", func(*Row) string { rank++; return strconv.Itoa(rank) })
	if f.AllColumns || f.ShowBackend {
		add("backend", func(r *Row) string { return r.Backend })
	}
	add("tokens/s/gpu", func(r *Row) string { return fixed(r.TokensPerSecPerGPUCluster) })
	g[len(g)-1].bold = true
	add("tokens/s/user", func(r *Row) string { return fixed(r.TokensPerSecPerUser) })
	if f.AllColumns {
		add("req/s", func(r *Row) string { return fixed(r.RequestRate * float64(r.Replicas)) })
	}
	add("TTFT", func(r *Row) string { return fixed(r.TTFT) })
	add("request_latency", func(r *Row) string { return fixed(r.RequestLatency) })
	add("concurrency", (*Row).concurrency)
	budget := f.budget(e)
	add("total_gpus (used)", func(r *Row) string { return r.used(budget) })
	add("replicas", func(r *Row) string { return strconv.Itoa(r.Replicas) })
	if e.Disagg {
		f.addDisagg(add)
	} else {
		f.addAgg(add)
	}
	if f.AllColumns && f.hasPower() {
		add("power_w", func(r *Row) string { return fmt.Sprintf("%.1fW", r.PowerW) })
	}
	return g
}

// addAgg adds the columns only agg tables have.
func (f *Final) addAgg(add func(string, func(*Row) string)) {
	if f.AllColumns {
		add("gpus/replica", func(r *Row) string { return strconv.Itoa(r.ReplicaGPUs) })
		add("gpus/worker", func(r *Row) string { return r.Agg.factors(r.IsMoE) })
	}
	add("parallel", func(r *Row) string { return r.Agg.Parallel })
	add("bs", func(r *Row) string { return strconv.Itoa(r.Agg.BS) })
}

// addDisagg adds the columns only disagg tables have, prefill before decode.
func (f *Final) addDisagg(add func(string, func(*Row) string)) {
	if f.AllColumns {
		add("gpus/replica", func(r *Row) string {
			p, d := r.Prefill, r.Decode
			return fmt.Sprintf("%d (=%dx%d+%dx%d)", r.ReplicaGPUs, p.Workers, p.gpus(), d.Workers, d.gpus())
		})
	}
	roles := []struct {
		prefix string
		of     func(*Row) Worker
	}{
		{"(p)", func(r *Row) Worker { return r.Prefill }},
		{"(d)", func(r *Row) Worker { return r.Decode }},
	}
	for _, role := range roles {
		if f.AllColumns {
			add(role.prefix+"workers", func(r *Row) string { return strconv.Itoa(role.of(r).Workers) })
			add(role.prefix+"gpus/worker", func(r *Row) string { return role.of(r).factors(r.IsMoE) })
		}
		add(role.prefix+"parallel", func(r *Row) string { return role.of(r).Parallel })
		if f.AllColumns {
			add(role.prefix+"bs", func(r *Row) string { return strconv.Itoa(role.of(r).BS) })
		}
	}
}

// hasPower reports whether at least 90 % of all printed rows have a power of at
// least 1 W, the reference program's rule for showing the column.
func (f *Final) hasPower() bool {
	rows, known := 0, 0
	for i := range f.Experiments {
		for j := range f.Experiments[i].Rows {
			rows++
			if f.Experiments[i].Rows[j].PowerW >= 1 {
				known++
			}
		}
	}
	return rows > 0 && known*10 >= rows*9
}

// fixed formats v with two decimals.
func fixed(v float64) string { return strconv.FormatFloat(v, 'f', 2, 64) }

// concurrency is "56 (=14x4)": all replicas, then per replica x replicas.
func (r *Row) concurrency() string {
	return fmt.Sprintf("%d (=%dx%d)", r.Concurrency*r.Replicas, r.Concurrency, r.Replicas)
}

// used is "8 (8=4x2)": the budget, then GPUs used = replicas x GPUs of one.
func (r *Row) used(budget int) string {
	return fmt.Sprintf("%d (%d=%dx%d)", budget, r.Replicas*r.ReplicaGPUs, r.Replicas, r.ReplicaGPUs)
}

// workers says in words what a disagg replica is made of.
func (r *Row) workers() string {
	return fmt.Sprintf("%d x prefill (%s, bs %d) + %d x decode (%s, bs %d) per replica, %d GPUs, needs RDMA",
		r.Prefill.Workers, r.Prefill.Parallel, r.Prefill.BS,
		r.Decode.Workers, r.Decode.Parallel, r.Decode.BS, r.ReplicaGPUs)
}

// factors is "2 (=2x1)": GPUs of one worker = tp x pp, and x dp for MoE.
func (wk Worker) factors(moe bool) string {
	if moe {
		return fmt.Sprintf("%d (=%dx%dx%d)", wk.gpus(), wk.TP, wk.PP, wk.DP)
	}
	return fmt.Sprintf("%d (=%dx%d)", wk.gpus(), wk.TP, wk.PP)
}
