"""Avro bodies in our own two schemas to Arrow: one walk over the bytes, outside Python's lock.

Nearly every message is written in them, and a loop that knows the fields takes a third of what a
decoder of any schema does, which makes a text of each BGP state and whose lengths are computed
again afterwards. A message is exact here when it is written as the reference encoder writes it, to
its last byte: shortest numbers, one block, nothing left over. Every other is left to the judge.
"""

import json
from functools import cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ingest.rows import READ_SCHEMA, Flags, Integers, Rows
from linksla.compiled import (
    BOOL,
    INT32_TABLE,
    INT64,
    INT64_TABLE,
    INT64S,
    UINT8_TABLE,
    UINT8S_OWN,
    compiled,
    eight_octets_at,
    inlined,
    octet_at,
    put_eight_octets,
    put_octet,
)
from linksla.model import BGP_STATES
from linksla.wire import schema

Octets = npt.NDArray[np.uint8]

_SAMPLE_BYTES_MIN: Final = 13
"""One for each field: no message holds more samples than its bytes allow."""
_INTEGERS: Final = ("sequence", "observed_at_us", "interval_ms", "bgp_transitions")
_DOUBLES: Final = ("latency_ms", "jitter_ms", "loss_ratio", "rx_bps", "tx_bps")
_TEXTS: Final = ("circuit_id", "channel", "probe")
_NULLABLE: Final = (*_DOUBLES, "bgp_transitions", "probe")
_TRANSITIONS, _PROBE = 5, 6  # rows of `valid`
_STATES: Final = len(BGP_STATES)
_MORE: Final = 0x80
_ALL_BUT_SIGN: Final = (1 << 63) - 1
_BEYOND: Final = 16
"""Bytes behind the last one that may be looked at, and written to."""
_PLACES_MAX: Final = 63  # of the tenth byte of a number: only its lowest bit is left


@cache
def is_own(text: str) -> bool:
    """Return whether a schema's samples have our own fields, in our order, written alike."""
    return _shape(json.loads(text)) in (_own("LinkSample"), _own("LinkSampleBatch"))


@cache
def _own(name: str) -> tuple[object, ...]:
    return _shape(schema(name))


def _shape(full: dict[str, Any]) -> tuple[object, ...]:
    """Return what is written of a record, field by field: names, types, symbols."""
    return tuple((item["name"], _written(item["type"])) for item in full["fields"])


def _written(kind: Any) -> object:
    if isinstance(kind, list):
        return tuple(_written(branch) for branch in kind)
    if isinstance(kind, str):
        return "long" if kind == "int" else kind
    if kind["type"] == "record":
        return _shape(kind)
    if kind["type"] == "array":
        return "array", _written(kind["items"])
    if kind["type"] == "enum":
        return "enum", tuple(kind["symbols"])
    return _written(kind["type"])


def read(bodies: list[bytes], *, is_batch: bool) -> tuple[Rows, Flags]:
    """Return the rows of the messages that are exact, and which messages those are."""
    lengths = np.fromiter(map(len, bodies), np.int64, len(bodies))
    bounds = np.concatenate((np.zeros(1, np.int64), np.cumsum(lengths)))
    octets = np.frombuffer(b"".join((*bodies, bytes(_BEYOND))), np.uint8)
    room = _claimed(bounds, is_batch, octets.ctypes.data)
    integers = np.empty((len(_INTEGERS), room), np.int64)
    doubles = np.empty((len(_DOUBLES), room), np.int64)
    valid = np.empty((len(_NULLABLE), room), np.uint8)
    states = np.empty(room, np.uint8)
    ends = np.zeros((len(_TEXTS), room + 1), np.int32)
    size = _text_room(int(bounds[-1]), room) + _BEYOND
    texts = np.empty((len(_TEXTS), size), np.uint8)
    counts, exact = _read(
        bounds, is_batch, octets.ctypes.data, integers, doubles, valid, states, ends, texts
    )
    total = int(counts.sum())
    columns = _columns(total, integers, doubles, valid, states, ends, texts)
    starts = np.repeat(np.cumsum(counts) - counts, counts)
    rows = Rows(
        pa.RecordBatch.from_arrays(
            [columns[name] for name in READ_SCHEMA.names], names=READ_SCHEMA.names
        ),
        np.repeat(np.arange(len(counts), dtype=np.int64), counts),
        np.arange(total, dtype=np.int64) - starts,
    )
    return rows, exact


