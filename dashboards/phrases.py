"""How the portal says things: instants in a zone, sentences, marks. Pure functions."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from linksla.clock import utc
from sla.answers import CircuitSummary, Freshness, MonthAnswer, Outcome
from sla.words import duration

VERDICT_WORDS: Final = {
    Outcome.MET: "met",
    Outcome.BREACHED: "breached",
    Outcome.AT_RISK: "at risk",
    Outcome.NOT_ASSESSABLE: "not assessable",
}
_URGENCY: Final = (Outcome.BREACHED, Outcome.NOT_ASSESSABLE, Outcome.AT_RISK)
_NAMED_MAX: Final = 4  # a sentence with more names is a list; the list is below it


@dataclass(frozen=True, slots=True)
class Strip:
    """What stands above the first number of every page, and the words for it elsewhere."""

    text: str
    stale: str  # in words, empty while anything is in time
    stands: str = ""  # how circuits stand: "2 circuits behind"; it ends the text
    named: tuple[str, ...] = ()  # those of them that are not in time


def plural(count: int, word: str) -> str:
    """Return a count with its noun: `1 circuit`, `6 circuits`."""
    return f"{count:,} {word}{'' if count == 1 else 's'}"


def hours_minutes_seconds(seconds: int) -> str:
    """Return `744:00:00`."""
    return f"{seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


_INSTANTS_MAX: Final = 4_096
"""Five charts of a page have the same rows in their tables: an instant takes 12 µs to write."""


def step_words(seconds: int) -> str:
    """Return a chart's step in its largest whole unit: `30 min`, `1 d`."""
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds % size == 0:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


@lru_cache(_INSTANTS_MAX)
def local(second: int, zone: str, now_s: int, *, seconds: bool = False) -> str:
    """Return an instant in a zone: `14:55 MDT`; another day has its date, another year that too."""
    moment = utc(second).astimezone(ZoneInfo(zone))
    today = utc(now_s).astimezone(ZoneInfo(zone))
    name = moment.tzname() or ""
    clock = f"{moment:%H:%M:%S}" if seconds else f"{moment:%H:%M}"
    day = ""
    if moment.date() != today.date():
        day = f"{moment.day} {moment:%b} "
    if moment.year != today.year:
        day = f"{moment.day} {moment:%b %Y} "
    return f"{day}{clock} {name}"


def local_and_utc(second: int, zone: str, now_s: int) -> str:
    """Return `14:55 MDT (20:55Z)`; in UTC only once."""
    text = local(second, zone, now_s)
    return text if zone == "UTC" else f"{text} ({utc(second):%H:%M}Z)"


def offset(second: int, zone: str) -> str:
    """Return a zone's offset from UTC at an instant: `UTC-06:00`."""
    text = utc(second).astimezone(ZoneInfo(zone)).strftime("%z")
    return f"UTC{text[:3]}:{text[3:5]}"


def strip(fresh: Freshness, zone: str, now_s: int) -> Strip:
    """Return `Complete up to 14:55 MDT (20:55Z) · live to 14:56 · 2 circuits behind`."""
    if not fresh.circuits:
        return Strip("No circuits yet", "")
    if fresh.complete_up_to_s is None:
        return Strip(f"Nothing is complete yet · {plural(fresh.circuits, 'circuit')}", "")
    if len(fresh.silent) == fresh.circuits:
        return Strip(f"Nothing has come yet from {_circuits(fresh.circuits)}", "")
    parts = [f"Complete up to {local_and_utc(fresh.complete_up_to_s, zone, now_s)}"]
    if fresh.live_to_s is not None:
        live_to_s = min(fresh.live_to_s, now_s)  # the cell that goes on ends later
        parts.append(f"live to {local(live_to_s, zone, now_s).rsplit(' ', 1)[0]}")
    known = known_to(fresh, zone, now_s)
    if known:
        stale = f"Nothing newer than {known} has come: what this page shows is as of then."
        return Strip(" · ".join(parts), stale)
    behind = {*fresh.behind, *fresh.overdue} - set(fresh.silent)
    stands = " · ".join(_stands(fresh))
    return Strip(" · ".join([*parts, stands]), "", stands, tuple(sorted(behind)))


