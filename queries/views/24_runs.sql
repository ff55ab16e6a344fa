-- Question: which sweeps were run, when, and how large were they?
-- Grain: one row per manifest, newest first.
-- Units: started_at and finished_at are UTC; duration_s in seconds; the counts
-- candidates_* are of what was scored, rows_* of what was written; bytes of all files;
-- spec is the sweep file as text.
-- Ties: runs that started together are in order of their name.
create or replace view runs as
with manifests as (
    select
        m.run,
        m.name,
        m.status,
        m.estimator,
        m.search,
        m.revision,
        m.schema_version,
        m.tool_version,
        m.shards,
        m.candidates,
        m.rows,
        m.bytes,
        m.spec,
        cast(m.started_at as timestamptz) at time zone 'UTC' as started_at,
        cast(m.finished_at as timestamptz) at time zone 'UTC' as finished_at
    from read_json(
        'runs/*/manifest.json',
        format = 'unstructured',
        maximum_object_size = 33554432,
        columns = {
            run: 'varchar',
            name: 'varchar',
            status: 'varchar',
            started_at: 'varchar',
            finished_at: 'varchar',
            estimator: 'varchar',
            search: 'varchar',
            revision: 'bigint',
            schema_version: 'bigint',
            tool_version: 'varchar',
            shards: 'bigint',
            candidates: 'struct(agg_points bigint, prefill_workers bigint, decode_workers bigint, disagg_pairs bigint)',
            rows: 'struct(agg_points bigint, workers bigint, disagg_points bigint, coverage bigint, best_points bigint)',
            bytes: 'bigint',
            spec: 'varchar'
        }
    ) as m
)

select
    m.run,
    m.name,
    m.status,
    m.started_at,
    m.finished_at,
    epoch(m.finished_at) - epoch(m.started_at) as duration_s,
    m.estimator,
    m.search,
    m.revision,
    m.schema_version,
    m.tool_version,
    m.shards,
    m.candidates.agg_points as candidates_agg_points,
    m.candidates.prefill_workers as candidates_prefill_workers,
    m.candidates.decode_workers as candidates_decode_workers,
    m.candidates.disagg_pairs as candidates_disagg_pairs,
    m.rows.agg_points as rows_agg_points,
    m.rows.workers as rows_workers,
    m.rows.disagg_points as rows_disagg_points,
    m.rows.coverage as rows_coverage,
    m.rows.best_points as rows_best_points,
    m.bytes,
    m.spec
from manifests as m
order by m.started_at desc, m.run;
