"""Spans of days that are over, of circuits that are judged again and again: read once.

A circuit in trouble is judged at every poll, from all it has been through. Of 20,000 circuits some
two dozen lie anywhere in the table: to find their spans took 5 ms after a month, 45 after half a
year. What is remembered is merged: of a healthy channel a year is one span, so that it costs no
more than a day, and 20,000 circuits are known beforehand, when trouble begins.
"""

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import duckdb
import numpy as np

from linksla.inventory import DAY_SECONDS
from processors.held import Held
from processors.observations import Int64
from sla.spans import ReadSpans
from sla.telemetry import ChannelRow

_BYTES_MAX: Final = 48 << 20  # 20,000 healthy circuits of four channels take 18 MB
_CIRCUIT_BYTES: Final = 600  # beside the numbers
_SIDES: Final = ("left", "right")
_ALONE_MAX: Final = 8
"""So many circuits are found sooner one by one: the spans of each lie in a few places."""


@dataclass(frozen=True, slots=True)
class _Kept:
    """All spans of a circuit that begin before `to_s`, a midnight: they have ended, too."""

    reworked: int
    channels: tuple[ChannelRow, ...]
    to_s: int
    spans: ReadSpans

    @property
    def bytes(self) -> int:
        """About what it takes in memory."""
        return _CIRCUIT_BYTES + self.spans.table.nbytes


class RememberedSpans:
    """A bounded memory before the table `spans`; only the writer thread calls it.

    Spans that have ended change only where complete cells are folded again, which is counted.
    """

    def __init__(self) -> None:
        """Nothing is known yet."""
        self._known: OrderedDict[str, _Kept] = OrderedDict()
        self._bytes = 0

    def of(
        self,
        cursor: duckdb.DuckDBPyConnection,
        channels: Mapping[str, tuple[ChannelRow, ...]],
        complete_up_to_s: Mapping[str, int],
        held: Held,
    ) -> ReadSpans:
        """Return what `ReadSpans.of` does of all circuits, merged; `held`: of the cursor."""
        reworked = {name: held.reworked(_keys(rows)) for name, rows in channels.items()}
        known = {
            name: kept
            for name, rows in channels.items()
            if (kept := self._known.get(name)) is not None
            and (kept.reworked, kept.channels) == (reworked[name], rows)
        }
        found = ReadSpans.together([
            *(kept.spans for kept in known.values()),
            *_since(cursor, known.values()),
            *_read(cursor, [_keys(rows) for name, rows in channels.items() if name not in known]),
        ])  # fmt: skip
        over = {}
        for name in channels:
            to_s = complete_up_to_s.get(name, 0) // DAY_SECONDS * DAY_SECONDS
            if name in known and known[name].to_s >= to_s:
                self._known.move_to_end(name)
            else:
                over[name] = to_s
        ended = _ended(found, {name: _keys(channels[name]) for name in over}, over)
        for name, spans in ended.items():
            self._keep(name, _Kept(reworked[name], channels[name], over[name], spans))
        return found.merged()

    def _keep(self, name: str, kept: _Kept) -> None:
        before = self._known.pop(name, None)
        self._bytes += kept.bytes - (0 if before is None else before.bytes)
        self._known[name] = kept
        while self._bytes > _BYTES_MAX:
            self._bytes -= self._known.popitem(last=False)[1].bytes


def _keys(channels: Sequence[ChannelRow]) -> list[int]:
    return [one.channel_key for one in channels]


def _since(cursor: duckdb.DuckDBPyConnection, known: Iterable[_Kept]) -> Sequence[ReadSpans]:
    """Return the spans of circuits that begin after what is known of each.

    Most were judged of late, and are read together from the newest midnight on. One that was well
    for weeks would have the weeks of all the others read as well.
    """
    by_midnight: dict[int, list[list[int]]] = {}
    for kept in known:
        by_midnight.setdefault(kept.to_s, []).append(_keys(kept.channels))
    if not by_midnight:
        return ()
    newest = max(by_midnight)
    of_late = [key for keys in by_midnight.pop(newest) for key in keys]
    earlier = [part for from_s, keys in by_midnight.items() for part in _read(cursor, keys, from_s)]
    return (ReadSpans.of(cursor, of_late, newest), *earlier)


def _read(
    cursor: duckdb.DuckDBPyConnection, keys: Sequence[Sequence[int]], from_s: int = 0
) -> Sequence[ReadSpans]:
    """Return the spans of circuits from an instant on."""
    if len(keys) <= _ALONE_MAX:
        return [ReadSpans.of(cursor, some, from_s) for some in keys]
    return (ReadSpans.of(cursor, [key for some in keys for key in some], from_s),)


def _ended(
    found: ReadSpans, keys: Mapping[str, Sequence[int]], to_s: Mapping[str, int]
) -> dict[str, ReadSpans]:
    """Return, merged, the spans that begin before an instant, by circuit."""
    if not keys:
        return {}
    before_s = {key: to_s[name] for name, some in keys.items() for key in some}
    old = found.take(found.runs.start_s < _by_track(found, before_s)).merged()
    track, ended = old.runs.track, {}
    for name, some in keys.items():
        places = (np.searchsorted(track, sorted(some), side).tolist() for side in _SIDES)
        each = [old.take(slice(*place)) for place in zip(*places, strict=True)]
        ended[name] = ReadSpans.together(each)  # a copy: a view would keep all of them
    return ended


def _by_track(found: ReadSpans, seconds: Mapping[int, int]) -> Int64:
    """Return what is given for each span's channel; -1: nothing."""
    track = found.runs.track
    given = np.array(sorted(seconds.items()), np.int64).reshape(-1, 2)
    at = np.minimum(np.searchsorted(given[:, 0], track), len(given) - 1)
    return np.where(given[at, 0] == track, given[at, 1], -1)
