"""Who sees what, by every route there is (THREATS 1 to 6). A new route is tested by itself."""

import json
import logging
import re
from http import HTTPStatus

import httpx
import pytest
from fastapi import FastAPI

from dashboards.accounts import SESSION_SECONDS, Role
from dashboards.app import ROUTERS, PortalDependencies, create_app
from dashboards.live import LiveFeed
from linksla.clock import MICROSECONDS, ManualClock
from linksla.inventory import load_inventory
from linksla.meters import Meters
from tests.portal_server import PASSWORD, csrf_of, running, served, small_network_served

OPEN = {"/healthz", "/readyz", "/metrics", "/sign-in"}
MONTH = "2025-10"
OWN = {"acme": "DEN-1", "globex": "LON-1"}
CANARIES = {"acme": ("LON-1", "globex", "Globex", "London"), "globex": ("DEN-", "acme", "Acme")}


def get_routes() -> list[str]:
    """Every GET route, without the converters' names."""
    paths = [
        re.sub(r":\w+}", "}", route.path)
        for router in ROUTERS
        for route in router.routes
        if "GET" in route.methods
    ]
    assert len(paths) > 20
    return paths


ROUTES = get_routes()
STREAM = "/live"
PLAIN = [path for path in ROUTES if path != STREAM]
OBJECTS = [path for path in PLAIN if "{c" in path]


@pytest.fixture
def portal(small_network, tmp_path):
    network = small_network
    with served(network.store, network.inventory, network.folder, tmp_path / "d.sqlite") as found:
        yield found


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """A portal that tests share: they only read, or write what no other test looks at."""
    folder = tmp_path_factory.mktemp("house")
    with small_network_served(folder) as found:
        yield found


def address(path: str, circuit: str, customer: str) -> str:
    return path.format(circuit_id=circuit, customer_id=customer, month=MONTH)


def test_the_table_holds_all_routes_of_the_application() -> None:
    app = create_app(PortalDependencies(None, None, ManualClock(), Meters(), LiveFeed()))
    routers = [r.original_router for r in app.routes if hasattr(r, "original_router")]
    others = {r.path for r in app.routes if hasattr(r, "path")}

    assert routers == list(ROUTERS)
    assert others == {"/openapi.json", "/static"}


@pytest.mark.parametrize("path", sorted(set(ROUTES) - OPEN))
def test_nobody_gets_nothing(house, path) -> None:
    with house.client() as client:
        answer = client.get(address(path, "DEN-1", "acme"))

    if path.startswith(("/api/", "/live")):
        assert answer.status_code == HTTPStatus.UNAUTHORIZED
        assert answer.headers["content-type"] == "application/problem+json"
        assert "Bearer" in answer.headers["www-authenticate"]
    else:
        assert answer.status_code == HTTPStatus.SEE_OTHER
        assert answer.headers["location"].startswith("/sign-in?next=%2F")


@pytest.mark.parametrize(("user", "foreign"), [("acme", "globex"), ("globex", "acme")])
def test_a_foreign_object_answers_exactly_like_none_by_every_route(house, user, foreign) -> None:
    with (
        house.signed_in(user) as session,
        house.with_token(Role.CUSTOMER, user) as token,
        house.with_token(Role.ADMIN, user) as bound_admin,
        house.with_token(Role.NOC, user) as bound_noc,
    ):
        for path in OBJECTS:
            for client in (session, token, bound_admin, bound_noc):
                theirs = client.get(address(path, OWN[foreign], foreign))
                none = client.get(address(path, "NO-SUCH", "no-such"))
                own = client.get(address(path, OWN[user], user))
                assert theirs.status_code == none.status_code == 404, path
                assert theirs.content == none.content, path
                assert own.status_code == 200, path


@pytest.mark.parametrize("user", ["acme", "globex"])
def test_no_answer_names_the_other_tenant(house, user) -> None:
    with house.signed_in(user) as client:
        answers = {p: client.get(address(p, OWN[user], user)) for p in PLAIN}

    for path, answer in answers.items():
        for canary in CANARIES[user]:
            assert canary not in answer.text, (path, canary)
    assert OWN[user] in answers["/api/v1/circuits"].text


