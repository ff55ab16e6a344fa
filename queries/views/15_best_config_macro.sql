-- Question: which layouts serve this traffic best on this budget under these limits?
-- Call: from best_config(model := 'Qwen/Qwen3-32B-FP8', system := 'h200_sxm',
--     isl := 4000, osl := 500, gpus := 8, ttft := 600, tpot := 16.67)
-- Required: model, isl, osl, gpus. Optional: ttft and tpot (null: no limit), prefix
-- (0), system, backend, version, mode (null: all of them), top_n (5).
-- Grain: one row per system, decode_system, backend, version, mode and parallel: the
-- best point of the group within the limits; the top_n best of these rows.
-- Units: those of points; rank counts from 1.
-- Ties: largest tokens_per_s_per_gpu_cluster, then largest tokens_per_s_per_user, then
-- fewest used_gpus, then mode, request_latency_ms, ttft_ms, tpot_ms and every other
-- column in turn. Limits are inclusive.
-- When nothing meets the limits, the answer is what comes closest, and says so:
-- meets_limits is false, and excess says how many times the worse limit is taken.
-- Rows that share the least excess are ranked as always.
-- A parameter hides a column of its name, here and in the views below: every column
-- is qualified in all of them. rank() and not row_number(): over no rows, ordered by
-- one column, not partitioned and compared with 1, DuckDB 1.5.5 gives a row of nulls.
create or replace macro best_config(
    model,
    isl,
    osl,
    gpus,
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
        greatest(p.ttft_ms / ttft, p.tpot_ms / tpot) as excess
    from points_of(model, system := system, backend := backend) as p
    where p.model = model
        and p.isl = isl
        and p.osl = osl
        and p.prefix = prefix
        and p.gpus = gpus
        and (version is null or p.version = version)
        and (mode is null or p.mode = mode)
        and isfinite(p.ttft_ms)
        and isfinite(p.tpot_ms)
        and isfinite(p.tokens_per_s_per_user)
        and isfinite(p.tokens_per_s_per_gpu_cluster)
),

-- All that meets the limits; else what comes closest.
chosen as (
    select p.* from candidates as p
    qualify p.meets_limits or not bool_or(p.meets_limits) over () and p.excess = min(p.excess) over ()
),

placed as (
    select
        p.*,
        row_number() over (
            order by
                p.tokens_per_s_per_gpu_cluster desc, p.tokens_per_s_per_user desc,
                p.used_gpus, p.mode, p.request_latency_ms, p.ttft_ms, p.tpot_ms,
                p.system, p.decode_system, p.backend, p.version,
                p.parallel, p.prefill_parallel, p.bs, p.ctx_tokens,
                p.prefill_bs, p.prefill_workers, p.decode_workers,
                p.gemm_quant, p.moe_quant, p.kvcache_quant, p.fmha_quant, p.comm_quant, p.nextn,
                p.estimator, p.search, p.database_mode, p.shard_key, p.memory_gib
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
    p.excess
from layouts as p
qualify rank() over (order by p.place) <= top_n
order by p.place;
