"""What channels say about a range of time: spans with their gaps, merged channels, samples."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import duckdb
import numpy as np

from linksla.clock import MICROSECONDS
from linksla.errors import UsageError
from linksla.inventory import Circuit
from linksla.model import (
    BGP_STATES,
    EVIDENCE_BGP_ESTABLISHED,
    EVIDENCE_BGP_NOT,
    LOSS_LADDER_PPM,
)
from linksla.sql import statement
from processors.moved import moved_within
from processors.statements import lent
from sla.answers import Bucket
from sla.contracts import Contract
from sla.explanation import ChannelSeconds, ChannelSpan, Moment, SampleCount, SampleLine
from sla.history import FAR_AHEAD_S
from sla.judged import JudgedRun
from sla.runs import loss_class_max
from sla.telemetry import ChannelRow, Telemetry
from sla.words import duration

_BGP_WORDS: Final = ("BGP unknown", "BGP established", "BGP not established")
_RANK: Final = {"bad": 2, "unknown": 1, "good": 0}


@dataclass(frozen=True, slots=True)
class ChannelEvidence:
    """A channel's active part of a range, and the spans that fill it without gap."""

    channel: str
    spans: tuple[ChannelSpan, ...]

    def within(self, start_s: int, end_s: int) -> Iterator[ChannelSpan]:
        """Yield the spans cut to a range."""
        for span in self.spans:
            lower, upper = max(span.start_s, start_s), min(span.end_s, end_s)
            if lower < upper:
                yield replace(span, start_s=lower, end_s=upper)


def read_evidence(
    cursor: duckdb.DuckDBPyConnection,
    facts: Telemetry,
    circuit: Circuit,
    contract: Contract,
    start_s: int,
    end_s: int,
) -> tuple[ChannelEvidence, ...]:
    """Return what the channels of a circuit say about [start_s, end_s), by channel."""
    channels = facts.channels[circuit.id]
    keys = [channel.channel_key for channel in channels]
    rows = cursor.execute(
        statement("sla", "explain_spans"),
        {"channel_keys": keys, "start_s": start_s, "end_s": end_s},
    ).fetchall()
    known: dict[int, list[tuple[int, int, int, int | None]]] = {key: [] for key in keys}
    for key, lower, upper, bgp, loss_class in rows:
        known[key].append((lower, upper, bgp, loss_class))
    for key in keys:  # beyond what is folded; a month's complete part has none of it
        known[key] += [
            (one.start_s, one.end_s, one.bgp, one.loss_class) for one in facts.live.get(key, ())
        ]
    greatest = loss_class_max(contract)
    found = []
    for channel in channels:
        lower, upper = _active(channel, circuit.grid_seconds)
        lower, upper = max(lower, start_s), min(upper, end_s)
        if lower < upper:
            spans = _filled(channel.channel, known[channel.channel_key], lower, upper, greatest)
            found.append(ChannelEvidence(channel.channel, tuple(spans)))
    return tuple(found)


def _active(channel: ChannelRow, grid_s: int) -> tuple[int, int]:
    """Return a channel's time; a cell that it begins or ends in belongs to it."""
    ends = FAR_AHEAD_S if channel.active_to_s is None else channel.active_to_s
    return channel.active_from_s // grid_s * grid_s, -(-ends // grid_s) * grid_s


def _filled(
    channel: str,
    known: Sequence[tuple[int, int, int, int | None]],
    start_s: int,
    end_s: int,
    greatest: int,
) -> Iterator[ChannelSpan]:
    at = start_s
    for first, last, bgp, loss_class in sorted(known):
        lower, upper = max(first, at), min(last, end_s)
        if lower >= upper:
            continue
        if lower > at:
            yield ChannelSpan(channel, at, lower, "unknown", "no sample says anything")
        state, words = evidence_words(bgp, loss_class, greatest)
        yield ChannelSpan(channel, lower, upper, state, words)
        at = upper
    if at < end_s:
        yield ChannelSpan(channel, at, end_s, "unknown", "no sample says anything")


def evidence_words(bgp: int, loss_class: int | None, greatest_class: int) -> tuple[str, str]:
    """Return the state that evidence means under a loss threshold, and the evidence in words."""
    if loss_class is None:
        loss = "loss not measured"
    elif loss_class == 0:
        loss = "no loss"
    else:
        above, upto = (LOSS_LADDER_PPM[n] for n in (loss_class - 1, loss_class))
        loss = f"loss above {above / 10_000:g} %, at most {upto / 10_000:g} %"
    words = f"{_BGP_WORDS[bgp]}, {loss}"
    if bgp == EVIDENCE_BGP_NOT or (loss_class is not None and loss_class > greatest_class):
        return "bad", words
    known = bgp == EVIDENCE_BGP_ESTABLISHED or loss_class is not None
    return ("good" if known else "unknown"), words


