-- A file counts from here on.
-- Grain: file. Not idempotent.
insert into sample_files
values ($generation, $name, $from_us, $to_us, $first_us, $last_us, $rows, $bytes, null)
