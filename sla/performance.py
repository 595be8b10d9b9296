"""Latency, jitter and loss objectives (DESIGN 7.7).

A channel's rollup step qualifies when it lies wholly in time that is up and not excluded. Sums
are exact integers; percentiles come from merged log-bucket counts, never from percentiles.
"""

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

import duckdb

from linksla.inventory import Circuit
from linksla.sql import statement
from processors.buckets import ERROR_BOUND, bucket_middle_us
from sla.answers import Bucket, ObjectiveAnswer, Outcome
from sla.contracts import PerformanceTerms
from sla.periods import Period
from sla.statistics import nearest_rank_bucket
from sla.telemetry import ChannelRow
from sla.words import decimal_up, plain

ROLLUP_SECONDS: Final = 60
_UNITS: Final = {"latency": "ms", "jitter": "ms", "loss": "ratio"}
_PLACES: Final = {"latency": 3, "jitter": 3, "loss": 7}  # whole µs; five places of a percentage


@dataclass(frozen=True, slots=True)
class Observed:
    """What qualified of one channel, or of several pooled."""

    name: str
    latency_count: int
    latency_sum_us: int
    latency_max_us: int
    lost_count: int
    loss_count: int
    loss_sum_ppm: int
    loss_max_ppm: int
    latency_buckets: Mapping[int, int]
    jitter_count: int = 0
    jitter_sum_us: int = 0
    jitter_max_us: int = 0


@dataclass(frozen=True, slots=True)
class Value:
    """A statistic of what was observed; `value` None: +infinity, too many were lost."""

    name: str
    value: Fraction | None
    observations: int
    lost: int


def rollup_seconds(circuit: Circuit) -> int:
    """Return the step of a circuit's rollups: a minute, or the grid where that is longer."""
    return max(ROLLUP_SECONDS, circuit.grid_seconds)


