"""How long a circuit's 31 days take to read while samples arrive.

    python -m benchmarks.reads --prepare FOLDER [--circuits 20000] [--whole 1500] [--days 2]
    python -m benchmarks.reads --folder FOLDER [--seconds 60] [--rate 100000]
    python -m benchmarks.reads                      (both, in a temporary folder)

The store is filled first (see `benchmarks.reads_store`): 20,000 circuits of 4 channels. Then a
process sends samples of all of them at a steady rate to a whole node with its web server, and one
reader asks, of circuits at random among those with all 32 days: the page of 31 days, the series of
latency over 31 days, and the month so far.
"""

import argparse
import json
import random
import shutil
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from benchmarks.freshness import LiveNode, kafka, live_node, network, producer, report_events
from benchmarks.producer import circuit_name
from benchmarks.reads_store import DAY_S, HOUR_S, fill
from linksla.clock import iso

WARM_S = 40.0  # a node that starts judges all circuits once, for half a minute beside the stream


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--prepare", type=Path, help="only fill a store in this folder")
    parser.add_argument("--folder", type=Path, help="use a store that was prepared")
    parser.add_argument("--circuits", type=int, default=20_000, help="of 4 channels each")
    parser.add_argument("--whole", type=int, default=1_500, help="circuits with blocks of 32 days")
    parser.add_argument("--days", type=int, default=2, help="days all circuits have blocks of")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--rate", type=int, default=100_000)
    parser.add_argument("--steps", action="store_true", help="print each step of a commit too")
    arguments = parser.parse_args()
    with ExitStack() as stack:
        folder = arguments.folder or arguments.prepare
        if folder is None:
            folder = Path(tempfile.mkdtemp(prefix="linksla-reads-"))
            stack.callback(shutil.rmtree, folder, True)
        if arguments.folder is None:
            prepare(folder, arguments)
        if arguments.prepare is None:
            run(folder, arguments)
    return 0


def prepare(folder: Path, arguments: argparse.Namespace) -> None:
    """Fill a store that ends at the present."""
    end_s = int(time.time()) // 60 * 60
    start_s = end_s // DAY_S * DAY_S - 32 * DAY_S  # most circuits are older than a page
    network(folder / "node", arguments.circuits, start_s)
    found = fill(
        folder / "node", start_s=start_s, end_s=end_s, whole_circuits=arguments.whole,
        days=arguments.days, hours=3,
    )  # fmt: skip
    told = {"whole": arguments.whole, "circuits": arguments.circuits, "start_s": start_s}
    (folder / "prepared.json").write_text(json.dumps(told))
    print(
        f"{arguments.circuits:,} circuits, blocks of 32 days for {arguments.whole:,} and of "
        f"{arguments.days} days for all, minutes of 3 hours for all: {found.rows:,} rows, "
        f"{found.bytes / 2**30:.1f} GiB, made in {found.seconds:.0f} s"
    )


def run(folder: Path, arguments: argparse.Namespace) -> None:
    """Send, read and print."""
    prepared = json.loads((folder / "prepared.json").read_text())
    circuits = prepared["circuits"]
    with ExitStack() as stack:
        scratch = Path(tempfile.mkdtemp(prefix="linksla-reads-kafka-"))
        stack.callback(shutil.rmtree, scratch, True)
        bootstrap = stack.enter_context(kafka(scratch))
        options = ["--steps"] if arguments.steps else []
        node = stack.enter_context(live_node(folder / "node", bootstrap, *options))
        began = time.time()
        seconds = arguments.seconds + WARM_S if arguments.rate else 0
        stack.enter_context(
            producer(
                scratch, bootstrap, circuits=circuits, rate=arguments.rate or 1, seconds=seconds
            )
        )
        until = began + arguments.seconds + WARM_S
        took = read(node, prepared["whole"], began + WARM_S, until)
    everything = [one for answers in took.values() for one in answers]
    for name, answers in [*took.items(), ("all", everything)]:
        values = [ms for _, ms in answers]
        print(
            f"{name}: n {len(values)}, p50 {np.median(values):.0f} ms, p99 "
            f"{np.quantile(values, 0.99):.0f} ms, max {np.max(values):.0f} ms"
        )
    slowest = sorted(everything, key=lambda one: -one[1])[:8]
    print("slowest:", ", ".join(f"{ms:.0f} ms at +{at - began - WARM_S:.1f} s"
                                for at, ms in sorted(slowest)))  # fmt: skip
    report_events(node.events, began + WARM_S, until)


Took = dict[str, list[tuple[float, float]]]
"""By kind of question: when each was answered, and the milliseconds it took."""


def read(node: LiveNode, whole: int, from_s: float, until: float) -> Took:
    """Ask at random until an instant; return what answers took since `from_s`."""
    rng = random.Random(1)
    took: Took = {"page": [], "series": [], "month": []}
    with node.client() as client:
        while time.time() < until:
            name = circuit_name(rng.randrange(whole))
            now_s = int(time.time())
            upper = iso(now_s)
            lower = iso((now_s - 31 * DAY_S) // HOUR_S * HOUR_S)
            month = upper[:7]
            for kind, address in (
                ("page", f"/circuits/{name}?from={lower}&to={upper}"),
                (
                    "series",
                    f"/api/v1/circuits/{name}/series?metric=latency&step=7200"
                    f"&from={lower}&to={upper}",
                ),
                ("month", f"/api/v1/circuits/{name}/months/{month}"),
            ):
                began = time.perf_counter()
                answer = client.get(address)
                answer.raise_for_status()
                if time.time() >= from_s:
                    took[kind].append((time.time(), (time.perf_counter() - began) * 1_000))
    return took


if __name__ == "__main__":
    sys.exit(main())
