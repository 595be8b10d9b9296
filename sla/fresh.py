"""How complete the circuits in scope are; of a large network, as of a moment ago."""

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from linksla.clock import Clock
from linksla.inventory import Circuit
from linksla.settings import TimeSettings
from sla.answers import Freshness
from sla.periods import Ownership
from sla.scope import Scope
from sla.telemetry import Horizons, Pace

_BEHIND_SECONDS: Final = 120
_QUICK_SECONDS: Final = 0.02
_YOUNG_SECONDS: Final = 1.0
_OLD_SECONDS: Final = 10.0
_SCOPES_MAX: Final = 256
Seen = Mapping[str, Sequence[Ownership]]


def ends_of(seen: Seen, circuits: Mapping[str, Circuit]) -> dict[str, int]:
    """Return up to where each of the circuits that a reader may see has to be complete."""
    return {
        name: owns[-1].end_s
        if (active_to := circuits[name].active_to) is None
        else min(owns[-1].end_s, active_to)
        for name, owns in seen.items()
    }


def freshness(
    horizons: Horizons,
    ends: Mapping[str, int],
    circuits: Mapping[str, Circuit],
    now_s: int,
    time: TimeSettings,
    heard: bool = True,
) -> Freshness:
    """Return how complete the circuits are that a reader may see, and which are overdue. Pure.

    While the broker is not `heard`, nobody knows whether a sample is due only later.
    """
    known, live_to_s = horizons.complete_up_to_s, horizons.live_to_s
    complete: dict[str, int] = {}
    for name, end_s in ends.items():
        at = known[name] if name in known else circuits[name].active_from
        if at < end_s:  # one that has ended holds nobody up
            complete[name] = at
    behind_s = max(complete.values(), default=0) - _BEHIND_SECONDS
    lives = [live_to_s.get(name, at) for name, at in complete.items()]
    return Freshness(
        min(complete.values(), default=None),
        max(lives, default=None),
        len(ends),
        tuple(sorted([name for name, at in complete.items() if at < behind_s])),
        tuple(sorted([name for name in complete if name not in live_to_s])),
        _overdue(horizons, complete, circuits, now_s - time.allowed_lateness_seconds, heard),
        len(ends) - len(complete),
    )


def _overdue(
    horizons: Horizons,
    names: Iterable[str],
    circuits: Mapping[str, Circuit],
    latest_s: int,
    heard: bool,
) -> dict[str, int]:
    """Return which of the circuits should have gone on by `latest_s`, with their newest sample."""
    live_to_s = horizons.live_to_s
    late = sorted(name for name in names if live_to_s.get(name, latest_s) < latest_s)
    pace = horizons.pace() if late else Pace()
    return {
        name: pace.observed_at_s.get(name, live_to_s[name])
        for name in late
        if latest_s - live_to_s[name]
        > heard * max(circuits[name].grid_seconds, pace.sampled_every_s.get(name, 0))
    }


@dataclass(slots=True)
class _Kept:
    answer: Freshness
    at: float
    renewing: bool = False


class FreshnessMemory:
    """Remembers what took long to find out: with 20,000 circuits 150 ms, on every page.

    Such an answer is up to a second old, or as old as the one question that renews it takes: who
    asks meanwhile gets the old one. What is quick is asked anew each time.
    """

    def __init__(self, clock: Clock) -> None:
        """Remember the clock; nothing is known yet."""
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: dict[Scope, _Kept] = {}
        self._ends: dict[Scope, tuple[Seen, dict[str, int]]] = {}

    def ends(self, scope: Scope, seen: Seen, circuits: Mapping[str, Circuit]) -> dict[str, int]:
        """Return `ends_of`, worked out once for each `seen`: of 20,000 circuits it takes 8 ms."""
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
