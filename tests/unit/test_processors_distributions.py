"""Distributions beside latency's: kept where a contract asks, and only there, in any order."""

import random
from dataclasses import replace

import pytest

from linksla.stores import TelemetryStore
from processors.buckets import DISTRIBUTIONS, bucket_of, split_bucket
from processors.compaction import RollupCompactor
from processors.distributions import ask
from sla.contracts import distributions_asked, load_contracts
from sla.observed import observed_of
from sla.performance import Asked, read_observed
from sla.telemetry import ChannelRow
from tests.unit.processors_support import (
    DAY,
    MIDNIGHT,
    US,
    Sample,
    at,
    circuit,
    numbered,
    poll_of,
    watermark_to,
    writer_of,
)
from tests.unit.test_processors_blocks import answers, made, measured, written

METRICS = {name: number for name, number in DISTRIBUTIONS.items() if name != "latency"}


def sample(second: int, rng: random.Random) -> Sample:
    return at(
        second,
        latency_us=rng.randint(1, 90),
        jitter_us=rng.choice([None, rng.randint(0, 4_000)]),
        loss_ppm=rng.choice([0, 1_000, 20_000]),
        rx_bps=rng.choice([None, rng.randint(0, 10**15)]),
        tx_bps=rng.randint(0, 10**9),
    )


def kept(store: TelemetryStore) -> dict[str, dict[int, int]]:
    """Return counts by metric and bucket."""
    names = {number: name for name, number in DISTRIBUTIONS.items()}
    found: dict[str, dict[int, int]] = {}
    for stored, count in store.writer.execute(
        "select bucket, sum(count) from latency_histogram group by bucket"
    ).fetchall():
        number, bucket = split_bucket(stored)
        found.setdefault(names[number], {})[bucket] = count
    return found


def wanted(samples: list[Sample], metric: str) -> dict[int, int]:
    column = {"jitter": "jitter_us", "loss": "loss_ppm", "throughput_rx": "rx_bps",
              "throughput_tx": "tx_bps", "latency": "latency_us"}[metric]  # fmt: skip
    found: dict[int, int] = {}
    for one in samples:
        value = getattr(one, column)
        if metric == "loss" and value is None and one.latency_us is not None:
            value = 0  # what came through was not lost
        if value is not None:
            found[bucket_of(value)] = found.get(bucket_of(value), 0) + 1
    return found


def test_only_latency_is_kept_where_no_contract_asks(memory_store) -> None:
    writer = writer_of(memory_store, circuit())
    samples = [sample(second, random.Random(second)) for second in range(0, 300, 10)]

    writer.write(poll_of(numbered(samples)))
    watermark_to(writer, 600)

    assert kept(memory_store) == {"latency": wanted(samples, "latency")}


@pytest.mark.parametrize("metric", METRICS)
def test_what_a_contract_asks_is_counted_and_nothing_else(memory_store, metric: str) -> None:
    ask(memory_store.writer, {"c": {"latency", metric}, "other": {"loss"}, "none": set()})
    writer = writer_of(memory_store, circuit())
    samples = [sample(second, random.Random(second)) for second in range(0, 300, 10)]

    writer.write(poll_of(numbered(samples)))
    watermark_to(writer, 600)

    assert kept(memory_store) == {
        "latency": wanted(samples, "latency"), metric: wanted(samples, metric)
    }  # fmt: skip


@pytest.mark.parametrize("seed", range(3))
def test_order_duplicates_and_better_samples_count_each_once(memory_store, seed: int) -> None:
    rng = random.Random(seed)
    ask(memory_store.writer, {"c": set(METRICS)})
    writer = writer_of(memory_store, circuit())
    samples = [sample(second, rng) for second in range(0, 1_200, 10)]
    better = [replace(sample(second, rng), sequence=9) for second in range(0, 1_200, 70)]
    log = numbered(rng.sample(samples + samples[:20] + better, len(samples) + 20 + len(better)))
    for position in range(0, len(log), 37):
        writer.write(poll_of(log[position : position + 37]))
    watermark_to(writer, 1_800)

    replaced = {one.observed_at_us for one in better}
    winners = [one for one in samples if one.observed_at_us not in replaced] + better
    found = kept(memory_store)

    assert {name: found[name] for name in METRICS} == {
        name: wanted(winners, name) for name in METRICS
    }


