"""What a contract promises about outages, beside availability: how many, how long, how often.

Sources: MEF 61.1 (mean time to restore, of outages that start in the period); Ziply wavelength and
dark fibre SLA ("chronic": five interruptions of 30 minutes in any 30 days).
"""

from typing import Final

from pydantic import Field
from pydantic.dataclasses import dataclass

from linksla.config import STRICT

COUNT: Final = "outages"
LONGEST: Final = "longest outage"
RESTORE: Final = "mean time to restore"
CHRONIC: Final = "chronic circuit"
NAMES: Final = (COUNT, LONGEST, RESTORE, CHRONIC)
"""Names of the objectives that follow from these terms."""


@dataclass(config=STRICT, frozen=True, slots=True, kw_only=True)
class ChronicTerms:
    """A circuit is chronic after so many outages of at least so long within any so many days."""

    outages: int = Field(ge=2)
    lasting_seconds: int = Field(ge=1)
    within_days: int = Field(ge=1, le=366)


@dataclass(config=STRICT, frozen=True, slots=True, kw_only=True)
class OutageTerms:
    """Objectives on a month's outages; what is left out is not promised."""

    count_max: int | None = Field(default=None, ge=0)  # that begin in the month
    longest_seconds_max: int | None = Field(default=None, ge=1)
    restore_mean_seconds_max: int | None = Field(default=None, ge=1)
    chronic: ChronicTerms | None = None
    repeat_within_days: int = Field(default=30, ge=1, le=366)  # what is called a repeat: no promise
