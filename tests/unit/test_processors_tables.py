"""What `sla` reads: real traces through the writer, and what lies beyond the watermark."""

import csv
from datetime import UTC, datetime
from math import ceil
from pathlib import Path

import pytest

from linksla.stores import TelemetryStore
from linksla.wire import partition_of
from processors.buckets import bucket_middle_us
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
    spans_of,
    watermark_to,
    writer_of,
)


def trace(path: Path) -> list[Sample]:
    """Return a RIPE Atlas trace as samples: rtt of 0 or less, or 1000 ms and more, is lost.

    Times are cut to the minute, so two measurements may share one: a microsecond keeps them apart.
    """
    samples: list[Sample] = []
    with path.open() as file:
        for row in csv.DictReader(file, delimiter=";"):
            text = row["epoch"]
            form = "%d/%m/%Y %H:%M" if "/" in text else "%Y-%m-%d %H:%M:%S"
            moment = datetime.strptime(text, form).replace(tzinfo=UTC)
            rtt = float(row["rtt"])
            good = 0 < rtt < 1000
            observed_at_us = int(moment.timestamp()) * US
            if samples and samples[-1].observed_at_us == observed_at_us:
                observed_at_us += 1
            samples.append(
                Sample(
                    circuit_id=path.stem,
                    sequence=len(samples),
                    observed_at_us=observed_at_us,
                    interval_us=240 * US,
                    latency_us=round(rtt * 1000) if good else None,
                    loss_ppm=0 if good else 1_000_000,
                )
            )
    return samples


def nearest_rank_us(store: TelemetryStore, percent: int) -> int:
    """Return a percentile by merging the histogram over all steps."""
    buckets = store.writer.execute(
        "select bucket, sum(count) from latency_histogram group by bucket order by bucket"
    ).fetchall()
    rank = ceil(sum(count for _, count in buckets) * percent / 100)
    for bucket, count in buckets:
        rank -= count
        if rank <= 0:
            return bucket_middle_us(bucket)
    raise AssertionError


@pytest.mark.parametrize("file", ["11119.csv", "11145.csv"])
def test_real_traces_give_the_published_percentiles_and_the_exact_counts(
    vectors, rtt_traces: Path, memory_store, file: str
) -> None:
    (case,) = (c for c in vectors("statistics")["ripe_atlas"]["cases"] if c["file"] == file)
    samples = trace(rtt_traces / file)
    one = circuit(file.removesuffix(".csv"), 240, ("ch1",), active_from=0)
    writer = writer_of(memory_store, one)
    whole = numbered(samples)
    for first in range(0, len(whole), 3_000):
        writer.write(poll_of(whole[first : first + 3_000]))
    watermark_to(writer, (samples[-1].observed_at_us // US) - MIDNIGHT + 3_600)

    count, lost, total = memory_store.writer.execute(
        "select sum(latency_count), sum(lost_count), sum(latency_sum_us) from rollups"
    ).fetchone()
    assert (count + lost, lost) == (case["n"], case["lost"])
    assert total / count / 1000 == pytest.approx(case["mean"], abs=0.001)
    for percent in (50, 95, 99):
        assert nearest_rank_us(memory_store, percent) / 1000 == pytest.approx(
            case[f"p{percent}"], rel=0.01
        )


def test_provisional_spans_go_from_complete_to_the_latest_cell_of_the_circuit(
    memory_store,
) -> None:
    writer = writer_of(memory_store, circuit(channels=("ch1", "ch2")), circuit("other"))
    steps = [at(10 * n) for n in range(10)]
    held = at(55, channel="ch2", interval_us=30 * US, bgp_state=1)
    writer.write(poll_of(numbered([*steps, held])))

    with memory_store.reader() as cursor:
        found = stands(cursor, ["X"])
        assert spans_of(provisional_spans(cursor, found)) == [
            (1, MIDNIGHT + 60, MIDNIGHT + 100, 1, 0),
            (2, MIDNIGHT + 60, MIDNIGHT + 80, 2, 0),
        ]
        assert found.live_to() == {"X": MIDNIGHT + 100}
        everyone, other = stands(cursor), stands(cursor, ["other"])
        assert spans_of(provisional_spans(cursor, everyone)) == spans_of(
            provisional_spans(cursor, found)
        )
        assert len(provisional_spans(cursor, other)) == 0
        assert (everyone.live_to(), other.live_to()) == (found.live_to(), {})
        assert everyone.complete_up_to()["X"] == MIDNIGHT + 60
        assert stands(cursor, ["nobody's"]).complete_up_to() == {}


def test_once_all_is_complete_nothing_is_provisional(memory_store) -> None:
    writer = writer_of(memory_store, circuit())
    writer.write(poll_of(numbered([at(0), at(10)])))
    writer.write(idle_poll([partition_of("X")], 100))

    assert len(provisional_spans(memory_store.writer, stands(memory_store.writer))) == 0


def test_readers_see_what_was_committed_while_the_writer_goes_on(memory_store) -> None:
    writer = writer_of(memory_store, circuit())
    writer.write(poll_of(numbered([at(0)])))
    memory_store.writer.execute("begin")
    memory_store.writer.execute("delete from channel_seen")
    with memory_store.reader() as cursor:
        seen = stands(cursor).live_to()
    memory_store.writer.execute("rollback")

    assert seen == {"X": MIDNIGHT + 10}
