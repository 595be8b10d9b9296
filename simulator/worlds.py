"""The worlds there are: `demo`, around the present, and `once`, fixed for ever."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from linksla.clock import iso, parse_instant, utc
from simulator.scenarios import load
from simulator.truth import month_bounds
from simulator.world import SimulatedChannel, SimulatedCircuit, Terms, Window, World

SHOWCASE: Final = "DEN-1"
"""The circuit whose fibre the demo cuts live: three cells of 5 s make it down."""

_HOUR: Final = 3600
_DAY: Final = 86_400
_AWS_BANDS: Final = (("99.99", "0"), ("99.0", "10"), ("95.0", "25"), ("0", "100"))

LAST_MILE: Final = Terms(
    id="interconnect-last-mile",
    title="AWS Interconnect last mile, 4 channels, 3 needed",
    source="aws.amazon.com/interconnect/sla, 15 April 2026: 99.99 %",
    timezone="America/Denver",
    target_percent="99.99",
    up_at_least=3,
    consecutive=10,
    objectives=(
        ("latency p95", "latency", "p95", "8"),
        ("loss mean", "loss", "mean", "0.002"),
    ),
    notice_hours=72,
    cap_hours_per_month=4,
    bands=_AWS_BANDS,
)
LAST_MILE_FAST: Final = replace(
    LAST_MILE,
    id="interconnect-last-mile-fast",
    title="AWS Interconnect last mile, 4 channels, 3 needed, down after 15 s",
    consecutive=3,
)
SINGLE: Final = Terms(
    id="direct-connect-single",
    title="Single connection, 95 %",
    source="AWS Direct Connect resiliency models: single connection 95 %",
    timezone="Europe/London",
    target_percent="95",
    up_at_least=1,
    consecutive=10,
    denominator="whole_period",
    objectives=(("latency p99", "latency", "p99", "12"),),
    notice_hours=120,
)
PROTECTED: Final = Terms(
    id="protected-wave",
    title="Protected wave, down only if primary and backup are",
    source="(3)CrossRoads availability service level: 99.99 % protected",
    timezone="Europe/London",
    target_percent="99.99",
    up_at_least=1,
    consecutive=3,
    objectives=(
        ("latency mean", "latency", "mean", "4"),
        ("loss mean", "loss", "mean", "0.002"),
    ),
    notice_hours=240,
    bands=(("99.99", "0"), ("99.9", "15"), ("99.0", "30"), ("0", "50")),
)
REGIONAL: Final = Terms(
    id="regional-ethernet",
    title="Regional Ethernet, bad above 10 % loss",
    source="Equinix Fabric, single connection 99.9 %; the loss threshold is the customer's",
    timezone="Asia/Kolkata",
    target_percent="99.9",
    up_at_least=1,
    consecutive=5,
    loss_threshold="0.1",
    coverage_percent_min="90",
    objectives=(("latency p90", "latency", "p90", "7"),),
    notice_hours=48,
    cap_hours_per_month=8,
    bands=(("99.9", "0"), ("99.0", "10"), ("0", "25")),
)
CORE: Final = Terms(
    id="core-ethernet",
    title="Core Ethernet, two paths, one needed",
    source="CenturyLink Network Exchange: 99.99 % per calendar month",
    timezone="UTC",
    target_percent="99.99",
    up_at_least=1,
    consecutive=2,
    objectives=(("loss mean", "loss", "mean", "0.002"),),
    notice_hours=72,
    bands=(("99.99", "0"), ("99.0", "10"), ("0", "50")),
)

CUSTOMERS: Final = (
    ("acme", "Acme Corp"),
    ("northwind", "Northwind Trading"),
    ("sahyadri", "Sahyadri Mills"),
)


def _channels(
    *latency_us: int, jitter_us: int = 180, load: float = 0.6
) -> tuple[SimulatedChannel, ...]:
    return tuple(
        SimulatedChannel(
            name=f"ch{number}", latency_us=latency, jitter_us=jitter_us, utilisation=load
        )
        for number, latency in enumerate(latency_us, 1)
    )


def _network(month: str) -> tuple[SimulatedCircuit, ...]:
    """Return the circuits of all worlds, active from the start of a month in their own zone."""

    def start(terms: Terms) -> int:
        return month_bounds(month, terms.timezone)[0]

    denver = start(LAST_MILE)
    migrated = (
        *_channels(4100, 4350, 3900, 4600, load=0.3),
        SimulatedChannel(
            name="ch5", latency_us=3700, jitter_us=150, utilisation=0.3,
            active_from_s=denver + 24 * _DAY,
        ),
    )  # fmt: skip
    migrated = tuple(
        replace(channel, active_to_s=denver + 26 * _DAY) if channel.name == "ch2" else channel
        for channel in migrated
    )
    return (
        SimulatedCircuit(
            id="DEN-1", customer="acme", terms=LAST_MILE_FAST, site="Denver", region="us-west-2",
            bandwidth_mbps=10_000, grid_seconds=5, channels=_channels(3300, 3450, 3600, 3900),
            active_from_s=denver, utc_offset_hours=-6, price=("9200", "USD"),
        ),
        SimulatedCircuit(
            id="DEN-2", customer="acme", terms=LAST_MILE, site="Denver", region="us-east-1",
            bandwidth_mbps=1_000, grid_seconds=30,
            channels=_channels(6200, 6350, 6400, 6700, jitter_us=250, load=0.8),
            active_from_s=denver, utc_offset_hours=-6, price=("1450", "USD"),
        ),
        SimulatedCircuit(
            id="DEN-3", customer="northwind", terms=LAST_MILE, site="Denver", region="us-west-1",
            bandwidth_mbps=25_000, grid_seconds=15, channels=migrated,
            active_from_s=denver + 13 * _DAY + 8 * _HOUR, utc_offset_hours=-6,
            price=("18600", "USD"),
        ),
        SimulatedCircuit(
            id="LON-1", customer="northwind", terms=SINGLE, site="London", region="eu-west-1",
            bandwidth_mbps=5_000, grid_seconds=10,
            channels=_channels(9800, jitter_us=400, load=0.7),
            active_from_s=start(SINGLE), utc_offset_hours=0.5, price=("4100", "GBP"),
        ),
        SimulatedCircuit(
            id="LON-2", customer="northwind", terms=PROTECTED, site="London", region="eu-west-2",
            bandwidth_mbps=50_000, grid_seconds=5,
            channels=_channels(1600, 2400, jitter_us=90, load=0.45),
            active_from_s=start(PROTECTED), utc_offset_hours=0.5, price=("31000", "GBP"),
        ),
        SimulatedCircuit(
            id="BOM-1", customer="sahyadri", terms=REGIONAL, site="Mumbai", region="ap-south-1",
            bandwidth_mbps=2_000, grid_seconds=60,
            channels=_channels(4200, 5600, jitter_us=350, load=0.75),
            active_from_s=start(REGIONAL), utc_offset_hours=5.5, price=("165000", "INR"),
        ),
        SimulatedCircuit(
            id="FRA-1", customer="acme", terms=CORE, site="Frankfurt", region="eu-central-1",
            bandwidth_mbps=100_000, grid_seconds=120,
            channels=_channels(1100, 1250, jitter_us=60, load=0.5),
            active_from_s=start(CORE), utc_offset_hours=1.5, price=("52400.50", "EUR"),
        ),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Event:
    """A scenario on a circuit at an instant."""

    scenario: str
    circuit_id: str
    at_s: int


def _with_events(world: World, events: Sequence[_Event]) -> World:
    for event in events:
        world = load(event.scenario).placed(world, event.circuit_id, event.at_s)
    world.check()
    return world


_ONCE_EVENTS: Final = (
    ("DEN-1", "fibre-cut", "2025-10-09T09:11:00Z"),
    ("DEN-1", "channel-lost", "2025-10-12T15:00:00Z"),
    ("DEN-1", "reroute", "2025-10-15T02:30:00Z"),
    ("DEN-1", "cut-then-silence", "2025-10-21T19:20:00Z"),
    ("DEN-1", "congestion", "2025-10-23T14:00:00Z"),
    ("DEN-1", "long-cut", "2025-11-01T05:40:00Z"),  # over the month's end in Denver, 06:00Z
    ("DEN-1", "two-channels-lost", "2025-11-12T03:00:00Z"),
    ("DEN-1", "late-cut", "2025-11-27T10:00:00Z"),
    ("DEN-2", "blips", "2025-10-06T11:00:00Z"),
    ("DEN-2", "maintenance", "2025-10-20T06:00:00Z"),
    ("DEN-2", "maintenance-unannounced", "2025-10-27T04:00:00Z"),
    ("DEN-2", "maintenance", "2025-11-05T06:00:00Z"),
    ("DEN-2", "maintenance", "2025-11-19T06:00:00Z"),  # the month's cap of 4 h ends inside it
    ("DEN-2", "corrupt", "2025-11-22T12:00:00Z"),
    ("DEN-3", "bgp-flap", "2025-10-17T20:00:00Z"),
    ("DEN-3", "blips", "2025-10-29T01:00:00Z"),
    ("DEN-3", "channel-maintenance", "2025-11-08T05:00:00Z"),
    ("DEN-3", "channel-lost", "2025-11-16T12:00:00Z"),
    ("DEN-3", "late-burst", "2025-11-28T06:00:00Z"),
    ("LON-1", "silent-probe", "2025-10-11T10:00:00Z"),
    ("LON-1", "fibre-cut", "2025-10-26T00:58:00Z"),  # British summer time ends at 01:00Z
    ("LON-1", "brownout", "2025-10-30T16:00:00Z"),
    ("LON-1", "corrupt", "2025-11-04T08:00:00Z"),
    ("LON-1", "long-silence", "2025-11-10T22:00:00Z"),
    ("LON-1", "clock-ahead", "2025-11-18T06:00:00Z"),
    ("LON-1", "clock-behind", "2025-11-24T06:00:00Z"),
    ("LON-2", "channel-lost", "2025-10-07T09:00:00Z"),
    ("LON-2", "duplicates", "2025-10-14T12:00:00Z"),
    ("LON-2", "clock-ahead", "2025-10-18T00:00:00Z"),
    ("LON-2", "clock-behind", "2025-10-22T00:00:00Z"),
    ("LON-2", "reordering", "2025-11-03T10:00:00Z"),
    ("LON-2", "bgp-flap", "2025-11-20T02:00:00Z"),
    ("LON-2", "duplicates", "2025-12-02T12:00:00Z"),
    ("BOM-1", "heavy-loss", "2025-10-08T07:00:00Z"),
    ("BOM-1", "blind-probe", "2025-10-19T05:00:00Z"),
    ("BOM-1", "maintenance-approved", "2025-11-09T20:00:00Z"),
    ("BOM-1", "long-cut", "2025-11-17T03:00:00Z"),
    ("BOM-1", "late-burst", "2025-11-27T20:00:00Z"),
    ("FRA-1", "maintenance-overrun", "2025-10-23T01:00:00Z"),
    ("FRA-1", "silent-probe", "2025-11-01T23:00:00Z"),
    ("FRA-1", "fibre-cut", "2025-11-10T13:00:00Z"),
)  # fmt: skip


def once_world() -> World:
    """Return the fixed world of `demo --once`: October and November 2025, final, every scenario.

    DEN-3 starts in mid-October and migrates a channel; FRA-1 ends in mid-November. What arrives
    late arrives after `pause_s`.
    """
    circuits = tuple(
        replace(circuit, active_to_s=parse_instant("2025-11-14T16:00:00Z"))
        if circuit.id == "FRA-1"
        else circuit
        for circuit in _network("2025-10")
    )
    world = World(
        name="once",
        seed=20251001,
        start_s=min(circuit.active_from_s for circuit in circuits),
        end_s=parse_instant("2025-12-04T12:00:00Z"),
        customers=CUSTOMERS,
        circuits=circuits,
        pause_s=parse_instant("2025-12-02T00:00:00Z"),
        goes_on=False,
        windows=(
            Window(
                id="SITE-1",
                site="Mumbai",
                start_s=parse_instant("2025-11-23T19:30:00Z"),
                end_s=parse_instant("2025-11-23T21:00:00Z"),
                announced_s=parse_instant("2025-11-13T09:00:00Z"),
                reason="power feed B of the site",
            ),
        ),
    )
    return _with_events(
        world, [_Event(name, on, parse_instant(at)) for on, name, at in _ONCE_EVENTS]
    )


# day of the month and hour, UTC; those that are not over by now are left out
_DEMO_LAST_MONTH: Final = (
    ("DEN-1", "fibre-cut", 9, 9), ("DEN-1", "channel-lost", 12, 15), ("DEN-1", "reroute", 18, 2),
    ("DEN-2", "maintenance", 20, 6), ("DEN-2", "blips", 6, 11),
    ("DEN-2", "maintenance-unannounced", 26, 4), ("DEN-3", "reroute", 17, 20),
    ("DEN-3", "channel-maintenance", 22, 5), ("LON-1", "silent-probe", 11, 10),
    ("LON-1", "brownout", 25, 16), ("LON-2", "channel-lost", 7, 9),
    ("LON-2", "duplicates", 14, 12), ("LON-2", "clock-ahead", 18, 0),
    ("BOM-1", "heavy-loss", 8, 7), ("BOM-1", "late-burst", 14, 6),
    ("FRA-1", "maintenance", 23, 1), ("FRA-1", "channel-lost", 16, 13),
)  # fmt: skip
_DEMO_THIS_MONTH: Final = (
    ("DEN-2", "fibre-cut", 2, 17), ("DEN-1", "congestion", 3, 14), ("LON-2", "reroute", 4, 3),
    ("LON-1", "corrupt", 4, 8), ("DEN-3", "channel-lost", 5, 12), ("LON-2", "reordering", 6, 10),
    ("BOM-1", "blind-probe", 6, 15), ("DEN-2", "maintenance", 8, 6), ("LON-1", "blips", 9, 11),
    ("FRA-1", "channel-lost", 10, 9), ("BOM-1", "fibre-cut", 11, 3),
    ("DEN-1", "silent-probe", 13, 22), ("LON-1", "bgp-flap", 15, 2),
    ("DEN-3", "maintenance-approved", 17, 7), ("LON-1", "silent-probe", 19, 4),
    ("BOM-1", "maintenance", 21, 20), ("DEN-2", "channel-lost", 23, 9),
    ("LON-1", "fibre-cut", 25, 18),
)  # fmt: skip


def demo_world(now_s: int) -> World:
    """Return the demo's world: last month and this month up to the minute, then live.

    The same minute gives the same world. Corrupt samples "from the future" lie in 2100.
    """
    now_s = now_s // 60 * 60
    month = utc(now_s).strftime("%Y-%m")
    start = month_bounds(month, "UTC")[0]
    last = utc(start - 1).strftime("%Y-%m")
    circuits = _network(last)
    world = World(
        name="demo",
        seed=20260415,
        start_s=min(circuit.active_from_s for circuit in circuits),
        end_s=now_s,
        customers=CUSTOMERS,
        circuits=circuits,
    )
    before = month_bounds(last, "UTC")[0]
    events = [
        _Event(name, on, base + (day - 1) * _DAY + hour * _HOUR)
        for base, table in ((before, _DEMO_LAST_MONTH), (start, _DEMO_THIS_MONTH))
        for on, name, day, hour in table
    ]
    # The longest (a burst five days late) must be over, and the page opens on a quiet network.
    return _with_events(world, [e for e in events if e.at_s < now_s - _quiet_after(e.scenario)])


def _quiet_after(scenario: str) -> int:
    """Return how long before the present a scenario must begin, to be over by now."""
    return 6 * _DAY if scenario.startswith("late") else _DAY + 2 * _HOUR


WORLDS: Final[dict[str, Callable[[int], World]]] = {
    "demo": demo_world,
    "once": lambda _now_s: once_world(),
}
"""Worlds by name; each is made for an instant."""


def outline(world: World) -> str:
    """Return a world in a line: `demo: 7 circuits, 20 channels, 2026-10-01T… to …`."""
    channels = sum(len(circuit.channels) for circuit in world.circuits)
    return (
        f"{world.name}: {len(world.circuits)} circuits, {channels} channels, "
        f"{iso(world.start_s)} to {iso(world.end_s)}"
    )
