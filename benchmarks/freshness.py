"""How long from a sample's instant to its being visible in the API, at a steady rate.

    python -m benchmarks.freshness [--seconds 600] [--rate 100000] [--circuits 20000]

A process sends samples observed at the instant they are sent; a whole node with its web server
reads them; a reader asks `GET /api/v1/circuits/{id}` of a few circuits in turn. `live_to` is the
end of the latest cell a sample starts in: the first answer that shows a cell ends the wait of the
first sample in it. A cell that is skipped over counts with the answer that went past it. What is
printed is therefore an upper bound: it includes the time between two questions.
"""

import argparse
import contextlib
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import numpy as np

from benchmarks.ingest import CONTRACT
from benchmarks.producer import CHANNELS, circuit_name, slices_of
from ingest.embedded_kafka import EmbeddedKafka
from ingest.topics import ensure_topics
from linksla.clock import MICROSECONDS, parse_instant

TOPIC = "link.samples.live"
GRID_S = 1
PROBES = 1  # each more of them lengthens the time between two questions of one
PAUSE_S = 0.02
WARM_S = 5.0


@dataclass(slots=True)
class Asked:
    """Answers of the API about some circuits: when they came, what they showed, how long."""

    came: list[tuple[str, float, int]] = field(default_factory=list)
    took: list[float] = field(default_factory=list)
    failed: int = 0


@dataclass(frozen=True, slots=True)
class LiveNode:
    """A node that serves, in a process of its own."""

    address: str
    token: str
    events: Path

    def client(self) -> httpx.Client:
        return httpx.Client(
            base_url=self.address, headers={"Authorization": f"Bearer {self.token}"}, timeout=60
        )


def network(folder: Path, circuits: int, start_s: int, rate_grid_s: int = GRID_S) -> None:
    """Write a configuration with that many circuits."""
    (folder / "contracts").mkdir(parents=True)
    (folder / "contracts" / "bench.yaml").write_text(CONTRACT)
    (folder / "maintenance.yaml").write_text("windows: []\n")
    (folder / "linksla.yaml").write_text(
        f"data: var\nkafka: {{topic: {TOPIC}}}\nweb: {{port: 0}}\n"
    )
    channels = ", ".join(f"{{name: ch{n + 1}}}" for n in range(CHANNELS))
    lines = ["customers: [{id: acme, name: Acme}]", "circuits:"]
    lines += [
        f"  - {{id: {circuit_name(number)}, owners: [{{customer: acme}}], contract: bench, "
        f"site: S, region: R, bandwidth_mbps: 10000, grid_seconds: {rate_grid_s}, "
        f"active_from: {start_s}, channels: [{channels}]}}"
        for number in range(circuits)
    ]
    (folder / "inventory.yaml").write_text("\n".join(lines) + "\n")


@contextmanager
def kafka(folder: Path) -> Iterator[str]:
    """Lend the address of a broker with an empty topic."""
    broker = EmbeddedKafka(folder / "kafka", port=0)
    broker.start()
    try:
        ensure_topics(broker.bootstrap, samples_topic=TOPIC)
        yield broker.bootstrap
    finally:
        broker.stop()


