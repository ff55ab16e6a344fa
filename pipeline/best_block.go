package pipeline

import "servegrid/internal/schema"

// bestBlock spells deployments as rows of best_points. What identifies the shard and the
// workload is for others to fill in.
type bestBlock struct {
	block
	mode   *schema.Col
	ints   []filled[int32]
	floats []filled[float64]
	flags  []filled[bool]
	is     [2][]bool // of that mode, by row; one value where all are alike
}

// filled is a column with what it is filled with.
type filled[T any] struct {
	*schema.Col
	in int // the serving mode that has it: the others are null; bothModes
	of func(d *deployment) T
}

const bothModes = -1

func newBestBlock() *bestBlock {
	b := &bestBlock{block: block{schema.NewRows(schema.BestPoints)}}
	b.mode = b.Col("mode")
	b.mode.Dict = modeNames
	ints := func(name string, in int, of func(d *deployment) int32) {
		b.ints = append(b.ints, filled[int32]{b.Col(name), in, of})
	}
	ints("gpus", bothModes, func(d *deployment) int32 { return d.gpus })
	ints("used_gpus", bothModes, func(d *deployment) int32 { return d.usedGPUs })
	ints("replicas", bothModes, func(d *deployment) int32 { return d.replicas })
	ints("replica_gpus", bothModes, func(d *deployment) int32 { return d.replicaGPUs })
	ints("concurrency", bothModes, func(d *deployment) int32 { return d.replicas * d.concurrency })
	ints("replica_concurrency", bothModes, func(d *deployment) int32 { return d.concurrency })
	ints("bs", bothModes, func(d *deployment) int32 { return d.bs })
	ints("ctx_tokens", aggMode, func(d *deployment) int32 { return d.ctx })
	ints("prefill_bs", disaggMode, func(d *deployment) int32 { return d.prefillBS })
	ints("prefill_workers", disaggMode, func(d *deployment) int32 { return d.prefillWorkers })
	ints("decode_workers", disaggMode, func(d *deployment) int32 { return d.decodeCount })
	for k, name := range layoutColumns {
		ints(name, bothModes, func(d *deployment) int32 { return d.worker[k] })
		ints("prefill_"+name, disaggMode, func(d *deployment) int32 { return d.prefill[k] })
	}
	floats := func(name string, of func(d *deployment) float64) {
		b.floats = append(b.floats, filled[float64]{b.Col(name), bothModes, of})
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
	flags := func(name string, of func(d *deployment) bool) {
		b.flags = append(b.flags, filled[bool]{b.Col(name), bothModes, of})
	}
	flags("on_frontier", func(d *deployment) bool { return d.onFrontier })
	flags("overall", func(d *deployment) bool { return d.overall })
	flags("on_sla_frontier", func(d *deployment) bool { return d.onSLAFrontier })
	return b
}

// fill takes at least one deployment.
func (b *bestBlock) fill(ds []deployment) {
	b.N = len(ds)
	b.fillModes(ds)
	for _, c := range b.ints {
		if c.in != bothModes {
			if c.Valid = b.is[c.in]; len(c.Valid) == 1 && !c.Valid[0] {
				c.Int = append(c.Int[:0], 0) // null in every row
				continue
			}
		}
		c.Int = resize(c.Int, len(ds))
		for i := range ds {
			c.Int[i] = c.of(&ds[i])
		}
	}
	for _, c := range b.floats {
		c.Float = resize(c.Float, len(ds))
		for i := range ds {
			c.Float[i] = c.of(&ds[i])
		}
	}
	for _, c := range b.flags {
		c.Bool = resize(c.Bool, len(ds))
		for i := range ds {
			c.Bool[i] = c.of(&ds[i])
		}
	}
}

func (b *bestBlock) fillModes(ds []deployment) {
	b.mode.Code = resize(b.mode.Code, len(ds))
	for mode := range b.is {
		b.is[mode] = resize(b.is[mode], len(ds))
		n := 0
		for i := range ds {
			is := int(ds[i].mode) == mode
			if b.is[mode][i] = is; is {
				b.mode.Code[i] = int32(mode)
				n++
			}
		}
		if n == 0 || n == len(ds) {
			b.is[mode] = b.is[mode][:1]
		}
	}
}
