"""A node as `linksla run` makes it, of which a test decides how it reads and where it dies."""

import json
import os
import random
import signal
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from cli.configuration import Configuration, load_configuration
from cli.node import Node
from cli.wiring import build_queries, telemetry_path
from dashboards.live import LiveFeed
from ingest.kafka_source import KafkaSource
from ingest.source import Source
from linksla.clock import SystemClock
from linksla.inventory import DAY_SECONDS
from linksla.meters import Meters
from linksla.model import Poll
from linksla.settings import RetentionSettings
from linksla.stores import TelemetryStore
from processors.housekeeping import Housekeeper
from processors.sample_files import SampleFiles
from processors.writer import Writer
from sla.queries import Queries

FAR_SECONDS = 10**9
STEPS = ("samples", "rollups", "ledger", "rejects", "pending", "spans", "progress", "offsets")
POINTS = (
    *(f"{side} {step}" for step in (*STEPS, "commit") for side in ("before", "after")),
    "committed",
)
MOVE_POINTS = (
    "file written", "file renamed", "file in the manifest", "rows deleted", "move committed",
)  # fmt: skip
MERGE_POINTS = (
    "merged file written", "merged file renamed", "merged file in the manifest",
    "merged files out of the manifest", "merge committed",
)  # fmt: skip
STRAIGHT_POINTS = ("straight file written", "straight file renamed")
COMPACTION_POINTS = (
    "rollup_parts taken out", "before compaction committed", "compaction committed",
)  # fmt: skip
ORDERING_POINTS = ("spans taken out", "before ordering committed", "ordering committed")
REMOVAL_POINTS = ("before removal committed", "files out of the manifest", "files unlinked")
KEPT = RetentionSettings(hot_hours=1, raw_days=6)
"""Late samples come five days late; the small world has eight days, so that some are removed."""


@dataclass(frozen=True)
class Fault:
    """Where a process dies: the n-th passing of a point ('' for none), of how it cuts its polls."""

    point: str = ""
    nth: int = 0
    seed: int = 0


class DyingWriter(Writer):
    """Kills its own process, without any goodbye, where it is told to."""

    fault = Fault()
    passed = 0

    def _at(self, point: str) -> None:
        if point == self.fault.point:
            self.passed += 1
            if self.passed == self.fault.nth:
                os.kill(os.getpid(), signal.SIGKILL)


class DyingHousekeeper(Housekeeper):
    """Kills its own process where it is told to; works in small pieces, and much of the time."""

    fault = Fault()
    passed = 0

    def _at(self, point: str) -> None:
        if point == self.fault.point:
            self.passed += 1
            if self.passed == self.fault.nth:
                os.kill(os.getpid(), signal.SIGKILL)


class SlicedSource:
    """Kafka, its polls cut into small ones at random: a stretch of one partition each.

    `ends`: as if partitions ended there, by number; others end where they do.
    """

    def __init__(
        self,
        source: Source,
        chance: random.Random,
        messages_max: int,
        ends: Mapping[int, int] | None = None,
    ) -> None:
        self._source = source
        self._ends = ends or {}
        self._chance = chance
        self._messages_max = messages_max
        self._slices: Iterator[Poll] = iter(())
        self.start = source.start
        self.identity = source.identity
        self.pause = source.pause
        self.resume = source.resume
        self.close = source.close

    def poll(self, timeout_seconds: float) -> Poll:
        """Return the next slice of what has arrived."""
        found = next(self._slices, None)
        if found is None:
            self._slices = self._cut(self._source.poll(timeout_seconds))
            found = next(self._slices)
        return found

    def _cut(self, poll: Poll) -> Iterator[Poll]:
        """Yield the poll in slices; the last one has what the whole said of the partitions."""
        partition = poll.samples.column("partition").to_numpy()
        offset = poll.samples.column("offset").to_numpy()
        messages: dict[int, list[int]] = {}
        for number in {*partition.tolist(), *(reject.partition for reject in poll.rejects)}:
            rejected = {r.offset for r in poll.rejects if r.partition == number}
            there = {*offset[partition == number].tolist(), *rejected}
            before = self._ends.get(number, FAR_SECONDS)
            if there := {one for one in there if one < before}:
                messages[number] = sorted(there)
        while messages:
            number = self._chance.choice(sorted(messages))
            count = self._chance.randint(1, self._messages_max)
            first, last = messages[number][0], messages[number][:count][-1]
            messages[number] = messages[number][count:]
            if not messages[number]:
                del messages[number]
            chosen = (partition == number) & (offset >= first) & (offset <= last)
            rejects = tuple(
                r for r in poll.rejects if r.partition == number and first <= r.offset <= last
            )
            yield replace(
                poll,
                samples=poll.samples.take(pa.array(np.flatnonzero(chosen))),
                rejects=rejects,
                next_offsets={number: last + 1},
                caught_up_at_us={},
            )
        reached = {
            number: min(at, self._ends.get(number, at)) for number, at in poll.next_offsets.items()
        }
        yield replace(poll, samples=poll.samples.slice(0, 0), rejects=(), next_offsets=reached)


