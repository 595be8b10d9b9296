"""How long judging takes: a month of everything from cold, and after a poll.

    python -m benchmarks.judging [--cold 100000] [--circuits 20000] [--days 31] [--polls 13 60]

From cold: a month of circuits with 50 spans each, in columns; a sample of them is held against the
full judgement. After a poll: a store with healthy circuits of four channels; the real writer writes
polls of one sample a channel, ten seconds apart; timed is what a node does after each: judge what
may have changed, alarms included. First all healthy, then 1 % of the circuits bad, no two alike.
"""

import argparse
import shutil
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from alerts.evaluator import AlarmEvaluator
from linksla.clock import MICROSECONDS, ManualClock
from linksla.inventory import Channel, Circuit, Customer, Inventory, Ownership
from linksla.memory import collect_rarely
from linksla.meters import Meters
from linksla.model import SAMPLE_SCHEMA, Poll
from linksla.settings import TimeSettings
from linksla.stores import TelemetryStore
from linksla.wire import partition_of
from processors.held import Commits
from processors.ordering import SpanOrderer
from processors.transactions import transaction
from processors.writer import Writer
from sla.cold import MonthColumns, month_columns
from sla.columns import OUTCOMES
from sla.contracts import Contract, load_contracts
from sla.evaluator import Evaluator
from sla.history import Historian
from sla.queries import Queries
from sla.watch import Watch

CHANNELS = 4
ROUND = 200  # circuits of the first look at a time: a node's rounds are smaller
GRID_S = 10
TOPIC = "link.samples"
MONTH_S = 31 * 86_400
NOW_S = 1_792_152_000  # 2026-10-16T12:00:00Z: the middle of a month
CONTRACT = """
id: bench
version: 1
title: Benchmark, 4 channels, 3 needed
source: benchmarks/judging.py
timezone: UTC
availability: {target_percent: 99.99, up_at_least: 3, consecutive: 10}
objectives:
  - {name: latency p95, metric: latency, statistic: p95, limit: 8}
  - {name: loss mean, metric: loss, statistic: mean, limit: 0.001}
"""


ROLLED_UP = """insert into rollup_parts
    select channel_key, m, 6, 6, 24000, 3000, 5000, 0, 6, 600, 200, 6, 0, 0, 6, 1, 1, 6, 1, 1,
        [latency_bucket(3000), latency_bucket(4000), latency_bucket(5000)], [2, 2, 2]
    from channels, range($from, $to, 60) t(m) order by m, channel_key"""


@dataclass
class Bench:
    """A filled store and the parts of a node that judge."""

    store: TelemetryStore
    inventory: Inventory
    writer: Writer
    queries: Queries
    clock: ManualClock
    evaluator: Evaluator
    alarms: AlarmEvaluator
    watch: Watch


@contextmanager
def bench(circuits: int, days: int) -> Iterator[Bench]:
    """Lend a node's judging parts over a store of healthy circuits, complete up to NOW_S."""
    folder = Path(tempfile.mkdtemp(prefix="linksla-judging-"))
    store = TelemetryStore(folder / "telemetry.duckdb")
    try:
        store.start()
        begins = NOW_S // 86_400 * 86_400 - days * 86_400
        known = network(circuits, begins)
        (folder / "contracts").mkdir()
        (folder / "contracts" / "bench.yaml").write_text(CONTRACT)
        clock = ManualClock(NOW_S * MICROSECONDS)
        commits = Commits()
        writer = Writer(store, known, TOPIC, TimeSettings(), clock, Meters(), commits=commits)
        writer.start()
        fill(store, begins)
        orderer = SpanOrderer(store, lambda _point: None)
        orderer.start()
        while orderer.compact(NOW_S * MICROSECONDS, 200_000):  # as a housekeeper has done by then
            pass
        watch = Watch()
        watch.note(writer.start().advance)
        queries = Queries(
            store, known, load_contracts(folder / "contracts"), (), TimeSettings(), clock,
            commits=commits,
        )  # fmt: skip
        evaluator = Evaluator(store, queries, clock)
        alarms = AlarmEvaluator(store, queries, lambda: queries.maintenance, clock)
        yield Bench(store, known, writer, queries, clock, evaluator, alarms, watch)
    finally:
        store.close()
        shutil.rmtree(folder, ignore_errors=True)


