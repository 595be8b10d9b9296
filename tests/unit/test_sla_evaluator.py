"""The history of verdicts: what changes is appended with its reason, nothing else is."""

import json

import pytest

from linksla.clock import MICROSECONDS, ManualClock, parse_instant
from linksla.settings import TimeSettings
from sla.contracts import load_contracts
from sla.evaluator import Evaluator
from sla.maintenance import load_maintenance
from sla.queries import Queries
from sla.scope import AllCustomers

ALL = AllCustomers(commercial=True)
DAY = 86_400
END = parse_instant("2025-12-03T00:00:00Z")
NOVEMBER_5 = parse_instant("2025-11-05T00:00:00Z")


@pytest.fixture
def network(small_network):
    return small_network


@pytest.fixture
def queries(network) -> Queries:
    return Queries(
        network.store,
        network.inventory,
        load_contracts(network.folder / "contracts"),
        load_maintenance(network.folder / "maintenance.yaml"),
        TimeSettings(),
        ManualClock(END * MICROSECONDS),
    )


@pytest.fixture
def evaluator(network, queries) -> Evaluator:
    return Evaluator(network.store, queries, ManualClock(END * MICROSECONDS))


def evaluated(network, evaluator, circuits=None, *, commit: bool = True):
    writer = network.store.writer
    writer.execute("begin")
    changes = evaluator.evaluate(circuits or network.inventory.circuits)
    writer.execute("commit" if commit else "rollback")
    return changes


def history(network) -> list[tuple[str, str, int, str]]:
    return network.store.writer.execute(
        "select circuit_id, month, calculation_version, reason from verdict_history order by all"
    ).fetchall()


def break_november(network, cells: int) -> None:
    """Turn the first cells of 5 November bad on two of four channels."""
    for sql in (
        "update spans set start_s = start_s + $s where channel_key in (1, 2) and start_s = $at",
        "insert into spans select k, $at // 86400, $at, $at + $s, 2, 0 from range(1, 3) t(k)",
    ):
        network.store.writer.execute(sql, {"at": NOVEMBER_5, "s": cells * 10})


def test_the_first_look_at_a_month_is_version_one(network, evaluator) -> None:
    changes = evaluated(network, evaluator)

    assert len(changes) == 11
    assert {change.reason for change in changes} == {"first evaluation"}
    assert all(change.previous is None for change in changes)
    assert {version for _, _, version, _ in history(network)} == {1}


def test_nothing_changed_is_nothing_appended(network, evaluator) -> None:
    evaluated(network, evaluator)

    assert evaluated(network, evaluator) == ()
    assert len(history(network)) == 11


def test_a_verdict_that_changes_is_a_new_version_with_its_reason(
    network, evaluator, queries
) -> None:
    evaluated(network, evaluator)
    break_november(network, 100)

    (change,) = evaluated(network, evaluator)

    assert (change.circuit_id, change.month) == ("DEN-1", "2025-11")
    assert json.loads(change.previous)["objectives"]["availability"] == "met"
    assert change.current.calculation_version == 2
    assert change.reason.startswith("availability: breached (was met). ")
    assert "1,000" in change.reason
    assert queries.month(ALL, "DEN-1", "2025-11").calculation_version == 2
    assert queries.month(ALL, "DEN-1", "2025-10").calculation_version == 1


def test_a_final_month_does_not_change_its_seconds_silently(network, evaluator) -> None:
    evaluated(network, evaluator)
    break_november(network, 12)

    (change,) = evaluated(network, evaluator)

    assert change.current.verdict is not None
    assert change.reason == (
        "Seconds of a final month changed: down 0 to 120 s, up 2,595,600 to 2,595,480 s."
        " Because: samples came late."
    )


def test_a_rolled_back_evaluation_is_made_again(network, evaluator) -> None:
    lost = evaluated(network, evaluator, commit=False)

    assert evaluated(network, evaluator) == lost
    assert len(history(network)) == 11


def test_only_the_circuits_asked_for_are_judged(network, evaluator) -> None:
    changes = evaluated(network, evaluator, ["LON-1", "no such circuit"])

    assert {change.circuit_id for change in changes} == {"LON-1"}


def test_the_evaluator_sees_what_its_own_transaction_wrote(network, evaluator) -> None:
    evaluated(network, evaluator)
    writer = network.store.writer
    writer.execute("begin")
    break_november(network, 100)

    changes = evaluator.evaluate(["DEN-1"])
    writer.execute("rollback")

    assert [change.month for change in changes] == ["2025-11"]
    assert evaluated(network, evaluator) == ()


def test_the_payload_is_the_answer_of_the_api(network, evaluator) -> None:
    evaluated(network, evaluator)
    (payload,) = network.store.writer.execute(
        "select payload from verdict_history where circuit_id = 'DEN-1' and month = '2025-10'"
    ).fetchone()

    body = json.loads(payload)

    assert body["seconds"] == {"up": 2_678_100, "down": 300, "excluded": 0, "unmeasured": 0}
    assert body["credit"]["percent"] == "10"
