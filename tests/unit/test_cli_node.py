"""A node reads, writes, judges, and ends when it cannot go on."""

import threading
from typing import Any

import pyarrow as pa
import pytest

from cli import node as node_module
from cli.configuration import Configuration
from cli.node import STOP_SECONDS_MAX, Node
from cli.polls import merge
from dashboards.live import LiveFeed
from ingest.source import IterableSource
from linksla.clock import SystemClock
from linksla.errors import StoreError
from linksla.meters import Meters
from linksla.model import SAMPLE_SCHEMA, Poll, RawMessage, Reason, Reject
from linksla.settings import RetentionSettings, Settings, StorageSettings
from processors.housekeeping import Done, Housekeeper
from processors.writer import Upcoming, Writer
from processors.written import Written
from sla.contracts import load_contracts
from sla.maintenance import load_maintenance
from sla.queries import Queries

TOPIC = "link.samples"
START_S = 1_764_720_000  # 2025-12-03T00:00:00Z: where the small network's data ends


def rows(count: int, *, partition: int = 4, first: int = 100) -> pa.Table:
    base = {name: [None] * count for name in SAMPLE_SCHEMA.names}
    observed = [(START_S + 10 * n) * 1_000_000 for n in range(count)]
    base |= {
        "circuit_id": ["DEN-1"] * count,
        "channel": ["ch1"] * count,
        "sequence": list(range(count)),
        "observed_at_us": observed,
        "interval_us": [10_000_000] * count,
        "latency_us": [3000] * count,
        "bgp_state": [6] * count,
        "partition": [partition] * count,
        "offset": list(range(first, first + count)),
        "index_in_message": [0] * count,
        "append_time_us": observed,
    }
    return pa.table(base, schema=SAMPLE_SCHEMA)


def poll(table: pa.Table, offsets: dict[int, int], **more: object) -> Poll:
    return Poll(TOPIC, table, (), offsets, **more)


def test_merged_polls_keep_order_offsets_rejects_and_messages() -> None:
    reject = Reject(Reason.UNDECODABLE, "x", 4, 103)
    one = poll(rows(2), {4: 102}, caught_up_at_us={4: 7, 5: 7})
    two = Poll(TOPIC, rows(1, first=102), (reject,), {4: 104}, {}, {})

    merged = merge([one, two])

    assert merged.samples.column("offset").to_pylist() == [100, 101, 102]
    assert merged.next_offsets == {4: 104}
    assert merged.rejects == (reject,)
    assert merged.caught_up_at_us == {5: 7}  # partition 4 got more: it is not idle


class Countable(dict[tuple[int, int], RawMessage]):
    """Messages that tell how many of them were made."""

    made = 0

    def __getitem__(self, key: tuple[int, int]) -> RawMessage:
        Countable.made += 1
        return super().__getitem__(key)


def test_merging_makes_no_message_that_nobody_asks_for() -> None:
    message = RawMessage(b"value")
    parts = [Countable({(4, n * 10 + place): message for place in range(10)}) for n in range(2)]
    merged = merge([poll(rows(1), {4: 9 + 10 * n}, raw=part) for n, part in enumerate(parts)])
    assert Countable.made == 0

    assert len(merged.raw) == len(list(merged.raw)) == 20
    assert merged.raw[(4, 15)] is message
    assert (4, 99) not in merged.raw
    assert Countable.made == 1


def node(
    network: Any,
    polls: list[Poll],
    writer: type[Writer] = Writer,
    housekeeper: Housekeeper | None = None,
    kind: type[Node] = Node,
) -> Node:
    settings = Settings()
    configuration = Configuration(
        settings,
        network.inventory,
        load_contracts(network.folder / "contracts"),
        load_maintenance(network.folder / "maintenance.yaml"),
    )
    clock, meters = SystemClock(), Meters()
    queries = Queries(
        network.store, network.inventory, configuration.contracts, configuration.maintenance,
        settings.time, clock,
    )  # fmt: skip
    return kind(
        configuration,
        source=IterableSource(polls),
        store=network.store,
        writer=writer(network.store, network.inventory, TOPIC, settings.time, clock, meters),
        queries=queries,
        live=LiveFeed(),
        clock=clock,
        meters=meters,
        housekeeper=housekeeper,
    )


