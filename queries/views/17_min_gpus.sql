-- Question: what is the fewest GPUs that carry this load under these limits?
-- Call: from min_gpus(model := 'Qwen/Qwen3-32B-FP8', isl := 4000, osl := 500,
--     request_rate := 10, ttft := 600, tpot := 16.67)
-- Required: model, isl, osl, and request_rate (requests/s), concurrency (requests in
-- flight), or both: then both are carried. Optional: ttft and tpot (null: no limit),
-- prefix (0), system, backend, version, mode (null: all of them), top_n (5).
-- Grain: one row per system, decode_system, backend, version, mode and parallel: the
-- replica of which copies carry the load on the fewest GPUs; the top_n of these rows.
-- Replicas are those of the GPU budgets that were swept; copies are not limited by them.
-- When nothing meets the limits, what comes closest, and meets_limits is false.
-- Units: gpus_needed is replicas_needed x replica_gpus; seq_per_s (requests/s) and
-- concurrency (requests) are those of all of these replicas; the others as in points.
-- Ties: fewest gpus_needed, then largest tokens_per_s_per_gpu, then largest
-- tokens_per_s_per_user, then mode, request_latency_ms, ttft_ms, tpot_ms and every
-- other column in turn. Limits are inclusive.
-- A parameter hides a column of its name, here and in the macros below: every column
-- is qualified in all of them.
create or replace macro min_gpus(
    model,
    isl,
    osl,
    request_rate := null,
    concurrency := null,
    ttft := null,
    tpot := null,
    prefix := 0,
    system := null,
    backend := null,
    version := null,
    mode := null,
    top_n := 5
) as table
with candidates as (
    select
        p.*,
        coalesce(p.ttft_ms <= ttft, true) and coalesce(p.tpot_ms <= tpot, true) as meets_limits,
        greatest(p.ttft_ms / ttft, p.tpot_ms / tpot) as excess,
        greatest(1, ceil(request_rate / p.replica_seq_per_s), ceil(concurrency / p.replica_concurrency)) as replicas_needed
    from points_of(model, system := system, backend := backend) as p
    where p.model = model
        and p.isl = isl
        and p.osl = osl
        and p.prefix = prefix
        and (version is null or p.version = version)
        and (mode is null or p.mode = mode)
        and isfinite(p.ttft_ms)
        and isfinite(p.tpot_ms)
        and isfinite(p.tokens_per_s_per_user)
        and isfinite(p.tokens_per_s_per_gpu_cluster)
        and (p.mode = 'disagg' or p.gpus = (select max(b.gpus) from gpu_budgets as b))
        and (request_rate is null or p.replica_seq_per_s > 0)
),

chosen as (
    select p.* from candidates as p
    qualify p.meets_limits or not bool_or(p.meets_limits) over () and p.excess = min(p.excess) over ()
),

placed as (
    select
        p.*,
        row_number() over (
            order by
                p.replicas_needed * p.replica_gpus, p.tokens_per_s_per_gpu desc, p.tokens_per_s_per_user desc,
                p.mode, p.request_latency_ms, p.ttft_ms, p.tpot_ms,
                p.system, p.decode_system, p.backend, p.version,
                p.parallel, p.prefill_parallel, p.bs, p.ctx_tokens,
                p.prefill_bs, p.prefill_workers, p.decode_workers,
                p.gemm_quant, p.moe_quant, p.kvcache_quant, p.fmha_quant, p.comm_quant, p.nextn,
                p.estimator, p.search, p.database_mode, p.shard_key, p.memory_gib, p.gpus
        ) as place
    from chosen as p
),

layouts as (
    select p.* from placed as p
    qualify row_number() over (
        partition by p.system, p.decode_system, p.backend, p.version, p.mode, p.parallel
        order by p.place
    ) = 1
)

select
    rank() over (order by p.place) as rank,
    cast(p.replicas_needed * p.replica_gpus as bigint) as gpus_needed,
    cast(p.replicas_needed as bigint) as replicas_needed,
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
    p.replica_gpus,
    cast(p.replicas_needed * p.replica_concurrency as bigint) as concurrency,
    p.replicas_needed * p.replica_seq_per_s as seq_per_s,
    p.replica_concurrency,
    p.ttft_ms,
    p.tpot_ms,
    p.request_latency_ms,
    p.tokens_per_s_per_gpu,
    p.tokens_per_s_per_user,
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
    p.excess
from layouts as p
qualify rank() over (order by p.place) <= top_n
order by p.place;
