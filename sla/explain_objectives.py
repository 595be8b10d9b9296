"""How latency, jitter and loss objectives came to their values: what qualified, by channel."""

from collections.abc import Sequence
from fractions import Fraction

import duckdb

from linksla.inventory import Circuit
from processors.buckets import bucket_bounds
from sla.answers import ObjectiveAnswer
from sla.contracts import PerformanceTerms
from sla.explanation import ChannelValue, ObjectiveExplained
from sla.measures import STORED_UNITS, Observed, pooled, statistic
from sla.performance import (
    Asked,
    qualifying,
    read_observed,
    rollup_seconds,
)
from sla.periods import Period
from sla.statistics import rank_of
from sla.telemetry import ChannelRow
from sla.words import decimal_up


def explain_objectives(
    cursor: duckdb.DuckDBPyConnection,
    channels: Sequence[ChannelRow],
    circuit: Circuit,
    period: Period,
    answers: Sequence[ObjectiveAnswer],
) -> tuple[ObjectiveExplained, ...]:
    """Return each objective other than availability, in the contract's order."""
    terms = period.history.in_force.contract.objectives
    if not terms:
        return ()
    step = rollup_seconds(circuit)
    pieces = qualifying(period, step)
    throughput = any(one.metric.startswith("throughput") for one in terms)
    (observed,) = read_observed(cursor, [Asked(channels, pieces, step, throughput)])
    seconds = sum(upper - lower for lower, upper in pieces)
    said = (
        f"{seconds // step:,} whole steps of {step} s that were up and not excluded: {seconds:,} s "
        f"of the {period.end_s - period.start_s:,} s, in {len(pieces):,} pieces"
    )
    reasons = {one.name: one.reason for one in answers}
    return tuple(
        ObjectiveExplained(
            one.name,
            reasons.get(one.name, ""),
            seconds,
            said,
            tuple(
                _value(one, group)
                for group in ([pooled(observed)] if one.channels == "pooled" else observed)
            ),
        )
        for one in terms
    )


def _value(terms: PerformanceTerms, observed: Observed) -> ChannelValue:
    found = statistic(terms, observed)
    if found is None:
        return ChannelValue(observed.name, None, 0, 0, "nothing was observed")
    value = "infinity" if found.value is None else f"{decimal_up(found.value, 7).rstrip('0')}0"
    if found.value is not None:
        value = _trimmed(found.value)
    return ChannelValue(
        observed.name, value, found.observations, found.lost, _working(terms, observed)
    )


def _trimmed(value: Fraction) -> str:
    """Return at most seven places, rounded up, without zeros at the end."""
    return decimal_up(value, 7).rstrip("0").rstrip(".")


def _working(terms: PerformanceTerms, observed: Observed) -> str:
    unit = STORED_UNITS[terms.metric]
    if terms.statistic == "maximum":
        return "the greatest of all observations"
    if terms.statistic == "mean":
        totals = observed.totals(terms.metric)
        return f"{totals.total:,} {unit} / {totals.count:,}"
    counts, lost = observed.counts(terms.metric), 0
    if terms.metric == "latency":
        lost = observed.lost_count
    observations = sum(counts.values()) + lost
    percentile = Fraction(terms.statistic.removeprefix("p"))
    rank, seen = rank_of(percentile, observations), 0
    said = f"rank ⌈{terms.statistic[1:]} % × {observations:,}⌉ = {rank:,}"
    for bucket in sorted(counts):
        seen += counts[bucket]
        if seen >= rank:
            least, greatest = bucket_bounds(bucket)
            return (
                f"{said}; {seen:,} observations are at most {greatest:,} {unit}, the bucket of "
                f"{least:,} to {greatest:,} {unit} holds the rank, its middle stands for it"
            )
    return f"{said} lies among the {lost:,} lost ones"
