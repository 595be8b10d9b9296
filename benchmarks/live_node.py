"""A whole node with its web server in a process of its own, which notes when it did what.

    python -m benchmarks.live_node FOLDER BOOTSTRAP EVENTS [--unit-seconds 60]

Prints one line of JSON (port, token) once it serves; ends when its standard input does, and writes
what it noted: commits, judging, housekeeping, garbage collections, each with end and length.
`--unit-seconds` shortens the hour after which samples move to Parquet, and the day that is
compacted, so that a short run has many of each.
"""

import argparse
import gc
import json
import logging
import resource
import sys
import threading
import time
from contextlib import ExitStack
from pathlib import Path

from cli.configuration import load_configuration
from cli.run import settled
from cli.wiring import Running
from dashboards.accounts import Accounts, Role
from linksla.clock import MICROSECONDS, SystemClock
from linksla.meters import Meters
from processors import compaction, housekeeping, moving
from processors.writer import Writer

OBSERVED = ("linksla_commit_seconds", "linksla_evaluate_seconds")


class TimedMeters(Meters):
    """Meters that also keep every value with the instant it was noted."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[tuple[float, str, float]] = []

    def observe(self, name: str, value: float, /) -> None:
        super().observe(name, value)
        self.events.append((time.time(), name, value))

    def add(self, name: str, amount: float = 1, /, **labels: str) -> None:
        super().add(name, amount, **labels)
        if name == "linksla_housekeeping_rows_total":
            self.events.append((time.time(), f"rows {labels['job']}", amount))

    def set(self, name: str, value: float, /, **labels: str) -> None:
        super().set(name, value, **labels)
        if name in ("linksla_housekeeping_seconds", "linksla_wal_bytes"):
            self.events.append((time.time(), name, value))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("bootstrap")
    parser.add_argument("events", type=Path)
    parser.add_argument("--unit-seconds", type=int, default=0)
    parser.add_argument("--steps", action="store_true", help="note each step of a commit too")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.WARNING)
    if arguments.unit_seconds:
        shorten(arguments.unit_seconds)
    clock, meters = SystemClock(), TimedMeters()
    watch_collector(meters)
    if arguments.steps:
        watch_steps(meters)
    running = Running(load_configuration(arguments.folder), arguments.bootstrap, clock, meters)
    stopped = threading.Event()
    running.start()
    resting = ExitStack()
    resting.enter_context(settled())
    watch_commands(running, meters, stopped)
    token = Accounts(running.decisions, clock).create_token("benchmark", Role.NOC, None)
    print(json.dumps({"port": running.web.port, "token": token.secret}), flush=True)
    ended = None
    try:
        while not stopped.is_set() and not running.node.wait(0.2):
            pass
    finally:
        ended = running.node.failure
        usage = resource.getrusage(resource.RUSAGE_SELF)
        running.stop()
        resting.close()
        arguments.events.write_text(
            json.dumps(
                {
                    "events": meters.events,
                    "peak_bytes": usage.ru_maxrss * 1024,
                    "cpu_seconds": usage.ru_utime + usage.ru_stime,
                }
            )
        )
    return 1 if ended else 0


def watch_commands(running: Running, meters: TimedMeters, stopped: threading.Event) -> None:
    """Stop when standard input ends."""

    def read() -> None:
        sys.stdin.read()
        stopped.set()

    threading.Thread(target=read, daemon=True).start()


def watch_collector(meters: TimedMeters) -> None:
    """Note each garbage collection."""
    began = [0.0]

    def note(phase: str, info: dict[str, int]) -> None:
        if phase == "start":
            began[0] = time.perf_counter()
        else:
            took = time.perf_counter() - began[0]
            if took > 0.001:
                meters.events.append((time.time(), f"gc {info['generation']}", took))

    gc.callbacks.append(note)


def watch_steps(meters: TimedMeters) -> None:
    """Note how long each step of a write took: what lies between two fault points."""
    last = [time.perf_counter()]

    def note(_writer: object, point: str) -> None:
        now = time.perf_counter()
        meters.events.append((time.time(), f"step {point}", now - last[0]))
        last[0] = now

    setattr(Writer, "_at", note)  # noqa: B010  (mypy knows a method may not be set)


def shorten(unit_s: int) -> None:
    """Make an hour of samples and a day of rollups last `unit_s` seconds each."""
    minutes_s = max(unit_s // 60, 1) * 60
    for module, name, value in (
        (moving, "HOUR_US", unit_s * MICROSECONDS),
        (compaction.RollupCompactor, "width_s", minutes_s),
        (compaction.RollupCompactor, "narrower", ()),
        (housekeeping, "IDLE_SECONDS", 1),
    ):
        assert hasattr(module, name), (module, name)
        setattr(module, name, value)
    defaults = compaction.RollupCompactor.__init__.__defaults__
    assert defaults is not None
    assert defaults[0] == compaction.MARGIN_SECONDS
    compaction.RollupCompactor.__init__.__defaults__ = (5, *defaults[1:])


if __name__ == "__main__":
    sys.exit(main())
