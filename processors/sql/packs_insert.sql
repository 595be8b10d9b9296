-- Write packs. Grain: row of new_packs (Arrow: as rollup_packs). Not idempotent.
insert into rollup_packs
select place, from_s, size, content
from new_packs
