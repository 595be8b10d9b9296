"""Outages and words about them at their ends: what shares a second, and what only touches.

All of it on short runs, worked by hand.
"""

from dataclasses import replace
from typing import Any

import pytest

from linksla.clock import MICROSECONDS
from sla.attributions import (
    Act,
    Attribution,
    Reclassification,
    bears_on,
    in_force,
)
from sla.contracts import ExclusionTerms
from sla.exclusions import Decision, Excluded
from sla.judged import OutageRange
from sla.maintenance import MaintenanceWindow
from sla.outages import (
    excluded_by_people,
    open_proposals,
    outage_id,
    outages_in,
    proposal_json,
)
from tests.unit.past_bench import ONE, Past, runs_of, word_about

CUSTOMER, FORCE, FAULT = (
    Attribution.CUSTOMER,
    Attribution.FORCE_MAJEURE,
    Attribution.MEASUREMENT_FAULT,
)

# 10 to 20 down, of it 14 to 17 excluded; up to 30; 30 to 35 all excluded; from 40 on down
SEEN = runs_of("U10 D4 E3 D3 U10 E5 U5 D5 M2")


@pytest.mark.parametrize(
    ("start", "end", "found"),
    [
        (0, 10, []),
        (0, 11, [(10, 20, 1, 0, False)]),
        (10, 20, [(10, 20, 7, 3, False)]),
        (11, 19, [(10, 20, 5, 3, True)]),
        (14, 17, [(10, 20, 0, 3, True)]),
        (13, 16, [(10, 20, 1, 2, True)]),
        (19, 30, [(10, 20, 1, 0, True)]),
        (20, 30, []),
        (20, 31, [(30, 35, 0, 1, False)]),
        (0, 40, [(10, 20, 7, 3, False), (30, 35, 0, 5, False)]),
        (35, 47, [(40, None, 5, 0, False)]),
        (41, 44, [(40, None, 3, 0, True)]),
        (45, 47, [(40, None, 0, 0, True)]),
    ],
)
def test_an_outage_is_shown_with_its_seconds_inside_the_range(
    start: int, end: int, found: list[tuple[int, int | None, int, int, bool]]
) -> None:
    outages = outages_in("C", SEEN, start, end)

    assert [
        (one.start_s, one.end_s, one.down_seconds, one.excluded_seconds, one.carried_in)
        for one in outages
    ] == found
    assert [one.attribution for one in outages] == [
        "maintenance" if excluded and not down else "carrier" for _, _, down, excluded, _ in found
    ]
    assert [one.outage_id for one in outages] == [outage_id("C", one[0]) for one in found]
    assert {len(one.outage_id) for one in outages} <= {12}


@pytest.mark.parametrize(
    ("start", "end", "bears"),
    [(0, 40, False), (0, 41, True), (46, 99, True), (47, 99, False), (40, 47, True)],
)
def test_a_word_is_about_an_outage_that_lasts_up_to_what_is_known(
    start: int, end: int, bears: bool
) -> None:
    one = word_about(start=start, end=end, standing=Act.APPROVED)

    (outage,) = outages_in("C", SEEN, 40, 47, (one,))

    assert outage.attribution == ("customer" if bears else "carrier")
    assert [word.proposal_id for word in outage.attributions] == (["p"] if bears else [])
    assert bears_on(one, OutageRange(40, None), 47) is bears


@pytest.mark.parametrize(
    ("start", "end", "bears"),
    [(0, 10, False), (0, 11, True), (19, 99, True), (20, 99, False)],
)
def test_a_word_is_about_an_outage_that_it_shares_a_second_with(
    start: int, end: int, bears: bool
) -> None:
    one = word_about(start=start, end=end, standing=Act.APPROVED)

    assert bool(outages_in("C", SEEN, 10, 20, (one,))[0].attributions) is bears
    assert bears_on(one, OutageRange(10, 20), 99) is bears
    assert (in_force([one], OutageRange(10, 20), 99) is one) is bears


def test_a_word_is_told_in_whole_seconds_by_whom_and_when() -> None:
    first = word_about("p", at=7 * MICROSECONDS + 999_999)
    second = word_about("q", at=9 * MICROSECONDS, standing=Act.REFUSED)

    (outage,) = outages_in("C", SEEN, 10, 20, (first, second))

    told = [(one.proposed_at_s, one.decided_by, one.decided_at_s, one.decided_reason)
            for one in outage.attributions]  # fmt: skip
    assert told == [(7, None, None, None), (9, "boss", 9, "so")]
    found = proposal_json(first)
    assert (found["circuit_id"], found["outage_id"]) == ("C", "outage")
    assert "p" in found.values()


