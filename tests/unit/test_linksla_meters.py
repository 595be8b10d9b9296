"""Numbers that were observed give quantiles."""

from linksla.meters import OBSERVED_MAX, Meters


def test_quantiles_are_of_the_last_values_and_counts_of_all() -> None:
    meters = Meters()
    for value in range(1, 2 * OBSERVED_MAX + 1):
        meters.observe("commit_seconds", float(value))

    assert meters.quantile("commit_seconds", 0.99) == OBSERVED_MAX + 990
    assert meters.quantile("commit_seconds", 1.0) == meters.last("commit_seconds") == 2_000
    assert meters.value("commit_seconds_count") == 2 * OBSERVED_MAX
    assert meters.value("commit_seconds_sum") == sum(range(1, 2 * OBSERVED_MAX + 1))


def test_a_single_value_is_every_quantile_and_nothing_is_none() -> None:
    meters = Meters()
    assert meters.quantile("x", 0.99) is None
    assert meters.last("x") is None
    meters.observe("x", 0.25)

    assert meters.quantile("x", 0.5) == meters.quantile("x", 0.99) == 0.25
    assert 'x{quantile="0.99"} 0.25\n' in meters.exposition()
