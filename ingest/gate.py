"""What of a poll may be decoded now; the rest is polled again later, and nothing is lost.

A partition is held at its first message that is written in a schema nobody has told us yet
(`ingest.registry`), or that lies beyond what may be in flight (`ingest.poison`). All other
partitions go on.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
import pyarrow as pa

from ingest.decode import Decoder
from ingest.poison import DETAIL, InFlight
from ingest.record_batches import HEADER_UNREADABLE
from ingest.rows import Flags, Messages
from linksla.clock import Clock
from linksla.model import SAMPLE_SCHEMA, Reason, Reject

HOLD_SECONDS_MIN: Final = 0.1
HOLD_SECONDS_MAX: Final = 10.0
"""A held partition is tried again after 0.1 s, then twice as long each time, at most 10 s: every
try fetches up to 4 MiB again."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """Samples in SAMPLE_SCHEMA, rejects, and where each held partition is to go on."""

    samples: pa.Table
    rejects: list[Reject]
    held: Mapping[int, int] = field(default_factory=dict)


class Gate:
    """Decodes polls as far as they may be, and remembers which partitions are held."""

    def __init__(self, decoder: Decoder, clock: Clock, in_flight: InFlight | None = None) -> None:
        self._decoder = decoder
        self._clock = clock
        self._in_flight = in_flight
        self._until: dict[int, float] = {}
        self._seconds: dict[int, float] = {}

    def start(self, offsets: Mapping[int, int]) -> None:
        """Begin at the stored offsets."""
        if self._in_flight is not None:
            self._in_flight.start(offsets)

    def decode(self, messages: Messages) -> Decoded:
        """Decode a poll; the messages of a partition are in the order of their offsets.

        The caller takes back `held` partitions to those offsets and pauses them until `due`.
        """
        held: dict[int, int] = {}
        if self._in_flight is not None:
            messages, held = _admitted(messages, self._in_flight)
            for partition in held:
                self._hold(partition, HOLD_SECONDS_MIN)
        if not messages.values:
            return Decoded(SAMPLE_SCHEMA.empty_table(), [], held)
        samples, rejects = self._decoder.decode(messages)
        for partition, offset in self._decoder.waiting.items():
            held[partition] = offset
            seconds = self._seconds.get(partition, HOLD_SECONDS_MIN)
            if int(messages.offset[messages.partition == partition][0]) < offset:
                seconds = HOLD_SECONDS_MIN  # it has moved on since it was last held
            self._hold(partition, seconds)
            self._seconds[partition] = min(seconds * 2, HOLD_SECONDS_MAX)
        return Decoded(samples, rejects, held)

    def due(self) -> list[int]:
        """Return the partitions that have waited long enough; they are held no more."""
        if not self._until:
            return []
        now = self._clock.monotonic_seconds()
        due = [partition for partition, until in self._until.items() if until <= now]
        for partition in due:
            del self._until[partition]
        return due

    @property
    def held(self) -> frozenset[int]:
        """The partitions that wait."""
        return frozenset(self._until)

    def _hold(self, partition: int, seconds: float) -> None:
        self._until[partition] = self._clock.monotonic_seconds() + seconds


def _admitted(messages: Messages, in_flight: InFlight) -> tuple[Messages, dict[int, int]]:
    """Return the messages that may be decoded, and where the other partitions are to go on."""
    partitions, firsts = np.unique(messages.partition, return_index=True)
    ends = {
        int(partition): int(messages.offset[messages.partition == partition][-1]) + 1
        for partition in partitions
    }
    allowed = in_flight.admit(ends)
    held: dict[int, int] = {}
    if allowed is not ends:
        keep: Flags = np.zeros(len(messages.values), dtype=np.bool_)
        for partition, first in zip(partitions.tolist(), firsts.tolist(), strict=True):
            keep |= (messages.partition == partition) & (messages.offset < allowed[partition])
            if allowed[partition] < ends[partition]:
                held[partition] = max(allowed[partition], int(messages.offset[first]))
        messages = _only(messages, keep)
    for partition, offset in in_flight.blamed:
        found = np.flatnonzero((messages.partition == partition) & (messages.offset == offset))
        for number in found.tolist():
            messages = _set_aside(messages, number)
    return messages, held


def _only(messages: Messages, keep: Flags) -> Messages:
    numbers = np.flatnonzero(keep).tolist()
    return Messages(
        [messages.values[number] for number in numbers],
        {new: messages.headers[n] for new, n in enumerate(numbers) if n in messages.headers},
        messages.partition[keep],
        messages.offset[keep],
        messages.append_time_us[keep],
    )


def _set_aside(messages: Messages, number: int) -> Messages:
    """Return the messages with one that is not to be looked into."""
    values = list(messages.values)
    values[number] = None
    said = f"{Reason.UNDECODABLE}: {DETAIL}".encode()
    return replace(
        messages, values=values, headers={**messages.headers, number: [(HEADER_UNREADABLE, said)]}
    )
