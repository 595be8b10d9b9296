"""Whose a circuit is, how it stands, and how its channels stand, to the second."""

from dataclasses import replace
from typing import Any, cast

import duckdb
import numpy as np
import pytest

from linksla.inventory import Channel, Customer
from linksla.inventory import Ownership as Owner
from linksla.model import EVIDENCE_BGP_ESTABLISHED, EVIDENCE_BGP_NOT, EVIDENCE_BGP_UNKNOWN
from processors.runs import Runs
from sla.answers import ChannelRun, Span
from sla.channels import ChannelAsked, channel_runs
from sla.history import FAR_AHEAD_S, CircuitHistory
from sla.ownership import owned, owned_by
from sla.periods import Ownership
from sla.scope import AllCustomers, OnlyCustomers
from sla.spans import LiveSpan, ReadSpans
from sla.summaries import (
    _add_runs,
    _asked,
    _measured,
    _newest,
    _patience_seconds,
    newest_states,
    read_tape,
    standing,
    summary,
)
from sla.telemetry import ChannelRow, Telemetry
from tests.unit.looks_bench import BEGAN, LIVE, NOW, Present, lane
from tests.unit.past_bench import JULY, JUNE, MIDDLE, ONE, runs_of
from tests.unit.told_bench import circuit, facts

EVERYONE = AllCustomers(commercial=True)
SOLD = circuit(
    owners=(
        Owner(customer="old", end=JUNE), Owner(customer="a", end=MIDDLE),
        Owner(customer="b", start=MIDDLE, end=JULY), Owner(customer="a", start=JULY),
    ),
)  # fmt: skip


def only(*names: str) -> OnlyCustomers:
    return OnlyCustomers(frozenset(names))


def test_who_may_see_all_customers_sees_the_whole_time_as_the_last_owners() -> None:
    assert owned(SOLD, EVERYONE) == (Ownership("a", JUNE, FAR_AHEAD_S),)


def test_a_customer_sees_the_times_of_his_own() -> None:
    first, last = Ownership("a", JUNE, MIDDLE), Ownership("a", JULY, FAR_AHEAD_S)
    between = Ownership("b", MIDDLE, JULY)

    assert owned(SOLD, only("a")) == (first, last)
    assert owned(SOLD, only("b")) == (between,)
    assert owned(SOLD, only("a", "b")) == (first, between, last)
    assert owned(SOLD, only("old")) == (), "it was another's before anything was measured"
    assert owned(SOLD, only("nobody")) == ()
    owners = Owner(customer="old", end=JUNE + 1), Owner(customer="a", start=JUNE - 9)
    later = circuit(owners=owners)
    assert owned(later, only("old")) == (Ownership("old", JUNE, JUNE + 1),)
    assert owned(later, only("a")) == (Ownership("a", JUNE, FAR_AHEAD_S),)


def test_own_times_are_told_oldest_first() -> None:
    mixed = circuit(owners=(Owner(customer="a", start=JULY), Owner(customer="a", end=MIDDLE)))

    assert [one.start_s for one in owned(mixed, only("a"))] == [JUNE, JULY]


def test_one_customers_times_are_shown_to_who_may_see_him() -> None:
    assert owned_by(SOLD, EVERYONE, "b") == (Ownership("b", MIDDLE, JULY),)
    assert owned_by(SOLD, only("b"), "b") == (Ownership("b", MIDDLE, JULY),)
    assert owned_by(SOLD, only("a"), "b") == ()
    assert owned_by(SOLD, EVERYONE, "nobody") == ()


