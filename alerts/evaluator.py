"""From verdicts to alarms: reads through `sla.queries`, writes alarm_history and outbox.

Runs on the writer thread inside the transaction the caller began, so that an alarm, its message
and the data they follow from are kept or lost together.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Final, Protocol

from alerts import messages
from alerts.alarms import (
    HISTORY_SECONDS,
    Alarm,
    AlarmChange,
    AlarmKey,
    Standing,
    Withholding,
    step,
)
from alerts.conditions import (
    AlarmType,
    CircuitFacts,
    Holds,
    Horizon,
    Judged,
    MonthFacts,
    Undecided,
    judge,
)
from alerts.muting import muted_by
from alerts.outbox import Message, put
from alerts.standing import standing_alarms
from linksla.clock import MICROSECONDS, Clock, iso
from linksla.inventory import Circuit
from linksla.sql import statement
from linksla.stores import TelemetryStore
from sla.answers import CircuitSummary, MonthAnswer
from sla.calm import Awaits
from sla.contracts import Contract
from sla.evaluator import VerdictChange
from sla.maintenance import MaintenanceWindow
from sla.scope import AllCustomers, Scope

_ALL: Final = AllCustomers(commercial=False)
_NOTHING: Final[Mapping[str, int]] = MappingProxyType({})
_NO_SUMMARIES: Final[Mapping[str, CircuitSummary]] = MappingProxyType({})
_LIST_FROM: Final = 8  # from so many circuits on, one read of all costs less than one read each

_ENDED_BY: Final = {
    AlarmType.CIRCUIT_DOWN: Awaits.RECOVERY,
    AlarmType.BUDGET_BURN: Awaits.BURN,
    AlarmType.REDUNDANCY_LOST: Awaits.CHANNELS,
}
_OF_MONTHS: Final = (AlarmType.OBJECTIVE_BREACHED, AlarmType.COVERAGE_LOST)
"""With a qualifier: of a circuit that falls silent, coverage is lost without one."""


class Answers(Protocol):
    """What alarms ask of `sla.queries.Queries`."""

    def circuits(
        self, scope: Scope, circuit_ids: Iterable[str] | None = None
    ) -> tuple[CircuitSummary, ...]:
        """Return circuits as they stand."""
        ...

    def circuit(self, scope: Scope, circuit_id: str) -> CircuitSummary | None:
        """Return one circuit as it stands."""
        ...

    def inventory_of(self, scope: Scope, circuit_id: str) -> Circuit | None:
        """Return the inventory's entry."""
        ...

    def contract_of(
        self, scope: Scope, circuit_id: str, complete_up_to_s: int | None = None
    ) -> Contract | None:
        """Return the contract in force."""
        ...


