"""Outages counted at the ends of a month and on each limit: a second, an outage, a day more."""

from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest

from sla.answers import MonthAnswer, ObjectiveAnswer, Outcome
from sla.chronic import (
    Counted,
    Spell,
    chronic_standing,
    counted_words,
    outage_objectives,
    repeats,
    restore_mean,
    spells_of,
)
from sla.outage_figures import figures_json, figures_words
from sla.outage_terms import ChronicTerms, OutageTerms
from sla.outages import outage_id
from sla.periods import Ownership
from tests.unit.past_bench import DAY, DOWN, HOUR, JULY, JUNE, MIDDLE, ONE, OUT, Past, runs_of

MET, BREACHED, AT_RISK = Outcome.MET, Outcome.BREACHED, Outcome.AT_RISK
TERMS = OutageTerms(
    count_max=4, longest_seconds_max=100, restore_mean_seconds_max=50, repeat_within_days=2,
    chronic=ChronicTerms(outages=3, lasting_seconds=10, within_days=5),
)  # fmt: skip


@pytest.mark.parametrize(
    ("text", "start", "end", "found"),
    [
        ("U10 D5 U10", 0, 25, [(10, 15, 5)]),
        ("D5 U10 D5", 0, 20, [(0, 5, 5), (15, 20, 5)]),
        ("U10 D5 U10", 10, 25, [(10, 15, 5)]),
        ("U10 D5 U10", 11, 25, []),
        ("U10 D5 U10", 0, 12, [(10, 12, 2)]),
        ("U10 D5 U10", 0, 10, []),
        ("U10 D5 U10 D5", 0, 15, [(10, 15, 5)]),
        ("U10 D3 E4 M2 D1 A2 U9", 0, 31, [(10, 22, 4)]),
        ("U10 E5 U10 A5 U5 D1", 0, 36, [(35, 36, 1)]),
        ("U10 E5 D1 U10 M9 D2 M5", 0, 42, [(10, 16, 1), (35, 37, 2)]),
        ("M10 D5 M10 D5 U1", 0, 31, [(10, 30, 10)]),
    ],
)
def test_a_spell_has_its_down_seconds_from_onset_to_the_last_of_them(
    text: str, start: int, end: int, found: list[tuple[int, int, int]]
) -> None:
    assert spells_of(runs_of(text), start, end) == tuple(Spell(*one) for one in found)


def counted(*spells: tuple[int, int], start: int = 0, end: int = 30 * DAY, is_open: bool = False):
    """Return spells of (onset, down seconds)."""
    return Counted([Spell(at, at + down, down) for at, down in spells], start, end, is_open)


def told(known: Counted, terms: OutageTerms = TERMS) -> dict[str, tuple[str | None, Outcome]]:
    return {one.name: (one.actual, one.verdict) for one in outage_objectives(terms, known)}


@pytest.mark.parametrize(
    ("onset", "began"), [(9, 0), (10, 1), (19, 1), (20, 0)]
)  # fmt: skip
def test_an_outage_is_of_the_month_in_whose_seconds_it_begins(onset: int, began: int) -> None:
    known = counted((onset, 5), start=10, end=20)

    assert len(known.began) == began
    assert told(known) == {
        "outages": (str(began), MET),
        "longest outage": (str(5 * began), MET),
        "mean time to restore": ("5.0" if began else "0", MET),
        "chronic circuit": ("0", MET),
    }


@pytest.mark.parametrize(
    ("number", "is_open", "verdict"),
    [(4, False, MET), (5, False, BREACHED), (5, True, BREACHED), (4, True, AT_RISK),
     (3, True, MET), (0, True, MET)],
)  # fmt: skip
def test_a_count_on_its_limit_is_met_and_three_quarters_of_it_no_risk(
    number: int, is_open: bool, verdict: Outcome
) -> None:
    known = counted(*((at * DAY, 1) for at in range(number)), is_open=is_open)

    assert told(known)["outages"] == (str(number), verdict)


@pytest.mark.parametrize(
    ("seconds", "is_open", "verdict"),
    [(100, False, MET), (101, False, BREACHED), (101, True, BREACHED), (75, True, MET),
     (76, True, AT_RISK), (76, False, MET)],
)  # fmt: skip
def test_the_longest_outage_decides(seconds: int, is_open: bool, verdict: Outcome) -> None:
    known = counted((0, 1), (DAY, seconds), (2 * DAY, 2), is_open=is_open)

    assert told(known)["longest outage"] == (str(seconds), verdict)


@pytest.mark.parametrize(
    ("downs", "is_open", "mean", "verdict"),
    [((50, 50), False, "50.0", MET), ((50, 51), False, "50.5", BREACHED),
     ((50, 51), True, "50.5", AT_RISK), ((49, 50, 52), False, "50.4", BREACHED),
     ((50,), True, "50.0", MET)],
)  # fmt: skip
def test_a_mean_on_its_limit_is_met_and_is_printed_rounded_up(
    downs: tuple[int, ...], is_open: bool, mean: str, verdict: Outcome
) -> None:
    known = counted(*((at * DAY, down) for at, down in enumerate(downs)), is_open=is_open)

    (found,) = [one for one in outage_objectives(TERMS, known) if one.name.startswith("mean")]

    assert (found.actual, found.verdict, found.observations) == (mean, verdict, len(downs))
    assert found.exact == restore_mean(known.spells) == Fraction(sum(downs), len(downs))
    assert ("so far" in found.reason) is is_open
    assert ("is within 50 s" in found.reason) is (verdict is MET)