@pytest.mark.parametrize("path", ["/api/v1/audit", "/api/v1/tokens", "/data"])
@pytest.mark.parametrize("user", ["acme", "manager", "noc", "admin"])
def test_what_is_for_some_roles_is_forbidden_to_others(house, path, user) -> None:
    allowed = {"admin"} if path.startswith("/api") else {"admin", "noc"}
    with house.signed_in(user) as client:
        assert client.get(path).status_code == (200 if user in allowed else 403)


def test_a_token_bound_to_a_customer_is_no_admin(house) -> None:
    with house.with_token(Role.ADMIN, "acme") as client:
        assert client.get("/api/v1/audit").status_code == 403
        assert client.get("/data").status_code == 403


def test_the_noc_sees_every_circuit_and_no_commercial_terms(house) -> None:
    with house.signed_in("noc") as noc, house.signed_in("admin") as admin:
        month = "/api/v1/circuits/DEN-1/months/2025-10"
        assert "credit" in admin.get(month).json()
        assert "credit" not in noc.get(month).json()
        assert len(noc.get("/api/v1/circuits").json()["items"]) == 3
        page = "/circuits/DEN-1?month=2025-10"
        assert "Credit" in admin.get(page).text
        assert "redit" not in noc.get(page).text


def test_live_events_reach_only_who_may_see_the_circuit(portal) -> None:
    with portal.signed_in("globex") as client, client.stream("GET", "/live") as stream:
        lines = stream.iter_lines()
        assert next(lines) == "retry: 3000"
        portal.live.publish(["DEN-1"])
        portal.live.publish(["LON-1"])
        assert [line for line in (next(lines), next(lines))][1] == "event: changed"
        portal.live.close()
        assert "DEN-1" not in "".join(lines)


def test_a_foreign_event_alone_is_not_told(portal) -> None:
    with portal.signed_in("globex") as client, client.stream("GET", "/live") as stream:
        lines = stream.iter_lines()
        next(lines)
        portal.live.publish(["DEN-1"])
        portal.live.close()
        assert "event: changed" not in list(lines)


def test_an_etag_of_another_scope_does_not_match_and_ones_own_does(house) -> None:
    path = "/api/v1/circuits/DEN-1"
    with house.signed_in("acme") as acme, house.signed_in("noc") as noc:
        tag = acme.get(path).headers["etag"]
        assert acme.get(path, headers={"If-None-Match": tag}).status_code == 304
        assert noc.get(path, headers={"If-None-Match": tag}).status_code == 200
        assert acme.get(path, headers={"If-None-Match": tag}).content == b""


def test_a_cursor_of_another_scope_is_refused(house) -> None:
    with house.signed_in("noc") as noc, house.signed_in("acme") as acme:
        cursor = noc.get("/api/v1/circuits?limit=1").json()["next_cursor"]
        refused = acme.get("/api/v1/circuits", params={"limit": 1, "cursor": cursor})
        assert refused.status_code == 400
        assert refused.headers["content-type"] == "application/problem+json"
        rest = noc.get("/api/v1/circuits", params={"limit": 5, "cursor": cursor}).json()
        assert [item["circuit_id"] for item in rest["items"]] == ["DEN-2", "LON-1"]


def test_a_stolen_expired_or_revoked_token_is_401(portal) -> None:
    new = portal.accounts.create_token("x", Role.NOC, seconds=3600)
    old = portal.accounts.create_token("y", Role.NOC, seconds=60)
    path = "/api/v1/circuits"

    def status(authorization: str) -> int:
        with portal.client(headers={"Authorization": authorization}) as client:
            return client.get(path).status_code

    assert status(f"Bearer {new.secret}") == 200
    portal.clock.move_to(portal.clock.now_us() + 120 * MICROSECONDS)
    assert status(f"Bearer {old.secret}") == 401
    assert status("Bearer " + "lsl_" + "A" * 43) == 401
    assert status(f"Basic {new.secret}") == 401
    portal.accounts.revoke_token(new.token_id)
    assert status(f"Bearer {new.secret}") == 401


