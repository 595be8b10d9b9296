"""How long the housekeeper holds the writer at once, in a large network.

`python -m benchmarks.upkeep [--channels 80000] [--hours 6] [--seconds 60]`: rollups as polls leave
them, spread over the table; then steps as the node asks for them. Prints the longest step, rows a
second, and how long pieces take at which width.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from linksla.clock import SystemClock
from linksla.meters import Meters
from linksla.settings import RetentionSettings, StorageSettings
from linksla.stores import TelemetryStore
from processors.housekeeping import Housekeeper

MIDNIGHT = 1_760_054_400  # 2025-10-10T00:00:00Z
US = 1_000_000
BUCKETS_A_MINUTE = 3


def main() -> None:
    """Build a store, let the housekeeper work in it, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--channels", type=int, default=80_000)
    parser.add_argument("--hours", type=int, default=6)
    parser.add_argument("--seconds", type=float, default=60.0)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, filled(Path(folder), asked) as store:
        measure(store, asked.seconds)


@contextmanager
def filled(folder: Path, asked: argparse.Namespace) -> Iterator[TelemetryStore]:
    """Lend a store of so many channels and hours, complete up to two hours into the next day."""
    store = TelemetryStore(folder / "telemetry.duckdb")
    store.start()
    writer = store.writer
    bounds = {"last": asked.channels + 1}
    writer.execute(
        "insert into channels select k, 'C' || (k // 4), 'ch' || (k % 4), 0, 10, 0, null "
        "from range(1, $last) as c(k)",
        bounds,
    )
    for minute in range(asked.hours * 60):
        at = bounds | {"start_s": MIDNIGHT + minute * 60}
        for part in (0, 1):  # a minute ends for half of the channels at a time
            writer.execute(
                "insert into rollup_parts select k, $start_s, 6, 6, 6000, 900, 1100, 0, 6, 60, 12, "
                "6, 0, 0, 6, 2000000000, 400000000, 6, 2000000000, 400000000, "
                "range(300, 300 + $buckets)::integer[], list_resize([1], $buckets, 1) "
                "from range(1, $last) as c(k) where k % 2 = $part",
                at | {"part": part, "buckets": BUCKETS_A_MINUTE},
            )
    writer.execute(
        "insert into offsets values ('link.samples', 0, 1, $at_us, $at_us)",
        {"at_us": (MIDNIGHT + 86_400 + 9_000) * US},
    )
    store.checkpoint()
    yield store
    store.close()


def timed(work: Callable[[int], int], took: list[float]) -> Callable[[int], int]:
    """Return work that notes how long it took."""

    def call(rows: int) -> int:
        began = time.monotonic()
        done = work(rows)
        took.append(time.monotonic() - began)
        return done

    return call


def measure(store: TelemetryStore, seconds: float) -> None:
    """Step for so long and print what came of it."""
    clock = SystemClock()
    keeper = Housekeeper(store, RetentionSettings(), StorageSettings(), clock, Meters())
    keeper.start()
    pieces: dict[str, list[float]] = {job.name: [] for job in keeper._jobs}
    for job in keeper._jobs:
        job.work = timed(job.work, pieces[job.name])
    took: list[float] = []
    rows = blocked = checkpoints = 0
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        done = keeper.step(0.5)
        if not done.anything:
            break
        took.append(done.seconds)
        rows += done.compacted
        blocked += done.blocked
        checkpoints += done.checkpointed
    took.sort()
    total = sum(took)
    print(f"steps          {len(took)} in {total:.1f} s, {checkpoints} with a checkpoint of ours")
    print(f"longest        {took[-1]:.2f} s; 99 % within {took[int(len(took) * 0.99)]:.2f} s")
    print(f"median         {took[len(took) // 2]:.2f} s")
    print(f"compacted      {rows:,} rows, {rows / total:,.0f} a second")
    print(f"made blocks of {blocked:,} rows")
    for name, seconds_each in pieces.items():
        if any(seconds_each):
            print(f"longest piece  {name}: {max(seconds_each):.2f} s of {len(seconds_each)}")
    stands = store.writer.execute("select name, value from housekeeping order by 1").fetchall()
    for name, value in stands:
        print(f"{name:<26} {value}")


if __name__ == "__main__":
    main()
