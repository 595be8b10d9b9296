"""`linksla doctor`: where does a node stand? Of one that does not run, what its stores say."""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from cli.configuration import Configuration, load_configuration
from cli.control import ask_node
from cli.standing import Standing
from cli.wiring import build_queries, socket_path, telemetry_path
from linksla.clock import SystemClock, iso
from linksla.errors import LinkslaError
from linksla.meters import Meters
from linksla.stores import TelemetryStore

_NAMED_MAX: Final = 10


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--config", type=Path, default=Path("config"))
    parser.add_argument("--json", action="store_true", help="for programs")


def run(arguments: argparse.Namespace) -> int:
    """Ask the node and print its answer; without one, look into its database."""
    configuration = load_configuration(arguments.config)
    try:
        status: Any = ask_node(socket_path(configuration), "GET", "/status")
        status["running"] = True
    except LinkslaError as error:
        if not error.retryable or not telemetry_path(configuration).exists():
            raise
        status = stored(configuration)
    print(json.dumps(status) if arguments.json else explained(status), end="\n")
    return 0


def stored(configuration: Configuration) -> dict[str, object]:
    """Return what the stores of a node that does not run say.

    Raises:
        StoreError: a node holds the database and does not answer, or it cannot be read.
    """
    clock, meters = SystemClock(), Meters()
    store = TelemetryStore(telemetry_path(configuration), read_only=True)
    store.start()
    try:
        queries = build_queries(configuration, store, clock)
        status = Standing(configuration, store, queries, meters, clock).answer()
    finally:
        store.close()
    keep = (
        "complete_up_to_s", "live_to_s", "circuits", "behind", "partitions", "sizes_bytes",
        "last_error",
    )  # fmt: skip
    return {"running": False} | {key: status[key] for key in keep}


def explained(status: dict[str, Any]) -> str:
    """Return an answer in lines for people."""
    lines = [("node", "runs" if status["running"] else "does not run: this is what it left")]
    for label, key in (("complete up to", "complete_up_to_s"), ("live to", "live_to_s")):
        at = status[key]
        lines.append((label, iso(at) if at is not None else "nothing yet"))
    lines.append(("circuits", f"{status['circuits']}, behind: {_named(status['behind'])}"))
    if status["running"]:  # of one that does not run, all are
        overdue = [f"{name} since {iso(at)}" for name, at in status["overdue"].items()]
        lines.append(("nothing newer", _named(overdue)))
        lines.append(("broker", "answers" if status["broker_answers"] else "does not answer"))
    for part in status["partitions"]:
        at = part["watermark_s"]
        said = f"next offset {part['next_offset']:,}, watermark {iso(at) if at else 'none'}"
        if status["running"]:
            said += f", lag {part['lag_messages']:,.0f}"
        lines.append((f"partition {part['partition']}", said))
    sizes = ", ".join(f"{name} {size:,}" for name, size in status["sizes_bytes"].items())
    lines.append(("bytes", sizes))
    if status["running"]:
        rejects = ", ".join(f"{reason} {n:,.0f}" for reason, n in status["rejects"].items())
        lines += [
            ("samples/s", f"{status['samples_per_second']:,.0f}"),
            ("rejects", rejects or "none"),
            ("queue", f"{status['queue_polls']:.0f} polls"),
            ("commit", _times(status["commit_seconds"])),
            ("judging", _times(status["evaluate_seconds"])),
        ]
        alive = status["threads"].items()
        lines.append(("threads", ", ".join(f"{n} {'lives' if up else 'DEAD'}" for n, up in alive)))
    lines.append(("last error", _error(status["last_error"])))
    return "\n".join(f"{label:15} {said}" for label, said in lines)


def _named(some: Sequence[str]) -> str:
    """Return names in a line of some length."""
    more = f" and {len(some) - _NAMED_MAX:,} more" if len(some) > _NAMED_MAX else ""
    return ", ".join(some[:_NAMED_MAX]) + more or "none"


def _error(noted: dict[str, Any] | None) -> str:
    if noted is None:
        return "none"
    ended = ", which ended it" if noted["ended"] else ""
    return f"{iso(noted['at_s'])} {noted['level']} {noted['source']}: {noted['text']}{ended}"


def _times(times: dict[str, float | None]) -> str:
    if times["last"] is None or times["p99"] is None:
        return "none yet"
    return f"last {times['last'] * 1_000:.0f} ms, 99 % within {times['p99'] * 1_000:.0f} ms"
