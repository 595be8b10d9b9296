"""What is read once of a circuit comes to what many statements, or a plain loop, come to."""

import random
from collections import defaultdict

import pytest

from linksla.inventory import DAY_SECONDS
from linksla.stores import TelemetryStore
from processors.buckets import bucket_middle_us, bucket_of
from processors.packs import PACK_SECONDS_MAX
from sla import spans, telemetry
from sla.measured import Bins
from sla.performance import Asked, read_observed
from sla.readings import Readings, _whole_packs, without
from sla.spans import ReadSpans, known_spans
from sla.telemetry import ChannelRow
from tests.unit.processors_support import MIDNIGHT, US, Sample
from tests.unit.test_processors_blocks import (
    CHANNELS,
    HOURS,
    KEYS,
    Points,
    by_place,
    made,
    measured,
    written,
)

COLUMNS = {
    "jitter": "jitter_us", "loss": "loss_ppm", "throughput_rx": "rx_bps", "throughput_tx": "tx_bps",
}  # fmt: skip


def filled(store: TelemetryStore, samples: list[Sample]) -> None:
    """Write samples in two polls, and make blocks."""
    written(store, samples[:500], samples[500:])
    made(store, rows=100_000)


def second_of(sample: Sample) -> int:
    return sample.observed_at_us // US


def by_hand(
    samples: list[Sample], metric: str, pieces: list[tuple[int, int]], bins: Bins
) -> Points:
    """Return the points of a metric by looking at every sample."""
    values = defaultdict(list)
    minutes = defaultdict(list)
    for sample in samples:
        minute = second_of(sample) // 60 * 60
        value = sample.latency_us if metric == "latency" else getattr(sample, COLUMNS[metric])
        if metric == "loss" and value is None and sample.latency_us is not None:
            value = 0  # DESIGN 6
        if value is None or not any(lower <= minute < upper for lower, upper in pieces):
            continue
        where = KEYS[CHANNELS.index(sample.channel)], (minute - bins.start_s) // bins.step_s
        values[where].append(value)
        minutes[where, minute].append(value)
    if metric == "latency":
        return {where: ranked(many) for where, many in values.items()}
    means = defaultdict(list)
    for (where, _), many in minutes.items():
        means[where].append(sum(many) / len(many))
    return {
        where: (min(means[where]), sum(many) / len(many), float(max(many)))
        for where, many in values.items()
    }


