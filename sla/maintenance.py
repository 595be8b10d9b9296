"""Maintenance windows: one record, three separate effects (mute, exclude, show)."""

from pathlib import Path

from pydantic.dataclasses import dataclass

from linksla.config import STRICT
from linksla.inventory import Instant, Name


@dataclass(config=STRICT, frozen=True, slots=True, kw_only=True)
class MaintenanceWindow:
    """One announced window, [start, end), on a circuit, one of its channels, or a site."""

    id: Name
    circuit: Name | None = None
    channel: Name | None = None  # only with circuit
    site: Name | None = None  # instead of circuit
    start: Instant
    end: Instant
    announced_at: Instant
    proposed_by: Name
    approved_by: Name | None = None
    reason: Name
    mute_alerts: bool = True
    exclude_from_sla: bool = True
    show_to_customer: bool = True


def load_maintenance(path: Path) -> tuple[MaintenanceWindow, ...]:
    """Read a maintenance file (`windows:` a list); a missing file means none.

    Raises:
        ConfigError: it does not fit.
    """
    raise NotImplementedError
