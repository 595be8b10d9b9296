"""Mutated messages against an oracle: `python -m benchmarks.fuzz [MESSAGES] [SEED]`.

Each poll holds good messages, mutated ones between them, and good ones again. The oracle is
fastavro alone: its pure Python reader, with numbers of more than 64 bits refused, and the ranges of
docs/messages.md checked value by value. Whatever it reads, linksla must read alike; what it does
not read must be a reject with a reason; all good neighbours must come through.
"""

import io
import json
import math
import random
import resource
import struct
import sys
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import fastavro
import numpy as np
from fastavro import _read_py

from ingest.decode import Decoder
from ingest.frames import HEADER_SCHEMA_ID, RegistryGuid, RegistryId
from ingest.registry import Answer, Unknown
from ingest.rows import Messages
from ingest.schema_cache import Found, Refused, RegistryFrame
from ingest.writer_schemas import WriterSchemas
from linksla.inventory import printable
from linksla.model import BGP_STATES, WHOLE_MESSAGE
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


class StrictDecoder(_read_py.BinaryDecoder):
    """fastavro's decoder that knows how large a long is."""

    def read_long(self) -> int:
        value = 0
        for place in range(10):
            (byte,) = self.fo.read(1) or self.end()
            value |= (byte & 0x7F) << (7 * place)
            if byte < 0x80:
                if value >= 2**64:
                    break
                return (value >> 1) ^ -(value & 1)
        raise ValueError("more than 64 bits")

    read_int = read_long

    def _iter_array_or_map(self) -> Iterator[None]:
        while count := self._block_count:
            size = self.read_long() if count < 0 else None
            start = self.fo.tell()
            for _ in range(abs(count)):
                yield
            if size is not None and self.fo.tell() - start != size:
                raise ValueError("a reader that skips the block would read something else")
            self._block_count = self.read_long()

    iter_array = iter_map = _iter_array_or_map

    def read_index(self) -> int:
        return self.not_negative()

    def read_enum(self) -> int:
        return self.not_negative()

    def not_negative(self) -> int:
        index = self.read_long()
        if index < 0:  # a list of Python's would count from its end
            raise IndexError
        return index

    def end(self) -> bytes:
        raise EOFError

    def read_utf8(self, handle_unicode_errors: str = "strict") -> str:
        return self.read_bytes().decode("utf-8", "surrogateescape")

    def read_bytes(self) -> bytes:
        size = self.read_long()
        if size < 0:
            raise ValueError("negative length")
        content = self.fo.read(size) if size < 2**31 else b""
        if len(content) != size:
            raise EOFError
        return bytes(content)


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


def taken_off(value: bytes, headers: list[Header]) -> tuple[bytes, bytes, bool]:
    """Return frame and body (docs/messages.md), and whether a header had the frame."""
    for name, content in headers:
        if name == HEADER_SCHEMA_ID and content:
            length = {0: 5, 1: 17, 0xC3: 10}.get(content[0], 0)
            if len(content) == length and (length != 10 or content[1] == 1):
                return content, value, True
    length = {0: 5, 1: 17, 0xC3: 10}.get(value[0], 0) if value else 0
    if length == 0 or len(value) < length or (length == 10 and value[1] != 1):
        return b"", value, False
    return value[:length], value[length:], False


def read_strictly(parsed: Any, reader: Any, body: bytes) -> list[Any] | None:
    """Return the records of a body if fastavro reads all of it, else None."""
    source = io.BytesIO(body)
    try:
        found = _read_py.read_data(
            StrictDecoder(source), parsed, {"writer": {}, "reader": {}}, reader,
            {"handle_unicode_errors": "surrogateescape", "return_record_name": False,
             "return_record_name_override": False, "return_named_type": False,
             "return_named_type_override": False},
        )  # fmt: skip
    except Exception:
        return None
    if source.read(1):
        return None
    records: list[Any] = found.get("samples", [found])
    return records


def as_text(row: dict[str, Any]) -> dict[str, Any]:
    """Return a record whose text may have been written as bytes."""
    return {
        name: value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else value
        for name, value in row.items()
    }


def impossible(row: dict[str, Any]) -> bool:
    """Return whether a sample must be rejected (docs/messages.md)."""
    for name in ("circuit_id", "channel", "probe"):
        text = row[name]
        if text is None:
            continue
        bad = any("\udc80" <= character <= "\udcff" for character in text)
        if bad or len(text) > 200 or not (printable(text) or (name == "probe" and not text)):
            return True
        if name != "probe" and not text:
            return True
    most = {"latency_ms": 6e5, "jitter_ms": 6e5, "loss_ratio": 1, "rx_bps": 1e15, "tx_bps": 1e15}
    if any(row[name] is not None and not 0 <= row[name] <= top for name, top in most.items()):
        return True
    return not (
        946_684_800_000_000 <= row["observed_at"] <= APPENDED_US + 300_000_000
        and 1 <= row["interval_ms"] <= 86_400_000
    )


def as_sample(row: dict[str, Any]) -> tuple[Any, ...]:
    scaled = [
        None if row[name] is None else round(row[name] * factor)
        for name, factor in (("latency_ms", 1e3), ("jitter_ms", 1e3), ("loss_ratio", 1e6),
                             ("rx_bps", 1.0), ("tx_bps", 1.0))
    ]  # fmt: skip
    return (row["circuit_id"], row["channel"], row["sequence"], row["observed_at"],
            row["interval_ms"] * 1_000, *scaled, BGP_STATES.index(row["bgp_state"]),
            row["bgp_transitions"], row["probe"])  # fmt: skip


