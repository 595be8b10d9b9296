"""Every reason for rejection has its message or sample; the neighbours come through."""

import io
import json
import math
from typing import Any

import fastavro
import numpy as np
import pytest

from ingest.decode import Decoder
from ingest.rows import Messages
from ingest.writer_schemas import WriterSchemas
from linksla.model import SAMPLE_SCHEMA, WHOLE_MESSAGE, Reason, Reject
from linksla.wire import schema, single_object_header

APPENDED_US = 1_790_000_000_000_000
SAMPLE = {
    "circuit_id": "DEN-1", "channel": "ch1", "sequence": 7, "observed_at": APPENDED_US - 1_000_000,
    "interval_ms": 10_000, "latency_ms": 3.25, "jitter_ms": None, "loss_ratio": 0.0,
    "rx_bps": 1e9, "tx_bps": 2e9, "bgp_state": "ESTABLISHED", "bgp_transitions": 0, "probe": "p",
}  # fmt: skip


def plain(name: str) -> Any:
    """Return our schema without logical types, so that instants are written as they are given."""
    text = json.dumps(schema(name)).replace('"logicalType": "timestamp-micros"', '"doc": "x"')
    return fastavro.parse_schema(json.loads(text))


SINGLE, BATCH = plain("LinkSample"), plain("LinkSampleBatch")


def body(record: dict[str, Any]) -> bytes:
    out = io.BytesIO()
    fastavro.schemaless_writer(out, BATCH if "samples" in record else SINGLE, record)
    return out.getvalue()


def framed(record: dict[str, Any]) -> bytes:
    name = "LinkSampleBatch" if "samples" in record else "LinkSample"
    return single_object_header(name) + body(record)


def sample(**changes: Any) -> dict[str, Any]:
    return {**SAMPLE, **changes}


def decode(*values: bytes | None, headers: Any = None) -> tuple[list[dict[str, Any]], list[Reject]]:
    count = len(values)
    samples, rejects = Decoder(WriterSchemas()).decode(
        Messages(
            list(values),
            headers or {},
            np.full(count, 5),
            np.arange(100, 100 + count),
            np.full(count, APPENDED_US),
        )
    )
    assert samples.schema == SAMPLE_SCHEMA
    samples.validate(full=True)
    return samples.to_pylist(), rejects


def test_a_sample_becomes_integers_with_its_place() -> None:
    (row,), rejects = decode(framed(sample(latency_ms=3.2505, loss_ratio=0.1234567)))

    assert rejects == []
    assert row == {
        "circuit_id": "DEN-1", "channel": "ch1", "sequence": 7,
        "observed_at_us": APPENDED_US - 1_000_000, "interval_us": 10_000_000,
        "latency_us": round(3250.5), "jitter_us": None, "loss_ppm": 123_457, "rx_bps": 10**9,
        "tx_bps": 2 * 10**9, "bgp_state": 6, "bgp_transitions": 0, "probe": "p", "partition": 5,
        "offset": 100, "index_in_message": 0, "append_time_us": APPENDED_US,
    }  # fmt: skip


SAMPLES = [
    ({"latency_ms": math.nan}, Reason.NOT_FINITE, "latency_ms is nan"),
    ({"jitter_ms": math.inf}, Reason.NOT_FINITE, "jitter_ms is inf"),
    ({"tx_bps": -math.inf}, Reason.NOT_FINITE, "tx_bps is -inf"),
    ({"latency_ms": 600_000.1}, Reason.OUT_OF_RANGE, "latency_ms is 600000.1"),
    ({"jitter_ms": -0.001}, Reason.OUT_OF_RANGE, "jitter_ms is -0.001"),
    ({"loss_ratio": 1.0000001}, Reason.OUT_OF_RANGE, "loss_ratio"),
    ({"rx_bps": 1.1e15}, Reason.OUT_OF_RANGE, "rx_bps"),
    ({"tx_bps": 1e308}, Reason.OUT_OF_RANGE, "tx_bps"),
    ({"interval_ms": 0}, Reason.OUT_OF_RANGE, "interval_ms is 0"),
    ({"interval_ms": 86_400_001}, Reason.OUT_OF_RANGE, "interval_ms"),
    ({"observed_at": 946_684_799_999_999}, Reason.OUT_OF_RANGE, "before the year 2000"),
    ({"observed_at": -(2**63)}, Reason.OUT_OF_RANGE, "before the year 2000"),
    ({"observed_at": APPENDED_US + 300_000_001}, Reason.IN_THE_FUTURE, "300 s ahead"),
    ({"observed_at": 2**63 - 1}, Reason.IN_THE_FUTURE, "s ahead"),
    ({"circuit_id": ""}, Reason.UNPRINTABLE_NAME, "circuit_id is ''"),
    ({"channel": ""}, Reason.UNPRINTABLE_NAME, "channel is ''"),
    ({"circuit_id": "DEN\x1b[2J"}, Reason.UNPRINTABLE_NAME, r"circuit_id is 'DEN\x1b"),
    ({"channel": "ch\u202e1"}, Reason.UNPRINTABLE_NAME, r"channel is 'ch\u202e1'"),
    ({"probe": "line\nbreak"}, Reason.UNPRINTABLE_NAME, "probe"),
    ({"circuit_id": "x" * 201}, Reason.OVER_LIMIT, "circuit_id"),
    ({"channel": "ü" * 201}, Reason.OVER_LIMIT, "channel"),
]


