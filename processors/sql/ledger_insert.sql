-- Count late, duplicate, conflicting and rejected samples.
-- Grain: kind, channel, UTC day, partition, detail and poll. Inputs: noted (Arrow: a row a sample),
-- channels; channel_key 0 stands for no known channel. Not idempotent.
insert into ledger
select
    n.kind, c.circuit_id, c.channel, n.day, count(*), n.topic, n.partition, min(n."offset"),
    max(n."offset"), n.detail
from noted as n
left join channels as c on c.channel_key = n.channel_key
group by n.kind, c.circuit_id, c.channel, n.day, n.topic, n.partition, n.detail
order by all
