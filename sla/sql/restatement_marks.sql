-- Where the ledger and each partition's watermark stand, to be held against later.
-- Grain: partition. Inputs: offsets, ledger. Pure.
select
    partition, max(watermark_us) as watermark_us,
    (select coalesce(max(rowid), -1) from ledger) as ledger_row
from offsets
group by partition
