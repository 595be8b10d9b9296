"""A channel's part of a month, and when redundancy is lost, to the second."""

from contextlib import contextmanager
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from processors.runs import Runs
from sla.answers import Bucket, Seconds, Span
from sla.channel_view import (
    ChannelMonth,
    ChannelView,
    OnChannels,
    _down,
    _month,
    _together,
    _while_up,
    channel_view_json,
)
from sla.exclusions import Decision
from sla.history import FAR_AHEAD_S, CircuitHistory
from sla.judged import JudgedRun
from sla.periods import Ownership
from sla.scope import AllCustomers
from sla.spans import ReadSpans
from sla.telemetry import ChannelRow, Telemetry
from tests.unit.looks_bench import BEGAN, NOW, Present
from tests.unit.past_bench import JUNE, ONE, runs_of
from tests.unit.told_bench import facts, window


@pytest.mark.parametrize(
    ("start", "end", "outages"),
    [(0, 30, 0), (0, 31, 1), (10, 41, 2), (35, 40, 0), (35, 60, 1), (34, 41, 2), (45, 60, 1),
     (49, 60, 1), (50, 60, 0)],
)  # fmt: skip
def test_outages_of_a_channel_are_those_that_touch_its_part(
    start: int, end: int, outages: int
) -> None:
    runs = runs_of("U30 D5 U5 D10 U50")

    assert _month(ONE, "ch1", runs, start, end).outages == outages


def test_an_outage_that_goes_on_touches_all_that_follows_it() -> None:
    runs = runs_of("U30 D5")

    assert [_month(ONE, "ch1", runs, lower, 90).outages for lower in (0, 35, 80)] == [1, 1, 1]
    assert _month(ONE, "ch1", runs, 0, 30).outages == 0


def test_a_channel_has_its_seconds_and_both_availabilities() -> None:
    found = _month(ONE, "ch1", runs_of("U30 D10 E20 M5 U35"), 10, 90)

    assert found.seconds == Seconds(20 + 25, 10, 20, 5)
    assert found.as_experienced == Seconds(20 + 25, 30, 0, 5)
    assert (found.start_s, found.end_s, found.outages) == (10, 90, 1)
    assert found.availability_contractual == "81.81818"  # 45 of 55
    assert found.availability_as_experienced == "60.00000"  # 45 of 75
    silent = _month(ONE, "ch1", runs_of("M50"), 0, 50)
    assert (silent.availability_contractual, silent.availability_as_experienced) == (None, None)
    taken_out = _month(ONE, "ch1", runs_of("E50"), 0, 50)
    assert taken_out.availability_contractual is None
    assert taken_out.availability_as_experienced == "0.00000"


@pytest.mark.parametrize(
    ("start", "end", "found"),
    [
        (0, 90, [(30, 35), (45, 55)]), (32, 50, [(32, 35), (45, 50)]), (35, 45, []),
        (34, 46, [(34, 35), (45, 46)]), (0, 30, []), (55, 90, []),
    ],
)  # fmt: skip
def test_what_is_down_is_cut_to_the_part_and_what_is_excluded_is_left_out(
    start: int, end: int, found: list[tuple[int, int]]
) -> None:
    runs = runs_of("U30 D5 E5 U5 D10 M35")

    assert [(one.start_s, one.end_s) for one in _down(runs, start, end)] == found


@pytest.mark.parametrize(
    ("spans", "found"),
    [
        ([], []), ([(1, 3)], [(1, 3)]), ([(4, 6), (1, 3)], [(1, 3), (4, 6)]),
        ([(1, 3), (3, 5)], [(1, 5)]), ([(1, 9), (2, 4), (9, 10)], [(1, 10)]),
        ([(1, 3), (1, 2), (2, 5), (7, 8)], [(1, 5), (7, 8)]),
    ],
)  # fmt: skip
def test_time_that_any_channel_is_down_is_told_once(
    spans: list[tuple[int, int]], found: list[tuple[int, int]]
) -> None:
    assert [(one.start_s, one.end_s) for one in _together([Span(*one) for one in spans])] == found


@pytest.mark.parametrize(
    ("text", "spans", "found"),
    [
        ("U100", [(10, 20), (30, 40)], [(10, 20), (30, 40)]),
        ("U15 D10 U75", [(10, 20), (24, 40)], [(10, 15), (25, 40)]),
        ("U15 D10 U75", [(10, 40)], [(10, 15), (25, 40)]),
        ("U15 D10 U75", [(15, 25)], []),
        ("U15 E10 M5 U70", [(10, 40)], [(10, 15), (30, 40)]),
        ("U15 U10 D75", [(10, 20), (25, 30)], [(10, 20)]),
        ("D10 U10 D10 U10", [(0, 10), (12, 14), (16, 33), (39, 50)],
         [(12, 14), (16, 20), (30, 33), (39, 40)]),
        ("U10 U10 U10", [(0, 10), (20, 30)], [(0, 10), (20, 30)]),
        ("U10 U10 D5", [(10, 20)], [(10, 20)]),
        ("U50", [], []),
    ],
)  # fmt: skip
def test_redundancy_is_lost_while_the_circuit_is_up(
    text: str, spans: list[tuple[int, int]], found: list[tuple[int, int]]
) -> None:
    lost = _while_up(runs_of(text), [Span(*one) for one in spans])

    assert [(one.start_s, one.end_s) for one in lost] == found


def test_what_is_bad_and_not_down_is_still_up() -> None:
    runs = (JudgedRun(0, 50, Bucket.UP, Bucket.UP, bad=True),)

    assert _while_up(runs, [Span(10, 20)]) == (Span(10, 20),)
    assert _down(runs, 0, 50) == []


