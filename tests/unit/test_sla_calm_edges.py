"""Up to which instants a circuit is calm, and what is never calm, to the second."""

from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest

from linksla.inventory import Bandwidth, Price
from linksla.inventory import Ownership as Owner
from sla.answers import MonthAnswer, Outcome
from sla.calm import Awaits, Calm, calm
from sla.history import FAR_AHEAD_S
from sla.looks import Look
from sla.steady import SETTLED_SECONDS, Turn
from sla.telemetry import ChannelRow
from tests.unit.looks_bench import BEGAN, GRID, LIVE, NOW, Present, lane
from tests.unit.past_bench import DAY, JULY, ONE
from tests.unit.told_bench import version, window

FAR = FAR_AHEAD_S
NOTHING = Awaits(0)
LAG = 60  # longer than three cells
SLOW = NOW + LAG  # live so far ahead that nothing is foretold
HEALTHY = Present().look()
TURNS = {"a": Turn(False, BEGAN), "b": Turn(False, BEGAN)}


def until(present: Present, awaits: Awaits = NOTHING) -> tuple[int, int] | None:
    found = calm(present.look(), awaits)
    return found and (found.complete_before_s, found.live_before_s)


def slow(**more: Any) -> Present:
    return Present(**({"ahead": "U60", "live_s": SLOW} | more))


def test_a_healthy_circuit_is_calm_until_its_month_ends() -> None:
    assert calm(HEALTHY) == Calm(JULY, FAR - GRID, LAG - 1, channels=TURNS, rest_seconds=30)
    for awaits in (Awaits.CHANNELS, Awaits.BURN):
        waiting = calm(HEALTHY, awaits)
        assert waiting is not None
        assert waiting.rest_seconds == 0
    assert calm(slow().look()) == Calm(JULY, FAR - GRID, LAG)
    assert until(slow(live_s=SLOW + 1, ahead="U61")) is None
    found = calm(HEALTHY)
    assert found is not None
    assert not found.is_over
    assert not found.is_down


def test_patience_is_as_long_as_n_cells_where_those_are_longer() -> None:
    terms = replace(ONE, availability=replace(ONE.availability, consecutive=7))

    found = calm(slow(contract=terms, text="U70", ahead="U70", live_s=NOW + 70).look())
    assert found is not None
    assert found.lag_seconds_max == 70
    assert calm(slow(contract=terms, text="U70", ahead="U71", live_s=NOW + 71).look()) is None


def test_an_outage_goes_on_by_itself() -> None:
    gone = Present("D400", "D30", lanes=(lane("a", "bad", NOW - 400), lane("b", "bad", NOW - 400)),
                   state="down")  # fmt: skip

    found = calm(gone.look(), Awaits.RECOVERY)
    assert found is not None
    assert (found.is_down, found.complete_before_s) == (True, NOW + 1_944 - 400 + 1)
    assert found.channels == {name: Turn(True, NOW - 400) for name in "ab"}
    assert calm(replace(gone, ahead="D60", live_s=SLOW).look()) is None


@pytest.mark.parametrize(
    ("awaits", "is_calm"),
    [
        (NOTHING, True), (Awaits.CHANNELS, True), (Awaits.BURN, True), (Awaits.RECOVERY, False),
        (Awaits.ANYTHING, False), (Awaits.ANYTHING | Awaits.BURN, False),
        (Awaits.CHANNELS | Awaits.BURN, True),
    ],
)  # fmt: skip
def test_what_alarms_wait_for_decides(awaits: Awaits, is_calm: bool) -> None:
    assert (calm(HEALTHY, awaits) is not None) is is_calm
    if awaits:
        assert calm(slow().look(), awaits) is None, "nothing is foretold: it is looked at"


def test_windows_of_a_burning_allowance_are_waited_for_only_then() -> None:
    burned = Present("D40 U600")

    assert until(burned) == (JULY, FAR - GRID)
    assert until(burned, Awaits.BURN) == (NOW + 6 * 3_600 - 600 - 10, FAR - GRID)


@pytest.mark.parametrize("at", [NOW, NOW + 1, JULY - 1])
def test_a_price_a_bandwidth_and_an_owner_begin_a_segment(at: int) -> None:
    for changed in (
        {"bandwidths": (Bandwidth(start=at, mbps=1),)},
        {"prices": (Price(start=None, amount="1", currency="USD"),
                    Price(start=at, amount="2", currency="USD"))},
        {"owners": (Owner(customer="acme", end=at), Owner(customer="b", start=at))},
        {"owners": (Owner(customer="acme", start=BEGAN, end=at),)},
    ):  # fmt: skip
        assert until(Present(circuit=changed)) == (at, FAR - GRID)
    assert until(Present(circuit={"bandwidths": (Bandwidth(start=NOW - 1, mbps=1),)})) == (
        JULY, FAR - GRID,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("at", "found"),
    [
        (LIVE + GRID, None), (LIVE + GRID + 1, (LIVE + GRID + 1, LIVE + 1)), (NOW, None),
        (NOW - 1, (JULY, FAR - GRID)), (JULY + 5, (JULY, JULY - 5)),
    ],
)  # fmt: skip
def test_a_channel_that_begins_or_ends_is_seen_a_cell_before(
    at: int, found: tuple[int, int] | None
) -> None:
    begins = (*Present().channels, ChannelRow("C", "c", 3, at, None))
    ends = (*Present().channels, ChannelRow("C", "c", 3, BEGAN, at))
    for channels in (begins, ends):
        look = replace(Present(live_s=SLOW, ahead="U60").look(), channels=channels)
        wanted = found and (found if found[1] > SLOW else None)
        got = calm(look)
        assert (got and (got.complete_before_s, got.live_before_s)) == wanted
    if at > LIVE:
        got = calm(replace(HEALTHY, channels=begins))
        assert (got and (got.complete_before_s, got.live_before_s)) == found


