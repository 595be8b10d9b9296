"""Hours of rollups as one block each, and which of them may be read in place of their minutes.

A month of a circuit of four channels is a million rows of minutes and counts, and 3,000 blocks,
which lie in packs (`processors.packs`). A block always equals the sum of its minutes: it is made
once its hour is closed, and whoever changes a minute of it later notes it in the same transaction;
until it is made again, its minutes are read.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import duckdb
import numpy as np
import pyarrow as pa

from linksla.clock import MICROSECONDS
from linksla.inventory import DAY_SECONDS
from linksla.sql import statement
from linksla.stores import TelemetryStore
from processors.observations import Int64, integers, pairs_in
from processors.packs import PACK_SECONDS_MAX, Pack, Placed, packs_at, place_of, table_of
from processors.statements import read, run
from processors.transactions import transaction

BLOCK_SECONDS: Final = 3_600
MARGIN_SECONDS: Final = 1_800
"""An hour is closed this long behind the least watermark: its minutes lie sorted by then."""
ROWS_A_CHANNEL: Final = 60
"""An hour of a channel: most minutes are written once."""
_DUE_AT_ONCE: Final = 10
"""Each takes statements of its own, 26 ms: 50 held the writer up for 1.3 s."""
STAND: Final = "blocked_to_s"
"""Name of the number up to which all blocks are made, in the table `housekeeping`."""
_CHANNEL: Final = "blocked_to_channel_key"
_FOLDED: Final = "folded_to_s"

Range = tuple[int, int]
Due = tuple[int, int]
"""Channel key and hour of a block that is to be made again."""


@dataclass(frozen=True, slots=True)
class Split:
    """Ranges of seconds, [from, to), in order: whole hours read from blocks, the rest as steps."""

    blocks: tuple[Range, ...]
    steps: tuple[Range, ...]


@dataclass(frozen=True, slots=True)
class Readable:
    """Which hours of some channels may be read from blocks: in [from_s, to_s), and not due."""

    from_s: int
    to_s: int
    due: frozenset[int]  # starts of hours that changed, of any of the channels

    def split(self, pieces: Sequence[Range]) -> Split:
        """Return how to read pieces of time, each hour once."""
        blocks: list[Range] = []
        steps: list[Range] = []
        for lower, upper in pieces:
            first = -(-max(lower, self.from_s) // BLOCK_SECONDS) * BLOCK_SECONDS
            last = min(upper, self.to_s) // BLOCK_SECONDS * BLOCK_SECONDS
            at = lower
            if first < last:
                due = sorted(hour for hour in self.due if first <= hour < last)
                begin = first
                for hour in [*due, last]:
                    if begin < hour:
                        _add(steps, at, begin)
                        _add(blocks, begin, hour)
                        at = hour
                    begin = hour + BLOCK_SECONDS
            _add(steps, at, upper)
        return Split(tuple(blocks), tuple(steps))


def _add(ranges: list[Range], lower: int, upper: int) -> None:
    if lower < upper:
        ranges.append((lower, upper))


def readable(cursor: duckdb.DuckDBPyConnection, channel_keys: Sequence[int]) -> Readable:
    """Return which hours of channels may be read from blocks."""
    found = cursor.execute(
        statement("processors", "blocks_stand"), {"channel_keys": list(channel_keys)}
    ).fetchall()
    rows = {name: value for name, value in found if name}
    folded = rows.get(_FOLDED, 0)
    # Folded minutes begin where their piece does, perhaps hours earlier: never mixed with blocks.
    from_s = folded + DAY_SECONDS if folded else 0
    return Readable(from_s, rows.get(STAND, 0), frozenset(hour for name, hour in found if not name))


def note_changed(writer: duckdb.DuckDBPyConnection, channel_key: Int64, start_s: Int64) -> None:
    """Note that rollup steps changed, for those whose hour may have its block already."""
    ((to_s,),) = writer.execute(statement("processors", "blocks_reach"), {"name": STAND}).fetchall()
    if to_s is None:
        return
    old = start_s < to_s + BLOCK_SECONDS  # the hour that is being made included
    if not old.any():
        return
    hours = start_s[old] // BLOCK_SECONDS * BLOCK_SECONDS
    changed = np.unique(np.stack([channel_key[old], hours]), axis=1)
    table = pa.table({"channel_key": changed[0].astype(np.int32), "start_s": changed[1]})
    run(writer, "blocks_due_insert", changed=table)


def _made(writer: duckdb.DuckDBPyConnection, bounds: Mapping[str, int]) -> list[Placed]:
    """Return the blocks of an hour and a range of channels, a pack a circuit."""
    found = read(writer, "blocks_of", bounds)
    if len(found) == 0:
        return []
    circuit_key = integers(found, "circuit_key")
    first = np.flatnonzero(np.diff(circuit_key, prepend=-1))
    from_s = bounds["from_s"]
    return [
        (place_of(key, from_s), from_s, pack)
        for key, pack in zip(circuit_key[first].tolist(), Pack.of(found).cut(first), strict=True)
    ]


def write_packs(writer: duckdb.DuckDBPyConnection, packs: Sequence[Placed]) -> None:
    """Append packs to the table."""
    if packs:
        run(writer, "packs_insert", new_packs=table_of(packs))


class BlockMaker:
    """Makes blocks of closed hours, a bounded piece at a time; only the writer thread calls it."""

    def __init__(self, store: TelemetryStore, at: Callable[[str], None]) -> None:
        """Remember where; `at` is told each point a crash could come at."""
        self._store = store
        self._at = at
        self._hour_s = 0  # hours before it are done
        self._channel_key = 0  # of that hour, channels up to it are done

    def start(self) -> None:
        """Read how far it was."""
        self._hour_s = self._stored(STAND)
        self._channel_key = self._stored(_CHANNEL)

    def make(self, least_watermark_us: int, rows_max: int) -> int:
        """Make blocks of about `rows_max` rows of minutes; return how many, 0: nothing to do."""
        if made := self._make_again():
            return made
        closed_s = least_watermark_us // MICROSECONDS - MARGIN_SECONDS
        if self._channel_key == 0 and not self._next_hour(closed_s):
            return 0
        hour = {"from_s": self._hour_s, "to_s": self._hour_s + BLOCK_SECONDS}
        ((first,),) = self._store.writer.execute(
            statement("processors", "blocks_next"), {**hour, "after_channel_key": self._channel_key}
        ).fetchall()
        writer = self._store.writer
        if first is None:
            with transaction(writer):
                writer.execute(
                    statement("processors", "blocks_forget"), {"seconds_max": PACK_SECONDS_MAX}
                ).fetchall()
                self._store_stand(hour["to_s"], 0)
            self._hour_s, self._channel_key = hour["to_s"], 0
            return 1
        last = int(first) + max(rows_max // ROWS_A_CHANNEL, 1) - 1
        with transaction(writer):
            bounds = {**hour, "first_channel_key": int(first), "last_channel_key": last}
            write_packs(writer, _made(writer, bounds))
            self._store_stand(self._hour_s, last)
            self._at("before blocks committed")
        self._channel_key = last
        return (last - int(first) + 1) * ROWS_A_CHANNEL

    def _make_again(self) -> int:
        writer = self._store.writer
        due = writer.execute(
            statement("processors", "blocks_due"), {"rows_max": _DUE_AT_ONCE}
        ).fetchall()
        if not due:
            return 0
        keys = [key for key, _ in due]
        circuits = dict(
            writer.execute(
                statement("processors", "packs_circuit_key"), {"channel_keys": keys}
            ).fetchall()
        )
        by_day: dict[tuple[int, int], list[Due]] = {}
        for key, hour_s in due:
            day_s = hour_s // DAY_SECONDS * DAY_SECONDS
            by_day.setdefault((circuits[key], day_s), []).append((key, hour_s))
        with transaction(writer):
            for (circuit_key, day_s), hours in by_day.items():
                self._make_day_again(circuit_key, day_s, hours)
                for key, hour_s in hours:
                    writer.execute(
                        statement("processors", "blocks_due_delete"),
                        {"channel_key": key, "start_s": hour_s},
                    ).fetchall()
            self._at("before changed blocks committed")
        return len(due) * ROWS_A_CHANNEL

    def _make_day_again(self, circuit_key: int, day_s: int, due: Sequence[Due]) -> None:
        """Make blocks of a circuit and day again, in the pack they lie in."""
        writer = self._store.writer
        stands = self._hour_s, self._channel_key
        made = [(key, hour_s) for key, hour_s in due if (hour_s, key) <= stands]
        if not made:
            return
        place = place_of(circuit_key, day_s)
        packs: dict[int, list[Pack]] = {}
        for _, from_s, pack in packs_at(writer, circuit_key, day_s, day_s + DAY_SECONDS):
            if from_s < day_s and not (pack.start_s // DAY_SECONDS * DAY_SECONDS == day_s).any():
                continue  # the longest, and this day is not in it yet
            kept = ~pairs_in(pack.channel_key, pack.start_s, *np.array(made, np.int64).T)
            packs.setdefault(from_s, []).append(pack.take(kept))
        for from_s in packs:
            bounds = {"from_s": from_s, "to_s": from_s + 1}
            one = {"first_place": place, "last_place": place}
            writer.execute(statement("processors", "packs_delete"), {**bounds, **one}).fetchall()
        for key, hour_s in made:
            hour = {"from_s": hour_s, "to_s": hour_s + BLOCK_SECONDS}
            new = _made(writer, {**hour, "first_channel_key": key, "last_channel_key": key})
            where = max((from_s for from_s in packs if from_s <= hour_s), default=hour_s)
            packs.setdefault(where, []).extend(pack for _, _, pack in new)
        together = [(place, from_s, Pack.together(some)) for from_s, some in packs.items()]
        write_packs(writer, [one for one in together if len(one[2])])

    def _next_hour(self, closed_s: int) -> bool:
        """Skip hours without rollups; False: no hour that is closed has any."""
        if self._hour_s + BLOCK_SECONDS > closed_s:
            return False
        ((oldest,),) = self._store.writer.execute(
            statement("processors", "rollups_oldest"), {"from_s": self._hour_s}
        ).fetchall()
        if oldest is None:
            return False
        hour_s = int(oldest) // BLOCK_SECONDS * BLOCK_SECONDS
        if hour_s + BLOCK_SECONDS > closed_s:
            return False  # and it stays where it was: a late sample may still fall in between
        self._hour_s = hour_s
        return True

    def _store_stand(self, hour_s: int, channel_key: int) -> None:
        stand: Mapping[str, int] = {STAND: hour_s, _CHANNEL: channel_key}
        for name, value in stand.items():
            self._store.writer.execute(
                statement("processors", "housekeeping_write"), {"name": name, "value": value}
            ).fetchall()

    def _stored(self, name: str) -> int:
        rows = self._store.writer.execute(
            statement("processors", "housekeeping_read"), {"name": name}
        ).fetchall()
        return int(rows[0][0]) if rows else 0
