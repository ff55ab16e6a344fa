-- Question: what does speed cost: which deployments, on any hardware, give users at
-- least as many tokens/s for as little money, and one of them better?
-- Grain: one row per point on the front of users' speed against price, within model,
-- estimator, search, database_mode, workload and GPU budget; all systems, backends,
-- versions, modes and numeric formats compete.
-- Units: those of points; usd_per_gpu_hour by the table prices, the mean of the
-- deployment's GPUs; usd_per_million_tokens in US dollars for a million output tokens
-- when the whole budget is paid for. A system without a price in prices takes no part.
-- Ties: of rows equal in both the first stays, ordered by used_gpus, mode,
-- request_latency_ms, ttft_ms, tpot_ms and then by every other column that can differ.
-- The points are those of frontier: on one system more tokens/s per GPU is less money.
create or replace view cost_frontier as
with priced as not materialized (
    select
        p.*,
        deployment_price(
            p.mode = 'agg' or p.system = p.decode_system, s.usd_per_gpu_hour, d.usd_per_gpu_hour, p.used_gpus,
            p.replicas * p.prefill_workers * p.prefill_tp * p.prefill_pp * p.prefill_dp
        ) as usd_per_gpu_hour
    from frontier as p
    inner join prices as s on p.system = s.system
    inner join prices as d on p.decode_system = d.system
),

costed as not materialized (
    select
        p.*,
        p.usd_per_gpu_hour * 1e6 / (3600 * p.tokens_per_s_per_gpu_cluster) as usd_per_million_tokens
    from priced as p
),

compared as (
    select
        p.*,
        min(p.usd_per_million_tokens) over (
            partition by
                p.model, p.estimator, p.search, p.database_mode, p.isl, p.osl, p.prefix, p.gpus
            order by
                p.tokens_per_s_per_user desc, p.usd_per_million_tokens,
                p.used_gpus, p.mode, p.request_latency_ms, p.ttft_ms, p.tpot_ms,
                p.system, p.decode_system, p.backend, p.version,
                p.parallel, p.prefill_parallel, p.bs, p.ctx_tokens,
                p.prefill_bs, p.prefill_workers, p.decode_workers,
                p.gemm_quant, p.moe_quant, p.kvcache_quant, p.fmha_quant, p.comm_quant, p.nextn,
                p.shard_key, p.memory_gib
            rows between unbounded preceding and 1 preceding
        ) as cheapest_before
    from costed as p
)

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
    p.usd_per_gpu_hour,
    p.usd_per_million_tokens
from compared as p
where p.cheapest_before is null or p.usd_per_million_tokens < p.cheapest_before;
