"""Messages in the order in which they are sent, what is corrupt in them, and the counts."""

import io
from collections import Counter

import fastavro
import pytest

from linksla.clock import parse_instant
from linksla.model import Reason
from linksla.wire import partition_of, schema, single_object_header
from simulator.counts import counts
from simulator.defects import REASON_OF, CorruptMessage, CorruptSample, corrupt
from simulator.emit import ListSink, emit
from simulator.faults import Corruption, Defect
from simulator.history import Emitted
from simulator.samples import measurements_table
from simulator.worlds import demo_world, once_world

SINGLE = fastavro.parse_schema(schema("LinkSample"))
BATCH = fastavro.parse_schema(schema("LinkSampleBatch"))
NOVEMBER_4 = parse_instant("2025-11-04T00:00:00Z")


def decoded(value: bytes) -> list[dict]:
    """The samples of a framed message; raises for a corrupt one."""
    body = io.BytesIO(value[10:])
    if value[:10] == single_object_header("LinkSampleBatch"):
        samples = fastavro.schemaless_reader(body, BATCH, None)["samples"]
    else:
        assert value[:10] == single_object_header("LinkSample")
        samples = [fastavro.schemaless_reader(body, SINGLE, None)]
    assert not body.read()
    return samples


def test_what_is_sent_is_what_the_arithmetic_says() -> None:
    world = once_world()
    for day in ("2025-10-14", "2025-10-18", "2025-10-19", "2025-11-04", "2025-11-28",
                "2025-12-02", "2025-12-03"):  # fmt: skip
        start = parse_instant(f"{day}T00:00:00Z")
        sink = ListSink()
        sent = emit(world, sink, start, start + 86_400)
        expected = counts(world, start, start + 86_400)
        assert sent.samples == expected.samples, day
        assert (sent.late, sent.duplicate) == (expected.late, expected.duplicate), day
        assert dict(sent.rejected) == dict(expected.rejected), day
        assert sent.messages == len(sink.messages)


def test_every_good_sample_is_in_its_circuits_partition_in_time_order() -> None:
    world = demo_world(parse_instant("2026-11-22T18:55:00Z"))
    start = parse_instant("2026-11-01T00:00:00Z")
    sink = ListSink()
    sent = emit(world, sink, start, start + 43_200, batch=500)
    newest: dict[int, object] = {}
    seen = 0
    for message in sink.messages:
        samples = decoded(message.value)
        assert 0 < len(samples) <= 500
        for sample in samples:
            assert partition_of(sample["circuit_id"]) == message.partition
            last = newest.get(message.partition)
            assert last is None or sample["observed_at"] >= last
            newest[message.partition] = sample["observed_at"]
        seen += len(samples)
    assert seen == sent.samples == counts(world, start, start + 43_200).samples


def test_single_samples_are_keyed_by_their_circuit() -> None:
    sink = ListSink()
    sent = emit(once_world(), sink, NOVEMBER_4, NOVEMBER_4 + 600, batch=1)
    assert len(sink.messages) == sent.samples == sent.messages
    for message in sink.messages:
        (sample,) = decoded(message.value)
        assert message.key == sample["circuit_id"].encode()


def test_the_bytes_are_the_same_in_every_run() -> None:
    def values():
        sink = ListSink()
        emit(once_world(), sink, NOVEMBER_4, NOVEMBER_4 + 86_400)
        return sink.messages

    assert values() == values()


def good_row():
    world = once_world()
    circuit = world.circuit("LON-1")
    return measurements_table(
        world, circuit, circuit.channels[0], NOVEMBER_4, NOVEMBER_4 + 60
    ), circuit.active_from_s


@pytest.mark.parametrize("defect", list(Defect))
def test_each_defect_is_what_it_says(defect: Defect) -> None:
    row, active_from = good_row()
    made = corrupt(row, defect, active_from)
    if isinstance(made, CorruptSample):
        changed = [name for name in row.column_names if str(row[name]) != str(made.row[name])]
        assert len(changed) == 1
        assert made.row.schema == row.schema
        return
    assert isinstance(made, CorruptMessage)
    if defect is Defect.TOO_MANY_SAMPLES:
        assert len(decoded(made.value)) == 10_001
    else:
        with pytest.raises((AssertionError, EOFError, UnicodeDecodeError)):
            decoded(made.value)


def test_every_reason_for_rejection_is_caused_by_some_defect() -> None:
    assert set(REASON_OF.values()) == set(Reason)
    assert set(REASON_OF) == set(Defect)


def test_a_corrupt_sample_lies_among_good_ones_in_its_batch() -> None:
    world = once_world()
    sink = ListSink()
    emit(world, sink, NOVEMBER_4, NOVEMBER_4 + 86_400)
    (corruption,) = [
        i for i in world.injections if isinstance(i, Corruption) and i.circuit_id == "LON-1"
    ]
    bad = 0
    for message in sink.messages:
        try:
            samples = decoded(message.value)
        except (AssertionError, EOFError, UnicodeDecodeError):
            continue
        wrong = [s for s in samples if s["loss_ratio"] is not None and s["loss_ratio"] > 1]
        bad += len(wrong)
        if wrong:
            assert len(samples) > 100
    assert bad == Counter(corruption.defects)[Defect.LOSS_ABOVE_ONE] == 1


def test_stretches_add_up() -> None:
    one = Emitted(samples=3, messages=1, rejected=Counter(undecodable=1))
    two = Emitted(samples=4, messages=2, late=1, rejected=Counter(undecodable=2))
    both = one + two
    assert (both.samples, both.messages, both.late) == (7, 3, 1)
    assert both.rejected["undecodable"] == 3
    assert one.samples == 3


def test_the_interval_changes_where_the_history_ends_and_the_live_time_begins() -> None:
    world = demo_world(parse_instant("2026-11-22T18:55:00Z"))
    sink = ListSink()
    sent = emit(world, sink, world.end_s - 600, world.end_s + 60)
    intervals = Counter(s["interval_ms"] for m in sink.messages for s in decoded(m.value))
    assert intervals == {60_000: 10 * 19, 5_000: 12 * 19}
    assert sent.samples == 22 * 19
