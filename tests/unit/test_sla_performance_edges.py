"""Objectives at their edges: which steps count, which channel is worst, what is printed of it."""

from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest

from linksla.inventory import Bandwidth
from linksla.jitter import JITTER_KINDS
from processors.buckets import DISTRIBUTIONS, METRIC_BITS
from sla.answers import ObjectiveAnswer, Outcome
from sla.contracts import PerformanceTerms
from sla.measures import NOTHING, Observed, Totals, pooled, statistic
from sla.performance import (
    Link,
    judge_performance,
    link_of,
    next_step,
    observed,
    qualifying,
    rollup_seconds,
)
from sla.periods import Period
from sla.telemetry import ChannelRow
from tests.unit.past_bench import Past, runs_of

METRICS = tuple(DISTRIBUTIONS)


def part_of(text: str, start: int, end: int) -> Period:
    (period,) = Past().periods()
    known = replace(period.history, runs=runs_of(text))
    return replace(period, history=known, start_s=start, end_s=end)


@pytest.mark.parametrize(
    ("text", "start", "end", "steps"),
    [
        ("U100", 0, 100, [(0, 100)]),
        ("U100", 5, 97, [(10, 90)]),
        ("U100", 10, 90, [(10, 90)]),
        ("U25 U5 U20 D10 U40", 0, 100, [(0, 50), (60, 100)]),
        ("U25 D5 U25 E5 U15 M5 U20", 0, 100, [(0, 20), (30, 50), (60, 70), (80, 100)]),
        ("U25 D5 U4 D1 U30", 0, 100, [(0, 20), (40, 60)]),
        ("U10 U20 D1 U9 U10", 10, 40, [(10, 30)]),
        ("D10 U30 D10 U20 D5", 40, 50, []),
        ("U11 D9 U10 D1", 1, 20, []),
        ("U20 D1 U19 U20", 30, 40, [(30, 40)]),
    ],
)
def test_a_step_counts_that_lies_wholly_in_time_that_is_up(
    text: str, start: int, end: int, steps: list[tuple[int, int]]
) -> None:
    assert qualifying(part_of(text, start, end), 10) == tuple(steps)


@pytest.mark.parametrize(
    ("text", "start", "end", "begins"),
    [
        ("U100", 0, 97, 90), ("U97", 0, 97, 90), ("U90", 0, 90, 90), ("U50 D35 U12", 0, 97, 90),
        ("U50 D42 U5", 0, 97, 100), ("U50 D47", 0, 97, 100), ("U50 D40", 0, 90, 90),
        ("D50 U20 U27", 0, 97, 90), ("U88 D4 U3 U2", 0, 97, 100), ("U100", 95, 97, 100),
        ("U81 D10 U6", 0, 97, 100), ("D97 U10", 0, 97, 100), ("U90 M7", 0, 97, 100),
    ],
)  # fmt: skip
def test_the_next_step_is_the_first_that_can_still_be_up_wholly(
    text: str, start: int, end: int, begins: int
) -> None:
    assert next_step(part_of(text, start, end), 10) == begins


@pytest.mark.parametrize(("grid", "step"), [(1, 60), (10, 60), (60, 60), (120, 120), (300, 300)])
def test_a_step_is_a_minute_or_a_longer_grid(grid: int, step: int) -> None:
    assert rollup_seconds(Past(circuit={"grid_seconds": grid}).history().circuit) == step


def test_the_bandwidth_is_shared_by_the_channels_that_are_active_then() -> None:
    rows = [
        ChannelRow("C", "a", 1, 0, None), ChannelRow("C", "b", 2, 100, None),
        ChannelRow("C", "c", 3, 0, 200),
    ]  # fmt: skip
    changes = {"bandwidths": (Bandwidth(start=150, mbps=600),), "jitter_kind": "pdv"}
    circuit = Past(circuit=changes).history().circuit

    shares = [link_of(circuit, rows, at).capacity_mbps for at in (0, 99, 100, 199, 200)]

    assert shares == [500, 500, Fraction(1000, 3), 200, 300]
    assert link_of(circuit, rows[:1], 0) == Link(Fraction(1000), "pdv")
    assert link_of(circuit, rows[1:2], 0) == Link(Fraction(1000), "pdv")


