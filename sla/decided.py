"""Questions about what people decide on: an outage by its id, and whether a reader may see it."""

from typing import Final

from linksla.errors import UsageError
from sla import telemetry
from sla.answers import Outage
from sla.months import outages_seen
from sla.network import OnNetwork
from sla.scope import Scope

SEARCHED_MAX: Final = 500
"""Circuits whose outages are looked through when nobody names the circuit: 10 ms each, cold."""


class OnDecisions(OnNetwork):
    """Base of `sla.queries.Queries`: what the desk asks before it keeps somebody's word."""

    def outage(self, scope: Scope, outage_id: str, circuit_id: str | None = None) -> Outage | None:
        """Return the outage of an id, as far as a reader may see it, or None.

        Raises:
            UsageError: no circuit is named, and there are too many to look through.
        """
        named = self._inventory.circuits if circuit_id is None else [circuit_id]
        seen = self._visible(scope, named)
        if len(seen) > SEARCHED_MAX:
            raise UsageError(
                f"{len(seen):,} circuits are too many to look through",
                hint="Name the outage's circuit.",
            )
        with self._snapshot() as cursor:
            facts = telemetry.read(cursor, list(seen))
            for name, history in self._histories.of(cursor, facts, seen).items():
                for part in history.complete:
                    for own in seen[name]:
                        lower = max(own.start_s, part.in_force.start_s)
                        upper = min(own.end_s, part.in_force.end_s, part.end_s)
                        if lower >= upper:
                            continue
                        known = part.reclassified
                        for one in outages_seen(name, part.runs, lower, upper, own, known):
                            if one.outage_id == outage_id:
                                return one
        return None

    def sees(self, scope: Scope, circuit_id: str, start_s: int, end_s: int) -> bool:
        """Return whether any of [start_s, end_s) of a circuit may be seen."""
        owns = self._visible(scope, [circuit_id]).get(circuit_id, ())
        return any(own.start_s < end_s and own.end_s > start_s for own in owns)

    def complete_up_to(self, circuit_id: str) -> int:
        """Return the instant a circuit is complete up to; its beginning while nothing is."""
        with self._snapshot() as cursor:
            known = telemetry.complete_up_to(cursor, [circuit_id], self._held(cursor))
        return known.get(circuit_id, self._inventory.circuits[circuit_id].active_from)
