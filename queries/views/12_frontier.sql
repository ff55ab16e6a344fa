-- Question: which deployments are not beaten: no other gives at least as many
-- tokens/s to each user and tokens/s per GPU of the budget, and more of one?
-- Grain: one row per point on the front of its mode, within everything that
-- identifies the question: model, system, decode_system, backend, version,
-- estimator, search, database_mode, numeric formats, workload and GPU budget.
-- overall: also on the front of agg and disagg taken together.
-- Units: those of points.
-- Ties: of rows equal in both figures the first stays, ordered by used_gpus, mode,
-- request_latency_ms, ttft_ms, tpot_ms and then by every other column that can differ. A
-- row whose latencies or figures are not finite never is on a front.
create or replace view frontier as
select
    p.mode,
    p.model,
    p.system,
    p.decode_system,
    p.backend,
    p.version,
    p.estimator,
    p.search,
    p.database_mode,
    p.gemm_quant,
    p.moe_quant,
    p.kvcache_quant,
    p.fmha_quant,
    p.comm_quant,
    p.nextn,
    p.isl,
    p.osl,
    p.prefix,
    p.gpus,
    p.used_gpus,
    p.replicas,
    p.replica_gpus,
    p.concurrency,
    p.replica_concurrency,
    p.ttft_ms,
    p.tpot_ms,
    p.request_latency_ms,
    p.tokens_per_s_per_gpu,
    p.tokens_per_s_per_gpu_cluster,
    p.tokens_per_s_per_user,
    p.seq_per_s,
    p.replica_seq_per_s,
    layout_name(p.tp, p.pp, p.dp, p.moe_tp, p.moe_ep) as parallel,
    layout_name(p.prefill_tp, p.prefill_pp, p.prefill_dp, p.prefill_moe_tp, p.prefill_moe_ep) as prefill_parallel,
    p.tp,
    p.pp,
    p.dp,
    p.moe_tp,
    p.moe_ep,
    p.bs,
    p.ctx_tokens,
    p.prefill_tp,
    p.prefill_pp,
    p.prefill_dp,
    p.prefill_moe_tp,
    p.prefill_moe_ep,
    p.prefill_bs,
    p.prefill_workers,
    p.decode_workers,
    p.memory_gib,
    p.shard_key,
    p.overall
from best_points as p
where p.on_frontier;
