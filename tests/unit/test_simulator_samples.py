"""What the samples say, read plainly, is what the truth says; any piece of them stands alone."""

from dataclasses import replace

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linksla.clock import parse_instant
from linksla.wire import WIRE_SCHEMA
from simulator.faults import (
    Blindness,
    ClockSkew,
    Duplicates,
    Impairment,
    LateBurst,
    Silence,
)
from simulator.samples import arrivals, measure
from simulator.truth import channel_time
from simulator.world import SimulatedChannel, SimulatedCircuit, Terms, World
from simulator.worlds import demo_world, once_world

OCTOBER = parse_instant("2025-10-01T00:00:00Z")
TERMS = Terms(
    id="t", title="t", source="t", timezone="UTC", target_percent="99", up_at_least=1,
    consecutive=2,
)  # fmt: skip


def small_world(*injections, grid: int = 5, interval: int = 60, hours: int = 3) -> World:
    """One circuit, one channel, a few hours."""
    circuit = SimulatedCircuit(
        id="LON-1", customer="c", terms=TERMS, site="London", region="eu-west-2",
        bandwidth_mbps=1000, grid_seconds=grid,
        channels=(
            SimulatedChannel(name="ch1", latency_us=3000, jitter_us=100, utilisation=0.5),
        ),
        active_from_s=OCTOBER,
    )  # fmt: skip
    world = World(
        name="small", seed=7, start_s=OCTOBER, end_s=OCTOBER + hours * 3600,
        customers=(("c", "C"),), circuits=(circuit,), interval_s=interval,
    )  # fmt: skip
    return world.with_injections(*injections)


def at(minutes: float) -> int:
    return OCTOBER + round(minutes * 60)


def plain_states(table: pa.Table, grid: int, start: int, end: int, threshold: float) -> str:
    """DESIGN 6's cells, sample by sample and cell by cell; then DESIGN 7.1's state."""
    seconds = (table["observed_at"].cast(pa.int64()).to_numpy() // 1_000_000).tolist()
    rows = dict(zip(seconds, table.to_pylist(), strict=True))
    longest = max(row["interval_ms"] for row in rows.values()) // 1000
    out = []
    for cell in range(start, end, grid):
        inside = [rows[second] for second in range(cell, cell + grid) if second in rows]
        if not inside:
            middle = cell + grid / 2
            earlier = [
                rows[second]
                for second in range(cell - 1, cell - longest - 1, -1)
                if second in rows and second + rows[second]["interval_ms"] / 1000 > middle
            ]
            inside = earlier[:1]
        known = [row["bgp_state"] for row in inside if row["bgp_state"] != "UNKNOWN"]
        losses = [
            row["loss_ratio"] if row["loss_ratio"] is not None else 0.0
            for row in inside
            if row["loss_ratio"] is not None or row["latency_ms"] is not None
        ]
        lossy = bool(losses) and sum(losses) / len(losses) > threshold
        if lossy or any(state != "ESTABLISHED" for state in known):
            out.append("B")
        else:
            out.append("G" if known or losses else "?")
    return "".join(out)


def true_states(world: World, start: int, end: int) -> str:
    (circuit,) = world.circuits
    (channel,) = circuit.channels
    known = channel_time(world, circuit, channel, end)

    def state(cell: int) -> str:
        if any(a <= cell < b for a, b in known.bad):
            return "B"
        return "?" if any(a <= cell < b for a, b in known.unknown) else "G"

    return "".join(state(cell) for cell in range(start, end, circuit.grid_seconds))


def said_and_true(world: World) -> tuple[str, str]:
    """Return the cells' states as the samples say them, and as the truth knows them."""
    end = world.end_s
    table = arrivals(world, world.circuits, world.start_s, end).table
    grid = world.circuits[0].grid_seconds
    said = plain_states(table, grid, world.start_s, end, 0.5)
    return said, true_states(world, world.start_s, end)


WHERE = {"circuit_id": "LON-1", "channels": ("ch1",)}


@pytest.mark.parametrize("grid", [5, 10, 30, 60, 120, 300])
@pytest.mark.parametrize("skew", [20, -20, 55, 60, 75, 120, 299, -60, -100, -600])
def test_a_wrong_clock_leaves_exactly_the_gap_the_truth_knows(grid: int, skew: int) -> None:
    wrong = ClockSkew(**WHERE, start_s=at(60), end_s=at(90), skew_seconds=skew)
    said, true = said_and_true(small_world(wrong, grid=grid))

    assert said == true


@pytest.mark.parametrize("skew", [20, 60, 299, -60, -600])
def test_a_wrong_clock_never_uses_an_instant_twice(skew: int) -> None:
    world = small_world(ClockSkew(**WHERE, start_s=at(60), end_s=at(90), skew_seconds=skew))
    observed = arrivals(world, world.circuits, world.start_s, world.end_s).table["observed_at"]
    assert len(observed.unique()) == len(observed)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["cut", "bgp", "loss", "light", "silence", "blind"]),
            st.integers(0, 20),
            st.integers(1, 8),
        ),
        max_size=6,
    ),
    st.sampled_from([5, 30, 120, 180]),
    st.sampled_from([5, 15, 60]),
)
@settings(max_examples=60, deadline=None)
def test_the_truth_is_what_a_plain_reading_of_the_samples_says(faults, grid, interval) -> None:
    world = small_world(grid=grid, interval=interval, hours=2)
    for kind, start, length in faults:
        span = {**WHERE, "start_s": at(start * 6), "end_s": at(start * 6 + length * 6)}
        span["end_s"] = min(span["end_s"], world.end_s)
        if span["start_s"] >= span["end_s"]:
            continue
        world = world.with_injections(
            {
                "cut": Impairment(**span, loss_ppm=(1_000_000, 1_000_000), bgp_state="IDLE"),
                "bgp": Impairment(**span, bgp_state="ACTIVE"),
                "loss": Impairment(**span, loss_ppm=(600_000, 900_000)),
                "light": Impairment(**span, loss_ppm=(1_000, 400_000), latency_add_us=900),
                "silence": Silence(**span),
                "blind": Blindness(**span),
            }[kind]
        )
    # a fault that falls together with blindness: not measured, whatever happens on the link
    said, true = said_and_true(world)

    assert said == true


