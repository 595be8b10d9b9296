"""Which time of final months counts as a whole, to the second."""

from typing import Any

import pytest

from linksla.inventory import Ownership as Owner
from sla.exclusions import Decision
from sla.settled import settled_pieces
from tests.unit.past_bench import DAY, DOWN, JULY, JUNE, MIDDLE, OUT, Past
from tests.unit.told_bench import window

SETTLED = JULY + 30 + 500  # three cells of 10 s, and close_after


def found(
    past: Past, from_s: int = JUNE, to_s: int = JUNE + DAY, close_after: int = 500
) -> list[tuple[int, int]]:
    pieces = settled_pieces(past.history(), from_s, to_s, close_after)
    return [(lower - JUNE, upper - JUNE) for lower, upper in pieces]


def test_what_was_up_counts_in_whole_steps() -> None:
    lost = [(JUNE + 90, JUNE + 150, DOWN), (JUNE + 1_000, JUNE + 1_020, OUT)]

    assert found(Past()) == [(0, DAY)]
    # what is left of [0, 90) is one step only, which is one all the same
    assert found(Past(lost)) == [(180, 960), (1_020, DAY)]
    assert found(Past(lost), JUNE + 300, JUNE + 600) == [(300, 600)]
    assert found(Past(lost), JUNE + 60, JUNE + 180) == []


@pytest.mark.parametrize(
    ("from_s", "to_s", "pieces"),
    [(0, 60, []), (0, 61, [(0, 61)]), (0, 120, [(0, 120)]), (120, 240, [(120, 240)])],
)
def test_a_step_alone_is_one_already(from_s: int, to_s: int, pieces: list[tuple[int, int]]) -> None:
    assert found(Past(), JUNE + from_s, JUNE + to_s) == pieces


@pytest.mark.parametrize(
    ("complete", "is_final"), [(SETTLED - 1, False), (SETTLED, True), (SETTLED + DAY, True)]
)
def test_a_month_that_is_not_final_is_left_as_it_is(complete: int, is_final: bool) -> None:
    assert (found(Past(complete=complete)) == [(0, DAY)]) is is_final
    assert (found(Past(complete=complete)) == []) is not is_final


def test_an_open_proposal_keeps_its_month_as_it_is() -> None:
    def asked(start: int, end: int) -> list[tuple[int, int]]:
        decision = Decision(window(start, end), False, "", is_open=True)
        return found(Past(decisions=(decision,)))

    assert asked(JULY - 1, JULY + 1) == []
    assert asked(JULY, JULY + 1) == [(0, DAY)]
    assert asked(JUNE - 1, JUNE) == [(0, DAY)]


def test_time_is_cut_where_a_month_or_an_owner_changes() -> None:
    def sold(*owners: Owner) -> dict[str, Any]:
        return {"circuit": {"owners": owners}}

    half = JUNE + 43_230  # inside a step, which neither of them counts
    one = sold(Owner(customer="a", end=half), Owner(customer="b", start=half))
    assert found(Past(**one)) == [(0, 43_200), (43_260, DAY)]
    again = sold(Owner(customer="a", end=half), Owner(customer="b", start=half, end=half + 3_600),
                 Owner(customer="a", start=half + 3_600))  # fmt: skip
    assert found(Past(**again)) == [(0, 43_200), (43_260, 46_800), (46_860, DAY)]
    over = Past(complete=JULY + 40 * DAY)
    assert found(over, JULY - 600, JULY + 600) == [
        (30 * DAY - 600, 30 * DAY), (30 * DAY, 30 * DAY + 600),
    ]  # fmt: skip
    assert found(Past(complete=JULY + DAY), JULY - 600, JULY + 600) == []
    assert found(Past(begins=MIDDLE), MIDDLE - 600, MIDDLE + 600) == [
        (15 * DAY, 15 * DAY + 600),
    ]  # fmt: skip
