"""Record batches that cannot harm: at most 64 MiB decompressed, and never a poison pill.

kafka-python decompresses a batch without a limit (408 KB of gzip became 1.2 GB resident), knows
snappy and zstd only with more packages, and raises for ever on a batch whose records do not parse.
Here such a batch becomes as many empty records that say why, so that the stream goes on.
"""

from collections.abc import Iterator
from typing import Any, Final

import kafka.record.memory_records
import pyarrow as pa
from kafka.errors import CorruptRecordError
from kafka.record.default_records import DefaultRecord, DefaultRecordBatch

from linksla.model import Reason

DECOMPRESSED_BYTES_MAX: Final = 64 * 1024 * 1024
HEADER_UNREADABLE: Final = "linksla-unreadable"
"""Header of a record that stands for one nobody can read: `reason: detail`."""

_CHUNK_BYTES: Final = 1024 * 1024
_CODECS: Final = {1: "gzip", 2: "snappy", 3: "lz4", 4: "zstd"}
_XERIAL_MARKER: Final = b"\x82SNAPPY\x00"
_XERIAL_HEADER_BYTES: Final = 16


class OverLimitError(Exception):
    """A record batch is larger than is decompressed."""


class BoundedRecordBatch(DefaultRecordBatch):  # type: ignore[misc]
    """A record batch (format 2) that decompresses within the limit and never raises."""

    __slots__ = ()

    def __iter__(self) -> Iterator[Any]:
        batch: Any = self
        done = 0
        try:
            batch._maybe_uncompress()
            while True:
                try:
                    record = super().__next__()
                except StopIteration:
                    return
                yield record
                done = record.offset - self.base_offset + 1
        except OverLimitError as error:
            said = f"{Reason.OVER_LIMIT}: {error}"
        except (CorruptRecordError, OSError, ValueError, pa.ArrowException) as error:
            said = f"{Reason.UNDECODABLE}: record batch: {error}"
        for delta in range(done, self.last_offset_delta + 1):
            yield self._stand_in(self.base_offset + delta, said[:200])

    def _maybe_uncompress(self) -> None:
        batch: Any = self
        if not batch._decompressed:
            codec = _CODECS.get(self.compression_type)
            if codec is not None:
                packed = memoryview(batch._buffer)[batch._pos :]
                batch._buffer = bytearray(decompress(codec, packed.tobytes()))
                batch._pos = 0
        batch._decompressed = True

    def _stand_in(self, offset: int, said: str) -> Any:
        return DefaultRecord(
            0, offset, self.max_timestamp, self.timestamp_type, None, b"",
            [(HEADER_UNREADABLE, said.encode())],
        )  # fmt: skip


def install() -> None:
    """Let kafka-python read record batches this way, in the whole process; twice is fine."""
    kafka.record.memory_records.DefaultRecordBatch = BoundedRecordBatch


def decompress(codec: str, packed: bytes, limit: int = DECOMPRESSED_BYTES_MAX) -> bytes:
    """Return what was packed, if it is at most `limit` bytes.

    Raises:
        OverLimitError: it is more.
        OSError, ValueError: it is damaged.
    """
    if codec == "snappy":
        return _snappy(packed, limit)
    plain = bytearray()
    with pa.CompressedInputStream(pa.BufferReader(packed), codec) as stream:
        while chunk := stream.read(_CHUNK_BYTES):
            plain += chunk
            if len(plain) > limit:
                raise OverLimitError(f"the record batch holds more than {limit:,} bytes")
    return bytes(plain)


def _snappy(packed: bytes, limit: int) -> bytes:
    """Return snappy as Java writes it (xerial: blocks with their length in front), or bare."""
    blocks = [packed]
    if packed.startswith(_XERIAL_MARKER):
        blocks, at = [], _XERIAL_HEADER_BYTES
        while at < len(packed):
            size = int.from_bytes(packed[at : at + 4], "big")
            blocks.append(packed[at + 4 : at + 4 + size])
            at += 4 + size
    codec, parts, total = pa.Codec("snappy"), [], 0
    for block in blocks:
        size = _snappy_size(block)
        total += size
        if total > limit:
            raise OverLimitError(f"the record batch holds more than {limit:,} bytes")
        parts.append(codec.decompress(block, size, asbytes=True))
    return b"".join(parts)


def _snappy_size(block: bytes) -> int:
    size = 0
    for place, byte in enumerate(block[:5]):
        size |= (byte & 0x7F) << (7 * place)
        if byte < 0x80:
            return size
    raise ValueError("a snappy block without its size")
