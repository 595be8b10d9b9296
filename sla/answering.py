"""The answers of many circuits and months at once, so that what they need is read together."""

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from sla.answers import CircuitSummary, MonthAnswer
from sla.calm import Look
from sla.closed import ClosedMonths
from sla.history import CircuitHistory, Historian
from sla.months import periods_of
from sla.observing import Performance
from sla.periods import Ownership, Version
from sla.telemetry import Telemetry


@dataclass(frozen=True, slots=True)
class AskedMonths:
    """Months of one circuit, as far as a reader may see."""

    history: CircuitHistory
    owns: Sequence[Ownership]
    months: Sequence[str]


def month_answers(
    cursor: duckdb.DuckDBPyConnection,
    facts: Telemetry,
    performance: Performance,
    closed: ClosedMonths,
    asked: Sequence[AskedMonths],
    close_after_seconds: int,
) -> list[tuple[MonthAnswer, ...]]:
    """Return, for each circuit, the answers of its months that have anything complete in them."""
    wanted = [
        (number, month, periods)
        for number, one in enumerate(asked)
        for month in one.months
        if (periods := periods_of(one.history, one.owns, month))
    ]
    judged = iter(
        performance.objectives(
            cursor,
            facts,
            [(asked[n].history.circuit, period) for n, _, periods in wanted for period in periods],
        )
    )
    found: list[list[MonthAnswer]] = [[] for _ in asked]
    for number, month, periods in wanted:
        history = asked[number].history
        objectives = [next(judged) for _ in periods]
        version = Version(facts.calculation_versions.get((history.circuit.id, month), 1))
        found[number].append(
            closed.answer(history, periods, objectives, version, close_after_seconds)
        )
    return [tuple(answers) for answers in found]


def look_of(
    asked: AskedMonths,
    answers: Sequence[MonthAnswer],
    facts: Telemetry,
    historian: Historian,
    performance: Performance,
    close_after_seconds: int,
    summary: CircuitSummary,
) -> Look:
    """Return what a full judging of a circuit came to, for whoever asks when it must be next."""
    history = asked.history
    periods = periods_of(history, asked.owns, answers[-1].month) if answers else ()
    return Look(
        history,
        facts.channels[history.circuit.id],
        historian.windows_of(history.circuit),
        historian.versions(history.circuit),
        answers,
        performance.sums(facts, history.circuit, periods[-1]) if periods else None,
        close_after_seconds,
        summary,
    )
