"""A small world in which every scenario happens: eight days over a month's end."""

from dataclasses import replace
from importlib.resources import files

from linksla.clock import parse_instant
from simulator.scenarios import load
from simulator.world import SimulatedChannel, SimulatedCircuit, World
from simulator.worlds import once_world

DAY = 86_400
HOUR = 3_600
START_S = parse_instant("2025-11-25T02:00:00Z")
END_S = parse_instant("2025-12-03T02:00:00Z")

EVENTS = (  # circuit, scenario, day, hour
    ("DEN-1", "fibre-cut", 0, 9), ("DEN-1", "late-cut", 1, 10),
    ("DEN-1", "two-channels-lost", 3, 3),
    ("DEN-1", "cut-then-silence", 4, 19), ("DEN-1", "congestion", 5, 14),
    ("DEN-1", "reroute", 7, 2),
    ("DEN-2", "blips", 0, 11), ("DEN-2", "maintenance", 1, 6),
    ("DEN-2", "maintenance-unannounced", 3, 4), ("DEN-2", "corrupt", 5, 12),
    ("DEN-3", "late-burst", 0, 6), ("DEN-3", "channel-maintenance", 4, 5),
    ("DEN-3", "channel-lost", 6, 12),
    ("LON-1", "long-silence", 1, 22), ("LON-1", "clock-ahead", 4, 6),
    ("LON-2", "clock-behind", 6, 6),
    ("LON-1", "brownout", 6, 16),
    ("LON-2", "duplicates", 1, 12), ("LON-2", "reordering", 3, 10), ("LON-2", "bgp-flap", 5, 2),
    ("FRA-1", "silent-probe", 4, 8),
    ("BOM-1", "heavy-loss", 0, 7), ("BOM-1", "blind-probe", 2, 5),
    ("BOM-1", "maintenance-approved", 3, 20), ("BOM-1", "long-cut", 5, 16),  # month's end in Mumbai
    ("FRA-1", "maintenance-overrun", 1, 1),
)  # fmt: skip


def small_world() -> World:
    """Return the world; one circuit migrates a channel, one ends."""
    once = once_world()
    world = replace(
        once,
        name="chaos",
        start_s=START_S,
        end_s=END_S,
        circuits=tuple(_circuit(circuit) for circuit in once.circuits),
        injections=(),
        windows=(),
        pause_s=None,
    )
    for circuit_id, scenario, day, hour in EVENTS:
        world = load(scenario).placed(world, circuit_id, START_S + day * DAY + hour * HOUR)
    world.check()
    return world


def scenarios_left_out() -> set[str]:
    """Return the scenarios there are that do not happen in the small world."""
    there = {item.name for item in files("simulator").joinpath("scenarios").iterdir()}
    return {name.removesuffix(".yaml") for name in there} - {name for _, name, _, _ in EVENTS}


def _circuit(circuit: SimulatedCircuit) -> SimulatedCircuit:
    return replace(
        circuit,
        active_from_s=START_S,
        active_to_s=START_S + 6 * DAY + 16 * HOUR if circuit.id == "FRA-1" else None,
        channels=tuple(_channel(circuit.id, channel) for channel in circuit.channels),
    )


def _channel(circuit_id: str, channel: SimulatedChannel) -> SimulatedChannel:
    if (circuit_id, channel.name) == ("DEN-3", "ch5"):
        return replace(channel, active_from_s=START_S + 2 * DAY)
    if (circuit_id, channel.name) == ("DEN-3", "ch2"):
        return replace(channel, active_to_s=START_S + 3 * DAY)
    return channel


def part_of(world: World, *circuit_ids: str) -> World:
    """Return the world with some circuits left; their samples and their truth stay the same."""
    circuits = tuple(world.circuit(name) for name in circuit_ids)
    return replace(
        world,
        circuits=circuits,
        injections=tuple(i for i in world.injections if i.circuit_id in circuit_ids),
        windows=tuple(w for w in world.windows if any(w.covers(circuit) for circuit in circuits)),
    )
