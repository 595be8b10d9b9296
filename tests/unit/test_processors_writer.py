"""The writer: all or nothing, exactly once, and every sample accounted for."""

from dataclasses import replace
from pathlib import Path

import pytest

from linksla.clock import ManualClock
from linksla.errors import ConfigError, StoreError, StreamError
from linksla.meters import Meters
from linksla.model import RawMessage, Reason, Reject
from linksla.settings import TimeSettings
from linksla.stores import TelemetryStore
from linksla.wire import partition_of
from processors.writer import Writer
from processors.written import Written
from tests.unit.processors_support import (
    MIDNIGHT,
    US,
    Sample,
    at,
    circuit,
    idle_poll,
    inventory,
    numbered,
    poll_of,
    stored_spans,
    table_of,
    watermark_to,
    writer_of,
)

P = partition_of("X")
TABLES = (
    "samples", "rollup_parts", "latency_histogram", "rejects", "pending", "ledger", "spans",
    "channel_stands", "channel_seen", "channel_reach", "offsets", "channels", "stream_identity",
    "followed_topic",
)  # fmt: skip
STEPS = (
    "samples", "rollups", "ledger", "rejects", "pending", "spans", "progress", "offsets", "commit",
)  # fmt: skip


class FailingWriter(Writer):
    """Fails at one point, once it is told to."""

    fails_at = ""

    def _at(self, point: str) -> None:
        if point == self.fails_at:
            message = f"injected {point}"
            raise OSError(message)


def everything(store: TelemetryStore) -> dict[str, list[tuple[object, ...]]]:
    return {name: table_of(store, name) for name in TABLES}


def busy_polls() -> list[list[Sample]]:
    """Return polls that between them take every path: late, twice, in conflict, unknown."""
    first = [at(10 * n, latency_us=4_000 + n) for n in range(30)]
    late = at(15, latency_us=9)
    conflict = replace(first[3], loss_ppm=1_000_000, sequence=5)
    unknown = at(300, circuit_id="new", partition=P)
    inactive = at(-20 * 86_400)
    second = [first[2], late, conflict, unknown, inactive, *(at(300 + 10 * n) for n in range(9))]
    whole = numbered([*first, *second])
    return [whole[:30], whole[30:]]


@pytest.mark.parametrize("point", [f"{when} {s}" for s in STEPS for when in ("before", "after")])
def test_a_failure_at_any_point_leaves_the_store_as_it_was(tmp_path: Path, point: str) -> None:
    polls = [poll_of(samples) for samples in busy_polls()]
    store = TelemetryStore(tmp_path / "t.duckdb")
    store.start()
    writer = writer_of(store, circuit(), kind=FailingWriter)
    assert isinstance(writer, FailingWriter)
    writer.write(polls[0])
    before = everything(store)
    writer.fails_at = point

    with pytest.raises(StoreError, match="injected"):
        writer.write(polls[1])
    store.close()
    store.start()
    assert everything(store) == before

    again = writer_of(store, circuit())
    assert again.next_offsets() == {P: 30}
    written = again.write(polls[1])
    assert written == Written(10, 1, 1, 2, 1, 1, complete_up_to_moved=True)
    assert written.touched_circuits == {"X"}
    store.close()


def test_the_same_writer_goes_on_after_a_failure_as_if_it_had_not_been(memory_store) -> None:
    polls = [poll_of(samples) for samples in busy_polls()]
    writer = writer_of(memory_store, circuit(), kind=FailingWriter)
    assert isinstance(writer, FailingWriter)
    writer.write(polls[0])
    writer.fails_at = "after spans"
    with pytest.raises(StoreError):
        writer.write(polls[1])
    writer.fails_at = ""
    writer.write(polls[1])

    other = TelemetryStore(None)
    other.start()
    undisturbed = writer_of(other, circuit())
    for poll in polls:
        undisturbed.write(poll)
    assert everything(memory_store) == everything(other)
    other.close()


def test_a_poll_written_twice_changes_nothing_the_second_time(memory_store) -> None:
    writer = writer_of(memory_store, circuit())
    raw = {(P, 30): RawMessage(b"x", None, (), 5)}
    for number, samples in enumerate(busy_polls()):
        rejects = [Reject(Reason.NOT_FINITE, "d", P, 30, 4)] * number
        poll = poll_of(samples, rejects, raw=raw)
        writer.write(poll)
        before = everything(memory_store)
        again = writer.write(poll)

        assert again == Written()
        assert everything(memory_store) == before


def test_of_a_poll_that_overlaps_what_was_written_only_the_rest_is_taken(memory_store) -> None:
    writer = writer_of(memory_store, circuit())
    samples = numbered(at(10 * n) for n in range(10))
    writer.write(poll_of(samples[:6]))
    written = writer.write(poll_of(samples[3:]))

    assert (written.accepted, written.duplicate) == (4, 0)
    assert writer.next_offsets() == {P: 10}