def test_a_compacted_day_holds_the_same_counts(memory_store) -> None:
    ask(memory_store.writer, {"c": {"jitter", "throughput_rx"}})
    writer = writer_of(memory_store, circuit())
    samples = [sample(second, random.Random(second)) for second in range(0, 3_600, 30)]
    writer.write(poll_of(numbered(samples)))
    watermark_to(writer, 3 * DAY)
    before = kept(memory_store)
    compactor = RollupCompactor(memory_store, lambda _: None)
    compactor.start()

    while compactor.compact((MIDNIGHT + 3 * DAY) * US, 1_000_000):
        pass

    assert kept(memory_store) == before
    assert before["jitter"] == wanted(samples, "jitter")


def test_what_is_asked_follows_from_all_versions_of_a_contract(tmp_path) -> None:
    text = (
        "id: c\nversion: {}\n{}title: T\nsource: s\ntimezone: UTC\n"
        "availability: {{target_percent: 99, up_at_least: 1, consecutive: 1}}\n"
        "objectives: [{{name: o, metric: {}, statistic: {}, limit: 1}}]\n"
    )
    (tmp_path / "1.yaml").write_text(text.format(1, "", "jitter", "p95"))
    later = "valid_from: 2026-06-01T00:00:00Z\n"
    (tmp_path / "2.yaml").write_text(text.format(2, later, "throughput_rx", "p5"))
    even_later = "valid_from: 2026-07-01T00:00:00Z\n"
    (tmp_path / "3.yaml").write_text(text.format(3, even_later, "throughput_tx", "mean"))

    found = distributions_asked(load_contracts(tmp_path))

    assert found == {"c": {"jitter", "throughput_rx"}}


def test_asking_again_forgets_what_was_asked_before(memory_store) -> None:
    ask(memory_store.writer, {"c": {"jitter"}})
    ask(memory_store.writer, {"c": {"loss"}})
    writer = writer_of(memory_store, circuit())
    samples = [sample(second, random.Random(second)) for second in range(0, 60, 10)]

    writer.write(poll_of(numbered(samples)))
    watermark_to(writer, 600)

    assert set(kept(memory_store)) == {"latency", "loss"}


@pytest.mark.parametrize("blocks", [False, True])
def test_charts_of_latency_are_what_they_are_without_them(memory_store, blocks: bool) -> None:
    other = TelemetryStore(None)
    other.start()
    ask(other.writer, {"c": set(METRICS)})
    samples = measured(1)
    for store in (memory_store, other):
        written(store, samples)
        if blocks:
            made(store)

    assert answers(other, 3_600, 4 * 3_600) == answers(memory_store, 3_600, 4 * 3_600)
    other.close()


def test_objectives_find_them_in_blocks_as_in_minutes(memory_store) -> None:
    ask(memory_store.writer, {"c": set(METRICS)})
    samples = [replace(one, rx_bps=(one.rx_bps or 0) % 10**12) for one in measured(3)]
    written(memory_store, samples)
    channels = [ChannelRow("X", name, key, 0, None) for key, name in enumerate("abc", 1)]
    pieces = [(MIDNIGHT + 600, MIDNIGHT + 4 * 3_600)]
    asked = [Asked(channels, pieces, 60, throughput=True)]
    expected = read_observed(memory_store.writer, asked)

    made(memory_store)
    found = observed_of(memory_store.writer, asked)

    assert found == expected
    for metric in METRICS:
        inside = [s for s in samples if s.channel == "a"
                  and pieces[0][0] <= s.observed_at_us // US < pieces[0][1]]  # fmt: skip
        assert dict(found[0][0].counts(metric)) == wanted(inside, metric)
        assert sum(found[0][0].counts(metric).values()) == found[0][0].totals(metric).count
