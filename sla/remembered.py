"""Histories that need not be judged again: remembered by the content they follow from."""

import threading
from collections import OrderedDict
from collections.abc import Iterable
from typing import Final

import duckdb

from sla.history import CircuitHistory, Historian
from sla.telemetry import Telemetry

_CIRCUITS_MAX: Final = 4_096  # a year of a busy circuit is some 2,000 runs: under 1 MB


class RememberedHistories:
    """A bounded memory before a Historian; safe in any thread.

    The key is the content itself (horizons, channels, fingerprint of the spans, provisional
    spans, the inventory's entry, windows), so there is nothing to invalidate.
    """

    def __init__(self, historian: Historian) -> None:
        self.historian = historian
        self._lock = threading.Lock()
        self._known: OrderedDict[str, tuple[object, CircuitHistory]] = OrderedDict()

    def judged_by(self, historian: Historian) -> "RememberedHistories":
        """Return this memory before another historian; what he would judge alike is kept."""
        fresh = RememberedHistories(historian)
        fresh._lock, fresh._known = self._lock, self._known
        return fresh

    def of(
        self, cursor: duckdb.DuckDBPyConnection, facts: Telemetry, circuit_ids: Iterable[str]
    ) -> dict[str, CircuitHistory]:
        """Return the histories of those circuits of which anything complete is known."""
        names = [name for name in circuit_ids if name in facts.channels]
        keys = {name: (_content(facts, name), self.historian.basis(name)) for name in names}
        found: dict[str, CircuitHistory] = {}
        with self._lock:
            for name in names:
                key, history = self._known.get(name, (None, None))
                if history is not None and key == keys[name]:
                    found[name] = history
                    self._known.move_to_end(name)
        missing = [name for name in names if name not in found]
        judged = self.historian.judged(cursor, facts, missing) if missing else {}
        with self._lock:
            for name, history in judged.items():
                self._known[name] = (keys[name], history)
            while len(self._known) > _CIRCUITS_MAX:
                self._known.popitem(last=False)
        found |= judged
        return {name: found[name] for name in names if name in found}


def _content(facts: Telemetry, name: str) -> object:
    channels = facts.channels[name]
    return (
        facts.complete_up_to_s.get(name),
        facts.live_to_s.get(name),
        channels,
        facts.fingerprints.get(name),
        tuple(facts.live.get(channel.channel_key, ()) for channel in channels),
    )
