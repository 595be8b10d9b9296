"""How a circuit stands now, and what its tape shows."""

from collections.abc import Mapping, Sequence
from typing import Final

import duckdb

from linksla.inventory import Circuit, Customer
from sla.answers import (
    Bucket,
    BucketRun,
    ChannelRun,
    CircuitSummary,
    MonthAnswer,
    Span,
    Tape,
)
from sla.channels import ChannelAsked, channel_runs
from sla.contracts import Contract
from sla.history import FAR_AHEAD_S, CircuitHistory
from sla.judged import JudgedRun
from sla.periods import Ownership
from sla.runs import loss_class_max
from sla.spans import LiveSpan
from sla.telemetry import Telemetry

PATIENCE_SECONDS_MIN: Final = 60  # or n cells, if longer: as long as coverage must be lost to alarm


def newest_states(
    cursor: duckdb.DuckDBPyConnection,
    facts: Telemetry,
    histories: Mapping[str, CircuitHistory],
    owns: Mapping[str, Sequence[Ownership]],
) -> dict[str, tuple[ChannelRun, ...]]:
    """Return the newest run of each active channel by circuit, for all circuits at once.

    The newest known one within the circuit's patience; unknown only if nothing is known in it.
    """
    asked: dict[str, list[ChannelAsked]] = {}
    spans: list[LiveSpan] = []
    for name, history in histories.items():
        contract, own = history.live.in_force.contract, owns[name][-1]
        live = min(history.live_to_s, own.end_s)
        first = max(live - _patience_seconds(history.circuit, contract), own.start_s)
        asked[name] = _asked(history.circuit, contract, facts, first, live)
        spans += _live(history.circuit, facts)
    lanes = channel_runs(
        facts.spans_by(cursor), [one for many in asked.values() for one in many], spans
    )
    return {
        name: tuple([_newest(lanes[one.channel_key]) for one in many])
        for name, many in asked.items()
    }


def _newest(lane: Sequence[ChannelRun]) -> ChannelRun:
    for run in reversed(lane):
        if run.state != "unknown":
            return run
    return lane[-1]


def _patience_seconds(circuit: Circuit, contract: Contract) -> int:
    return max(contract.availability.consecutive * circuit.grid_seconds, PATIENCE_SECONDS_MIN)


def summary(
    circuit: Circuit,
    customer: Customer,
    own: Ownership,
    contract: Contract,
    history: CircuitHistory | None,
    channels: Sequence[ChannelRun],
    months: Sequence[MonthAnswer],
) -> CircuitSummary:
    """Return one line of the list; for a former owner, as the circuit stood when it left."""
    state, since = Bucket.UNMEASURED, None
    complete = live = circuit.active_from
    lasting: list[ChannelRun] = []
    if history is not None:
        complete = min(history.complete_up_to_s, own.end_s)
        live = min(history.live_to_s, own.end_s)
        patience = _patience_seconds(circuit, contract)
        state, since = standing(history.live.runs, own.start_s, live, patience)
        # a run is cut at the patience's beginning: one that starts there has lasted so long (but
        # for the newest cell, which may not be in from every channel)
        first = live - patience
        lasting = [run for run in channels if run.state != "unknown" and run.start_s <= first]
    return CircuitSummary(
        circuit_id=circuit.id,
        customer_id=customer.id,
        customer_name=customer.name,
        site=circuit.site,
        region=circuit.region,
        bandwidth_mbps=circuit.bandwidth_at(live),
        state=state.value,
        state_since_s=since,
        channels_good=len([run for run in channels if run.state == "good"]),
        channels_total=len(channels) or _channels_expected(circuit, live),
        channels_needed=contract.availability.up_at_least,
        complete_up_to_s=complete,
        live_to_s=live,
        month=months[0] if months else None,
        channels_bad=tuple(run.channel for run in lasting if run.state == "bad"),
        channels_settled=bool(lasting) and len(lasting) == len(channels),
    )


def _channels_expected(circuit: Circuit, second: int) -> int:
    """Return how many channels the inventory has from an instant on: nothing came from them yet."""
    return sum(one.active_to is None or one.active_to > second for one in circuit.channels)


