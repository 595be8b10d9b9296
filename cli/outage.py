"""`linksla outage`: what outages are attributed to, by whose word; through a node that runs."""

import argparse
import getpass
import json
from pathlib import Path
from typing import Any

from cli.configuration import Configuration, load_configuration
from cli.control import ask_node
from cli.outage_desk import DeskRequest, at_desk
from cli.wiring import opened, socket_path
from linksla.clock import SystemClock
from linksla.errors import StoreError
from sla.attributions import Attribution
from sla.desk import Desk


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    actions = parser.add_subparsers(
        dest="action", metavar="attribute|approve|refuse|revoke|list", required=True
    )
    for name, about in (
        ("attribute", "propose what an outage is attributed to"),
        ("approve", "approve a proposal of somebody else"),
        ("refuse", "refuse a proposal of somebody else"),
        ("revoke", "take back a proposal, or an approval"),
        ("list", "proposals, newest first, and what became of them"),
    ):
        sub = actions.add_parser(name, help=about)
        if name != "list":
            sub.add_argument("id", help="the outage's id" if name == "attribute" else "its id")
            sub.add_argument("--why", required=True, help="the reason, kept with the word")
            sub.add_argument("--by", default=getpass.getuser(), help="who says so (default: you)")
        if name == "attribute":
            kinds = [one.value for one in Attribution]
            sub.add_argument("--as", dest="attribution", required=True, choices=kinds)
            sub.add_argument("--circuit", help="the outage's circuit: found at once")
            sub.add_argument("--ticket", help="a ticket it is about")
        if name == "list":
            sub.add_argument("--open", action="store_true", help="only what awaits a decision")
        sub.add_argument("--json", action="store_true", help="for programs")
        sub.add_argument("--config", type=Path, default=Path("config"))


def run(arguments: argparse.Namespace) -> int:
    """Do what was asked and print the proposals it is about."""
    configuration = load_configuration(arguments.config)
    said = vars(arguments)
    request = DeskRequest(
        action=arguments.action,
        id=said.get("id", ""),
        who=said.get("by", ""),
        why=said.get("why", ""),
        attribution=Attribution(said.get("attribution") or Attribution.CARRIER),
        circuit=said.get("circuit"),
        ticket=said.get("ticket"),
        open_only=said.get("open", False),
    )
    found: Any = _asked(configuration, request)
    print(json.dumps(found, indent=1, ensure_ascii=False) if arguments.json else _lines(found))
    return 0


def _asked(configuration: Configuration, request: DeskRequest) -> Any:
    clock = SystemClock()
    try:
        with opened(configuration, clock) as (queries, decisions):
            return at_desk(Desk(queries, decisions, clock), request)
    except StoreError as error:
        if not error.retryable:
            raise
    body = request.model_dump(mode="json")
    return ask_node(socket_path(configuration), "POST", "/outages", body)


def _lines(found: Any) -> str:
    lines = []
    for one in found:
        said = f"{one['proposed_by']}: {one['reason']}"
        if one["decided_by"]:
            said += f"; {one['standing']} by {one['decided_by']}: {one['decided_reason']}"
        lines.append(
            f"{one['id']}  {one['circuit_id']:16} outage {one['outage_id']}  "
            f"{one['attribution']:17} {one['standing']:9} {said}"
        )
    return "\n".join(lines) or "none"