COLUMNS = ("circuit_id", "channel", "sequence", "observed_at_us", "interval_us", "latency_us",
           "jitter_us", "loss_ppm", "rx_bps", "tx_bps", "bgp_state", "bgp_transitions",
           "probe")  # fmt: skip


@dataclass
class Fuzz:
    """A seeded run; `check` raises on the first difference and says with which message."""

    seed: int
    messages: int = 0
    read: int = 0
    reasons: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)
        self.corpus = Corpus(self.chance)
        self.decoder = Decoder(self.corpus.schemas)
        plain = fastavro.parse_schema(without_logical_types("LinkSample"))
        self.plain = plain
        self.plain_batch = fastavro.parse_schema(without_logical_types("LinkSampleBatch"))
        text = json.dumps([newer(), renamed()]).replace("logicalType", "doc")
        plain_newer, plain_renamed = (fastavro.parse_schema(one) for one in json.loads(text))
        renaming = fastavro.parse_schema(reader_of_renamed())
        self.framed = {
            single_object_header("LinkSample"): (plain, None),
            single_object_header("LinkSampleBatch"): (self.plain_batch, None),
            registry_id(NEWER_ID): (plain_newer, plain),
            b"\x01" + NEWER_GUID.bytes: (plain_newer, plain),
            registry_id(RENAMED_ID): (plain_renamed, renaming),
        }

    def expected(self, value: bytes, headers: list[Header]) -> list[Any] | None:
        """Return the records that the oracle reads, None when it reads none."""
        if not value:
            return None
        frame, body, in_header = taken_off(value, headers)
        if frame in self.framed:
            found = self.fitting(read_strictly(*self.framed[frame], body))
            return None if found is None else [as_text(row) for row in found]
        if frame and (in_header or frame[0] == 0):
            return None  # the frame of a schema that nobody knows
        single = self.fitting(read_strictly(self.plain, None, value))
        return single or self.fitting(read_strictly(self.plain_batch, None, value))

    def fitting(self, found: list[Any] | None) -> list[Any] | None:
        return None if found is None or len(found) > SAMPLES_MAX else found

    def poll(self) -> int:
        """Check one poll; return how many mutated messages it held."""
        chance, corpus = self.chance, self.corpus
        values: list[bytes] = []
        headers: list[list[Header]] = []
        good = set()
        while len(values) <= POLL_MESSAGES:
            value, fronts = corpus.good()
            if chance.random() < 0.1 or len(values) == POLL_MESSAGES:
                good.add(len(values))
            else:
                if chance.random() < 0.9:
                    value = mutated(value, chance, corpus.good()[0])
                fronts = mutated_headers(fronts, chance)
            values.append(value)
            headers.append(fronts)
        count = len(values)
        with_headers = {number: fronts for number, fronts in enumerate(headers) if fronts}
        samples, rejects = self.decoder.decode(
            Messages(list(values), with_headers, np.zeros(count, np.int64), np.arange(count),
                     np.full(count, APPENDED_US))
        )  # fmt: skip
        rows: dict[int, dict[int, tuple[Any, ...]]] = {}
        columns = [samples.column(name).to_pylist() for name in COLUMNS]
        places = zip(
            samples.column("offset").to_pylist(), samples.column("index_in_message").to_pylist(),
            strict=True,
        )  # fmt: skip
        for (offset, index), row in zip(places, zip(*columns, strict=True), strict=True):
            assert index not in rows.setdefault(offset, {}), f"seed {self.seed}: twice"
            rows[offset][index] = row
        refused: dict[int, set[int]] = {}
        for reject in rejects:
            assert reject.reason
            assert reject.detail
            refused.setdefault(reject.offset, set()).add(reject.index_in_message)
            self.reasons[reject.reason] += 1
        for number, value in enumerate(values):
            message = (value, headers[number])
            self.check(message, rows.get(number, {}), refused.get(number, set()), number in good)
        self.messages += count - len(good)
        return count - len(good)

    def check(
        self, message: tuple[bytes, list[Header]], rows: dict[int, Any], refused: set[int],
        is_good: bool,
    ) -> None:  # fmt: skip
        value, headers = message
        said = f"seed {self.seed}, message {value.hex()} {headers}: read {rows}, refused {refused}"
        records = self.expected(value, headers)
        if records is None:
            assert not is_good, f"the oracle is wrong: {said}"
            assert (rows, refused) == ({}, {WHOLE_MESSAGE}), said
            return
        assert not is_good or len(rows) == len(records), f"a neighbour is lost: {said}"
        self.read += 1
        for index, record in enumerate(records):
            if impossible(record):
                assert index not in rows, said
                assert index in refused, said
            else:
                assert rows.get(index) == as_sample(record), f"{said}; oracle: {record}"
                assert index not in refused, said
        assert len(rows) + len(refused) == len(records), said


def main(messages: int = 1_000_000, seed: int = 20261122) -> None:
    fuzz, began = Fuzz(seed), time.monotonic()
    told = 0
    while fuzz.messages < messages:
        fuzz.poll()
        if fuzz.messages - told >= 50_000:
            told = fuzz.messages
            rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
            print(f"{told:,} messages, peak {rss} MiB", flush=True)
    seconds = time.monotonic() - began
    rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"seed {seed}: {fuzz.messages:,} mutated messages, {fuzz.read:,} read, no difference")
    print(f"{fuzz.messages / seconds:,.0f} messages/s, peak {rss} MiB, {dict(fuzz.reasons)}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
