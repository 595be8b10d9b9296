"""Walking over a record batch finds what iterating over it finds."""

import random
from typing import Any

import pytest
from kafka.record import MemoryRecords
from kafka.record.default_records import DefaultRecordBatchBuilder
from kafka.structs import TopicPartition

from ingest import record_columns
from ingest.record_batches import HEADER_UNREADABLE, install
from ingest.record_columns import UNIT_BYTES, ColumnRecords, RecordColumns, read_columns

Record = tuple[bytes | None, bytes | None, list[tuple[str, bytes]]]


def built(
    records: list[Record],
    *,
    codec: int = 0,
    base: int = 0,
    gaps: bool = False,
    bytes_max: int = 10**9,
) -> bytes:
    builder = DefaultRecordBatchBuilder(2, codec, False, -1, -1, -1, 10**9)
    for place, (key, value, headers) in enumerate(records):
        offset = base + (place * 7 if gaps else place)
        assert builder.append(offset, 1_700_000_000_000 + place * 300, key, value, headers)
    return bytes(builder.build())


def batch_of(content: bytes) -> Any:
    install()
    return MemoryRecords(content).next_batch()


def listed(columns: RecordColumns | None) -> list[tuple[object, ...]]:
    assert columns is not None
    return list(
        zip(
            columns.offsets.tolist(),
            columns.timestamps_ms.tolist(),
            list(columns.keys),
            list(columns.values),
            [columns.headers.get(n, []) for n in range(len(columns.offsets))],
            strict=True,
        )
    )


def iterated(content: bytes) -> list[tuple[object, ...]]:
    return [(r.offset, r.timestamp, r.key, r.value, r.headers) for r in batch_of(content)]


def some(rng: random.Random, count: int) -> list[Record]:
    sizes = (0, 1, 60, 63, 64, 90, 8_191, 8_192, 20_000)
    return [
        (
            rng.choice([None, b"", b"DEN-1", b"k" * 200]),
            rng.choice([None, rng.randbytes(rng.choice(sizes))]),
            [],
        )
        for _ in range(count)
    ]


@pytest.mark.parametrize("codec", [0, 1, 3])
@pytest.mark.parametrize("gaps", [False, True])
def test_walking_a_plain_batch_finds_what_iterating_finds(codec: int, gaps: bool) -> None:
    rng = random.Random(codec)
    for count in (8, 9, 70, 300):
        content = built(some(rng, count), codec=codec, gaps=gaps)

        walked = record_columns._walked(batch_of(content))

        assert listed(walked) == iterated(content)


def test_a_record_of_several_megabytes_is_walked_over() -> None:
    content = built([(None, b"x" * 3_000_000, [])] * 8)

    assert listed(record_columns._walked(batch_of(content))) == iterated(content)


def test_headers_are_found_and_leave_their_neighbours_alone() -> None:
    records: list[Record] = [(b"k", b"v", []) for _ in range(20)]
    records[7] = (b"k", b"v", [("__value_schema_id", b"\x00\x00\x00\x00\x07")])

    found = read_columns(batch_of(built(records)))

    assert found is not None
    assert found.headers == {7: [("__value_schema_id", b"\x00\x00\x00\x00\x07")]}
    assert found.raw(7).headers == (("__value_schema_id", b"\x00\x00\x00\x00\x07"),)
    assert found.raw(6).headers == ()


def test_whatever_byte_is_damaged_walking_and_iterating_agree() -> None:
    rng = random.Random(4)
    whole = built([(b"k", rng.randbytes(30), []) for _ in range(12)])
    for at in range(61, len(whole)):
        damaged = bytearray(whole)
        damaged[at] ^= rng.choice([0x01, 0x02, 0x80, 0xFF])
        content = bytes(damaged)

        assert listed(read_columns(batch_of(content))) == iterated(content), f"byte {at}"


def test_a_truncated_batch_becomes_records_that_say_so() -> None:
    whole = bytearray(built([(b"k", b"x" * 50, []) for _ in range(10)]))
    whole[61:71] = b"\xff" * 10

    found = read_columns(batch_of(bytes(whole)))

    assert found is not None
    assert found.offsets.tolist() == list(range(10))
    assert all(found.headers[n][0][0] == HEADER_UNREADABLE for n in range(10))


def partition_records(content: bytes, fetch_offset: int) -> Any:
    install()
    return ColumnRecords(fetch_offset, TopicPartition("t", 3), MemoryRecords(content))


def test_a_fetch_begins_at_its_offset_and_not_at_the_batch() -> None:
    content = built([(b"k", b"%d" % n, []) for n in range(20)])
    part = partition_records(content, 13)

    (columns,) = part.take(1_000)

    assert columns.offsets.tolist() == list(range(13, 20))
    assert list(columns.values) == [b"%d" % n for n in range(13, 20)]
    assert part.next_fetch_offset == 20


def test_what_is_taken_is_bounded_in_bytes_and_nothing_is_lost_between() -> None:
    batches = [built([(None, b"x" * 900, [])] * 10, base=n * 10) for n in range(30)]
    part = partition_records(b"".join(batches), 0)
    offsets: list[int] = []
    takes = 0
    while part:
        found = part.take(20)
        taken = [columns for columns in found if columns is not None]
        offsets += [offset for columns in taken for offset in columns.offsets.tolist()]
        assert sum(columns.size_bytes for columns in taken) <= 20 * UNIT_BYTES + 10 * 1_000
        assert len(found) <= 20 + 10
        takes += 1

    assert offsets == list(range(300))
    assert takes >= 10


def test_a_wrong_checksum_is_an_error_after_what_came_before_it() -> None:
    damaged = bytearray(built([(None, b"x", [])] * 10, base=10))
    damaged[-1] ^= 0xFF
    part = partition_records(built([(None, b"x", [])] * 10) + bytes(damaged), 0)

    assert part.take(1_000)[0].offsets.tolist() == list(range(10))
    with pytest.raises(Exception, match="has another checksum"):
        part.take(1_000)
