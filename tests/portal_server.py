"""The portal on a real uvicorn over the small network, for tests of pages, API and browser."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import uvicorn

from dashboards.accounts import Accounts, Role
from dashboards.app import PortalDependencies, create_app
from dashboards.live import LiveFeed
from linksla.clock import MICROSECONDS, ManualClock
from linksla.decisions import DecisionsStore
from linksla.inventory import Inventory, load_inventory
from linksla.meters import Meters
from linksla.settings import TimeSettings
from linksla.stores import TelemetryStore
from sla.contracts import load_contracts
from sla.maintenance import load_maintenance
from sla.queries import Queries
from tests.conftest import fill_small_network, write_config

NOW_S = 1_764_720_030  # 2025-12-03T00:00:30Z: half a minute after the small network's last cell
PASSWORD = "correct horse battery"
USERS = {
    "acme": (Role.CUSTOMER, ("acme",)),
    "globex": (Role.CUSTOMER, ("globex",)),
    "manager": (Role.ACCOUNT_MANAGER, ("acme",)),
    "noc": (Role.NOC, ()),
    "admin": (Role.ADMIN, ()),
}


@dataclass(frozen=True)
class PortalUnderTest:
    """A served portal and the parts a test may want to touch."""

    address: str
    clock: ManualClock
    queries: Queries
    decisions: DecisionsStore
    accounts: Accounts
    live: LiveFeed
    meters: Meters
    decisions_file: Path

    def client(self, **options) -> httpx.Client:
        """Return a client that is nobody yet."""
        return httpx.Client(base_url=self.address, **options)

    @contextmanager
    def signed_in(self, user: str, password: str = PASSWORD) -> Iterator[httpx.Client]:
        """Lend a client with a session."""
        with self.client() as client:
            form = client.get("/sign-in")
            answer = client.post(
                "/sign-in", data={"user": user, "password": password, "csrf": csrf_of(form.text)}
            )
            assert answer.status_code == 303, answer.text
            yield client

    def with_token(self, role: Role, customer: str | None = None) -> httpx.Client:
        """Return a client with an API token."""
        secret = self.accounts.create_token("test", role, customer).secret
        return self.client(headers={"Authorization": f"Bearer {secret}"})


def csrf_of(page: str) -> str:
    """Return the token of a page's first form."""
    found = re.search(r'name="csrf" value="([0-9a-f]+)"', page)
    assert found, page
    return found[1]


@contextmanager
def served(
    store: TelemetryStore, inventory: Inventory, config: Path, decisions_file: Path
) -> Iterator[PortalUnderTest]:
    """Serve the portal on a free port of this machine until the block ends."""
    clock = ManualClock(NOW_S * MICROSECONDS)
    decisions = DecisionsStore(decisions_file)
    decisions.start()
    accounts = Accounts(decisions, clock)
    for user, (role, customers) in USERS.items():
        accounts.create_user(user, PASSWORD, role, customers)
    queries = Queries(
        store,
        inventory,
        load_contracts(config / "contracts"),
        load_maintenance(config / "maintenance.yaml"),
        TimeSettings(),
        clock,
    )
    live, meters = LiveFeed(), Meters()
    app = create_app(PortalDependencies(queries, decisions, clock, meters, live))
    with running(app, live) as address:
        yield PortalUnderTest(
            address, clock, queries, decisions, accounts, live, meters, decisions_file
        )
    decisions.close()


@contextmanager
def small_network_served(folder: Path) -> Iterator[PortalUnderTest]:
    """Serve a small network of one's own, for a fixture that many tests share."""
    write_config(folder / "config")
    inventory = load_inventory(folder / "config" / "inventory.yaml")
    store = TelemetryStore(None)
    store.start()
    fill_small_network(store, inventory)
    with served(store, inventory, folder / "config", folder / "decisions.sqlite") as portal:
        yield portal
    store.close()


@contextmanager
def running(app, live: LiveFeed) -> Iterator[str]:
    """Run an application in a thread; yields its address."""
    listening = threading.Event()

    class Server(uvicorn.Server):
        async def startup(self, sockets=None) -> None:
            await super().startup(sockets)
            listening.set()

    server = Server(
        uvicorn.Config(
            app,
            port=0,
            log_config=None,
            log_level="error",
            access_log=False,
            timeout_graceful_shutdown=2,
        )
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    assert listening.wait(10), "uvicorn did not start"
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        live.close()
        server.should_exit = True
        thread.join(10)