@dataclass(frozen=True)
class Parts:
    """A node and what a test asks of it."""

    node: Node
    store: TelemetryStore
    queries: Queries
    writer: Writer
    meters: Meters
    configuration: Configuration
    housekeeper: Housekeeper | None = None

    def close(self) -> None:
        """Stop reading and close the store."""
        self.node.stop()
        self.store.close()


def build(
    folder: Path,
    bootstrap: str,
    topic: str,
    *,
    idle_after_seconds: int = FAR_SECONDS,
    allowed_lateness_seconds: int = 30,
    fault: Fault | None = None,
    messages_max: int = 0,
    writer_of: type[Writer] = Writer,
    source_of: Callable[[KafkaSource], Source] = lambda source: source,
    keeps_house: bool = False,
    ends: Mapping[int, int] | None = None,
) -> Parts:
    """Return a node that has not started; `messages_max` cuts its polls, 0 leaves them.

    `ends`: where cut polls end (see SlicedSource).
    """
    configuration = load_configuration(folder)
    time = replace(
        configuration.settings.time,
        idle_after_seconds=idle_after_seconds,
        allowed_lateness_seconds=allowed_lateness_seconds,
    )
    kafka = replace(configuration.settings.kafka, topic=topic)
    settings = replace(configuration.settings, time=time, kafka=kafka)
    configuration = replace(configuration, settings=settings)
    clock, meters = SystemClock(), Meters()
    store = TelemetryStore(telemetry_path(configuration))
    store.start()
    kind = DyingWriter if fault else writer_of
    retention = KEPT if keeps_house else settings.retention
    files = SampleFiles(store) if keeps_house else None
    writer = kind(
        store, configuration.inventory, topic, settings.time, clock, meters, retention=retention,
        files=files,
    )  # fmt: skip
    housekeeper = None
    if keeps_house:
        housekeeper = DyingHousekeeper(
            store, retention, settings.storage, clock, meters, files=files
        )
        housekeeper.fault = fault or Fault()
        for job in housekeeper._jobs:
            job.rows = job.rows_min = job.rows_max = 50_000 if job.name == "merged" else 3_000
        for stand in housekeeper._orderer._stands:
            stand.width_s = DAY_SECONDS  # the small world has eight days
    if isinstance(writer, DyingWriter) and fault:
        writer.fault = fault
    source = source_of(KafkaSource(bootstrap, topic=topic, clock=clock, meters=meters))
    if messages_max:
        chance = random.Random(fault.seed if fault else 0)
        source = SlicedSource(source, chance, messages_max, ends)
    queries = build_queries(configuration, store, clock)
    node = Node(
        configuration,
        source=source,
        store=store,
        writer=writer,
        queries=queries,
        live=LiveFeed(),
        clock=clock,
        meters=meters,
        housekeeper=housekeeper,
    )
    return Parts(node, store, queries, writer, meters, configuration, housekeeper)


def all_read(ends: Mapping[int, int]) -> Callable[[Mapping[int, int]], bool]:
    """Return whether every partition was read to its end, as `Node.wait_until` wants it."""
    return lambda at: all(at.get(partition, 0) >= end for partition, end in ends.items())


def read_to(parts: Parts, ends: Mapping[int, int], seconds: float = 120) -> bool:
    """Start a node, read to given ends and stop it; return whether it got there in time."""
    parts.node.start()
    try:
        done = parts.node.wait_until(all_read(ends), seconds)
        if done and isinstance(parts.writer, DyingWriter) and parts.writer.fault.point in POINTS:
            parts.node.wait(60)  # all is read: the point is passed by an empty poll soon
        if done and parts.housekeeper is not None:
            parts.node.stop()
            keep_house(parts.housekeeper)
    finally:
        parts.close()
    return done


def keep_house(housekeeper: Housekeeper) -> None:
    """Let a housekeeper do all there is to do."""
    while housekeeper.step(60).anything:
        pass


def ends_of(text: str) -> dict[int, int]:
    """Return end offsets from JSON."""
    return {int(partition): end for partition, end in json.loads(text).items()}
