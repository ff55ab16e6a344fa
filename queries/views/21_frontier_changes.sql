-- Question: what changed on the frontiers between two runs?
-- Call: from frontier_changes('nightly-1', 'nightly-2'); names are those of the view runs,
-- or the path of a run's folder.
-- Grain: one row per deployment that is on the frontier of its mode in one of the runs
-- and not the same in the other: added (only in the second), removed (only in the first),
-- or moved (in both, with other figures). What did not change has no row. A deployment is
-- the same when everything that was asked for and everything that is deployed is.
-- Units: *_a and *_b are the figures in the first and the second run, null where it is
-- not on the frontier; ttft and tpot in milliseconds, tokens_per_s_per_gpu_cluster in
-- tokens/s per GPU; ratio is the second of these over the first.
-- Ties: none; rows are in order of what identifies them.
-- tables_of(run) is the folder of a run's tables, with a slash behind it.
create or replace macro tables_of(run) as
case when contains(run, '/') then run else 'runs/' || run end || '/tables/';

create or replace macro frontier_changes(run_a, run_b) as table
with first_run as (
    select f.* from read_parquet(tables_of(run_a) || 'best_points/*.parquet', hive_partitioning = false) as f
    where f.on_frontier
),

second_run as (
    select f.* from read_parquet(tables_of(run_b) || 'best_points/*.parquet', hive_partitioning = false) as f
    where f.on_frontier
),

joined as (
    select
        coalesce(a.mode, b.mode) as mode,
        coalesce(a.model, b.model) as model,
        coalesce(a.system, b.system) as system,
        coalesce(a.decode_system, b.decode_system) as decode_system,
        coalesce(a.backend, b.backend) as backend,
        coalesce(a.version, b.version) as version,
        coalesce(a.estimator, b.estimator) as estimator,
        coalesce(a.search, b.search) as search,
        coalesce(a.database_mode, b.database_mode) as database_mode,
        coalesce(a.gemm_quant, b.gemm_quant) as gemm_quant,
        coalesce(a.moe_quant, b.moe_quant) as moe_quant,
        coalesce(a.kvcache_quant, b.kvcache_quant) as kvcache_quant,
        coalesce(a.fmha_quant, b.fmha_quant) as fmha_quant,
        coalesce(a.comm_quant, b.comm_quant) as comm_quant,
        coalesce(a.nextn, b.nextn) as nextn,
        coalesce(a.isl, b.isl) as isl,
        coalesce(a.osl, b.osl) as osl,
        coalesce(a.prefix, b.prefix) as prefix,
        coalesce(a.gpus, b.gpus) as gpus,
        coalesce(a.used_gpus, b.used_gpus) as used_gpus,
        coalesce(a.replicas, b.replicas) as replicas,
        coalesce(a.tp, b.tp) as tp,
        coalesce(a.pp, b.pp) as pp,
        coalesce(a.dp, b.dp) as dp,
        coalesce(a.moe_tp, b.moe_tp) as moe_tp,
        coalesce(a.moe_ep, b.moe_ep) as moe_ep,
        coalesce(a.bs, b.bs) as bs,
        coalesce(a.ctx_tokens, b.ctx_tokens) as ctx_tokens,
        coalesce(a.prefill_tp, b.prefill_tp) as prefill_tp,
        coalesce(a.prefill_pp, b.prefill_pp) as prefill_pp,
        coalesce(a.prefill_dp, b.prefill_dp) as prefill_dp,
        coalesce(a.prefill_moe_tp, b.prefill_moe_tp) as prefill_moe_tp,
        coalesce(a.prefill_moe_ep, b.prefill_moe_ep) as prefill_moe_ep,
        coalesce(a.prefill_bs, b.prefill_bs) as prefill_bs,
        coalesce(a.prefill_workers, b.prefill_workers) as prefill_workers,
        coalesce(a.decode_workers, b.decode_workers) as decode_workers,
        a.mode is null as added,
        b.mode is null as removed,
        a.ttft_ms as ttft_ms_a,
        b.ttft_ms as ttft_ms_b,
        a.tpot_ms as tpot_ms_a,
        b.tpot_ms as tpot_ms_b,
        a.tokens_per_s_per_gpu_cluster as tokens_per_s_per_gpu_cluster_a,
        b.tokens_per_s_per_gpu_cluster as tokens_per_s_per_gpu_cluster_b
    from first_run as a
    full join second_run as b
        on a.mode = b.mode
        and a.model = b.model
        and a.system = b.system
        and a.decode_system = b.decode_system
        and a.backend = b.backend
        and a.version = b.version
        and a.estimator = b.estimator
        and a.search = b.search
        and a.database_mode = b.database_mode
        and a.gemm_quant = b.gemm_quant
        and a.moe_quant = b.moe_quant
        and a.kvcache_quant = b.kvcache_quant
        and a.fmha_quant = b.fmha_quant
        and a.comm_quant = b.comm_quant
        and a.nextn = b.nextn
        and a.isl = b.isl
        and a.osl = b.osl
        and a.prefix = b.prefix
        and a.gpus = b.gpus
        and a.used_gpus = b.used_gpus
        and a.replicas = b.replicas
        and a.tp = b.tp
        and a.pp = b.pp
        and a.dp = b.dp
        and a.moe_tp = b.moe_tp
        and a.moe_ep = b.moe_ep
        and a.bs = b.bs
        and a.ctx_tokens is not distinct from b.ctx_tokens
        and a.prefill_tp is not distinct from b.prefill_tp
        and a.prefill_pp is not distinct from b.prefill_pp
        and a.prefill_dp is not distinct from b.prefill_dp
        and a.prefill_moe_tp is not distinct from b.prefill_moe_tp
        and a.prefill_moe_ep is not distinct from b.prefill_moe_ep
        and a.prefill_bs is not distinct from b.prefill_bs
        and a.prefill_workers is not distinct from b.prefill_workers
        and a.decode_workers is not distinct from b.decode_workers
)

