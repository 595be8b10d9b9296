"""What is read of channels to explain a range: spans, provisional ones, and pages of samples."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from linksla.errors import UsageError
from linksla.stores import TelemetryStore
from sla.evidence import _position, read_evidence, read_samples
from sla.explanation import SampleCount
from sla.spans import LiveSpan
from sla.telemetry import ChannelRow, Telemetry
from tests.unit.past_bench import JUNE, ONE
from tests.unit.processors_support import MIDNIGHT, US, Sample, at
from tests.unit.test_processors_blocks import written
from tests.unit.told_bench import circuit, facts

ROWS = (
    ChannelRow("C", "a", 1, JUNE, JUNE + 55), ChannelRow("C", "b", 2, JUNE + 5, None),
    ChannelRow("C", "late", 3, JUNE + 100, None),
)  # fmt: skip


@pytest.fixture
def known(memory_store) -> Telemetry:
    for key, lower, upper, bgp, loss in (
        (1, 10, 30, 1, 0), (1, 30, 40, 2, None), (2, 0, 20, 1, 7), (2, 20, 50, 1, 6),
        (9, 0, 90, 2, 0),
    ):  # fmt: skip
        memory_store.writer.execute(
            "insert into spans values (?, ?, ?, ?, ?, ?)",
            [key, JUNE // 86_400, JUNE + lower, JUNE + upper, bgp, loss],
        )
    live = {2: (LiveSpan(2, JUNE + 50, JUNE + 70, 2, None),)}
    return facts(*ROWS, live=live)


def told(memory_store: Any, known: Telemetry, start: int, end: int) -> dict[str, Any]:
    found = read_evidence(memory_store.writer, known, circuit(), ONE, JUNE + start, JUNE + end)
    return {
        one.channel: [(s.start_s - JUNE, s.end_s - JUNE, s.state) for s in one.spans]
        for one in found
    }


def test_a_channels_active_time_is_filled_with_what_it_says(memory_store, known) -> None:
    assert told(memory_store, known, -20, 100) == {
        "a": [(0, 10, "unknown"), (10, 30, "good"), (30, 40, "bad"), (40, 60, "unknown")],
        "b": [(0, 20, "bad"), (20, 50, "good"), (50, 70, "bad"), (70, 100, "unknown")],
    }  # fmt: skip
    assert told(memory_store, known, 15, 35) == {
        "a": [(15, 30, "good"), (30, 35, "bad")], "b": [(15, 20, "bad"), (20, 35, "good")],
    }  # fmt: skip
    assert list(told(memory_store, known, 60, 101)) == ["b", "late"]
    assert list(told(memory_store, known, 59, 100)) == ["a", "b"]


@pytest.mark.parametrize(
    ("after", "position"),
    [(None, (-1, -1)), ("0.0", (0, 0)), ("123.4", (123, 4)),
     ("9" * 18 + "." + "9" * 9, (10**18 - 1, 10**9 - 1))],
)  # fmt: skip
def test_a_page_goes_on_after_the_last_row_of_the_one_before(
    after: str | None, position: tuple[int, int]
) -> None:
    assert _position(after) == position


@pytest.mark.parametrize("after", ["", "1", "1.", ".1", "x.1", "1.x", "-1.1", "1" * 19 + ".1",
                                   "1." + "1" * 10])  # fmt: skip
def test_what_no_page_gave_is_refused(after: str) -> None:
    with pytest.raises(UsageError):
        _position(after)


CHANNELS = (ChannelRow("X", "a", 1, MIDNIGHT, None), ChannelRow("X", "b", 2, MIDNIGHT, None))


def sample(second: int, channel: str, holds: int = 10) -> Sample:
    return replace(at(second, channel=channel, latency_us=1_000 + second), interval_us=holds * US)


def page(
    store: TelemetryStore, start: int, end: int, most: int = 9, after: str | None = None
) -> Any:
    return read_samples(store.writer, CHANNELS, MIDNIGHT + start, MIDNIGHT + end, most, after)


def places(found: Any) -> list[tuple[str, int]]:
    return [(one.channel, one.observed_at_us // US - MIDNIGHT) for one in found.samples]


def test_a_sample_counts_as_long_as_it_holds_the_first_cell(memory_store) -> None:
    written(memory_store, [sample(0, "a"), sample(0, "b", 60), sample(10, "a"), sample(60, "a")])

    assert places(page(memory_store, 9, 10)) == [("a", 0), ("b", 0)]
    assert places(page(memory_store, 10, 11)) == [("b", 0), ("a", 10)]
    assert places(page(memory_store, 59, 61)) == [("b", 0), ("a", 60)]
    assert places(page(memory_store, 60, 61)) == [("a", 60)]
    held = page(memory_store, 9, 10).counts
    assert [(one.channel, one.first_offset, one.samples) for one in held] == [
        ("a", 0, 1), ("b", 1, 1),
    ]  # fmt: skip
    assert [one.samples for one in page(memory_store, 59, 60).counts] == [1]


def test_of_a_sample_in_files_the_newest_stands_and_above_all_what_is_hot(
    memory_store, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = [sample(second, "a") for second in (0, 10, 20, 30, 40)]
    written(memory_store, old)
    files = memory_store.writer.sql(
        'select * replace (7 as latency_us, "offset" + 100 as "offset"), 3 as generation '
        "from samples union all by name "
        "select * replace (8 as latency_us), 5 as generation from samples "
        f"where observed_at_us < {(MIDNIGHT + 30) * US}"
    ).to_arrow_table()
    hot = (MIDNIGHT + 20) * US
    memory_store.writer.execute(f"delete from samples where observed_at_us <> {hot}")
    monkeypatch.setattr("sla.evidence.moved_within", lambda *_: SimpleNamespace(table=files))

    found = page(memory_store, 10, 40)

    assert places(found) == [("a", 10), ("a", 20), ("a", 30)]
    assert [one.latency_us for one in found.samples] == [8, 1_020, 7]
    assert [(one.first_offset, one.last_offset, one.samples) for one in found.counts] == [
        (1, 103, 3),
    ]  # fmt: skip


def test_samples_are_told_page_by_page_with_their_place_in_kafka(memory_store) -> None:
    samples = [
        sample(second, channel)
        for second in (0, 10, 20, 30)
        for channel in ("a", "b")
        if (second, channel) != (10, "b")
    ]
    written(memory_store, samples)

    whole = page(memory_store, 10, 30, 9)
    assert places(whole) == [("a", 10), ("a", 20), ("b", 20)]
    assert whole.next_after is None
    (partition,) = {one.partition for one in whole.counts}
    assert whole.counts == (
        SampleCount("a", partition, 2, 3, 2), SampleCount("b", partition, 4, 4, 1),
    )  # fmt: skip
    assert places(page(memory_store, 9, 30, 9)) == [
        ("a", 0),
        ("b", 0),
        ("a", 10),
        ("a", 20),
        ("b", 20),
    ]
    first = page(memory_store, 10, 30, 2)
    assert (places(first), first.next_after) == (
        [("a", 10), ("a", 20)], f"{(MIDNIGHT + 20) * US}.1",
    )  # fmt: skip
    assert first.counts == whole.counts
    rest = page(memory_store, 10, 30, 2, first.next_after)
    assert (places(rest), rest.next_after) == ([("b", 20)], None)
    assert page(memory_store, 10, 30, 3).next_after is None
    line = whole.samples[0]
    assert (line.latency_us, line.interval_us, line.bgp_state, line.partition, line.offset) == (
        1_010, 10 * US, "ESTABLISHED", partition, 2,
    )  # fmt: skip
    assert (line.jitter_us, line.rx_bps, line.probe, line.index_in_message) == (
        None, None, line.probe, 0,
    )  # fmt: skip
