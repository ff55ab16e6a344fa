-- Question: what is supported, and why is the rest not?
-- Grain: one row per model, system, backend, version and mode.
-- status: refused (the combination makes no sense or is not offered), supported (at
-- least one layout has a candidate that fits; for disagg on both sides), no_fit
-- (measurements exist, but nothing fits in memory), no_data (none of that).
-- Where a group holds several combinations of decode system, numeric formats,
-- estimator or search, the best of them counts, in the order supported, no_fit,
-- no_data, refused; reason lists what the rows of that status lack.
-- Units: n_* count candidates of agg, prefill and decode workers, n_kept the rows
-- written, pairs included; n_layouts the layouts with a candidate that fits.
-- Ties: none; reasons are sorted.
-- coverage_summary_of(folder) is that of any run: of the folder of its tables, with a
-- slash behind it.
create or replace macro coverage_summary_of(folder) as table
with coverage_rows as not materialized (
    select r.* from read_parquet(folder || 'coverage/**/*.parquet', hive_partitioning = false) as r
),

combinations as (
    select
        c.model,
        c.system,
        c.decode_system,
        c.backend,
        c.version,
        c.mode,
        c.estimator,
        c.search,
        c.database_mode,
        c.gemm_quant,
        c.moe_quant,
        c.kvcache_quant,
        c.fmha_quant,
        c.comm_quant,
        c.nextn,
        bool_or(c.status = 'refused') as refused,
        -- An agg worker does both, prefill and decode.
        bool_or(c.n_feasible > 0 and c.role in ('agg', 'prefill')) and bool_or(c.n_feasible > 0 and c.role in ('agg', 'decode')) as fits,
        bool_or(c.n_feasible + c.n_oom > 0 and c.role in ('agg', 'prefill')) and bool_or(c.n_feasible + c.n_oom > 0 and c.role in ('agg', 'decode')) as estimable
    from coverage_rows as c
    group by all
),

statuses as (
    select
        k.model,
        k.system,
        k.backend,
        k.version,
        k.mode,
        case
            when bool_or(k.fits and not k.refused) then 'supported'
            when bool_or(k.estimable and not k.refused) then 'no_fit'
            when not bool_and(k.refused) then 'no_data'
            else 'refused'
        end as status
    from combinations as k
    group by all
)

select
    c.model,
    c.system,
    c.backend,
    c.version,
    c.mode,
    s.status,
    case
        when s.status = 'supported' then ''
        else coalesce(string_agg(distinct c.reason, '; ' order by c.reason) filter (c.status = s.status and c.reason <> ''), '')
    end as reason,
    count(distinct (c.decode_system, c.tp, c.pp, c.dp, c.moe_tp, c.moe_ep, c.role)) filter (c.n_feasible > 0 and c.role <> 'pair') as n_layouts,
    coalesce(sum(c.n_candidates) filter (c.role <> 'pair'), 0) as n_candidates,
    coalesce(sum(c.n_feasible) filter (c.role <> 'pair'), 0) as n_feasible,
    coalesce(sum(c.n_oom) filter (c.role <> 'pair'), 0) as n_oom,
    coalesce(sum(c.n_no_data) filter (c.role <> 'pair'), 0) as n_no_data,
    coalesce(sum(c.n_kept), 0) as n_kept
from coverage_rows as c
inner join statuses as s using (model, system, backend, version, mode)
group by
    c.model,
    c.system,
    c.backend,
    c.version,
    c.mode,
    s.status;

create or replace view coverage_summary as
select
    s.model,
    s.system,
    s.backend,
    s.version,
    s.mode,
    s.status,
    s.reason,
    s.n_layouts,
    s.n_candidates,
    s.n_feasible,
    s.n_oom,
    s.n_no_data,
    s.n_kept
from coverage_summary_of('tables/') as s;
