"""What of a month may not change silently, what is said of a change, and what is written of it."""

import json
from collections.abc import Mapping
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from linksla.clock import ManualClock
from linksla.stores import TelemetryStore
from sla.answers import (
    AttributionAnswer,
    ExclusionAnswer,
    MonthAnswer,
    ObjectiveAnswer,
    Outage,
    Outcome,
)
from sla.evaluator import Evaluator, _changed, _difference, canonical
from sla.queries import Queries
from sla.standing import Standing
from tests.unit.past_bench import DAY, DOWN, JULY, JUNE, MIDDLE, Past

CLOSED = Past().month()  # of 30 days, up all the time, and final
WORSE = Past(lost=[(JUNE, JUNE + 1_100, DOWN)]).month()
OPEN = Past(complete=MIDDLE).month()
UP = {"down": 0, "excluded": 0, "unmeasured": 0, "up": 2_592_000}


def one(name: str, verdict: Outcome) -> ObjectiveAnswer:
    return ObjectiveAnswer(name, "1", None, "%", verdict, f"Why {name}.")


def test_an_open_month_is_its_outcomes_and_a_closed_one_its_seconds_too() -> None:
    outcomes = (one("größe", Outcome.AT_RISK), one("a", Outcome.MET))

    assert canonical(OPEN) == '{"final":false,"objectives":{"availability":"met"}}'
    assert canonical(replace(OPEN, objectives=outcomes)) == (
        '{"final":false,"objectives":{"a":"met","größe":"at_risk"}}'
    )
    assert canonical(CLOSED) == (
        '{"decided":{},"final":true,"objectives":{"availability":"met"},'
        '"seconds":{"down":0,"excluded":0,"unmeasured":0,"up":2592000}}'
    )


def test_what_people_decide_of_a_closed_month_is_part_of_it() -> None:
    windows = tuple(
        ExclusionAnswer(name, JUNE, JUNE + 9, "circuit", accepted, 9, "r", is_open=is_open)
        for name, accepted, is_open in (("X", True, False), ("W", False, True))
    )
    words = tuple(
        AttributionAnswer(name, "customer", standing, "noc", 0, "why")
        for name, standing in (("q", "refused"), ("p", "proposed"))
    )
    outage = Outage("o", "C", JUNE, JUNE + 9, 9, 0, "carrier", False, words)
    told = {"exclusions": windows, "outages": (outage,)}

    decided = json.loads(canonical(replace(CLOSED, **told)))["decided"]
    assert decided == {"X": [True, False], "W": [False, True], "q": "refused", "p": "proposed"}
    assert canonical(replace(OPEN, **told)) == canonical(OPEN)


def test_a_changed_month_is_the_next_calculation() -> None:
    first = _changed(replace(CLOSED, calculation_version=9), None)
    assert first is not None
    assert (first.circuit_id, first.month, first.previous) == ("C", "2026-06", None)
    assert (first.current.calculation_version, first.reason) == (1, "first evaluation")

    assert _changed(CLOSED, Standing(7, canonical(CLOSED), None)) is None
    again = _changed(CLOSED, Standing(7, canonical(OPEN), None))
    assert again is not None
    assert (again.previous, again.current.calculation_version) == (canonical(OPEN), 8)
    assert again.about == ("C", "2026-06")
    assert again.reason == "The month is final."


def was(final: bool = True, seconds: Mapping[str, int] | None = None, **outcomes: str) -> Any:
    """Return what was said of a month whose objective is met, if nothing else is given."""
    found = {"final": final, "objectives": outcomes or {"availability": "met"}, "decided": {}}
    return found if seconds is None else found | {"seconds": dict(seconds)}


BREACHED = {"objectives": (one("a", Outcome.BREACHED),)}
UNKNOWN = {"objectives": (one("a", Outcome.NOT_ASSESSABLE), one("b", Outcome.MET))}
NOT_FINAL = "The month is no longer final"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (was(seconds=UP), {}, "What people decided about the month changed."),
        (was(seconds=UP, a="at_risk"), BREACHED, "a: breached (was at risk). Why a."),
        (was(seconds=UP, b="met", c="met", d="met", e="met"), BREACHED,
         "a: breached. Why a. b: no longer in the contract. c: no longer in the contract. "
         "d: no longer in the contract. e: no longer in the contract."),
        (was(seconds=UP, a="met", b="met"), UNKNOWN, "a: not assessable (was met). Why a."),
        (was(final=False), {}, "The month is final."),
        (was(final=False, a="met"), BREACHED | {"final": False},
         "a: breached (was met). Why a. The month is over and complete."),
        (was(final=False), {"final": False}, "The month is over and complete."),
        (was(seconds=UP), {"final": False}, f"{NOT_FINAL}."),
        (was(seconds=UP), {"final": False, "open_proposals": ("p",)},
         f"{NOT_FINAL}: 1 proposal awaits a decision."),
        (was(seconds=UP), {"final": False, "open_proposals": ("p", "q")},
         f"{NOT_FINAL}: 2 proposals await a decision."),
        (was(seconds=UP | {"up": 2_590_000, "down": 2_000}), {},
         "Seconds of a final month changed: down 2,000 to 0 s, up 2,590,000 to 2,592,000 s."),
        (was(final=False, seconds=UP | {"up": 2_591_999, "excluded": 1}), {"final": False},
         "Seconds of a closed month changed: excluded 1 to 0 s, up 2,591,999 to 2,592,000 s."),
        (was(final=False, seconds=UP | {"up": 2_591_999, "excluded": 1}), {},
         "The month is final. "
         "Seconds of a closed month changed: excluded 1 to 0 s, up 2,591,999 to 2,592,000 s."),
        (was(final=False, seconds=UP), {"final": False, "end_s": JULY - 1},
         "What people decided about the month changed."),
    ],
)  # fmt: skip
def test_what_is_not_as_it_was_is_said_in_words(old: Any, new: Any, said: str) -> None:
    assert _difference(json.dumps(old), replace(CLOSED, **new)) == said


