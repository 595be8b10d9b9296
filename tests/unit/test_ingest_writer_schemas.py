"""Which schemas are known, and how older and newer writers are read."""

import io
import json
import uuid
from collections.abc import Callable
from typing import Any

import fastavro
import numpy as np
import pytest

from ingest.decode import Decoder
from ingest.frames import RegistryGuid, RegistryId
from ingest.rows import Messages
from ingest.writer_schemas import Content, WriterSchemas, understand
from linksla.errors import ConfigError
from linksla.wire import schema

APPENDED_US = 1_790_000_000_000_000


def changed(change: Callable[[dict[str, Any]], None], name: str = "LinkSample") -> dict[str, Any]:
    """Return our schema as another writer may have it."""
    other = schema(name)
    change(other)
    return other


def without(*names: str) -> Callable[[dict[str, Any]], None]:
    def change(other: dict[str, Any]) -> None:
        other["fields"] = [field for field in other["fields"] if field["name"] not in names]

    return change


def retyped(name: str, kind: Any) -> Callable[[dict[str, Any]], None]:
    def change(other: dict[str, Any]) -> None:
        for field in other["fields"]:
            if field["name"] == name:
                field["type"] = kind
                field.pop("default", None)

    return change


def with_field(field: dict[str, Any]) -> Callable[[dict[str, Any]], None]:
    return lambda other: other["fields"].insert(2, field)


RECORD = {
    "circuit_id": "DEN-1", "channel": "ch1", "sequence": 7, "observed_at": APPENDED_US - 1_000_000,
    "interval_ms": 10_000, "latency_ms": 3.25, "jitter_ms": None, "loss_ratio": 0.5,
    "rx_bps": 1e9, "tx_bps": None, "bgp_state": "IDLE", "bgp_transitions": 2, "probe": "p",
}  # fmt: skip


def received(folder: Any, writer: dict[str, Any], record: dict[str, Any]) -> Any:
    """Return (rows, rejects) of one message written with `writer` under registry id 7."""
    (folder / "7.avsc").write_text(json.dumps(writer))
    schemas = WriterSchemas(folder)
    schemas.start()
    out = io.BytesIO()
    fastavro.schemaless_writer(out, fastavro.parse_schema(writer), record)
    value = b"\x00\x00\x00\x00\x07" + out.getvalue()
    one = np.array([3])
    samples, rejects = Decoder(schemas).decode(
        Messages([value], {}, one, one, np.array([APPENDED_US]))
    )
    return samples.to_pylist(), rejects


def test_an_older_writer_without_optional_fields_gets_the_defaults(tmp_path: Any) -> None:
    optional = ("jitter_ms", "bgp_state", "bgp_transitions", "probe")

    (row,), _ = received(tmp_path, changed(without(*optional)), RECORD)

    assert (row["jitter_us"], row["bgp_state"], row["bgp_transitions"], row["probe"]) == (
        None, 0, None, None,
    )  # fmt: skip
    assert (row["latency_us"], row["loss_ppm"], row["rx_bps"]) == (3250, 500_000, 10**9)


@pytest.mark.parametrize(
    "field",
    [
        {"name": "site", "type": "string"},
        {"name": "power", "type": ["null", "float"], "default": None},
        {"name": "hops", "type": {"type": "array", "items": "long"}},
        {"name": "labels", "type": {"type": "map", "values": "string"}},
    ],
)
def test_a_newer_writers_extra_field_is_passed_over(tmp_path: Any, field: dict[str, Any]) -> None:
    values = {"site": "Denver", "power": -3.5, "hops": [1, 2, 2**40], "labels": {"a": "b"}}
    record = {**RECORD, field["name"]: values[field["name"]]}

    (row,), rejects = received(tmp_path, changed(with_field(field)), record)

    assert rejects == []
    assert (row["circuit_id"], row["sequence"], row["latency_us"]) == ("DEN-1", 7, 3250)


def test_numbers_are_promoted_as_avro_allows(tmp_path: Any) -> None:
    def change(other: dict[str, Any]) -> None:
        retyped("sequence", "int")(other)
        retyped("latency_ms", "int")(other)
        retyped("rx_bps", ["null", "long"])(other)
        retyped("loss_ratio", "float")(other)

    record = {**RECORD, "latency_ms": 4, "rx_bps": 10**11}

    (row,), _ = received(tmp_path, changed(change), record)

    assert (row["latency_us"], row["rx_bps"], row["loss_ppm"]) == (4000, 10**11, 500_000)


