"""Objectives other than availability of many circuits at once, and what is remembered of them.

Complete rollups only ever change by late, duplicate or conflicting samples, all of which are in the
ledger: its count is part of what is compared. While it stands still, a month that has grown costs
only what it has grown by.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import duckdb

from linksla.inventory import Circuit
from sla.answers import ObjectiveAnswer
from sla.contracts import PerformanceTerms
from sla.looks import Sums
from sla.measures import Observed, pooled
from sla.observed import TOGETHER_SECONDS, observed_of
from sla.packed import Packed
from sla.performance import (
    Asked,
    Link,
    judge_performance,
    link_of,
    next_step,
    qualifying,
    rollup_seconds,
)
from sla.periods import Ownership, Period
from sla.readings import readings_of
from sla.telemetry import ChannelRow, Telemetry

_REMEMBERED_BYTES_MAX: Final = 128 << 20
"""20,000 circuits with two months each, or more where channels have few buckets. With 4,096 months
nothing was known of most circuits at their onset, and all of their months were read again."""
_MONTH_BYTES: Final = 2_000  # beside the numbers
_TOGETHER_MAX: Final = 256
_KEYS_APART_MAX: Final = 64
"""Closed days lie sorted by channel, some 85 channels to a row group: channels close to each other
are read together, others are not, so that nobody reads what lies between them."""
_NEW_SECONDS: Final = TOGETHER_SECONDS
"""What is newer lies sorted by time: all that is asked of it is read together. One read of each
circuit took 8 ms; of 17 circuits that grow by a minute each, 140 ms a poll."""
_ANCHORS_MAX: Final = 512
_ANCHORS_APART_SECONDS: Final = 1_800
"""Longer than it takes to decide that a circuit was down. What was summed up to an instant before
the onset then still holds: without it the whole month was read anew, at each onset."""

Pieces = tuple[tuple[int, int], ...]
_Key = tuple[str, int, Ownership]
ReadObserved = Callable[
    [duckdb.DuckDBPyConnection, Sequence[Asked]], Sequence[tuple[Observed, ...]]
]


@dataclass(frozen=True, slots=True)
class _Question:
    """What is asked of one period; equal questions have equal answers."""

    circuit_id: str
    start_s: int
    own: Ownership
    channels: tuple[ChannelRow, ...]
    step_seconds: int
    ledger_count: int
    pieces: Pieces
    terms: tuple[PerformanceTerms, ...]
    is_open: bool
    link: Link

    @property
    def key(self) -> _Key:
        """Return what stays as the month grows."""
        return self.circuit_id, self.start_s, self.own

    def beyond(self, before: "_Question") -> Pieces | None:
        """Return the pieces this one has and `before` had not, or None: it did not just grow."""
        if (self.channels, self.step_seconds, self.ledger_count) != (
            before.channels, before.step_seconds, before.ledger_count,
        ):  # fmt: skip
            return None
        if not before.pieces:
            return self.pieces
        last = len(before.pieces) - 1
        if self.pieces[:last] != before.pieces[:last] or len(self.pieces) <= last:
            return None
        (first, ended), (begins, ends) = before.pieces[last], self.pieces[last]
        if begins != first or ends < ended:
            return None
        return ((ended, ends),) * (ends > ended) + self.pieces[last + 1 :]


@dataclass(frozen=True, slots=True)
class Kept:
    """What was asked of a period, what was observed in it, and the answers."""

    question: _Question
    packed: Packed
    answers: tuple[ObjectiveAnswer, ...]

    @property
    def observed(self) -> tuple[Observed, ...]:
        """What was observed, by channel."""
        return self.packed.observed()

    @property
    def bytes(self) -> int:
        """About what it takes in memory."""
        return _MONTH_BYTES + len(self.packed)

    @property
    def ends_s(self) -> int:
        """Where the last of the pieces ends that were summed."""
        return self.question.pieces[-1][1] if self.question.pieces else self.question.start_s

    def sums(self, period: Period) -> Sums:
        """Return what the answers about the period followed from."""
        outcomes = tuple([answer.verdict for answer in self.answers])
        return Sums(self.observed, outcomes, next_step(period, self.question.step_seconds))


@dataclass(frozen=True, slots=True)
class _Task:
    number: int
    question: _Question
    before: tuple[Observed, ...]
    missing: Pieces

    @property
    def asked(self) -> Asked:
        throughput = any(one.metric.startswith("throughput") for one in self.question.terms)
        return Asked(self.question.channels, self.missing, self.question.step_seconds, throughput)


class Performance:
    """Reads rollups and histograms for the objectives of periods, and remembers their sums.

    `read`: from what; an explanation shows statements over minutes, not packs of hours.
    """

    def __init__(self, read: ReadObserved = observed_of) -> None:
        """Remember how to read; nothing is known yet."""
        self._read = read
        self._lock = threading.Lock()
        self._known: OrderedDict[_Key, Kept] = OrderedDict()
        self._bytes = 0  # of what is known
        self._anchors: OrderedDict[_Key, tuple[Kept, ...]] = OrderedDict()  # two at most, old first

    def judged(
        self,
        cursor: duckdb.DuckDBPyConnection,
        facts: Telemetry,
        asked: Sequence[tuple[Circuit, Period]],
    ) -> list[Kept | None]:
        """Return, for each period, the answers of its contract's other objectives, in its order.

        With what they follow from; None where the contract has none.
        """
        found: list[Kept | None] = [None] * len(asked)
        tasks = []
        for number, (circuit, period) in enumerate(asked):
            if not period.history.in_force.contract.objectives:
                continue
            question = _question(facts, circuit, period)
            with self._lock:
                kept = self._known.get(question.key)
                anchors = self._anchors.get(question.key, ())
            if kept is not None and kept.question == question:
                found[number] = kept
                continue
            known = () if kept is None else (kept, *reversed(anchors))
            tasks.append(_task(number, question, known))
        if facts.readings is None:
            read = self._read_together(cursor, tasks)
        else:  # a page: what it asks next lies in the same rows
            read = (
                (task, readings_of(cursor, facts, asked[task.number][0]).observed(task.asked))
                for task in tasks
            )
        for task, more in read:
            found[task.number] = self._judged(task, more)
        return found

    def _read_together(
        self, cursor: duckdb.DuckDBPyConnection, tasks: Sequence[_Task]
    ) -> Iterator[tuple[_Task, tuple[Observed, ...]]]:
        for together in _neighbours(tasks):
            found = self._read(cursor, [task.asked for task in together])
            yield from zip(together, found, strict=True)

    def _judged(self, task: _Task, more: tuple[Observed, ...]) -> Kept:
        question, observed = task.question, _added(task.question.channels, task.before, more)
        answers = tuple(
            judge_performance(terms, observed, is_open=question.is_open, link=question.link)
            for terms in question.terms
        )
        kept = Kept(question, Packed.of(observed), answers)
        with self._lock:
            self._anchor(task)
            before = self._known.pop(question.key, None)
            self._known[question.key] = kept
            if not question.is_open:  # of those that are over a node that starts sees a year's
                self._known.move_to_end(question.key, last=False)
            self._bytes += kept.bytes - (0 if before is None else before.bytes)
            while self._bytes > _REMEMBERED_BYTES_MAX:
                self._bytes -= self._known.popitem(last=False)[1].bytes
        return kept

    def _anchor(self, task: _Task) -> None:
        """Keep what the newest sums replace, now and then; nothing, where all was read anew."""
        key, before = task.question.key, self._known.get(task.question.key)
        if before is None:
            return
        anchors = self._anchors.pop(key, ())
        if not task.before:
            return
        if not anchors or before.ends_s - anchors[-1].ends_s >= _ANCHORS_APART_SECONDS:
            anchors = (*anchors[-1:], before)
        self._anchors[key] = anchors
        while len(self._anchors) > _ANCHORS_MAX:
            self._anchors.popitem(last=False)


def _task(number: int, question: _Question, known: Sequence[Kept]) -> _Task:
    """Return what is to be read, beyond the first of the known sums that still hold."""
    for kept in known:
        missing = question.beyond(kept.question)
        if missing is not None:
            return _Task(number, question, kept.observed, missing)
    return _Task(number, question, (), question.pieces)


def _question(facts: Telemetry, circuit: Circuit, period: Period) -> _Question:
    step = rollup_seconds(circuit)
    return _Question(
        circuit.id,
        period.start_s,
        period.own,
        facts.channels[circuit.id],
        step,
        facts.ledger_counts.get(circuit.id, 0),
        qualifying(period, step),
        period.history.in_force.contract.objectives,
        period.rest > 0,
        link_of(circuit, facts.channels[circuit.id], period.end_s - 1),
    )


def _neighbours(tasks: Sequence[_Task]) -> Iterator[list[_Task]]:
    """Yield tasks in groups that lie close together in storage, or are new."""
    ordered = sorted(
        tasks, key=lambda task: (task.missing[:1], task.question.channels[0].channel_key)
    )
    group: list[_Task] = []
    for task in ordered:
        if group and not (len(group) < _TOGETHER_MAX and _close(group[-1], task)):
            yield group
            group = []
        group.append(task)
    if group:
        yield group


def _close(before: _Task, task: _Task) -> bool:
    if before.missing and task.missing:
        newest = max(before.missing[-1][1], task.missing[-1][1])
        if min(before.missing[0][0], task.missing[0][0]) >= newest - _NEW_SECONDS:
            return True
    apart = task.question.channels[0].channel_key - before.question.channels[-1].channel_key
    return task.missing[:1] == before.missing[:1] and 0 <= apart <= _KEYS_APART_MAX


def _added(
    channels: Sequence[ChannelRow], before: Sequence[Observed], more: Sequence[Observed]
) -> tuple[Observed, ...]:
    """Return two observations as one, by channel as if they had been read as one."""
    if not before:
        return tuple(more)
    old, new = ({one.name: one for one in many} for many in (before, more))
    return tuple(
        pooled([old[name], new[name]], name)
        if name in old and name in new
        else old.get(name) or new[name]
        for name in (channel.channel for channel in channels)
        if name in old or name in new
    )
