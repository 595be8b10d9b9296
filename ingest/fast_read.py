"""Avro bodies of one schema to Arrow, all at once.

pyruhvro reads 8 million samples/s but lets invalid UTF-8 and trailing bytes pass and knows one
schema only. So the exact encoded length is computed again from the values: a message of another
length was read wrongly, or is written in one of Avro's rarer forms, and goes to `ingest.judge`.
"""

from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyruhvro

from ingest import own_read
from ingest.rows import READ_SCHEMA, Flags, Integers, Rows
from ingest.varints import OVERLONG, VARINT_BYTES_MAX
from ingest.writer_schemas import REQUIRED, Content, Field, WriterSchema
from linksla.model import BGP_STATES

_FIXED_BYTES: Final = {"double": 8, "float": 4, "boolean": 1, "enum": 1}
_INSTANT_MAX: Final = 2**63 // 1_000 - 1  # larger ones are out of range in every unit


def read(schema: WriterSchema, bodies: list[bytes]) -> tuple[Rows, Flags]:
    """Return the rows of the messages that were read exactly, and which messages those are.

    Raises:
        ValueError: at least one body cannot be read; nobody knows which.
    """
    if schema.fields is None:
        raise ValueError(f"{schema.name} has fields that only the reference decoder reads")
    if own_read.is_own(schema.fast_text) and schema.observed_at_scale == 1:
        return own_read.read(bodies, is_batch=schema.content is Content.BATCH)
    read_batch = pyruhvro.deserialize_array(bodies, schema.fast_text)
    if schema.content is Content.BATCH:
        lists = read_batch.column(0)
        bounds = np.asarray(lists.offsets, dtype=np.int64)
        items = lists.flatten()
        columns = {field.name: items.field(field.name) for field in schema.fields}
        counts = np.diff(bounds)
    else:
        columns = {field.name: read_batch.column(field.name) for field in schema.fields}
        counts = np.ones(len(bodies), dtype=np.int64)
    row_bytes = np.zeros(int(counts.sum()), dtype=np.int64)
    longest = [_add_length(row_bytes, columns[field.name], field) for field in schema.fields]
    ends = np.cumsum(counts)
    running = np.concatenate(([0], np.cumsum(row_bytes)))
    expected = running[ends] - running[ends - counts]
    if schema.content is Content.BATCH:
        # One block: its count, its items, and a zero for the end. None at all: just the zero.
        expected += 1 + np.where(counts > 0, varint_bytes(counts), 0)
    exact = expected == np.fromiter(map(len, bodies), dtype=np.int64, count=len(bodies))
    rows = _project(schema, columns, counts)
    if max(longest) >= VARINT_BYTES_MAX:  # more than 64 bits would look like this
        exact &= [OVERLONG.search(body) is None for body in bodies]
    missing = _missing(rows, len(bodies))
    exact &= ~missing
    return (rows if exact.all() else _only(rows, exact)), exact


def varint_bytes(values: Integers) -> Integers:
    """Return how many bytes each integer takes as a zigzag varint, 1 to 10."""
    if len(values) == 0:
        return np.zeros(0, dtype=np.int64)
    zigzag = ((values << 1) ^ (values >> 63)).view(np.uint64)
    low, high = _bytes_of(int(zigzag.min())), _bytes_of(int(zigzag.max()))
    lengths = np.full(len(values), low, dtype=np.int64)
    for size in range(low, high):
        lengths += zigzag >= np.uint64(1 << (7 * size))
    return lengths


def _bytes_of(zigzag: int) -> int:
    return max(1, -(-zigzag.bit_length() // 7))


def _add_length(row_bytes: Integers, column: pa.Array, field: Field) -> int:
    """Add the bytes that each value of a column takes; return the most that a number takes."""
    longest = 0
    if field.kind in _FIXED_BYTES:
        size: Integers | int = _FIXED_BYTES[field.kind]
    elif field.kind == "string":
        lengths = text_bytes(column)
        size = lengths + varint_bytes(lengths)
    else:
        size = varint_bytes(_filled(column).astype(np.int64, copy=False))
        longest = int(size.max(initial=0))
    if field.nullable:
        row_bytes += 1  # which branch of the union; both take one byte
    if column.null_count:
        size = np.where(column.is_valid().to_numpy(zero_copy_only=False), size, 0)
    row_bytes += size
    return longest


def text_bytes(column: pa.Array) -> Integers:
    """Return the length in bytes of each text; 0 where null."""
    offsets = np.frombuffer(column.buffers()[1], dtype=np.int32)
    lengths: Integers = np.diff(offsets[column.offset : column.offset + len(column) + 1])
    return lengths.astype(np.int64)


def _filled(column: pa.Array) -> Integers:
    whole = column.fill_null(0) if column.null_count else column
    values: Integers = whole.to_numpy(zero_copy_only=False)
    return values


def _project(schema: WriterSchema, columns: dict[str, pa.Array], counts: Integers) -> Rows:
    """Return the writer's columns as `LinkSample`'s, by Avro's rules: promoted, or the default."""
    total = int(counts.sum())
    projected = []
    for target in READ_SCHEMA:
        source = "observed_at" if target.name == "observed_at_us" else target.name
        column = columns.get(source)
        if target.name == "bgp_state":
            projected.append(_bgp_state(column, total))
        elif column is None:
            projected.append(pa.nulls(total, target.type))
        elif target.name == "observed_at_us" and schema.observed_at_scale != 1:
            raw = np.clip(_filled(column).astype(np.int64), -_INSTANT_MAX, _INSTANT_MAX)
            valid = column.is_valid().to_numpy(zero_copy_only=False)
            projected.append(pa.array(raw * schema.observed_at_scale, mask=~valid))
        else:
            projected.append(column.cast(target.type))
    starts = np.repeat(np.cumsum(counts) - counts, counts)
    return Rows(
        pa.RecordBatch.from_arrays(projected, names=READ_SCHEMA.names),
        np.repeat(np.arange(len(counts), dtype=np.int64), counts),
        np.arange(total, dtype=np.int64) - starts,
    )


def _bgp_state(column: pa.Array | None, total: int) -> pa.Array:
    """Return BGP states by number; a symbol we do not know is UNKNOWN, our enum's default."""
    if column is None:
        return pa.array(np.zeros(total, dtype=np.uint8))
    number = pc.index_in(column, value_set=pa.array(BGP_STATES))
    number = number.fill_null(0).cast(pa.uint8())
    if column.null_count:  # null is no symbol: leave it null, and the message to the judge
        number = pc.if_else(column.is_valid(), number, pa.scalar(None, pa.uint8()))
    return number


def _missing(rows: Rows, messages: int) -> Flags:
    """Return which messages hold a null where `LinkSample` has none."""
    missing = np.zeros(messages, dtype=np.bool_)
    for name in (*REQUIRED[:3], "observed_at_us", "interval_ms", "bgp_state"):
        column = rows.columns.column(name)
        if column.null_count:
            nulls = column.is_null().to_numpy(zero_copy_only=False)
            missing[rows.message[nulls]] = True
    return missing


def _only(rows: Rows, messages: Flags) -> Rows:
    keep = messages[rows.message]
    return Rows(
        rows.columns.filter(pa.array(keep)), rows.message[keep], rows.index_in_message[keep]
    )