def test_the_circuits_end_and_another_version_are_edges() -> None:
    assert until(Present(circuit={"active_to": NOW + 500})) == (NOW + 500, NOW + 490)
    known = HEALTHY.versions[0]
    later = replace(known, contract=version(2, NOW + 900), start_s=NOW + 900)
    look = replace(HEALTHY, versions=(replace(known, end_s=NOW + 800), later))
    found = calm(look)
    assert found is not None
    assert (found.complete_before_s, found.live_before_s) == (NOW + 800, NOW + 790)


def test_a_month_is_judged_when_it_becomes_final() -> None:
    month = HEALTHY.answers[0]
    earlier = replace(month, month_end_s=NOW - 5)

    def cut(close_after: int, **more: Any) -> int | None:
        look = replace(
            HEALTHY, answers=(earlier, month), close_after_seconds=close_after, **more
        )  # fmt: skip
        found = calm(look)
        return found and found.complete_before_s

    assert [cut(close) for close in (0, 100)] == [NOW - 5 + 30, NOW - 5 + 30 + 100]
    slower = replace(ONE, availability=replace(ONE.availability, consecutive=2))
    known = HEALTHY.versions[0]
    assert cut(100, versions=(known, replace(known, contract=slower))) == NOW - 5 + 20 + 100
    long_ago = replace(month, month_end_s=NOW - 500)
    assert calm(replace(HEALTHY, answers=(long_ago, month))) == calm(HEALTHY)


@pytest.mark.parametrize(
    ("start", "end", "is_calm"),
    [
        (LIVE + GRID, LIVE + 99, False), (LIVE + GRID + 1, LIVE + 99, True),
        (LIVE + GRID - 1, LIVE + 99, False), (NOW - 500, NOW - GRID + 1, False),
    ],
)  # fmt: skip
def test_a_window_at_hand_is_not_calm(start: int, end: int, is_calm: bool) -> None:
    found = until(Present(windows=(window(start, end),)))

    assert found == ((JULY, start - GRID) if is_calm else None)
    assert until(Present(windows=(window(NOW - 500, NOW - GRID),))) == (JULY, FAR - GRID)


@pytest.mark.parametrize(
    ("start", "end", "is_calm"),
    [
        (NOW - 500, NOW - GRID, True), (NOW - 500, NOW - GRID + 1, False),
        (SLOW + GRID, SLOW + 99, False), (SLOW + GRID + 1, SLOW + 99, True),
    ],
)  # fmt: skip
def test_without_a_foretold_stay_a_window_bears_on_a_cell_before_and_after(
    start: int, end: int, is_calm: bool
) -> None:
    assert (until(slow(windows=(window(start, end),))) is not None) is is_calm


def test_a_window_that_begins_in_the_newest_cell_is_not_calm() -> None:
    lanes = lane("a", end=NOW), lane("b", end=NOW)
    bare = Present(ahead="", live_s=NOW, lanes=lanes)

    assert until(bare) == (JULY, FAR - GRID)
    assert until(replace(bare, windows=(window(NOW - 5, NOW + 99),))) is None


def answered(**more: Any) -> Look:
    return replace(HEALTHY, answers=(replace(HEALTHY.answers[0], **more),))


def test_a_month_that_is_over_or_none_is_not_calm() -> None:
    assert calm(replace(HEALTHY, answers=())) is None
    assert calm(answered(month_end_s=NOW)) is None
    assert calm(answered(month_end_s=NOW + 1)) is not None
    over, month = replace(HEALTHY.answers[0], month_end_s=NOW), HEALTHY.answers[0]
    assert calm(replace(HEALTHY, answers=(over, month))) is not None
    assert calm(replace(HEALTHY, answers=(month, over))) is None


def not_assessable(look: Look, start_s: int, **more: Any) -> MonthAnswer:
    """Return a look's open month as too little measured of [start_s, NOW)."""
    month = look.answers[0]
    (first,) = month.objectives
    unknown = replace(first, verdict=Outcome.NOT_ASSESSABLE)
    segment = replace(month.segments[0], start_s=start_s)
    return replace(month, objectives=(unknown,), segments=(segment,), **more)


