"""Forks a node for every line it is given, once all is imported: 1.5 s less for each.

`python -m tests.chaos.kill_server`; a line is JSON (see `Order`), the answer its exit status: what
os.waitstatus_to_exitcode gives. Nothing that has threads is started before the fork.
"""

import gc
import json
import os
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import IO

from cli import node
from ingest import kafka_source
from linksla.errors import LinkslaError
from processors import housekeeping, sample_files, straight
from tests.chaos.node import STRAIGHT_POINTS, Fault, build, read_to

ROOT = Path(__file__).parent.parent.parent
SECONDS_MAX = 90.0


@dataclass(frozen=True)
class Order:
    """One process: what it reads, where it dies, or after how many seconds it is killed.

    `file_bytes_max`: what a file may grow to, as on a disk that is full then. `last_words` in the
    folder of the configuration is what it said when it ended by itself.
    """

    config: str
    bootstrap: str
    topic: str
    ends: Mapping[str, int]
    point: str = ""
    nth: int = 0
    seed: int = 0
    after_seconds: float = 0.0
    file_bytes_max: int = 0
    small_polls: bool = False
    keeps_house: bool = False

    def with_files_up_to(self, bytes_max: int) -> "Order":
        return replace(self, file_bytes_max=bytes_max)


class KillServer:
    """The server as a child process."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.chaos.kill_server"], cwd=ROOT, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip

    def run(self, order: Order) -> int:
        """Return how the process of an order ended: 0, or -9 when it was killed."""
        stdin, stdout = self._pipes()
        stdin.write(json.dumps(asdict(order)) + "\n")
        stdin.flush()
        return int(stdout.readline())

    def close(self) -> None:
        stdin, stdout = self._pipes()
        stdin.close()
        assert self._process is not None
        self._process.wait(30)
        stdout.close()

    def _pipes(self) -> tuple[IO[str], IO[str]]:
        assert self._process is not None
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        return self._process.stdin, self._process.stdout


def serve() -> None:
    gc.collect()
    gc.freeze()
    for line in sys.stdin:
        order = Order(**json.loads(line))
        pid = os.fork()
        if pid == 0:
            try:
                os._exit(_node(order))
            except LinkslaError as error:
                Path(order.config, "last_words").write_text(str(error))
            finally:
                os._exit(1)
        killer = threading.Timer(order.after_seconds or SECONDS_MAX, os.kill, (pid, signal.SIGKILL))
        killer.start()
        _, status = os.waitpid(pid, 0)
        killer.cancel()
        killer.join()
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


def _node(order: Order) -> int:
    ends = {int(partition): end for partition, end in order.ends.items()}
    fault = Fault(order.point, order.nth, order.seed)
    cut = 0
    if order.file_bytes_max:
        resource.setrlimit(resource.RLIMIT_FSIZE, (order.file_bytes_max, resource.RLIM_INFINITY))
    if order.point or order.after_seconds or order.small_polls:
        # Small polls: a process that dies at its second one must not have read the whole topic.
        cut = 25
        vars(kafka_source)["_POLL_BYTES"] = 256 * 1024
    if order.keeps_house:
        vars(node)["KEEP_HOUSE_EVERY_SECONDS"] = 0.0  # samples of hours come in a second
        vars(housekeeping)["IDLE_SECONDS"] = 0
        vars(sample_files)["UNLINK_AFTER_US"] = 0
        vars(node)["CATCHING_UP_SAMPLES_MIN"] = 1  # the next poll is prepared ahead
        goes_straight = order.point in STRAIGHT_POINTS or order.seed % 8 == 0
        vars(straight)["ROWS_MIN"] = vars(straight)["FILE_ROWS_MIN"] = 1 if goes_straight else 10**9
    parts = build(
        Path(order.config), order.bootstrap, order.topic, fault=fault, messages_max=cut,
        keeps_house=order.keeps_house, ends=ends if order.keeps_house else None,
    )  # fmt: skip
    return 0 if read_to(parts, ends, SECONDS_MAX) else 1


if __name__ == "__main__":
    serve()
