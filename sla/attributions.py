"""What people decided an outage is attributed to, and what that does to its seconds. Pure.

Append-only: a proposal, another person's approval or refusal, a revocation, each with who, when
and why. What stands follows from the set of words alone, whatever order they came in. Telemetry
as experienced is never changed by it.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from linksla.clock import MICROSECONDS, iso
from sla.answers import Bucket
from sla.contracts import ExclusionTerms
from sla.exclusions import Excluded
from sla.judged import JudgedRun, OutageRange


class Attribution(StrEnum):
    """Whose an outage is (DESIGN 9, `attribution`)."""

    CARRIER = "carrier"
    CUSTOMER = "customer"  # excluded, if the contract says so
    FORCE_MAJEURE = "force_majeure"  # excluded, if the contract says so
    MEASUREMENT_FAULT = "measurement_fault"  # nothing was down: unmeasured


class Act(StrEnum):
    """What a word does to a proposal."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    REFUSED = "refused"
    REVOKED = "revoked"  # a proposal withdrawn, or an approval taken back


@dataclass(frozen=True, slots=True)
class AttributionWord:
    """One line of what people said; what the outage was seen as stands in the proposal."""

    proposal_id: str
    act: Act
    who: str
    at_us: int
    reason: str
    circuit_id: str = ""  # from here on: of a proposal only
    outage_id: str = ""
    start_s: int = 0  # what the proposer saw of the outage, [start, end)
    end_s: int = 0
    attribution: Attribution = Attribution.CARRIER
    ticket: str | None = None


@dataclass(frozen=True, slots=True)
class Reclassification:
    """A proposal and what became of it; `standing` PROPOSED: nobody has decided."""

    proposal: AttributionWord
    standing: Act
    decided: AttributionWord | None

    @property
    def is_open(self) -> bool:
        """Whether a decision is awaited."""
        return self.standing is Act.PROPOSED

    @property
    def history(self) -> str:
        """Who said what when and why, in words."""
        said = [self.proposal] if self.decided is None else [self.proposal, self.decided]
        return "; ".join(
            f"{word.act.value} by {word.who} {iso(word.at_us // MICROSECONDS)}: {word.reason}"
            for word in said
        )


def proposal_id(outage_id: str, attribution: Attribution, who: str, at_us: int) -> str:
    """Return a short id, safe in an address, the same for the same words."""
    text = json.dumps([outage_id, attribution.value, who, at_us])
    return hashlib.sha256(text.encode()).hexdigest()[:12]


_ORDER: Final = {act: number for number, act in enumerate(Act)}


def reclassifications(words: Iterable[AttributionWord]) -> dict[str, tuple[Reclassification, ...]]:
    """Return what stands by circuit, oldest proposal first; any order of the words gives the same.

    The proposer neither approves nor refuses his own; a refused or revoked proposal stays so.
    """
    found: dict[str, Reclassification] = {}
    for word in sorted(words, key=lambda w: (w.at_us, _ORDER[w.act], w.who, w.proposal_id)):
        if word.act is Act.PROPOSED:
            found.setdefault(word.proposal_id, Reclassification(word, Act.PROPOSED, None))
        elif (one := found.get(word.proposal_id)) and allowed(one, word.act, word.who):
            found[word.proposal_id] = Reclassification(one.proposal, word.act, word)
    by_circuit: dict[str, list[Reclassification]] = {}
    for one in found.values():
        by_circuit.setdefault(one.proposal.circuit_id, []).append(one)
    return {name: tuple(many) for name, many in by_circuit.items()}


def allowed(one: Reclassification, act: Act, who: str) -> bool:
    """Return whether a word may follow: four eyes decide, anybody with the right revokes."""
    if act is Act.REVOKED:
        return one.standing in (Act.PROPOSED, Act.APPROVED)
    return one.is_open and act is not Act.PROPOSED and who != one.proposal.who


def bears_on(one: Reclassification, outage: OutageRange, horizon_s: int) -> bool:
    """Return whether a proposal is about an outage: by time, for late data may move its onset."""
    end_s = horizon_s if outage.end_s is None else outage.end_s
    return one.proposal.start_s < end_s and one.proposal.end_s > outage.start_s


def in_force(
    known: Sequence[Reclassification], outage: OutageRange, horizon_s: int
) -> Reclassification | None:
    """Return the approval that an outage is attributed by: the last one, or None."""
    approved = [
        (one.decided.at_us, one.proposal.proposal_id, one)
        for one in known
        if one.standing is Act.APPROVED and one.decided and bears_on(one, outage, horizon_s)
    ]
    return max(approved, key=lambda item: item[:2])[2] if approved else None


