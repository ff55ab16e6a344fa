-- Question: how is a worker's layout written in short?
-- Grain: one text: tp2pp1, or tp1pp1dp8etp1ep8 where attention or experts are spread.
-- Units: tp, pp, dp, moe_tp and moe_ep in ways.
-- Ties: none. Null when a size is null.
create or replace macro layout_name(tp, pp, dp, moe_tp, moe_ep) as
'tp' || tp || 'pp' || pp || case
    when dp > 1 or moe_tp > 1 or moe_ep > 1 then 'dp' || dp || 'etp' || moe_tp || 'ep' || moe_ep
    else ''
end;
