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
    "samples": "from samples",
    "pending": "from pending",
    "spans": "from spans",
    "progress": "from channel_progress",
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


def differences(one: Path, other: Path) -> dict[str, list[object]]:
    """Return what one configuration's store holds and the other does not, counted."""
    found: dict[str, list[object]] = {}
    with duckdb.connect() as connection:
        for name, folder in (("one", one), ("other", other)):
            path = folder / "var" / "telemetry.duckdb"
            connection.execute(f"attach '{path}' as {name} (read_only)")
        for table, query in COMPARED.items():
            rows = {}
            for name in ("one", "other"):
                connection.execute(f"use {name}")
                rows[name] = sorted(connection.execute(query).fetchall(), key=repr)
            if rows["one"] != rows["other"]:
                only = sorted(set(rows["one"]) ^ set(rows["other"]), key=repr)
                found[table] = [(len(rows["one"]), len(rows["other"])), *only[:10]]
            assert table == "pending" or rows["other"], f"{table} is empty"
    return found


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
