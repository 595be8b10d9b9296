"""Past months under another contract, beside what they are: availability, verdicts, money."""

from collections.abc import Iterator, Sequence
from decimal import Decimal

from linksla.errors import UsageError
from linksla.inventory import Circuit
from sla.answers import MonthAnswer
from sla.calendar import is_month
from sla.contracts import Contract
from sla.queries import Queries
from sla.scope import AllCustomers

_EVERYBODY = AllCustomers(commercial=True)


def backtest(
    queries: Queries,
    versions: tuple[Contract, ...],
    first: str,
    last: str,
    circuit_ids: Sequence[str] = (),
) -> dict[str, object]:
    """Return `circuits` (one row a circuit and month), `skipped` and `totals` by currency, as JSON.

    Reads the stored spans; writes nothing. Months are those of each contract's own zone. Without
    `circuit_ids`, all circuits; one with fewer channels than the contract needs is skipped.

    Raises:
        UsageError: a month or a circuit that is not there.
    """
    months = tuple(_months(first, last))
    other = queries.under(versions)
    rows: list[dict[str, object]] = []
    skipped: list[dict[str, str]] = []
    needed = max(contract.availability.up_at_least for contract in versions)
    for circuit in _circuits(queries, circuit_ids):
        if len(circuit.channels) < needed:
            reason = f"has {len(circuit.channels)} channels, the contract needs {needed}"
            skipped.append({"circuit_id": circuit.id, "reason": reason})
            continue
        for month in months:
            now = queries.month(_EVERYBODY, circuit.id, month)
            then = other.month(_EVERYBODY, circuit.id, month)
            if now is not None and then is not None:
                rows.append(_row(now, then))
    return {"circuits": rows, "skipped": skipped, "totals": _totals(rows)}


def _circuits(queries: Queries, circuit_ids: Sequence[str]) -> Iterator[Circuit]:
    for name in circuit_ids or queries.circuit_ids(_EVERYBODY):
        circuit = queries.inventory_of(_EVERYBODY, name)
        if circuit is None:
            raise UsageError(f"there is no circuit {name!r}", hint="Look in the inventory.")
        yield circuit


def _months(first: str, last: str) -> Iterator[str]:
    for month in (first, last):
        if not is_month(month):
            raise UsageError(f"{month!r} is not a month", hint="Write YYYY-MM.")
    if last < first:
        raise UsageError(f"{last} comes before {first}", hint="Ask --from the earlier month.")
    year, number = int(first[:4]), int(first[5:])
    while (month := f"{year:04d}-{number:02d}") <= last:
        yield month
        year, number = year + number // 12, number % 12 + 1


def _row(now: MonthAnswer, then: MonthAnswer) -> dict[str, object]:
    paid, would_be = _paid(now), _paid(then)
    money = None
    if paid and would_be and len({paid[1], would_be[1]} - {""}) <= 1:
        currency = paid[1] or would_be[1]
        money = {"amount": str(would_be[0] - paid[0]), "currency": currency}
    return {
        "circuit_id": now.circuit_id,
        "month": now.month,
        "final": now.final and then.final,
        "now": _side(now),
        "other": _side(then),
        "difference": {
            "down_seconds": then.seconds.down - now.seconds.down,
            "availability": _less(then.availability_contractual, now.availability_contractual),
            "verdict_changes": then.verdict is not now.verdict,
            "credit_percent": _less(then.credit_percent, now.credit_percent),
            "credit": money,
        },
    }


def _side(answer: MonthAnswer) -> dict[str, object]:
    segment = answer.segments[-1]
    return {
        "contract": {"id": segment.contract_id, "version": segment.contract_version},
        "availability": answer.availability_contractual,
        "down_seconds": answer.seconds.down,
        "verdict": answer.verdict.value,
        "objectives": {one.name: one.verdict.value for one in answer.objectives},
        "credit_percent": answer.credit_percent,
        "credit_reason": answer.credit_reason,
        "credit_amount": answer.credit_amount,
        "credit_currency": answer.credit_currency,
        "credit_issued": answer.credit_issued,
    }


def _less(one: str | None, other: str | None) -> str | None:
    """Return the difference of two printed numbers, as it would be seen."""
    return None if one is None or other is None else str(Decimal(one) - Decimal(other))


def _paid(answer: MonthAnswer) -> tuple[Decimal, str] | None:
    """Return what is paid out and its currency, or None: there is a credit, but no price."""
    if answer.credit_amount is None:
        return (Decimal(0), "") if Decimal(answer.credit_percent) == 0 else None
    amount = Decimal(answer.credit_amount) if answer.credit_issued else Decimal(0)
    return amount, answer.credit_currency or ""


def _totals(rows: Sequence[dict[str, object]]) -> dict[str, str]:
    """Return the sum of the differences in money by currency."""
    found: dict[str, Decimal] = {}
    for row in rows:
        difference = row["difference"]
        credit = difference["credit"] if isinstance(difference, dict) else None
        if credit is not None and credit["currency"]:
            before = found.get(credit["currency"], Decimal(0))
            found[credit["currency"]] = before + Decimal(credit["amount"])
    return {currency: str(amount) for currency, amount in sorted(found.items())}
