"""A circuit that never had a sample: what its page, the strip and the API say of it."""

from dataclasses import replace

import pytest

from dashboards.phrases import strip
from linksla.clock import MICROSECONDS, ManualClock, parse_instant
from linksla.inventory import Channel
from linksla.settings import TimeSettings
from sla.contracts import load_contracts
from sla.queries import Queries
from sla.scope import AllCustomers, OnlyCustomers

ALL = AllCustomers(commercial=True)
GLOBEX = OnlyCustomers(frozenset({"globex"}))
END = parse_instant("2025-12-03T00:00:00Z")


def queries_on(network, inventory=None) -> Queries:
    contracts = load_contracts(network.folder / "contracts")
    clock = ManualClock(END * MICROSECONDS)
    known = inventory or network.inventory
    return Queries(network.store, known, contracts, (), TimeSettings(), clock)


@pytest.fixture
def silent(small_network):
    """DEN-1 as the writer registers it: its channels are known, and no sample ever came."""
    begin = small_network.inventory.circuits["DEN-1"].active_from
    small_network.store.writer.execute("delete from spans where channel_key <= 4")
    small_network.store.writer.execute(
        "update channel_progress set observed_at_us_max = -1, folded_to_s = ? "
        "where channel_key <= 4",
        [begin],
    )
    return small_network


def test_its_channels_are_those_of_the_inventory(silent) -> None:
    summary = queries_on(silent).circuit(ALL, "DEN-1")

    assert (summary.channels_good, summary.channels_total, summary.channels_needed) == (0, 4, 3)
    assert (summary.state, summary.state_since_s) == ("unmeasured", None)


def test_channels_that_ended_before_are_not_counted(silent) -> None:
    circuit = silent.inventory.circuits["DEN-1"]
    first, *others = circuit.channels
    gone = Channel(name="old", active_to=circuit.active_from - 60)
    later = Channel(name=first.name, active_from=circuit.active_from + 60)
    changed = replace(circuit, channels=(gone, later, *others))
    known = replace(silent.inventory, circuits={**silent.inventory.circuits, "DEN-1": changed})

    assert queries_on(silent, known).circuit(ALL, "DEN-1").channels_total == 4


def test_it_is_named_silent_until_its_first_sample(silent) -> None:
    queries = queries_on(silent)
    before = queries.freshness(ALL)
    silent.store.writer.execute(
        "update channel_progress set observed_at_us_max = ? where channel_key = 1",
        [END * MICROSECONDS],
    )

    assert before.silent == ("DEN-1",)
    assert queries.freshness(ALL).silent == ()
    assert queries.freshness(GLOBEX).silent == (), "another customer's circuit is not named"


def test_a_circuit_without_any_progress_is_silent_too(silent) -> None:
    silent.store.writer.execute("delete from channel_progress where channel_key <= 4")

    assert queries_on(silent).freshness(ALL).silent == ("DEN-1",)
    assert queries_on(silent).circuit(ALL, "DEN-1").channels_total == 4


def test_the_strip_names_it_beside_circuits_that_send(silent) -> None:
    said = strip(queries_on(silent).freshness(ALL), "UTC", END)

    assert said.text.endswith(" · nothing yet from 1 circuit")
    assert "in time" not in said.text
    assert "behind" not in said.text
