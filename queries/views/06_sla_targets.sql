-- Question: which latency limits was the sweep asked about?
-- Grain: one row per pair of limits.
-- Units: ttft_limit_ms and tpot_limit_ms in milliseconds, inclusive.
-- Ties: none, every row of the file is shown.
create or replace view sla_targets as
select
    f.ttft_limit_ms,
    f.tpot_limit_ms
from read_parquet('tables/sla_targets/part.parquet', hive_partitioning = false) as f;
