"""Redundancy lost: raised after n cells with a channel bad, cleared after n with all good."""

from dataclasses import replace
from typing import Any

import pytest

from alerts.conditions import AlarmType, CircuitFacts, Condition, Holds, Over, Undecided, judge
from alerts.evaluator import AlarmEvaluator
from alerts.muting import muted_by
from linksla.clock import MICROSECONDS, ManualClock
from linksla.settings import TimeSettings
from sla.contracts import load_contracts
from sla.evaluator import Evaluator
from sla.maintenance import MaintenanceWindow
from sla.queries import Queries
from sla.scope import AllCustomers

ALL = AllCustomers(commercial=True)
END = 1_764_720_000  # complete up to here, live one cell further; DEN-1: ten cells of 10 s decide


@pytest.fixture
def queries(small_network: Any) -> Queries:
    contracts = load_contracts(small_network.folder / "contracts")
    return Queries(
        small_network.store, small_network.inventory, contracts, (), TimeSettings(),
        ManualClock(END * MICROSECONDS),
    )  # fmt: skip


def break_channels(network: Any, channels: tuple[int, ...], start_s: int, end_s: int = END) -> None:
    """Make channels of DEN-1 bad within the last day."""
    writer = network.store.writer
    for key in channels:
        writer.execute(
            "update spans set end_s = ? where channel_key = ? and end_s = ?", [start_s, key, END]
        )
        writer.execute(
            "insert into spans values (?, ?, ?, ?, 2, 0)", [key, start_s // 86_400, start_s, end_s]
        )
        if end_s < END:
            writer.execute(
                "insert into spans values (?, ?, ?, ?, 1, 0)", [key, end_s // 86_400, end_s, END]
            )


def condition(queries: Queries) -> Condition:
    summary = queries.circuit(ALL, "DEN-1")
    circuit, contract = queries.inventory_of(ALL, "DEN-1"), queries.contract_of(ALL, "DEN-1")
    assert summary is not None
    assert circuit is not None
    assert contract is not None
    facts = CircuitFacts(circuit, contract, summary, ())
    (found,) = [j.condition for j in judge(facts) if j.type is AlarmType.REDUNDANCY_LOST]
    return found


def test_all_channels_good_is_over(queries) -> None:
    assert isinstance(condition(queries), Over)


@pytest.mark.parametrize(("seconds", "kind"), [(80, Undecided), (90, Holds), (5_000, Holds)])
def test_a_channel_bad_for_n_cells_is_lost_redundancy(
    small_network, queries, seconds, kind
) -> None:
    break_channels(small_network, (2,), END - seconds)

    found = condition(queries)

    assert isinstance(found, kind)
    if isinstance(found, Holds):
        assert found.reason.startswith("up without ch2 since 2025-12-02T23:58:30Z or earlier: 3 of")
        assert (found.measure.value, found.measure.threshold) == ("3", "4")


@pytest.mark.parametrize(("seconds", "kind"), [(80, Undecided), (90, Over)])
def test_it_is_over_when_all_have_been_good_for_n_cells(
    small_network, queries, seconds, kind
) -> None:
    break_channels(small_network, (2,), END - 1_000, END - seconds)

    assert isinstance(condition(queries), kind)


def test_an_outage_is_for_circuit_down_to_tell(small_network, queries) -> None:
    break_channels(small_network, (1, 2), END - 1_000)

    assert isinstance(condition(queries), Undecided)


def test_the_alarm_is_raised_and_costs_no_second_of_the_month(small_network, queries) -> None:
    break_channels(small_network, (2,), END - 300)
    store, clock = small_network.store, ManualClock((END + 10) * MICROSECONDS)
    alarms = AlarmEvaluator(store, queries, lambda: queries.maintenance, clock)
    store.writer.execute("begin")
    verdicts = Evaluator(store, queries, clock).evaluate(["DEN-1"])
    changes = alarms.evaluate(["DEN-1"], verdicts)
    store.writer.execute("commit")

    raised = [change.alarm for change in changes if change.alarm.known_outside]
    assert [(one.key.type, one.severity) for one in raised] == [("redundancy_lost", "major")]
    month = queries.month(ALL, "DEN-1", "2025-12")
    view = queries.channel_view(ALL, "DEN-1", "2025-12")
    assert month is not None
    assert view is not None
    assert month.seconds.down == 0
    assert view.redundancy_lost_seconds == 300


def window(channel: str | None, **more: Any) -> MaintenanceWindow:
    return MaintenanceWindow(
        id=f"W-{channel}", circuit="DEN-1", channel=channel, start=END - 10, end=END + 10,
        announced_at=0, proposed_by="carrier", reason="card", **more,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("windows", "channels", "muted"),
    [
        ((window("ch2"),), (), False),  # not its circuit
        ((window("ch2"),), ("ch2",), True),
        ((window("ch2"),), ("ch1", "ch2"), False),  # ch1 has no window
        ((window("ch1"), window("ch2")), ("ch1", "ch2"), True),
        ((window(None),), ("ch1",), True),
        ((window("ch2", mute_alerts=False),), ("ch2",), False),
        ((replace(window(None), ticket="INC-7"),), ("ch2",), False),
    ],
)
def test_channels_windows_mute_what_is_about_those_channels_only(
    small_network, windows, channels, muted
) -> None:
    circuit = small_network.inventory.circuits["DEN-1"]

    found = muted_by(windows, circuit, now_s=END, horizon_s=END, channels=channels)

    assert (found is not None) is muted
