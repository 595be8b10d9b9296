"""How a circuit stands now, and what its tape shows."""

from collections.abc import Sequence

import duckdb

from linksla.inventory import Circuit, Customer
from sla.answers import Bucket, BucketRun, CircuitSummary, MonthAnswer, Tape
from sla.channels import ChannelAsked, channel_runs
from sla.contracts import Contract
from sla.history import FAR_AHEAD_S, CircuitHistory, JudgedRun
from sla.months import Ownership
from sla.runs import LiveSpan, loss_class_max
from sla.telemetry import Telemetry


def summary(
    cursor: duckdb.DuckDBPyConnection,
    circuit: Circuit,
    customer: Customer,
    own: Ownership,
    contract: Contract,
    facts: Telemetry,
    history: CircuitHistory | None,
    months: Sequence[MonthAnswer],
) -> CircuitSummary:
    """Return one line of the list; for a former owner, as the circuit stood when it left."""
    state, since = Bucket.UNMEASURED, None
    complete = live = circuit.active_from
    good = total = 0
    if history is not None:
        complete = min(history.complete_up_to_s, own.end_s)
        live = min(history.live_to_s, own.end_s)
        state, since = _now(history.live.runs, own.start_s, live)
        last = live - circuit.grid_seconds
        asked = _asked(circuit, contract, facts, last, live)
        lanes = channel_runs(cursor, asked, _live(circuit, facts))
        good = sum(lanes[one.channel_key][-1].state == "good" for one in asked)
        total = len(asked)
    return CircuitSummary(
        circuit_id=circuit.id,
        customer_id=customer.id,
        customer_name=customer.name,
        site=circuit.site,
        region=circuit.region,
        bandwidth_mbps=circuit.bandwidth_mbps,
        state=state.value,
        state_since_s=since,
        channels_good=good,
        channels_total=total,
        channels_needed=contract.availability.up_at_least,
        complete_up_to_s=complete,
        live_to_s=live,
        month=months[0] if months else None,
    )


def _now(runs: Sequence[JudgedRun], start_s: int, end_s: int) -> tuple[Bucket, int | None]:
    """Return what the circuit is at the end of a range, and since when."""
    state, since = Bucket.UNMEASURED, None
    for run in reversed([r for r in runs if r.start_s < end_s and r.end_s > start_s]):
        if since is not None and run.as_experienced is not state:
            break
        state, since = run.as_experienced, max(run.start_s, start_s)
    return state, since


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
    circuit_runs: list[BucketRun] = []
    lanes = []
    for own in owns:
        lower = max(start_s, own.start_s, circuit.active_from)
        upper = min(end_s, own.end_s, history.live_to_s)
        if lower >= upper:
            continue
        parts = [(p.runs, p.in_force.start_s, p.end_s) for p in history.complete]
        parts.append((history.live.runs, history.complete_up_to_s, upper))
        for runs, first_s, last_s in parts:
            _add_runs(circuit_runs, runs, max(lower, first_s), min(upper, last_s))
        asked = _asked(circuit, history.live.in_force.contract, facts, lower, upper)
        found = channel_runs(cursor, asked, _live(circuit, facts))
        lanes += [run for one in asked for run in found[one.channel_key]]
    return Tape(
        circuit.id,
        start_s,
        end_s,
        history.complete_up_to_s,
        tuple(circuit_runs),
        tuple(lanes),
        history.complete_up_to_s,
    )


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
    grid = circuit.grid_seconds
    found = []
    for channel in facts.channels[circuit.id]:
        ends = (
            FAR_AHEAD_S if channel.active_to_s is None else -(-channel.active_to_s // grid) * grid
        )
        lower = max(start_s, channel.active_from_s // grid * grid)
        upper = min(end_s, ends)
        if lower < upper:
            found.append(
                ChannelAsked(
                    channel.channel_key, channel.channel, lower, upper, loss_class_max(contract)
                )
            )
    return found


def _live(circuit: Circuit, facts: Telemetry) -> list[LiveSpan]:
    return [
        span
        for channel in facts.channels[circuit.id]
        for span in facts.live.get(channel.channel_key, ())
    ]
