"""Percentiles, throughput and jitter objectives: the error proven, merging proven, by hand too."""

import math
import random
from fractions import Fraction
from pathlib import Path

import duckdb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linksla.jitter import JITTER_KINDS
from linksla.stores import TelemetryStore
from processors.buckets import (
    DISTRIBUTIONS,
    ERROR_BOUND,
    METRIC_BITS,
    bucket_middle_us,
    bucket_of,
    bucket_of_value,
    split_bucket,
)
from sla.answers import MonthAnswer, ObjectiveAnswer, Outcome
from sla.contracts import PerformanceTerms
from sla.measures import SCALES, Observed, Totals, pooled, statistic
from sla.performance import Asked, Link, judge_performance, read_observed
from sla.statistics import nearest_rank, nearest_rank_bucket
from sla.telemetry import ChannelRow
from sla.trials import load_trial, run_case

METRICS = tuple(DISTRIBUTIONS)
GREATEST = {"latency": 2**31 - 1, "jitter": 2**31 - 1, "loss": 10**6,
            "throughput_rx": 10**15, "throughput_tx": 10**15}  # fmt: skip


def terms(**more) -> PerformanceTerms:
    known = {"name": "o", "metric": "jitter", "statistic": "p95", "limit": "8"}
    return PerformanceTerms(**(known | more))


def observed(name: str, **values: list[int]) -> Observed:
    """Return what a node would have counted of some values, by metric; `lost` is a count."""
    found: dict[str, Totals] = {
        metric: Totals(len(many), sum(many), max(many, default=0))
        for metric, many in values.items()
    }
    counts: dict[str, dict[int, int]] = {}
    for metric, many in values.items():
        for value in many:
            of = counts.setdefault(metric, {})
            of[bucket_of(value)] = of.get(bucket_of(value), 0) + 1
    latency, loss, jitter = (
        found.get(metric, Totals()) for metric in ("latency", "loss", "jitter")
    )
    return Observed(
        name, latency.count, latency.total, latency.greatest, 0, loss.count, loss.total,
        loss.greatest, counts.pop("latency", {}), jitter.count, jitter.total, jitter.greatest,
        {metric: found[metric] for metric in found if metric.startswith("throughput")}, counts,
    )  # fmt: skip


@st.composite
def measured(draw) -> tuple[str, list[int]]:
    metric = draw(st.sampled_from(METRICS))
    top = GREATEST[metric]
    powers = st.builds(
        lambda bit, off: min(max(2**bit + off, 0), top), st.integers(0, 50), st.integers(-2, 2)
    )
    values = st.one_of(st.integers(0, top), st.integers(0, min(top, 20_000)), powers)
    return metric, draw(st.lists(values, min_size=1, max_size=200))


PERCENTILES = st.integers(1, 999_999).map(lambda part: Fraction(part, 10_000))


@settings(max_examples=300, deadline=None)
@given(measured(), PERCENTILES)
def test_a_percentile_of_any_metric_is_within_the_printed_bound_of_the_exact_one(
    many: tuple[str, list[int]], percentile: Fraction
) -> None:
    metric, values = many
    exact = nearest_rank(values, percentile)
    wanted = terms(metric=metric, statistic=f"p{float(percentile):.4f}")

    found = statistic(wanted, observed("ch1", **{metric: values}))

    assert found is not None
    assert found.value is not None
    assert wanted.percentile == percentile
    assert (found.observations, found.counted) == (len(values), len(values))
    assert isinstance(exact, int)
    error = abs(found.value * SCALES[metric] - exact)
    assert error <= Fraction(exact, 128) < Fraction(exact, 100) or error == 0
    assert ERROR_BOUND == "≤ 0.79 %"  # 1/128 = 0.78125 %


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2_000_000), st.booleans()), min_size=1), PERCENTILES)
def test_lost_ones_count_as_infinity_in_latency_however_it_is_merged(many, percentile) -> None:
    values = [None if lost else value for value, lost in many]
    counts: dict[int, int] = {}
    for value in values:
        if value is not None:
            counts[bucket_of(value)] = counts.get(bucket_of(value), 0) + 1
    exact = nearest_rank(values, percentile)

    bucket = nearest_rank_bucket(counts, values.count(None), percentile)

    assert (bucket == math.inf) == (exact == math.inf)
    if isinstance(exact, int):
        assert abs(bucket_middle_us(int(bucket or 0)) - exact) <= Fraction(exact, 128)


