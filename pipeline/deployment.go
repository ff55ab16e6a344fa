package pipeline

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"servegrid/internal/schema"
)

// The serving modes, in the order in which ties are broken.
const (
	aggMode = iota
	disaggMode
)

var modeNames = []string{"agg", "disagg"}

var layoutColumns = [...]string{"tp", "pp", "dp", "moe_tp", "moe_ep"}

// tieBreak is what orders deployments of equal throughput and speed.
type tieBreak struct {
	usedGPUs                               int32
	mode                                   uint8
	latency, ttft, tpot, memory            float64
	worker, prefill                        [len(layoutColumns)]int32
	bs, ctx                                int32
	prefillBS, prefillWorkers, decodeCount int32
}

// compare orders as the views do, the better one first. Text is made only where
// everything before it is equal.
func (d *tieBreak) compare(e *tieBreak) int {
	if c := cmp.Or(
		cmp.Compare(d.usedGPUs, e.usedGPUs), cmp.Compare(d.mode, e.mode), cmp.Compare(d.latency, e.latency),
		cmp.Compare(d.ttft, e.ttft), cmp.Compare(d.tpot, e.tpot),
	); c != 0 {
		return c
	}
	if c := compareLayouts(d.worker, e.worker); c != 0 {
		return c
	}
	if c := compareLayouts(d.prefill, e.prefill); c != 0 {
		return c
	}
	return cmp.Or(
		cmp.Compare(d.bs, e.bs), cmp.Compare(d.ctx, e.ctx), cmp.Compare(d.prefillBS, e.prefillBS),
		cmp.Compare(d.prefillWorkers, e.prefillWorkers), cmp.Compare(d.decodeCount, e.decodeCount), cmp.Compare(d.memory, e.memory),
	)
}

// compareLayouts compares them by the column parallel of the views.
func compareLayouts(l, m [5]int32) int {
	if l == m { // most ties are candidates of one layout
		return 0
	}
	return strings.Compare(parallelText(l), parallelText(m))
}

func parallelText(l [5]int32) string {
	s := fmt.Sprintf("tp%dpp%d", l[0], l[1])
	if l[2] > 1 || l[3] > 1 || l[4] > 1 {
		s += fmt.Sprintf("dp%detp%dep%d", l[2], l[3], l[4])
	}
	return s
}

// Columns that deployments are made of, by where they are kept. A layout has five.
const (
	atReplicaGPUs = iota
	atConcurrency
	atTTFT
	atTPOT
	atLatency
	atSeq
	atPerGPU
	atPerUser
	atBatch
	atMemory // of the decode side
	atWorker
	// Of aggregated ones only.
	atFeasible = iota + len(layoutColumns) - 1
	atCtx
	// Of disaggregated ones only.
	atGPUs
	atUsed
	atReplicas
	atCluster
	atPrefillBatch
	atPrefillWorkers
	atDecodeWorkers
	atPrefillMemory
	atPrefill
	deploymentColumns = iota + 2*(len(layoutColumns)-1)
)

// columnNames are their names in agg_points and disagg_points; "" where the mode has
// none.
func columnNames(mode uint8) (names [deploymentColumns]string) {
	for at, name := range map[int]string{
		atReplicaGPUs: "replica_gpus", atConcurrency: "replica_concurrency", atTTFT: "ttft_ms", atTPOT: "tpot_ms", atLatency: "request_latency_ms",
		atSeq: "replica_seq_per_s", atPerGPU: "tokens_per_s_per_gpu", atPerUser: "tokens_per_s_per_user",
	} {
		names[at] = name
	}
	prefix := ""
	if mode == aggMode {
		names[atBatch], names[atMemory], names[atFeasible], names[atCtx] = "bs", "memory_gib", "feasible", "ctx_tokens"
	} else {
		prefix = "decode_"
		for at, name := range map[int]string{
			atBatch: "decode_bs", atMemory: "decode_memory_gib", atGPUs: "gpus", atUsed: "used_gpus", atReplicas: "replicas",
			atCluster: "tokens_per_s_per_gpu_cluster", atPrefillBatch: "prefill_bs", atPrefillWorkers: "prefill_workers",
			atDecodeWorkers: "decode_workers", atPrefillMemory: "prefill_memory_gib",
		} {
			names[at] = name
		}
		for k, name := range layoutColumns {
			names[atPrefill+k] = "prefill_" + name
		}
	}
	for k, name := range layoutColumns {
		names[atWorker+k] = prefix + name
	}
	return names
}

// sourceBlock is a block that deployments come from, with its columns looked up.
type sourceBlock struct {
	rows  *schema.Rows
	mode  uint8
	cols  [deploymentColumns]*schema.Col
	named []*schema.Col // what identifies the shard and the workload, constant in the block; by column of best_points, nil for others
}

