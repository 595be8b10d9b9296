"""The housekeeper: moves, compacts and removes, in steps so short that the writer hardly waits.

The writer thread calls `step` between polls, at least once a second. Every job works in pieces, and
the size of a piece follows from how long the last ones took.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from linksla.clock import MICROSECONDS, Clock
from linksla.meters import Meters
from linksla.settings import RetentionSettings, StorageSettings
from linksla.sql import statement
from linksla.stores import TelemetryStore
from processors.blocks import BlockMaker
from processors.compaction import RollupCompactor
from processors.merging import FileMerger
from processors.minutes import MinuteFolder, Settled
from processors.moving import SampleMover
from processors.ordering import SpanOrderer
from processors.packing import Packer
from processors.sample_files import SampleFiles

log = logging.getLogger(__name__)

WAL_CHECKPOINT_BYTES: Final = 128 << 20
WAL_ALARM_BYTES: Final = 256 << 20
ROWS_FIRST: Final = 50_000
ROWS_MIN: Final = 50_000
"""Smaller pieces cost as much: most of a slow one is not its rows."""
ROWS_MAX: Final = 250_000
"""Of samples that are moved or merged at once: about 130 bytes each, two or three times."""
IDLE_SECONDS: Final = 60
"""A job that found nothing looks again when the watermark, or the clock, is a minute further."""
PIECE_SHARE: Final = 0.2
"""Of a step's time. A commit may bring a checkpoint of DuckDB's own, about twice a piece more."""
ROOM_AGAIN: Final = 1.1
"""Reading resumes at this many times the floor, so that it does not flutter."""


@dataclass(frozen=True, slots=True)
class Done:
    """What a step came to, in rows, and how long it took; all 0: nothing was to be done."""

    moved: int = 0
    compacted: int = 0
    blocked: int = 0
    packed: int = 0
    ordered: int = 0
    folded: int = 0
    merged: int = 0
    removed: int = 0
    checkpointed: bool = False
    seconds: float = 0.0

    @property
    def anything(self) -> bool:
        """Whether there may be more to do at once."""
        work = self.moved, self.compacted, self.blocked, self.packed, self.ordered, self.folded
        return any((*work, self.merged, self.removed))


@dataclass(frozen=True, slots=True)
class HouseCondition:
    """Something somebody should be told of, or that it is over; all of it as printed."""

    name: str
    holds: bool
    reason: str
    value: str
    threshold: str
    unit: str


@dataclass(slots=True)
class _Job:
    """One kind of work: `work(rows at most)` returns rows done; 0: nothing to do."""

    name: str
    work: Callable[[int], int]
    rows: int = ROWS_FIRST
    rows_min: int = ROWS_MIN
    rows_max: int = ROWS_MAX
    took_seconds: float = 0.0
    idle_watermark_us: int = -1
    idle_until_seconds: float = 0.0

    def paced(self, seconds: float, wanted_seconds: float) -> None:
        """Take larger pieces when they are quick, smaller ones at once when they are slow."""
        # Quick pieces after a slow one say little: a checkpoint may come with the next.
        self.took_seconds = max(seconds, 0.95 * self.took_seconds)
        if seconds > wanted_seconds:
            least = min(self.rows, self.rows_min)
            self.rows = max(int(self.rows * wanted_seconds / seconds * 0.8), least)
        elif seconds < wanted_seconds / 2:
            self.rows = min(self.rows * 3 // 2, self.rows_max)


class Housekeeper:
    """Keeps the telemetry store small and quick; only the writer thread calls `step`."""

    def __init__(
        self,
        store: TelemetryStore,
        retention: RetentionSettings,
        storage: StorageSettings,
        clock: Clock,
        meters: Meters,
        settled: Settled | None = None,
        files: SampleFiles | None = None,
    ) -> None:
        """Remember what to keep; nothing is read before `start`. Without `settled` minutes stay.

        `files`: those of the store, shared with whoever writes some beside.
        """
        self._store = store
        self._storage = storage
        self._clock = clock
        self._meters = meters
        self._files = files or SampleFiles(store)
        self._mover = SampleMover(store, self._files, retention, self._at)
        self._merger = FileMerger(store, self._files, self._mover, self._at)
        self._compactor = RollupCompactor(store, self._at)
        self._folder = settled and MinuteFolder(store, self._at, retention, settled)
        self._blocks = BlockMaker(store, self._at)
        self._packer = Packer(store, self._at)
        self._orderer = SpanOrderer(store, self._at)
        self._least_us = self._greatest_us = 0
        self._jobs = (
            _Job("moved", lambda rows: self._mover.move(self._greatest_us, rows)),
            _Job(
                "compacted",
                lambda rows: self._compactor.compact(self._least_us, rows),
                rows=20_000,
                rows_min=5_000,
                rows_max=100_000,
            ),
            _Job(
                "blocked",
                lambda rows: self._blocks.make(self._least_us, rows),
                rows=9_000,
                rows_min=3_000,
                rows_max=150_000,
            ),
            _Job("packed", self._packer.pack, rows=60_000, rows_min=20_000, rows_max=400_000),
            _Job(
                "ordered",
                lambda rows: self._orderer.compact(self._least_us, rows),
                rows=60_000,
                rows_min=60_000,  # over a row group: smaller pieces would share one
                rows_max=200_000,
            ),
            _Job("folded", self._fold, rows=20_000, rows_min=5_000, rows_max=100_000),
            _Job("merged", lambda rows: self._merger.merge(rows, self._clock.now_us())),
            _Job("removed", self._remove_old),
        )
        self._turn = -1
        self._full = False
        self._wal_alarmed = False

    def start(self) -> None:
        """Remove what a crash left behind; go on where the last run was.

        Raises:
            StoreError: a file of samples is missing, or the store cannot be read.
        """
        self._files.start(self._at)
        self._mover.start()
        self._compactor.start()
        self._blocks.start()
        self._packer.start()
        self._orderer.start()
        if self._folder is not None:
            self._folder.start()

    def step(self, seconds_max: float) -> Done:
        """Work for at most about `seconds_max`; return what was done.

        The first piece is always done; another is begun only when the slowest of late
        would fit; pieces aim at a fifth of the time.

        Raises:
            StoreError: nothing of the failed piece was done.
        """
        began = self._clock.monotonic_seconds()
        checkpointed = self._look_at_wal()
        done = dict.fromkeys((job.name for job in self._jobs), 0)
        if self._look_at_watermarks():
            self._turn += 1
            for number in range(len(self._jobs)):  # each is first in its turn
                job = self._jobs[(self._turn + number) % len(self._jobs)]
                first = not any(done.values())
                done[job.name] += self._work(job, began, seconds_max, first=first)
        seconds = self._clock.monotonic_seconds() - began
        for name, rows in done.items():
            if rows:
                self._meters.add("linksla_housekeeping_rows_total", rows, job=name)
        self._meters.set("linksla_housekeeping_seconds", seconds)
        return Done(**done, checkpointed=checkpointed, seconds=seconds)

    def has_room(self) -> bool:
        """Return whether there is free space to read on; safe in any thread.

        False below the floor, True again when a tenth more than it is free.
        """
        free = self._store.free_bytes()
        if free is None:
            return True
        floor = self._storage.free_bytes_min
        self._meters.set("linksla_disk_free_bytes", free)
        full = free < (floor * ROOM_AGAIN if self._full else floor)
        if full and not self._full:
            log.error(
                "%d MiB are free on the disk of %s, less than storage.free_bytes_min (%d MiB): "
                "reading pauses until there is room; nothing is lost, Kafka keeps it",
                free >> 20, self._store.path, floor >> 20,
            )  # fmt: skip
        elif self._full and not full:
            log.warning("%d MiB are free again: reading goes on", free >> 20)
        self._full = full
        self._meters.set("linksla_disk_full", float(full))
        return not full

    def conditions(self) -> tuple[HouseCondition, ...]:
        """Return how the write-ahead log and the disk are; safe in the writer's thread."""
        large, full = self._wal_alarmed, self._full
        free = self._store.free_bytes() or 0
        floor = self._storage.free_bytes_min
        return (
            HouseCondition(
                "wal_large",
                large,
                "the write-ahead log is over 256 MiB: a reader may hold a result open"
                if large
                else "the write-ahead log is in the database file",
                str(self._store.wal_bytes >> 20),
                str(WAL_ALARM_BYTES >> 20),
                "MiB of write-ahead log",
            ),
            HouseCondition(
                "disk_low",
                full,
                "reading pauses: the disk has less free space than storage.free_bytes_min"
                if full
                else "there is room again, reading goes on",
                str(free >> 20),
                str(floor >> 20),
                "MiB free",
            ),
        )

    def _work(self, job: _Job, began: float, seconds_max: float, *, first: bool) -> int:
        """Do pieces of a job while there is time; return the rows done."""
        total = 0
        while True:
            now = self._clock.monotonic_seconds()
            further_us = self._greatest_us - job.idle_watermark_us
            if now < job.idle_until_seconds and further_us < IDLE_SECONDS * MICROSECONDS:
                return total
            if now + 1.2 * job.took_seconds > began + seconds_max and not (first and total == 0):
                return total
            rows = job.work(job.rows)
            after = self._clock.monotonic_seconds()
            if rows == 0:
                job.idle_watermark_us = self._greatest_us
                job.idle_until_seconds = after + IDLE_SECONDS
                return total
            job.paced(after - now, seconds_max * PIECE_SHARE)
            total += rows

    def _fold(self, rows: int) -> int:
        return 0 if self._folder is None else self._folder.compact(self._least_us, rows)

    def _remove_old(self, _rows: int) -> int:
        return self._mover.remove_old(self._least_us, self._clock.now_us())

    def _look_at_watermarks(self) -> bool:
        ((least, greatest),) = self._store.writer.execute(
            statement("processors", "watermarks")
        ).fetchall()
        if least is None:
            return False
        self._least_us, self._greatest_us = int(least), int(greatest)
        return True

    def _look_at_wal(self) -> bool:
        size = self._store.wal_bytes
        checkpoint = size > WAL_CHECKPOINT_BYTES
        if checkpoint:
            self._store.checkpoint()
            size = self._store.wal_bytes
        alarmed = size > (WAL_CHECKPOINT_BYTES if self._wal_alarmed else WAL_ALARM_BYTES)
        if alarmed and not self._wal_alarmed:
            log.error("the write-ahead log has %d MiB: a reader may hold a result open", size >> 20)
        self._wal_alarmed = alarmed
        self._meters.set("linksla_wal_bytes", size)
        self._meters.set("linksla_wal_alarm", float(alarmed))
        return checkpoint

    def _at(self, point: str) -> None:
        """Do nothing; tests make it fail or kill the process at a point."""
