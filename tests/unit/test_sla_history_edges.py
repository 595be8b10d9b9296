"""What a circuit's history is judged from: versions, channels, cells, horizons."""

from dataclasses import replace

import pytest

from linksla.inventory import Circuit
from sla.boundaries import UnknownAs
from sla.history import FAR_AHEAD_S
from sla.spans import LiveSpan
from sla.telemetry import ChannelRow
from tests.unit.past_bench import DAY, JULY, JUNE, MIDDLE, ONE, word_about
from tests.unit.told_bench import Told, circuit, facts, historian, judged, version, window

MAY = JUNE - 31 * DAY
FIRST, LAST = JUNE + 10 * DAY, JUNE + 20 * DAY
THREE = (ONE, version(2, MIDDLE), version(3, LAST))


@pytest.mark.parametrize(
    ("more", "found"),
    [
        ({}, [(1, JUNE, MIDDLE), (2, MIDDLE, LAST), (3, LAST, FAR_AHEAD_S)]),
        ({"active_from": MIDDLE - 1}, [(1, MIDDLE - 1, MIDDLE), (2, MIDDLE, LAST),
                                       (3, LAST, FAR_AHEAD_S)]),
        ({"active_from": MIDDLE}, [(2, MIDDLE, LAST), (3, LAST, FAR_AHEAD_S)]),
        ({"active_from": LAST + 5}, [(3, LAST + 5, FAR_AHEAD_S)]),
        ({"active_to": MIDDLE}, [(1, JUNE, MIDDLE)]),
        ({"active_to": MIDDLE + 1}, [(1, JUNE, MIDDLE), (2, MIDDLE, MIDDLE + 1)]),
        ({"active_from": FIRST, "active_to": JULY}, [(1, FIRST, MIDDLE), (2, MIDDLE, LAST),
                                                     (3, LAST, JULY)]),
    ],
)  # fmt: skip
def test_each_version_rules_its_part_of_the_circuits_time(
    more: dict[str, int], found: list[tuple[int, int, int]]
) -> None:
    ruled = historian(THREE).versions(circuit(**more))

    assert [(one.contract.version, one.start_s, one.end_s) for one in ruled] == found


def test_the_version_at_an_instant_is_the_one_in_force_or_the_nearest() -> None:
    by = historian((replace(ONE, valid_from=MAY), *THREE[1:]))

    numbers = [
        by.contract_at(circuit(), at).version
        for at in (MAY, JUNE, MIDDLE - 1, MIDDLE, LAST - 1, LAST, JULY + DAY)
    ]

    assert numbers == [1, 1, 1, 2, 2, 3, 3]


def test_windows_are_those_on_the_circuit_and_then_those_on_its_site() -> None:
    windows = [
        window(1, 2, id="site", circuit=None, site="S"), window(1, 2, id="mine"),
        window(1, 2, id="other", circuit="D"), window(1, 2, id="far", circuit=None, site="T"),
        window(1, 2, id="channel", channel="a"),
    ]  # fmt: skip
    words = {"D": (word_about(),)}
    other, alone = circuit("D", site="U"), circuit("E", site="V")
    by = historian((ONE,), windows, words, circuit(), other, alone)

    def names(one: Circuit) -> list[str]:
        return [each.id for each in by.windows_of(one)]

    assert names(circuit()) == ["mine", "channel", "site"]
    assert names(circuit("D", site="T")) == ["other", "far"]
    assert names(circuit("E", site="V")) == []
    assert [by.decided_upon(one) for one in (circuit(), other, alone)] == [True, True, False]
    words_alone = historian((ONE,), (), words, circuit(), other)
    assert [words_alone.decided_upon(one) for one in (circuit(), other)] == [False, True]
    assert by.basis("C") == (circuit(), by.windows_of(circuit()), ())
    assert by.basis("D") == (other, by.windows_of(other), words["D"])
    assert by.basis("E") == (alone, (), ())
    under = by.under((THREE[0], THREE[2]))
    assert [one.contract.version for one in under.versions(circuit())] == [1, 3]
    assert under.basis("D") == by.basis("D")


def test_a_circuit_is_judged_of_which_channels_and_something_complete_are_known() -> None:
    rows = [ChannelRow("C", "a", 1, JUNE, None), ChannelRow("D", "a", 2, JUNE, None)]
    known = facts(*rows, complete={"C": JULY, "E": JULY})
    circuits = [circuit(), circuit("D"), circuit("E")]

    found = judged(historian((ONE,), (), None, *circuits), known, Told(), "C", "D", "E")

    assert list(found) == ["C"]
    assert judged(historian(), facts(complete={}), Told()) == {}


@pytest.mark.parametrize(
    ("complete", "live_to", "found"),
    [
        (MIDDLE, {}, (MIDDLE, MIDDLE)), (MIDDLE, {"C": MIDDLE + 9}, (MIDDLE, MIDDLE + 9)),
        (MIDDLE, {"C": MIDDLE - 9}, (MIDDLE, MIDDLE)), (JUNE - 9, {}, (JUNE, JUNE)),
        (JUNE - 9, {"C": JUNE + 9}, (JUNE, JUNE + 9)),
    ],
)  # fmt: skip
def test_what_is_complete_begins_with_the_circuit_and_what_is_live_follows_it(
    complete: int, live_to: dict[str, int], found: tuple[int, int]
) -> None:
    history = judged(historian(), facts(complete={"C": complete}, live_to=live_to), Told())["C"]

    assert (history.complete_up_to_s, history.live_to_s) == found
    assert (history.complete[-1].end_s, history.live.end_s) == found
    assert (history.live.unknown_good, history.live.unknown_bad) == ((), ())


