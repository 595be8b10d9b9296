"""What is read of packs and steps once, in whatever order it lies and however often it is asked."""

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from linksla.stores import TelemetryStore
from processors.blocks import write_packs
from processors.packs import Pack, packs_at, place_of
from sla.measured import Bins
from sla.measures import Totals
from sla.performance import Asked
from sla.readings import (
    Readings,
    _ahead,
    _whole_packs,
    days,
    read_days,
    read_steps,
    readings_of,
    rows_of_hours,
    without,
)
from sla.telemetry import ChannelRow
from tests.unit.processors_support import MIDNIGHT, Sample, at
from tests.unit.test_processors_blocks import CHANNELS, KEYS, by_place, made, written
from tests.unit.told_bench import circuit, facts

HOUR, DAY = 3_600, 86_400
PACK = 8 * DAY


def step(
    key: int, start: int, jitter: tuple[int, int, int], buckets: dict[int, int]
) -> list[object]:
    """Return a row of rollup_parts: jitter as count, sum and greatest, and counts of latency."""
    rx = jitter[1] * 2**40  # its sum is beyond 32 bits
    return [
        key, start, 1, sum(buckets.values()), 0, 0, 9, 0, *jitter, 0, 0, -1, jitter[0], rx, 7, 0, 0,
        -1, list(buckets), list(buckets.values()),
    ]  # fmt: skip


ROWS = [
    step(2, 120, (1, 10, 10), {5: 1}),
    step(1, 60, (2, 30, 20), {7: 2}),
    step(1, 120, (1, 8, 8), {3: 1, 4: 1}),
    step(2, 60, (1, 4, 4), {}),
    step(1, 120, (3, 4, 3), {4: 5}),  # the rest of the same step
]


def filled(store: TelemetryStore, rows: list[list[object]]) -> None:
    marks = ", ".join("?" * len(rows[0]))
    for row in rows:
        store.writer.execute(f"insert into rollup_parts values ({marks})", row)


@pytest.mark.parametrize("order", [[0, 1, 2, 3, 4], [4, 3, 2, 1, 0], [1, 2, 4, 3, 0], [1, 2, 3, 0]])
def test_steps_lie_by_channel_and_time_and_parts_of_one_are_together(
    memory_store, order: list[int]
) -> None:
    filled(memory_store, [ROWS[number] for number in order])

    found = read_steps(memory_store.writer, [1, 2], (60, 180))

    assert found.channel_key.tolist() == [1, 1, 2, 2]
    assert found.start_s.tolist() == [60, 120, 60, 120]
    whole = 4 in order
    rx_high, rx_low = found.whole[13], found.whole[14]
    assert found.whole[6].tolist() == [2, 4 if whole else 1, 1, 1]  # how many jitters
    assert found.whole[7].tolist() == [30, 12 if whole else 8, 4, 10]  # their sum
    assert found.whole[8].tolist() == [20, 8, 4, 10]  # the greatest
    assert [(high << 32) + low for high, low in zip(rx_high.tolist(), rx_low.tolist(), strict=True)
            ] == [30 << 40, (12 if whole else 8) << 40, 4 << 40, 10 << 40]  # fmt: skip
    np.testing.assert_array_equal(found.lows[0], [15, 3 if whole else 8, 4, 10])
    np.testing.assert_array_equal(found.lows[1], [math.nan] * 4)  # no loss was told
    np.testing.assert_array_equal(found.lows[2], [15 << 40, (3 if whole else 8) << 40, 4 << 40,
                                                  10 << 40])  # fmt: skip
    assert found.lengths.tolist() == [1, 3 if whole else 2, 0, 1]
    parts = np.split(found.bucket, np.cumsum(found.lengths)[:-1])
    assert [sorted(part.tolist()) for part in parts] == [
        [7], [3, 4, 4] if whole else [3, 4], [], [5],
    ]  # fmt: skip
    assert int(found.count.sum()) == 2 + 2 + 1 + (5 if whole else 0)


def test_steps_are_those_that_start_in_the_range_of_the_channels_asked(memory_store) -> None:
    filled(memory_store, ROWS)

    def places(keys: list[int], lower: int, upper: int) -> list[tuple[int, int]]:
        found = read_steps(memory_store.writer, keys, (lower, upper))
        return list(zip(found.channel_key.tolist(), found.start_s.tolist(), strict=True))

    assert places([1, 2], 60, 120) == [(1, 60), (2, 60)]
    assert places([1, 2], 61, 121) == [(1, 120), (2, 120)]
    assert places([2], 0, 999) == [(2, 60), (2, 120)]
    assert places([1, 3], 0, 999) == [(1, 60), (1, 120)]
    assert places([1, 2], 130, 999) == []