@pytest.mark.parametrize(
    ("text", "start", "end", "state", "since"),
    [
        ("U100", 0, 100, "up", 0), ("U100", 20, 90, "up", 20), ("U60 D40", 0, 100, "down", 60),
        ("U60 D40", 0, 60, "up", 0), ("U60 D40", 0, 61, "down", 60), ("D60 U40", 60, 90, "up", 60),
        ("U50 M29 U21", 0, 100, "up", 0), ("U50 M30 U20", 0, 100, "up", 80),
        ("U50 M50", 0, 79, "up", 0), ("U50 M50", 0, 80, "unmeasured", 50),
        ("U50 M50", 0, 100, "unmeasured", 50), ("M50", 0, 20, "unmeasured", None),
        ("U50 E20 U30", 0, 100, "up", 70), ("U50 E20", 0, 70, "down", 50),
        ("U50 D10 M5 D10", 0, 75, "down", 50), ("U100", 100, 100, "unmeasured", None),
        ("U100", 90, 95, "up", 90), ("U50 M50", 30, 79, "up", 30),
        ("D10 U10 M40 U10", 0, 70, "up", 60),
    ],
)  # fmt: skip
def test_a_circuit_stands_as_it_is_at_the_end_but_for_short_silence(
    text: str, start: int, end: int, state: str, since: int | None
) -> None:
    found = standing(runs_of(text), start, end, 30)

    assert (found[0].value, found[1]) == (state, since)


def line(present: Present, *channels: ChannelRun, own: Ownership | None = None, **more: Any) -> Any:
    history: CircuitHistory | None = present.look().history
    if more.pop("unknown", False):
        history = None
    mine = own or Ownership("acme", JUNE, FAR_AHEAD_S)
    months = more.pop("months", ())
    known = circuit(**more)
    acme = Customer(id="acme", name="Acme")
    return summary(known, acme, mine, present.contract, history, channels, months)


def test_a_line_of_the_list_says_how_a_circuit_stands() -> None:
    since = LIVE - 60  # patience: 60 s are longer than three cells
    found = line(
        Present(text="U100 D20", ahead="D30"),
        lane("a", "bad", since), lane("b", "bad", since + 1), lane("c", "good", since),
    )  # fmt: skip

    assert (found.state, found.state_since_s) == ("down", NOW - 20)
    assert (found.complete_up_to_s, found.live_to_s) == (NOW, LIVE)
    assert (found.channels_good, found.channels_total, found.channels_needed) == (1, 3, 1)
    assert (found.channels_bad, found.channels_settled) == (("a",), False)
    settled = line(Present(), lane("a", "bad", since), lane("b", "good", since))
    assert (settled.channels_bad, settled.channels_settled) == (("a",), True)
    silent = line(Present(), lane("a", "unknown", since), lane("b", "good", since))
    assert (silent.channels_bad, silent.channels_settled) == ((), False)
    assert line(Present()).channels_settled is False
    (june,) = Present().look().answers
    assert line(Present(), months=(june, replace(june, month="2026-07"))).month is june
    assert found.month is None


def test_a_former_owner_sees_how_it_stood_when_it_left() -> None:
    left = NOW - 50
    found = line(
        Present(text="D100", ahead="U30"), lane("a", "bad", left - 60),
        own=Ownership("acme", NOW - 80, left),
    )  # fmt: skip

    assert (found.complete_up_to_s, found.live_to_s) == (left, left)
    assert (found.state, found.state_since_s, found.channels_bad) == ("down", NOW - 80, ("a",))


def test_a_circuit_of_which_nothing_is_known_has_the_channels_it_should_have() -> None:
    channels = (
        Channel(name="a"), Channel(name="b", active_to=JUNE), Channel(name="c", active_to=JUNE + 1),
    )  # fmt: skip
    found = line(Present(), unknown=True, channels=channels)

    assert (found.state, found.state_since_s) == ("unmeasured", None)
    assert (found.complete_up_to_s, found.live_to_s) == (JUNE, JUNE)
    assert (found.channels_good, found.channels_total) == (0, 2)


def test_patience_is_a_minute_or_n_cells() -> None:
    def patience(grid: int, cells: int) -> int:
        terms = replace(ONE.availability, consecutive=cells)
        return _patience_seconds(circuit(grid_seconds=grid), replace(ONE, availability=terms))

    assert [patience(*one) for one in ((10, 3), (10, 6), (10, 7), (30, 3))] == [60, 60, 70, 90]