@pytest.mark.parametrize(
    ("complete", "live_to", "numbers", "live"),
    [
        (JULY, JULY, [1, 2, 3], 3), (LAST + 1, LAST + 1, [1, 2, 3], 3), (LAST, LAST, [1, 2], 3),
        (LAST, LAST - 1, [1, 2], 3), (LAST - 1, LAST - 1, [1, 2], 2),
        (LAST - 1, LAST + 1, [1, 2], 3), (MIDDLE, MIDDLE, [1], 2), (MIDDLE - 1, MIDDLE, [1], 2),
        (FIRST, FIRST, [1], 1), (JUNE, JUNE, [1], 1), (JUNE - 5, JUNE - 5, [1], 1),
    ],
)  # fmt: skip
def test_a_history_is_of_the_versions_that_have_begun_and_the_live_one_of_the_latest(
    complete: int, live_to: int, numbers: list[int], live: int
) -> None:
    told = Told()

    history = judged(
        historian(THREE), facts(complete={"C": complete}, live_to={"C": live_to}), told
    )["C"]

    assert [one.in_force.contract.version for one in history.complete] == numbers
    assert history.live.in_force.contract.version == live
    ends = [min(max(complete, JUNE), one.in_force.end_s) for one in history.complete]
    assert [one.end_s for one in history.complete] == ends
    # each is judged up to what is complete, also beyond its own end: the rule is retroactive
    *bounded, last = told.judgements
    assert len(bounded) == 3 * len(numbers)
    assert {one.end_s for one in bounded} == {max(complete, JUNE)}
    assert (last.end_s, last.unknown_as) == (history.live_to_s, UnknownAs.UNKNOWN)
    assert [one.unknown_as for one in bounded[:3]] == [
        UnknownAs.UNKNOWN, UnknownAs.GOOD, UnknownAs.BAD,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("more", "complete", "start", "end"),
    [
        ({}, JULY, JUNE, JULY), ({"active_from": JUNE + 7}, JULY, JUNE, JULY),
        ({"active_from": JUNE + 10}, JULY, JUNE + 10, JULY),
        ({"active_to": LAST}, JULY, JUNE, LAST), ({"active_to": LAST + 1}, JULY, JUNE, LAST + 10),
        ({"active_to": LAST + 10}, JULY, JUNE, LAST + 10),
        ({"active_to": LAST}, FIRST, JUNE, FIRST),
    ],
)  # fmt: skip
def test_whole_cells_are_judged_and_none_after_the_circuits_end(
    more: dict[str, int], complete: int, start: int, end: int
) -> None:
    told = Told()

    history = judged(
        historian((ONE,), (), None, circuit(**more)), facts(complete={"C": complete}), told
    )["C"]

    assert {(one.start_s, one.end_s) for one in told.judgements} == {(start, end)}
    assert {(one.needed, one.consecutive, one.grid_seconds) for one in told.judgements} == {
        (1, 3, 10)
    }
    assert not any(one.initially_down or one.windows_good for one in told.judgements)
    whole = history.complete[0]
    lower, upper = circuit(**more).active_from, min(complete, circuit(**more).active_to or complete)
    assert (whole.start_s, whole.end_s) == (lower, upper)
    assert [(run.start_s, run.end_s) for run in whole.runs] == [(lower, upper)]


def test_a_channels_time_is_whole_cells_cut_at_its_own_accepted_windows() -> None:
    rows = [
        ChannelRow("C", "a", 1, JUNE + 7, None), ChannelRow("C", "b", 2, JUNE, LAST + 1),
        ChannelRow("D", "a", 3, JUNE, LAST), ChannelRow("X", "a", 4, JUNE, None),
    ]  # fmt: skip
    live = {key: (LiveSpan(key, JULY, JULY + 10, 1, None),) for key in (1, 3, 4)}
    windows = [
        window(FIRST, FIRST + 50, channel="a"), window(FIRST, MIDDLE, id="all"),
        window(MIDDLE, MIDDLE + 50, id="late", channel="a", announced_at=MIDDLE, refused_by="b"),
        window(LAST - 20, LAST, id="other", channel="b"),
    ]  # fmt: skip
    told = Told()

    judged(
        historian((ONE,), windows, None, circuit(), circuit("D", site="T")),
        facts(*rows, complete={"C": JULY, "D": JULY}, live=live), told, "C", "D",
    )  # fmt: skip

    numbers = {one.circuit for one in told.judgements}
    assert len(numbers) == 2
    mine, theirs = told.parts[0].circuit, told.parts[-1].circuit
    assert numbers == {mine, theirs}
    assert [(one.channel_key, one.start_s, one.end_s, one.windowed) for one in told.parts] == [
        (1, JUNE, FIRST, False), (1, FIRST, FIRST + 50, True), (1, FIRST + 50, FAR_AHEAD_S, False),
        (2, JUNE, LAST - 20, False), (2, LAST - 20, LAST, True), (2, LAST, LAST + 10, False),
        (3, JUNE, LAST, False),
    ]  # fmt: skip
    assert [one.channel_key for one in told.live] == [1, 3]
    windowed = [one.windows_good for one in told.judgements if one.circuit == mine]
    assert windowed == [False, True] * 4
    assert [one.windows_good for one in told.judgements if one.circuit == theirs] == [False] * 4