def test_every_sample_of_the_fixed_world_arrives_once_but_for_the_duplicates() -> None:
    world = once_world()
    circuits = [c for c in world.circuits if c.id in ("LON-2", "FRA-1")]
    start = parse_instant("2025-10-14T00:00:00Z")
    came = arrivals(world, circuits, start, start + 86_400)
    assert came.duplicate == 120
    assert len(came.table) == 4 * 1440 + 120
    keys = came.table.select(["circuit_id", "channel", "observed_at"])
    assert len(keys.group_by(keys.column_names).aggregate([])) == 4 * 1440


def test_the_same_seed_gives_the_same_samples_and_another_seed_others() -> None:
    world = once_world()
    span = (world.start_s + 86_400 * 3, world.start_s + 86_400 * 4)
    first = arrivals(world, world.circuits, *span).table
    assert first.equals(arrivals(once_world(), world.circuits, *span).table)
    assert not first.equals(arrivals(replace(world, seed=1), world.circuits, *span).table)
    assert first.schema == WIRE_SCHEMA


def test_a_circuit_alone_is_the_same_as_in_its_world() -> None:
    world = once_world()
    alone = world.only("DEN-1")
    span = (parse_instant("2025-10-09T00:00:00Z"), parse_instant("2025-10-10T00:00:00Z"))
    together = arrivals(world, world.circuits, *span).table
    mine = together.filter(pa.compute.equal(together["circuit_id"], "DEN-1"))
    assert arrivals(alone, alone.circuits, *span).table.equals(mine)


