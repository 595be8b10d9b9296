"""Where a month begins, is cut, ends and is final, and what of its records it shows: to the second.

Everything is worked out from a written past, without a store.
"""

from dataclasses import replace
from typing import Any

import pytest

from linksla.clock import parse_instant
from linksla.inventory import Bandwidth, Price
from linksla.inventory import Ownership as Owner
from sla.answers import ObjectiveAnswer, Outcome
from sla.exclusions import Decision, Excluded
from sla.maintenance import MaintenanceWindow
from sla.months import exclusions_in, months_of
from sla.periods import Ownership
from sla.schedules import PayoutTerms, PerCumulativeHour
from tests.unit.past_bench import DAY, DOWN, HOUR, JULY, JUNE, MIDDLE, ONE, OUT, Past

FIRST, LAST = JUNE + 10 * DAY, JUNE + 20 * DAY
MAY = JUNE - 31 * DAY
TWO = replace(ONE, version=2, valid_from=MIDDLE)
GIVING = replace(
    ONE,
    credit=(PerCumulativeHour(basis="per_cumulative_hour", credit_per_hour_percent=10),),
    payout=PayoutTerms(claim_within_days=30),
)


def price(start: int | None) -> Price:
    return Price(start=start, amount="1000", currency="USD")


def own(start_s: int, end_s: int, customer: str = "acme") -> Ownership:
    return Ownership(customer, start_s, end_s)


PRICED = {
    "bandwidths": tuple(Bandwidth(start=at, mbps=1) for at in (JUNE, LAST, JULY)),
    "prices": tuple(map(price, (None, JUNE - DAY, FIRST, LAST, JULY + DAY))),
}  # fmt: skip


@pytest.mark.parametrize(
    ("past", "owns", "cuts"),
    [
        (Past(), None, [(JUNE, JULY, JULY)]),
        (Past(begins=JUNE + 5), None, [(JUNE + 5, JULY, JULY)]),
        (Past(circuit={"active_to": LAST}), None, [(JUNE, LAST, LAST)]),
        (Past(circuit={"active_to": JULY + DAY}), None, [(JUNE, JULY, JULY)]),
        (
            Past(circuit=PRICED),
            None,
            [(JUNE, FIRST, FIRST), (FIRST, LAST, LAST), (LAST, JULY, JULY)],
        ),
        (
            Past(circuit={"prices": PRICED["prices"]}),
            None,
            [(JUNE, FIRST, FIRST), (FIRST, LAST, LAST), (LAST, JULY, JULY)],
        ),
        (
            Past(circuit={"bandwidths": PRICED["bandwidths"]}),
            None,
            [(JUNE, LAST, LAST), (LAST, JULY, JULY)],
        ),
        (Past((), (ONE, TWO)), None, [(JUNE, MIDDLE, MIDDLE), (MIDDLE, JULY, JULY)]),
        (Past((), (ONE, TWO), complete=MIDDLE), None, [(JUNE, MIDDLE, MIDDLE)]),
        (
            Past((), (ONE, TWO), complete=MIDDLE + 1),
            None,
            [(JUNE, MIDDLE, MIDDLE), (MIDDLE, MIDDLE + 1, JULY)],
        ),
        (Past(circuit=PRICED, complete=FIRST), None, [(JUNE, FIRST, FIRST)]),
        (Past(circuit=PRICED, complete=FIRST - 1), None, [(JUNE, FIRST - 1, FIRST)]),
        (Past(), [own(FIRST, LAST)], [(FIRST, LAST, LAST)]),
        (Past(complete=MIDDLE), [own(FIRST, LAST)], [(FIRST, MIDDLE, LAST)]),
        (Past(), [own(MAY, FIRST), own(LAST, JULY + DAY)], [(LAST, JULY, JULY)]),
        (Past(), [own(MAY, FIRST), own(JULY, JULY + DAY)], [(JUNE, FIRST, FIRST)]),
        (Past(), [own(MAY, JUNE)], []),
        (Past(complete=JUNE), None, []),
    ],
)
def test_a_month_is_cut_where_something_changes_inside_it_and_nowhere_else(
    past: Past, owns: list[Ownership] | None, cuts: list[tuple[int, int, int]]
) -> None:
    found = past.periods(owns=owns)

    assert [(one.start_s, one.end_s, one.full_end_s) for one in found] == cuts
    assert [one.rest for one in found] == [upper - so_far for _, so_far, upper in cuts]


