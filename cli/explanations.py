"""Explanations for commands: the same beside a running node and through its socket."""

from typing import Any

from linksla.clock import parse_instant
from linksla.errors import UsageError
from sla.explain_json import explanation_json
from sla.explanation import Asked
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


def asked_of(
    outage: str | None, start: str | None, end: str | None, samples: int, after: str | None
) -> Asked:
    """Return what is asked for closely.

    Raises:
        UsageError: an instant is none, one end of the range is missing, or samples is out of range.
    """
    if (start is None) != (end is None):
        raise UsageError("a range has two ends", hint="Give --from and --to.")
    if not 1 <= samples <= 1_000:
        raise UsageError("samples must lie between 1 and 1,000")
    try:
        lower = None if start is None else parse_instant(start)
        upper = None if end is None else parse_instant(end)
    except ValueError:
        raise UsageError("the range has no instants", hint="Write 2026-10-01T06:00:00Z.") from None
    return Asked(outage, lower, upper, samples, after)
