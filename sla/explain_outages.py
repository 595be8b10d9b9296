"""Why an outage began when it did and ended when it did, and which channels were in it. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from linksla.clock import iso
from sla.answers import Bucket, Outage
from sla.evidence import ChannelEvidence, merged, seconds_of
from sla.explanation import OutageExplained
from sla.judged import JudgedRun, OutageRange, outage_ranges
from sla.outages import outage_id
from sla.periods import Ownership
from sla.words import duration


@dataclass(frozen=True, slots=True)
class Rule:
    """What decides: k channels, n cells, and the grid."""

    needed: int
    consecutive: int
    grid_s: int

    @property
    def decisive_seconds(self) -> int:
        """How long n cells are."""
        return self.consecutive * self.grid_s


def explain_outage(
    answer: Outage,
    runs: Sequence[JudgedRun],
    evidence: Sequence[ChannelEvidence],
    rule: Rule,
    own: Ownership,
    start_s: int,
    end_s: int,
) -> OutageExplained:
    """Explain an outage that touches [start_s, end_s), with its seconds within it."""
    raw = next(
        one
        for one in outage_ranges(runs)
        if outage_id(answer.circuit_id, one.start_s) == answer.outage_id
    )
    lower = max(raw.start_s, start_s)
    upper = end_s if raw.end_s is None else min(raw.end_s, end_s)
    return OutageExplained(
        answer,
        lower,
        upper,
        sum(
            min(run.end_s, upper) - max(run.start_s, lower)
            for run in runs
            if run.bucket is Bucket.UNMEASURED and run.start_s < upper and run.end_s > lower
        ),
        _onset(raw, runs, evidence, rule, own, start_s),
        _ended(raw, runs, rule, own, end_s),
        seconds_of(evidence, lower, upper),
    )


def _onset(
    raw: OutageRange,
    runs: Sequence[JudgedRun],
    evidence: Sequence[ChannelEvidence],
    rule: Rule,
    own: Ownership,
    start_s: int,
) -> str:
    if raw.start_s < own.start_s:
        return "It was down already when this ownership began."
    bad, unknown = _in_a_row(runs, raw.start_s, rule, bad=True)
    said = (
        f"Bad from {iso(raw.start_s)}: {_cells(bad, rule)} in a row ({duration(bad)}); "
        f"{rule.consecutive} in a row make it down, from the first of them."
    )
    if unknown:
        said += f" {duration(unknown)} between them are unknown, which does not break the run."
    if raw.start_s >= start_s:
        (first, *_) = merged(evidence, runs, rule.needed, raw.start_s, raw.start_s + rule.grid_s)
        said += (
            f" In the first cell {first.good} of {first.enabled} channels were good, {first.bad} "
            f"bad, {first.unknown} unknown; {rule.needed} good "
            f"{'one is' if rule.needed == 1 else 'ones are'} needed."
        )
    else:
        said += " It began in an earlier month, which it counts for."
    return said


def _ended(
    raw: OutageRange, runs: Sequence[JudgedRun], rule: Rule, own: Ownership, end_s: int
) -> str:
    if raw.end_s is None:
        last = min(runs[-1].end_s, own.end_s)
        return f"It had not ended at {iso(last)}: no {rule.consecutive} good cells in a row yet."
    if raw.end_s > own.end_s:
        return "It had not ended when this ownership did."
    back = next(
        (run.start_s for run in runs if run.start_s >= raw.end_s and _state(run) == "good"),
        raw.end_s,
    )
    good, _ = _in_a_row(runs, back, rule, bad=False)
    said = f"Good again from {iso(back)}: {_cells(good, rule)} in a row; {rule.consecutive} end it."
    if back > raw.end_s:
        said = f"Its last down second ended at {iso(raw.end_s)}; then nothing is known. {said}"
    if raw.end_s > end_s:
        said += " It goes on into the next month, which its seconds there count for."
    return said


def _state(run: JudgedRun) -> str:
    if run.as_experienced is Bucket.UNMEASURED:
        return "unknown"
    return "bad" if run.bad else "good"


def _in_a_row(runs: Sequence[JudgedRun], from_s: int, rule: Rule, *, bad: bool) -> tuple[int, int]:
    """Return the seconds of a run of bad (or good) cells from an instant, and unknown ones in it.

    Unknown cells neither count nor break it; n or more of them in a row do.
    """
    wanted = "bad" if bad else "good"
    counted, unknown, silent = 0, 0, 0
    for run in runs:
        if run.end_s <= from_s:
            continue
        seconds = run.end_s - max(run.start_s, from_s)
        state = _state(run)
        if state == "unknown":
            silent += seconds
            if silent >= rule.decisive_seconds:
                break
            continue
        if state != wanted:
            break
        unknown, silent = unknown + silent, 0
        counted += seconds
    return counted, unknown


def _cells(seconds: int, rule: Rule) -> str:
    count = seconds // rule.grid_s
    return f"{count:,} {'cell' if count == 1 else 'cells'} of {rule.grid_s} s"
