"""The housekeeper: short steps, weeks of data, the same answers as without it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from linksla.clock import ManualClock
from linksla.meters import Meters
from linksla.model import Poll
from linksla.settings import RetentionSettings, StorageSettings
from linksla.stores import TelemetryStore
from linksla.wire import partition_of
from processors.compaction import RollupCompactor
from processors.housekeeping import Done, Housekeeper
from processors.minutes import MinuteFolder, Pieces
from sla.performance import Asked, read_observed
from sla.telemetry import ChannelRow
from tests.unit.processors_support import (
    DAY,
    MIDNIGHT,
    US,
    Sample,
    at,
    circuit,
    numbered,
    poll_of,
    table_of,
    watermark_to,
    writer_of,
)

CHANNELS = ("a", "b", "c")


def sample_of(channel: str, second: int) -> Sample:
    """Return a coarse sample, with an outage of an hour every ninth day."""
    day, hour = second // DAY, second % DAY // 3_600
    down = day % 9 == 3 and hour == 5
    return at(
        second,
        channel=channel,
        interval_us=600 * US,
        latency_us=None if down else 2_000 + second // 600 % 50 * len(channel),
        loss_ppm=1_000_000 if down else 0,
        bgp_state=1 if down else 6,
    )


def weeks_of_polls(weeks: int) -> list[Poll]:
    """Return polls of a day each; every third brings yesterday's late, twice and in conflict."""
    polls, offset, held = [], 0, []
    for day in range(weeks * 7):
        today = [
            sample_of(channel, day * DAY + second)
            for second in range(0, DAY, 600)
            for channel in CHANNELS
        ]
        late = []
        if day % 3 == 0:
            held, today = today[20:26], today[:20] + today[26:]
        elif held:
            late = [*held, held[0], replace(held[1], sequence=3, loss_ppm=300_000)]
            held = []
        samples = numbered([*today, *late], offset)
        offset += len(samples)
        polls.append(poll_of(samples))
    return polls


def judged_from(store: TelemetryStore) -> dict[str, list[tuple[object, ...]]]:
    """Return all that verdicts are made of."""
    histogram = store.writer.execute(
        "select channel_key, start_s, bucket, sum(count) from latency_histogram group by all "
        "order by all"
    ).fetchall()
    names = ("spans", "rollups", "ledger", "channel_stands", "channel_seen", "offsets")
    return {"histogram": histogram} | {name: table_of(store, name) for name in names}


def file_bytes(store: TelemetryStore) -> int:
    assert store.path is not None
    return sum(path.stat().st_size for path in (store.path.parent / "samples").iterdir())


def rested(housekeeper: Housekeeper, steps_max: int = 100) -> None:
    for _ in range(steps_max):
        if not housekeeper.step(0.5).anything:
            return
    message = "there is always something to do"
    raise AssertionError(message)


