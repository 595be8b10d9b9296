"""Spans of ended days are read once, and again where they may have changed."""

from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from linksla.stores import TelemetryStore
from processors.held import Held
from sla import remembered_spans
from sla.remembered_spans import RememberedSpans
from sla.spans import ReadSpans
from sla.telemetry import ChannelRow

DAY = 86_400
SPAN_BYTES = 64
ROWS = {
    "C": (ChannelRow("C", "a", 1, 0, None), ChannelRow("C", "b", 4, 0, None)),
    "D": (ChannelRow("D", "a", 2, 0, None),),
    "E": (ChannelRow("E", "a", 3, 0, None),),
}


@dataclass
class Reworked:
    """How often each channel was folded again."""

    often: dict[int, int] = field(default_factory=dict)

    def reworked(self, keys: list[int]) -> int:
        return sum(self.often.get(key, 0) for key in keys)


@pytest.fixture
def store(memory_store: TelemetryStore) -> TelemetryStore:
    for key in (1, 2, 3, 4):
        for day in (0, 1, 2):
            add(memory_store, key, day * DAY + key)
    return memory_store


def add(store: TelemetryStore, key: int, start_s: int, bgp: int = 1) -> None:
    store.writer.execute(
        "insert into spans values (?, ?, ?, ?, ?, 0)",
        [key, start_s // DAY, start_s, start_s + 5, bgp],
    )


def change(store: TelemetryStore, key: int, start_s: int) -> None:
    """Change a span behind everybody's back: who remembers it does not see it."""
    store.writer.execute(
        "update spans set bgp = 2 where channel_key = ? and start_s = ?", [key, start_s]
    )


def spans_of(found: ReadSpans) -> list[tuple[int, ...]]:
    return sorted(zip(*found.table[[0, 1, 2, 3, 5, 6, 7]].tolist(), strict=True))


@dataclass
class Bench:
    store: TelemetryStore
    memory: RememberedSpans = field(default_factory=RememberedSpans)
    held: Reworked = field(default_factory=Reworked)

    def of(self, names: str, up_to_s: int = 2 * DAY + 50, **rows: Any) -> list[tuple[int, ...]]:
        """Return the spans of circuits that are complete up to an instant."""
        channels = {name: rows.get(name, ROWS[name]) for name in names}
        complete = dict.fromkeys(names, up_to_s)
        held = cast(Held, self.held)
        return spans_of(self.memory.of(self.store.writer, channels, complete, held))

    def truth(self, names: str) -> list[tuple[int, ...]]:
        keys = [one.channel_key for name in names for one in ROWS[name]]
        return spans_of(ReadSpans.of(self.store.writer, keys).merged())


@pytest.fixture
def bench(store: TelemetryStore) -> Bench:
    return Bench(store)


def test_ended_days_are_remembered_and_the_open_one_is_read(bench: Bench) -> None:
    before = bench.truth("CD")
    assert bench.of("CD") == before
    change(bench.store, 1, DAY + 1)
    assert bench.of("CD") == before, "it is remembered"
    change(bench.store, 4, 2 * DAY + 4)
    add(bench.store, 2, 2 * DAY + 40)

    after = bench.of("CDE")
    assert [row[:4] for row in after if row[0] != 3] == sorted(
        [row[:4] for row in before if row[:2] != (4, 2 * DAY + 4)]
        + [(4, 2 * DAY + 4, 2 * DAY + 9, 2), (2, 2 * DAY + 40, 2 * DAY + 45, 1)]
    )
    assert [row for row in after if row[0] == 3] == bench.truth("E"), "what is new is read whole"


def test_what_is_new_beside_what_is_known_is_remembered_too(bench: Bench) -> None:
    bench.of("C")
    bench.of("CD")
    change(bench.store, 2, 2)

    assert bench.of("D") != bench.truth("D")


def test_a_day_is_remembered_once_it_has_ended(bench: Bench) -> None:
    bench.of("C", 2 * DAY - 1)
    bench.of("D", 2 * DAY)
    for key in (1, 2):
        change(bench.store, key, DAY + key)

    found = bench.of("CD")
    assert [row[3] for row in found if row[:2] == (1, DAY + 1)] == [2], "it was not over"
    assert [row[3] for row in found if row[:2] == (2, DAY + 2)] == [1]
    change(bench.store, 4, DAY + 4)
    assert bench.of("CD") == found, "it is now"


def test_of_two_that_are_known_up_to_other_days_each_is_read_from_its_own(bench: Bench) -> None:
    bench.of("C", DAY)
    bench.of("D", 2 * DAY)

    assert bench.of("CD", DAY) == bench.truth("CD")


def test_what_was_folded_again_or_has_other_channels_is_read_again(bench: Bench) -> None:
    bench.of("CD")
    for key in (1, 2):
        change(bench.store, key, key)
    bench.held.often[4] = 1  # one of C's channels
    assert [row[3] for row in bench.of("CD") if row[1] in (1, 2)] == [2, 1]

    goes = (ChannelRow("D", "a", 2, 0, 3 * DAY),)
    assert bench.of("CD", D=goes) == bench.truth("CD")


def test_nothing_complete_is_nothing_remembered(bench: Bench) -> None:
    found = bench.memory.of(bench.store.writer, {"C": ROWS["C"]}, {}, cast(Held, bench.held))

    assert spans_of(found) == bench.truth("C")
    change(bench.store, 1, 1)
    assert bench.of("C") == bench.truth("C")
    assert spans_of(bench.memory.of(bench.store.writer, {}, {}, cast(Held, bench.held))) == []


def test_what_was_not_asked_for_the_longest_is_forgotten_first(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remembered_spans, "_CIRCUIT_BYTES", 0)
    # C has four that are over, the others two
    monkeypatch.setattr(remembered_spans, "_BYTES_MAX", 6 * SPAN_BYTES)
    for name in "CD":
        bench.of(name)
    assert list(bench.memory._known) == ["C", "D"]
    bench.of("C")
    bench.of("E")
    assert list(bench.memory._known) == ["C", "E"], "with D's two they were eight"
    bench.of("D")
    assert list(bench.memory._known) == ["E", "D"]
    bench.held.often[3] = 1
    bench.of("E")
    assert list(bench.memory._known) == ["D", "E"]
    assert bench.memory._bytes == 4 * SPAN_BYTES


def test_what_a_circuit_takes_beside_its_spans_is_counted(bench: Bench) -> None:
    bench.of("CD")
    assert bench.memory._bytes == 2 * remembered_spans._CIRCUIT_BYTES + 6 * SPAN_BYTES


def test_days_of_a_healthy_channel_are_remembered_as_one_span(bench: Bench) -> None:
    cursor = bench.store.writer
    cursor.execute("update spans set start_s = day * 86400, end_s = day * 86400 + 86400")
    whole = (1, 0, 3 * DAY, 1)
    assert bench.of("C", 3 * DAY)[0][:5] == (*whole, 3)
    assert [len(kept.spans) for kept in bench.memory._known.values()] == [2], "one a channel"
    add(bench.store, 1, 3 * DAY)
    add(bench.store, 4, 3 * DAY, bgp=2)

    assert [row[:5] for row in bench.of("C", 3 * DAY + 5)] == [
        (1, 0, 3 * DAY + 5, 1, 4), (4, 0, 3 * DAY, 1, 3), (4, 3 * DAY, 3 * DAY + 5, 2, 1),
    ]  # fmt: skip
    assert [kept.to_s for kept in bench.memory._known.values()] == [3 * DAY]
    assert all(kept.spans.table.base is None for kept in bench.memory._known.values())


@pytest.fixture
def asked(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> list[tuple[list[int], int]]:
    """What is read: the channels, and from when on."""
    found: list[tuple[list[int], int]] = []
    read = ReadSpans.of

    def of(cursor: Any, keys: Any, from_s: int = 0) -> ReadSpans:
        found.append((list(keys), from_s))
        return read(cursor, keys, from_s)

    monkeypatch.setattr(ReadSpans, "of", of)
    monkeypatch.setattr(remembered_spans, "_ALONE_MAX", 2)
    return found


def test_few_are_read_one_by_one_and_many_at_once(
    bench: Bench, asked: list[tuple[list[int], int]]
) -> None:
    bench.of("CD")
    RememberedSpans().of(bench.store.writer, ROWS, dict.fromkeys(ROWS, DAY), cast(Held, bench.held))

    assert asked == [([1, 4], 0), ([2], 0), ([1, 4, 2, 3], 0)]


def test_who_was_well_for_days_is_read_from_then_on_and_nobody_else(
    bench: Bench, asked: list[tuple[list[int], int]]
) -> None:
    bench.of("E", DAY)
    bench.of("CD", 2 * DAY)
    asked.clear()
    found = bench.of("CDE", 2 * DAY + 50)

    assert sorted(asked) == [([1, 4, 2], 2 * DAY), ([3], DAY)]
    assert found == sorted(bench.truth("CDE"))
    asked.clear()
    bench.of("CDE", 2 * DAY + 60)
    assert asked == [([1, 4, 2, 3], 2 * DAY)], "now it is as the others"
