"""`linksla.wire.encode` writes what the reference encoder writes."""

import io
from datetime import UTC, datetime
from typing import Any

import fastavro
import pyarrow as pa
import pytest

from linksla.model import BGP_STATES
from linksla.wire import WIRE_SCHEMA, encode, schema, single_object_header

OBSERVED_AT = datetime(2026, 10, 1, 0, 0, 0, 123_456, UTC)


def samples(count: int) -> list[dict[str, Any]]:
    """Return rows in which every nullable field is null somewhere."""
    return [
        {
            "circuit_id": f"DEN-{n}",
            "channel": "ch1" if n % 2 else "ch-ü",
            "sequence": -n if n % 5 == 0 else 10**n % 2**62,
            "observed_at": OBSERVED_AT,
            "interval_ms": 10_000 + n,
            "latency_ms": None if n % 2 else 3.25 + n,
            "jitter_ms": None if n % 3 else 0.1,
            "loss_ratio": None if n % 4 else 0.001 * n,
            "rx_bps": None if n % 5 else 1e9,
            "tx_bps": None if n % 6 else 2e9 + n,
            "bgp_state": BGP_STATES[n % 7],
            "bgp_transitions": None if n % 2 else n,
            "probe": None if n % 3 else f"probe {n}",
        }
        for n in range(count)
    ]


def table(rows: list[dict[str, Any]]) -> pa.Table:
    plain = [{**row, "observed_at": row["observed_at"].replace(tzinfo=None)} for row in rows]
    return pa.Table.from_pylist(plain, schema=WIRE_SCHEMA)


def reference(name: str, record: dict[str, Any]) -> bytes:
    out = io.BytesIO()
    fastavro.schemaless_writer(out, fastavro.parse_schema(schema(name)), record)
    return single_object_header(name) + out.getvalue()


def test_single_samples_are_encoded_as_by_the_reference() -> None:
    rows = samples(40)

    assert encode(table(rows), batch=1) == [reference("LinkSample", row) for row in rows]


@pytest.mark.parametrize("batch", [2, 7, 40, 100])
def test_batches_are_encoded_as_by_the_reference(batch: int) -> None:
    rows = samples(40)

    assert encode(table(rows), batch=batch) == [
        reference("LinkSampleBatch", {"samples": rows[start : start + batch]})
        for start in range(0, 40, batch)
    ]


def test_a_sliced_table_of_many_chunks_is_encoded_as_its_rows() -> None:
    rows = samples(30)
    chunked = pa.concat_tables([table(rows[:11]), table(rows[11:])]).slice(5, 20)

    assert encode(chunked, batch=1) == [reference("LinkSample", row) for row in rows[5:25]]
    assert encode(chunked, batch=8)[0] == reference("LinkSampleBatch", {"samples": rows[5:13]})


def test_no_rows_give_no_messages() -> None:
    assert encode(table([]), batch=500) == []


def test_the_single_object_header_is_marker_and_fingerprint() -> None:
    assert single_object_header("LinkSample")[:2] == b"\xc3\x01"
    assert len(single_object_header("LinkSampleBatch")) == 10
    assert single_object_header("LinkSample") != single_object_header("LinkSampleBatch")
