-- Question: which deployments can be the answer to any question at all?
-- Grain: one row per deployment within a GPU budget that is on the frontier of its
-- serving mode (on_frontier), on that of both modes together (overall), or the best of
-- its mode under some pair of latency limits (on_sla_frontier). The views frontier and
-- sla_frontier are made of it; it is computed when a sweep scores, and equals what the
-- view computed_frontier finds among all points.
-- Units: those of points.
-- best_points_of(model) shows those of one model, but opens that model's file only; null
-- stands for all.
-- Ties: of deployments that are equal in what is compared the first stays, in the order
-- of best_config.
-- folder_of(name) is what folders and files of a model, system or backend are called.
create or replace macro folder_of(name) as
regexp_replace(replace(name, '/', '--'), '[^A-Za-z0-9._+-]', '_', 'g');

create or replace macro best_points_of(model) as table
select
    f.mode,
    f.model,
    f.system,
    f.decode_system,
    f.backend,
    f.version,
    f.estimator,
    f.search,
    f.database_mode,
    f.shard_key,
    f.gemm_quant,
    f.moe_quant,
    f.kvcache_quant,
    f.fmha_quant,
    f.comm_quant,
    f.nextn,
    f.isl,
    f.osl,
    f.prefix,
    f.gpus,
    f.used_gpus,
    f.replicas,
    f.replica_gpus,
    f.concurrency,
    f.replica_concurrency,
    f.ttft_ms,
    f.tpot_ms,
    f.request_latency_ms,
    f.tokens_per_s_per_gpu,
    f.tokens_per_s_per_gpu_cluster,
    f.tokens_per_s_per_user,
    f.seq_per_s,
    f.replica_seq_per_s,
    f.tp,
    f.pp,
    f.dp,
    f.moe_tp,
    f.moe_ep,
    f.bs,
    f.ctx_tokens,
    f.prefill_tp,
    f.prefill_pp,
    f.prefill_dp,
    f.prefill_moe_tp,
    f.prefill_moe_ep,
    f.prefill_bs,
    f.prefill_workers,
    f.decode_workers,
    f.memory_gib,
    f.on_frontier,
    f.overall,
    f.on_sla_frontier
from read_parquet('tables/best_points/*.parquet', hive_partitioning = false, filename = true) as f
where model is null
    or f.model = model and contains(f.filename, '/' || folder_of(model) || '.parquet');

create or replace view best_points as
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
    p.shard_key,
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
    p.on_frontier,
    p.overall,
    p.on_sla_frontier
from best_points_of(null) as p;
