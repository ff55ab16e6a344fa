-- Question: for which GPU counts was the sweep asked to plan?
-- Grain: one row per GPU budget.
-- Units: gpus in GPUs.
-- Ties: none, every row of the file is shown.
create or replace view gpu_budgets as
select
    f.gpus
from read_parquet('tables/gpu_budgets/part.parquet', hive_partitioning = false) as f;