@dataclass(frozen=True, slots=True)
class Ruled:
    """An outage's [start_s, end_s) and the approval it is attributed by."""

    start_s: int
    end_s: int
    by: Reclassification

    def bucket(self, terms: ExclusionTerms, unmeasured: Bucket) -> Bucket:
        """Return where its down seconds go; `unmeasured`: what not measured counts as."""
        match self.by.proposal.attribution:
            case Attribution.MEASUREMENT_FAULT:
                return unmeasured
            case Attribution.CUSTOMER if terms.customer:
                return Bucket.EXCLUDED
            case Attribution.FORCE_MAJEURE if terms.force_majeure:
                return Bucket.EXCLUDED
        return Bucket.DOWN


def ruled(
    known: Sequence[Reclassification], outages: Sequence[OutageRange], horizon_s: int
) -> tuple[Ruled, ...]:
    """Return the outages that are attributed by somebody's word, oldest first."""
    found = []
    for outage in outages if known else ():
        one = in_force(known, outage, horizon_s)
        if one is not None:
            end_s = horizon_s if outage.end_s is None else outage.end_s
            found.append(Ruled(outage.start_s, end_s, one))
    return tuple(found)


def within(rulings: Sequence[Ruled], start_s: int, end_s: int) -> tuple[Ruled, ...]:
    """Return the parts of rulings that lie in [start_s, end_s)."""
    return tuple(
        replace(one, start_s=max(one.start_s, start_s), end_s=min(one.end_s, end_s))
        for one in rulings
        if one.start_s < end_s and one.end_s > start_s
    )


def reattributed(
    runs: Sequence[JudgedRun],
    rulings: Sequence[Ruled],
    terms: ExclusionTerms,
    unmeasured: Bucket = Bucket.UNMEASURED,
) -> tuple[tuple[JudgedRun, ...], tuple[Excluded, ...]]:
    """Return the runs with the down seconds of ruled outages moved, and what is excluded by that.

    Only what still counts as down moves: what maintenance took out stays maintenance's. A
    measurement fault's seconds go to `unmeasured`, and are not excluded.
    """
    pieces = [
        (one.start_s, one.end_s, one.bucket(terms, unmeasured), one.by.proposal.proposal_id)
        for one in rulings
    ]
    found, taken = moved(runs, [piece for piece in pieces if piece[2] is not Bucket.DOWN])
    excluded = {name for _, _, bucket, name in pieces if bucket is Bucket.EXCLUDED}
    return found, tuple(piece for piece in taken if piece.window_id in excluded)


def stopped(
    runs: Sequence[JudgedRun], waits: Sequence[tuple[int, int, str]]
) -> tuple[tuple[JudgedRun, ...], tuple[Excluded, ...]]:
    """Return the runs with the down seconds taken out in which a ticket waits, and for which.

    `waits` are (start, end, id); where they overlap, a second goes to the earliest (start, id).
    """
    pieces: list[tuple[int, int, Bucket, str]] = []
    reached = 0
    for start_s, end_s, name in sorted(waits, key=lambda wait: (wait[0], wait[2])):
        if end_s > reached:
            pieces.append((max(start_s, reached), end_s, Bucket.EXCLUDED, name))
            reached = end_s
    return moved(runs, pieces)


def moved(
    runs: Sequence[JudgedRun], pieces: Sequence[tuple[int, int, Bucket, str]]
) -> tuple[tuple[JudgedRun, ...], tuple[Excluded, ...]]:
    """Return the runs with down seconds inside pieces (disjoint, in order) in another bucket."""
    if not pieces:
        return tuple(runs), ()
    found: list[JudgedRun] = []
    taken: list[Excluded] = []
    position = 0
    for run in runs:
        if run.bucket is not Bucket.DOWN:
            found.append(run)
            continue
        at = run.start_s
        while position < len(pieces) and pieces[position][1] <= at:
            position += 1
        number = position
        while number < len(pieces) and pieces[number][0] < run.end_s:
            start_s, end_s, bucket, name = pieces[number]
            lower, upper = max(at, start_s), min(run.end_s, end_s)
            if at < lower:
                found.append(run.cut(at, lower))
            found.append(replace(run.cut(lower, upper), bucket=bucket))
            taken.append(Excluded(lower, upper, name))
            at = upper
            number += 1
        if at < run.end_s:
            found.append(run.cut(at, run.end_s))
    return tuple(found), tuple(taken)