def network(circuits: int, begins: int, channels: int = CHANNELS) -> Inventory:
    """Return so many circuits of four channels, all of one customer."""
    names = tuple(Channel(name=f"ch{number + 1}") for number in range(channels))
    owners = (Ownership(customer="acme"),)
    ids = [f"C-{number:06}" for number in range(circuits)]
    known = {
        name: Circuit(
            id=name, owners=owners, contract="bench", site="S", region="R", bandwidth_mbps=10_000,
            grid_seconds=GRID_S, channels=names, active_from=begins,
        )
        for name in ids
    }  # fmt: skip
    return Inventory({"acme": Customer(id="acme", name="Acme")}, known)


def fill(store: TelemetryStore, begins: int) -> None:
    """Put a healthy span for each channel and day into the store, up to NOW_S."""
    folded = NOW_S // GRID_S * GRID_S
    writer = store.writer
    writer.execute(
        """insert into spans
        select channel_key, d, d * 86400, least((d + 1) * 86400, $folded), 1, 0
        from channels, range($first, $last) t(d)
        order by d, channel_key""",
        {"first": begins // 86_400, "last": folded // 86_400 + 1, "folded": folded},
    )
    writer.execute(
        "update channel_progress set folded_to_s = $folded, observed_at_us_max = $seen",
        {"folded": folded, "seen": (NOW_S - GRID_S) * MICROSECONDS},
    )
    writer.execute(ROLLED_UP, {"from": NOW_S - 1_800, "to": NOW_S})
    writer.execute("checkpoint")


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a circuit: from when, on which channels, and how."""

    circuit: int  # its place in the inventory
    onset_s: int
    channels: tuple[int, ...]
    pattern: str  # down, flapping, lossy
    bad_s: int  # how long it is bad, of a flapping one each time
    good_s: int  # how long it is good in between

    def is_bad(self, second: int) -> bool:
        """Return whether it is bad at an instant."""
        since = second - self.onset_s
        if since < 0 or self.pattern != "flapping":
            return 0 <= since < self.bad_s
        return since % (self.bad_s + self.good_s) < self.bad_s


def faults(count: int, circuits: int, begins: int, seconds: int) -> tuple[Fault, ...]:
    """Return faults of some circuits, no two alike, that begin in the first half of the time.

    Half of them are down, a quarter flaps, a quarter loses packets; half of what is down or loses
    comes back before the end.
    """
    rng = np.random.default_rng(count)
    found = []
    for circuit in rng.permutation(circuits)[:count].tolist():
        channels = rng.permutation(CHANNELS)[: rng.integers(2, CHANNELS + 1)].tolist()
        pattern = ("down", "down", "flapping", "lossy")[int(rng.integers(4))]
        bad_s = int(rng.integers(120, 2 * seconds))
        if pattern == "flapping":
            bad_s = int(rng.integers(20, 240))
        good_s, onset_s = int(rng.integers(20, 240)), begins + int(rng.integers(seconds // 2))
        found.append(Fault(circuit, onset_s, tuple(channels), pattern, bad_s, good_s))
    return tuple(found)


def poll(inventory: Inventory, at_s: int, offset: int, wrong: Sequence[Fault] = ()) -> Poll:
    """Return one sample of each channel; those of bad circuits without BGP, or with loss."""
    ids = list(inventory.circuits)
    rows = len(ids) * CHANNELS
    rng = np.random.default_rng(at_s)
    circuit = np.repeat(np.array(ids), CHANNELS)
    partition = np.repeat(np.array([partition_of(one) for one in ids], np.int16), CHANNELS)
    state, loss = np.full(rows, 6, np.uint8), np.zeros(rows, np.int32)
    for fault in wrong:
        if fault.is_bad(at_s):
            for channel in fault.channels:
                row = fault.circuit * CHANNELS + channel
                if fault.pattern == "lossy":
                    loss[row] = 600_000 + fault.circuit
                else:
                    state[row] = 1
    columns = {
        "circuit_id": pa.array(circuit),
        "channel": pa.array([f"ch{n + 1}" for n in range(CHANNELS)] * len(ids)),
        "sequence": np.full(rows, offset),
        "observed_at_us": np.full(rows, at_s * MICROSECONDS),
        "interval_us": np.full(rows, GRID_S * MICROSECONDS),
        "latency_us": (rng.gamma(4, 500, rows) + 2_000).astype(np.int32),
        "jitter_us": rng.gamma(2, 50, rows).astype(np.int32),
        "loss_ppm": loss,
        "rx_bps": (rng.random(rows) * 1e10).astype(np.int64),
        "tx_bps": (rng.random(rows) * 1e10).astype(np.int64),
        "bgp_state": state,
        "bgp_transitions": np.zeros(rows, np.int64),
        "probe": pa.nulls(rows, pa.string()),
        "partition": partition,
        "offset": np.full(rows, offset),
        "index_in_message": np.arange(rows, dtype=np.int32),
        "append_time_us": np.full(rows, (at_s + 1) * MICROSECONDS),
    }
    table = pa.table(columns, schema=SAMPLE_SCHEMA)
    return Poll(TOPIC, table, (), dict.fromkeys(set(partition.tolist()), offset + 1))


def judged_after(one: Bench, batch: Poll) -> tuple[float, float]:
    """Return the seconds to write a poll, and to judge what it touched as a node does."""
    began = time.perf_counter()
    written = one.writer.write(batch)
    wrote = time.perf_counter()
    one.watch.note(written.advance)
    looked(one, one.watch.due(one.store.writer).judge)
    return wrote - began, time.perf_counter() - wrote


def judged_polls(one: Bench, seconds: Sequence[int], wrong: Sequence[Fault]) -> list[float]:
    """Return the seconds that judging took after a poll at each of the instants."""
    found = []
    for at_s in seconds:
        one.clock.move_to((at_s + 1) * MICROSECONDS)
        offset = (at_s - NOW_S) // GRID_S + 1
        wrote, judged = judged_after(one, poll(one.inventory, at_s, offset, wrong))
        print(f"  wrote {wrote * 1e3:.0f} ms, judged {judged * 1e3:.1f} ms")
        found.append(judged)
    return found


def looked(one: Bench, names: tuple[str, ...]) -> int:
    """Judge circuits in full, as a node does in one round; return how many verdicts are new."""
    if not names:
        return 0
    with one.store.checkpoint_waits(), transaction(one.store.writer):
        verdicts = one.evaluator.evaluate(names)
        looks, checked = one.evaluator.looks, one.watch.checked_up_to(names)
        summaries = {name: look.summary for name, look in looks.items()}
        one.alarms.evaluate(names, verdicts, checked, summaries)
    one.watch.look(looks, one.alarms.restless)
    return len(verdicts)


def cold(circuits: int) -> None:
    """Judge one month of circuits with 50 spans each, and print how long it took."""
    begins = 1_790_812_800  # 2026-10-01T00:00:00Z
    known = network(circuits, begins, channels=2)
    folder = Path(tempfile.mkdtemp(prefix="linksla-judging-"))
    store = TelemetryStore(folder / "telemetry.duckdb")
    try:
        store.start()
        (folder / "contracts").mkdir()
        (folder / "contracts" / "bench.yaml").write_text(CONTRACT.replace("least: 3", "least: 1"))
        clock = ManualClock(NOW_S * MICROSECONDS)
        Writer(store, known, TOPIC, TimeSettings(), clock, Meters()).start()
        spans = faulty(circuits, begins)
        store.writer.register("faulty", spans)
        store.writer.execute("insert into spans select * from faulty")
        store.writer.unregister("faulty")
        store.writer.execute(
            "update channel_progress set folded_to_s = $s", {"s": begins + MONTH_S}
        )
        store.writer.execute("checkpoint")
        terms = load_contracts(folder / "contracts")
        historian = Historian(known, terms, ())
        began = time.perf_counter()
        found = month_columns(store.writer, historian, known.circuits.values(), "2026-10")
        took = time.perf_counter() - began
        counts = Counter(OUTCOMES[number].value for number in found.outcome.tolist())
        print(
            f"from cold: {len(found.circuit_ids):,} circuits, {spans.num_rows:,} spans, a month in "
            f"{took:.2f} s ({dict(counts)})"
        )
        check(store, known, terms, clock, found)
    finally:
        store.close()
        shutil.rmtree(folder, ignore_errors=True)


def check(
    store: TelemetryStore,
    known: Inventory,
    terms: dict[str, tuple[Contract, ...]],
    clock: ManualClock,
    found: MonthColumns,
) -> None:
    """Hold some circuits against the full judgement, and print what that takes."""
    queries = Queries(store, known, terms, (), TimeSettings(), clock)
    names = found.circuit_ids[:: max(1, len(found.circuit_ids) // 300)]
    began = time.perf_counter()
    looks = queries.looks(store.writer, names)
    took = time.perf_counter() - began
    rows = {name: row for row, name in enumerate(found.circuit_ids)}
    for name, look in looks.items():
        (answer,) = look.answers
        assert answer.seconds == found.seconds(rows[name]), name
        assert answer.objectives[0].verdict is found.verdict(rows[name]), name
    print(f"  the same, in full with all words: {took / len(names) * 1e3:.2f} ms a circuit")


def faulty(circuits: int, begins: int) -> pa.Table:
    """Return 25 spans for each of two channels: some bad, and time that no span covers."""
    rng = np.random.default_rng(1)
    channels, pieces = circuits * 2, 27
    cells = MONTH_S // GRID_S
    cuts = np.sort(rng.integers(1, cells, (channels, pieces - 1)), axis=1)
    zeros, full = np.zeros((channels, 1), np.int64), np.full((channels, 1), cells)
    starts, ends = np.hstack([zeros, cuts]), np.hstack([cuts, full])
    unknown = rng.random((channels, pieces)).argsort(axis=1) < 2  # two pieces are gaps
    short = rng.random((channels, pieces)) < 0.9  # most faults are short: the rest of them is good
    bad = rng.random((channels, pieces)) < 0.08
    ends = np.where(bad & short, np.minimum(ends, starts + 30), ends)
    kept = (~unknown & (ends > starts)).ravel()
    key = np.repeat(np.arange(1, channels + 1), pieces)[kept]
    start = begins + starts.ravel()[kept] * GRID_S
    return pa.table(
        {
            "channel_key": key,
            "day": start // 86_400,
            "start_s": start,
            "end_s": begins + ends.ravel()[kept] * GRID_S,
            "bgp": np.where(bad.ravel()[kept], 2, 1),
            "loss_class": np.zeros(len(key), np.int64),
        }
    )


def main() -> int:
    """Print both figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--circuits", type=int, default=20_000)
    parser.add_argument("--days", type=int, default=31)
    parser.add_argument("--polls", type=int, nargs=2, default=(13, 60))
    parser.add_argument("--cold", type=int, default=100_000)
    arguments = parser.parse_args()
    collect_rarely()  # as a node does
    cold(arguments.cold)
    with bench(arguments.circuits, arguments.days) as one:
        began = time.perf_counter()
        names = tuple(one.inventory.circuits)
        months = sum(looked(one, names[n : n + ROUND]) for n in range(0, len(names), ROUND))
        print(f"first look: {time.perf_counter() - began:.2f} s, {months:,} months")
        at_s = NOW_S
        for share, polls in zip((0.0, 0.01), arguments.polls, strict=True):
            count = int(arguments.circuits * share)
            wrong = faults(count, arguments.circuits, at_s, polls * GRID_S)
            took = judged_polls(one, range(at_s, at_s + polls * GRID_S, GRID_S), wrong)
            at_s += polls * GRID_S
            print(
                f"after a poll, {arguments.circuits:,} circuits, {share:.0%} bad: median "
                f"{statistics.median(took) * 1e3:.1f} ms, 99th percentile "
                f"{np.percentile(took, 99) * 1e3:.1f} ms, most {max(took) * 1e3:.1f} ms"
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
