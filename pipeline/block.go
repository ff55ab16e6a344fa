package pipeline

import (
	"servegrid/estimator"
	"servegrid/estimator/search"
	"servegrid/internal/schema"
	"servegrid/jobs"
)

// block is a block of rows under construction. Its columns are filled by name;
// those that the shard fixes are filled once.
type block struct{ *schema.Rows }

// identity fills the columns that say what the shard answers and by which rules.
func (b block) identity(spec *jobs.Spec, s *shard) {
	text := func(column, v string) { b.Col(column).SetText(v) }
	text("model", s.Combo.Model)
	text("system", s.Combo.System)
	text("decode_system", s.Combo.DecodeSystem)
	text("backend", s.Combo.Backend)
	text("version", s.Combo.Version)
	text("estimator", spec.Estimator)
	text("search", spec.Search)
	text("database_mode", spec.DatabaseMode)
	text("shard_key", s.key)
	text("gemm_quant", string(s.combo.Quant.GEMM))
	text("moe_quant", string(s.combo.Quant.MoE))
	text("kvcache_quant", string(s.combo.Quant.KV))
	text("fmha_quant", string(s.combo.Quant.FMHA))
	text("comm_quant", string(s.combo.Quant.Comm))
	b.Col("nextn").SetInt(s.combo.NextN)
}

// blocks are as many of a kind as one workload needs at once, reused for the next.
type blocks[B interface {
	identity(spec *jobs.Spec, s *shard)
}] struct {
	add   func() B
	all   []B
	used  int // by the workload at hand
	named int // that carry the identity of the shard at hand
}

// next returns a block that no other rows of the workload are in.
func (b *blocks[B]) next(spec *jobs.Spec, s *shard) B {
	if b.used == len(b.all) {
		b.all = append(b.all, b.add())
	}
	next := b.all[b.used]
	if b.used++; b.used > b.named {
		next.identity(spec, s)
		b.named = b.used
	}
	return next
}

// reuse makes all blocks free for another workload.
func (b *blocks[B]) reuse() { b.used = 0 }

// forget makes all blocks free for another shard.
func (b *blocks[B]) forget() { b.used, b.named = 0, 0 }

// constants are the columns that a layout and a workload fix, looked up once.
type constants struct{ tp, pp, dp, moeTP, moeEP, gpus, isl, osl, prefix *schema.Col }

// newConstants looks them up; gpus is the name of the column of a layout's GPUs.
func newConstants(b block, gpus string) constants {
	return constants{
		b.Col("tp"), b.Col("pp"), b.Col("dp"), b.Col("moe_tp"), b.Col("moe_ep"), b.Col(gpus), b.Col("isl"), b.Col("osl"), b.Col("prefix"),
	}
}

func (c *constants) set(l estimator.Layout, w estimator.Workload) {
	c.tp.SetInt(l.TP)
	c.pp.SetInt(l.PP)
	c.dp.SetInt(l.DP)
	c.moeTP.SetInt(l.MoETP)
	c.moeEP.SetInt(l.MoEEP)
	c.gpus.SetInt(l.GPUs())
	c.isl.SetInt(w.ISL)
	c.osl.SetInt(w.OSL)
	c.prefix.SetInt(w.Prefix)
}

func (b block) workload(w estimator.Workload) {
	b.Col("isl").SetInt(w.ISL)
	b.Col("osl").SetInt(w.OSL)
	b.Col("prefix").SetInt(w.Prefix)
}

// reasons spells the codes of a feasibility column.
var reasons = []string{"", "out_of_memory"}

func (b block) ints(column string) *[]int32 { return &b.Col(column).Int }

func (b block) floats(column string) *[]float64 { return &b.Col(column).Float }

// aggBlock collects the kept candidates of one layout and workload.
type aggBlock struct {
	block
	constants
	bs, globalBS, ctx, concurrency      *[]int32
	ttft, tpot, latency, seq, tokens    *[]float64
	tokensPerGPU, tokensPerUser, memory *[]float64
	status                              []estimator.Status
	feasible                            *[]bool
	reason                              *schema.Col
}

