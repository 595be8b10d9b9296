"""Input that ends the process twice is found by halving and set aside (DESIGN 4).

Before messages are decoded, the offsets they reach are noted in the data folder; what lies between
the offsets in the store and those in the note was in flight. A start that finds something in
flight counts a kill. What was in flight at two kills in a row is suspect: then only half of it is
read at a time, and nothing else, until one message is left that was alone in flight at two more
kills. It becomes a reject. A kill from outside moves on: it blames a message only if it hits the
same one, alone, twice.

The note is written without fsync: it must outlive the process, not the machine. 6 µs a poll.
"""

import json
import logging
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import duckdb

from linksla.errors import LinkslaError

log = logging.getLogger(__name__)

NOTE_NAME: Final = "in-flight.json"
SUSPECTS_NAME: Final = "suspects.json"
KILLS_MAX: Final = 2
DETAIL: Final = "ended the process twice"
_NOTE_BYTES: Final = 512

Range = tuple[int, int]
"""First offset, and the one after the last."""
Ranges = Mapping[int, Range]
"""Offsets by partition."""


@dataclass(frozen=True, slots=True)
class Suspicion:
    """What is known from earlier lives of the process; kept over restarts.

    `suspects` were in flight at each of the last `kills` kills. `tried`: the part of them that
    this life may read, all of them while there were fewer than two kills. `blamed` are
    (partition, offset) of messages to be set aside.
    """

    suspects: Ranges = field(default_factory=dict)
    kills: int = 0
    alone: int = 0
    tried: Ranges = field(default_factory=dict)
    blamed: tuple[Range, ...] = ()

    @property
    def careful(self) -> bool:
        """Whether only suspects are read, in parts."""
        return self.kills >= KILLS_MAX and bool(self.suspects)


def after_start(
    before: Suspicion, stored: Mapping[int, int], reached: Mapping[int, int]
) -> Suspicion:
    """Return what to suspect, given the offsets in the store and those the note reached."""
    before = after_commit(before, stored)
    flight = {
        partition: (stored.get(partition, 0), end)
        for partition, end in reached.items()
        if end > stored.get(partition, 0)
    }
    if not flight:
        return before
    common = _common(before.suspects, flight)
    if not common:
        return replace(Suspicion(flight, kills=1), blamed=before.blamed)
    if _count(common) > 1 or not before.careful:
        return _halved(replace(before, suspects=common, kills=before.kills + 1, alone=0))
    found = replace(before, suspects=common, kills=before.kills + 1, alone=before.alone + 1)
    if found.alone < KILLS_MAX:
        return _halved(found)
    ((partition, (offset, _)),) = common.items()
    return Suspicion(blamed=(*before.blamed, (partition, offset)))


def after_commit(before: Suspicion, stored: Mapping[int, int]) -> Suspicion:
    """Return what is still suspect once everything below `stored` is written."""
    left = _beyond(before.suspects, stored)
    blamed = tuple(
        (partition, offset) for partition, offset in before.blamed
        if offset >= stored.get(partition, 0)
    )  # fmt: skip
    if left == before.suspects and blamed == before.blamed:
        return before
    if not left:
        return Suspicion(blamed=blamed)
    tried = _beyond(before.tried, stored)
    after = replace(before, suspects=left, tried=tried, alone=0, blamed=blamed)
    return after if tried else _halved(after)


