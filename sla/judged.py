"""Runs in buckets, with what is excluded taken out, and the outages in them. Pure."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Final

from sla.answers import Bucket
from sla.boundaries import State
from sla.exclusions import Excluded
from sla.runs import AvailabilityRun


@dataclass(frozen=True, slots=True)
class JudgedRun:
    """A run of seconds in one bucket; `as_experienced` is what they are with nothing excluded."""

    start_s: int
    end_s: int
    bucket: Bucket
    as_experienced: Bucket
    bad: bool  # the circuit's state, whatever the n-consecutive rule made of it

    def cut(self, start_s: int, end_s: int) -> "JudgedRun":
        """Return the part within [start_s, end_s), which must not be empty."""
        return JudgedRun(
            max(self.start_s, start_s), min(self.end_s, end_s), self.bucket, self.as_experienced,
            self.bad,
        )  # fmt: skip


_ENDS: Final = attrgetter("end_s")


def since(runs: Sequence[JudgedRun], start_s: int) -> Sequence[JudgedRun]:
    """Return the runs, which are in order, that end after an instant: a month of a long past."""
    if not runs or runs[0].end_s > start_s:
        return runs
    return runs[bisect_right(runs, start_s, key=_ENDS) :]


def in_buckets(
    runs: Sequence[AvailabilityRun], excluded: Sequence[Excluded], start_s: int, end_s: int
) -> tuple[JudgedRun, ...]:
    """Return availability with the excluded seconds taken out, cut to [start_s, end_s)."""
    if not excluded and start_s < end_s:
        return tuple(
            JudgedRun(
                max(run.start_s, start_s), min(run.end_s, end_s), run.availability,
                run.availability, run.state is State.BAD,
            )
            for run in runs
            if run.start_s < end_s and run.end_s > start_s
        )  # fmt: skip
    found: list[JudgedRun] = []
    position = 0

    def add(lower: int, upper: int, run: AvailabilityRun, taken_out: bool) -> None:
        lower, upper = max(lower, start_s), min(upper, end_s)
        if lower < upper:
            bucket = Bucket.EXCLUDED if taken_out else run.availability
            bad = run.state is State.BAD
            found.append(JudgedRun(lower, upper, bucket, run.availability, bad))

    for run in runs:
        at = run.start_s
        while position < len(excluded) and excluded[position].end_s <= at:
            position += 1
        number = position
        while number < len(excluded) and excluded[number].start_s < run.end_s:
            lower, upper = max(at, excluded[number].start_s), min(run.end_s, excluded[number].end_s)
            add(at, lower, run, False)
            add(lower, upper, run, True)
            at = upper
            number += 1
        add(at, run.end_s, run, False)
    return tuple(found)


@dataclass(frozen=True, slots=True)
class OutageRange:
    """From the onset of down to the end of its last down second; `end_s` None: still down."""

    start_s: int
    end_s: int | None


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
