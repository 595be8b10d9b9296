"""Until when a circuit whose channels stay as they are is left alone, worked out by hand.

In June 99.9 % of 30 days allow 2,592 s; 2 % of them in an hour burn too fast: beyond 51 s.
"""

from dataclasses import replace
from typing import Any

import pytest

from sla.contracts import OutageTerms
from sla.history import FAR_AHEAD_S
from sla.outage_terms import ChronicTerms
from sla.steady import Steady, Turn, steady
from sla.telemetry import ChannelRow
from tests.unit.looks_bench import BEGAN, DECISIVE, LIVE, NOW, Present, lane
from tests.unit.past_bench import DAY, HOUR, ONE, word_about
from tests.unit.told_bench import version, window

PATIENCE = 60
FAR = FAR_AHEAD_S


def both(state: str, start: int) -> tuple[Any, Any]:
    return lane("a", state, start), lane("b", state, start)


def seen(present: Present, *, burning: bool = False) -> tuple[int, int, bool] | None:
    found = steady(present.look(), PATIENCE, burning=burning)
    return found and (found.complete_before_s, found.live_before_s, found.is_down)


GONE = {"lanes": both("bad", NOW - 300), "state": "down"}


def down(text: str, **more: Any) -> Present:
    return Present(**({"text": text, "ahead": "D30", **GONE} | more))


def test_a_healthy_circuit_stays_as_it_is() -> None:
    turns = {"a": Turn(False, BEGAN), "b": Turn(False, NOW)}
    lanes = lane("a"), lane("b", start=NOW)

    assert steady(Present(lanes=lanes).look(), 30, burning=False) == Steady(
        FAR, FAR, False, turns, DECISIVE
    )


@pytest.mark.parametrize(
    ("present", "patience_s", "rest_seconds"),
    [
        (Present(), 60, DECISIVE), (Present(), DECISIVE - 1, DECISIVE - 1),
        (Present(lanes=(lane("a", start=NOW), lane("b"))), 60, DECISIVE),
        (Present(lanes=(lane("a", start=NOW + 1), lane("b"))), 60, 0),
        (Present(lanes=(lane("a", "bad", NOW - 300), lane("b"))), 60, 0),
        (Present(text="b20", lanes=both("good", NOW), ahead="U30"), 60, 0),
        (down("D400"), 60, 0),
    ],
)  # fmt: skip
def test_a_circuit_is_at_rest_while_all_of_it_is_good(
    present: Present, patience_s: int, rest_seconds: int
) -> None:
    found = steady(present.look(), patience_s, burning=False)
    assert found is not None
    assert found.rest_seconds == rest_seconds


def test_a_circuit_whose_allowance_burns_is_not_at_rest() -> None:
    found = steady(Present().look(), 60, burning=True)
    assert found is not None
    assert found.rest_seconds == 0


@pytest.mark.parametrize(
    ("started", "live_before"),
    [(LIVE - PATIENCE - 1, FAR), (LIVE - PATIENCE, FAR), (LIVE - PATIENCE + 1, LIVE + 1),
     (NOW, NOW + PATIENCE)],
)  # fmt: skip
def test_a_channel_is_told_of_once_it_was_bad_for_so_long(started: int, live_before: int) -> None:
    assert seen(Present(lanes=(lane("a", "bad", started), lane("b")))) == (FAR, live_before, False)
    both_young = lane("a", "bad", started), lane("b", "good", NOW - 9)
    assert seen(Present(lanes=both_young)) == (FAR, min(live_before, NOW - 9 + PATIENCE), False)


def test_an_onset_is_decided_three_cells_later() -> None:
    onset = NOW + 10
    going = {"lanes": both("bad", onset), "ahead": "U10 b20"}

    assert seen(Present(**going)) == (onset + DECISIVE, onset + DECISIVE, False)
    unknown = Present(lanes=both("bad", NOW + 15), ahead="U5 M5 U5 b15")
    assert seen(unknown) == (NOW + 15 + DECISIVE, NOW + 15 + DECISIVE, False)
    decided = going | {"ahead": "U10 D20", "state": "down"}
    assert seen(Present(**decided)) == (onset + DECISIVE, FAR, False)


