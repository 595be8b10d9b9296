"""How long a circuit whose channels stay as they are may be left alone. Pure.

What its cells will be is then known, and with them what is told of it: an outage is decided n cells
after its onset, its end n cells after that; while it lasts, a second is lost each second, until a
verdict is another or an allowance burns too fast; once it is over, windows of burn rates empty.
All these are instants known beforehand. The Watch sees to it that cells are what was expected.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sla.answers import Bucket, ChannelRun, MonthAnswer, Outcome
from sla.budgets import burning_after, calm_after
from sla.history import FAR_AHEAD_S, CircuitHistory, History
from sla.judge import Scenario, contractual_seconds
from sla.judged import JudgedRun
from sla.looks import Look
from sla.outage_terms import OutageTerms

SETTLED_SECONDS: Final = 86_400
"""What ended so long ago is not judged anew by what comes now: n cells are no day."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What a channel is expected to be: bad or not from an instant on, and before it the other."""

    bad: bool
    from_s: int


@dataclass(frozen=True, slots=True)
class Steady:
    """Nothing is told before these instants, while channels are as expected."""

    complete_before_s: int
    live_before_s: int
    is_down: bool  # in complete cells, up to then
    channels: Mapping[str, Turn]
    rest_seconds: int  # 0, or of a circuit whose channels are all good: so long may any be bad


def steady(look: Look, patience_s: int, *, burning: bool) -> Steady | None:
    """Return until when a circuit goes on as it is; None: that is not certain.

    `burning`: the alarm of a burning allowance is raised, and waits for windows to empty.
    """
    history = look.history
    part, live_s = history.complete[-1], history.live_to_s
    lanes = _known_lanes(look)
    state = _states(part, history.complete_up_to_s)
    if lanes is None or state is None or not _plain(look):
        return None
    is_down, was_bad = state
    availability = part.in_force.contract.availability
    bad = len(lanes) - sum(run.state == "bad" for run in lanes) < availability.up_at_least
    onset = _onset(history, part, bad=bad, was_bad=was_bad)
    if onset is None or look.summary.state not in ("up", "down"):
        return None
    decisive = availability.consecutive * history.circuit.grid_seconds
    complete_before = onset + decisive if bad != is_down else FAR_AHEAD_S
    if was_bad not in (is_down, bad):  # not decided when it changed: only if it lasted so long
        began = _began(part, history.complete_up_to_s, bad=was_bad)
        complete_before = began + decisive if onset - began >= decisive else FAR_AHEAD_S
    live_before = FAR_AHEAD_S
    if bad != (look.summary.state == "down"):
        live_before = _begins(history.live.runs, live_s, bad=bad) + decisive
    if look.summary.state == "up":  # a channel that is bad for so long is told of
        young = [one.start_s for one in lanes if one.start_s > live_s - patience_s]
        live_before = min([live_before, *(at + patience_s for at in young)])
    told = _told_after(look, is_down=is_down, burning=burning)
    if told is None:
        return None
    at_rest = not (is_down or was_bad or burning) and all(
        run.state == "good" and run.start_s <= history.complete_up_to_s for run in lanes
    )
    return Steady(
        min(complete_before, history.complete_up_to_s + told),
        live_before,
        is_down,
        {run.channel: Turn(run.state == "bad", run.start_s) for run in lanes},
        min(decisive, patience_s) if at_rest else 0,
    )


def _known_lanes(look: Look) -> Sequence[ChannelRun] | None:
    """Return the newest run of each channel, if all are good or bad up to what is complete."""
    complete, live_s = look.history.complete_up_to_s, look.history.live_to_s
    active = [
        one.channel
        for one in look.channels
        if one.active_from_s <= complete and (one.active_to_s is None or one.active_to_s > live_s)
    ]
    if [run.channel for run in look.lanes] != active:
        return None
    if any(run.state == "unknown" or run.end_s < complete for run in look.lanes):
        return None
    return look.lanes


