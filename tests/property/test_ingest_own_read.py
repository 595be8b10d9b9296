"""The loop for our own schemas: what it calls exact is what the reference decoder reads."""

import io
import json
from typing import Any

import fastavro
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest import judge, own_read
from ingest.rows import READ_SCHEMA
from ingest.writer_schemas import Content, WriterSchemas, understand
from linksla.model import BGP_STATES
from linksla.wire import schema_text

LONGS = st.integers(-(2**63), 2**63 - 1) | st.integers(-200, 20_000)
DOUBLES = st.none() | st.floats(width=64, allow_nan=False)
RECORDS = st.fixed_dictionaries(
    {
        "circuit_id": st.text(max_size=20),
        "channel": st.text(max_size=9),
        "sequence": LONGS,
        "observed_at": LONGS,
        "interval_ms": st.integers(-(2**31), 2**31 - 1),
        "latency_ms": DOUBLES,
        "jitter_ms": DOUBLES,
        "loss_ratio": DOUBLES,
        "rx_bps": DOUBLES,
        "tx_bps": DOUBLES,
        "bgp_state": st.sampled_from(BGP_STATES),
        "bgp_transitions": st.none() | LONGS,
        "probe": st.none() | st.text(max_size=9),
    }
)
SCHEMAS = WriterSchemas()
PLAIN: dict[str, Any] = {
    "circuit_id": "a", "channel": "b", "sequence": 1, "observed_at": 2, "interval_ms": 3,
    "bgp_state": "IDLE",
}  # fmt: skip


def encoded(content: Content, record: Any) -> bytes:
    out = io.BytesIO()
    fastavro.schemaless_writer(out, fastavro.parse_schema(SCHEMAS.own(content).parsed), record)
    return out.getvalue()


def agree(content: Content, bodies: list[bytes]) -> list[bool]:
    """Hold every message that is exact against the reference; return which are."""
    rows, exact = own_read.read(bodies, is_batch=content is Content.BATCH)
    found = rows.columns.to_pylist()
    messages, places = rows.message.tolist(), rows.index_in_message.tolist()
    for number, body in enumerate(bodies):
        mine = [row for row, message in zip(found, messages, strict=True) if message == number]
        if not exact[number]:
            assert mine == []
            continue
        wanted = judge.read(SCHEMAS.own(content), body)
        assert not isinstance(wanted, judge.Refused), wanted.detail
        rows_wanted = pa.RecordBatch.from_pylist(wanted, schema=READ_SCHEMA).to_pylist()
        assert repr(mine) == repr(rows_wanted)  # a changed byte may make a nan, which equals none
        assert places[: len(mine)] == list(range(len(mine)))
        del places[: len(mine)]
    return [bool(one) for one in exact]


@settings(max_examples=150, deadline=None)
@given(st.lists(RECORDS, min_size=1, max_size=6))
def test_samples_as_the_reference_writes_them_are_exact(records: list[Any]) -> None:
    assert all(agree(Content.SAMPLE, [encoded(Content.SAMPLE, one) for one in records]))


@settings(max_examples=150, deadline=None)
@given(st.lists(st.lists(RECORDS, max_size=5), min_size=1, max_size=4))
def test_batches_as_the_reference_writes_them_are_exact(batches: list[list[Any]]) -> None:
    assert all(agree(Content.BATCH, [encoded(Content.BATCH, {"samples": b}) for b in batches]))


@settings(max_examples=1_000, deadline=None)
@given(st.data())
def test_a_changed_message_is_read_as_the_reference_does_or_not_at_all(data: st.DataObject) -> None:
    content = data.draw(st.sampled_from([Content.SAMPLE, Content.BATCH]))
    record = data.draw(RECORDS)
    good = encoded(content, record if content is Content.SAMPLE else {"samples": [record] * 2})
    at = data.draw(st.integers(0, len(good) - 1))
    put = data.draw(st.binary(max_size=3))
    cut = data.draw(st.integers(0, 3))

    exact = agree(content, [good, good[:at] + put + good[at + cut :], good])

    assert (exact[0], exact[2]) == (True, True), "a neighbour is lost"


@pytest.mark.parametrize("at", range(50))
def test_a_message_cut_short_is_not_exact(at: int) -> None:
    good = encoded(Content.SAMPLE, PLAIN | {"rx_bps": 1.0, "tx_bps": 2.0, "probe": "p"})

    assert agree(Content.SAMPLE, [good[: min(at, len(good) - 1)], good]) == [False, True]


@pytest.mark.parametrize(
    ("number", "exact"),
    [
        (b"\x02", True),
        (b"\x82\x00", False),  # 1 in two bytes
        (b"\x82\x80\x00", False),
        (b"\x82\x80\x80\x00", False),
        (b"\x82\x80\x01", True),
        (b"\xff" * 9 + b"\x01", True),  # the least of 64 bits
        (b"\xfe" + b"\xff" * 8 + b"\x01", True),  # the greatest
        (b"\xff" * 9 + b"\x03", False),
        (b"\x82" + b"\x80" * 9 + b"\x01", False),  # eleven bytes
    ],
)
def test_a_number_is_exact_when_it_is_written_shortest(number: bytes, exact: bool) -> None:
    body = encoded(Content.SAMPLE, PLAIN).replace(b"\x02b\x02", b"\x02b" + number, 1)

    assert agree(Content.SAMPLE, [body]) == [exact]


def test_more_samples_than_bytes_are_claimed_without_room_for_them() -> None:
    claims = b"\xfe\xff\xff\xff\x0f" + encoded(Content.SAMPLE, PLAIN)

    assert agree(Content.BATCH, [claims, b"\x00"]) == [False, True]


def test_only_a_schema_written_as_ours_is_read_so() -> None:
    def changed(**changes: Any) -> str:
        full = json.loads(schema_text("LinkSample"))
        for item in full["fields"]:
            item |= changes.get(item["name"], {})
        return understand(json.dumps(full | {"doc": "another"})).fast_text

    assert own_read.is_own(changed())
    assert own_read.is_own(SCHEMAS.own(Content.BATCH).fast_text)
    assert not own_read.is_own(changed(latency_ms={"type": ["null", "float"]}))
    assert not own_read.is_own(changed(latency_ms={"type": ["double", "null"], "default": 0.0}))
    symbols = {"type": "enum", "name": "BgpState", "symbols": [*reversed(BGP_STATES)]}
    assert not own_read.is_own(changed(bgp_state={"type": symbols, "default": "UNKNOWN"}))
