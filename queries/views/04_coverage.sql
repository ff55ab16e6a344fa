-- Question: what was asked for, and what came of it?
-- Grain: one row per worker layout in one role for one workload; a combination
-- refused as a whole has one row with null layout and workload.
-- Units: tp, pp, dp, moe_tp, moe_ep in ways; isl, osl, prefix in tokens; n_* count
-- candidates: n_candidates = n_feasible + n_oom + n_no_data, n_kept of them were written.
-- Ties: none, every row of the files is shown.
create or replace view coverage as
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
    f.mode,
    f.role,
    f.tp,
    f.pp,
    f.dp,
    f.moe_tp,
    f.moe_ep,
    f.isl,
    f.osl,
    f.prefix,
    f.status,
    f.reason,
    f.n_candidates,
    f.n_feasible,
    f.n_oom,
    f.n_no_data,
    f.n_kept
from read_parquet('tables/coverage/**/*.parquet', hive_partitioning = false) as f;
