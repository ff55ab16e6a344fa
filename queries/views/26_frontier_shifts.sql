-- Question: which frontiers are up or down between two runs, and by how much?
-- Call: from frontier_shifts('nightly-1', 'nightly-2'); names are those of the view runs,
-- or the path of a run's folder.
-- Grain: one row per frontier that differs: mode, model, system, decode_system, backend,
-- version, estimator, search, database_mode, workload and GPU budget. Numeric formats are
-- not among these: they are what was chosen, not what was asked. Only what both runs
-- asked for is compared: a mode, estimator, search, database mode, workload or budget that
-- is in one of them only has no rows.
-- change: down (somewhere the second run gives less, and nowhere more), up (the reverse),
-- mixed (both), lost (only the first run has such a frontier), new (only the second).
-- Units: loss and gain are shares: 0.05 is 5 %; null where the frontier is lost or new. A
-- point (u1, t1) of tokens/s per user and tokens/s per GPU of the budget is kept by
-- (u2, t2) to the share min(u2 / u1, t2 / t1), and by a frontier to the most that one of
-- its points keeps. loss is 1 minus the least share to which the second frontier keeps a
-- point of the first; gain is 1 over the least to which the first keeps one of the
-- second, minus 1. (It is the multiplicative epsilon indicator of Zitzler et al. 2003, in
-- both directions.) The columns behind them are those two points: of the first run in *_a,
-- of the second in *_b, in tokens/s.
-- Ties: all figures are rounded to 0.001, so a point is kept in full where the smaller of
-- the two ratios comes from figures less than 0.0015 apart; what is below 0.001 counts as
-- 0.001. Of equal points that with faster users counts, then that with more throughput.
-- Shards of the same key hold the same rows and are not compared.
-- Points are put in order of u / t. Of those of the other run that are not behind a point
-- in that order u2 / u1 is the smaller ratio, so the fastest users keep it best; of those
-- that are not before it t2 / t1 is, so most throughput does. One pass over both frontiers
-- side by side finds both, where comparing all pairs would take minutes.
create or replace macro frontier_shifts(run_a, run_b) as table
with first_shards as (
    select distinct
        c.shard_key
    from read_parquet(tables_of(run_a) || 'coverage/**/*.parquet', hive_partitioning = false) as c
    anti join read_parquet(tables_of(run_b) || 'coverage/**/*.parquet', hive_partitioning = false) as same on c.shard_key = same.shard_key
),

first_points as (
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
        f.isl,
        f.osl,
        f.prefix,
        f.gpus,
        greatest(f.tokens_per_s_per_user, 0.001) as u,
        greatest(f.tokens_per_s_per_gpu_cluster, 0.001) as t
    from read_parquet(tables_of(run_a) || 'best_points/*.parquet', hive_partitioning = false) as f
    semi join first_shards as changed on f.shard_key = changed.shard_key
    semi join read_parquet(tables_of(run_b) || 'gpu_budgets/part.parquet', hive_partitioning = false) as budget on f.gpus = budget.gpus
    semi join read_parquet(tables_of(run_b) || 'coverage/**/*.parquet', hive_partitioning = false) as asked
        on f.mode = asked.mode
        and f.estimator = asked.estimator
        and f.search = asked.search
        and f.database_mode = asked.database_mode
        and f.isl = asked.isl
        and f.osl = asked.osl
        and f.prefix = asked.prefix
    where f.on_frontier
),

second_shards as (
    select distinct
        c.shard_key
    from read_parquet(tables_of(run_b) || 'coverage/**/*.parquet', hive_partitioning = false) as c
    anti join read_parquet(tables_of(run_a) || 'coverage/**/*.parquet', hive_partitioning = false) as same on c.shard_key = same.shard_key
),

second_points as (
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
        f.isl,
        f.osl,
        f.prefix,
        f.gpus,
        greatest(f.tokens_per_s_per_user, 0.001) as u,
        greatest(f.tokens_per_s_per_gpu_cluster, 0.001) as t
    from read_parquet(tables_of(run_b) || 'best_points/*.parquet', hive_partitioning = false) as f
    semi join second_shards as changed on f.shard_key = changed.shard_key
    semi join read_parquet(tables_of(run_a) || 'gpu_budgets/part.parquet', hive_partitioning = false) as budget on f.gpus = budget.gpus
    semi join read_parquet(tables_of(run_a) || 'coverage/**/*.parquet', hive_partitioning = false) as asked
        on f.mode = asked.mode
        and f.estimator = asked.estimator
        and f.search = asked.search
        and f.database_mode = asked.database_mode
        and f.isl = asked.isl
        and f.osl = asked.osl
        and f.prefix = asked.prefix
    where f.on_frontier
),

distinct_frontiers as (
    select
        a.mode,
        a.model,
        a.system,
        a.decode_system,
        a.backend,
        a.version,
        a.estimator,
        a.search,
        a.database_mode,
        a.isl,
        a.osl,
        a.prefix,
        a.gpus
    from first_points as a
    union
    select
        b.mode,
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
        b.gpus
    from second_points as b
),

