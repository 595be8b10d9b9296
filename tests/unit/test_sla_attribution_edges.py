"""What people said about outages: whose word counts, and which seconds it moves, to the second."""

from itertools import permutations
from typing import Any

import pytest

from sla.answers import Bucket
from sla.attributions import (
    Act,
    Attribution,
    AttributionWord,
    Ruled,
    allowed,
    in_force,
    moved,
    proposal_id,
    reattributed,
    reclassifications,
    ruled,
    stopped,
    within,
)
from sla.contracts import ExclusionTerms
from sla.exclusions import Excluded
from sla.judged import OutageRange
from tests.unit.past_bench import letters, runs_of, word_about

CUSTOMER, FORCE, FAULT = (
    Attribution.CUSTOMER,
    Attribution.FORCE_MAJEURE,
    Attribution.MEASUREMENT_FAULT,
)


def word(act: Act, name: str = "p", *, at: int = 1, who: str = "boss", **more: Any):
    return AttributionWord(name, act, who, at, "why", **more)


def test_words_are_taken_in_the_order_they_were_said_whatever_order_they_come_in() -> None:
    words = [
        word(Act.PROPOSED, "p", at=0, who="noc", circuit_id="C"),
        word(Act.APPROVED, "p", at=0, who="noc"),  # his own
        word(Act.PROPOSED, "p", at=1, who="noc", circuit_id="X"),  # known already
        word(Act.REFUSED, "p", at=2),
        word(Act.APPROVED, "p", at=3),
        word(Act.APPROVED, "nobody"),
        word(Act.PROPOSED, "q", at=1, who="noc", circuit_id="D"),
    ]

    for order in list(permutations(words))[::97]:
        found = reclassifications(order)
        assert set(found) == {"C", "D"}
        (one,) = found["C"]
        assert one.standing is Act.REFUSED
        assert one.decided == words[3]
        assert "refused by boss" in one.history
        assert found["D"][0].is_open
        assert found["D"][0].history == "proposed by noc 1970-01-01T00:00:00Z: why"


@pytest.mark.parametrize(
    ("standing", "may"),
    [
        (Act.PROPOSED, {Act.APPROVED, Act.REFUSED, Act.REVOKED}), (Act.APPROVED, {Act.REVOKED}),
        (Act.REFUSED, set()), (Act.REVOKED, set()),
    ],
)  # fmt: skip
def test_another_decides_once_and_anybody_revokes_what_stands(standing: Act, may: set[Act]) -> None:
    one = word_about(standing=standing)

    assert {act for act in Act if allowed(one, act, "boss")} == may
    assert {act for act in Act if allowed(one, act, "noc")} == may & {Act.REVOKED}


def test_a_proposal_is_named_by_twelve_characters_of_what_it_says() -> None:
    name = proposal_id("o", CUSTOMER, "noc", 1)

    assert (len(name), name) == (12, proposal_id("o", CUSTOMER, "noc", 1))
    assert len({name, proposal_id("o", FORCE, "noc", 1), proposal_id("o", CUSTOMER, "n", 1),
                proposal_id("o", CUSTOMER, "noc", 2),
                proposal_id("x", CUSTOMER, "noc", 1)}) == 5  # fmt: skip


def test_an_outage_is_ruled_by_the_approval_that_came_last() -> None:
    approved = [
        word_about("late", at=50, standing=Act.APPROVED),
        word_about("early", at=40, standing=Act.APPROVED),
        word_about("open", at=60), word_about("refused", at=70, standing=Act.REFUSED),
        word_about("elsewhere", start=30, end=40, at=80, standing=Act.APPROVED),
    ]  # fmt: skip
    same = [word_about(name, at=50, standing=Act.APPROVED) for name in "ba"]

    assert in_force(approved, OutageRange(10, 20), 99) is approved[0]
    assert in_force(same, OutageRange(10, 20), 99) is same[0]
    assert in_force(approved[2:], OutageRange(10, 20), 99) is None
    outages = [OutageRange(0, 9), OutageRange(12, 15), OutageRange(35, None)]
    assert ruled(approved, outages, 60) == (
        Ruled(12, 15, approved[0]), Ruled(35, 60, approved[4]),
    )  # fmt: skip
    assert ruled((), outages, 60) == ()


def test_rulings_are_cut_to_a_range_and_those_that_only_touch_it_left_out() -> None:
    one = word_about()
    many = [Ruled(*ends, one) for ends in ((0, 10), (5, 11), (12, 13), (29, 40), (30, 40), (5, 40))]

    assert [(cut.start_s, cut.end_s) for cut in within(many, 10, 30)] == [
        (10, 11), (12, 13), (29, 30), (10, 30),
    ]  # fmt: skip


ALL_TERMS = ExclusionTerms(customer=True, force_majeure=True)