def standing(
    runs: Sequence[JudgedRun], start_s: int, end_s: int, patience_seconds: int
) -> tuple[Bucket, int | None]:
    """Return what the circuit is at the end of a range, and since when.

    Unmeasured time shorter than `patience_seconds` neither says nor ends anything: at the live
    edge, one channel's newest sample is in a moment before the others'.
    """
    state: Bucket | None = None
    since: int | None = None
    for run in reversed([r for r in runs if r.start_s < end_s and r.end_s > start_s]):
        kind = run.as_experienced
        seconds = min(run.end_s, end_s) - max(run.start_s, start_s)
        if kind is Bucket.UNMEASURED and seconds < patience_seconds:
            continue
        if state is not None and kind is not state:
            break
        state, since = kind, max(run.start_s, start_s)
    return (Bucket.UNMEASURED if state is None else state), since


def read_tape(
    cursor: duckdb.DuckDBPyConnection,
    facts: Telemetry,
    history: CircuitHistory,
    owns: Sequence[Ownership],
    start_s: int,
    end_s: int,
) -> Tape:
    """Return the tape of what a reader may see of [start_s, end_s), as far as anything arrived.

    Up to `provisional_from_s` the runs are those that months are judged by.
    """
    circuit = history.circuit
    complete = min(history.complete_up_to_s, owns[-1].end_s)
    circuit_runs: list[BucketRun] = []
    lanes = []
    parts = [(p.runs, p.in_force.start_s, p.end_s) for p in history.complete]
    parts.append((history.live.runs, history.complete_up_to_s, history.live_to_s))
    for own in owns:
        lower = max(start_s, own.start_s, circuit.active_from)
        upper = min(end_s, own.end_s, history.live_to_s)
        if lower >= upper:
            continue
        for runs, first_s, last_s in parts:
            _add_runs(circuit_runs, runs, max(lower, first_s), min(upper, last_s))
        asked = _asked(circuit, history.live.in_force.contract, facts, lower, upper)
        found = channel_runs(facts.spans_by(cursor), asked, _live(circuit, facts))
        lanes += [run for one in asked for run in found[one.channel_key]]
    return Tape(
        circuit.id,
        start_s,
        end_s,
        complete,
        tuple(circuit_runs),
        tuple(lanes),
        complete,
        _measured(parts, owns),
    )


def _measured(
    parts: Sequence[tuple[Sequence[JudgedRun], int, int]], owns: Sequence[Ownership]
) -> Span | None:
    """Return from where to where anything of it was measured that a reader may see."""
    found = [
        (lower, upper)
        for runs, first_s, last_s in parts
        for own in owns
        for run in runs
        if run.as_experienced is not Bucket.UNMEASURED
        and (lower := max(run.start_s, first_s, own.start_s))
        < (upper := min(run.end_s, last_s, own.end_s))
    ]
    if not found:
        return None
    return Span(min(lower for lower, _ in found), max(upper for _, upper in found))


def _add_runs(found: list[BucketRun], runs: Sequence[JudgedRun], start_s: int, end_s: int) -> None:
    """Append runs cut to a range, joining what is equal and adjacent."""
    for run in runs:
        lower, upper = max(run.start_s, start_s), min(run.end_s, end_s)
        if lower >= upper:
            continue
        last = found[-1] if found else None
        if (
            last
            and last.end_s == lower
            and (last.bucket, last.as_experienced) == (run.bucket, run.as_experienced)
        ):
            found[-1] = BucketRun(last.start_s, upper, last.bucket, last.as_experienced)
        else:
            found.append(BucketRun(lower, upper, run.bucket, run.as_experienced))


def _asked(
    circuit: Circuit, contract: Contract, facts: Telemetry, start_s: int, end_s: int
) -> list[ChannelAsked]:
    """Return the channels that are active in a range, each with the part it is active in."""
    grid, least = circuit.grid_seconds, loss_class_max(contract)
    found = []
    for channel in facts.channels[circuit.id]:
        ends = (
            FAR_AHEAD_S if channel.active_to_s is None else -(-channel.active_to_s // grid) * grid
        )
        lower = max(start_s, channel.active_from_s // grid * grid)
        upper = min(end_s, ends)
        if lower < upper:
            found.append(ChannelAsked(channel.channel_key, channel.channel, lower, upper, least))
    return found


def _live(circuit: Circuit, facts: Telemetry) -> list[LiveSpan]:
    found: list[LiveSpan] = []
    for channel in facts.channels[circuit.id]:
        found += facts.live.get(channel.channel_key, ())
    return found
