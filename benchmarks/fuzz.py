"""Mutated messages against an oracle: `python -m benchmarks.fuzz [MESSAGES] [SEED]`.

Each poll holds good messages, mutated ones between them, and good ones again. The oracle is
fastavro alone: its pure Python reader, with numbers of more than 64 bits refused, and the ranges of
docs/messages.md checked value by value. Whatever it reads, linksla must read alike; what it does
not read must be a reject with a reason; all good neighbours must come through.
"""

import io
import json
import random
import resource
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import fastavro
import numpy as np
from fastavro import _read_py

from benchmarks.fuzz_corpus import (
    APPENDED_US,
    NEWER_GUID,
    NEWER_ID,
    POLL_MESSAGES,
    RENAMED_ID,
    SAMPLES_MAX,
    Corpus,
    Header,
    mutated,
    mutated_headers,
    newer,
    reader_of_renamed,
    registry_id,
    renamed,
    without_logical_types,
)
from ingest.decode import Decoder
from ingest.frames import HEADER_SCHEMA_ID
from ingest.rows import Messages
from linksla.inventory import printable
from linksla.model import BGP_STATES, WHOLE_MESSAGE
from linksla.wire import single_object_header


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
