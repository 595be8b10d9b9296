"""Spans of days that are over, of circuits that are judged again and again: read once.

A circuit in trouble is judged at every poll, from all it has been through. Of 20,000 circuits some
two dozen lie anywhere in the table: to find their spans took 5 ms after a month, 45 after half a
year.
"""

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import duckdb
import numpy as np

from linksla.inventory import DAY_SECONDS
from processors.held import Held
from sla.spans import ReadSpans
from sla.telemetry import ChannelRow

_SPANS_MAX: Final = 500_000  # 48 bytes each
_ALONE_MAX: Final = 8
"""So many circuits are found sooner one by one: the spans of each lie in a few places."""


@dataclass(frozen=True, slots=True)
class _Kept:
    """All spans of a circuit that begin before `to_s`, a midnight: they have ended, too."""

    reworked: int
    channels: tuple[ChannelRow, ...]
    to_s: int
    spans: ReadSpans


class RememberedSpans:
    """A bounded memory before the table `spans`; only the writer thread calls it.

    Spans that have ended change only where complete cells are folded again, which is counted.
    """

    def __init__(self) -> None:
        """Nothing is known yet."""
        self._known: OrderedDict[str, _Kept] = OrderedDict()
        self._spans = 0

    def of(
        self,
        cursor: duckdb.DuckDBPyConnection,
        channels: Mapping[str, tuple[ChannelRow, ...]],
        complete_up_to_s: Mapping[str, int],
        held: Held,
    ) -> ReadSpans:
        """Return all spans of circuits, exactly as `ReadSpans.of` does; `held`: of the cursor."""
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
            *_whole(cursor, [_keys(rows) for name, rows in channels.items() if name not in known]),
        ])  # fmt: skip
        for name, rows in channels.items():
            to_s = complete_up_to_s.get(name, 0) // DAY_SECONDS * DAY_SECONDS
            if name in known and known[name].to_s >= to_s:
                self._known.move_to_end(name)
                continue
            old = (found.runs.start_s < to_s) & np.isin(found.runs.track, _keys(rows))
            self._keep(name, _Kept(reworked[name], rows, to_s, found.take(old)))
        return found

    def _keep(self, name: str, kept: _Kept) -> None:
        before = self._known.pop(name, None)
        self._spans += len(kept.spans.marks) - (0 if before is None else len(before.spans.marks))
        self._known[name] = kept
        while self._spans > _SPANS_MAX:
            self._spans -= len(self._known.popitem(last=False)[1].spans.marks)


def _keys(channels: Sequence[ChannelRow]) -> list[int]:
    return [one.channel_key for one in channels]


def _since(cursor: duckdb.DuckDBPyConnection, known: Iterable[_Kept]) -> Sequence[ReadSpans]:
    """Return the spans of circuits that begin after what is known of each."""
    from_s = {key: kept.to_s for kept in known for key in _keys(kept.channels)}
    if not from_s:
        return ()
    keys = np.array(sorted(from_s), np.int64)
    each_s = np.array([from_s[key] for key in keys.tolist()], np.int64)
    read = ReadSpans.of(cursor, keys.tolist(), int(each_s.min()))
    return (read.take(read.runs.start_s >= each_s[np.searchsorted(keys, read.runs.track)]),)


def _whole(cursor: duckdb.DuckDBPyConnection, keys: Sequence[Sequence[int]]) -> Sequence[ReadSpans]:
    """Return all spans of circuits of which nothing is known."""
    if len(keys) <= _ALONE_MAX:
        return [ReadSpans.of(cursor, some) for some in keys]
    return (ReadSpans.of(cursor, [key for some in keys for key in some]),)
