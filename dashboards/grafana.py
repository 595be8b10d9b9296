"""Publish to Grafana: per customer an organisation, a data source and one dashboard.

Grafana is no tenant boundary by itself (DESIGN 11): each customer gets an organisation, and in it
a data source that holds a token of that customer only, because a viewer can send any path through
a data source. Publishing again changes nothing: everything is compared before it is saved, since
Grafana bumps a version on every save, equal or not.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, Protocol, cast
from urllib.parse import quote, urlsplit

from grafana_client.api import GrafanaApi
from grafana_client.client import (
    GrafanaClientError,
    GrafanaException,
    GrafanaServerError,
    GrafanaUnauthorizedError,
)
from niquests.exceptions import RequestException

from dashboards.grafana_board import BOARD_UID, SOURCE_TYPE, SOURCE_UID, Json, board
from linksla.errors import PublishError, UsageError
from linksla.inventory import Circuit, Customer, Inventory

FOLDER_UID: Final = "linksla"
_FOLDER_TITLE: Final = "linksla"
_TIMEOUT_SECONDS: Final = 15.0
_NOT_FOUND: Final = 404
_FORBIDDEN: Final = 403


class _Organizations(Protocol):
    def find_organization(self, org_name: str) -> object: ...
    def create_organization(self, organization: Json) -> object: ...
    def get_current_organization(self) -> object: ...


class _DataSources(Protocol):
    def get_datasource_by_uid(self, datasource_uid: str) -> object: ...
    def create_datasource(self, datasource: Json) -> object: ...
    def update_datasource_by_uid(self, datasource_uid: str, datasource: Json) -> object: ...


class _Folders(Protocol):
    def get_folder(self, uid: str) -> object: ...
    def create_folder(self, title: str, uid: str) -> object: ...


class _Dashboards(Protocol):
    def get_dashboard(self, dashboard_uid: str) -> object: ...
    def update_dashboard(self, dashboard: Json) -> object: ...


class _Api(Protocol):
    """What we use of grafana-client, which has no types of its own."""

    organization: _Organizations
    datasource: _DataSources
    folder: _Folders
    dashboard: _Dashboards


@dataclass(frozen=True, slots=True)
class PublishedCustomer:
    """What one customer has in Grafana, and what this run changed there."""

    customer_id: str
    organization: str
    organization_id: int
    dashboard_url: str
    changes: tuple[str, ...]  # "organization", "data source", "folder", "dashboard"


@dataclass(frozen=True, slots=True)
class Published:
    """What is in Grafana now."""

    customers: tuple[PublishedCustomer, ...]

    @property
    def changed(self) -> bool:
        """Whether this run changed anything at all."""
        return any(customer.changes for customer in self.customers)


@dataclass(frozen=True, slots=True)
class _Grafana:
    """Where Grafana is and who we are there."""

    url: str
    user: str
    password: str

    def api(self, organization_id: int | None = None) -> _Api:
        """Return a client bound to one organisation: never the server-side switch."""
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise UsageError(
                f"{self.url!r} is not Grafana's address", hint="Write http://grafana:3000."
            )
        path = parts.path.strip("/")
        api: object = GrafanaApi(
            auth=(self.user, self.password),
            host=f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname,
            port=parts.port,
            url_path_prefix=f"{path}/" if path else "",  # without its slash /api would stick to it
            protocol=parts.scheme,
            timeout=_TIMEOUT_SECONDS,
            organization_id=organization_id,
        )
        return cast(_Api, api)


def publish_all(
    *,
    grafana_url: str,
    user: str,
    password: str,
    api_url: str,
    inventory: Inventory,
    make_token: Callable[[str], str],
) -> Published:
    """Bring Grafana to what the inventory says; a second run changes nothing.

    `user` is a server administrator (organisations need one). `api_url` is linksla's address as
    Grafana's server sees it. `make_token` makes an API token bound to a customer's id; it is
    called only when the stored data source has none, since a secret cannot be read back.

    Raises:
        PublishError: Grafana cannot be reached, refuses, or holds something unexpected.
        UsageError: an address is none.
    """
    target = urlsplit(api_url)
    if target.scheme not in ("http", "https") or not target.hostname:
        raise UsageError(f"{api_url!r} is not linksla's address", hint="Write http://linksla:8080.")
    grafana = _Grafana(grafana_url, user, password)
    published = []
    for customer in sorted(inventory.customers.values(), key=lambda customer: customer.id):
        circuits = _circuits_of(inventory, customer)
        with _explained(grafana_url, customer.id):
            published.append(_publish(grafana, customer, circuits, api_url, make_token))
    return Published(tuple(published))


def organization_name(customer: Customer) -> str:
    """Return the organisation's name: by id, so that renaming a customer makes no second one."""
    return f"linksla {customer.id}"


def _circuits_of(inventory: Inventory, customer: Customer) -> list[Circuit]:
    return [
        circuit
        for _, circuit in sorted(inventory.circuits.items())
        if any(owner.customer == customer.id for owner in circuit.owners)
    ]


