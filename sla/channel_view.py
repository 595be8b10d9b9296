"""A circuit's month seen channel by channel, beside the circuit's own (DESIGN 7).

Each channel is judged by the circuit's rule, as if it were a circuit of one; what people say about
outages is about the circuit's, and moves nothing here.

Redundancy is lost while the circuit is up and a channel is down. That hits no SLA, and is shown:
the next fault would be an outage.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import duckdb

from linksla.clock import iso
from sla.answers import Bucket, Seconds, Span
from sla.calendar import is_month
from sla.contracts import Contract
from sla.exclusions import Cap, excluded_seconds
from sla.history import FAR_AHEAD_S, CircuitHistory, caps_of
from sla.judge import availability, tally
from sla.judged import JudgedRun, in_buckets, outage_ranges
from sla.months import periods_of
from sla.network import OnNetwork
from sla.runs import ChannelPart, Judgement, availability_runs, loss_class_max
from sla.scope import Scope
from sla.telemetry import ChannelRow, Telemetry
from sla.words import percent_down


@dataclass(frozen=True, slots=True)
class ChannelMonth:
    """A channel's part [start_s, end_s) of a month, in buckets that sum to it."""

    channel: str
    start_s: int
    end_s: int
    seconds: Seconds
    as_experienced: Seconds
    availability_contractual: str | None
    availability_as_experienced: str | None
    outages: int


@dataclass(frozen=True, slots=True)
class ChannelView:
    """All channels of a circuit's month, and when redundancy was lost."""

    circuit_id: str
    month: str
    start_s: int
    end_s: int
    needed: int
    channels: tuple[ChannelMonth, ...]
    redundancy_lost: tuple[Span, ...]

    @property
    def redundancy_lost_seconds(self) -> int:
        """Seconds up with a channel down."""
        return sum(span.seconds for span in self.redundancy_lost)


class OnChannels(OnNetwork):
    """Base of `sla.queries.Queries`: the channel view beside the circuit view."""

    def channel_view(self, scope: Scope, circuit_id: str, month: str) -> ChannelView | None:
        """Return a month by channel, or None: no such circuit, not in scope, or no such month."""
        owns = self._visible(scope, [circuit_id]).get(circuit_id, ())
        if not owns or not is_month(month):
            return None
        with self._facts([circuit_id]) as (cursor, facts):
            history = self._histories.of(cursor, facts, [circuit_id]).get(circuit_id)
            periods = periods_of(history, owns, month) if history else ()
            if history is None or not periods:
                return None
            start_s, end_s = periods[0].start_s, periods[-1].end_s
            part = periods[-1].history
            contract = part.in_force.contract
            versions = self._histories.historian.versions(history.circuit)
            lanes = _judged(cursor, facts, history, contract, tuple(caps_of(versions, end_s)))
        channels, lost = [], []
        for channel, runs in lanes:
            lower = max(start_s, channel.active_from_s)
            upper = min(end_s, FAR_AHEAD_S if channel.active_to_s is None else channel.active_to_s)
            if lower < upper:
                channels.append(_month(contract, channel.channel, runs, lower, upper))
                lost += _down(runs, lower, upper)
        spare = _while_up(part.runs, _together(lost))
        return ChannelView(
            circuit_id, month, start_s, end_s, contract.availability.up_at_least,
            tuple(channels), spare,
        )  # fmt: skip


_Lane = tuple[ChannelRow, tuple[JudgedRun, ...]]


