-- What came late or in conflict of a circuit since a row of the ledger; too old ones change nothing.
-- Grain: kind and UTC day. Inputs: circuit_id, after_row, first_day, last_day. Pure.
select kind, day, sum(count)::bigint as samples
from ledger
where
    rowid > $after_row and circuit_id = $circuit_id and kind in ('late', 'conflicting')
    and detail = '' and day between $first_day and $last_day
group by kind, day
order by kind, day
