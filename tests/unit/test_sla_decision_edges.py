"""What people's decisions make of a circuit's history: windows, tickets, words and caps."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from sla.answers import Bucket
from sla.attributions import Act, Attribution, Reclassification
from sla.contracts import Contract, ExclusionTerms, MaintenanceTerms
from sla.exclusions import Cap, Excluded
from sla.history import History, caps_of
from sla.judged import JudgedRun
from sla.maintenance import MaintenanceWindow
from tests.unit.past_bench import DAY, HOUR, JULY, JUNE, MIDDLE, ONE, word_about
from tests.unit.told_bench import Told, circuit, facts, historian, judged, version, window

FIRST, LAST = JUNE + 10 * DAY, JUNE + 20 * DAY


def lost(runs: Sequence[JudgedRun]) -> list[tuple[int, int, str]]:
    """Return what is not up, from JUNE on."""
    return [
        (run.start_s - JUNE, run.end_s - JUNE, run.bucket.value)
        for run in runs
        if run.bucket is not Bucket.UP
    ]


def one_history(
    told: Told,
    *windows: MaintenanceWindow,
    contract: Contract = ONE,
    words: Sequence[Reclassification] = (),
) -> History:
    by = historian((contract,), windows, {"C": tuple(words)} if words else None)
    return judged(by, facts(), told)["C"].complete[0]


UNSURE = Told("U100 M50 U*", good="U*", bad="U100 D50 U*")


def test_what_is_unknown_is_bounded_by_both_assumptions() -> None:
    history = one_history(UNSURE)

    assert lost(history.runs) == [(100, 150, "unmeasured")]
    assert lost(history.unknown_good) == []
    assert lost(history.unknown_bad) == [(100, 150, "down")]


def test_an_accepted_window_takes_out_what_it_covers_under_every_assumption() -> None:
    history = one_history(UNSURE, window(JUNE + 120, JUNE + 130), window(0, 1, id="V"))

    assert lost(history.runs) == [
        (100, 120, "unmeasured"), (120, 130, "excluded"), (130, 150, "unmeasured"),
    ]  # fmt: skip
    assert lost(history.unknown_good) == [(120, 130, "excluded")]
    assert lost(history.unknown_bad) == [
        (100, 120, "down"), (120, 130, "excluded"), (130, 150, "down"),
    ]  # fmt: skip
    assert [(one.window.id, one.accepted) for one in history.decisions] == [
        ("W", True), ("V", True),
    ]  # fmt: skip


def test_a_channels_window_takes_out_what_the_circuit_would_have_been_up_in() -> None:
    told = Told("U100 D50 U*", saved="U100 D20 U*")

    history = one_history(told, window(JUNE, JUNE + 140, channel="a"))

    assert lost(history.runs) == [(100, 120, "down"), (120, 140, "excluded"), (140, 150, "down")]


def test_a_window_is_decided_by_the_version_in_force_when_it_begins() -> None:
    strict = version(2, MIDDLE, maintenance=MaintenanceTerms(notice_hours=48))
    windows = [
        window(at, at + 60, id=str(number), announced_at=at - HOUR)
        for number, at in enumerate((MIDDLE - 60, MIDDLE - 1, MIDDLE, JUNE - 60))
    ]

    history = judged(historian((ONE, strict), windows), facts(), Told())["C"]

    assert [one.accepted for one in history.live.decisions] == [True, True, False, True]
    assert history.live.excluded == (
        Excluded(MIDDLE - 60, MIDDLE, "0"), Excluded(MIDDLE, MIDDLE + 59, "1"),
    )  # fmt: skip


WAITS = replace(ONE, exclusions=ExclusionTerms(customer=True, waiting_for_customer=True))


def test_a_ticket_that_waits_takes_out_down_seconds_only_and_once_it_is_accepted() -> None:
    told = Told("U100 D50 U50 D50 U*", saved="U*")
    ticket = window(JUNE + 120, JUNE + 220, ticket="T", approved_by="boss")

    stopped = one_history(told, ticket, contract=WAITS)
    refused = one_history(told, replace(ticket, approved_by=None), contract=WAITS)
    unsaid = one_history(told, ticket)

    assert lost(stopped.runs) == [
        (100, 120, "down"), (120, 150, "excluded"), (200, 220, "excluded"), (220, 250, "down"),
    ]  # fmt: skip
    assert [(one.start_s - JUNE, one.end_s - JUNE) for one in stopped.excluded] == [
        (120, 150), (200, 220),
    ]  # fmt: skip
    for history in (refused, unsaid):
        assert lost(history.runs) == [(100, 150, "down"), (200, 250, "down")]
        assert history.excluded == ()
    assert not any(one.windows_good for one in told.judgements)


def theirs(
    start: int, end: int, attribution: Attribution = Attribution.CUSTOMER
) -> Reclassification:
    return word_about("p", attribution, JUNE + start, JUNE + end, Act.APPROVED)


def test_an_outage_that_somebody_else_caused_is_taken_out_whole() -> None:
    told = Told("U100 D50 U50 D50 U*")

    history = one_history(told, contract=WAITS, words=[theirs(140, 141)])

    assert lost(history.runs) == [(100, 150, "excluded"), (200, 250, "down")]
    assert [(one.start_s - JUNE, one.end_s - JUNE, one.window_id) for one in history.excluded] == [
        (100, 150, "p")
    ]
    assert [one.proposal.proposal_id for one in history.reclassified] == ["p"]
    unsaid = one_history(told, words=[theirs(140, 141)])
    assert lost(unsaid.runs) == [(100, 150, "down"), (200, 250, "down")]


def test_a_word_is_about_an_outage_as_it_was_and_not_as_a_window_would_have_it() -> None:
    told = Told("U100 D50 U50 D50 U*", saved="U100 D10 U90 D50 U*")
    card = window(JUNE + 110, JUNE + 120, channel="a")

    history = one_history(told, card, contract=WAITS, words=[theirs(145, 150)])

    assert lost(history.runs) == [
        (100, 110, "excluded"), (110, 120, "excluded"), (120, 150, "excluded"), (200, 250, "down"),
    ]  # fmt: skip


def test_an_outage_that_lasts_is_attributed_up_to_what_is_known() -> None:
    length = JULY - JUNE
    told = Told(f"U{length - 100} D40 M20 D*")

    history = one_history(told, contract=WAITS, words=[theirs(length - 1, length)])

    assert lost(history.runs) == [
        (length - 100, length - 60, "excluded"), (length - 60, length - 40, "unmeasured"),
        (length - 40, length, "excluded"),
    ]  # fmt: skip


def test_what_was_measured_wrongly_is_bounded_like_what_was_not_measured() -> None:
    told = Told("U100 D50 U*", good="U100 D50 U*", bad="U100 D50 U*")

    history = one_history(told, words=[theirs(100, 150, Attribution.MEASUREMENT_FAULT)])

    assert lost(history.runs) == [(100, 150, "unmeasured")]
    assert lost(history.unknown_good) == []
    assert lost(history.unknown_bad) == [(100, 150, "down")]


def test_each_second_of_an_outage_is_excluded_by_the_terms_of_its_own_version() -> None:
    middle = MIDDLE - JUNE
    told = Told(f"U{middle - 50} D100 U*")
    words = {"C": (theirs(middle, middle + 1),)}

    first, second = judged(historian((WAITS, version(2, MIDDLE)), (), words), facts(), told)[
        "C"
    ].complete

    assert lost(first.runs) == [(middle - 50, middle, "excluded")]
    assert lost(second.runs) == [
        (middle - 50, middle, "excluded"), (middle, middle + 50, "down"),
    ]  # fmt: skip


def capped(hours: Any, number: int = 1, valid_from: int | None = None, **more: Any) -> Contract:
    terms = MaintenanceTerms(cap_hours_per_month=hours)
    return replace(ONE, version=number, valid_from=valid_from, maintenance=terms, **more)


@pytest.mark.parametrize(
    ("versions", "end", "found"),
    [
        ([capped(None)], JULY, [(JUNE, JULY, None)]),
        ([capped("1/7")], JULY, [(JUNE, JULY, 514)]),  # 514.28 s
        ([capped(2)], JULY, [(JUNE, JULY, 7200)]),
        ([capped(2)], JULY + 1, [(JUNE, JULY, 7200), (JULY, JULY + 31 * DAY, 7200)]),
        ([capped(2), capped(2, 2, MIDDLE)], JULY, [(JUNE, JULY, 7200)]),
        ([capped(2), capped(2, 2, MIDDLE), capped(2, 3, LAST)], JULY, [(JUNE, JULY, 7200)]),
        ([capped(2), capped(2, 2, MIDDLE)], MIDDLE, [(JUNE, MIDDLE, 7200)]),
        (
            [capped(2), capped(3, 2, JULY)],
            JULY + 1,
            [(JUNE, JULY, 7200), (JULY, JULY + 31 * DAY, 10800)],
        ),
        (
            [capped(2), capped(2, 2, JULY)],
            JULY + 1,
            [(JUNE, JULY, 7200), (JULY, JULY + 31 * DAY, 7200)],
        ),
        (
            [capped(2), capped(3, 2, MIDDLE)],  # no file may say so; each has its own then
            JULY,
            [(JUNE, MIDDLE, 7200), (MIDDLE, JULY, 10800)],
        ),
        (
            [capped(2), capped(2, 2, JULY, anniversary_day=15)],
            JULY + 1,
            [(JUNE, JULY + 14 * DAY, 7200)],  # its month began in June, and shares what was left
        ),
    ],
)
def test_versions_inside_a_month_share_its_cap(
    versions: list[Contract], end: int, found: list[tuple[int, int, int | None]]
) -> None:
    ruled = historian(versions).versions(circuit())

    assert list(caps_of(ruled, end)) == [Cap(*one) for one in found]


def test_a_cap_is_used_up_in_the_month_and_not_by_the_one_after() -> None:
    told = Told(f"U{JULY - JUNE} U*")
    by = historian((capped(1),), [window(JULY - 2 * HOUR, JULY + 2 * HOUR)])

    history = judged(by, facts(complete={"C": JULY + DAY}), told)["C"].complete[0]

    assert lost(history.runs) == [
        (JULY - JUNE - 2 * HOUR, JULY - JUNE - HOUR, "excluded"),
        (JULY - JUNE, JULY - JUNE + HOUR, "excluded"),
    ]
