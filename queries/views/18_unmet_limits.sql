-- Question: which pairs of latency limits does nothing meet, and how close does it come?
-- Grain: one row per model, system, decode_system, backend, version, estimator,
-- search, database_mode, workload, GPU budget and pair of limits of the sweep that no
-- point keeps: the point that comes closest. With best_config every such combination that
-- has a point at all has exactly one row.
-- Units: those of points; ttft_limit_ms and tpot_limit_ms in milliseconds; excess is how
-- many times the worse limit is taken.
-- Ties: least excess, then the order of best_config.
create or replace view unmet_limits as
with measured as not materialized (
    select
        p.*,
        s.ttft_limit_ms,
        s.tpot_limit_ms,
        greatest(p.ttft_ms / s.ttft_limit_ms, p.tpot_ms / s.tpot_limit_ms) as excess,
        p.ttft_ms <= s.ttft_limit_ms and p.tpot_ms <= s.tpot_limit_ms as within_limits
    from sla_frontier as p
    cross join sla_targets as s
),

closest as (
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
        min(p.excess) as excess
    from measured as p
    group by all
    having not bool_or(p.within_limits)
),

leaders as (
    select p.* from measured as p
    natural join closest as c
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
    p.excess,
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
        p.tokens_per_s_per_gpu_cluster desc, p.tokens_per_s_per_user desc,
        p.used_gpus, p.mode, p.request_latency_ms, p.ttft_ms, p.tpot_ms,
        p.parallel, p.prefill_parallel, p.bs, p.ctx_tokens,
        p.prefill_bs, p.prefill_workers, p.decode_workers,
        p.gemm_quant, p.moe_quant, p.kvcache_quant, p.fmha_quant, p.comm_quant, p.nextn,
        p.shard_key, p.memory_gib
) = 1;
