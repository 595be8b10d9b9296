"""What qualified of channels: from blocks where whole hours did, from rollup steps for the rest."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

import duckdb

from processors.blocks import BLOCK_SECONDS, Range, Readable, Split, readable
from sla.few_steps import are_few, read_few
from sla.measured import near
from sla.measures import Observed, pooled
from sla.performance import Asked, read_observed
from sla.readings import rows_of_hours

_NOT_READABLE: Final = Readable(0, 0, frozenset())
TOGETHER_SECONDS: Final = 1_800
"""So long a time is read at once, whoever asks for which part of it: the rows lie by time."""


def observed_of(
    cursor: duckdb.DuckDBPyConnection, asked: Sequence[Asked]
) -> list[tuple[Observed, ...]]:
    """Return what qualified of each, by channel, exactly as `read_observed` does.

    A month of four channels is 3,000 blocks, or a million rows of minutes and their counts.
    """
    hours = _hours(cursor, asked)
    blocks: dict[int, Sequence[Range]] = {}
    steps: list[tuple[Range, int, Asked]] = []
    for number, one in enumerate(asked):
        whole = BLOCK_SECONDS % one.step_seconds == 0
        split = hours.split(one.pieces) if whole else Split((), tuple(one.pieces))
        if split.blocks:
            blocks[number] = split.blocks
        for ranges in near(split.steps):
            span = (ranges[0][0], ranges[-1][1])
            steps.append((span, number, replace(one, pieces=ranges)))
    parts: list[list[Observed]] = [[] for _ in asked]
    for number, hours_of in blocks.items():
        of_circuit = [channel.channel_key for channel in asked[number].channels]
        parts[number] += rows_of_hours(cursor, of_circuit, hours_of).observed(asked[number])
    for together in _together(steps):
        some = [one for _, one in together]
        read = read_few(cursor, some) if are_few(some) else read_observed(cursor, some)
        for (number, _), many in zip(together, read, strict=True):
            parts[number] += many
    return [_by_channel(one, some) for one, some in zip(asked, parts, strict=True)]


def _hours(cursor: duckdb.DuckDBPyConnection, asked: Sequence[Asked]) -> Readable:
    """Return which hours may be read from blocks, of those channels that are asked for any."""
    keys = {
        channel.channel_key
        for one in asked
        if any(_whole_hours(piece) > 0 for piece in one.pieces)
        for channel in one.channels
    }
    return readable(cursor, sorted(keys)) if keys else _NOT_READABLE


def _whole_hours(piece: Range) -> int:
    return piece[1] // BLOCK_SECONDS - -(-piece[0] // BLOCK_SECONDS)


def _together(steps: Sequence[tuple[Range, int, Asked]]) -> Iterator[list[tuple[int, Asked]]]:
    """Yield what is read by one statement: the same span of time, or spans within a short one."""
    group: list[tuple[int, Asked]] = []
    first = last = 0
    for (lower, upper), number, one in sorted(steps, key=lambda step: step[0]):
        same = (lower, upper) == (first, last)
        if group and not (same or max(last, upper) - first <= TOGETHER_SECONDS):
            yield group
            group = []
        first, last = (first, max(last, upper)) if group else (lower, upper)
        group.append((number, one))
    if group:
        yield group


def _by_channel(asked: Asked, parts: Sequence[Observed]) -> tuple[Observed, ...]:
    by_name: dict[str, list[Observed]] = {}
    for part in parts:
        by_name.setdefault(part.name, []).append(part)
    return tuple(
        some[0] if len(some) == 1 else pooled(some, name)
        for name in (channel.channel for channel in asked.channels)
        if (some := by_name.get(name))
    )