def test_every_sample_of_a_poll_is_counted_once(memory_store) -> None:
    writer = writer_of(memory_store, circuit())
    first, second = busy_polls()
    writer.write(poll_of(first))
    written = writer.write(poll_of(second))

    counts = (
        written.accepted, written.duplicate, written.conflicting, written.rejected, written.pending,
    )  # fmt: skip
    assert sum(counts) == len(second)


def test_the_ledger_says_who_was_late_twice_or_in_conflict_and_on_which_day(memory_store) -> None:
    writer = writer_of(memory_store, circuit())
    for samples in busy_polls():
        writer.write(poll_of(samples))

    rows = memory_store.writer.execute(
        "select kind, circuit_id, channel, day, count, detail from ledger order by all"
    ).fetchall()
    day = MIDNIGHT // 86_400
    assert rows == [
        ("conflicting", "X", "ch1", day, 1, ""),
        ("duplicate", "X", "ch1", day, 1, ""),
        ("late", "X", "ch1", day, 2, ""),
        ("rejected", "X", "ch1", day - 20, 1, "inactive"),
    ]


def test_the_ledger_says_whose_a_rejected_sample_was_when_the_circuit_is_known(
    memory_store,
) -> None:
    writer = writer_of(memory_store, circuit())
    day = MIDNIGHT // 86_400
    rejects = [
        Reject(Reason.OUT_OF_RANGE, "loss", P, 0, 1, "X", "ch1"),
        Reject(Reason.OUT_OF_RANGE, "loss", P, 0, 2, "X", "ch1"),
        Reject(Reason.NOT_FINITE, "loss", P, 0, 3, "nobody's", "ch1"),
        Reject(Reason.UNDECODABLE, "no Avro", P, 1),
    ]
    raw = {(P, n): RawMessage(b"", None, (), MIDNIGHT * US) for n in range(2)}
    writer.write(poll_of([], rejects, next_offsets={P: 2}, raw=raw))

    rows = memory_store.writer.execute(
        "select circuit_id, channel, day, count, detail from ledger order by all"
    ).fetchall()
    assert rows == [
        ("X", "ch1", day, 2, "out_of_range"),
        (None, None, day, 1, "not_finite"),
        (None, None, day, 1, "undecodable"),
    ]


@pytest.mark.parametrize("cut", range(1, 4))
@pytest.mark.parametrize(
    "order", [(0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)]
)
def test_the_winner_is_the_highest_sequence_then_the_smallest_hash_in_any_order(
    memory_store, order: tuple[int, int, int], cut: int
) -> None:
    same = [at(0, sequence=5, loss_ppm=1), at(0, sequence=5, loss_ppm=2)]
    candidates = [at(0, sequence=4, loss_ppm=3), *same]
    samples = numbered(candidates[number] for number in order)
    writer = writer_of(memory_store, circuit())
    writer.write(poll_of(samples[:cut]))
    if samples[cut:]:
        writer.write(poll_of(samples[cut:]))
    watermark_to(writer, 600)

    rows = memory_store.writer.execute("select sequence, loss_ppm from samples").fetchall()
    best = min(same, key=lambda sample: sample.content)
    assert rows == [(5, best.loss_ppm)]
    (sums,) = memory_store.writer.execute("select samples, loss_sum_ppm from rollups").fetchall()
    assert sums == (1, best.loss_ppm)


def test_the_same_content_with_a_higher_sequence_is_a_duplicate_that_stands_its_ground(
    memory_store,
) -> None:
    writer = writer_of(memory_store, circuit())
    counts = []
    for number, sample in enumerate(
        [at(0, sequence=1), at(0, sequence=9), at(0, sequence=5, loss_ppm=7)]
    ):
        written = writer.write(poll_of(numbered([sample], number)))
        counts.append((written.accepted, written.duplicate, written.conflicting))

    assert counts == [(1, 0, 0), (0, 1, 0), (0, 0, 1)]
    rows = memory_store.writer.execute("select sequence, loss_ppm from samples").fetchall()
    assert rows == [(9, 0)]
    writer.write(idle_poll(range(8), 3_000))
    assert memory_store.writer.execute("select samples from rollups").fetchall() == [(1,)]


def test_a_late_sample_changes_the_cells_it_bears_on_and_no_other(memory_store) -> None:
    writer = writer_of(memory_store, circuit())
    on_time = [at(10 * n) for n in range(100) if n not in (20, 21, 22)]
    writer.write(poll_of(numbered(on_time)))
    gap = stored_spans(memory_store)
    late = at(200, interval_us=20 * US, bgp_state=1)
    written = writer.write(poll_of(numbered([late], 97)))

    assert written.late == 1
    assert [span[2:] for span in gap] == [
        (MIDNIGHT, MIDNIGHT + 200, 1, 0),
        (MIDNIGHT + 230, MIDNIGHT + 960, 1, 0),
    ]
    assert [span[2:] for span in stored_spans(memory_store)] == [
        (MIDNIGHT, MIDNIGHT + 200, 1, 0),
        (MIDNIGHT + 200, MIDNIGHT + 220, 2, 0),
        (MIDNIGHT + 230, MIDNIGHT + 960, 1, 0),
    ]