def _judged(
    cursor: duckdb.DuckDBPyConnection,
    facts: Telemetry,
    history: CircuitHistory,
    contract: Contract,
    caps: Sequence[Cap],
) -> list[_Lane]:
    """Return each channel's runs in buckets; a window on circuit, site or channel takes it all."""
    circuit, grid = history.circuit, history.circuit.grid_seconds
    channels = facts.channels[circuit.id]
    judgements, parts = [], []
    for number, channel in enumerate(channels):
        starts = channel.active_from_s // grid * grid
        ends = history.complete_up_to_s
        if channel.active_to_s is not None:
            ends = min(ends, -(-channel.active_to_s // grid) * grid)
        parts.append(ChannelPart(number, channel.channel_key, starts, max(ends, starts)))
        judgements.append(
            Judgement(
                number, 1, contract.availability.consecutive, grid, loss_class_max(contract),
                starts, max(ends, starts),
            )
        )  # fmt: skip
    live = [span for channel in channels for span in facts.live.get(channel.channel_key, ())]
    accepted = [
        one.window for one in history.live.decisions if one.accepted and one.window.ticket is None
    ]
    found = []
    for channel, runs in zip(
        channels,
        availability_runs(facts.spans_by(cursor), judgements, parts, live),
        strict=True,
    ):
        windows = [
            replace(window, channel=None)
            for window in accepted
            if window.channel in (None, channel.channel)
        ]
        excluded = excluded_seconds(windows, runs, (), caps)
        found.append((channel, in_buckets(runs, excluded, channel.active_from_s, FAR_AHEAD_S)))
    return found


def _month(
    contract: Contract, name: str, runs: Sequence[JudgedRun], start_s: int, end_s: int
) -> ChannelMonth:
    counted = tally(runs, start_s, end_s)
    terms = contract.availability
    ratio = availability(terms, counted.contractual)
    experienced = availability(terms, counted.as_experienced)
    outages = [
        one
        for one in outage_ranges(runs)
        if one.start_s < end_s and (one.end_s is None or one.end_s > start_s)
    ]
    return ChannelMonth(
        channel=name,
        start_s=start_s,
        end_s=end_s,
        seconds=counted.contractual,
        as_experienced=counted.as_experienced,
        availability_contractual=None if ratio is None else percent_down(ratio),
        availability_as_experienced=None if experienced is None else percent_down(experienced),
        outages=len(outages),
    )


def _down(runs: Sequence[JudgedRun], start_s: int, end_s: int) -> list[Span]:
    return [
        Span(max(run.start_s, start_s), min(run.end_s, end_s))
        for run in runs
        if run.bucket is Bucket.DOWN and run.start_s < end_s and run.end_s > start_s
    ]


def _together(spans: Sequence[Span]) -> tuple[Span, ...]:
    """Return the time that any of the spans covers, disjoint and in order."""
    found: list[Span] = []
    for span in sorted(spans, key=lambda one: (one.start_s, one.end_s)):
        if found and span.start_s <= found[-1].end_s:
            found[-1] = Span(found[-1].start_s, max(found[-1].end_s, span.end_s))
        else:
            found.append(span)
    return tuple(found)


def _while_up(runs: Sequence[JudgedRun], spans: Sequence[Span]) -> tuple[Span, ...]:
    """Return what of the spans the circuit was up in, and not excluded."""
    found, position = [], 0
    for run in runs:
        if run.bucket is not Bucket.UP:
            continue
        while position < len(spans) and spans[position].end_s <= run.start_s:
            position += 1
        for span in spans[position:]:
            if span.start_s >= run.end_s:
                break
            found.append(Span(max(run.start_s, span.start_s), min(run.end_s, span.end_s)))
    return _together(found)


def channel_view_json(view: ChannelView) -> dict[str, object]:
    """Return the view as the API answers it."""
    return {
        "circuit_id": view.circuit_id,
        "month": view.month,
        "period": {
            "start": iso(view.start_s),
            "end": iso(view.end_s),
            "seconds": view.end_s - view.start_s,
        },
        "needed": view.needed,
        "redundancy_lost_seconds": view.redundancy_lost_seconds,
        "redundancy_lost": [
            {"start": iso(one.start_s), "end": iso(one.end_s), "seconds": one.seconds}
            for one in view.redundancy_lost
        ],
        "channels": [_channel_json(one) for one in view.channels],
    }


def _channel_json(one: ChannelMonth) -> dict[str, object]:
    contractual, experienced = one.seconds, one.as_experienced
    return {
        "channel": one.channel,
        "start": iso(one.start_s),
        "end": iso(one.end_s),
        "seconds": {
            "up": contractual.up,
            "down": contractual.down,
            "excluded": contractual.excluded,
            "unmeasured": contractual.unmeasured,
        },
        "as_experienced_seconds": {
            "up": experienced.up,
            "down": experienced.down,
            "unmeasured": experienced.unmeasured,
        },
        "availability": {
            "contractual": one.availability_contractual,
            "as_experienced": one.availability_as_experienced,
        },
        "outages": one.outages,
    }
