"""What goes outside: CloudEvents 1.0 in JSON. Pure.

`data` is an allow-list (THREATS 3): nothing reaches a message that is not named here, so no price,
credit, user or secret can.
"""

import hashlib
import json
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from alerts.alarms import AlarmChange, Standing
from alerts.conditions import AlarmType, CircuitFacts, Holds
from linksla.clock import MICROSECONDS, iso
from sla.answers import MonthAnswer

TYPE_RAISED: Final = "linksla.alarm.raised"
TYPE_CLEARED: Final = "linksla.alarm.cleared"
TYPE_VERDICT: Final = "linksla.verdict.changed"
CONTENT_TYPE: Final = "application/cloudevents+json; charset=UTF-8"

_RUNBOOKS: Final = {
    AlarmType.CIRCUIT_DOWN: "docs/runbooks.md#circuit_down",
    AlarmType.OBJECTIVE_BREACHED: "docs/runbooks.md#objective_breached",
    AlarmType.COVERAGE_LOST: "docs/runbooks.md#coverage_lost",
    AlarmType.REDUNDANCY_LOST: "docs/runbooks.md#redundancy_lost",
    AlarmType.BUDGET_BURN: "docs/runbooks.md#budget_burn",
    AlarmType.FEED_GAP: "docs/runbooks.md#feed_gap",
    AlarmType.WAL_LARGE: "docs/runbooks.md#wal_large",
    AlarmType.DISK_LOW: "docs/runbooks.md#disk_low",
}


@dataclass(frozen=True, slots=True)
class Message:
    """One row of the outbox: `body` is the CloudEvents JSON, `sequence` its order."""

    id: str
    sequence: int
    subject: str
    type: str
    body: str


@dataclass(frozen=True, slots=True)
class Origin:
    """Who speaks: CloudEvents `source`, and what goes before a page's path in links."""

    source: str
    base_url: str


def message_id(subject: str, version: str, repeat: int = 0) -> str:
    """Return sha256 of subject and version, so that a rebuild makes the same ids.

    `repeat` tells apart the same event announced again after it was taken back.
    """
    parts = [subject, version] if repeat == 0 else [subject, version, repeat]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def alarm_subject(change: AlarmChange) -> str:
    """Return `circuit/DEN-1/circuit_down`, with the qualifier after it where there is one."""
    key = change.alarm.key
    parts = ["circuit", key.circuit_id, key.type.value, *([key.qualifier] if key.qualifier else [])]
    return "/".join(quote(part, safe="") for part in parts)


def alarm_type(change: AlarmChange) -> str:
    """Return the CloudEvents type of a change."""
    return TYPE_RAISED if change.alarm.standing is Standing.RAISED else TYPE_CLEARED


def alarm_version(change: AlarmChange) -> str:
    """Return what tells this announcement from others of the alarm.

    The event, not the revision: a rebuild may see fewer of the revisions, and would then give a
    new event the id of an old one, which the sender would take for delivered.
    """
    sent = "announced" if change.withheld_reason is None else "withheld"
    return f"{change.alarm.standing.value} {change.alarm.event_at_s} {sent}"