def test_the_newest_known_run_of_a_channel_counts() -> None:
    good, dark = lane("a", "good", 0, 50), lane("a", "unknown", 50, 60)

    assert _newest([good, dark]) is good
    assert _newest([dark, good]) is good
    assert _newest([dark]) is dark
    assert _newest([lane("a", "bad", 0, 9), dark, good]) is good


def test_runs_of_a_tape_are_cut_and_equal_neighbours_are_one() -> None:
    found: list[Any] = []
    _add_runs(found, runs_of("U20 U10 D10 M5 A5"), 5, 48)
    _add_runs(found, runs_of("U20 U10 D10 M5 A5"), 48, 60)
    _add_runs(found, runs_of("U60"), 50, 50)
    _add_runs(found, runs_of("U70"), 60, 70)

    assert [(one.start_s, one.end_s, one.bucket.value, one.as_experienced.value) for one in found
            ] == [(5, 30, "up", "up"), (30, 40, "down", "down"),
                  (40, 45, "unmeasured", "unmeasured"), (45, 50, "unmeasured", "down"),
                  (60, 70, "up", "up")]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "own", "found"),
    [
        ("M10 U20 D5 M5", (0, 100), (10, 35)), ("M10 E20 M9", (0, 100), (10, 30)),
        ("M10 A20 M9", (0, 100), (10, 30)), ("M50", (0, 100), None), ("U50", (0, 100), (0, 50)),
        ("U90", (0, 100), (0, 60)), ("U50", (20, 30), (20, 30)), ("M10 U20 M9", (0, 10), None),
        ("M10 U20 M9", (0, 11), (10, 11)), ("M10 U20 M9", (30, 100), None),
        ("M10 U20 M9", (29, 100), (29, 30)), ("U5 M40 D5", (0, 100), (0, 50)),
        ("U5 M40 D5", (5, 45), None),
    ],
)  # fmt: skip
def test_measured_is_from_the_first_to_the_last_second_that_was_up_or_down(
    text: str, own: tuple[int, int], found: tuple[int, int] | None
) -> None:
    measured = _measured([(runs_of(text), 0, 60)], [Ownership("a", *own)])

    assert measured == (found and Span(*found))


def test_measured_is_of_all_parts_each_in_its_time_and_of_all_that_is_ones_own() -> None:
    first, live = (runs_of("M10 U50"), 5, 20), (runs_of("M24 D36"), 20, 45)

    def measured(*own: tuple[int, int]) -> Span | None:
        return _measured([first, live], [Ownership("a", *one) for one in own])

    assert measured((0, 100)) == Span(10, 45)
    assert measured((20, 100)) == Span(24, 45)
    assert measured((0, 20)) == Span(10, 20)
    assert measured((12, 15), (30, 33)) == measured((30, 33), (12, 15)) == Span(12, 33)
    assert measured((0, 10), (20, 24), (45, 100)) is None
    assert measured() is None


@pytest.mark.parametrize(
    ("begins", "ends", "start", "end", "found"),
    [
        (JUNE, None, JUNE, MIDDLE, (JUNE, MIDDLE)), (JUNE + 5, None, JUNE - 9, MIDDLE,
         (JUNE, MIDDLE)), (JUNE + 15, None, JUNE, MIDDLE, (JUNE + 10, MIDDLE)),
        (JUNE, MIDDLE - 5, JUNE, MIDDLE, (JUNE, MIDDLE)),
        (JUNE, MIDDLE - 15, JUNE, MIDDLE, (JUNE, MIDDLE - 10)),
        (JUNE, MIDDLE, MIDDLE, JULY, None), (JUNE, MIDDLE + 1, MIDDLE, JULY, (MIDDLE, MIDDLE + 10)),
        (MIDDLE, None, JUNE, MIDDLE, None),
    ],
)  # fmt: skip
def test_a_channel_is_asked_for_with_the_cells_it_is_active_in(
    begins: int, ends: int | None, start: int, end: int, found: tuple[int, int] | None
) -> None:
    known = facts(ChannelRow("C", "a", 7, begins, ends))

    asked = _asked(circuit(), ONE, known, start, end)

    assert [(one.channel_key, one.start_s, one.end_s) for one in asked] == (
        [] if found is None else [(7, *found)]
    )