def test_eight_weeks_keep_each_kind_of_data_for_its_time_and_change_no_answer(
    tmp_path: Path,
) -> None:
    polls = weeks_of_polls(8)
    plain = TelemetryStore(None)
    plain.start()
    without = writer_of(plain, circuit(channels=CHANNELS, grid=600))
    store = TelemetryStore(tmp_path / "t.duckdb")
    store.start()
    writer = writer_of(store, circuit(channels=CHANNELS, grid=600))
    clock = ManualClock(MIDNIGHT * US)
    keeper = Housekeeper(store, RetentionSettings(), StorageSettings(), clock, Meters())
    keeper.start()
    sizes = []
    for day, poll in enumerate(polls):
        assert without.write(poll) == writer.write(poll)
        clock.move_to((MIDNIGHT + (day + 1) * DAY) * US)
        rested(keeper)
        sizes.append(file_bytes(store))
        if day == 30:  # a restart in between
            store.close()
            store.start()
            writer = writer_of(store, circuit(channels=CHANNELS, grid=600))
            keeper = Housekeeper(store, RetentionSettings(), StorageSettings(), clock, Meters())
            keeper.start()

    assert judged_from(store) == judged_from(plain)
    ((oldest_file, files),) = store.writer.execute(
        "select min(first_us), count(*) from sample_files where removed_at_us is null"
    ).fetchall()
    kept_days = 56 - (oldest_file // US - MIDNIGHT) / DAY
    assert 41 <= kept_days <= 43
    assert files <= 43 * 25
    assert max(sizes[44:]) <= 1.1 * min(sizes[44:])  # no longer growing
    ((hot, oldest_hot),) = store.writer.execute(
        "select count(*), min(observed_at_us) from samples"
    ).fetchall()
    assert hot <= 3 * 3 * 6
    assert oldest_hot >= (MIDNIGHT + 56 * DAY - 3 * 3_600) * US
    ((first_span, first_minute),) = store.writer.execute(
        "select (select min(start_s) from spans), (select min(start_s) from rollups)"
    ).fetchall()
    assert (first_span, first_minute) == (MIDNIGHT, MIDNIGHT)
    ((parts, steps),) = store.writer.execute(
        "select count(*), count(distinct (channel_key, start_s)) from rollup_parts "
        "where start_s < $s",
        {"s": MIDNIGHT + 54 * DAY},
    ).fetchall()
    assert parts < steps * 1.01
    store.close()
    plain.close()


def test_a_day_is_compacted_in_pieces_and_sorted_by_channel(memory_store) -> None:
    writer = writer_of(memory_store, circuit(channels=CHANNELS))
    for first in range(0, 3 * DAY, 7_200):
        samples = [sample_of(c, first + n) for n in range(0, 7_200, 60) for c in CHANNELS]
        writer.write(poll_of(numbered(samples, first)))
    before = judged_from(memory_store)
    points: list[str] = []
    compactor = RollupCompactor(memory_store, points.append)
    compactor.start()
    watermark_us = (MIDNIGHT + 2 * DAY + 7_200) * US
    pieces = []
    while rows := compactor.compact(watermark_us, 4_000):
        pieces.append(rows)

    assert judged_from(memory_store) == before
    assert sum(pieces) == 2 * (3 * 1_440 + 1)
    assert max(pieces) == 2 * 1_440
    assert points.count("before compaction committed") == 4
    ((in_order, closed),) = memory_store.writer.execute(
        "select count(*) filter (where k >= before), count(*) from (select channel_key as k, "
        "lag(channel_key, 1, 0) over (order by start_s // 86400, rowid) as before, start_s "
        f"from rollup_parts where start_s < {MIDNIGHT + DAY})"
    ).fetchall()
    assert (in_order, closed) == (3 * 1_440, 3 * 1_440)


@pytest.mark.parametrize("steps_max", [2_000, 50_000, 10_000_000], ids=["5 min", "hour", "day"])
def test_no_piece_has_more_rows_than_it_may_however_large_the_network(
    memory_store, steps_max: int
) -> None:
    channels = tuple(f"c{n}" for n in range(40))
    writer = writer_of(memory_store, circuit(channels=channels, grid=60))
    for first in range(DAY - 3 * 3_600, DAY + 10_800, 1_800):
        samples = [sample_of(c, first + n) for n in range(0, 1_800, 60) for c in channels]
        for late, part in enumerate((samples[::2], samples[1::2])):
            writer.write(poll_of(numbered(part, first * 100 + late * len(part))))
    watermark_to(writer, DAY + 10_800)
    before = judged_from(memory_store)
    compactor = RollupCompactor(memory_store, lambda _point: None, steps_max=steps_max)
    compactor.start()
    pieces = []
    while rows := compactor.compact((MIDNIGHT + DAY + 7_200) * US, 1_000):
        pieces.append(rows)

    assert max(pieces) <= 1_000
    assert sum(pieces) >= 40 * 180 * (1 + (steps_max < 10_000_000) + (steps_max < 2_400))
    assert judged_from(memory_store) == before
    ((out_of_order,),) = memory_store.writer.execute(
        "select count(*) filter (where k < before) from (select channel_key as k, "
        "lag(channel_key, 1, 0) over (order by rowid) as before "
        f"from rollup_parts where start_s < {MIDNIGHT + DAY})"
    ).fetchall()
    assert out_of_order == 0


def test_parts_of_a_step_become_one_row_with_the_same_sums(memory_store) -> None:
    writer = writer_of(memory_store, circuit())
    for number, second in enumerate((0, 10, 20, 30)):
        few = [at(second, latency_us=5 + number, rx_bps=2**62), at(DAY + 7_300 + second)]
        writer.write(poll_of(numbered(few, 2 * number)))
    before = judged_from(memory_store)
    compactor = RollupCompactor(memory_store, lambda _point: None)
    compactor.start()
    while compactor.compact((MIDNIGHT + DAY + 7_200) * US, 10_000):
        pass

    assert judged_from(memory_store) == before
    rows = memory_store.writer.execute(
        "select samples, latency_sum_us, rx_sum_bps from rollup_parts where start_s < $s",
        {"s": MIDNIGHT + DAY},
    ).fetchall()
    assert rows == [(4, 26, 4 * 2**62)]


@pytest.mark.parametrize(
    "point",
    ["rollup_parts taken out", "before compaction committed"],
)
def test_a_compaction_cut_short_changes_nothing_and_is_done_again(memory_store, point) -> None:
    writer = writer_of(memory_store, circuit(channels=CHANNELS))
    samples = [sample_of(c, n) for n in range(0, 2 * DAY, 600) for c in CHANNELS]
    writer.write(poll_of(numbered(samples)))
    before = judged_from(memory_store)

    def killed(passed: str) -> None:
        if passed == point:
            raise KeyboardInterrupt

    compactor = RollupCompactor(memory_store, killed)
    compactor.start()
    with pytest.raises(KeyboardInterrupt):
        compactor.compact((MIDNIGHT + 2 * DAY) * US, 10_000)
    assert judged_from(memory_store) == before
    again = RollupCompactor(memory_store, lambda _point: None)
    again.start()
    done = [again.compact((MIDNIGHT + 2 * DAY) * US, 10_000) for _ in range(3)]
    assert done == [432, 1, 0]
    assert judged_from(memory_store) == before


class TickingClock(ManualClock):
    """Moves on by 0.2 s whenever it is asked."""

    def monotonic_seconds(self) -> float:
        self.move_to(self.now_us() + US // 5)
        return super().monotonic_seconds()


def test_a_step_begins_no_piece_that_would_not_fit(tmp_path: Path) -> None:
    store = TelemetryStore(tmp_path / "t.duckdb")
    store.start()
    writer_of(store, circuit(channels=CHANNELS)).write(weeks_of_polls(1)[0])
    clock = TickingClock()
    keeper = Housekeeper(store, RetentionSettings(), StorageSettings(), clock, Meters())
    keeper.start()
    done = [keeper.step(1.0) for _ in range(10)]

    assert sum(one.moved for one in done) > 0
    # Pieces of 0.2 s; each of the eight jobs looks at the clock, which moves on by 0.2 s.
    assert max(one.seconds for one in done) < 3.21
    store.close()


class SlowClock(ManualClock):
    """Moves on by 0.4 s whenever it is asked: every piece takes most of a step."""

    def monotonic_seconds(self) -> float:
        self.move_to(self.now_us() + 2 * US // 5)
        return super().monotonic_seconds()


def test_slow_pieces_are_done_all_the_same_and_every_job_gets_its_turn(tmp_path: Path) -> None:
    store = TelemetryStore(tmp_path / "t.duckdb")
    store.start()
    writer = writer_of(store, circuit(channels=CHANNELS))
    for poll in weeks_of_polls(1):
        writer.write(poll)
    keeper = Housekeeper(store, RetentionSettings(), StorageSettings(), SlowClock(), Meters())
    keeper.start()
    done = [keeper.step(0.5) for _ in range(12)]
    assert min(sum(one.compacted for one in done), sum(one.moved for one in done)) > 0

    rested(keeper, 1_000)
    ((hot,),) = store.writer.execute("select count(*) from samples").fetchall()
    assert hot <= 3 * 3 * 6
    store.close()


class BigLog(TelemetryStore):
    """Says its log is large until a checkpoint succeeds."""

    size = 300 << 20
    blocked = True

    @property
    def wal_bytes(self) -> int:
        return self.size

    def checkpoint(self) -> bool:
        if not self.blocked:
            self.size = 0
        return not self.blocked


def test_a_large_log_is_checkpointed_and_alarmed_while_that_does_not_help() -> None:
    store = BigLog(None)
    store.start()
    meters = Meters()
    keeper = Housekeeper(store, RetentionSettings(), StorageSettings(), ManualClock(), meters)
    keeper.start()
    assert keeper.step(0.5) == Done(checkpointed=True)
    assert [one.name for one in keeper.conditions() if one.holds] == ["wal_large"]
    assert (meters.value("linksla_wal_bytes"), meters.value("linksla_wal_alarm")) == (300 << 20, 1)

    store.blocked = False
    keeper.step(0.5)
    assert not any(one.holds for one in keeper.conditions())
    assert meters.value("linksla_wal_alarm") == 0
    store.close()


class SomeDisk(TelemetryStore):
    """A disk whose free space the test decides."""

    free = 0

    def free_bytes(self) -> int | None:
        return self.free


def test_below_the_floor_there_is_no_room_until_a_tenth_more_is_free() -> None:
    store, meters = SomeDisk(None), Meters()
    storage = StorageSettings(free_bytes_min=1_000)
    keeper = Housekeeper(store, RetentionSettings(), storage, ManualClock(), meters)
    answers = []
    for free in (1_000, 999, 1_050, 1_100, 1_050):
        store.free = free
        answers.append(keeper.has_room())

    assert answers == [True, False, False, True, True]
    assert meters.value("linksla_disk_free_bytes") == 1_050


def test_partitions_far_apart_are_moved_once_each_and_found(tmp_path: Path) -> None:
    """A partition read after the others brings weeks of samples behind what was moved."""
    other = next(f"Y{n}" for n in range(99) if partition_of(f"Y{n}") != partition_of("X"))
    store = TelemetryStore(tmp_path / "t.duckdb")
    store.start()
    writer = writer_of(store, circuit(), circuit(other))
    keeper = Housekeeper(store, RetentionSettings(), StorageSettings(), ManualClock(), Meters())
    keeper.start()
    for name in ("X", other):
        samples = [at(n, circuit_id=name) for n in range(0, 2 * DAY, 600)]
        writer.write(poll_of(numbered(samples)))
        rested(keeper)
    again = writer.write(poll_of(numbered([at(600, circuit_id=other), at(600)], 9_000)))

    ((hot,),) = store.writer.execute("select count(*) from samples").fetchall()
    ((moved,),) = store.writer.execute("select sum(rows) from sample_files").fetchall()
    assert again.duplicate == 2
    assert hot + moved == 2 * 288
    store.close()


def test_minutes_fold_to_days_and_every_objective_is_what_it_was(memory_store) -> None:
    channels = ("a", "b")
    writer = writer_of(memory_store, circuit(channels=channels))
    for day in range(3):
        samples = [
            replace(sample_of(c, day * DAY + n), latency_us=n % 977 + len(c), jitter_us=n % 13)
            for n in range(0, DAY, 60)
            for c in channels
        ]
        writer.write(poll_of(numbered(samples, day * 10_000)))
    watermark_to(writer, 3 * DAY + 600)
    # A month that begins at 06:00 of the first day and ends at 06:00 of the third; an outage.
    begins, ends = MIDNIGHT + 6 * 3_600, MIDNIGHT + 2 * DAY + 6 * 3_600
    outage = (MIDNIGHT + DAY + 7_260, MIDNIGHT + DAY + 7_560)
    pieces = ((begins, outage[0]), (outage[1], ends))

    def settled(names: Sequence[str], from_s: int, to_s: int) -> Mapping[str, Pieces]:
        assert names == ["X"]
        cut = [(max(a, from_s), min(b, to_s)) for a, b in pieces]
        return {"X": [(a, b) for a, b in cut if a < b]}

    keys = [ChannelRow("X", name, key, 0, None) for key, name in enumerate(channels, 1)]
    asked = [Asked(keys, pieces, 60)]
    (before,) = read_observed(memory_store.writer, asked)
    last_day = [row for row in table_of(memory_store, "rollups") if row[1] >= MIDNIGHT + 3 * DAY]
    watermark_us = (MIDNIGHT + 403 * DAY) * US
    folder = MinuteFolder(memory_store, lambda _point: None, RetentionSettings(), settled)
    folder.start()
    while folder.compact(watermark_us, 1_000):
        pass

    assert read_observed(memory_store.writer, asked) == [before]
    assert sum(one.latency_count for one in before) == 2 * (2 * 1_440 - 5)
    starts = memory_store.writer.execute(
        "select start_s from rollups where channel_key = 1 order by 1"
    ).fetchall()
    folded = [begins, MIDNIGHT + DAY, outage[1], MIDNIGHT + 2 * DAY]
    minutes = {MIDNIGHT + 60 * n for n in range(3 * 1_440)}
    minutes -= {minute for a, b in pieces for minute in range(a, b, 60)}
    assert [start for (start,) in starts] == sorted({*folded, *minutes})
    assert last_day == [r for r in table_of(memory_store, "rollups") if r[1] >= MIDNIGHT + 3 * DAY]


def test_minutes_that_a_sample_may_still_change_are_not_folded(memory_store) -> None:
    writer = writer_of(memory_store, circuit())
    writer.write(poll_of(numbered([at(n) for n in range(0, 2 * DAY, 600)])))
    retention = RetentionSettings(raw_days=60, minutes_days=32)
    folder = MinuteFolder(
        memory_store, lambda _point: None, retention, lambda *_: {"X": [(0, 1 << 40)]}
    )
    folder.start()

    assert folder.compact((MIDNIGHT + 62 * DAY) * US, 1_000) == 0
    assert folder.compact((MIDNIGHT + 63 * DAY) * US, 1_000) > 0


PART = """insert into rollup_parts
    select $key, $start_s, 1, 1, 5, 5, 5, 0, 1, 1, 1, 1, 0, 0, 1, 1, 1, 1, 1, 1, [7], [1]"""


@pytest.mark.parametrize("restarts", [False, True])
@pytest.mark.parametrize(
    ("looks_at", "rows_max", "pieces"),
    [(1, 1, 6), (3, 6, 6), (21, 6, 6), (1, 1_000, 6), (3, 1_000, 5), (21, 12, 3), (21, 1_000, 1)],
)
def test_channels_of_any_key_are_compacted_once_and_in_order(
    memory_store: TelemetryStore, looks_at: int, rows_max: int, pieces: int, restarts: bool
) -> None:
    writer_of(memory_store, circuit(channels=tuple(f"c{n}" for n in range(21))))
    keys, minutes = (1, 2, 5, 6, 9, 20), (2, 0, 1)
    for minute in minutes:
        for key in reversed(keys):
            for _ in range(2):  # each in two parts
                asked = {"key": key, "start_s": MIDNIGHT + 60 * minute}
                memory_store.writer.execute(PART, asked)
    points: list[str] = []

    class OfDays(RollupCompactor):
        narrower = ()

    def made() -> RollupCompactor:
        one = OfDays(memory_store, points.append, steps_max=looks_at * 1_440)
        one.start()
        return one

    compactor, rows = made(), []
    while done := compactor.compact((MIDNIGHT + DAY + 7_200) * US, rows_max):
        rows.append(done)
        if restarts:
            compactor = made()

    found = memory_store.writer.execute(
        "select channel_key, start_s, samples from rollup_parts order by rowid"
    ).fetchall()
    assert found == [(key, MIDNIGHT + 60 * n, 2) for key in keys for n in range(3)]
    assert points.count("compaction committed") == pieces
    assert rows[-1] == 1, "the day is done"
    assert sum(rows[:-1]) == len(keys) * len(minutes) * 2
