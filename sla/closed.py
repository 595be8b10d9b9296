"""Answers of months that are over, remembered by what they follow from: cost grows with the rest.

All months of a circuit are judged whenever anything about it changes, as late samples may reach any
of them. Most say what they said before, which is quicker to see than to judge again.
"""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from linksla.inventory import Circuit
from sla.answers import Bucket, MonthAnswer, ObjectiveAnswer
from sla.contracts import ContractInForce
from sla.history import CircuitHistory
from sla.judged import JudgedRun
from sla.months import is_final, month_answer
from sla.periods import Ownership, Period, Version

_MONTHS_MAX: Final = 8_192  # of a busy circuit a month's runs are some 100 kB, of most nothing

_Runs = tuple[JudgedRun, ...]


@dataclass(frozen=True, slots=True)
class _Basis:
    """What a month's answer follows from when nobody decided anything about the circuit."""

    circuit: Circuit
    periods: tuple[tuple[ContractInForce, Ownership, str, int, int, int, int], ...]
    runs: tuple[tuple[_Runs, _Runs, _Runs], ...]
    objectives: tuple[tuple[ObjectiveAnswer, ...], ...]
    version: Version


class ClosedMonths:
    """A bounded memory before `month_answer`; safe in any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: OrderedDict[tuple[str, str, Ownership], tuple[_Basis, MonthAnswer]] = (
            OrderedDict()
        )

    def answer(
        self,
        history: CircuitHistory,
        periods: Sequence[Period],
        objectives: Sequence[Sequence[ObjectiveAnswer]],
        version: Version,
        close_after_seconds: int,
    ) -> MonthAnswer:
        """Return what `month_answer` does."""
        basis = _basis(history, periods, objectives, version)
        if basis is None:
            return month_answer(history, periods, objectives, version, close_after_seconds)
        last = periods[-1]
        key = (history.circuit.id, last.month, last.own)
        with self._lock:
            known, answer = self._known.get(key, (None, None))
        if answer is None or known != basis:
            answer = month_answer(history, periods, objectives, version, close_after_seconds)
            with self._lock:
                self._known[key] = (basis, answer)
                self._known.move_to_end(key)
                while len(self._known) > _MONTHS_MAX:
                    self._known.popitem(last=False)
            return answer
        final = is_final(history, last, answer.open_proposals, close_after_seconds)
        return replace(answer, complete_up_to_s=last.complete_up_to_s, final=final)


def _basis(
    history: CircuitHistory,
    periods: Sequence[Period],
    objectives: Sequence[Sequence[ObjectiveAnswer]],
    version: Version,
) -> _Basis | None:
    """Return what an answer follows from, or None: more than that.

    An outage that goes on beyond the month's end still grows; what people decided may bear on
    what comes later.
    """
    if periods[-1].rest:  # it moves with every poll: remembering it would never pay
        return None
    runs = []
    for period in periods:
        part, end_s = period.history, periods[-1].end_s
        if part.decisions or part.reclassified or part.excluded:
            return None
        nominal = _until(part.runs, end_s)
        if not nominal or nominal[-1].as_experienced is not Bucket.UP:
            return None
        runs.append((nominal, _until(part.unknown_good, end_s), _until(part.unknown_bad, end_s)))
    return _Basis(
        history.circuit,
        tuple(
            (
                one.history.in_force, one.own, one.customer_id, one.start_s, one.end_s,
                one.full_end_s, one.month_end_s,
            )
            for one in periods
        ),
        tuple(runs),
        tuple(tuple(some) for some in objectives),
        version,
    )  # fmt: skip


def _until(runs: Sequence[JudgedRun], end_s: int) -> _Runs:
    """Return the runs up to an instant; nothing beyond it is told."""
    before = [run for run in runs if run.start_s < end_s]
    if before and before[-1].end_s > end_s:
        before[-1] = before[-1].cut(before[-1].start_s, end_s)
    return tuple(before)
