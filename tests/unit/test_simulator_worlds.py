"""Scenarios are data that can be placed; worlds write configuration that linksla reads."""

from pathlib import Path

import pytest

from linksla.clock import parse_instant
from linksla.errors import UsageError
from linksla.inventory import load_inventory
from linksla.settings import load_settings
from simulator.faults import Impairment
from simulator.scenarios import describe, load, names
from simulator.world import World
from simulator.worlds import SHOWCASE, WORLDS, demo_world, once_world, outline
from sla.contracts import load_contracts
from sla.maintenance import load_maintenance

NOW = parse_instant("2026-11-22T18:55:12Z")
WANTED = {
    "fibre-cut", "channel-lost", "bgp-flap", "reroute", "congestion", "maintenance",
    "maintenance-unannounced", "silent-probe", "duplicates", "reordering", "late-burst",
    "clock-ahead", "clock-behind", "corrupt", "blips",
}  # fmt: skip


def test_every_scenario_loads_and_says_what_it_is() -> None:
    assert set(names()) >= WANTED
    for name, text in describe().items():
        assert load(name).name == name
        assert len(text) > 20


def test_an_unknown_scenario_names_the_known_ones() -> None:
    with pytest.raises(UsageError, match="fibre-cut"):
        load("fiber-cut")


@pytest.mark.parametrize("name", sorted(WORLDS))
def test_configuration_written_for_a_world_is_read_back_as_it_was(
    name: str, tmp_path: Path
) -> None:
    world = WORLDS[name](NOW)
    world.write_config(tmp_path)
    settings = load_settings(tmp_path / "linksla.yaml")
    inventory = load_inventory(settings.inventory)
    contracts = load_contracts(settings.contracts)
    windows = {window.id: window for window in load_maintenance(settings.maintenance)}
    assert list(inventory.customers) == [key for key, _ in world.customers]
    assert list(inventory.circuits) == [circuit.id for circuit in world.circuits]
    for circuit in world.circuits:
        read = inventory.circuits[circuit.id]
        assert read.owner_at(circuit.active_from_s) == circuit.customer
        assert (read.active_from, read.active_to) == (circuit.active_from_s, circuit.active_to_s)
        assert read.grid_seconds == circuit.grid_seconds
        for mine, theirs in zip(circuit.channels, read.channels, strict=True):
            start, end = read.channel_active(theirs)
            far = 10**11
            assert circuit.active(mine, far) == (start, far if end is None else end)
        (contract,) = contracts[read.contract]
        terms = circuit.terms
        assert contract.timezone == terms.timezone
        assert contract.availability.up_at_least == terms.up_at_least
        assert contract.availability.consecutive == terms.consecutive
        assert contract.availability.loss_threshold * 10**6 == terms.loss_threshold_ppm
        assert contract.maintenance.notice_hours == terms.notice_hours
        assert contract.maintenance.cap_hours_per_month == terms.cap_hours_per_month
    assert set(windows) == {window.id for window in world.windows}
    for window in world.windows:
        read_window = windows[window.id]
        assert (read_window.start, read_window.end) == (window.start_s, window.end_s)
        assert read_window.announced_at == window.announced_s
        assert (read_window.circuit, read_window.channel, read_window.site) == (
            window.circuit_id, window.channel, window.site,
        )  # fmt: skip


def test_a_contract_start_is_a_month_start_in_its_zone_for_full_months() -> None:
    starts = {circuit.id: circuit.active_from_s for circuit in once_world().circuits}
    assert starts["DEN-1"] == parse_instant("2025-10-01T06:00:00Z")
    assert starts["LON-1"] == parse_instant("2025-09-30T23:00:00Z")
    assert starts["BOM-1"] == parse_instant("2025-09-30T18:30:00Z")


def test_the_worlds_hold_every_scenario_kind_and_the_variety_asked_for() -> None:
    world = once_world()
    kinds = {type(injection).__name__ for injection in world.injections}
    assert kinds == {
        "Impairment", "Silence", "Blindness", "ClockSkew", "Duplicates", "Reordering",
        "LateBurst", "Corruption",
    }  # fmt: skip
    shapes = {(c.terms.up_at_least, len(c.channels)) for c in world.circuits}
    assert {(3, 4), (1, 2), (1, 1)} <= shapes
    zones = {c.terms.timezone for c in world.circuits}
    assert zones == {"America/Denver", "Europe/London", "UTC", "Asia/Kolkata"}
    assert any(w.channel for w in world.windows)
    assert any(w.site for w in world.windows)


def test_a_circuit_that_ends_shares_its_partition_with_one_that_goes_on() -> None:
    # else its partition's watermark would stand still and its last month never become final
    world = once_world()
    ended = [c for c in world.circuits if c.active_to_s is not None]
    assert [c.id for c in ended] == ["FRA-1"]
    assert [c.id for c in world.circuits if c.partition == ended[0].partition] == [
        "LON-2", "FRA-1",
    ]  # fmt: skip


def test_everything_late_arrives_after_the_pause() -> None:
    world = once_world()
    late = [i for i in world.injections if hasattr(i, "arrives_s")]
    assert len(late) >= 3
    assert world.pause_s is not None
    for burst in late:
        assert burst.end_s + 3600 <= world.pause_s <= burst.arrives_s < world.end_s


def test_the_showcase_is_down_after_fifteen_seconds() -> None:
    circuit = demo_world(NOW).circuit(SHOWCASE)
    assert circuit.grid_seconds * circuit.terms.consecutive == 15


@pytest.mark.parametrize("now", ["2026-03-01T00:00:00Z", "2026-11-30T23:59:59Z",
                                 "2028-02-29T12:00:00Z", "2026-01-02T03:04:05Z"])  # fmt: skip
def test_the_demo_is_quiet_at_the_present_whenever_it_is(now: str) -> None:
    world = demo_world(parse_instant(now))
    assert world == demo_world(parse_instant(now))
    for injection in world.injections:
        assert max(injection.end_s, getattr(injection, "arrives_s", 0)) <= world.end_s
    assert {type(i) for i in world.injections} >= {Impairment}
    assert "7 circuits" in outline(world)


def test_placing_rounds_up_to_whole_cells_and_intervals() -> None:
    world: World = once_world()
    placed = load("fibre-cut").placed(world, "FRA-1", parse_instant("2025-10-05T10:00:01Z"))
    cut = placed.injections[-1]
    assert cut.start_s == parse_instant("2025-10-05T10:02:00Z")
    assert cut.end_s == parse_instant("2025-10-05T10:08:00Z")  # 300 s are not whole 120 s cells
    assert len(placed.injections) == len(world.injections) + 1


def test_a_scenario_refuses_a_circuit_that_is_not_there_or_sampled_too_coarsely() -> None:
    with pytest.raises(UsageError, match="DEN-1, DEN-2"):
        load("fibre-cut").placed(once_world(), "DEN-9", 0)
    with pytest.raises(UsageError, match="already 3 cells"):
        load("blips").placed(once_world(), "DEN-1", parse_instant("2025-10-05T10:00:00Z"))
