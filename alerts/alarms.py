"""How alarms move: an alarm as it stands and a condition in, at most one change out. Pure.

Four rules hold over any history (ALARMS.md): what was announced as raised is announced as cleared;
a clear never precedes its raise; what is not announced has a reason; replayed history announces
nothing.
"""

import hashlib
import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from alerts.conditions import SEVERITIES, AlarmType, Holds, Judged, Over, Severity
from linksla.clock import MICROSECONDS, iso

HISTORY_SECONDS: Final = 15 * 60
"""What happened longer ago than this when it is first seen is history, and announced to nobody."""


class Standing(StrEnum):
    """An alarm's condition; telemetry alone changes it."""

    RAISED = "raised"
    CLEARED = "cleared"


class Withholding(StrEnum):
    """Why a message is kept inside."""

    NONE = "none"
    WINDOW = "window"  # a maintenance window mutes it
    HISTORY = "history"  # it was read from replayed or rebuilt data
    UNANNOUNCED = "unannounced"  # the clear of an alarm nobody outside knows


@dataclass(frozen=True, slots=True)
class AlarmKey:
    """Identity of an alarm; it is reused when the alarm is raised again (DESIGN 10)."""

    circuit_id: str
    type: AlarmType
    qualifier: str

    @property
    def alarm_id(self) -> str:
        """Return a short, URL-safe id: the same in every rebuild."""
        text = json.dumps([self.circuit_id, self.type.value, self.qualifier])
        return hashlib.sha256(text.encode()).hexdigest()[:20]


@dataclass(frozen=True, slots=True)
class Alarm:
    """How an alarm stands. `known_outside`: it was announced as raised and not yet as cleared."""

    key: AlarmKey
    revision: int
    severity: Severity
    standing: Standing
    event_at_s: int
    reason: str
    known_outside: bool
    withholding: Withholding


@dataclass(frozen=True, slots=True)
class AlarmChange:
    """A new revision of an alarm; `withheld_reason` None means it goes outside."""

    alarm: Alarm
    judged: Judged
    reported_at_us: int
    withheld_reason: str | None


@dataclass(frozen=True, slots=True)
class Muted:
    """A maintenance window that mutes a circuit at this moment, and why."""

    reason: str


def step(
    key: AlarmKey, standing: Alarm | None, judged: Judged, *, now_us: int, muted: Muted | None
) -> AlarmChange | None:
    """Return what changes, or None.

    `muted` is the window in force now, if any; `now_us` is the time of the report.
    """
    raised = standing is not None and standing.standing is Standing.RAISED
    condition = judged.condition
    if isinstance(condition, Holds) and not raised:
        return _raise(key, standing, judged, condition, now_us=now_us, muted=muted)
    if isinstance(condition, Over) and raised and standing is not None:
        return _clear(standing, judged, condition, now_us=now_us)
    if raised and standing is not None and not standing.known_outside:
        return _announce(standing, judged, now_us=now_us, muted=muted)
    return None


def _raise(
    key: AlarmKey,
    standing: Alarm | None,
    judged: Judged,
    holds: Holds,
    *,
    now_us: int,
    muted: Muted | None,
) -> AlarmChange:
    age = now_us // MICROSECONDS - holds.earliest_s
    withholding, why = Withholding.NONE, None
    if age > HISTORY_SECONDS:
        withholding = Withholding.HISTORY
        why = f"replayed history: it may have begun {iso(holds.earliest_s)}, {age} s before now"
    elif muted is not None:
        withholding, why = Withholding.WINDOW, muted.reason
    alarm = Alarm(
        key=key,
        revision=1 if standing is None else standing.revision + 1,
        severity=SEVERITIES[key.type],
        standing=Standing.RAISED,
        event_at_s=holds.event_at_s,
        reason=holds.reason,
        known_outside=why is None,
        withholding=withholding,
    )
    return AlarmChange(alarm, judged, now_us, why)


def _clear(standing: Alarm, judged: Judged, over: Over, *, now_us: int) -> AlarmChange:
    why = None
    withholding = Withholding.NONE
    if not standing.known_outside:  # muted or not, what is open outside is closed outside
        withholding = Withholding.UNANNOUNCED
        why = f"its raise was never announced ({standing.withholding.value})"
    alarm = Alarm(
        key=standing.key,
        revision=standing.revision + 1,
        severity=standing.severity,
        standing=Standing.CLEARED,
        event_at_s=max(over.event_at_s, standing.event_at_s),
        reason=over.reason,
        known_outside=False,
        withholding=withholding,
    )
    return AlarmChange(alarm, judged, now_us, why)


def _announce(
    standing: Alarm, judged: Judged, *, now_us: int, muted: Muted | None
) -> AlarmChange | None:
    """Announce what was withheld and still stands, once the reason for silence is gone."""
    if muted is not None:
        return None
    if standing.withholding is Withholding.WINDOW:
        after = "still raised at the end of its maintenance window"
    elif standing.withholding is Withholding.HISTORY and _caught_up(judged, now_us):
        # A node that was away for an hour must not stay silent about a circuit that is down now.
        after = "still raised now that history is read"
    else:
        return None
    alarm = Alarm(
        key=standing.key,
        revision=standing.revision + 1,
        severity=standing.severity,
        standing=Standing.RAISED,
        event_at_s=standing.event_at_s,
        reason=f"{standing.reason}; {after}",
        known_outside=True,
        withholding=Withholding.NONE,
    )
    return AlarmChange(alarm, judged, now_us, None)


def _caught_up(judged: Judged, now_us: int) -> bool:
    """Return whether it holds now, on present data; a month's breach is history and stays so."""
    behind = now_us // MICROSECONDS - judged.horizon_s
    return judged.present and isinstance(judged.condition, Holds) and behind <= HISTORY_SECONDS