def terms(**more: Any) -> PerformanceTerms:
    return PerformanceTerms(
        **({"name": "o", "metric": "jitter", "statistic": "mean", "limit": "8"} | more)
    )


def channel(name: str, metric: str, *values: int, lost: int = 0, counted: bool = True) -> Observed:
    """Return a channel that observed values below 128 of a metric: each is its own bucket."""
    of = Totals(len(values), sum(values), max(values, default=0))
    found = {metric: of}
    counts: dict[int, int] = {}
    for value in values if counted else ():
        counts[value] = counts.get(value, 0) + 1
    latency, loss, jitter = (found.get(one, NOTHING) for one in ("latency", "loss", "jitter"))
    return Observed(
        name, latency.count, latency.total, latency.greatest, lost, loss.count, loss.total,
        loss.greatest, counts if metric == "latency" else {}, jitter.count, jitter.total,
        jitter.greatest, found if metric.startswith("throughput") else {},
        {} if metric == "latency" else {metric: counts},
    )  # fmt: skip


def judged(asked: PerformanceTerms, *many: Observed, **more: Any) -> ObjectiveAnswer:
    return judge_performance(asked, many, **({"is_open": False} | more))


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize(
    ("more", "better", "worse", "actual", "observations"),
    [
        ({}, (0,), (0, 0, 1), "0.001", 3),  # a third of a microsecond, rounded up
        ({}, (1,), (2, 2), "0.002", 2),
        ({"statistic": "maximum"}, (5,), (1, 7), "0.007", 2),
        ({"metric": "latency", "statistic": "p50"}, (5, 6), (6, 7, 9), "0.007", 3),
        ({"metric": "loss"}, (0,), (0, 0, 1), "0.0000004", 3),
        ({"metric": "loss"}, (0, 0, 3), (0, 0, 4), "0.0000014", 3),
        ({"metric": "throughput_rx"}, (9,), (0, 0), "0.000", 2),
        ({"metric": "throughput_rx"}, (10,), (1, 2), "0.000", 2),
    ],
)
def test_the_worst_channel_is_the_one_furthest_on_the_wrong_side(
    turned: bool, more: dict[str, str], better: Any, worse: Any, actual: str, observations: int
) -> None:
    asked = terms(**more)
    many = [channel("good", asked.metric, *better), channel("bad", asked.metric, *worse)]

    answer = judged(asked, *(many[::-1] if turned else many))

    assert (answer.actual, answer.observations) == (actual, observations)
    assert "(bad, the worst channel" in answer.reason


def test_zero_is_a_value_like_another() -> None:
    slow, fast = (
        channel(name, "throughput_rx", *([value] * 2)) for name, value in (("none", 0), ("some", 9))
    )
    one_bit = channel("one", "throughput_rx", 1)
    quick, late = channel("quick", "latency", 0), channel("late", "latency", 1)

    assert "(none," in judged(terms(metric="throughput_rx"), one_bit, slow, fast).reason
    assert "(late," in judged(terms(metric="latency"), quick, late).reason
    assert "(late," in judged(terms(metric="latency"), late, quick).reason


def test_a_channel_that_lost_too_many_is_worse_than_any_that_is_slow() -> None:
    many = [channel("slow", "latency", 100, 100), channel("gone", "latency", 1, lost=9),
            channel("quick", "latency", 1)]  # fmt: skip
    asked = terms(metric="latency", statistic="p95", limit="0.1")

    for order in (many, many[::-1]):
        answer = judged(asked, *order)
        assert (answer.actual, answer.verdict, answer.observations) == (
            "infinity", Outcome.BREACHED, 10,
        )  # fmt: skip
        assert answer.exact is None
    assert judged(asked, many[0], many[2]).verdict is Outcome.MET


