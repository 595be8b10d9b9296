"""What should be raised now, in words: facts about one circuit in, conditions out. Pure.

Each condition holds, is over, or cannot be decided. Unknown data decides nothing (DESIGN 10): an
unmeasured circuit neither raises nor clears a circuit_down, and a month that cannot be assessed
neither raises nor clears a breach.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from linksla.clock import iso
from linksla.inventory import Circuit
from sla.answers import CircuitSummary, MonthAnswer, ObjectiveAnswer, Outcome
from sla.budget_answers import Budget
from sla.contracts import Contract
from sla.spending import burn_words, left_words, line, rate

SILENT_SECONDS_MIN: Final = 60
"""A circuit is not called unmeasured before this, however fine its grid: probes restart."""

AVAILABILITY: Final = "availability"


class AlarmType(StrEnum):
    """What is wrong (ALARMS.md)."""

    CIRCUIT_DOWN = "circuit_down"
    OBJECTIVE_BREACHED = "objective_breached"
    COVERAGE_LOST = "coverage_lost"
    REDUNDANCY_LOST = "redundancy_lost"
    BUDGET_BURN = "budget_burn"
    FEED_GAP = "feed_gap"
    WAL_LARGE = "wal_large"
    DISK_LOW = "disk_low"


class Severity(StrEnum):
    """How bad (RFC 8632)."""

    CRITICAL = "critical"
    MAJOR = "major"


class Horizon(StrEnum):
    """Which data a condition was judged on (DESIGN 6)."""

    PROVISIONAL = "provisional"
    COMPLETE = "complete"


SEVERITIES: Final = {
    AlarmType.CIRCUIT_DOWN: Severity.CRITICAL,
    AlarmType.OBJECTIVE_BREACHED: Severity.MAJOR,
    AlarmType.COVERAGE_LOST: Severity.MAJOR,
    AlarmType.REDUNDANCY_LOST: Severity.MAJOR,
    AlarmType.BUDGET_BURN: Severity.MAJOR,
    AlarmType.FEED_GAP: Severity.MAJOR,
    AlarmType.WAL_LARGE: Severity.MAJOR,
    AlarmType.DISK_LOW: Severity.CRITICAL,
}


@dataclass(frozen=True, slots=True)
class Measure:
    """The value that was judged and the line it was judged by, both as printed."""

    value: str
    threshold: str
    unit: str


@dataclass(frozen=True, slots=True)
class Holds:
    """It is so since `event_at_s`; it may have become so as early as `earliest_s`."""

    event_at_s: int
    earliest_s: int
    reason: str
    measure: Measure


@dataclass(frozen=True, slots=True)
class Over:
    """It is not so, since `event_at_s`."""

    event_at_s: int
    reason: str


@dataclass(frozen=True, slots=True)
class Undecided:
    """The data do not say."""

    reason: str


Condition = Holds | Over | Undecided


@dataclass(frozen=True, slots=True)
class Judged:
    """One condition of a circuit. `present`: about how it stands now, not about a month."""

    type: AlarmType
    qualifier: str
    condition: Condition
    horizon: Horizon
    horizon_s: int
    present: bool


@dataclass(frozen=True, slots=True)
class MonthFacts:
    """A month's answer; before `known_from_s` nobody had looked, so a breach may be that old."""

    answer: MonthAnswer
    known_from_s: int


@dataclass(frozen=True, slots=True)
class CircuitFacts:
    """All that the conditions of one circuit are judged from."""

    circuit: Circuit
    contract: Contract
    summary: CircuitSummary
    months: tuple[MonthFacts, ...]


def judge(facts: CircuitFacts) -> tuple[Judged, ...]:
    """Return every condition of a circuit: how it stands now, then each month."""
    return (
        _circuit_down(facts),
        _silence(facts),
        _redundancy(facts),
        *_burning(facts),
        *(judged for month in facts.months for judged in _month(month, facts)),
    )


def _circuit_down(facts: CircuitFacts) -> Judged:
    summary = facts.summary
    return Judged(
        AlarmType.CIRCUIT_DOWN, "", _down_condition(facts), Horizon.PROVISIONAL,
        summary.live_to_s, present=True,
    )  # fmt: skip


