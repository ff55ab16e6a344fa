-- Question: what is covered that was not, and what no longer is, and why?
-- Call: from coverage_changes('nightly-1', 'nightly-2'); names are those of the view runs,
-- or the path of a run's folder.
-- Grain: one row per model, system, backend, version and mode that can be served in one of
-- the runs only, or has a layout that fits for a workload in one of them only. A workload
-- or mode that only one of them asked for is not compared.
-- change: lost (some layout is, and the combination was supported and no longer is), new
-- (the reverse), less (more layouts were lost than won), more (otherwise). status_a and
-- status_b are those of coverage_summary, null where a run has no such combination.
-- reason tells why what was lost does not fit in the second run, and where nothing was, or
-- the combination is new, why what was won did not in the first; "not swept" stands for
-- what is not in that run at all.
-- Units: n_lost and n_new count layouts, once for each role and workload, that have a
-- candidate that fits in one of the runs only.
-- Ties: none; reasons are sorted. Shards of the same key hold the same rows and are not
-- compared.
create or replace macro coverage_changes(run_a, run_b) as table
with first_cells as (
    select
        c.model,
        c.system,
        c.backend,
        c.version,
        c.mode,
        (c.decode_system, c.role, c.tp, c.pp, c.dp, c.moe_tp, c.moe_ep, c.isl, c.osl, c.prefix) as cell,
        bool_or(c.n_feasible > 0) as fits,
        min(c.reason) filter (c.reason <> '') as reason
    from read_parquet(tables_of(run_a) || 'coverage/**/*.parquet', hive_partitioning = false) as c
    anti join read_parquet(tables_of(run_b) || 'coverage/**/*.parquet', hive_partitioning = false) as same on c.shard_key = same.shard_key
    semi join read_parquet(tables_of(run_b) || 'coverage/**/*.parquet', hive_partitioning = false) as asked
        on c.mode = asked.mode
        and c.isl = asked.isl
        and c.osl = asked.osl
        and c.prefix = asked.prefix
    where c.role <> 'pair'
        and c.tp is not null
    group by all
),

second_cells as (
    select
        c.model,
        c.system,
        c.backend,
        c.version,
        c.mode,
        (c.decode_system, c.role, c.tp, c.pp, c.dp, c.moe_tp, c.moe_ep, c.isl, c.osl, c.prefix) as cell,
        bool_or(c.n_feasible > 0) as fits,
        min(c.reason) filter (c.reason <> '') as reason
    from read_parquet(tables_of(run_b) || 'coverage/**/*.parquet', hive_partitioning = false) as c
    anti join read_parquet(tables_of(run_a) || 'coverage/**/*.parquet', hive_partitioning = false) as same on c.shard_key = same.shard_key
    semi join read_parquet(tables_of(run_a) || 'coverage/**/*.parquet', hive_partitioning = false) as asked
        on c.mode = asked.mode
        and c.isl = asked.isl
        and c.osl = asked.osl
        and c.prefix = asked.prefix
    where c.role <> 'pair'
        and c.tp is not null
    group by all
),

moved as (
    select
        coalesce(a.model, b.model) as model,
        coalesce(a.system, b.system) as system,
        coalesce(a.backend, b.backend) as backend,
        coalesce(a.version, b.version) as version,
        coalesce(a.mode, b.mode) as mode,
        coalesce(a.fits, false) as lost,
        a.reason as reason_a,
        b.reason as reason_b
    from first_cells as a
    full join second_cells as b
        on a.model = b.model
        and a.system = b.system
        and a.backend = b.backend
        and a.version = b.version
        and a.mode = b.mode
        and a.cell = b.cell
    where coalesce(a.fits, false) <> coalesce(b.fits, false)
),

-- A combination that is refused as a whole has no cells, but a reason.
explained as (
    select
        m.model,
        m.system,
        m.backend,
        m.version,
        m.mode,
        m.lost,
        a.status as status_a,
        b.status as status_b,
        if(m.lost, coalesce(m.reason_b, if(b.status = 'refused', b.reason, null)), coalesce(m.reason_a, if(a.status = 'refused', a.reason, null))) as reason
    from moved as m
    left join coverage_summary_of(tables_of(run_a)) as a using (model, system, backend, version, mode)
    left join coverage_summary_of(tables_of(run_b)) as b using (model, system, backend, version, mode)
),

counted as (
    select
        e.model,
        e.system,
        e.backend,
        e.version,
        e.mode,
        e.status_a,
        e.status_b,
        count(*) filter (e.lost) as n_lost,
        count(*) filter (not e.lost) as n_new,
        string_agg(distinct coalesce(e.reason, 'not swept'), '; ' order by coalesce(e.reason, 'not swept')) filter (e.lost) as reason_lost,
        string_agg(distinct coalesce(e.reason, 'not swept'), '; ' order by coalesce(e.reason, 'not swept')) filter (not e.lost) as reason_new
    from explained as e
    group by all
),

named as (
    select
        case
            when c.n_lost > 0 and c.status_a = 'supported' and c.status_b is distinct from 'supported' then 'lost'
            when c.n_new > 0 and c.status_b = 'supported' and c.status_a is distinct from 'supported' then 'new'
            when c.n_lost > c.n_new then 'less'
            else 'more'
        end as change,
        c.model,
        c.system,
        c.backend,
        c.version,
        c.mode,
        c.status_a,
        c.status_b,
        c.n_lost,
        c.n_new,
        c.reason_lost,
        c.reason_new
    from counted as c
)

select
    n.change,
    n.model,
    n.system,
    n.backend,
    n.version,
    n.mode,
    n.status_a,
    n.status_b,
    if(n.change = 'new' or n.n_lost = 0, n.reason_new, n.reason_lost) as reason,
    n.n_lost,
    n.n_new
from named as n
order by
    n.model, n.system, n.backend, n.version, n.mode;