@pytest.mark.parametrize(
    ("more", "limit", "value", "verdict"),
    [
        ({}, "0.005", 5, "met"),
        ({}, "0.004999", 5, "breached"),
        ({"metric": "throughput_rx"}, "0.000005", 5, "met"),
        ({"metric": "throughput_rx"}, "0.0000051", 5, "breached"),
        ({"metric": "throughput_rx", "bound": "at_most"}, "0.000005", 5, "met"),
        ({"metric": "throughput_rx", "bound": "at_most"}, "0.0000049", 5, "breached"),
    ],
)
@pytest.mark.parametrize("name", ["mean", "maximum", "p50"])
@pytest.mark.parametrize("is_open", [False, True])
def test_on_the_limit_is_met_and_only_a_greatest_value_is_lost_for_good(
    more: dict[str, str], limit: str, value: int, verdict: str, name: str, is_open: bool
) -> None:
    asked = terms(limit=limit, statistic=name, **more)

    answer = judged(asked, channel("a", asked.metric, value), is_open=is_open)

    if is_open and verdict == "breached" and (name != "maximum" or asked.at_least):
        verdict = "at_risk"
    assert answer.verdict == verdict
    words = ("reaches", "falls short of") if asked.at_least else ("is within", "exceeds")
    assert f" {words[verdict != 'met']} {limit.rstrip('0')}" in answer.reason
    assert (" so far " in answer.reason) is is_open
    assert (answer.error_bound is None) is (name != "p50")
    assert "lost" not in answer.reason


def test_a_share_of_the_bandwidth_has_its_own_unit_places_and_limit() -> None:
    known = {"metric": "throughput_tx", "limit": "0.5", "relative_to_bandwidth": True}
    one = channel("a", "throughput_tx", 100)
    per = Link(Fraction(3, 10_000))  # 300 bit/s

    assert judged(terms(**known), one, link=per).actual == "0.33333"
    assert judged(terms(**known, bound="at_most"), one, link=per).actual == "0.33334"
    assert judged(terms(**known), one, link=per).unit == "of the bandwidth"
    plain = judged(terms(metric="throughput_tx", limit="0.0001"), one, link=per)
    assert (plain.actual, plain.unit, plain.exact) == ("0.000", "Mbit/s", Fraction(1, 10_000))
    unknown = judged(terms(**known), one)
    assert (unknown.verdict, unknown.unit) == (Outcome.NOT_ASSESSABLE, "Mbit/s")
    assert unknown.reason == "The circuit's bandwidth is not known."


def test_a_percentile_needs_every_observation_in_its_counts() -> None:
    whole, apart = channel("a", "jitter", 1, 2), channel("b", "jitter", 3, counted=False)
    asked = terms(statistic="p50")

    assert judged(asked, whole).verdict is Outcome.MET
    missing = judged(asked, whole, apart)
    assert (missing.verdict, missing.observations) == (Outcome.NOT_ASSESSABLE, 2)
    assert missing.reason.startswith("1 of 3 observations are in no distribution")
    assert judged(terms(), whole, apart).verdict is Outcome.MET
    nothing = judged(asked, channel("a", "jitter"))
    assert (nothing.verdict, nothing.observations, nothing.actual) == (
        Outcome.NOT_ASSESSABLE, 0, None,
    )  # fmt: skip
    assert nothing.reason == "No observation lies in time that was up and not excluded."


IPDV, PDV = JITTER_KINDS["ipdv"], JITTER_KINDS["pdv"]


@pytest.mark.parametrize(
    ("meant", "measured", "verdict", "said"),
    [
        (None, None, "met", " Neither contract nor inventory says which of the four kinds of "
         "jitter it is."),
        ("pdv", None, "met", f" The contract means {PDV}; the inventory does not say which it is."),
        (None, "pdv", "met", f" Measured is {PDV}. The contract does not say which it means."),
        ("pdv", "pdv", "met", f" Measured is {PDV}."),
        ("pdv", "ipdv", "not_assessable", f"The contract means {PDV}; the probes measure {IPDV}: "
         "neither can stand for the other."),
    ],
)  # fmt: skip
def test_a_jitter_is_of_the_kind_both_say(
    meant: Any, measured: Any, verdict: str, said: str
) -> None:
    answer = judged(terms(jitter_kind=meant), channel("a", "jitter", 1), link=Link(None, measured))

    assert answer.verdict == verdict
    assert answer.reason.endswith((")." + said) if verdict == "met" else said)
    latency = judged(terms(metric="latency"), channel("a", "latency", 1), link=Link(None, measured))
    assert latency.reason == "latency mean 0.001 ms is within 8 ms (a, the worst channel; n = 1)."