def test_each_objective_says_its_limit_and_nothing_began_in_words() -> None:
    none = outage_objectives(TERMS, counted())
    one = outage_objectives(TERMS, counted((DAY, 60)))

    assert [(each.name, each.target, each.actual, each.unit) for each in none] == [
        ("outages", "4", "0", ""), ("longest outage", "100", "0", "s"),
        ("mean time to restore", "50", "0", "s"), ("chronic circuit", "2", "0", ""),
    ]  # fmt: skip
    assert [each.reason for each in none] == [
        "0 began in the month, 4 allowed.",
        "No outage began, 1 min 40 s allowed.",
        "No outage began, a mean of 50 s allowed.",
        "0 outages of 10 s or more within 5 days, the last of them in this month; 3 make the "
        "circuit chronic.",
    ]
    assert none[2].observations == 0
    assert [each.reason for each in one][:3] == [
        "1 began in the month, 4 allowed.",
        "The longest outage was down 1 min 0 s, 1 min 40 s allowed.",
        "60 s over 1 outage that began in the month = 60.0 s, which exceeds 50 s.",
    ]
    assert [counted_words(many) for many in (0, 1, 2)] == ["0 outages", "1 outage", "2 outages"]


@pytest.mark.parametrize(
    ("more", "names"),
    [
        ({}, []), ({"count_max": 0}, ["outages"]), ({"longest_seconds_max": 1}, ["longest outage"]),
        ({"restore_mean_seconds_max": 1}, ["mean time to restore"]),
        ({"chronic": TERMS.chronic}, ["chronic circuit"]),
    ],
)  # fmt: skip
def test_only_what_is_promised_is_judged(more: dict[str, Any], names: list[str]) -> None:
    assert list(told(counted((0, 1)), OutageTerms(**more))) == names


@pytest.mark.parametrize(
    ("onsets", "is_open", "now", "most", "verdict"),
    [
        # 5 days of [t, t + 5 d) up to an onset in days 20 to 30
        ([20, 21, 24], False, 0, 3, BREACHED),
        ([20, 21, 25], False, 1, 2, MET),  # five days after the first: it no longer counts
        ([16, 19, 20], False, 0, 3, BREACHED),  # two of them in the month before
        ([15, 19, 20], False, 0, 2, MET),
        ([17, 18, 19], False, 0, 0, MET),  # none of them in this month
        ([25, 29], True, 2, 2, AT_RISK),
        ([25, 29], False, 2, 2, MET),
        ([24, 29], True, 1, 1, MET),
        ([25, 26, 27], True, 3, 3, BREACHED),
        ([20, 21, 30], True, 0, 2, MET),  # the last begins in the month after
        ([25, 26, 30], True, 2, 2, AT_RISK),
        ([20, 21, 22, 23], False, 0, 4, BREACHED),
    ],
)
def test_a_circuit_is_chronic_by_its_onsets_within_any_so_many_days(
    onsets: list[int], is_open: bool, now: int, most: int, verdict: Outcome
) -> None:
    known = counted(*((at * DAY, 10) for at in onsets), start=20 * DAY, is_open=is_open)
    short = counted(*((at * DAY, 9) for at in onsets), start=20 * DAY, is_open=is_open)
    assert TERMS.chronic is not None

    found = chronic_standing(TERMS.chronic, known)

    assert (found.now, found.most, found.needed) == (now, most, 3)
    assert (found.lasting_seconds, found.within_days) == (10, 5)
    assert told(known)["chronic circuit"] == (str(most), verdict)
    assert told(short)["chronic circuit"] == ("0", MET)
    assert found.chronic is (verdict is BREACHED)


@pytest.mark.parametrize(
    ("ended", "onset", "is_repeat"),
    [
        (21 * DAY, 23 * DAY - 1, True), (21 * DAY, 23 * DAY, False), (21 * DAY, 21 * DAY + 1, True),
        (19 * DAY, 20 * DAY - 1, False), (19 * DAY, 20 * DAY, True),
        (29 * DAY, 30 * DAY - 1, True), (29 * DAY, 30 * DAY, False),
    ],
)  # fmt: skip
def test_a_repeat_begins_in_the_month_within_days_of_anothers_end(
    ended: int, onset: int, is_repeat: bool
) -> None:
    known = counted((ended - 5, 5), (onset, 5), start=20 * DAY)

    found = repeats(TERMS, known, "C")

    assert [(one.outage_id, one.earlier_id, one.after_seconds) for one in found] == [
        (outage_id("C", onset), outage_id("C", ended - 5), onset - ended)
    ] * is_repeat


