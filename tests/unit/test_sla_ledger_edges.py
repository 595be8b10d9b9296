"""Which days' samples a changed verdict follows from, and how the ledger is told by day."""

from types import SimpleNamespace
from typing import Any, cast

import duckdb

from linksla.stores import TelemetryStore
from sla.answers import LedgerLine
from sla.evaluator import VerdictChange
from sla.ledger import by_day, within_month
from sla.periods import Ownership
from sla.queries import Queries
from sla.restatements import Restatements
from tests.unit.past_bench import DAY, DOWN, JULY, JUNE, MIDDLE, Past


class Rows:
    """A writer that answers every statement with the same rows, and keeps what was asked."""

    def __init__(self, *rows: tuple[Any, ...]) -> None:
        self.rows = list(rows)
        self.asked: list[dict[str, Any]] = []

    def execute(self, _: str, inputs: dict[str, Any]) -> "Rows":
        self.asked.append(inputs)
        return self

    def fetchall(self) -> list[tuple[Any, ...]]:
        return self.rows


def asked_for(complete: int) -> dict[str, Any]:
    """Return what is asked of the ledger when June's verdict has changed."""
    rows = Rows()
    store = cast(TelemetryStore, SimpleNamespace(writer=rows))
    answer = Past([(JUNE, JUNE + DAY, DOWN)], complete=complete).month()
    change = VerdictChange("C", "2026-06", "it was met", answer, "why")
    Restatements(store, cast(Queries, None)).note([], [change])
    return rows.asked[0]


def test_samples_are_those_of_the_months_days_and_the_day_before() -> None:
    asked = asked_for(JULY + DAY)

    assert (asked["first_day"], asked["last_day"]) == (JUNE // DAY - 1, JULY // DAY)
    assert asked["after_row"] == -1, "nothing was judged before: all of the ledger"
    assert asked_for(MIDDLE + 9)["last_day"] == MIDDLE // DAY


def line(circuit_id: str | None, day: str | None, kind: str, count: int, detail: str = "") -> Any:
    return LedgerLine(kind, circuit_id, None, day, count, detail)


LINES = (
    line("D", "2026-06-02", "late", 1), line("C", "2026-06-03", "late", 2),
    line("C", "2026-06-02", "late", 3), line("C", "2026-06-02", "late", 5, "older than kept"),
    line("C", "2026-06-02", "rejected", 7, "schema"), line("C", "2026-06-02", "rejected", 9, "key"),
    line(None, None, "gap", 11), line(None, "2026-06-01", "rejected", 13, "key"),
    line("C", None, "duplicate", 17), line("C", "2026-06-02", "conflicting", 19),
    line("C", "2026-06-02", "duplicate", 23), line("C", "2026-06-02", "late", 29),
)  # fmt: skip


def told(own: tuple[int, int] = (0, JULY), *rows: tuple[Any, ...]) -> Any:
    cursor = cast(duckdb.DuckDBPyConnection, Rows(*rows))
    seen = {"C": (Ownership("old", 0, 1), Ownership("a", *own)), "D": (Ownership("a", 0, JULY),)}
    return by_day(cursor, seen, LINES)


def test_the_ledger_is_told_by_circuit_and_day() -> None:
    found = told()

    assert [(one.circuit_id, one.day) for one in found] == [
        ("C", None), ("C", "2026-06-02"), ("C", "2026-06-03"), ("D", "2026-06-02"), (None, None),
        (None, "2026-06-01"),
    ]  # fmt: skip
    day = found[1]
    assert (day.late, day.too_late, day.duplicate, day.conflicting, day.rejected, day.gap) == (
        32, 5, 23, 19, 16, 0,
    )  # fmt: skip
    assert day.rejected_reasons == (("key", 9), ("schema", 7))
    assert (found[4].gap, found[5].rejected) == (11, 13)
    assert [one.day for one in within_month(found, "2026-06")] == [
        "2026-06-02", "2026-06-03", "2026-06-02", "2026-06-01",
    ]  # fmt: skip
    assert within_month(found, "2026-0") == ()


def test_a_verdict_is_told_to_who_may_see_all_that_was_judged() -> None:
    judged = ("C", MIDDLE // DAY, "2026-06", 4, JUNE, MIDDLE, 5, 6, "why")

    def shown(*own: int) -> list[Any]:
        row = ("C", 20606, *judged[2:])  # 2026-06-02
        return [one for day in told((own[0], own[1]), row) for one in day.verdicts]

    (verdict,) = shown(JUNE, MIDDLE)
    assert (verdict.month, verdict.calculation_version, verdict.late, verdict.conflicting) == (
        "2026-06", 4, 5, 6,
    )  # fmt: skip
    assert shown(JUNE - 5, MIDDLE + 5)
    assert not shown(JUNE + 1, MIDDLE)
    assert not shown(JUNE, MIDDLE - 1)
    assert not shown(JUNE + 1, JULY)
    days = [day.day for day in told((0, JULY), ("C", 20606, *judged[2:])) if day.verdicts]
    assert days == ["2026-06-02"]