@pytest.mark.parametrize("metric", METRICS)
def test_channels_pooled_are_one_channel_that_observed_it_all(metric: str) -> None:
    many = [channel("a", metric, 3, 9, 4, lost=1), channel("b", metric, 4, 2), channel("c", metric)]

    for order in (many, many[::-1]):
        together = pooled(order)
        assert together.totals(metric) == Totals(5, 22, 9)
        assert dict(together.counts(metric)) == {2: 1, 3: 1, 4: 2, 9: 1}
        assert together.lost_count == 1
        asked = terms(metric=metric, channels="pooled", limit=1)
        assert judged(asked, *order).observations == 5
    assert Observed("a", 0, 0, 0, 0, 0, 0, 0, {}).totals("jitter") == NOTHING


@pytest.mark.parametrize(
    ("metric", "scale"),
    [("latency", 1_000), ("jitter", 1_000), ("loss", 10**6), ("throughput_rx", 10**6),
     ("throughput_tx", 10**6)],
)  # fmt: skip
def test_a_value_is_exact_in_the_contracts_unit(metric: str, scale: int) -> None:
    one = channel("a", metric, 7, 8)

    mean, most = (judged(terms(metric=metric, statistic=s), one) for s in ("mean", "maximum"))

    assert (mean.exact, most.exact) == (Fraction(15, 2 * scale), Fraction(8, scale))


def test_nothing_pooled_is_nothing() -> None:
    found = pooled([])

    assert found == pooled([pooled([])])
    assert all(found.totals(metric) == NOTHING for metric in METRICS)
    assert all(statistic(terms(metric=metric), found) is None for metric in METRICS)
    assert (NOTHING.count, NOTHING.total, NOTHING.greatest) == (0, 0, 0)


def test_what_was_lost_is_counted_beside_what_arrived_and_only_of_latency() -> None:
    late = channel("a", "latency", 1, 2, 3, lost=2)
    noisy = replace(channel("a", "jitter", 1, 2, 3), lost_count=2)

    mean = statistic(terms(metric="latency"), late)
    middle = statistic(terms(metric="latency", statistic="p50"), late)
    other = statistic(terms(statistic="p50"), noisy)

    assert mean is not None
    assert (mean.value, mean.observations, mean.lost) == (Fraction(2, 1000), 3, 2)
    assert middle is not None
    assert (middle.value, middle.observations, middle.lost, middle.counted) == (
        Fraction(3, 1000), 5, 2, 5,
    )  # fmt: skip
    assert other is not None
    assert (other.observations, other.lost, other.counted) == (3, 0, 3)
    assert "n = 5, 2 lost" in judged(terms(metric="latency", statistic="p50"), late).reason
    lost_all = statistic(terms(metric="latency", statistic="p50"), channel("a", "latency", lost=1))
    assert lost_all is not None
    assert (lost_all.value, lost_all.observations) == (None, 1)


def test_what_the_store_has_not_is_zero_and_buckets_stand_by_metric() -> None:
    stored = {DISTRIBUTIONS[name] << METRIC_BITS | 5: 7 + number
              for number, name in enumerate(METRICS)}  # fmt: skip

    found = observed("a", [1, 2, None, 4, 5, 6, None, 8, 9, None], stored, {})

    assert found.totals("latency") == Totals(1, 2, 0)
    assert found.totals("loss") == Totals(5, 6, 0)
    assert found.totals("jitter") == Totals(8, 9, 0)
    assert found.lost_count == 4
    assert [found.counts(name) for name in METRICS] == [{5: 7 + at} for at in range(5)]