def month(*lost: tuple[int, int, Any], **more: Any) -> MonthAnswer:
    versions = (replace(ONE, outages=TERMS), replace(ONE, version=2, valid_from=MIDDLE))
    owns = more.pop("owns", None)
    return Past(lost, versions, **more).month(owns=owns)


def test_figures_are_of_the_whole_month_and_the_verdict_of_what_a_part_had_by_its_end() -> None:
    strict = replace(ONE, version=2, valid_from=MIDDLE, outages=OutageTerms(count_max=2))
    lost = [
        (JUNE - HOUR, JUNE + 60, DOWN), (JUNE + DAY, JUNE + DAY + 60, DOWN),
        (JUNE + 5 * DAY, JUNE + 5 * DAY + 60, OUT),
        (MIDDLE + DAY, MIDDLE + DAY + 120, DOWN), (JULY - 30, JULY + 60, DOWN),
    ]  # fmt: skip

    answer = Past(lost, (replace(ONE, outages=TERMS), strict)).month()

    figures = answer.outage_figures
    assert figures is not None
    assert (figures.began, figures.longest_seconds) == (3, 120)
    assert figures.restore_mean_seconds == (60 + 120 + 90) / 3
    count = answer.objectives[1]
    assert (count.name, count.actual, count.verdict) == ("outages", "3", BREACHED)
    assert "1 began in the month, 4 allowed." in count.reason
    assert "3 began in the month, 2 allowed." in count.reason


def test_without_terms_a_part_has_no_objective_and_figures_all_the_same() -> None:
    answer = month((MIDDLE + DAY, MIDDLE + DAY + 60, DOWN))

    (count,) = [one for one in answer.objectives if one.name == "outages"]
    assert "version 2" not in count.reason
    assert answer.outage_figures is not None
    assert answer.outage_figures.chronic is None
    assert answer.outage_figures.repeat_within_days == 30


def test_what_began_under_another_owner_is_not_counted() -> None:
    lost = [(MIDDLE - 10, MIDDLE + 60, DOWN), (MIDDLE + DAY, MIDDLE + DAY + 30, DOWN)]

    mine = month(*lost, owns=[Ownership("acme", MIDDLE, JULY + DAY)])
    whole = month(*lost)

    assert mine.outage_figures is not None
    assert whole.outage_figures is not None
    assert (mine.outage_figures.began, whole.outage_figures.began) == (1, 2)


@pytest.mark.parametrize(("complete", "is_open"), [(JULY - 1, True), (JULY, False)])
def test_a_month_is_open_while_a_second_is_to_come(complete: int, is_open: bool) -> None:
    lost = [(JUNE + at * DAY, JUNE + at * DAY + 1, DOWN) for at in range(4)]

    answer = Past(lost, (replace(ONE, outages=TERMS),), complete=complete).month()

    count: ObjectiveAnswer = answer.objectives[1]
    assert count.verdict is (AT_RISK if is_open else MET)


def test_figures_are_said_in_words_and_in_numbers() -> None:
    lost = [
        (JUNE + DAY, JUNE + DAY + 60, DOWN), (JUNE + 2 * DAY, JUNE + 2 * DAY + 61, DOWN),
        (JUNE + 3 * DAY, JUNE + 3 * DAY + 61, DOWN),
    ]  # fmt: skip

    def figures(*some: tuple[int, int, Any], terms: OutageTerms = TERMS):
        found = Past(some, (replace(ONE, outages=terms),)).month().outage_figures
        assert found is not None
        return found

    assert figures_words(figures(*lost)) == (
        "3 outages began: 60.7 s to restore on average, the longest 1 min 1 s. 2 repeats within 2 "
        "days of another. Chronic: at most 3 of 10 s or more within 5 days, 3 make it so."
    )
    assert figures_words(figures(lost[0], terms=OutageTerms())) == (
        "1 outage began: 60.0 s to restore on average, the longest 1 min 0 s."
    )
    assert figures_words(figures(*lost[:2])).endswith(
        "1 repeat within 2 days of another. Not chronic: at most 2 of 10 s or more within 5 days, "
        "3 make it so."
    )
    assert figures_words(figures(terms=OutageTerms())) == "0 outages began."
    numbers = figures_json(figures(*lost))
    assert (numbers["began"], numbers["mttr_seconds"], numbers["longest_seconds"]) == (
        3, "60.7", 61,
    )  # fmt: skip
    assert numbers["chronic"] == {
        "outages": 0, "most": 3, "needed": 3, "lasting_seconds": 10, "within_days": 5,
        "chronic": True,
    }  # fmt: skip
    none = figures_json(figures(terms=OutageTerms()))
    assert (none["mttr_seconds"], none["chronic"], none["repeats"]) == (None, None, [])


def test_a_month_without_an_outage_has_no_longest_one_and_no_mean() -> None:
    figures = Past().month().outage_figures

    assert figures is not None
    assert (figures.began, figures.longest_seconds, figures.restore_mean_seconds) == (0, 0, None)
