-- Question: is the frontier right? The same rows as the view frontier, but found here
-- by comparing all points. This is what frontier means; it takes seconds to minutes.
-- Grain: one row per point on the front of its mode, within everything that
-- identifies the question: model, system, decode_system, backend, version,
-- estimator, search, database_mode, numeric formats, workload and GPU budget.
-- overall: also on the front of agg and disagg taken together. A figure that is not
-- finite never is on a front.
-- Units: those of points.
-- Ties: of rows equal in both figures the first stays, ordered by used_gpus, mode,
-- request_latency_ms, ttft_ms, tpot_ms and then by every other column that can differ.
-- A window puts fast users first and equal rows in this order: a point is on the front
-- if it has more tokens/s per GPU than every point before it.
-- Points are first compared with the tops of faster buckets of users' speed, which
-- leaves few for the exact comparison and is several times as fast; sqrt and floor never
-- swap two values, so no point is lost. finite_points is not materialized, because
-- filters on the identifying columns then reach the files.
create or replace view computed_frontier as
with finite_points as not materialized (
    select
        p.*,
        floor(4 * sqrt(greatest(p.tokens_per_s_per_user, 0))) as bucket
    from points as p
    where isfinite(p.ttft_ms)
        and isfinite(p.tpot_ms)
        and isfinite(p.tokens_per_s_per_user)
        and isfinite(p.tokens_per_s_per_gpu_cluster)
),

buckets as (
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
        p.bucket,
        max(p.tokens_per_s_per_gpu_cluster) as top
    from finite_points as p
    group by all
),

faster_buckets as (
    select
        b.*,
        max(b.top) over (
            partition by
                b.mode, b.model, b.system, b.decode_system, b.backend, b.version,
                b.estimator, b.search, b.database_mode,
                b.gemm_quant, b.moe_quant, b.kvcache_quant, b.fmha_quant, b.comm_quant, b.nextn,
                b.isl, b.osl, b.prefix, b.gpus
            order by b.bucket desc
            rows between unbounded preceding and 1 preceding
        ) as top_before
    from buckets as b
),

contenders as (
    select p.* from finite_points as p
    natural join faster_buckets as b
    where b.top_before is null or p.tokens_per_s_per_gpu_cluster >= b.top_before
),

compared as (
    select
        p.*,
        max(p.tokens_per_s_per_gpu_cluster) over before as best_before,
        max(p.tokens_per_s_per_gpu_cluster) filter (p.mode = 'agg') over before as best_agg_before,
        max(p.tokens_per_s_per_gpu_cluster) filter (p.mode = 'disagg') over before as best_disagg_before
    from contenders as p
    window before as (
        partition by
            p.model, p.system, p.decode_system, p.backend, p.version,
            p.estimator, p.search, p.database_mode,
            p.gemm_quant, p.moe_quant, p.kvcache_quant, p.fmha_quant, p.comm_quant, p.nextn,
            p.isl, p.osl, p.prefix, p.gpus
        order by
            p.tokens_per_s_per_user desc, p.tokens_per_s_per_gpu_cluster desc,
            p.used_gpus, p.mode, p.request_latency_ms, p.ttft_ms, p.tpot_ms,
            p.parallel, p.prefill_parallel, p.bs, p.ctx_tokens,
            p.prefill_bs, p.prefill_workers, p.decode_workers, p.shard_key, p.memory_gib
        rows between unbounded preceding and 1 preceding
    )
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
    coalesce(p.tokens_per_s_per_gpu_cluster > p.best_before, true) as overall
from compared as p
where coalesce(p.tokens_per_s_per_gpu_cluster > if(p.mode = 'agg', p.best_agg_before, p.best_disagg_before), true);
