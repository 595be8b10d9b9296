"""Which maintenance window mutes a circuit's alarms at a moment. Pure.

Muting is one of a window's three separate effects (DESIGN 7.4): it depends neither on whether the
window is excluded from the SLA nor on whether the customer sees it.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from alerts.alarms import Muted
from linksla.clock import iso
from linksla.inventory import Circuit
from sla.maintenance import MaintenanceWindow

EVIDENCE_WAIT_SECONDS: Final = 30
"""How long after a window's end to wait for data of that end, so that an outage which ended with
the window is not announced first and cleared at once. Half of the 60 s that ALARMS.md allows."""


def muted_by(
    windows: Iterable[MaintenanceWindow],
    circuit: Circuit,
    *,
    now_s: int,
    horizon_s: int,
    channels: Sequence[str] = (),
) -> Muted | None:
    """Return the window that mutes a circuit now, or None.

    A channel's window does not mute its circuit: others are there to hold the circuit up. But what
    is about `channels` only is muted when each of them is in a window of its own. A ticket that
    waits for the customer stops a clock, and mutes nothing.
    """
    missing = set(channels)
    for window in windows:
        if not window.mute_alerts or window.ticket is not None:
            continue
        if window.channel is not None and window.channel not in missing:
            continue
        if window.circuit != circuit.id and (window.site is None or window.site != circuit.site):
            continue
        awaiting_evidence = horizon_s < window.end <= now_s < window.end + EVIDENCE_WAIT_SECONDS
        if not (window.start <= now_s < window.end or awaiting_evidence):
            continue
        missing.discard(window.channel or "")
        if window.channel is None or not missing:
            return Muted(
                f"in maintenance window {window.id} until {iso(window.end)}: {window.reason}"
            )
    return None