def test_a_bad_token_is_not_saved_by_a_good_session(house) -> None:
    with house.signed_in("acme") as client:
        answer = client.get("/api/v1/circuits", headers={"Authorization": "Bearer no"})
        assert answer.status_code == 401


def test_a_session_ends_by_time_and_by_signing_out(portal) -> None:
    with portal.signed_in("acme") as first, portal.signed_in("acme") as second:
        page = first.get("/")
        cookie = dict(first.cookies)
        gone = first.post("/sign-out", data={"csrf": csrf_of(page.text)})
        assert gone.status_code == 303
        with portal.client(cookies=cookie) as thief:
            assert thief.get("/api/v1/circuits").status_code == 401
        assert second.get("/api/v1/circuits").status_code == 200
        portal.clock.move_to(portal.clock.now_us() + SESSION_SECONDS * MICROSECONDS)
        assert second.get("/api/v1/circuits").status_code == 401


def test_signing_in_again_ends_the_session_that_came_with_the_request(house) -> None:
    with house.signed_in("acme") as client:
        old = client.cookies["linksla"]
        csrf = csrf_of(_sign_in_form(house, client))
        data = {"user": "acme", "password": PASSWORD, "csrf": csrf}
        assert client.post("/sign-in", data=data).status_code == 303
        assert client.cookies["linksla"] != old
        assert client.get("/api/v1/circuits").status_code == 200
    with house.client(cookies={"linksla": old}) as thief:
        assert thief.get("/api/v1/circuits").status_code == 401


def _sign_in_form(house, client) -> str:
    """Who is signed in gets no form, so a second visitor fetches it, with its cookie."""
    with house.client() as other:
        page = other.get("/sign-in").text
        client.cookies.set("linksla_form", other.cookies["linksla_form"])
    return page


def test_cookies_cannot_be_read_by_scripts_nor_sent_by_other_sites(house) -> None:
    with house.client() as client:
        form = client.get("/sign-in")
        data = {"user": "acme", "password": PASSWORD, "csrf": csrf_of(form.text)}
        answer = client.post("/sign-in", data=data)

    for cookie in form.headers.get_list("set-cookie") + answer.headers.get_list("set-cookie"):
        assert "HttpOnly" in cookie
        assert "SameSite=lax" in cookie


def test_a_form_without_its_token_or_from_another_site_is_403(house) -> None:
    with house.client() as client:
        csrf = csrf_of(client.get("/sign-in").text)
        data = {"user": "acme", "password": PASSWORD}
        assert client.post("/sign-in", data=data).status_code == 403
        assert client.post("/sign-in", data={**data, "csrf": "0" * 64}).status_code == 403
        elsewhere = {"Origin": "https://evil.example"}
        good = {**data, "csrf": csrf}
        assert client.post("/sign-in", data=good, headers=elsewhere).status_code == 403
        for origin in ("null", house.address.replace("http:", "https:")):
            assert client.post("/sign-in", data=good, headers={"Origin": origin}).status_code == 403
        own = {"Origin": house.address}
        assert client.post("/sign-in", data=good, headers=own).status_code == 303


def test_a_sessions_api_write_needs_the_form_token(house) -> None:
    with house.signed_in("acme") as client:
        csrf = csrf_of(client.get("/").text)
        body = {"name": "mine"}
        assert client.post("/api/v1/tokens", json=body).status_code == 403
        made = client.post("/api/v1/tokens", json=body, headers={"X-CSRF-Token": csrf})
    assert made.status_code == 201
    assert made.json()["customer_id"] == "acme"
    with house.client(headers={"Authorization": f"Bearer {made.json()['secret']}"}) as client:
        items = client.get("/api/v1/circuits").json()["items"]
        assert {item["customer"]["id"] for item in items} == {"acme"}
        assert client.post("/api/v1/tokens", json=body).status_code == 403, "tokens make none"


