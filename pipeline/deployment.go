package pipeline

import (
	"cmp"
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

// finite reports whether all are numbers: others can be on no front.
func finite(figures ...float64) bool {
	for _, v := range figures {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return false
		}
	}
	return true
}

// source reads deployments out of a block; columns are looked up once.
type source struct {
	replicaGPUs, concurrency, ttft, tpot, latency, seq, perGPU, perUser *schema.Col

	worker [5]*schema.Col
}

func newSource(rows *schema.Rows, worker string) source {
	return source{
		replicaGPUs: rows.Col("replica_gpus"), concurrency: rows.Col("replica_concurrency"), ttft: rows.Col("ttft_ms"), tpot: rows.Col("tpot_ms"),
		latency: rows.Col("request_latency_ms"), seq: rows.Col("replica_seq_per_s"), perGPU: rows.Col("tokens_per_s_per_gpu"),
		perUser: rows.Col("tokens_per_s_per_user"), worker: layoutOf(rows, worker),
	}
}

func layoutOf(rows *schema.Rows, prefix string) (l [5]*schema.Col) {
	for k, name := range layoutColumns {
		l[k] = rows.Col(prefix + name)
	}
	return l
}

func layoutAt(cols *[5]*schema.Col, i int) (l [5]int32) {
	for k, c := range cols {
		l[k] = c.IntAt(i)
	}
	return l
}

func (s *source) at(i int, mode uint8) deployment {
	return deployment{
		mode: mode, replicaGPUs: s.replicaGPUs.IntAt(i), concurrency: s.concurrency.IntAt(i), ttft: s.ttft.FloatAt(i), tpot: s.tpot.FloatAt(i),
		latency: s.latency.FloatAt(i), seq: s.seq.FloatAt(i), perGPU: s.perGPU.FloatAt(i), perUser: s.perUser.FloatAt(i), worker: layoutAt(&s.worker, i),
	}
}

// addAgg places every candidate that fits into each budget that holds a replica.
func (b *BestPoints) addAgg(rows *schema.Rows) {
	from := newSource(rows, "")
	feasible, bs, ctx, memory := rows.Col("feasible"), rows.Col("bs"), rows.Col("ctx_tokens"), rows.Col("memory_gib")
	for _, i := range b.lead(rows, from.replicaGPUs, from.perGPU, from.ttft, from.tpot, from.perUser, feasible.BoolAt) {
		d := from.at(i, aggMode)
		d.bs, d.ctx, d.memory = bs.IntAt(i), ctx.IntAt(i), memory.FloatAt(i)
		for _, gpus := range b.budgets {
			d.gpus, d.replicas = int32(gpus), int32(gpus)/d.replicaGPUs
			d.usedGPUs = d.replicas * d.replicaGPUs
			d.cluster = d.perGPU * float64(d.replicas) * float64(d.replicaGPUs) / float64(d.gpus)
			if d.replicas > 0 && finite(d.cluster) {
				b.all = append(b.all, d)
			}
		}
	}
}

func (b *BestPoints) addDisagg(rows *schema.Rows) {
	from, prefill := newSource(rows, "decode_"), layoutOf(rows, "prefill_")
	gpus, used, replicas := rows.Col("gpus"), rows.Col("used_gpus"), rows.Col("replicas")
	bs, prefillBS, prefillWorkers, decodeWorkers := rows.Col("decode_bs"), rows.Col("prefill_bs"), rows.Col("prefill_workers"), rows.Col("decode_workers")
	cluster, prefillMemory, decodeMemory := rows.Col("tokens_per_s_per_gpu_cluster"), rows.Col("prefill_memory_gib"), rows.Col("decode_memory_gib")
	for _, i := range b.lead(rows, gpus, cluster, from.ttft, from.tpot, from.perUser, func(int) bool { return true }) {
		d := from.at(i, disaggMode)
		d.prefill = layoutAt(&prefill, i)
		d.gpus, d.usedGPUs, d.replicas = gpus.IntAt(i), used.IntAt(i), replicas.IntAt(i)
		d.bs, d.prefillBS, d.prefillWorkers, d.decodeCount = bs.IntAt(i), prefillBS.IntAt(i), prefillWorkers.IntAt(i), decodeWorkers.IntAt(i)
		d.cluster, d.memory = cluster.FloatAt(i), max(prefillMemory.FloatAt(i), decodeMemory.FloatAt(i))
		b.all = append(b.all, d)
	}
}

// fillBestPoints spells deployments as rows of best_points. What identifies the
// shard and the workload is there already.
func fillBestPoints(b block, ds []*deployment) {
	n := len(ds)
	b.N = n
	disagg := make([]bool, n)
	agg := make([]bool, n)
	mode := b.Col("mode")
	mode.Dict, mode.Code = modeNames, resize(mode.Code, n)
	for i, d := range ds {
		mode.Code[i], disagg[i], agg[i] = int32(d.mode), d.mode == disaggMode, d.mode == aggMode
	}
	ints := func(name string, valid []bool, of func(d *deployment) int32) {
		c := b.Col(name)
		c.Int, c.Valid = resize(c.Int, n), valid
		for i, d := range ds {
			c.Int[i] = of(d)
		}
	}
	floats := func(name string, of func(d *deployment) float64) {
		c := b.floats(name)
		*c = resize(*c, n)
		for i, d := range ds {
			(*c)[i] = of(d)
		}
	}
	flags := func(name string, of func(d *deployment) bool) {
		c := &b.Col(name).Bool
		*c = resize(*c, n)
		for i, d := range ds {
			(*c)[i] = of(d)
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
