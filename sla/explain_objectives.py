"""How latency, jitter and loss objectives came to their values: what qualified, by channel."""

from collections.abc import Sequence
from fractions import Fraction

from linksla.inventory import Circuit
from processors.buckets import bucket_bounds
from sla.answers import ObjectiveAnswer
from sla.contracts import PerformanceTerms
from sla.explanation import ChannelValue, ObjectiveExplained
from sla.measures import STORED_UNITS, UNITS, Observed, pooled, statistic
from sla.performance import link_of, qualifying, rollup_seconds
from sla.periods import Period
from sla.statistics import rank_of
from sla.telemetry import Telemetry
from sla.words import decimal_down, decimal_up, plain


def explain_objectives(
    observed: Sequence[Observed],
    facts: Telemetry,
    circuit: Circuit,
    period: Period,
    answers: Sequence[ObjectiveAnswer],
) -> tuple[ObjectiveExplained, ...]:
    """Return each measured objective, in the contract's order; `observed` is what it followed from.

    Values of channels are rounded towards breach, as the answer is.
    """
    terms = period.history.in_force.contract.objectives
    if not terms:
        return ()
    step = rollup_seconds(circuit)
    pieces = qualifying(period, step)
    seconds = sum(upper - lower for lower, upper in pieces)
    said = (
        f"{seconds // step:,} whole steps of {step} s that were up and not excluded: {seconds:,} s "
        f"of the {period.end_s - period.start_s:,} s, in {len(pieces):,} pieces"
    )
    reasons = {one.name: one.reason for one in answers}
    capacity = link_of(circuit, facts.channels[circuit.id], period.end_s - 1).capacity_mbps
    return tuple(
        ObjectiveExplained(
            one.name,
            reasons.get(one.name, ""),
            seconds,
            said,
            tuple(
                _value(one, group, capacity)
                for group in ([pooled(observed)] if one.channels == "pooled" else observed)
            ),
        )
        for one in terms
    )


def _value(terms: PerformanceTerms, observed: Observed, capacity: Fraction | None) -> ChannelValue:
    found = statistic(terms, observed)
    if found is None:
        return ChannelValue(observed.name, None, 0, 0, "nothing was observed")
    value, how = "infinity", _working(terms, observed)
    if found.value is not None:
        value = f"{_trimmed(found.value, down=terms.at_least)} {UNITS[terms.metric]}"
        if terms.relative_to_bandwidth and capacity is not None:
            share = _trimmed(found.value / capacity, down=terms.at_least)
            how += f"; {share} of the channel's even share of the bandwidth, {plain(capacity)} "
            how += UNITS[terms.metric]
    return ChannelValue(observed.name, value, found.observations, found.lost, how)


def _trimmed(value: Fraction, *, down: bool) -> str:
    """Return at most seven places, without zeros at the end."""
    text = decimal_down(value, 7) if down else decimal_up(value, 7)
    return text.rstrip("0").rstrip(".")


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
