"""`linksla explain CIRCUIT MONTH`: a month's numbers, down to the samples they follow from."""

import argparse
import json
from pathlib import Path
from typing import Any

from cli.configuration import load_configuration
from cli.control import ask_node
from cli.explained import explained
from cli.explanations import answer
from cli.wiring import opened, socket_path
from linksla.clock import SystemClock
from linksla.errors import StoreError

SAMPLES_DEFAULT = 40


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("circuit", metavar="CIRCUIT", help="circuit id")
    parser.add_argument("month", metavar="MONTH", help="YYYY-MM, the contract's month")
    parser.add_argument("--outage", help="this outage closely: channels, spans, samples")
    parser.add_argument("--from", dest="start", help="a range closely (at most 7 days), with --to")
    parser.add_argument("--to", dest="end", help="the range's end, as 2026-10-01T06:00:00Z")
    parser.add_argument(
        "--samples", type=int, default=SAMPLES_DEFAULT, help="samples at most (default 40)"
    )
    parser.add_argument("--after", help="the samples after those printed last")
    parser.add_argument("--sql", action="store_true", help="print the statements and parameters")
    parser.add_argument("--json", action="store_true", help="print JSON, statements included")
    parser.add_argument(
        "--config", type=Path, default=Path("config"), help="linksla.yaml or folder"
    )


def run(arguments: argparse.Namespace) -> int:
    """Explain a month; through the running node when one holds the database."""
    configuration = load_configuration(arguments.config)
    wanted: dict[str, object] = {
        "circuit": arguments.circuit, "month": arguments.month, "outage": arguments.outage,
        "start": arguments.start, "end": arguments.end, "samples": arguments.samples,
        "after": arguments.after,
    }  # fmt: skip
    try:
        with opened(configuration, SystemClock()) as (queries, _):
            found: Any = answer(queries, **wanted)
    except StoreError as error:
        if not error.retryable:
            raise
        found = ask_node(socket_path(configuration), "POST", "/explain", wanted)
    text = (
        json.dumps(found, indent=1, ensure_ascii=False)
        if arguments.json
        else explained(found, sql=arguments.sql)
    )
    print(text)
    return 0
