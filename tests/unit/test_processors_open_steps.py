"""A rollup step is written once its watermark passed its end; until then it waits in memory."""

from pathlib import Path
from typing import Any

import pytest

from linksla.stores import TelemetryStore
from processors import open_steps
from processors.distributions import ask
from processors.writer import Writer
from tests.unit.processors_support import (
    MIDNIGHT,
    Sample,
    as_before_stands,
    at,
    circuit,
    inventory,
    numbered,
    poll_of,
    table_of,
    watermark_to,
    writer_of,
)

ROLLED_UP = ("rollup_parts", "latency_histogram", "rollups")


def minutes(first: int, count: int, **fields: Any) -> list[Sample]:
    """Return a sample each 10 s from second 10 × `first` on, none like another."""
    return [at(10 * n, latency_us=1_000 + 37 * n, **fields) for n in range(first, first + count)]


def steps(store: TelemetryStore) -> list[tuple[int, int]]:
    """Return second and samples of each row of channel 1."""
    return store.writer.execute(
        f"select start_s - {MIDNIGHT}, samples from rollup_parts where channel_key = 1 order by all"
    ).fetchall()


def rolled_up(store: TelemetryStore) -> dict[str, list[tuple[Any, ...]]]:
    return {name: table_of(store, name) for name in ROLLED_UP}


def undisturbed(samples: list[Sample], second: int) -> dict[str, list[tuple[Any, ...]]]:
    store = TelemetryStore(None)
    store.start()
    try:
        writer = writer_of(store, circuit(channels=("ch1", "ch2")))
        writer.write(poll_of(numbered(samples)))
        watermark_to(writer, second)
        return rolled_up(store)
    finally:
        store.close()


def written_in_parts(writer: Writer, samples: list[Sample], size: int) -> None:
    whole = numbered(samples)
    for first in range(0, len(whole), size):
        writer.write(poll_of(whole[first : first + size]))


def test_a_step_is_one_row_however_many_polls_it_came_in(memory_store) -> None:
    writer = writer_of(memory_store, circuit())

    written_in_parts(writer, minutes(0, 18), 1)
    watermark_to(writer, 240)

    assert steps(memory_store) == [(0, 6), (60, 6), (120, 6)]
    buckets = memory_store.writer.execute("select sum(count) from latency_histogram").fetchone()
    assert buckets == (18,)


@pytest.mark.parametrize(("watermark", "rows"), [(119, [(0, 6)]), (120, [(0, 6), (60, 6)])])
def test_a_step_is_written_when_the_watermark_passes_its_end(
    memory_store, watermark: int, rows: list[tuple[int, int]]
) -> None:
    writer = writer_of(memory_store, circuit(grid=1))

    for sample in numbered([*minutes(0, 12), at(watermark + 30)]):  # allowed lateness is 30 s
        writer.write(poll_of([sample]))

    assert steps(memory_store) == rows


def test_what_comes_late_is_a_part_of_its_own(memory_store) -> None:
    writer = writer_of(memory_store, circuit())
    writer.write(poll_of(numbered(minutes(0, 6))))
    watermark_to(writer, 300)

    writer.write(poll_of(numbered([at(5, latency_us=9)], 6)))

    assert steps(memory_store) == [(0, 1), (0, 6)]
    (summed,) = memory_store.writer.execute(
        "select samples, latency_min_us from rollups"
    ).fetchall()
    assert summed == (7, 9)


def test_of_a_step_that_waits_a_better_sample_takes_the_place_of_another(memory_store) -> None:
    writer = writer_of(memory_store, circuit())
    first = minutes(0, 9)
    writer.write(poll_of(numbered(first)))

    better = at(70, latency_us=5, sequence=1)
    writer.write(poll_of(numbered([better], len(first))))
    watermark_to(writer, 300)

    rest = [one for one in first if one.observed_at_us != better.observed_at_us]
    assert rolled_up(memory_store) == undisturbed([*rest, better], 300)


@pytest.mark.parametrize("together", [1, 500_000])
@pytest.mark.parametrize("restarts", [(5,), (1, 8, 9), tuple(range(12))])
def test_a_restart_rebuilds_what_waits_from_the_samples(
    memory_store, monkeypatch: pytest.MonkeyPatch, together: int, restarts: tuple[int, ...]
) -> None:
    monkeypatch.setattr(open_steps, "_LOADED_TOGETHER", together)
    network = circuit(channels=("ch1", "ch2"))
    samples = numbered(
        [one for n in range(48) for one in (*minutes(n, 1), *minutes(n, 1, channel="ch2"))]
    )
    writer = writer_of(memory_store, network)
    for number in range(12):
        writer.write(poll_of(samples[8 * number : 8 * number + 8]))
        if number in restarts:
            writer = writer_of(memory_store, network)
    watermark_to(writer, 900)

    assert rolled_up(memory_store) == undisturbed(samples, 900)


