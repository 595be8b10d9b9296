"""How far channels are is not written with each commit, and yet is what it was when it was.

`Stored` is what each commit wrote before: a row a channel, raised sample by sample and watermark by
watermark. Whatever happens to a stream, readers and a writer that starts find the same.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from linksla.clock import ManualClock
from linksla.errors import StoreError
from linksla.inventory import Circuit
from linksla.meters import Meters
from linksla.model import Poll
from linksla.settings import TimeSettings
from linksla.stores import TelemetryStore, _migrate
from linksla.wire import partition_of
from processors.cells import still_holding
from processors.held import Commits
from processors.observations import Observations
from processors.open_steps import _summed
from processors.progress import Progress, tracks_of
from processors.rollups import merged
from processors.tables import held_stands, provisional_spans, stands
from sla import telemetry
from tests.unit.processors_support import (
    MIDNIGHT,
    US,
    Sample,
    as_before_stands,
    at,
    circuit,
    inventory,
    poll_of,
    reference_spans,
    spans_of,
    stored_spans,
)
from tests.unit.test_processors_writer import STEPS, FailingWriter

TIME = TimeSettings()
LATENESS_US = TIME.allowed_lateness_seconds * US
IDLE_US = TIME.idle_after_seconds * US
FROM_S = MIDNIGHT - 300
NETWORK = (
    circuit("A", 10, ("a", "b", "silent"), active_from=FROM_S),
    circuit("B", 60, ("a",), active_from=FROM_S),
    circuit("C", 15, ("a", "b"), active_from=FROM_S),
    circuit("D", 10, ("a",), active_from=FROM_S),
)
POINTS = [f"{when} {step}" for step in STEPS for when in ("before", "after")]


@dataclass
class Channel:
    partition: int
    grid_s: int
    folded_to_s: int
    seen_us: int = -1


@dataclass
class Partition:
    watermark_us: int | None = None
    last_append_us: int | None = None


@dataclass
class Stored:
    """What the store held when each commit wrote how far channels are."""

    channels: dict[tuple[str, str], Channel] = field(default_factory=dict)
    partitions: dict[tuple[str, int], Partition] = field(default_factory=dict)
    samples: list[Sample] = field(default_factory=list)
    pending: list[Sample] = field(default_factory=list)

    def register(self, topic: str, network: Sequence[Circuit], partitions: int) -> None:
        for one in network:
            for channel in one.channels:
                number = partition_of(one.id, partitions)
                known = self.channels.setdefault(
                    (one.id, channel.name), Channel(number, one.grid_seconds, 0)
                )
                known.partition = number
        fed = [sample for sample in self.pending if sample.circuit_id in {c.id for c in network}]
        self.pending = [sample for sample in self.pending if sample not in fed]
        self.kept(fed)
        self.fold(topic)

    def write(self, topic: str, samples: Sequence[Sample], caught_up: dict[int, int]) -> None:
        for sample in samples:
            stands = self.partitions.setdefault((topic, sample.partition), Partition())
            seen = min(sample.observed_at_us, sample.append_time_us) - LATENESS_US
            stands.watermark_us = max(stands.watermark_us or seen, seen)
            appended = sample.append_time_us
            stands.last_append_us = max(stands.last_append_us or appended, appended)
        known = {name for name, _ in self.channels}
        self.kept([sample for sample in samples if sample.circuit_id in known])
        self.pending += [sample for sample in samples if sample.circuit_id not in known]
        for number, at_us in caught_up.items():
            stands = self.partitions.setdefault((topic, number), Partition())
            if stands.last_append_us is None:
                stands.last_append_us = at_us
            if stands.last_append_us <= at_us - IDLE_US:
                idle = at_us - IDLE_US - LATENESS_US
                stands.watermark_us = max(stands.watermark_us or idle, idle)
        self.fold(topic)

    def kept(self, samples: Sequence[Sample]) -> None:
        self.samples += samples
        for sample in samples:
            channel = self.channels[sample.circuit_id, sample.channel]
            channel.seen_us = max(channel.seen_us, sample.observed_at_us)

    def fold(self, topic: str) -> None:
        for channel in self.channels.values():
            watermark_us = self.partitions.get((topic, channel.partition), Partition()).watermark_us
            if watermark_us is not None:
                ended_s = watermark_us // US // channel.grid_s * channel.grid_s
                channel.folded_to_s = max(channel.folded_to_s, ended_s)

    def live_to(self, circuit_id: str) -> int:
        mine = [c for (name, _), c in self.channels.items() if name == circuit_id]
        seen, grid = max(channel.seen_us for channel in mine), mine[0].grid_s
        return 0 if seen < 0 else (seen // US // grid + 1) * grid


@dataclass
class Stream:
    """A store, the writer on it, and what it must come to."""

    store: TelemetryStore
    chance: random.Random
    stored: Stored = field(default_factory=Stored)
    circuits: int = 2
    partitions: int = 3
    topic: str = "link.samples"
    now_s: float = 0.0
    offsets: dict[tuple[str, int], int] = field(default_factory=dict)
    sent: list[Sample] = field(default_factory=list)
    writer: FailingWriter | None = None
    commits: Commits = field(default_factory=Commits)

    @property
    def network(self) -> tuple[Circuit, ...]:
        return NETWORK[: self.circuits]

    def start(self) -> None:
        known = inventory(*self.network)
        self.writer = FailingWriter(
            self.store, known, self.topic, TIME, ManualClock(), Meters(),
            partitions=self.partitions, commits=self.commits,
        )  # fmt: skip
        self.writer.start()
        self.stored.register(self.topic, self.network, self.partitions)

    def next_poll(self) -> tuple[Poll, list[Sample], dict[int, int]]:
        chance, samples = self.chance, []
        for _ in range(chance.randrange(12)):
            self.now_s += chance.choice([0, 0.5, 3, 10, 40])
            one = chance.choice(NETWORK)  # one that is not in the network yet is pending
            name = chance.choice([c.name for c in one.channels if c.name != "silent"])
            behind = chance.choice([0, 0, 0, 1, 12, 31, 95, 400])
            sample = at(
                max(self.now_s - behind, -299), circuit_id=one.id, channel=name,
                interval_us=chance.choice([1, 10, 75]) * US, latency_us=chance.randrange(9_000),
                bgp_state=chance.choice([0, 1, 6, 6]), loss_ppm=chance.choice([None, 0, 500_000]),
                append_time_us=round((MIDNIGHT + self.now_s) * US) + chance.choice([-US, 0, US]),
            )  # fmt: skip
            if self.sent and chance.random() < 0.2:
                again = chance.choice(self.sent)
                sample = replace(again, sequence=chance.choice([again.sequence, 7]), loss_ppm=1)
                sample = replace(sample, append_time_us=round((MIDNIGHT + self.now_s) * US))
            samples.append(self.placed(sample))
        caught_up = {}
        if chance.random() < 0.3:
            self.now_s += chance.choice([0, 20, 100])
            at_us = round((MIDNIGHT + self.now_s) * US)
            caught_up = {n: at_us for n in range(self.partitions) if chance.random() < 0.7}
        return poll_of(samples, caught_up_at_us=caught_up), samples, caught_up

    def placed(self, sample: Sample) -> Sample:
        partition = partition_of(sample.circuit_id, self.partitions)
        offset = self.offsets.get((self.topic, partition), 0)
        self.offsets[self.topic, partition] = offset + 1
        return replace(sample, partition=partition, offset=offset)

    def write(self, fails_at: str = "") -> None:
        assert self.writer is not None
        poll, samples, caught_up = self.next_poll()
        poll = replace(poll, topic=self.topic)
        if fails_at:
            self.writer.fails_at = fails_at
            with pytest.raises(StoreError, match="injected"):
                self.writer.write(poll)
            self.start()
        self.writer.write(poll)
        self.sent += samples
        self.stored.write(self.topic, samples, caught_up)

    def restart(self) -> None:
        assert self.writer is not None
        before = self.writer._started()[1]
        self.start()
        channels, after = self.writer._started()
        assert remembered(channels, after) == remembered(channels, before)

    def check(self) -> None:
        found = stands(self.store.writer)
        names = dict(
            self.store.writer.execute("select channel_key, (circuit_id, channel) from channels")
            .fetchall()
        )  # fmt: skip
        folded = zip(found.channel_key.tolist(), found.tracks.from_s.tolist(), strict=True)
        assert {names[key]: second for key, second in folded} == {
            name: channel.folded_to_s for name, channel in self.stored.channels.items()
        }
        lives = {one.id: self.stored.live_to(one.id) for one in self.network}
        assert found.live_to() == {name: second for name, second in lives.items() if second}
        for one in self.network:
            alone = stands(self.store.writer, [one.id])
            assert alone.complete_up_to()[one.id] == found.complete_up_to()[one.id]
            assert alone.live_to().get(one.id, 0) == lives[one.id]
        with self.store.reader() as cursor:
            check_held(cursor, self.commits, [one.id for one in self.network])

    def check_spans(self) -> None:
        expected, provisional = [], []
        for one in self.network:
            end_s = self.stored.channels[one.id, one.channels[0].name].folded_to_s
            live_s = self.stored.live_to(one.id)
            mine = [sample for sample in self.stored.samples if sample.circuit_id == one.id]
            if end_s > FROM_S:
                expected += reference_spans(mine, one, FROM_S, end_s)
            provisional += reference_spans(mine, one, max(end_s, FROM_S), live_s)
        assert stored_spans(self.store) == sorted(expected, key=_nulls_last)
        names = dict(
            self.store.writer.execute("select channel_key, (circuit_id, channel) from channels")
            .fetchall()
        )  # fmt: skip
        runs = provisional_spans(self.store.writer, stands(self.store.writer))
        whole = [(*names[key], *rest) for key, *rest in spans_of(runs)]
        assert sorted(whole, key=_nulls_last) == sorted(provisional, key=_nulls_last)


def check_held(cursor, commits: Commits, circuit_ids: Sequence[str]) -> None:
    """What the writer holds of the commit a cursor shows is what the store says of it."""
    held = commits.shown_by(cursor)
    assert held is not None
    every, by_memory = stands(cursor), held_stands(held)
    assert by_memory.complete_up_to() == every.complete_up_to()
    assert by_memory.live_to() == every.live_to()
    assert spans_of(provisional_spans(held, by_memory)) == spans_of(
        provisional_spans(cursor, every)
    )
    for names in [*([name] for name in circuit_ids), circuit_ids, ["nobody's"]]:
        held_facts, facts = telemetry.read(cursor, names, held), telemetry.read(cursor, names)
        assert replace(held_facts, spans=None) == replace(facts, spans=None)
        assert horizons_by_circuit(cursor, names, held) == horizons_by_circuit(cursor, names)


def horizons_by_circuit(cursor, names: Sequence[str], held=None) -> dict[str, tuple[int, int]]:
    """Return up to where circuits are complete, and up to where anything has arrived."""
    found = telemetry.horizons(cursor, names, held)
    both = zip(found.complete_up_to_s.tolist(), found.live_to_s.tolist(), strict=True)
    return dict(zip(found.circuit_ids, both, strict=True))


def _nulls_last(span: tuple[object, ...]) -> tuple[object, ...]:
    return (*span[:-1], 99 if span[-1] is None else span[-1])


def remembered(channels, progress: Progress) -> dict[str, object]:
    """Return what a writer keeps in memory, in the one form that all writers share."""
    names = ("observed_at_us_max", "interval_us_max", "folded_to_s", "open_start_s")
    found: dict[str, object] = {name: getattr(progress, name).tolist() for name in names}
    opened = progress.open_start_s >= 0
    found["open"] = (progress.open_bgp[opened].tolist(), progress.open_loss_class[opened].tolist())
    tail = Observations.together(progress.tail).ordered()
    tracks = tracks_of(channels, progress.folded_to_s, progress.folded_to_s)
    tail = tail.take(still_holding(tail, tracks)) if len(tail) else tail
    found["tail"] = list(
        zip(tail.track.tolist(), tail.observed_at_us.tolist(), tail.bgp.tolist(),
            tail.loss_ppm.tolist(), strict=True)
    )  # fmt: skip
    batches, unsummed = progress.steps.batches, progress.steps.unsummed
    waiting = merged([*batches, *([_summed(unsummed, channels)] if unsummed else [])])
    rows = (waiting.channel_key, waiting.start_s, *waiting.figures, np.diff(waiting.counts.ends))
    found["steps"] = sorted(zip(*(row.tolist() for row in rows), strict=True))
    found["buckets"] = (waiting.counts.bucket.tolist(), waiting.counts.count.tolist())
    found["partitions"] = progress.partitions
    return found


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    seed=st.integers(0, 2**32),
    steps=st.lists(
        st.sampled_from(["write"] * 6 + ["restart", "fail", "grow", "partitions", "topic", "old"]),
        min_size=4, max_size=20,
    ),
)  # fmt: skip
def test_channels_stand_where_each_commit_wrote_before_that_they_do(
    seed: int, steps: list[str]
) -> None:
    chance = random.Random(seed)
    store = TelemetryStore(None)
    store.start()
    try:
        stream = Stream(store, chance)
        stream.start()
        for step in steps:
            if step == "fail":
                stream.write(chance.choice(POINTS))
            elif step == "grow" and stream.circuits < len(NETWORK):
                stream.circuits += 1
                assert stream.writer is not None
                stream.writer.register(inventory(*stream.network))
                stream.stored.register(stream.topic, stream.network, stream.partitions)
            elif step == "partitions":
                stream.partitions = chance.randrange(1, 6)
                stream.start()
            elif step == "topic":
                stream.topic = chance.choice(["link.samples", "other", "third"])
                stream.start()
            elif step == "old":
                as_before_stands(store)
                _migrate(store.writer, "")
                stream.restart()
            elif step == "restart":
                stream.restart()
            else:
                stream.write()
            stream.check()
        stream.check_spans()
    finally:
        store.close()
