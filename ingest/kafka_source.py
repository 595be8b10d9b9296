"""Samples from Kafka: no consumer group, offsets are the reader's own business (DESIGN 5)."""

import logging
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, Final

import kafka.errors
import numpy as np
from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition

from ingest import receiving, record_batches
from ingest.decode import Decoder
from ingest.fetch_limit import ANSWER_BYTES_MAX, FetchLimit
from ingest.gate import Gate
from ingest.poison import InFlight
from ingest.record_columns import UNIT_BYTES, ColumnRecords, Headers, RecordColumns
from ingest.rows import Messages
from ingest.source import StreamGap, check_identity
from ingest.topics import unreachable
from ingest.writer_schemas import WriterSchemas
from linksla.clock import Clock
from linksla.errors import StreamError
from linksla.log_limits import limit_kafka
from linksla.meters import Meters
from linksla.model import SAMPLE_SCHEMA, Gap, Poll, RawMessage
from linksla.names import TOPIC_SAMPLES

log = logging.getLogger(__name__)

# A poll is one transaction. 16 MiB are about 200,000 samples of 80 bytes.
_POLL_BYTES: Final = 16 * 1024 * 1024
_FETCH_BYTES: Final = 24 * 1024 * 1024  # beyond 32 MiB the C library maps each answer anew
_PARTITION_BYTES: Final = 4 * 1024 * 1024
_CONFIRM_SECONDS: Final = 2.0
_IDENTITY_SECONDS: Final = 10.0
_REQUEST_MS: Final = 5_000
_CONFIRM_MS: Final = 2_000
_RECONNECT_MS: Final = 1_000  # by default a broker that is back is found after up to 30 s

Batches = Mapping[int, Sequence[RecordColumns]]
"""A poll's record batches by partition, the partitions in order."""


