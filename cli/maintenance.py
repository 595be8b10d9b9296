"""`linksla maintenance`: windows as they stand, and a person's word on one.

The word goes to the decisions store, which a running node shares: it is taken over at once.
"""

import argparse
import getpass
from pathlib import Path

from cli.configuration import load_configuration
from cli.network import Network
from cli.wiring import decisions_path
from linksla.clock import SystemClock, iso
from linksla.decisions import DecisionsStore
from sla.desk import decide_window
from sla.maintenance import STILL_S, MaintenanceWindow


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    actions = parser.add_subparsers(dest="action", metavar="list|approve|refuse", required=True)
    for name, about in (
        ("list", "windows as they stand"),
        ("approve", "accept a window that was announced too late"),
        ("refuse", "refuse a window, whatever its notice"),
    ):
        sub = actions.add_parser(name, help=about)
        if name != "list":
            sub.add_argument("window", help="the window's id")
            sub.add_argument("--by", default=getpass.getuser(), help="who says so (default: you)")
        sub.add_argument("--config", type=Path, default=Path("config"))


def run(arguments: argparse.Namespace) -> int:
    """List the windows, or keep a decision on one."""
    configuration = load_configuration(arguments.config)
    decisions = DecisionsStore(decisions_path(configuration))
    decisions.start()
    try:
        network = Network(configuration, decisions)
        network.load()
        if arguments.action == "list":
            for window in sorted(network.maintenance, key=lambda w: (w.start, w.id)):
                print(line(window))
            return 0
        accepted = arguments.action == "approve"
        decide_window(
            decisions,
            network.maintenance,
            arguments.window,
            accepted=accepted,
            who=arguments.by,
            at_us=SystemClock().now_us(),
        )
        print(f"{arguments.window}: {'approved' if accepted else 'refused'} by {arguments.by}")
    finally:
        decisions.close()
    return 0


def line(window: MaintenanceWindow) -> str:
    """Return a window in one line; a part that a later revision added has its own."""
    about = window.site or f"{window.circuit} {window.channel or ''}".strip()
    said = f"announced {iso(window.announced_at)} by {window.proposed_by}"
    if window.refused_by:
        said += f", refused by {window.refused_by}"
    elif window.approved_by:
        said += f", approved by {window.approved_by}"
    if window.ticket:
        about += f" waits for the customer, ticket {window.ticket}"
    ends = "still" if window.end == STILL_S else iso(window.end)
    return f"{window.id:16} {about:16} {iso(window.start)} to {ends}  {said}"
