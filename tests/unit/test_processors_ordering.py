"""Spans put in order of channels: the same spans, in few places."""

from collections.abc import Callable

import pytest

from linksla.stores import TelemetryStore
from processors.ordering import SpanOrderer
from tests.unit.processors_support import (
    DAY,
    MIDNIGHT,
    US,
    at,
    circuit,
    numbered,
    poll_of,
    table_of,
    writer_of,
)
from tests.unit.test_processors_housekeeping import CHANNELS, sample_of

WIDTH = 8 * DAY
FIRST_END = MIDNIGHT // WIDTH * WIDTH + WIDTH
"""Where the first eight days end, counted from 1970: some days of them have samples."""
DAYS = 13  # the second eight days have begun and are not over
CLOSED_US = (FIRST_END + 7_200) * US


def filled(store: TelemetryStore) -> None:
    """Write 13 days, a poll each; the second, fifth... brings some of the day before late."""
    writer = writer_of(store, circuit(channels=CHANNELS))
    offset, held = 0, []
    for day in range(DAYS):
        today = [
            sample_of(channel, day * DAY + second)
            for second in range(0, DAY, 600)
            for channel in reversed(CHANNELS)
        ]
        late, held = held, today[30:36] if day % 3 == 0 else []
        if held:
            today = today[:30] + today[36:]
        samples = numbered([*today, *late], offset)
        offset += len(samples)
        writer.write(poll_of(samples))


def orderer_of(
    store: TelemetryStore, at: Callable[[str], None] = lambda _point: None
) -> SpanOrderer:
    orderer = SpanOrderer(store, at)
    orderer.start()
    return orderer


def ordered(store: TelemetryStore, rows_max: int = 1_000) -> list[int]:
    """Order all that is closed; return the rows of each piece, 1 where a range is done."""
    orderer, pieces = orderer_of(store), []
    while rows := orderer.compact(CLOSED_US, rows_max):
        pieces.append(rows)
    return pieces


def as_they_lie(store: TelemetryStore, condition: str) -> list[tuple[int, int]]:
    return store.writer.execute(
        f"select channel_key, start_s from spans where {condition} order by rowid"
    ).fetchall()


def test_closed_spans_lie_in_order_of_channels_and_are_the_same(memory_store) -> None:
    filled(memory_store)
    spans, open_ = (
        table_of(memory_store, "spans"),
        as_they_lie(memory_store, f"start_s >= {FIRST_END}"),
    )
    closed = as_they_lie(memory_store, f"start_s < {FIRST_END}")
    assert closed != sorted(closed)

    assert sum(ordered(memory_store)) == len(closed) + 1

    assert as_they_lie(memory_store, f"start_s < {FIRST_END}") == sorted(closed)
    assert as_they_lie(memory_store, f"start_s >= {FIRST_END}") == open_
    assert table_of(memory_store, "spans") == spans


def test_what_is_ordered_is_ordered_once_and_in_pieces(memory_store) -> None:
    filled(memory_store)
    most = max(
        memory_store.writer.execute(
            "select max(n) from (select count(*) as n from spans where start_s < $s group by "
            "channel_key)", {"s": FIRST_END},
        ).fetchone()
    )  # fmt: skip
    pieces = ordered(memory_store, rows_max=most)
    assert len(pieces) == len(CHANNELS) + 1
    assert max(pieces) <= most
    assert ordered(memory_store) == []


def test_eight_days_that_are_not_over_are_left_alone(memory_store) -> None:
    filled(memory_store)
    before = as_they_lie(memory_store, "true")
    assert orderer_of(memory_store).compact(CLOSED_US - US, 1_000) == 0
    assert as_they_lie(memory_store, "true") == before


@pytest.mark.parametrize("point", ["spans taken out", "before ordering committed"])
def test_an_ordering_cut_short_changes_nothing_and_is_done_again(memory_store, point: str) -> None:
    filled(memory_store)
    spans, lying = table_of(memory_store, "spans"), as_they_lie(memory_store, "true")

    def killed(passed: str) -> None:
        if passed == point:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        orderer_of(memory_store, killed).compact(CLOSED_US, 1_000)
    assert as_they_lie(memory_store, "true") == lying
    assert sum(ordered(memory_store)) == sum(start_s < FIRST_END for _, start_s in lying) + 1
    assert table_of(memory_store, "spans") == spans


def test_late_samples_among_ordered_spans_and_open_spans_go_on_as_without(memory_store) -> None:
    plain = TelemetryStore(None)
    plain.start()
    late = [
        at(5 * DAY + 30_000 + 10 * n, channel="b", bgp_state=1, loss_ppm=1_000_000, latency_us=None)
        for n in range(9)
    ]
    later = [
        sample_of(channel, DAYS * DAY + n) for n in range(0, 7_200, 600) for channel in CHANNELS
    ]
    for store in (plain, memory_store):
        filled(store)
        if store is memory_store:
            assert ordered(store)
        writer = writer_of(store, circuit(channels=CHANNELS))
        writer.write(poll_of(numbered([*late, *later], 100_000)))
    assert table_of(memory_store, "spans") == table_of(plain, "spans")
    ((down,),) = memory_store.writer.execute(
        "select count(*) from spans where day = $d and bgp = 2 and channel_key = 2",
        {"d": MIDNIGHT // DAY + 5},
    ).fetchall()
    assert down > 0
    plain.close()