class KafkaSource:
    """`link.samples` of one cluster, decoded; `ingest.source.Source` says what each call means."""

    def __init__(
        self,
        bootstrap: str,
        *,
        clock: Clock,
        topic: str = TOPIC_SAMPLES,
        schemas: WriterSchemas | None = None,
        in_flight: InFlight | None = None,
        meters: Meters | None = None,
    ) -> None:
        self._bootstrap = bootstrap
        self._clock = clock
        self._topic = topic
        self._schemas = schemas or WriterSchemas()
        self._meters = meters or Meters()
        self._gate = Gate(Decoder(self._schemas), clock, in_flight)
        self._limit = FetchLimit(_PARTITION_BYTES, _REQUEST_MS * 2 / 1_000)
        self._consumer: Any = None
        self._admin: Any = None
        self._identity: dict[str, str] = {}
        self._next: dict[int, int] = {}
        self._confirmed_seconds = -_CONFIRM_SECONDS
        self._identified_seconds = 0.0

    def start(self, offsets: Mapping[int, int], *, known: Mapping[str, str] | None = None) -> None:
        """Connect, compare identity and offsets with what is there, and seek."""
        record_batches.install()
        receiving.install()
        limit_kafka()
        self._schemas.start()
        try:
            self._admin = KafkaAdminClient(
                bootstrap_servers=self._bootstrap,
                bootstrap_timeout_ms=_REQUEST_MS * 2,
                request_timeout_ms=_REQUEST_MS,
                reconnect_backoff_max_ms=_RECONNECT_MS,
            )
            self._identity, partitions = self._look()
            check_identity(known, self._identity, f"{self._bootstrap} {self._topic}")
            self._consumer = KafkaConsumer(
                bootstrap_servers=self._bootstrap,
                group_id=None,
                enable_auto_commit=False,
                auto_offset_reset="none",
                # Each value is checked byte for byte by the decoder; the sum costs 5 % and finds
                # what it cannot: a broken disk or wire that still looks like a sample.
                check_crcs=True,
                fetch_max_bytes=_FETCH_BYTES,
                max_partition_fetch_bytes=_PARTITION_BYTES,
                receive_message_max_bytes=ANSWER_BYTES_MAX,
                fetch_max_wait_ms=200,
                request_timeout_ms=_REQUEST_MS * 2,
                reconnect_backoff_max_ms=_RECONNECT_MS,
            )
            self._consumer._fetcher.PartitionRecords = ColumnRecords
            self._seek(sorted(partitions), offsets)
        except kafka.errors.KafkaError as error:
            self.close()
            raise unreachable(self._bootstrap, error) from None
        except BaseException:
            self.close()
            raise
        self._gate.start(offsets)
        self._identified_seconds = self._clock.monotonic_seconds()

    def _seek(self, partitions: list[int], offsets: Mapping[int, int]) -> None:
        tps = [TopicPartition(self._topic, partition) for partition in partitions]
        self._consumer.assign(tps)
        first = self._consumer.beginning_offsets(tps)
        last = self._consumer.end_offsets(tps)
        for tp in tps:
            wanted = offsets.get(tp.partition, first[tp])
            self._consumer.seek(tp, wanted)
            self._next[tp.partition] = wanted
        gone = [tp for tp in tps if not first[tp] <= self._next[tp.partition] <= last[tp]]
        if gone:
            raise self._gone(gone, first, last)
        foreign = set(offsets) - set(partitions)
        if foreign:
            raise self._gap(min(foreign), offsets[min(foreign)], "there is no such partition")

    def _gone(
        self, tps: Sequence[Any], first: Mapping[Any, int], last: Mapping[Any, int]
    ) -> StreamGap:
        """Return the error for offsets out of range: deleted, or cut off on the broker."""
        earliest = self._consumer.offsets_for_times(dict.fromkeys(tps, 0))
        gaps = []
        for tp in tps:
            wanted, found = self._next[tp.partition], earliest.get(tp)
            deleted = wanted < first[tp]
            gaps.append(
                Gap(
                    partition=tp.partition,
                    first_offset=wanted if deleted else last[tp],
                    last_offset=first[tp] - 1 if deleted else wanted - 1,
                    resume_offset=first[tp],
                    resume_at_us=None if found is None else found.timestamp * 1_000,
                    detail="deleted before it was read" if deleted else "cut off by the broker",
                )
            )
        at = f"offset {self._next[tps[0].partition]} of partition {tps[0].partition}"
        more = f" (and of {len(tps) - 1} more partitions)" if len(tps) > 1 else ""
        return StreamGap(
            f"{at}{more} is not there any more: it holds {first[tps[0]]} to {last[tps[0]]}",
            gaps=tuple(gaps),
            where=f"{self._bootstrap} {self._topic}",
            hint="Messages were deleted before they were read, or the topic was made anew. Restore "
            "the topic, or go on without them and have the gap written down: "
            "`linksla run --accept-gap`.",
        )

    def identity(self) -> Mapping[str, str]:
        """Return cluster_id and topic_id."""
        return dict(self._identity)

    def poll(self, timeout_seconds: float) -> Poll:
        """Return what has arrived, decoded."""
        for partition in self._gate.due():
            self._go_on(partition)
        batches = self._fetched(timeout_seconds)
        self._check_identity()
        poll = self._decoded(batches) if batches else None
        caught_up = self._confirm()
        if poll is None:
            return Poll(self._topic, SAMPLE_SCHEMA.empty_table(), (), dict(self._next), caught_up)
        samples, rejects = poll
        raw = _RawMessages(batches)
        return Poll(self._topic, samples, tuple(rejects), dict(self._next), caught_up, raw)

    def _fetched(self, timeout_seconds: float) -> Batches:
        """Return what has come, about _POLL_BYTES of it; nothing while the broker is away.

        Raises:
            StreamError: an offset is gone, or what is there is damaged.
        """
        try:
            polled = self._consumer.poll(
                timeout_ms=int(timeout_seconds * 1000), max_records=_POLL_BYTES // UNIT_BYTES
            )
        except (
            kafka.errors.OffsetOutOfRangeError,
            kafka.errors.NoOffsetForPartitionError,
            kafka.errors.LogTruncationError,
        ) as error:
            raise self._gap(-1, -1, str(error)) from None
        except kafka.errors.CorruptRecordError as error:
            raise self._damaged(error) from None
        except kafka.errors.KafkaError as error:
            self._away(error)
            return {}
        now_seconds = self._clock.monotonic_seconds()
        self._limit.adapt(self._consumer._fetcher.config, now_seconds, arrived=bool(polled))
        return {
            tp.partition: [columns for columns in polled[tp] if columns is not None]
            for tp in sorted(polled)
        }

    def _damaged(self, error: Exception) -> StreamError:
        return StreamError(
            f"a record batch is damaged: {error}",
            where=f"{self._bootstrap} {self._topic}",
            hint="Its checksum is wrong on the broker's disk or on the way; restore it there.",
            retryable=True,
        )

    def _decoded(self, batches: Batches) -> tuple[Any, list[Any]]:
        for partition, columns in batches.items():
            self._next[partition] = int(columns[-1].offsets[-1]) + 1
        messages = _messages(batches, self._clock.now_us())
        count = len(messages.values)
        size = sum(one.size_bytes for columns in batches.values() for one in columns)
        decoded = self._gate.decode(messages)
        samples, rejects = decoded.samples, decoded.rejects
        self._hold(decoded.held)
        self._meters.add("linksla_ingest_messages_total", count)
        self._meters.add("linksla_ingest_bytes_total", size)
        self._meters.add("linksla_ingest_samples_total", samples.num_rows)
        for reject in rejects:
            self._meters.add("linksla_ingest_rejects_total", 1, reason=reject.reason)
        return samples, rejects

    def _hold(self, held: Mapping[int, int]) -> None:
        """Take partitions back to a message that cannot be decoded yet; they wait there."""
        for partition, offset in held.items():
            self._next[partition] = offset
            self._take_back(partition, offset)
        self._meters.set("linksla_ingest_partitions_held", len(self._gate.held))

    def _take_back(self, partition: int, offset: int) -> None:
        self._consumer.seek(TopicPartition(self._topic, partition), offset)
        self._consumer.pause(TopicPartition(self._topic, partition))

    def _go_on(self, partition: int) -> None:
        self._consumer.resume(TopicPartition(self._topic, partition))

    def _confirm(self) -> dict[int, int]:
        """Return the partitions that the broker says we have read to their end, and when.

        Asked at most every 2 s. The instant is before the question, so never too late.
        """
        if self._clock.monotonic_seconds() - self._confirmed_seconds < _CONFIRM_SECONDS:
            return {}
        self._confirmed_seconds = self._clock.monotonic_seconds()
        asked_at_us = self._clock.now_us()
        tps = [TopicPartition(self._topic, partition) for partition in self._next]
        try:
            ends = self._consumer.end_offsets(tps, timeout_ms=_CONFIRM_MS)
        except kafka.errors.KafkaError as error:
            self._away(error)
            return {}
        lag = 0
        for tp in tps:
            self._skip_markers(tp, ends[tp])
            behind = max(ends[tp] - self._next[tp.partition], 0)
            self._meters.set("linksla_ingest_partition_lag", behind, partition=f"{tp.partition}")
            lag += behind
        self._meters.set("linksla_ingest_lag_messages", lag)
        self._meters.set("linksla_ingest_broker_up", 1)
        return {tp.partition: asked_at_us for tp in tps if self._next[tp.partition] >= ends[tp]}

    def _skip_markers(self, tp: Any, end: int) -> None:
        """Step over transaction markers: they take an offset, and no message comes for them."""
        if self._next[tp.partition] < end and tp not in self._consumer.paused():
            self._next[tp.partition] = max(self._next[tp.partition], self._position(tp))

    def _position(self, tp: Any) -> int:
        return self._consumer.position(tp, timeout_ms=_REQUEST_MS) or 0

    def pause(self) -> None:
        """Stop fetching."""
        self._consumer.pause(*self._consumer.assignment())

    def resume(self) -> None:
        """Fetch again, but for the partitions that are held."""
        held = self._gate.held
        self._consumer.resume(*(p for p in self._consumer.assignment() if p.partition not in held))

    def close(self) -> None:
        """Disconnect."""
        self._schemas.close()
        consumer, self._consumer = self._consumer, None
        admin, self._admin = self._admin, None
        for client in (consumer, admin):
            if client is not None:
                client.close()

    def _look(self) -> tuple[dict[str, str], list[int]]:
        cluster_id = str(self._admin.describe_cluster()["cluster_id"])
        (topic,) = self._admin.describe_topics([self._topic])
        if topic["error_code"] == kafka.errors.UnknownTopicOrPartitionError.errno:
            raise StreamError(
                f"there is no topic {self._topic}",
                where=self._bootstrap,
                hint="Make it with `linksla kafka`, or correct the name.",
            )
        partitions = [int(item["partition_index"]) for item in topic["partitions"]]
        return {"cluster_id": cluster_id, "topic_id": str(topic["topic_id"])}, partitions

    def _check_identity(self) -> None:
        """Look every 10 s whether the topic is still the one we started on."""
        now = self._clock.monotonic_seconds()
        if now - self._identified_seconds < _IDENTITY_SECONDS:
            return
        self._identified_seconds = now
        try:
            found, _ = self._look()
        except kafka.errors.KafkaError as error:
            self._away(error)
            return
        check_identity(self._identity, found, f"{self._bootstrap} {self._topic}")

    def _away(self, error: Exception) -> None:
        self._meters.set("linksla_ingest_broker_up", 0)
        self._meters.add("linksla_ingest_broker_errors_total")
        log.warning("kafka does not answer: %s (%s)", self._bootstrap, type(error).__name__)

    def _gap(self, partition: int, offset: int, detail: str) -> StreamError:
        at = f"offset {offset} of partition {partition}" if partition >= 0 else "the next offset"
        return StreamError(
            f"{at} is not there any more: {detail}",
            where=f"{self._bootstrap} {self._topic}",
            hint="Messages were deleted before they were read, or the topic was made anew. "
            "Restore the topic, begin with a new data directory, or start again with "
            "`linksla run --accept-gap`.",
        )


