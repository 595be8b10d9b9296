"""Minutes of final months fold, and every figure of every month stays what it was."""

from dataclasses import replace
from typing import Any

import pytest

from linksla.inventory import Inventory, Ownership
from linksla.settings import RetentionSettings
from processors.minutes import MinuteFolder
from sla.queries import Queries
from sla.scope import AllCustomers, OnlyCustomers, Scope
from tests.conftest import OCTOBER
from tests.unit.test_sla_queries import queries_on

US = 1_000_000
DAY = 86_400
CIRCUITS = ("DEN-1", "DEN-2", "LON-1")
SCOPES: tuple[Scope, ...] = (
    AllCustomers(commercial=True),
    OnlyCustomers(frozenset({"acme"})),
    OnlyCustomers(frozenset({"globex"})),
    OnlyCustomers(frozenset({"acme", "globex"})),
)


def all_months(queries: Queries) -> dict[tuple[int, str, str], object]:
    return {
        (number, circuit, month): queries.month(scope, circuit, month)
        for number, scope in enumerate(SCOPES)
        for circuit in CIRCUITS
        for month in ("2025-10", "2025-11", "2025-12")
    }


def fold(network: Any, queries: Queries) -> None:
    retention = RetentionSettings()
    folder = MinuteFolder(network.store, lambda _point: None, retention, queries.settled)
    folder.start()
    far_s = OCTOBER + (63 + retention.minutes_days) * DAY
    while folder.compact(far_s * US, 50_000):
        pass


def rows(network: Any, circuit: str) -> int:
    ((count,),) = network.store.writer.execute(
        "select count(*) from rollup_parts join channels using (channel_key) where circuit_id = $1",
        [circuit],
    ).fetchall()
    return int(count)


def handed_over(inventory: Inventory, at_s: int) -> Inventory:
    """Return the network with DEN-1 handed from acme to globex at an instant."""
    owners = (Ownership(customer="acme", end=at_s), Ownership(customer="globex", start=at_s))
    circuit = replace(inventory.circuits["DEN-1"], owners=owners)
    return replace(inventory, circuits={**inventory.circuits, "DEN-1": circuit})


@pytest.mark.parametrize("handed_over_at_s", [None, OCTOBER + 8 * DAY + 50_430])
def test_every_month_is_what_it_was_for_everybody(
    small_network: Any, handed_over_at_s: int | None
) -> None:
    inventory = small_network.inventory
    if handed_over_at_s is not None:
        inventory = handed_over(inventory, handed_over_at_s)
    queries = queries_on(small_network, inventory)
    before = all_months(queries)
    minutes = {circuit: rows(small_network, circuit) for circuit in CIRCUITS}
    fold(small_network, queries)

    assert all_months(queries_on(small_network, inventory)) == before
    october = before[0, "DEN-1", "2025-10"]
    assert getattr(october, "objectives")[1].actual not in (None, "infinity")  # noqa: B009
    # Three days of four channels: up to 09:11, the outage's minutes, the rest; a minute was cut.
    pieces = 4 * (3 + 1 + 5 + (0 if handed_over_at_s is None else 2))
    assert minutes["DEN-1"] == 4 * 3 * 1_440
    assert rows(small_network, "DEN-1") <= pieces
    assert rows(small_network, "DEN-2") == 4 * 3


@pytest.mark.parametrize(("second", "settled"), [(99, False), (100, True)])
def test_minutes_of_a_month_that_is_not_final_stay(
    small_network: Any, second: int, settled: bool
) -> None:
    ended_s = OCTOBER + 31 * DAY + 6 * 3_600  # in Denver
    small_network.store.writer.execute(
        "update channel_progress set folded_to_s = $1", [ended_s + DAY + second]
    )
    queries = queries_on(small_network)
    day = OCTOBER + 8 * DAY

    assert bool(queries.settled(["DEN-1"], day, day + DAY)["DEN-1"]) is settled


def test_minutes_of_a_month_with_an_open_proposal_stay(small_network: Any) -> None:
    day = OCTOBER + 8 * DAY
    queries = queries_on(small_network)
    late = replace(
        queries.maintenance[0], id="CHG-8", circuit="DEN-1", start=day, end=day + 60,
        announced_at=day,
    )  # fmt: skip
    proposed = queries_on(small_network, windows=[*queries.maintenance, late])

    assert queries.settled(["DEN-1"], day + DAY, day + 2 * DAY)["DEN-1"]
    assert proposed.settled(["DEN-1"], day + DAY, day + 2 * DAY)["DEN-1"] == ()


def test_pieces_are_whole_steps_apart_from_each_other_within_the_range(small_network: Any) -> None:
    at_s = OCTOBER + 8 * DAY + 50_430
    queries = queries_on(small_network, handed_over(small_network.inventory, at_s))
    day = OCTOBER + 8 * DAY
    pieces = queries.settled(["DEN-1"], day, day + DAY)["DEN-1"]

    assert pieces == (
        (day, day + 33_060), (day + 33_360, day + 50_400), (day + 50_460, day + DAY),
    )  # fmt: skip