class FullDisk(Housekeeper):
    """Says the disk is full until it is told otherwise; counts its steps."""

    room = False
    steps = 0

    def has_room(self) -> bool:
        return self.room

    def step(self, seconds_max: float) -> Done:
        self.steps += 1
        return super().step(seconds_max)


def test_a_node_reads_nothing_while_the_disk_is_full_and_goes_on_when_it_is_not(
    small_network: Any,
) -> None:
    keeper = FullDisk(
        small_network.store, RetentionSettings(), StorageSettings(), SystemClock(), Meters()
    )
    running = node(small_network, [poll(rows(60), {4: 160})], housekeeper=keeper)
    running.start()
    assert not running.wait_until(lambda offsets: offsets.get(4) == 160, 1.0)
    keeper.room = True

    assert running.wait_until(lambda offsets: offsets.get(4) == 160, 20)
    running.stop()
    assert keeper.steps > 0


def test_a_node_writes_what_it_reads_and_judges_it(small_network: Any) -> None:
    running = node(small_network, [poll(rows(60), {4: 160})])
    running.start()

    assert running.wait_until(lambda at: at.get(4) == 160, 30)
    running.stop()
    with small_network.store.reader() as cursor:
        written = cursor.execute("select count(*) from samples").fetchone()
        judged = cursor.execute(
            "select count(*) from verdict_history where circuit_id = 'DEN-1'"
        ).fetchone()

    assert written == (60,)
    assert judged is not None
    assert judged[0] >= 2


class HaltedSource(IterableSource):
    """A source whose broker is halted once the polls it has are read."""

    def __init__(self, polls: list[Poll]) -> None:
        super().__init__(polls)
        self.waits, self.goes_on, self.closed = threading.Event(), threading.Event(), False
        self.left = len(polls)

    def poll(self, timeout_seconds: float) -> Poll:
        if self.left == 0:
            self.waits.set()
            self.goes_on.wait(30)
        self.left -= 1
        return super().poll(timeout_seconds)

    def close(self) -> None:
        self.closed = True


def test_a_node_whose_broker_is_halted_ends_in_time_with_what_it_has_read(
    small_network: Any,
) -> None:
    running = node(small_network, [])
    running._source = source = HaltedSource([poll(rows(60), {4: 160})])
    running.start()
    assert source.waits.wait(30)

    clock = SystemClock()
    began = clock.monotonic_seconds()
    running.stop()

    assert clock.monotonic_seconds() - began < STOP_SECONDS_MAX
    assert not source.closed, "its thread still uses it"
    assert running.failure is None
    with small_network.store.reader() as cursor:
        assert cursor.execute("select count(*) from samples").fetchone() == (60,)
    source.goes_on.set()


def test_an_errand_runs_in_the_writer_thread_between_polls(small_network: Any) -> None:
    running = node(small_network, [])
    ran = threading.Event()
    threads = []

    def errand() -> frozenset[str]:
        threads.append(threading.current_thread().name)
        ran.set()
        return frozenset({"DEN-1"})

    running.start()
    running.between_polls(errand)

    assert ran.wait(30)
    running.stop()
    assert threads == ["writer"]


def test_what_comes_too_early_for_a_commit_is_written_with_what_comes_after(
    small_network: Any,
) -> None:
    one = node(small_network, [])
    first, second = poll(rows(1), {4: 101}), poll(rows(1, first=101), {4: 102})

    def follow() -> None:
        while not one._queue.empty():
            threading.Event().wait(0.001)
        one._queue.put(second)

    one._commit_at = one._clock.monotonic_seconds() + 0.5
    one._queue.put(first)
    after = threading.Thread(target=follow)
    after.start()
    together = one._next(5)
    after.join()
    one._commit_at = one._clock.monotonic_seconds()
    one._queue.put(first)

    assert together is not None
    assert together.next_offsets == {4: 102}
    assert together.samples.num_rows == 2
    assert one._next(5) is first
    assert one._next(0) is None


