"""What time alone may change is never calm: an outage gets old, and the circuit less chronic."""

from dataclasses import replace

import pytest

from linksla.clock import ManualClock
from linksla.settings import TimeSettings
from sla.answers import ObjectiveAnswer, Outcome
from sla.calm import calm
from sla.contracts import load_contracts
from sla.evaluator import Evaluator
from sla.looks import Look
from sla.outage_terms import CHRONIC
from sla.queries import Queries


@pytest.fixture
def look(small_network) -> Look:
    contracts = load_contracts(small_network.folder / "contracts")
    queries = Queries(
        small_network.store, small_network.inventory, contracts, (), TimeSettings(), ManualClock()
    )
    evaluator = Evaluator(small_network.store, queries, ManualClock())
    evaluator.evaluate(["DEN-1"])
    return evaluator.looks["DEN-1"]


@pytest.mark.parametrize(("outcome", "is_calm"), [(Outcome.MET, True), (Outcome.AT_RISK, False)])
def test_a_circuit_one_outage_short_of_chronic_is_judged_until_the_outages_are_old(
    look: Look, outcome: Outcome, is_calm: bool
) -> None:
    *earlier, newest = look.answers
    chronic = ObjectiveAnswer(CHRONIC, "2", "2", "", outcome, "")
    answer = replace(newest, objectives=(*newest.objectives, chronic))

    found = calm(replace(look, answers=(*earlier, answer)))

    assert (found is not None) is is_calm
