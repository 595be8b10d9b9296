"""Latency and loss objectives: which steps qualify, exact statistics, verdicts with n."""

from fractions import Fraction

import duckdb
import pytest

from linksla.clock import MICROSECONDS, ManualClock, parse_instant
from linksla.settings import TimeSettings
from sla.answers import Outcome
from sla.contracts import PerformanceTerms, load_contracts
from sla.maintenance import load_maintenance
from sla.measures import Observed, pooled, statistic
from sla.performance import judge_performance
from sla.queries import Queries
from sla.scope import AllCustomers

ALL = AllCustomers(commercial=True)
CUT = parse_instant("2025-10-09T09:11:00Z")


def terms(**more) -> PerformanceTerms:
    known = {"name": "o", "metric": "latency", "statistic": "p95", "limit": "8"}
    return PerformanceTerms(**(known | more))


def observed(name="ch1", counts=None, *, lost=0, loss=(0, 0, 0)) -> Observed:
    """Return latencies below 128 µs, whose buckets are the values themselves."""
    counts = counts or {}
    n = sum(counts.values())
    total = sum(value * count for value, count in counts.items())
    return Observed(name, n, total, max(counts, default=0), lost, *loss, counts)


def value(found):
    assert found is not None
    return found.value


def test_mean_maximum_and_percentile_are_exact() -> None:
    one = observed(counts={10: 90, 100: 10})

    assert value(statistic(terms(statistic="mean"), one)) == Fraction(1_900, 100) / 1_000
    assert value(statistic(terms(statistic="maximum"), one)) == Fraction(100, 1_000)
    assert value(statistic(terms(statistic="p90"), one)) == Fraction(10, 1_000)
    assert value(statistic(terms(statistic="p95"), one)) == Fraction(100, 1_000)


def test_a_lost_observation_counts_as_infinity_in_a_percentile() -> None:
    one = observed(counts={10: 94}, lost=6)

    found = statistic(terms(), one)
    answer = judge_performance(terms(), [one], is_open=False)

    assert found is not None
    assert (found.value, found.observations, found.lost) == (None, 100, 6)
    assert (answer.actual, answer.verdict) == ("infinity", Outcome.BREACHED)
    assert "n = 100, 6 lost" in answer.reason


def test_the_worst_channel_decides_unless_pooled_is_asked_for() -> None:
    two = [observed("ch1", {10: 99}), observed("ch2", {100: 1})]

    worst = judge_performance(terms(limit="0.05"), two, is_open=False)
    together = judge_performance(terms(limit="0.05", channels="pooled"), two, is_open=False)

    assert (worst.verdict, worst.observations) == (Outcome.BREACHED, 1)
    assert "ch2" in worst.reason
    assert (together.verdict, together.observations) == (Outcome.MET, 100)
    assert pooled(two).latency_buckets == {10: 99, 100: 1}


def test_loss_is_a_ratio_of_exact_sums() -> None:
    one = observed(loss=(3, 1_000, 1_000))
    mean = terms(metric="loss", statistic="mean", limit="0.001")

    answer = judge_performance(mean, [one], is_open=False)

    assert value(statistic(mean, one)) == Fraction(1_000, 3) / 1_000_000
    assert answer.actual == "0.0003334"  # rounded up
    assert answer.verdict is Outcome.MET


def test_a_value_at_the_limit_is_met_and_one_above_is_not() -> None:
    limit = terms(statistic="mean", limit="0.01")

    at = judge_performance(limit, [observed(counts={10: 5})], is_open=False)
    above = judge_performance(limit, [observed(counts={10: 1_000_000, 11: 1})], is_open=False)

    assert at.verdict is Outcome.MET
    assert (above.verdict, above.actual) == (Outcome.BREACHED, "0.011")


@pytest.mark.parametrize(
    ("statistic_name", "outcome"), [("p95", Outcome.AT_RISK), ("maximum", Outcome.BREACHED)]
)
def test_in_an_open_month_only_a_maximum_is_lost_for_good(statistic_name, outcome) -> None:
    answer = judge_performance(
        terms(statistic=statistic_name, limit="0.001"), [observed(counts={10: 5})], is_open=True
    )

    assert answer.verdict is outcome


def test_no_observation_is_not_assessable() -> None:
    answer = judge_performance(terms(), [], is_open=False)

    assert (answer.actual, answer.verdict) == (None, Outcome.NOT_ASSESSABLE)


@pytest.fixture
def queries(small_network) -> Queries:
    folder = small_network.folder
    return Queries(
        small_network.store,
        small_network.inventory,
        load_contracts(folder / "contracts"),
        load_maintenance(folder / "maintenance.yaml"),
        TimeSettings(),
        ManualClock(0 * MICROSECONDS),
    )


def objective(queries, name: str):
    answer = queries.month(ALL, "DEN-1", "2025-10")
    return next(one for one in answer.objectives if one.name == name)


def test_steps_that_are_not_wholly_up_do_not_qualify(queries) -> None:
    found = objective(queries, "latency p95")

    # three days of minutes, six samples each, less the five minutes of the outage
    assert found.observations == (3 * 1_440 - 5) * 6
    assert found.verdict is Outcome.MET
    assert found.error_bound == "≤ 0.79 %"
    assert Fraction(3) < Fraction(found.actual) < Fraction("3.1")


def many_slow_ones(writer: duckdb.DuckDBPyConnection, start_s: int) -> None:
    """Add a part with a million observations of 500 ms to a step of channel 1."""
    writer.execute(
        "insert into rollup_parts by name select 1 as channel_key, $at as start_s, 0 as samples, "
        "0 as latency_count, 0 as latency_sum_us, 0 as lost_count, 0 as jitter_count, "
        "0 as jitter_sum_us, 0 as loss_count, 0 as loss_sum_ppm, 0 as rx_count, 0 as rx_sum_bps, "
        "0 as tx_count, 0 as tx_sum_bps, [latency_bucket(500000)] as latency_buckets, "
        "[1000000] as latency_counts",
        {"at": start_s},
    )


def test_what_was_measured_while_down_is_no_observation(queries, small_network) -> None:
    before = objective(queries, "latency p95")
    many_slow_ones(small_network.store.writer, CUT)

    assert objective(queries, "latency p95") == before


def test_late_samples_reach_what_is_remembered(queries, small_network) -> None:
    before = objective(queries, "latency p95")
    writer = small_network.store.writer
    many_slow_ones(writer, CUT - 60)
    writer.execute(
        "insert into ledger values ('late', 'DEN-1', 'ch1', 0, 1, null, null, null, null, '')"
    )

    after = objective(queries, "latency p95")

    assert (before.verdict, after.verdict) == (Outcome.MET, Outcome.BREACHED)
