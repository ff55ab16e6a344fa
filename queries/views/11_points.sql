-- Question: what can be deployed within each GPU budget, aggregated and
-- disaggregated side by side?
-- Grain: one row per feasible candidate and GPU budget in which at least one
-- replica fits. tp to bs describe the worker, for disagg the decode worker; the
-- prefill_* columns and the worker counts (of one replica) are null for agg,
-- ctx_tokens is null for disagg.
-- Units: isl, osl, prefix, ctx_tokens in tokens; gpus (the budget), used_gpus and
-- replica_gpus in GPUs; concurrency (of the whole deployment), replica_concurrency, bs
-- and prefill_bs (per data-parallel rank) in requests; *_ms in milliseconds;
-- tokens_per_s_per_gpu (of one replica), tokens_per_s_per_gpu_cluster (over the whole
-- budget, idle GPUs included) and tokens_per_s_per_user in tokens/s; seq_per_s in
-- requests/s of the whole deployment; tp, pp, dp, moe_tp, moe_ep in ways; memory_gib in
-- GiB (2^30 bytes) per GPU, of the fuller side where there are two.
-- Ties: none, every candidate is shown.
-- points_of(model) shows those of one model, with system := and backend := of these, as
-- the view with filters does, but looks only into that model's folders: it answers in
-- milliseconds. Null stands for all. A model that was not swept is an error: no files
-- match its folder.
create or replace macro points_of(model, system := null, backend := null) as table
with agg as (
    select
        a.*,
        'agg' as mode,
        b.gpus,
        b.gpus // a.replica_gpus as replicas,
        b.gpus // a.replica_gpus * a.replica_gpus as used_gpus,
        a.tokens_per_s_per_gpu * (b.gpus // a.replica_gpus) * a.replica_gpus / b.gpus as tokens_per_s_per_gpu_cluster
    from read_parquet(
        'tables/agg_points/*/*/' || coalesce(folder_of(model), '*') || '/*.parquet',
        hive_partitioning = false,
        filename = true
    ) as a
    cross join gpu_budgets as b
    where a.feasible
        and a.replica_gpus <= b.gpus
        and (model is null or a.model = model)
        and (system is null or a.system = system and contains(a.filename, '/' || folder_of(system) || '/'))
        and (backend is null or a.backend = backend and contains(a.filename, '/' || folder_of(backend) || '/'))
),

disagg as (
    select
        d.*,
        'disagg' as mode,
        d.decode_tp as tp,
        d.decode_pp as pp,
        d.decode_dp as dp,
        d.decode_moe_tp as moe_tp,
        d.decode_moe_ep as moe_ep,
        d.decode_bs as bs,
        greatest(d.prefill_memory_gib, d.decode_memory_gib) as memory_gib
    from read_parquet(
        'tables/disagg_points/*/*/' || coalesce(folder_of(model), '*') || '/*.parquet',
        hive_partitioning = false,
        filename = true
    ) as d
    where (model is null or d.model = model)
        and (system is null or d.system = system and contains(d.filename, '/' || folder_of(system) || '/'))
        and (backend is null or d.backend = backend and contains(d.filename, '/' || folder_of(backend) || '/'))
),

-- by name: what only one mode has is null for the other.
both_modes as (
    select a.* from agg as a
    union all by name
    select d.* from disagg as d
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
    p.replicas * p.replica_concurrency as concurrency,
    p.replica_concurrency,
    p.ttft_ms,
    p.tpot_ms,
    p.request_latency_ms,
    p.tokens_per_s_per_gpu,
    p.tokens_per_s_per_gpu_cluster,
    p.tokens_per_s_per_user,
    p.replica_seq_per_s * p.replicas as seq_per_s,
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
from both_modes as p;

create or replace view points as
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
    p.shard_key
from points_of(null) as p;