@pytest.mark.parametrize(
    ("user", "body", "status"),
    [
        ("acme", {"name": "x", "customer_id": "globex"}, 404),
        ("acme", {"name": "x", "customer_id": "no-such"}, 404),
        ("acme", {"name": "x", "role": "admin"}, 403),
        ("acme", {"name": "x", "surprise": 1}, 422),
        ("acme", {"name": "x", "seconds": 10**9}, 422),
        ("admin", {"name": "x", "role": "customer"}, 400),
        ("admin", {"name": "x", "role": "customer", "customer_id": "globex"}, 201),
    ],
)
def test_a_token_never_sees_more_than_its_maker(house, user, body, status) -> None:
    with house.signed_in(user) as client:
        csrf = csrf_of(client.get("/").text)
        answer = client.post("/api/v1/tokens", json=body, headers={"X-CSRF-Token": csrf})

    assert answer.status_code == status


def test_an_admin_revokes_a_token_at_once(house) -> None:
    token = house.accounts.create_token("x", Role.NOC)
    with house.with_token(Role.ADMIN) as admin:
        assert admin.delete(f"/api/v1/tokens/{token.token_id}").status_code == 204
        assert admin.delete("/api/v1/tokens/none").status_code == 404
        listed = admin.get("/api/v1/tokens")
    assert token.secret not in listed.text
    assert house.accounts.by_token(token.secret) is None


def test_guessing_is_answered_429_with_the_wait(portal) -> None:
    with portal.client() as client:
        csrf = csrf_of(client.get("/sign-in").text)
        statuses = []
        for _ in range(6):
            data = {"user": "acme", "password": "wrong", "csrf": csrf}
            answer = client.post("/sign-in", data=data)
            statuses.append(answer.status_code)
            csrf = csrf_of(answer.text)

    assert statuses == [401, 401, 401, 401, 401, 429]
    assert int(answer.headers["retry-after"]) > 0


@pytest.mark.parametrize("to", ["//evil.example", "https://evil.example", "/\\evil.example", "x"])
def test_signing_in_never_leads_to_another_site(house, to) -> None:
    with house.client() as client:
        csrf = csrf_of(client.get("/sign-in", params={"next": to}).text)
        data = {"user": "acme", "password": PASSWORD, "csrf": csrf, "next": to}
        answer = client.post("/sign-in", data=data)

    assert answer.headers["location"] == "/"


def test_demo_users_and_metrics_are_for_this_machine(house) -> None:
    house.accounts.create_user("demo", PASSWORD, Role.NOC, demo=True)
    far = {"X-Forwarded-For": "203.0.113.9"}
    claimed = {"X-Forwarded-For": "127.0.0.1"}  # what a caller may say through a proxy here
    rebound = {"Host": "evil.example"}
    with house.client() as client:
        assert client.get("/metrics").status_code == 200
        assert client.get("/metrics", headers=far).status_code == 401
        assert client.get("/metrics", headers=rebound).status_code == 401
        assert client.get("/metrics", headers=claimed).status_code == 401
        for headers, status in ((far, 401), (rebound, 401), ({}, 303)):
            csrf = csrf_of(client.get("/sign-in").text)
            data = {"user": "demo", "password": PASSWORD, "csrf": csrf}
            assert client.post("/sign-in", data=data, headers=headers).status_code == status
    with house.with_token(Role.NOC) as client:
        assert client.get("/metrics", headers=far).status_code == 200


def test_metrics_name_no_customer(house) -> None:
    with house.signed_in("admin") as client:
        for path in PLAIN:
            client.get(address(path, "DEN-1", "acme"))
        text = client.get("/metrics").text

    assert "sla_circuits 3" in text
    for name in ("acme", "globex", "DEN", "LON"):
        assert name not in text


