"""What the store answers of rollup steps, of many questions at once: each its own steps."""

from collections import Counter
from collections.abc import Iterator

import duckdb
import pytest

from linksla.stores import TelemetryStore
from processors.blocks import STAND
from processors.buckets import DISTRIBUTIONS
from sla.measures import Totals
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
            n, total, most = len(marks), sum(marks), max(marks)
            assert of.totals("latency") == Totals(n, total + 1000 * n, most + 1000)
            assert of.totals("jitter") == Totals(2 * n, total + 2000 * n, most + 2000)
            assert of.totals("loss") == Totals(3 * n, total + 3000 * n, most + 3000)
            assert of.lost_count == n
            assert dict(of.latency_buckets) == Counter(mark // 2 for mark in marks)
            rates = {
                "throughput_rx": Totals(4 * n, total + 4000 * n, most + 4000),
                "throughput_tx": Totals(5 * n, total + 5000 * n, most + 5000),
            }
            assert dict(of.throughput) == (rates if number in (0, 4) else {})


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


@pytest.fixture
def blocks(memory_store: TelemetryStore) -> Iterator[duckdb.DuckDBPyConnection]:
    writer = memory_store.writer
    for key in (1, 2, 3, 9):
        for hour in range(10):  # every number tells channel and hour
            mark = 10 * key + hour
            sums = [more + mark for more in (1000, 2000, 3000, 4000, 5000)]
            latency, jitter, loss, rx, tx = sums
            writer.execute(
                "insert into rollup_blocks values (?, ?, 1, ?, ?, 1, 2, ?, ?, 0, 3, ?, ?, 0, "
                "4, ?, ?, 0, 5, ?, ?, 0, ?, ?)",
                [key, HOUR * hour, latency, latency, jitter, jitter, loss, loss, rx, rx, tx, tx,
                 [mark // 2, 200], [1, 7]],
            )  # fmt: skip
    writer.execute("insert into housekeeping values (?, ?)", [STAND, 10 * HOUR])
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
            n, total, most = len(marks), sum(marks), max(marks)
            assert of.totals("latency") == Totals(n, total + 1000 * n, most + 1000)
            assert of.totals("jitter") == Totals(2 * n, total + 2000 * n, most + 2000)
            assert of.totals("loss") == Totals(3 * n, total + 3000 * n, most + 3000)
            assert of.lost_count == n
            assert dict(of.latency_buckets) == Counter(mark // 2 for mark in marks) | {200: 7 * n}
            rates = {
                "throughput_rx": Totals(4 * n, total + 4000 * n, most + 4000),
                "throughput_tx": Totals(5 * n, total + 5000 * n, most + 5000),
            }
            assert dict(of.throughput) == (rates if number in (0, 3) else {})
