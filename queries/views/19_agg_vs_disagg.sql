-- Question: where is disaggregated serving worth it, under each pair of latency limits?
-- Grain: one row per model, system, decode_system, backend, version, estimator,
-- search, database_mode, workload, GPU budget and pair of limits that at least one of
-- the two modes keeps.
-- Units: agg_tokens_per_s_per_gpu and disagg_tokens_per_s_per_gpu: the most that each
-- gives within the limits, in tokens/s per GPU of the budget, idle GPUs included; null
-- where it gives nothing. disagg_over_agg is the second over the first.
-- Ties: winner is tie when both give the same.
create or replace view agg_vs_disagg as
with bests as (
    select
        p.model,
        p.system,
        p.decode_system,
        p.backend,
        p.version,
        p.estimator,
        p.search,
        p.database_mode,
        p.isl,
        p.osl,
        p.prefix,
        p.gpus,
        s.ttft_limit_ms,
        s.tpot_limit_ms,
        max(p.tokens_per_s_per_gpu_cluster) filter (p.mode = 'agg') as agg_tokens_per_s_per_gpu,
        max(p.tokens_per_s_per_gpu_cluster) filter (p.mode = 'disagg') as disagg_tokens_per_s_per_gpu
    from sla_frontier as p
    inner join sla_targets as s
        on p.ttft_ms <= s.ttft_limit_ms and p.tpot_ms <= s.tpot_limit_ms
    group by all
)

select
    b.model,
    b.system,
    b.decode_system,
    b.backend,
    b.version,
    b.estimator,
    b.search,
    b.database_mode,
    b.isl,
    b.osl,
    b.prefix,
    b.gpus,
    b.ttft_limit_ms,
    b.tpot_limit_ms,
    b.agg_tokens_per_s_per_gpu,
    b.disagg_tokens_per_s_per_gpu,
    b.disagg_tokens_per_s_per_gpu / b.agg_tokens_per_s_per_gpu as disagg_over_agg,
    case
        when b.disagg_tokens_per_s_per_gpu = b.agg_tokens_per_s_per_gpu then 'tie'
        when b.agg_tokens_per_s_per_gpu is null or b.disagg_tokens_per_s_per_gpu > b.agg_tokens_per_s_per_gpu then 'disagg'
        else 'agg'
    end as winner
from bests as b;
