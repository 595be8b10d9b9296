"""A poll prepared while the one before it is written comes to what it would have come to."""

import random
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from linksla.errors import StoreError
from linksla.model import Poll
from linksla.stores import TelemetryStore
from processors import preparing
from processors import writer as writer_module
from processors.arrivals import Arrivals, in_order
from processors.rollups import steps_of
from processors.sorting import sort_order
from processors.writer import Upcoming
from tests.unit.processors_support import (
    Sample,
    at,
    circuit,
    idle_poll,
    inventory,
    numbered,
    poll_of,
    table_of,
    writer_of,
)
from tests.unit.test_processors_writer import FailingWriter, everything

TABLES = (
    "samples", "rollup_parts", "latency_histogram", "spans", "ledger", "channel_stands",
    "channel_seen",
)  # fmt: skip


def minutes(first: int, count: int, **fields: Any) -> list[Sample]:
    return [at(10 * n, **{"latency_us": 1_000 + n} | fields) for n in range(first, first + count)]


def followed_by(poll: Poll) -> Upcoming:
    return lambda: poll


def written(polls: Sequence[Poll], *, ahead: bool) -> dict[str, Any]:
    store = TelemetryStore(None)
    store.start()
    try:
        writer = writer_of(store, circuit(channels=("ch1", "ch2")))
        counts = [
            writer.write(poll, followed_by(following)) if ahead else writer.write(poll)
            for poll, following in pairwise(polls)
        ]
        counts.append(writer.write(polls[-1]))
        return {"counts": counts} | {name: table_of(store, name) for name in TABLES}
    finally:
        store.close()


def of_one_log(log: Sequence[Sample], cuts: Sequence[int]) -> list[Poll]:
    edges = [0, *sorted({cut % (len(log) + 1) for cut in cuts}), len(log)]
    parts = [numbered(log, 0)[lower:upper] for lower, upper in pairwise(edges)]
    return [poll_of(part) for part in parts if part] + [idle_poll(range(8), 3_000)]


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(seed=st.integers(0, 2**32), cuts=st.lists(st.integers(0, 500), max_size=8))
def test_polls_prepared_ahead_give_the_same_rows_and_counts(seed: int, cuts: list[int]) -> None:
    chance = random.Random(seed)
    log = minutes(0, 60) + minutes(0, 60, channel="ch2")
    log += [replace(one, sequence=chance.choice([0, 5])) for one in chance.choices(log, k=9)]
    log += [at(-600, circuit_id="unknown", partition=log[0].partition)]
    log.sort(key=lambda sample: sample.observed_at_us + chance.choice([0, 0, 0, 90_000_000]))
    polls = of_one_log(log, cuts)

    assert written(polls, ahead=True) == written(polls, ahead=False)


@given(seed=st.integers(0, 2**32))
def test_usable_samples_lie_in_order_of_channel_and_instant_and_as_they_came(seed: int) -> None:
    chance = random.Random(seed)
    rows = [(chance.randint(0, 3), chance.randint(0, 5), n) for n in range(30)]
    came = pa.table(
        {
            "circuit_id": ["X"] * 30,
            "channel": ["ch1"] * 30,
            "observed_at_us": [row[1] for row in rows],
            "offset": [row[2] for row in rows],
            "latency_us": pa.array([row[2] if row[2] % 3 else None for row in rows]),
        }
    )
    parts = pa.concat_tables([came.slice(0, 7), came.slice(7, 0), came.slice(7)])
    key = np.array([row[0] for row in rows])
    seen, none = np.arange(30), came.slice(0, 0)
    arrivals = Arrivals(parts, key, np.ones(30, np.bool_), seen, none, none, key[:0])

    observed = np.array([row[1] for row in rows])
    found = in_order(arrivals, sort_order(key, observed))

    expected = sorted(rows)  # of equal channel and instant, as they came
    assert found.channel_key.tolist() == [row[0] for row in expected]
    assert found.samples.to_pydict() == {
        "observed_at_us": [row[1] for row in expected],
        "offset": [row[2] for row in expected],
        "latency_us": [row[2] if row[2] % 3 else None for row in expected],
    }
    assert all(found.samples.column(name).num_chunks == 1 for name in found.samples.column_names)