def _down_condition(facts: CircuitFacts) -> Condition:
    summary = facts.summary
    ended = _ended(facts.circuit, max(summary.live_to_s, summary.complete_up_to_s))
    if ended is not None:
        return ended
    since = summary.live_to_s if summary.state_since_s is None else summary.state_since_s
    good = f"{summary.channels_good} of {summary.channels_total} channels good"
    needed = f"{summary.channels_needed} needed"
    if summary.state == "down":
        return Holds(
            since, since, f"down since {iso(since)}: {good}, {needed}",
            Measure(str(summary.channels_good), str(summary.channels_needed), "channels good"),
        )  # fmt: skip
    if summary.state == "up":
        return Over(since, f"up since {iso(since)}: {good}, {needed}")
    return Undecided(f"unmeasured since {iso(since)}: unknown data raise and clear nothing")


def _redundancy(facts: CircuitFacts) -> Judged:
    return Judged(
        AlarmType.REDUNDANCY_LOST, "", _redundancy_condition(facts), Horizon.PROVISIONAL,
        facts.summary.live_to_s, present=True,
    )  # fmt: skip


def _redundancy_condition(facts: CircuitFacts) -> Condition:
    """Judge whether the circuit is up on fewer channels than it has.

    Both ways it takes n cells, and at least 60 s; an outage is for circuit_down to tell.
    """
    summary = facts.summary
    ended = _ended(facts.circuit, max(summary.live_to_s, summary.complete_up_to_s))
    if ended is not None:
        return ended
    if summary.state != "up":
        return Undecided(f"the circuit is {summary.state}")
    total, since = summary.channels_total, summary.live_to_s - silent_seconds_least(facts)
    if summary.channels_bad:
        named = ", ".join(summary.channels_bad)
        return Holds(
            since, since,
            f"up without {named} since {iso(since)} or earlier: {summary.channels_good} of {total} "
            f"channels good, {summary.channels_needed} needed; no downtime of the circuit",
            Measure(str(summary.channels_good), str(total), "channels good"),
        )  # fmt: skip
    if summary.channels_settled:
        return Over(since, f"all {total} channels are good")
    return Undecided("a channel has not been good or bad for long enough")


def _silence(facts: CircuitFacts) -> Judged:
    summary = facts.summary
    horizon_s = max(summary.live_to_s, summary.complete_up_to_s)
    return Judged(
        AlarmType.COVERAGE_LOST, "", _silence_condition(facts, horizon_s), Horizon.PROVISIONAL,
        horizon_s, present=True,
    )  # fmt: skip


def _silence_condition(facts: CircuitFacts, horizon_s: int) -> Condition:
    """Judge how long nothing was measured, up to whatever is known to be in.

    The provisional horizon stands still when a circuit falls silent; then the watermark goes past
    it, and what lies between them is unmeasured.
    """
    circuit, summary = facts.circuit, facts.summary
    ended = _ended(circuit, horizon_s)
    if ended is not None:
        return ended
    if summary.state == "unmeasured":
        since = circuit.active_from if summary.state_since_s is None else summary.state_since_s
    else:
        since = min(summary.live_to_s, horizon_s)
    since = max(since, circuit.active_from)
    silent = horizon_s - since
    least = silent_seconds_least(facts)
    if silent >= least:
        return Holds(
            since, since, f"nothing measured since {iso(since)}, for {silent} s",
            Measure(str(silent), str(least), "s unmeasured"),
        )  # fmt: skip
    if summary.state == "unmeasured":
        return Undecided(f"unmeasured for {silent} s, an alarm from {least} s on")
    return Over(
        summary.state_since_s or summary.live_to_s,
        f"measured again: {summary.state} up to {iso(summary.live_to_s)}",
    )


def silent_seconds_least(facts: CircuitFacts) -> int:
    """Return how long a circuit must be unmeasured: n cells, and at least 60 s."""
    cells = facts.contract.availability.consecutive * facts.circuit.grid_seconds
    return max(cells, SILENT_SECONDS_MIN)


def _ended(circuit: Circuit, horizon_s: int) -> Over | None:
    if circuit.active_to is not None and circuit.active_to <= horizon_s:
        return Over(circuit.active_to, f"the circuit's active time ended {iso(circuit.active_to)}")
    return None


