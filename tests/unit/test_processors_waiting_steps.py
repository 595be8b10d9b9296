"""Whatever waits in whatever parts, each sample is counted once, when its step is over."""

import random
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processors import open_steps
from processors.buckets import DISTRIBUTIONS, METRIC_BITS, bucket_of
from processors.channels import FOREVER_S, Channels
from processors.open_steps import OpenSteps, Stepped, Unsummed, ends_of_steps_s, stepped
from processors.rollups import MEASURED, Rollups, merged, step_lengths_s
from tests.unit.processors_support import at, circuit, numbered, poll_of, writer_of

GRIDS = np.array([1, 10, 60, 300, 10])  # key 0 is no channel
ASKED = np.array([0, 0, 1 << DISTRIBUTIONS["throughput_rx"], 0, 0])
NAMES = tuple("-abcd")
CHANNELS = Channels(
    {}, NAMES, NAMES, np.zeros(5, np.int64), GRIDS, np.zeros(5, np.int64),
    np.full(5, FOREVER_S), ASKED, None,
)  # fmt: skip
LENGTHS = step_lengths_s(GRIDS)
STEP = dict(enumerate(LENGTHS.tolist()))


@dataclass(frozen=True)
class One:
    key: int
    second: int
    latency_us: int | None
    rx_bps: int | None
    loss_ppm: int | None

    @property
    def step(self) -> tuple[int, int]:
        return self.key, self.second // STEP[self.key] * STEP[self.key]


def unsummed(samples: Sequence[One]) -> Unsummed:
    kinds = {"latency_us": pa.int32(), "jitter_us": pa.int32(), "loss_ppm": pa.int32(),
             "rx_bps": pa.int64(), "tx_bps": pa.int64()}  # fmt: skip
    columns = {
        name: pa.array([getattr(one, name, None) for one in samples], kinds[name])
        for name in MEASURED
    }
    key = np.array([one.key for one in samples], np.int64)
    start_s = np.array([one.step[1] for one in samples], np.int64)
    return Unsummed(pa.table(columns), key, start_s)


Row = tuple[int, int | None, int, int, int | None, int, tuple[tuple[int, int], ...]]


def rows_of(parts: Iterable[Rollups]) -> dict[tuple[int, int], Row]:
    """Return what parts say of each step; no part has two rows of one."""
    found: dict[tuple[int, int], Row] = {}
    for part in parts:
        for row in part.parts().to_pylist():
            step = (row["channel_key"], row["start_s"])
            assert step not in found
            found[step] = (
                row["samples"], row["latency_min_us"], row["latency_sum_us"], row["loss_count"],
                row["rx_max_bps"], row["rx_sum_high"] * 2**32 + row["rx_sum_low"],
                tuple(zip(row["latency_buckets"], row["latency_counts"], strict=True)),
            )  # fmt: skip
    return found


def reference(samples: Sequence[One]) -> dict[tuple[int, int], Row]:
    found: dict[tuple[int, int], Row] = {}
    for step in {one.step for one in samples}:
        mine = [one for one in samples if one.step == step]
        latency = [one.latency_us for one in mine if one.latency_us is not None]
        rx = [one.rx_bps for one in mine if one.rx_bps is not None]
        # What has a latency and says no loss has lost nothing.
        loss = [one for one in mine if one.loss_ppm is not None or one.latency_us is not None]
        buckets = Counter(map(bucket_of, latency))
        if ASKED[step[0]]:
            number = DISTRIBUTIONS["throughput_rx"]
            buckets.update(number << METRIC_BITS | bucket_of(value) for value in rx)
        found[step] = (
            len(mine), min(latency, default=None), sum(latency), len(loss),
            max(rx, default=None), sum(rx), tuple(sorted(buckets.items())),
        )  # fmt: skip
    return found


