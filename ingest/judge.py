"""One doubtful message, read by the reference decoder (fastavro), which has the last word.

A bare body is a `LinkSample` when it reads completely as one, else a `LinkSampleBatch` when it
reads completely as that: no registry says which, and a body that fits both is next to impossible.
"""

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import fastavro

from ingest.varints import TooManyError, malformed
from ingest.writer_schemas import Content, WriterSchema
from linksla.model import BGP_STATES, Reason
from linksla.wire import schema_text

SAMPLES_MAX: Final = 10_000
"""Samples a message may hold (DESIGN 5)."""
_BODY_BYTES_MAX: Final = 8 * 1024 * 1024  # of a batch that is read at one go; 10,000 take 0.8 MB


@dataclass(frozen=True, slots=True)
class Refused:
    """A whole message that cannot be used, and why."""

    reason: Reason
    detail: str


Row = dict[str, Any]


def read(schema: WriterSchema, body: bytes) -> list[Row] | Refused:
    """Return a message's samples as `LinkSample` records, text as bytes, or why there are none."""
    if schema.content is Content.OTHER:
        return Refused(Reason.UNKNOWN_SCHEMA, schema.refusal)
    try:
        reason = malformed(_plain(schema.text), body, SAMPLES_MAX)
    except TooManyError as error:
        return Refused(Reason.OVER_LIMIT, str(error))
    if reason:
        return Refused(Reason.UNDECODABLE, reason)
    source = io.BytesIO(body)
    try:
        records = list(_records(schema, source, len(body)))
    except _TooMany as error:
        return Refused(Reason.OVER_LIMIT, str(error))
    except MemoryError:
        return Refused(Reason.OVER_LIMIT, "takes more memory than there is")
    except Exception as error:  # fastavro: EOFError, ValueError, IndexError, struct.error, …
        return Refused(Reason.UNDECODABLE, f"{type(error).__name__}: {error}"[:200])
    rest = len(body) - source.tell()
    if rest:
        return Refused(Reason.UNDECODABLE, f"{rest} bytes are left over after the end")
    return [_row(record, schema.observed_at_scale) for record in records]


def read_bare(own: tuple[WriterSchema, WriterSchema], body: bytes) -> list[Row] | Refused:
    """Return what a bare body holds, as a sample or as a batch (`own`: both schemas)."""
    single, batch = own
    as_sample = read(single, body)
    if not isinstance(as_sample, Refused):
        return as_sample
    as_batch = read(batch, body)
    if isinstance(as_batch, Refused) and as_batch.reason is Reason.UNDECODABLE:
        return as_sample
    return as_batch


def looks_like_a_sample(body: bytes) -> bool:
    """Return whether a bare body begins with a text: cheap, and right but for hostile input.

    A batch begins with its count, which read as a length spans lengths, zeros and doubles.
    """
    length, start = _varint(body, 0)
    text = body[start : start + length]
    return 0 < length == len(text) and min(text) >= 0x20


def block_count(body: bytes) -> int:
    """Return how many items the first block of an array claims, 0 when there is none."""
    count, _ = _varint(body, 0)
    return abs(count)


class _TooMany(Exception):
    pass


def _records(schema: WriterSchema, source: io.BytesIO, size: int) -> Iterator[Any]:
    writer = _parsed(schema.text)
    if schema.content is Content.SAMPLE:
        yield _one(source, writer, _reader("LinkSample"))
    elif (item := _lone_item(schema.text)) is None:
        if size > _BODY_BYTES_MAX:
            raise _TooMany(f"has {size:,} bytes, more than {_BODY_BYTES_MAX:,}")
        samples = _one(source, writer, _reader("LinkSampleBatch"))["samples"]
        if len(samples) > SAMPLES_MAX:
            raise _TooMany(f"holds {len(samples):,} samples, more than {SAMPLES_MAX:,}")
        yield from samples
    else:
        yield from _items(item, source)


def _items(item: Any, source: io.BytesIO) -> Iterator[Any]:
    """Yield an array's items block by block, so that a claimed count never allocates."""
    total = 0
    while count := _read_long(source):
        if count < 0:
            _read_long(source)  # the block's size in bytes, for readers that skip
        total += abs(count)
        if total > SAMPLES_MAX:
            raise _TooMany(f"claims {total:,} samples, more than {SAMPLES_MAX:,}")
        for _ in range(abs(count)):
            yield _one(source, item, _reader("LinkSample"))


def _one(source: io.BytesIO, writer: Any, reader: Any) -> Any:
    # Invalid UTF-8 comes through as surrogates: it is judged sample by sample like all values.
    return fastavro.schemaless_reader(
        source, writer, reader, handle_unicode_errors="surrogateescape"
    )


def _row(record: Row, observed_at_scale: int) -> Row:
    row = dict(record)
    instant = row.pop("observed_at") * observed_at_scale
    row["observed_at_us"] = min(max(instant, -(2**63)), 2**63 - 1)  # out of range in any case
    row["bgp_state"] = BGP_STATES.index(row["bgp_state"])
    for name in ("circuit_id", "channel", "probe"):
        if row[name] is not None:
            row[name] = row[name].encode("utf-8", "surrogateescape")
    return row


@cache
def _plain(text: str) -> Any:
    return json.loads(text)


@cache
def _parsed(text: str) -> Any:
    return fastavro.parse_schema(json.loads(text))


@cache
def _lone_item(text: str) -> Any:
    """Return the schema of a batch's items, None when the batch has more fields than those."""
    (first, *others) = json.loads(text)["fields"]
    return None if others else fastavro.parse_schema(first["type"]["items"])


@cache
def _reader(name: str) -> Any:
    # Without logical types, as the writer's: instants stay integers whatever year they claim.
    plain = schema_text(name).replace('"logicalType": "timestamp-micros"', '"doc": "micros"')
    return fastavro.parse_schema(json.loads(plain))


def _read_long(source: io.BytesIO) -> int:
    rest = source.getbuffer()[source.tell() : source.tell() + 10].tobytes()
    value, used = _varint(rest, 0)
    if used == 0:
        raise EOFError("the array does not end")
    source.seek(used, io.SEEK_CUR)
    return value


def _varint(body: bytes, start: int) -> tuple[int, int]:
    """Return a zigzag varint and where it ends; (0, 0) when there is none."""
    value = 0
    for place, byte in enumerate(body[start : start + 10]):
        value |= (byte & 0x7F) << (7 * place)
        if byte < 0x80:
            return (value >> 1) ^ -(value & 1), start + place + 1
    return 0, 0