def seconds_of(
    evidence: Sequence[ChannelEvidence], start_s: int, end_s: int
) -> tuple[ChannelSeconds, ...]:
    """Return how each channel's time in a range is split by state."""
    found = []
    for one in evidence:
        counts = dict.fromkeys(_RANK, 0)
        reasons: dict[str, int] = {}
        for span in one.within(start_s, end_s):
            counts[span.state] += span.seconds
            if span.state == "bad":
                reasons[span.evidence] = reasons.get(span.evidence, 0) + span.seconds
        if not sum(counts.values()):
            continue
        why = "; ".join(
            f"{words} for {duration(seconds)}"
            for words, seconds in sorted(reasons.items(), key=lambda item: (-item[1], item[0]))
        )
        found.append(
            ChannelSeconds(
                one.channel, sum(counts.values()), counts["good"], counts["bad"],
                counts["unknown"], why,
            )
        )  # fmt: skip
    return tuple(found)


def merged(
    evidence: Sequence[ChannelEvidence],
    runs: Sequence[JudgedRun],
    needed: int,
    start_s: int,
    end_s: int,
) -> tuple[Moment, ...]:
    """Return how channels merge in a range (DESIGN 7.2), beside what the circuit was judged."""
    parts = [list(one.within(start_s, end_s)) for one in evidence]
    cuts = {start_s, end_s}
    for spans in parts:
        cuts.update(edge for span in spans for edge in (span.start_s, span.end_s))
    inside = [run.cut(start_s, end_s) for run in runs if run.start_s < end_s > start_s < run.end_s]
    cuts.update(edge for run in inside for edge in (run.start_s, run.end_s))
    found: list[Moment] = []
    positions, at_run = [0] * len(parts), 0
    moments = sorted(cuts)
    for lower, upper in itertools.pairwise(moments):
        counts = dict.fromkeys(_RANK, 0)
        for number, spans in enumerate(parts):
            while positions[number] < len(spans) and spans[positions[number]].end_s <= lower:
                positions[number] += 1
            if positions[number] < len(spans) and spans[positions[number]].start_s <= lower:
                counts[spans[positions[number]].state] += 1
        while at_run < len(inside) and inside[at_run].end_s <= lower:
            at_run += 1
        run = inside[at_run] if at_run < len(inside) and inside[at_run].start_s <= lower else None
        _append(found, _moment(lower, upper, counts, needed, run))
    return tuple(found)


def _moment(
    lower: int, upper: int, counts: dict[str, int], needed: int, run: JudgedRun | None
) -> Moment:
    enabled = sum(counts.values())
    state = "unknown"
    if counts["good"] >= needed:
        state = "good"
    elif enabled - counts["bad"] < needed:
        state = "bad"
    nothing = Bucket.UNMEASURED
    return Moment(
        lower, upper, enabled, counts["good"], counts["bad"], counts["unknown"], state,
        nothing if run is None else run.as_experienced, nothing if run is None else run.bucket,
    )  # fmt: skip


def _append(found: list[Moment], moment: Moment) -> None:
    """Append, joining with an equal neighbour."""
    last = found[-1] if found else None
    if last and replace(last, end_s=moment.end_s) == replace(moment, start_s=last.start_s):
        found[-1] = replace(last, end_s=moment.end_s)
    else:
        found.append(moment)


@dataclass(frozen=True, slots=True)
class SamplePage:
    """Samples of a range: where they all lie in Kafka, and one page of them."""

    counts: tuple[SampleCount, ...]
    samples: tuple[SampleLine, ...]
    next_after: str | None


def read_samples(
    cursor: duckdb.DuckDBPyConnection,
    channels: Sequence[ChannelRow],
    start_s: int,
    end_s: int,
    samples_max: int,
    after: str | None,
) -> SamplePage:
    """Return the samples that start in [start_s, end_s) or still hold its first cell.

    Raises:
        UsageError: `after` is not what a page before gave.
    """
    keys = [channel.channel_key for channel in channels]
    names = {channel.channel_key: channel.channel for channel in channels}
    ((reach_us,),) = cursor.execute(
        statement("sla", "explain_reach"), {"channel_keys": keys}
    ).fetchall()
    after_us, after_key = _position(after)
    span = {
        "channel_keys": keys,
        "first_us": start_s * MICROSECONDS - reach_us,
        "last_us": end_s * MICROSECONDS,
        "from_us": start_s * MICROSECONDS,
    }
    page = span | {"after_us": after_us, "after_key": after_key, "rows": samples_max + 1}
    bounds = (np.array([span["first_us"]], np.int64), np.array([span["last_us"]], np.int64))
    with lent(cursor, {"moved": moved_within(cursor, *bounds).table}):
        counts = cursor.execute(statement("sla", "explain_sample_counts"), span).fetchall()
        rows = cursor.execute(statement("sla", "explain_samples"), page).fetchall()
    lines = tuple(_line(names, row) for row in rows[:samples_max])
    more = None
    if len(rows) > samples_max:
        more = f"{rows[samples_max - 1][1]}.{rows[samples_max - 1][0]}"
    return SamplePage(tuple(SampleCount(names[row[0]], *row[1:]) for row in counts), lines, more)


def _line(names: Mapping[int, str], row: Sequence[Any]) -> SampleLine:
    values: list[Any] = [names[row[0]], *row[1:9], BGP_STATES[row[9]], *row[10:]]
    return SampleLine(*values)


def _position(after: str | None) -> tuple[int, int]:
    if after is None:
        return -1, -1
    at, _, key = after.partition(".")
    if not (at.isdecimal() and key.isdecimal() and len(at) <= 18 and len(key) <= 9):
        raise UsageError("after is not what the page before gave", hint="Leave it out.")
    return int(at), int(key)