@pytest.mark.parametrize(
    ("complete", "ends", "known"),
    [(MIDDLE, LAST, MIDDLE), (JULY, LAST, LAST), (JULY + DAY, JULY + 2 * DAY, JULY + DAY)],
)
def test_a_month_is_complete_no_later_than_its_owner_may_see(
    complete: int, ends: int, known: int
) -> None:
    (period,) = Past(complete=complete).periods(owns=[own(FIRST, ends)])

    assert period.complete_up_to_s == known


@pytest.mark.parametrize(
    ("owners", "customer"),
    [
        ([("acme", None, LAST), ("globex", LAST, None)], "acme"),
        ([("acme", None, LAST - 1), ("globex", LAST - 1, None)], "globex"),
        ([("acme", None, LAST - 2), ("globex", LAST - 2, LAST - 1), ("acme", LAST, None)], "acme"),
        ([("globex", JULY, None)], "globex"),
    ],
)
def test_a_part_belongs_to_who_has_the_circuit_in_its_last_second(
    owners: list[tuple[str, int | None, int | None]], customer: str
) -> None:
    many = tuple(Owner(customer=who, start=start, end=end) for who, start, end in owners)

    (period,) = Past(circuit={"owners": many}, complete=LAST).periods()

    assert period.customer_id == customer


def test_months_are_those_with_a_complete_second_of_an_ownership_in_order() -> None:
    past = Past((), (ONE, TWO), begins=parse_instant("2025-08-31T23:59:59Z"), complete=JULY + 1)

    def months(*owns: Ownership) -> list[str]:
        return list(months_of(past.history(), owns))

    every = ["2025-08", "2025-09", "2025-10", "2025-11", "2025-12", "2026-01", "2026-02",
             "2026-03", "2026-04", "2026-05", "2026-06", "2026-07"]  # fmt: skip
    assert months(own(0, JULY + 9 * DAY)) == every
    assert months(own(0, JULY)) == every[:-1]
    assert months(own(MAY, JUNE), own(JUNE + DAY, JUNE + 2 * DAY)) == ["2026-05", "2026-06"]
    assert months(own(JUNE - 1, JUNE + 1)) == ["2026-05", "2026-06"]
    assert months(own(JULY + 1, JULY + DAY)) == []
    alone = Past((), (ONE, replace(ONE, version=2, valid_from=JULY)), begins=JUNE, complete=JULY)
    assert list(months_of(alone.history(), [own(0, JULY + DAY)])) == ["2026-06"]


def asked(window_id: str, start: int, end: int, **more: Any) -> MaintenanceWindow:
    return MaintenanceWindow(
        **({"id": window_id, "circuit": "C", "start": start, "end": end, "announced_at": 0,
            "proposed_by": "noc", "reason": "work"} | more)
    )  # fmt: skip


def test_a_month_is_final_once_it_settled_and_time_went_by_and_nothing_is_undecided() -> None:
    settled = JULY + 3 * 10 + 500  # three cells of 10 s in a row

    def final(complete: int, *open_windows: MaintenanceWindow) -> bool:
        decisions = tuple(Decision(one, False, "", is_open=True) for one in open_windows)
        return Past(complete=complete, decisions=decisions).month(close_after=500).final

    assert [final(settled - 1), final(settled), final(settled + 1)] == [False, True, True]
    assert not final(settled, asked("W", JULY - 1, JULY + 1))
    assert final(settled, asked("W", JULY, JULY + 1))


