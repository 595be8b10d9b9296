"""What `linksla ledger` answers, asked by the command itself or by the node for it."""

from dataclasses import asdict

from linksla.errors import UsageError
from sla.calendar import is_month
from sla.queries import Queries
from sla.scope import AllCustomers

EVERYONE = AllCustomers(commercial=False)


def ledger_answer(queries: Queries, circuit_id: str, month: str | None) -> dict[str, object]:
    """Return a circuit's days in the ledger, oldest first, as JSON.

    Raises:
        UsageError: no such circuit, or the month is none.
    """
    if queries.inventory_of(EVERYONE, circuit_id) is None:
        raise UsageError(f"there is no circuit {circuit_id}", hint="`linksla check` names them.")
    if month is not None and not is_month(month):
        raise UsageError(f"{month} is no month", hint="Write 2026-10.")
    days = [asdict(day) for day in queries.ledger_days(EVERYONE, circuit_id, month)]
    for day in days:
        day["rejected_reasons"] = dict(day["rejected_reasons"])
        day["verdict_changed"] = bool(day["verdicts"])
    return {"circuit_id": circuit_id, "month": month, "days": days}