GOOD, NOT, UNKNOWN = EVIDENCE_BGP_ESTABLISHED, EVIDENCE_BGP_NOT, EVIDENCE_BGP_UNKNOWN
ROWS = [
    (1, 10, 20, GOOD, 0), (1, 20, 30, GOOD, 3), (1, 30, 40, GOOD, 4), (1, 50, 60, NOT, 0),
    (2, 0, 90, NOT, 0), (3, 15, 25, UNKNOWN, 2), (3, 25, 35, UNKNOWN, 5),
]  # fmt: skip


def lanes(*asked: tuple[int, int, int]) -> dict[int, list[tuple[int, int, str]]]:
    columns = np.array(ROWS, np.int64).T
    source = ReadSpans.each(Runs(*columns), np.zeros(len(ROWS), np.uint64))
    wanted = [ChannelAsked(key, f"ch{key}", lower, upper, 3) for key, lower, upper in asked]
    found = channel_runs(source, wanted, ())
    return {
        key: [(one.start_s, one.end_s, one.state) for one in runs] for key, runs in found.items()
    }


def test_lanes_cover_what_is_asked_and_equal_states_are_one() -> None:
    assert lanes((1, 0, 70)) == {
        1: [(0, 10, "unknown"), (10, 30, "good"), (30, 40, "bad"), (40, 50, "unknown"),
            (50, 60, "bad"), (60, 70, "unknown")],
    }  # fmt: skip
    assert lanes((1, 15, 35), (2, 10, 20), (3, 20, 30)) == {
        1: [(15, 30, "good"), (30, 35, "bad")], 2: [(10, 20, "bad")],
        3: [(20, 25, "good"), (25, 30, "bad")],
    }  # fmt: skip
    assert lanes((1, 40, 50), (2, 90, 95)) == {1: [(40, 50, "unknown")], 2: [(90, 95, "unknown")]}
    assert lanes((1, 20, 30)) == {1: [(20, 30, "good")]}
    assert lanes((1, 50, 60), (2, 0, 90))[1] == [(50, 60, "bad")]
    assert lanes() == {}


KNOWN = (
    ChannelRow("C", "a", 1, JUNE, None), ChannelRow("C", "b", 2, JUNE, NOW - 25),
    ChannelRow("C", "c", 3, JUNE, None),
)  # fmt: skip


def read(*spans: tuple[int, int, int, int, int], live: Any = None) -> Telemetry:
    """Return telemetry whose spans are known: key, start and end from NOW on, evidence."""
    rows = [(key, NOW + lower, NOW + upper, *more) for key, lower, upper, *more in spans]
    columns = np.array(rows, np.int64).reshape(-1, 5).T
    source = ReadSpans.each(Runs(*columns), np.zeros(len(rows), np.uint64))
    return replace(facts(*KNOWN, live=live or {}), spans=source)


def newest(known: Telemetry, present: Present, *own: Ownership) -> list[tuple[str, int, int, str]]:
    history = present.look().history
    owns = own or (Ownership("acme", BEGAN, FAR_AHEAD_S),)
    cursor = cast(duckdb.DuckDBPyConnection, None)  # nothing is read
    found = newest_states(cursor, known, {"C": history}, {"C": owns})
    return [(one.channel, one.start_s - NOW, one.end_s - NOW, one.state) for one in found["C"]]


