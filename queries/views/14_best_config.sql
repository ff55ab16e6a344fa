-- Question: what is the best deployment under each pair of latency limits?
-- Grain: one row per model, system, decode_system, backend, version, estimator,
-- search, database_mode, workload, GPU budget and pair of limits that at least one
-- point keeps; unmet_limits lists the other pairs. The macro of the same name answers for
-- limits of your own.
-- Units: those of points; ttft_limit_ms and tpot_limit_ms in milliseconds.
-- Ties: largest tokens_per_s_per_gpu_cluster, then largest tokens_per_s_per_user, then
-- fewest used_gpus, then mode, request_latency_ms, ttft_ms, tpot_ms and every other
-- column that can still differ. Limits are inclusive.
-- Only the rows with the largest figure are sorted for the tie-break; within_limits is
-- not materialized, because filters on the identifying columns then reach the files.
create or replace view best_config as
with within_limits as not materialized (
    select
        p.*,
        s.ttft_limit_ms,
        s.tpot_limit_ms
    from sla_frontier as p
    inner join sla_targets as s
        on p.ttft_ms <= s.ttft_limit_ms and p.tpot_ms <= s.tpot_limit_ms
),

tops as (
    select
        p.model,
        p.system,
        p.decode_system,
        p.backend,
        p.version,
        p.estimator,
        p.search,
        p.database_mode,
        p.isl,
        p.osl,
        p.prefix,
        p.gpus,
        p.ttft_limit_ms,
        p.tpot_limit_ms,
        max(p.tokens_per_s_per_gpu_cluster) as tokens_per_s_per_gpu_cluster
    from within_limits as p
    group by all
),

leaders as (
    select p.* from within_limits as p
    natural join tops as t
)

select
    p.model,
    p.system,
    p.decode_system,
    p.backend,
    p.version,
    p.estimator,
    p.search,
    p.database_mode,
    p.isl,
    p.osl,
    p.prefix,
    p.gpus,
    p.ttft_limit_ms,
    p.tpot_limit_ms,
    p.mode,
    p.gemm_quant,
    p.moe_quant,
    p.kvcache_quant,
    p.fmha_quant,
    p.comm_quant,
    p.nextn,
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
    p.parallel,
    p.prefill_parallel,
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
from leaders as p
qualify row_number() over (
    partition by
        p.model, p.system, p.decode_system, p.backend, p.version,
        p.estimator, p.search, p.database_mode,
        p.isl, p.osl, p.prefix, p.gpus, p.ttft_limit_ms, p.tpot_limit_ms
    order by
        p.tokens_per_s_per_user desc,
        p.used_gpus, p.mode, p.request_latency_ms, p.ttft_ms, p.tpot_ms,
        p.parallel, p.prefill_parallel, p.bs, p.ctx_tokens,
        p.prefill_bs, p.prefill_workers, p.decode_workers,
        p.gemm_quant, p.moe_quant, p.kvcache_quant, p.fmha_quant, p.comm_quant, p.nextn,
        p.shard_key, p.memory_gib
) = 1;