def test_samples_of_a_circuit_ordered_later_wait_and_are_fed_again(memory_store) -> None:
    writer = writer_of(memory_store, circuit())
    samples = [at(10 * n, circuit_id="new", latency_us=5, partition=P) for n in range(20)]
    waiting = writer.write(poll_of(numbered([*samples, samples[4]])))
    fed = writer.register(inventory(circuit(), circuit("new")))

    assert (waiting.pending, waiting.accepted) == (21, 0)
    assert (fed.accepted, fed.duplicate, fed.late, fed.pending) == (20, 1, 0, 0)
    assert table_of(memory_store, "pending") == []
    partition = partition_of("new")
    writer.write(idle_poll([partition], 100))
    writer.write(idle_poll([partition], 200))
    assert stored_spans(memory_store) == [("new", "ch1", MIDNIGHT, MIDNIGHT + 200, 1, 0)]


def test_keys_are_dense_and_stay_with_their_channel_when_the_inventory_changes(
    memory_store,
) -> None:
    writer_of(memory_store, circuit("a", channels=("1", "2")), circuit("b"))
    writer_of(memory_store, circuit("c"), circuit("b", active_to=MIDNIGHT))

    rows = memory_store.writer.execute(
        "select channel_key, circuit_id, channel, active_to_s from channels order by channel_key"
    ).fetchall()
    assert rows == [
        (1, "a", "1", None),
        (2, "a", "2", None),
        (3, "b", "ch1", MIDNIGHT),
        (4, "c", "ch1", None),
    ]


def test_a_changed_grid_is_refused_with_what_to_do(memory_store) -> None:
    writer_of(memory_store, circuit(grid=10))

    with pytest.raises(ConfigError, match=r"grid of 10 s.*fixed for its life"):
        writer_of(memory_store, circuit(grid=60))


def test_another_stream_than_the_one_of_the_offsets_is_refused(memory_store) -> None:
    writer = writer_of(memory_store, circuit())
    writer.check_identity({"cluster_id": "c1", "topic_id": "t1"})
    writer.check_identity({"cluster_id": "c1", "topic_id": "t1"})

    with pytest.raises(StreamError, match=r"topic_id is 't2'.*'t1'.*made anew"):
        writer.check_identity({"cluster_id": "c1", "topic_id": "t2"})
    assert table_of(memory_store, "stream_identity") == [("cluster_id", "c1"), ("topic_id", "t1")]


def test_rejects_of_one_message_and_reason_become_one_row_with_the_message(memory_store) -> None:
    writer = writer_of(memory_store, circuit())
    rejects = [
        Reject(Reason.NOT_FINITE, "latency_ms is nan", P, 0, 3),
        Reject(Reason.NOT_FINITE, "loss_ratio is inf", P, 0, 17),
        Reject(Reason.UNDECODABLE, "no Avro", P, 1),
    ]
    raw = {
        (P, 0): RawMessage(b"batch", b"k", (), 7),
        (P, 1): RawMessage(b"\x00\xff", None, (), 8),
    }
    written = writer.write(poll_of([], rejects, next_offsets={P: 2}, raw=raw))

    assert written.rejected == 3
    assert [row[1:] for row in table_of(memory_store, "rejects")] == [
        (P, 0, "not_finite", "3,17", "latency_ms is nan", 7, b"k", b"batch"),
        (P, 1, "undecodable", "", "no Avro", 8, None, b"\x00\xff"),
    ]
    assert writer.next_offsets() == {P: 2}


def test_a_sample_outside_the_channels_active_time_is_rejected_by_name(memory_store) -> None:
    writer = writer_of(memory_store, circuit(active_from=MIDNIGHT, active_to=MIDNIGHT + 60))
    samples = numbered([at(-0.000001), at(0), at(59.999999), at(60)])
    written = writer.write(poll_of(samples))

    assert (written.accepted, written.rejected) == (2, 2)
    reasons = [(row[2], row[3], row[4]) for row in table_of(memory_store, "rejects")]
    assert reasons == [(0, "inactive", "0"), (3, "inactive", "0")]


def test_writing_before_start_says_so() -> None:
    parts = (TimeSettings(), ManualClock(), Meters())
    writer = Writer(TelemetryStore(None), inventory(circuit()), "link.samples", *parts)

    with pytest.raises(StoreError, match="not started"):
        writer.next_offsets()
