"""What the writer holds in memory of its last commits, for readers whose snapshot is one of them.

How far the channels of a circuit are, and the samples that say something beyond that, took a page
30 ms to read beside 100,000 samples/s, of 3 million samples that wait for the watermark; the writer
has all of it at hand. A snapshot's number says which commit it shows: the same state, or none.
"""

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import duckdb
import numpy as np

from linksla.compiled import BOOLS, INT64, INT64S, compiled
from linksla.sql import statement
from processors.channels import Channels
from processors.observations import Bool, Int64, Observations
from processors.progress import Progress

_COMMITS_MAX: Final = 2
"""The last, and the one under way: readers take what they need at once."""

_SLOT_BITS: Final = 6
"""Tracks are looked up 64 together: an index of 50,000 rows and 80,000 tracks is made in 0.2 ms."""
_SLOTS_MAX: Final = 64
"""Of more slots all rows are looked at."""
_BLOCK: Final = 1024


@dataclass(frozen=True, slots=True)
class Circuits:
    """Circuits with the keys of their channels: `circuit` is the number in `ids` of each key."""

    ids: tuple[str, ...]
    circuit: Int64
    channel_key: Int64

    @classmethod
    def of(cls, keys: Mapping[str, Sequence[int]]) -> "Circuits":
        """Number circuits."""
        return cls(
            tuple(keys),
            np.repeat(np.arange(len(keys)), [len(some) for some in keys.values()]),
            np.array([key for some in keys.values() for key in some], np.int64),
        )


@dataclass(frozen=True, slots=True)
class Registered:
    """All circuits that were ever registered, with the keys of their channels, in order."""

    keys: Mapping[str, tuple[int, ...]]
    every: Circuits

    @classmethod
    def of(cls, channels: Channels) -> "Registered":
        """Put the channels of each circuit together."""
        found: dict[str, list[int]] = {}
        for key, circuit_id in enumerate(channels.circuit_ids):
            if circuit_id:
                found.setdefault(circuit_id, []).append(key)
        keys = {name: tuple(some) for name, some in found.items()}
        return cls(keys, Circuits.of(keys))


@dataclass(frozen=True, slots=True)
class Slots:
    """Where the rows of tracks lie in a part of the tail: those of slot i from begins[i] on."""

    begins: Int64
    rows: Int64

    @classmethod
    def of(cls, part: Observations) -> "Slots":
        """Index a part."""
        return cls(*_slotted(part.track))


class Indexes:
    """Indexes of parts of the tail, made when first asked for: most parts outlive many commits.

    Without one a page looked at 3 million samples for the 240 of its circuit, 8 ms.
    """

    def __init__(self) -> None:
        """Nothing is indexed yet."""
        self._known: dict[int, tuple[Observations, Slots]] = {}

    def of(self, part: Observations) -> Slots:
        """Return the index of a part; safe in any thread: two at once make the same."""
        known = self._known.get(id(part))
        if known is None:
            # The part is kept with it: no other can have its id.
            known = self._known[id(part)] = part, Slots.of(part)
        return known[1]

    def keep(self, parts: Iterable[Observations]) -> None:
        """Forget the indexes of all other parts."""
        self._known = {
            key: known for key in map(id, parts) if (known := self._known.get(key)) is not None
        }


@dataclass(frozen=True, slots=True)
class Held:
    """Where all channels stand after one commit; nobody writes to it any more."""

    channels: Channels
    registered: Registered
    progress: Progress
    indexes: Indexes
    reworks: Int64
    """How often cells of each channel that were complete have been folded again since the start."""
    notes: Int64
    """How many writes counted anything of each channel in the ledger since the start."""

    def named(self, circuit_ids: Iterable[str]) -> dict[str, tuple[int, ...]]:
        """Return the channel keys of those circuits that have any."""
        known = self.registered.keys
        return {name: known[name] for name in circuit_ids if name in known}

    def numbered(self, circuit_ids: Iterable[str] | None) -> Circuits:
        """Return those circuits that have channels; None: all."""
        if circuit_ids is None:
            return self.registered.every
        return Circuits.of(self.named(circuit_ids))

    def reworked(self, channel_keys: Sequence[int]) -> int:
        """Return how often complete cells of channels were folded again: equal, if none was."""
        return int(self.reworks[list(channel_keys)].sum())

    def noted(self, channel_keys: Sequence[int]) -> int:
        """Return how often channels were counted in the ledger: equal, if nothing was."""
        return int(self.notes[list(channel_keys)].sum())

    def waiting(self, channel_key: Int64) -> Observations:
        """Return what cells beyond complete may need of channels, by (channel_key, observed_at)."""
        if len(channel_key) == 0:
            return Observations.together([])
        wanted = np.zeros(len(self.channels), np.bool_)
        wanted[channel_key] = True
        first, last = int(channel_key.min()), int(channel_key.max())
        parts = []
        for part in self.progress.tail:
            if (last >> _SLOT_BITS) - (first >> _SLOT_BITS) >= _SLOTS_MAX:
                rows = _rows_of(part.track, first, last, wanted)
            else:
                slots = self.indexes.of(part)
                rows = _rows_in(part.track, slots.begins, slots.rows, first, last, wanted)
            if len(rows):
                parts.append(part.take(rows))
        return Observations.together(parts).ordered()


