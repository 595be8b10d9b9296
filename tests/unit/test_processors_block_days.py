"""Ordering blocks changes where they lie and nothing else, wherever it is interrupted."""

import random

import pytest

from linksla.errors import StoreError
from linksla.stores import TelemetryStore
from processors.block_days import ROWS_A_BLOCK, BlockOrderer
from tests.unit.processors_support import (
    DAY,
    MIDNIGHT,
    at,
    circuit,
    numbered,
    poll_of,
    table_of,
    writer_of,
)
from tests.unit.test_processors_blocks import made

CHANNELS = tuple("abcdefg")
A_CHANNEL = 24 * ROWS_A_BLOCK


def blocked(store: TelemetryStore, days: int = 2) -> None:
    """Have blocks made hour by hour of two days and the beginning of a third, some hours silent."""
    rng = random.Random(4)
    writer = writer_of(store, circuit(channels=CHANNELS))
    samples = [
        at(1_800 * step, channel=name, latency_us=rng.randrange(1, 30_000), rx_bps=2**60 + step)
        for step in range(2 * 24 * days + 9)
        for name in CHANNELS
        if rng.random() < 0.8
    ]
    writer.write(poll_of(numbered(samples)))
    assert made(store, watermark=days * DAY + 3 * 3_600) > 24 * days


def ordered(store: TelemetryStore, rows: int = A_CHANNEL) -> int:
    orderer = BlockOrderer(store, lambda _point: None)
    orderer.start()
    pieces = 0
    while orderer.order(rows):
        pieces += 1
    return pieces


def as_they_lie(store: TelemetryStore, from_s: int, to_s: int) -> list[tuple[int, int]]:
    rows = store.writer.execute(
        "select channel_key, start_s from rollup_blocks "
        "where start_s >= $from_s and start_s < $to_s order by rowid",
        {"from_s": MIDNIGHT + from_s, "to_s": MIDNIGHT + to_s},
    ).fetchall()
    return [(int(key), int(start_s)) for key, start_s in rows]


@pytest.mark.parametrize("rows", [1, 3 * A_CHANNEL, 10**9])
def test_a_closed_day_lies_by_channel_and_what_is_in_it_stays(
    memory_store: TelemetryStore, rows: int
) -> None:
    blocked(memory_store)
    before = table_of(memory_store, "rollup_blocks")
    assert as_they_lie(memory_store, 0, DAY) != sorted(as_they_lie(memory_store, 0, DAY))

    ordered(memory_store, rows)

    assert table_of(memory_store, "rollup_blocks") == before
    for day in (0, DAY):
        lie = as_they_lie(memory_store, day, day + DAY)
        assert len(lie) > 100
        assert lie == sorted(lie)


def test_a_day_that_still_gets_blocks_stays_as_it_is(memory_store: TelemetryStore) -> None:
    blocked(memory_store)
    before = as_they_lie(memory_store, 2 * DAY, 3 * DAY)

    ordered(memory_store)

    assert before
    assert as_they_lie(memory_store, 2 * DAY, 3 * DAY) == before
    assert ordered(memory_store) == 0


def test_pieces_are_as_small_as_they_are_asked_to_be(memory_store: TelemetryStore) -> None:
    blocked(memory_store)
    orderer = BlockOrderer(memory_store, lambda _point: None)
    orderer.start()

    assert 0 < orderer.order(2 * A_CHANNEL) <= 2 * A_CHANNEL
    assert ordered(memory_store) == 5 + 1 + 7 + 1  # the rest of one day, the other, and both ends


@pytest.mark.parametrize("point", ["blocks taken out", "before ordered blocks committed"])
def test_a_crash_while_ordering_loses_and_doubles_nothing(
    memory_store: TelemetryStore, point: str
) -> None:
    blocked(memory_store)
    before = table_of(memory_store, "rollup_blocks")
    passed = 0

    def crash(at_point: str) -> None:
        nonlocal passed
        passed += at_point == point
        if passed == 3:
            message = "pulled the plug"
            raise OSError(message)

    orderer = BlockOrderer(memory_store, crash)
    orderer.start()
    orderer.order(A_CHANNEL)
    orderer.order(A_CHANNEL)
    with pytest.raises(StoreError, match="pulled the plug"):
        orderer.order(A_CHANNEL)
    assert table_of(memory_store, "rollup_blocks") == before

    ordered(memory_store)
    assert table_of(memory_store, "rollup_blocks") == before
    lie = as_they_lie(memory_store, 0, DAY)
    assert lie == sorted(lie)


def test_a_block_made_again_in_an_ordered_day_stands_once(memory_store: TelemetryStore) -> None:
    blocked(memory_store)
    ordered(memory_store)
    count = len(table_of(memory_store, "rollup_blocks"))
    writer = writer_of(memory_store, circuit(channels=CHANNELS))
    late = at(2 * 3_600 + 77, channel="a", latency_us=77)
    writer.write(poll_of(numbered([late], 10_000)))
    made(memory_store, watermark=2 * DAY + 3 * 3_600)

    found = memory_store.writer.execute(
        "select count(*), max(list_contains(latency_buckets, 77)) from rollup_blocks "
        "where channel_key = 1 and start_s = $at",
        {"at": MIDNIGHT + 2 * 3_600},
    ).fetchone()
    assert found == (1, True)
    assert len(table_of(memory_store, "rollup_blocks")) in (count, count + 1)
