"""What holds, is over or cannot be decided, judged from the real answers' shapes."""

from dataclasses import replace
from typing import Any

import pytest

from alerts.conditions import (
    AlarmType,
    CircuitFacts,
    Condition,
    Holds,
    MonthFacts,
    Over,
    Undecided,
    judge,
)
from linksla.clock import ManualClock
from linksla.settings import TimeSettings
from sla.answers import Outcome
from sla.contracts import load_contracts
from sla.queries import Queries
from sla.scope import AllCustomers

ALL = AllCustomers(commercial=True)
END = 1_764_720_000  # the small network is complete up to here


@pytest.fixture
def facts(small_network: Any) -> CircuitFacts:
    contracts = load_contracts(small_network.folder / "contracts")
    queries = Queries(
        small_network.store, small_network.inventory, contracts, (), TimeSettings(), ManualClock()
    )
    summary = queries.circuit(ALL, "DEN-1")
    circuit, contract = queries.inventory_of(ALL, "DEN-1"), queries.contract_of(ALL, "DEN-1")
    assert summary is not None
    assert summary.month is not None
    assert circuit is not None
    assert contract is not None
    return CircuitFacts(circuit, contract, summary, (MonthFacts(summary.month, END),))


def found(facts: CircuitFacts, kind: AlarmType, qualifier: str = "") -> Condition:
    (condition,) = [j.condition for j in judge(facts) if (j.type, j.qualifier) == (kind, qualifier)]
    return condition


def month(facts: CircuitFacts, verdict: Outcome, **changes: Any) -> CircuitFacts:
    answer = facts.months[0].answer
    objectives = tuple(
        replace(one, verdict=verdict) if one.name == "availability" else one
        for one in answer.objectives
    )
    changed = replace(answer, objectives=objectives, **changes)
    return replace(facts, months=(MonthFacts(changed, END),))


def test_a_healthy_circuit_raises_nothing(facts: CircuitFacts) -> None:
    assert not [item for item in judge(facts) if isinstance(item.condition, Holds)]


def test_the_end_of_the_active_time_ends_a_down_and_a_silence(facts: CircuitFacts) -> None:
    circuit = replace(facts.circuit, active_to=END - 100)
    summary = replace(facts.summary, state="down", state_since_s=END - 200)
    ended = replace(facts, circuit=circuit, summary=summary)

    for kind in (AlarmType.CIRCUIT_DOWN, AlarmType.COVERAGE_LOST):
        condition = found(ended, kind)
        assert isinstance(condition, Over)
        assert condition.event_at_s == END - 100


def test_a_circuit_never_measured_is_silent_from_its_first_day(facts: CircuitFacts) -> None:
    summary = replace(facts.summary, state="unmeasured", state_since_s=None)

    condition = found(replace(facts, summary=summary), AlarmType.COVERAGE_LOST)

    assert isinstance(condition, Holds)
    assert condition.event_at_s == facts.circuit.active_from


@pytest.mark.parametrize(("silent", "kind"), [(99, Undecided), (100, Holds)])
def test_silence_counts_from_n_cells_on(
    facts: CircuitFacts, silent: int, kind: type[Condition]
) -> None:
    summary = replace(facts.summary, state="unmeasured", state_since_s=END - silent, live_to_s=END)

    assert isinstance(found(replace(facts, summary=summary), AlarmType.COVERAGE_LOST), kind)


@pytest.mark.parametrize(("unmeasured", "kind"), [(99, Over), (100, Holds)])
def test_a_month_that_cannot_be_assessed_has_lost_its_coverage(
    facts: CircuitFacts, unmeasured: int, kind: type[Condition]
) -> None:
    answer = facts.months[0].answer
    seconds = replace(answer.seconds, unmeasured=unmeasured)

    changed = month(facts, Outcome.NOT_ASSESSABLE, seconds=seconds, coverage="10.00000")

    assert isinstance(found(changed, AlarmType.COVERAGE_LOST, answer.month), kind)


@pytest.mark.parametrize(
    ("verdict", "final", "kind"),
    [(Outcome.BREACHED, False, Holds), (Outcome.BREACHED, True, Over), (Outcome.MET, False, Over),
     (Outcome.AT_RISK, False, Over), (Outcome.NOT_ASSESSABLE, False, Undecided)],
)  # fmt: skip
def test_a_breach_holds_until_the_month_is_final(
    facts: CircuitFacts, verdict: Outcome, final: bool, kind: type[Condition]
) -> None:
    changed = month(facts, verdict, final=final)
    qualifier = f"availability {facts.months[0].answer.month}"

    assert isinstance(found(changed, AlarmType.OBJECTIVE_BREACHED, qualifier), kind)


def test_a_proposal_about_a_month_that_is_over_raises_and_clears_nothing(
    facts: CircuitFacts,
) -> None:
    answer = facts.months[0].answer
    over = {"open_proposals": ("p1",), "month_end_s": answer.end_s, "final": False}
    breached = month(facts, Outcome.BREACHED, **over)
    name = f"availability {answer.month}"

    assert isinstance(found(breached, AlarmType.OBJECTIVE_BREACHED, name), Undecided)
    assert isinstance(found(breached, AlarmType.COVERAGE_LOST, answer.month), Undecided)
    still_open = month(facts, Outcome.BREACHED, open_proposals=("p1",))
    assert isinstance(found(still_open, AlarmType.OBJECTIVE_BREACHED, name), Holds)