def test_a_step_of_an_older_store_without_lists_or_greatest_has_none(memory_store) -> None:
    bare = step(1, 60, (1, 8, 8), {})
    bare[10] = bare[-2] = bare[-1] = None
    filled(memory_store, [bare, step(1, 120, (1, 4, 4), {3: 2, 9: 1})])

    found = read_steps(memory_store.writer, [1], (0, 999))

    assert found.whole[8].tolist() == [-1, 4]
    assert found.lengths.tolist() == [0, 2]
    assert found.bucket.tolist() == [3, 9]
    assert found.count.tolist() == [2, 1]


def test_steps_far_apart_are_read_of_each_range(memory_store) -> None:
    later = [step(1, second, (1, second, second), {}) for second in (36_000, 72_000, 72_060)]
    filled(memory_store, [*ROWS, *later])
    bins = Bins(0, 108_000, 36_000)
    readings = Readings(memory_store.writer, (1, 2), 60)

    pieces = [(60, 120), (36_000, 36_060), (72_000, 72_060)]
    assert by_place(readings.rows(pieces, in_hours=False).lines("jitter", bins)) == {
        (1, 0): (15.0, 15.0, 20.0), (2, 0): (4.0, 4.0, 4.0), (1, 1): (36_000.0,) * 3,
        (1, 2): (72_000.0,) * 3,
    }  # fmt: skip
    assert by_place(readings.rows([(72_060, 72_120)], in_hours=False).lines("jitter", bins)) == {
        (1, 2): (72_060.0,) * 3
    }