@contextmanager
def live_node(folder: Path, bootstrap: str, *options: str) -> Iterator[LiveNode]:
    """Run a node until the block ends."""
    events = folder / "events.json"
    command = [sys.executable, "-m", "benchmarks.live_node", str(folder), bootstrap, str(events)]
    process = subprocess.Popen(
        [*command, *options], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin
    assert process.stdout
    try:
        line = process.stdout.readline()
        if not line:
            sys.exit("the node did not start")
        said = json.loads(line)
        yield LiveNode(f"http://127.0.0.1:{said['port']}", said["token"], events)
    finally:
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()
        process.wait(timeout=120)


@contextmanager
def producer(
    folder: Path, bootstrap: str, *, circuits: int, rate: int, seconds: float
) -> Iterator[Path]:
    """Send samples in a process of its own; lend the log of instants."""
    log = folder / "sent.log"
    command = [sys.executable, "-m", "benchmarks.producer", bootstrap, TOPIC, str(log)]
    command += ["--circuits", str(circuits), "--rate", str(rate), "--seconds", str(seconds)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        yield log
    finally:
        out, _ = process.communicate()
        if out:
            sent, took = map(float, out.split())
            print(f"sent {sent:,.0f} samples in {took:.1f} s: {sent / took:,.0f}/s")


def ask(node: LiveNode, circuits: Sequence[str], until: float, asked: Asked) -> None:
    """Ask for each circuit in turn until an instant."""
    with node.client() as client:
        while time.time() < until:
            for name in circuits:
                began = time.perf_counter()
                answer = client.get(f"/api/v1/circuits/{name}")
                asked.took.append(time.perf_counter() - began)
                if answer.status_code == 200:
                    live = parse_instant(answer.json()["live_to"])
                    asked.came.append((name, time.time(), live))
                else:
                    asked.failed += 1
                time.sleep(PAUSE_S)


def waits(asked: Asked, log: Path, slices: int, from_s: float) -> tuple[np.ndarray, float]:
    """Return how long each cell of each circuit took to be seen, and the longest stand-still.

    Cells whose first sample was sent before `from_s` do not count.
    """
    sent: dict[int, list[int]] = {}
    for line in log.read_text().splitlines():
        number, instant_us = line.split()
        sent.setdefault(int(number), []).append(int(instant_us))
    found: list[float] = []
    still = 0.0
    for name in {name for name, _, _ in asked.came}:
        first: dict[int, int] = {}  # by the cell's end
        for instant_us in sent[int(name.removeprefix("C-")) % slices]:
            cell = instant_us // MICROSECONDS // GRID_S * GRID_S + GRID_S
            first.setdefault(cell, instant_us)
        seen, grew = 0, 0.0
        for came, live in [(came, live) for who, came, live in asked.came if who == name]:
            if live <= seen:
                continue
            new = [at for cell, at in first.items() if seen < cell <= live]
            found += [came - at / 1e6 for at in new if at / 1e6 >= from_s]
            if grew >= from_s:
                still = max(still, came - grew)
            seen, grew = live, came
    return np.array(found), still


def report_events(path: Path, from_s: float, to_s: float) -> None:
    """Print what the node did in a range of time: how often, how long, and the longest gaps."""
    noted = json.loads(path.read_text())
    events = [(at, name, value) for at, name, value in noted["events"] if from_s <= at <= to_s]
    commits = [at for at, name, _ in events if name == "linksla_commit_seconds"]
    gaps = np.diff([from_s, *commits, to_s])
    print(f"commits {len(commits)}, longest gap between two {gaps.max():.2f} s")
    for number in np.argsort(gaps)[::-1][:5]:
        lower = [from_s, *commits][number]
        inside = [
            f"{name.removeprefix('linksla_')} {value:.2f}"
            for at, name, value in events
            if lower < at <= lower + gaps[number] + 0.01 and value >= 0.05 and "wal" not in name
        ]
        print(f"  {gaps[number]:.2f} s at +{lower - from_s:.1f} s: {', '.join(inside)}")
    for name in sorted({name for _, name, _ in events}):
        report_event(name, np.array([value for _, known, value in events if known == name]))
    print(f"node: peak {noted['peak_bytes'] / 2**30:.2f} GiB, {noted['cpu_seconds']:.0f} s CPU")


def report_event(name: str, values: np.ndarray) -> None:
    """Print how often something was done and how long it took."""
    if name.startswith("rows"):
        print(f"{name}: {len(values)} times, {values.sum():,.0f} in all")
        return
    if "wal" in name:
        drops = int((np.diff(values) < 0).sum())
        print(f"write-ahead log: shrank {drops} times, at most {values.max() / 2**20:.0f} MiB")
        return
    middle, high = np.median(values), np.quantile(values, 0.99)
    print(
        f"{name}: n {len(values)}, p50 {middle:.3f}, p99 {high:.3f}, max {values.max():.3f}, "
        f"sum {values.sum():.1f} s"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--rate", type=int, default=100_000)
    parser.add_argument("--circuits", type=int, default=20_000, help="of 4 channels each")
    parser.add_argument(
        "--unit-seconds", type=int, default=60,
        help="an hour of samples and a day of rollups last so long; 0: as long as they do",
    )  # fmt: skip
    parser.add_argument("--steps", action="store_true", help="print each step of a commit too")
    parser.add_argument("--folder", type=Path, help="where to work; by default a temporary one")
    arguments = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="linksla-freshness-", dir=arguments.folder))
        stack.callback(shutil.rmtree, folder, True)
        network(folder / "node", arguments.circuits, int(time.time()) - 120)
        run(folder, arguments)
    return 0


def run(folder: Path, arguments: argparse.Namespace) -> None:
    """Send, ask and print."""
    circuits, rate = arguments.circuits, arguments.rate
    seconds = arguments.seconds + WARM_S
    options = ["--unit-seconds", str(arguments.unit_seconds)]
    if arguments.steps:
        options.append("--steps")
    asked = Asked()
    names = [circuit_name(n) for n in range(min(PROBES, circuits))]
    with kafka(folder) as bootstrap, live_node(folder / "node", bootstrap, *options) as node:
        began = time.time()
        with producer(folder, bootstrap, circuits=circuits, rate=rate, seconds=seconds) as log:
            ask(node, names, began + seconds, asked)
    from_s = began + WARM_S
    found, still = waits(asked, log, slices_of(circuits, rate), from_s)
    took = np.array(asked.took) * 1_000
    print(
        f"produced → visible, {len(found):,} cells of {len(names)} circuits: p50 "
        f"{np.median(found):.3f} s, p99 {np.quantile(found, 0.99):.3f} s, max {found.max():.3f} s"
    )
    print(f"longest time without news in the API: {still:.2f} s (news are due every {GRID_S} s)")
    print(
        f"answers: {len(took):,}, p50 {np.median(took):.0f} ms, p99 "
        f"{np.quantile(took, 0.99):.0f} ms, failed {asked.failed}"
    )
    report_events(node.events, from_s, began + seconds)


if __name__ == "__main__":
    sys.exit(main())
