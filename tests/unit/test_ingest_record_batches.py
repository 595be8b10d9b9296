"""Record batches are decompressed within a limit, and a broken one does not stop the stream."""

import struct
from typing import Any

import lz4.frame
import numpy as np
import pyarrow as pa
import pytest
from kafka.record import MemoryRecords
from kafka.record.default_records import DefaultRecordBatchBuilder

from ingest.decode import Decoder
from ingest.record_batches import (
    HEADER_UNREADABLE,
    OverLimitError,
    decompress,
    install,
)
from ingest.rows import Messages
from ingest.writer_schemas import WriterSchemas

MIB = 1024 * 1024
TEXT = bytes(range(256)) * 5_000


def compressed(codec: str, plain: bytes) -> bytes:
    return pa.Codec(codec).compress(plain, asbytes=True)


def xerial(plain: bytes) -> bytes:
    """Return snappy as Kafka's Java clients write it: 32 KiB blocks."""
    out = b"\x82SNAPPY\x00" + struct.pack(">ii", 1, 1)
    for start in range(0, len(plain), 32_768):
        block = compressed("snappy", plain[start : start + 32_768])
        out += struct.pack(">i", len(block)) + block
    return out


PACKED = {
    "gzip": compressed("gzip", TEXT),
    "lz4": lz4.frame.compress(TEXT),
    "zstd": compressed("zstd", TEXT),
    "snappy": xerial(TEXT),
}


@pytest.mark.parametrize("codec", PACKED)
def test_each_codec_of_kafka_is_decompressed(codec: str) -> None:
    assert decompress(codec, PACKED[codec]) == TEXT


@pytest.mark.parametrize("codec", PACKED)
def test_one_byte_more_than_the_limit_is_refused(codec: str) -> None:
    assert decompress(codec, PACKED[codec], len(TEXT)) == TEXT
    with pytest.raises(OverLimitError, match="holds more than"):
        decompress(codec, PACKED[codec], len(TEXT) - 1)


def batch(codec_number: int, values: list[bytes]) -> bytes:
    builder = DefaultRecordBatchBuilder(2, codec_number, False, -1, -1, -1, 10**9)
    for offset, value in enumerate(values):
        assert builder.append(offset, 1_000, b"k", value, [])
    return bytes(builder.build())


def records(content: bytes) -> list[Any]:
    install()
    memory, found = MemoryRecords(content), []
    while (one := memory.next_batch()) is not None:
        found += list(one)
    return found


def test_a_good_batch_is_read_as_before() -> None:
    found = records(batch(1, [b"a", b"", b"ccc"]))

    assert [(one.offset, one.key, one.value) for one in found] == [
        (0, b"k", b"a"), (1, b"k", b""), (2, b"k", b"ccc"),
    ]  # fmt: skip


def test_a_bomb_becomes_records_that_say_over_limit_and_the_next_batch_is_read() -> None:
    bomb = batch(1, [bytes(33 * MIB), bytes(33 * MIB)])
    assert len(bomb) < MIB

    found = records(bomb + batch(0, [b"after"]))

    assert [one.offset for one in found] == [0, 1, 0]
    assert found[2].value == b"after"
    for one in found[:2]:
        ((name, said),) = one.headers
        assert (name, one.value) == (HEADER_UNREADABLE, b"")
        assert said.startswith(b"over_limit: the record batch holds more than 67,108,864 bytes")


@pytest.mark.parametrize("codec_number", [0, 1, 3])
def test_a_batch_whose_records_do_not_parse_becomes_records_that_say_so(codec_number: int) -> None:
    whole = bytearray(batch(codec_number, [b"x" * 50, b"y" * 50]))
    whole[61:71] = b"\xff" * 10

    found = records(bytes(whole))

    assert [one.offset for one in found] == [0, 1]
    assert all(one.headers[0][1].startswith(b"undecodable: record batch") for one in found)


def test_a_stand_in_is_rejected_with_the_reason_it_carries() -> None:
    one = np.array([0])
    said = [(HEADER_UNREADABLE, b"over_limit: 70 MiB")]

    _, (reject,) = Decoder(WriterSchemas()).decode(Messages([b""], {0: said}, one, one, one))

    assert (reject.reason, reject.detail) == ("over_limit", "70 MiB")
