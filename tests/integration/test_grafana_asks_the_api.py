"""What the Grafana panels ask is put to the real API, with the variables filled in as Grafana does.

What the Infinity plugin then makes of the answers cannot be tried here; that the addresses exist,
the token suffices and every selected column is in the answer can.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from cli.web_server import WebServer
from dashboards.accounts import Accounts, Role
from dashboards.app import PortalDependencies, create_app
from dashboards.grafana_board import board
from dashboards.live import LiveFeed
from linksla.clock import ManualClock
from linksla.decisions import DecisionsStore
from linksla.inventory import Inventory
from linksla.meters import Meters
from linksla.settings import TimeSettings
from sla.contracts import load_contracts
from sla.maintenance import load_maintenance
from sla.queries import Queries

NOW_US = 1_764_720_000_000_000  # 2025-12-03T00:00:00Z
ODD = "DEN/2, a : b?x=1&y=%41#z"
ASKED = {
    "${__from:date:iso}": "2025-10-08T00:00:00.000Z",
    "${__to:date:iso}": "2025-10-10T00:00:00.000Z",
    "${__to:date:YYYY-MM}": "2025-10",
    "${step:raw}": "300",
}


@pytest.fixture
def inventory(small_network) -> Inventory:
    """Return the small network with one circuit under a name that hurts."""
    circuits = dict(small_network.inventory.circuits)
    circuits[ODD] = replace(circuits.pop("DEN-2"), id=ODD)
    small_network.store.writer.execute(
        "update channels set circuit_id = ? where circuit_id = 'DEN-2'", [ODD]
    )
    (small_network.folder / "maintenance.yaml").unlink()
    return Inventory(small_network.inventory.customers, circuits)


@pytest.fixture
def client(small_network, inventory, tmp_path: Path) -> Iterator[httpx.Client]:
    """Return a client of the API with acme's token, as Grafana's data source has it."""
    clock = ManualClock(NOW_US)
    decisions = DecisionsStore(tmp_path / "decisions.sqlite")
    decisions.start()
    queries = Queries(
        small_network.store,
        inventory,
        load_contracts(small_network.folder / "contracts"),
        load_maintenance(small_network.folder / "maintenance.yaml"),
        TimeSettings(),
        clock,
    )
    app = create_app(PortalDependencies(queries, decisions, clock, Meters(), LiveFeed()))
    token = Accounts(decisions, clock).create_token("grafana acme", Role.CUSTOMER, "acme").secret
    server = WebServer(app, where=("127.0.0.1", 0), name="api")
    server.start()
    where = f"http://127.0.0.1:{server.port}"
    with httpx.Client(base_url=where, headers={"Authorization": f"Bearer {token}"}) as client:
        yield client
    server.stop()
    decisions.close()


def panels_of(inventory: Inventory) -> list[dict]:
    acme = [c for c in inventory.circuits.values() if c.owners[0].customer == "acme"]
    return board(inventory.customers["acme"], acme)["panels"]


def circuit_values(inventory: Inventory) -> dict[str, str]:
    acme = [c for c in inventory.circuits.values() if c.owners[0].customer == "acme"]
    variable = board(inventory.customers["acme"], acme)["templating"]["list"][0]
    return {option["text"]: option["value"] for option in variable["options"]}


def filled(url: str, circuit: str) -> str:
    for name, value in ({"${circuit:raw}": circuit} | ASKED).items():
        url = url.replace(name, value)
    assert "$" not in url
    return url


@pytest.mark.parametrize("circuit_id", ["DEN-1", ODD])
def test_every_panel_gets_an_answer_about_the_chosen_circuit(client, inventory, circuit_id) -> None:
    value = circuit_values(inventory)[circuit_id]

    for panel in panels_of(inventory):
        answer = client.get(filled(panel["targets"][0]["url"], value))
        assert answer.status_code == 200, (panel["title"], answer.text)
        body = answer.json()
        rows = body.get("items", [body])
        assert all(row["circuit_id"] == circuit_id for row in rows)


def test_every_selected_column_is_in_the_answer(client, inventory) -> None:
    tables = [panel for panel in panels_of(inventory) if panel["type"] == "table"]

    assert len(tables) == 2
    for panel in tables:
        (query,) = panel["targets"]
        body = client.get(filled(query["url"], "DEN-1")).json()
        rows = body[query["root_selector"]] if query["root_selector"] else [body]
        assert rows
        for column in query["columns"]:
            for row in rows:
                value = row
                for step in column["selector"].split("."):
                    assert step in value, (panel["title"], column)
                    value = value[step]


def test_a_series_has_the_columns_that_the_panels_expression_counts_on(client, inventory) -> None:
    for panel in panels_of(inventory):
        (query,) = panel["targets"]
        if panel["type"] != "timeseries":
            continue
        body = client.get(filled(query["url"], "DEN-1")).json()
        assert body["columns"] == ["start", "low", "middle", "high"]
        assert re.findall(r'"(\w+)": \$\[(\d)\]', query["root_selector"]) == [
            ("start", "0"), ("middle", "2"),
        ]  # fmt: skip
        assert [channel["channel"] for channel in body["channels"]] == ["ch1", "ch2", "ch3", "ch4"]
        measured = [
            p for channel in body["channels"] for p in channel["points"] if p[2] is not None
        ]
        assert len(measured) > 1000


def test_another_customers_circuit_is_not_there_for_this_token(client, inventory) -> None:
    for panel in panels_of(inventory):
        assert client.get(filled(panel["targets"][0]["url"], "LON-1")).status_code == 404
