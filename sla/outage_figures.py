"""Figures of a month's outages, as `MonthAnswer` carries them."""

from dataclasses import dataclass
from fractions import Fraction

from sla.words import decimal_up, duration

Json = dict[str, object]


@dataclass(frozen=True, slots=True)
class Repeat:
    """An outage soon after another of the same circuit: from its end to the onset."""

    outage_id: str
    earlier_id: str
    after_seconds: int


@dataclass(frozen=True, slots=True)
class ChronicStanding:
    """How many outages, each long enough, the circuit had within the contract's days.

    `now` counts the days up to the end of the period, `most` the days up to any onset in it.
    """

    now: int
    most: int
    needed: int
    lasting_seconds: int
    within_days: int

    @property
    def chronic(self) -> bool:
        """Whether it became chronic in the period, or one more onset kept it so."""
        return self.most >= self.needed


@dataclass(frozen=True, slots=True)
class OutageFigures:
    """Of the outages that began in the month and were down for a second of the contract's time.

    Durations are their down seconds, nothing excluded or unmeasured, also past the month's end;
    `restore_mean_seconds` (MTTR) is None without an outage.
    """

    began: int
    restore_mean_seconds: Fraction | None
    longest_seconds: int
    repeats: tuple[Repeat, ...]
    repeat_within_days: int
    chronic: ChronicStanding | None


def figures_words(figures: OutageFigures) -> str:
    """Return the figures in a sentence or three."""
    mean, chronic = figures.restore_mean_seconds, figures.chronic
    said = [_counted(figures.began, "outage began", "outages began")]
    if mean is not None:
        said = [
            f"{said[0]}: {decimal_up(mean, 1)} s to restore on average, the longest "
            f"{duration(figures.longest_seconds)}"
        ]
    if figures.repeats:
        said.append(
            _counted(len(figures.repeats), "repeat", "repeats")
            + f" within {figures.repeat_within_days} days of another"
        )
    if chronic is not None:
        said.append(
            f"{'Chronic' if chronic.chronic else 'Not chronic'}: at most {chronic.most} of "
            f"{duration(chronic.lasting_seconds)} or more within {chronic.within_days} days, "
            f"{chronic.needed} make it so"
        )
    return ". ".join(said) + "."


def _counted(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"


def figures_json(figures: OutageFigures) -> Json:
    """Return the figures as the API answers them; a mean is rounded up to a tenth of a second."""
    mean, chronic = figures.restore_mean_seconds, figures.chronic
    return {
        "began": figures.began,
        "mttr_seconds": None if mean is None else decimal_up(mean, 1),
        "longest_seconds": figures.longest_seconds,
        "repeat_within_days": figures.repeat_within_days,
        "repeats": [
            {"id": one.outage_id, "earlier": one.earlier_id, "after_seconds": one.after_seconds}
            for one in figures.repeats
        ],
        "chronic": chronic
        and {
            "outages": chronic.now,
            "most": chronic.most,
            "needed": chronic.needed,
            "lasting_seconds": chronic.lasting_seconds,
            "within_days": chronic.within_days,
            "chronic": chronic.chronic,
        },
    }
