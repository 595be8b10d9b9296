"""`linksla`: one sub-command a module, exit codes 0 good, 1 failed, 2 wrong use."""

import argparse
import importlib
import logging
import sys
from collections.abc import Sequence
from typing import Final

from linksla.errors import LinkslaError

COMMANDS: Final = {
    "demo": "show everything: Kafka, history, live data, a fibre cut, the portal",
    "run": "run a node: ingest, judge, alert, serve portal and API",
    "kafka": "run the embedded Kafka",
    "simulate": "send a simulated network's samples to Kafka",
    "replay": "send samples from CSV, Avro or Parquet files to Kafka",
    "announce": "announce an inventory or maintenance file on its topic",
    "maintenance": "list announced windows; approve or refuse one",
    "outage": "attribute an outage; approve, refuse or revoke a proposal",
    "check": "check configuration files",
    "test": "run the unit tests of contracts",
    "backtest": "judge past months under another contract",
    "ledger": "what came late, twice, in conflict or unusable, by circuit and day",
    "explain": "explain a month's numbers, down to the samples",
    "report": "write a customer's monthly compliance report",
    "user": "add a user, or make an API token",
    "grafana": "publish dashboards to Grafana",
    "doctor": "say where a node stands",
}
"""Each name is a module `cli.<name>` with `add_arguments(parser)` and `run(arguments) -> int`."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    parser = _parser(words)
    parsed = parser.parse_args(words)
    command = importlib.import_module(f"cli.{parsed.command}")
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    try:
        code: int = command.run(parsed)
    except LinkslaError as error:
        print(f"linksla: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        sys.stderr.close()
        return 1
    return code


def _parser(words: Sequence[str]) -> argparse.ArgumentParser:
    """Build the parser; only the named command's module is imported, to start quickly."""
    parser = argparse.ArgumentParser(
        prog="linksla",
        description="Telemetry and SLA pipeline for private cloud links.",
        epilog="Start with: linksla demo",
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    named = next((word for word in words if word in COMMANDS), None)
    for name, about in COMMANDS.items():
        sub = commands.add_parser(name, help=about, description=about[0].upper() + about[1:] + ".")
        if name == named:
            importlib.import_module(f"cli.{name}").add_arguments(sub)
    return parser


if __name__ == "__main__":
    sys.exit(main())
