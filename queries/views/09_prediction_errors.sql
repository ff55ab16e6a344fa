-- Question: how far have answers been from measurements, by what they were about?
-- Beside an answer: from best_config(…) as b left join prediction_errors as e
-- using (mode, model, system, backend, estimator).
-- Grain: one row per mode, model, system, decode_system, backend and estimator of which
-- a latency was measured.
-- Units: shares. tpot_error and ttft_error are means of |relative_error| of validation
-- (0.1: off by a tenth), tpot_bias and ttft_bias means of relative_error (above 0:
-- predicted too high). measurements counts measured deployments; null errors were not
-- measured.
-- Ties: none.
create or replace view prediction_errors as
select
    v.mode,
    v.model,
    v.system,
    v.decode_system,
    v.backend,
    v.estimator,
    greatest(
        count(v.relative_error) filter (where v.metric = 'tpot_ms'),
        count(v.relative_error) filter (where v.metric = 'ttft_ms')
    ) as measurements,
    avg(abs(v.relative_error)) filter (where v.metric = 'tpot_ms') as tpot_error,
    avg(v.relative_error) filter (where v.metric = 'tpot_ms') as tpot_bias,
    avg(abs(v.relative_error)) filter (where v.metric = 'ttft_ms') as ttft_error,
    avg(v.relative_error) filter (where v.metric = 'ttft_ms') as ttft_bias
from validation as v
where v.metric in ('tpot_ms', 'ttft_ms')
group by
    v.mode,
    v.model,
    v.system,
    v.decode_system,
    v.backend,
    v.estimator
having count(v.relative_error) > 0;
