"""The one door to every number: page, API, report, alert and Grafana all come through here.

Each method takes a scope; what is out of scope answers exactly like what does not exist: None, or
an empty tuple. Reads materialise at once and give the cursor back.
"""

import copy
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

import duckdb

from linksla.clock import MICROSECONDS, Clock
from linksla.inventory import Circuit, Customer, Inventory
from linksla.settings import TimeSettings
from linksla.stores import TelemetryStore
from processors.held import Commits
from sla import telemetry
from sla.answering import AnsweredMonths, AskedMonths, look_of, month_answers
from sla.answers import (
    AlarmAnswer,
    ChannelRun,
    CircuitSummary,
    ExclusionAnswer,
    Freshness,
    MonthAnswer,
    Outage,
    Series,
    Tape,
)
from sla.calendar import is_month
from sla.channel_view import OnChannels
from sla.closed import ClosedMonths
from sla.contracts import Contract
from sla.decided import OnDecisions
from sla.explain import Explaining
from sla.fresh import FreshnessMemory, freshness
from sla.history import CircuitHistory
from sla.issued import Issued, nothing_issued, reported
from sla.ledger import OnLedger
from sla.looks import Look
from sla.maintenance import MaintenanceWindow
from sla.months import exclusions_in, months_of, outages_seen
from sla.network import Reclassified
from sla.observing import Performance
from sla.ownership import owned_by
from sla.past import Past
from sla.periods import Ownership
from sla.records import read_alarms
from sla.remembered import RememberedHistories
from sla.scope import AllCustomers, Scope
from sla.series import checked, read_series, source_of
from sla.settled import OnSettled
from sla.shown import shown_exclusions, shown_month
from sla.summaries import newest_states, read_tape, summary
from sla.telemetry import Telemetry
from sla.versions import OnVersions

_T = TypeVar("_T")
_Answer = Callable[[duckdb.DuckDBPyConnection, Telemetry, CircuitHistory, Sequence[Ownership]], _T]