def qualifying(period: Period, step_seconds: int) -> tuple[tuple[int, int], ...]:
    """Return [from, to) of whole rollup steps that lie wholly in up and not excluded time."""
    joined: list[tuple[int, int]] = []
    for run in period.history.runs:
        lower, upper = max(run.start_s, period.start_s), min(run.end_s, period.end_s)
        if run.bucket is not Bucket.UP or lower >= upper:
            continue
        if joined and joined[-1][1] == lower:
            lower = joined.pop()[0]
        joined.append((lower, upper))
    whole = (
        (-(-lower // step_seconds) * step_seconds, upper // step_seconds * step_seconds)
        for lower, upper in joined
    )
    return tuple((lower, upper) for lower, upper in whole if lower < upper)


def next_step(period: Period, step_seconds: int) -> int:
    """Return where the first step begins that is not complete and will qualify if all goes well."""
    lower = period.end_s
    for run in reversed(period.history.runs):
        if run.end_s < lower or run.bucket is not Bucket.UP:
            break
        lower = max(run.start_s, period.start_s)
    begun, whole = -(-lower // step_seconds), period.end_s // step_seconds
    return max(begun, whole) * step_seconds


@dataclass(frozen=True, slots=True)
class Asked:
    """Rollup steps of some channels: whole steps in `pieces`, [from, to), in order of time."""

    channels: Sequence[ChannelRow]
    pieces: Sequence[tuple[int, int]]
    step_seconds: int


def read_observed(
    cursor: duckdb.DuckDBPyConnection, asked: Sequence[Asked]
) -> list[tuple[Observed, ...]]:
    """Return what qualified of each, by channel; channels without an observation are left out."""
    found: list[tuple[Observed, ...]] = [()] * len(asked)
    wanted = [number for number, one in enumerate(asked) if one.pieces and one.channels]
    if not wanted:
        return found
    parameters = _parameters(asked, wanted)
    buckets: dict[tuple[int, int], dict[int, int]] = {}
    for number, key, bucket, count in cursor.execute(
        statement("sla", "performance_histogram"), parameters
    ).fetchall():
        buckets.setdefault((number, key), {})[bucket] = count
    names = {
        (number, channel.channel_key): channel.channel
        for number in wanted
        for channel in asked[number].channels
    }
    for number, key, *values in cursor.execute(
        statement("sla", "performance_totals"), parameters
    ).fetchall():
        of = (number, key)
        found[number] += (_observed(names[of], values, buckets.get(of, {})),)
    return found


def _parameters(asked: Sequence[Asked], wanted: Sequence[int]) -> dict[str, object]:
    rows = [(number, channel) for number in wanted for channel in asked[number].channels]
    gaps = [
        (number, before[1], after[0])
        for number in wanted
        for before, after in itertools.pairwise(asked[number].pieces)
    ]
    first = {number: asked[number].pieces[0][0] for number in wanted}
    last = {number: asked[number].pieces[-1][1] - asked[number].step_seconds for number in wanted}
    return {
        "ask": [number for number, _ in rows],
        "ask_channel_key": [channel.channel_key for _, channel in rows],
        "ask_first_s": [first[number] for number, _ in rows],
        "ask_last_s": [last[number] for number, _ in rows],
        "gap": [number for number, _, _ in gaps],
        "gap_from_s": [before for _, before, _ in gaps],
        "gap_to_s": [after for _, _, after in gaps],
        "gap_step_s": [asked[number].step_seconds for number, _, _ in gaps],
        "first_s": min(first.values()),
        "last_s": max(last.values()),
    }


def _observed(name: str, values: Sequence[int | None], buckets: Mapping[int, int]) -> Observed:
    n, total, greatest, lost, m, ppm, worst, jitters, jitter_us, jitter_max = (
        value or 0 for value in values
    )
    return Observed(
        name, n, total, greatest, lost, m, ppm, worst, buckets, jitters, jitter_us, jitter_max
    )


def pooled(observed: Sequence[Observed]) -> Observed:
    """Return several channels as one; counts merge exactly."""
    counts: dict[int, int] = {}
    for one in observed:
        for bucket, count in one.latency_buckets.items():
            counts[bucket] = counts.get(bucket, 0) + count
    return Observed(
        "all channels pooled",
        sum(one.latency_count for one in observed),
        sum(one.latency_sum_us for one in observed),
        max((one.latency_max_us for one in observed), default=0),
        sum(one.lost_count for one in observed),
        sum(one.loss_count for one in observed),
        sum(one.loss_sum_ppm for one in observed),
        max((one.loss_max_ppm for one in observed), default=0),
        counts,
        sum(one.jitter_count for one in observed),
        sum(one.jitter_sum_us for one in observed),
        max((one.jitter_max_us for one in observed), default=0),
    )


def statistic(terms: PerformanceTerms, observed: Observed) -> Value | None:
    """Return a statistic in the objective's unit (ms, ratio), or None: nothing was observed.

    Mean and maximum of latency are over what arrived; in a percentile a lost one is +infinity.
    """
    if terms.metric == "loss":
        if not observed.loss_count:
            return None
        ppm = (
            Fraction(observed.loss_sum_ppm, observed.loss_count)
            if terms.statistic == "mean"
            else Fraction(observed.loss_max_ppm)
        )
        return Value(observed.name, ppm / 1_000_000, observed.loss_count, 0)
    if terms.metric == "jitter":
        if not observed.jitter_count:
            return None
        jitter_us = (
            Fraction(observed.jitter_sum_us, observed.jitter_count)
            if terms.statistic == "mean"
            else Fraction(observed.jitter_max_us)
        )
        return Value(observed.name, jitter_us / 1_000, observed.jitter_count, 0)
    count, lost = observed.latency_count, observed.lost_count
    if terms.statistic in ("mean", "maximum"):
        if not count:
            return None
        micros = (
            Fraction(observed.latency_sum_us, count)
            if terms.statistic == "mean"
            else Fraction(observed.latency_max_us)
        )
        return Value(observed.name, micros / 1_000, count, lost)
    percentile = Fraction(terms.statistic.removeprefix("p"))
    bucket = nearest_rank_bucket(observed.latency_buckets, lost, percentile)
    if bucket is None:
        return None
    if bucket == math.inf:
        return Value(observed.name, None, count + lost, lost)
    return Value(observed.name, Fraction(bucket_middle_us(int(bucket)), 1_000), count + lost, lost)


def judge_performance(
    terms: PerformanceTerms, observed: Sequence[Observed], *, is_open: bool
) -> ObjectiveAnswer:
    """Return the verdict of one objective: the worst channel's, or that of all pooled.

    In an open month only a maximum can be breached for good: a mean or a percentile beyond its
    limit may still come back, and is at risk.
    """
    groups = [pooled(observed)] if terms.channels == "pooled" else observed
    values = [value for one in groups if (value := statistic(terms, one)) is not None]
    unit, places = _UNITS[terms.metric], _PLACES[terms.metric]
    error = ERROR_BOUND if terms.statistic.startswith("p") else None
    if not values:
        return ObjectiveAnswer(
            terms.name, plain(terms.limit), None, unit, Outcome.NOT_ASSESSABLE,
            "No observation lies in time that was up and not excluded.", 0, error,
        )  # fmt: skip
    worst = max(values, key=lambda one: (one.value is None, one.value or Fraction(0)))
    met = worst.value is not None and worst.value <= terms.limit
    lasting = not is_open or terms.statistic == "maximum"
    outcome = Outcome.MET if met else Outcome.BREACHED if lasting else Outcome.AT_RISK
    actual = "infinity" if worst.value is None else decimal_up(worst.value, places)
    which = worst.name if terms.channels == "pooled" else f"{worst.name}, the worst channel"
    text = (
        f"{terms.metric} {terms.statistic} {actual} {unit}{' so far' if is_open else ''} "
        f"{'is within' if met else 'exceeds'} {plain(terms.limit)} {unit} ({which}; "
        f"n = {worst.observations:,}{f', {worst.lost:,} lost' if worst.lost else ''})."
    )
    return ObjectiveAnswer(
        terms.name, plain(terms.limit), actual, unit, outcome, text, worst.observations, error,
        worst.value,
    )  # fmt: skip
