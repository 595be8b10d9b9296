-- The sequence of the message that was announced last; 0: none was.
-- Grain: one row. Inputs: outbox. Reads only. From statistics: 0.3 ms of a million messages.
select coalesce(max(sequence), 0) from outbox;