class AlarmEvaluator:
    """Keeps the alarms of all circuits; only the writer thread calls it."""

    def __init__(
        self,
        store: TelemetryStore,
        queries: Answers,
        maintenance: Callable[[], Sequence[MaintenanceWindow]],
        clock: Clock,
        *,
        source: str = "linksla",
        base_url: str = "",
    ) -> None:
        """Remember where to read and write; `base_url` goes before the path in deep links."""
        self._store = store
        self._queries = queries
        self._maintenance = maintenance
        self._clock = clock
        self._origin = messages.Origin(source, base_url)
        self._contracts: dict[tuple[str, str], Contract | None] = {}
        self._entries: dict[str, Circuit | None] = {}
        self._restless: dict[str, Awaits] = {}
        self._judged_up_to: dict[str, int] = {}  # circuit → complete_up_to_s when last evaluated
        self._standing = standing_alarms()

    def evaluate(
        self,
        circuit_ids: Sequence[str],
        verdict_changes: Sequence[VerdictChange] = (),
        known_up_to_s: Mapping[str, int] = _NOTHING,
        known: Mapping[str, CircuitSummary] = _NO_SUMMARIES,
    ) -> tuple[AlarmChange, ...]:
        """Judge circuits and write what changed; the caller commits.

        Returns the changes of alarms, announced or withheld. Changed verdicts become messages too.
        `known_up_to_s` says of circuits up to which complete instant nothing had changed, `known`
        how they stand now: the others are read.
        """
        for circuit_id, known_s in known_up_to_s.items():
            if self._judged_up_to.get(circuit_id, known_s) <= known_s:
                self._judged_up_to[circuit_id] = known_s
        now_us = self._clock.now_us()
        standing = self._standing.of(self._store.writer, circuit_ids)
        unknown = [name for name in circuit_ids if name not in known]
        summaries = {**known, **(self._summaries(unknown) if unknown else {})}
        by_circuit: dict[str, list[VerdictChange]] = {}
        for verdict_change in verdict_changes:
            by_circuit.setdefault(verdict_change.circuit_id, []).append(verdict_change)
        announced: list[Message] = []
        revisions: list[tuple[AlarmChange, Mapping[str, object]]] = []
        for circuit_id in circuit_ids:
            summary = summaries.get(circuit_id)
            verdicts = by_circuit.get(circuit_id, [])
            facts = None if summary is None else self._facts(summary, verdicts)
            if facts is None:
                self._restless[circuit_id] = Awaits.ANYTHING
                continue
            stands = standing[circuit_id]
            for change in self._changes(facts, stands, now_us):
                message = self._alarm_message(change, facts)
                announced.append(message)
                revisions.append((change, message.data))
                stands = {**stands, change.alarm.key: change.alarm}
            self._note_rest(circuit_id, stands.values())
            announced += [self._verdict_message(verdict, facts, now_us) for verdict in verdicts]
            self._judged_up_to[circuit_id] = facts.summary.complete_up_to_s
        self._append(revisions)
        put(self._store.writer, self._origin.source, announced)
        return tuple([change for change, _ in revisions])

    @property
    def restless(self) -> Mapping[str, Awaits]:
        """Circuits with alarms that may still change, as of their last evaluation: by what."""
        return MappingProxyType(self._restless)

    def raised(self) -> tuple[str, ...]:
        """Return the circuits of which an alarm is raised: a node that starts sees them first."""
        found = self._store.writer.execute(statement("alerts", "alarms_raised")).fetchall()
        return tuple([circuit_id for (circuit_id,) in found])

    def _note_rest(self, circuit_id: str, alarms: Iterable[Alarm]) -> None:
        """Note whether a raised alarm waits for its end, or for its announcement.

        What is raised of a month ends with verdicts only: it waits when a window holds it back.
        """
        awaited = Awaits(0)
        for alarm in alarms:
            of_month = alarm.key.type in _OF_MONTHS and bool(alarm.key.qualifier)
            held_back = alarm.withholding is Withholding.WINDOW
            if alarm.standing is Standing.RAISED and (held_back or not of_month):
                awaited |= _awaits(alarm)
        self._restless.pop(circuit_id, None)
        if awaited:
            self._restless[circuit_id] = awaited

    def _changes(
        self, facts: CircuitFacts, standing: Mapping[AlarmKey, Alarm], now_us: int
    ) -> list[AlarmChange]:
        found = {(item.type, item.qualifier): item for item in judge(facts)}
        # without an alarm of it, only what holds can change anything: most circuits have none
        judged = {
            AlarmKey(facts.circuit.id, *about): item
            for about, item in found.items()
            if standing or isinstance(item.condition, Holds)
        }
        for key in standing.keys() - judged.keys():  # a closed month, judged when it changes
            judged[key] = _not_judged(key, facts.summary)
        windows = self._maintenance()
        changes = []
        for key, item in judged.items():
            muted = muted_by(
                windows,
                facts.circuit,
                now_s=now_us // MICROSECONDS,
                horizon_s=item.horizon_s,
                channels=_about(item, facts),
            )
            change = step(key, standing.get(key), item, now_us=now_us, muted=muted)
            if change is not None:
                changes.append(change)
        return changes

    def _facts(
        self, summary: CircuitSummary, verdicts: Sequence[VerdictChange]
    ) -> CircuitFacts | None:
        circuit = self._queries.inventory_of(_ALL, summary.circuit_id)
        self._notice(summary.circuit_id, circuit)
        contract = self._contract(summary)
        if circuit is None or contract is None:
            return None
        answers: dict[str, MonthAnswer] = {}
        if summary.month is not None:
            answers[summary.month.month] = summary.month
        answers |= {verdict.month: verdict.current for verdict in verdicts}
        first_looks = {verdict.month for verdict in verdicts if verdict.previous is None}
        months = tuple(
            MonthFacts(answer, self._known_from_s(answer, first_look=month in first_looks))
            for month, answer in sorted(answers.items())
        )
        return CircuitFacts(circuit, contract, summary, months)

    def _contract(self, summary: CircuitSummary) -> Contract | None:
        """Return the contract in force, asked once a month: n changes at a month start only."""
        key = (summary.circuit_id, summary.month.month if summary.month is not None else "")
        found = self._contracts.get(key)
        if found is None:
            found = self._queries.contract_of(_ALL, summary.circuit_id, summary.complete_up_to_s)
            self._contracts[key] = found
        return found

    def _notice(self, circuit_id: str, circuit: Circuit | None) -> None:
        """Forget the contract of a circuit whose inventory entry has changed: it may be another."""
        if self._entries.setdefault(circuit_id, circuit) is not circuit:
            self._entries[circuit_id] = circuit
            for key in [key for key in self._contracts if key[0] == circuit_id]:
                del self._contracts[key]

    def _known_from_s(self, answer: MonthAnswer, *, first_look: bool) -> int:
        """Return the instant before which a month's change cannot have happened unseen.

        That is where the evaluation before this one stood; on the very first look the change may
        be as old as the month. After a restart the alarms on disk say what was known before.
        """
        before = self._judged_up_to.get(answer.circuit_id)
        if before is not None:
            return min(max(before, answer.start_s), answer.complete_up_to_s)
        return answer.start_s if first_look else answer.complete_up_to_s

    def _summaries(self, circuit_ids: Sequence[str]) -> dict[str, CircuitSummary]:
        if len(circuit_ids) >= _LIST_FROM:
            found = self._queries.circuits(_ALL, circuit_ids)
            return {summary.circuit_id: summary for summary in found}
        asked = ((name, self._queries.circuit(_ALL, name)) for name in circuit_ids)
        return {name: summary for name, summary in asked if summary is not None}

    def _append(self, announced: Sequence[tuple[AlarmChange, Mapping[str, object]]]) -> None:
        """Append new revisions, all in one statement: one each took a millisecond."""
        if not announced:
            return
        alarms = [change.alarm for change, _ in announced]
        self._store.writer.execute(
            statement("alerts", "alarms_append"),
            {
                "alarm_id": [alarm.key.alarm_id for alarm in alarms],
                "revision": [alarm.revision for alarm in alarms],
                "circuit_id": [alarm.key.circuit_id for alarm in alarms],
                "type": [alarm.key.type.value for alarm in alarms],
                "qualifier": [alarm.key.qualifier for alarm in alarms],
                "severity": [alarm.severity.value for alarm in alarms],
                "condition": [alarm.standing.value for alarm in alarms],
                "event_at_s": [alarm.event_at_s for alarm in alarms],
                "reported_at_us": [change.reported_at_us for change, _ in announced],
                "reason": [alarm.reason for alarm in alarms],
                "payload": [_payload(change, data) for change, data in announced],
            },
        )
        self._standing.appended((alarm.key.circuit_id, alarm.key, alarm) for alarm in alarms)

    def _alarm_message(self, change: AlarmChange, facts: CircuitFacts) -> Message:
        return Message(
            subject=messages.alarm_subject(change),
            kind=messages.alarm_type(change),
            id_version=messages.alarm_version(change),
            version=change.alarm.revision,
            circuit_id=change.alarm.key.circuit_id,
            event_at_s=change.alarm.event_at_s,
            created_at_us=change.reported_at_us,
            withheld_reason=change.withheld_reason,
            data=messages.alarm_data(change, facts, self._origin),
        )

    def _verdict_message(self, change: VerdictChange, facts: CircuitFacts, now_us: int) -> Message:
        answer = change.current
        known_from_s = next(m.known_from_s for m in facts.months if m.answer.month == change.month)
        withheld = None
        if now_us // MICROSECONDS - known_from_s > HISTORY_SECONDS:
            withheld = f"replayed history: it may have changed as early as {iso(known_from_s)}"
        elif change.previous is None:
            withheld = "first evaluation of the month: nothing changed"
        return Message(
            subject=messages.verdict_subject(answer),
            kind=messages.TYPE_VERDICT,
            id_version=str(answer.calculation_version),
            version=answer.calculation_version,
            circuit_id=answer.circuit_id,
            event_at_s=answer.complete_up_to_s,
            created_at_us=now_us,
            withheld_reason=withheld,
            data=messages.verdict_data(
                answer, reason=change.reason, reported_at_us=now_us, origin=self._origin
            ),
        )


def _awaits(alarm: Alarm) -> Awaits:
    """Return what ends a raised alarm; one that nobody outside knows is announced in time."""
    if not alarm.known_outside:
        return Awaits.ANYTHING
    return _ENDED_BY.get(alarm.key.type, Awaits.ANYTHING)


def _payload(change: AlarmChange, data: Mapping[str, object]) -> str:
    """Return what is kept of a revision: what was said outside, and what is known inside only."""
    alarm = change.alarm
    kept = {
        **data,
        "known_outside": alarm.known_outside,
        "withholding": alarm.withholding.value,
        "withheld_reason": change.withheld_reason,
    }
    return json.dumps(kept, sort_keys=True)


def _not_judged(key: AlarmKey, summary: CircuitSummary) -> Judged:
    return Judged(
        key.type, key.qualifier, Undecided("nothing new is known"), Horizon.COMPLETE,
        summary.complete_up_to_s, present=False,
    )  # fmt: skip


def _about(item: Judged, facts: CircuitFacts) -> tuple[str, ...]:
    """Return the channels that an alarm is about, where it is about some only."""
    return facts.summary.channels_bad if item.type is AlarmType.REDUNDANCY_LOST else ()
