"""The truth about a world: what every second was, and what Kafka was given.

Computed from what was injected, by interval arithmetic; never from the samples, and never with
anything of the pipeline.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from linksla.clock import iso, utc
from simulator.availability import (
    Availability,
    ChannelTime,
    Judged,
    State,
    judge,
    merge,
)
from simulator.counts import Counts, counts
from simulator.faults import (
    Blindness,
    ClockSkew,
    Impairment,
    Silence,
)
from simulator.intervals import (
    Interval,
    Intervals,
    first_seconds,
    intersect,
    seconds,
    subtract,
    union,
)
from simulator.world import SimulatedChannel, SimulatedCircuit, Window, World


@dataclass(frozen=True, slots=True)
class TrueOutage:
    """From the onset of down to the onset of up after it; `end_s` None: still down at the end.

    Seconds are those within the month it is listed in; `carried_in`: its onset is earlier.
    """

    start_s: int
    end_s: int | None
    down_seconds: int
    excluded_seconds: int
    carried_in: bool

    def to_json(self) -> dict[str, object]:
        """Return it as JSON values; instants in ISO 8601 with Z."""
        return {
            "start": iso(self.start_s),
            "end": None if self.end_s is None else iso(self.end_s),
            "down_seconds": self.down_seconds,
            "excluded_seconds": self.excluded_seconds,
            "carried_in": self.carried_in,
        }


@dataclass(frozen=True, slots=True)
class TrueMonth:
    """One circuit's month: seconds in each bucket, contractual and as experienced."""

    month: str
    start_s: int
    end_s: int
    up: int
    down: int
    excluded: int
    unmeasured: int
    experienced_up: int
    experienced_down: int
    experienced_unmeasured: int
    bad_but_not_down: int
    outages: tuple[TrueOutage, ...]

    def to_json(self) -> dict[str, object]:
        """Return it as JSON values, with the keys of DESIGN 9's answer."""
        return {
            "month": self.month,
            "period": {
                "start": iso(self.start_s),
                "end": iso(self.end_s),
                "seconds": self.end_s - self.start_s,
            },
            "seconds": {
                "up": self.up,
                "down": self.down,
                "excluded": self.excluded,
                "unmeasured": self.unmeasured,
            },
            "as_experienced_seconds": {
                "up": self.experienced_up,
                "down": self.experienced_down,
                "unmeasured": self.experienced_unmeasured,
            },
            "bad_but_not_down_seconds": self.bad_but_not_down,
            "outages": [outage.to_json() for outage in self.outages],
        }


@dataclass(frozen=True, slots=True)
class Truth:
    """All circuits' months, and the counts."""

    months: Mapping[str, Mapping[str, TrueMonth]]
    counts: Counts

    def to_json(self) -> dict[str, object]:
        """Return `{"circuits": {id: {"months": {"2025-10": …}}}, "counts": …}`."""
        return {
            "circuits": {
                circuit_id: {"months": {name: month.to_json() for name, month in months.items()}}
                for circuit_id, months in self.months.items()
            },
            "counts": self.counts.to_json(),
        }


def truth(world: World, up_to_s: int | Mapping[str, int]) -> Truth:
    """Return the truth as it can be known at an instant, or at one instant per circuit.

    The open month's period ends there (rounded down to a whole cell), and a run that is too short
    so far to turn the state has not turned it.
    """
    of_circuit = up_to_s if isinstance(up_to_s, Mapping) else dict.fromkeys(_ids(world), up_to_s)
    months = {
        circuit.id: {
            month.month: month for month in _months(world, circuit, of_circuit[circuit.id])
        }
        for circuit in world.circuits
        if circuit.id in of_circuit
    }
    last = max(of_circuit.values(), default=world.start_s)
    return Truth(months, counts(world, world.start_s, last))


def _ids(world: World) -> list[str]:
    return [circuit.id for circuit in world.circuits]


