"""The page and the API behind every number: they agree, lead on, and tell nobody too much."""

import re
from http import HTTPStatus
from pathlib import Path

import pytest

from dashboards.accounts import Role
from linksla.clock import parse_instant
from linksla.inventory import load_inventory
from linksla.stores import TelemetryStore
from tests.conftest import LAST_MILE, fill_small_network, write_config
from tests.portal_server import served

PAGE = "/circuits/DEN-1/months/2025-10/explain"
OUTAGE = "0a3dcbfc38dc"
MONEY = ("271.35", "2713", "USD", "credit", "Credit", "payout", "At most 100 %")


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """The small network with a price that changes on 16 October, bandwidth with it; DEN-2 is down.

    It has been since 2025-12-02T23:40:00Z, on all channels; all is complete 20 minutes later.
    """
    folder: Path = tmp_path_factory.mktemp("explain")
    write_config(folder / "config")
    path = folder / "config" / "inventory.yaml"
    later = "start: 2025-10-16T06:00:00Z"
    more = (
        f"prices: [{{amount: '2713.5', currency: USD}}, {{{later}, amount: 3000, currency: USD}}]\n"
        f"    bandwidths: [{{{later}, mbps: 20000}}]"
    )
    text = path.read_text()
    path.write_text(text.replace("mbps: 10000", f"mbps: 10000\n    {more}", 1))
    payout = "payout: {minimum_amount: 1, claim_within_days: 30}\n"
    (folder / "config" / "contracts" / "last-mile.yaml").write_text(LAST_MILE + payout)
    inventory = load_inventory(path)
    store = TelemetryStore(None)
    store.start()
    fill_small_network(store, inventory)
    since = {"since": parse_instant("2025-12-02T23:40:00Z"), "keys": [5, 6, 7, 8]}
    store.writer.execute(
        "insert into spans select channel_key, day, $since, end_s, 2, 0 from spans "
        "where end_s = $since + 1200 and channel_key in $keys",
        since,
    )
    store.writer.execute(
        "update spans set end_s = $since "
        "where end_s = $since + 1200 and start_s < $since and channel_key in $keys",
        since,
    )
    with served(store, inventory, folder / "config", folder / "d.sqlite") as portal:
        yield portal
    store.close()


def test_every_number_of_the_circuit_page_leads_to_a_place_that_is_there(house) -> None:
    with house.signed_in("acme") as client:
        page = client.get("/circuits/DEN-1?month=2025-10").text
        explained = client.get(PAGE).text
        links = re.findall(rf'href="({PAGE}[^"#]*)#([^"]+)"', page)
        asked = {address for address, _ in links}
        assert {client.get(address).status_code for address in asked} == {HTTPStatus.OK}

    names = {name for _, name in links}
    assert {"contractual", "experienced", "allowed", "coverage", "credit", "bucket-up",
            f"outage-{OUTAGE}", "segment-1", "segment-2"} <= names  # fmt: skip
    assert {name for name in names if f'id="{name}"' not in explained} == set()


def test_every_link_of_the_page_itself_leads_somewhere(house) -> None:
    with house.signed_in("acme") as client:
        page = client.get(PAGE).text
        links = [link.replace("&amp;", "&") for link in re.findall(r'href="(/[^"#]+)', page)]
        assert any(f"outage={OUTAGE}" in link for link in links)
        wrong = [link for link in set(links) if client.get(link).status_code != HTTPStatus.OK]

    assert wrong == []


def test_the_page_says_what_the_api_says(house) -> None:
    with house.signed_in("acme") as client:
        body = client.get("/api/v1" + PAGE, params={"outage": OUTAGE}).json()
        page = client.get(PAGE, params={"outage": OUTAGE}).text

    said = [step["says"] for step in body["steps"]]
    said += [segment["steps"][0]["working"] for segment in body["segments"]]
    said += [outage["onset"] for outage in body["outages"]]
    said += [step["working"] for step in body["credit_steps"]]
    assert [text for text in said if text.replace("'", "&#39;") not in page] == []
    assert body["closer"]["spans_total"] == 12
    assert "0 of 4 channels were good" in page
    assert "None is kept of this time" in page


