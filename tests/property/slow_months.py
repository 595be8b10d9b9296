"""A month judged slowly, unit by unit of time, from the words of DESIGN 6 and 7: an oracle.

Nothing here is shared with the judge but the dataclasses that say what is asked. No runs, no SQL:
for each unit (half a cell) it is looked up, in turn, what every channel was, what the circuit was,
whether it was up, who takes the unit out, and whose outage it is.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from itertools import pairwise
from zoneinfo import ZoneInfo

from linksla.inventory import Circuit
from sla.attributions import Act, Attribution, AttributionWord
from sla.contracts import Contract
from sla.maintenance import MaintenanceWindow

UNIT = 300  # seconds; half a cell: windows, months and versions may cut cells
GRID = 600
LADDER = [Fraction(s) for s in ("0", ".001", ".01", ".05", ".1", ".25", ".5", ".75", "1")]
EVIDENCE = {  # BGP (0 not known, 1 established, 2 not), loss class of the ladder
    "G": (1, 0), "B": (2, 0), "m": (0, 0), "n": (1, None), "b": (2, None), "e": (1, 6),
    "l": (1, 7), "o": (0, 8), "u": (0, None), "?": None,
}  # fmt: skip


@dataclass
class Story:
    """What happened to one circuit, and what was said about it."""

    circuit: Circuit
    versions: tuple[Contract, ...]
    texts: dict[str, str]  # channel's letters, a cell each, from the circuit's first cell on
    horizon: int
    windows: list[MaintenanceWindow] = field(default_factory=list)
    words: list[AttributionWord] = field(default_factory=list)

    @property
    def first(self) -> int:
        """The start of the cell that the circuit begins in."""
        return self.circuit.active_from // GRID * GRID


@dataclass
class Part:
    """A segment as it must come out."""

    start: int
    end: int
    seconds: Counter[str]
    bad: Counter[str]  # every unknown taken as bad
    good: Counter[str]
    verdict: str
    credit: Fraction
    allowed: int


@dataclass
class Month:
    """A month as it must come out."""

    parts: list[Part]
    seconds: Counter[str]
    experienced: Counter[str]
    bad_but_not_down: int
    taken: Counter[str]  # seconds by window or proposal
    verdict: str
    credit: Fraction


def bounds(month: str, zone: str) -> tuple[int, int]:
    year, number = int(month[:4]), int(month[5:])
    following = (year + 1, 1) if number == 12 else (year, number + 1)
    first, last = (datetime(y, m, 1, tzinfo=ZoneInfo(zone)) for y, m in ((year, number), following))
    return int(first.timestamp()), int(last.timestamp())


def slow_month(story: Story, month: str) -> Month:
    lower, upper = bounds(month, story.versions[0].timezone)
    lower = max(lower, story.circuit.active_from)
    nominal = _Sight(story, "?")
    all_good, all_bad = _Sight(story, "G"), _Sight(story, "B")
    whose = _rulings(story, nominal)
    kinds = [sight.buckets(whose) for sight in (nominal, all_good, all_bad)]
    changes = {one.start for one in story.circuit.prices} | {v.valid_from for v in story.versions}
    cuts = [lower, *sorted(at for at in changes if at and lower < at < upper), upper]
    parts = []
    for start, end in pairwise(cuts):
        inside = range(nominal.at(start), nominal.at(end))
        sums = [_seconds(kind[number] for number in inside) for kind in kinds]
        parts.append(_part(_version(story, start), start, end, *sums))
    inside = range(nominal.at(lower), nominal.at(upper))
    grave = ["met", "not_assessable", "breached"]
    return Month(
        parts,
        _seconds(kinds[0][number] for number in inside),
        _seconds(nominal.availability[number] for number in inside),
        sum(UNIT for i in inside if nominal.states[i] == "B" and kinds[0][i] == "u"),
        Counter(name for i in inside if (name := nominal.takers.get(i)) for _ in range(UNIT)),
        max((part.verdict for part in parts), key=grave.index),
        sum((p.credit * Fraction(p.end - p.start, upper - lower) for p in parts), Fraction(0)),
    )


def _seconds(kinds: Iterator[str]) -> Counter[str]:
    return Counter({kind: count * UNIT for kind, count in Counter(kinds).items()})


def _part(
    terms: Contract, start: int, end: int, seconds: Counter[str], good: Counter[str],
    bad: Counter[str],
) -> Part:  # fmt: skip
    promise = terms.availability

    def allowed(one: Counter[str]) -> Fraction:
        counted = one["u"] + one["d"]
        if promise.denominator == "whole_period":
            counted = one.total()
        return counted * (100 - promise.target_percent) / 100

    def breached(one: Counter[str]) -> bool:
        return one["d"] > allowed(one)

    measured, counted = seconds["u"] + seconds["d"], seconds.total() - seconds["x"]
    covered = Fraction(100 * measured, counted) if counted else None
    if bad["x"] == bad.total():
        verdict = "not_assessable"
    elif breached(bad) == breached(good):
        verdict = "breached" if breached(bad) else "met"
        if not measured:
            verdict = "not_assessable"
    elif not measured or covered is None or covered < promise.coverage_percent_min:
        verdict = "not_assessable"
    else:
        verdict = "breached" if breached(seconds) else "met"
    credit = Fraction(0)
    if verdict == "breached" and measured:
        share = Fraction(100 * seconds["u"], measured)
        if promise.denominator == "whole_period":
            share = Fraction(100 * (seconds.total() - seconds["d"]), seconds.total())
        for lower, percent in reversed(terms.credit[0].bands):
            if share >= lower:
                credit = percent
    return Part(start, end, seconds, bad, good, verdict, credit, int(allowed(seconds)))


def _version(story: Story, at: int) -> Contract:
    started = [one for one in story.versions if (one.valid_from or 0) <= at]
    return started[-1] if started else story.versions[0]


def _accepted(story: Story, window: MaintenanceWindow) -> bool:
    terms = _version(story, window.start)
    if window.ticket is not None and not terms.exclusions.waiting_for_customer:
        return False
    if not window.exclude_from_sla or window.refused_by:
        return False
    if window.approved_by and window.approved_by != window.proposed_by:
        return True
    notice = terms.maintenance.notice_hours * 3_600
    return window.ticket is None and window.start - window.announced_at >= notice


class _Sight:
    """The circuit's whole time, with unknown cells taken as unknown, good or bad."""

    def __init__(self, story: Story, unknown: str) -> None:
        self.story, self.unknown = story, unknown
        self.count = (story.horizon - story.first) // UNIT
        accepted = [one for one in story.windows if _accepted(story, one)]
        self.windows = [one for one in accepted if one.ticket is None]
        self.waits = [one for one in accepted if one.ticket is not None]
        self.states = "".join(self._state(number, set()) for number in range(self.count))
        need = story.versions[0].availability.consecutive * GRID // UNIT
        self.availability = _availability(self.states, need)
        self.if_good = _availability(
            "".join(self._state(i, self._windowed(i)) for i in range(self.count)), need
        )
        self.takers: dict[int, str] = {}

    def at(self, second: int) -> int:
        return (second - self.story.first) // UNIT

    def time(self, number: int) -> int:
        return self.story.first + number * UNIT

    def _windowed(self, number: int) -> set[str]:
        at = self.time(number)
        return {w.channel for w in self.windows if w.channel and w.start <= at < w.end}

    def _state(self, number: int, taken_good: set[str]) -> str:
        story, cell = self.story, self.time(number) // GRID
        enabled, good, bad = 0, 0, 0
        for channel in story.circuit.channels:
            lower, upper = story.circuit.channel_active(channel)
            # a cell that it begins or ends in is its own
            if cell < lower // GRID or (upper is not None and cell * GRID >= upper):
                continue
            enabled += 1
            letter = "G"
            if channel.name not in taken_good:
                letter = self._evidence(story.texts[channel.name][cell - story.first // GRID])
            good += letter == "G"
            bad += letter == "B"
        needed = story.versions[0].availability.up_at_least
        if good >= needed:
            return "G"
        return "B" if enabled - bad < needed else "?"

    def _evidence(self, letter: str) -> str:
        known = EVIDENCE[letter]
        if known is None or known == (0, None):
            return self.unknown
        bgp, lost = known
        threshold = self.story.versions[0].availability.loss_threshold
        return "B" if bgp == 2 or (lost is not None and LADDER[lost] > threshold) else "G"

    def buckets(self, whose: dict[int, list[tuple[str, Attribution]]]) -> list[str]:
        """Return what each unit counts as: u, d, x, ?."""
        left: dict[tuple[str, int], int | None] = {}
        found = []
        for number, was in enumerate(self.availability):
            at = self.time(number)
            if at < self.story.circuit.active_from:
                found.append(was)
                continue
            taker = self._taker(number, was)
            if taker and self._cap(at, left):
                self.takers[number] = taker
                found.append("x")
            elif was == "d":
                found.append(self._said(number, whose))
            else:
                found.append(was)
        return found

    def _taker(self, number: int, was: str) -> str | None:
        at = self.time(number)
        takes = [
            (w.start, w.id)
            for w in self.windows
            if w.start <= at < w.end
            and (w.channel is None or (was != "u" and self.if_good[number] == "u"))
        ]
        return min(takes)[1] if takes else None

    def _cap(self, at: int, left: dict[tuple[str, int], int | None]) -> bool:
        """Whether the month's cap leaves room; equal caps of following versions are one."""
        versions, group = self.story.versions, 0
        for before, after in pairwise(versions):
            changes = (
                before.maintenance.cap_hours_per_month != after.maintenance.cap_hours_per_month
            )
            group += changes and after.valid_from <= at
        local = datetime.fromtimestamp(at, ZoneInfo(versions[0].timezone))
        cap = _version(self.story, at).maintenance.cap_hours_per_month
        key = (f"{local:%Y-%m}", group)
        if key not in left:
            left[key] = None if cap is None else int(cap * 3_600)
        budget = left[key]
        if budget is None:
            return True
        left[key] = budget - UNIT if budget >= UNIT else budget
        return budget >= UNIT

    def _said(self, number: int, whose: dict[int, tuple[str, Attribution]]) -> str:
        at = self.time(number)
        terms = _version(self.story, at).exclusions
        name, attribution = whose.get(number, ("", Attribution.CARRIER))
        if attribution is Attribution.MEASUREMENT_FAULT:
            return {"?": "?", "G": "u", "B": "d"}[self.unknown]
        customer = attribution is Attribution.CUSTOMER and terms.customer
        if customer or (attribution is Attribution.FORCE_MAJEURE and terms.force_majeure):
            self.takers[number] = name
            return "x"
        waits = [(w.start, w.id) for w in self.waits if w.start <= at < w.end]
        if waits:
            self.takers[number] = min(waits)[1]
            return "x"
        return "d"


def _availability(states: str, need: int) -> str:
    """Follow the rule word by word: from each unit look both ways for `need` of its kind."""
    condition, found = "u", []
    for number, state in enumerate(states):
        if state == "?":
            found.append("?")
            continue
        seen = -1  # the unit itself is met on both ways
        for way in (range(number, len(states)), range(number, -1, -1)):
            unknown = 0
            for at in way:
                unknown = unknown + 1 if states[at] == "?" else 0
                if unknown >= need or states[at] not in (state, "?") or seen >= need:
                    break
                seen += states[at] == state
        if seen >= need:
            condition = "u" if state == "G" else "d"
        found.append(condition)
    return "".join(found)


def _rulings(story: Story, nominal: _Sight) -> dict[int, tuple[str, Attribution]]:
    """Return by whose word each unit of an outage is attributed: the last approval that stands."""
    stands: dict[str, tuple[Act, AttributionWord, int]] = {}
    for word in sorted(story.words, key=lambda one: one.at_us):
        if word.act is Act.PROPOSED:
            stands[word.proposal_id] = (word.act, word, 0)
            continue
        act, proposal, _ = stands[word.proposal_id]
        other = word.who != proposal.who and act is Act.PROPOSED
        revoked = word.act is Act.REVOKED and act in (Act.PROPOSED, Act.APPROVED)
        if revoked or (word.act is not Act.REVOKED and other):
            stands[word.proposal_id] = (word.act, proposal, word.at_us)
    approved = [(at, one) for act, one, at in stands.values() if act is Act.APPROVED]
    found = {}
    for outage in _outages(nominal.availability):
        start, end = nominal.time(outage[0]), nominal.time(outage[-1] + 1)
        about = [(at, p) for at, p in approved if p.start_s < end and p.end_s > start]
        if about:
            _, last = max(about, key=lambda one: one[0])
            found |= dict.fromkeys(outage, (last.proposal_id, last.attribution))
    return found


def _outages(availability: str) -> Iterator[range]:
    """Yield each outage: from a unit down to the last one down before the next that is up."""
    onset = last = None
    for number, was in enumerate([*availability, "u"]):
        if was == "d":
            onset, last = number if onset is None else onset, number
        elif was == "u" and onset is not None and last is not None:
            yield range(onset, last + 1)
            onset = None


def whole_outages(story: Story) -> list[tuple[int, int]]:
    """Return [start, end) of the outages as experienced."""
    sight = _Sight(story, "?")
    found = _outages(sight.availability)
    return [(sight.time(one[0]), sight.time(one[-1] + 1)) for one in found]
