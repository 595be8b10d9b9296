"""What two stores of one stream must have in common, and a store with the truth."""

from collections.abc import Mapping
from pathlib import Path

import duckdb

from cli.configuration import load_configuration
from cli.once import compare, count_differences, ledger_counts
from cli.wiring import build_queries, telemetry_path
from linksla.clock import SystemClock
from linksla.stores import TelemetryStore
from simulator.world import World

COMPARED: Mapping[str, str] = {
    "offsets": """
        select topic, partition, next_offset, watermark_us
        from offsets where next_offset > 0 -- an empty partition follows the clock
    """,
    "samples": "from standing_samples where observed_at_us >= $kept_from_us",
    "pending": "from pending",
    "spans": "from spans",
    "stands": "from channel_stands",
    "seen": "from channel_seen",
    "rollups": "from rollups",
    "histogram": """
        select channel_key, start_s, bucket, sum(count)
        from latency_histogram group by all
    """,
    "ledger": """
        select kind, circuit_id, channel, day, sum(count), partition
        from ledger group by all
    """,
    "rejects": 'select topic, partition, "offset", reason, index_in_message, value from rejects',
    "verdicts": """
        select circuit_id, month, arg_max(verdicts, calculation_version)
        from verdict_history group by all
    """,
}


def differences(one: Path, other: Path, kept_from_us: int = 0) -> dict[str, list[object]]:
    """Return what one configuration's store holds and the other does not, counted.

    Samples lie in the table or in files; those before `kept_from_us` may have been removed.
    """
    found: dict[str, list[object]] = {}
    with duckdb.connect() as connection:
        for name, folder in (("one", one), ("other", other)):
            path = folder / "var" / "telemetry.duckdb"
            connection.execute(f"attach '{path}' as {name} (read_only)")
            connection.execute(f"use {name}")
            _stand_together(connection, folder / "var" / "samples")
        for table, query in COMPARED.items():
            rows = {}
            for name in ("one", "other"):
                connection.execute(f"use {name}")
                text = query.replace("standing_samples", f"memory.standing_{name}")
                text = text.replace("$kept_from_us", str(kept_from_us))
                rows[name] = sorted(connection.execute(text).fetchall(), key=repr)
            if rows["one"] != rows["other"]:
                only = sorted(set(rows["one"]) ^ set(rows["other"]), key=repr)
                found[table] = [(len(rows["one"]), len(rows["other"])), *only[:10]]
            assert table == "pending" or rows["other"], f"{table} is empty"
    return found


def _stand_together(connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """Make a table of all samples that stand in the database in use, hot or in files."""
    ((database,),) = connection.execute("select current_database()").fetchall()
    names = connection.execute("select name from sample_files where removed_at_us is null")
    paths = [str(folder / name) for (name,) in names.fetchall()]
    files = "" if not paths else f"union all by name from read_parquet({paths})"
    connection.execute(
        f"""
        create table memory.standing_{database} as
        select * exclude (generation)
        from (from (select *, {2**63 - 1} as generation from samples) {files})
        qualify generation = max(generation) over (partition by channel_key, observed_at_us)
        """
    )


def upkeep(folder: Path) -> dict[str, int]:
    """Return what the housekeeper made of a store."""
    with duckdb.connect() as connection:
        path = folder / "var" / "telemetry.duckdb"
        connection.execute(f"attach '{path}' as one (read_only)")
        connection.execute("use one")
        ((hot, files, first_us, parts, steps, watermark_us, orphans),) = connection.execute(
            """
            select
                (select count(*) from samples),
                count(*) filter (where removed_at_us is null),
                min(first_us),
                (select count(*) from rollup_parts),
                (select count(distinct (channel_key, start_s)) from rollup_parts),
                (select min(watermark_us) from offsets where next_offset > 0),
                count(*) filter (where removed_at_us is not null)
            from sample_files
            """
        ).fetchall()
    there = len(list((folder / "var" / "samples").iterdir()))
    return {
        "hot": hot, "files": files, "first_us": first_us, "parts": parts, "steps": steps,
        "watermark_us": watermark_us, "orphans": there - files - orphans,
    }  # fmt: skip


def untruths(world: World, folder: Path) -> list[str]:
    """Return where a store's months, outages and counts are not those of the truth."""
    configuration = load_configuration(folder)
    store = TelemetryStore(telemetry_path(configuration))
    store.start()
    try:
        queries = build_queries(configuration, store, SystemClock())
        comparisons, true = compare(world, queries)
        wrong = [
            f"{one.circuit_id} {one.month}: {difference}"
            for one in comparisons
            for difference in one.differences
        ]
        assert len(comparisons) >= len(world.circuits)
        return wrong + count_differences(ledger_counts(queries), true)
    finally:
        store.close()