def test_a_new_inventory_keeps_what_waits(memory_store) -> None:
    writer = writer_of(memory_store, circuit(channels=("ch1", "ch2")))
    samples = numbered([*minutes(0, 4), *minutes(4, 4)])
    writer.write(poll_of(samples[:4]))

    writer.register(inventory(circuit(channels=("ch1", "ch2")), circuit("Y")))
    writer.write(poll_of(samples[4:]))
    watermark_to(writer, 300)

    assert rolled_up(memory_store) == undisturbed(samples, 300)


def test_all_that_a_contract_asks_waits_and_is_rebuilt(memory_store) -> None:
    ask(memory_store.writer, {"c": {"jitter", "throughput_rx"}})
    samples = [at(10 * n, latency_us=50 + n, jitter_us=n, rx_bps=10**n) for n in range(12)]
    whole = numbered(samples)
    writer = writer_of(memory_store, circuit())
    for number, sample in enumerate(whole):
        writer.write(poll_of([sample]))
        if number == 7:
            writer = writer_of(memory_store, circuit())
    watermark_to(writer, 300)

    counts = memory_store.writer.execute(
        "select bucket >> 12 as metric, sum(count) from latency_histogram group by 1 order by 1"
    ).fetchall()
    assert counts == [(0, 12), (1, 12), (3, 12)]
    assert len(table_of(memory_store, "rollup_parts")) == 2


@pytest.mark.parametrize(
    ("together", "rows"),
    [(0, [(0, 6), (60, 3), (60, 3), (120, 6)]), (500_000, [(0, 6), (60, 6), (120, 6), (180, 6)])],
)
def test_who_catches_up_writes_what_was_summed_before_as_a_part(
    memory_store, monkeypatch, together: int, rows: list[tuple[int, int]]
) -> None:
    monkeypatch.setattr(open_steps, "_SUMMED_TOGETHER", together)
    writer = writer_of(memory_store, circuit(channels=("ch1", "ch2")))
    few, many = minutes(0, 9), minutes(9, 600)
    samples = numbered([*few, *many])

    writer.write(poll_of(samples[: len(few)]))
    writer.write(poll_of(samples[len(few) :]))
    watermark_to(writer, 7_200)

    assert steps(memory_store)[:4] == rows
    assert rolled_up(memory_store)["rollups"] == undisturbed(samples, 7_200)["rollups"]


def test_many_small_polls_are_put_together_while_they_wait(memory_store) -> None:
    writer = writer_of(memory_store, circuit())
    written_in_parts(writer, [at(n / 10, latency_us=n) for n in range(250)], 1)

    progress = writer._progress
    assert progress is not None
    assert len(progress.steps.batches) <= open_steps._BATCHES_MAX
    assert sum(len(batch) for batch in progress.steps.batches) <= open_steps._BATCHES_MAX
    assert len(progress.steps.unsummed) <= open_steps._UNSUMMED_MAX
    watermark_to(writer, 300)
    assert steps(memory_store) == [(0, 250)]


def test_a_store_of_before_keeps_its_rollups_and_forgets_those_of_open_steps(
    tmp_path: Path,
) -> None:
    network = circuit(channels=("ch1", "ch2"))
    samples = numbered(minutes(0, 30))
    store = TelemetryStore(tmp_path / "t.duckdb")
    store.start()
    writer_of(store, network).write(poll_of(samples[:25]))  # complete up to 210 s
    assert steps(store) == [(0, 6), (60, 6), (120, 6)]
    as_it_was_before(store)
    store.close()

    store.start()
    assert steps(store) == [(0, 0), (0, 6), (60, 0), (60, 6), (120, 0), (120, 6)]
    writer = writer_of(store, network)
    writer.write(poll_of(samples[25:]))
    watermark_to(writer, 600)

    want = undisturbed(samples, 600)
    assert {name: rolled_up(store)[name] for name in ROLLED_UP[1:]} == {
        name: want[name] for name in ROLLED_UP[1:]
    }
    store.close()


def as_it_was_before(store: TelemetryStore) -> None:
    """Give the store the tables of 0008, where each poll wrote what it had of open steps, too."""
    as_before_stands(store)
    run = store.writer.execute
    run("create table counts as from latency_histogram")
    run("drop view latency_histogram")
    run("drop view rollup_halves")
    run(
        "create table latency_histogram (channel_key integer not null, start_s bigint not null, "
        "bucket integer not null, count bigint not null)"
    )
    run("insert into latency_histogram from counts")
    run("drop table counts")
    run("alter table rollup_parts drop column latency_buckets")
    run("alter table rollup_parts drop column latency_counts")
    open_s = MIDNIGHT + 180
    run(
        "insert into rollup_parts select * replace ($at as start_s) from rollup_parts limit 1",
        {"at": open_s},
    )
    run("insert into latency_histogram values (1, $at, 300, 6)", {"at": open_s})
    run("delete from migrations where name = '0009_open_steps.sql'")
