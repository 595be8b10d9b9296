"""Outages: from the onset of down to its end (DESIGN 1). Pure."""

import hashlib
from collections.abc import Sequence

from linksla.clock import MICROSECONDS
from sla.answers import AttributionAnswer, Bucket, ExclusionAnswer, Outage
from sla.attributions import Act, Attribution, Reclassification, bears_on, in_force
from sla.history import History
from sla.json import attribution_json
from sla.judged import JudgedRun, OutageRange, outage_ranges

MAINTENANCE = "maintenance"  # all that was down in it is excluded by windows
_EXCLUDING = (Attribution.CUSTOMER, Attribution.FORCE_MAJEURE)


def outage_id(circuit_id: str, onset_s: int) -> str:
    """Return an id that stays the same as long as circuit and onset do."""
    return hashlib.sha256(f"{circuit_id}\n{onset_s}".encode()).hexdigest()[:12]


def outages_in(
    circuit_id: str,
    runs: Sequence[JudgedRun],
    start_s: int,
    end_s: int,
    known: Sequence[Reclassification] = (),
) -> tuple[Outage, ...]:
    """Return the outages that touch [start_s, end_s), with their seconds within it.

    `known` is what people said about the circuit's outages.
    """
    return tuple(
        _answer(circuit_id, runs, outage, start_s, end_s, known)
        for outage in outage_ranges(runs)
        if max(outage.start_s, start_s)
        < min(end_s, end_s if outage.end_s is None else outage.end_s)
    )


def _answer(
    circuit_id: str,
    runs: Sequence[JudgedRun],
    outage: OutageRange,
    start_s: int,
    end_s: int,
    known: Sequence[Reclassification],
) -> Outage:
    lower = max(outage.start_s, start_s)
    upper = end_s if outage.end_s is None else min(outage.end_s, end_s)
    inside = [run.cut(lower, upper) for run in runs if run.start_s < upper and run.end_s > lower]
    down = sum(run.end_s - run.start_s for run in inside if run.bucket is Bucket.DOWN)
    excluded = sum(run.end_s - run.start_s for run in inside if run.bucket is Bucket.EXCLUDED)
    horizon_s = runs[-1].end_s
    said = [one for one in known if bears_on(one, outage, horizon_s)]
    standing = in_force(said, outage, horizon_s)
    attribution = MAINTENANCE if excluded and not down else Attribution.CARRIER.value
    if standing is not None:
        attribution = standing.proposal.attribution.value
    return Outage(
        outage_id(circuit_id, outage.start_s),
        circuit_id,
        outage.start_s,
        outage.end_s,
        down,
        excluded,
        attribution,
        outage.start_s < start_s,
        tuple(attribution_answer(one) for one in said),
    )


def attribution_answer(one: Reclassification) -> AttributionAnswer:
    """Return a proposal and what became of it, as it is shown."""
    proposal, decided = one.proposal, one.decided
    return AttributionAnswer(
        proposal_id=proposal.proposal_id,
        attribution=proposal.attribution.value,
        standing=one.standing.value,
        proposed_by=proposal.who,
        proposed_at_s=proposal.at_us // MICROSECONDS,
        reason=proposal.reason,
        ticket=proposal.ticket,
        decided_by=None if decided is None else decided.who,
        decided_at_s=None if decided is None else decided.at_us // MICROSECONDS,
        decided_reason=None if decided is None else decided.reason,
    )


def proposal_json(one: Reclassification) -> dict[str, object]:
    """Return a proposal with the outage it is about, as the API and `linksla outage` answer it."""
    proposal = one.proposal
    about: dict[str, object] = {"circuit_id": proposal.circuit_id, "outage_id": proposal.outage_id}
    return about | attribution_json(attribution_answer(one))


def excluded_by_people(part: History, start_s: int, end_s: int) -> list[ExclusionAnswer]:
    """Return the proposals to exclude outages that touch [start_s, end_s), refused ones too."""
    found = []
    for one in part.reclassified:
        proposal = one.proposal
        if proposal.attribution not in _EXCLUDING:
            continue
        pieces = [piece for piece in part.excluded if piece.window_id == proposal.proposal_id]
        seconds = sum(max(0, min(p.end_s, end_s) - max(p.start_s, start_s)) for p in pieces)
        lower, upper = max(proposal.start_s, start_s), min(proposal.end_s, end_s)
        if lower >= upper and not seconds:
            continue
        found.append(
            ExclusionAnswer(
                proposal.proposal_id,
                min([proposal.start_s, *(piece.start_s for piece in pieces)]),
                max([proposal.end_s, *(piece.end_s for piece in pieces)]),
                f"outage {proposal.outage_id}",
                bool(seconds),
                seconds,
                _why(part, one, seconds),
                proposed_by=proposal.who,
                decided_by=None if one.decided is None else one.decided.who,
                is_open=one.is_open,
            )
        )
    return found


def _why(part: History, one: Reclassification, seconds: int) -> str:
    what = one.proposal.attribution.value.replace("_", " ")
    if one.standing is Act.APPROVED:
        terms = part.in_force.contract.exclusions
        excludes = {
            Attribution.CUSTOMER: terms.customer,
            Attribution.FORCE_MAJEURE: terms.force_majeure,
        }
        if not excludes[one.proposal.attribution] and not seconds:
            return f"Refused: the contract does not exclude {what}. {one.history}."
        if not seconds:
            return f"Accepted ({what}), and nothing of it was left to take out. {one.history}."
        return f"Accepted: {what}. {one.history}."
    if one.is_open:
        return f"Not decided: {what}, and nobody else has approved it. {one.history}."
    return f"Refused: {what}. {one.history}."


def open_proposals(part: History, start_s: int, end_s: int) -> tuple[str, ...]:
    """Return the ids of what nobody has decided and what bears on [start_s, end_s)."""
    windows = [decision.window for decision in part.decisions if decision.is_open]
    proposals = [one.proposal for one in part.reclassified if one.is_open]
    return tuple(
        sorted(
            [w.id for w in windows if w.start < end_s and w.end > start_s]
            + [p.proposal_id for p in proposals if p.start_s < end_s and p.end_s > start_s]
        )
    )
