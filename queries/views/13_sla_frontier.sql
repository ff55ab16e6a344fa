-- Question: which deployments are the best under some pair of latency limits?
-- Whatever the limits are, the best deployment within them is among these rows.
-- Grain: one row per deployment that no other of its mode, model, system,
-- decode_system, backend, version, estimator, search, database_mode, numeric formats,
-- workload and GPU budget makes needless: one that ranks before it in best_config and is
-- as good in both latencies.
-- Units: those of points.
-- Ties: decided by the ranking of best_config: largest tokens_per_s_per_gpu_cluster, then
-- largest tokens_per_s_per_user, then fewest used_gpus, then request_latency_ms, ttft_ms,
-- tpot_ms and every other column in turn. A row whose latencies or figures are not finite
-- is never here.
create or replace view sla_frontier as
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
    p.shard_key
from best_points as p
where p.on_sla_frontier;
