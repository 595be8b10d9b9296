"""Explanations for commands: the same beside a running node and through its socket."""

from typing import Any

from linksla.errors import UsageError
from sla.explain import asked_of
from sla.explain_json import explanation_json
from sla.queries import Queries
from sla.scope import AllCustomers


def answer(queries: Queries, **wanted: Any) -> dict[str, object]:
    """Return the explanation as JSON; for the command and for the node's socket.

    Raises:
        UsageError: there is no such circuit, month, outage or range.
    """
    asked = asked_of(
        wanted["outage"], wanted["start"], wanted["end"], wanted["samples"], wanted["after"]
    )
    everybody = AllCustomers(commercial=True)
    circuit, month = wanted["circuit"], wanted["month"]
    found = queries.explain(everybody, circuit, month, asked)
    if found is not None:
        return explanation_json(found)
    if circuit not in queries.circuit_ids(everybody):
        known = ", ".join(queries.circuit_ids(everybody)[:20])
        raise UsageError(f"there is no circuit {circuit!r}", hint=f"There is: {known}.")
    months = ", ".join(queries.months(everybody, circuit)[-13:])
    raise UsageError(
        f"nothing of {month} is complete for {circuit}", hint=f"There is: {months or 'none yet'}."
    )
