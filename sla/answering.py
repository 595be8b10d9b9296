"""The answers of many circuits and months at once, so that what they need is read together."""

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from sla.answers import ChannelRun, CircuitSummary, MonthAnswer
from sla.closed import ClosedMonths
from sla.history import CircuitHistory, Historian
from sla.looks import Look, Sums
from sla.months import periods_of
from sla.observing import Kept, Performance
from sla.periods import Ownership, Period, Version
from sla.telemetry import Telemetry


@dataclass(frozen=True, slots=True)
class AskedMonths:
    """Months of one circuit, as far as a reader may see."""

    history: CircuitHistory
    owns: Sequence[Ownership]
    months: Sequence[str]


@dataclass(frozen=True, slots=True)
class AnsweredMonths:
    """Answers of months that have anything complete in them, and what the last one follows from."""

    answers: tuple[MonthAnswer, ...]
    last: Period | None  # the last segment of the last month
    kept: Kept | None  # None: its contract has no objectives on what was observed

    @property
    def sums(self) -> Sums | None:
        """What the objectives of the last segment follow from."""
        return None if self.last is None or self.kept is None else self.kept.sums(self.last)


def month_answers(
    cursor: duckdb.DuckDBPyConnection,
    facts: Telemetry,
    performance: Performance,
    closed: ClosedMonths,
    asked: Sequence[AskedMonths],
    close_after_seconds: int,
) -> list[AnsweredMonths]:
    """Return, for each circuit, the answers of its months that have anything complete in them."""
    wanted = [
        (number, month, periods)
        for number, one in enumerate(asked)
        for month in one.months
        if (periods := periods_of(one.history, one.owns, month))
    ]
    judged = iter(
        performance.judged(
            cursor,
            facts,
            [(asked[n].history.circuit, period) for n, _, periods in wanted for period in periods],
        )
    )
    found: list[list[MonthAnswer]] = [[] for _ in asked]
    last: list[tuple[Period | None, Kept | None]] = [(None, None)] * len(asked)
    for number, month, periods in wanted:
        history = asked[number].history
        kept = [next(judged) for _ in periods]
        objectives = [() if one is None else one.answers for one in kept]
        version = Version(facts.calculation_versions.get((history.circuit.id, month), 1))
        found[number].append(
            closed.answer(history, periods, objectives, version, close_after_seconds)
        )
        last[number] = periods[-1], kept[-1]
    return [AnsweredMonths(tuple(answers), *end) for answers, end in zip(found, last, strict=True)]


def look_of(
    asked: AskedMonths,
    answered: AnsweredMonths,
    facts: Telemetry,
    historian: Historian,
    close_after_seconds: int,
    summary: CircuitSummary,
    lanes: Sequence[ChannelRun],
) -> Look:
    """Return what a full judging of a circuit came to, for whoever asks when it must be next."""
    history = asked.history
    return Look(
        history,
        facts.channels[history.circuit.id],
        historian.windows_of(history.circuit),
        historian.versions(history.circuit),
        answered.answers,
        answered.sums,
        close_after_seconds,
        summary,
        lanes,
    )