-- Numbered once: a frontier has one id wherever it is asked for.
frontiers as materialized (
    select
        d.mode,
        d.model,
        d.system,
        d.decode_system,
        d.backend,
        d.version,
        d.estimator,
        d.search,
        d.database_mode,
        d.isl,
        d.osl,
        d.prefix,
        d.gpus,
        row_number() over () as id
    from distinct_frontiers as d
),

points as (
    select
        f.id,
        false as latter,
        a.u,
        a.t
    from first_points as a
    inner join frontiers as f using (mode, model, system, decode_system, backend, version, estimator, search, database_mode, isl, osl, prefix, gpus)
    union all
    select
        f.id,
        true as latter,
        b.u,
        b.t
    from second_points as b
    inner join frontiers as f using (mode, model, system, decode_system, backend, version, estimator, search, database_mode, isl, osl, prefix, gpus)
),

sides as (
    select
        p.id,
        bool_or(not p.latter) as in_a,
        bool_or(p.latter) as in_b
    from points as p
    group by p.id
),

neighbours as (
    select
        p.id,
        p.latter,
        p.u,
        p.t,
        max(p.u) filter (not p.latter) over slower as u_a,
        max(p.u) filter (p.latter) over slower as u_b,
        max(p.t) filter (not p.latter) over faster as t_a,
        max(p.t) filter (p.latter) over faster as t_b
    from points as p
    window
        slower as (partition by p.id order by p.u / p.t range between unbounded preceding and current row),
        faster as (partition by p.id order by p.u / p.t range between current row and unbounded following)
),

-- The figures of the other run that keep a point, null where there are none.
keepers as (
    select
        n.id,
        n.latter,
        n.u,
        n.t,
        if(n.latter, n.u_a, n.u_b) as by_u,
        if(n.latter, n.t_a, n.t_b) as by_t
    from neighbours as n
),

shortfalls as (
    select
        k.id,
        k.latter,
        k.u,
        k.t,
        k.by_u,
        k.by_t,
        coalesce(k.by_u / k.u > k.by_t / k.t, k.by_t is null) as through_u,
        greatest(k.by_u / k.u, k.by_t / k.t) as share
    from keepers as k
    where (k.by_u is not null or k.by_t is not null)
        and greatest(k.by_u / k.u, k.by_t / k.t) < 1
        and (k.by_u is null or k.u - k.by_u >= 0.0015)
        and (k.by_t is null or k.t - k.by_t >= 0.0015)
),

-- The point of each run that the other keeps least, and what keeps it.
worst as (
    select
        s.id,
        s.latter,
        s.u,
        s.t,
        s.by_u,
        s.by_t,
        s.through_u,
        s.share
    from shortfalls as s
    qualify row_number() over (partition by s.id, s.latter order by s.share, s.u desc, s.t desc) = 1
),

moves as (
    select
        w.id,
        w.latter,
        w.u,
        w.t,
        w.share,
        max(p.u) as near_u,
        max(p.t) as near_t
    from worst as w
    inner join points as p
        on w.id = p.id
        and w.latter <> p.latter
        and if(w.through_u, p.u = w.by_u, p.t = w.by_t)
    group by all
),

shifts as (
    select
        s.id,
        case
            when not s.in_b then 'lost'
            when not s.in_a then 'new'
            when a.id is null then 'up'
            when b.id is null then 'down'
            else 'mixed'
        end as change,
        if(s.in_a and s.in_b, coalesce(1 - a.share, 0), null) as loss,
        if(s.in_a and s.in_b, coalesce(1 / b.share - 1, 0), null) as gain,
        a.u as loss_u_a,
        a.near_u as loss_u_b,
        a.t as loss_t_a,
        a.near_t as loss_t_b,
        b.near_u as gain_u_a,
        b.u as gain_u_b,
        b.near_t as gain_t_a,
        b.t as gain_t_b
    from sides as s
    left join moves as a on s.id = a.id and not a.latter
    left join moves as b on s.id = b.id and b.latter
    where not s.in_a
        or not s.in_b
        or a.id is not null
        or b.id is not null
)

select
    s.change,
    f.mode,
    f.model,
    f.system,
    f.decode_system,
    f.backend,
    f.version,
    f.estimator,
    f.search,
    f.database_mode,
    f.isl,
    f.osl,
    f.prefix,
    f.gpus,
    s.loss,
    s.gain,
    s.loss_u_a as loss_tokens_per_s_per_user_a,
    s.loss_u_b as loss_tokens_per_s_per_user_b,
    s.loss_t_a as loss_tokens_per_s_per_gpu_cluster_a,
    s.loss_t_b as loss_tokens_per_s_per_gpu_cluster_b,
    s.gain_u_a as gain_tokens_per_s_per_user_a,
    s.gain_u_b as gain_tokens_per_s_per_user_b,
    s.gain_t_a as gain_tokens_per_s_per_gpu_cluster_a,
    s.gain_t_b as gain_tokens_per_s_per_gpu_cluster_b
from shifts as s
inner join frontiers as f on s.id = f.id
order by
    f.model, f.system, f.decode_system, f.backend, f.version, f.mode, f.estimator, f.search, f.database_mode, f.isl, f.osl, f.prefix, f.gpus;
