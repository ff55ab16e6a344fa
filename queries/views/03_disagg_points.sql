-- Question: which pairs of prefill and decode workers are worth having?
-- Grain: one row per non-dominated pair of workers for one workload and GPU budget,
-- with the worker counts that give the most tokens per second. All are feasible.
-- Units: isl, osl, prefix in tokens; gpus (the budget), used_gpus, replica_gpus,
-- prefill_gpus and decode_gpus (of one worker) in GPUs; *_tp to *_moe_ep in ways;
-- prefill_workers and decode_workers of one replica; prefill_bs and decode_bs (per
-- data-parallel rank) and replica_concurrency (of one replica) in requests; *_ms in
-- milliseconds; replica_seq_per_s in requests/s and replica_tokens_per_s in output tokens/s, both of
-- one replica; tokens_per_s_per_gpu, tokens_per_s_per_gpu_cluster (over the whole
-- budget) and tokens_per_s_per_user in tokens/s; *_memory_gib in GiB per GPU.
-- Ties: none, every row of the files is shown.
create or replace view disagg_points as
select
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
    f.prefill_workers,
    f.decode_workers,
    f.prefill_tp,
    f.prefill_pp,
    f.prefill_dp,
    f.prefill_moe_tp,
    f.prefill_moe_ep,
    f.prefill_bs,
    f.prefill_gpus,
    f.decode_tp,
    f.decode_pp,
    f.decode_dp,
    f.decode_moe_tp,
    f.decode_moe_ep,
    f.decode_bs,
    f.decode_gpus,
    f.replica_concurrency,
    f.ttft_ms,
    f.tpot_ms,
    f.request_latency_ms,
    f.replica_seq_per_s,
    f.replica_tokens_per_s,
    f.tokens_per_s_per_gpu,
    f.tokens_per_s_per_gpu_cluster,
    f.tokens_per_s_per_user,
    f.prefill_memory_gib,
    f.decode_memory_gib
from read_parquet('tables/disagg_points/**/*.parquet', hive_partitioning = false) as f;
