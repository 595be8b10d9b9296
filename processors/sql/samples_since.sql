-- How many samples there are from an instant on, at most.
-- Grain: one row. Inputs: samples from $first_us on for zone maps, sample_files. Reads only. Of a
-- file that reaches there all are counted.
select
    (select count(*) from samples where observed_at_us >= $first_us)
    + (
        select coalesce(sum(rows), 0)::bigint
        from sample_files
        where removed_at_us is null and last_us >= $first_us
    )
