"""The JSON API says what `sla.queries` says, and answers mistakes as RFC 9457."""

import itertools
import json

import pytest

from dashboards.accounts import Role
from linksla.clock import parse_instant
from sla.answers import or_none
from sla.json import to_json
from sla.scope import AllCustomers, OnlyCustomers
from tests.portal_server import small_network_served

ACME = OnlyCustomers(frozenset({"acme"}))
DAY = 86_400


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    with small_network_served(tmp_path_factory.mktemp("api")) as found:
        yield found


@pytest.fixture(scope="module")
def acme(house):
    with house.with_token(Role.CUSTOMER, "acme") as client:
        yield client


def test_a_month_is_the_answer_of_the_queries_unchanged(house, acme) -> None:
    answer = acme.get("/api/v1/circuits/DEN-1/months/2025-10").json()

    month = house.queries.month(ACME, "DEN-1", "2025-10")
    assert answer == json.loads(json.dumps(to_json(month, commercial=True)))
    assert answer["seconds"] == {"up": 2_678_100, "down": 300, "excluded": 0, "unmeasured": 0}
    assert answer["availability"]["contractual"] == "99.98879"


def test_a_customers_month_holds_each_of_its_circuits(acme) -> None:
    body = acme.get("/api/v1/customers/acme/months/2025-10").json()

    assert [month["circuit_id"] for month in body["circuits"]] == ["DEN-1", "DEN-2"]
    one = acme.get("/api/v1/circuits/DEN-2/months/2025-10").json()
    assert body["circuits"][1] == one


def test_pages_and_api_print_the_same_number(house) -> None:
    with house.signed_in("acme") as client:
        body = client.get("/api/v1/circuits/DEN-1/months/2025-10").json()
        page = client.get("/circuits/DEN-1?month=2025-10").text

    assert body["availability"]["contractual"] in page
    assert body["objectives"][0]["reason"] in page
    assert house.queries.month(ACME, "DEN-1", "2025-10").availability_working in page


def test_a_series_is_the_one_of_the_queries(house, acme) -> None:
    start, end = "2025-10-09T00:00:00Z", "2025-10-09T06:00:00Z"
    found = acme.get(
        "/api/v1/circuits/DEN-1/series",
        params={"metric": "latency", "from": start, "to": end, "step": 3600},
    ).json()

    asked = house.queries.series(
        ACME, "DEN-1", "latency", parse_instant(start), parse_instant(end), 3600
    )
    channels = {c["channel"]: [p[2] for p in c["points"]] for c in found["channels"]}
    assert channels == {line.channel: or_none(line.middle) for line in asked.lines}
    assert found["unit"] == "ms"
    assert found["limit"] == 8


def test_outages_are_listed_with_their_seconds(acme) -> None:
    items = acme.get("/api/v1/circuits/DEN-1/outages").json()["items"]

    assert [(o["start"], o["end"], o["down_seconds"]) for o in items] == [
        ("2025-10-09T09:11:00Z", "2025-10-09T09:16:00Z", 300)
    ]


def test_maintenance_lists_what_it_took_out(acme) -> None:
    items = acme.get("/api/v1/maintenance").json()["items"]

    assert [(w["id"], w["circuit_id"], w["accepted"]) for w in items] == [("CHG-7", "DEN-2", True)]


def test_lists_are_pages_with_cursors(acme) -> None:
    first = acme.get("/api/v1/circuits?limit=1").json()
    rest = acme.get("/api/v1/circuits", params={"limit": 1, "cursor": first["next_cursor"]}).json()

    found = [item["circuit_id"] for item in first["items"] + rest["items"]]
    assert found == ["DEN-1", "DEN-2"]
    assert rest["next_cursor"] is None


def test_the_ledger_by_day_is_the_one_of_the_queries(house, acme) -> None:
    house.queries._store.writer.execute(
        "insert into ledger values ('late', 'DEN-1', 'ch1', 20370, 3, null, null, null, null, ''), "
        "('late', 'LON-1', 'primary', 20370, 4, null, null, null, null, '')"
    )

    items = acme.get("/api/v1/ledger/days?month=2025-10").json()["items"]

    assert [(item["circuit_id"], item["day"], item["late"]) for item in items] == [
        ("DEN-1", "2025-10-09", 3)
    ]
    assert items[0]["verdict_changed"] is False
    assert acme.get("/api/v1/ledger/days?month=2025-11").json()["items"] == []
    assert acme.get("/api/v1/ledger/days?circuit=LON-1").json()["items"] == []
    assert acme.get("/api/v1/ledger/days?month=junk").status_code == 400


