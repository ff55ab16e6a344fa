package pipeline

import "servegrid/internal/schema"

// bestBlock spells deployments as rows of best_points. What identifies the shard and the
// workload is for others to fill in.
type bestBlock struct {
	block
	mode                                                                   *schema.Col
	gpus, usedGPUs, replicas, replicaGPUs, concurrency, replicaConcurrency *schema.Col
	worker                                                                 [len(layoutColumns)]*schema.Col
	bs                                                                     *schema.Col
	ctx                                                                    *schema.Col // of aggregated ones only
	prefill                                                                [len(layoutColumns)]*schema.Col
	prefillBS, prefillWorkers, decodeWorkers                               *schema.Col // of disaggregated ones only, as prefill
	ttft, tpot, latency, perGPU, cluster, perUser, seq, replicaSeq, memory *schema.Col
	onFrontier, overall, onSLAFrontier                                     *schema.Col

	both, pairs        []*schema.Col // the numbers of both modes, and of disaggregated ones only
	floats, flags      []*schema.Col
	aggregated, paired []bool // which rows are; one value where all are alike
}

func newBestBlock() *bestBlock {
	b := &bestBlock{block: block{schema.NewRows(schema.BestPoints)}}
	b.mode = b.Col("mode")
	b.mode.Dict = modeNames
	column := func(list *[]*schema.Col, name string) *schema.Col {
		*list = append(*list, b.Col(name))
		return b.Col(name)
	}
	b.gpus, b.usedGPUs = column(&b.both, "gpus"), column(&b.both, "used_gpus")
	b.replicas, b.replicaGPUs = column(&b.both, "replicas"), column(&b.both, "replica_gpus")
	b.concurrency, b.replicaConcurrency = column(&b.both, "concurrency"), column(&b.both, "replica_concurrency")
	b.bs, b.ctx = column(&b.both, "bs"), b.Col("ctx_tokens")
	b.prefillBS, b.prefillWorkers, b.decodeWorkers = column(&b.pairs, "prefill_bs"), column(&b.pairs, "prefill_workers"), column(&b.pairs, "decode_workers")
	for k, name := range layoutColumns {
		b.worker[k], b.prefill[k] = column(&b.both, name), column(&b.pairs, "prefill_"+name)
	}
	b.ttft, b.tpot, b.latency = column(&b.floats, "ttft_ms"), column(&b.floats, "tpot_ms"), column(&b.floats, "request_latency_ms")
	b.perGPU, b.cluster = column(&b.floats, "tokens_per_s_per_gpu"), column(&b.floats, "tokens_per_s_per_gpu_cluster")
	b.perUser, b.memory = column(&b.floats, "tokens_per_s_per_user"), column(&b.floats, "memory_gib")
	b.seq, b.replicaSeq = column(&b.floats, "seq_per_s"), column(&b.floats, "replica_seq_per_s")
	b.onFrontier, b.overall, b.onSLAFrontier = column(&b.flags, "on_frontier"), column(&b.flags, "overall"), column(&b.flags, "on_sla_frontier")
	return b
}

// fill takes at least one deployment. Row by row and without a call for each value: it
// is done for one candidate in six.
func (b *bestBlock) fill(ds []deployment) {
	agg := b.start(ds)
	for i := range ds {
		d := &ds[i]
		b.gpus.Int[i], b.usedGPUs.Int[i] = d.gpus, d.usedGPUs
		b.replicas.Int[i], b.replicaGPUs.Int[i] = d.replicas, d.replicaGPUs
		b.concurrency.Int[i], b.replicaConcurrency.Int[i] = d.replicas*d.concurrency, d.concurrency
		b.bs.Int[i] = d.bs
		for k, c := range &b.worker {
			c.Int[i] = d.worker[k]
		}
		b.ttft.Float[i], b.tpot.Float[i], b.latency.Float[i] = d.ttft, d.tpot, d.latency
		b.perGPU.Float[i], b.cluster.Float[i], b.perUser.Float[i] = d.perGPU, d.cluster, d.perUser
		b.seq.Float[i], b.replicaSeq.Float[i], b.memory.Float[i] = d.seq*float64(d.replicas), d.seq, d.memory
		b.onFrontier.Bool[i], b.overall.Bool[i], b.onSLAFrontier.Bool[i] = d.onFrontier, d.overall, d.onSLAFrontier
	}
	if agg > 0 {
		for i := range ds {
			b.ctx.Int[i] = ds[i].ctx
		}
	}
	if agg < len(ds) {
		for i := range ds {
			d := &ds[i]
			b.prefillBS.Int[i], b.prefillWorkers.Int[i], b.decodeWorkers.Int[i] = d.prefillBS, d.prefillWorkers, d.decodeCount
			for k, c := range &b.prefill {
				c.Int[i] = d.prefill[k]
			}
		}
	}
}

// start makes room, says which rows are of which mode, and counts the aggregated ones.
// A column that no row has is null as a whole.
func (b *bestBlock) start(ds []deployment) (agg int) {
	n := len(ds)
	b.N = n
	b.mode.Code = resize(b.mode.Code, n)
	b.aggregated, b.paired = resize(b.aggregated, n), resize(b.paired, n)
	for i := range ds {
		is := ds[i].mode == aggMode
		if b.mode.Code[i], b.aggregated[i], b.paired[i] = int32(ds[i].mode), is, !is; is {
			agg++
		}
	}
	ctx, pairs := n, n
	if agg == 0 {
		ctx = 1
	}
	if agg == n {
		pairs = 1
	}
	if agg == 0 || agg == n {
		b.aggregated, b.paired = b.aggregated[:1], b.paired[:1]
	}
	b.ctx.Int, b.ctx.Valid = resize(b.ctx.Int, ctx), b.aggregated
	for _, c := range b.pairs {
		c.Int, c.Valid = resize(c.Int, pairs), b.paired
	}
	for _, c := range b.both {
		c.Int = resize(c.Int, n)
	}
	for _, c := range b.floats {
		c.Float = resize(c.Float, n)
	}
	for _, c := range b.flags {
		c.Bool = resize(c.Bool, n)
	}
	return agg
}