def some(chance: random.Random, now_s: int) -> One:
    return One(
        chance.randrange(1, 5),
        max(now_s - chance.choice([0, 3, 40, 700]), 0),
        chance.choice([None, chance.randrange(9_000)]),
        chance.choice([None, chance.randrange(2**62)]),
        chance.choice([None, 0, 500_000]),
    )


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    polls=st.integers(1, 40),
    together=st.sampled_from([0, 1, 5, 50, 10**6]),
    parts=st.sampled_from([0, 1, 3, 32]),
    batches=st.sampled_from([2, 8]),
)
def test_each_sample_is_counted_once_when_its_step_is_over(
    seed: int, polls: int, together: int, parts: int, batches: int
) -> None:
    chance = random.Random(seed)
    waiting, over = OpenSteps(), []
    came: list[One] = []
    now_s, folded_s = 1_000, np.full(5, 900)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(open_steps, "_SUMMED_TOGETHER", together)
        patched.setattr(open_steps, "_UNSUMMED_MAX", parts)
        patched.setattr(open_steps, "_BATCHES_MAX", batches)
        for _ in range(polls):
            now_s += chance.choice([0, 1, 20, 130])
            folded_s = np.maximum(folded_s, now_s - chance.choice([0, 30, 90]) // GRIDS * GRIDS)
            new = [some(chance, now_s) for _ in range(chance.randrange(6))]
            came += new
            found = stepped(waiting, unsummed(new), (), folded_s, CHANNELS)
            ends_s = ends_of_steps_s(folded_s, GRIDS)
            assert all((p.start_s < ends_s[p.channel_key]).all() for p in found.over)
            waiting = found.waiting
            waits = (*waiting.batches, *waiting.unsummed)
            assert all((part.start_s >= ends_s[part.channel_key]).all() for part in waits)
            assert len(waiting.batches) <= batches
            assert len(waiting.unsummed) <= max(parts, 1)
            assert sum(map(len, waiting.unsummed)) <= together
            over += found.over
        last = stepped(waiting, unsummed([]), (), np.full(5, 10**6), CHANNELS)
    assert last.waiting == OpenSteps()
    assert rows_of([merged([*over, *last.over])]) == reference(came)


def test_a_step_of_samples_and_rollups_is_one_row_when_it_is_over(monkeypatch) -> None:
    samples = [One(1, second, 100 + second, None, 0) for second in range(60, 120)]
    monkeypatch.setattr(open_steps, "_UNSUMMED_MAX", 2)
    waiting = OpenSteps()
    for first in range(0, 60, 5):
        poll = unsummed(samples[first : first + 5])
        waiting = stepped(waiting, poll, (), np.full(5, 60), CHANNELS).waiting
    assert (len(waiting.batches), len(waiting.unsummed)) == (4, 0)
    found = stepped(waiting, unsummed([]), (), np.full(5, 120), CHANNELS)

    assert found.waiting == OpenSteps()
    assert rows_of(found.over) == reference(samples)


def test_steps_that_are_taken_out_are_gone_from_samples_and_rollups() -> None:
    samples = [One(key, second, 1, None, 0) for key in (1, 2, 4) for second in (60, 119, 120)]
    summed = open_steps._summed([unsummed(samples)], CHANNELS)
    waiting = OpenSteps((summed,), (unsummed(samples),)).without(
        np.array([1, 4]), np.array([60, 120])
    )
    left = [one for one in samples if one.step not in {(1, 60), (4, 120)}]

    assert rows_of(waiting.batches) == reference(left)
    again = open_steps._summed(waiting.unsummed, CHANNELS)
    assert rows_of([again]) == reference(left)


def put_together(commits: int, monkeypatch: pytest.MonkeyPatch) -> int:
    """Return how many counts were put together while so many commits of 10 rows came."""
    counts: list[int] = []
    kept = open_steps.merged

    def counting(parts: Sequence[Rollups]) -> Rollups:
        counts.append(sum(len(part.counts.bucket) for part in parts))
        return kept(parts)

    monkeypatch.setattr(open_steps, "merged", counting)
    monkeypatch.setattr(open_steps, "_SUMMED_TOGETHER", 25)
    waiting = OpenSteps()
    for number in range(commits):
        new = unsummed([One(4, 600 + 60 * n, number % 128, None, 0) for n in range(10)])
        waiting = stepped(waiting, new, (), np.full(5, 600), CHANNELS).waiting
    return sum(counts)


def test_what_waits_is_put_together_a_few_times_and_not_with_each_commit(monkeypatch) -> None:
    commits = 120  # no two of a row are in one bucket

    assert put_together(commits, monkeypatch) < 2 * commits * 10


def test_of_samples_that_wait_nothing_is_kept_but_what_is_summed(memory_store) -> None:
    writer = writer_of(memory_store, circuit())
    writer.write(poll_of(numbered(at(10 * n) for n in range(3))))
    progress = writer._progress
    assert progress is not None
    (part,) = progress.steps.unsummed

    assert part.samples.column_names == list(MEASURED)
    assert len(part) == 3
    assert isinstance(stepped(progress.steps, unsummed([]), (), np.zeros(5), CHANNELS), Stepped)
