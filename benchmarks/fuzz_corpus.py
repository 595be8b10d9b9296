"""Good messages in every frame, and what is done to them: what `benchmarks.fuzz` feeds.

All choices come from the generator it is given, so that a seed says everything.
"""

import io
import json
import math
import random
import struct
import uuid
from typing import Any

import fastavro

from ingest.frames import HEADER_SCHEMA_ID, RegistryGuid, RegistryId
from ingest.registry import Answer, Unknown
from ingest.schema_cache import Found, Refused, RegistryFrame
from ingest.writer_schemas import WriterSchemas
from linksla.model import BGP_STATES
from linksla.wire import schema, single_object_header

APPENDED_US = 1_790_000_000_000_000
NEWER_ID = 7
RENAMED_ID = 8
REFUSED_ID = 9
"""What the registry has under these ids: newer, renamed, and a recursive schema."""
NEWER_GUID = uuid.UUID("89791762-2336-4186-9674-299b90a802e2")
Header = tuple[str, bytes | None]
SAMPLES_MAX = 10_000
POLL_MESSAGES = 96
INTERESTING = (0, 1, -1, 2, 63, 64, -64, -65, 127, 2**31 - 1, 2**31, -(2**31) - 1, 2**32 + 2**30,
               2**40, -(2**40), 2**62, 2**63 - 1, -(2**63), 10_000, 10_001)  # fmt: skip


def newer() -> dict[str, Any]:
    """Return a newer writer's schema: other order, ints, nested extra fields."""
    other = schema("LinkSample")
    fields = {item["name"]: item for item in other["fields"]}
    fields["sequence"]["type"] = "int"
    fields["latency_ms"]["type"] = ["null", "float"]
    fields["rx_bps"]["type"] = ["null", "long"]
    extra = {"name": "path", "type": {"type": "array", "items": {
        "type": "record", "name": "Hop", "fields": [{"name": "n", "type": "int"},
        {"name": "labels", "type": {"type": "map", "values": "string"}}]}}}  # fmt: skip
    other["fields"] = [*reversed(fields.values()), extra]
    return other


def renamed() -> dict[str, Any]:
    """Return a writer's schema with names of its own, aliases to ours, and bytes for text."""
    other = schema("LinkSample") | {"name": "Measurement", "aliases": ["LinkSample"]}
    for item in other["fields"]:
        if item["name"] in ("circuit_id", "channel"):
            item["type"] = "bytes"
        if item["name"] in NEW_NAMES:
            item |= {"aliases": [item["name"]], "name": NEW_NAMES[item["name"]]}
            item.pop("default", None)
    return other


NEW_NAMES = {"circuit_id": "link", "latency_ms": "rtt_ms", "sequence": "number"}


def reader_of_renamed() -> dict[str, Any]:
    """Return our schema as Avro's own rules read `renamed` with: its names as our aliases."""
    reader = without_logical_types("LinkSample") | {"aliases": ["linksla.Measurement"]}
    for item in reader["fields"]:
        if item["name"] in ("circuit_id", "channel"):
            item["type"] = "bytes"  # as they are written: fastavro would refuse what is not UTF-8
        if item["name"] in NEW_NAMES:
            item["aliases"] = [NEW_NAMES[item["name"]]]
    return reader


def without_logical_types(name: str) -> dict[str, Any]:
    plain: dict[str, Any] = json.loads(json.dumps(schema(name)).replace("logicalType", "doc"))
    return plain


class InMemoryRegistry:
    """A registry that has three schemas and answers at once."""

    def start(self) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""

    def look_up(self, frame: RegistryFrame) -> Answer:
        recursive = {"type": "record", "name": "LinkSample", "fields": [
            {"name": "next", "type": ["null", "LinkSample"]}]}  # fmt: skip
        match frame:
            case RegistryId(schema_id) if schema_id == NEWER_ID:
                return Found(json.dumps(newer()))
            case RegistryGuid(guid) if guid == NEWER_GUID:
                return Found(json.dumps(newer()))
            case RegistryId(schema_id) if schema_id == RENAMED_ID:
                return Found(json.dumps(renamed()))
            case RegistryId(schema_id) if schema_id == REFUSED_ID:
                return Found(json.dumps(recursive))
            case RegistryId(schema_id) if schema_id % 2:
                return Refused("is PROTOBUF, not Avro")
        return Unknown("nobody knows")


def registry_id(number: int) -> bytes:
    return b"\0" + number.to_bytes(4, "big")


