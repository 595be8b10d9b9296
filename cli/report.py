"""`linksla report`: a customer's monthly compliance report as PDF, CSV and JSON."""

import argparse
from pathlib import Path

from cli.configuration import load_configuration
from cli.control import ask_node
from cli.wiring import opened, socket_path
from linksla.clock import SystemClock
from linksla.errors import StoreError
from reports.build import build_report


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--customer", required=True, help="customer id")
    parser.add_argument("--month", required=True, help="YYYY-MM, the contract's month")
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder for the files")
    parser.add_argument(
        "--config", type=Path, default=Path("config"), help="linksla.yaml or folder"
    )


def run(arguments: argparse.Namespace) -> int:
    """Write the files; through the running node when one holds the database."""
    configuration = load_configuration(arguments.config)
    clock = SystemClock()
    out = arguments.out.resolve()
    try:
        with opened(configuration, clock) as (queries, decisions):
            files = build_report(
                queries, decisions, arguments.customer, arguments.month, out, clock
            )
            paths = [str(path) for path in files.all]
    except StoreError as error:
        if not error.retryable:
            raise
        request = {"customer": arguments.customer, "month": arguments.month, "out": str(out)}
        answer = ask_node(socket_path(configuration), "POST", "/report", request)
        paths = [str(path) for path in answer] if isinstance(answer, list) else []
    for path in paths:
        print(path)
    return 0