class Queries(OnLedger, OnDecisions, OnVersions, OnChannels, OnSettled, Explaining):
    """Answers about circuits, months, outages, alarms; safe in any thread."""

    def __init__(
        self,
        store: TelemetryStore,
        inventory: Inventory,
        contracts: dict[str, tuple[Contract, ...]],
        maintenance: Sequence[MaintenanceWindow],
        time: TimeSettings,
        clock: Clock,
        reclassified: Reclassified | None = None,
        issued: Issued = nothing_issued,
        commits: Commits | None = None,
    ) -> None:
        """Remember where to read; `contracts` by id, versions in order of validity."""
        super().__init__(store, inventory, contracts, maintenance, reclassified, commits)
        self._time = time
        self._clock = clock
        self._issued = issued
        self._performance, self._closed = Performance(), ClosedMonths()
        self._freshness = FreshnessMemory(clock)

    def under(self, versions: tuple[Contract, ...]) -> "Queries":
        """Return queries of the same telemetry with every circuit under another contract."""
        other = copy.copy(self)
        other._now = other
        historian = self._histories.historian.under(versions)
        other._histories, other._performance = RememberedHistories(historian), Performance()
        other._closed = ClosedMonths()
        return other

    def customers(self, scope: Scope) -> tuple[Customer, ...]:
        """Return the customers in scope, by id."""
        known = self._inventory.customers
        return tuple(known[name] for name in sorted(known) if scope.allows(name))

    def circuits(
        self, scope: Scope, circuit_ids: Iterable[str] | None = None
    ) -> tuple[CircuitSummary, ...]:
        """Return the circuits in scope (or those of them that are named) as they stand, by id."""
        known = self._inventory.circuits
        named = known if circuit_ids is None else known.keys() & set(circuit_ids)
        return self._summaries(scope, sorted(named))

    def circuit(self, scope: Scope, circuit_id: str) -> CircuitSummary | None:
        """Return one circuit as it stands, or None."""
        found = self._summaries(scope, [circuit_id])
        return found[0] if found else None

    def _summaries(self, scope: Scope, circuit_ids: Iterable[str]) -> tuple[CircuitSummary, ...]:
        seen = self._visible(scope, circuit_ids)
        with self._facts(seen) as (cursor, facts):
            histories = self._histories.of(cursor, facts, seen)
            channels = newest_states(cursor, facts, histories, seen)
            found = []
            asked = [
                AskedMonths(history, seen[name], months_of(history, seen[name])[-1:])
                for name, history in histories.items()
            ]
            newest = dict(zip(histories, self._months(cursor, facts, asked), strict=True))
            for name, owns in seen.items():
                answers = [shown_month(scope, answer) for answer in newest.get(name, ())]
                lanes = channels.get(name, ())
                history = histories.get(name)
                found.append(self._summary(scope, name, owns, history, lanes, answers))
        return tuple(found)

    def _summary(
        self,
        scope: Scope,
        name: str,
        owns: Sequence[Ownership],
        history: CircuitHistory | None,
        lanes: Sequence[ChannelRun],
        answers: Sequence[MonthAnswer],
    ) -> CircuitSummary:
        circuit = self._inventory.circuits[name]
        at = history.live_to_s if history else circuit.active_from
        contract = self._histories.historian.contract_at(circuit, at)
        customer = self._inventory.customers[self._owner(scope, circuit, owns)]
        return summary(circuit, customer, owns[-1], contract, history, lanes, answers)

    def circuit_ids(self, scope: Scope) -> tuple[str, ...]:
        """Return the ids of the circuits in scope, in order; reads nothing."""
        return tuple(self._visible(scope, sorted(self._inventory.circuits)))

    def inventory_of(self, scope: Scope, circuit_id: str) -> Circuit | None:
        """Return the inventory's entry of a circuit, or None."""
        return self._inventory.circuits[circuit_id] if self._visible(scope, [circuit_id]) else None

    def contract_of(
        self, scope: Scope, circuit_id: str, complete_up_to_s: int | None = None
    ) -> Contract | None:
        """Return the contract version in force at the circuit's complete_up_to, or None.

        Who knows that instant already saves the question: 20 ms a circuit under load.
        """
        seen = self._visible(scope, [circuit_id])
        if not seen:
            return None
        complete = complete_up_to_s
        if complete is None:
            with self._facts([circuit_id]) as (_, facts):
                complete = facts.complete_up_to_s.get(circuit_id)
        circuit = self._inventory.circuits[circuit_id]
        at = circuit.active_from if complete is None else complete
        return self._histories.historian.contract_at(circuit, min(at, seen[circuit_id][-1].end_s))

    def months(self, scope: Scope, circuit_id: str) -> tuple[str, ...]:
        """Return the months (YYYY-MM) the circuit has any complete time in, oldest first."""
        nothing: tuple[str, ...] = ()
        found = self._with_history(
            scope,
            circuit_id,
            lambda _cursor, _facts, history, owns: months_of(history, owns),
            nothing_yet=nothing,
        )
        return nothing if found is None else found

    def month(self, scope: Scope, circuit_id: str, month: str) -> MonthAnswer | None:
        """Return DESIGN 9's answer, or None: no such circuit, not in scope, or no such month."""

        def answer(
            cursor: duckdb.DuckDBPyConnection,
            facts: Telemetry,
            history: CircuitHistory,
            owns: Sequence[Ownership],
        ) -> MonthAnswer | None:
            (found,) = self._months(cursor, facts, [AskedMonths(history, owns, (month,))])
            return reported(shown_month(scope, found[0]), self._issued()) if found else None

        if not is_month(month):
            return None
        return self._with_history(scope, circuit_id, answer, nothing_yet=None)

    def customer_month(
        self, scope: Scope, customer_id: str, month: str
    ) -> tuple[MonthAnswer, ...] | None:
        """Return the answers of all the customer's circuits, by circuit id, or None."""
        known = customer_id in self._inventory.customers and scope.allows(customer_id)
        if not known or not is_month(month):
            return None
        owns = {
            name: ownerships
            for name, circuit in sorted(self._inventory.circuits.items())
            if (ownerships := owned_by(circuit, scope, customer_id))
        }
        with self._facts(owns) as (cursor, facts):
            histories = self._histories.of(cursor, facts, owns)
            asked = [AskedMonths(one, owns[name], (month,)) for name, one in histories.items()]
            found = self._months(cursor, facts, asked)
        issued, answers = self._issued(), [one for many in found for one in many]
        return tuple(reported(shown_month(scope, answer), issued) for answer in answers)

    def looks(
        self, cursor: duckdb.DuckDBPyConnection, circuit_ids: Iterable[str],
        versions: Mapping[tuple[str, str], int] | None = None, past: Past | None = None,
    ) -> dict[str, Look]:  # fmt: skip
        """Return all that circuits come to, as anyone in the house sees them, read by `cursor`.

        For the evaluator, whose transaction holds what nobody else sees.
        """
        past, held = past or Past(), self._held(cursor)
        scope = AllCustomers(commercial=True)
        seen = self._visible(scope, sorted(circuit_ids))
        facts = telemetry.read(cursor, list(seen), held, versions, past)
        past.months.begin(facts, held, self._histories.historian, seen)
        histories = self._histories.of(cursor, facts, seen)
        lanes = newest_states(cursor, facts, histories, seen)
        asked = past.months.asked(histories, seen, versions or {})
        answered = self._answered(cursor, facts, asked)
        historian, close_after = self._histories.historian, self._time.close_after_seconds
        return {
            name: look_of(
                one, found, facts, historian, close_after,
                self._summary(
                    scope, name, seen[name], one.history, lanes.get(name, ()), found.answers[-1:]
                ),
                lanes.get(name, ()),
            )
            for name, one, found in zip(histories, asked, answered, strict=True)
        }  # fmt: skip

    def month_as_of(
        self, cursor: duckdb.DuckDBPyConnection, circuit_id: str, month: str, complete_up_to_s: int
    ) -> MonthAnswer | None:
        """Return a month from all that is known now, judged as if complete up to an instant."""
        seen = self._visible(AllCustomers(commercial=True), [circuit_id])
        known = telemetry.read(cursor, list(seen))
        facts = replace(known, complete_up_to_s=dict.fromkeys(seen, complete_up_to_s), live={})
        judged = self._histories.historian.judged(cursor, facts, seen).values()
        asked = [AskedMonths(history, seen[circuit_id], (month,)) for history in judged]
        return next((one for many in self._months(cursor, facts, asked) for one in many), None)

    def tape(self, scope: Scope, circuit_id: str, start_s: int, end_s: int) -> Tape | None:
        """Return the buckets and channel states of a range, provisional part included, or None."""
        seen = self._visible(scope, [circuit_id])
        if not seen:
            return None
        with self._facts([circuit_id]) as (cursor, facts):
            history = self._histories.of(cursor, facts, seen).get(circuit_id)
            if history is None:
                at = self._inventory.circuits[circuit_id].active_from
                return Tape(circuit_id, start_s, end_s, at, (), (), at)
            return read_tape(cursor, facts, history, seen[circuit_id], start_s, end_s)

    def outages(
        self, scope: Scope, circuit_id: str, start_s: int, end_s: int
    ) -> tuple[Outage, ...] | None:
        """Return the outages that touch a range, oldest first, or None."""

        def answer(
            _cursor: duckdb.DuckDBPyConnection,
            _facts: Telemetry,
            history: CircuitHistory,
            owns: Sequence[Ownership],
        ) -> tuple[Outage, ...]:
            return tuple(
                outage
                for part in history.complete
                for own in owns
                for outage in outages_seen(
                    circuit_id,
                    part.runs,
                    max(start_s, own.start_s, part.in_force.start_s),
                    min(end_s, own.end_s, part.in_force.end_s),
                    own,
                    part.reclassified,
                )
            )

        nothing: tuple[Outage, ...] = ()
        return self._with_history(scope, circuit_id, answer, nothing_yet=nothing)

    def exclusions(
        self, scope: Scope, circuit_id: str, start_s: int, end_s: int
    ) -> tuple[ExclusionAnswer, ...] | None:
        """Return the maintenance records that touch a range, refused ones too, or None."""

        def answer(
            _cursor: duckdb.DuckDBPyConnection,
            _facts: Telemetry,
            history: CircuitHistory,
            owns: Sequence[Ownership],
        ) -> tuple[ExclusionAnswer, ...]:
            found = [
                exclusion
                for own in owns
                for exclusion in exclusions_in(
                    history.live, max(start_s, own.start_s), min(end_s, own.end_s)
                )
            ]
            return shown_exclusions(scope, found)

        nothing: tuple[ExclusionAnswer, ...] = ()
        return self._with_history(scope, circuit_id, answer, nothing_yet=nothing)

    def series(
        self, scope: Scope, circuit_id: str, metric: str, start_s: int, end_s: int, step_s: int
    ) -> Series | None:
        """Return a metric over time, one line a channel, or None.

        Raises:
            UsageError: an unknown metric, or more than 10,000 points.
        """
        seen = self._visible(scope, [circuit_id])
        if not seen:
            return None
        circuit = self._inventory.circuits[circuit_id]
        asked = checked(circuit, metric, start_s, end_s, step_s)
        contract = self._histories.historian.contract_at(circuit, end_s)
        with self._snapshots.one() as snapshot:  # not `_facts`: a series alone needs little of it
            cursor, known = snapshot.cursor, snapshot.memory.get((circuit_id,))
            facts = known if isinstance(known, Telemetry) else None
            held = self._held(cursor) if facts is None else None
            channels, source = source_of(cursor, facts, held, circuit, metric)
            return read_series(source, circuit, contract, channels, seen[circuit_id], asked)

    def alarms(self, scope: Scope, *, raised_only: bool = False) -> tuple[AlarmAnswer, ...]:
        """Return alarms as they stand: raised critical first, then oldest."""
        seen, whole = self._everything(scope), isinstance(scope, AllCustomers)
        with self._snapshot() as cursor:
            return read_alarms(
                cursor, self._inventory, seen, raised_only=raised_only, whole_stream=whole
            )

    def freshness(self, scope: Scope, *, heard: bool = True) -> Freshness:
        """Return how complete circuits are; of many, a second ago. `heard`: the broker answers."""
        return self._freshness.of(scope, lambda: self._found_fresh(scope, heard))

    def _found_fresh(self, scope: Scope, heard: bool) -> Freshness:
        seen, circuits = self._everything(scope), self._inventory.circuits
        names = None if len(seen) == len(circuits) else list(seen)
        with self._snapshot() as cursor:
            horizons = telemetry.horizons(cursor, names, self._held(cursor))
        ends = self._freshness.ends(scope, seen, circuits)
        return freshness(horizons, ends, circuits, self._now_s(), self._time, heard)

    def _owner(self, scope: Scope, circuit: Circuit, owns: Sequence[Ownership]) -> str:
        """Return whom a circuit is shown under: its owner now, or the reader's own last hold."""
        last = owns[-1].customer_id
        now = circuit.owner_at(self._now_s())
        return now if now is not None and isinstance(scope, AllCustomers) else last

    def _with_history(
        self,
        scope: Scope,
        circuit_id: str,
        answer: _Answer[_T],
        *,
        nothing_yet: _T,
    ) -> _T | None:
        """Answer from a circuit's history: None out of scope, `nothing_yet` without telemetry."""
        seen = self._visible(scope, [circuit_id])
        if not seen:
            return None
        with self._facts([circuit_id]) as (cursor, facts):
            history = self._histories.of(cursor, facts, seen).get(circuit_id)
            if history is None:
                return nothing_yet
            return answer(cursor, facts, history, seen[circuit_id])

    def _months(
        self, cursor: duckdb.DuckDBPyConnection, facts: Telemetry, asked: Sequence[AskedMonths]
    ) -> list[tuple[MonthAnswer, ...]]:
        """Return, for each circuit, the answers of its months that have anything complete."""
        return [one.answers for one in self._answered(cursor, facts, asked)]

    def _answered(
        self, cursor: duckdb.DuckDBPyConnection, facts: Telemetry, asked: Sequence[AskedMonths]
    ) -> list[AnsweredMonths]:
        close_after = self._time.close_after_seconds
        return month_answers(cursor, facts, self._performance, self._closed, asked, close_after)

    def _now_s(self) -> int:
        return self._clock.now_us() // MICROSECONDS