def test_an_outage_that_goes_on_is_told_as_of_what_is_complete(house) -> None:
    def headings(circuit: str, month: str) -> list[str]:
        page = client.get(f"/circuits/{circuit}/months/{month}/explain").text
        found = re.findall(r'<article id="outage-(\w+)">\s*<h3>(.*?)</h3>', page)
        return [re.sub("<.*?>", "", text).removesuffix(f" {name}") for name, text in found]

    with house.signed_in("acme") as client:
        assert headings("DEN-2", "2025-12") == ["16:40:00 MST, not over at 17:00:00 MST"]
        assert headings("DEN-1", "2025-10") == ["9 Oct 03:11:00 MDT to 9 Oct 03:16:00 MDT"]


def test_money_and_segments_stand_on_the_circuit_page_and_in_the_month(house) -> None:
    with house.signed_in("acme") as client:
        month = client.get("/api/v1/circuits/DEN-1/months/2025-10").json()
        page = client.get("/circuits/DEN-1?month=2025-10").text

    credit = month["credit"]
    assert (credit["amount"], credit["currency"], credit["issued"]) == ("131.30", "USD", True)
    assert credit["working"] == (
        "10 % of 2,713.50 USD × 15/31 of the month = 131.30 USD, rounded once, half up"
    )
    assert credit["claim_by"] == "2025-12-01T07:00:00Z"
    assert credit["terms"] == {
        "cap_percent": "100", "minimum_amount": "1", "claim_within_days": 30,
    }  # fmt: skip
    first, second = month["segments"]
    assert (first["price"], second["price"]) == ("2713.50 USD", "3000.00 USD")
    assert (first["bandwidth_mbps"], second["bandwidth_mbps"]) == (10_000, 20_000)
    assert [owner["customer_id"] for owner in first["owners"]] == ["acme"]
    for text in (
        "131.30", credit["working"], "2713.50 USD", "20 Gbps", "Segments of the month",
        "To be claimed by 1 Dec 00:00 MST", "paid out when it is more than 1;",
    ):  # fmt: skip
        assert text in page, text


@pytest.mark.parametrize("path", [PAGE, "/api/v1" + PAGE, "/circuits/DEN-1?month=2025-10",
                                  "/api/v1/circuits/DEN-1/months/2025-10"])  # fmt: skip
def test_the_noc_is_told_of_no_money(house, path: str) -> None:
    with house.with_token(Role.NOC) as client:
        answer = client.get(path)

    assert answer.status_code == HTTPStatus.OK
    assert [word for word in MONEY if word in answer.text] == []


@pytest.mark.parametrize("prefix", ["", "/api/v1"])
def test_another_customers_month_answers_like_one_that_does_not_exist(house, prefix) -> None:
    with house.with_token(Role.CUSTOMER, "globex") as client:
        foreign = client.get(prefix + PAGE)
        missing = client.get(prefix + PAGE.replace("DEN-1", "XXX-1"))

    assert foreign.status_code == missing.status_code == HTTPStatus.NOT_FOUND
    assert foreign.text.replace("DEN-1", "") == missing.text.replace("XXX-1", "")


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"outage": "none"}, "there is no outage"),
        ({"from": "2025-10-09T09:00:00Z"}, "a range has two ends"),
        ({"samples": "5000"}, "between 1 and 1,000"),
        ({"from": "2024-01-01T00:00:00Z", "to": "2024-01-02T00:00:00Z"}, "nothing of the month"),
    ],
)
def test_what_cannot_be_shown_is_a_problem_with_what_to_do(house, asked, said: str) -> None:
    with house.with_token(Role.ADMIN) as client:
        answer = client.get("/api/v1" + PAGE, params=asked)

    assert answer.status_code == HTTPStatus.BAD_REQUEST
    assert said in answer.json()["detail"]
