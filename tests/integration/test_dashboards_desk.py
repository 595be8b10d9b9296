"""Deciding over the API: rights, form tokens, four eyes, and what others are told."""

from http import HTTPStatus

import pytest

from dashboards.accounts import Role
from linksla.clock import parse_instant
from sla.attributions import reclassifications
from sla.desk import read_words
from sla.evaluator import Evaluator
from sla.outages import outage_id
from tests.portal_server import csrf_of, served

CUT = parse_instant("2025-10-09T09:11:00Z")
OUTAGE = outage_id("DEN-1", CUT)
ATTRIBUTE = f"/api/v1/outages/{OUTAGE}/attribution"
BODY = {"attribution": "measurement_fault", "reason": "the probe was unplugged"}
WHY = {"reason": "seen"}


@pytest.fixture
def portal(small_network, tmp_path):
    network = small_network
    with served(network.store, network.inventory, network.folder, tmp_path / "d.sqlite") as found:
        yield found


def write(client, path: str, body):
    csrf = csrf_of(client.get("/").text)
    return client.post(path, json=body, headers={"X-CSRF-Token": csrf})


def down_seconds(portal) -> int:
    """Have the queries take over what was decided, as a node does; return DEN-1's down seconds."""
    with portal.decisions.engine.begin() as connection:
        known = reclassifications(read_words(connection))
    queries = portal.queries._now
    portal.queries.take_over(queries._inventory, queries._maintenance, known)
    with portal.with_token(Role.NOC) as noc:
        body = noc.get("/api/v1/circuits/DEN-1/months/2025-10").json()
    return int(body["seconds"]["down"])


def test_the_noc_proposes_the_account_manager_approves_and_the_customer_sees_it(portal) -> None:
    with portal.signed_in("noc") as noc, portal.signed_in("manager") as manager:
        made = write(noc, ATTRIBUTE, BODY)
        assert made.status_code == HTTPStatus.CREATED
        proposal = made.json()["id"]
        assert down_seconds(portal) == 300

        decided = write(manager, f"/api/v1/exclusions/{proposal}/approve", WHY)

    assert decided.json()["standing"] == "approved"
    assert down_seconds(portal) == 0
    with portal.signed_in("acme") as acme:
        listed = acme.get("/api/v1/attributions").json()["items"]
        month = acme.get("/api/v1/circuits/DEN-1/months/2025-10").json()
    assert [(one["outage_id"], one["decided_by"]) for one in listed] == [(OUTAGE, "manager")]
    assert month["outages"][0]["attributions"][0]["proposed_by"] == "noc"
    with portal.signed_in("globex") as globex:
        assert globex.get("/api/v1/attributions").json()["items"] == []


def test_who_proposes_approves_neither_himself_nor_by_a_token(portal) -> None:
    with portal.signed_in("noc") as noc:
        proposal = write(noc, ATTRIBUTE, BODY).json()["id"]
        approve = f"/api/v1/exclusions/{proposal}/approve"
        own = write(noc, approve, WHY)
        secret = write(noc, "/api/v1/tokens", {"name": "mine"}).json()["secret"]
    with portal.client(headers={"Authorization": f"Bearer {secret}"}) as token:
        by_token = token.post(approve, json=WHY)
    with portal.with_token(Role.ADMIN) as other:
        by_other = other.post(approve, json=WHY)

    assert own.status_code == by_token.status_code == HTTPStatus.BAD_REQUEST
    assert "noc proposed" in by_token.json()["detail"]
    assert by_other.status_code == HTTPStatus.OK


@pytest.mark.parametrize(
    ("role", "customer", "status"),
    [
        (Role.CUSTOMER, "acme", 403),
        (Role.NOC, "acme", 403),  # bound: it is its customer's
        (Role.ACCOUNT_MANAGER, "globex", 404),
        (Role.ACCOUNT_MANAGER, "acme", 201),
        (Role.ADMIN, None, 201),
    ],
)
def test_only_who_decides_proposes_and_only_in_his_scope(portal, role, customer, status) -> None:
    with portal.with_token(role, customer) as client:
        assert client.post(ATTRIBUTE, json=BODY).status_code == status
        assert client.post(ATTRIBUTE, json=BODY | {"circuit_id": "DEN-1"}).status_code == status


def test_a_session_needs_its_form_token_and_a_body_must_fit(portal) -> None:
    with portal.signed_in("noc") as noc:
        assert noc.post(ATTRIBUTE, json=BODY).status_code == HTTPStatus.FORBIDDEN
        for wrong in ({"attribution": "weather"}, {"reason": ""}, {"more": 1}):
            assert write(noc, ATTRIBUTE, BODY | wrong).status_code == 422
        assert write(noc, "/api/v1/exclusions/none/approve", WHY).status_code == 404


def test_the_noc_proposes_windows_and_waiting_tickets_and_another_decides(portal) -> None:
    wait = {
        "id": "INC-7", "circuit": "DEN-1", "ticket": "INC-7", "start": "2025-10-09T09:12:00Z",
        "reason": "no access",
    }  # fmt: skip
    with portal.with_token(Role.NOC) as noc, portal.with_token(Role.CUSTOMER, "acme") as acme:
        made = noc.post("/api/v1/maintenance", json=wait)
        foreign = noc.post("/api/v1/maintenance", json=wait | {"circuit": "NO-SUCH"})
        wrong = noc.post("/api/v1/maintenance", json=wait | {"channel": "ch1"})
        refused = acme.post("/api/v1/maintenance", json=wait)
        approve = noc.post("/api/v1/exclusions/CHG-7/approve", json=WHY)
        by_customer = acme.post("/api/v1/exclusions/CHG-7/approve", json=WHY)

    assert made.status_code == HTTPStatus.CREATED
    assert made.json()["proposed_by"].startswith("token ")
    assert (foreign.status_code, wrong.status_code) == (404, 400)
    assert (refused.status_code, by_customer.status_code) == (403, 403)
    assert approve.json()["accepted"] is True
    with portal.signed_in("admin") as admin:
        actions = [line["action"] for line in admin.get("/api/v1/audit").json()["items"]]
    assert {"maintenance proposed", "maintenance approved"} <= set(actions)


def test_the_versions_of_a_month_are_on_the_api_and_the_page_with_their_reasons(portal) -> None:
    evaluator = Evaluator(portal.queries._store, portal.queries, portal.clock)
    evaluator.evaluate(["DEN-1"])
    with portal.signed_in("noc") as noc, portal.signed_in("manager") as manager:
        proposal = write(noc, ATTRIBUTE, BODY).json()["id"]
        write(manager, f"/api/v1/exclusions/{proposal}/approve", WHY)
    down_seconds(portal)
    evaluator.evaluate(["DEN-1"])

    with portal.signed_in("acme") as acme:
        listed = acme.get("/api/v1/circuits/DEN-1/months/2025-10/versions").json()["items"]
        page = acme.get("/circuits/DEN-1?month=2025-10").text

    assert [(one["before"] or one["after"])["seconds"]["down"] for one in listed] == [300, 300]
    assert listed[1]["after"]["seconds"] == {
        "up": 2_678_100, "down": 0, "excluded": 0, "unmeasured": 300,
    }  # fmt: skip
    assert listed[1]["causes"][0]["who"] == "manager"
    assert "Version 2: because outage" in page
    assert "approved by manager: seen" in page
