"""Outages: from the onset of down to its end (DESIGN 1). Pure."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from sla.answers import Bucket, Outage
from sla.judged import JudgedRun

CARRIER = "carrier"
MAINTENANCE = "maintenance"


@dataclass(frozen=True, slots=True)
class OutageRange:
    """From the onset of down to the end of its last down second; `end_s` None: still down."""

    start_s: int
    end_s: int | None


def outage_id(circuit_id: str, onset_s: int) -> str:
    """Return an id that stays the same as long as circuit and onset do."""
    return hashlib.sha256(f"{circuit_id}\n{onset_s}".encode()).hexdigest()[:12]


def outage_ranges(runs: Sequence[JudgedRun]) -> tuple[OutageRange, ...]:
    """Return all outages of a history: unmeasured or excluded seconds inside do not split one."""
    found: list[OutageRange] = []
    onset: int | None = None
    last = 0
    for run in runs:
        if run.as_experienced is Bucket.DOWN:
            onset = run.start_s if onset is None else onset
            last = run.end_s
        elif run.as_experienced is Bucket.UP and onset is not None:
            found.append(OutageRange(onset, last))
            onset = None
    if onset is not None:
        found.append(OutageRange(onset, None))
    return tuple(found)


def outages_in(
    circuit_id: str, runs: Sequence[JudgedRun], start_s: int, end_s: int
) -> tuple[Outage, ...]:
    """Return the outages that touch [start_s, end_s), with their seconds within it."""
    return tuple(
        _answer(circuit_id, runs, outage, start_s, end_s)
        for outage in outage_ranges(runs)
        if max(outage.start_s, start_s)
        < min(end_s, end_s if outage.end_s is None else outage.end_s)
    )


def _answer(
    circuit_id: str, runs: Sequence[JudgedRun], outage: OutageRange, start_s: int, end_s: int
) -> Outage:
    lower = max(outage.start_s, start_s)
    upper = end_s if outage.end_s is None else min(outage.end_s, end_s)
    inside = [run.cut(lower, upper) for run in runs if run.start_s < upper and run.end_s > lower]
    down = sum(run.end_s - run.start_s for run in inside if run.bucket is Bucket.DOWN)
    excluded = sum(run.end_s - run.start_s for run in inside if run.bucket is Bucket.EXCLUDED)
    return Outage(
        outage_id(circuit_id, outage.start_s),
        circuit_id,
        outage.start_s,
        outage.end_s,
        down,
        excluded,
        MAINTENANCE if excluded and not down else CARRIER,
        outage.start_s < start_s,
    )
