"""`linksla grafana publish`: organisations, data sources and dashboards in Grafana."""

import argparse
import os
from pathlib import Path

from cli.configuration import load_configuration
from cli.wiring import decisions_path
from dashboards.accounts import Accounts, Role
from dashboards.grafana import publish_all
from linksla.clock import SystemClock
from linksla.decisions import DecisionsStore
from linksla.errors import UsageError

_YEAR_SECONDS = 366 * 86_400


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    actions = parser.add_subparsers(dest="action", metavar="publish", required=True)
    publish = actions.add_parser("publish", help="bring Grafana to what the inventory says")
    publish.add_argument("--url", default="http://127.0.0.1:3000", help="Grafana's address")
    publish.add_argument("--user", default="admin", help="a server administrator")
    publish.add_argument(
        "--api-url", default="http://127.0.0.1:8080", help="linksla as Grafana's server sees it"
    )
    publish.add_argument("--config", type=Path, default=Path("config"))


def run(arguments: argparse.Namespace) -> int:
    """Publish; the password comes from GRAFANA_PASSWORD, so that no process list shows it."""
    password = os.environ.get("GRAFANA_PASSWORD")
    if not password:
        raise UsageError("no password", hint="Set GRAFANA_PASSWORD in the environment.")
    configuration = load_configuration(arguments.config)
    store = DecisionsStore(decisions_path(configuration))
    store.start()
    try:
        accounts = Accounts(store, SystemClock())

        def make_token(customer_id: str) -> str:
            made = accounts.create_token(
                f"grafana {customer_id}", Role.CUSTOMER, customer_id, seconds=_YEAR_SECONDS,
                by="grafana",
            )  # fmt: skip
            return made.secret

        published = publish_all(
            grafana_url=arguments.url, user=arguments.user, password=password,
            api_url=arguments.api_url, inventory=configuration.inventory, make_token=make_token,
        )  # fmt: skip
    finally:
        store.close()
    for customer in published.customers:
        did = ", ".join(customer.changes) or "nothing"
        print(f"{customer.customer_id}: {customer.dashboard_url} (changed: {did})")
    return 0