def test_an_onset_before_what_is_complete_counts_from_there() -> None:
    going = {"text": "b20", "lanes": both("bad", NOW - 20)}

    assert seen(Present(ahead="b5", live_s=NOW + 5, **going)) == (NOW + 10, NOW + 10, False)
    assert seen(Present(ahead="D30", state="down", **going)) == (NOW + 10, FAR, False)


def test_the_end_of_an_outage_is_decided_three_cells_later() -> None:
    back = NOW + 10
    ends = {"text": "D40", "lanes": both("good", back), "state": "down"}

    # nobody waits for the windows of a burning allowance: of the outage, only its verdict
    assert seen(Present(ahead="D10 g20", **ends)) == (NOW + 12, back + DECISIVE, True)
    calm = Present(ahead="D10 U20", **(ends | {"state": "up"}))
    assert seen(calm) == (NOW + 12, back + PATIENCE, True)


def test_an_end_before_what_is_complete_counts_from_there() -> None:
    ends = {"text": "D400 g20", "lanes": both("good", NOW - 20), "state": "down"}

    assert seen(Present(ahead="g5", live_s=NOW + 5, **ends)) == (NOW + 10, NOW + 10, True)


def test_unknown_time_is_part_of_what_it_stands_in() -> None:
    onset = NOW - 30
    text = {"text": "b10 M10 b10", "good": "b10 U10 b10", "bad": "b30"}
    lanes = both("bad", onset)

    # unknown as good, the onset is 10 s ago; as bad, 30: the earliest of them is waited for
    assert seen(Present(ahead="b5", live_s=NOW + 5, lanes=lanes, **text)) == (
        NOW, onset + DECISIVE, False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("ahead", "lanes"),
    [
        ("U10 b20", both("good", NOW)),  # channels are good again already
        ("b10 U20", both("bad", NOW)),
        ("b10 U10 b10", both("bad", NOW + 20)),  # to and fro
        ("M10 U20", both("bad", NOW)),
    ],
)
def test_what_goes_to_and_fro_is_not_certain(ahead: str, lanes: Any) -> None:
    assert seen(Present(ahead=ahead, lanes=lanes)) is None


def test_what_changed_before_it_was_decided_is_decided_only_if_it_lasted_so_long() -> None:
    back = {"lanes": both("good", NOW)}
    again = {"text": "D20 g20", "lanes": both("bad", NOW), "state": "down"}

    assert seen(Present(text="b20", ahead="U30", **back)) == (FAR, NOW + PATIENCE, False)
    assert seen(Present(ahead="D30", **again)) == (NOW + 12, FAR, True)  # a verdict is due
    # as long as it takes, with what was still to be complete: decided there
    for lasted, before in ((9, FAR), (10, NOW + 10), (15, NOW + 10)):
        late = both("good", NOW + lasted)
        gone = Present(text="b20", ahead=f"b{lasted} U15", live_s=NOW + lasted + 15, lanes=late)
        assert seen(gone) == (before, NOW + lasted + PATIENCE, False)
        fits = Present(**(again | {"lanes": both("bad", NOW + lasted)}),
                       ahead=f"g{lasted} D15", live_s=NOW + lasted + 15)  # fmt: skip
        assert seen(fits) == (NOW + min(before - NOW, 12), FAR, True)


def test_what_was_not_decided_began_as_early_as_unknown_time_allows() -> None:
    text = {"text": "b10 M10 b5", "good": "b10 U10 b5", "bad": "b25"}
    back = Present(ahead="b5 U20", live_s=NOW + 25, lanes=both("good", NOW + 5), **text)

    assert seen(back) == (NOW + 5, NOW + 5 + PATIENCE, False)


