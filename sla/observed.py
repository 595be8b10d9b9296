"""What qualified of channels: from blocks where whole hours did, from rollup steps for the rest."""

from collections.abc import Sequence
from dataclasses import replace

import duckdb

from linksla.sql import statement
from processors.blocks import BLOCK_SECONDS, Range, Split, readable
from sla.measured import near
from sla.measures import Observed, Totals, pooled
from sla.performance import Asked, observed, read_observed


def observed_of(
    cursor: duckdb.DuckDBPyConnection, asked: Sequence[Asked]
) -> list[tuple[Observed, ...]]:
    """Return what qualified of each, by channel, exactly as `read_observed` does.

    A month of four channels is 3,000 blocks, or a million rows of minutes and their counts.
    """
    keys = sorted({channel.channel_key for one in asked for channel in one.channels})
    hours = readable(cursor, keys)
    blocks: dict[int, Sequence[Range]] = {}
    steps: dict[Range, list[tuple[int, Asked]]] = {}
    for number, one in enumerate(asked):
        whole = BLOCK_SECONDS % one.step_seconds == 0
        split = hours.split(one.pieces) if whole else Split((), tuple(one.pieces))
        if split.blocks:
            blocks[number] = split.blocks
        for ranges in near(split.steps):
            span = (ranges[0][0], ranges[-1][1])
            steps.setdefault(span, []).append((number, replace(one, pieces=ranges)))
    parts: list[list[Observed]] = [[] for _ in asked]
    for number, found in _read_blocks(cursor, asked, blocks):
        parts[number].append(found)
    for together in steps.values():
        read = read_observed(cursor, [one for _, one in together])
        for (number, _), many in zip(together, read, strict=True):
            parts[number] += many
    return [_by_channel(one, some) for one, some in zip(asked, parts, strict=True)]


def _by_channel(asked: Asked, parts: Sequence[Observed]) -> tuple[Observed, ...]:
    by_name: dict[str, list[Observed]] = {}
    for part in parts:
        by_name.setdefault(part.name, []).append(part)
    return tuple(
        some[0] if len(some) == 1 else replace(pooled(some), name=name)
        for name in (channel.channel for channel in asked.channels)
        if (some := by_name.get(name))
    )


def _read_blocks(
    cursor: duckdb.DuckDBPyConnection, asked: Sequence[Asked], blocks: dict[int, Sequence[Range]]
) -> list[tuple[int, Observed]]:
    if not blocks:
        return []
    rows = [(number, channel) for number in blocks for channel in asked[number].channels]
    pieces = [(number, *piece) for number, ranges in blocks.items() for piece in ranges]
    parameters: dict[str, object] = {
        "ask": [number for number, _ in rows],
        "ask_channel_key": [channel.channel_key for _, channel in rows],
        "piece": [number for number, _, _ in pieces],
        "piece_from_s": [lower for _, lower, _ in pieces],
        "piece_to_s": [upper for _, _, upper in pieces],
        "first_s": min(lower for _, lower, _ in pieces),
        "last_s": max(upper for _, _, upper in pieces),
        "first_key": min(channel.channel_key for _, channel in rows),
        "last_key": max(channel.channel_key for _, channel in rows),
    }
    counts: dict[tuple[int, int], dict[int, int]] = {}
    for number, key, bucket, count in cursor.execute(
        statement("sla", "performance_block_counts"), parameters
    ).fetchall():
        counts.setdefault((number, key), {})[bucket] = count
    names = {(number, channel.channel_key): channel.channel for number, channel in rows}
    found = []
    for number, key, *values in cursor.execute(
        statement("sla", "performance_blocks"), parameters
    ).fetchall():
        throughput = _throughput(values[10:]) if asked[number].throughput else {}
        of = (number, key)
        one = observed(names[of], values[:10], counts.get(of, {}), throughput)
        found.append((number, one))
    return found


def _throughput(values: Sequence[int | None]) -> dict[str, Totals]:
    rx_n, rx_sum, rx_max, tx_n, tx_sum, tx_max = (value or 0 for value in values)
    return {
        "throughput_rx": Totals(rx_n, int(rx_sum), rx_max),
        "throughput_tx": Totals(tx_n, int(tx_sum), tx_max),
    }
