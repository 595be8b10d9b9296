"""A share of `make fuzz`: mutated messages never crash, lie or cost a neighbour."""

import random
from typing import Any

import numpy as np
import pytest

from benchmarks.fuzz import Fuzz
from benchmarks.fuzz_corpus import APPENDED_US, Corpus, written, zigzag
from ingest.decode import Decoder
from ingest.rows import Messages
from linksla.model import Reason, Reject
from linksla.wire import single_object_header

MESSAGES = 8_000
OVER_64 = [
    b"\x82" + b"\x80" * 8 + b"\x02",  # 65 bits, the lower 64 of which say 1
    b"\x82" + b"\x80" * 9 + b"\x00",  # 1 in 11 bytes
    b"\xff" * 9 + b"\x7f",
]


@pytest.mark.parametrize("seed", [1, 20261122])
def test_mutated_messages_are_read_as_the_oracle_reads_them_or_refused(seed: int) -> None:
    fuzz = Fuzz(seed)

    while fuzz.messages < MESSAGES:
        fuzz.poll()

    assert fuzz.read > MESSAGES // 10, "most messages are refused: the mutations are too coarse"
    assert {Reason.UNDECODABLE, Reason.OVER_LIMIT, Reason.INVALID_UTF8} <= fuzz.reasons.keys()


def record(**changes: Any) -> dict[str, Any]:
    return {**Corpus(random.Random(1)).record(), "circuit_id": "a", "channel": "b", **changes}


def between_neighbours(value: bytes) -> tuple[list[dict[str, Any]], list[Reject]]:
    """Decode a message between two good ones: the samples it gave, and all rejects."""
    corpus = Corpus(random.Random(1))
    good = single_object_header("LinkSample") + written(corpus.single, record())
    samples, rejects = Decoder(corpus.schemas).decode(
        Messages([good, value, good], {}, np.zeros(3), np.arange(3), np.full(3, APPENDED_US))
    )
    rows = samples.to_pylist()
    assert [row["offset"] for row in (rows[0], rows[-1])] == [0, 2], "a neighbour is lost"
    return rows[1:-1], rejects


@pytest.mark.parametrize("number", OVER_64, ids=["65 bits", "11 bytes", "70 bits"])
@pytest.mark.parametrize("framed", [True, False])
def test_a_number_of_more_than_64_bits_is_undecodable(number: bytes, framed: bool) -> None:
    corpus = Corpus(random.Random(1))
    # circuit_id "a", channel "b", then the sequence
    body = written(corpus.single, record(sequence=1)).replace(b"\x02b\x02", b"\x02b" + number, 1)
    front = single_object_header("LinkSample") if framed else b""

    rows, (reject,) = between_neighbours(front + body)

    assert rows == []
    assert reject.reason is Reason.UNDECODABLE


def test_the_ends_of_64_bits_are_read() -> None:
    corpus = Corpus(random.Random(1))
    for sequence in (2**63 - 1, -(2**63)):
        body = written(corpus.single, record(sequence=sequence))

        (row,), rejects = between_neighbours(single_object_header("LinkSample") + body)

        assert (row["sequence"], rejects) == (sequence, [])


def test_an_int_of_more_than_32_bits_keeps_its_upper_ones() -> None:
    """pyruhvro alone would read 2^32 + 2^30 as 2^30, in as many bytes."""
    corpus = Corpus(random.Random(1))
    row = {**record(sequence=5, rx_bps=None, latency_ms=None), "path": []}
    body = written(corpus.newer, row)
    body = body.replace(zigzag(5) + b"\x02b\x02a", zigzag(2**32 + 2**30) + b"\x02b\x02a", 1)

    (read,), rejects = between_neighbours(b"\0\0\0\0\x07" + body)

    assert (read["sequence"], rejects) == (2**32 + 2**30, [])


def test_a_skipped_field_that_is_cut_off_is_undecodable() -> None:
    corpus = Corpus(random.Random(1))
    row = {**record(rx_bps=None), "path": [{"n": 1, "labels": {"a": "b" * 30}}]}
    body = written(corpus.newer, row)

    rows, (reject,) = between_neighbours(b"\0\0\0\0\x07" + body[:-20])

    assert rows == []
    assert reject.reason is Reason.UNDECODABLE


@pytest.mark.parametrize("claimed", [2**40, -(2**40), 2**62, -(2**63)])
def test_a_claimed_count_of_skipped_items_takes_no_time(claimed: int) -> None:
    corpus = Corpus(random.Random(1))
    body = written(corpus.newer, {**record(rx_bps=None), "path": []})

    rows, (reject,) = between_neighbours(b"\0\0\0\0\x07" + body[:-1] + zigzag(claimed) + b"\x02")

    assert rows == []
    assert reject.reason is Reason.UNDECODABLE


def test_a_negative_index_of_an_enum_or_a_union_does_not_count_from_the_end() -> None:
    corpus = Corpus(random.Random(1))
    body = written(corpus.single, record(bgp_state="IDLE", bgp_transitions=None, probe=None))
    for end in (b"\x01\x00\x00", b"\x02\x03\x00"):
        rows, (reject,) = between_neighbours(single_object_header("LinkSample") + body[:-3] + end)

        assert rows == []
        assert reject.reason is Reason.UNDECODABLE
