"""The API's JSON of everything but a month (that is `sla.json`): plain dicts, instants with Z."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict

import orjson
import sqlalchemy as sa

from linksla.clock import MICROSECONDS, iso
from linksla.decisions import DecisionsStore, audit, reports, tokens
from sla.answers import (
    AlarmAnswer,
    CircuitSummary,
    ExclusionAnswer,
    LedgerLine,
    Line,
    Outage,
    Series,
)
from sla.json import exclusion_json, outage_json
from sla.ledger import LedgerDay
from sla.scope import Scope

Body = Mapping[str, object]


def circuit_body(circuit: CircuitSummary, overdue: Collection[str]) -> Body:
    """Return a circuit as it stands; its month in short, the whole is at `months/`.

    One of those that are `overdue` stood so at `live_to`: since then its samples are missing.
    """
    month = circuit.month
    return {
        "circuit_id": circuit.circuit_id,
        "customer": {"id": circuit.customer_id, "name": circuit.customer_name},
        "site": circuit.site,
        "region": circuit.region,
        "bandwidth_mbps": circuit.bandwidth_mbps,
        "state": circuit.state,
        "state_since": _instant(circuit.state_since_s),
        "channels": {
            "good": circuit.channels_good,
            "total": circuit.channels_total,
            "needed": circuit.channels_needed,
        },
        "complete_up_to": iso(circuit.complete_up_to_s),
        "live_to": iso(circuit.live_to_s),
        "overdue": circuit.circuit_id in overdue,
        "month": month
        and {
            "month": month.month,
            "verdict": month.verdict.value,
            "sentence": month.sentence,
            "availability": {
                "contractual": month.availability_contractual,
                "as_experienced": month.availability_as_experienced,
            },
            "budget": {
                "allowed_seconds": month.budget_allowed_seconds,
                "left_seconds": month.budget_left_seconds,
            },
        },
    }


def series_json(start_s: int, end_s: int, series: Series) -> bytes:
    """Return a metric in [start_s, end_s) as JSON; null where nothing was measured.

    A point is [start, low, middle, high]. The standard library took 6 ms for a month of 4 channels.
    """
    starts = [iso(second) for second in series.starts_s]
    body = {
        "from": iso(start_s),
        "to": iso(end_s),
        "circuit_id": series.circuit_id,
        "metric": series.metric,
        "unit": series.unit,
        "step_seconds": series.step_seconds,
        "limit": series.limit,
        "limit_label": series.limit_label,
        "columns": ["start", "low", "middle", "high"],
        "channels": [{"channel": line.channel, "points": _points(starts, line)}
                     for line in series.lines],
    }  # fmt: skip
    return orjson.dumps(body)  # which writes NaN as null


def _points(starts: Sequence[str], line: Line) -> list[tuple[str, float, float, float]]:
    columns = (line.low.tolist(), line.middle.tolist(), line.high.tolist())
    return list(zip(starts, *columns, strict=True))


def outage_body(outage: Outage) -> Body:
    """Return an outage; `end` null: still down."""
    return {**outage_json(outage), "circuit_id": outage.circuit_id}


def exclusion_body(circuit_id: str, exclusion: ExclusionAnswer) -> Body:
    """Return a record that would take seconds out as it bears on a circuit."""
    body = exclusion_json(exclusion)
    return {**body, "excluded_seconds": body.pop("seconds"), "circuit_id": circuit_id}


def alarm_body(alarm: AlarmAnswer) -> Body:
    """Return an alarm as it stands."""
    return {
        "id": alarm.alarm_id,
        "revision": alarm.revision,
        "circuit_id": alarm.circuit_id or None,
        "customer_id": alarm.customer_id or None,
        "type": alarm.type,
        "qualifier": alarm.qualifier,
        "severity": alarm.severity,
        "condition": alarm.condition,
        "event_at": iso(alarm.event_at_s),
        "reported_at": iso(alarm.reported_at_us // MICROSECONDS),
        "reason": alarm.reason,
    }


def ledger_body(line: LedgerLine) -> Body:
    """Return a line of the ledger."""
    return {
        "kind": line.kind,
        "circuit_id": line.circuit_id,
        "channel": line.channel,
        "day": line.day,
        "count": line.count,
        "detail": line.detail,
    }


def ledger_day_body(day: LedgerDay) -> Body:
    """Return what the ledger holds of a circuit and UTC day."""
    return {
        "circuit_id": day.circuit_id,
        "day": day.day,
        "late": day.late,
        "too_late": day.too_late,
        "duplicate": day.duplicate,
        "conflicting": day.conflicting,
        "rejected": day.rejected,
        "rejected_reasons": dict(day.rejected_reasons),
        "gap": day.gap,
        "verdict_changed": bool(day.verdicts),
        "verdicts": [asdict(one) for one in day.verdicts],
    }


def report_bodies(decisions: DecisionsStore, scope: Scope, *, drafts: bool) -> tuple[Body, ...]:
    """Return the reports of customers in scope, newest month first."""
    query = sa.select(
        reports.c.report_id,
        reports.c.customer_id,
        reports.c.month,
        reports.c.version,
        reports.c.status,
        reports.c.created_at_us,
        reports.c.sha256,
    ).order_by(reports.c.month.desc(), reports.c.customer_id, reports.c.version.desc())
    with decisions.engine.connect() as connection:
        rows = connection.execute(query).all()
    return tuple(
        {
            "id": row.report_id,
            "customer_id": row.customer_id,
            "month": row.month,
            "version": row.version,
            "status": row.status,
            "created_at": iso(row.created_at_us // MICROSECONDS),
            "sha256": row.sha256,
        }
        for row in rows
        if scope.allows(row.customer_id) and (drafts or row.status != "draft")
    )


def audit_bodies(decisions: DecisionsStore) -> tuple[Body, ...]:
    """Return the audit, oldest first, with the hashes that chain it."""
    with decisions.engine.connect() as connection:
        rows = connection.execute(audit.select().order_by(audit.c.number)).all()
    return tuple(
        {
            "number": row.number,
            "at": iso(row.at_us // MICROSECONDS),
            "at_us": row.at_us,
            "who": row.who,
            "action": row.action,
            "object": row.object,
            "detail": row.detail,
            "previous_hash": row.previous_hash,
            "hash": row.hash,
        }
        for row in rows
    )


def token_bodies(decisions: DecisionsStore) -> tuple[Body, ...]:
    """Return all API tokens without their secrets, which nobody has."""
    with decisions.engine.connect() as connection:
        rows = connection.execute(tokens.select().order_by(tokens.c.token_id)).all()
    return tuple(
        {
            "id": row.token_id,
            "name": row.name,
            "role": row.role,
            "customer_id": row.customer_id,
            "expires_at": iso(row.expires_at_us // MICROSECONDS),
            "revoked": row.revoked,
        }
        for row in rows
    )


def _instant(second: int | None) -> str | None:
    return None if second is None else iso(second)