def test_a_month_is_told_of_by_its_first_and_last_part() -> None:
    versions = (
        ONE, replace(GIVING, version=2, valid_from=FIRST), replace(GIVING, version=3,
        valid_from=LAST, payout=PayoutTerms(claim_within_days=7)),
    )  # fmt: skip
    past = Past(
        [(MIDDLE, MIDDLE + 10 * HOUR, DOWN)], versions, complete=JULY - DAY,
        circuit={"owners": (Owner(customer="acme", end=LAST), Owner(customer="b", start=LAST)),
                 "prices": (price(None),)},
    )  # fmt: skip

    answer = past.month()

    assert (answer.start_s, answer.end_s, answer.month_end_s) == (JUNE, JULY - DAY, JULY)
    assert answer.customer_id == "b"
    assert [one.share for one in answer.segments] == ["1/3", "1/3", "1/3"]
    assert (answer.credit_percent, answer.credit_amount) == ("33.33333", "333.33")
    assert answer.credit_terms is not None
    assert answer.credit_terms.claim_within_days == 7
    assert answer.credit_claim_by_s == JULY + 7 * DAY
    assert (answer.coverage, answer.final) == ("100.00000", False)
    own_part = past.month(owns=[own(FIRST, LAST)])
    assert (own_part.month_end_s, own_part.segments[0].share) == (LAST, "1")
    assert (own_part.credit_percent, own_part.credit_amount) == ("100", "333.33")


def test_a_contract_without_credit_has_no_terms_of_it_and_a_month_all_excluded_no_coverage() -> (
    None
):
    answer = Past([(JUNE, JULY, OUT)]).month()

    assert (answer.credit_terms, answer.coverage) == (None, None)
    assert (answer.availability_contractual, answer.availability_as_experienced) == (
        None, "0.00000",
    )  # fmt: skip


def objective(name: str, verdict: Outcome) -> ObjectiveAnswer:
    return ObjectiveAnswer(name, "1", "1", "", verdict, "")


@pytest.mark.parametrize(
    ("down", "more", "sentence"),
    [
        (0, {}, "June: met. 0 s down, 43 min 12 s allowed."),
        (0, {"rtt": "met"}, "June: met. 0 s down, 43 min 12 s allowed."),
        (0, {"rtt": "breached"}, "June: breached (rtt). 0 s down, 43 min 12 s allowed."),
        (
            0,
            {"rtt": "not_assessable", "loss": "met", "jitter": "not_assessable"},
            "June: not assessable (rtt, jitter). 0 s down, 43 min 12 s allowed.",
        ),
        (0, {"loss": "met", "rtt": "at_risk"}, "June: at risk (rtt). 0 s down, 43 min 12 s "
         "allowed."),
        (HOUR, {"rtt": "met"}, "June: breached. 1 h 0 min 0 s down, 43 min 12 s allowed."),
        (HOUR, {"rtt": "breached"}, "June: breached. 1 h 0 min 0 s down, 43 min 12 s allowed."),
    ],
)  # fmt: skip
def test_the_sentence_names_what_is_worse_than_availability(
    down: int, more: dict[str, str], sentence: str
) -> None:
    others = [objective(name, Outcome(verdict)) for name, verdict in more.items()]

    answer = Past([(MIDDLE, MIDDLE + down, DOWN)]).month(objectives=[others])

    assert answer.sentence == sentence


@pytest.mark.parametrize(
    ("outage", "seen"),
    [
        ((FIRST - 5, FIRST + 5), (FIRST, FIRST + 5)),
        ((FIRST + 5, LAST), (FIRST + 5, LAST)),
        ((FIRST + 5, LAST + 1), (FIRST + 5, None)),
        ((FIRST - 5, LAST + 5), (FIRST, None)),
    ],
)
def test_nothing_is_told_of_an_outage_beyond_the_ownership(
    outage: tuple[int, int], seen: tuple[int, int | None]
) -> None:
    (found,) = Past([(*outage, DOWN)]).month(owns=[own(FIRST, LAST)]).outages

    assert (found.start_s, found.end_s) == seen


def test_an_outage_that_lasts_has_no_end() -> None:
    (found,) = Past([(LAST, JULY + DAY, DOWN)], complete=LAST + DAY).month().outages

    assert (found.start_s, found.end_s, found.down_seconds) == (LAST, None, DAY)


def shown(decision: Decision, *excluded: Excluded, complete: int = JULY + DAY) -> Any:
    past = Past(complete=complete, decisions=(decision,), excluded=excluded)
    found = exclusions_in(past.history().complete[0], JUNE, JULY)
    return found[0] if found else None