@st.composite
def spread_out(draw) -> tuple[dict[str, list[int]], list[dict[str, list[int]]]]:
    """Return values by metric, and the same dealt to pieces (channels, days, months) at random."""
    whole = {
        metric: draw(st.lists(st.integers(0, min(GREATEST[metric], 5_000)), max_size=40))
        for metric in METRICS
    }
    pieces: list[dict[str, list[int]]] = [{} for _ in range(draw(st.integers(1, 6)))]
    for metric, values in whole.items():
        for value in values:
            piece = pieces[draw(st.integers(0, len(pieces) - 1))]
            piece.setdefault(metric, []).append(value)
    return whole, draw(st.permutations(pieces))


@settings(deadline=None, max_examples=60)
@given(spread_out(), st.integers(1, 6))
def test_merged_is_what_all_at_once_gives_in_any_order_and_grouping(dealt, cut: int) -> None:
    whole, pieces = dealt
    found = [observed(str(number), **piece) for number, piece in enumerate(pieces)]
    wanted = pooled([observed("all", **whole)])

    at_once = pooled(found)
    in_steps = pooled([pooled(found[:cut]), pooled(found[cut:])])

    for metric in METRICS:
        for one in (at_once, in_steps):
            assert one.totals(metric) == wanted.totals(metric)
            assert dict(one.counts(metric)) == dict(wanted.counts(metric))
            for name in ("mean", "maximum", "p50", "p99.9"):
                asked = terms(metric=metric, statistic=name)
                assert statistic(asked, one) == statistic(asked, wanted)


def test_machine_code_puts_throughput_in_the_buckets_python_does() -> None:
    rng = np.random.default_rng(3)
    powers = [max(2**bit + off, 0) for bit in range(50) for off in range(-2, 3)]
    values = np.array([*powers, 10**15, *rng.integers(0, 10**15, 5_000)], np.int64)

    found = [bucket_of_value(int(value)) for value in values]

    assert found == [bucket_of(int(value)) for value in values]
    assert max(found) < 1 << METRIC_BITS
    assert split_bucket(DISTRIBUTIONS["loss"] << METRIC_BITS | 77) == (2, 77)


STEP = 60


