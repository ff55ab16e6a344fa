-- Question: what does one GPU of a deployment cost for an hour, on average?
-- Grain: one figure.
-- Units: price (of all GPUs, or of the prefill side) and decode_price in US dollars for
-- one GPU and hour; used_gpus and prefill_gpus in GPUs.
-- Ties: none. Null when a price that counts is null.
create or replace macro deployment_price(one_system, price, decode_price, used_gpus, prefill_gpus) as
case
    when one_system then price
    else (price * prefill_gpus + decode_price * (used_gpus - prefill_gpus)) / used_gpus
end;
