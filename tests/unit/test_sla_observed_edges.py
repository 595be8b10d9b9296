"""What the store answers of rollup steps, of many questions at once: each its own steps."""

import random
from collections import Counter
from collections.abc import Iterator, Mapping

import duckdb
import numpy as np
import pytest

from linksla.stores import TelemetryStore
from processors.blocks import STAND, write_packs
from processors.buckets import DISTRIBUTIONS
from processors.packs import COLUMNS, LOWS, Pack, place_of
from sla import few_steps, observed
from sla.few_steps import are_few, read_few
from sla.measures import Observed, Totals
from sla.observed import _by_channel, _together, observed_of
from sla.observing import ReadObserved
from sla.performance import (
    Asked,
    read_observed,
)
from sla.telemetry import ChannelRow

METRICS = tuple(DISTRIBUTIONS)
BOTH_WAYS = pytest.mark.parametrize("read", [read_observed, read_few])


@pytest.fixture
def cursor(memory_store: TelemetryStore) -> Iterator[duckdb.DuckDBPyConnection]:
    writer = memory_store.writer
    for key in (1, 2, 3):
        for step in range(10):  # 60 s each; every number tells channel and step
            mark = 10 * key + step
            writer.execute(
                "insert into rollup_parts values "
                "(?, ?, 1, 1, ?, null, ?, 1, 2, ?, ?, 3, ?, ?, 4, ?, ?, 5, ?, ?, [?], [1])",
                [key, 60 * step, *(more + mark for more in
                 (1000, 1000, 2000, 2000, 3000, 3000, 4000, 4000, 5000, 5000)), mark // 2],
            )  # fmt: skip
    with memory_store.reader() as reader:
        yield reader


def rows(*keys: int) -> list[ChannelRow]:
    return [ChannelRow("C", f"ch{key}", key, 0, None) for key in keys]


def assert_observed(
    of: Observed, marks: list[int], buckets: Mapping[int, int], *, throughput: bool
) -> None:
    """Hold an observation to the numbers that rows of these marks were written with."""
    n, total, most = len(marks), sum(marks), max(marks)
    assert of.totals("latency") == Totals(n, total + 1000 * n, most + 1000)
    assert of.totals("jitter") == Totals(2 * n, total + 2000 * n, most + 2000)
    assert of.totals("loss") == Totals(3 * n, total + 3000 * n, most + 3000)
    assert of.lost_count == n
    assert dict(of.latency_buckets) == buckets
    rates = {
        "throughput_rx": Totals(4 * n, total + 4000 * n, most + 4000),
        "throughput_tx": Totals(5 * n, total + 5000 * n, most + 5000),
    }
    assert dict(of.throughput) == (rates if throughput else {})


@BOTH_WAYS
def test_each_question_is_answered_from_its_own_steps_and_channels(
    cursor: duckdb.DuckDBPyConnection, read: ReadObserved
) -> None:
    asked = [
        Asked(rows(1), [(0, 120), (180, 240), (300, 420)], 60, throughput=True),
        Asked(rows(2, 3), [(480, 540)], 60),
        Asked(rows(1), [], 60),
        Asked([], [(0, 600)], 60),
        Asked(rows(3, 1), [(60, 180), (240, 300)], 60, throughput=True),
        Asked(rows(9), [(0, 600)], 60),
        Asked(rows(2), [(120, 600)], 120),
    ]

    found = read(cursor, asked)

    steps = [{1: (0, 1, 3, 5, 6)}, {2: (8,), 3: (8,)}, {}, {}, {1: (1, 2, 4), 3: (1, 2, 4)}, {},
             {2: (2, 3, 4, 5, 6, 7, 8)}]  # fmt: skip
    for number, (one, wanted) in enumerate(zip(found, steps, strict=True)):
        assert {of.name for of in one} == {f"ch{key}" for key in wanted}
        for of in one:
            key = int(of.name[2:])
            marks = [10 * key + step for step in wanted[key]]
            buckets = Counter(mark // 2 for mark in marks)
            assert_observed(of, marks, buckets, throughput=number in (0, 4))


@BOTH_WAYS
def test_where_nothing_is_asked_nothing_is_read(
    cursor: duckdb.DuckDBPyConnection, read: ReadObserved
) -> None:
    assert read(cursor, []) == []
    assert read(cursor, [Asked(rows(1), [], 60)]) == [()]
    ((one,),) = read(cursor, [Asked(rows(1), [(0, 60)], 60)])
    assert one.throughput == {}


@BOTH_WAYS
def test_throughput_that_was_never_measured_is_nothing(
    memory_store: TelemetryStore, read: ReadObserved
) -> None:
    memory_store.writer.execute(
        "insert into rollup_parts values "
        "(1, 0, 1, 1, 5, null, 5, 0, 0, 0, null, 0, 0, null, 0, 0, null, 0, 0, null, [5], [1])"
    )

    with memory_store.reader() as reader:
        ((one,),) = read(reader, [Asked(rows(1), [(0, 60)], 60, throughput=True)])

    assert [one.totals(name) for name in METRICS[1:]] == [Totals(0, 0, 0)] * 4


HOUR = 3_600


CIRCUITS = {1: (1, 3, 9), 2: (2, 3, 9), 3: (3, 9)}  # what is asked for, and channels beside it


def pack_of(keys: tuple[int, ...], hours: range) -> Pack:
    """Return blocks of which every number tells channel and hour."""
    where = [(key, hour) for hour in hours for key in keys]
    marks = np.array([10 * key + hour for key, hour in where])
    values = {
        "channel_key": [key for key, _ in where], "start_s": [HOUR * hour for _, hour in where],
        "latency_count": 1, "latency_sum_us": 1000 + marks, "latency_max_us": 1000 + marks,
        "lost_count": 1, "jitter_count": 2, "jitter_sum_us": 2000 + marks,
        "jitter_max_us": 2000 + marks, "loss_count": 3, "loss_sum_ppm": 3000 + marks,
        "loss_max_ppm": 3000 + marks, "rx_count": 4, "rx_sum_high": 0, "rx_sum_low": 4000 + marks,
        "rx_max_bps": 4000 + marks, "tx_count": 5, "tx_sum_high": 0, "tx_sum_low": 5000 + marks,
        "tx_max_bps": 5000 + marks,
    }  # fmt: skip
    n = len(marks)
    whole = [np.broadcast_to(np.array(values[name], np.int64), n) for name in COLUMNS]
    buckets = np.stack([marks // 2, np.full(n, 200)], axis=1)
    return Pack(
        np.stack(whole),
        np.zeros((len(LOWS), n)),
        np.full(n, 2),
        buckets.ravel().astype(np.int32),
        np.tile(np.array([1, 7]), n),
    )


@pytest.fixture
def blocks(memory_store: TelemetryStore) -> Iterator[duckdb.DuckDBPyConnection]:
    for circuit_key, keys in CIRCUITS.items():
        for hours in (range(6), *(range(hour, hour + 1) for hour in range(6, 10))):
            from_s = HOUR * hours[0]
            placed = (place_of(circuit_key, from_s), from_s, pack_of(keys, hours))
            write_packs(memory_store.writer, [placed])
    memory_store.writer.execute("insert into housekeeping values (?, ?)", [STAND, 10 * HOUR])
    with memory_store.reader() as reader:
        yield reader


def test_each_question_is_answered_from_its_own_hours_and_channels(
    blocks: duckdb.DuckDBPyConnection,
) -> None:
    asked = [
        Asked(rows(1), [(0, 2 * HOUR), (3 * HOUR, 4 * HOUR), (5 * HOUR, 7 * HOUR)], 60, True),
        Asked(rows(2, 3), [(8 * HOUR - 60, 9 * HOUR + 60)], 60),
        Asked(rows(1), [], 60),
        Asked(rows(3, 1), [(HOUR, 3 * HOUR), (4 * HOUR, 5 * HOUR)], 60, True),
        Asked(rows(3), [(2 * HOUR, 4 * HOUR)], 60),
    ]

    found = observed_of(blocks, asked)

    hours = [{1: (0, 1, 3, 5, 6)}, {2: (8,), 3: (8,)}, {}, {3: (1, 2, 4), 1: (1, 2, 4)},
             {3: (2, 3)}]  # fmt: skip
    for number, (one, wanted) in enumerate(zip(found, hours, strict=True)):
        assert [of.name for of in one] == [f"ch{key}" for key in wanted]
        for of in one:
            key = int(of.name[2:])
            marks = [10 * key + hour for hour in wanted[key]]
            buckets = Counter(mark // 2 for mark in marks) | {200: 7 * len(marks)}
            assert_observed(of, marks, buckets, throughput=number in (0, 3))


@pytest.mark.parametrize("seed", range(4))
def test_few_steps_come_to_what_the_database_sums(memory_store: TelemetryStore, seed: int) -> None:
    rng, writer = random.Random(seed), memory_store.writer

    def maybe(value: object) -> object:
        return None if rng.random() < 0.3 else value

    for _ in range(300):  # of many steps two parts or more
        buckets = maybe(sorted(rng.sample(range(3 * 4_096), 4)))
        sums = [rng.randrange(1 << 60) for _ in range(3)]
        writer.execute(
            "insert into rollup_parts values "
            "(?, ?, 1, 2, ?, null, ?, ?, 3, ?, ?, 4, ?, ?, 5, ?, ?, 6, ?, ?, ?, ?)",
            [rng.randrange(1, 7), 60 * rng.randrange(12), sums[0], maybe(rng.randrange(99)),
             rng.randrange(3), sums[1], maybe(rng.randrange(99)), sums[2], maybe(rng.randrange(99)),
             sums[0], maybe(9), sums[1], maybe(7), buckets,
             None if buckets is None else [rng.randrange(1, 99) for _ in buckets]],
        )  # fmt: skip
    asked = []
    for _ in range(8):
        cuts = [60 * at for at in sorted(rng.sample(range(13), 4))]
        pieces = [(cuts[0], cuts[1]), (cuts[2], cuts[3])][: rng.randrange(3)]
        asked.append(Asked(rows(*rng.sample(range(1, 9), 3)), pieces, 60, rng.random() < 0.5))

    found = read_few(writer, asked)

    assert found == read_observed(writer, asked)
    assert any(of.buckets for one in found for of in one)


def test_many_steps_are_the_databases(
    cursor: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    ways = []
    for name in ("read_few", "read_observed"):
        read = getattr(observed, name)
        monkeypatch.setattr(
            observed, name, lambda *a, read=read, name=name: (ways.append(name), read(*a))[1]
        )
    asked = [Asked(rows(1, 2), [(60, 180), (300, 600)], 60), Asked(rows(1), [], 60)]
    assert are_few(asked)
    few = observed_of(cursor, asked)
    monkeypatch.setattr(few_steps, "_ROWS_MAX", 18)  # 2 channels and 9 steps
    assert are_few(asked)
    monkeypatch.setattr(few_steps, "_ROWS_MAX", 17)

    assert not are_few(asked)
    assert observed_of(cursor, asked) == few
    assert ways == ["read_few", "read_observed"]


def test_whose_hours_are_blocks_is_asked_where_an_hour_is_whole_only(
    memory_store: TelemetryStore,
) -> None:
    writer = memory_store.writer
    writer.execute("drop table rollup_blocks_due")
    minutes = [(60, HOUR), (HOUR, 2 * HOUR - 60), (3 * HOUR - 60, 4 * HOUR - 60)]
    assert observed_of(writer, [Asked(rows(1), minutes, 60)]) == [()]

    for hour in ((HOUR, 2 * HOUR), (HOUR - 60, 2 * HOUR), (HOUR, 2 * HOUR + 60)):
        with pytest.raises(duckdb.CatalogException):
            observed_of(writer, [Asked(rows(1), minutes, 60), Asked(rows(2), [hour], 60)])
        with pytest.raises(duckdb.CatalogException):
            observed_of(writer, [Asked(rows(2), [(0, 60), hour], 60)])


def test_what_lies_in_half_an_hour_is_read_together_and_nothing_is_left_out() -> None:
    asked = Asked([], [], 60)

    def groups(*spans: tuple[int, int]) -> list[list[int]]:
        steps = [(span, number, asked) for number, span in enumerate(spans)]
        return [[number for number, _ in some] for some in _together(steps)]

    assert groups((0, 100), (1_700, 1_800)) == [[0, 1]]
    assert groups((0, 100), (1_700, 1_801)) == [[0], [1]]
    assert groups((1_700, 1_801), (0, 100), (0, 100)) == [[1, 2], [0]]
    assert groups((0, 9_999), (0, 9_999), (0, 10_000)) == [[0, 1], [2]]
    assert groups((0, 9_999), (10, 20)) == [[0], [1]]
    assert groups((50, 900), (800, 1_850), (1_849, 1_851)) == [[0, 1], [2]]
    assert groups((900, 1_000), (1_000, 1_100), (2_500, 2_700)) == [[0, 1, 2]]
    assert groups() == []


def test_parts_of_a_channel_are_one() -> None:
    rows = [ChannelRow("C", name, key, 0, None) for key, name in enumerate("abc", 1)]
    parts = [Observed(name, *([number] * 7), {5: number}) for name, number in
             (("b", 1), ("a", 2), ("b", 4), ("b", 8))]  # fmt: skip

    found = _by_channel(Asked(rows, [], 60), parts)

    assert [(one.name, one.latency_count, one.loss_max_ppm) for one in found] == [
        ("a", 2, 2), ("b", 13, 8),
    ]  # fmt: skip
    assert found[1].latency_buckets == {5: 13}
    assert _by_channel(Asked(rows, [], 60), parts[:1])[0] == parts[0]
    both = _by_channel(Asked(rows, [], 60), [parts[0], parts[2]])
    assert both[0].latency_count == 5
