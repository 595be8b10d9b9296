"""Cells and spans: the vectors, and any log in any order against the reference."""

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from linksla.inventory import Circuit
from linksla.model import BGP_STATES, LOSS_LADDER_PPM
from linksla.stores import TelemetryStore
from linksla.wire import partition_of
from processors.tables import provisional_spans, stands
from tests.unit.processors_support import (
    MIDNIGHT,
    US,
    Sample,
    at,
    circuit,
    idle_poll,
    numbered,
    poll_of,
    reference_spans,
    spans_of,
    stored_spans,
    winners,
    writer_of,
)


def cell_samples(case: dict[str, Any]) -> list[Sample]:
    return numbered(
        at(
            sample["at"],
            sequence=number,
            interval_us=round(sample["interval"] * US),
            loss_ppm=None if sample["loss"] is None else round(sample["loss"] * 1e6),
            bgp_state=BGP_STATES.index(sample["bgp"]),
        )
        for number, sample in enumerate(case["samples"])
    )


def cells_of(spans: list[Any], grid: int, count: int) -> list[Any]:
    cells: list[Any] = [None] * count
    for _, _, start, end, bgp, loss_class in spans:
        for number in range((start - MIDNIGHT) // grid, min((end - MIDNIGHT) // grid, count)):
            ppm = None if loss_class is None else LOSS_LADDER_PPM[loss_class]
            cells[number] = (bgp, ppm)
    return cells


def expected(case: dict[str, Any]) -> list[Any]:
    """Return the vector's cells; BGP unknown and no loss says nothing, which is unknown."""
    names = {"unknown": 0, "established": 1, "not": 2}
    cells: list[Any] = []
    for cell in case["expect"]:
        if cell is None or (cell["bgp"] == "unknown" and cell["loss_class"] is None):
            cells.append(None)
        else:
            loss = cell["loss_class"]
            cells.append((names[cell["bgp"]], None if loss is None else round(loss * 1e6)))
    return cells


def test_all_cell_vectors_pass_through_the_writer(vectors) -> None:
    failed = []
    cases = vectors("cells")["cases"]
    for case in cases:
        store = TelemetryStore(None)
        store.start()
        writer = writer_of(store, circuit(grid=case["grid_seconds"]))
        writer.write(poll_of(cell_samples(case)))
        writer.write(idle_poll([partition_of("X")], 100 * case["grid_seconds"]))
        cells = cells_of(stored_spans(store), case["grid_seconds"], case["cells"])
        if cells != expected(case):
            failed.append(case["name"])
        store.close()

    assert cases
    assert failed == []


def test_a_healthy_day_is_one_span_and_the_next_day_another(memory_store) -> None:
    writer = writer_of(memory_store, circuit(grid=60))
    samples = numbered(at(60 * n, interval_us=60 * US) for n in range(2 * 1440))
    for first in range(0, len(samples), 700):
        writer.write(poll_of(samples[first : first + 700]))
    writer.write(idle_poll([partition_of("X")], 2 * 86_400))

    assert [span[2:] for span in stored_spans(memory_store)] == [
        (MIDNIGHT, MIDNIGHT + 86_400, 1, 0),
        (MIDNIGHT + 86_400, MIDNIGHT + 2 * 86_400, 1, 0),
    ]


@pytest.mark.parametrize(
    ("grid", "interval_us", "cells"),
    [
        (1, 1_500_000, 1),  # the next midpoint is at 1.5 s: not in [0, 1.5)
        (1, 1_500_001, 2),
        (60, 90 * US, 1),
        (60, 90 * US + 1, 2),
    ],
)
def test_a_sample_holds_a_cell_only_when_its_midpoint_lies_before_its_end(
    memory_store, grid: int, interval_us: int, cells: int
) -> None:
    writer = writer_of(memory_store, circuit(grid=grid))
    writer.write(poll_of(numbered([at(0, interval_us=interval_us)])))
    writer.write(idle_poll([partition_of("X")], 10 * grid))

    assert [span[2:4] for span in stored_spans(memory_store)] == [
        (MIDNIGHT, MIDNIGHT + cells * grid)
    ]


def test_a_long_interval_shows_again_where_shorter_ones_after_it_end(memory_store) -> None:
    writer = writer_of(memory_store, circuit())
    long = at(0, interval_us=200 * US, loss_ppm=500_000)
    short = [at(20 + 50 * n, interval_us=10 * US) for n in range(3)]
    writer.write(poll_of(numbered([long, *short])))
    writer.write(idle_poll([partition_of("X")], 400))

    lossy = [span[2:4] for span in stored_spans(memory_store) if span[5] == 6]
    assert lossy == [
        (MIDNIGHT, MIDNIGHT + 20),
        (MIDNIGHT + 30, MIDNIGHT + 70),
        (MIDNIGHT + 80, MIDNIGHT + 120),
        (MIDNIGHT + 130, MIDNIGHT + 200),
    ]


def test_nothing_is_held_beyond_a_channels_active_time(memory_store) -> None:
    end = MIDNIGHT + 35
    writer = writer_of(memory_store, circuit(active_to=end))
    writer.write(poll_of(numbered([at(0, interval_us=100 * US)])))
    writer.write(idle_poll([partition_of("X")], 400))

    assert [span[2:4] for span in stored_spans(memory_store)] == [(MIDNIGHT, MIDNIGHT + 40)]


# --- any log, in any order, cut into any polls ----------------------------------------------------

CELLS = 30


@st.composite
def logs(draw: st.DrawFn) -> tuple[list[Circuit], list[list[Sample]], list[bool]]:
    circuits = [
        circuit("X", draw(st.sampled_from([1, 10, 60])), ("ch1", "ch2")),
        circuit("Y", draw(st.sampled_from([5, 3600])), ("ch1",)),
    ]
    samples = []
    for number in range(draw(st.integers(1, 25))):
        one = draw(st.sampled_from(circuits))
        grid_us = one.grid_seconds * US
        where = draw(st.integers(-CELLS * 4, CELLS * 4))
        factor = draw(st.sampled_from([0.3, 0.5, 1, 1.0001, 1.5, 3, 11]))
        samples.append(
            Sample(
                one.id,
                draw(st.sampled_from(one.channels)).name,
                draw(st.sampled_from([number, 1, 2])),
                MIDNIGHT * US + where * grid_us // 4 + draw(st.sampled_from([0, 0, 1])),
                round(grid_us * factor),
                latency_us=draw(st.sampled_from([None, 100, 5_000, 70_000])),
                jitter_us=draw(st.sampled_from([None, 7])),
                loss_ppm=draw(st.sampled_from([None, 0, 500, 1_000, 500_000, 1_000_000])),
                rx_bps=draw(st.sampled_from([None, 10**9, 2**62])),
                bgp_state=draw(st.sampled_from([6, 6, 6, 0, 1])),
            )
        )
    again = draw(st.lists(st.sampled_from(samples), max_size=5))
    order = draw(st.permutations(samples + again))
    cuts = sorted(draw(st.sets(st.integers(0, len(order)), max_size=4)))
    whole = numbered(order)
    bounds = [0, *cuts, len(order)]
    polls = [whole[a:b] for a, b in pairwise(bounds)]
    return circuits, polls, draw(st.lists(st.booleans(), min_size=6, max_size=6))


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(log=logs())
def test_any_order_duplication_and_split_gives_the_spans_and_rollups_of_the_reference(log) -> None:
    circuits, polls, restarts = log
    store = TelemetryStore(None)
    store.start()
    writer = writer_of(store, *circuits)
    so_far: list[Sample] = []
    partitions = [partition_of(one.id) for one in circuits]
    final = idle_poll(partitions, 60 * 3600)
    for samples, restart in [*zip(polls, restarts, strict=False), (None, False)]:
        if restart:
            writer = writer_of(store, *circuits)
        writer.write(final if samples is None else poll_of(samples))
        so_far += samples or []
        with store.reader() as cursor:
            complete = stands(cursor).complete_up_to()
        for one in circuits:
            first = MIDNIGHT - 40 * one.grid_seconds
            first -= first % one.grid_seconds
            # What lies further ahead than any sample reaches need not be walked cell by cell.
            folded = min(complete[one.id], MIDNIGHT + 50 * one.grid_seconds)
            want = reference_spans(so_far, one, first, folded)
            assert [span for span in stored_spans(store) if span[0] == one.id] == want
            with store.reader() as cursor:
                found = stands(cursor, [one.id])
                ahead = spans_of(provisional_spans(cursor, found))
            live = found.live_to().get(one.id, folded)
            names = dict(
                store.writer.execute("select channel_key, channel from channels").fetchall()
            )
            assert [(one.id, names[key], *span) for key, *span in ahead] == reference_spans(
                so_far, one, max(first, folded), live
            )
        assert_rollups(store, circuits, so_far, complete)
    store.close()


def assert_rollups(
    store: TelemetryStore,
    circuits: list[Circuit],
    samples: list[Sample],
    complete: dict[str, int],
) -> None:
    """Hold the tables against the samples of all steps that are over, and no others."""
    grids = {one.id: max(one.grid_seconds, 60) for one in circuits}
    steps: dict[tuple[str, str, int], list[Sample]] = {}
    over = []
    for sample in winners(samples).values():
        step = grids[sample.circuit_id]
        start = sample.observed_at_us // US // step * step
        if start + step <= complete[sample.circuit_id]:
            over.append(sample)
            steps.setdefault((sample.circuit_id, sample.channel, start), []).append(sample)
    want = {
        key: (
            len(members),
            sum(s.latency_us is not None for s in members),
            sum(s.latency_us or 0 for s in members),
            max((s.latency_us for s in members if s.latency_us is not None), default=None),
            sum(s.loss_ppm == 1_000_000 and s.latency_us is None for s in members),
            sum(s.loss_ppm or 0 for s in members),
            sum(s.loss_ppm is not None or s.latency_us is not None for s in members),
            sum(s.rx_bps or 0 for s in members),
        )
        for key, members in steps.items()
    }
    got = {
        tuple(row[:3]): tuple(row[3:])
        for row in store.writer.execute(
            """
            select c.circuit_id, c.channel, start_s, samples, latency_count, latency_sum_us,
                latency_max_us, lost_count, loss_sum_ppm, loss_count, rx_sum_bps
            from rollups join channels c using (channel_key)
            """
        ).fetchall()
    }
    assert got == want
    counted = store.writer.execute(
        "select bucket, sum(count) from latency_histogram group by bucket order by bucket"
    ).fetchall()
    bucketed: dict[int, int] = {}
    for sample in over:
        if sample.latency_us is not None:
            (bucket,) = store.writer.execute(
                "select latency_bucket(?::integer)", [sample.latency_us]
            ).fetchone()
            bucketed[bucket] = bucketed.get(bucket, 0) + 1
    assert counted == sorted(bucketed.items())
