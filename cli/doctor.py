"""`linksla doctor`: where does a running node stand?"""

import argparse
import json
from pathlib import Path

from cli.configuration import load_configuration
from cli.control import ask_node
from cli.wiring import socket_path
from linksla.clock import iso


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--config", type=Path, default=Path("config"))
    parser.add_argument("--json", action="store_true", help="for programs")


def run(arguments: argparse.Namespace) -> int:
    """Ask the node and print its answer."""
    status = ask_node(socket_path(load_configuration(arguments.config)), "GET", "/status")
    if arguments.json or not isinstance(status, dict):
        print(json.dumps(status))
        return 0
    for label, key in (("complete up to", "complete_up_to_s"), ("live to", "live_to_s")):
        at = status[key]
        print(f"{label:15} {iso(at) if at is not None else 'nothing yet'}")
    print(f"{'circuits':15} {status['circuits']}, behind: {', '.join(status['behind']) or 'none'}")
    print(status["metrics"], end="")
    return 0
