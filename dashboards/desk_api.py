"""What people decide, over the API: whose an outage is, maintenance and tickets that wait.

NOC, account managers (their portfolio) and admins propose and decide; customers do not, and see
what was decided. Nobody decides on his own proposal, nor with a token he made. Each write stands
in the audit; a running node judges the months again within seconds.
"""

from http import HTTPStatus
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from dashboards.access import Caller, Operator, check_write
from dashboards.accounts import Principal, Role
from dashboards.api import Ask, Asked, Paged, listed
from dashboards.problems import NOT_FOUND, Refusal
from dashboards.segment import CIRCUIT_PATH
from linksla.errors import UsageError
from sla.attributions import Act, Attribution
from sla.channel_view import channel_view_json
from sla.desk import REASON_CHARACTERS_MAX, Desk, decide_window, propose_window
from sla.outages import proposal_json
from sla.scope import AllCustomers
from sla.versions import version_json

router: Final = APIRouter(prefix="/api/v1", tags=["decisions"])

_ACTS: Final = {"approve": Act.APPROVED, "refuse": Act.REFUSED, "revoke": Act.REVOKED}
Why = Annotated[str, Field(min_length=1, max_length=REASON_CHARACTERS_MAX)]


async def may_decide(principal: Caller) -> Principal:
    """Return who may propose and decide; others get 403. A bound token is its customer's."""
    of_house = principal.role in (Role.NOC, Role.ADMIN) and not principal.bound
    if not of_house and principal.role is not Role.ACCOUNT_MANAGER:
        raise Refusal(HTTPStatus.FORBIDDEN)
    return principal


Decider = Annotated[Principal, Depends(may_decide)]


class AttributionWanted(BaseModel):
    """What POST /outages/{id}/attribution takes; `circuit_id` saves looking for the outage."""

    model_config = ConfigDict(extra="forbid")
    attribution: Attribution
    reason: Why
    circuit_id: str | None = None
    ticket: str | None = Field(default=None, max_length=200)


class DecisionWanted(BaseModel):
    """Why it is approved, refused or revoked."""

    model_config = ConfigDict(extra="forbid")
    reason: Why


class WindowWanted(BaseModel):
    """A window, or with a `ticket` when that waits for the customer; a known `id`: an edit."""

    model_config = ConfigDict(extra="forbid")
    id: str
    circuit: str | None = None
    channel: str | None = None
    site: str | None = None
    start: str
    end: str | None = None
    reason: str
    ticket: str | None = None
    mute_alerts: bool = True
    exclude_from_sla: bool = True
    show_to_customer: bool = True


def _desk(ask: Asked) -> Desk:
    deps = ask.portal.deps
    return Desk(deps.queries, deps.decisions, deps.clock)


def _person(ask: Asked, request: Request, principal: Principal) -> str:
    check_write(request, principal)
    return ask.portal.accounts.person_behind(principal)


@router.get("/attributions")
def attributions(ask: Ask, paged: Paged, open: bool = False) -> Response:  # noqa: A002
    """List what was proposed about outages, newest first, and what became of it."""
    found = _desk(ask).proposals(ask.principal.scope, open_only=open)
    return listed(ask, paged, [proposal_json(one) for one in found], lambda b: str(b["id"]))


@router.get(CIRCUIT_PATH + "/months/{month}/versions")
def versions(ask: Ask, paged: Paged, circuit_id: str, month: str) -> Response:
    """List every calculation of a month, oldest first: why, by whom, from what to what."""
    found = ask.portal.deps.queries.versions(ask.principal.scope, circuit_id, month)
    if found is None:
        raise NOT_FOUND
    return listed(ask, paged, [version_json(one) for one in found], lambda b: str(b["version"]))


@router.get(CIRCUIT_PATH + "/months/{month}/channels")
def channels(ask: Ask, circuit_id: str, month: str) -> Response:
    """Return a month by channel, each judged by itself, and when redundancy was lost."""
    found = ask.portal.deps.queries.channel_view(ask.principal.scope, circuit_id, month)
    if found is None:
        raise NOT_FOUND
    return ask.answer(channel_view_json(found))


@router.post("/outages/{outage_id}/attribution", status_code=HTTPStatus.CREATED)
def attribute(
    ask: Ask, outage_id: str, wanted: AttributionWanted, request: Request, principal: Decider
) -> Response:
    """Propose whose an outage is; it counts once somebody else approves it."""
    who = _person(ask, request, principal)
    found = _desk(ask).propose(
        principal.scope, who, outage_id, wanted.attribution, wanted.reason,
        circuit_id=wanted.circuit_id, ticket=wanted.ticket,
    )  # fmt: skip
    if found is None:
        raise NOT_FOUND
    return ask.made(proposal_json(found))


@router.post("/exclusions/{exclusion_id}/{action}")
def decide(
    ask: Ask,
    exclusion_id: str,
    action: Literal["approve", "refuse", "revoke"],
    wanted: DecisionWanted,
    request: Request,
    principal: Decider,
) -> Response:
    """Approve or refuse what somebody else proposed (an attribution, a window, a waiting ticket).

    `revoke` takes back an attribution that was approved, or proposed.
    """
    who = _person(ask, request, principal)
    found = _desk(ask).decide(principal.scope, who, exclusion_id, _ACTS[action], wanted.reason)
    if found is not None:
        return ask.answer(proposal_json(found))
    deps = ask.portal.deps
    known = {window.id.partition("#")[0] for window in deps.queries.maintenance}
    if exclusion_id not in known or not isinstance(principal.scope, AllCustomers):
        raise NOT_FOUND
    if action == "revoke":
        raise UsageError("a window is not revoked", hint="Refuse it, or announce it anew.")
    decide_window(
        deps.decisions, deps.queries.maintenance, exclusion_id,
        accepted=action == "approve", who=who, at_us=deps.clock.now_us(),
    )  # fmt: skip
    return ask.answer({"id": exclusion_id, "decided_by": who, "accepted": action == "approve"})


@router.post("/maintenance", status_code=HTTPStatus.CREATED)
def propose_maintenance(
    ask: Ask, wanted: WindowWanted, request: Request, principal: Operator
) -> Response:
    """Propose a maintenance window, or say since when a ticket waits for the customer (NOC)."""
    who = _person(ask, request, principal)
    deps = ask.portal.deps
    if wanted.circuit and deps.queries.inventory_of(principal.scope, wanted.circuit) is None:
        raise NOT_FOUND
    body = wanted.model_dump(exclude_none=True)
    window = propose_window(deps.decisions, body, who=who, at_us=deps.clock.now_us())
    return ask.made({**body, "proposed_by": window.proposed_by})
