"""An explanation as the API and `linksla explain --json` answer it; instants with Z."""

from collections.abc import Mapping
from dataclasses import asdict

from linksla.clock import MICROSECONDS, iso
from sla.answers import Seconds
from sla.explanation import (
    ChannelSeconds,
    Clause,
    Closer,
    Explanation,
    ObjectiveExplained,
    OutageExplained,
    Piece,
    SegmentExplained,
    Step,
)
from sla.json import Json, exclusion_json, outage_json, to_json


def explanation_json(found: Explanation) -> Json:
    """Return an explanation; what a reader has no right to is absent (`Explanation.commercial`)."""
    body: Json = {
        "answer": to_json(found.answer, commercial=found.commercial),
        "rule": {
            "channels_needed": found.channels_needed,
            "consecutive": found.consecutive,
            "grid_seconds": found.grid_seconds,
        },
        "steps": [_step(one) for one in found.steps],
        "buckets": [
            {
                "bucket": one.bucket.value,
                "seconds": one.seconds,
                "as_experienced_seconds": one.as_experienced_seconds,
                "pieces_total": one.count,
                "pieces": [piece_json(piece) for piece in one.pieces],
            }
            for one in found.buckets
        ],
        "segments": [_segment(one, commercial=found.commercial) for one in found.segments],
        "outages": [_outage(one) for one in found.outages],
        "exclusions": [
            {
                **exclusion_json(one.answer),
                "pieces": [piece_json(piece) for piece in one.pieces],
                "rest": [asdict(rest) for rest in one.rest],
            }
            for one in found.exclusions
        ],
        "bad_but_not_down": [piece_json(one) for one in found.bad_but_not_down],
        "channels": [_channel(one) for one in found.channels],
        "ledger": [asdict(one) for one in found.ledger],
    }
    if found.commercial:
        body["credit_steps"] = [_step(one) for one in found.credit]
    if found.closer is not None:
        body["closer"] = _closer(found.closer)
    body["statements"] = [
        {"name": one.name, "about": one.about, "sql": one.sql, "parameters": one.parameters}
        for one in found.statements
    ]
    return body


def piece_json(piece: Piece) -> Json:
    """Return a run of seconds of one bucket."""
    return {
        "start": iso(piece.start_s),
        "end": iso(piece.end_s),
        "seconds": piece.seconds,
        "bucket": piece.bucket.value,
        "as_experienced": piece.as_experienced.value,
        "why": piece.why,
        "outage": piece.outage_id,
        "exclusion": piece.exclusion_id,
    }


def _step(step: Step) -> Json:
    return {"key": step.key, "says": step.says, "working": step.working}


def _clause(clause: Clause) -> Json:
    return {"key": clause.key, "text": clause.text, "source": clause.source}


def _seconds(seconds: Seconds) -> Mapping[str, int]:
    return asdict(seconds)


def _segment(one: SegmentExplained, *, commercial: bool) -> Json:
    body: Json = {
        "contract": {
            "id": one.answer.contract_id,
            "version": one.answer.contract_version,
            "title": one.title,
            "source": one.source,
        },
        "start": iso(one.answer.start_s),
        "end": iso(one.answer.end_s),
        "seconds": _seconds(one.seconds),
        "as_experienced_seconds": _seconds(one.as_experienced),
        "steps": [_step(step) for step in one.steps],
        "clauses": [_clause(clause) for clause in one.clauses],
        "objectives": [_objective(objective) for objective in one.objectives],
    }
    if commercial:
        body["commercial"] = [_clause(clause) for clause in one.commercial]
    return body


def _objective(one: ObjectiveExplained) -> Json:
    return {
        "name": one.name,
        "reason": one.reason,
        "qualifying_seconds": one.qualifying_seconds,
        "qualifying": one.qualifying,
        "channels": [asdict(channel) for channel in one.channels],
    }


def _channel(one: ChannelSeconds) -> Json:
    return {
        "channel": one.channel,
        "active_seconds": one.active_seconds,
        "good_seconds": one.good_seconds,
        "bad_seconds": one.bad_seconds,
        "unknown_seconds": one.unknown_seconds,
        "why_bad": one.why_bad,
    }


def _outage(one: OutageExplained) -> Json:
    return {
        **outage_json(one.answer),
        "within": {"start": iso(one.lower_s), "end": iso(one.upper_s), "seconds": one.seconds},
        "unmeasured_seconds": one.unmeasured_seconds,
        "onset": one.onset,
        "ended": one.end,
        "channels": [_channel(channel) for channel in one.channels],
    }


def _closer(closer: Closer) -> Json:
    return {
        "start": iso(closer.start_s),
        "end": iso(closer.end_s),
        "outage": closer.outage_id,
        "moments": [
            {
                "start": iso(one.start_s),
                "end": iso(one.end_s),
                "seconds": one.seconds,
                "channels": {
                    "enabled": one.enabled,
                    "good": one.good,
                    "bad": one.bad,
                    "unknown": one.unknown,
                },
                "state": one.state,
                "as_experienced": one.as_experienced.value,
                "bucket": one.bucket.value,
            }
            for one in closer.moments
        ],
        "spans_total": closer.spans_count,
        "spans": [
            {
                "channel": one.channel,
                "start": iso(one.start_s),
                "end": iso(one.end_s),
                "seconds": one.seconds,
                "state": one.state,
                "evidence": one.evidence,
            }
            for one in closer.spans
        ],
        "sample_counts": [asdict(one) for one in closer.counts],
        "samples": [
            {**asdict(one), "observed_at": instant_us(one.observed_at_us)} for one in closer.samples
        ],
        "next_after": closer.next_after,
    }


def instant_us(at_us: int) -> str:
    """Return an instant as ISO 8601 with Z, to the microsecond where it has any."""
    seconds, rest = divmod(at_us, MICROSECONDS)
    whole = iso(seconds)
    return whole if not rest else f"{whole[:-1]}.{rest:06d}Z"
