"""Ten simulated weeks: each kind of data is kept for its own time, and no longer."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from linksla.clock import ManualClock
from linksla.meters import Meters
from linksla.settings import RetentionSettings, StorageSettings
from linksla.stores import TelemetryStore
from processors.housekeeping import Housekeeper
from processors.minutes import Pieces
from processors.packs import PACK_SECONDS_MAX
from tests.unit.processors_support import (
    DAY,
    MIDNIGHT,
    US,
    at,
    circuit,
    numbered,
    poll_of,
    watermark_to,
    writer_of,
)

DAYS = 70
KEPT = RetentionSettings(hot_hours=2, raw_days=5, minutes_days=32, rejects_days=12)
FOLD_AFTER_DAYS = 32
GRID = 21_600
"""Four samples a day: the time goes into files and transactions, not rows."""


def whole_days(names: Sequence[str], from_s: int, to_s: int) -> Mapping[str, Pieces]:
    """Say that all of a day counts only as a whole but its first hour."""
    return {name: [(from_s + 3_600, to_s)] for name in names}


def test_each_kind_of_data_is_kept_for_its_own_time(tmp_path: Path) -> None:
    store = TelemetryStore(tmp_path / "t.duckdb")
    store.start()
    clock = ManualClock(MIDNIGHT * US)
    writer = writer_of(store, circuit(grid=GRID))
    keeper = Housekeeper(store, KEPT, StorageSettings(), clock, Meters(), settled=whole_days)
    keeper.start()
    offset, sizes = 0, []
    for day in range(DAYS):
        today = [
            at(day * DAY + second, interval_us=GRID * US, latency_us=1_000 + second % 77)
            for second in range(0, DAY, GRID)
        ]
        nobodys = at((day + 1) * DAY - GRID, circuit_id="nobody's")
        samples = numbered([*today, nobodys], offset)
        offset += len(samples)
        now_us = (MIDNIGHT + day * DAY) * US
        writer.write(poll_of(samples))
        store.writer.execute(
            "insert into rejects values ('t', 0, ?, 'undecodable', '', '', ?, null, '?'::blob)",
            [day, now_us],
        )
        clock.move_to(now_us + DAY * US)
        for _ in range(200):
            if not keeper.step(0.5).anything:
                break
        sizes.append(rows_of(store))

    now_s = MIDNIGHT + DAYS * DAY
    oldest = oldest_of(store)
    kept_days = {name: (now_s - start_s) / DAY for name, start_s in oldest.items()}
    assert kept_days["samples"] <= 1
    assert 5 <= kept_days["files"] <= 5 + 3  # a sample may hold cells for a day
    assert 5 <= kept_days["pending"] <= 5 + 3
    assert 12 <= kept_days["rejects"] <= 14
    assert FOLD_AFTER_DAYS <= kept_days["every minute"] <= FOLD_AFTER_DAYS + 2
    longest_days = PACK_SECONDS_MAX // DAY  # a pack goes once its last day is folded
    assert kept_days["blocks"] <= FOLD_AFTER_DAYS + 2 + longest_days
    assert kept_days["spans"] == kept_days["rollups"] == DAYS
    watermark_to(writer, DAYS * DAY + 3_600)
    ((samples_counted,),) = store.writer.execute("select sum(samples) from rollups").fetchall()
    assert samples_counted == DAYS * DAY // GRID
    for name in ("samples", "files", "pending", "rejects"):  # none grows
        assert max(one[name] for one in sizes[40:]) <= 1.2 * max(sizes[39][name], 5), name
    # packs: those of 8 days, of the days since, and of the last hours
    longest = (FOLD_AFTER_DAYS + 2) // longest_days + 2
    assert max(one["blocks"] for one in sizes) <= longest + longest_days + 3
    old = "rollup_parts where start_s < " + str(now_s - (FOLD_AFTER_DAYS + 2) * DAY)
    days = DAYS - FOLD_AFTER_DAYS - 2
    assert count_of(store, old) == days * 2  # the first hour's row, and one for the rest
    store.close()


def rows_of(store: TelemetryStore) -> dict[str, int]:
    counts = {
        "samples": "samples", "pending": "pending", "rejects": "rejects",
        "rollups": "rollup_parts", "blocks": "rollup_packs",
        "files": "sample_files where removed_at_us is null",
    }  # fmt: skip
    return {name: count_of(store, text) for name, text in counts.items()}


def count_of(store: TelemetryStore, table: str) -> int:
    ((count,),) = store.writer.execute(f"select count(*) from {table}").fetchall()
    return int(count)


def oldest_of(store: TelemetryStore) -> dict[str, int]:
    """Return the oldest instant of each kind of data, in s."""
    columns = {
        "samples": "min(observed_at_us) // 1000000 from samples",
        "files": "min(first_us) // 1000000 from sample_files where removed_at_us is null",
        "pending": "min(observed_at_us) // 1000000 from pending",
        "rejects": "min(append_time_us) // 1000000 from rejects",
        "rollups": "min(start_s) from rollup_parts",
        "every minute": f"min(start_s) from rollup_parts where start_s % {DAY} > {GRID}",
        "blocks": "min(from_s) from rollup_packs",
        "spans": "min(start_s) from spans",
    }
    found = {}
    for name, text in columns.items():
        ((oldest,),) = store.writer.execute(f"select {text}").fetchall()
        found[name] = int(oldest)
    return found
