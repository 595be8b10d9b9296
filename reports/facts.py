"""Everything a monthly report says, as one frozen value, read through `sla.queries` alone.

PDF, CSV and `report.json` are made from this value, so they cannot disagree with each other; and
the answers in it are those of the API, so they cannot disagree with the portal.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import Final, Protocol

from linksla.clock import iso
from linksla.errors import UsageError
from linksla.inventory import Circuit, Customer
from sla.answers import CircuitSummary, LedgerLine, MonthAnswer, Outcome, Tape
from sla.contracts import Contract
from sla.json import to_json
from sla.scope import AllCustomers, OnlyCustomers, Scope

FORMAT: Final = "linksla-report/1"
_MONTH: Final = re.compile(r"\d{4}-(0[1-9]|1[0-2])")
_WORST_FIRST: Final = (Outcome.BREACHED, Outcome.AT_RISK, Outcome.NOT_ASSESSABLE, Outcome.MET)


class ReportSource(Protocol):
    """What a report reads: the part of `sla.queries.Queries` it needs."""

    def customers(self, scope: Scope) -> tuple[Customer, ...]:
        """Return the customers in scope, by id."""
        ...

    def circuits(self, scope: Scope) -> tuple[CircuitSummary, ...]:
        """Return the circuits in scope as they stand, by id."""
        ...

    def months(self, scope: Scope, circuit_id: str) -> tuple[str, ...]:
        """Return the months the circuit has any complete time in, oldest first."""
        ...

    def customer_month(
        self, scope: Scope, customer_id: str, month: str
    ) -> tuple[MonthAnswer, ...] | None:
        """Return the answers of all the customer's circuits, by circuit id, or None."""
        ...

    def tape(self, scope: Scope, circuit_id: str, start_s: int, end_s: int) -> Tape | None:
        """Return the buckets and channel states of a range, or None."""
        ...

    def inventory_of(self, scope: Scope, circuit_id: str) -> Circuit | None:
        """Return the inventory's entry of a circuit, or None."""
        ...

    def contract_of(self, scope: Scope, circuit_id: str) -> Contract | None:
        """Return the contract version in force at the circuit's complete_up_to, or None."""
        ...

    def ledger(self, scope: Scope, circuit_id: str | None = None) -> tuple[LedgerLine, ...]:
        """Return the counts of late, duplicate, conflicting and rejected samples."""
        ...


@dataclass(frozen=True, slots=True)
class CircuitFacts:
    """One circuit's month: the answer, its tape, and what the circuit and its contract are."""

    answer: MonthAnswer
    tape: Tape | None
    circuit: Circuit | None
    contract: Contract | None
    ledger: tuple[LedgerLine, ...] = ()  # of the UTC days that the period touches


@dataclass(frozen=True, slots=True)
class ReportFacts:
    """One customer's month."""

    customer_id: str
    customer_name: str
    month: str
    version: int
    circuits: tuple[CircuitFacts, ...]

    @property
    def final(self) -> bool:
        """Whether no later sample or decision can change a number."""
        return all(facts.answer.final for facts in self.circuits)

    @property
    def complete_up_to_s(self) -> int:
        """The least of the circuits, in epoch seconds."""
        return min(facts.answer.complete_up_to_s for facts in self.circuits)

    def count(self, outcome: Outcome) -> int:
        """Return how many circuits' months have a verdict."""
        return sum(facts.answer.verdict is outcome for facts in self.circuits)

    @property
    def worst(self) -> Outcome:
        """The verdict that needs most attention."""
        return next(outcome for outcome in _WORST_FIRST if self.count(outcome))


def gather(source: ReportSource, customer_id: str, month: str, *, version: int = 1) -> ReportFacts:
    """Read all that a report prints about a customer's month.

    The scope is the customer's own, with commercial terms: the report says what the customer's
    account sees, within the ownership's from and to, and cannot hold another customer's second.

    Raises:
        UsageError: the customer is unknown, or has nothing in that month; the hint says what
            exists.
    """
    scope = OnlyCustomers(frozenset({customer_id}), commercial=True)
    customer = next((c for c in source.customers(scope) if c.id == customer_id), None)
    if customer is None:
        known = [c.id for c in source.customers(AllCustomers(commercial=True))]
        raise UsageError(
            f"there is no customer {customer_id!r}", hint=f"There is: {', '.join(known) or 'none'}."
        )
    if not _MONTH.fullmatch(month):
        raise UsageError(f"{month!r} is not a month", hint="Write it as 2026-10.")
    answers = source.customer_month(scope, customer_id, month)
    if not answers:
        raise UsageError(
            f"customer {customer_id!r} has nothing measured in {month}",
            hint=_existing_months(source, scope),
        )
    circuits = tuple(_circuit_facts(source, scope, answer, version) for answer in answers)
    return ReportFacts(customer.id, customer.name, month, version, circuits)


def canonical_json(facts: ReportFacts) -> bytes:
    """Return `report.json`: sorted keys, no spaces, UTF-8, one newline at the end.

    `circuits` holds the API's month answers, each with this report's version; equal facts give
    equal bytes.
    """
    document: dict[str, object] = {
        "format": FORMAT,
        "customer": {"id": facts.customer_id, "name": facts.customer_name},
        "month": facts.month,
        "report_version": facts.version,
        "status": "draft",
        "final": facts.final,
        "complete_up_to": iso(facts.complete_up_to_s),
        "circuits": [to_json(circuit.answer, commercial=True) for circuit in facts.circuits],
        "ledger": [asdict(line) for circuit in facts.circuits for line in circuit.ledger],
    }
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode() + b"\n"


def _circuit_facts(
    source: ReportSource, scope: Scope, answer: MonthAnswer, version: int
) -> CircuitFacts:
    return CircuitFacts(
        answer=replace(answer, report_version=version),
        tape=source.tape(scope, answer.circuit_id, answer.start_s, answer.month_end_s),
        circuit=source.inventory_of(scope, answer.circuit_id),
        contract=source.contract_of(scope, answer.circuit_id),
        ledger=_ledger(source, scope, answer),
    )


def _ledger(source: ReportSource, scope: Scope, answer: MonthAnswer) -> tuple[LedgerLine, ...]:
    first, last = iso(answer.start_s)[:10], iso(answer.end_s - 1)[:10]
    return tuple(
        line
        for line in source.ledger(scope, answer.circuit_id)
        if line.day is not None and first <= line.day <= last
    )


def _existing_months(source: ReportSource, scope: Scope) -> str:
    months: set[str] = set()
    for circuit in source.circuits(scope):
        months.update(source.months(scope, circuit.circuit_id))
    return f"There is: {_listed(sorted(months))}." if months else "No month is complete yet."


def _listed(texts: Iterable[str]) -> str:
    known = list(texts)
    shown = known if len(known) <= 13 else ["…", *known[-13:]]
    return ", ".join(shown)
