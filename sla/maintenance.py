"""Maintenance windows: one record, three separate effects (mute, exclude, show).

A record with a `ticket` is no maintenance: it says when that ticket waits for the customer, and
the clock of the circuit's outages stands still (MEF 124: a ticket that is `pending`).
"""

from pathlib import Path
from typing import Final

import yaml
from pydantic.dataclasses import dataclass

from linksla.config import STRICT, load
from linksla.errors import ConfigError
from linksla.inventory import Circuit, Instant, Name

STILL_S: Final = 253_402_300_800  # the year 10000: a ticket that still waits


@dataclass(config=STRICT, frozen=True, slots=True, kw_only=True)
class MaintenanceWindow:
    """One announced window, [start, end), on a circuit, one of its channels, or a site."""

    id: Name
    circuit: Name | None = None
    channel: Name | None = None  # only with circuit
    site: Name | None = None  # instead of circuit
    start: Instant
    end: Instant = STILL_S  # left out only while a ticket still waits
    announced_at: Instant
    proposed_by: Name
    approved_by: Name | None = None
    refused_by: Name | None = None  # whatever its notice
    reason: Name
    ticket: Name | None = None  # not maintenance: this ticket waits for the customer
    mute_alerts: bool = True
    exclude_from_sla: bool = True
    show_to_customer: bool = True

    @property
    def scope(self) -> str:
        """What it is about, in words: `circuit`, `site Denver`, `channel ch1`, `ticket INC-7`."""
        if self.ticket is not None:
            return f"ticket {self.ticket}"
        if self.site is not None:
            return f"site {self.site}"
        return "circuit" if self.channel is None else f"channel {self.channel}"

    def covers(self, circuit: Circuit) -> bool:
        """Return whether it bears on a circuit at all."""
        return self.circuit == circuit.id or (self.site is not None and self.site == circuit.site)


@dataclass(config=STRICT, frozen=True, slots=True, kw_only=True)
class _MaintenanceFile:
    windows: tuple[MaintenanceWindow, ...]


def load_maintenance(path: Path) -> tuple[MaintenanceWindow, ...]:
    """Read a maintenance file (`windows:` a list); a missing file means none.

    Raises:
        ConfigError: it does not fit.
    """
    if not path.exists():
        return ()
    windows = load(path, _MaintenanceFile).windows
    seen: set[str] = set()
    for number, window in enumerate(windows):
        wrong = fault(window, seen)
        if wrong:
            raise ConfigError(
                f"window {window.id!r} {wrong}",
                where=_place(path, number),
                hint="Give it a circuit (and channel) or a site, and an end after its start.",
            )
        seen.add(window.id)
    return windows


def fault(window: MaintenanceWindow, seen: set[str]) -> str | None:
    """Return what is wrong with a window beside others of these ids, or None."""
    if (window.circuit is None) == (window.site is None):
        return "must name a circuit or a site, and not both"
    if window.channel is not None and window.circuit is None:
        return "has a channel but no circuit"
    if window.ticket is not None and (window.circuit is None or window.channel is not None):
        return "has a ticket: it must name a circuit, and no site or channel"
    if window.end == STILL_S and window.ticket is None:
        return "has no end"
    if window.end <= window.start:
        return "does not end after its start"
    return "stands twice" if window.id in seen else None


def _place(path: Path, number: int) -> str:
    """Return `file:line` of one window of a file that is known to load."""
    root = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    for key, value in root.value if root is not None else ():
        if key.value == "windows":
            return f"{path}:{value.value[number].start_mark.line + 1}"
    return str(path)