def test_the_audit_is_whole_and_says_who(house) -> None:
    with house.with_token(Role.ADMIN) as admin:
        items = admin.get("/api/v1/audit?limit=1000").json()["items"]

    assert [item["number"] for item in items] == list(range(1, len(items) + 1))
    assert {"user.set", "token.create"} <= {item["action"] for item in items}
    assert all(b["previous_hash"] == a["hash"] for a, b in itertools.pairwise(items))


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/v1/circuits?limit=0", 422),
        ("/api/v1/circuits?cursor=x", 400),
        ("/api/v1/circuits/DEN-1/series?metric=nonsense", 400),
        ("/api/v1/circuits/DEN-1/series?from=yesterday", 400),
        ("/api/v1/circuits/DEN-1/series?from=2025-10-01T00:00:00", 400),
        ("/api/v1/circuits/DEN-1/series?from=2025-10-02T00:00:00Z&to=2025-10-01T00:00:00Z", 400),
        ("/api/v1/circuits/DEN-1/series?from=2025-01-01T00:00:00Z&to=2025-10-01T00:00:00Z&step=60",
         400),
        ("/api/v1/circuits/DEN-1/months/2025-13", 404),
        ("/api/v1/circuits/DEN-1/months/1999-01", 404),
        ("/api/v1/nothing", 404),
    ],
)  # fmt: skip
def test_mistakes_are_problems_with_a_reason(acme, path, status) -> None:
    answer = acme.get(path)

    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["status"] == status
    assert body["detail"]


def test_a_wrong_method_is_405(acme) -> None:
    answer = acme.put("/api/v1/circuits")

    assert (answer.status_code, answer.json()["status"]) == (405, 405)


def test_the_api_describes_itself(acme) -> None:
    paths = acme.get("/openapi.json").json()["paths"]

    for path in (
        "/circuits", "/circuits/{circuit_id}", "/circuits/{circuit_id}/series",
        "/circuits/{circuit_id}/months/{month}", "/circuits/{circuit_id}/outages",
        "/customers/{customer_id}/months/{month}", "/alarms", "/maintenance", "/reports",
        "/ledger", "/ledger/days", "/audit",
    ):  # fmt: skip
        assert "get" in paths["/api/v1" + path], path
    assert "post" in paths["/api/v1/tokens"]


def test_ready_says_ready_and_alive_says_alive(house) -> None:
    with house.client() as client:
        assert client.get("/healthz").text == "alive\n"
        assert client.get("/readyz").text == "ready\n"


@pytest.mark.parametrize("path", ["/", "/circuits/DEN-1", "/circuits/DEN-1?month=2025-10",
                                  "/circuits/DEN-2?month=2025-10&view=experienced&zone=utc",
                                  "/alarms", "/maintenance", "/reports"])  # fmt: skip
def test_every_page_begins_with_how_complete_it_is(house, path) -> None:
    with house.signed_in("acme") as client:
        page = client.get(path).text

    strip, main = page.index('id="strip"'), page.index("<main")
    assert strip < main
    assert "Complete up to" in page[strip:main]


def test_a_part_of_a_page_is_only_that_part(house) -> None:
    with house.signed_in("acme") as client:
        part = client.get("/circuits/DEN-1?part=now").text
        assert part.lstrip().startswith('<section id="now"')
        assert client.get("/?part=strip").text.lstrip().startswith('<div id="strip"')
        assert "<html" in client.get("/circuits/DEN-1?part=../base").text


def test_none_yet_none_match_and_not_measured_are_three_texts(house) -> None:
    with house.signed_in("acme") as client:
        assert "None yet" in client.get("/reports").text
        november = client.get("/circuits/DEN-1?month=2025-11").text
        assert "Not measured in this range" in november
        assert "No such month" in client.get("/circuits/DEN-1?month=1999-01").text


def test_a_broken_panel_leaves_the_page_alive(house, monkeypatch, caplog) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(house.queries, "tape", fail)
    with house.signed_in("acme") as client:
        answer = client.get("/circuits/DEN-1?month=2025-10")

    assert answer.status_code == 200
    assert "99.98879" in answer.text
    assert f"Request {answer.headers['x-request-id']}" in answer.text
    assert "secret detail" not in answer.text
    assert answer.headers["x-request-id"] in caplog.text


def test_the_maker_of_numbers_is_asked_with_the_callers_scope(house, monkeypatch) -> None:
    asked = []
    real = house.queries.circuits
    monkeypatch.setattr(house.queries, "circuits", lambda s: asked.append(s) or real(s))
    with house.with_token(Role.NOC) as client:
        client.get("/api/v1/circuits")
    with house.with_token(Role.CUSTOMER, "acme") as client:
        client.get("/api/v1/circuits")

    assert asked == [AllCustomers(commercial=False), ACME]