def _messages(batches: Batches, now_us: int) -> Messages:
    """Return polled records column by column, in partition order."""
    values: list[bytes | None] = []
    headers: dict[int, Headers] = {}
    instants = []
    for columns in chain.from_iterable(batches.values()):
        headers.update((len(values) + n, found) for n, found in columns.headers.items())
        values += columns.values
        append_us = columns.timestamps_ms * 1_000
        # Where the producer sets the time, it counts at most as now: nobody dates messages ahead.
        instants.append(append_us if columns.broker_dated else np.minimum(append_us, now_us))
    lengths = [sum(len(one.offsets) for one in columns) for columns in batches.values()]
    return Messages(
        values=values,
        headers=headers,
        partition=np.repeat(np.array(list(batches), dtype=np.int64), lengths),
        offset=np.concatenate([one.offsets for one in chain.from_iterable(batches.values())]),
        append_time_us=np.concatenate(instants),
    )


class _RawMessages(Mapping[tuple[int, int], RawMessage]):
    """A poll's messages by (partition, offset), made only when asked for."""

    def __init__(self, batches: Batches) -> None:
        self._batches = batches

    def __getitem__(self, key: tuple[int, int]) -> RawMessage:
        partition, offset = key
        batches = self._batches.get(partition, ())
        which = bisect_right(batches, offset, key=lambda columns: columns.offset) - 1
        if which >= 0:
            columns = batches[which]
            place = int(np.searchsorted(columns.offsets, offset))
            if place < len(columns.offsets) and columns.offsets[place] == offset:
                return columns.raw(place)
        raise KeyError(key)

    def __iter__(self) -> Iterator[tuple[int, int]]:
        for partition, batches in self._batches.items():
            for columns in batches:
                for offset in columns.offsets.tolist():
                    yield partition, offset

    def __len__(self) -> int:
        return sum(len(one.offsets) for one in chain.from_iterable(self._batches.values()))
