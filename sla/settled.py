"""Which time counts only as a whole for what final months promise beside availability.

What qualified for the objectives of a month (DESIGN 7.7) is summed; once the month is final, its
minutes need not be told apart any more, and the housekeeper may fold them (processors/minutes.py).
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from linksla.settings import TimeSettings
from sla import telemetry
from sla.calendar import months_between
from sla.history import CircuitHistory
from sla.months import months_of, periods_of
from sla.network import OnNetwork
from sla.outages import open_proposals
from sla.ownership import owned, owned_by
from sla.performance import qualifying, rollup_seconds
from sla.periods import Ownership, Period
from sla.scope import AllCustomers

_EVERYONE = AllCustomers(commercial=True)

Pieces = tuple[tuple[int, int], ...]


class OnSettled(OnNetwork):
    """Base of `sla.queries.Queries`: what the housekeeper asks before it folds minutes."""

    _time: TimeSettings

    def settled(self, circuit_ids: Sequence[str], from_s: int, to_s: int) -> Mapping[str, Pieces]:
        """Return [from, to) of whole rollup steps by circuit, apart from each other, in order.

        Everybody who may see a month of the circuit counts all of a piece or nothing of it, and
        somebody counts it. Circuits and times of which a month is not final are left out.
        """
        seen = self._visible(_EVERYONE, circuit_ids)
        with self._snapshot() as cursor:
            facts = telemetry.read(cursor, list(seen))
            histories = self._histories.of(cursor, facts, seen)
        close_after = self._time.close_after_seconds
        return {
            name: settled_pieces(history, from_s, to_s, close_after)
            for name, history in histories.items()
        }


def settled_pieces(
    history: CircuitHistory, from_s: int, to_s: int, close_after_seconds: int
) -> Pieces:
    """Return what `OnSettled.settled` does of one circuit."""
    step = rollup_seconds(history.circuit)
    counted: list[tuple[int, int]] = []
    cuts = {from_s, to_s}
    for period in _periods(history, from_s, to_s):
        if not _final(history, period, close_after_seconds):
            return ()
        for lower, upper in qualifying(period, step):
            lower, upper = max(lower, from_s), min(upper, to_s)
            if lower < upper:
                counted.append((lower, upper))
                cuts |= {lower, upper}
    return tuple(
        (lower, upper)
        for lower, upper in pairwise(sorted(cuts))
        if upper - lower > step and any(a <= lower and upper <= b for a, b in counted)
    )


def _periods(history: CircuitHistory, from_s: int, to_s: int) -> Iterator[Period]:
    """Yield the segments of the range's months, as each who may see the circuit sees them."""
    circuit = history.circuit
    owners = {owner.customer for owner in circuit.owners}
    views: set[Ownership] = set(owned(circuit, _EVERYONE))
    for customer in owners:
        views |= set(owned_by(circuit, _EVERYONE, customer))
    near = {
        month
        for part in history.complete
        for month in months_between(
            from_s, to_s, part.in_force.contract.timezone, part.in_force.contract.anniversary_day
        )
    }
    for own in sorted(views, key=lambda one: (one.start_s, one.end_s, one.customer_id)):
        for month in months_of(history, [own]):
            if month in near:
                yield from periods_of(history, [own], month)


def _final(history: CircuitHistory, period: Period, close_after_seconds: int) -> bool:
    settling = period.history.in_force.contract.availability.consecutive
    settled_s = period.month_end_s + settling * history.circuit.grid_seconds + close_after_seconds
    is_open = open_proposals(period.history, period.start_s, period.month_end_s)
    return history.complete_up_to_s >= settled_s and not is_open
