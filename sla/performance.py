"""Latency, jitter, loss and throughput objectives (DESIGN 7.7).

A channel's rollup step qualifies when it lies wholly in time that is up and not excluded. Sums
are exact integers; percentiles come from merged log-bucket counts, never from percentiles.
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Final

import duckdb

from linksla.inventory import Circuit
from linksla.jitter import JITTER_KINDS, JitterKind
from linksla.sql import statement
from processors.buckets import DISTRIBUTIONS, ERROR_BOUND, split_bucket
from sla.answers import Bucket, ObjectiveAnswer, Outcome
from sla.contracts import PerformanceTerms
from sla.judged import since
from sla.measures import UNITS, Observed, Totals, Value, pooled, statistic
from sla.periods import Period
from sla.telemetry import ChannelRow
from sla.words import decimal_down, decimal_up, plain

ROLLUP_SECONDS: Final = 60
_METRICS: Final = {number: metric for metric, number in DISTRIBUTIONS.items()}


def rollup_seconds(circuit: Circuit) -> int:
    """Return the step of a circuit's rollups: a minute, or the grid where that is longer."""
    return max(ROLLUP_SECONDS, circuit.grid_seconds)


def qualifying(period: Period, step_seconds: int) -> tuple[tuple[int, int], ...]:
    """Return [from, to) of whole rollup steps that lie wholly in up and not excluded time."""
    joined: list[tuple[int, int]] = []
    for run in since(period.history.runs, period.start_s):
        if run.start_s >= period.end_s:
            break
        lower, upper = max(run.start_s, period.start_s), min(run.end_s, period.end_s)
        if run.bucket is not Bucket.UP or lower >= upper:
            continue
        if joined and joined[-1][1] == lower:
            lower = joined.pop()[0]
        joined.append((lower, upper))
    whole = [
        (-(-lower // step_seconds) * step_seconds, upper // step_seconds * step_seconds)
        for lower, upper in joined
    ]
    return tuple([piece for piece in whole if piece[0] < piece[1]])


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
    throughput: bool = False  # whether its sums are wanted too: rx and tx cost as much as the rest


def bearing(asked: Sequence[Asked]) -> list[int]:
    """Return the numbers of the questions that bear on any step."""
    return [number for number, one in enumerate(asked) if one.pieces and one.channels]


def read_observed(
    cursor: duckdb.DuckDBPyConnection, asked: Sequence[Asked]
) -> list[tuple[Observed, ...]]:
    """Return what qualified of each, by channel; channels without an observation are left out."""
    found: list[tuple[Observed, ...]] = [()] * len(asked)
    if not (wanted := bearing(asked)):
        return found
    parameters = _parameters(asked, wanted)
    buckets: dict[tuple[int, int], dict[int, int]] = {}
    for number, key, bucket, count in cursor.execute(
        statement("sla", "performance_histogram"), parameters
    ).fetchall():
        buckets.setdefault((number, key), {})[bucket] = count
    throughput = read_throughput(cursor, asked, wanted)
    names = {
        (number, channel.channel_key): channel.channel
        for number in wanted
        for channel in asked[number].channels
    }
    for number, key, *values in cursor.execute(
        statement("sla", "performance_totals"), parameters
    ).fetchall():
        of = (number, key)
        one = observed(names[of], values, buckets.get(of, {}), throughput.get(of, {}))
        found[number] += (one,)
    return found


def read_throughput(
    cursor: duckdb.DuckDBPyConnection, asked: Sequence[Asked], wanted: Sequence[int]
) -> dict[tuple[int, int], dict[str, Totals]]:
    """Return the sums of throughput by question and channel, of those that want them."""
    wanted = [number for number in wanted if asked[number].throughput]
    if not wanted:
        return {}
    rows = cursor.execute(
        statement("sla", "performance_throughput"), _parameters(asked, wanted)
    ).fetchall()
    return {
        (number, key): {
            "throughput_rx": Totals(rx_n, int(rx_sum), rx_max or 0),
            "throughput_tx": Totals(tx_n, int(tx_sum), tx_max or 0),
        }
        for number, key, rx_n, rx_sum, rx_max, tx_n, tx_sum, tx_max in rows
    }


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


def observed(
    name: str,
    values: Sequence[int | None],
    stored: Mapping[int, int],
    throughput: Mapping[str, Totals],
) -> Observed:
    """Return what was read of one channel; `stored` are counts of buckets as the table has them."""
    n, total, greatest, lost, m, ppm, worst, jitters, jitter_us, jitter_max = (
        value or 0 for value in values
    )
    counts: dict[str, dict[int, int]] = {}
    for bucket, count in stored.items():
        number, within = split_bucket(bucket)
        counts.setdefault(_METRICS[number], {})[within] = count
    latency = counts.pop("latency", {})
    return Observed(
        name, n, total, greatest, lost, m, ppm, worst, latency, jitters, jitter_us, jitter_max,
        throughput, counts,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Link:
    """What of a circuit an objective may depend on."""

    capacity_mbps: Fraction | None = None  # a channel's even share of the bandwidth
    jitter_kind: JitterKind | None = None  # which of the four its probes measure


_ANY_LINK: Final = Link()


def link_of(circuit: Circuit, channels: Sequence[ChannelRow], second: int) -> Link:
    """Return a circuit as it is at an instant: the bandwidth is shared by what is active then."""
    active = 0
    for one in channels:
        if one.active_from_s <= second and (one.active_to_s is None or second < one.active_to_s):
            active += 1
    return _link(circuit.bandwidth_at(second), max(active, 1), circuit.jitter_kind)


@lru_cache(1_024)
def _link(mbps: int, channels: int, jitter_kind: JitterKind | None) -> Link:
    return Link(Fraction(mbps, channels), jitter_kind)


def judge_performance(
    terms: PerformanceTerms,
    observed: Sequence[Observed],
    *,
    is_open: bool,
    link: Link = _ANY_LINK,
) -> ObjectiveAnswer:
    """Return the verdict of one objective: the worst channel's, or that of all pooled.

    In an open month only a greatest value beyond its limit is breached for good: a mean, a
    percentile or a least value may still come back, and is at risk.
    """
    groups = [pooled(observed)] if terms.channels == "pooled" else observed
    values = [value for one in groups if (value := statistic(terms, one)) is not None]
    unit, share = UNITS[terms.metric], Fraction(1)
    if terms.relative_to_bandwidth and link.capacity_mbps is not None:
        unit, share = "of the bandwidth", link.capacity_mbps
    error = None if terms.percentile is None else ERROR_BOUND
    why_not = _not_assessable(terms, values, link)
    if why_not:
        return ObjectiveAnswer(
            terms.name, plain(terms.limit), None, unit, Outcome.NOT_ASSESSABLE, why_not,
            max((one.observations for one in values), default=0), error,
        )  # fmt: skip
    worst = _worst(terms, values)
    reached = None if worst.value is None else worst.value / share
    if terms.at_least:
        met = reached is not None and reached >= terms.limit
        said = "reaches" if met else "falls short of"
    else:
        met = reached is not None and reached <= terms.limit
        said = "is within" if met else "exceeds"
    lasting = not is_open or (terms.statistic == "maximum" and not terms.at_least)
    outcome = Outcome.MET if met else Outcome.BREACHED if lasting else Outcome.AT_RISK
    actual = _printed(terms, reached)
    which = worst.name if terms.channels == "pooled" else f"{worst.name}, the worst channel"
    text = (
        f"{terms.metric.replace('_', ' ')} {terms.statistic} {actual} {unit}"
        f"{' so far' if is_open else ''} {said} {plain(terms.limit)} {unit} ({which}; "
        f"n = {worst.observations:,}{f', {worst.lost:,} lost' if worst.lost else ''})."
    )
    return ObjectiveAnswer(
        terms.name, plain(terms.limit), actual, unit, outcome, text + _jitter_words(terms, link),
        worst.observations, error, reached,
    )  # fmt: skip


def _worst(terms: PerformanceTerms, values: Sequence[Value]) -> Value:
    if terms.at_least:
        return min(values, key=lambda one: one.value or Fraction(0))
    return max(values, key=lambda one: (one.value is None, one.value or Fraction(0)))


def _printed(terms: PerformanceTerms, value: Fraction | None) -> str:
    """Return a value rounded towards breach: whole stored units, of ratios five places of a %."""
    if value is None:
        return "infinity"
    places = 7 if terms.metric == "loss" else 5 if terms.relative_to_bandwidth else 3
    return decimal_down(value, places) if terms.at_least else decimal_up(value, places)


def _not_assessable(terms: PerformanceTerms, values: Sequence[Value], link: Link) -> str:
    """Return why an objective cannot be judged; empty where it can."""
    if not values:
        return "No observation lies in time that was up and not excluded."
    missing = sum(one.observations - one.counted for one in values)
    if terms.percentile is not None and missing > 0:
        return (
            f"{missing:,} of {sum(one.observations for one in values):,} observations are in no "
            "distribution: they came before the contract asked for a percentile of them."
        )
    if terms.relative_to_bandwidth and link.capacity_mbps is None:
        return "The circuit's bandwidth is not known."
    meant, measured = terms.jitter_kind, link.jitter_kind
    if meant is not None and measured is not None and meant != measured:
        return (
            f"The contract means {JITTER_KINDS[meant]}; the probes measure "
            f"{JITTER_KINDS[measured]}: neither can stand for the other."
        )
    return ""


def _jitter_words(terms: PerformanceTerms, link: Link) -> str:
    """Return which of the four kinds a jitter is, as far as anybody said."""
    if terms.metric != "jitter":
        return ""
    meant, measured = terms.jitter_kind, link.jitter_kind
    if measured is not None:
        said = " The contract does not say which it means." if meant is None else ""
        return f" Measured is {JITTER_KINDS[measured]}.{said}"
    if meant is not None:
        return f" The contract means {JITTER_KINDS[meant]}; the inventory does not say which it is."
    return " Neither contract nor inventory says which of the four kinds of jitter it is."
