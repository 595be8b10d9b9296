"""What of a circuit's time a reader may see: the ownerships of customers in scope (DESIGN 11)."""

from linksla.inventory import Circuit
from sla.history import FAR_AHEAD_S
from sla.periods import Ownership
from sla.scope import AllCustomers, Scope


def owned(circuit: Circuit, scope: Scope) -> tuple[Ownership, ...]:
    """Return the ownerships in scope, oldest first; none means: as if it did not exist.

    Who may see every customer sees the circuit's whole time in one piece.
    """
    if isinstance(scope, AllCustomers):
        return (Ownership(circuit.owners[-1].customer, circuit.active_from, FAR_AHEAD_S),)
    return tuple(
        sorted(
            (own for own in _all(circuit) if scope.allows(own.customer_id)),
            key=lambda own: own.start_s,
        )
    )


def owned_by(circuit: Circuit, scope: Scope, customer_id: str) -> tuple[Ownership, ...]:
    """Return one customer's ownerships, if that customer is in scope."""
    if not scope.allows(customer_id):
        return ()
    return tuple(own for own in _all(circuit) if own.customer_id == customer_id)


def _all(circuit: Circuit) -> tuple[Ownership, ...]:
    return tuple(
        Ownership(
            owner.customer,
            circuit.active_from if owner.start is None else max(owner.start, circuit.active_from),
            FAR_AHEAD_S if owner.end is None else owner.end,
        )
        for owner in circuit.owners
        if owner.end is None or owner.end > circuit.active_from
    )
