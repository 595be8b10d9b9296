"""When nothing about a circuit can change but by what the Watch sees. Pure.

A circuit is calm when it is up or down, decidedly so, and every verdict stays what it is while its
channels stay as they are, up to an instant that is known beforehand: the end of a month, a segment,
a channel, a contract version, the beginning of a window; of an outage also the second at which it
makes a verdict another (`sla.steady`). Objectives on what was observed are watched besides
(`sla.watched`). Whatever is not certain is not calm: it is judged in full.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import IntFlag
from typing import Final

from sla.answers import Bucket, Outcome
from sla.history import FAR_AHEAD_S, CircuitHistory, History
from sla.judge import Scenario, contractual_seconds
from sla.judged import JudgedRun
from sla.looks import Look
from sla.outage_terms import CHRONIC
from sla.steady import SETTLED_SECONDS, Turn, steady


class Awaits(IntFlag):
    """What raised alarms wait for."""

    CHANNELS = 1  # another state of a channel
    RECOVERY = 2  # the circuit's being up again
    BURN = 4  # the allowance's no longer being spent
    ANYTHING = 8  # also that time passes


@dataclass(frozen=True, slots=True)
class Calm:
    """Cells change nothing while they are as expected and horizons lie before these instants."""

    complete_before_s: int
    live_before_s: int
    lag_seconds_max: int  # of live before complete: so long nothing may be unmeasured
    is_over: bool = False  # the circuit has ended and all its months are final
    is_down: bool = False  # nothing that is observed counts
    channels: Mapping[str, Turn] = field(default_factory=dict)  # others are expected to be good
    rest_seconds: int = 0  # all channels are good, and nothing is told before any is bad so long


_OVER: Final = Calm(FAR_AHEAD_S, FAR_AHEAD_S, FAR_AHEAD_S, is_over=True)
_NOTHING: Final = Awaits(0)


def calm(look: Look, awaits: Awaits = _NOTHING) -> Calm | None:
    """Return until when a circuit is calm, or None: it is not. `awaits`: what its alarms do."""
    history = look.history
    complete, live = history.complete_up_to_s, history.live_to_s
    ended = history.circuit.active_to
    if ended is not None and ended < complete and all(answer.final for answer in look.answers):
        return None if awaits else _OVER
    if not look.answers or look.answers[-1].month_end_s <= complete:
        return None  # the next month has not begun, or the circuit has ended
    decided_before = _decided_before(look)
    if decided_before is None:
        return None
    grid = history.circuit.grid_seconds
    lag = max(history.live.in_force.contract.availability.consecutive * grid, 60)
    if live - complete > lag or any(w.end + grid > complete and w.start < live + grid
                                    for w in look.windows):  # fmt: skip
        return None
    stays = _stays(look, awaits, lag)
    if stays is None:
        return None
    edges = sorted(_edges(look))
    # what begins just here has no second yet: the next one may change something
    completes = [at for at in (*_cuts(look), *edges) if at >= complete]
    lives = [at - grid for at in (*edges, *(w.start for w in look.windows)) if at >= complete]
    found = replace(
        stays,
        complete_before_s=min([*completes, decided_before, stays.complete_before_s]),
        live_before_s=min([*lives, stays.live_before_s]),
    )
    return found if live < found.live_before_s else None


def _stays(look: Look, awaits: Awaits, lag: int) -> Calm | None:
    """Return how a circuit stays while its channels do, or None: that is not certain."""
    state = look.summary.state
    if Awaits.ANYTHING in awaits or (Awaits.RECOVERY in awaits and state != "down"):
        return None
    if look.history.live_to_s - look.history.complete_up_to_s < lag:
        found = steady(look, lag, burning=Awaits.BURN in awaits)
        if found is not None:
            return Calm(
                found.complete_before_s, found.live_before_s, lag - 1,
                is_down=found.is_down, channels=found.channels,
                rest_seconds=0 if awaits else found.rest_seconds,
            )  # fmt: skip
    if awaits or not _decidedly_up(look.history):
        return None
    return Calm(FAR_AHEAD_S, FAR_AHEAD_S, lag)


def _decided_before(look: Look) -> int | None:
    """Return before which complete instant time alone decides no month; None: not certain.

    Enough of a month gets measured; or an outage that nearly made it chronic gets old.
    """
    complete, part = look.history.complete_up_to_s, look.history.complete[-1]
    before = FAR_AHEAD_S
    for answer in look.answers:
        if answer.month_end_s <= complete or not answer.objectives:
            continue
        if any(one.name == CHRONIC and one.verdict is Outcome.AT_RISK for one in answer.objectives):
            return None
        if answer.objectives[0].verdict is Outcome.NOT_ASSESSABLE:
            if len(answer.segments) != 1:
                return None
            start_s, end_s = answer.segments[0].start_s, answer.segments[0].end_s
            so_far = Scenario(contractual_seconds(part.runs, start_s, end_s), 0)
            after = so_far.assessable_after(part.in_force.contract.availability)
            before = before if after is None else complete + after
    return before


def _decidedly_up(history: CircuitHistory) -> bool:
    """Return whether the circuit is up under every assumption, whatever good cells follow."""
    complete, part = history.complete_up_to_s, history.complete[-1]
    if part.end_s != complete:
        return False
    earlier = history.complete[:-1]
    if any(complete - one.end_s < SETTLED_SECONDS for one in earlier):
        return False
    least = _decisive_seconds(part)
    for runs in (part.runs, part.unknown_good, part.unknown_bad):
        last = runs[-1]
        if not _good(last) or last.end_s != complete or last.end_s - last.start_s < least:
            return False
    return all(
        run.as_experienced is not Bucket.DOWN and not run.bad
        for run in _after(history.live.runs, complete)
    )


def _after(runs: Sequence[JudgedRun], second: int) -> Iterable[JudgedRun]:
    for run in reversed(runs):
        if run.end_s <= second:
            return
        yield run


def _good(run: JudgedRun) -> bool:
    return run.bucket is Bucket.UP and run.as_experienced is Bucket.UP and not run.bad


def _decisive_seconds(part: History) -> int:
    return part.in_force.contract.availability.consecutive * part.circuit.grid_seconds


def _cuts(look: Look) -> Iterable[int]:
    """Yield where a month ends or becomes final, and where a segment of it may end."""
    circuit = look.history.circuit
    for answer in look.answers:
        yield answer.month_end_s
        for version in look.versions:
            settling = version.contract.availability.consecutive * circuit.grid_seconds
            yield answer.month_end_s + settling + look.close_after_seconds
    changes = [*(one.start for one in circuit.bandwidths), *(one.start for one in circuit.prices)]
    changes += [one.start for one in circuit.owners] + [one.end for one in circuit.owners]
    yield from (at for at in changes if at is not None)


def _edges(look: Look) -> Iterable[int]:
    """Yield where the circuit, one of its channels or a contract version begins or ends."""
    if look.history.circuit.active_to is not None:
        yield look.history.circuit.active_to
    for channel in look.channels:
        yield channel.active_from_s
        if channel.active_to_s is not None:
            yield channel.active_to_s
    for version in look.versions:
        yield version.start_s
        yield version.end_s
