"""What the store answers of rollup steps, of many questions at once: each its own steps."""

from collections import Counter
from collections.abc import Iterator, Mapping

import duckdb
import numpy as np
import pytest

from linksla.stores import TelemetryStore
from processors.blocks import STAND, write_packs
from processors.buckets import DISTRIBUTIONS
from processors.packs import COLUMNS, LOWS, Pack, place_of
from sla.measures import Observed, Totals
from sla.observed import observed_of
from sla.performance import (
    Asked,
    read_observed,
)
from sla.telemetry import ChannelRow

METRICS = tuple(DISTRIBUTIONS)


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


def test_each_question_is_answered_from_its_own_steps_and_channels(
    cursor: duckdb.DuckDBPyConnection,
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

    found = read_observed(cursor, asked)

    steps = [{1: (0, 1, 3, 5, 6)}, {2: (8,), 3: (8,)}, {}, {}, {1: (1, 2, 4), 3: (1, 2, 4)}, {},
             {2: (2, 3, 4, 5, 6, 7, 8)}]  # fmt: skip
    for number, (one, wanted) in enumerate(zip(found, steps, strict=True)):
        assert {of.name for of in one} == {f"ch{key}" for key in wanted}
        for of in one:
            key = int(of.name[2:])
            marks = [10 * key + step for step in wanted[key]]
            buckets = Counter(mark // 2 for mark in marks)
            assert_observed(of, marks, buckets, throughput=number in (0, 4))


def test_where_nothing_is_asked_nothing_is_read(cursor: duckdb.DuckDBPyConnection) -> None:
    assert read_observed(cursor, []) == []
    assert read_observed(cursor, [Asked(rows(1), [], 60)]) == [()]
    ((one,),) = read_observed(cursor, [Asked(rows(1), [(0, 60)], 60)])
    assert one.throughput == {}


def test_throughput_that_was_never_measured_is_nothing(memory_store: TelemetryStore) -> None:
    memory_store.writer.execute(
        "insert into rollup_parts values "
        "(1, 0, 1, 1, 5, null, 5, 0, 0, 0, null, 0, 0, null, 0, 0, null, 0, 0, null, [5], [1])"
    )

    with memory_store.reader() as reader:
        ((one,),) = read_observed(reader, [Asked(rows(1), [(0, 60)], 60, throughput=True)])

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
