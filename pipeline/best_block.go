package pipeline

import "servegrid/internal/schema"

// bestBlock spells best points as rows of best_points. What identifies the shard and the
// workload is for others to fill in.
type bestBlock struct {
	block
	copied                   [2][]copiedColumn // by mode
	mode, gpus               *schema.Col
	replicas, replicaGPUs    *schema.Col
	usedGPUs                 *schema.Col
	concurrency, perReplica  *schema.Col // perReplica: the concurrency of one replica
	seq, replicaSeq, cluster *schema.Col
	memory                   *schema.Col
	onFrontier, overall      *schema.Col
	onSLAFrontier            *schema.Col

	ints, floats, flags []*schema.Col // that every row has
	aggInts, pairInts   []*schema.Col // that the rows of one mode have
	agg, pairs          []bool        // which rows are; one value where all are alike
	places              []place       // of the rows, block by block
	ends                []int         // of the blocks among these
}

// copiedColumn is a column that rows take from their block as it is.
type copiedColumn struct {
	from int // a column of a sourceBlock
	to   *schema.Col
}

// place is a row of a block, and where it goes.
type place struct{ row, to int32 }

func newBestBlock() *bestBlock {
	b := &bestBlock{block: block{schema.NewRows(schema.BestPoints)}}
	b.mode = b.Col("mode")
	b.mode.Dict = modeNames
	column := func(list *[]*schema.Col, name string) *schema.Col {
		*list = append(*list, b.Col(name))
		return b.Col(name)
	}
	copied := func(list *[]*schema.Col, name string, from int, modes ...int) *schema.Col {
		to := column(list, name)
		for _, mode := range modes {
			b.copied[mode] = append(b.copied[mode], copiedColumn{from, to})
		}
		return to
	}
	b.gpus, b.concurrency = column(&b.ints, "gpus"), column(&b.ints, "concurrency")
	b.seq, b.cluster = column(&b.floats, "seq_per_s"), column(&b.floats, "tokens_per_s_per_gpu_cluster")
	b.onFrontier, b.overall, b.onSLAFrontier = column(&b.flags, "on_frontier"), column(&b.flags, "overall"), column(&b.flags, "on_sla_frontier")

	b.replicaGPUs = copied(&b.ints, "replica_gpus", atReplicaGPUs, aggMode, disaggMode)
	b.perReplica = copied(&b.ints, "replica_concurrency", atConcurrency, aggMode, disaggMode)
	copied(&b.floats, "ttft_ms", atTTFT, aggMode, disaggMode)
	copied(&b.floats, "tpot_ms", atTPOT, aggMode, disaggMode)
	copied(&b.floats, "request_latency_ms", atLatency, aggMode, disaggMode)
	b.replicaSeq = copied(&b.floats, "replica_seq_per_s", atSeq, aggMode, disaggMode)
	copied(&b.floats, "tokens_per_s_per_gpu", atPerGPU, aggMode, disaggMode)
	copied(&b.floats, "tokens_per_s_per_user", atPerUser, aggMode, disaggMode)
	copied(&b.ints, "bs", atBatch, aggMode, disaggMode)
	b.memory = copied(&b.floats, "memory_gib", atMemory, aggMode, disaggMode)
	for k, name := range layoutColumns {
		copied(&b.ints, name, atWorker+k, aggMode, disaggMode)
		copied(&b.pairInts, "prefill_"+name, atPrefill+k, disaggMode)
	}
	b.usedGPUs = copied(&b.ints, "used_gpus", atUsed, disaggMode)
	b.replicas = copied(&b.ints, "replicas", atReplicas, disaggMode)
	copied(&b.aggInts, "ctx_tokens", atCtx, aggMode)
	copied(&b.pairInts, "prefill_bs", atPrefillBatch, disaggMode)
	copied(&b.pairInts, "prefill_workers", atPrefillWorkers, disaggMode)
	copied(&b.pairInts, "decode_workers", atDecodeWorkers, disaggMode)
	return b
}

// fill takes at least one best point, and the blocks that they are in.
func (b *bestBlock) fill(best []bestPoint, from []*sourceBlock) {
	b.start(best)
	b.place(best, len(from))
	begin := 0
	for i, d := range from {
		places := b.places[begin:b.ends[i]]
		begin = b.ends[i]
		for _, c := range b.copied[d.mode] {
			if c.to.Float != nil {
				put(c.to.Float, d.cols[c.from].Float, places)
			} else {
				put(c.to.Int, d.cols[c.from].Int, places)
			}
		}
		if d.mode == disaggMode {
			for _, p := range places {
				b.memory.Float[p.to] = max(b.memory.Float[p.to], d.cols[atPrefillMemory].FloatAt(int(p.row)))
			}
		}
	}
	for i := range best {
		p := &best[i]
		b.gpus.Int[i], b.cluster.Float[i] = p.gpus, p.cluster
		b.onFrontier.Bool[i], b.overall.Bool[i], b.onSLAFrontier.Bool[i] = p.onFrontier, p.overall, p.onSLAFrontier
		if p.mode == aggMode {
			b.replicas.Int[i] = p.gpus / b.replicaGPUs.Int[i]
			b.usedGPUs.Int[i] = b.replicas.Int[i] * b.replicaGPUs.Int[i]
		}
		b.concurrency.Int[i] = b.replicas.Int[i] * b.perReplica.Int[i]
		b.seq.Float[i] = b.replicaSeq.Float[i] * float64(b.replicas.Int[i])
	}
}

// put copies values of a column to where they go.
func put[T any](to, from []T, places []place) {
	if len(from) == 1 {
		for _, p := range places {
			to[p.to] = from[0]
		}
		return
	}
	for _, p := range places {
		to[p.to] = from[p.row]
	}
}

// place deals the rows out to their blocks: column by column and block by block, nothing
// has to be asked for each value.
func (b *bestBlock) place(best []bestPoint, blocks int) {
	b.ends = resize(b.ends, blocks)
	clear(b.ends)
	for i := range best {
		b.ends[best[i].block]++
	}
	begin := 0
	for i, n := range b.ends {
		b.ends[i] = begin // where it starts, until it is filled
		begin += n
	}
	b.places = resize(b.places, len(best))
	for i := range best {
		p := &best[i]
		b.places[b.ends[p.block]] = place{p.row, int32(i)}
		b.ends[p.block]++
	}
}

// start makes room, and says which rows are of which mode. A column that no row has is
// null as a whole.
func (b *bestBlock) start(best []bestPoint) {
	n, agg := len(best), 0
	b.N = n
	b.mode.Code = resize(b.mode.Code, n)
	b.agg, b.pairs = resize(b.agg, n), resize(b.pairs, n)
	for i := range best {
		is := best[i].mode == aggMode
		if b.mode.Code[i], b.agg[i], b.pairs[i] = int32(best[i].mode), is, !is; is {
			agg++
		}
	}
	aggRows, pairRows := n, n
	if agg == 0 {
		aggRows = 1
	}
	if agg == n {
		pairRows = 1
	}
	if agg == 0 || agg == n {
		b.agg, b.pairs = b.agg[:1], b.pairs[:1]
	}
	for _, c := range b.ints {
		c.Int = resize(c.Int, n)
	}
	for _, c := range b.aggInts {
		c.Int, c.Valid = resize(c.Int, aggRows), b.agg
	}
	for _, c := range b.pairInts {
		c.Int, c.Valid = resize(c.Int, pairRows), b.pairs
	}
	for _, c := range b.floats {
		c.Float = resize(c.Float, n)
	}
	for _, c := range b.flags {
		c.Bool = resize(c.Bool, n)
	}
}
