"""How a month's downtime is being spent, as `MonthAnswer` carries it: whole numbers, no words.

Words and texts are made in `sla.spending` when somebody reads them: a poll judges thousands of
circuits, and nobody reads most of them.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction


@dataclass(frozen=True, slots=True)
class Burn:
    """One of the burn-rate rules: how fast the allowance went over a long and a short window.

    A rate of 1 spends exactly the whole allowance over the whole month; None: the contract allows
    nothing and something was down.
    """

    long_seconds: int
    short_seconds: int
    factor: Fraction  # both rates must exceed it
    long_rate: Fraction | None
    short_rate: Fraction | None
    burning: bool
    calm: bool  # at most half the factor in the short window, even were its unmeasured time down


@dataclass(frozen=True, slots=True)
class Range:
    """Down seconds in past stretches as long as what is left of the month: how they lay."""

    low: int
    middle: int  # nearest rank
    high: int
    stretches: int
    met: int  # in so many of them the month would be met


@dataclass(frozen=True, slots=True)
class Forecast:
    """How an open month may end, were the rest of it like the past.

    `counted_seconds`: what the formula will divide by, if all of the rest is measured. `past` is
    None where too little of the past is known.
    """

    rest_seconds: int
    known_seconds: int  # of the past, up to now
    counted_seconds: int
    down_seconds: int  # so far
    look_back: Callable[[], Range | None] = field(compare=False, repr=False)

    @property
    def past(self) -> Range | None:
        """How past stretches lay; looked up when it is first read."""
        return self.look_back()


@dataclass(frozen=True, slots=True)
class Budget:
    """Down seconds the target allows in the month, and what is left of them.

    `left_seconds` is 0 once the month is breached, by `overspent_seconds`: never both above 0. Of
    a month in segments it is what is left until the open (or last) one is breached. `burn` is empty
    and `forecast` None once the month is over.
    """

    allowed_seconds: int
    left_seconds: int
    overspent_seconds: int
    burn: tuple[Burn, ...] = ()
    forecast: Forecast | None = None

    @property
    def burning(self) -> Burn | None:
        """The fastest rule that holds."""
        return next((one for one in self.burn if one.burning), None)
