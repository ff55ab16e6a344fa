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
-- Ties: figures less than 0.0015 apart are equal, as all are rounded to 0.001, and what is
-- below 0.001 counts as 0.001. Of equal points that with faster users counts, then that
-- with more throughput. Shards of the same key hold the same rows and are not compared.
-- figure_share(old, new) and kept_share(u_old, t_old, u_new, t_new) are these shares.
create or replace macro figure_share(old, new) as
case when abs(old - new) < 0.0015 then 1 else greatest(new, 0.001) / greatest(old, 0.001) end;

create or replace macro kept_share(u_old, t_old, u_new, t_new) as
least(figure_share(u_old, u_new), figure_share(t_old, t_new));

create or replace macro frontier_shifts(run_a, run_b) as table
with first_points as (
    select
        struct_pack(
            mode := f.mode,
            model := f.model,
            system := f.system,
            decode_system := f.decode_system,
            backend := f.backend,
            version := f.version,
            estimator := f.estimator,
            search := f.search,
            database_mode := f.database_mode,
            isl := f.isl,
            osl := f.osl,
            prefix := f.prefix,
            gpus := f.gpus
        ) as question,
        f.tokens_per_s_per_user as u,
        f.tokens_per_s_per_gpu_cluster as t
    from read_parquet(tables_of(run_a) || 'best_points/*.parquet', hive_partitioning = false) as f
    anti join read_parquet(tables_of(run_b) || 'best_points/*.parquet', hive_partitioning = false) as same on f.shard_key = same.shard_key
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

second_points as (
    select
        struct_pack(
            mode := f.mode,
            model := f.model,
            system := f.system,
            decode_system := f.decode_system,
            backend := f.backend,
            version := f.version,
            estimator := f.estimator,
            search := f.search,
            database_mode := f.database_mode,
            isl := f.isl,
            osl := f.osl,
            prefix := f.prefix,
            gpus := f.gpus
        ) as question,
        f.tokens_per_s_per_user as u,
        f.tokens_per_s_per_gpu_cluster as t
    from read_parquet(tables_of(run_b) || 'best_points/*.parquet', hive_partitioning = false) as f
    anti join read_parquet(tables_of(run_a) || 'best_points/*.parquet', hive_partitioning = false) as same on f.shard_key = same.shard_key
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

-- The point of the first run of which the second keeps least, and what keeps it.
first_kept as (
    select
        x.question,
        x.u,
        x.t,
        max(kept_share(x.u, x.t, y.u, y.t)) as share
    from first_points as x
    inner join second_points as y on x.question = y.question
    group by all
),

first_least as (
    select
        k.question,
        k.u,
        k.t,
        k.share
    from first_kept as k
    qualify row_number() over (partition by k.question order by k.share, k.u desc, k.t desc) = 1
),

first_worst as (
    select
        x.question,
        x.u,
        x.t,
        x.share,
        y.u as near_u,
        y.t as near_t
    from first_least as x
    inner join second_points as y on x.question = y.question
    qualify row_number() over (partition by x.question order by kept_share(x.u, x.t, y.u, y.t) desc, y.u desc, y.t desc) = 1
),

-- The point of the second run of which the first keeps least, and what keeps it.
second_kept as (
    select
        x.question,
        x.u,
        x.t,
        max(kept_share(x.u, x.t, y.u, y.t)) as share
    from second_points as x
    inner join first_points as y on x.question = y.question
    group by all
),

second_least as (
    select
        k.question,
        k.u,
        k.t,
        k.share
    from second_kept as k
    qualify row_number() over (partition by k.question order by k.share, k.u desc, k.t desc) = 1
),

second_worst as (
    select
        x.question,
        x.u,
        x.t,
        x.share,
        y.u as near_u,
        y.t as near_t
    from second_least as x
    inner join first_points as y on x.question = y.question
    qualify row_number() over (partition by x.question order by kept_share(x.u, x.t, y.u, y.t) desc, y.u desc, y.t desc) = 1
),

shifts as (
    select
        a.question,
        case
            when a.share >= 1 then 'up'
            when b.share >= 1 then 'down'
            else 'mixed'
        end as change,
        greatest(1 - a.share, 0) as loss,
        greatest(1 / b.share - 1, 0) as gain,
        if(a.share < 1, a.u, null) as loss_u_a,
        if(a.share < 1, a.near_u, null) as loss_u_b,
        if(a.share < 1, a.t, null) as loss_t_a,
        if(a.share < 1, a.near_t, null) as loss_t_b,
        if(b.share < 1, b.near_u, null) as gain_u_a,
        if(b.share < 1, b.u, null) as gain_u_b,
        if(b.share < 1, b.near_t, null) as gain_t_a,
        if(b.share < 1, b.t, null) as gain_t_b
    from first_worst as a
    inner join second_worst as b on a.question = b.question
    where a.share < 1
        or b.share < 1
    union all by name
    select distinct
        a.question,
        'lost' as change
    from first_points as a
    anti join second_points as b on a.question = b.question
    union all by name
    select distinct
        b.question,
        'new' as change
    from second_points as b
    anti join first_points as a on b.question = a.question
)

select
    s.change,
    s.question.mode as mode,
    s.question.model as model,
    s.question.system as system,
    s.question.decode_system as decode_system,
    s.question.backend as backend,
    s.question.version as version,
    s.question.estimator as estimator,
    s.question.search as search,
    s.question.database_mode as database_mode,
    s.question.isl as isl,
    s.question.osl as osl,
    s.question.prefix as prefix,
    s.question.gpus as gpus,
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
order by
    model, system, decode_system, backend, version, mode, estimator, search, database_mode, isl, osl, prefix, gpus;