def test_every_answer_has_the_safe_headers(house) -> None:
    with house.signed_in("acme") as client:
        answers = [client.get(address(p, "DEN-1", "acme")) for p in [*PLAIN, "/no-such-page"]]

    for answer in answers:
        policy = answer.headers["content-security-policy"]
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["cache-control"] == "private, no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert len(answer.headers["x-request-id"]) == 12


def test_pages_hold_no_inline_script_and_no_inline_style(house) -> None:
    with house.signed_in("admin") as client:
        for path in [*PLAIN, "/circuits/{circuit_id}?month=2025-10"]:
            answer = client.get(address(path, "DEN-1", "acme"))
            if "text/html" in answer.headers.get("content-type", ""):
                assert not re.search(r"<script(?![^>]*\ssrc=)", answer.text), path
                assert not re.search(r"<style|\sstyle=|\son\w+=", answer.text), path


def test_secrets_are_not_in_the_log(house, caplog) -> None:
    caplog.set_level(logging.DEBUG)
    token = house.accounts.create_token("x", Role.NOC)
    with house.signed_in("acme") as client:
        cookie = client.cookies["linksla"]
        client.get("/api/v1/circuits", headers={"Authorization": f"Bearer {token.secret}"})

    said = "\n".join(
        f"{r.getMessage()} {r.args}" for r in caplog.records if not r.name.startswith("http")
    )
    for secret in (PASSWORD, cookie, token.secret):
        assert secret not in said


ODD = ["<img hx-get=/x>", "A/B", "A%2FB", "a b+c&d=e?f#g", "DEN-1/series", "../x", "ü \"'{{7*7}}"]

ANOTHER = """
  - id: {id}
    owners: [{{customer: acme}}]
    contract: last-mile
    site: <b>x</b>
    region: us-west-2
    bandwidth_mbps: 10000
    grid_seconds: 10
    active_from: 2025-10-01T00:00:00Z
    channels: [{{name: ch1}}, {{name: ch2}}, {{name: ch3}}]
"""


def test_circuits_with_odd_names_are_inert_and_reachable(small_network, tmp_path) -> None:
    network = small_network
    file = network.folder / "inventory.yaml"
    file.write_text(file.read_text() + "".join(ANOTHER.format(id=json.dumps(n)) for n in ODD))
    inventory = load_inventory(file)
    with (
        served(network.store, inventory, network.folder, tmp_path / "d.sqlite") as portal,
        portal.signed_in("acme") as client,
    ):
        home = client.get("/").text
        assert "<img" not in home
        assert "<b>x" not in home
        links = re.findall(r'<th scope="row"><a href="(/circuits/[^"]+)"', home)
        assert len(links) == 2 + len(ODD)
        for link in links:
            page = client.get(link)
            assert page.status_code == 200, link
            assert "<img" not in page.text
            assert "<b>x" not in page.text
            assert "49" not in re.findall(r"<h1>(.*?)<", page.text)[0]
        names = {client.get("/api/v1" + link).json()["circuit_id"] for link in links}
        assert names == {"DEN-1", "DEN-2", *ODD}


def test_a_fault_answers_with_its_request_id_and_the_safe_headers(caplog) -> None:
    class Broken:
        def __getattr__(self, name: str):
            def fail(*_: object) -> None:
                raise RuntimeError("secret detail")

            return fail

    broken, live = Broken(), LiveFeed()
    app: FastAPI = create_app(PortalDependencies(broken, broken, ManualClock(), Meters(), live))
    with (
        running(app, live) as where,
        httpx.Client(base_url=where, headers={"Cookie": "linksla=x"}) as client,
    ):
        api = client.get("/api/v1/circuits")
        page = client.get("/")
        ready = client.get("/readyz")

    assert (api.status_code, page.status_code, ready.status_code) == (500, 500, 503)
    assert api.headers["content-type"] == "application/problem+json"
    for answer in (api, page):
        assert "secret detail" not in answer.text
        assert "content-security-policy" in answer.headers
        assert answer.headers["x-request-id"] in caplog.text
    assert page.headers["x-request-id"] in page.text
