"""Publishing to Grafana over real HTTP on the loopback.

No real Grafana can be had here: it is no Python package and there is no container runtime. These
tests run grafana-client against `dashboards.grafana_fake`, which repeats what a real Grafana 9.4
was seen to do. What the Infinity plugin makes of the panels is not tested.
"""

import json
import re
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from dashboards.grafana import FOLDER_UID, Published, publish_all
from dashboards.grafana_board import BOARD_UID, SOURCE_UID, board
from dashboards.grafana_fake import PASSWORD, USER, FakeGrafana
from linksla.errors import PublishError, UsageError
from linksla.inventory import Customer, Inventory, load_inventory

API = "http://linksla.example:8080"
INVENTORY = """
customers:
  - {id: acme, name: Acme Corp}
  - {id: "glo/bex #1?", name: "Globex <b>"}
circuits:
  - &none
"""
CIRCUIT = """
  - id: "%s"
    owners: [{customer: "%s"}]
    contract: last-mile
    site: Denver
    region: us-west-2
    bandwidth_mbps: 10000
    grid_seconds: 10
    active_from: 2025-10-01T00:00:00Z
    channels: [{name: ch1}, {name: ch2}]
"""
CIRCUITS = (("DEN-1", "acme"), ("DEN-2", "acme"), ("LON/1, a : b?x=1", "glo/bex #1?"))


@pytest.fixture
def grafana() -> Iterator[FakeGrafana]:
    fake = FakeGrafana()
    fake.start()
    yield fake
    fake.stop()


@pytest.fixture
def inventory(tmp_path: Path) -> Inventory:
    path = tmp_path / "inventory.yaml"
    head = INVENTORY.replace("  - &none\n", "")
    path.write_text(head + "".join(CIRCUIT % circuit for circuit in CIRCUITS))
    return load_inventory(path)


class TokenMaker:
    """Hands out tokens that name their customer, and remembers for whom."""

    def __init__(self) -> None:
        self.made: list[str] = []

    def __call__(self, customer_id: str) -> str:
        self.made.append(customer_id)
        return f"token of {customer_id}"


def publish(grafana: FakeGrafana, inventory: Inventory, **changes) -> Published:
    arguments = {
        "grafana_url": grafana.url,
        "user": USER,
        "password": PASSWORD,
        "api_url": API,
        "inventory": inventory,
        "make_token": TokenMaker(),
    }
    return publish_all(**(arguments | changes))


def test_each_customer_gets_its_own_organisation_source_and_dashboard(grafana, inventory) -> None:
    published = publish(grafana, inventory)

    assert [c.customer_id for c in published.customers] == ["acme", "glo/bex #1?"]
    assert len({c.organization_id for c in published.customers}) == 2
    for customer in published.customers:
        organization = grafana.organizations[customer.organization_id]
        assert customer.changes == ("organization", "data source", "folder", "dashboard")
        assert list(organization.sources) == [SOURCE_UID]
        assert organization.dashboard_folders == {BOARD_UID: FOLDER_UID}
        assert f"orgId={customer.organization_id}" in customer.dashboard_url
    assert not grafana.organizations[1].sources  # nothing lands in the administrator's own


def test_each_data_source_holds_its_own_customers_token_and_may_send_it_to_us_only(
    grafana, inventory
) -> None:
    publish(grafana, inventory)

    for customer_id in ("acme", "glo/bex #1?"):
        organization = grafana.named(f"linksla {customer_id}")
        source = organization.sources[SOURCE_UID]
        assert organization.secrets[SOURCE_UID] == {"bearerToken": f"token of {customer_id}"}
        assert source["jsonData"] == {"auth_method": "bearerToken", "allowedHosts": [API]}
        assert source["url"] == API
        assert "token of" not in json.dumps([source, organization.dashboards])


def test_a_dashboard_names_no_other_customers_circuit(grafana, inventory) -> None:
    publish(grafana, inventory)

    acme = json.dumps(grafana.named("linksla acme").dashboards)
    globex = json.dumps(grafana.named("linksla glo/bex #1?").dashboards)
    assert "DEN-1" in acme
    assert "LON" not in acme
    assert "LON" in globex
    assert "DEN-" not in globex


def test_a_second_run_writes_nothing_and_makes_no_token(grafana, inventory) -> None:
    publish(grafana, inventory)
    writes = list(grafana.writes)
    tokens = TokenMaker()

    again = publish(grafana, inventory, make_token=tokens)

    assert not again.changed
    assert grafana.writes == writes
    assert tokens.made == []
    assert grafana.named("linksla acme").dashboards[BOARD_UID]["version"] == 1


def test_a_new_circuit_changes_the_dashboard_of_its_customer_only(grafana, inventory) -> None:
    publish(grafana, inventory)
    more = replace(inventory.circuits["DEN-1"], id="DEN-3")

    again = publish(grafana, Inventory(inventory.customers, inventory.circuits | {"DEN-3": more}))

    assert [c.changes for c in again.customers] == [("dashboard",), ()]