class Corpus:
    """Good messages of eight kinds, and where their parts lie."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.single = fastavro.parse_schema(schema("LinkSample"))
        self.batch = fastavro.parse_schema(schema("LinkSampleBatch"))
        self.newer = fastavro.parse_schema(newer())
        self.renamed = fastavro.parse_schema(renamed())
        self.schemas = WriterSchemas(registry=InMemoryRegistry())
        self.sequence = 0

    def record(self) -> dict[str, Any]:
        self.sequence += 1
        chance = self.chance
        number = lambda most: None if chance.random() < 0.3 else chance.random() * most  # noqa: E731
        return {
            "circuit_id": f"DEN-{chance.randrange(9)}", "channel": f"ch{chance.randrange(4)}",
            "sequence": self.sequence, "observed_at": APPENDED_US - chance.randrange(10**10),
            "interval_ms": 10_000, "latency_ms": number(50), "jitter_ms": number(5),
            "loss_ratio": number(1), "rx_bps": number(1e9), "tx_bps": number(1e9),
            "bgp_state": chance.choice(BGP_STATES), "bgp_transitions": chance.choice((None, 3)),
            "probe": chance.choice((None, "p", "sönd")),
        }  # fmt: skip

    def good(self) -> tuple[bytes, list[Header]]:
        """Return a good message with its headers."""
        header: Header | None = None
        kind = self.chance.randrange(8)
        if kind < 4:
            value = self.bare(kind)
        elif kind == 4:
            value = b"\x01" + NEWER_GUID.bytes + self.newer_body()
        elif kind == 5:
            value, header = self.newer_body(), (HEADER_SCHEMA_ID, b"\x01" + NEWER_GUID.bytes)
        elif kind == 6:
            value = registry_id(RENAMED_ID) + self.renamed_body()
        else:
            value, header = self.renamed_body(), (HEADER_SCHEMA_ID, registry_id(RENAMED_ID))
        others: list[Header] = [("trace", b"1"), (HEADER_SCHEMA_ID, None)]
        if self.chance.random() < 0.8:
            others = []
        return value, others if header is None else [*others, header]

    def bare(self, kind: int) -> bytes:
        if kind == 0:
            return single_object_header("LinkSample") + written(self.single, self.record())
        if kind == 1:
            return written(self.single, self.record())
        if kind == 2:
            rows = [self.record() for _ in range(self.chance.randrange(1, 4))]
            return single_object_header("LinkSampleBatch") + written(self.batch, {"samples": rows})
        return registry_id(NEWER_ID) + self.newer_body()

    def renamed_body(self) -> bytes:
        row = self.record()
        for old, new in NEW_NAMES.items():
            row[new] = row.pop(old)
        row["link"], row["channel"] = row["link"].encode(), row["channel"].encode()
        return written(self.renamed, row)

    def newer_body(self) -> bytes:
        row = self.record()
        row["rx_bps"] = None if row["rx_bps"] is None else int(row["rx_bps"])
        row["path"] = [{"n": 1, "labels": {"a": "b"}}] * self.chance.randrange(3)
        return written(self.newer, row)


def written(parsed: Any, record: Any) -> bytes:
    out = io.BytesIO()
    fastavro.schemaless_writer(out, parsed, record)
    return out.getvalue()


def zigzag(value: int) -> bytes:
    left = (value << 1) ^ (value >> 63) if -(2**63) <= value < 2**63 else value << 1
    out = bytearray()
    while left > 0x7F:
        out.append(left & 0x7F | 0x80)
        left >>= 7
    return bytes([*out, left])


def mutated(value: bytes, chance: random.Random, other: bytes) -> bytes:
    """Return a message with one to three things changed."""
    body = bytearray(value)
    for _ in range(chance.randrange(1, 4)):
        if not body:
            break
        at = min(chance.choice((chance.randrange(len(body)), chance.randrange(24))), len(body) - 1)
        match chance.randrange(11):
            case 0:
                body[at] ^= 1 << chance.randrange(8)
            case 1:
                body[at] = chance.choice((0, 1, 2, 0x7F, 0x80, 0xC3, 0xFF))
            case 2:
                del body[at:]
            case 3:
                body[at : at + 1] = zigzag(chance.choice(INTERESTING))
            case 4:  # a number in more bytes than it takes, or of more bits
                body[at : at + 1] = bytes(
                    [
                        body[at] | 0x80,
                        *b"\x80" * chance.randrange(7, 11),
                        chance.choice((0, 1, 2, 3)),
                    ]
                )
            case 5:
                del body[at : at + chance.randrange(1, 9)]
            case 6:
                body[at:at] = chance.randbytes(chance.randrange(1, 9))
            case 7:
                body[at:] = other[chance.randrange(len(other)) :]
            case 8:
                start = chance.randrange(len(body))
                body[at:at] = body[start : start + chance.randrange(1, 80)]
            case 9:
                number = chance.choice((math.nan, math.inf, -0.0, -1.0, 1e300, 600_000.0, 5e-324))
                body[at : at + 8] = struct.pack("<d", number)
            case 10:
                name = chance.choice(("x" * 201, "", "a\u202eb", "\x1b[2J", "é" * 100)).encode()
                body[at:at] = zigzag(len(name)) + name
    return bytes(body)


def mutated_headers(headers: list[Header], chance: random.Random) -> list[Header]:
    """Return a message's headers, some of them changed, gone or new."""
    found = list(headers)
    if found and chance.random() < 0.2:
        found.pop(chance.randrange(len(found)))
    if chance.random() < 0.1:
        front = chance.choice((registry_id(NEWER_ID), registry_id(REFUSED_ID), registry_id(11),
                               b"\x01" + NEWER_GUID.bytes, b"\x01" + chance.randbytes(16),
                               b"", b"\0", None, chance.randbytes(5)))  # fmt: skip
        found.insert(chance.randrange(len(found) + 1), (HEADER_SCHEMA_ID, front))
    for place, (name, content) in enumerate(found):
        if content and chance.random() < 0.15:
            found[place] = (name, mutated(content, chance, content))
    return found