def known_to(fresh: Freshness, zone: str, now_s: int) -> str:
    """Return the instant of the newest sample where the next of every circuit is overdue, or ''."""
    others = fresh.circuits - fresh.ended - len(fresh.silent) - len(fresh.overdue)
    if not fresh.overdue or others > 0:
        return ""
    return local(max(fresh.overdue.values()), zone, now_s, seconds=True)


def _stands(fresh: Freshness) -> list[str]:
    """Return how circuits stand, each of them once, in the words that hold for some."""
    behind = set(fresh.behind) - set(fresh.silent) - fresh.overdue.keys()
    parts = [
        said + plural(count, "circuit") + after
        for said, count, after in (
            ("nothing newer from ", len(fresh.overdue), ""),
            ("", len(behind), " behind"),
            ("nothing yet from ", len(fresh.silent), ""),
        )
        if count
    ]
    if parts:
        return parts
    if fresh.circuits <= 2:
        return [("the circuit is in time", "both circuits in time")[fresh.circuits - 1]]
    return [f"all {fresh.circuits:,} circuits in time"]


def _circuits(count: int) -> str:
    return "the circuit" if count == 1 else f"any of {count:,} circuits"


def home_sentence(
    circuits: Sequence[CircuitSummary], fresh: Freshness, zone: str, now_s: int
) -> str:
    """Return what a customer reads first: `DEN-1 is down; 6 circuits within SLA`.

    Of time that nobody has seen it says nothing: `As of 14:55:10 MDT: …` where no circuit's next
    sample has come, `DEN-1 was down at 14:55:10 MDT` where that circuit's has not.
    """
    judged = [(c.circuit_id, c.month) for c in circuits if c.month is not None]
    if not circuits:
        return "No circuits yet."
    if not judged:
        return f"{plural(len(circuits), 'circuit')}, none measured yet this month."
    within = [name for name, month in judged if month.verdict in (Outcome.MET, Outcome.AT_RISK)]
    known = known_to(fresh, zone, now_s)
    last = {} if known else fresh.overdue
    down = [c.circuit_id for c in circuits if c.state == "down"]
    parts = [
        f"{name} was down at {local(last[name], zone, now_s, seconds=True)}"
        if name in last
        else f"{name} is down"
        for name in down[:_NAMED_MAX]
    ]
    if len(down) > _NAMED_MAX:
        parts.append(f"{len(down) - _NAMED_MAX} more down")
    parts += [f"{plural(len(within), 'circuit')} within SLA"] if within else []
    troubled = [
        (name, month) for wanted in _URGENCY for name, month in judged if month.verdict is wanted
    ]
    parts += [_trouble(name, month) for name, month in troubled[:_NAMED_MAX]]
    if len(troubled) > _NAMED_MAX:
        parts.append(f"{len(troubled) - _NAMED_MAX} more need attention")
    silent = len(circuits) - len(judged)
    if silent:
        parts.append(f"{silent} not measured yet")
    return (f"As of {known}: " if known else "") + "; ".join(parts) + "."


def _trouble(name: str, month: MonthAnswer) -> str:
    if month.verdict is Outcome.BREACHED:
        return f"{name} breached"
    if month.verdict is Outcome.NOT_ASSESSABLE:
        return f"{name} cannot be assessed"
    if month.budget_left_seconds > 0:
        return f"{name} has {duration(month.budget_left_seconds)} left"
    return f"{name} is at risk"


def bandwidth(mbps: int) -> str:
    """Return a bandwidth as it is sold: `10 Gbps`, `500 Mbps`."""
    return f"{mbps / 1000:g} Gbps" if mbps >= 1000 else f"{mbps} Mbps"


def quantity(value: float | None, unit: str) -> str:
    """Return a measured value for people: `3.05 ms`, `0.1 %`, `1.2 Gbit/s`."""
    if value is None:
        return "not measured"
    if unit == "bit/s":
        for size, prefix in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
            if abs(value) >= size:
                return f"{value / size:.3g} {prefix}bit/s"
        return f"{value:.3g} bit/s"
    if unit == "ms":
        return f"{value:.2f} ms"
    return f"{value * 100:.4g} %"  # ratio, share established