def test_a_new_address_updates_the_source_and_keeps_the_secret(grafana, inventory) -> None:
    publish(grafana, inventory)
    tokens = TokenMaker()

    again = publish(grafana, inventory, api_url="https://sla.example", make_token=tokens)

    organization = grafana.named("linksla acme")
    assert {c.changes for c in again.customers} == {("data source",)}
    assert organization.sources[SOURCE_UID]["url"] == "https://sla.example"
    assert organization.sources[SOURCE_UID]["jsonData"]["allowedHosts"] == ["https://sla.example"]
    assert organization.secrets[SOURCE_UID] == {"bearerToken": "token of acme"}
    assert tokens.made == []


def test_a_source_that_lost_its_token_gets_a_new_one(grafana, inventory) -> None:
    publish(grafana, inventory)
    grafana.named("linksla acme").secrets[SOURCE_UID].clear()
    tokens = TokenMaker()

    again = publish(grafana, inventory, make_token=tokens)

    assert tokens.made == ["acme"]
    assert [c.changes for c in again.customers] == [("data source",), ()]


def test_a_dashboard_that_was_edited_or_moved_is_put_back(grafana, inventory) -> None:
    publish(grafana, inventory)
    grafana.named("linksla acme").dashboards[BOARD_UID]["title"] = "mine"
    grafana.named("linksla glo/bex #1?").dashboard_folders[BOARD_UID] = ""

    again = publish(grafana, inventory)

    assert [c.changes for c in again.customers] == [("dashboard",), ("dashboard",)]
    assert grafana.named("linksla acme").dashboards[BOARD_UID]["title"] == "Circuits of Acme Corp"
    assert grafana.named("linksla glo/bex #1?").dashboard_folders[BOARD_UID] == FOLDER_UID


def test_a_renamed_customer_keeps_its_organisation(grafana, inventory) -> None:
    publish(grafana, inventory)
    renamed = inventory.customers | {"acme": Customer(id="acme", name="Acme Inc")}

    again = publish(grafana, Inventory(renamed, inventory.circuits))

    assert [c.changes for c in again.customers] == [("dashboard",), ()]
    assert len(grafana.organizations) == 3


def test_grafana_under_a_path_prefix_is_addressed_with_it(grafana, inventory) -> None:
    with pytest.raises(PublishError):  # the fake serves no prefix: it answers 404 to all
        publish(grafana, inventory, grafana_url=f"{grafana.url}/grafana")

    assert grafana.writes == ["POST /grafana/api/orgs"]


def test_a_wrong_password_is_said_and_writes_nothing(grafana, inventory) -> None:
    with pytest.raises(PublishError, match="user or password is wrong") as caught:
        publish(grafana, inventory, password="wrong")

    assert "Check" in caught.value.hint
    assert "wrong" not in caught.value.where
    assert grafana.writes == []


def test_a_grafana_that_is_not_there_is_said(grafana, inventory) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # bound, not listening: refused
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"

        with pytest.raises(PublishError, match="cannot be reached") as caught:
            publish(grafana, inventory, grafana_url=url)

    assert caught.value.retryable


@pytest.mark.parametrize("argument", ["grafana_url", "api_url"])
@pytest.mark.parametrize("address", ["localhost:3000", "ftp://host", "", "http://"])
def test_an_address_that_is_none_is_refused(grafana, inventory, argument, address) -> None:
    with pytest.raises(UsageError, match="address"):
        publish(grafana, inventory, **{argument: address})


def test_panels_ask_relative_addresses_of_our_api_with_the_chosen_time(inventory) -> None:
    panels = board(inventory.customers["acme"], list(inventory.circuits.values()))["panels"]
    urls = [target["url"] for panel in panels for target in panel["targets"]]

    assert len(urls) == 4
    assert all(url.startswith("/api/v1/circuits/${circuit:raw}/") for url in urls)
    ranged = [url for url in urls if "months" not in url]
    assert all("from=${__from:date:iso}&to=${__to:date:iso}" in url for url in ranged)


def test_panels_fill_the_grid_without_overlap(inventory) -> None:
    panels = board(inventory.customers["acme"], [])["panels"]

    cells = [
        (x, y)
        for panel in panels
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]
    assert len(set(cells)) == len(cells) == 24 * 21
    assert len({panel["id"] for panel in panels}) == len(panels)


def test_a_circuits_name_cannot_leave_its_place_in_an_address(inventory) -> None:
    variable = board(inventory.customers["acme"], list(inventory.circuits.values()))["templating"]

    values = [option["value"] for option in variable["list"][0]["options"]]
    assert "LON%2F1%2C%20a%20%3A%20b%3Fx%3D1" in values
    assert all(re.fullmatch(r"[A-Za-z0-9%_.~-]+", value) for value in values)
