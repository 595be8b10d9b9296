"""One node: a consumer thread, a bounded queue, a writer thread, senders and the web server.

Any thread that dies, any failed commit ends the node with a clear message; a restart resumes at
the offsets in DuckDB (DESIGN 4). A failed delivery never does.
"""

import logging
import queue
import threading
from collections.abc import Callable, Mapping
from typing import Final

import pyarrow.compute as pc

from alerts.evaluator import AlarmEvaluator
from alerts.node_alarms import NodeAlarms
from cli.configuration import Configuration
from cli.gaps import begin_reading
from cli.polls import merge
from cli.rounds import Rounds, judging_share
from dashboards.live import LiveFeed
from ingest.poison import InFlight
from ingest.source import Source
from linksla.clock import MICROSECONDS, Clock
from linksla.errors import LinkslaError
from linksla.meters import Meters
from linksla.model import Poll
from linksla.stores import TelemetryStore
from processors.housekeeping import Housekeeper
from processors.transactions import transaction
from processors.writer import Writer
from sla.evaluator import Evaluator
from sla.queries import Queries
from sla.restatements import Restatements
from sla.scope import AllCustomers
from sla.watch import Watch

log = logging.getLogger(__name__)

QUEUE_POLLS_MAX: Final = 3
"""Polls waiting for the writer: at most 3 × 200,000 samples × about 150 bytes = 90 MB; what is
written and what is prepared to be next hold up to 600,000 samples each beside them. With 4 a drain
of 100 million samples peaked at 2.02 GiB and was a tenth slower."""

SAMPLES_PER_TRANSACTION_MAX: Final = 400_000
"""Polls that wait are written together, so that a commit's fsync is shared by many small polls."""

CATCHING_UP_SAMPLES_MIN: Final = SAMPLES_PER_TRANSACTION_MAX // 2
"""While so many are written at once the node catches up, and the next are prepared meanwhile."""

EVERYONE: Final = AllCustomers(commercial=False)
POLL_SECONDS: Final = 0.5
COMMIT_EVERY_SECONDS: Final = 0.25
COMMIT_SHARE_MAX: Final = 1 / 3
"""While there is little to write: ten commits a second instead of four cost half as much again, and
whoever reads waits for a core. A quick commit is followed sooner, so that it takes a third."""
EVALUATE_EVERY_SECONDS: Final = 1.0
KEEP_HOUSE_EVERY_SECONDS: Final = 1.0
KEEP_HOUSE_SECONDS_MAX: Final = 0.25
"""What a sample may wait for beside judging and a commit with its checkpoint: 1 s in all."""
CATCHING_UP_SHARE_MAX: Final = 0.05
"""While samples wait, upkeep may take at most this share of the writer's time."""
KEEP_HOUSE_SHARE_MAX: Final = 1 / 3
"""The same otherwise."""
STOP_SECONDS_MAX: Final = 8.0
STOP_JUDGING_SECONDS_MAX: Final = 4.0
"""Half of what `stop` waits for the threads: cold, 20,000 circuits take 39 s."""
STOP_READING_SECONDS_MAX: Final = 2.0
"""Of that, for the consumer: what it waits for from a broker that is away, nobody needs."""
EVALUATE_ALL_EVERY_SECONDS: Final = 20.0
"""Of circuits that are not calm: alarms also change because time passes, and a window's end must
be announced within 60 s."""