class Commits:
    """The last commits by number; the writer adds to them, anybody may ask."""

    def __init__(self) -> None:
        """Nothing is held yet."""
        self._lock = threading.Lock()
        self._held: dict[int, Held] = {}
        self._registered: tuple[Channels, Registered] | None = None
        self._indexes = Indexes()
        self._reworks = self._notes = np.zeros(0, np.int64)

    def hold(
        self, number: int, channels: Channels, progress: Progress,
        reworked: Bool | None = None, noted: Bool | None = None,
    ) -> None:  # fmt: skip
        """Hold what commit `number` will leave, before it is certain: no snapshot shows it yet.

        If it fails, the next that has its number takes its place. `reworked`: the channels whose
        complete cells it folded again; `noted`: those it counted in the ledger.
        """
        self._reworks = _counted(self._reworks, reworked, len(channels))
        self._notes = _counted(self._notes, noted, len(channels))
        if self._registered is None or self._registered[0] is not channels:
            self._registered = channels, Registered.of(channels)
        held = Held(
            channels, self._registered[1], progress, self._indexes, self._reworks, self._notes
        )
        with self._lock:
            self._held[number] = held
            for old in [known for known in self._held if known <= number - _COMMITS_MAX]:
                del self._held[old]
            self._indexes.keep(part for one in self._held.values() for part in one.progress.tail)

    def drop(self) -> None:
        """Forget all: what comes next is known from the store only."""
        with self._lock:
            self._held.clear()
            self._indexes.keep(())
            self._reworks, self._notes = self._reworks + 1, self._notes + 1

    def shown_by(self, cursor: duckdb.DuckDBPyConnection) -> Held | None:
        """Return what is held of the commit that a cursor's transaction shows, if anything is."""
        if not self._held:
            return None
        ((number,),) = cursor.execute(statement("processors", "commit_number")).fetchall()
        with self._lock:
            return self._held.get(number)


def _counted(before: Int64, more: Bool | None, channels: int) -> Int64:
    """Return counts by channel with some more, in an array of their own if any is."""
    if len(before) < channels:
        before = np.pad(before, (0, channels - len(before)))
    return before if more is None or not more.any() else before + more


@compiled(INT64S, INT64, INT64, BOOLS, is_short=True)  # of 50,000 rows, 60 times at 100,000/s
def _rows_of(track: Int64, first: int, last: int, wanted: Bool) -> Int64:
    """Return the rows whose track is wanted; all of those lie in [first, last].

    Counted block by block before any is noted: of a circuit there is one in 20,000.
    """
    rows, blocks, most = len(track), -(-len(track) // _BLOCK), 0
    held = np.zeros(blocks, np.int64)
    for block in range(blocks):
        count = 0
        for row in range(block * _BLOCK, min((block + 1) * _BLOCK, rows)):
            count += (track[row] >= first) & (track[row] <= last)
        held[block] = count
        most += count
    found, at = np.empty(most, np.int64), 0
    for block in range(blocks):
        if held[block] == 0:
            continue
        for row in range(block * _BLOCK, min((block + 1) * _BLOCK, rows)):
            if first <= track[row] <= last and wanted[track[row]]:
                found[at] = row
                at += 1
    return found[:at]


@compiled(INT64S, is_short=True)
def _slotted(track: Int64) -> tuple[Int64, Int64]:
    """Return where each slot begins, one more than there are, and all rows, slot by slot."""
    last = np.int64(0)
    for row in range(len(track)):
        last = max(last, track[row])
    begins = np.zeros((last >> _SLOT_BITS) + 2, np.int64)
    for row in range(len(track)):
        begins[(track[row] >> _SLOT_BITS) + 1] += 1
    for slot in range(1, len(begins)):
        begins[slot] += begins[slot - 1]
    at, rows = begins.copy(), np.empty(len(track), np.int64)
    for row in range(len(track)):
        slot = track[row] >> _SLOT_BITS
        rows[at[slot]] = row
        at[slot] += 1
    return begins, rows


@compiled(INT64S, INT64S, INT64S, INT64, INT64, BOOLS, is_short=True)  # of a few hundred rows
def _rows_in(
    track: Int64, begins: Int64, rows: Int64, first: int, last: int, wanted: Bool
) -> Int64:
    """Return the rows whose track is wanted, found by the index, in order."""
    from_slot = min(first >> _SLOT_BITS, len(begins) - 1)
    to_slot = min((last >> _SLOT_BITS) + 1, len(begins) - 1)
    found, count = np.empty(begins[to_slot] - begins[from_slot], np.int64), 0
    for at in range(begins[from_slot], begins[to_slot]):
        row = rows[at]
        if first <= track[row] <= last and wanted[track[row]]:
            found[count] = row
            count += 1
    return np.sort(found[:count])