def test_a_writers_milliseconds_become_microseconds(tmp_path: Any) -> None:
    kind = {"type": "long", "logicalType": "timestamp-millis"}
    record = {**RECORD, "observed_at": APPENDED_US // 1_000 - 5}

    (row,), _ = received(tmp_path, changed(retyped("observed_at", kind)), record)

    assert row["observed_at_us"] == APPENDED_US - 5_000


def test_a_bgp_state_we_do_not_know_is_unknown(tmp_path: Any) -> None:
    kind = {"type": "enum", "name": "BgpState", "symbols": ["ESTABLISHED", "GRACEFUL"]}
    writer = changed(retyped("bgp_state", kind))

    (row,), _ = received(tmp_path, writer, {**RECORD, "bgp_state": "GRACEFUL"})
    (known,), _ = received(tmp_path, writer, {**RECORD, "bgp_state": "ESTABLISHED"})

    assert (row["bgp_state"], known["bgp_state"]) == (0, 6)


def test_a_null_where_we_have_none_rejects_its_message(tmp_path: Any) -> None:
    writer = changed(retyped("sequence", ["null", "long"]))

    (row,), _ = received(tmp_path, writer, RECORD)
    none, (reject,) = received(tmp_path, writer, {**RECORD, "sequence": None})

    assert row["sequence"] == 7
    assert none == []
    assert reject.reason == "undecodable"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (without("sequence"), "'sequence' is missing"),
        (retyped("interval_ms", "long"), "'interval_ms' cannot be read as int"),
        (retyped("circuit_id", "long"), "'circuit_id' cannot be read as string"),
        (
            retyped("observed_at", {"type": "long", "logicalType": "timestamp-nanos"}),
            "neither in micro- nor in milliseconds",
        ),
        (with_field({"name": "bomb", "type": {"type": "array", "items": "null"}}), "no width"),
        (
            with_field(
                {
                    "name": "bomb",
                    "type": {"type": "array", "items": {"type": "fixed", "name": "N", "size": 0}},
                }
            ),
            "no width",
        ),
    ],
)
def test_a_schema_that_cannot_be_read_is_refused_with_the_reason(change: Any, said: str) -> None:
    known = understand(json.dumps(changed(change)))

    assert known.content is Content.OTHER
    assert said in known.refusal


def test_a_message_in_a_refused_schema_is_an_unknown_schema(tmp_path: Any) -> None:
    rows, (reject,) = received(tmp_path, changed(retyped("interval_ms", "long")), RECORD)

    assert rows == []
    assert (reject.reason, reject.partition, reject.offset) == ("unknown_schema", 3, 3)
    assert "interval_ms" in reject.detail


def test_a_file_is_known_by_id_and_guid(tmp_path: Any) -> None:
    guid = uuid.uuid4()
    (tmp_path / f"12_{guid}.avsc").write_text(json.dumps(schema("LinkSampleBatch")))
    schemas = WriterSchemas(tmp_path)
    schemas.start()

    assert schemas.find(RegistryId(12)) is schemas.find(RegistryGuid(guid))
    assert schemas.find(RegistryId(12)) == schemas.own(Content.BATCH)
    assert schemas.find(RegistryId(13)) is None


def test_a_file_that_is_no_schema_says_which(tmp_path: Any) -> None:
    (tmp_path / "1.avsc").write_text('{"type": "nonsense"}')

    with pytest.raises(ConfigError, match=r"1\.avsc: is no Avro schema"):
        WriterSchemas(tmp_path).start()


def test_a_batch_with_a_field_of_its_own_is_read(tmp_path: Any) -> None:
    writer = schema("LinkSampleBatch")
    writer["fields"].append({"name": "sent_by", "type": "string"})
    record = {"samples": [RECORD, {**RECORD, "sequence": 8}], "sent_by": "probe-7"}

    rows, rejects = received(tmp_path, writer, record)

    assert rejects == []
    assert [(row["sequence"], row["index_in_message"]) for row in rows] == [(7, 0), (8, 1)]
