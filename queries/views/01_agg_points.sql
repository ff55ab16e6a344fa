-- Question: which aggregated candidates were scored, and what do they give?
-- Grain: one row per worker layout, batch size and context tokens per step, for
-- one workload; infeasible candidates included (feasible, reason).
-- Units: isl, osl, prefix, ctx_tokens in tokens; tp, pp, dp, moe_tp, moe_ep in ways;
-- replica_gpus in GPUs; bs (per data-parallel rank), global_bs and replica_concurrency (of
-- one replica) in requests; *_ms in milliseconds; replica_seq_per_s in requests/s and
-- replica_tokens_per_s in output tokens/s, both of one replica; tokens_per_s_per_gpu and
-- tokens_per_s_per_user in tokens/s; memory_gib in GiB (2^30 bytes) per GPU.
-- Ties: none, every row of the files is shown.
create or replace view agg_points as
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
    f.tp,
    f.pp,
    f.dp,
    f.moe_tp,
    f.moe_ep,
    f.replica_gpus,
    f.isl,
    f.osl,
    f.prefix,
    f.bs,
    f.global_bs,
    f.ctx_tokens,
    f.replica_concurrency,
    f.ttft_ms,
    f.tpot_ms,
    f.request_latency_ms,
    f.replica_seq_per_s,
    f.replica_tokens_per_s,
    f.tokens_per_s_per_gpu,
    f.tokens_per_s_per_user,
    f.memory_gib,
    f.feasible,
    f.reason
from read_parquet('tables/agg_points/**/*.parquet', hive_partitioning = false) as f;
