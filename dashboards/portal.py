"""What the web layer is made of, and how a handler finds it."""

import secrets
from dataclasses import dataclass, field

from fastapi import Request
from fastapi.templating import Jinja2Templates

from dashboards.accounts import Accounts
from dashboards.live import LiveFeed
from dashboards.paging import Cursors
from linksla.clock import Clock
from linksla.decisions import DecisionsStore
from linksla.meters import Meters, broker_answers
from sla.answers import Freshness
from sla.queries import Queries
from sla.scope import Scope


@dataclass(frozen=True, slots=True)
class PortalDependencies:
    """All that portal and API need from the node; `create_app` takes nothing else."""

    queries: Queries
    decisions: DecisionsStore
    clock: Clock
    meters: Meters
    live: LiveFeed
    loopback_only_demo: bool = True
    """Demo users sign in from this machine only. Off is for tests of the rule itself."""

    def freshness(self, scope: Scope) -> Freshness:
        """Return how complete the circuits in scope are, as far as the broker is heard."""
        return self.queries.freshness(scope, heard=broker_answers(self.meters))


@dataclass(frozen=True, slots=True)
class Portal:
    """The dependencies and what `create_app` makes of them."""

    deps: PortalDependencies
    accounts: Accounts
    templates: Jinja2Templates
    cursors: Cursors = field(default_factory=lambda: Cursors(secrets.token_bytes(32)))


def portal_of(request: Request) -> Portal:
    """Return the portal a request came to."""
    portal = request.app.state.portal
    assert isinstance(portal, Portal)  # noqa: S101  (typing only: create_app put it there)
    return portal
