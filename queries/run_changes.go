package queries

import "context"

// FrontierShifts lists the frontiers that differ between two runs, as the macro of that
// name does. Runs are named, or are the paths of their folders, which [Open] has to be
// told of when they lie outside of the warehouse.
func (db *DB) FrontierShifts(ctx context.Context, a, b string) (*Result, error) {
	return db.run(ctx, "from frontier_shifts(?, ?)", a, b)
}

// CoverageChanges lists what is covered in one of two runs only, as the macro of that name
// does.
func (db *DB) CoverageChanges(ctx context.Context, a, b string) (*Result, error) {
	return db.run(ctx, "from coverage_changes(?, ?)", a, b)
}

// ServedChanges lists the models and systems that can be served in one of two runs only:
// what, name, and whether it is new.
func (db *DB) ServedChanges(ctx context.Context, a, b string) (*Result, error) {
	return db.run(ctx, `with served as (
	select distinct s.model, s.system, false as latter from coverage_summary_of(tables_of(?)) as s where s.status = 'supported'
	union all
	select distinct s.model, s.system, true as latter from coverage_summary_of(tables_of(?)) as s where s.status = 'supported'
), named as (
	select 'model' as what, s.model as name, s.latter from served as s
	union all
	select 'system' as what, s.system as name, s.latter from served as s
)
select n.what, n.name, bool_and(n.latter) as new from named as n
group by n.what, n.name having count(distinct n.latter) = 1
order by n.what, n.name`, a, b)
}

// AskedChanges lists the workloads, GPU budgets and ways of scoring that one of two runs
// asked for only, as text, and whether they are new.
func (db *DB) AskedChanges(ctx context.Context, a, b string) (*Result, error) {
	return db.run(ctx, `with cells as (
	select distinct c.mode, c.estimator, c.search, c.database_mode, c.isl, c.osl, c.prefix, false as latter
	from read_parquet(tables_of(?) || 'coverage/**/*.parquet', hive_partitioning = false) as c
	where c.isl is not null
	union all
	select distinct c.mode, c.estimator, c.search, c.database_mode, c.isl, c.osl, c.prefix, true as latter
	from read_parquet(tables_of(?) || 'coverage/**/*.parquet', hive_partitioning = false) as c
	where c.isl is not null
), budgets as (
	select b.gpus, false as latter from read_parquet(tables_of(?) || 'gpu_budgets/part.parquet') as b
	union all
	select b.gpus, true as latter from read_parquet(tables_of(?) || 'gpu_budgets/part.parquet') as b
), asked as (
	select 'workload' as what, [c.isl, c.osl, c.prefix] as place, format('ISL {}, OSL {}, prefix {}', c.isl, c.osl, c.prefix) as name, c.latter from cells as c
	union all
	select 'GPU budget' as what, [b.gpus] as place, format('{}', b.gpus) as name, b.latter from budgets as b
	union all
	select 'scoring' as what, [] as place, format('{}, {}, {}, {}', c.mode, c.estimator, c.search, c.database_mode) as name, c.latter from cells as c
)
select a.what, a.name, bool_and(a.latter) as new from asked as a
group by a.what, a.place, a.name having count(distinct a.latter) = 1
order by a.what, a.place, a.name`, a, b, a, b)
}
