"""Drain a backlog with a whole node: peak memory, rate, what a sample and a circuit cost on disk.

    python -m benchmarks.drain [--samples 10000000] [--circuits 250]
    python -m benchmarks.drain --samples 100000000

The backlog lies in an embedded Kafka, 500 samples a message, 4 channels a circuit, a sample every
10 s each. The node runs in a process of its own, so that its peak memory is its own; resident
memory is printed at each tenth: a backlog must not make it grow. Then the housekeeper runs until
nothing is left to do, and the database file is measured by table.
"""

import argparse
import json
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from benchmarks.ingest import CHANNELS, INTERVAL_S, configured, ends, fill
from cli.configuration import Configuration, load_configuration
from cli.wiring import Running, telemetry_path
from ingest.embedded_kafka import EmbeddedKafka
from ingest.topics import ensure_topics
from linksla.clock import SystemClock
from linksla.meters import Meters
from linksla.stores import TelemetryStore
from processors.housekeeping import Housekeeper

TOPIC = "link.samples.drain"
TABLES = ("samples", "rollup_parts", "spans", "ledger", "verdict_history")
BLOCK_BYTES = 262_144
MIB = 1 << 20
MONTH_S = 30 * 86_400


def main() -> int:
    """Fill a topic, drain it in a process of its own, print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=10_000_000)
    parser.add_argument("--circuits", type=int, default=250, help="circuits of 4 channels each")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--drain", nargs=2, metavar=("FOLDER", "BOOTSTRAP"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.drain:
        folder, bootstrap = arguments.drain
        print(json.dumps(drained(load_configuration(Path(folder)), bootstrap)))
        return 0
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="linksla-drain-"))
        stack.callback(shutil.rmtree, folder, True)
        broker = EmbeddedKafka(folder / "kafka", port=0)
        broker.start()
        stack.callback(broker.stop)
        ensure_topics(broker.bootstrap, samples_topic=TOPIC)
        span_s = arguments.samples // (arguments.circuits * CHANNELS) * INTERVAL_S
        start_s = (int(time.time()) - span_s - 600) // 60 * 60
        configured(folder / "node", TOPIC, arguments.circuits, start_s)
        sent = fill(broker.bootstrap, TOPIC, 500, arguments.samples, arguments.circuits, start_s)
        print(f"{sent:,} samples sent, {span_s / 86_400:.1f} days of them", file=sys.stderr)
        command = [sys.executable, "-m", "benchmarks.drain", "--drain", str(folder / "node")]
        said = subprocess.run(
            [*command, broker.bootstrap], check=True, stdout=subprocess.PIPE, text=True
        ).stdout
    found = json.loads(said.splitlines()[-1])
    if arguments.json:
        print(json.dumps(found | {"samples": sent}))
    else:
        report(found, sent, arguments.circuits, span_s)
    return 0


def drained(configuration: Configuration, bootstrap: str) -> dict[str, object]:
    """Drain, keep house to the end, and return all figures."""
    target = {p: end for p, end in ends(bootstrap, TOPIC).items() if end}
    whole = sum(target.values())
    resident = []
    running = Running(configuration, bootstrap, SystemClock())
    try:
        began = time.perf_counter()
        running.start(web=False)
        for tenth in range(1, 11):
            wanted = whole * tenth // 10
            if not running.node.wait_until(lambda at, n=wanted: sum(at.values()) >= n, 3_600):
                sys.exit("the node did not get there in an hour")
            resident.append(resident_bytes())
        took = time.perf_counter() - began
    finally:
        running.stop()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {"seconds": took, "peak_bytes": peak, "resident_bytes": resident} | kept(configuration)


def kept(configuration: Configuration) -> dict[str, object]:
    """Move and compact all that is to be, and return sizes; the longest step on the way."""
    store = TelemetryStore(telemetry_path(configuration))
    store.start()
    hot_before = table_sizes(store)["samples"]
    settings = configuration.settings
    clock = SystemClock()
    keeper = Housekeeper(store, settings.retention, settings.storage, clock, Meters())
    keeper.start()
    began, longest = time.perf_counter(), 0.0
    while (done := keeper.step(0.5)).anything:
        longest = max(longest, done.seconds)
    took = time.perf_counter() - began
    store.checkpoint()
    ((files, rows, size),) = store.writer.execute(
        "select count(*), coalesce(sum(rows), 0), coalesce(sum(bytes), 0) from sample_files"
    ).fetchall()
    found = {
        "tables": table_sizes(store),
        "samples_hot_before": hot_before,
        "files": int(files),
        "files_rows": int(rows),
        "files_bytes": int(size),
        "database_bytes": telemetry_path(configuration).stat().st_size,
        "housekeeping_seconds": took,
        "longest_step_seconds": longest,
    }
    store.close()
    return found


def table_sizes(store: TelemetryStore) -> dict[str, list[int]]:
    """Return rows and bytes (whole blocks) of each table."""
    store.checkpoint()
    found = {}
    for table in TABLES:
        ((rows,),) = store.writer.execute(f"select count(*) from {table}").fetchall()
        ((blocks,),) = store.writer.execute(
            f"select count(distinct block_id) from pragma_storage_info('{table}') "
            "where block_id >= 0"
        ).fetchall()
        found[table] = [int(rows), int(blocks) * BLOCK_BYTES]
    return found


def resident_bytes() -> int:
    """Return this process's resident memory."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    return 0


def report(found: dict, samples: int, circuits: int, span_s: int) -> None:
    """Print the figures for a person."""
    tables = found["tables"]
    print(f"drained    {samples:,} samples in {found['seconds']:.1f} s: "
          f"{samples / found['seconds']:,.0f}/s, durable, everything on")  # fmt: skip
    print(f"memory     peak {found['peak_bytes'] / MIB:,.0f} MiB; at each tenth "
          + " ".join(f"{one / MIB:,.0f}" for one in found["resident_bytes"]))  # fmt: skip
    print(f"house      {found['housekeeping_seconds']:.1f} s more to move and compact the rest, "
          f"longest step {found['longest_step_seconds']:.2f} s")  # fmt: skip
    for name, (rows, size) in (
        ("samples, hot", found["samples_hot_before"]),
        ("samples, Parquet", (found["files_rows"], found["files_bytes"])),
        *((name, tables[name]) for name in TABLES if name != "samples"),
    ):
        each = f"{size / rows:.1f} bytes a row" if rows else ""
        print(f"{name:<18} {rows:>14,} rows {size / MIB:>9,.1f} MiB  {each}")
    print(f"database file      {found['database_bytes'] / MIB:,.1f} MiB")
    if not span_s:
        return
    months = circuits * span_s / MONTH_S
    lasting = sum(tables[name][1] for name in ("rollup_parts", "spans"))
    raw = found["files_bytes"] / found["files_rows"] if found["files_rows"] else 0.0
    per_month = CHANNELS * MONTH_S // INTERVAL_S
    print(f"circuit-month      {lasting / months / MIB:,.1f} MiB of rollups, histograms and spans, "
          f"{raw * per_month / MIB:,.1f} MiB of samples in Parquet "
          f"({CHANNELS} channels, every {INTERVAL_S} s)")  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
