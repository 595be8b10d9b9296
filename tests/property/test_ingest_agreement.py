"""The fast path and the reference decoder agree; units are rounded as `round` does."""

import io
from typing import Any

import fastavro
import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest import fast_read, judge
from ingest.decode import Decoder
from ingest.rows import READ_SCHEMA, Messages, Rows
from ingest.validate import validate
from ingest.varints import OVERLONG
from ingest.writer_schemas import Content, WriterSchemas
from linksla.model import BGP_STATES
from linksla.wire import schema, single_object_header

APPENDED_US = 1_790_000_000_000_000
LONGS = st.integers(-(2**63), 2**63 - 1)
DOUBLES = st.none() | st.floats(width=64)
RECORDS = st.fixed_dictionaries(
    {
        "circuit_id": st.text(max_size=220),
        "channel": st.text(max_size=20),
        "sequence": LONGS,
        "observed_at": st.integers(-(2**62), 2**62) | st.integers(10**15, APPENDED_US),
        "interval_ms": st.integers(-(2**31), 2**31 - 1) | st.integers(1, 60_000),
        "latency_ms": DOUBLES,
        "jitter_ms": st.none() | st.floats(0, 600_000),
        "loss_ratio": st.none() | st.floats(0, 1),
        "rx_bps": st.none() | st.floats(0, 1e15),
        "tx_bps": DOUBLES,
        "bgp_state": st.sampled_from(BGP_STATES),
        "bgp_transitions": st.none() | LONGS,
        "probe": st.none() | st.text(max_size=20),
    }
)
SCHEMAS = WriterSchemas()


def encoded(content: Content, record: Any) -> bytes:
    parsed = fastavro.parse_schema(SCHEMAS.own(content).parsed)
    out = io.BytesIO()
    fastavro.schemaless_writer(out, parsed, record)
    return out.getvalue()


def judged(content: Content, bodies: list[bytes]) -> Rows:
    found: list[judge.Row] = []
    message: list[int] = []
    index: list[int] = []
    for number, body in enumerate(bodies):
        rows = judge.read(SCHEMAS.own(content), body)
        assert not isinstance(rows, judge.Refused)
        found += rows
        message += [number] * len(rows)
        index += range(len(rows))
    return Rows(
        pa.RecordBatch.from_pylist(found, schema=READ_SCHEMA),
        np.array(message, dtype=np.int64),
        np.array(index, dtype=np.int64),
    )


def certain(body: bytes) -> bool:
    """Return whether a body cannot seem to hold more than 64 bits: others may go to the judge."""
    return OVERLONG.search(body) is None


def numbered_again(rows: Rows) -> Rows:
    """Return rows whose messages are numbered without gaps."""
    _, message = np.unique(rows.message, return_inverse=True)
    return Rows(rows.columns, message.astype(np.int64), rows.index_in_message)


def outcome(rows: Rows, count: int) -> Any:
    places = Messages(
        [None] * count, {}, np.arange(count), np.arange(count) + 7, np.full(count, APPENDED_US)
    )
    samples, rejects = validate(rows, places)
    return samples.to_pylist(), rejects


@settings(max_examples=150, deadline=None)
@given(st.lists(RECORDS, min_size=1, max_size=8))
def test_single_samples_read_fast_equal_those_of_the_reference(records: list[Any]) -> None:
    bodies = [encoded(Content.SAMPLE, record) for record in records]

    rows, exact = fast_read.read(SCHEMAS.own(Content.SAMPLE), bodies)
    bodies = [body for body, one in zip(bodies, exact, strict=True) if one or certain(body)]

    assert exact.sum() == len(bodies)
    rows = numbered_again(rows)
    assert outcome(rows, len(bodies)) == outcome(judged(Content.SAMPLE, bodies), len(bodies))


@settings(max_examples=150, deadline=None)
@given(st.lists(st.lists(RECORDS, max_size=6), min_size=1, max_size=5))
def test_batches_read_fast_equal_those_of_the_reference(batches: list[list[Any]]) -> None:
    bodies = [encoded(Content.BATCH, {"samples": batch}) for batch in batches]

    rows, exact = fast_read.read(SCHEMAS.own(Content.BATCH), bodies)
    bodies = [body for body, one in zip(bodies, exact, strict=True) if one or certain(body)]

    assert exact.sum() == len(bodies)
    bodies = [body for body in bodies if body != b"\x00"]
    rows = numbered_again(rows)
    assert outcome(rows, len(bodies)) == outcome(judged(Content.BATCH, bodies), len(bodies))


@settings(max_examples=300, deadline=None)
@given(st.lists(LONGS, min_size=1, max_size=30))
def test_the_computed_length_of_a_long_is_that_of_its_encoding(values: list[int]) -> None:
    long_schema = fastavro.parse_schema("long")
    lengths = []
    for value in values:
        out = io.BytesIO()
        fastavro.schemaless_writer(out, long_schema, value)
        lengths.append(len(out.getvalue()))

    assert fast_read.varint_bytes(np.array(values, dtype=np.int64)).tolist() == lengths


@settings(max_examples=300, deadline=None)
@given(
    st.floats(0, 600_000), st.floats(0, 1), st.floats(0, 1e15),
    st.integers(0, 600_000_000).map(lambda n: n + 0.5),
)  # fmt: skip
def test_a_value_becomes_the_nearest_integer_of_its_unit(
    latency_ms: float, loss_ratio: float, rx_bps: float, tx_bps: float
) -> None:
    record = {
        "circuit_id": "a", "channel": "b", "sequence": 1, "observed_at": APPENDED_US,
        "interval_ms": 1, "latency_ms": latency_ms, "jitter_ms": None, "loss_ratio": loss_ratio,
        "rx_bps": rx_bps, "tx_bps": tx_bps, "bgp_state": "IDLE",
    }  # fmt: skip
    rows, _ = fast_read.read(SCHEMAS.own(Content.SAMPLE), [encoded(Content.SAMPLE, record)])

    (row,), rejects = outcome(rows, 1)

    assert rejects == []
    assert row["latency_us"] == round(latency_ms * 1_000)
    assert row["loss_ppm"] == round(loss_ratio * 1_000_000)
    assert (row["rx_bps"], row["tx_bps"]) == (round(rx_bps), round(tx_bps))


@settings(max_examples=300, deadline=None)
@given(st.lists(st.binary(max_size=300), max_size=6), st.integers(0, 3))
def test_no_bytes_whatever_make_the_decoder_raise(values: list[bytes], frame: int) -> None:
    good = encoded(Content.SAMPLE, schema_example())
    fronts = (b"", single_object_header("LinkSample"), single_object_header("LinkSampleBatch"))
    front = fronts[frame] if frame < len(fronts) else b"\x00\x00\x00\x00\x01"
    messages = [front + value for value in values] + [good]
    count = len(messages)

    samples, rejects = Decoder(SCHEMAS).decode(
        Messages(messages, {}, np.zeros(count), np.arange(count), np.full(count, APPENDED_US))
    )

    assert (samples.column("offset").to_pylist() or [None])[-1] == count - 1
    assert {reject.offset for reject in rejects} <= set(range(count - 1))


def schema_example() -> dict[str, Any]:
    """Return a good record, with a value for every field of our schema that needs one."""
    values: dict[str, Any] = {
        "circuit_id": "DEN-1", "channel": "ch1", "sequence": 1, "observed_at": APPENDED_US,
        "interval_ms": 10_000,
    }  # fmt: skip
    assert values.keys() == {
        f["name"] for f in schema("LinkSample")["fields"] if "default" not in f
    }
    return values