class Channels(OnChannels):
    """Answers about one circuit, from what is written here."""

    def __init__(self, known: Telemetry, history: CircuitHistory) -> None:
        in_force = history.complete[-1].in_force
        self._known, self._now = known, self
        historian = SimpleNamespace(versions=lambda _: (in_force,))
        self._mine = SimpleNamespace(of=lambda *_: {"C": history}, historian=historian)

    @property
    def _histories(self) -> Any:
        return self._mine

    def _visible(self, *_: Any) -> Any:
        return {"C": (Ownership("acme", BEGAN, FAR_AHEAD_S),)}

    @contextmanager
    def _facts(self, *_: Any) -> Any:
        yield None, self._known


def view(channels: tuple[ChannelRow, ...], spans: Any, **more: Any) -> ChannelView:
    columns = np.array(spans, np.int64).reshape(-1, 5).T
    source = ReadSpans.each(Runs(*columns), np.zeros(len(spans), np.uint64))
    look = Present(**more).look()
    part = look.history.complete[0]
    history = replace(
        look.history, live=replace(look.history.live, decisions=more.get("decisions", ())),
        complete=(part,),
    )  # fmt: skip
    found = Channels(replace(facts(*channels), spans=source), history).channel_view(
        AllCustomers(commercial=True), "C", "2026-06"
    )
    assert found is not None
    return found


def test_a_channel_has_the_cells_it_begins_and_ends_in_and_no_others() -> None:
    rows = (
        ChannelRow("C", "a", 1, NOW - 185, None), ChannelRow("C", "b", 2, BEGAN, NOW - 15),
        ChannelRow("C", "new", 3, NOW, None), ChannelRow("C", "gone", 4, BEGAN, JUNE),
        ChannelRow("C", "two", 5, NOW - 185, None),
    )  # fmt: skip
    spans = [
        (1, NOW - 200, NOW - 190, 2, 0), (1, NOW - 190, NOW - 160, 2, 0),
        (1, NOW - 160, NOW, 1, 0), (2, BEGAN, NOW - 30, 1, 0), (2, NOW - 30, NOW - 10, 2, 0),
        (5, NOW - 200, NOW - 170, 2, 0), (5, NOW - 170, NOW, 1, 0),
    ]  # fmt: skip

    found = view(rows, spans)

    assert [one.channel for one in found.channels] == ["a", "b", "two"]
    first, second, third = found.channels
    # two bad cells are its own: a third lies before it begins
    assert third.seconds == Seconds(185, 0, 0, 0)
    # three bad cells from the one it begins in; the last two of the other's are bad and no more
    assert (first.start_s, first.seconds) == (NOW - 185, Seconds(160, 25, 0, 0))
    assert (second.end_s, second.seconds) == (NOW - 15, Seconds(NOW - 15 - JUNE, 0, 0, 0))
    assert [(one.start_s, one.end_s) for one in found.redundancy_lost] == [(NOW - 185, NOW - 160)]
    assert found.redundancy_lost_seconds == 25


def test_an_accepted_window_takes_out_of_its_channel_and_a_ticket_nothing() -> None:
    asked = window(NOW - 100, NOW - 40, channel="a")
    rows = (ChannelRow("C", "a", 1, BEGAN, None), ChannelRow("C", "b", 2, BEGAN, None))
    spans = [(key, lower, upper, bgp, 0) for key in (1, 2)
             for lower, upper, bgp in ((BEGAN, NOW - 100, 1), (NOW - 100, NOW, 2))]  # fmt: skip

    def down(*decisions: Decision) -> list[tuple[int, int]]:
        look = Present().look()
        live = replace(look.history.live, decisions=decisions)
        history = replace(look.history, live=live)
        columns = np.array(spans, np.int64).T
        source = ReadSpans.each(Runs(*columns), np.zeros(len(spans), np.uint64))
        found = Channels(replace(facts(*rows), spans=source), history).channel_view(
            AllCustomers(commercial=True), "C", "2026-06"
        )
        assert found is not None
        return [(one.seconds.down, one.seconds.excluded) for one in found.channels]

    assert down() == [(100, 0), (100, 0)]
    assert down(Decision(asked, True, "")) == [(40, 60), (100, 0)]
    assert down(Decision(replace(asked, channel=None), True, "")) == [(40, 60), (40, 60)]
    assert down(Decision(asked, False, "")) == [(100, 0), (100, 0)]
    ticket = replace(asked, channel=None, ticket="T")
    assert down(Decision(ticket, True, "")) == [(100, 0), (100, 0)]


def test_the_api_has_each_channels_numbers() -> None:
    channel = ChannelMonth("a", 5, 105, Seconds(1, 2, 3, 94), Seconds(4, 5, 0, 91), "33.3", "44.4",
                           6)  # fmt: skip
    body = channel_view_json(ChannelView("C", "2026-06", 100, 300, 2, (channel,), (Span(7, 9),)))

    assert body["period"] == {
        "start": "1970-01-01T00:01:40Z", "end": "1970-01-01T00:05:00Z", "seconds": 200,
    }  # fmt: skip
    assert (body["needed"], body["redundancy_lost_seconds"]) == (2, 2)
    assert body["channels"] == [{
        "channel": "a", "start": "1970-01-01T00:00:05Z", "end": "1970-01-01T00:01:45Z",
        "seconds": {"up": 1, "down": 2, "excluded": 3, "unmeasured": 94},
        "as_experienced_seconds": {"up": 4, "down": 5, "unmeasured": 91},
        "availability": {"contractual": "33.3", "as_experienced": "44.4"}, "outages": 6,
    }]  # fmt: skip
