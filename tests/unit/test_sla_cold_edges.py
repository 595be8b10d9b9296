"""Circuits that columns judge: where their time and the month begin and end, to the second."""

import itertools
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from linksla.clock import ManualClock
from linksla.inventory import Channel, Circuit, Customer, Inventory
from linksla.meters import Meters
from linksla.settings import TimeSettings
from linksla.stores import TelemetryStore
from processors.writer import Writer
from sla.answers import Outcome, Seconds
from sla.cold import MonthColumns, month_columns
from sla.columns import OUTCOMES, Judged, Tallies, outcomes
from sla.contracts import AvailabilityTerms, Contract
from sla.history import Historian
from sla.judge import Tally, judge_availability
from tests.unit.past_bench import HOUR, JUNE, ONE
from tests.unit.processors_support import TOPIC, US
from tests.unit.told_bench import circuit

GOOD, BAD = 1, 2
Spans = Sequence[tuple[int, int, int]]


def judged(
    store: TelemetryStore, one: Circuit, spans: Spans, complete: int, contract: Contract = ONE
) -> MonthColumns:
    inventory = Inventory({"acme": Customer(id="acme", name="A")}, {one.id: one})
    clock = ManualClock((JUNE + 9 * HOUR) * US)
    Writer(store, inventory, TOPIC, TimeSettings(), clock, Meters()).start()
    for lower, upper, bgp in spans:
        store.writer.execute(
            "insert into spans values (1, ?, ?, ?, ?, 0)",
            [lower // 86_400, JUNE + lower, JUNE + upper, bgp],
        )
    store.writer.execute("update channel_progress set folded_to_s = ?", [JUNE + complete])
    historian = Historian(inventory, {"c": (contract,)}, ())
    return month_columns(store.writer, historian, [one], "2026-06")


def seconds(found: MonthColumns) -> Seconds:
    (_,) = found.circuit_ids
    return found.seconds(0)


OLD = circuit(active_from=JUNE - HOUR)


def test_a_circuit_is_not_judged_beyond_its_end_where_missing_channels_are_no_fault(
    memory_store,
) -> None:
    ends = replace(OLD, active_to=JUNE + 995)
    spans = [(-HOUR, 980, GOOD), (980, 1_000, BAD)]  # two bad cells, and three make it down

    found = judged(memory_store, ends, spans, 3_000)

    assert seconds(found) == Seconds(995, 0, 0, 0)
    assert int(found.judged.nominal.bad_but_not_down[0]) == 15


def test_three_bad_cells_at_the_end_are_down(memory_store) -> None:
    ends = replace(OLD, active_to=JUNE + 1_000)

    found = judged(memory_store, ends, [(-HOUR, 970, GOOD), (970, 1_000, BAD)], 3_000)

    assert seconds(found) == Seconds(970, 30, 0, 0)


def test_a_month_of_which_nothing_is_complete_is_left_out(memory_store) -> None:
    assert judged(memory_store, OLD, [(-HOUR, 0, GOOD)], 0).circuit_ids == ()


def test_the_first_second_of_a_month_counts_with_what_was_before_it(memory_store) -> None:
    found = judged(memory_store, OLD, [(-HOUR, -20, GOOD), (-20, 40, BAD), (40, 99, GOOD)], 90)

    assert seconds(found) == Seconds(50, 40, 0, 0)


def test_a_circuit_that_begins_inside_a_cell_has_all_of_it(memory_store) -> None:
    begins = replace(OLD, active_from=JUNE + 15, channels=(Channel(name="a"),))

    spans = [(-50, 0, BAD), (0, 10, GOOD), (10, 30, BAD), (30, 40, BAD), (40, 200, GOOD)]
    found = judged(memory_store, begins, spans, 100)

    assert seconds(found) == Seconds(60, 25, 0, 0)


def test_a_channel_is_good_or_bad_by_what_it_says(memory_store) -> None:
    said = [
        (0, 100, 1, 6), (100, 200, 1, 7),  # class 6 of loss is up to the threshold of a half
        (200, 300, 0, 0), (300, 420, 0, None), (420, 500, 1, None), (500, 600, 0, 7),
        (600, 700, 2, None), (700, 800, 1, 0),
    ]  # fmt: skip
    quiet = judged(memory_store, OLD, [(-HOUR, 0, GOOD)], 800)
    assert seconds(quiet) == Seconds(0, 0, 0, 800)
    for lower, upper, bgp, loss in said:
        memory_store.writer.execute(
            "insert into spans values (1, ?, ?, ?, ?, ?)",
            [JUNE // 86_400, JUNE + lower, JUNE + upper, bgp, loss],
        )
    historian = Historian(
        Inventory({"acme": Customer(id="acme", name="A")}, {"C": OLD}), {"c": (ONE,)}, ()
    )

    found = month_columns(memory_store.writer, historian, [OLD], "2026-06")

    assert seconds(found) == Seconds(100 + 100 + 80 + 100, 100 + 100 + 100, 0, 120)


COUNTS = [
    (up, down, dark, rest)
    for up, down, dark, rest in itertools.product(
        (0, 1, 9, 10, 18, 90), (0, 1, 2, 10), (0, 1, 2, 5, 90), (0, 1, 10, 70)
    )
]


@pytest.mark.parametrize("target", [50, 90, 100])
@pytest.mark.parametrize("denominator", ["measured", "whole_period"])
@pytest.mark.parametrize("coverage", [50, 95, 100])
def test_verdicts_in_columns_are_those_of_one_circuit_after_the_other(
    target: Any, denominator: Any, coverage: Any
) -> None:
    terms = AvailabilityTerms(
        target_percent=target, up_at_least=1, consecutive=1, denominator=denominator,
        coverage_percent_min=coverage,
    )  # fmt: skip
    up, down, dark, rest = np.array(COUNTS, np.int64).T
    none = np.zeros_like(up)
    columns = Judged(
        Tallies(up, down, dark, none),
        Tallies(up, down + dark, none, none),
        Tallies(up + dark, down, none, none),
    )

    found = [OUTCOMES[one] for one in outcomes(terms, columns, rest).tolist()]

    for said, (is_up, is_down, unknown, ahead) in zip(found, COUNTS, strict=True):
        now = Seconds(is_up, is_down, 0, unknown)
        verdict = judge_availability(
            terms, Tally(now, now, 0), Seconds(is_up, is_down + unknown, 0, 0),
            Seconds(is_up + unknown, is_down, 0, 0), ahead,
        )  # fmt: skip
        assert said is verdict.outcome, (is_up, is_down, unknown, ahead)
    assert len(set(found)) >= 3


def test_bounds_that_agree_overrule_what_is_known() -> None:
    terms = AvailabilityTerms(target_percent=90, up_at_least=1, consecutive=1)
    one, none = np.array([100, 100]), np.zeros(2, np.int64)
    worse, better = np.array([90, 0]), np.array([0, 90])
    columns = Judged(
        Tallies(one, better, none, none), Tallies(one, worse, none, none),
        Tallies(one, worse, none, none),
    )  # fmt: skip

    found = [OUTCOMES[number] for number in outcomes(terms, columns, none).tolist()]
    assert found == [Outcome.BREACHED, Outcome.MET]