@pytest.mark.parametrize(
    ("start", "end", "is_shown"),
    [
        (JUNE - 9, JUNE, False), (JUNE - 9, JUNE + 1, True), (JULY - 1, JULY + 9, True),
        (JULY, JULY + 9, False), (JUNE - 9, JULY + 9, True), (FIRST, LAST, True),
    ],
)  # fmt: skip
def test_a_window_is_shown_in_a_month_that_it_shares_a_second_with(
    start: int, end: int, is_shown: bool
) -> None:
    assert (shown(Decision(asked("W", start, end), True, "why")) is not None) is is_shown


OTHERS = "another window has the rest, or the monthly cap is used up"
UP = (
    "the circuit was up, would not have been up either, or another window or the monthly cap had it"
)


@pytest.mark.parametrize(
    ("accepted", "more", "seconds", "reason"),
    [
        (True, {}, HOUR, "Accepted: why."),
        (True, {}, 600, f"Accepted: why. 10 min 0 s of 1 h 0 min 0 s taken out: {OTHERS}."),
        (True, {"channel": "a"}, 0, f"Accepted: why. 0 s of 1 h 0 min 0 s taken out: {UP}."),
        (
            True,
            {"ticket": "T"},
            60,
            "Accepted: why. 1 min 0 s of its wait still counted as down, and are taken out.",
        ),
        (False, {}, 0, "Refused: why."),
        (False, {"ticket": "T"}, 0, "Refused: why."),
    ],
)
def test_a_window_says_how_much_of_it_was_taken_out_within_the_month(
    accepted: bool, more: dict[str, str], seconds: int, reason: str
) -> None:
    # an hour of it lies in the month, another before it
    window = asked("W", JUNE - HOUR, JUNE + HOUR, **more)
    pieces = [
        Excluded(JUNE - HOUR, JUNE + seconds // 2, "W"),
        Excluded(JUNE + seconds // 2, JUNE + seconds, "W"),
        Excluded(FIRST, LAST, "another"),
        Excluded(JULY + 1, JULY + 50, "W"),
    ]

    found = shown(Decision(window, accepted, "why"), *pieces)

    assert (found.seconds, found.reason) == (seconds, reason)
    assert (found.start_s, found.end_s) == (JUNE - HOUR, JUNE + HOUR)


def test_a_window_over_the_months_end_counts_up_to_it() -> None:
    window = asked("W", JULY - HOUR, JULY + HOUR)

    found = shown(Decision(window, True, "why"), Excluded(JULY - 60, JULY + 60, "W"))

    assert found.seconds == 60
    assert "1 min 0 s of 1 h 0 min 0 s" in found.reason


def test_a_record_nobody_decided_says_so_and_a_decided_one_by_whom() -> None:
    window = asked("W", FIRST, LAST)

    still = shown(Decision(window, False, "why", is_open=True))
    no = shown(Decision(replace(window, refused_by="boss", approved_by="b"), False, "why"))
    yes = shown(Decision(replace(window, approved_by="b"), True, "why"), Excluded(FIRST, LAST, "W"))

    assert (still.reason, still.decided_by, still.is_open) == ("Not decided: why.", None, True)
    assert (no.decided_by, yes.decided_by) == ("boss", "b")


@pytest.mark.parametrize(
    ("start", "complete", "ends"),
    [(FIRST, LAST, LAST), (FIRST, JULY + DAY, JULY), (LAST, FIRST, LAST)],
)
def test_a_ticket_that_waits_is_shown_up_to_what_is_known(
    start: int, complete: int, ends: int
) -> None:
    window = MaintenanceWindow(
        id="W", circuit="C", start=start, announced_at=0, proposed_by="noc", reason="r", ticket="T"
    )

    found = shown(Decision(window, True, "why"), complete=complete)

    assert (found.start_s, found.end_s) == (start, ends)
    assert found.reason.endswith("are taken out. The ticket still waits.")
    ended = shown(Decision(replace(window, end=start + 60), True, "why"))
    assert (ended.end_s, "still waits" in ended.reason) == (start + 60, False)


def test_records_are_shown_in_order_of_their_start_whatever_lies_outside() -> None:
    windows = [asked("before", MAY, MAY + 1), asked("b", LAST, LAST + 1), asked("c", FIRST, LAST),
               asked("a", LAST, LAST + 1)]  # fmt: skip
    past = Past(decisions=tuple(Decision(one, True, "why") for one in windows))

    assert [one.exclusion_id for one in past.month().exclusions] == ["c", "a", "b"]
