"""How complete the circuits in scope are; of a large network, as of a moment ago."""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from linksla.clock import Clock
from linksla.inventory import Circuit
from linksla.settings import TimeSettings
from processors.observations import Bool, Int64
from sla.answers import Freshness
from sla.periods import Ownership
from sla.scope import Scope
from sla.telemetry import Horizons, Pace

_BEHIND_SECONDS: Final = 120
_QUICK_SECONDS: Final = 0.002
_YOUNG_SECONDS: Final = 1.0
_OLD_SECONDS: Final = 10.0
_SCOPES_MAX: Final = 256
Seen = Mapping[str, Sequence[Ownership]]


@dataclass(slots=True)
class Ends:
    """The circuits that a reader may see, in order, and when each begins and ends: parallel."""

    names: tuple[str, ...]
    begins_s: Int64
    end_s: Int64  # up to where it has to be complete
    _numbered: tuple[Sequence[str], Int64] | None = None

    def numbers(self, circuit_ids: Sequence[str]) -> Int64:
        """Return the place of each in `circuit_ids`; -1: it is not there.

        Remembered for the same sequence: that of all circuits is the same until one is added.
        """
        known = self._numbered
        if known is None or known[0] is not circuit_ids:
            places = {name: number for number, name in enumerate(circuit_ids)}
            found = np.array([places.get(name, -1) for name in self.names], np.int64)
            known = self._numbered = circuit_ids, found
        return known[1]

    def named(self, which: Bool) -> tuple[str, ...]:
        """Return the names of some, in order."""
        return tuple([self.names[number] for number in np.flatnonzero(which).tolist()])


def ends_of(seen: Seen, circuits: Mapping[str, Circuit]) -> Ends:
    """Return up to where each of the circuits that a reader may see has to be complete."""
    names = tuple(sorted(seen))
    ends = [
        seen[name][-1].end_s
        if (active_to := circuits[name].active_to) is None
        else min(seen[name][-1].end_s, active_to)
        for name in names
    ]
    begins = [circuits[name].active_from for name in names]
    return Ends(names, np.array(begins, np.int64), np.array(ends, np.int64))


def freshness(
    horizons: Horizons,
    ends: Ends,
    circuits: Mapping[str, Circuit],
    now_s: int,
    time: TimeSettings,
    heard: bool = True,
) -> Freshness:
    """Return how complete the circuits are that a reader may see, and which are overdue. Pure.

    While the broker is not `heard`, nobody knows whether a sample is due only later.
    """
    number = ends.numbers(horizons.circuit_ids)
    known, complete, live = number >= 0, ends.begins_s.copy(), np.zeros_like(ends.begins_s)
    complete[known] = horizons.complete_up_to_s[number[known]]
    live[known] = horizons.live_to_s[number[known]]
    waited_for = complete < ends.end_s  # one that has ended holds nobody up
    at = complete[waited_for]
    if len(at) == 0:
        return Freshness(None, None, len(ends.names), (), (), {}, len(ends.names))
    silent = live == 0
    latest_s = now_s - time.allowed_lateness_seconds
    return Freshness(
        int(at.min()),
        int(np.where(silent, complete, live)[waited_for].max()),
        len(ends.names),
        ends.named(waited_for & (complete < at.max() - _BEHIND_SECONDS)),
        ends.named(waited_for & silent),
        _overdue(horizons, ends, waited_for & ~silent & (live < latest_s), live, circuits,
                 latest_s, heard),
        len(ends.names) - len(at),
    )  # fmt: skip


def _overdue(
    horizons: Horizons,
    ends: Ends,
    late: Bool,
    live_s: Int64,
    circuits: Mapping[str, Circuit],
    latest_s: int,
    heard: bool,
) -> dict[str, int]:
    """Return which of the late should have gone on by `latest_s`, with their newest sample."""
    live = dict(zip(ends.named(late), live_s[late].tolist(), strict=True))
    pace = horizons.pace() if live else Pace()
    return {
        name: pace.observed_at_s.get(name, at_s)
        for name, at_s in live.items()
        if latest_s - at_s
        > heard * max(circuits[name].grid_seconds, pace.sampled_every_s.get(name, 0))
    }


@dataclass(slots=True)
class _Kept:
    answer: Freshness
    at: float
    renewing: bool = False


class FreshnessMemory:
    """Remembers what took long to find out: with 20,000 circuits 2 ms, on every page.

    Such an answer is up to a second old, or as old as the one question that renews it takes: who
    asks meanwhile gets the old one. What is quick is asked anew each time.
    """

    def __init__(self, clock: Clock) -> None:
        """Remember the clock; nothing is known yet."""
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: dict[Scope, _Kept] = {}
        self._ends: dict[Scope, tuple[Seen, Ends]] = {}

    def ends(self, scope: Scope, seen: Seen, circuits: Mapping[str, Circuit]) -> Ends:
        """Return `ends_of`, worked out once for each `seen`: of 20,000 circuits it takes 6 ms."""
        kept = self._ends.get(scope)
        if kept is None or kept[0] is not seen:
            kept = seen, ends_of(seen, circuits)
            with self._lock:
                while len(self._ends) >= _SCOPES_MAX:
                    self._ends.pop(next(iter(self._ends)))
                self._ends[scope] = kept
        return kept[1]

    def of(self, scope: Scope, find_out: Callable[[], Freshness]) -> Freshness:
        """Return a scope's freshness; `find_out` must be safe in a thread of its own."""
        now = self._clock.monotonic_seconds()
        with self._lock:
            kept = self._kept.get(scope)
            if kept is not None and now - kept.at < _OLD_SECONDS:
                if now - kept.at >= _YOUNG_SECONDS and not kept.renewing:
                    kept.renewing = True
                    threading.Thread(
                        target=self._renew, args=(scope, find_out), name="freshness", daemon=True
                    ).start()
                return kept.answer
        return self._renew(scope, find_out)

    def _renew(self, scope: Scope, find_out: Callable[[], Freshness]) -> Freshness:
        began = self._clock.monotonic_seconds()
        try:
            answer = find_out()
        except BaseException:
            with self._lock:
                self._kept.pop(scope, None)
            raise
        at = self._clock.monotonic_seconds()
        with self._lock:
            self._kept.pop(scope, None)
            if at - began > _QUICK_SECONDS:
                self._kept[scope] = _Kept(answer, at)
                while len(self._kept) > _SCOPES_MAX:
                    self._kept.pop(next(iter(self._kept)))
        return answer