select
    case
        when j.added then 'added'
        when j.removed then 'removed'
        else 'moved'
    end as change,
    j.mode,
    j.model,
    j.system,
    j.decode_system,
    j.backend,
    j.version,
    j.estimator,
    j.search,
    j.database_mode,
    j.gemm_quant,
    j.moe_quant,
    j.kvcache_quant,
    j.fmha_quant,
    j.comm_quant,
    j.nextn,
    j.isl,
    j.osl,
    j.prefix,
    j.gpus,
    j.used_gpus,
    j.replicas,
    layout_name(j.tp, j.pp, j.dp, j.moe_tp, j.moe_ep) as parallel,
    layout_name(j.prefill_tp, j.prefill_pp, j.prefill_dp, j.prefill_moe_tp, j.prefill_moe_ep) as prefill_parallel,
    j.tp,
    j.pp,
    j.dp,
    j.moe_tp,
    j.moe_ep,
    j.bs,
    j.ctx_tokens,
    j.prefill_tp,
    j.prefill_pp,
    j.prefill_dp,
    j.prefill_moe_tp,
    j.prefill_moe_ep,
    j.prefill_bs,
    j.prefill_workers,
    j.decode_workers,
    j.ttft_ms_a,
    j.ttft_ms_b,
    j.tpot_ms_a,
    j.tpot_ms_b,
    j.tokens_per_s_per_gpu_cluster_a,
    j.tokens_per_s_per_gpu_cluster_b,
    j.tokens_per_s_per_gpu_cluster_b / j.tokens_per_s_per_gpu_cluster_a as ratio
from joined as j
where j.added
    or j.removed
    or j.ttft_ms_a <> j.ttft_ms_b
    or j.tpot_ms_a <> j.tpot_ms_b
    or j.tokens_per_s_per_gpu_cluster_a <> j.tokens_per_s_per_gpu_cluster_b
order by
    j.model, j.system, j.decode_system, j.backend, j.version, j.estimator, j.search, j.database_mode, j.gemm_quant, j.moe_quant, j.kvcache_quant, j.fmha_quant, j.comm_quant, j.nextn,
    j.isl, j.osl, j.prefix, j.gpus, j.used_gpus, j.replicas,
    j.tp, j.pp, j.dp, j.moe_tp, j.moe_ep, j.bs, j.ctx_tokens,
    j.prefill_tp, j.prefill_pp, j.prefill_dp, j.prefill_moe_tp, j.prefill_moe_ep, j.prefill_bs, j.prefill_workers, j.decode_workers, j.mode,
    j.tokens_per_s_per_gpu_cluster_a, j.tokens_per_s_per_gpu_cluster_b;