def test_without_anything_live_a_change_is_not_certain() -> None:
    ends = both("bad", NOW)[0], replace(both("bad", NOW)[1])
    bare = Present(ahead="", live_s=NOW, lanes=[replace(one, end_s=NOW) for one in ends])

    assert seen(bare) is None
    good = [lane("a", end=NOW), lane("b", end=NOW)]
    assert seen(Present(ahead="", live_s=NOW, lanes=good)) == (FAR, FAR, False)


def test_unknown_live_cells_say_nothing() -> None:
    assert seen(Present(ahead="M30")) == (FAR, FAR, False)
    assert seen(Present(ahead="b10 M20", lanes=both("good", NOW - 5))) is None
    assert seen(Present(ahead="U10 b10 M10", lanes=both("bad", NOW + 10))) == (
        NOW + 10 + DECISIVE, NOW + 10 + DECISIVE, False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("D40", 12),  # 51 s of an hour's window, 40 of them are gone
        ("D300", 1_645),  # it burns already; beyond three quarters of 2592 s it is at risk: 1944
        ("D2000", 593),  # at risk already: beyond 2592 it is breached
        ("D2592", 1),
        ("D3000", None),
    ],
)
def test_an_outage_goes_on_until_a_verdict_is_another_or_an_allowance_burns(
    text: str, after: int | None
) -> None:
    assert seen(down(text)) == (FAR if after is None else NOW + after, FAR, True)


def test_an_outage_is_judged_with_every_unknown_cell_good_and_bad() -> None:
    # 300 s are down; were the 500 unknown ones bad 800, and 1944 - 800 + 1 are left until at risk
    text, bad = "M500 U3600 D300", "D500 U3600 D300"
    known = {"good": "U4100 D300", "bad": bad}
    # counted are 30 days less 500 s: 2591.5 allowed, three quarters 1943.625
    assert seen(down(text, **known)) == (NOW + 1_145, FAR, True)
    # were they bad, it would be breached: how much is measured decides, which grows too
    text, bad = "M2300 U3600 D300", "D2300 U3600 D300"
    assert seen(down(text, good="U5900 D300", bad=bad)) is None


@pytest.mark.parametrize(
    ("text", "after"),
    [
        # 40 s, 600 s ago: 10.8 s of a 6 h window may be down when the last rule is over
        ("D40 U600", 6 * HOUR - 600 - 10),
        ("D9 U600", 30 * 60 - 600 - 5),  # nothing to windows of 2 and 6 h
        ("D5 U300", 1),
        ("U600", 1),
    ],
)
def test_an_allowance_that_burned_is_calm_when_its_windows_are_empty(text: str, after: int) -> None:
    assert seen(Present(text=text), burning=True) == (NOW + after, FAR, False)


def test_a_month_that_is_not_open_is_not_certain() -> None:
    look = down("D40").look()
    month, segment = look.answers[-1], look.answers[-1].segments[-1]
    for more in (
        {"end_s": NOW - 1}, {"full_end_s": None}, {"full_end_s": NOW}, {"full_end_s": NOW - 1},
    ):  # fmt: skip
        other = replace(month, segments=(replace(segment, **more),))  # type: ignore[arg-type]
        assert steady(replace(look, answers=(other,)), PATIENCE, burning=False) is None
    other = replace(month, segments=(segment, replace(segment, end_s=NOW - 1)))
    assert steady(replace(look, answers=(other,)), PATIENCE, burning=False) is None
    other = replace(month, segments=(replace(segment, end_s=NOW - 1), segment))
    assert steady(replace(look, answers=(month, other)), PATIENCE, burning=False) is not None