def test_the_newest_state_of_a_channel_is_looked_for_within_the_circuits_patience() -> None:
    live = {1: (LiveSpan(1, NOW, NOW + 20, NOT, None),)}
    known = read((1, -500, 0, GOOD, 0), (2, -500, -20, GOOD, 0), (3, -500, -30, NOT, 0), live=live)

    # live to 30 s after NOW, and 60 s back from there
    assert newest(known, Present()) == [
        ("a", 0, 20, "bad"), ("b", -30, -20, "good"), ("c", -30, 30, "unknown"),
    ]  # fmt: skip
    left = Ownership("acme", BEGAN, NOW - 5), Ownership("acme", NOW - 100, NOW - 50)
    assert newest(known, Present(), *left) == [
        ("a", -100, -50, "good"), ("b", -100, -50, "good"), ("c", -100, -50, "bad"),
    ]  # fmt: skip
    new = Ownership("acme", BEGAN, NOW - 300), Ownership("acme", NOW - 5, FAR_AHEAD_S)
    assert newest(known, Present(), *new) == [("a", 0, 20, "bad"), ("c", -5, 30, "unknown")]


def tape(
    present: Present, start: int, end: int, *own: Ownership, known: Telemetry | None = None
) -> Any:
    owns = own or (Ownership("acme", BEGAN, FAR_AHEAD_S),)
    facts_of = known or read((1, -500, 0, GOOD, 0), (1, 0, 10, NOT, 0))
    cursor = cast(duckdb.DuckDBPyConnection, None)
    return read_tape(cursor, facts_of, present.look().history, owns, NOW + start, NOW + end)


def of_circuit(found: Any) -> list[tuple[int, int, str]]:
    return [(one.start_s - NOW, one.end_s - NOW, one.bucket.value) for one in found.circuit]


def test_a_tape_shows_what_is_complete_and_then_what_is_live() -> None:
    # what is live sees the past otherwise: up to NOW the months' own runs count
    present = Present("D20 U100", "D30", live="D60 U60 D30")
    found = tape(present, -200, 50)

    assert of_circuit(found) == [(-200, -120, "up"), (-120, -100, "down"), (-100, 0, "up"),
                                 (0, 30, "down")]  # fmt: skip
    assert (found.complete_up_to_s, found.provisional_from_s) == (NOW, NOW)
    assert (found.start_s, found.end_s) == (NOW - 200, NOW + 50)
    lanes = [(one.channel, one.start_s - NOW, one.end_s - NOW, one.state) for one in found.channels]
    assert lanes == [
        ("a", -200, 0, "good"), ("a", 0, 10, "bad"), ("a", 10, 30, "unknown"),
        ("b", -200, -20, "unknown"), ("c", -200, 30, "unknown"),
    ]  # fmt: skip
    assert of_circuit(tape(present, -200, -110)) == [(-200, -120, "up"), (-120, -110, "down")]
    assert found.measured == Span(BEGAN, LIVE)
    assert of_circuit(tape(present, 30, 90)) == []
    assert tape(present, 30, 90).measured == found.measured
    assert of_circuit(tape(present, BEGAN - NOW - 50, BEGAN - NOW + 9)) == [
        (BEGAN - NOW, BEGAN - NOW + 9, "up"),
    ]  # fmt: skip


def test_a_tape_shows_the_own_time() -> None:
    present = Present("D20 U100", "D30")
    gone = Ownership("acme", NOW - 190, NOW - 180), Ownership("acme", NOW - 110, NOW - 50)
    found = tape(present, -200, 50, *gone)

    assert of_circuit(found) == [(-190, -180, "up"), (-110, -100, "down"), (-100, -50, "up")]
    assert found.complete_up_to_s == NOW - 50
    assert found.measured == Span(NOW - 190, NOW - 50)
    late = Ownership("acme", NOW + 40, NOW + 50), Ownership("acme", NOW + 10, FAR_AHEAD_S)
    assert of_circuit(tape(present, -200, 90, *late)) == [(10, 30, "down")]
