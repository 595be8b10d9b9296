"""The states of single channels: lanes of the tape, and how many are good right now."""

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from linksla.sql import statement
from sla.answers import ChannelRun
from sla.runs import LiveSpan

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
    cursor: duckdb.DuckDBPyConnection, asked: Sequence[ChannelAsked], live: Sequence[LiveSpan]
) -> dict[int, tuple[ChannelRun, ...]]:
    """Return each channel's runs by key: they cover its range without gap, unknown included."""
    if not asked:
        return {}
    rows = cursor.execute(
        statement("sla", "channel_runs"),
        {
            "ask_channel_key": [one.channel_key for one in asked],
            "ask_start_s": [one.start_s for one in asked],
            "ask_end_s": [one.end_s for one in asked],
            "ask_loss_class_max": [one.loss_class_max for one in asked],
            "live_channel_key": [s.channel_key for s in live],
            "live_start_s": [s.start_s for s in live],
            "live_end_s": [s.end_s for s in live],
            "live_bgp": [s.bgp for s in live],
            "live_loss_class": [s.loss_class for s in live],
        },
    ).fetchall()
    known: dict[int, list[tuple[int, int, int]]] = {}
    for key, start_s, end_s, state in rows:
        known.setdefault(key, []).append((start_s, end_s, state))
    return {one.channel_key: _filled(one, known.get(one.channel_key, [])) for one in asked}


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