@pytest.mark.parametrize(
    ("text", "seconds", "after"),
    [
        ("M20 U110", 130, 270),  # 95 % of 400 s are 380
        ("M20 U110", 129, 251),  # 19 of 380 s are not measured
        ("M1 U30", 20, 1),  # measured as a whole: at once
        ("M30 D20 U80", 130, 470),  # what was down was measured
        ("E30 M20 U80", 130, 300),  # what is excluded does not count
        ("M300 U0 U30", 330, 5_670),
    ],
)  # fmt: skip
def test_of_what_was_measured_too_little_is_enough_some_time_later(
    text: str, seconds: int, after: int
) -> None:
    look = Present(text=text).look()

    found = calm(replace(look, answers=(not_assessable(look, NOW - seconds),)))

    assert found is not None
    assert found.complete_before_s == NOW + after


def test_where_all_is_to_be_measured_time_decides_nothing() -> None:
    availability = replace(ONE.availability, coverage_percent_min=Fraction(100))
    look = Present(contract=replace(ONE, availability=availability)).look()

    found = calm(replace(look, answers=(not_assessable(look, NOW - 40),)))

    assert found is not None
    assert found.complete_before_s > NOW + 86_400


def test_a_month_of_several_segments_that_is_not_assessable_is_not_calm() -> None:
    month = not_assessable(HEALTHY, NOW - 40)

    over = replace(month, segments=month.segments * 2, month_end_s=NOW)
    assert calm(replace(HEALTHY, answers=(over, HEALTHY.answers[0]))) is not None
    assert calm(answered(segments=month.segments * 2)) is not None
    assert calm(replace(HEALTHY, answers=(replace(month, segments=month.segments * 2),))) is None


def test_what_was_observed_is_not_asked_for_enough_of_it() -> None:
    (first,) = HEALTHY.answers[0].objectives
    unknown = replace(first, verdict=Outcome.NOT_ASSESSABLE, name="p95")
    soon = not_assessable(HEALTHY, NOW - 40)

    as_ever = calm(HEALTHY)
    assert calm(answered(objectives=(first, unknown))) == as_ever
    assert calm(answered(objectives=())) == as_ever
    over = replace(HEALTHY.answers[0], month_end_s=NOW)
    unknown_over = replace(soon, month_end_s=NOW)
    either = [calm(replace(HEALTHY, answers=(one, HEALTHY.answers[0])))
              for one in (over, unknown_over)]  # fmt: skip
    assert either[0] == either[1] is not None
    both = calm(replace(HEALTHY, answers=(soon, HEALTHY.answers[0])))
    assert both is not None
    assert both.complete_before_s == NOW + 1


def test_a_circuit_that_has_ended_is_over_once_all_its_months_are_final() -> None:
    over = Calm(FAR, FAR, FAR, is_over=True)

    def ended(at: int, *final: bool) -> Calm | None:
        history = HEALTHY.history
        circuit = replace(history.circuit, active_to=at)
        answers = [replace(HEALTHY.answers[0], final=one) for one in final]
        look = replace(HEALTHY, history=replace(history, circuit=circuit), answers=answers)
        assert calm(look, Awaits.ANYTHING) is None
        return calm(look)

    assert ended(NOW - 1, True, True) == over
    assert ended(NOW - 1, True, False) != over
    assert ended(NOW, True) != over


@pytest.mark.parametrize(
    ("more", "is_up"),
    [
        ({"text": "D100 U30"}, True), ({"text": "D100 U29"}, False), ({"text": "D100 g30"}, False),
        ({"text": "U50 b30"}, False), ({"text": "U50 M30"}, False),
        ({"text": "U9", "good": "M9"}, False), ({"text": "U9", "bad": "b9"}, False),
        ({"text": "U9", "good": "D90 U29"}, False), ({"text": "U9", "bad": "D90 U29"}, False),
        ({"ahead": "M60"}, True), ({"ahead": "U50 b10"}, False), ({"ahead": "b10 U50"}, False),
        ({"ahead": "U50 D10"}, False), ({"ahead": "g10 U50"}, False),
        ({"ahead": "U10 M20 U30"}, True), ({"live": "b10 U30 U60"}, True),
    ],
)  # fmt: skip
def test_what_is_not_foretold_must_be_decidedly_up(more: dict[str, Any], is_up: bool) -> None:
    assert (until(slow(**more)) is not None) is is_up


def test_a_version_that_ended_long_ago_bears_on_nothing() -> None:
    look = slow().look()
    part = look.history.complete[0]

    def with_parts(*parts: Any) -> Calm | None:
        return calm(replace(look, history=replace(look.history, complete=parts)))

    for ended, is_calm in ((NOW - SETTLED_SECONDS, True), (NOW - SETTLED_SECONDS + 1, False)):
        earlier = replace(part, end_s=ended)
        assert (with_parts(earlier, part) is not None) is is_calm
        assert (
            with_parts(replace(part, end_s=NOW - 9 * DAY), earlier, part) is not None
        ) is is_calm
    assert with_parts(replace(part, end_s=NOW - 1)) is None
    shorter = replace(part, unknown_bad=part.unknown_bad[:-1])
    assert with_parts(shorter) is None
