-- Question: what does a GPU cost?
-- Grain: one row per GPU system; people fill the file prices.csv in the warehouse. A
-- sweep makes it where it is missing, with the same invented figure for every system:
-- note says so until you write your own.
-- Units: usd_per_gpu_hour in US dollars for one GPU and hour.
-- Ties: none; a system that is listed twice counts with its lowest price.
create or replace view prices as
select
    f.system,
    min(f.usd_per_gpu_hour) as usd_per_gpu_hour,
    min_by(f.note, f.usd_per_gpu_hour) as note
from read_csv(
    'prices.csv',
    header = true,
    columns = {system: 'varchar', usd_per_gpu_hour: 'double', note: 'varchar'}
) as f
group by f.system;
