package pipeline

import (
	"cmp"
	"fmt"
	"math"
	"strings"

	"servegrid/internal/schema"
)

// The serving modes, in the order in which ties are broken.
const (
	aggMode = iota
	disaggMode
)

var modeNames = []string{"agg", "disagg"}

var layoutColumns = []string{"tp", "pp", "dp", "moe_tp", "moe_ep"}

// deployment is a row of the view points: a candidate within a GPU budget.
type deployment struct {
	mode                                   uint8
	gpus, usedGPUs, replicas, replicaGPUs  int32
	concurrency                            int32 // of one replica
	ttft, tpot, latency                    float64
	perGPU, cluster, perUser, seq, memory  float64 // seq: of one replica
	worker, prefill                        [5]int32
	bs, ctx                                int32
	prefillBS, prefillWorkers, decodeCount int32

	onFrontier, overall, onSLAFrontier bool
}

// compareTies orders deployments of equal throughput and speed, as the views do. Text
// is made only where everything before it is equal.
func (d *deployment) compareTies(e *deployment) int {
	if c := cmp.Or(
		cmp.Compare(d.usedGPUs, e.usedGPUs), cmp.Compare(d.mode, e.mode), cmp.Compare(d.latency, e.latency),
		cmp.Compare(d.ttft, e.ttft), cmp.Compare(d.tpot, e.tpot),
	); c != 0 {
		return c
	}
	if c := strings.Compare(parallelText(d.worker), parallelText(e.worker)); c != 0 {
		return c
	}
	if d.mode == disaggMode {
		if c := strings.Compare(parallelText(d.prefill), parallelText(e.prefill)); c != 0 {
			return c
		}
	}
	return cmp.Or(
		cmp.Compare(d.bs, e.bs), cmp.Compare(d.ctx, e.ctx), cmp.Compare(d.prefillBS, e.prefillBS),
		cmp.Compare(d.prefillWorkers, e.prefillWorkers), cmp.Compare(d.decodeCount, e.decodeCount), cmp.Compare(d.memory, e.memory),
	)
}

// parallelText is the column parallel of the views, by which ties are broken.
func parallelText(l [5]int32) string {
	s := fmt.Sprintf("tp%dpp%d", l[0], l[1])
	if l[2] > 1 || l[3] > 1 || l[4] > 1 {
		s += fmt.Sprintf("dp%detp%dep%d", l[2], l[3], l[4])
	}
	return s
}

// finite reports whether all are numbers: others can be on no front.
func finite(figures ...float64) bool {
	for _, v := range figures {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return false
		}
	}
	return true
}

// deployments are the columns of a block that deployments are made of, copied.
type deployments struct {
	mode uint8
	n    int

	replicaGPUs, concurrency, ttft, tpot, latency, seq, perGPU, perUser schema.Col

	bs      schema.Col
	worker  [5]schema.Col
	prefill [5]schema.Col // of disaggregated ones, as what follows

	gpus, used, replicas, prefillBS, prefillWorkers, decodeWorkers schema.Col
	cluster, prefillMemory, memory                                 schema.Col // memory: of the decode side

	feasible, ctx schema.Col // of aggregated ones
}

// keep copies a block of agg_points or disagg_points.
func (d *deployments) keep(rows *schema.Rows) {
	d.n = rows.N
	take := func(dst *schema.Col, name string) {
		src := rows.Col(name)
		dst.Int, dst.Float, dst.Bool = append(dst.Int[:0], src.Int...), append(dst.Float[:0], src.Float...), append(dst.Bool[:0], src.Bool...)
	}
	layout := func(dst *[5]schema.Col, prefix string) {
		for k, name := range layoutColumns {
			take(&dst[k], prefix+name)
		}
	}
	take(&d.replicaGPUs, "replica_gpus")
	take(&d.concurrency, "replica_concurrency")
	take(&d.ttft, "ttft_ms")
	take(&d.tpot, "tpot_ms")
	take(&d.latency, "request_latency_ms")
	take(&d.seq, "replica_seq_per_s")
	take(&d.perGPU, "tokens_per_s_per_gpu")
	take(&d.perUser, "tokens_per_s_per_user")
	if rows.Table == schema.AggPoints {
		d.mode = aggMode
		layout(&d.worker, "")
		take(&d.feasible, "feasible")
		take(&d.bs, "bs")
		take(&d.ctx, "ctx_tokens")
		take(&d.memory, "memory_gib")
		return
	}
	d.mode = disaggMode
	layout(&d.worker, "decode_")
	layout(&d.prefill, "prefill_")
	take(&d.gpus, "gpus")
	take(&d.used, "used_gpus")
	take(&d.replicas, "replicas")
	take(&d.bs, "decode_bs")
	take(&d.prefillBS, "prefill_bs")
	take(&d.prefillWorkers, "prefill_workers")
	take(&d.decodeWorkers, "decode_workers")
	take(&d.cluster, "tokens_per_s_per_gpu_cluster")
	take(&d.prefillMemory, "prefill_memory_gib")
	take(&d.memory, "decode_memory_gib")
}

// appendRanked appends what can be deployed within a budget. Aggregated candidates
// that fit are in each budget that holds a replica, pairs in their own.
func (d *deployments) appendRanked(dst []rankedPoint, block, gpus int32) []rankedPoint {
	for i := range d.n {
		p := rankedPoint{perUser: d.perUser.FloatAt(i), ttft: d.ttft.FloatAt(i), tpot: d.tpot.FloatAt(i), block: block, row: int32(i)}
		if d.mode == aggMode {
			if !d.feasible.BoolAt(i) || d.replicaGPUs.IntAt(i) > gpus {
				continue
			}
			p.cluster = overBudget(d.perGPU.FloatAt(i), d.replicaGPUs.IntAt(i), gpus)
		} else {
			if d.gpus.IntAt(i) != gpus {
				continue
			}
			p.cluster = d.cluster.FloatAt(i)
		}
		if finite(p.cluster, p.perUser, p.ttft, p.tpot) {
			dst = append(dst, p)
		}
	}
	return dst
}

