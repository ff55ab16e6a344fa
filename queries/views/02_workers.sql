-- Question: which prefill and decode workers were scored for disaggregated serving?
-- Grain: one row per role, worker layout and batch size, for one workload;
-- infeasible candidates included (feasible, reason).
-- Units: isl, osl, prefix in tokens; tp, pp, dp, moe_tp, moe_ep in ways; worker_gpus in
-- GPUs; bs (per data-parallel rank) and global_bs in requests; ttft_ms in milliseconds,
-- null for decode; tpot_ms in milliseconds, null for prefill; worker_seq_per_s and
-- seq_per_s_per_gpu in requests/s; memory_gib in GiB (2^30 bytes) per GPU.
-- Ties: none, every row of the files is shown.
create or replace view workers as
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
    f.role,
    f.tp,
    f.pp,
    f.dp,
    f.moe_tp,
    f.moe_ep,
    f.worker_gpus,
    f.isl,
    f.osl,
    f.prefix,
    f.bs,
    f.global_bs,
    f.ttft_ms,
    f.tpot_ms,
    f.worker_seq_per_s,
    f.seq_per_s_per_gpu,
    f.memory_gib,
    f.feasible,
    f.reason
from read_parquet('tables/workers/**/*.parquet', hive_partitioning = false) as f;
