"""Steps as written come to what is read of them, and are held as long as none is missing."""

import random

import numpy as np
import pyarrow as pa
import pytest

from linksla.stores import TelemetryStore
from processors.landing import store_rollups
from processors.observations import Int64
from processors.rollups import Rollups, rollups_of
from processors.sorting import sort_order
from sla import watched_steps
from sla.watched import WatchedObjectives
from sla.watched_steps import RecentSteps, StoredSteps, Wanted, WrittenSteps
from tests.unit.test_sla_watched import watching

SIZE, MINUTES = 6, 9
METRICS = ("latency", "jitter", "loss")


def rollups(rng: random.Random, rows: int, keys: int = SIZE) -> Rollups:
    """Return steps of random samples, some of which have no value, or were lost."""

    def some(most: int) -> list[int | None]:
        return [None if rng.random() < 0.4 else rng.randrange(most) for _ in range(rows)]

    latency = some((1 << 31) - 1)
    loss = [1_000_000 if value is None and rng.random() < 0.5 else rng.choice([None, 7, 400_000])
            for value in latency]  # fmt: skip
    columns = {
        "latency_us": pa.array(latency, pa.int32()), "jitter_us": pa.array(some(90), pa.int32()),
        "loss_ppm": pa.array(loss, pa.int32()), "rx_bps": pa.array(some(1 << 62), pa.int64()),
        "tx_bps": pa.array(some(9), pa.int64()),
    }  # fmt: skip
    key = np.array([rng.randrange(1, keys) for _ in range(rows)], np.int64)
    start_s = np.array([60 * rng.randrange(MINUTES) for _ in range(rows)], np.int64)
    order = sort_order(key, start_s)
    return rollups_of(pa.table(columns), key, start_s, order, np.full(keys, 2, np.int64))


def wanted(rng: random.Random, keys: Int64) -> Wanted:
    """Ask for some minutes of some channels."""
    lower, upper = (
        np.array([60 * rng.randrange(MINUTES) for _ in keys], np.int64) for _ in range(2)
    )
    return Wanted.of(keys, lower, upper, SIZE)


@pytest.mark.parametrize("seed", range(6))
def test_what_was_written_comes_to_what_is_read(memory_store: TelemetryStore, seed: int) -> None:
    rng = random.Random(seed)
    parts = tuple(rollups(rng, rng.choice([0, 1, 300])) for _ in range(3))
    store_rollups(memory_store.writer, parts)
    keys = np.array(sorted(rng.sample(range(1, SIZE), 3)), np.int64)
    for asked in (wanted(rng, keys), Wanted.of(keys, np.zeros(3, np.int64), keys * 0 + 999, SIZE)):
        written = WrittenSteps(parts, asked)
        stored = StoredSteps(memory_store.writer, keys, asked)
        for metric in METRICS:
            found, read = written.sums(metric), stored.sums(metric)
            assert found.keys() == read.keys()
            for name, values in found.items():
                if metric == "latency" or name != "lost":
                    assert values.tolist() == read[name].tolist()
        for bucket_max in (-1, 500, 1_400, 4_095):
            assert written.within(bucket_max).tolist() == stored.within(bucket_max).tolist()


def one_step(key: int, start_s: int, latency_us: int, samples: int = 1) -> Rollups:
    """Return a step of a channel with so many equal samples."""
    columns = {name: pa.array([None] * samples, pa.int32()) for name in
               ("jitter_us", "loss_ppm", "rx_bps", "tx_bps")}  # fmt: skip
    table = pa.table({"latency_us": pa.array([latency_us] * samples, pa.int32()), **columns})
    keys, starts = np.full(samples, key), np.full(samples, start_s)
    return rollups_of(table, keys, starts, np.arange(samples), np.zeros(SIZE, np.int64))


def over(*ends: int) -> Int64:
    """Return up to where steps were over of channels 1 and up."""
    return np.array([0, *ends], np.int64)