@pytest.mark.parametrize(("changes", "reason", "said"), SAMPLES)
def test_a_bad_sample_leaves_its_batch_alone(changes: Any, reason: Reason, said: str) -> None:
    message = {"samples": [sample(sequence=1), sample(**changes), sample(sequence=3)]}

    rows, (reject,) = decode(framed(message), framed(sample(sequence=4)))

    assert [(row["sequence"], row["index_in_message"]) for row in rows] == [(1, 0), (3, 2), (4, 0)]
    assert (reject.reason, reject.partition, reject.offset) == (reason, 5, 100)
    assert reject.index_in_message == 1
    assert said in reject.detail
    names = {name: sample()[name] for name in ("circuit_id", "channel") if name not in changes}
    assert (reject.circuit_id, reject.channel) == (names.get("circuit_id"), names.get("channel"))


def test_the_ends_of_every_range_are_allowed() -> None:
    low = sample(
        latency_ms=0.0, jitter_ms=-0.0, loss_ratio=0.0, rx_bps=0.0, tx_bps=0.0, interval_ms=1,
        observed_at=946_684_800_000_000, sequence=-(2**63), circuit_id="x" * 200, channel="ü" * 200,
    )  # fmt: skip
    high = sample(
        latency_ms=600_000.0, jitter_ms=600_000.0, loss_ratio=1.0, rx_bps=1e15, tx_bps=1e15,
        interval_ms=86_400_000, observed_at=APPENDED_US + 300_000_000, sequence=2**63 - 1, probe="",
        bgp_transitions=2**63 - 1,
    )  # fmt: skip

    rows, rejects = decode(framed({"samples": [low, high]}))

    assert rejects == []
    assert rows[1]["latency_us"] == 600_000_000
    assert (rows[1]["loss_ppm"], rows[1]["rx_bps"]) == (1_000_000, 10**15)
    assert (rows[0]["sequence"], rows[1]["bgp_transitions"]) == (-(2**63), 2**63 - 1)


def test_invalid_utf8_rejects_its_sample_only() -> None:
    spoiled = framed({"samples": [sample(), sample(circuit_id="DEN-9"), sample(probe="q")]})
    spoiled = spoiled.replace(b"DEN-9", b"DE\xff-9")

    rows, (reject,) = decode(spoiled)

    assert [row["probe"] for row in rows] == ["p", "q"]
    assert (reject.reason, reject.index_in_message) == (Reason.INVALID_UTF8, 1)
    assert r"DE\\xff-9" in reject.detail


GOOD_BATCH = framed({"samples": [sample(sequence=n) for n in range(50)]})
WHOLE = [
    (None, Reason.UNDECODABLE, "empty"),
    (b"", Reason.UNDECODABLE, "empty"),
    (b"\xff" * 40, Reason.UNDECODABLE, ""),
    (b"garbage of some length", Reason.UNDECODABLE, ""),
    (GOOD_BATCH[:-1], Reason.UNDECODABLE, "no number of 64 bits at byte"),
    (GOOD_BATCH[:700], Reason.UNDECODABLE, "8 bytes at byte 684 of 690"),
    (GOOD_BATCH + b"\x00", Reason.UNDECODABLE, "1 bytes are left over"),
    (framed(SAMPLE) + b"more", Reason.UNDECODABLE, "4 bytes are left over"),
    (framed(SAMPLE)[:-3], Reason.UNDECODABLE, ""),
    (b"\x00\x00\x00\x00\x09" + body(SAMPLE), Reason.UNKNOWN_SCHEMA, "RegistryId(schema_id=9)"),
    (b"\x01" + bytes(16) + body(SAMPLE), Reason.UNKNOWN_SCHEMA, "RegistryGuid"),
    (b"\xc3\x01" + bytes(8) + body(SAMPLE), Reason.UNKNOWN_SCHEMA, "SingleObject"),
    (
        framed({"samples": [sample(sequence=n) for n in range(10_001)]}),
        Reason.OVER_LIMIT,
        "10,001 samples",
    ),
    (
        single_object_header("LinkSampleBatch") + bytes([0x80] * 5 + [0x40]) + b"x",
        Reason.OVER_LIMIT,
        "claims 1,099,511,627,776 samples",
    ),
]


