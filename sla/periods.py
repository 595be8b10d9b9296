"""What is judged as one: an ownership, a segment of a month, a version of a calculation."""

from dataclasses import dataclass

from linksla.inventory import Circuit
from sla.answers import Owner
from sla.history import History


@dataclass(frozen=True, slots=True)
class Ownership:
    """[start_s, end_s) in which a circuit is one customer's, as far as a reader may see."""

    customer_id: str
    start_s: int
    end_s: int


@dataclass(frozen=True, slots=True)
class Period:
    """The part of a month that is judged: so far [start_s, end_s), in the end up to full_end_s."""

    month: str
    history: History
    customer_id: str
    start_s: int
    end_s: int
    full_end_s: int
    complete_up_to_s: int  # no later than the reader may see
    own: Ownership
    month_end_s: int  # where it ends for everybody: what `final` waits for

    @property
    def rest(self) -> int:
        """Seconds still to come."""
        return self.full_end_s - self.end_s


@dataclass(frozen=True, slots=True)
class Version:
    """Which calculation and which report of a month is the latest."""

    calculation: int
    report: int | None = None


def owners_in(circuit: Circuit, start_s: int, end_s: int) -> tuple[Owner, ...]:
    """Return whose a circuit is in [start_s, end_s), which is what a reader may see, in order."""
    found = []
    for owner in circuit.owners:
        lower = start_s if owner.start is None else max(owner.start, start_s)
        upper = end_s if owner.end is None else min(owner.end, end_s)
        if lower < upper:
            found.append(Owner(owner.customer, lower, upper))
    return tuple(sorted(found, key=lambda one: one.start_s))
