"""What `linksla outage` asks, for a command that opens the stores and for a running node alike."""

from typing import Literal

from pydantic import BaseModel

from linksla.errors import UsageError
from sla.attributions import Act, Attribution
from sla.desk import Desk
from sla.outages import proposal_json
from sla.scope import AllCustomers

_EVERYBODY = AllCustomers(commercial=False)
_ACTS = {"approve": Act.APPROVED, "refuse": Act.REFUSED, "revoke": Act.REVOKED}


class DeskRequest(BaseModel):
    """One thing to do at the desk; `id` is an outage's for attribute, else a proposal's."""

    action: Literal["attribute", "approve", "refuse", "revoke", "list"]
    id: str = ""
    who: str = ""
    why: str = ""
    attribution: Attribution = Attribution.CARRIER
    circuit: str | None = None
    ticket: str | None = None
    open_only: bool = False


def at_desk(desk: Desk, request: DeskRequest) -> list[dict[str, object]]:
    """Return the proposals that were asked for, or the one that was made or decided.

    Raises:
        UsageError: there is no such outage or proposal, or the word may not be said.
    """
    if request.action == "list":
        return [
            proposal_json(one) for one in desk.proposals(_EVERYBODY, open_only=request.open_only)
        ]
    if request.action == "attribute":
        found = desk.propose(
            _EVERYBODY, request.who, request.id, request.attribution, request.why,
            circuit_id=request.circuit, ticket=request.ticket,
        )  # fmt: skip
        what = "outage"
    else:
        act = _ACTS[request.action]
        found = desk.decide(_EVERYBODY, request.who, request.id, act, request.why)
        what = "proposal"
    if found is None:
        raise UsageError(f"there is no {what} {request.id!r}", hint="See `linksla outage list`.")
    return [proposal_json(found)]
