-- Parquet files that may hold samples of a range of time, with where the database lies.
-- Grain: file. Inputs: sample_files, $first_us and $last_us: [first, last). Reads only.
select f.name, f.first_us, f.last_us, d.path
from sample_files as f
cross join (select path from duckdb_databases() where database_name = current_database()) as d
where f.removed_at_us is null and f.last_us >= $first_us and f.first_us < $last_us
order by f.generation
