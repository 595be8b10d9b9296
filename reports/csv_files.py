"""The report as tidy CSV: a file per table, a row per thing, seconds and UTC.

RFC 4180 with a header line. A text that a spreadsheet would take for a formula gets a leading `'`
(REPORT.md; OWASP "CSV injection"). Numbers are numbers.
"""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Final

from linksla.clock import iso
from reports.facts import ReportFacts

Cell = str | int | None

_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r")

_CIRCUIT_COLUMNS: Final = (
    "customer_id", "month", "circuit_id", "timezone", "start", "end", "period_seconds",
    "complete_up_to", "final", "calculation_version", "up_seconds", "down_seconds",
    "excluded_seconds", "unmeasured_seconds", "as_experienced_up_seconds",
    "as_experienced_down_seconds", "as_experienced_unmeasured_seconds",
    "bad_but_not_down_seconds", "coverage_percent", "availability_contractual_percent",
    "availability_as_experienced_percent", "availability_formula",
    "availability_unmeasured_bad_percent", "availability_unmeasured_good_percent", "verdict",
    "credit_percent", "credit_reason", "budget_allowed_seconds", "budget_left_seconds",
    "credit_amount", "credit_currency", "credit_issued", "credit_claim_by", "credit_working",
)  # fmt: skip


def csv_files(facts: ReportFacts) -> dict[str, bytes]:
    """Return the tables by name (`circuits`, `objectives`, …), each as UTF-8 CSV."""
    return {
        "circuits": _table(_CIRCUIT_COLUMNS, _circuit_rows(facts)),
        "segments": _table(
            ("circuit_id", "contract_id", "contract_version", "start", "end", "bandwidth_mbps",
             "owners", "price", "charge", "target", "availability", "down_seconds", "verdict",
             "seconds", "credit_percent", "credit_reason"),
            (
                (c.answer.circuit_id, s.contract_id, s.contract_version, iso(s.start_s),
                 iso(s.end_s), s.bandwidth_mbps, " ".join(o.customer_id for o in s.owners), s.price,
                 s.charge, s.target, s.availability, s.down_seconds, s.verdict,
                 (s.full_end_s or s.end_s) - s.start_s,
                 s.credit_percent, s.credit_reason)
                for c in facts.circuits for s in c.answer.segments
            ),
        ),
        "objectives": _table(
            ("circuit_id", "objective", "target", "actual", "unit", "verdict", "reason",
             "observations", "error_bound"),
            (
                (c.answer.circuit_id, o.name, o.target, o.actual, o.unit, o.verdict, o.reason,
                 o.observations, o.error_bound)
                for c in facts.circuits for o in c.answer.objectives
            ),
        ),
        "outages": _table(
            ("circuit_id", "outage_id", "start", "end", "down_seconds", "excluded_seconds",
             "attribution", "carried_in"),
            (
                (o.circuit_id, o.outage_id, iso(o.start_s), None if o.end_s is None
                 else iso(o.end_s), o.down_seconds, o.excluded_seconds, o.attribution,
                 _truth(o.carried_in))
                for c in facts.circuits for o in c.answer.outages
            ),
        ),
        "exclusions": _table(
            ("circuit_id", "exclusion_id", "scope", "start", "end", "accepted", "seconds",
             "reason"),
            (
                (c.answer.circuit_id, e.exclusion_id, e.scope, iso(e.start_s), iso(e.end_s),
                 _truth(e.accepted), e.seconds, e.reason)
                for c in facts.circuits for e in c.answer.exclusions
            ),
        ),
        "ledger": _table(
            ("circuit_id", "channel", "day", "kind", "count", "detail"),
            (
                (line.circuit_id, line.channel, line.day, line.kind, line.count, line.detail)
                for c in facts.circuits for line in c.ledger
            ),
        ),
    }  # fmt: skip


def safe_cell(value: Cell) -> str | int:
    """Return a cell that no spreadsheet takes for a formula; None is an empty cell."""
    if isinstance(value, str) and value.startswith(_FORMULA_STARTS):
        return f"'{value}"
    return "" if value is None else value


def _circuit_rows(facts: ReportFacts) -> Iterable[Sequence[Cell]]:
    for circuit in facts.circuits:
        a = circuit.answer
        yield (
            facts.customer_id, a.month, a.circuit_id, a.timezone, iso(a.start_s), iso(a.end_s),
            a.seconds.total, iso(a.complete_up_to_s), _truth(a.final), a.calculation_version,
            a.seconds.up, a.seconds.down, a.seconds.excluded, a.seconds.unmeasured,
            a.as_experienced.up, a.as_experienced.down, a.as_experienced.unmeasured,
            a.bad_but_not_down_seconds, a.coverage, a.availability_contractual,
            a.availability_as_experienced, a.availability_formula, a.availability_bounds[0],
            a.availability_bounds[1], a.verdict, a.credit_percent, a.credit_reason,
            a.budget_allowed_seconds, a.budget_left_seconds, a.credit_amount, a.credit_currency,
            None if a.credit_issued is None else _truth(a.credit_issued),
            None if a.credit_claim_by_s is None else iso(a.credit_claim_by_s), a.credit_working,
        )  # fmt: skip


def _truth(value: bool) -> str:
    return "true" if value else "false"


def _table(columns: Sequence[str], rows: Iterable[Sequence[Cell]]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(columns)
    writer.writerows([safe_cell(cell) for cell in row] for row in rows)
    return text.getvalue().encode()