def test_all_steps_are_held_that_were_not_over_at_the_first_write() -> None:
    recent = RecentSteps()
    assert recent.holds(over(0, 0)).tolist() == [False] * 3, "nobody knows"

    recent.add((one_step(1, 60, 5),), over(60, 120))
    recent.add((one_step(1, 120, 5), one_step(2, 120, 5)), over(120, 180))

    assert recent.holds(over(60, 60)).tolist() == [True, True, False]
    assert recent.holds(over(59, 120)).tolist() == [True, False, True]
    seen = recent.of(Wanted.of(np.array([1, 2]), over(60, 0)[1:], over(999, 999)[1:], 3))
    assert seen.sums("latency")["observed"].tolist() == [0, 2, 1]
    assert recent.holds(over(999)).tolist() == [False] * 2, "of another network"


def test_what_was_dropped_is_not_held() -> None:
    recent = RecentSteps()
    recent.add((one_step(1, 60, 5),), over(60))
    recent.drop()
    assert not recent.holds(over(999)).any()

    recent.add((one_step(1, 120, 5),), over(120))
    assert recent.holds(over(60)).tolist() == [True, False]
    assert recent.holds(over(120)).tolist() == [True, True]
    seen = recent.of(Wanted.of(np.array([1]), over(0)[1:], over(999)[1:], 2))
    assert seen.sums("latency")["observed"].tolist() == [0, 1]


def test_more_than_a_bounded_number_of_rows_is_not_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watched_steps, "_HELD_ROWS_MAX", 2)
    recent = RecentSteps()
    for minute in range(2):
        recent.add((one_step(1, minute * 60, 5),), over(minute * 60))
    assert recent.holds(over(0)).all()

    recent.add((one_step(1, 120, 5),), over(120))
    assert not recent.holds(over(0)).any()
    recent.add((one_step(1, 180, 5),), over(180))
    assert recent.holds(over(180)).all()
    assert not recent.holds(over(120))[1]
    recent.add((one_step(1, 240, 5),), over(240))
    assert recent.holds(over(180)).all(), "two rows again, and none of those that were dropped"


def due(store: TelemetryStore | None, objectives: WatchedObjectives, *complete_s: int) -> list[int]:
    numbers = np.arange(1, len(complete_s) + 1)
    cursor = None if store is None else store.writer
    return objectives.changed(cursor, numbers, over(*complete_s)).tolist()


def test_what_was_just_written_is_not_read(memory_store: TelemetryStore) -> None:
    objectives = watching(1, 2)
    slow, quick = 9_000, 1_000
    objectives.written((one_step(1, 0, slow), one_step(2, 0, quick, 3)), over(0, 0, 0))
    objectives.written((one_step(3, 0, slow, 2), one_step(2, 60, slow, 4)), over(60, 60, 0))

    assert due(None, objectives, 60, 60) == [1, 2]
    assert due(None, objectives, 60, 60) == []
    objectives.written((one_step(1, 60, quick),), over(60, 60, 60))
    assert due(None, objectives, 120, 60) == [], "one of two is within the limit: met, as at first"
    assert objectives._count[1, 0] == 2

    # of circuit 2 a step was written before what is held now
    stored = one_step(2, 60, slow, 4)
    store_rollups(memory_store.writer, (stored, one_step(3, 60, quick)))
    objectives.written((), over(120, 120, 120))
    assert due(memory_store, objectives, 120, 120) == [2]
    assert objectives._value[2, 0] == 3
    assert objectives._count[1:, 0].tolist() == [2, 7, 3]


def test_another_network_holds_nothing() -> None:
    objectives = watching(1)
    objectives.written((one_step(1, 0, 9_000),), over(0))
    objectives.grow(np.array([0, 1]), 2)

    assert not objectives._held()[1]


def test_where_one_circuit_is_held_and_another_is_not_each_counts_once(
    memory_store: TelemetryStore,
) -> None:
    objectives = watching(1, 1)
    parts = (one_step(1, 0, 9_000, 2), one_step(2, 0, 9_000, 2))
    store_rollups(memory_store.writer, parts)
    objectives.written(parts, over(0, 60))

    assert due(memory_store, objectives, 60, 60) == [1, 2]
    assert objectives._count[1:, 0].tolist() == [2, 2]