func newAggBlock() *aggBlock {
	b := block{schema.NewRows(schema.AggPoints)}
	a := &aggBlock{
		block: b, constants: newConstants(b, "replica_gpus"), bs: b.ints("bs"), globalBS: b.ints("global_bs"), ctx: b.ints("ctx_tokens"), concurrency: b.ints("replica_concurrency"),
		ttft: b.floats("ttft_ms"), tpot: b.floats("tpot_ms"), latency: b.floats("request_latency_ms"),
		seq: b.floats("replica_seq_per_s"), tokens: b.floats("replica_tokens_per_s"), tokensPerGPU: b.floats("tokens_per_s_per_gpu"),
		tokensPerUser: b.floats("tokens_per_s_per_user"), memory: b.floats("memory_gib"),
		feasible: &b.Col("feasible").Bool, reason: b.Col("reason"),
	}
	a.reason.Dict = reasons
	return a
}

// fill gathers the kept candidates, rounded.
func (a *aggBlock) fill(l estimator.Layout, w estimator.Workload, p *estimator.AggPoints, keep []int) {
	a.constants.set(l, w)
	a.N = len(keep)
	gather(a.bs, p.BatchSize, keep)
	gather(a.ctx, p.CtxTokens, keep)
	multiply(a.globalBS, *a.bs, int32(l.DP))
	multiply(a.concurrency, *a.bs, int32(l.PP*l.DP))
	for _, c := range []struct {
		dst *[]float64
		src []float64
	}{
		{a.ttft, p.TTFT}, {a.tpot, p.TPOT}, {a.latency, p.RequestLatency}, {a.seq, p.SeqPerS}, {a.tokens, p.TokensPerS},
		{a.tokensPerGPU, p.TokensPerSPerGPU}, {a.tokensPerUser, p.TokensPerSPerUser}, {a.memory, p.MemoryGiB},
	} {
		if len(keep) < len(c.src) {
			gather(c.dst, c.src, keep)
			c.src = *c.dst
		}
		*c.dst = resize(*c.dst, len(keep))
		estimator.Round3All(*c.dst, c.src)
	}
	gather(&a.status, p.Status, keep)
	feasible, code := resize(*a.feasible, a.N), resize(a.reason.Code, a.N)
	for i, st := range a.status {
		feasible[i], code[i] = st == estimator.OK, int32(st)
	}
	*a.feasible, a.reason.Code = feasible, code
}

// gather copies the kept values.
func gather[T any](dst *[]T, src []T, keep []int) {
	*dst = resize(*dst, len(keep))
	if len(keep) == len(src) { // all of them
		copy(*dst, src)
		return
	}
	for row, i := range keep {
		(*dst)[row] = src[i]
	}
}

// multiply multiplies the values.
func multiply(dst *[]int32, src []int32, by int32) {
	*dst = resize(*dst, len(src))
	for i, v := range src {
		(*dst)[i] = v * by
	}
}

func resize[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}

// workerBlock collects the workers of one role, layout and workload.
type workerBlock struct {
	block
	constants
}

func newWorkerBlock() *workerBlock {
	b := block{schema.NewRows(schema.Workers)}
	return &workerBlock{b, newConstants(b, "worker_gpus")}
}

func (b *workerBlock) fill(role string, l estimator.Layout, w estimator.Workload, rows []search.ScoredWorker, status []estimator.Status, keep []int) {
	b.Col("role").SetText(role)
	b.constants.set(l, w)
	b.N = len(keep)
	for _, name := range []string{"bs", "global_bs"} {
		*b.ints(name) = resize(*b.ints(name), b.N)
	}
	for _, name := range []string{"ttft_ms", "tpot_ms", "worker_seq_per_s", "seq_per_s_per_gpu", "memory_gib"} {
		*b.floats(name) = resize(*b.floats(name), b.N)
	}
	feasible, reason := b.Col("feasible"), b.Col("reason")
	feasible.Bool = resize(feasible.Bool, b.N)
	reason.Dict, reason.Code = reasons, resize(reason.Code, b.N)
	// The latency of the other role is null.
	b.Col("ttft_ms").Valid, b.Col("tpot_ms").Valid = []bool{role == rolePrefill}, []bool{role == roleDecode}
	bs, globalBS := *b.ints("bs"), *b.ints("global_bs")
	ttft, tpot := *b.floats("ttft_ms"), *b.floats("tpot_ms")
	seq, perGPU, memory := *b.floats("worker_seq_per_s"), *b.floats("seq_per_s_per_gpu"), *b.floats("memory_gib")
	for row, i := range keep {
		r := &rows[i]
		bs[row], globalBS[row] = int32(r.BatchSize), int32(r.GlobalBatchSize())
		ttft[row], tpot[row] = r.TTFT, r.TPOT
		seq[row], perGPU[row], memory[row] = r.SeqPerS, r.SeqPerSPerGPU, r.MemoryGiB
		feasible.Bool[row] = status[i] == estimator.OK
		reason.Code[row] = int32(status[i])
	}
}

