"""Records that stay in the house: what of them a reader is shown."""

from dataclasses import replace
from typing import Any

from sla.answers import ExclusionAnswer
from sla.scope import AllCustomers, OnlyCustomers
from sla.shown import NOT_SHOWN, shown_exclusions, shown_month
from tests.unit.past_bench import Past

HOUSE, CUSTOMER = AllCustomers(commercial=True), OnlyCustomers(frozenset({"acme"}))


def record(name: str, seconds: int, **more: Any) -> ExclusionAnswer:
    known = {"proposed_by": "noc", "decided_by": "boss", "is_open": True}
    return ExclusionAnswer(name, 5, 9, "circuit", True, seconds, "why", **(known | more))


OPEN, TOOK = record("A", 0), record("B", 4, shown=False)
IDLE, OTHER = record("C", 0, shown=False), record("D", 3)
ALL = (OPEN, TOOK, IDLE, OTHER)
NAMELESS = ExclusionAnswer(
    NOT_SHOWN, 5, 9, NOT_SHOWN, True, 4, "Accepted: work that the carrier keeps to itself."
)


def test_a_customer_sees_how_much_a_hidden_record_took_and_not_by_which() -> None:
    assert shown_exclusions(CUSTOMER, ALL) == (OPEN, NAMELESS, OTHER)
    assert shown_exclusions(CUSTOMER, (OPEN, OTHER)) == (OPEN, OTHER)
    assert shown_exclusions(CUSTOMER, (IDLE,)) == ()
    assert shown_exclusions(HOUSE, ALL) == ALL


def test_a_month_names_no_hidden_proposal() -> None:
    month = replace(Past().month(), exclusions=ALL, open_proposals=("A", "B", "C", "else"))

    seen = shown_month(CUSTOMER, month)
    assert seen.exclusions == (OPEN, NAMELESS, OTHER)
    assert seen.open_proposals == ("A", NOT_SHOWN, NOT_SHOWN, "else")
    assert shown_month(HOUSE, month) is month
    plain = replace(month, exclusions=(OPEN, OTHER))
    assert shown_month(CUSTOMER, plain) is plain
