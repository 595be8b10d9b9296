"""`linksla ledger`: what of a circuit came late, twice, in conflict or unusable, day by day.

Through the running node when one holds the database.
"""

import argparse
import json
from pathlib import Path
from typing import Any, Final

from cli.configuration import Configuration, load_configuration
from cli.control import ask_node
from cli.ledger_answer import ledger_answer
from cli.wiring import opened, socket_path
from linksla.clock import SystemClock
from linksla.errors import StoreError

_COUNTS: Final = ("late", "too_late", "duplicate", "conflicting", "rejected")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("circuit", help="circuit id")
    parser.add_argument("--month", help="YYYY-MM: only UTC days in it")
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.add_argument("--config", type=Path, default=Path("config"))


def run(arguments: argparse.Namespace) -> int:
    """Print the circuit's days."""
    configuration = load_configuration(arguments.config)
    found = _read(configuration, arguments.circuit, arguments.month)
    print(json.dumps(found, indent=1, ensure_ascii=False) if arguments.json else table(found))
    return 0


def _read(configuration: Configuration, circuit_id: str, month: str | None) -> Any:
    try:
        with opened(configuration, SystemClock()) as (queries, _):
            return ledger_answer(queries, circuit_id, month)
    except StoreError as error:
        if not error.retryable:
            raise
        request = {"circuit": circuit_id, "month": month}
        return ask_node(socket_path(configuration), "POST", "/ledger", request)


def table(found: Any) -> str:
    """Return the days as lines for people, sums last; a verdict that changed has its own line."""
    days = found["days"]
    if not days:
        when = f" in {found['month']}" if found["month"] else ""
        return f"{found['circuit_id']}: nothing late, duplicate, conflicting or rejected{when}"
    heads = [name.replace("_", " ") for name in _COUNTS]
    lines = [f"{'UTC day':<12}" + "".join(f"{head:>12}" for head in heads) + "  verdict changed"]
    for day in days:
        counts = "".join(f"{day[name]:>12,}" for name in _COUNTS)
        lines.append(f"{day['day'] or 'not known':<12}{counts}  {_changed(day)}")
        reasons = ", ".join(f"{name} {n:,}" for name, n in day["rejected_reasons"].items())
        lines += [f"{'':12}rejected: {reasons}"] if reasons else []
        lines += [
            f"{'':12}{one['month']} version {one['calculation_version']}, after "
            f"{one['late']:,} late and {one['conflicting']:,} conflicting: {one['reason']}"
            for one in day["verdicts"]
        ]
    sums = "".join(f"{sum(day[name] for day in days):>12,}" for name in _COUNTS)
    changed = sum(day["verdict_changed"] for day in days)
    lines.append(f"{'in all':<12}{sums}  {f'by {changed}' if changed else 'by none'}")
    return "\n".join(lines)


def _changed(day: Any) -> str:
    return "yes" if day["verdict_changed"] else "no"
