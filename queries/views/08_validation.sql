-- Question: how far are predictions from measurements?
-- Grain: one row per metric of one measured deployment.
-- Units: predicted and measured in the unit of the metric, which names a column of
-- points; relative_error is (predicted - measured) / measured, null where nothing was
-- measured; isl, osl and prefix in tokens, gpus in GPUs, concurrency in requests.
-- Ties: none, every row of the files is shown. The files belong to the warehouse, not
-- to a run, so they stay when the next sweep is finished.
create or replace view validation as
select
    f.recorded_at,
    f.source,
    f.mode,
    f.model,
    f.system,
    f.decode_system,
    f.backend,
    f.version,
    f.estimator,
    f.deployment,
    f.isl,
    f.osl,
    f.prefix,
    f.gpus,
    f.concurrency,
    f.metric,
    f.predicted,
    f.measured,
    (f.predicted - f.measured) / nullif(f.measured, 0) as relative_error
from read_parquet('validation/*.parquet', hive_partitioning = false) as f;