def month_bounds(month: str, timezone: str, anniversary_day: int = 1) -> Interval:
    """Return a contract month, from local midnight of its day to that of the next month."""
    year, number = int(month[:4]), int(month[5:])
    following = (year + number // 12, number % 12 + 1)
    return (
        _midnight(year, number, anniversary_day, timezone),
        _midnight(*following, anniversary_day, timezone),
    )


def _midnight(year: int, month: int, day: int, timezone: str) -> int:
    zone = ZoneInfo(timezone)
    while True:  # the last day where the month is shorter
        try:
            return int(datetime(year, month, day, tzinfo=zone).timestamp())
        except ValueError:
            day -= 1


def _month_names(timezone: str, life: Interval) -> Iterator[str]:
    local = utc(life[0]).astimezone(ZoneInfo(timezone))
    year, number = local.year, local.month
    while month_bounds(f"{year}-{number:02}", timezone)[0] < life[1]:
        yield f"{year}-{number:02}"
        year, number = year + number // 12, number % 12 + 1


def _months(world: World, circuit: SimulatedCircuit, up_to_s: int) -> Iterator[TrueMonth]:
    ends = [up_to_s // circuit.grid_seconds * circuit.grid_seconds]
    if circuit.active_to_s is not None:
        ends.append(circuit.active_to_s)
    life = (circuit.active_from_s, min(ends))
    if life[0] >= life[1]:
        return
    channels = {c.name: channel_time(world, circuit, c, life[1]) for c in circuit.channels}
    runs = merge(channels, circuit.terms.up_at_least, life)
    judged = judge(runs, circuit.grid_seconds, circuit.terms.consecutive)
    excluded = excluded_seconds(world, circuit, channels, judged, life)
    bad = union((a, b) for state, a, b in runs if state is State.BAD)
    for name in _month_names(circuit.terms.timezone, life):
        start, end = month_bounds(name, circuit.terms.timezone)
        period = (max(start, life[0]), min(end, life[1]))
        yield _month(name, period, judged, excluded, bad)


def _month(
    name: str, period: Interval, judged: Judged, excluded: Intervals, bad: Intervals
) -> TrueMonth:
    within = {what: intersect((period,), judged.seconds_of(what)) for what in Availability}
    out = intersect((period,), excluded)
    left = {what: seconds(subtract(parts, out)) for what, parts in within.items()}
    outages = []
    for start, end in judged.downs:
        span = (start, period[1] if end is None else end)
        down = intersect((span,), within[Availability.DOWN])
        if seconds(intersect((span,), (period,))):
            gone = seconds(intersect((span,), out))
            outages.append(
                TrueOutage(start, end, seconds(subtract(down, out)), gone, start < period[0])
            )
    return TrueMonth(
        month=name,
        start_s=period[0],
        end_s=period[1],
        up=left[Availability.UP],
        down=left[Availability.DOWN],
        excluded=seconds(out),
        unmeasured=left[Availability.UNMEASURED],
        experienced_up=seconds(within[Availability.UP]),
        experienced_down=seconds(within[Availability.DOWN]),
        experienced_unmeasured=seconds(within[Availability.UNMEASURED]),
        bad_but_not_down=seconds(subtract(intersect(within[Availability.UP], bad), out)),
        outages=tuple(outages),
    )


def channel_time(
    world: World, circuit: SimulatedCircuit, channel: SimulatedChannel, until_s: int
) -> ChannelTime:
    """Return when a channel is enabled, bad and unknown under its circuit's terms."""
    enabled = circuit.active(channel, until_s)
    bad: list[Interval] = []
    unknown: list[Interval] = []
    for injection in world.injected(circuit.id, channel.name):
        span = (injection.start_s, injection.end_s)
        interval = world.interval_at(injection.start_s)
        match injection:
            case Impairment() if injection.is_bad(circuit.terms.loss_threshold_ppm):
                bad.append(span)
            case Silence():
                unknown.append(_cells_without(span, interval, circuit.grid_seconds))
            case Blindness():
                unknown.append(span)
            case ClockSkew(skew_seconds=skew):
                gap = (span[0], span[0] + skew) if skew > 0 else (span[1] + skew, span[1])
                unknown.append(_cells_without(gap, interval, circuit.grid_seconds))
            case _:
                pass
    if circuit.active_from_s < world.start_s:  # before the history nothing is known
        unknown.append((circuit.active_from_s, world.start_s))
    if not world.goes_on and world.end_s < until_s:
        end = -(-until_s // circuit.grid_seconds) * circuit.grid_seconds
        unknown.append(_cells_without((world.end_s, end), world.interval_s, circuit.grid_seconds))
    nothing = intersect((enabled,), union(unknown)) if enabled[0] < enabled[1] else ()
    return ChannelTime(enabled, subtract(intersect((enabled,), union(bad)), nothing), nothing)


def _cells_without(gap: Interval, interval_s: int, grid_s: int) -> Interval:
    """Return the cells that nothing was measured in, when no sample's time holds any of `gap`.

    A cell is measured when a sample starts in it, or an earlier one holds its midpoint
    (DESIGN 6); the last sample before the gap starts `interval_s` before it.
    """
    first_by_midpoint = -((grid_s - 2 * gap[0]) // (2 * grid_s)) * grid_s
    first_by_start = ((gap[0] - interval_s) // grid_s + 1) * grid_s
    return max(first_by_midpoint, first_by_start), gap[1] // grid_s * grid_s


def excluded_seconds(
    world: World,
    circuit: SimulatedCircuit,
    channels: Mapping[str, ChannelTime],
    judged: Judged,
    life: Interval,
) -> Intervals:
    """Return what accepted windows take out (DESIGN 7.4), within the monthly cap."""
    terms = circuit.terms
    accepted = [w for w in world.windows if w.covers(circuit) and is_accepted(w, circuit)]
    hours = terms.cap_hours_per_month
    free = [w for w in accepted if hours is None or _approved(w)]
    capped = [w for w in accepted if w not in free]
    out = [*_taken(free, circuit, channels, judged, life)]
    if hours is not None:
        taken = _taken(capped, circuit, channels, judged, life)
        for name in _month_names(terms.timezone, life):
            month = month_bounds(name, terms.timezone)
            out += first_seconds(intersect(taken, (month,)), hours * 3600)
    return union(out)


def is_accepted(window: Window, circuit: SimulatedCircuit) -> bool:
    """Return whether a window excludes: announced in time, or approved by somebody else."""
    notice = circuit.terms.notice_hours * 3600
    return _approved(window) or window.announced_s <= window.start_s - notice


def _approved(window: Window) -> bool:
    return window.approved_by is not None and window.approved_by != window.proposed_by


def _taken(
    windows: list[Window],
    circuit: SimulatedCircuit,
    channels: Mapping[str, ChannelTime],
    judged: Judged,
    life: Interval,
) -> Intervals:
    whole = [(w.start_s, w.end_s) for w in windows if w.channel is None]
    partial = [(w.channel, (w.start_s, w.end_s)) for w in windows if w.channel is not None]
    taken = intersect(union(whole), (life,))
    if not partial:
        return taken
    return union([*taken, *_taken_by_channels(partial, circuit, channels, judged, life)])


def _taken_by_channels(
    windows: list[tuple[str, Interval]],
    circuit: SimulatedCircuit,
    channels: Mapping[str, ChannelTime],
    judged: Judged,
    life: Interval,
) -> Intervals:
    """Return when the circuit is not up, but would be were the windows' channels good."""
    granted = {}
    for name, channel in channels.items():
        under = union(span for of, span in windows if of == name)
        granted[name] = ChannelTime(
            channel.enabled, subtract(channel.bad, under), subtract(channel.unknown, under)
        )
    runs = merge(granted, circuit.terms.up_at_least, life)
    would = judge(runs, circuit.grid_seconds, circuit.terms.consecutive)
    not_up = subtract((life,), judged.seconds_of(Availability.UP))
    under_any = union(span for _, span in windows)
    return intersect(intersect(not_up, would.seconds_of(Availability.UP)), under_any)
