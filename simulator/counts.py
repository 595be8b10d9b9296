"""What Kafka is given from a world, counted by arithmetic on what was injected."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from simulator.defects import REASON_OF
from simulator.faults import ClockSkew, Corruption, Duplicates, LateBurst, Silence
from simulator.intervals import Interval, Intervals, intersect, subtract, union
from simulator.world import SimulatedChannel, SimulatedCircuit, World


@dataclass(frozen=True, slots=True)
class Counts:
    """What Kafka is given from the world's start up to an instant.

    `samples` are distinct good ones; `late` of them arrive at least an hour behind; `duplicate`
    are sent again unchanged; `rejected` counts corrupt messages, and corrupt samples among good
    ones, by linksla's reason.
    """

    samples: int
    late: int
    duplicate: int
    rejected: Mapping[str, int]

    def to_json(self) -> dict[str, object]:
        """Return it as JSON values."""
        return {
            "samples": self.samples,
            "late": self.late,
            "duplicate": self.duplicate,
            "rejected": dict(sorted(self.rejected.items())),
        }


def counts(world: World, start_s: int, end_s: int) -> Counts:
    """Return what Kafka is given from the world for [start_s, end_s), by arithmetic."""
    samples = late = duplicate = 0
    for circuit in world.circuits:
        for channel in circuit.channels:
            in_time, burst, again = _of_channel(world, circuit, channel, (start_s, end_s))
            samples += in_time + burst
            late += burst
            duplicate += again
    return Counts(samples, late, duplicate, _rejected(world, start_s, end_s))


def _of_channel(
    world: World, circuit: SimulatedCircuit, channel: SimulatedChannel, span: Interval
) -> tuple[int, int, int]:
    """Return how many samples of a channel come in time, late, and again, within `span`."""
    active = circuit.active(channel, span[1])
    measured: Intervals = (active,) if active[0] < active[1] else ()
    bursts: list[LateBurst] = []
    repeated: list[Duplicates] = []
    for injection in world.injected(circuit.id, channel.name):
        match injection:
            case Silence():
                measured = subtract(measured, ((injection.start_s, injection.end_s),))
            case ClockSkew():
                measured = subtract(measured, (dropped_by_skew(world, injection),))
            case LateBurst():
                bursts.append(injection)
            case Duplicates():
                repeated.append(injection)
            case _:
                pass
    held = union((burst.start_s, burst.end_s) for burst in bursts)
    late = sum(
        world_slots(world, intersect(measured, ((burst.start_s, burst.end_s),)))
        for burst in bursts
        if span[0] <= burst.arrives_s < span[1]
    )
    again = 0
    for each in repeated:
        a = max(each.start_s, span[0] - each.after_seconds)
        b = min(each.end_s, span[1] - each.after_seconds)
        again += world_slots(world, intersect(measured, ((a, b),)))
    return world_slots(world, subtract(intersect(measured, (span,)), held)), late, again


def _rejected(world: World, start_s: int, end_s: int) -> dict[str, int]:
    rejected: Counter[str] = Counter()
    for injection in world.injections:
        if isinstance(injection, Corruption):
            rejected.update(
                REASON_OF[defect].value
                for at, defect in zip(injection.at_s, injection.defects, strict=True)
                if start_s <= at < end_s
            )
    return dict(rejected)


def world_slots(world: World, parts: Intervals) -> int:
    """Return how many sampling instants lie in `parts`."""
    total = 0
    for start, end in parts:
        total += _slots(start, min(end, world.end_s), world.interval_s)
        total += _slots(max(start, world.end_s), end, world.live_interval_s)
    return total


def _slots(start: int, end: int, interval_s: int) -> int:
    return max(0, -(-end // interval_s) - -(-start // interval_s))


def dropped_by_skew(world: World, skew: ClockSkew) -> Interval:
    """Return when a probe with a wrong clock sends nothing, so that no instant is used twice.

    Ahead: after the clock is put right, until the instants it has already used are over.
    Behind: at first, until its instants are new.
    """
    interval = world.interval_at(skew.start_s)
    used = max(abs(skew.skew_seconds) - interval + 1, 0)
    start = skew.end_s if skew.skew_seconds > 0 else skew.start_s
    return start, start + used
