"""The history of a month: every calculation with its reason, from what to what, and by whom."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace

from linksla.clock import MICROSECONDS, iso, parse_instant
from linksla.sql import statement
from sla.answers import Seconds
from sla.causes import LATE_DATA, Cause, causes
from sla.network import OnNetwork
from sla.scope import Scope


@dataclass(frozen=True, slots=True)
class Numbers:
    """What a calculation came to."""

    verdict: str
    final: bool
    availability: str | None
    seconds: Seconds


@dataclass(frozen=True, slots=True)
class MonthVersion:
    """One calculation of a month; `before` None: the first."""

    version: int
    calculated_at_s: int
    complete_up_to: str
    reason: str
    causes: tuple[Cause, ...]
    before: Numbers | None
    after: Numbers


class OnVersions(OnNetwork):
    """Base of `sla.queries.Queries`: nothing of a month's history is overwritten."""

    def versions(
        self, scope: Scope, circuit_id: str, month: str
    ) -> tuple[MonthVersion, ...] | None:
        """Return every calculation of a month, oldest first; None: no such circuit in scope.

        They are of the whole month: who may see a part of it only (a circuit that changed hands)
        is told of none.
        """
        owns = self._visible(scope, [circuit_id]).get(circuit_id)
        if not owns:
            return None
        asked = {"circuit_id": circuit_id, "month": month}
        with self._snapshot() as cursor:
            rows = sorted(cursor.execute(statement("sla", "verdict_versions"), asked).fetchall())
            changed: Mapping[int, tuple[int, int]] = {}
            if len(rows) > 1:  # the first calculation has no cause
                changed = {
                    version: (late, conflicting)
                    for version, late, conflicting in cursor.execute(
                        statement("sla", "verdict_causes"), asked
                    ).fetchall()
                }
        found: list[MonthVersion] = []
        earlier: Mapping[str, object] | None = None
        for number, at_us, reason, payload in rows:
            body = json.loads(payload)
            late, conflicting = changed.get(number, (0, 0))
            start_s = parse_instant(body["period"]["start"])
            end_s = parse_instant(body["period"]["end"])
            if any(own.start_s <= start_s and end_s <= own.end_s for own in owns):
                found.append(
                    MonthVersion(
                        version=number,
                        calculated_at_s=at_us // MICROSECONDS,
                        complete_up_to=body["complete_up_to"],
                        reason=reason,
                        causes=_told(earlier, body, late, conflicting, internal=scope.internal),
                        before=None if earlier is None else _numbers(earlier),
                        after=_numbers(body),
                    )
                )
            earlier = body
        return tuple(found)


def _told(
    before: Mapping[str, object] | None,
    after: Mapping[str, object],
    late: int,
    conflicting: int,
    *,
    internal: bool,
) -> tuple[Cause, ...]:
    if before is None:
        return ()
    found = [cause for cause in causes(before, after) if cause.kind != LATE_DATA or not late]
    if late or conflicting:
        counted = f"{late:,} samples came late"
        if conflicting:
            counted += f", {conflicting:,} of them or others in conflict with what was there"
        found.append(Cause(LATE_DATA, counted))
    if internal:
        return tuple(found)
    return tuple(
        cause if cause.shown else replace(cause, what=cause.told, who="") for cause in found
    )


def _numbers(body: Mapping[str, object]) -> Numbers:
    availability, seconds = body["availability"], body["seconds"]
    assert isinstance(availability, dict)  # noqa: S101 - our own payload
    assert isinstance(seconds, dict)  # noqa: S101
    return Numbers(
        str(body["verdict"]), bool(body["final"]), availability["contractual"], Seconds(**seconds)
    )


def version_json(one: MonthVersion) -> dict[str, object]:
    """Return a version as the API answers it; `before` null: the first calculation."""
    return {
        "version": one.version,
        "calculated_at": iso(one.calculated_at_s),
        "complete_up_to": one.complete_up_to,
        "reason": one.reason,
        "causes": [{"kind": c.kind, "what": c.what, "who": c.who or None} for c in one.causes],
        "before": None if one.before is None else _numbers_json(one.before),
        "after": _numbers_json(one.after),
    }


def _numbers_json(one: Numbers) -> dict[str, object]:
    seconds = one.seconds
    return {
        "verdict": one.verdict,
        "final": one.final,
        "availability": one.availability,
        "seconds": {
            "up": seconds.up,
            "down": seconds.down,
            "excluded": seconds.excluded,
            "unmeasured": seconds.unmeasured,
        },
    }
