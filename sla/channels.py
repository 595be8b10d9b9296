"""The states of single channels: lanes of the tape, and how many are good right now."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from linksla.model import EVIDENCE_BGP_NOT
from sla.answers import ChannelRun
from sla.spans import LiveSpan, SpanSource, known_spans

STATES = ("unknown", "good", "bad")


@dataclass(frozen=True, slots=True)
class ChannelAsked:
    """A channel and the range [start_s, end_s) of its active time that is asked for."""

    channel_key: int
    channel: str
    start_s: int
    end_s: int
    loss_class_max: int


def channel_runs(
    source: SpanSource, asked: Sequence[ChannelAsked], live: Sequence[LiveSpan]
) -> dict[int, tuple[ChannelRun, ...]]:
    """Return each channel's runs by key: they cover its range without gap, unknown included."""
    if not asked:
        return {}
    from_s, to_s = min([one.start_s for one in asked]), max([one.end_s for one in asked])
    numbers = [one.channel_key for one in asked]
    spans = known_spans(source, numbers, from_s, to_s, live)
    keys = np.array(numbers)
    lower = np.searchsorted(spans.track, keys).tolist()
    upper = np.searchsorted(spans.track, keys, "right").tolist()
    columns = (spans.start_s, spans.end_s, spans.bgp, spans.loss_class)
    rows = list(zip(*(column.tolist() for column in columns), strict=True))
    return {
        one.channel_key: _filled(one, _states(one, rows[first:last]))
        for one, first, last in zip(asked, lower, upper, strict=True)
    }


def _states(
    asked: ChannelAsked, spans: Sequence[tuple[int, int, int, int]]
) -> list[tuple[int, int, int]]:
    """Return runs of equal, known state within what is asked: 1 good, 2 bad; gaps are unknown."""
    found: list[tuple[int, int, int]] = []
    for start_s, end_s, bgp, loss_class in spans:
        lower, upper = max(start_s, asked.start_s), min(end_s, asked.end_s)
        if lower >= upper:
            continue
        is_bad = bgp == EVIDENCE_BGP_NOT or loss_class > asked.loss_class_max
        state = 2 if is_bad else 1
        if found and found[-1][1:] == (lower, state):
            found[-1] = (found[-1][0], upper, state)
        else:
            found.append((lower, upper, state))
    return found


def _filled(asked: ChannelAsked, known: Sequence[tuple[int, int, int]]) -> tuple[ChannelRun, ...]:
    runs = []
    at = asked.start_s
    for start_s, end_s, state in known:
        if start_s > at:
            runs.append(ChannelRun(asked.channel, at, start_s, STATES[0]))
        runs.append(ChannelRun(asked.channel, start_s, end_s, STATES[state]))
        at = end_s
    if at < asked.end_s:
        runs.append(ChannelRun(asked.channel, at, asked.end_s, STATES[0]))
    return tuple(runs)