def two_days() -> list[Sample]:
    return [
        at(second, channel=channel, latency_us=1_000 + second // 600, jitter_us=second // HOUR)
        for second in range(0, 2 * DAY, 1_800)
        for channel in CHANNELS
        if channel != "b" or second >= HOUR
    ]


@pytest.fixture(scope="module")
def packed() -> Iterator[TelemetryStore]:
    """Return a store whose hours are in one pack, and nowhere else; nobody writes into it."""
    store = TelemetryStore(None)
    store.start()
    written(store, two_days())
    made(store, watermark=2 * DAY, rows=100_000)
    begins = MIDNIGHT // PACK * PACK  # the longest there is, of eight days
    hours = packs_at(store.writer, min(KEYS), begins, MIDNIGHT + 2 * DAY)
    store.writer.execute("delete from rollup_packs")
    whole = Pack.together([pack for _, _, pack in hours])
    write_packs(store.writer, [(place_of(min(KEYS), begins), begins, whole)])
    store.writer.execute("delete from rollup_parts")
    yield store
    store.close()


WHOLE = Bins(MIDNIGHT, MIDNIGHT + 2 * DAY, DAY)


def jitters(
    readings: Readings, *pieces: tuple[int, int]
) -> dict[tuple[int, int], tuple[float, float, float]]:
    ranges = [(MIDNIGHT + lower, MIDNIGHT + upper) for lower, upper in pieces]
    return by_place(readings.rows(ranges).lines("jitter", WHOLE))


def test_no_hour_of_a_pack_counts_twice_whatever_was_asked_before(packed) -> None:
    fresh = jitters(Readings(packed.writer, KEYS, 60), (0, 2 * DAY - HOUR))
    asked = Readings(packed.writer, KEYS, 60)
    first = jitters(asked, (HOUR, 2 * HOUR))

    assert first == {(key, 0): (1.0, 1.0, 1.0) for key in KEYS}
    assert jitters(asked, (0, 2 * DAY - HOUR)) == fresh
    assert fresh[1, 0] == (0.0, 11.5, 23.0)  # 2 of each hour's number
    assert fresh[2, 0] == (1.0, 12.0, 23.0)
    assert fresh[3, 1] == (24.0, 35.0, 46.0)  # the last hour was not asked for
    ranges = [(MIDNIGHT, MIDNIGHT + HOUR), (MIDNIGHT + DAY, MIDNIGHT + DAY + HOUR)]
    rows = rows_of_hours(packed.writer, list(KEYS), ranges)
    assert by_place(rows.lines("jitter", WHOLE)) == {
        (1, 0): (0.0, 0.0, 0.0), (3, 0): (0.0, 0.0, 0.0),
        **{(key, 1): (24.0, 24.0, 24.0) for key in KEYS},
    }  # fmt: skip


def test_hours_are_those_of_the_channels_asked_in_whatever_order(packed) -> None:
    everything = jitters(Readings(packed.writer, KEYS, 60), (0, DAY))

    for keys in ((3, 1, 2), (1, 2), (2, 1), (1, 3)):
        found = jitters(Readings(packed.writer, keys, 60), (0, DAY))
        assert found == {at: point for at, point in everything.items() if at[0] in keys}
    assert Readings(packed.writer, (), 60).rows([(MIDNIGHT, MIDNIGHT + DAY)]).parts == ()


def test_what_is_observed_is_of_channels_that_were_measured(packed) -> None:
    channels = [ChannelRow("X", name, key, 0, None) for key, name in enumerate(CHANNELS, 1)]
    hour = [(MIDNIGHT, MIDNIGHT + HOUR)]

    found = Readings(packed.writer, KEYS, 60).observed(Asked(channels, hour, 60, throughput=True))

    assert [one.name for one in found] == ["a", "c"]
    for one in found:
        assert one.totals("latency") == Totals(2, 1_000 + 1_003, 1_003)
        assert one.totals("jitter") == Totals(2, 0, 0)
        assert one.totals("loss") == Totals(2, 0, 0)
        assert one.totals("throughput_rx") == Totals(0, 0, 0)
        assert sum(one.counts("latency").values()) == 2
    later = [(MIDNIGHT + 5 * HOUR, MIDNIGHT + 6 * HOUR)]
    (first, *_) = Readings(packed.writer, KEYS, 60).observed(Asked(channels, later, 60))
    assert first.totals("jitter") == Totals(2, 10, 5)
    assert Readings(packed.writer, KEYS, 60).observed(Asked(channels[1:2], hour, 60)) == ()


def test_a_day_of_packs_holds_what_begins_in_it(packed) -> None:
    found = read_days(packed.writer, list(KEYS), (MIDNIGHT, MIDNIGHT + DAY))

    assert (found.start_s.min(), found.start_s.max()) == (MIDNIGHT, MIDNIGHT + DAY - HOUR)
    assert len(found) == 3 * 24 - 1


def test_hours_are_read_of_steps_that_make_them_up_and_single_steps_when_asked(packed) -> None:
    day = [(MIDNIGHT, MIDNIGHT + DAY)]

    assert len(Readings(packed.writer, KEYS, 60).rows(day).parts) == 1
    assert len(Readings(packed.writer, KEYS, HOUR).rows(day).parts) == 1
    assert Readings(packed.writer, KEYS, 420).rows(day).parts == ()
    assert Readings(packed.writer, KEYS, 2 * HOUR).rows(day).parts == ()
    assert Readings(packed.writer, KEYS, 60).rows(day, in_hours=False).parts == ()


def test_where_nothing_was_measured_no_line_says_anything(packed) -> None:
    bins = Bins(MIDNIGHT, MIDNIGHT + 2 * HOUR, HOUR)
    readings = Readings(packed.writer, KEYS, 60)

    for metric, first in (("jitter", 0.0), ("loss", 0.0), ("throughput_rx", math.nan)):
        found = readings.rows([(bins.start_s, bins.end_s)]).lines(metric, bins)
        for line in (found.low, found.middle, found.high):
            assert line.shape == (3, 2)
            np.testing.assert_array_equal(line[0, 0], first)
            assert math.isnan(line[1, 0]), "b is silent in the first hour"


def test_readings_are_shared_by_all_who_ask_of_the_same_facts(memory_store) -> None:
    one, known = circuit(), facts()
    apart = [readings_of(memory_store.writer, known, one) for _ in range(2)]
    assert apart[0] is not apart[1]

    shared = replace(known, readings={})
    first = readings_of(memory_store.writer, shared, one)
    assert readings_of(memory_store.writer, shared, one) is first
    assert shared.readings == {"C": first}


@pytest.mark.parametrize(
    ("known", "left"),
    [
        ([], [(0, 10), (20, 30)]), ([(0, 5)], [(5, 10), (20, 30)]), ([(5, 10)], [(0, 5), (20, 30)]),
        ([(0, 10)], [(20, 30)]), ([(10, 20)], [(0, 10), (20, 30)]), ([(2, 4), (6, 22)],
         [(0, 2), (4, 6), (22, 30)]), ([(-5, 40)], []), ([(30, 40)], [(0, 10), (20, 30)]),
    ],
)  # fmt: skip
def test_what_is_left_of_ranges_has_seconds(
    known: list[tuple[int, int]], left: list[tuple[int, int]]
) -> None:
    assert without([(0, 10), (20, 30)], known) == left


def test_days_and_packs_of_ranges() -> None:
    assert days([(5, 6), (DAY - 1, DAY), (3 * DAY, 3 * DAY + 1)]) == [
        (0, DAY), (3 * DAY, 4 * DAY),
    ]  # fmt: skip
    assert days([(DAY - 1, DAY + 1)]) == [(0, 2 * DAY)]
    assert days([(DAY, DAY + 1), (DAY + 2, 2 * DAY + 1)]) == [(DAY, 3 * DAY)]
    assert _whole_packs([(PACK + 3 * DAY, PACK + 3 * DAY + 1)]) == [(PACK, PACK + 4 * DAY)]
    assert _whole_packs([(5, 6), (2 * DAY, 3 * DAY)]) == [(0, 3 * DAY)]
    assert _whole_packs([(5, 6), (PACK + DAY, PACK + 2 * DAY)]) == [
        (0, DAY), (PACK, PACK + 2 * DAY),
    ]  # fmt: skip
    assert _ahead([(1, 2), (5, 9)]) == [(1, 2), (5, 9 + HOUR)]
    assert _ahead([(1, 2), (3, 4), (5, 9)]) == [(1, 2), (3, 4), (5, 9 + HOUR)]
    assert _ahead([]) == []