@given(
    samples=st.lists(st.tuples(st.integers(0, 2), st.integers(0, 10**10)), max_size=40),
    in_order=st.booleans(),
)
def test_the_step_of_a_sample_is_a_minute_or_its_grid(
    samples: list[tuple[int, int]], in_order: bool
) -> None:
    grid_s = np.array([1, 60, 300])
    rows = sorted(samples) if in_order else samples
    key = np.array([key for key, _ in rows], np.int64)
    observed = np.array([instant for _, instant in rows], np.int64)
    lengths = [max(60, int(grid_s[key])) for key, _ in rows]

    steps = steps_of(key, observed, grid_s).tolist()

    assert steps == [us // 10**6 // s * s for (_, us), s in zip(rows, lengths, strict=True)]


def test_without_doubtful_samples_all_of_a_poll_is_worked_out_ahead(
    memory_store: TelemetryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    found = preparing.prepared_ahead

    def noted(*arguments: Any) -> preparing.Ahead:
        asked.append("ahead")
        return found(*arguments)

    def refused(*_: Any) -> None:
        asked.append("in its turn")

    monkeypatch.setattr(writer_module, "prepared_ahead", noted)
    polls = [poll_of(numbered(minutes(30 * n, 30), 30 * n)) for n in range(3)]
    writer = writer_of(memory_store, circuit())
    writer.write(polls[0], followed_by(polls[1]))
    monkeypatch.setattr(writer_module, "prepared", refused)
    monkeypatch.setattr(writer_module, "deduplicated", refused)
    writer.write(polls[1], followed_by(polls[2]))
    writer.write(polls[2])

    assert asked == ["ahead", "ahead"]
    assert len(table_of(memory_store, "samples")) == 90


def test_another_poll_than_the_one_prepared_is_written_as_it_is(
    memory_store: TelemetryStore,
) -> None:
    first, promised, came = (poll_of(numbered(minutes(30 * n, 30), 30 * n)) for n in range(3))
    writer = writer_of(memory_store, circuit())

    writer.write(first, followed_by(promised))
    writer.write(came)

    observed = {row[1] for row in table_of(memory_store, "samples")}
    assert observed == {sample.observed_at_us for sample in minutes(0, 30) + minutes(60, 30)}


def test_an_inventory_that_comes_between_is_the_one_a_poll_is_sorted_by(
    memory_store: TelemetryStore,
) -> None:
    first = poll_of(numbered(minutes(0, 6)))
    news = poll_of(numbered(minutes(6, 6) + minutes(6, 6, channel="ch2"), 6))
    writer = writer_of(memory_store, circuit())

    writer.write(first, followed_by(news))
    writer.register(inventory(circuit(channels=("ch1", "ch2"))))
    counted = writer.write(news)

    assert (counted.accepted, counted.pending) == (12, 0)


def test_after_a_failed_write_the_next_poll_starts_from_what_is_stored(
    memory_store: TelemetryStore,
) -> None:
    polls = [poll_of(numbered(minutes(30 * n, 30), 30 * n)) for n in range(3)]
    writer = writer_of(memory_store, circuit(), kind=FailingWriter)
    assert isinstance(writer, FailingWriter)
    writer.write(polls[0], followed_by(polls[1]))
    writer.fails_at = "before commit"
    with pytest.raises(StoreError):
        writer.write(polls[1], followed_by(polls[2]))
    writer.fails_at = ""
    writer.write(polls[2])  # prepared from a progress that was rolled back
    found = everything(memory_store)

    other = TelemetryStore(None)
    other.start()
    undisturbed = writer_of(other, circuit())
    undisturbed.write(polls[0])
    undisturbed.write(polls[2])
    assert found == everything(other)
    other.close()
