"""Everything a circuit has been through, judged under its contract: runs in buckets.

The whole history is judged and months are cut from it afterwards, so that the n-consecutive rule
is retroactive over month ends and the state carries over them (DESIGN 7.3).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Final

import duckdb

from linksla.inventory import Circuit, Inventory
from sla.answers import Bucket
from sla.attributions import Reclassification, Ruled, reattributed, ruled, stopped, within
from sla.boundaries import UnknownAs
from sla.calendar import month_bounds, months_between
from sla.contracts import Contract, ContractInForce, versions_in_force
from sla.exclusions import Cap, Decision, Excluded, decide, decide_wait, excluded_seconds
from sla.judged import JudgedRun, in_buckets, outage_ranges
from sla.maintenance import STILL_S, MaintenanceWindow
from sla.runs import (
    AvailabilityRun,
    ChannelPart,
    Judgement,
    RunsOf,
    availability_runs,
    cut_at_windows,
    loss_class_max,
)
from sla.spans import LiveSpan
from sla.telemetry import Telemetry

FAR_AHEAD_S: Final = STILL_S
_VERSIONS_MAX: Final = 4_096


@dataclass(frozen=True, slots=True)
class History:
    """A circuit under one contract version, up to one horizon."""

    circuit: Circuit
    in_force: ContractInForce
    start_s: int
    end_s: int
    runs: tuple[JudgedRun, ...]
    unknown_good: tuple[JudgedRun, ...]  # every unknown cell taken as good
    unknown_bad: tuple[JudgedRun, ...]  # every unknown cell taken as bad
    excluded: tuple[Excluded, ...]
    decisions: tuple[Decision, ...]
    reclassified: tuple[Reclassification, ...] = ()  # every proposal about the circuit's outages


@dataclass(frozen=True, slots=True)
class CircuitHistory:
    """A circuit's complete history by contract version, and its provisional one up to now."""

    circuit: Circuit
    complete_up_to_s: int
    live_to_s: int
    complete: tuple[History, ...]  # by validity
    live: History  # under the version in force at live_to_s; its unknown_* are empty


class Historian:
    """Judges circuits from what the store holds; keeps nothing."""

    def __init__(
        self,
        inventory: Inventory,
        contracts: Mapping[str, tuple[Contract, ...]],
        maintenance: Sequence[MaintenanceWindow],
        reclassified: Mapping[str, tuple[Reclassification, ...]] | None = None,
    ) -> None:
        self._inventory = inventory
        self._contracts = contracts
        self._maintenance = tuple(maintenance)
        self._reclassified = reclassified or {}
        # of 20,000 circuits most began with their network, and share their versions with others
        self._versions = lru_cache(_VERSIONS_MAX)(partial(versions_in_force, dict(contracts)))
        self._windows: dict[tuple[str, str], list[MaintenanceWindow]] = {}
        for window in maintenance:
            bears_on = (
                ("circuit", window.circuit) if window.circuit else ("site", window.site or "")
            )
            self._windows.setdefault(bears_on, []).append(window)

    def windows_of(self, circuit: Circuit) -> tuple[MaintenanceWindow, ...]:
        """Return the maintenance windows that bear on a circuit."""
        if not self._windows:
            return ()
        return (
            *self._windows.get(("circuit", circuit.id), ()),
            *self._windows.get(("site", circuit.site), ()),
        )

    def decided_upon(self, circuit: Circuit) -> bool:
        """Return whether a window or a word about an outage bears on a circuit at all."""
        return bool(self.windows_of(circuit) or self._reclassified.get(circuit.id))

    def basis(self, circuit_id: str) -> object:
        """Return what, beside telemetry, a circuit's history follows from, to be compared."""
        circuit = self._inventory.circuits[circuit_id]
        return circuit, self.windows_of(circuit), self._reclassified.get(circuit_id, ())

    def under(self, versions: tuple[Contract, ...]) -> "Historian":
        """Return one that judges every circuit under another contract."""
        return Historian(
            self._inventory,
            dict.fromkeys(self._contracts, versions),
            self._maintenance,
            self._reclassified,
        )

    def versions(self, circuit: Circuit) -> tuple[ContractInForce, ...]:
        """Return the contract versions of a circuit's active time, oldest first.

        The last one is open: its `end_s` lies where the circuit ends, or far ahead.
        """
        return self._versions(circuit.contract, circuit.active_from, circuit.active_to)

    def contract_at(self, circuit: Circuit, second: int) -> Contract:
        """Return the contract version in force at an instant, or the one nearest to it."""
        return _at(self.versions(circuit), second)

    def judged(
        self,
        cursor: duckdb.DuckDBPyConnection,
        facts: Telemetry,
        circuit_ids: Iterable[str],
        runs_of: RunsOf | None = None,
    ) -> dict[str, CircuitHistory]:
        """Return the histories of those circuits of which anything complete is known.

        `facts` were read by the same cursor, in the same transaction. `runs_of`: another way than
        in columns, which comes to the same.
        """
        batch = _Batch()
        plans: dict[str, _CircuitPlan] = {}
        for name in circuit_ids:
            if facts.channels.get(name) and name in facts.complete_up_to_s:
                plans[name] = self._plan(self._inventory.circuits[name], facts, batch)
        work = batch.judgements, batch.parts, batch.live
        results = (
            availability_runs(facts.spans_by(cursor), *work)
            if runs_of is None
            else runs_of(cursor, *work)
        )
        return {name: _finished(plan, results) for name, plan in plans.items()}

    def _plan(self, circuit: Circuit, facts: Telemetry, batch: "_Batch") -> "_CircuitPlan":
        complete = max(facts.complete_up_to_s[circuit.id], circuit.active_from)
        live = max(complete, facts.live_to_s.get(circuit.id, complete))
        windows = self.windows_of(circuit)
        versions = self.versions(circuit)
        decisions = tuple(_decided(w, _at(versions, w.start)) for w in windows)
        accepted = tuple(d.window for d in decisions if d.accepted and d.window.ticket is None)
        number = batch.add_circuit(circuit, facts, accepted)
        caps = tuple(caps_of(versions, live)) if accepted else ()
        complete_plans: list[_HistoryPlan] = []
        for version in versions:
            if version.start_s >= complete and complete_plans:
                continue
            complete_plans.append(
                batch.add_history(circuit, number, version, complete, accepted, bounds=True)
            )
        current = [v for v in versions if v.start_s <= live][-1:] or list(versions[:1])
        live_plan = batch.add_history(circuit, number, current[0], live, accepted, bounds=False)
        return _CircuitPlan(
            circuit,
            complete,
            live,
            tuple(complete_plans),
            live_plan,
            decisions,
            accepted,
            caps,
            self._reclassified.get(circuit.id, ()),
            versions,
        )


