"""A whole node that reads a topic to its end and says how much memory it took.

Run by test_ingest_hostile_broker.py: measured_node.py CONFIG BOOTSTRAP ENDS REJECTS_SENT
"""

import json
import sys
from pathlib import Path

from cli.configuration import load_configuration
from cli.wiring import Running
from linksla.clock import SystemClock


def memory_mib(name: str) -> int:
    """Return VmHWM (the peak) or VmRSS of this process: getrusage's peak survives exec."""
    status = Path("/proc/self/status").read_text()
    return int(status.split(f"{name}:")[1].split()[0]) // 1024


def main(config: str, bootstrap: str, ends: str, letters: str) -> int:
    running = Running(load_configuration(Path(config)), bootstrap, SystemClock())
    targets = {int(partition): end for partition, end in json.loads(ends).items()}
    running.start(web=False)
    before = memory_mib("VmRSS")
    done = running.node.wait_until(
        lambda at: all(at.get(partition, 0) >= end for partition, end in targets.items()), 60
    )
    deadline = SystemClock().monotonic_seconds() + 40
    while done and sent(running) < int(letters) and SystemClock().monotonic_seconds() < deadline:
        running.node.wait(0.2)
    peak, delivered = memory_mib("VmHWM"), sent(running)
    running.stop()
    found = {"done": done, "before": before, "peak": peak, "letters": delivered}
    sys.stdout.write(json.dumps(found))
    return 0


def sent(running: Running) -> int:
    with running.decisions.engine.connect() as connection:
        rows = connection.exec_driver_sql(
            "select count(*) from deliveries where target = 'deadletter'"
        )
        return int(rows.scalar_one())


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
