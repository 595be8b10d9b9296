"""The ledger by circuit and UTC day: what came badly, and whether a verdict changed by it."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import duckdb

from linksla.clock import utc
from linksla.inventory import DAY_SECONDS
from linksla.sql import statement
from sla.answers import LedgerLine
from sla.network import OnNetwork
from sla.records import Seen, read_ledger
from sla.scope import AllCustomers, Scope

TOO_LATE: Final = "too late"


@dataclass(frozen=True, slots=True)
class VerdictRestated:
    """A calculation whose verdicts are others because of a day's late or conflicting samples.

    `late` and `conflicting`: samples of that day that came between the last judgement and this
    one; one that was both is counted in both.
    """

    month: str
    calculation_version: int
    late: int
    conflicting: int
    reason: str


@dataclass(frozen=True, slots=True)
class LedgerDay:
    """What the ledger holds of a circuit and UTC day; counts are samples.

    `circuit_id` None: what belongs to no circuit, such as rejects that name none. `day` None: not
    known. `rejected` are counted on the day they came, all others on the day they were observed.
    `too_late`: late, and older than raw samples are kept; `gap`: messages that were gone.
    `verdicts`: those that changed because of this day.
    """

    circuit_id: str | None
    day: str | None
    late: int
    too_late: int
    duplicate: int
    conflicting: int
    rejected: int
    gap: int
    rejected_reasons: tuple[tuple[str, int], ...]
    verdicts: tuple[VerdictRestated, ...]


class OnLedger(OnNetwork):
    """Base of `sla.queries.Queries`: the ledger, as far as a reader may see it."""

    def ledger(self, scope: Scope, circuit_id: str | None = None) -> tuple[LedgerLine, ...]:
        """Return the counts of late, duplicate, conflicting and rejected samples."""
        wanted = self._inventory.circuits if circuit_id is None else [circuit_id]
        seen = self._visible(scope, wanted)
        whole = circuit_id is None and isinstance(scope, AllCustomers)
        with self._snapshot() as cursor:
            return read_ledger(cursor, seen, whole_stream=whole)

    def ledger_days(
        self, scope: Scope, circuit_id: str | None = None, month: str | None = None
    ) -> tuple[LedgerDay, ...]:
        """Return the ledger by circuit and UTC day, with the verdicts that changed because of it.

        `month` YYYY-MM: only days with a date in it.
        """
        lines = self.ledger(scope, circuit_id)
        named = {line.circuit_id for line in lines} & self._inventory.circuits.keys()
        seen = self._visible(scope, sorted(name for name in named if name is not None))
        with self._snapshot() as cursor:
            days = by_day(cursor, seen, lines)
        return days if month is None else within_month(days, month)


def by_day(
    cursor: duckdb.DuckDBPyConnection,
    seen: Seen,
    lines: Iterable[LedgerLine],
) -> tuple[LedgerDay, ...]:
    """Return lines of the ledger by circuit and day, with the verdicts that changed by them.

    A verdict is shown to who may see all the time that was judged.
    """
    counts: dict[tuple[str | None, str | None], Counter[str]] = {}
    reasons: dict[tuple[str | None, str | None], Counter[str]] = {}
    for line in lines:
        place = (line.circuit_id, line.day)
        kind = line.kind
        if kind == "late" and line.detail:
            kind = TOO_LATE
        counts.setdefault(place, Counter())[kind] += line.count
        if kind == "rejected":
            reasons.setdefault(place, Counter())[line.detail] += line.count
    verdicts: dict[tuple[str | None, str | None], list[VerdictRestated]] = {}
    rows = cursor.execute(statement("sla", "restatements"), {"circuit_ids": list(seen)}).fetchall()
    for circuit_id, day, month, version, start_s, end_s, late, conflicting, reason in rows:
        if any(own.start_s <= start_s and end_s <= own.end_s for own in seen[circuit_id]):
            named = utc(day * DAY_SECONDS).strftime("%Y-%m-%d")
            verdicts.setdefault((circuit_id, named), []).append(
                VerdictRestated(month, version, late, conflicting, reason)
            )
    order = sorted(counts, key=lambda place: (place[0] is None, place[0] or "", place[1] or ""))
    return tuple(
        _day(place, counts[place], reasons.get(place, Counter()), verdicts.get(place, ()))
        for place in order
    )


def within_month(days: Iterable[LedgerDay], month: str) -> tuple[LedgerDay, ...]:
    """Return the days whose UTC date is in a month YYYY-MM."""
    return tuple(one for one in days if one.day is not None and one.day.startswith(f"{month}-"))


def _day(
    place: tuple[str | None, str | None],
    counts: Counter[str],
    reasons: Counter[str],
    verdicts: Sequence[VerdictRestated],
) -> LedgerDay:
    return LedgerDay(
        *place,
        late=counts["late"],
        too_late=counts[TOO_LATE],
        duplicate=counts["duplicate"],
        conflicting=counts["conflicting"],
        rejected=counts["rejected"],
        gap=counts["gap"],
        rejected_reasons=tuple(sorted(reasons.items())),
        verdicts=tuple(verdicts),
    )