// overBudget spreads what replicas give per GPU over a budget with idle GPUs.
func overBudget(perGPU float64, replicaGPUs, gpus int32) float64 {
	return perGPU * float64(gpus/replicaGPUs) * float64(replicaGPUs) / float64(gpus)
}

// at returns a row as a deployment within a budget.
func (d *deployments) at(i int, gpus int32) deployment {
	r := deployment{
		mode: d.mode, gpus: gpus, replicaGPUs: d.replicaGPUs.IntAt(i), concurrency: d.concurrency.IntAt(i), ttft: d.ttft.FloatAt(i),
		tpot: d.tpot.FloatAt(i), latency: d.latency.FloatAt(i), seq: d.seq.FloatAt(i), perGPU: d.perGPU.FloatAt(i), perUser: d.perUser.FloatAt(i),
		bs: d.bs.IntAt(i), worker: layoutAt(&d.worker, i), memory: d.memory.FloatAt(i),
	}
	if d.mode == aggMode {
		r.ctx, r.replicas = d.ctx.IntAt(i), gpus/r.replicaGPUs
		r.usedGPUs, r.cluster = r.replicas*r.replicaGPUs, overBudget(r.perGPU, r.replicaGPUs, gpus)
		return r
	}
	r.usedGPUs, r.replicas, r.cluster = d.used.IntAt(i), d.replicas.IntAt(i), d.cluster.FloatAt(i)
	r.prefill, r.prefillBS = layoutAt(&d.prefill, i), d.prefillBS.IntAt(i)
	r.prefillWorkers, r.decodeCount = d.prefillWorkers.IntAt(i), d.decodeWorkers.IntAt(i)
	r.memory = max(r.memory, d.prefillMemory.FloatAt(i))
	return r
}

func layoutAt(cols *[5]schema.Col, i int) (l [5]int32) {
	for k := range cols {
		l[k] = cols[k].IntAt(i)
	}
	return l
}

// fillBestPoints spells deployments as rows of best_points. What identifies the
// shard and the workload is there already.
func fillBestPoints(b block, ds []deployment) {
	n := len(ds)
	b.N = n
	disagg := make([]bool, n)
	agg := make([]bool, n)
	mode := b.Col("mode")
	mode.Dict, mode.Code = modeNames, resize(mode.Code, n)
	for i := range ds {
		m := ds[i].mode
		mode.Code[i], disagg[i], agg[i] = int32(m), m == disaggMode, m == aggMode
	}
	ints := func(name string, valid []bool, of func(d *deployment) int32) {
		c := b.Col(name)
		c.Int, c.Valid = resize(c.Int, n), valid
		for i := range ds {
			c.Int[i] = of(&ds[i])
		}
	}
	floats := func(name string, of func(d *deployment) float64) {
		c := b.floats(name)
		*c = resize(*c, n)
		for i := range ds {
			(*c)[i] = of(&ds[i])
		}
	}
	flags := func(name string, of func(d *deployment) bool) {
		c := &b.Col(name).Bool
		*c = resize(*c, n)
		for i := range ds {
			(*c)[i] = of(&ds[i])
		}
	}
	ints("gpus", nil, func(d *deployment) int32 { return d.gpus })
	ints("used_gpus", nil, func(d *deployment) int32 { return d.usedGPUs })
	ints("replicas", nil, func(d *deployment) int32 { return d.replicas })
	ints("replica_gpus", nil, func(d *deployment) int32 { return d.replicaGPUs })
	ints("concurrency", nil, func(d *deployment) int32 { return d.replicas * d.concurrency })
	ints("replica_concurrency", nil, func(d *deployment) int32 { return d.concurrency })
	ints("bs", nil, func(d *deployment) int32 { return d.bs })
	ints("ctx_tokens", agg, func(d *deployment) int32 { return d.ctx })
	ints("prefill_bs", disagg, func(d *deployment) int32 { return d.prefillBS })
	ints("prefill_workers", disagg, func(d *deployment) int32 { return d.prefillWorkers })
	ints("decode_workers", disagg, func(d *deployment) int32 { return d.decodeCount })
	for k, name := range layoutColumns {
		ints(name, nil, func(d *deployment) int32 { return d.worker[k] })
		ints("prefill_"+name, disagg, func(d *deployment) int32 { return d.prefill[k] })
	}
	floats("ttft_ms", func(d *deployment) float64 { return d.ttft })
	floats("tpot_ms", func(d *deployment) float64 { return d.tpot })
	floats("request_latency_ms", func(d *deployment) float64 { return d.latency })
	floats("tokens_per_s_per_gpu", func(d *deployment) float64 { return d.perGPU })
	floats("tokens_per_s_per_gpu_cluster", func(d *deployment) float64 { return d.cluster })
	floats("tokens_per_s_per_user", func(d *deployment) float64 { return d.perUser })
	floats("seq_per_s", func(d *deployment) float64 { return d.seq * float64(d.replicas) })
	floats("replica_seq_per_s", func(d *deployment) float64 { return d.seq })
	floats("memory_gib", func(d *deployment) float64 { return d.memory })
	flags("on_frontier", func(d *deployment) bool { return d.onFrontier })
	flags("overall", func(d *deployment) bool { return d.overall })
	flags("on_sla_frontier", func(d *deployment) bool { return d.onSLAFrontier })
}
