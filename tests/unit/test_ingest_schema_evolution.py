"""Older and newer writers by Avro's rules: each read at once and by the reference decoder alike."""

import copy
import io
import json
from pathlib import Path
from typing import Any

import fastavro
import numpy as np
import pytest

from ingest.decode import Decoder
from ingest.frames import RegistryId
from ingest.rows import Messages
from ingest.schema_shape import RefusedError, in_our_words, named_types
from ingest.writer_schemas import Content, WriterSchemas, understand
from linksla.model import BGP_STATES, Reason
from linksla.wire import schema

APPENDED_US = 1_790_000_000_000_000
RECORD: dict[str, Any] = {
    "circuit_id": "DEN-1", "channel": "ch1", "sequence": 7, "observed_at": APPENDED_US - 1_000_000,
    "interval_ms": 10_000, "latency_ms": 3.25, "jitter_ms": 1.0, "loss_ratio": 0.5,
    "rx_bps": 1e9, "tx_bps": 2e9, "bgp_state": "IDLE", "bgp_transitions": 2, "probe": "p",
}  # fmt: skip
READ = {
    "circuit_id": "DEN-1", "channel": "ch1", "sequence": 7,
    "observed_at_us": APPENDED_US - 1_000_000, "interval_us": 10_000_000, "latency_us": 3250,
    "jitter_us": 1000, "loss_ppm": 500_000, "rx_bps": 10**9, "tx_bps": 2 * 10**9, "bgp_state": 1,
    "bgp_transitions": 2, "probe": "p",
}  # fmt: skip
ODD = {"name": "labels", "type": {"type": "map", "values": "string"}, "default": {}}
"""A field that only the reference decoder reads, and so every message that has it."""