def ranked(values: list[int]) -> tuple[float, float, float]:
    """Return p5, median and p95 by nearest rank, as the middles of their buckets."""
    ordered = sorted(values)
    n = len(ordered)
    found = (ordered[-(-n * part // 100) - 1] for part in (5, 50, 95))
    low, middle, high = (float(bucket_middle_us(bucket_of(value))) for value in found)
    return low, middle, high


@pytest.mark.parametrize("seed", range(3))
def test_points_are_those_of_every_sample_looked_at(memory_store, seed: int) -> None:
    samples = measured(seed)
    filled(memory_store, samples)
    complete = [s for s in samples if second_of(s) < MIDNIGHT + HOURS * 3_600 - 120]
    readings = Readings(memory_store.writer, KEYS, 60)
    cut = MIDNIGHT + 2 * 3_600 + 1_260
    for pieces in (
        [(MIDNIGHT + 7_260, cut), (cut + 120, MIDNIGHT + HOURS * 3_600 - 120)],
        [(MIDNIGHT, MIDNIGHT + HOURS * 3_600 - 120)],
        [(MIDNIGHT + 3_600, MIDNIGHT + 4 * 3_600)],
    ):
        for step in (3_600, 7_200, 300):
            bins = Bins(MIDNIGHT, MIDNIGHT + HOURS * 3_600, step)
            rows = readings.rows(pieces, in_hours=bins.whole_hours)
            for metric in ("latency", *COLUMNS):
                expected = by_hand(complete, metric, pieces, bins)
                found = by_place(rows.lines(metric, bins))
                assert found.keys() == expected.keys()
                for where, point in found.items():
                    assert point == pytest.approx(expected[where], rel=1e-12), (metric, where)


@pytest.mark.parametrize("seed", range(4))
def test_objectives_are_observed_as_by_statements(memory_store, seed: int) -> None:
    rng = random.Random(seed)
    filled(memory_store, measured(seed + 10))
    channels = [ChannelRow("X", name, key, 0, None) for key, name in enumerate(CHANNELS, 1)]
    readings = Readings(memory_store.writer, KEYS, 60)
    for _ in range(6):  # one after the other: what was read before is read no more
        cuts = sorted(rng.sample(range(0, HOURS * 3_600, 60), 6))
        pieces = [(MIDNIGHT + a, MIDNIGHT + b) for a, b in zip(cuts[::2], cuts[1::2], strict=True)]
        asked = Asked(channels, pieces, 60, throughput=rng.random() < 0.5)

        assert [readings.observed(asked)] == read_observed(memory_store.writer, [asked])
    assert readings.observed(Asked(channels, [], 60)) == ()


def test_each_row_is_read_once(memory_store) -> None:
    filled(memory_store, measured(3))
    readings = Readings(memory_store.writer, KEYS, 60)
    bins = Bins(MIDNIGHT, MIDNIGHT + HOURS * 3_600, 3_600)
    whole = [(bins.start_s, bins.end_s)]
    before = by_place(readings.rows([(MIDNIGHT, MIDNIGHT + 4_000)]).lines("jitter", bins))
    first = by_place(readings.rows(whole).lines("jitter", bins))
    memory_store.writer.execute("delete from rollup_packs")
    memory_store.writer.execute("delete from rollup_parts")

    assert by_place(readings.rows(whole).lines("jitter", bins)) == first
    assert by_place(readings.rows([(MIDNIGHT, MIDNIGHT + 4_000)]).lines("jitter", bins)) == before
    assert by_place(Readings(memory_store.writer, KEYS, 60).rows(whole).lines("jitter", bins)) == {}


def test_without_leaves_what_no_known_range_covers() -> None:
    rng = random.Random(4)
    for _ in range(500):
        wanted, known = ({rng.randrange(30) for _ in range(12)} for _ in range(2))
        as_ranges = [[(n, n + 1) for n in sorted(some)] for some in (wanted, known)]
        found = without(*as_ranges)

        assert {n for lower, upper in found for n in range(lower, upper)} == wanted - known
    assert without([(0, 100)], [(10, 20), (15, 40), (90, 120)]) == [(0, 10), (40, 90)]


def test_spans_read_once_are_those_of_the_table(memory_store) -> None:
    filled(memory_store, measured(5))
    cursor = memory_store.writer
    read = ReadSpans.of(cursor, KEYS)
    rng = random.Random(6)
    for _ in range(20):
        lower, upper = sorted(MIDNIGHT + rng.randrange(HOURS * 3_600) for _ in range(2))
        keys = rng.sample([*KEYS, 4], 2)
        once, asked = (known_spans(source, keys, lower, upper) for source in (read, cursor))
        for name in ("track", "start_s", "end_s", "bgp", "loss_class"):
            assert getattr(once, name).tolist() == getattr(asked, name).tolist()
    assert len(read.runs) > 20
    assert len(ReadSpans.of(cursor, ()).runs) == 0


def test_spans_of_many_channels_are_those_of_each(
    memory_store, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(memory_store, measured(5))

    def read() -> list[tuple[int, ...]]:
        found = ReadSpans.of(memory_store.writer, KEYS[::2])
        return sorted(zip(*found.table.tolist(), strict=True))

    looked_through = read()
    monkeypatch.setattr(spans, "_LISTED_MAX", 0)

    assert read() == looked_through
    assert {row[0] for row in looked_through} == set(KEYS[::2])


def test_fingerprints_are_the_same_however_many_circuits_are_read(
    memory_store, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(memory_store, measured(7))
    few = telemetry.read(memory_store.writer, ["X", "other", "nobody's"])
    monkeypatch.setattr(telemetry, "_SPANS_READ_CIRCUITS_MAX", 0)
    many = telemetry.read(memory_store.writer, ["X", "other", "nobody's"])

    assert few.spans is not None
    assert many.spans is None
    assert few.fingerprints == many.fingerprints
    assert few.fingerprints.keys() == {"X"}
    memory_store.writer.execute("update spans set end_s = end_s + 10 where start_s % 7 = 0")
    assert telemetry.read(memory_store.writer, ["X"]).fingerprints != few.fingerprints


def test_whole_packs_hold_the_days_of_ranges_and_are_apart() -> None:
    rng = random.Random(7)
    for _ in range(300):
        cuts = sorted(rng.sample(range(0, 60 * DAY_SECONDS, 3_600), 6))
        ranges = list(zip(cuts[::2], cuts[1::2], strict=True))
        found = _whole_packs(ranges)

        wanted = {second // DAY_SECONDS for a, b in ranges for second in range(a, b, 3_600)}
        held = [day for a, b in found for day in range(a // DAY_SECONDS, b // DAY_SECONDS)]
        assert wanted <= set(held)
        assert len(held) == len(set(held)), "no day is read twice"
        assert all(lower % PACK_SECONDS_MAX == 0 for lower, _ in found)
        assert {b for _, b in found} <= {(day + 1) * DAY_SECONDS for day in wanted}