class Months:
    """Answers about months as a test sets them; keeps what was asked."""

    def __init__(self) -> None:
        self.now: list[MonthAnswer] = []
        self.asked: list[tuple[list[str], dict[tuple[str, str], int]]] = []

    def looks(self, _writer: Any, names: Any, versions: Any, _past: Any) -> dict[str, Any]:
        self.asked.append((names, versions))
        return {
            month.circuit_id: SimpleNamespace(
                answers=[one for one in self.now if one.circuit_id == month.circuit_id],
                history=SimpleNamespace(circuit=SimpleNamespace(id=month.circuit_id)),
            )
            for month in self.now
        }


@pytest.fixture
def months() -> Months:
    return Months()


def evaluator(store: TelemetryStore, months: Months) -> Evaluator:
    return Evaluator(store, cast(Queries, months), ManualClock(77))


def judged(by: Evaluator, months: Months, *now: MonthAnswer) -> list[tuple[str, int, str]]:
    months.now = list(now)
    changes = by.evaluate(["D", "C", "B", "A", "D"])
    return [
        (change.circuit_id, change.current.calculation_version, change.reason) for change in changes
    ]


def test_circuits_are_judged_in_order_and_with_the_versions_that_stand(
    memory_store: TelemetryStore, months: Months
) -> None:
    by = evaluator(memory_store, months)
    other = replace(OPEN, circuit_id="D")
    first = judged(by, months, CLOSED, replace(OPEN, month="2026-07"), other)
    assert [(name, version) for name, version, _ in first] == [("C", 1), ("C", 1), ("D", 1)]
    assert judged(by, months, CLOSED, other) == []
    (changed,) = judged(by, months, WORSE)
    assert changed[:2] == ("C", 2)
    judged(by, months)

    names = ["A", "B", "C", "D"]
    known = {("C", "2026-06"): 1, ("C", "2026-07"): 1, ("D", "2026-06"): 1}
    assert months.asked == [
        (names, {}), (names, known), (names, known), (names, known | {("C", "2026-06"): 2}),
    ]  # fmt: skip


def test_a_row_says_all_of_a_calculation(memory_store: TelemetryStore, months: Months) -> None:
    by = evaluator(memory_store, months)
    judged(by, months, replace(CLOSED, sentence="Zürich"), replace(OPEN, circuit_id="D"))

    rows = memory_store.writer.execute(
        "select circuit_id, month, calculation_version, calculated_at_us, complete_up_to_s, final, "
        "verdicts, reason, payload, basis from verdict_history order by circuit_id"
    ).fetchall()

    told = [row[:8] for row in rows]
    assert told == [
        ("C", "2026-06", 1, 77, JULY + 10 * DAY, True, canonical(CLOSED), "first evaluation"),
        ("D", "2026-06", 1, 77, MIDDLE, False, canonical(OPEN), "first evaluation"),
    ]
    assert '"Zürich"' in rows[0][8]
    payload = json.loads(rows[0][8])
    assert payload["seconds"] == UP
    assert json.loads(rows[0][9])["period"] == payload["period"]


@pytest.mark.parametrize("without", ["C", "D", "CD", ""])
def test_causes_are_told_also_of_calculations_of_old_stores(
    memory_store: TelemetryStore, months: Months, without: str
) -> None:
    both = (CLOSED, replace(CLOSED, circuit_id="D"))
    judged(evaluator(memory_store, months), months, *both)
    for name in without:
        memory_store.writer.execute(
            "update verdict_history set basis = null where circuit_id = ?", [name]
        )

    changes = judged(evaluator(memory_store, months), months, WORSE, replace(WORSE, circuit_id="D"))

    reason = (
        "Seconds of a final month changed: down 0 to 1,100 s, up 2,592,000 to 2,590,900 s. "
        "Because: samples came late."
    )
    assert changes == [("C", 2, reason), ("D", 2, reason)]


def test_that_time_passed_is_no_cause(memory_store: TelemetryStore, months: Months) -> None:
    by = evaluator(memory_store, months)
    judged(by, months, OPEN)
    lost = [(MIDDLE, MIDDLE + DAY, DOWN)]

    ((_, version, reason),) = judged(by, months, Past(lost=lost, complete=MIDDLE + DAY).month())

    assert version == 2
    assert reason.startswith("availability: breached (was met). ")
    assert "Because" not in reason