def _plain(look: Look) -> bool:
    """Return whether no window, word or other contract version bears on the present."""
    history, part = look.history, look.history.complete[-1]
    settled = history.complete_up_to_s - SETTLED_SECONDS
    return (
        history.live.in_force == part.in_force
        and not part.reclassified
        and not history.live.reclassified
        and all(one.end_s <= settled for one in history.complete[:-1])
        and not any(w.start <= history.live_to_s and w.end > settled for w in look.windows)
    )


def _states(part: History, complete: int) -> tuple[bool, bool] | None:
    """Return whether what is complete ends down, and bad, whatever unknown cells were."""
    found = set()
    for runs in (part.runs, part.unknown_good, part.unknown_bad):
        if not runs or runs[-1].end_s != complete:
            return None
        last = runs[-1]
        if last.bucket is not last.as_experienced or last.bucket is Bucket.UNMEASURED:
            return None
        found.add((last.bucket is Bucket.DOWN, last.bad))
    return found.pop() if len(found) == 1 else None


def _onset(history: CircuitHistory, part: History, *, bad: bool, was_bad: bool) -> int | None:
    """Return since when the circuit is as it will be, at the earliest; None: it went to and fro."""
    complete = history.complete_up_to_s
    known = [
        run
        for run in history.live.runs
        if run.end_s > complete and run.as_experienced is not Bucket.UNMEASURED
    ]
    if known and known[-1].bad != bad:
        return None  # it changes just now
    if bad == was_bad:
        if any(run.bad != bad for run in known):
            return None
        return _began(part, complete, bad=bad)
    if not known:
        return None
    before = [run.end_s for run in known if run.bad != bad]
    onset = max(before, default=complete)
    if any(run.bad != bad for run in known[len(before) :]):
        return None
    return onset


def _began(part: History, complete: int, *, bad: bool) -> int:
    """Return where the good or bad time began that is complete, whatever unknown cells were."""
    ways = (part.runs, part.unknown_good, part.unknown_bad)
    return min(_begins(runs, complete, bad=bad) for runs in ways)


def _begins(runs: Sequence[JudgedRun], end_s: int, *, bad: bool) -> int:
    """Return where the good or bad time begins that a history ends with: unknown time is in it."""
    at = end_s
    for run in reversed(runs):
        if run.as_experienced is not Bucket.UNMEASURED and run.bad != bad:
            break
        at = run.start_s
    return at


def _told_after(look: Look, *, is_down: bool, burning: bool) -> int | None:
    """Return after how many seconds a verdict or an alarm may be another; None: not certain."""
    if not is_down and not burning:
        return FAR_AHEAD_S
    history, month = look.history, look.answers[-1]
    rest = _rest(month, history.complete_up_to_s)
    if rest is None:
        return None
    part, segment = history.complete[-1], month.segments[-1]
    terms, start_s, end_s = part.in_force.contract.availability, segment.start_s, segment.end_s
    nominal, worst, best = (
        Scenario(contractual_seconds(runs, start_s, end_s), rest)
        for runs in (part.runs, part.unknown_bad, part.unknown_good)
    )
    allowance = nominal.allowed(terms)
    if not is_down:
        return calm_after(part.runs, start_s, end_s, end_s + rest, allowance)
    if any(_promises(version.contract.outages) for version in look.versions):
        return None
    if (worst.outcome(terms) is Outcome.BREACHED) != (best.outcome(terms) is Outcome.BREACHED):
        return None  # how much was measured decides: that grows as well
    ends = [one.worse_after(terms) for one in (nominal, worst, best)]
    ends.append(burning_after(part.runs, start_s, end_s, end_s + rest, allowance))
    return min([at for at in ends if at is not None], default=FAR_AHEAD_S)


def _rest(month: MonthAnswer, complete: int) -> int | None:
    """Return how many seconds are to come of the month's last segment, if it is open."""
    segment = month.segments[-1]
    if segment.end_s != complete or segment.full_end_s is None or segment.full_end_s <= complete:
        return None
    return segment.full_end_s - complete


def _promises(terms: OutageTerms) -> bool:
    """Return whether a contract promises anything about outages themselves: their lengths grow."""
    promised = (terms.count_max, terms.longest_seconds_max, terms.restore_mean_seconds_max)
    return terms.chronic is not None or any(most is not None for most in promised)