@dataclass(frozen=True, slots=True)
class _HistoryPlan:
    """Which judgements make up one history: pairs (nominal, channels under windows good)."""

    in_force: ContractInForce
    start_s: int
    end_s: int
    nominal: tuple[int, int]
    unknown_good: tuple[int, int] | None
    unknown_bad: tuple[int, int] | None


@dataclass(frozen=True, slots=True)
class _CircuitPlan:
    circuit: Circuit
    complete_up_to_s: int
    live_to_s: int
    complete: tuple[_HistoryPlan, ...]
    live: _HistoryPlan
    decisions: tuple[Decision, ...]
    accepted: tuple[MaintenanceWindow, ...]
    caps: tuple[Cap, ...]
    reclassified: tuple[Reclassification, ...]
    versions: tuple[ContractInForce, ...]


class _Batch:
    """Judgements of many circuits, collected to be worked out together."""

    def __init__(self) -> None:
        self.judgements: list[Judgement] = []
        self.parts: list[ChannelPart] = []
        self.live: list[LiveSpan] = []
        self._circuits = 0

    def add_circuit(
        self, circuit: Circuit, facts: Telemetry, accepted: Sequence[MaintenanceWindow]
    ) -> int:
        number = self._circuits
        self._circuits += 1
        grid = circuit.grid_seconds
        for channel in facts.channels[circuit.id]:
            windows = [(w.start, w.end) for w in accepted if w.channel == channel.channel]
            ends = channel.active_to_s if channel.active_to_s is not None else FAR_AHEAD_S
            # a cell that an active time begins or ends in belongs to it
            starts, ends = channel.active_from_s // grid * grid, -(-ends // grid) * grid
            self.parts += cut_at_windows(number, channel.channel_key, starts, ends, windows)
            self.live += facts.live.get(channel.channel_key, ())
        return number

    def add_history(
        self,
        circuit: Circuit,
        number: int,
        version: ContractInForce,
        end_s: int,
        accepted: Sequence[MaintenanceWindow],
        *,
        bounds: bool,
    ) -> _HistoryPlan:
        # judged on past the version's end, up to the horizon: the rule is retroactive; never past
        # the circuit's own end, where missing channels are no fault
        ends = end_s
        if circuit.active_to is not None:
            ends = min(ends, -(-circuit.active_to // circuit.grid_seconds) * circuit.grid_seconds)
        windowed = any(w.channel is not None for w in accepted)

        grid, terms = circuit.grid_seconds, version.contract.availability
        least, starts = loss_class_max(version.contract), circuit.active_from // grid * grid

        def add(unknown_as: UnknownAs) -> tuple[int, int]:
            first = len(self.judgements)
            for windows_good in (False, True) if windowed else (False,):
                self.judgements.append(
                    Judgement(
                        number, terms.up_at_least, terms.consecutive, grid, least, starts, ends,
                        unknown_as=unknown_as, windows_good=windows_good,
                    )
                )  # fmt: skip
            return first, len(self.judgements) - 1

        return _HistoryPlan(
            version,
            circuit.active_from,
            min(end_s, version.end_s),
            add(UnknownAs.UNKNOWN),
            add(UnknownAs.GOOD) if bounds else None,
            add(UnknownAs.BAD) if bounds else None,
        )


def _at(versions: Sequence[ContractInForce], second: int) -> Contract:
    for version in reversed(versions):
        if version.start_s <= second:
            return version.contract
    return versions[0].contract


def _decided(window: MaintenanceWindow, contract: Contract) -> Decision:
    if window.ticket is not None:
        return decide_wait(window, contract.exclusions)
    return decide(window, contract.maintenance)


def caps_of(versions: Sequence[ContractInForce], end_s: int) -> Iterable[Cap]:
    """Return the caps by contract month: versions inside one share it (DESIGN 7.9)."""
    found: list[Cap] = []
    for version in versions:
        terms = version.contract.maintenance
        seconds = (
            None
            if terms.cap_hours_per_month is None
            else int(terms.cap_hours_per_month * 3_600)  # a part of a second is not taken out
        )
        zone, day = version.contract.timezone, version.contract.anniversary_day
        for month in months_between(version.start_s, min(version.end_s, end_s), zone, day):
            starts, ends = month_bounds(month, zone, day)
            lower, upper = max(starts, version.start_s), min(ends, version.end_s)
            before = found[-1] if found else None
            if before and before.end_s == lower > starts and before.seconds == seconds:
                found[-1] = Cap(before.start_s, upper, seconds)
            else:
                found.append(Cap(lower, upper, seconds))
    return found


def _finished(plan: _CircuitPlan, results: Sequence[tuple[AvailabilityRun, ...]]) -> CircuitHistory:
    def history(one: _HistoryPlan) -> History:
        ordinary = _judged(plan, one, results, one.nominal)
        rulings = _rulings(plan, results[one.nominal[0]])
        runs, excluded = _ruled(plan, ordinary, rulings, Bucket.UNMEASURED)

        def bound(numbers: tuple[int, int] | None, unmeasured: Bucket) -> tuple[JudgedRun, ...]:
            if numbers is None:
                return ()
            judged = _judged(plan, one, results, numbers)
            return _ruled(plan, judged, rulings, unmeasured)[0]

        return History(
            plan.circuit,
            one.in_force,
            one.start_s,
            one.end_s,
            runs,
            bound(one.unknown_good, Bucket.UP),
            bound(one.unknown_bad, Bucket.DOWN),
            excluded,
            plan.decisions,
            plan.reclassified,
        )

    return CircuitHistory(
        plan.circuit,
        plan.complete_up_to_s,
        plan.live_to_s,
        tuple(history(one) for one in plan.complete),
        history(plan.live),
    )


_Judged = tuple[tuple[JudgedRun, ...], tuple[Excluded, ...]]


def _judged(
    plan: _CircuitPlan,
    one: _HistoryPlan,
    results: Sequence[tuple[AvailabilityRun, ...]],
    numbers: tuple[int, int],
) -> _Judged:
    """Return runs in buckets, with what maintenance takes out of them."""
    nominal, windows_good = results[numbers[0]], results[numbers[1]]
    if not plan.accepted:
        return in_buckets(nominal, (), one.start_s, one.end_s), ()
    excluded = excluded_seconds(plan.accepted, nominal, windows_good, plan.caps)
    return in_buckets(nominal, excluded, one.start_s, one.end_s), excluded


def _rulings(plan: _CircuitPlan, nominal: Sequence[AvailabilityRun]) -> tuple[Ruled, ...]:
    """Return by whose word outages are attributed: whole ones, also beyond a version's end."""
    if not plan.reclassified:
        return ()
    horizon_s = nominal[-1].end_s
    runs = in_buckets(nominal, (), plan.circuit.active_from, horizon_s)
    return ruled(plan.reclassified, outage_ranges(runs), horizon_s)


def _ruled(
    plan: _CircuitPlan, judged: _Judged, rulings: Sequence[Ruled], unmeasured: Bucket
) -> _Judged:
    """Return the same with what people decided: attributions first, then waiting tickets.

    Each second by the terms of its own version, in the whole past: a month that two versions share
    shows its outages and exclusions as its segments were judged.
    """
    if not rulings and not plan.decisions:
        return judged
    runs, excluded = judged
    for version in plan.versions if rulings else ():
        mine = within(rulings, version.start_s, version.end_s)
        runs, by_people = reattributed(runs, mine, version.contract.exclusions, unmeasured)
        excluded = (*excluded, *by_people)
    waits = [
        (decision.window.start, decision.window.end, decision.window.id)
        for decision in plan.decisions
        if decision.accepted and decision.window.ticket is not None
    ]
    runs, waiting = stopped(runs, waits)
    return runs, (*excluded, *waiting)