def _halved(suspicion: Suspicion) -> Suspicion:
    """Return it with the first half of the suspects to be tried next."""
    if not suspicion.careful:
        return suspicion
    wanted = max(_count(suspicion.suspects) // 2, 1)
    tried: dict[int, Range] = {}
    for partition, (low, high) in sorted(suspicion.suspects.items()):
        if wanted > 0:
            tried[partition] = (low, min(high, low + wanted))
            wanted -= high - low
    return replace(suspicion, tried=tried)


def _count(ranges: Ranges) -> int:
    return sum(high - low for low, high in ranges.values())


def _common(some: Ranges, others: Ranges) -> dict[int, Range]:
    found = {}
    for partition in some.keys() & others.keys():
        low = max(some[partition][0], others[partition][0])
        high = min(some[partition][1], others[partition][1])
        if low < high:
            found[partition] = (low, high)
    return found


def _beyond(ranges: Ranges, stored: Mapping[int, int]) -> dict[int, Range]:
    found = {}
    for partition, (low, high) in ranges.items():
        start = max(low, stored.get(partition, 0))
        if start < high:
            found[partition] = (start, high)
    return found


class InFlight:
    """Notes what is being decoded and written, and says what may be.

    `start` and `admit` belong to the thread that reads, `committed` to the one that writes; a
    reader that sees a suspicion one commit old merely waits a little longer.
    """

    def __init__(self, folder: Path) -> None:
        self._note_path = folder / NOTE_NAME
        self._path = folder / SUSPECTS_NAME
        self._note: int | None = None
        self._note_bytes = _NOTE_BYTES
        self._reached: dict[int, int] = {}
        self._suspicion = Suspicion()

    def start(self, stored: Mapping[int, int]) -> None:
        """Hold the note against the offsets in the store, and begin a new one."""
        before = _load_suspicion(self._path)
        self._suspicion = after_start(before, stored, _load_note(self._note_path))
        if self._suspicion != before:
            self._save()
        if self._suspicion.careful:
            log.warning("the process was ended %d times by one of %d messages: reading %s",
                        self._suspicion.kills, _count(self._suspicion.suspects),
                        dict(self._suspicion.tried))  # fmt: skip
        for partition, offset in self._suspicion.blamed:
            log.error("partition %d offset %d is set aside: it %s", partition, offset, DETAIL)
        self._note = os.open(self._note_path, os.O_RDWR | os.O_CREAT, 0o600)
        self._write({})

    @property
    def blamed(self) -> tuple[Range, ...]:
        """(partition, offset) of the messages that must not be decoded."""
        return self._suspicion.blamed

    def admit(self, polled: Mapping[int, int]) -> Mapping[int, int]:
        """Note the offsets that what was polled reaches; return how far it may be decoded.

        `polled` and the result: by partition, the offset after the last message. Call it before
        anything looks into a message; what lies beyond is to be polled again later.
        """
        suspicion = self._suspicion
        allowed = polled
        if suspicion.careful:
            tried = suspicion.tried
            allowed = {p: min(end, tried[p][1]) if p in tried else 0 for p, end in polled.items()}
        reached = {p: max(self._reached.get(p, 0), end) for p, end in allowed.items() if end}
        if reached:
            self._write({**self._reached, **reached})
        return allowed

    def committed(self, stored: Mapping[int, int]) -> None:
        """Note that everything below `stored` is written."""
        before = self._suspicion
        if before.suspects or before.blamed:
            self._suspicion = after_commit(before, stored)
            if self._suspicion != before:
                self._save()

    def ended(self, failure: BaseException | None = None) -> None:
        """Note that the process ends in order; a failure that input may cause counts as a kill."""
        if self._note is None:
            return
        if not of_input(failure):
            self._write({})
        os.close(self._note)
        self._note = None

    def _write(self, reached: dict[int, int]) -> None:
        self._reached = reached
        if self._note is not None:
            text = json.dumps(reached).encode()
            self._note_bytes = max(self._note_bytes, len(text))
            os.pwrite(self._note, text.ljust(self._note_bytes), 0)

    def _save(self) -> None:
        """Replace the file and see that it lies on the disk: rare, and worth a few ms."""
        new = self._path.with_suffix(".new")
        with new.open("w", encoding="utf-8") as file:
            json.dump(asdict(self._suspicion), file)
            file.flush()
            os.fsync(file.fileno())
        new.replace(self._path)


def of_input(failure: BaseException | None) -> bool:
    """Return whether input may have caused a failure: not a full disk, nor a broker gone."""
    if failure is None:
        return False
    cause = failure.__cause__ if isinstance(failure, LinkslaError) else failure
    return cause is not None and not isinstance(
        cause, OSError | duckdb.OperationalError | duckdb.FatalException
    )


def _load_note(path: Path) -> dict[int, int]:
    found = _json(path)
    return {int(partition): int(end) for partition, end in found.items()}


def _load_suspicion(path: Path) -> Suspicion:
    found = _json(path)
    if not found:
        return Suspicion()
    return Suspicion(
        _ranges(found["suspects"]), found["kills"], found["alone"], _ranges(found["tried"]),
        tuple((partition, offset) for partition, offset in found["blamed"]),
    )  # fmt: skip


def _ranges(found: dict[str, list[int]]) -> dict[int, Range]:
    return {int(partition): (low, high) for partition, (low, high) in found.items()}


def _json(path: Path) -> dict[str, Any]:
    """Return a file's content; a damaged or missing one holds nothing, and nobody is blamed."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}
