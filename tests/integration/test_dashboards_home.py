"""The sentence a customer reads first."""

from dataclasses import replace
from typing import Any

import pytest

from dashboards.phrases import home_sentence
from linksla.clock import ManualClock
from linksla.settings import TimeSettings
from sla.answers import CircuitSummary, Freshness, Outcome
from sla.contracts import load_contracts
from sla.maintenance import load_maintenance
from sla.queries import Queries
from sla.scope import AllCustomers


@pytest.fixture
def circuits(small_network: Any) -> list[CircuitSummary]:
    """Return the small network's circuits, all made to meet their contract and up."""
    queries = Queries(
        small_network.store,
        small_network.inventory,
        load_contracts(small_network.folder / "contracts"),
        load_maintenance(small_network.folder / "maintenance.yaml"),
        TimeSettings(),
        ManualClock(1_764_720_000_000_000),
    )
    found = queries.circuits(AllCustomers(commercial=True))
    return [changed(circuit, Outcome.MET) for circuit in found]


def changed(circuit: CircuitSummary, verdict: Outcome, **more: Any) -> CircuitSummary:
    assert circuit.month is not None
    return replace(circuit, state="up", month=replace(circuit.month, verdict=verdict), **more)


NOW = 1_764_720_000  # 2025-12-03T00:00:00Z


def said(circuits: list[CircuitSummary], **overdue: int) -> str:
    named = {name.replace("_", "-"): NOW - seconds for name, seconds in overdue.items()}
    fresh = Freshness(NOW - 30, NOW, len(circuits), (), overdue=named)
    return home_sentence(circuits, fresh, "UTC", NOW)


def test_when_all_is_well_it_is_one_clause(circuits: list[CircuitSummary]) -> None:
    assert said(circuits) == "3 circuits within SLA."


def test_a_circuit_that_is_down_now_comes_first(circuits: list[CircuitSummary]) -> None:
    circuits[2] = replace(circuits[2], state="down")

    assert said(circuits) == "LON-1 is down; 3 circuits within SLA."


def test_a_breach_is_named_after_those_within(circuits: list[CircuitSummary]) -> None:
    circuits[0] = changed(circuits[0], Outcome.BREACHED)

    assert said(circuits) == "2 circuits within SLA; DEN-1 breached."


def test_downtime_that_is_left_is_said(circuits: list[CircuitSummary]) -> None:
    at_risk = changed(circuits[1], Outcome.AT_RISK)
    assert at_risk.month is not None
    circuits[1] = replace(at_risk, month=replace(at_risk.month, budget_left_seconds=71))

    assert said(circuits) == "3 circuits within SLA; DEN-2 has 1 min 11 s left."


def test_nothing_and_nothing_yet_are_two_texts(circuits: list[CircuitSummary]) -> None:
    waiting = [replace(circuit, month=None) for circuit in circuits]

    assert said([]) == "No circuits yet."
    assert said(waiting) == "3 circuits, none measured yet this month."


def test_a_circuit_whose_next_sample_is_overdue_was_down_then(
    circuits: list[CircuitSummary],
) -> None:
    circuits[2] = replace(circuits[2], state="down")

    assert said(circuits, LON_1=110) == (
        "LON-1 was down at 2 Dec 23:58:10 UTC; 3 circuits within SLA."
    )
    assert said(circuits, DEN_1=110) == "LON-1 is down; 3 circuits within SLA."


def test_where_every_circuit_is_overdue_the_sentence_is_as_of_the_newest_sample(
    circuits: list[CircuitSummary],
) -> None:
    circuits[2] = replace(circuits[2], state="down")

    assert said(circuits, LON_1=110, DEN_1=60, DEN_2=100) == (
        "As of 2 Dec 23:59:00 UTC: LON-1 is down; 3 circuits within SLA."
    )