def _text_room(octets: int, rows: int) -> int:
    """Return how many bytes the texts of one column can have: the other fields take theirs."""
    return max(octets - rows * (_SAMPLE_BYTES_MIN - 1), 0)


def _columns(
    total: int,
    integers: Integers,
    doubles: Integers,
    valid: Octets,
    states: Octets,
    ends: npt.NDArray[np.int32],
    texts: Octets,
) -> dict[str, pa.Array]:
    """Return what was read as Arrow's arrays, without copying it."""
    masks = {name: _mask(valid[n, :total]) for n, name in enumerate(_NULLABLE)}
    columns = {"bgp_state": pa.Array.from_buffers(pa.uint8(), total, [None, _buffer(states)])}
    for names, table in ((_INTEGERS, integers), (_DOUBLES, doubles)):
        for n, name in enumerate(names):
            kind = READ_SCHEMA.field(name).type
            buffers = [masks.get(name), _buffer(table[n])]
            columns[name] = pa.Array.from_buffers(kind, total, buffers)
    for n, name in enumerate(_TEXTS):
        buffers = [masks.get(name), _buffer(ends[n]), _buffer(texts[n])]
        columns[name] = pa.Array.from_buffers(pa.binary(), total, buffers)
    return columns


def _buffer(values: npt.NDArray[Any]) -> pa.Buffer:
    return pa.py_buffer(values)


def _mask(valid: Octets) -> pa.Buffer | None:
    """Return the bits that say which values there are; None: all."""
    return None if valid.all() else _buffer(np.packbits(valid, bitorder="little"))


@inlined
def _number(at: int, end: int) -> tuple[int, int]:
    """Return the number at an address and the one behind it; 0 unless it is written shortest."""
    word = eight_octets_at(at)
    if word & 0x80 == 0:
        zigzag, after = word & 0x7F, at + 1
    elif word & 0x8000 == 0:
        zigzag, after = word & 0x7F | word >> 1 & 0x3F80, at + 2 if word & 0x7F00 else 0
    elif word & 0x800000 == 0:
        zigzag = word & 0x7F | word >> 1 & 0x3F80 | word >> 2 & 0x1FC000
        after = at + 3 if word & 0x7F0000 else 0
    else:
        zigzag, after = _longer(at)
    if after > end:
        after = 0
    return (zigzag >> 1 & _ALL_BUT_SIGN) ^ -(zigzag & 1), after


@compiled(INT64)
def _longer(at: int) -> tuple[int, int]:
    """Return what is written of a number of four bytes or more, the address behind it or 0."""
    zigzag: Any = 0  # numba's own integers, which are 64 bits
    byte: Any = _MORE
    shift = 0
    while byte >= _MORE:
        byte = np.int64(octet_at(at))
        if shift == _PLACES_MAX and byte > 1:
            return 0, 0
        zigzag |= (byte & 0x7F) << shift
        shift += 7
        at += 1
    return zigzag, at if byte else 0


@compiled(INT64S, BOOL, INT64)
def _claimed(bounds: Integers, is_batch: bool, octets: int) -> int:
    """Return how many samples the messages say they hold, those that cannot be left out."""
    if not is_batch:
        return len(bounds) - 1
    total = 0
    for message in range(len(bounds) - 1):
        start, end = bounds[message], bounds[message + 1]
        count, _ = _number(octets + start, octets + end)
        if 0 < count <= (end - start) // _SAMPLE_BYTES_MIN:
            total += count
    return total


@inlined
def _text(at: int, end: int, to: int, to_end: int) -> tuple[int, int]:
    """Copy a text; return the address behind it, 0 where it is not exact, and that of its copy.

    Eight bytes at a time: what is copied beyond its end is written over by the next.
    """
    length, at = _number(at, end)
    if at == 0 or length < 0 or length > end - at or length > to_end - to:
        return 0, to
    for place in range(0, length, 8):
        put_eight_octets(to + place, eight_octets_at(at + place))
    return at + length, to + length