@pytest.mark.parametrize(
    ("attribution", "terms", "found", "taken"),
    [
        (CUSTOMER, ALL_TERMS, "U10 D2 E4 M2 E3 D5 E1 D3 U2", [(12, 16), (18, 21)]),
        (FORCE, ALL_TERMS, "U10 D2 E4 M2 E3 D5 E1 D3 U2", [(12, 16), (18, 21)]),
        (CUSTOMER, ExclusionTerms(force_majeure=True), "U10 D6 M2 D8 E1 D3 U2", []),
        (FORCE, ExclusionTerms(customer=True), "U10 D6 M2 D8 E1 D3 U2", []),
        (Attribution.CARRIER, ALL_TERMS, "U10 D6 M2 D8 E1 D3 U2", []),
        (FAULT, ALL_TERMS, "U10 D2 A4 M2 A3 D5 E1 D3 U2", []),
    ],
)
def test_a_ruling_moves_the_down_seconds_under_it_and_no_other(
    attribution: Attribution, terms: ExclusionTerms, found: str, taken: list[tuple[int, int]]
) -> None:
    rulings = [Ruled(12, 21, word_about("p", attribution, standing=Act.APPROVED))]

    after, pieces = reattributed(runs_of("U10 D6 M2 D8 E1 D3 U2"), rulings, terms)

    assert letters(after) == found
    assert [(one.start_s, one.end_s, one.window_id) for one in pieces] == [
        (*ends, "p") for ends in taken
    ]


def test_rulings_of_several_kinds_take_out_only_what_is_excluded() -> None:
    rulings = [
        Ruled(0, 4, word_about("fault", FAULT, standing=Act.APPROVED)),
        Ruled(6, 9, word_about("theirs", CUSTOMER, standing=Act.APPROVED)),
        Ruled(9, 10, word_about("ours", Attribution.CARRIER, standing=Act.APPROVED)),
    ]

    after, pieces = reattributed(runs_of("D4 U2 D4"), rulings, ALL_TERMS, Bucket.UP)

    assert [run.bucket for run in after] == [
        Bucket.UP, Bucket.UP, Bucket.EXCLUDED, Bucket.DOWN,
    ]  # fmt: skip
    assert pieces == (Excluded(6, 9, "theirs"),)


@pytest.mark.parametrize(
    ("waits", "found", "taken"),
    [
        ([], "U5 D10 U1 D4", []),
        ([(0, 5, "a"), (15, 16, "b"), (20, 30, "c")], "U5 D10 U1 D4", []),
        ([(0, 6, "a"), (14, 17, "b")], "U5 E1 D8 E1 U1 E1 D3",
         [(5, 6, "a"), (14, 15, "b"), (16, 17, "b")]),
        ([(7, 9, "b"), (7, 11, "a")], "U5 D2 E4 D4 U1 D4", [(7, 11, "a")]),
        ([(6, 9, "a"), (9, 10, "b")], "U5 D1 E3 E1 D5 U1 D4", [(6, 9, "a"), (9, 10, "b")]),
        ([(8, 12, "b"), (6, 9, "a"), (7, 8, "c")], "U5 D1 E3 E3 D3 U1 D4",
         [(6, 9, "a"), (9, 12, "b")]),
        ([(6, 9, "a"), (7, 9, "b")], "U5 D1 E3 D6 U1 D4", [(6, 9, "a")]),
        ([(0, 99, "a")], "U5 E10 U1 E4", [(5, 15, "a"), (16, 20, "a")]),
        ([(-9, -1, "z"), (0, 1, "y"), (18, 19, "x")], "U5 D10 U1 D2 E1 D1", [(18, 19, "x")]),
    ],
)  # fmt: skip
def test_a_second_of_a_wait_goes_to_the_one_that_began_first(
    waits: list[tuple[int, int, str]], found: str, taken: list[tuple[int, int, str]]
) -> None:
    after, pieces = stopped(runs_of("U5 D10 U1 D4"), waits)

    assert letters(after) == found
    assert pieces == tuple(Excluded(*piece) for piece in taken)


def test_a_wait_may_begin_with_the_first_second() -> None:
    after, pieces = stopped(runs_of("D5 U2"), [(0, 3, "a")])

    assert (letters(after), pieces) == ("E3 D2 U2", (Excluded(0, 3, "a"),))


def test_pieces_move_the_seconds_of_each_run_they_lie_in() -> None:
    pieces = [(1, 2, Bucket.EXCLUDED, "a"), (2, 3, Bucket.EXCLUDED, "b"),
              (4, 5, Bucket.UNMEASURED, "c"), (5, 12, Bucket.EXCLUDED, "d")]  # fmt: skip

    after, taken = moved(runs_of("D6 D2 U1 D4"), pieces)

    assert letters(after) == "D1 E1 E1 D1 A1 E1 E2 U1 E3 D1"
    assert taken == (
        Excluded(1, 2, "a"), Excluded(2, 3, "b"), Excluded(4, 5, "c"), Excluded(5, 6, "d"),
        Excluded(6, 8, "d"), Excluded(9, 12, "d"),
    )  # fmt: skip
