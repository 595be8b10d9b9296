"""What was observed of channels, and statistics of it: exact sums, mergeable counts. Pure.

Whole numbers in the units that are stored: µs, ppm, bit/s. Counts of log buckets merge by adding,
in any order: over polls, channels, days and months.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Final

from processors.buckets import bucket_middle_us
from sla.contracts import PerformanceTerms
from sla.statistics import nearest_rank_bucket

UNITS: Final = {
    "latency": "ms", "jitter": "ms", "loss": "ratio", "throughput_rx": "Mbit/s",
    "throughput_tx": "Mbit/s",
}  # fmt: skip
STORED_UNITS: Final = {
    "latency": "µs", "jitter": "µs", "loss": "ppm", "throughput_rx": "bit/s",
    "throughput_tx": "bit/s",
}  # fmt: skip
SCALES: Final = {
    "latency": 1_000, "jitter": 1_000, "loss": 1_000_000, "throughput_rx": 1_000_000,
    "throughput_tx": 1_000_000,
}  # fmt: skip
"""Stored units to one of the contract's."""

Counts = Mapping[int, int]


@dataclass(frozen=True, slots=True)
class Totals:
    """Observations of one metric: how many, their sum, the greatest."""

    count: int = 0
    total: int = 0
    greatest: int = 0


NOTHING: Final = Totals()


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
    latency_buckets: Counts
    jitter_count: int = 0
    jitter_sum_us: int = 0
    jitter_max_us: int = 0
    throughput: Mapping[str, Totals] = field(default_factory=dict)  # by metric, where asked for
    buckets: Mapping[str, Counts] = field(default_factory=dict)  # of other metrics than latency

    def totals(self, metric: str) -> Totals:
        """Return count, sum and greatest of a metric."""
        match metric:
            case "latency":
                return Totals(self.latency_count, self.latency_sum_us, self.latency_max_us)
            case "jitter":
                return Totals(self.jitter_count, self.jitter_sum_us, self.jitter_max_us)
            case "loss":
                return Totals(self.loss_count, self.loss_sum_ppm, self.loss_max_ppm)
            case _:
                return self.throughput.get(metric, NOTHING)

    def counts(self, metric: str) -> Counts:
        """Return the counts of a metric's buckets."""
        return self.latency_buckets if metric == "latency" else self.buckets.get(metric, {})


@dataclass(frozen=True, slots=True)
class Value:
    """A statistic of what was observed; `value` None: +infinity, too many were lost.

    `counted` is below `observations` where not all of them are in the counts of buckets.
    """

    name: str
    value: Fraction | None
    observations: int
    lost: int
    counted: int


def pooled(observed: Sequence[Observed], name: str = "all channels pooled") -> Observed:
    """Return several channels, or several times of one, as one; everything merges exactly."""
    return Observed(
        name,
        sum(one.latency_count for one in observed),
        sum(one.latency_sum_us for one in observed),
        max((one.latency_max_us for one in observed), default=0),
        sum(one.lost_count for one in observed),
        sum(one.loss_count for one in observed),
        sum(one.loss_sum_ppm for one in observed),
        max((one.loss_max_ppm for one in observed), default=0),
        merged([one.latency_buckets for one in observed]),
        sum(one.jitter_count for one in observed),
        sum(one.jitter_sum_us for one in observed),
        max((one.jitter_max_us for one in observed), default=0),
        {name: _together(name, observed) for name in _names([one.throughput for one in observed])},
        {
            name: merged([one.counts(name) for one in observed])
            for name in _names([one.buckets for one in observed])
        },
    )


def merged(many: Sequence[Counts]) -> dict[int, int]:
    """Return the counts of several as one."""
    found: dict[int, int] = {}
    for counts in many:
        for bucket, count in counts.items():
            found[bucket] = found.get(bucket, 0) + count
    return found


def _names(many: Sequence[Mapping[str, object]]) -> list[str]:
    return sorted({name for one in many for name in one})


def _together(metric: str, observed: Sequence[Observed]) -> Totals:
    many = [one.totals(metric) for one in observed]
    return Totals(
        sum(one.count for one in many),
        sum(one.total for one in many),
        max((one.greatest for one in many), default=0),
    )


def statistic(terms: PerformanceTerms, observed: Observed) -> Value | None:
    """Return a statistic in the objective's unit (ms, ratio, Mbit/s), or None: nothing observed.

    Mean and maximum are over what arrived; in a percentile of latency a lost one is +infinity.
    """
    totals, scale = observed.totals(terms.metric), SCALES[terms.metric]
    lost = observed.lost_count if terms.metric == "latency" else 0
    percentile = terms.percentile
    if percentile is None:
        if not totals.count:
            return None
        exact = Fraction(totals.total, totals.count)
        stored = exact if terms.statistic == "mean" else Fraction(totals.greatest)
        return Value(observed.name, stored / scale, totals.count, lost, totals.count)
    counts = observed.counts(terms.metric)
    counted = sum(counts.values())
    observations = counted if terms.metric == "latency" else totals.count
    bucket = nearest_rank_bucket(counts, lost, percentile)
    if bucket is None:
        return Value(observed.name, None, observations, 0, 0) if observations else None
    value = None if bucket == math.inf else Fraction(bucket_middle_us(int(bucket)), scale)
    return Value(observed.name, value, observations + lost, lost, counted + lost)