def _publish(
    grafana: _Grafana,
    customer: Customer,
    circuits: list[Circuit],
    api_url: str,
    make_token: Callable[[str], str],
) -> PublishedCustomer:
    name = organization_name(customer)
    organization_id, made = _organization(grafana.api(), name)
    api = grafana.api(organization_id)
    current = cast(Json, api.organization.get_current_organization())
    if current.get("id") != organization_id:  # a token would ignore the header without a word
        raise PublishError(
            f"answers for organisation {current.get('id')}, not {organization_id}",
            where=grafana.url,
            hint="Sign in with user and password: tokens are bound to one organisation.",
        )
    changes = [
        ("organization", made),
        ("data source", _data_source(api, customer, api_url, make_token)),
        ("folder", _folder(api)),
        ("dashboard", _dashboard(api, board(customer, circuits))),
    ]
    return PublishedCustomer(
        customer_id=customer.id,
        organization=name,
        organization_id=organization_id,
        dashboard_url=f"{grafana.url.rstrip('/')}/d/{BOARD_UID}?orgId={organization_id}",
        changes=tuple(what for what, changed in changes if changed),
    )


def _organization(api: _Api, name: str) -> tuple[int, bool]:
    """Find or make an organisation; the client does not quote names, so we do."""
    found = _or_none(lambda: api.organization.find_organization(quote(name, safe="")))
    if found is not None:
        return int(cast(int, found["id"])), False
    made = cast(Json, api.organization.create_organization({"name": name}))
    return int(cast(int, made["orgId"])), True


def _data_source(
    api: _Api, customer: Customer, api_url: str, make_token: Callable[[str], str]
) -> bool:
    wanted = _source(api_url)
    stored = _or_none(lambda: api.datasource.get_datasource_by_uid(SOURCE_UID))
    if stored is None:
        secret = {"bearerToken": make_token(customer.id)}
        api.datasource.create_datasource({**wanted, "secureJsonData": secret})
        return True
    has_token = bool(cast(Json, stored.get("secureJsonFields") or {}).get("bearerToken"))
    if has_token and all(stored.get(key) == value for key, value in wanted.items()):
        return False
    update = dict(wanted)  # the stored secret survives an update that names none
    if not has_token:
        update["secureJsonData"] = {"bearerToken": make_token(customer.id)}
    api.datasource.update_datasource_by_uid(SOURCE_UID, update)
    return True


def _source(api_url: str) -> Json:
    base = api_url.rstrip("/")
    return {
        "uid": SOURCE_UID,
        "name": "linksla",
        "type": SOURCE_TYPE,
        "access": "proxy",
        "url": base,
        "isDefault": True,
        # Infinity refuses a bearer token without the hosts it may be sent to.
        "jsonData": {"auth_method": "bearerToken", "allowedHosts": [base]},
    }


def _folder(api: _Api) -> bool:
    if _or_none(lambda: api.folder.get_folder(FOLDER_UID)) is not None:
        return False
    api.folder.create_folder(title=_FOLDER_TITLE, uid=FOLDER_UID)  # 412 if it exists
    return True


def _dashboard(api: _Api, wanted: Json) -> bool:
    stored = _or_none(lambda: api.dashboard.get_dashboard(BOARD_UID))
    if stored is not None:
        held = {
            key: value
            for key, value in cast(Json, stored["dashboard"]).items()
            if key not in ("id", "version")
        }
        if held == wanted and cast(Json, stored["meta"]).get("folderUid") == FOLDER_UID:
            return False
    api.dashboard.update_dashboard(
        {
            "dashboard": wanted,
            "folderUid": FOLDER_UID,  # left out, the dashboard would move to General
            "overwrite": True,
            "message": "published by linksla",
        }
    )
    return True


def _or_none(ask: Callable[[], object]) -> Json | None:
    """Return an object of Grafana's, or None where there is none (404)."""
    try:
        return cast(Json, ask())
    except GrafanaClientError as error:
        if error.status_code == _NOT_FOUND:
            return None
        raise


@contextmanager
def _explained(url: str, customer_id: str) -> Iterator[None]:
    """Turn the client's errors, and niquests' raw ones, into ours."""
    where = f"Grafana at {url}, customer {customer_id}"
    try:
        yield
    except GrafanaUnauthorizedError:
        raise PublishError(
            "user or password is wrong", where=where, hint="Check GF_SECURITY_ADMIN_PASSWORD."
        ) from None
    except GrafanaServerError as error:
        raise PublishError(f"failed: {error.message}", where=where, retryable=True) from None
    except GrafanaException as error:
        forbidden = getattr(error, "status_code", 0) == _FORBIDDEN
        raise PublishError(
            f"refused: {error.message}",
            where=where,
            hint="Organisations and data sources need a server administrator." if forbidden else "",
        ) from None
    except RequestException as error:
        raise PublishError(
            f"cannot be reached: {error}",
            where=where,
            hint="Is Grafana running, and the address right?",
            retryable=True,
        ) from None