@pytest.mark.parametrize(
    "promised",
    [
        {"count_max": 0}, {"longest_seconds_max": 9_000}, {"restore_mean_seconds_max": 9_000},
        {"chronic": ChronicTerms(outages=2, lasting_seconds=5, within_days=30)},
    ],
)  # fmt: skip
def test_what_is_promised_of_outages_themselves_is_not_certain(promised: Any) -> None:
    contract = replace(ONE, outages=OutageTerms(**promised))

    assert seen(down("D40", contract=contract)) is None
    look = down("D40").look()
    former = replace(look.versions[0], contract=contract)
    known = replace(look, versions=(former, *look.versions))
    assert steady(known, PATIENCE, burning=False) is None
    assert seen(Present(contract=contract)) == (FAR, FAR, False)


@pytest.mark.parametrize(
    "lanes",
    [
        (lane("a"),),
        (lane("a"), lane("b"), lane("c")),
        (lane("a"), lane("b", "unknown")),
        (lane("a"), lane("b", end=NOW - 1)),
    ],
)
def test_what_is_not_known_of_all_channels_is_not_certain(lanes: Any) -> None:
    assert seen(Present(lanes=lanes)) is None
    assert seen(Present(lanes=(lane("a"), lane("b", end=NOW)))) == (FAR, FAR, False)


@pytest.mark.parametrize(
    ("begins", "ends", "counts"),
    [(NOW, None, True), (NOW + 1, None, False), (BEGAN, LIVE, False), (BEGAN, LIVE + 1, True)],
)
def test_channels_are_those_that_are_active_now(
    begins: int, ends: int | None, counts: bool
) -> None:
    known = (ChannelRow("C", "a", 1, BEGAN, None), ChannelRow("C", "b", 2, begins, ends))

    assert (seen(Present(channels=known)) is not None) is counts
    assert (seen(Present(channels=known, lanes=(lane("a"),))) is not None) is not counts


@pytest.mark.parametrize(
    ("start", "end", "plain"),
    [
        (LIVE + 1, LIVE + 9, True), (LIVE, LIVE + 9, False), (NOW - 9, NOW + 9, False),
        (NOW - 9 * DAY, NOW - DAY, True), (NOW - 9 * DAY, NOW - DAY + 1, False),
    ],
)  # fmt: skip
def test_a_window_of_the_day_is_not_certain(start: int, end: int, plain: bool) -> None:
    assert (seen(Present(windows=(window(start, end),))) is not None) is plain


def test_what_people_said_or_another_version_bears_on_the_present() -> None:
    look = Present().look()
    part, live = look.history.complete[0], look.history.live
    said = (word_about("w"),)

    def certain(**more: Any) -> bool:
        return steady(
            replace(look, history=replace(look.history, **more)), PATIENCE, burning=False
        ) is not None  # fmt: skip

    assert certain()
    assert not certain(complete=(replace(part, reclassified=said),))
    assert not certain(live=replace(live, reclassified=said))
    newer = replace(live.in_force, contract=version(2, NOW + 5), start_s=NOW + 5)
    assert not certain(live=replace(live, in_force=newer))
    for ended, settled in ((NOW - DAY, True), (NOW - DAY + 1, False)):
        assert certain(complete=(replace(part, end_s=ended), part)) is settled


def test_a_state_that_hangs_on_unknown_cells_is_not_certain() -> None:
    assert seen(Present(text="M10", good="U10", bad="b10")) is None
    assert seen(Present(text="U10", good="U10", bad="b10")) is None
    assert seen(Present(text="U10", good="D10", bad="U10")) is None
    assert seen(Present(state="unmeasured")) is None
    look = Present().look()
    part = look.history.complete[0]
    taken_out = replace(part.runs[-1], bucket=part.runs[-1].bucket.EXCLUDED)
    for name in ("runs", "unknown_good", "unknown_bad"):
        runs = getattr(part, name)
        for other in ((), runs[:-1], (*runs[:-1], taken_out)):
            changed = replace(part, **{name: other})
            history = replace(look.history, complete=(changed,))
            assert steady(replace(look, history=history), PATIENCE, burning=False) is None
