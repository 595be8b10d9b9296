"""Records that are not for customers: their seconds count for everybody, their names do not."""

from dataclasses import replace

import pytest

from linksla.clock import MICROSECONDS, ManualClock, parse_instant
from linksla.settings import TimeSettings
from sla.contracts import load_contracts
from sla.json import to_json
from sla.maintenance import MaintenanceWindow
from sla.queries import Queries
from sla.scope import AllCustomers, OnlyCustomers

CUT = parse_instant("2025-10-09T09:11:00Z")
END = parse_instant("2025-12-03T00:00:00Z")
ACME = OnlyCustomers(frozenset({"acme"}))
MANAGER = OnlyCustomers(frozenset({"acme"}), internal=True)
SECRET = MaintenanceWindow(
    id="SECRET-1", circuit="DEN-1", start=CUT, end=CUT + 120, announced_at=0,
    proposed_by="SECRET-who", reason="SECRET-reason", show_to_customer=False,
)  # fmt: skip
LATE = replace(SECRET, id="SECRET-2", announced_at=CUT, start=CUT + 200)


def queries_with(network, *windows: MaintenanceWindow) -> Queries:
    return Queries(
        network.store, network.inventory, load_contracts(network.folder / "contracts"), windows,
        TimeSettings(), ManualClock(END * MICROSECONDS),
    )  # fmt: skip


@pytest.fixture
def queries(small_network) -> Queries:
    late = replace(LATE, end=CUT + 260)
    return queries_with(small_network, SECRET, late)


def test_a_hidden_record_takes_out_what_it_takes_and_is_nameless(queries) -> None:
    answer = queries.month(ACME, "DEN-1", "2025-10")

    assert answer.seconds.excluded == 120
    (shown,) = answer.exclusions
    assert (shown.exclusion_id, shown.seconds) == ("not shown", 120)
    assert answer.open_proposals == ("not shown",)
    assert not answer.final


@pytest.mark.parametrize("scope", [MANAGER, AllCustomers(commercial=False)])
def test_the_house_sees_it_all(queries, scope) -> None:
    answer = queries.month(scope, "DEN-1", "2025-10")

    assert [one.exclusion_id for one in answer.exclusions] == ["SECRET-1", "SECRET-2"]
    assert queries.exclusions(scope, "DEN-1", 0, END) == answer.exclusions


def test_no_answer_to_a_customer_names_it(queries) -> None:
    said = [
        to_json(queries.month(ACME, "DEN-1", "2025-10"), commercial=True),
        *queries.customer_month(ACME, "acme", "2025-10"),
        queries.circuits(ACME),
        queries.exclusions(ACME, "DEN-1", 0, END),
        queries.explain(ACME, "DEN-1", "2025-10"),
    ]

    assert "SECRET" not in str(said)
    assert "SECRET-1" in str(queries.explain(MANAGER, "DEN-1", "2025-10"))


def test_what_is_shown_to_customers_is_unchanged(small_network) -> None:
    queries = queries_with(small_network, replace(SECRET, show_to_customer=True))

    assert queries.month(ACME, "DEN-1", "2025-10") == queries.month(MANAGER, "DEN-1", "2025-10")