def _burning(facts: CircuitFacts) -> Iterator[Judged]:
    """Yield how fast the open month's allowance goes; no month of it, no alarm."""
    month = facts.summary.month
    if month is None or month.budget is None:
        return
    condition = _burn_condition(facts.circuit, month, month.budget)
    yield Judged(
        AlarmType.BUDGET_BURN, "", condition, Horizon.COMPLETE, month.complete_up_to_s,
        present=True,
    )  # fmt: skip


def _burn_condition(circuit: Circuit, month: MonthAnswer, budget: Budget) -> Condition:
    """Judge with hysteresis: between a rule's factor and half of it, it stays as it was."""
    ended = _ended(circuit, month.complete_up_to_s)
    if ended is not None:
        return ended
    burning = budget.burning
    if burning is not None:
        last = _last_down_s(month)
        event_at = month.end_s if last is None else last
        return Holds(
            event_at, event_at, f"{burn_words(burning)}; {left_words(budget)}",
            Measure(rate(burning.long_rate), line(burning.factor), "times the month's pace"),
        )  # fmt: skip
    if all(rule.calm for rule in budget.burn):
        return Over(month.end_s, f"the allowance is not being spent: {left_words(budget)}")
    return Undecided("no rule burns, and not every short window is quiet yet")


def _month(month: MonthFacts, facts: CircuitFacts) -> Iterator[Judged]:
    answer = month.answer
    for objective in answer.objectives:
        yield Judged(
            AlarmType.OBJECTIVE_BREACHED, f"{objective.name} {answer.month}",
            _breach_condition(objective, month), Horizon.COMPLETE, answer.complete_up_to_s,
            present=False,
        )  # fmt: skip
    yield Judged(
        AlarmType.COVERAGE_LOST, answer.month, _coverage_condition(month, facts),
        Horizon.COMPLETE, answer.complete_up_to_s, present=False,
    )  # fmt: skip


def _breach_condition(objective: ObjectiveAnswer, month: MonthFacts) -> Condition:
    answer = month.answer
    at_s = answer.complete_up_to_s
    if answer.final:
        # An alarm is something one can still act on; the verdict message and the report remain.
        return Over(at_s, f"{answer.month} is final: {objective.name} {objective.verdict.value}")
    if _in_peoples_hands(answer):
        return Undecided(f"a proposal about {answer.month} awaits a decision")
    if objective.verdict is Outcome.BREACHED:
        known_at = _last_down_s(answer) if objective.name == AVAILABILITY else None
        event_at = at_s if known_at is None else known_at
        return Holds(
            event_at, month.known_from_s if known_at is None else known_at, objective.reason,
            Measure(objective.actual or "", objective.target, objective.unit),
        )  # fmt: skip
    if objective.verdict is Outcome.NOT_ASSESSABLE:
        return Undecided(objective.reason)
    return Over(at_s, objective.reason)


def _in_peoples_hands(answer: MonthAnswer) -> bool:
    """Return whether a month is over and waits for people, not for data.

    A proposal about a month that was final raises no alarm about it again, months later.
    """
    return answer.end_s == answer.month_end_s and bool(answer.open_proposals)


def _last_down_s(answer: MonthAnswer) -> int | None:
    """Return when the month's last down second passed: only that can have broken availability."""
    ends = [
        answer.complete_up_to_s if outage.end_s is None else outage.end_s
        for outage in answer.outages
        if outage.down_seconds > 0
    ]
    return min(max(ends), answer.end_s) if ends else None


def _coverage_condition(month: MonthFacts, facts: CircuitFacts) -> Condition:
    answer = month.answer
    at_s = answer.complete_up_to_s
    if answer.final:
        return Over(at_s, f"{answer.month} is final with a coverage of {answer.coverage} %")
    if _in_peoples_hands(answer):
        return Undecided(f"a proposal about {answer.month} awaits a decision")
    found = next((o for o in answer.objectives if o.name == AVAILABILITY), None)
    unmeasured = answer.seconds.unmeasured
    # In a month's first minute one unknown cell is a large share; that alone alarms nobody.
    assessable = found is None or found.verdict is not Outcome.NOT_ASSESSABLE
    if assessable or unmeasured < silent_seconds_least(facts):
        return Over(at_s, f"{answer.month} can be assessed: coverage {answer.coverage or '0'} %")
    least = facts.contract.availability.coverage_percent_min
    return Holds(
        at_s, month.known_from_s, found.reason if found else "",
        Measure(answer.coverage or "0", str(float(least)), "% measured"),
    )  # fmt: skip
