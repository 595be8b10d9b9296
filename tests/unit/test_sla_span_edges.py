"""What is known of channels over time: which spans say something of a range, in whose order."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from linksla.sql import statement
from linksla.stores import TelemetryStore
from processors.runs import LOSS_CLASS_UNKNOWN, Runs
from sla import telemetry
from sla.spans import LiveSpan, ReadSpans, known_spans
from sla.telemetry import ChannelRow

DARK = LOSS_CLASS_UNKNOWN
ROWS = (
    (3, 5, 15, 1, 0), (1, 20, 30, 0, 3), (1, 0, 10, 1, 0), (1, 10, 20, 0, None),  # it says nothing
    (1, 30, 40, 1, None), (2, 0, 90, 2, 8), (4, 0, 90, 2, 8),
)  # fmt: skip


@pytest.fixture
def store(memory_store: TelemetryStore) -> TelemetryStore:
    for key, lower, upper, bgp, loss in ROWS:
        memory_store.writer.execute(
            "insert into spans values (?, 0, ?, ?, ?, ?)", [key, lower, upper, bgp, loss]
        )
    for key, circuit, name in ((1, "C", "a"), (3, "C", "b"), (2, "D", "a"), (4, "other", "a")):
        memory_store.writer.execute(
            "insert into channels values (?, ?, ?, 0, 10, 0, ?)",
            [key, circuit, name, 500 if key == 3 else None],
        )
    return memory_store


def rows(runs: Any) -> list[tuple[int, ...]]:
    columns = (runs.track, runs.start_s, runs.end_s, runs.bgp, runs.loss_class)
    return list(zip(*(column.tolist() for column in columns), strict=True))


@pytest.mark.parametrize(
    ("keys", "from_s", "to_s", "found"),
    [
        ((3, 1), 0, 90, [(1, 0, 10, 1, 0), (1, 20, 30, 0, 3), (1, 30, 40, 1, DARK),
                         (3, 5, 15, 1, 0)]),
        ((1,), 10, 30, [(1, 20, 30, 0, 3)]), ((1,), 9, 31, [
            (1, 0, 10, 1, 0), (1, 20, 30, 0, 3), (1, 30, 40, 1, DARK)]),
        ((1,), 10, 20, []), ((1, 2), 40, 41, [(2, 0, 90, 2, 8)]),
        ((2,), 89, 99, [(2, 0, 90, 2, 8)]),
        ((2,), 90, 99, []), ((7,), 0, 90, []), ((), 0, 90, []),
    ],
)  # fmt: skip
def test_spans_are_those_that_say_something_of_the_range(
    store, keys: Any, from_s: int, to_s: int, found: list[tuple[int, ...]]
) -> None:
    for source in (store.writer, ReadSpans.of(store.writer, (1, 2, 3))):
        assert rows(known_spans(source, keys, from_s, to_s)) == found
    assert rows(known_spans(ReadSpans.of(store.writer, (3, 1, 2)), keys, from_s, to_s)) == found


def test_provisional_spans_are_added_that_say_something(store) -> None:
    live = (
        LiveSpan(1, 40, 50, 1, None), LiveSpan(1, 50, 60, 0, None), LiveSpan(3, 15, 25, 0, 2),
        LiveSpan(1, 60, 70, 0, 0),
    )  # fmt: skip

    assert rows(known_spans(store.writer, (1, 3), 30, 90, live)) == [
        (1, 30, 40, 1, DARK), (1, 40, 50, 1, DARK), (1, 60, 70, 0, 0), (3, 15, 25, 0, 2),
    ]  # fmt: skip


def test_a_read_of_no_channels_and_of_others_holds_nothing_of_them(store) -> None:
    nothing = ReadSpans.of(store.writer, ())
    assert (len(nothing), len(nothing.runs), len(nothing.merged())) == (0, 0, 0)
    assert nothing.fingerprints({"C": (1,)}) == {}
    read = ReadSpans.of(store.writer, (3, 1))
    assert sorted(rows(read.runs)) == sorted(
        (key, *times, DARK if loss is None else loss) for key, *times, loss in ROWS if key in (1, 3)
    )


def test_spans_are_read_from_an_instant_on_and_put_together(store) -> None:
    every = ReadSpans.of(store.writer, (1, 3))
    starts = sorted(set(every.runs.start_s.tolist()))
    assert len(starts) > 2

    for from_s in (starts[1], starts[1] + 1):
        later = ReadSpans.of(store.writer, (1, 3), from_s)
        assert later.runs.start_s.min() == next(at for at in starts if at >= from_s)
        earlier = every.take(every.runs.start_s < from_s)
        both = ReadSpans.together([earlier, later])
        assert both.fingerprints({"C": (1, 3)}) == every.fingerprints({"C": (1, 3)})
    nothing = ReadSpans.together([])
    assert (len(nothing), len(nothing.runs), len(nothing.merged())) == (0, 0, 0)


def test_fingerprints_are_the_number_and_the_sum_of_marks_by_circuit(store) -> None:
    read = ReadSpans.of(store.writer, (1, 2, 3))
    marks = dict(zip(rows(read.runs), marks_of(read), strict=True))
    wanted = {
        name: (len(some), sum(some))
        for name, some in (
            ("C", [mark for row, mark in marks.items() if row[0] in (1, 3)]),
            ("D", [mark for row, mark in marks.items() if row[0] == 2]),
        )
    }

    assert read.fingerprints({"C": (1, 3), "D": (2,), "none": (7,)}) == wanted
    asked = {"circuit_ids": ["C", "D"], "first_key": 1, "last_key": 3}
    found = store.writer.execute(statement("sla", "fingerprints"), asked).fetchall()
    assert {name: (spans, int(content)) for name, spans, content in found} == wanted
    alone = store.writer.execute(statement("sla", "fingerprints"), asked | {"circuit_ids": ["C"]})
    assert [row[0] for row in alone.fetchall()] == ["C"], "D's channel is between"
    assert len(set(marks.values())) == len(marks)
    assert max(marks.values()) > 1 << 62, "sums do not fit 64 bits"


def marks_of(read: ReadSpans) -> list[int]:
    high, low = read.table[-2:].tolist()
    return [(upper << 32) + lower for upper, lower in zip(high, low, strict=True)]


@given(st.lists(
    st.tuples(st.integers(1, 3), st.integers(0, 6), st.integers(0, 2), st.integers(-1, 1)),
    unique_by=lambda span: span[:2],
))  # fmt: skip
def test_merged_is_what_a_second_by_second_look_finds(
    found: list[tuple[int, int, int, int]],
) -> None:
    runs = Runs(*np.array([(key, at, at + 1, *said) for key, at, *said in found], np.int64)
                .reshape(-1, 5).T)  # fmt: skip
    marks = np.array([(7 << 60) + 3 * row for row in range(len(found))], np.uint64)
    read = ReadSpans.each(runs, marks)
    merged = read.merged()

    wanted: list[tuple[int, ...]] = []
    for key, at, *said in sorted(found):
        if wanted and wanted[-1][0] == key and wanted[-1][2:] == (at, *said):
            wanted[-1] = key, wanted[-1][1], at + 1, *said
        else:
            wanted.append((key, at, at + 1, *said))
    assert list(zip(*(column.tolist() for column in merged.table[:5]), strict=True)) == wanted
    circuits = {"C": (1, 3), "D": (2,)}
    assert merged.fingerprints(circuits) == read.fingerprints(circuits)
    assert rows(merged.merged().runs) == wanted


def test_channels_are_told_by_circuit_and_key(store) -> None:
    found = telemetry.channels(store.writer, ["D", "C", "nobody"])

    assert found == {
        "C": (ChannelRow("C", "a", 1, 0, None), ChannelRow("C", "b", 3, 0, 500)),
        "D": (ChannelRow("D", "a", 2, 0, None),),
    }
    assert list(found) == ["C", "D"]
    assert telemetry.channels(store.writer, ["other", "C"]).keys() == {"C", "other"}, "D is between"
    assert telemetry.channels(store.writer, []) == {}


def test_what_is_counted_of_a_circuit_is_its_calculations_and_its_ledger(store) -> None:
    for circuit, month, number in (
        ("C", "2026-05", 1), ("C", "2026-05", 4), ("C", "2026-05", 3), ("C", "2026-06", 2),
        ("D", "2026-06", 9), ("other", "2026-06", 7),
    ):  # fmt: skip
        store.writer.execute(
            "insert into verdict_history values (?, ?, ?, 0, 0, false, '', '', '{}', null)",
            [circuit, month, number],
        )
    for circuit, count in (("C", 5), ("C", 5), ("C", 1), ("other", 8)):
        store.writer.execute(
            "insert into ledger (circuit_id, kind, count, detail) values (?, 'late', ?, '')",
            [circuit, count],
        )

    found = telemetry.read(store.writer, ["C", "D"])

    assert found.calculation_versions == {
        ("C", "2026-05"): 4,
        ("C", "2026-06"): 2,
        ("D", "2026-06"): 9,
    }
    assert found.ledger_counts == {"C": 11}
    alone = telemetry.read(store.writer, ["C"])
    assert alone.calculation_versions == {("C", "2026-05"): 4, ("C", "2026-06"): 2}
    assert alone.ledger_counts == {"C": 11}
    nothing = telemetry.read(store.writer, ["nobody"])
    assert (nothing.calculation_versions, nothing.ledger_counts) == ({}, {})
