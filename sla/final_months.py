"""Final months that stand as they were judged: a poll's judging costs the same after years.

All months of a circuit are judged whenever anything about it changes, as late samples may reach any
of them. With six months behind it, one that went down took 50 ms instead of 1.3, most of it to sum
what the months before had measured, and to see that nothing about them had changed.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from processors.held import Held
from sla.answering import AskedMonths
from sla.answers import Bucket, MonthAnswer
from sla.history import CircuitHistory, Historian
from sla.judged import JudgedRun
from sla.months import months_of
from sla.periods import Ownership
from sla.telemetry import Telemetry

Versions = frozenset[tuple[str, int]]
"""Months, each with the number of its calculation."""
_NONE: Final = (None, frozenset[tuple[str, int]]())


class FinalMonths:
    """Which months of circuits need not be judged again; only the writer thread calls it.

    What a final month follows from is compared each time: the circuit's entry, its windows and what
    people decided, its channels and owners, how much of it is in the ledger, and how often cells
    that were complete were folded again. Nothing is kept over a restart.
    """

    def __init__(self) -> None:
        """Nothing is known yet."""
        self._known: dict[str, tuple[object, Versions]] = {}
        self._bases: dict[str, object] = {}
        self._sets: dict[Versions, Versions] = {}  # most circuits share one

    def begin(
        self,
        facts: Telemetry,
        held: Held | None,
        historian: Historian,
        owns: Mapping[str, Sequence[Ownership]],
    ) -> None:
        """Note what the months of circuits follow from now; not `held`: nothing is certain."""
        self._bases = {} if held is None else {
            name: (
                held.reworked([one.channel_key for one in channels]),
                facts.ledger_counts.get(name, 0),
                channels,
                historian.basis(name),
                tuple(owns[name]),
            )
            for name, channels in facts.channels.items()
        }  # fmt: skip

    def asked(
        self,
        histories: Mapping[str, CircuitHistory],
        owns: Mapping[str, Sequence[Ownership]],
        versions: Mapping[tuple[str, str], int],
    ) -> list[AskedMonths]:
        """Return the months of circuits that are to be judged: of each the last one always is.

        `versions`: the calculations that are recorded. What was noted of another one, or of one
        that was rolled back, is judged again.
        """
        found = []
        for name, history in histories.items():
            months = months_of(history, owns[name])
            basis, final = self._known.get(name, _NONE)
            if final and basis == self._bases.get(name):
                months = tuple([
                    one for one in months
                    if one == months[-1] or (one, versions.get((name, one))) not in final
                ])  # fmt: skip
            found.append(AskedMonths(history, owns[name], months))
        return found

    def note(self, history: CircuitHistory, judged: Iterable[MonthAnswer]) -> None:
        """Remember which months are final and decided of those that were judged and recorded."""
        circuit_id = history.circuit.id
        if (now := self._bases.get(circuit_id)) is None:
            return
        basis, final = self._known.get(circuit_id, _NONE)
        more = {
            (one.month, one.calculation_version)
            for one in judged
            if one.final and _decided(history, one.month_end_s)
        }
        months = (final if basis == now else _NONE[1]) | more
        self._known[circuit_id] = now, self._sets.setdefault(months, months)


def _decided(history: CircuitHistory, end_s: int) -> bool:
    """Return whether nothing that is measured later can change what came before an instant.

    The circuit was up when it passed, whatever unmeasured cells were, and for so many cells after
    it that the rule of n has decided (DESIGN 7.3).
    """
    for part in history.complete:
        terms = part.in_force.contract.availability
        until_s = end_s + terms.consecutive * history.circuit.grid_seconds
        if all(
            _up(runs, end_s, until_s) for runs in (part.runs, part.unknown_good, part.unknown_bad)
        ):
            return True
    return False


def _up(runs: Sequence[JudgedRun], from_s: int, to_s: int) -> bool:
    return any(
        run.start_s < from_s and run.end_s >= to_s and not run.bad
        and run.bucket is Bucket.UP and run.as_experienced is Bucket.UP
        for run in runs
    )  # fmt: skip