def test_the_store_merges_over_steps_polls_and_months_as_all_at_once() -> None:
    rng = random.Random(11)
    store = TelemetryStore(None)
    store.start()
    rows = [
        (key, day * 86_400 + minute * STEP, metric, rng.randint(0, 4_000))
        for key in (1, 2) for day in (3, 29, 33) for minute in range(0, 1_440, 97)
        for metric in METRICS for _ in range(3)
    ]  # fmt: skip
    rng.shuffle(rows)
    for position in range(0, len(rows), 50):  # polls
        for key, start, metric, value in rows[position : position + 50]:
            insert(store.writer, key, start, metric, value)
    channels = [ChannelRow("X", f"ch{key}", key, 0, None) for key in (1, 2)]
    pieces = [(3 * 86_400, 30 * 86_400), (33 * 86_400, 33 * 86_400 + 50_000 // STEP * STEP)]

    with store.reader() as cursor:
        (both,) = read_observed(cursor, [Asked(channels, pieces, STEP, throughput=True)])
        parts = [
            read_observed(cursor, [Asked(channels, [piece], STEP, throughput=True)])[0]
            for piece in pieces
        ]
    store.close()

    for number, one in enumerate(both):
        key = number + 1
        for metric in METRICS:
            inside = [
                value for of, start, kind, value in rows
                if (of, kind) == (key, metric) and any(a <= start < b for a, b in pieces)
            ]  # fmt: skip
            wanted = observed("", **{metric: inside})
            together = pooled([part[number] for part in parts])
            for found in (one, together):
                assert found.totals(metric) == wanted.totals(metric)
                assert dict(found.counts(metric)) == dict(wanted.counts(metric))


def insert(
    writer: duckdb.DuckDBPyConnection, key: int, start: int, metric: str, value: int
) -> None:
    columns = {name: (0, 0, None) for name in METRICS} | {metric: (1, value, value)}
    latency, jitter, loss, rx, tx = (columns[name] for name in METRICS)
    bucket = DISTRIBUTIONS[metric] << METRIC_BITS | bucket_of(value)
    writer.execute(
        "insert into rollup_parts values (?, ?, 1, ?, ?, null, ?, 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, "
        "?, ?, ?, [?], [1])",
        [key, start, *latency, *jitter, *loss, *rx, *tx, bucket],
    )


MBPS = 1_000_000


def judged(asked: PerformanceTerms, *many: Observed, **more) -> ObjectiveAnswer:
    return judge_performance(asked, many, is_open=False, **more)


def test_throughput_must_not_fall_below_its_limit_and_the_lowest_channel_decides() -> None:
    high = observed("ch1", throughput_rx=[900 * MBPS] * 10)
    low = observed("ch2", throughput_rx=[799 * MBPS, 800 * MBPS, 800 * MBPS])
    mean = terms(metric="throughput_rx", statistic="mean", limit="800")

    worst = judged(mean, high, low)
    together = judged(terms(metric="throughput_rx", statistic="mean", limit="800",
                            channels="pooled"), high, low)  # fmt: skip

    assert (worst.actual, worst.unit, worst.verdict) == ("799.666", "Mbit/s", Outcome.BREACHED)
    assert worst.reason == (
        "throughput rx mean 799.666 Mbit/s falls short of 800 Mbit/s (ch2, the worst channel; "
        "n = 3)."
    )
    assert (together.verdict, together.observations) == (Outcome.MET, 13)


@pytest.mark.parametrize(("limit", "verdict"), [("0.8", Outcome.MET), ("0.81", Outcome.BREACHED)])
def test_throughput_may_be_held_against_a_channels_share_of_the_bandwidth(limit, verdict) -> None:
    asked = terms(metric="throughput_tx", statistic="maximum", limit=limit,
                  relative_to_bandwidth=True)  # fmt: skip

    answer = judged(asked, observed("ch1", throughput_tx=[100, 200 * MBPS]),
                    link=Link(Fraction(1_000, 4)))  # fmt: skip

    assert (answer.actual, answer.unit, answer.verdict) == ("0.80000", "of the bandwidth", verdict)


def test_a_committed_rate_may_be_a_greatest_value_too() -> None:
    asked = terms(metric="throughput_rx", statistic="p95", limit="100", bound="at_most")

    over = judged(asked, observed("ch1", throughput_rx=[90 * MBPS] * 9 + [200 * MBPS]))
    within = judged(asked, observed("ch1", throughput_rx=[90 * MBPS] * 19 + [200 * MBPS]))

    assert (over.verdict, within.verdict) == (Outcome.BREACHED, Outcome.MET)
    assert over.error_bound == ERROR_BOUND


@pytest.mark.parametrize(
    ("metric", "name", "open_outcome"),
    [("throughput_rx", "maximum", Outcome.AT_RISK), ("jitter", "maximum", Outcome.BREACHED),
     ("jitter", "p95", Outcome.AT_RISK), ("throughput_rx", "p5", Outcome.AT_RISK)],
)  # fmt: skip
def test_in_an_open_month_only_a_value_that_cannot_come_back_is_breached(
    metric: str, name: str, open_outcome: Outcome
) -> None:
    limit = "0.001" if metric == "jitter" else "1000"
    one = observed("ch1", **{metric: [5]})

    answer = judge_performance(
        terms(metric=metric, statistic=name, limit=limit), [one], is_open=True
    )

    assert answer.verdict is open_outcome


def test_a_percentile_of_what_was_not_kept_from_the_start_is_not_assessable() -> None:
    one = observed("ch1", jitter=[100] * 10)
    before = Observed("ch1", 0, 0, 0, 0, 0, 0, 0, {}, 5, 500, 100)

    partly, never = judged(terms(), pooled([one, before])), judged(terms(), before)

    assert (partly.verdict, partly.observations) == (Outcome.NOT_ASSESSABLE, 15)
    assert partly.reason == (
        "5 of 15 observations are in no distribution: they came before the contract asked for a "
        "percentile of them."
    )
    assert never.verdict is Outcome.NOT_ASSESSABLE
    assert judged(terms(statistic="mean"), before).verdict is Outcome.MET


def test_each_of_the_four_kinds_of_jitter_is_named_and_never_stands_for_another() -> None:
    one = observed("ch1", jitter=[100] * 10)
    asked = terms(jitter_kind="pdv")

    same = judged(asked, one, link=Link(jitter_kind="pdv"))
    other = judged(asked, one, link=Link(jitter_kind="rfc3550"))
    unsaid = judged(asked, one)
    nobody = judged(terms(), one)

    assert list(JITTER_KINDS) == ["ipdv", "pdv", "rfc3550", "ifdv"]
    assert (same.verdict, same.actual) == (Outcome.MET, "0.100")
    assert same.reason.endswith(f"Measured is {JITTER_KINDS['pdv']}.")
    assert (other.verdict, other.actual) == (Outcome.NOT_ASSESSABLE, None)
    assert "neither can stand for the other" in other.reason
    assert unsaid.reason.endswith(
        f"The contract means {JITTER_KINDS['pdv']}; the inventory does not say which it is."
    )
    assert nobody.reason.endswith("says which of the four kinds of jitter it is.")


CONTRACT = """\
id: c
version: 1
title: T
source: here
timezone: UTC
availability: {target_percent: 99, up_at_least: 1, consecutive: 1}
objectives:
  - {name: jitter, metric: jitter, statistic: p99.7, limit: 2, jitter_kind: ifdv}
  - {name: loss, metric: loss, statistic: p90, limit: 0.001}
  - name: capacity
    metric: throughput_rx
    statistic: p5
    limit: 0.9
    relative_to_bandwidth: true
    channels: pooled
"""
CIRCUIT = "grid_seconds: 60, bandwidth_mbps: 1000, jitter_kind: ifdv"


def month(folder: Path, measured: str, circuit: str = CIRCUIT) -> MonthAnswer:
    (folder / "c.yaml").write_text(CONTRACT)
    path = folder / "cases.yaml"
    path.write_text(
        f"contract: c.yaml\ncircuit: {{{circuit}}}\ncases:\n  - name: it\n    month: 2026-06\n"
        f'    channels: {{a: "G*", b: "G*"}}\n{measured}    expect: {{}}\n'
    )
    trial = load_trial(path)
    return run_case(trial, trial.cases[0])


def test_a_month_is_held_to_all_of_it(tmp_path: Path) -> None:
    # 43,200 minutes: 129 of 2 % more are 0.3 %; 4,320 are a tenth; 500 Mbit/s is a channel's share
    answer = month(
        tmp_path,
        '    jitter_ms: {a: "5x129 1x*", b: "5x130 1x*"}\n'
        '    loss: {a: "0.01x4320 0x*"}\n'
        '    rx_mbps: {a: "100x2160 460x*", b: "100x2160 460x*"}\n',
    )

    found = {one.name: one for one in answer.objectives[1:]}
    assert {name: one.verdict for name, one in found.items()} == {
        "jitter": Outcome.BREACHED, "loss": Outcome.MET, "capacity": Outcome.BREACHED,
    }  # fmt: skip
    assert "b, the worst channel; n = 43,200" in found["jitter"].reason
    assert found["loss"].actual == "0.0000000"
    # p5 of 86,400: the 4,320th is the last of the slow ones, 100 Mbit/s of 500
    assert Fraction(found["capacity"].actual or "0") == pytest.approx(0.2, rel=0.008)
    assert found["capacity"].observations == 86_400


def test_one_minute_more_turns_each_verdict(tmp_path: Path) -> None:
    answer = month(
        tmp_path,
        '    jitter_ms: {a: "5x129 1x*", b: "5x129 1x*"}\n'
        '    loss: {a: "0.01x4321 0x*"}\n'
        '    rx_mbps: {a: "100x2159 460x*", b: "100x2160 460x*"}\n',
    )

    assert {one.name: one.verdict for one in answer.objectives[1:]} == {
        "jitter": Outcome.MET, "loss": Outcome.BREACHED, "capacity": Outcome.MET,
    }  # fmt: skip


def test_the_bandwidth_in_force_counts(tmp_path: Path) -> None:
    circuit = f"{CIRCUIT}, bandwidths: [{{start: '2026-06-16T00:00:00Z', mbps: 2000}}]"

    answer = month(tmp_path, '    rx_mbps: {a: "460x*", b: "460x*"}\n', circuit)

    capacity = answer.objectives[3]
    assert capacity.verdict is Outcome.BREACHED
    assert "reaches 0.9" in capacity.reason  # of 500 Mbit/s a channel in the first half
    assert "falls short of 0.9" in capacity.reason  # of 1,000 in the second


def test_probes_that_measure_another_jitter_leave_it_undecided(tmp_path: Path) -> None:
    circuit = CIRCUIT.replace("ifdv", "rfc3550")

    answer = month(tmp_path, '    jitter_ms: {a: "1x*", b: "1x*"}\n', circuit)

    assert answer.objectives[1].verdict is Outcome.NOT_ASSESSABLE


@pytest.mark.parametrize("metric", METRICS)
def test_mean_and_maximum_of_every_metric_are_exact(metric: str) -> None:
    one = observed("ch1", **{metric: [1_000, 2_000, 6_000]})

    mean, most = (statistic(terms(metric=metric, statistic=s), one) for s in ("mean", "maximum"))

    assert mean is not None
    assert most is not None
    assert (mean.value, most.value) == (Fraction(3_000, SCALES[metric]),
                                        Fraction(6_000, SCALES[metric]))  # fmt: skip
