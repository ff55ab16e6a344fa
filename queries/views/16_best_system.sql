-- Question: which GPU system serves this traffic best on this budget under these
-- limits, and what does a million tokens cost there?
-- Call: from best_system(model := 'Qwen/Qwen3-32B-FP8', isl := 4000, osl := 500,
--     gpus := 8, ttft := 600, tpot := 16.67)
-- Required: model, isl, osl, gpus. Optional: ttft and tpot (null: no limit), prefix
-- (0), backend, version, mode (null: all of them).
-- Grain: one row per pair of system and decode_system that was swept for this
-- workload and budget: its best deployment; rank counts from 1. Where nothing meets the
-- limits, what comes closest: meets_limits is false, and excess says how many times the
-- worse limit is taken. These rows come last, the closest first.
-- Units: those of points; usd_per_million_tokens in US dollars when the whole budget is
-- paid for, by the table prices; null without a price.
-- Ties: largest tokens_per_s_per_gpu_cluster, then largest tokens_per_s_per_user, then
-- fewest used_gpus, then mode, request_latency_ms, ttft_ms, tpot_ms and every other
-- column in turn. Limits are inclusive.
-- A parameter hides a column of its name, here and in the macros below: every column
-- is qualified in all of them.
create or replace macro best_system(
    model,
    isl,
    osl,
    gpus,
    ttft := null,
    tpot := null,
    prefix := 0,
    backend := null,
    version := null,
    mode := null
) as table
with candidates as (
    select
        p.*,
        coalesce(p.ttft_ms <= ttft, true) and coalesce(p.tpot_ms <= tpot, true) as meets_limits,
        greatest(p.ttft_ms / ttft, p.tpot_ms / tpot) as excess
    from sla_frontier_of(model) as p
    where p.model = model
        and p.isl = isl
        and p.osl = osl
        and p.prefix = prefix
        and p.gpus = gpus
        and (backend is null or p.backend = backend)
        and (version is null or p.version = version)
        and (mode is null or p.mode = mode)
),

bests as (
    select p.* from candidates as p
    qualify row_number() over (
        partition by p.system, p.decode_system
        order by
            p.meets_limits desc, if(p.meets_limits, 0, p.excess),
            p.tokens_per_s_per_gpu_cluster desc, p.tokens_per_s_per_user desc,
            p.used_gpus, p.mode, p.request_latency_ms, p.ttft_ms, p.tpot_ms,
            p.system, p.decode_system, p.backend, p.version,
            p.parallel, p.prefill_parallel, p.bs, p.ctx_tokens,
            p.prefill_bs, p.prefill_workers, p.decode_workers,
            p.gemm_quant, p.moe_quant, p.kvcache_quant, p.fmha_quant, p.comm_quant, p.nextn,
            p.estimator, p.search, p.database_mode, p.shard_key, p.memory_gib
    ) = 1
),

priced as (
    select
        p.*,
        deployment_price(
            p.mode = 'agg' or p.system = p.decode_system, s.usd_per_gpu_hour, d.usd_per_gpu_hour, p.used_gpus,
            p.replicas * p.prefill_workers * p.prefill_tp * p.prefill_pp * p.prefill_dp
        ) * 1e6 / (3600 * p.tokens_per_s_per_gpu_cluster) as usd_per_million_tokens
    from bests as p
    left join prices as s on p.system = s.system
    left join prices as d on p.decode_system = d.system
)

select
    row_number() over (
        order by
            p.meets_limits desc, if(p.meets_limits, 0, p.excess),
            p.tokens_per_s_per_gpu_cluster desc, p.tokens_per_s_per_user desc, p.system, p.decode_system
    ) as rank,
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
    p.shard_key,
    p.meets_limits,
    p.excess,
    p.usd_per_million_tokens
from priced as p
order by rank;