@given(st.integers(1, 5000), st.integers(1, 3000))
@settings(max_examples=20, deadline=None)
def test_any_slice_equals_that_part_of_the_whole(skip: int, length: int) -> None:
    world = once_world().only("DEN-1")
    (circuit,) = world.circuits
    start = circuit.active_from_s
    whole = measure(world, circuit, circuit.channels[0], start, start + 9000 * 60)
    a, b = start + skip * 60, start + (skip + length) * 60
    part = measure(world, circuit, circuit.channels[0], a, b)
    assert (part.slot_s == whole.slot_s[skip : skip + length]).all()
    assert str(part.latency_us.tolist()) == str(whole.latency_us[skip : skip + length].tolist())
    assert (part.transitions == whole.transitions[skip : skip + length]).all()


def test_values_are_whole_units_so_that_integers_are_exact() -> None:
    world = demo_world(parse_instant("2026-11-22T18:55:00Z"))
    came = arrivals(world, world.circuits, world.start_s + 86_400 * 20, world.start_s + 86_400 * 22)
    for name, scale in (("latency_ms", 1e3), ("jitter_ms", 1e3), ("loss_ratio", 1e6),
                        ("rx_bps", 1.0), ("tx_bps", 1.0)):  # fmt: skip
        values = came.table[name].drop_null().to_numpy() * scale
        assert abs(values - values.round()).max() < 1e-5, name
        assert values.min() >= 0, name


def test_samples_come_in_time_order_over_all_channels() -> None:
    world = demo_world(parse_instant("2026-11-22T18:55:00Z"))
    quiet = replace(world, injections=())
    observed = arrivals(quiet, world.circuits, world.start_s, world.start_s + 86_400).table
    seconds = observed["observed_at"].cast(pa.int64()).to_numpy()
    assert (seconds[1:] >= seconds[:-1]).all()


def test_a_burst_is_held_back_and_then_arrives_whole() -> None:
    burst = LateBurst(**WHERE, start_s=at(10), end_s=at(40), arrives_s=at(130))
    world = small_world(burst)
    before = arrivals(world, world.circuits, at(0), at(120))
    after = arrivals(world, world.circuits, at(120), at(180))
    assert (len(before.table), before.late) == (90, 0)
    assert (len(after.table), after.late) == (60 + 30, 30)
    observed = after.table["observed_at"].cast(pa.int64()).to_numpy() // 1_000_000
    late = [i for i, second in enumerate(observed) if second < at(120)]
    assert late == list(range(late[0], late[0] + 30))  # together
    assert observed[late[0] + 30] >= at(130) - 60


def test_duplicates_are_the_same_to_the_last_column() -> None:
    world = small_world(Duplicates(**WHERE, start_s=at(10), end_s=at(40), after_seconds=600))
    table = arrivals(world, world.circuits, at(0), at(180)).table
    rows = table.group_by("observed_at").aggregate([("latency_ms", "count_distinct"),
                                                    ("sequence", "count")])  # fmt: skip
    assert sum(n == 2 for n in rows["sequence_count"].to_pylist()) == 30
    assert set(rows["latency_ms_count_distinct"].to_pylist()) == {1}


def test_an_uncertain_truth_is_refused() -> None:
    with pytest.raises(ValueError, match="is not on a step of 60 s"):
        small_world(Silence(**WHERE, start_s=at(10) + 5, end_s=at(20)))
    with pytest.raises(ValueError, match="straddles the threshold"):
        small_world(Impairment(**WHERE, start_s=at(10), end_s=at(20), loss_ppm=(400_000, 600_000)))
    with pytest.raises(ValueError, match="another injection overlaps a skewed clock"):
        small_world(
            ClockSkew(**WHERE, start_s=at(10), end_s=at(20), skew_seconds=5),
            Silence(**WHERE, start_s=at(20), end_s=at(25)),
        )
    with pytest.raises(ValueError, match="less than an hour late"):
        small_world(LateBurst(**WHERE, start_s=at(10), end_s=at(20), arrives_s=at(30)))
    with pytest.raises(ValueError, match="overlaps Duplicates"):
        small_world(
            Duplicates(**WHERE, start_s=at(10), end_s=at(20)),
            Duplicates(**WHERE, start_s=at(15), end_s=at(20)),
        )
