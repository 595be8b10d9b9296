-- A file counts from here on.
-- Grain: file. Not idempotent.
insert into sample_files (
    generation, name, from_us, to_us, first_us, last_us, rows, bytes, removed_at_us, straight
)
values ($generation, $name, $from_us, $to_us, $first_us, $last_us, $rows, $bytes, null, $straight)