class Noting(Node):
    """A node that always has something to judge, and notes what its writer thread does."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.did: list[str] = []

    def _evaluate_if_due(self, *, idle: bool = False) -> bool:
        self.did.append("judge")
        return True

    def _keep_house_if_due(self) -> None:
        self.did.append("upkeep")


def test_upkeep_waits_for_one_round_of_judging_and_never_for_two(small_network: Any) -> None:
    running = node(small_network, [poll(rows(1), {4: 101})], kind=Noting)
    assert isinstance(running, Noting)
    running.start()
    done = threading.Event()
    while len(running.did) < 12 and not done.wait(0.01):
        assert running.failure is None
    running.stop()
    order = "".join(name[0] for name in running.did[:12])

    assert order == "ujjujjujjujj"


def test_a_node_that_starts_sees_those_first_whose_alarm_is_raised(small_network: Any) -> None:
    names = sorted(small_network.inventory.circuits)
    small_network.store.writer.executemany(
        "insert into alarm_history values (?, ?, ?, 'down', '', 'critical', ?, 0, 0, '', '{}')",
        [
            ("a", 1, names[-1], "raised"),
            ("b", 1, names[0], "raised"), ("b", 2, names[0], "cleared"),
            ("c", 1, "gone", "raised"),  # the inventory names it no more
            ("d", 1, "", "raised"),  # the node's own
        ],
    )  # fmt: skip
    running = node(small_network, [])
    first = threading.Event()
    judged: list[tuple[str, ...]] = []

    def judge(circuits: tuple[str, ...]) -> None:
        judged.append(circuits)
        first.set()

    running._judge = judge  # type: ignore[method-assign]
    running.start()

    assert first.wait(30)
    running.stop()
    assert judged[0] == (names[-1],)
    assert {*judged[1]} == {*names[:-1]}


@pytest.mark.parametrize("behind", [False, True])
def test_what_comes_while_a_node_catches_up_is_taken_as_late_as_it_can_be_prepared(
    small_network: Any, monkeypatch: pytest.MonkeyPatch, behind: bool
) -> None:
    monkeypatch.setattr(node_module, "CATCHING_UP_SAMPLES_MIN", 1 if behind else 2)
    first, second = poll(rows(1), {4: 101}), poll(rows(1, first=101), {4: 102})
    told: list[tuple[Poll, Poll | None]] = []

    class Asking(Writer):
        def write(self, poll: Poll, upcoming: Upcoming = lambda: None) -> Written:
            if poll is first:  # what follows comes while this is written
                one._queue.put(second)
            told.append((poll, upcoming()))
            assert upcoming() is told[-1][1]  # asked again it is the same
            return super().write(poll)

    one = node(small_network, [], Asking)
    one._writer.start()
    one._queue.put(first)
    one._stop.set()  # it writes what waits, and ends

    one._write()

    assert told == [(first, second if behind else None), (second, None)]
    assert one._writer.next_offsets()[4] == 102


class FailingWriter(Writer):
    """A writer whose disk is full."""

    def write(self, poll: Poll, upcoming: Upcoming | None = None) -> Written:
        raise StoreError("no space left", where="telemetry.duckdb")


def test_a_write_that_fails_ends_the_node(small_network: Any) -> None:
    running = node(small_network, [poll(rows(1), {4: 101})], FailingWriter)
    running.start()

    with pytest.raises(StoreError, match="no space left"):
        running.wait(30)
    running.stop()


def test_judging_that_cannot_be_written_ends_the_node_with_its_cause(small_network: Any) -> None:
    running = node(small_network, [poll(rows(1), {4: 101})])
    running.start()
    refused = threading.Event()

    def refuse() -> frozenset[str]:
        small_network.store.writer.execute("drop table verdict_history")
        refused.set()
        return frozenset({"DEN-1"})

    running.between_polls(refuse)

    assert refused.wait(30)
    with pytest.raises(StoreError, match=r"rolled back.*verdict_history"):
        running.wait(30)
    running.stop()
