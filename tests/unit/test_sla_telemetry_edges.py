"""What is read of a circuit: horizons, channels and spans, from tables or from memory."""

from dataclasses import replace

import pytest

from linksla.stores import TelemetryStore
from sla import telemetry
from sla.past import Past
from sla.spans import ReadSpans
from tests.unit.processors_support import (
    DAY,
    MIDNIGHT,
    at,
    circuit,
    numbered,
    poll_of,
    writer_of,
)

BEGAN = MIDNIGHT - 5 * DAY
ENDS = MIDNIGHT + 500


@pytest.fixture
def written(memory_store: TelemetryStore):
    """Return a writer that has seen two circuits, the second of which has ended."""
    writer = writer_of(
        memory_store, circuit("X", channels=("a", "b")), circuit("A", active_to=ENDS)
    )
    samples = [
        replace(at(second, circuit_id=name, channel=channel, bgp_state=state), latency_us=latency)
        for second in range(0, 300, 10)
        for name, channel, state, latency in (
            ("X", "a", 6, 1_000), ("X", "b", 1, None), ("A", "ch1", 0, 2_000),
        )
    ]  # fmt: skip
    newest = [
        at(400, circuit_id="X", channel="a", latency_us=None, loss_ppm=None),
        at(410, circuit_id="A", channel="ch1"),
    ]
    writer.write(poll_of(numbered([*samples, *newest])))
    return writer


def told(horizons: telemetry.Horizons) -> tuple[dict[str, int], dict[str, int]]:
    """Return by circuit up to where it is complete, and up to where anything has arrived."""
    columns = horizons.complete_up_to_s.tolist(), horizons.live_to_s.tolist()
    complete, live = (dict(zip(horizons.circuit_ids, some, strict=True)) for some in columns)
    return complete, live


def test_both_horizons_are_told_of_all_circuits_or_some(written, memory_store) -> None:
    cursor = memory_store.writer
    every = telemetry.horizons(cursor, None)
    complete, live = told(every)

    assert live == {"X": MIDNIGHT + 410, "A": MIDNIGHT + 420}
    assert every.pace().observed_at_s == {"X": MIDNIGHT + 400, "A": MIDNIGHT + 410}
    assert every.pace().sampled_every_s == {"X": 10, "A": 10}
    # 30 s late may a sample be, of the newest that came with either
    assert complete == {"X": MIDNIGHT + 380, "A": MIDNIGHT + 380}
    assert telemetry.complete_up_to(cursor) == complete
    assert telemetry.complete_up_to(cursor, ["A"]) == {"A": MIDNIGHT + 380}
    assert told(telemetry.horizons(cursor, ["A"])) == ({"A": MIDNIGHT + 380}, {"A": MIDNIGHT + 420})


def test_what_is_past_is_remembered_only_where_it_is_certain_that_it_stayed(
    written, memory_store
) -> None:
    cursor, past = memory_store.writer, Past()
    plain = telemetry.read(cursor, ["A"])

    without = telemetry.read(cursor, ["A"], None, {}, past)
    assert not past.spans._known
    assert not past.ledger._known
    held = written._commits.shown_by(cursor)
    remembering = telemetry.read(cursor, ["A"], held, {}, past)
    assert (list(past.spans._known), list(past.ledger._known)) == (["A"], ["A"])
    assert without.fingerprints == remembering.fingerprints == plain.fingerprints


def test_what_the_writer_holds_says_what_the_tables_do(written, memory_store) -> None:
    cursor = memory_store.writer
    held = written._commits.shown_by(cursor)
    assert held is not None

    for names in (["X", "A"], ["A"], ["X", "nobody"]):
        quick, slow = (telemetry.horizons(cursor, names, source) for source in (held, None))
        assert (told(quick), quick.pace()) == (told(slow), slow.pace())
        known = telemetry.complete_up_to(cursor, names, held)
        assert known == telemetry.complete_up_to(cursor, names) == told(slow)[0]
        found = telemetry.channels(cursor, names, held)
        assert found == telemetry.channels(cursor, names)
        assert list(found) == sorted(found)
        read, known = telemetry.read(cursor, names, held), telemetry.read(cursor, names)
        assert replace(read, spans=None) == replace(known, spans=None)
    (ended,) = telemetry.channels(cursor, ["A"], held)["A"]
    assert (ended.active_from_s, ended.active_to_s) == (BEGAN, ENDS)
    assert {row.active_to_s for row in telemetry.channels(cursor, ["X"], held)["X"]} == {None}


def test_what_is_read_of_circuits_is_all_that_a_judge_asks(written, memory_store) -> None:
    cursor = memory_store.writer
    found = telemetry.read(cursor, ["X"])

    first, second = found.channels["X"]
    assert found.fingerprints.keys() == {"X"}
    (live,) = found.live[first.channel_key]
    assert (live.start_s, live.end_s, live.bgp) == (MIDNIGHT + 400, MIDNIGHT + 410, 1)
    assert live.loss_class is None
    assert second.channel_key not in found.live
    assert isinstance(found.spans_by(cursor), ReadSpans)
    assert replace(found, spans=None).spans_by(cursor) is cursor


def test_many_circuits_have_the_fingerprints_of_few(
    written, memory_store, monkeypatch: pytest.MonkeyPatch
) -> None:
    cursor, names = memory_store.writer, ["A", "X"]
    few = telemetry.read(cursor, names)
    monkeypatch.setattr(telemetry, "_SPANS_READ_CIRCUITS_MAX", 1)
    many = telemetry.read(cursor, names)

    assert (few.spans is None, many.spans is None) == (False, True)
    assert many.fingerprints == few.fingerprints
    assert many.fingerprints.keys() == {"A", "X"}
    assert telemetry.read(cursor, []).channels == {}
