"""A small Grafana over real HTTP, for tests: what `dashboards.grafana` uses of its API.

It keeps organisations, data sources, folders and dashboards in memory and repeats the surprises
that a real Grafana 9.4 showed: names are a path segment, every save of a dashboard bumps its
version, a save without `folderUid` moves it to General, a folder made twice is 412, secrets cannot
be read back and survive updates, and nothing is shared between organisations.
"""

import base64
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final
from urllib.parse import unquote, urlsplit

Json = dict[str, object]
Answer = tuple[int, Json]

USER: Final = "admin"
PASSWORD: Final = "fake-admin-password"  # noqa: S105  of the fake alone
_GENERAL: Final = ""


@dataclass(slots=True)
class FakeOrganization:
    """One organisation and all it owns."""

    organization_id: int
    name: str
    sources: dict[str, Json] = field(default_factory=dict)
    secrets: dict[str, dict[str, str]] = field(default_factory=dict)
    folders: dict[str, Json] = field(default_factory=dict)
    dashboards: dict[str, Json] = field(default_factory=dict)
    dashboard_folders: dict[str, str] = field(default_factory=dict)


class FakeGrafana:
    """The server; `url` is known after `start()`."""

    def __init__(self) -> None:
        self.organizations: dict[int, FakeOrganization] = {1: FakeOrganization(1, "Main Org.")}
        self.writes: list[str] = []  # "POST /api/orgs", in order
        self.url = ""
        self._server: ThreadingHTTPServer | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Listen on a free port of the loopback."""
        fake = self

        class Handler(_Handler):
            grafana = fake

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    def stop(self) -> None:
        """Stop listening."""
        if self._server is not None and self._thread is not None:
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()

    def named(self, name: str) -> FakeOrganization:
        """Return an organisation by name.

        Raises:
            KeyError: there is none.
        """
        for organization in self.organizations.values():
            if organization.name == name:
                return organization
        raise KeyError(name)

    def answer(self, method: str, path: str, header: str | None, body: Json) -> Answer:
        """Return status and JSON of one request; `header` is X-Grafana-Org-Id."""
        if method != "GET":
            self.writes.append(f"{method} {path}")
        segments = [unquote(segment) for segment in path.removeprefix("/api/").split("/")]
        organization = self.organizations.get(int(header) if header else 1)
        if organization is None:
            return 404, {"message": "organization not found"}
        match (method, segments):
            case ("GET", ["orgs", "name", name]):
                return self._find(name)
            case ("POST", ["orgs"]):
                return self._make(str(body["name"]))
            case ("GET", ["org"]):
                return 200, {"id": organization.organization_id, "name": organization.name}
            case (_, [kind, *rest]) if kind in _KINDS:
                return _KINDS[kind](organization, method, rest, body)
        return 404, {"message": "Not found"}

    def _find(self, name: str) -> Answer:
        for organization in self.organizations.values():
            if organization.name == name:
                return 200, {"id": organization.organization_id, "name": name}
        return 404, {"message": "Organization not found"}

    def _make(self, name: str) -> Answer:
        if self._find(name)[0] == 200:
            return 409, {"message": "Organization name taken"}
        number = max(self.organizations) + 1
        self.organizations[number] = FakeOrganization(number, name)
        return 200, {"orgId": number, "message": "Organization created"}


def _sources(org: FakeOrganization, method: str, rest: list[str], body: Json) -> Answer:
    secrets = body.pop("secureJsonData", {})
    given = {str(k): str(v) for k, v in secrets.items()} if isinstance(secrets, dict) else {}
    match (method, rest):
        case ("GET", ["uid", uid]) if uid in org.sources:
            fields = {name: True for name in org.secrets[uid]}
            return 200, {**org.sources[uid], "secureJsonFields": fields}
        case ("POST", []):
            uid = str(body["uid"])
            if uid in org.sources:
                return 409, {"message": "data source with the same name already exists"}
            number = len(org.sources) + 1
            org.sources[uid] = {**body, "id": number, "version": 1, "readOnly": False}
            org.secrets[uid] = given
            return 200, {"id": number, "message": "Datasource added"}
        case ("PUT", ["uid", uid]) if uid in org.sources:
            version = org.sources[uid]["version"]
            org.sources[uid] |= {**body, "version": int(str(version)) + 1}
            org.secrets[uid] |= given
            return 200, {"message": "Datasource updated"}
    return 404, {"message": "Data source not found"}


def _folders(org: FakeOrganization, method: str, rest: list[str], body: Json) -> Answer:
    match (method, rest):
        case ("GET", [uid]) if uid in org.folders:
            return 200, org.folders[uid]
        case ("POST", []):
            uid = str(body["uid"])
            if uid in org.folders:
                return 412, {"message": "a folder with the same name already exists"}
            org.folders[uid] = {**body, "id": len(org.folders) + 1}
            return 200, org.folders[uid]
    return 404, {"message": "folder not found"}


def _dashboards(org: FakeOrganization, method: str, rest: list[str], body: Json) -> Answer:
    match (method, rest):
        case ("GET", ["uid", uid]) if uid in org.dashboards:
            meta = {"folderUid": org.dashboard_folders[uid]}
            return 200, {"dashboard": org.dashboards[uid], "meta": meta}
        case ("POST", ["db"]):
            dashboard = body["dashboard"]
            if not isinstance(dashboard, dict):
                return 400, {"message": "bad request data"}
            uid = str(dashboard["uid"])
            folder = str(body.get("folderUid", _GENERAL))
            if folder != _GENERAL and folder not in org.folders:
                return 400, {"message": "folder not found"}
            held = org.dashboards.get(uid, {"version": 0, "id": len(org.dashboards) + 1})
            version = int(str(held["version"])) + 1  # equal or not, a save is a new version
            org.dashboards[uid] = {**dashboard, "id": held["id"], "version": version}
            org.dashboard_folders[uid] = folder
            return 200, {"uid": uid, "version": version, "status": "success"}
    return 404, {"message": "Dashboard not found"}


_KINDS: Final[dict[str, Callable[[FakeOrganization, str, list[str], Json], Answer]]] = {
    "datasources": _sources,
    "folders": _folders,
    "dashboards": _dashboards,
}


class _Handler(BaseHTTPRequestHandler):
    """HTTP on one side, `FakeGrafana.answer` on the other."""

    grafana: FakeGrafana

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_PUT(self) -> None:
        self._serve()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base's name
        """Say nothing: a test's output is its own."""

    def _serve(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        text = self.rfile.read(length)
        allowed = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        if self.headers.get("Authorization") != allowed:
            status, body = 401, dict[str, object](message="Invalid username or password")
        else:
            status, body = self.grafana.answer(
                self.command,
                urlsplit(self.path).path,
                self.headers.get("X-Grafana-Org-Id"),
                json.loads(text) if text else {},
            )
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