class Node:
    """Reads one topic into one database and judges what it reads."""

    def __init__(
        self,
        configuration: Configuration,
        *,
        source: Source,
        store: TelemetryStore,
        writer: Writer,
        queries: Queries,
        live: LiveFeed,
        clock: Clock,
        meters: Meters,
        in_flight: InFlight | None = None,
        housekeeper: Housekeeper | None = None,
        accept_gap: bool = False,
    ) -> None:
        """Wire the parts; nothing starts yet."""
        self._topic = configuration.settings.kafka.topic
        self._accept_gap = accept_gap
        self._queries = queries
        self._source = source
        self._store = store
        self._writer = writer
        self._evaluator = Evaluator(store, queries, clock)
        self._restatements = Restatements(store, queries)
        self._alarms = AlarmEvaluator(store, queries, lambda: queries.maintenance, clock)
        self._watch = Watch()
        self._node_alarms = NodeAlarms(
            store, clock, close_after_seconds=configuration.settings.time.close_after_seconds
        )
        self._live = live
        self._clock = clock
        self._meters = meters
        self._in_flight = in_flight
        self._housekeeper = housekeeper
        self._keep_house_at = 0.0
        self._commit_at = 0.0
        self._catches_up = False
        self._appended_us = 0  # of the samples written, when the broker got the newest
        self._queue: queue.Queue[Poll] = queue.Queue(maxsize=QUEUE_POLLS_MAX)
        self._upcoming: Poll | None = None
        self._stop = threading.Event()
        self._ended = threading.Event()
        self._failure: BaseException | None = None
        self._threads: list[threading.Thread] = []
        self._written = threading.Condition()
        self._errands: queue.SimpleQueue[Callable[[], frozenset[str]]] = queue.SimpleQueue()
        self._rounds = Rounds(queries.circuit_ids(EVERYONE))
        self._evaluate_at = 0.0
        self._evaluate_all_at = 0.0

    def start(self) -> None:
        """Seek to the stored offsets and begin to read."""
        self._watch.note(self._writer.start().advance)
        known = set(self._queries.circuit_ids(EVERYONE))
        self._rounds.press(known.intersection(self._alarms.raised()))
        if self._housekeeper is not None:
            self._housekeeper.start()
        begin_reading(
            self._source, self._writer, self._node_alarms, self._topic, accept=self._accept_gap
        )
        for name, work in (("consumer", self._consume), ("writer", self._write)):
            thread = threading.Thread(target=self._guard, args=(work,), name=name, daemon=True)
            thread.start()
            self._threads.append(thread)

    def begin_stop(self) -> None:
        """Tell both threads to end; returns at once."""
        self._stop.set()

    def stop(self, within_seconds: float = STOP_SECONDS_MAX) -> None:
        """Stop reading, write what was read, and wait for both threads.

        A consumer that waits for Kafka is left to itself: what it gets now is not written. A
        writer that is late is too: its transaction is committed as a whole, or not at all.
        """
        self.begin_stop()
        end = self._clock.monotonic_seconds() + within_seconds
        for thread, seconds in zip(
            self._threads, (STOP_READING_SECONDS_MAX, within_seconds), strict=False
        ):
            rest = end - self._clock.monotonic_seconds()
            thread.join(max(min(seconds, rest), 0.0))
        if not self._threads or not self._threads[0].is_alive():
            self._source.close()
        if self._in_flight is not None:
            self._in_flight.ended(self._failure)

    @property
    def failure(self) -> BaseException | None:
        """What ended the node, or None."""
        return self._failure

    def wait(self, seconds: float) -> bool:
        """Wait until the node ended by itself or `seconds` passed; raise what ended it."""
        ended = self._ended.wait(seconds)
        if self._failure is not None:
            raise self._failure
        return ended

    def wait_until(self, done: Callable[[Mapping[int, int]], bool], seconds: float) -> bool:
        """Wait until `done(next offsets)` holds after a write; False when `seconds` passed."""
        deadline = self._clock.monotonic_seconds() + seconds
        with self._written:
            while not done(self._writer.next_offsets()):
                rest = deadline - self._clock.monotonic_seconds()
                if rest <= 0:
                    return False
                self._written.wait(min(rest, 0.5))
                if self._failure is not None:
                    raise self._failure
        return True

    def between_polls(self, errand: Callable[[], frozenset[str]]) -> None:
        """Have the writer thread run `errand` between two polls, outside any transaction.

        For what changes the network while the node runs: the errand may use the writer, and
        returns the circuits that are to be judged again. Safe in any thread.
        """
        self._errands.put(errand)

    def _run_errands(self) -> None:
        while not self._errands.empty():
            circuits = self._errands.get()()
            self._watch.disturb(circuits)
            self._rounds.press(circuits)

    def _guard(self, work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:  # the node ends with it: see wait()
            self._failure = error
            if not isinstance(error, LinkslaError):
                log.exception("the %s thread died", threading.current_thread().name)
        finally:
            self._stop.set()
            self._ended.set()

    def _consume(self) -> None:
        while not self._stop.is_set():
            if self._housekeeper is not None and not self._housekeeper.has_room():
                self._source.pause()
                self._clock.wait(self._stop, KEEP_HOUSE_EVERY_SECONDS)
                continue
            self._source.resume()
            poll = self._source.poll(POLL_SECONDS)
            self._meters.set("linksla_queue_polls", self._queue.qsize())
            while not self._stop.is_set():
                try:
                    self._queue.put(poll, timeout=POLL_SECONDS)
                    break
                except queue.Full:  # the writer is behind: stop fetching until it has room
                    self._source.pause()

    def _write(self) -> None:
        judged = waits = False  # upkeep waits for one commit after judging, never for two
        while not (self._stop.is_set() and self._queue.empty() and self._upcoming is None):
            self._run_errands()
            if not (waits := judged and not waits):
                self._keep_house_if_due()
            poll = self._upcoming or self._next(self._patience_seconds())
            self._upcoming = None
            if poll is None:
                self._catches_up = False
                judged = self._evaluate_if_due(idle=True)
                continue
            self._catches_up = poll.samples.num_rows >= CATCHING_UP_SAMPLES_MIN
            began = self._clock.monotonic_seconds()
            written = self._writer.write(poll, self._take_upcoming)
            if self._in_flight is not None:
                self._in_flight.committed(self._writer.next_offsets())
            took = self._clock.monotonic_seconds() - began
            self._commit_at = began + min(COMMIT_EVERY_SECONDS, took / COMMIT_SHARE_MAX)
            self._meters.observe("linksla_commit_seconds", took)
            if poll.samples.num_rows:
                self._appended_us = pc.max(poll.samples.column("append_time_us")).as_py()
            self._watch.note(written.advance)
            judged = self._evaluate_if_due()
            with self._written:
                self._written.notify_all()
        self._judge_the_rest()

    def _take_upcoming(self) -> Poll | None:
        """Take what is to be written next, as late as it can be prepared beside what is written.

        While a node keeps up nothing is taken: more may come before its turn.
        """
        if self._catches_up and self._upcoming is None:
            self._upcoming = self._next(0)
        return self._upcoming

    def _is_behind(self) -> bool:
        """Return whether samples wait: small ones fill the queue, large ones a whole commit."""
        return self._catches_up or self._queue.full()

    def _keep_house_if_due(self) -> None:
        """Let the housekeeper work, for a share of the time while it has much to do."""
        now = self._clock.monotonic_seconds()
        if self._housekeeper is None or now < self._keep_house_at:
            return
        done = self._housekeeper.step(KEEP_HOUSE_SECONDS_MAX)
        self._node_alarms.evaluate(self._housekeeper.conditions())
        share = CATCHING_UP_SHARE_MAX if self._is_behind() else KEEP_HOUSE_SHARE_MAX
        rest = done.seconds / share - done.seconds if done.anything else 0.0
        self._keep_house_at = now + done.seconds + max(rest, KEEP_HOUSE_EVERY_SECONDS)

    def _next(self, timeout_seconds: float) -> Poll | None:
        """Return what waits, as one poll of about SAMPLES_PER_TRANSACTION_MAX at most.

        With a time-out it is the next to be written: waits for one, and for more of them while it
        is too early for a commit.
        """
        polls: list[Poll] = []
        samples = 0
        while samples < SAMPLES_PER_TRANSACTION_MAX:
            seconds = timeout_seconds
            if polls and timeout_seconds:
                seconds = self._commit_at - self._clock.monotonic_seconds()
            wait = seconds > 0 and not self._stop.is_set()
            try:
                poll = self._queue.get(wait, seconds if wait else None)
            except queue.Empty:
                break
            samples += poll.samples.num_rows
            polls.append(poll)
        return merge(polls) if polls else None

    def _judge_the_rest(self) -> None:
        """Judge all that is due, for as long as a stop may take; a restart judges what is left."""
        until = self._clock.monotonic_seconds() + STOP_JUDGING_SECONDS_MAX
        while self._clock.monotonic_seconds() < until:
            self._evaluate_at = 0.0
            self._evaluate_if_due()
            if not len(self._rounds):
                return

    def _evaluate_if_due(self, *, idle: bool = False) -> bool:
        """Judge what was touched, in a transaction of its own: a restart judges all again.

        In short rounds: the writer waits meanwhile, and the queue behind it fills. Returns whether
        anything was judged.
        """
        now = self._clock.monotonic_seconds()
        if now < self._evaluate_at:
            return False
        if now >= self._evaluate_all_at:
            self._touch(self._watch.restless())
            self._evaluate_all_at = now + EVALUATE_ALL_EVERY_SECONDS
        due = self._watch.due(self._store.writer)
        self._touch(due.judge)
        circuits = self._rounds.next()
        presses = self._rounds.presses
        if circuits:
            self._judge(circuits)
        elif not due.went_on:
            return False
        took = self._clock.monotonic_seconds() - now
        self._rounds.judged(circuits, took)
        self._meters.observe("linksla_evaluate_seconds", took)
        self._meters.set("linksla_evaluate_due_circuits", len(self._rounds))
        rest = EVALUATE_EVERY_SECONDS if not len(self._rounds) else took
        age_s = (self._clock.now_us() - self._appended_us) / MICROSECONDS
        share = judging_share(
            samples_wait=self._is_behind(), age_seconds=age_s, may_wait=not (presses or idle)
        )
        self._evaluate_at = now + max(rest, took / share)
        self._live.publish((*circuits, *due.went_on))
        return True

    def _touch(self, circuits: tuple[str, ...]) -> None:
        self._rounds.press(self._watch.pressing(circuits))
        self._rounds.touch(circuits)

    def _patience_seconds(self) -> float:
        """Return how long to wait for samples: no longer than until the next round of judging."""
        rest = (
            self._evaluate_at - self._clock.monotonic_seconds()
            if len(self._rounds)
            else POLL_SECONDS
        )
        return min(POLL_SECONDS, max(rest, 0.0))

    def _judge(self, circuits: tuple[str, ...]) -> None:
        with self._store.checkpoint_waits(), transaction(self._store.writer):
            verdicts = self._evaluator.evaluate(circuits)
            self._restatements.note(circuits, verdicts)
            looks, checked = self._evaluator.looks, self._watch.checked_up_to(circuits)
            summaries = {name: look.summary for name, look in looks.items()}
            self._alarms.evaluate(circuits, verdicts, checked, summaries)
        self._watch.look(looks, self._alarms.restless)