// modeOf is the serving mode of a block.
func modeOf(rows *schema.Rows) uint8 {
	if rows.Table == schema.DisaggPoints {
		return disaggMode
	}
	return aggMode
}

func newSourceBlock(rows *schema.Rows) *sourceBlock {
	b := &sourceBlock{rows: rows, mode: modeOf(rows)}
	for at, name := range columnNames(b.mode) {
		if name != "" {
			b.cols[at] = rows.Col(name)
		}
	}
	b.named = make([]*schema.Col, len(schema.BestPoints.Columns))
	for i, c := range schema.BestPoints.Columns {
		if c.Type == schema.String && c.Name != "mode" || slices.Contains([]string{"nextn", "isl", "osl", "prefix"}, c.Name) {
			b.named[i] = rows.Col(c.Name)
		}
	}
	return b
}

// appendRanked appends what can be deployed within a budget. Aggregated candidates
// that fit are in each budget that holds a replica, pairs in their own.
func (d *sourceBlock) appendRanked(dst []rankedPoint, block, gpus int32) []rankedPoint {
	c, n := &d.cols, len(dst)
	dst = slices.Grow(dst, d.rows.N)[:n+d.rows.N]
	perUser, ttft, tpot := rowsOf(c[atPerUser].Float), rowsOf(c[atTTFT].Float), rowsOf(c[atTPOT].Float)
	if d.mode == aggMode {
		feasible, replica, perGPU := rowsOf(c[atFeasible].Bool), rowsOf(c[atReplicaGPUs].Int), rowsOf(c[atPerGPU].Float)
		var within budget
		for i := range d.rows.N {
			r := replica.at(i)
			if r > gpus || !feasible.at(i) {
				continue
			}
			if r != within.replicaGPUs {
				within = newBudget(r, gpus)
			}
			dst[n] = rankedPoint{within.spread(perGPU.at(i)), perUser.at(i), ttft.at(i), tpot.at(i), block, int32(i)}
			n++
		}
		return dst[:n]
	}
	of, cluster := rowsOf(c[atGPUs].Int), rowsOf(c[atCluster].Float)
	for i := range d.rows.N {
		if of.at(i) == gpus {
			dst[n] = rankedPoint{cluster.at(i), perUser.at(i), ttft.at(i), tpot.at(i), block, int32(i)}
			n++
		}
	}
	return dst[:n]
}

// rowValues are the values of a column by row, constant or not, which is asked once
// instead of for every row.
type rowValues[T any] struct {
	v    []T
	step int // 0: one value for all
}

func rowsOf[T any](v []T) rowValues[T] { return rowValues[T]{v, min(1, len(v)-1)} }

func (r *rowValues[T]) at(i int) T { return r.v[i*r.step] }

// budget spreads what replicas give per GPU over a GPU budget with idle GPUs.
type budget struct {
	replicaGPUs                int32
	replicas, perReplica, gpus float64
}

func newBudget(replicaGPUs, gpus int32) budget {
	return budget{replicaGPUs, float64(gpus / replicaGPUs), float64(replicaGPUs), float64(gpus)}
}

func (b *budget) spread(perGPU float64) float64 {
	return float64(float64(perGPU*b.replicas)*b.perReplica) / b.gpus
}

// tieBreak is that of a row within a budget.
func (d *sourceBlock) tieBreak(i int, gpus int32) tieBreak {
	c := &d.cols
	t := tieBreak{
		mode: d.mode, ttft: c[atTTFT].FloatAt(i), tpot: c[atTPOT].FloatAt(i), latency: c[atLatency].FloatAt(i),
		bs: c[atBatch].IntAt(i), worker: layoutAt(c[atWorker:], i), memory: c[atMemory].FloatAt(i),
	}
	if d.mode == aggMode {
		replica := c[atReplicaGPUs].IntAt(i)
		t.ctx, t.usedGPUs = c[atCtx].IntAt(i), gpus/replica*replica
		return t
	}
	t.usedGPUs, t.prefill, t.prefillBS = c[atUsed].IntAt(i), layoutAt(c[atPrefill:], i), c[atPrefillBatch].IntAt(i)
	t.prefillWorkers, t.decodeCount = c[atPrefillWorkers].IntAt(i), c[atDecodeWorkers].IntAt(i)
	t.memory = max(t.memory, c[atPrefillMemory].FloatAt(i))
	return t
}

func layoutAt(cols []*schema.Col, i int) (l [len(layoutColumns)]int32) {
	for k := range l {
		l[k] = cols[k].IntAt(i)
	}
	return l
}