def shown(text: str, *words: Reclassification, excluded: tuple[Excluded, ...] = ()) -> Any:
    """Return what is shown in [10, 30) of words under a contract that excludes the customer's."""
    contract = replace(ONE, exclusions=ExclusionTerms(customer=True))
    (part,) = Past((), (contract,)).history().complete
    part = replace(part, runs=runs_of(text), excluded=excluded, reclassified=words)
    return excluded_by_people(part, 10, 30)


@pytest.mark.parametrize(
    ("start", "end", "is_shown"),
    [(0, 10, False), (0, 11, True), (29, 40, True), (30, 40, False), (12, 13, True), (0, 99, True)],
)
def test_a_word_is_shown_in_a_range_that_it_shares_a_second_with(
    start: int, end: int, is_shown: bool
) -> None:
    assert len(shown("U99", word_about(start=start, end=end))) == is_shown


@pytest.mark.parametrize(
    ("attribution", "standing", "seconds", "reason"),
    [
        (CUSTOMER, Act.APPROVED, 5, "Accepted: customer. "),
        (CUSTOMER, Act.APPROVED, 0, "Accepted (customer), and nothing of it was left to take out."),
        (FORCE, Act.APPROVED, 0, "Refused: the contract does not exclude force majeure."),
        (FORCE, Act.APPROVED, 5, "Accepted: force majeure. "),  # a former version did
        (CUSTOMER, Act.PROPOSED, 0, "Not decided: customer, and nobody else has approved it."),
        (CUSTOMER, Act.REFUSED, 0, "Refused: customer. "),
        (CUSTOMER, Act.REVOKED, 0, "Refused: customer. "),
    ],
)
def test_what_became_of_a_word_is_said_with_its_seconds_in_the_range(
    attribution: Attribution, standing: Act, seconds: int, reason: str
) -> None:
    word = word_about("p", attribution, 5, 40, standing)
    pieces = (
        Excluded(5, 10 + max(0, seconds - 2), "p"), Excluded(28, 45, "p"), Excluded(40, 50, "p"),
        Excluded(12, 20, "other"),
    )  # fmt: skip
    fault = word_about("f", FAULT, standing=Act.APPROVED)

    (one,) = shown("U99", fault, word, excluded=pieces if seconds else pieces[3:])

    assert (one.seconds, one.accepted) == (seconds, seconds > 0)
    assert one.reason.startswith(reason)
    assert "proposed by noc" in one.reason
    assert (one.start_s, one.end_s) == ((5, 50) if seconds else (5, 40))
    assert one.is_open is (standing is Act.PROPOSED)
    assert one.decided_by == (None if one.is_open else "boss")


def test_what_a_word_took_out_is_shown_though_the_word_itself_lies_outside() -> None:
    before = word_about("before", start=0, end=5)
    word = word_about("p", start=2, end=8, standing=Act.APPROVED)

    (one,) = shown("U99", before, word, excluded=(Excluded(5, 13, "p"),))

    assert (one.exclusion_id, one.seconds, one.start_s, one.end_s) == ("p", 3, 2, 13)


def test_what_is_undecided_is_what_shares_a_second_with_the_range_in_order() -> None:
    def window(name: str, start: int, end: int) -> Decision:
        known = MaintenanceWindow(
            id=name, circuit="C", start=start, end=end, announced_at=0, proposed_by="n", reason="r"
        )
        return Decision(known, False, "", is_open=True)

    (part,) = Past().history().complete
    part = replace(
        part,
        decisions=(
            window("z", 29, 40), window("touches", 0, 10), window("after", 30, 40),
            replace(window("decided", 10, 20), is_open=False), window("c", 0, 11),
        ),
        reclassified=(
            word_about("y", start=29, end=40), word_about("before", start=0, end=10),
            word_about("later", start=30, end=40), word_about("x", standing=Act.REFUSED),
            word_about("b", start=0, end=11),
        ),
    )  # fmt: skip

    assert open_proposals(part, 10, 30) == ("b", "c", "y", "z")
