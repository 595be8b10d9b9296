"""The burn-rate alarm: raised while the allowance goes too fast, with hysteresis, no guess."""

from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.alarms import Alarm, AlarmKey, Standing, step
from alerts.conditions import (
    AlarmType,
    CircuitFacts,
    Condition,
    Holds,
    Horizon,
    Judged,
    Measure,
    Over,
    Undecided,
    judge,
)
from linksla.clock import ManualClock
from linksla.settings import TimeSettings
from sla.answers import Bucket, Outage
from sla.budget_answers import Budget, Burn
from sla.budgets import burn_rates
from sla.contracts import load_contracts
from sla.judged import JudgedRun
from sla.queries import Queries
from sla.scope import AllCustomers

ALL = AllCustomers(commercial=True)
END = 1_764_720_000  # the small network is complete up to here
DAY = 86_400
JUNE = 30 * DAY


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
    return CircuitFacts(circuit, contract, summary, ())


def burn(*, burning: bool, calm: bool) -> Burn:
    return Burn(3_600, 300, Fraction(72, 5), Fraction(20), Fraction(30), burning, calm)


def condition(facts: CircuitFacts, *burns: Burn, outages: tuple[Outage, ...] = ()) -> Judged:
    assert facts.summary.month is not None
    month = replace(facts.summary.month, budget=Budget(267, 127, 0, burns), outages=outages)
    changed = replace(facts, summary=replace(facts.summary, month=month))
    (found,) = [one for one in judge(changed) if one.type is AlarmType.BUDGET_BURN]
    return found


def test_one_rule_that_burns_is_enough_and_the_message_says_which(facts: CircuitFacts) -> None:
    outage = Outage("o", "DEN-1", END - 300, END - 100, 200, 0, "carrier", False)

    found = condition(
        facts, burn(burning=False, calm=True), burn(burning=True, calm=False), outages=(outage,)
    )

    assert isinstance(found.condition, Holds)
    assert found.condition.event_at_s == END - 100
    assert found.condition.measure == Measure("20.00", "14.40", "times the month's pace")
    assert found.condition.reason == (
        "the allowance goes 20.00 times as fast as the month allows over 1 h and 30.00 times over "
        "5 min; the line is 14.40; 2 min 7 s left"
    )
    assert (found.horizon, found.present, found.qualifier) == (Horizon.COMPLETE, True, "")


@pytest.mark.parametrize(
    ("calm", "kind"), [([True, True], Over), ([True, False], Undecided), ([], Over)]
)
def test_it_is_over_only_when_every_rule_is_calm(
    facts: CircuitFacts, calm: list[bool], kind: type[Condition]
) -> None:
    found = condition(facts, *(burn(burning=False, calm=one) for one in calm))

    assert isinstance(found.condition, kind)


def test_a_circuit_that_ended_burns_nothing(facts: CircuitFacts) -> None:
    ended = replace(facts, circuit=replace(facts.circuit, active_to=END - 100))

    found = condition(ended, burn(burning=True, calm=False))

    assert isinstance(found.condition, Over)
    assert found.condition.event_at_s == END - 100


def test_the_answer_of_a_healthy_open_month_raises_nothing(facts: CircuitFacts) -> None:
    (found,) = [one for one in judge(facts) if one.type is AlarmType.BUDGET_BURN]

    assert isinstance(found.condition, Over)
    assert "4 min 27 s left" in found.condition.reason


PIECES = st.lists(
    st.tuples(
        st.integers(60, 30_000),
        st.sampled_from([Bucket.UP, Bucket.UP, Bucket.DOWN, Bucket.UNMEASURED]),
    ),
    min_size=1,
    max_size=25,
)


@settings(deadline=None, max_examples=30)
@given(PIECES, st.integers(60, 20_000))
def test_over_any_history_it_raises_on_burning_and_clears_on_calm_alone(pieces, allowance) -> None:
    runs: list[JudgedRun] = []
    for length, bucket in pieces:
        at = runs[-1].end_s if runs else 0
        runs.append(JudgedRun(at, at + length, bucket, bucket, bad=False))
    key = AlarmKey("DEN-1", AlarmType.BUDGET_BURN, "")
    standing: Alarm | None = None
    for now in range(300, runs[-1].end_s, 300):
        seen = [run.cut(0, now) for run in runs if run.start_s < now]
        rules = burn_rates(seen, 0, now, JUNE, Fraction(allowance))
        judged = Judged(key.type, "", told(rules, now), Horizon.COMPLETE, now, present=True)
        change = step(key, standing, judged, now_us=now * 1_000_000, muted=None)
        if change is None:
            continue
        raised = change.alarm.standing is Standing.RAISED
        assert raised is (standing is None or standing.standing is Standing.CLEARED)
        assert raised == any(one.burning for one in rules)
        assert raised or all(one.calm for one in rules)
        dark = seen[-1].bucket is Bucket.UNMEASURED and seen[-1].start_s <= now - 300
        assert raised or not dark, "unmeasured time clears nothing"
        standing = change.alarm


def told(rules: tuple[Burn, ...], now: int) -> Condition:
    if any(one.burning for one in rules):
        return Holds(now, now, "", Measure("", "", ""))
    return Over(now, "") if all(one.calm for one in rules) else Undecided("")