@inlined
def _double(at: int, end: int, value: int, valid: int) -> int:
    """Copy a double that may be null; return the address behind it, or 0."""
    branch = octet_at(at)
    after = at + 9 if branch else at + 1
    if after > end or branch & 0xFD:
        return 0
    put_eight_octets(value, eight_octets_at(at + 1) if branch else 0)
    put_octet(valid, branch >> 1)
    return after


@compiled(*[INT64] * 14)
def _sample(
    at: int, end: int, room: int, row: int, integers: int, doubles: int, valid: int, states: int,
    circuit: int, circuit_end: int, channel: int, channel_end: int, probe: int, probe_end: int,
) -> tuple[int, int, int, int]:  # fmt: skip
    """Read one sample; return the address behind it, or 0 where it is not exact, and of the texts.

    Of all columns the address of the first row's value; of texts where the next goes.
    """
    none = 0, circuit, channel, probe
    at, circuit = _text(at, end, circuit, circuit_end)
    if at == 0:
        return none
    at, channel = _text(at, end, channel, channel_end)
    for column in range(3):
        if at == 0:
            return none
        number, at = _number(at, end)
        put_eight_octets(integers + 8 * (column * room + row), number)
    for column in range(5):
        if at == 0:
            return none
        at = _double(at, end, doubles + 8 * (column * room + row), valid + column * room + row)
    if at == 0 or end - at < 3:
        return none
    state, branch = octet_at(at), octet_at(at + 1)
    if state & 1 or state >> 1 >= _STATES or branch & 0xFD:
        return none
    put_octet(states + row, state >> 1)
    number, at = 0, at + 2
    if branch:
        number, at = _number(at, end)
    put_eight_octets(integers + 8 * (3 * room + row), number)
    put_octet(valid + _TRANSITIONS * room + row, branch >> 1)
    if at == 0 or at >= end or octet_at(at) & 0xFD:
        return none
    branch = octet_at(at)
    put_octet(valid + _PROBE * room + row, branch >> 1)
    at += 1
    if branch:
        at, probe = _text(at, end, probe, probe_end)
    return at, circuit, channel, probe


@compiled(
    INT64S, BOOL, INT64, INT64_TABLE, INT64_TABLE, UINT8_TABLE, UINT8S_OWN, INT32_TABLE, UINT8_TABLE
)  # fmt: skip
def _read(
    bounds: Integers, is_batch: bool, octets: int, integers: Integers, doubles: Integers,
    valid: Octets, states: Octets, ends: Any, texts: Octets,
) -> tuple[Integers, Flags]:  # fmt: skip
    """Read message by message; return the samples of each, and which are exact (others: 0)."""
    counts = np.zeros(len(bounds) - 1, np.int64)
    exact = np.zeros(len(bounds) - 1, np.bool_)
    room, size = integers.shape[1], texts.shape[1]
    first, base = 0, texts.ctypes.data
    columns = integers.ctypes.data, doubles.ctypes.data, valid.ctypes.data, states.ctypes.data
    for message in range(len(bounds) - 1):
        at, end = octets + bounds[message], octets + bounds[message + 1]
        count = 1
        if is_batch:
            count, at = _number(at, end)
            if at == 0 or count < 0 or count > (end - at) // _SAMPLE_BYTES_MIN:
                continue
        circuit, channel, probe = base, base + size, base + 2 * size
        circuit_end, channel_end = channel - _BEYOND, probe - _BEYOND
        probe_end = base + 3 * size - _BEYOND
        circuit, channel = circuit + ends[0, first], channel + ends[1, first]
        probe += ends[2, first]
        for row in range(first, first + count):
            at, circuit, channel, probe = _sample(
                at, end, room, row, *columns,
                circuit, circuit_end, channel, channel_end, probe, probe_end,
            )  # fmt: skip
            if at == 0:
                break
            ends[0, row + 1], ends[1, row + 1] = circuit - base, channel - base - size
            ends[2, row + 1] = probe - base - 2 * size
        if at and is_batch and count:  # the end of the blocks
            at = at + 1 if at < end and octet_at(at) == 0 else 0
        if at == end:
            exact[message], counts[message] = True, count
            first += count
    return counts, exact
