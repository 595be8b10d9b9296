"""Did a verdict change because of samples that came late or in conflict?

A verdict also changes because time goes on. So what had been judged already is judged again, with
all that is known now, up to the instant it was complete to when it was judged last: where that
gives another verdict than the one that stood, the samples that came since are its cause.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from linksla.clock import MICROSECONDS
from linksla.inventory import DAY_SECONDS
from linksla.sql import statement
from linksla.stores import TelemetryStore
from sla.evaluator import VerdictChange, canonical
from sla.queries import Queries


@dataclass(frozen=True, slots=True)
class _Judged:
    """Where things stood when a circuit was judged: watermarks in µs, the ledger's last row."""

    watermarks: Mapping[int, int | None]
    ledger_row: int


_ALL_ROWS: Final = -1


class Restatements:
    """Writes `restatement_causes` through the store's writer, in the evaluator's transaction.

    Where each circuit stood is kept in memory only. After a restart a circuit's first change is
    held against the calculation that stood, and everything late in it counts as its cause.
    """

    def __init__(self, store: TelemetryStore, queries: Queries) -> None:
        self._store = store
        self._queries = queries
        self._judged: dict[str, _Judged] = {}

    def note(self, circuit_ids: Iterable[str], changes: Iterable[VerdictChange]) -> None:
        """Note what the changes of an evaluation of these circuits follow from."""
        for change in changes:
            if change.previous is not None:
                self._note(change)
        rows = self._rows("restatement_marks")
        now = _Judged({row[0]: row[1] for row in rows}, rows[0][2] if rows else _ALL_ROWS)
        self._judged.update(dict.fromkeys(circuit_ids, now))

    def _note(self, change: VerdictChange) -> None:
        answer = change.current
        calculation = {
            "circuit_id": change.circuit_id,
            "month": change.month,
            "calculation_version": answer.calculation_version,
        }
        judged = self._judged.get(change.circuit_id)
        came = self._rows(
            "restatement_samples",
            circuit_id=change.circuit_id,
            after_row=_ALL_ROWS if judged is None else judged.ledger_row,
            first_day=answer.start_s // DAY_SECONDS - 1,  # an interval may reach over midnight
            last_day=answer.end_s // DAY_SECONDS,
        )
        if came and self._changed_before(change, self._horizon(judged, calculation)):
            for kind, day, samples in came:
                self._store.writer.execute(
                    statement("sla", "restatement_insert"),
                    {
                        **calculation, "start_s": answer.start_s, "end_s": answer.end_s,
                        "kind": kind, "day": day, "samples": samples,
                    },
                )  # fmt: skip

    def _horizon(self, judged: _Judged | None, calculation: Mapping[str, object]) -> int:
        """Return what the month was complete up to when it was judged last."""
        ((complete_up_to_s, partition, grid),) = self._rows("restatement_before", **calculation)
        watermark_us = None if judged is None else judged.watermarks.get(partition)
        if watermark_us is None:
            return int(complete_up_to_s)
        folded_to_s = watermark_us // MICROSECONDS // int(grid) * int(grid)
        return max(folded_to_s, int(complete_up_to_s))

    def _changed_before(self, change: VerdictChange, horizon_s: int) -> bool:
        again = self._queries.month_as_of(
            self._store.writer, change.circuit_id, change.month, horizon_s
        )
        return again is None or canonical(again) != change.previous

    def _rows(self, name: str, **inputs: object) -> list[Any]:
        return self._store.writer.execute(statement("sla", name), inputs).fetchall()
