"""`linksla user`: add somebody who may sign in, or make an API token.

Both go to the decisions store, which a running node shares: no restart.
"""

import argparse
import getpass
import secrets
import sys
from pathlib import Path

from cli.configuration import Configuration, load_configuration
from cli.wiring import decisions_path
from dashboards.accounts import Accounts, Role
from linksla.clock import SystemClock
from linksla.decisions import DecisionsStore
from linksla.errors import UsageError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    kinds = parser.add_subparsers(dest="kind", metavar="add|token", required=True)
    for kind, about in (("add", "add a user, or give a new password"), ("token", "make a token")):
        sub = kinds.add_parser(kind, help=about)
        sub.add_argument("name", help="the user's id, or what the token is for")
        sub.add_argument("--role", choices=[role.value for role in Role], required=True)
        sub.add_argument("--customer", action="append", default=[], help="may be repeated")
        sub.add_argument("--config", type=Path, default=Path("config"))


def run(arguments: argparse.Namespace) -> int:
    """Add the user or the token and print what is needed to use it."""
    configuration = load_configuration(arguments.config)
    role = Role(arguments.role)
    _check_customers(configuration, role, arguments.customer)
    store = DecisionsStore(decisions_path(configuration))
    store.start()
    try:
        accounts = Accounts(store, SystemClock())
        if arguments.kind == "token":
            bound = arguments.customer[0] if arguments.customer else None
            token = accounts.create_token(arguments.name, role, bound, by="cli")
            print(f"token {token.token_id}, shown once: {token.secret}")
            return 0
        typed = getpass.getpass("password (empty: make one): ") if sys.stdin.isatty() else ""
        password = typed or secrets.token_urlsafe(15)
        accounts.create_user(arguments.name, password, role, arguments.customer, by="cli")
        print(f"user {arguments.name}" + ("" if typed else f", password: {password}"))
    finally:
        store.close()
    return 0


def _check_customers(configuration: Configuration, role: Role, customers: list[str]) -> None:
    known = configuration.inventory.customers
    for customer in customers:
        if customer not in known:
            raise UsageError(
                f"unknown customer {customer!r}", hint=f"Known: {', '.join(sorted(known))}."
            )
    if role in (Role.CUSTOMER, Role.ACCOUNT_MANAGER) and not customers:
        raise UsageError(f"a {role.value} needs --customer", hint="Name at least one.")