@pytest.mark.parametrize(("value", "reason", "said"), WHOLE)
def test_a_bad_message_leaves_its_neighbours_alone(
    value: bytes | None, reason: Reason, said: str
) -> None:
    rows, (reject,) = decode(GOOD_BATCH, framed(sample(sequence=90)), value, GOOD_BATCH)

    assert [row["sequence"] for row in rows] == [*range(50), 90, *range(50)]
    assert [row["offset"] for row in rows] == [100] * 50 + [101] + [103] * 50
    assert (reject.reason, reject.offset) == (reason, 102)
    assert reject.index_in_message == WHOLE_MESSAGE
    assert said in reject.detail


def test_many_bad_messages_among_thousands_are_all_found() -> None:
    values = [framed(sample(sequence=n)) for n in range(3_000)]
    bad = list(range(0, 3_000, 41))
    for number in bad:
        values[number] = values[number][: 11 + number % 60]

    rows, rejects = decode(*values)

    assert [reject.offset - 100 for reject in rejects] == bad
    assert [row["sequence"] for row in rows] == sorted(set(range(3_000)) - set(bad))


def test_ten_thousand_samples_are_not_too_many() -> None:
    rows, rejects = decode(framed({"samples": [sample(sequence=n) for n in range(10_000)]}))

    assert (len(rows), rejects) == (10_000, [])


def test_an_empty_batch_is_no_sample_and_no_reject() -> None:
    assert decode(framed({"samples": []}), b"\x00") == ([], [])


def test_bare_samples_and_bare_batches_are_told_apart() -> None:
    long_name = "DEN-metro-0001-primary-access-to-us-west-2"  # its length byte is printable
    batches = [
        {"samples": [sample(circuit_id=name, sequence=n) for n in range(count)]}
        for name in ("D", "DEN-1", long_name, "z" * 120)
        for count in (1, 2, 16, 33, 64, 500)
    ]
    singles = [sample(circuit_id=name) for name in ("D", "DEN-1", long_name, "Zürich", "z" * 200)]

    rows, rejects = decode(*map(body, [*batches, *singles]))

    assert rejects == []
    assert len(rows) == 4 * (1 + 2 + 16 + 33 + 64 + 500) + 5
    assert [row["circuit_id"] for row in rows[-5:]] == [one["circuit_id"] for one in singles]


def zigzag(value: int) -> bytes:
    number, out = (value << 1) ^ (value >> 63), b""
    while number > 0x7F:
        out += bytes([number & 0x7F | 0x80])
        number >>= 7
    return out + bytes([number])


def blocks(*counts: int) -> bytes:
    """Return a batch in several blocks; a negative count is followed by the block's size."""
    out, number = b"", 0
    for count in counts:
        items = b"".join(body(sample(sequence=number + n)) for n in range(abs(count)))
        number += abs(count)
        out += zigzag(count) + (zigzag(len(items)) if count < 0 else b"") + items
    return out + b"\x00"


@pytest.mark.parametrize("counts", [(-3,), (2, 3), (-1, 4, -2), (-1,), (-98,)])
@pytest.mark.parametrize("header", [single_object_header("LinkSampleBatch"), b""])
def test_a_batch_in_blocks_is_read(counts: tuple[int, ...], header: bytes) -> None:
    total = sum(map(abs, counts))

    rows, rejects = decode(header + blocks(*counts), framed(sample(sequence=99)))

    assert rejects == []
    assert [row["sequence"] for row in rows] == [*range(total), 99]
    assert [row["index_in_message"] for row in rows] == [*range(total), 0]


def test_blocks_that_add_up_to_too_many_are_over_the_limit() -> None:
    value = single_object_header("LinkSampleBatch") + blocks(3)[:-1] + zigzag(2**40)

    _, (reject,) = decode(value)

    assert reject.reason is Reason.OVER_LIMIT


def test_an_overlong_number_is_read_as_the_reference_reads_it() -> None:
    value = framed(sample(sequence=7))
    place = value.index(b"\x06ch1\x0e") + 4

    (row,), rejects = decode(value[:place] + b"\x8e\x00" + value[place + 1 :])

    assert (row["sequence"], rejects) == (7, [])


def test_headers_that_say_nothing_are_no_hindrance() -> None:
    rows, rejects = decode(framed(SAMPLE), headers={0: [("traceparent", b"00-ab")]})

    assert (len(rows), rejects) == (1, [])


def test_a_frame_in_a_header_that_nobody_knows_is_not_read_as_something_else() -> None:
    value = blocks(-1)  # as a bare message it is a batch
    unknown = [("__value_schema_id", b"\x01" + b"\x07" * 16)]

    as_it_is, _ = decode(value)
    rows, (reject,) = decode(value, headers={0: unknown})

    assert len(as_it_is) == 1
    assert (rows, reject.reason) == ([], Reason.UNKNOWN_SCHEMA)