def alarm_data(change: AlarmChange, facts: CircuitFacts, origin: Origin) -> dict[str, object]:
    """Return all that ALARMS.md wants in every message, as far as it is known."""
    alarm, summary, judged = change.alarm, facts.summary, change.judged
    raised = alarm.standing is Standing.RAISED
    data: dict[str, object] = {
        "alarm_id": alarm.key.alarm_id,
        "revision": alarm.revision,
        "change": alarm.standing.value,
        "reason": alarm.reason,
        "severity": alarm.severity.value,
        "type": alarm.key.type.value,
        "qualifier": alarm.key.qualifier,
        "circuit_id": alarm.key.circuit_id,
        "customer_id": summary.customer_id,
        "site": summary.site,
        "region": summary.region,
        "channels": {
            "good": summary.channels_good,
            "needed": summary.channels_needed,
            "total": summary.channels_total,
        },
        "event_at": iso(alarm.event_at_s),
        "reported_at": iso(change.reported_at_us // MICROSECONDS),
        "horizon": judged.horizon.value,
        "horizon_at": iso(judged.horizon_s),
        "group_size": 1,
        "link": _link(origin, summary.circuit_id),
        "runbook": _RUNBOOKS[alarm.key.type],
        "speaks_again": "when it is cleared" if raised else "when it is raised again",
    }
    if isinstance(judged.condition, Holds):
        measure = judged.condition.measure
        data |= {"value": measure.value, "threshold": measure.threshold, "unit": measure.unit}
    if summary.month is not None:
        data |= {
            "month": summary.month.month,
            "sla_seconds_lost": summary.month.seconds.down,
            "budget_left_seconds": summary.month.budget_left_seconds,
        }
    return data


def verdict_subject(answer: MonthAnswer) -> str:
    """Return `circuit/DEN-1/month/2025-10`."""
    return f"circuit/{quote(answer.circuit_id, safe='')}/month/{answer.month}"


def verdict_data(
    answer: MonthAnswer, *, reason: str, reported_at_us: int, origin: Origin
) -> dict[str, object]:
    """Return a month's verdict; credits and prices are not for this audience."""
    return {
        "circuit_id": answer.circuit_id,
        "customer_id": answer.customer_id,
        "month": answer.month,
        "verdict": answer.verdict.value,
        "reason": reason,
        "sentence": answer.sentence,
        "calculation_version": answer.calculation_version,
        "final": answer.final,
        "complete_up_to": iso(answer.complete_up_to_s),
        "reported_at": iso(reported_at_us // MICROSECONDS),
        "horizon": "complete",
        "seconds": {
            "up": answer.seconds.up,
            "down": answer.seconds.down,
            "excluded": answer.seconds.excluded,
            "unmeasured": answer.seconds.unmeasured,
        },
        "availability": answer.availability_contractual,
        "coverage": answer.coverage,
        "budget_left_seconds": answer.budget_left_seconds,
        "objectives": [
            {
                "name": objective.name,
                "target": objective.target,
                "actual": objective.actual,
                "unit": objective.unit,
                "verdict": objective.verdict.value,
                "reason": objective.reason,
            }
            for objective in answer.objectives
        ],
        "link": _link(origin, answer.circuit_id),
    }


def node_alarm_data(change: AlarmChange, origin: Origin) -> dict[str, object]:
    """Return what there is to say of an alarm of the node itself: no circuit, no customer."""
    alarm, judged = change.alarm, change.judged
    raised = alarm.standing is Standing.RAISED
    data: dict[str, object] = {
        "alarm_id": alarm.key.alarm_id,
        "revision": alarm.revision,
        "change": alarm.standing.value,
        "reason": alarm.reason,
        "severity": alarm.severity.value,
        "type": alarm.key.type.value,
        "qualifier": alarm.key.qualifier,
        "event_at": iso(alarm.event_at_s),
        "reported_at": iso(change.reported_at_us // MICROSECONDS),
        "group_size": 1,
        "link": f"{origin.base_url}/alarms",
        "runbook": _RUNBOOKS[alarm.key.type],
        "speaks_again": "when it is cleared" if raised else "when it is raised again",
    }
    if isinstance(judged.condition, Holds):
        measure = judged.condition.measure
        data |= {"value": measure.value, "threshold": measure.threshold, "unit": measure.unit}
    return data


def cloud_event(
    *, event_id: str, kind: str, source: str, subject: str, event_at_s: int, data: dict[str, object]
) -> str:
    """Return a CloudEvents 1.0 JSON text with sorted keys."""
    event = {
        "specversion": "1.0",
        "id": event_id,
        "type": kind,
        "source": source,
        "subject": subject,
        "time": iso(event_at_s),
        "datacontenttype": "application/json",
        "data": data,
    }
    return json.dumps(event, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _link(origin: Origin, circuit_id: str) -> str:
    return f"{origin.base_url}/circuits/{quote(circuit_id, safe='')}"