// disaggBlock collects the pairs of one workload and GPU budget.
type disaggBlock struct{ block }

func newDisaggBlock() *disaggBlock {
	return &disaggBlock{block{schema.NewRows(schema.DisaggPoints)}}
}

func (b *disaggBlock) fill(w estimator.Workload, gpus int, rows []search.Row) {
	b.workload(w)
	b.Col("gpus").SetInt(gpus)
	b.N = len(rows)
	ints := func(name string, of func(r *search.Row) int) {
		c := b.ints(name)
		*c = resize(*c, b.N)
		for i := range rows {
			(*c)[i] = int32(of(&rows[i]))
		}
	}
	floats := func(name string, of func(r *search.Row) float64) {
		c := b.floats(name)
		*c = resize(*c, b.N)
		for i := range rows {
			(*c)[i] = of(&rows[i])
		}
	}
	worker := func(prefix string, of func(r *search.Row) *search.Worker) {
		layout := func(r *search.Row) estimator.Layout { return of(r).Plan.Layout }
		ints(prefix+"tp", func(r *search.Row) int { return layout(r).TP })
		ints(prefix+"pp", func(r *search.Row) int { return layout(r).PP })
		ints(prefix+"dp", func(r *search.Row) int { return layout(r).DP })
		ints(prefix+"moe_tp", func(r *search.Row) int { return layout(r).MoETP })
		ints(prefix+"moe_ep", func(r *search.Row) int { return layout(r).MoEEP })
		ints(prefix+"gpus", func(r *search.Row) int { return layout(r).GPUs() })
		ints(prefix+"bs", func(r *search.Row) int { return of(r).BatchSize })
		floats(prefix+"memory_gib", func(r *search.Row) float64 { return of(r).MemoryGiB })
	}
	worker("prefill_", func(r *search.Row) *search.Worker { return r.Prefill })
	worker("decode_", func(r *search.Row) *search.Worker { return r.Decode })
	ints("used_gpus", func(r *search.Row) int { return r.Replicas(gpus) * r.ReplicaGPUs })
	ints("replicas", func(r *search.Row) int { return r.Replicas(gpus) })
	ints("replica_gpus", func(r *search.Row) int { return r.ReplicaGPUs })
	ints("prefill_workers", func(r *search.Row) int { return r.PrefillWorkers })
	ints("decode_workers", func(r *search.Row) int { return r.DecodeWorkers })
	ints("replica_concurrency", func(r *search.Row) int { return r.Concurrency })
	floats("ttft_ms", func(r *search.Row) float64 { return r.TTFT })
	floats("tpot_ms", func(r *search.Row) float64 { return r.TPOT })
	floats("request_latency_ms", func(r *search.Row) float64 { return r.RequestLatency })
	floats("replica_seq_per_s", func(r *search.Row) float64 { return r.SeqPerS })
	floats("replica_tokens_per_s", func(r *search.Row) float64 { return r.TokensPerS })
	floats("tokens_per_s_per_gpu", func(r *search.Row) float64 { return r.TokensPerSPerGPU })
	floats("tokens_per_s_per_gpu_cluster", func(r *search.Row) float64 { return r.TokensPerSPerGPUCluster })
	floats("tokens_per_s_per_user", func(r *search.Row) float64 { return r.TokensPerSPerUser })
}
