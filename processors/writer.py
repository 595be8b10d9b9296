"""The writer: a poll becomes samples, rollups, spans and offsets in one transaction (DESIGN 2).

A restart continues at the offsets of the last committed transaction, so nothing is lost and nothing
counts twice. Only one writer may run on a store, in one thread.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from typing import Final

import duckdb
import pyarrow as pa

from linksla.clock import Clock
from linksla.errors import StoreError, StreamError
from linksla.inventory import Inventory
from linksla.meters import Meters
from linksla.model import SAMPLE_SCHEMA, Gap, Poll
from linksla.names import SAMPLES_PARTITIONS
from linksla.settings import RetentionSettings, TimeSettings
from linksla.sql import statement
from linksla.stores import TelemetryStore
from processors.advance import Advance
from processors.arrivals import DAY_US, Arrivals, inactive_rejects
from processors.channels import Channels, load_channels, register
from processors.deduplication import Deduplicated, deduplicated
from processors.folding import fold_again, forward, store_forward
from processors.gaps import note_gaps
from processors.held import Commits
from processors.landing import (
    changed,
    note,
    stepped_again,
    store_offsets,
    store_progress,
    store_rejects,
    store_rollups,
    store_samples,
)
from processors.preparing import (
    Ahead,
    Prepared,
    Rules,
    Work,
    prepared,
    prepared_ahead,
    reworked,
    with_steps,
    worked_out,
)
from processors.progress import (
    Progress,
    begin_progress,
    load_partitions,
    load_progress,
    settle_progress,
)
from processors.sample_files import Filed, SampleFiles
from processors.statements import read, run
from processors.straight import StraightFiles
from processors.transactions import transaction
from processors.written import Written

_RETENTION: Final = RetentionSettings()

Upcoming = Callable[[], Poll | None]


def _nothing() -> Poll | None:
    """Know nothing of what comes next."""
    return None


class Writer:
    """Writes polls of one topic into the store, each in one transaction."""

    def __init__(
        self,
        store: TelemetryStore,
        inventory: Inventory,
        topic: str,
        time: TimeSettings,
        clock: Clock,
        meters: Meters,
        *,
        partitions: int = SAMPLES_PARTITIONS,
        retention: RetentionSettings = _RETENTION,
        commits: Commits | None = None,
        files: SampleFiles | None = None,
    ) -> None:
        """Remember what to write to; nothing is read or written before `start`.

        `commits`: where to hold what each leaves, for readers. `files`: where large polls' samples
        may go straight to, once the housekeeper has started them; without, all go to the table.
        """
        self._store = store
        self._inventory = inventory
        self._topic = topic
        self._rules = Rules(time, retention.raw_days * DAY_US)
        self._clock = clock
        self._meters = meters
        self._partitions = partitions
        self._channels: Channels | None = None
        self._progress: Progress | None = None
        self._commits = commits or Commits()
        self._beside = ThreadPoolExecutor(2, thread_name_prefix="writer beside")
        self._ahead: Future[Ahead] | None = None
        self._straight = StraightFiles(files, self._at)

    def start(self) -> Written:
        """Register the inventory's channels, load where we are, feed pending samples now known.

        Raises:
            ConfigError: a circuit's grid changed.
            StoreError: the store cannot be read or written.
        """
        return self.register(self._inventory)

    def register(self, inventory: Inventory) -> Written:
        """Take over an inventory, at start or while running; pending samples it names are fed.

        Raises:
            ConfigError: a circuit's grid changed.
            StoreError: the store cannot be read or written.
        """
        with self._transaction() as writer:
            partitions = load_partitions(writer, self._topic)
            settle_progress(writer, self._topic)
            new = register(writer, inventory, self._partitions)
            channels = load_channels(writer, inventory)
            begin_progress(writer, channels, new, partitions, self._clock.now_us())
            progress = load_progress(writer, channels, partitions, self._progress)
            named = pa.Table.from_pylist(
                [{"circuit_id": circuit, "channel": name} for circuit, name in channels.keys],
                schema=pa.schema([("circuit_id", pa.string()), ("channel", pa.string())]),
            )
            fed = read(writer, "pending_named", named=named).cast(SAMPLE_SCHEMA)
            run(writer, "pending_delete", named=named)
            poll = Poll(self._topic, fed, (), {})
            ready = prepared(poll, channels, progress, self._rules, fed_again=True)
            work = self._worked(writer, channels, progress, ready, None)
            written, progress = self._written(writer, channels, progress, ready, work)
            self._hold(writer, written)
        self._inventory, self._channels, self._progress = inventory, channels, progress
        return written

    def next_offsets(self) -> dict[int, int]:
        """Return the offset to continue from, for each partition that was ever polled."""
        partitions = self._started()[1].partitions
        return {number: progress.next_offset for number, progress in partitions.items()}

    def identity(self) -> dict[str, str]:
        """Return the stream the stored offsets belong to; empty before the first check."""
        rows = self._store.writer.execute(statement("processors", "identity")).fetchall()
        return {str(key): str(value) for key, value in rows}

    def check_identity(self, identity: Mapping[str, str]) -> None:
        """Hold the stream's identity (cluster_id, topic_id) against the one of the offsets.

        Raises:
            StreamError: the offsets belong to another cluster, or to a topic made anew.
            StoreError: the store cannot be read or written.
        """
        with self._transaction() as writer:
            known = dict(writer.execute(statement("processors", "identity")).fetchall())
            for key, value in identity.items():
                if known.get(key, value) != value:
                    raise StreamError(
                        f"{key} is {value!r}, but what was read so far came from {known[key]!r}",
                        where=self._topic,
                        hint="The topic was made anew or this is another cluster. Point linksla at "
                        "the old one, or start with an empty data folder.",
                    )
                writer.execute(
                    statement("processors", "identity_write"), {"key": key, "value": value}
                )

    def accept_gaps(self, gaps: Sequence[Gap], identity: Mapping[str, str] | None = None) -> None:
        """Write gaps to the ledger and go on from where each ends, under `identity` if it is new.

        What is read a second time from there is found to be duplicate.

        Raises:
            StoreError: nothing of it was written.
        """
        with self._transaction() as writer:
            note_gaps(writer, self._topic, gaps, identity or {}, self._clock.now_us())
            self._commits.drop()
            self._numbered(writer)
        self.register(self._inventory)

    def write(self, poll: Poll, upcoming: Upcoming = _nothing) -> Written:
        """Write a poll and its offsets, all or nothing; what was written before is left out.

        `upcoming` is asked for what will be written next, once, when that can be prepared beside
        the rest of this; it may know none.

        Raises:
            StoreError: nothing of the poll was written.
        """
        channels, progress = self._started()
        ahead, self._ahead = self._ahead, None
        with self._transaction() as writer:
            done = None if ahead is None else ahead.result()
            if done is not None and not done.is_of(poll, channels, progress):
                if done.filed is not None:
                    self._straight.drop(done.filed.result())
                done = None
            ready = (
                prepared(poll, channels, progress, self._rules) if done is None else done.prepared
            )
            work = self._worked(writer, channels, progress, ready, done)
            written, progress = self._written(writer, channels, progress, ready, work, upcoming)
            self._hold(writer, written)
        self._progress = progress
        self._count(written)
        self._at("committed")
        return written

    def _worked(
        self,
        writer: duckdb.DuckDBPyConnection,
        channels: Channels,
        progress: Progress,
        ready: Prepared,
        done: Ahead | None,
    ) -> Work:
        """Have what a poll comes to worked out beside the database, unless that is done.

        It does not need the database, which works meanwhile: 0.3 of its time.
        """
        if done is not None and done.worked is not None:
            found, reworks, worked = done.worked
            filing = done.filed or self._filing(ready, found)
            return Work(True, found, reworks, lambda: worked, filing.result)
        arrivals = ready.arrivals
        found = deduplicated(writer, arrivals.samples, arrivals.channel_key, ready.suspect)
        working = self._beside.submit(worked_out, ready, channels, progress, found, self._rules)
        filing = self._filing(ready, found)
        return Work(
            False, found, reworked(progress, arrivals, found), working.result, filing.result
        )

    def _filing(self, ready: Prepared, found: Deduplicated) -> Future[Filed]:
        """Have a poll's samples written to files beside the database, if that is their way."""
        return self._beside.submit(self._straight.written, ready, found)

    def _written(
        self,
        writer: duckdb.DuckDBPyConnection,
        channels: Channels,
        progress: Progress,
        ready: Prepared,
        work: Work,
        upcoming: Upcoming = _nothing,
    ) -> tuple[Written, Progress]:
        before, poll, arrivals, found = progress, ready.poll, ready.arrivals, work.found
        late = found.kept[ready.late[found.kept]] if ready.late.any() else found.kept[:0]
        rejects = [*poll.rejects, *inactive_rejects(arrivals.inactive)]
        in_time = not work.reworked.any()
        # What is worked out needs no look at these samples; their files may still be written.
        samples_last = work.is_done and in_time
        if not samples_last:
            self._store_samples(writer, arrivals, work)
        with self._step("rollups"):
            worked = work.worked()
            steps = worked.stepped or stepped_again(
                writer, channels, before.steps, worked.rolled, worked.forward.progress.folded_to_s
            )
            folded, progress = worked.forward, with_steps(worked.forward.progress, steps)
            if in_time:
                self._prepare(upcoming, channels, progress)
            store_rollups(writer, steps.over)
        with self._step("ledger"):
            noted = note(writer, channels, arrivals, found, late, poll, ready.aged)
        with self._step("rejects"):
            store_rejects(writer, self._topic, rejects, poll.raw)
        with self._step("pending"):
            if len(arrivals.unknown):
                run(writer, "pending_insert", unknown_samples=arrivals.unknown)
        with self._step("spans"):
            if not in_time:  # cells folded before look otherwise
                again = fold_again(writer, channels, folded.before, changed(arrivals, found))
                folded = forward(channels, again)
                progress = with_steps(folded.progress, steps)
                self._prepare(upcoming, channels, progress)
            store_forward(writer, folded)
        if samples_last:
            self._store_samples(writer, arrivals, work)
        with self._step("progress"):
            store_progress(writer, before, progress)
        with self._step("offsets"):
            store_offsets(writer, self._topic, before, progress)
        return (
            Written(
                found.accepted,
                len(found.duplicate),
                len(found.conflicting),
                len(late),
                len(rejects),
                len(arrivals.unknown),
                bool(folded.moved.any()),
                len(ready.aged.channel_key),
                Advance(
                    channels,
                    before.folded_to_s,
                    progress,
                    folded.runs,
                    work.reworked,
                    noted,
                    folded.moved | worked.arrived,
                    steps.over,
                ),
            ),
            progress,
        )

    def _store_samples(
        self, writer: duckdb.DuckDBPyConnection, arrivals: Arrivals, work: Work
    ) -> None:
        with self._step("samples"):
            filed = work.filed()
            for file in filed.files:
                file.enter(writer)
            store_samples(writer, arrivals, work.found, filed.rest)

    def _prepare(self, upcoming: Upcoming, channels: Channels, progress: Progress) -> None:
        """Have the next poll prepared from the progress this one leaves, once that is certain."""
        if self._ahead is None and (poll := upcoming()) is not None:
            self._ahead = self._beside.submit(self._done_ahead, poll, channels, progress)

    def _done_ahead(self, poll: Poll, channels: Channels, progress: Progress) -> Ahead:
        ahead = prepared_ahead(poll, channels, progress, self._rules)
        if ahead.worked is None:
            return ahead
        return replace(ahead, filed=self._filing(ahead.prepared, ahead.worked[0]))

    def _hold(self, writer: duckdb.DuckDBPyConnection, written: Written) -> None:
        if (done := written.advance) is not None:
            number = self._numbered(writer)
            self._commits.hold(number, done.channels, done.progress, done.reworked, done.noted)

    def _numbered(self, writer: duckdb.DuckDBPyConnection) -> int:
        """Number the commit under way, one more than the last that is certain."""
        ((number,),) = writer.execute(statement("processors", "commit_number")).fetchall()
        writer.execute(
            statement("processors", "commit_number_write"), {"number": number + 1}
        ).fetchall()
        return int(number) + 1

    def _started(self) -> tuple[Channels, Progress]:
        if self._channels is None or self._progress is None:
            raise StoreError("the writer is not started", where=self._topic)
        return self._channels, self._progress

    def _count(self, written: Written) -> None:
        for kind in ("accepted", "duplicate", "conflicting", "late", "rejected", "pending", "aged"):
            count: int = getattr(written, kind)
            if count:
                self._meters.add("linksla_samples_total", count, outcome=kind)

    @contextmanager
    def _transaction(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Commit what the body wrote, or roll all of it back.

        Raises:
            StoreError: it was rolled back; the cause is chained.
        """
        with transaction(self._store.writer, lambda: self._passed("commit")) as writer:
            yield writer

    def _passed(self, name: str) -> None:
        with self._step(name):
            pass

    @contextmanager
    def _step(self, name: str) -> Iterator[None]:
        self._at(f"before {name}")
        yield
        self._at(f"after {name}")

    def _at(self, point: str) -> None:
        """Do nothing; tests make it fail or kill the process at a point."""