class Writer:
    """Somebody with a schema of his own."""

    def __init__(self, path: str, name: str = "LinkSample") -> None:
        self.schema = schema(name)
        self.name = name
        if path == "judged":
            self.schema["fields"].append(copy.deepcopy(ODD))

    @property
    def sample(self) -> dict[str, Any]:
        """The sample's record."""
        if self.name == "LinkSample":
            return self.schema
        found: dict[str, Any] = self.schema["fields"][0]["type"]["items"]
        return found

    def field(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = next(f for f in self.sample["fields"] if f["name"] == name)
        return found

    def retype(self, name: str, kind: Any) -> None:
        self.field(name)["type"] = kind
        self.field(name).pop("default", None)

    def sent(self, folder: Path, *records: dict[str, Any]) -> tuple[list[Any], list[Any]]:
        """Return rows and rejects of these records, each a message of its own."""
        (folder / "7.avsc").write_text(json.dumps(self.schema))
        schemas = WriterSchemas(folder)
        schemas.start()
        known = schemas.find(RegistryId(7))
        self.fast = getattr(known, "fields", None) is not None
        values: list[bytes | None] = []
        parsed = fastavro.parse_schema(json.loads(json.dumps(self.schema)))
        for record in records:
            out = io.BytesIO()
            fastavro.schemaless_writer(out, parsed, record)
            values.append(b"\x00\x00\x00\x00\x07" + out.getvalue())
        count = len(values)
        samples, rejects = Decoder(schemas).decode(
            Messages(
                values, {}, np.zeros(count, np.int64), np.arange(count), np.full(count, APPENDED_US)
            )
        )
        return [{key: row[key] for key in READ} for row in samples.to_pylist()], rejects


@pytest.fixture(params=["fast", "judged"])
def writer(request: pytest.FixtureRequest) -> Writer:
    return Writer(request.param)


def test_the_same_schema_is_read_on_both_paths(writer: Writer, tmp_path: Path) -> None:
    assert writer.sent(tmp_path, RECORD) == ([READ], [])
    assert writer.fast == (len(writer.schema["fields"]) == 13)


@pytest.mark.parametrize("nullable", [False, True])
@pytest.mark.parametrize("kind", ["int", "long", "float", "double"])
@pytest.mark.parametrize("name", ["latency_ms", "jitter_ms", "rx_bps", "tx_bps"])
def test_every_number_is_promoted_to_double(
    writer: Writer, tmp_path: Path, name: str, kind: str, nullable: bool
) -> None:
    writer.retype(name, ["null", kind] if nullable else kind)
    value = 4 if kind in ("int", "long") else 4.0
    target = name.replace("_ms", "_us")

    rows, rejects = writer.sent(tmp_path, {**RECORD, name: value})

    assert rejects == []
    assert rows == [{**READ, target: 4000 if name.endswith("_ms") else 4}]


@pytest.mark.parametrize("name", ["sequence", "observed_at", "bgp_transitions"])
def test_an_int_is_promoted_to_long(writer: Writer, tmp_path: Path, name: str) -> None:
    writer.retype(name, "int")
    value = 2**31 - 1

    rows, rejects = writer.sent(tmp_path, {**RECORD, name: value})

    if name == "observed_at":  # so early that no sample can be: it was read, and refused
        assert (rows, [one.reason for one in rejects]) == ([], [Reason.OUT_OF_RANGE])
    else:
        assert (rows, rejects) == ([{**READ, name: value}], [])


@pytest.mark.parametrize("kind", ["bytes", {"type": "bytes"}, ["null", "bytes"]])
@pytest.mark.parametrize("name", ["circuit_id", "channel", "probe"])
def test_bytes_are_promoted_to_string(writer: Writer, tmp_path: Path, name: str, kind: Any) -> None:
    writer.retype(name, kind)

    good, bad = {**RECORD, name: "sönd".encode()}, {**RECORD, name: b"\xff\xfe"}
    rows, (reject,) = writer.sent(tmp_path, good, bad, good)

    assert rows == [{**READ, name: "sönd"}] * 2
    assert (reject.reason, reject.offset) == (Reason.INVALID_UTF8, 1)


def test_a_union_of_string_and_bytes_is_read_by_branch(tmp_path: Path) -> None:
    writer = Writer("fast")
    writer.retype("probe", ["null", "string", "bytes"])

    rows, rejects = writer.sent(tmp_path, *({**RECORD, "probe": v} for v in ("s", b"b", None)))

    assert rejects == []
    assert [row["probe"] for row in rows] == ["s", "b", None]


def test_a_union_of_numbers_is_read_by_branch(tmp_path: Path) -> None:
    writer = Writer("fast")
    writer.retype("latency_ms", ["null", "int", "double"])

    rows, rejects = writer.sent(tmp_path, *({**RECORD, "latency_ms": v} for v in (4, 2.5, None)))

    assert rejects == []
    assert [row["latency_us"] for row in rows] == [4000, 2500, None]


def test_an_extra_field_of_bytes_is_passed_over(writer: Writer, tmp_path: Path) -> None:
    writer.schema["fields"].insert(2, {"name": "raw", "type": "bytes"})
    writer.schema["fields"].insert(9, {"name": "digest", "type": ["null", "bytes"]})

    rows, rejects = writer.sent(tmp_path, {**RECORD, "raw": b"\x00\xff" * 70, "digest": None})

    assert (rows, rejects) == ([READ], [])


@pytest.mark.parametrize(
    ("name", "default"),
    [
        ("latency_ms", None), ("jitter_ms", None), ("loss_ratio", None), ("rx_bps", None),
        ("tx_bps", None), ("bgp_state", 0), ("bgp_transitions", None), ("probe", None),
    ],
)  # fmt: skip
def test_a_field_that_an_older_writer_lacks_has_our_default(
    writer: Writer, tmp_path: Path, name: str, default: Any
) -> None:
    writer.schema["fields"].remove(writer.field(name))
    target = {"loss_ratio": "loss_ppm"}.get(name, name.replace("_ms", "_us"))

    rows, rejects = writer.sent(tmp_path, RECORD)

    assert (rows, rejects) == ([{**READ, target: default}], [])


@pytest.mark.parametrize("named", ["BgpState", "State", "other.State"])
def test_an_enum_in_another_order_or_with_more_symbols_is_read_by_symbol(
    writer: Writer, tmp_path: Path, named: str
) -> None:
    symbols = ["GRACEFUL", *reversed(BGP_STATES)]
    kind = {"type": "enum", "name": named, "symbols": symbols, "default": "GRACEFUL"}
    writer.retype("bgp_state", kind)

    rows, rejects = writer.sent(tmp_path, *({**RECORD, "bgp_state": one} for one in symbols))

    assert rejects == []
    assert [row["bgp_state"] for row in rows] == [0, *reversed(range(len(BGP_STATES)))]


def test_milliseconds_in_a_union_are_milliseconds(writer: Writer, tmp_path: Path) -> None:
    writer.retype("observed_at", ["null", {"type": "long", "logicalType": "timestamp-millis"}])

    rows, rejects = writer.sent(tmp_path, {**RECORD, "observed_at": APPENDED_US // 1000 - 1000})

    assert (rows, rejects) == ([READ], [])


# --- aliases --------------------------------------------------------------------------------------


def test_a_newer_writers_renamed_field_is_read_by_its_alias(writer: Writer, tmp_path: Path) -> None:
    for name, new in (("latency_ms", "rtt_ms"), ("circuit_id", "link"), ("probe", "agent")):
        writer.field(name).update({"name": new, "aliases": ["older", name]})
    record = {**RECORD, "rtt_ms": 3.25, "link": "DEN-1", "agent": "p"}

    assert writer.sent(tmp_path, record) == ([READ], [])


@pytest.mark.parametrize("name", ["Measurement", "acme.probes.Measurement"])
def test_a_newer_writers_renamed_record_is_read_by_its_alias(
    writer: Writer, tmp_path: Path, name: str
) -> None:
    writer.schema |= {"name": name, "aliases": ["linksla.LinkSample"]}

    assert writer.sent(tmp_path, RECORD) == ([READ], [])


def test_a_batch_is_read_by_aliases_of_its_records_and_fields(tmp_path: Path) -> None:
    writer = Writer("fast", "LinkSampleBatch")
    writer.schema |= {"name": "Bundle", "aliases": ["LinkSampleBatch"]}
    writer.schema["fields"][0] |= {"name": "measurements", "aliases": ["samples"]}
    writer.sample.update({"name": "Measurement", "aliases": ["LinkSample"]})
    writer.field("latency_ms").update({"name": "rtt_ms", "aliases": ["latency_ms"]})
    row = {**RECORD, "rtt_ms": 3.25}

    assert writer.sent(tmp_path, {"measurements": [row, row]}) == ([READ, READ], [])
    assert writer.fast


def test_aliases_of_our_own_schema_rename_an_older_writers_names() -> None:
    reader = schema("LinkSample") | {"aliases": ["PathSample", "old.Probe"]}
    next(f for f in reader["fields"] if f["name"] == "latency_ms")["aliases"] = ["rtt"]
    older = schema("LinkSample") | {"name": "Probe", "namespace": "old"}
    next(f for f in older["fields"] if f["name"] == "latency_ms")["name"] = "rtt"

    for name in ("PathSample", "old.Probe"):
        read = in_our_words({**older, "name": name}, reader, "LinkSampleBatch", frozenset())

        assert read["name"].rpartition(".")[2] == "LinkSample"
        assert [f["name"] for f in read["fields"]] == [f["name"] for f in reader["fields"]]


def test_a_field_of_our_name_goes_before_an_alias() -> None:
    other = schema("LinkSample")
    extra = {"name": "raw_latency", "type": "double", "aliases": ["latency_ms"]}
    other["fields"].append(extra)

    known = understand(json.dumps(other))

    assert known.content is Content.SAMPLE
    assert [f.name for f in known.fields or ()][-1] == "raw_latency"


def test_two_fields_with_one_alias_are_refused_by_name() -> None:
    other = schema("LinkSample")
    other["fields"] = [f for f in other["fields"] if f["name"] != "latency_ms"]
    other["fields"] += [
        {"name": name, "type": "double", "aliases": ["latency_ms"]} for name in ("a", "b")
    ]

    known = understand(json.dumps(other))

    assert known.content is Content.OTHER
    assert known.refusal == "has two fields that are 'latency_ms' by their aliases"


# --- what is refused ------------------------------------------------------------------------------


def with_extra(kind: Any) -> dict[str, Any]:
    other = schema("LinkSample")
    other["fields"].append({"name": "extra", "type": kind})
    return other


def nested(depth: int) -> Any:
    kind: Any = "long"
    for _ in range(depth):
        kind = {"type": "array", "items": kind}
    return kind


NODE = {"type": "record", "name": "Node", "fields": [{"name": "next", "type": ["null", "Node"]}]}
TREE = {
    "type": "record", "name": "t.Tree", "fields": [
        {"name": "leaves", "type": {"type": "map", "values": {"type": "array", "items": "Tree"}}},
    ],
}  # fmt: skip
EMPTY = {"type": "record", "name": "Empty", "fields": []}


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (NODE, "is recursive: Node is within itself"),
        (["null", NODE], "is recursive"),
        (TREE, "is recursive: Tree is within itself"),
        (nested(40), "is nested more than 32 deep"),
        ({"type": "array", "items": EMPTY}, "no width"),
        ({"type": "record", "name": "Two", "fields": [
            {"name": "one", "type": EMPTY},
            {"name": "many", "type": {"type": "array", "items": "Empty"}}]}, "no width"),
        ({"type": "record", "name": "Wide", "fields": [
            {"name": f"f{n}", "type": "int"} for n in range(1_001)]}, "more than 1,000 fields"),
    ],
)  # fmt: skip
def test_what_is_not_read_is_refused_with_the_reason(kind: Any, said: str) -> None:
    known = understand(json.dumps(with_extra(kind)))

    assert known.content is Content.OTHER
    assert said in known.refusal


def test_messages_in_a_recursive_schema_are_rejects_that_say_so(tmp_path: Path) -> None:
    writer = Writer("fast")
    writer.schema = with_extra(NODE)

    rows, (reject,) = writer.sent(tmp_path, {**RECORD, "extra": {"next": {"next": None}}})

    assert rows == []
    assert reject.reason is Reason.UNKNOWN_SCHEMA
    assert "is recursive: Node is within itself" in reject.detail


def test_a_type_used_twice_is_not_recursive() -> None:
    hop = {"type": "record", "name": "Hop", "fields": [{"name": "n", "type": "int"}]}
    other = with_extra(hop)
    other["fields"].append({"name": "back", "type": {"type": "array", "items": "Hop"}})

    assert understand(json.dumps(other)).content is Content.SAMPLE
    assert set(named_types(other)) == {"linksla.LinkSample", "linksla.BgpState", "linksla.Hop"}


@pytest.mark.parametrize("depth", [100, 1_000, 50_000])
def test_a_schema_nested_beyond_all_measure_takes_nobody_down(depth: int) -> None:
    text = json.dumps(with_extra("long")).replace(
        '"extra", "type": "long"',
        '"extra", "type": ' + '{"type": "array", "items": ' * depth + '"long"' + "}" * depth,
    )
    try:
        refusal = understand(text).refusal
    except ValueError as error:  # not even parsed: no Avro schema
        refusal = str(error)

    assert refusal


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("circuit_id", {"type": "bytes", "logicalType": "decimal", "precision": 4}),
        ("latency_ms", ["null", "double", "string"]), ("sequence", "double"),
        ("bgp_state", "string"), ("observed_at", "null"), ("interval_ms", "long"),
        ("observed_at", ["null", {"type": "long", "logicalType": "timestamp-millis"}, "int"]),
    ],
)  # fmt: skip
def test_a_type_that_avro_does_not_promote_is_refused(name: str, kind: Any) -> None:
    writer = Writer("fast")
    writer.retype(name, kind)

    known = understand(json.dumps(writer.schema))

    assert known.content is Content.OTHER
    assert name in known.refusal


def test_a_refused_shape_is_an_error_of_its_own() -> None:
    with pytest.raises(RefusedError, match="recursive"):
        named_types(with_extra(NODE))
