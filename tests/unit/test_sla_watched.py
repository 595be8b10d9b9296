"""Sums of watched circuits take in their own complete steps, all of them, and nothing else."""

import random
from collections.abc import Mapping, Sequence
from fractions import Fraction

import numpy as np
import pyarrow as pa
import pytest

from linksla.stores import TelemetryStore
from processors.buckets import bucket_of
from processors.observations import Int64, integers
from sla import watched, watched_steps
from sla.answers import Outcome
from sla.contracts import PerformanceTerms
from sla.looks import Sums
from sla.watched import WatchedObjectives, rule_of

HALF = PerformanceTerms(name="p50", metric="latency", statistic="p50", limit=Fraction(8))
GOOD = rule_of(HALF).bucket_max
BAD = GOOD + 1
MET = (Outcome.MET,)

Lists = Mapping[int, int]


def put(store: TelemetryStore, key: int, start_s: int, counts: Lists, lost: int = 0) -> None:
    """Write one rollup step of a channel, as the writer would have."""
    store.writer.execute(
        "insert into rollup_parts by name select ?::integer as channel_key, ?::bigint as start_s, "
        "? as samples, ? as latency_count, 0 as latency_sum_us, ? as lost_count, "
        "0 as jitter_count, 0 as jitter_sum_us, 0 as loss_count, 0 as loss_sum_ppm, "
        "0 as rx_count, 0 as rx_sum_bps, 0 as tx_count, 0 as tx_sum_bps, "
        "?::integer[] as latency_buckets, ?::bigint[] as latency_counts",
        [key, start_s, sum(counts.values()) + lost, sum(counts.values()), lost,
         list(counts), list(counts.values())],
    )  # fmt: skip


def watching(*channels: int) -> WatchedObjectives:
    """Watch circuits of so many channels each; keys count up from 1, steps of 60 s from 0."""
    objectives = WatchedObjectives()
    circuit_of = [0, *(n + 1 for n, many in enumerate(channels) for _ in range(many))]
    objectives.grow(np.array(circuit_of), len(channels) + 1)
    key = 1
    for number, many in enumerate(channels):
        keys = {str(each): each for each in range(key, key + many)}
        assert objectives.begin(number + 1, keys, (HALF,), Sums((), MET, 0), 60)
        key += many
    return objectives


def due(store: TelemetryStore, objectives: WatchedObjectives, *complete_s: int) -> list[int]:
    """Return the numbers of the circuits of which an outcome changed."""
    numbers = np.arange(1, len(complete_s) + 1)
    changed = objectives.changed(store.writer, numbers, np.array([0, *complete_s]))
    return [int(number) for number in changed]


def test_what_lies_in_the_limits_own_bucket_is_within_it(memory_store: TelemetryStore) -> None:
    objectives = watching(1, 1)
    put(memory_store, 1, 0, {GOOD: 2})
    put(memory_store, 2, 0, {BAD: 2})

    assert bucket_of(8_000) in (GOOD, BAD)
    assert due(memory_store, objectives, 60, 60) == [2]


def test_steps_beyond_what_is_complete_of_a_circuit_wait(memory_store: TelemetryStore) -> None:
    objectives = watching(1, 1)
    for minute in range(5):
        put(memory_store, 1, minute * 60, {GOOD: 1} if minute < 2 else {BAD: 9})
        put(memory_store, 2, minute * 60, {GOOD: 1})

    assert due(memory_store, objectives, 120, 300) == [], "one is complete to the second minute"
    assert due(memory_store, objectives, 180, 300) == [1]


def test_steps_that_were_counted_are_not_counted_again(memory_store: TelemetryStore) -> None:
    objectives = watching(1, 1)
    put(memory_store, 1, 0, {BAD: 2, BAD + 1: 1})
    put(memory_store, 1, 60, {GOOD: 4})
    put(memory_store, 2, 0, {GOOD: 1})
    put(memory_store, 2, 60, {GOOD: 1})

    assert due(memory_store, objectives, 60, 0) == [1]
    assert due(memory_store, objectives, 120, 120) == [], "3 bad ones against 4: met again"


@pytest.mark.parametrize("together", [1, 7, 100_000])
@pytest.mark.parametrize("seed", range(4))
def test_however_many_are_read_together_it_is_what_a_loop_over_all_finds(
    memory_store: TelemetryStore, monkeypatch: pytest.MonkeyPatch, together: int, seed: int
) -> None:
    monkeypatch.setattr(watched, "_ROWS_TOGETHER", together)
    rng = random.Random(seed)
    channels = [rng.randint(1, 4) for _ in range(5)]
    objectives = watching(*channels)
    steps = {
        (key, minute): {bucket: rng.randint(1, 9) for bucket in rng.sample(range(BAD + 40), 3)}
        for key in range(1, sum(channels) + 1)
        for minute in range(12)
        if rng.random() < 0.8
    }
    for (key, minute), counts in steps.items():
        for half in (dict(list(counts.items())[:1]), dict(list(counts.items())[1:])):
            put(memory_store, key, minute * 60, half, lost=minute % 2)
    before = [Outcome.MET] * len(channels)
    complete = [0] * len(channels)
    for _ in range(4):
        complete = [at + rng.randint(0, 200) for at in complete]
        now = outcomes(steps, channels, [at // 60 for at in complete])
        moved = [n + 1 for n, (old, new) in enumerate(zip(before, now, strict=True)) if old != new]
        found = due(memory_store, objectives, *complete)

        # Read in small pieces, one that is missed for some minutes and met again is due, too.
        assert set(moved) <= set(found)
        assert together < 100_000 or found == moved
        if moved:
            return


def outcomes(
    steps: Mapping[tuple[int, int], Lists], channels: Sequence[int], minutes: Sequence[int]
) -> list[Outcome]:
    """Return what each circuit's median comes to after so many minutes, lost ones never within."""
    found, key = [], 1
    for many, until in zip(channels, minutes, strict=True):
        verdicts = []
        for mine in range(key, key + many):
            known = {at: counts for (of, at), counts in steps.items() if of == mine and at < until}
            lost = sum(2 * (at % 2) for at in known)
            total = lost + sum(sum(counts.values()) for counts in known.values())
            within = sum(n for counts in known.values() for b, n in counts.items() if b <= GOOD)
            if total:
                verdicts.append(2 * within >= total)
        key += many
        if not verdicts:
            found.append(Outcome.NOT_ASSESSABLE if until else Outcome.MET)  # as it began
        else:
            found.append(Outcome.MET if all(verdicts) else Outcome.BREACHED)
    return found


def test_a_piece_is_bounded_whatever_the_backlog(
    memory_store: TelemetryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watched, "_ROWS_TOGETHER", 30)
    objectives = watching(2, 2)
    for key in range(1, 5):
        for minute in range(100):
            put(memory_store, key, minute * 60, {GOOD: 1})
    most = 0

    def seen(table: pa.Table, name: str) -> Int64:
        nonlocal most
        most = max(most, table.num_rows)
        return integers(table, name)

    monkeypatch.setattr(watched_steps, "integers", seen)
    assert due(memory_store, objectives, 6_000, 6_000) == []
    assert most == 28, "seven steps of four channels"
