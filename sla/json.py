"""The API's body of a month: DESIGN 9's example, keys and order; further keys come after."""

from linksla.clock import iso
from sla.answers import (
    AttributionAnswer,
    ExclusionAnswer,
    MonthAnswer,
    ObjectiveAnswer,
    Outage,
    Segment,
)
from sla.outage_figures import figures_json
from sla.spending import budget_json

Json = dict[str, object]


def to_json(answer: MonthAnswer, *, commercial: bool) -> Json:
    """Return a month as the API answers it; a field without a right (credit) is absent."""
    body: Json = {
        "circuit_id": answer.circuit_id,
        "month": answer.month,
        "timezone": answer.timezone,
        "period": {
            "start": iso(answer.start_s),
            "end": iso(answer.end_s),
            "seconds": answer.end_s - answer.start_s,
        },
        "complete_up_to": iso(answer.complete_up_to_s),
        "final": answer.final,
        "calculation_version": answer.calculation_version,
        "report_version": answer.report_version,
        "segments": [
            {
                "contract": {"id": segment.contract_id, "version": segment.contract_version},
                "start": iso(segment.start_s),
                "end": iso(segment.end_s),
                **_segment(segment, commercial=commercial),
            }
            for segment in answer.segments
        ],
        "seconds": {
            "up": answer.seconds.up,
            "down": answer.seconds.down,
            "excluded": answer.seconds.excluded,
            "unmeasured": answer.seconds.unmeasured,
        },
        "as_experienced_seconds": {
            "up": answer.as_experienced.up,
            "down": answer.as_experienced.down,
            "unmeasured": answer.as_experienced.unmeasured,
        },
        "bad_but_not_down_seconds": answer.bad_but_not_down_seconds,
        "coverage": answer.coverage,
        "availability": {
            "contractual": answer.availability_contractual,
            "as_experienced": answer.availability_as_experienced,
            "formula": answer.availability_formula,
            "bounds": list(answer.availability_bounds),
        },
        "objectives": [_objective(one) for one in answer.objectives],
    }
    if commercial:
        body["credit"] = _credit(answer)
    body |= {
        "budget": _budget(answer),
        "outages": [outage_json(one) for one in answer.outages],
        "exclusions": [exclusion_json(one) for one in answer.exclusions],
        "outage_figures": answer.outage_figures and figures_json(answer.outage_figures),
        "month_end": iso(answer.month_end_s),
        "sentence": answer.sentence,
        "verdict": answer.verdict.value,
        "working": answer.availability_working,
        "open_proposals": list(answer.open_proposals),
    }
    return body


def _segment(segment: Segment, *, commercial: bool) -> Json:
    """Return what a segment was held to, by itself."""
    body: Json = {
        "bandwidth_mbps": segment.bandwidth_mbps,
        "owners": [
            {"customer_id": one.customer_id, "start": iso(one.start_s), "end": iso(one.end_s)}
            for one in segment.owners
        ],
        "share": segment.share,
        "down_seconds": segment.down_seconds,
        "allowed_seconds": segment.allowed_seconds,
        "availability": segment.availability,
        "target": segment.target,
        "verdict": None if segment.verdict is None else segment.verdict.value,
    }
    if commercial:
        body["credit"] = {"percent": segment.credit_percent, "reason": segment.credit_reason}
        body["charge"] = segment.charge
        body["price"] = segment.price
    return body


def _budget(answer: MonthAnswer) -> Json:
    if answer.budget is not None:
        return budget_json(answer.budget)
    return {
        "allowed_seconds": answer.budget_allowed_seconds,
        "left_seconds": answer.budget_left_seconds,
    }


def _credit(answer: MonthAnswer) -> Json:
    """Return the credit; amount and claim only where a price, or a deadline, is known."""
    body: Json = {"percent": answer.credit_percent, "reason": answer.credit_reason}
    if answer.credit_amount is not None:
        body |= {
            "amount": answer.credit_amount,
            "currency": answer.credit_currency,
            "issued": answer.credit_issued,
            "working": answer.credit_working,
        }
    if answer.credit_terms is not None:
        body["terms"] = {
            "cap_percent": answer.credit_terms.cap_percent,
            "minimum_amount": answer.credit_terms.minimum_amount,
            "claim_within_days": answer.credit_terms.claim_within_days,
        }
    if answer.credit_claim_by_s is not None:
        body["claim_by"] = iso(answer.credit_claim_by_s)
    return body


def outage_json(outage: Outage) -> Json:
    """Return an outage; `end` null: still down."""
    return {
        "id": outage.outage_id,
        "start": iso(outage.start_s),
        "end": None if outage.end_s is None else iso(outage.end_s),
        "down_seconds": outage.down_seconds,
        "excluded_seconds": outage.excluded_seconds,
        "attribution": outage.attribution,
        "carried_in": outage.carried_in,
        "attributions": [attribution_json(one) for one in outage.attributions],
    }


def attribution_json(one: AttributionAnswer) -> Json:
    """Return what was proposed about an outage, and what another decided; nulls: nobody has."""
    return {
        "id": one.proposal_id,
        "attribution": one.attribution,
        "standing": one.standing,
        "ticket": one.ticket,
        "reason": one.reason,
        "proposed_by": one.proposed_by,
        "proposed_at": iso(one.proposed_at_s),
        "decided_by": one.decided_by,
        "decided_at": None if one.decided_at_s is None else iso(one.decided_at_s),
        "decided_reason": one.decided_reason,
    }


def exclusion_json(exclusion: ExclusionAnswer) -> Json:
    """Return a maintenance record as it bears on the range, refused ones with the reason."""
    return {
        "id": exclusion.exclusion_id,
        "start": iso(exclusion.start_s),
        "end": iso(exclusion.end_s),
        "scope": exclusion.scope,
        "accepted": exclusion.accepted,
        "seconds": exclusion.seconds,
        "reason": exclusion.reason,
        "proposed_by": exclusion.proposed_by,
        "decided_by": exclusion.decided_by,
        "open": exclusion.is_open,
        "shown": exclusion.shown,
    }


def _objective(objective: ObjectiveAnswer) -> Json:
    body: Json = {
        "name": objective.name,
        "target": objective.target,
        "actual": objective.actual,
        "verdict": objective.verdict.value,
        "reason": objective.reason,
        "unit": objective.unit,
    }
    if objective.observations is not None:
        body["observations"] = objective.observations
    if objective.error_bound is not None:
        body["error_bound"] = objective.error_bound
    return body
