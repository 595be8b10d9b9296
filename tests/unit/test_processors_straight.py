"""Large polls whose samples go straight to files: the store comes to the same, whatever happens."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from linksla.clock import ManualClock
from linksla.errors import StoreError
from linksla.meters import Meters
from linksla.model import Poll
from linksla.settings import RetentionSettings, StorageSettings
from linksla.stores import TelemetryStore
from processors import straight
from processors.housekeeping import Housekeeper
from processors.moved import MOVED_SCHEMA, moved_within
from processors.sample_files import SampleFiles
from processors.writer import Writer
from processors.written import Written
from tests.unit.processors_support import (
    DAY,
    MIDNIGHT,
    US,
    at,
    circuit,
    idle_poll,
    numbered,
    poll_of,
    table_of,
    writer_of,
)
from tests.unit.test_processors_moving import Killed, all_samples, files_of, live_files
from tests.unit.test_processors_preparing import followed_by, minutes, of_one_log

BOTH = circuit(channels=("ch1", "ch2"))
SAME = (
    "spans",
    "ledger",
    "channel_stands",
    "channel_seen",
    "(select channel_key, start_s, bucket, sum(count) from latency_histogram group by all)",
    "(select channel_key, start_s, sum(samples), sum(latency_sum_us), min(latency_min_us), "
    "max(latency_max_us), sum(loss_sum_ppm) from rollup_parts group by all)",
)
"""A restart, or the housekeeper, may cut a minute into other parts: they are summed when read."""


class DyingWriter(Writer):
    """Dies when it passes a point for the second time."""

    dies_at = ""
    passed = 0

    def _at(self, point: str) -> None:
        if point == self.dies_at:
            self.passed += 1
            if self.passed == 2:
                raise Killed(point)


class Noting(Writer):
    """Notes the points it passes."""

    def start(self) -> Written:
        self.points: list[str] = []
        return super().start()

    def _at(self, point: str) -> None:
        self.points.append(point)


class FullDisk(Writer):
    def _at(self, point: str) -> None:
        if point == "straight file written":
            raise OSError(28, "No space left on device")


@pytest.fixture(autouse=True)
def _every_poll_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(straight, "ROWS_MIN", 1)
    monkeypatch.setattr(straight, "FILE_ROWS_MIN", 1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


class Bench:
    """A store in a folder, with its files, and a writer that uses them."""

    def __init__(self, folder: Path, kind: type[Writer] = Writer) -> None:
        self.store = TelemetryStore(folder / "t.duckdb")
        self.store.start()
        self.files = SampleFiles(self.store)
        self.files.start(lambda _: None)
        self.writer = writer_of(self.store, BOTH, kind=kind, files=self.files)

    def keep_house(self, **days: int) -> None:
        keeper = Housekeeper(
            self.store,
            RetentionSettings(**days),
            StorageSettings(),
            ManualClock(),
            Meters(),
            files=self.files,
        )
        keeper.start()
        while keeper.step(5).anything:
            pass


@pytest.fixture
def bench(folder: Path) -> Iterator[Bench]:
    one = Bench(folder)
    yield one
    one.store.close()


def in_table(store: TelemetryStore) -> int:
    return len(table_of(store, "samples"))


def test_a_large_poll_lies_in_a_file_and_not_in_the_table(bench: Bench) -> None:
    samples = numbered(minutes(0, 60))

    bench.writer.write(poll_of(samples))

    assert in_table(bench.store) == 0
    assert [rows for _, rows in live_files(bench.store)] == [60]
    assert [row[1] for row in all_samples(bench.store)] == [s.observed_at_us for s in samples]


def test_a_poll_below_the_limit_goes_to_the_table(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(straight, "ROWS_MIN", 61)

    bench.writer.write(poll_of(numbered(minutes(0, 60))))

    assert in_table(bench.store) == 60
    assert live_files(bench.store) == []


def test_a_file_is_in_order_of_channels_and_has_what_the_table_would_have(bench: Bench) -> None:
    chance = random.Random(3)
    samples = [
        *minutes(0, 20, rx_bps=9 * 10**18, jitter_us=None),
        *minutes(0, 20, channel="ch2", latency_us=None, bgp_state=1, probe="ÄÖ"),
    ]
    chance.shuffle(samples)
    poll = poll_of(numbered(samples))
    bench.writer.write(poll)
    ((name, _),) = live_files(bench.store)

    plain = TelemetryStore(None)
    plain.start()
    writer_of(plain, BOTH).write(poll)
    filed = pq.read_table(bench.files.folder / name).drop_columns(["generation"])

    rows = [tuple(row.values()) for row in filed.to_pylist()]
    assert rows == sorted(rows, key=lambda row: row[:2])
    assert rows == sorted(table_of(plain, "samples"), key=lambda row: row[:2])
    plain.close()


def written(
    folder: Path, polls: Sequence[Poll], chance: random.Random | None
) -> dict[str, list[Any]]:
    """Return what a store comes to; with `chance` some go to files, others not, and it restarts."""
    bench = Bench(folder)
    waits: list[Poll] = list(polls)
    while waits:
        vars(straight)["ROWS_MIN"] = chance.choice([1, 20, 10**9]) if chance else 10**9
        vars(straight)["FILE_ROWS_MIN"] = chance.choice([1, 15]) if chance else 1
        ahead = waits[1] if len(waits) > 1 and chance and chance.random() < 0.7 else None
        one = waits.pop(0)
        bench.writer.write(one, followed_by(ahead)) if ahead else bench.writer.write(one)
        if chance and ahead is None and chance.random() < 0.3:
            bench.keep_house(hot_hours=1)
        if chance and chance.random() < 0.2:
            bench.store.close()
            bench = Bench(folder)
    found: dict[str, list[Any]] = {name: table_of(bench.store, name) for name in SAME}
    found["samples"] = all_samples(bench.store)
    bench.store.close()
    return found


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(seed=st.integers(0, 2**32), cuts=st.lists(st.integers(0, 500), max_size=8))
def test_straight_or_not_a_store_comes_to_the_same(
    tmp_path_factory: pytest.TempPathFactory, seed: int, cuts: list[int]
) -> None:
    chance = random.Random(seed)
    log = minutes(-30, 60) + minutes(-30, 60, channel="ch2")  # over midnight
    log += [replace(one, sequence=chance.choice([0, 5])) for one in chance.choices(log, k=9)]
    log += [at(-900, circuit_id="unknown", partition=numbered(log)[0].partition)]
    log.sort(key=lambda sample: sample.observed_at_us + chance.choice([0, 0, 0, 90_000_000]))
    polls = of_one_log(log, cuts)
    one, other = (tmp_path_factory.mktemp(name) for name in ("one", "other"))

    assert written(one, polls, chance) == written(other, polls, None)


@pytest.mark.parametrize("point", ["straight file written", "straight file renamed"])
@pytest.mark.parametrize("ahead", [False, True])
def test_killed_while_a_file_is_written_nothing_is_lost_and_nothing_twice(
    folder: Path, point: str, ahead: bool
) -> None:
    first, second = (poll_of(numbered(minutes(30 * n, 30), 30 * n)) for n in range(2))
    bench = Bench(folder, DyingWriter)
    assert isinstance(bench.writer, DyingWriter)
    bench.writer.dies_at = point
    bench.writer.write(first, followed_by(second)) if ahead else bench.writer.write(first)
    with pytest.raises(Killed):
        bench.writer.write(second)
    assert len(all_samples(bench.store)) == 30
    bench.store.close()

    again = Bench(folder)

    assert len(files_of(again.store)) == len(live_files(again.store))
    for poll in (first, second):
        again.writer.write(poll)
    assert len(all_samples(again.store)) == 60
    again.store.close()


def test_what_replaces_a_sample_stands_above_the_file_it_lies_in(bench: Bench) -> None:
    old, better = at(10, sequence=1), at(10, sequence=2, loss_ppm=500_000)
    bench.writer.write(poll_of(numbered([old, at(20)])))

    bench.writer.write(poll_of(numbered([better, at(30)], 2)))

    assert in_table(bench.store) == 2  # all that came with it
    assert {row[1:] for row in all_samples(bench.store)} == {
        (MIDNIGHT * US + 10 * US, 2, 500_000),
        (MIDNIGHT * US + 20 * US, 0, 0),
        (MIDNIGHT * US + 30 * US, 0, 0),
    }
    bench.writer.write(idle_poll(range(8), 20_000))
    bench.keep_house(hot_hours=1)
    assert in_table(bench.store) == 0
    assert next(row[2] for row in all_samples(bench.store)) == 2


def test_the_same_samples_again_are_duplicates_though_they_lie_in_a_file(bench: Bench) -> None:
    samples = numbered(minutes(0, 30))
    bench.writer.write(poll_of(samples))

    again = bench.writer.write(poll_of(numbered(minutes(0, 30), 30)))

    assert (again.accepted, again.duplicate) == (0, 30)
    assert len(all_samples(bench.store)) == 30


def days_of(bench: Bench) -> list[tuple[str, int]]:
    """Return the day each file of a store is named after, and its rows."""
    return sorted((name[:10], rows) for name, rows in live_files(bench.store))


def test_a_poll_of_several_days_lies_in_a_file_for_each_that_has_enough(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(straight, "FILE_ROWS_MIN", 20)
    days = [minutes(0, 20), minutes(8_640, 19), minutes(2 * 8_640, 30, channel="ch2")]
    samples = numbered([one for day in days for one in day])

    bench.writer.write(poll_of(samples))

    assert days_of(bench) == [("2025-10-10", 20), ("2025-10-12", 30)]
    assert in_table(bench.store) == 19
    assert len(all_samples(bench.store)) == 69
    written = pa.concat_tables(
        pq.read_table(path, schema=MOVED_SCHEMA) for path in files_of(bench.store)
    )
    assert len(set(written.column("generation").to_pylist())) == 2


def test_a_day_ends_at_midnight_utc_and_is_one_file(bench: Bench) -> None:
    bench.writer.write(poll_of(numbered([at(-60), at(0), at(DAY - 60)])))
    assert days_of(bench) == [("2025-10-09", 1), ("2025-10-10", 2)]

    bench.writer.write(poll_of(numbered([at(DAY), at(2 * DAY - 60)], 3)))
    assert days_of(bench)[2:] == [("2025-10-11", 2)]
    assert in_table(bench.store) == 0


@pytest.mark.parametrize(("apart", "table"), [(2, 0), (3, 2)])
def test_a_poll_that_spans_years_goes_to_the_table(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, apart: int, table: int
) -> None:
    monkeypatch.setattr(straight, "_DAYS_MAX", 3)

    bench.writer.write(poll_of(numbered([at(-apart * DAY), at(0)])))

    assert in_table(bench.store) == table
    assert len(all_samples(bench.store)) == 2


def test_a_file_of_a_poll_that_did_not_come_is_removed(bench: Bench) -> None:
    first, promised, came = (poll_of(numbered(minutes(30 * n, 30), 30 * n)) for n in range(3))

    bench.writer.write(first, followed_by(promised))
    bench.writer.write(came)

    assert len(files_of(bench.store)) == len(live_files(bench.store)) == 2
    assert len(all_samples(bench.store)) == 60


@pytest.mark.parametrize("ahead", [False, True])
def test_what_was_worked_out_ahead_is_stored_while_its_file_is_written(
    folder: Path, ahead: bool
) -> None:
    first, second = (poll_of(numbered(minutes(30 * n, 30), 30 * n)) for n in range(2))
    bench = Bench(folder, Noting)
    assert isinstance(bench.writer, Noting)
    bench.writer.write(first, followed_by(second)) if ahead else bench.writer.write(first)
    bench.writer.points.clear()

    bench.writer.write(second)

    points = bench.writer.points
    last = points.index("before samples") > points.index("after spans")
    assert last == ahead
    assert points.index("after samples") < points.index("before progress")
    assert len(all_samples(bench.store)) == 60
    bench.store.close()


def test_a_file_says_which_columns_have_nulls_and_is_read_beside_others(bench: Bench) -> None:
    polls = [
        numbered(minutes(0, 30)),
        numbered(minutes(30, 30, latency_us=None, loss_ppm=1_000_000), 30),
    ]
    for samples in polls:
        bench.writer.write(poll_of(samples))
    paths = files_of(bench.store)
    files = [pq.read_schema(path).field("latency_us").nullable for path in paths]
    every = np.array([0]), np.array([2**62])

    moved = moved_within(bench.store.writer, *every)

    assert sorted(files) == [False, True]
    assert moved.files == 2
    read: Any = moved.table
    latency = read.to_table().sort_by("observed_at_us").column("latency_us").to_pylist()
    assert latency == [*(1_000 + n for n in range(30)), *[None] * 30]
    together = pa.concat_tables(pq.read_table(path, schema=MOVED_SCHEMA) for path in paths)
    assert together.column("latency_us").null_count == 30  # as files are merged


def test_a_full_disk_writes_nothing_of_the_poll_and_says_so(folder: Path) -> None:
    bench = Bench(folder, FullDisk)

    with pytest.raises(StoreError, match="No space left"):
        bench.writer.write(poll_of(numbered(minutes(0, 30))))

    assert (in_table(bench.store), live_files(bench.store)) == (0, [])
    assert bench.writer.next_offsets() == {}
    bench.store.close()


def test_minutes_that_wait_are_rebuilt_from_files_at_a_start(folder: Path) -> None:
    polls = [poll_of(numbered(minutes(4 * n, 4), 4 * n)) for n in range(3)]
    found = []
    for name, restarts in (("one", False), ("other", True)):
        (folder / name).mkdir()
        bench = Bench(folder / name)
        bench.writer.write(polls[0])
        bench.writer.write(polls[1])
        if restarts:
            bench.store.close()
            bench = Bench(folder / name)
        bench.writer.write(polls[2])
        bench.writer.write(idle_poll(range(8), 3_000))
        found.append({table: table_of(bench.store, table) for table in SAME})
        bench.store.close()

    assert found[0] == found[1]
    assert all(found[0][table] for table in (SAME[0], SAME[-1]))


def test_what_came_straight_says_nothing_of_how_far_moving_is(folder: Path) -> None:
    vars(straight)["ROWS_MIN"] = 10**9
    bench = Bench(folder)
    bench.writer.write(poll_of(numbered(minutes(0, 720))))
    vars(straight)["ROWS_MIN"] = 1
    bench.writer.write(poll_of(numbered(minutes(720, 720), 720)))
    bench.writer.write(idle_poll(range(8), 40_000))
    bench.store.close()

    again = Bench(folder)
    again.keep_house(hot_hours=1)

    hours = [name[:13] for name, _ in live_files(again.store)]
    assert len(hours) == 3  # two hours that were moved one by one, and what came straight
    assert len(set(hours)) == 3
    assert len(all_samples(again.store)) == 1_440
    again.store.close()


WIDTHS = {"int16": 2**15, "int32": 2**31, "int64": 2**63, "uint8": 2**8}


@settings(max_examples=60, deadline=None)
@given(data=st.data(), rows=st.integers(1, 400))
def test_every_value_is_read_from_a_file_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, rows: int
) -> None:
    chance = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    columns: dict[str, pa.Array] = {}
    for column in MOVED_SCHEMA:
        if column.type == pa.string():
            words = chance.choice(["", "a", "Ä" * 300], rows)
            columns[column.name] = pa.array(words.tolist(), mask=chance.random(rows) < 0.3)
            continue
        top = WIDTHS[str(column.type)]
        low = 0 if str(column.type) == "uint8" else -top
        wild = [chance.integers(low, top - 1, endpoint=True) for _ in range(rows)]
        extremes = [int(chance.choice([low, low + 1, top - 2])) for _ in range(rows)]
        values = np.where(chance.random(rows) < 0.5, wild, extremes)
        if column.name == "observed_at_us":  # names the file, so within the years there are
            values = values % (4 * 10**15)
        columns[column.name] = pa.array(values, column.type, mask=chance.random(rows) < 0.1)
    columns["observed_at_us"] = columns["observed_at_us"].fill_null(0)
    table = pa.table(columns, schema=MOVED_SCHEMA)
    store = TelemetryStore(tmp_path_factory.mktemp("one") / "t.duckdb")
    files = SampleFiles(store)
    files.folder.mkdir(parents=True, exist_ok=True)

    file = files.write(table, 7, lambda _: None, "file")

    assert pq.read_table(files.folder / file.name, schema=MOVED_SCHEMA).equals(table)
    assert file.bytes == (files.folder / file.name).stat().st_size
