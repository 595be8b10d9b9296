"""Which seconds maintenance takes out of the SLA, and why or why not (DESIGN 7.4). Pure."""

import heapq
import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sla.answers import Bucket, Span
from sla.contracts import ExclusionTerms, MaintenanceTerms
from sla.maintenance import MaintenanceWindow
from sla.runs import AvailabilityRun
from sla.words import duration


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether a window may take seconds out of the SLA, with the reason in words."""

    window: MaintenanceWindow
    accepted: bool
    reason: str
    is_open: bool = False  # a proposal that nobody has decided: no month it touches is final


@dataclass(frozen=True, slots=True)
class Excluded:
    """Seconds taken out, [start_s, end_s), by one window."""

    start_s: int
    end_s: int
    window_id: str


@dataclass(frozen=True, slots=True)
class Cap:
    """How many seconds may be taken out of one contract month; None: any number."""

    start_s: int
    end_s: int
    seconds: int | None


def decide(window: MaintenanceWindow, terms: MaintenanceTerms) -> Decision:
    """Accept a window that was announced in time, or approved by another than its proposer."""
    decided = _by_people(window)
    if decided is not None:
        return decided
    notice = window.start - window.announced_at
    needed = terms.notice_hours * 3_600
    said = (
        f"announced {duration(notice)} before its start"
        if notice >= 0
        else f"announced {duration(-notice)} after its start"
    )
    if notice >= needed:
        return Decision(window, True, f"{said}; {terms.notice_hours} h are asked for")
    approval = "who proposes does not approve" if window.approved_by else "nobody has approved it"
    return Decision(
        window, False, f"{said}, but {terms.notice_hours} h are asked for, and {approval}", True
    )


def decide_wait(window: MaintenanceWindow, terms: ExclusionTerms) -> Decision:
    """Accept that a ticket waits for the customer, if the contract stops the clock then.

    It is somebody's word about the past: no notice helps, another than the proposer approves.
    """
    if not terms.waiting_for_customer:
        return Decision(window, False, "the contract does not stop the clock for a ticket")
    decided = _by_people(window)
    if decided is not None:
        return decided
    approval = "who proposes does not approve" if window.approved_by else "nobody has approved it"
    return Decision(window, False, f"proposed by {window.proposed_by}, and {approval}", True)


def _by_people(window: MaintenanceWindow) -> Decision | None:
    if not window.exclude_from_sla:
        return Decision(window, False, "the record says that it does not touch the SLA")
    if window.refused_by is not None:
        return Decision(window, False, f"refused by {window.refused_by}")
    if window.approved_by is not None and window.approved_by != window.proposed_by:
        return Decision(
            window, True, f"approved by {window.approved_by}, proposed by {window.proposed_by}"
        )
    return None


def excluded_seconds(
    accepted: Sequence[MaintenanceWindow],
    nominal: Sequence[AvailabilityRun],
    windows_good: Sequence[AvailabilityRun],
    caps: Sequence[Cap],
) -> tuple[Excluded, ...]:
    """Return what accepted windows take out, oldest first, disjoint.

    A window on the circuit or its site takes every second it covers. One on a channel takes a
    second only when the circuit is down or unmeasured then (`nominal`) and would be up were the
    channels under accepted windows good (`windows_good`). Overlaps go to the earliest (start, id).
    """
    candidates: list[tuple[int, int, tuple[int, str]]] = []
    saved: tuple[Span, ...] | None = None
    for window in accepted:
        rank = (window.start, window.id)
        if window.channel is None:
            candidates.append((window.start, window.end, rank))
            continue
        if saved is None:
            saved = _saved(nominal, windows_good)
        for span in saved:
            lower, upper = max(span.start_s, window.start), min(span.end_s, window.end)
            if lower < upper:
                candidates.append((lower, upper, rank))
    return _capped(_disjoint(candidates), caps)


def _saved(
    nominal: Sequence[AvailabilityRun], windows_good: Sequence[AvailabilityRun]
) -> tuple[Span, ...]:
    """Return where the circuit is not up, but would be."""
    found = []
    position = 0
    for run in nominal:
        if run.availability is Bucket.UP:
            continue
        while position < len(windows_good) and windows_good[position].end_s <= run.start_s:
            position += 1
        at = position
        while at < len(windows_good) and windows_good[at].start_s < run.end_s:
            other = windows_good[at]
            if other.availability is Bucket.UP:
                found.append(Span(max(run.start_s, other.start_s), min(run.end_s, other.end_s)))
            at += 1
    return tuple(found)


def _disjoint(candidates: Iterable[tuple[int, int, tuple[int, str]]]) -> list[Excluded]:
    """Give every second to the window that starts first, then to the smallest id."""
    waiting = sorted(candidates)
    moments = sorted({moment for lower, upper, _ in waiting for moment in (lower, upper)})
    open_now: list[tuple[tuple[int, str], int]] = []
    pieces: list[Excluded] = []
    position = 0
    for at, following in itertools.pairwise(moments):
        while position < len(waiting) and waiting[position][0] <= at:
            _, upper, rank = waiting[position]
            heapq.heappush(open_now, (rank, upper))
            position += 1
        while open_now and open_now[0][1] <= at:
            heapq.heappop(open_now)
        if not open_now:
            continue
        owner = open_now[0][0][1]
        if pieces and pieces[-1].end_s == at and pieces[-1].window_id == owner:
            pieces[-1] = Excluded(pieces[-1].start_s, following, owner)
        else:
            pieces.append(Excluded(at, following, owner))
    return pieces


def _capped(pieces: Sequence[Excluded], caps: Sequence[Cap]) -> tuple[Excluded, ...]:
    """Cut what lies beyond a month's cap, which is used up in order of time."""
    left = [cap.seconds for cap in caps]
    kept: list[Excluded] = []
    for piece in pieces:
        for number, cap in enumerate(caps):
            lower, upper = max(piece.start_s, cap.start_s), min(piece.end_s, cap.end_s)
            budget = left[number]
            if lower >= upper:
                continue
            if budget is not None:
                upper = min(upper, lower + budget)
                left[number] = budget - (upper - lower)
            if lower < upper:
                _append(kept, Excluded(lower, upper, piece.window_id))
    return tuple(kept)


def _append(pieces: list[Excluded], piece: Excluded) -> None:
    """Append, joining with the piece before where a month's end cut one in two."""
    last = pieces[-1] if pieces else None
    if last and last.end_s == piece.start_s and last.window_id == piece.window_id:
        pieces[-1] = Excluded(last.start_s, piece.end_s, piece.window_id)
    else:
        pieces.append(piece)
