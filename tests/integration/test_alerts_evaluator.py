"""From a filled store to alarm_history and outbox, through the real queries."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from alerts.alarms import AlarmChange
from alerts.evaluator import AlarmEvaluator
from alerts.sender import Sender
from alerts.targets import ListTarget
from linksla.clock import ManualClock, parse_instant
from linksla.decisions import DecisionsStore
from linksla.inventory import Circuit
from linksla.meters import Meters
from linksla.settings import TimeSettings
from sla.answers import CircuitSummary, Outcome
from sla.contracts import Contract, load_contracts
from sla.evaluator import Evaluator, VerdictChange
from sla.maintenance import MaintenanceWindow
from sla.queries import Queries
from sla.scope import AllCustomers, Scope

NOW = parse_instant("2025-12-03T00:00:40Z")
ALL = AllCustomers(commercial=True)


class ChosenAnswers:
    """Answers like `sla.queries`, with a circuit's state as the test says."""

    def __init__(self, queries: Queries) -> None:
        self._queries = queries
        self.now: dict[str, CircuitSummary] = {s.circuit_id: s for s in queries.circuits(ALL)}

    def circuits(
        self, scope: Scope, circuit_ids: Iterable[str] | None = None
    ) -> tuple[CircuitSummary, ...]:
        named = self.now.keys() if circuit_ids is None else set(circuit_ids)
        return tuple(found for name, found in self.now.items() if name in named)

    def circuit(self, scope: Scope, circuit_id: str) -> CircuitSummary | None:
        return self.now.get(circuit_id)

    def inventory_of(self, scope: Scope, circuit_id: str) -> Circuit | None:
        return self._queries.inventory_of(scope, circuit_id)

    def contract_of(
        self, scope: Scope, circuit_id: str, complete_up_to_s: int | None = None
    ) -> Contract | None:
        return self._queries.contract_of(scope, circuit_id, complete_up_to_s)


class Bench:
    """An evaluator on the small network, whose circuit DEN-1 the test moves."""

    def __init__(self, network: Any, windows: tuple[MaintenanceWindow, ...] = ()) -> None:
        self.store = network.store
        self.clock = ManualClock(NOW * 1_000_000)
        contracts = load_contracts(network.folder / "contracts")
        self.queries = Queries(
            network.store, network.inventory, contracts, windows, TimeSettings(), self.clock
        )
        self.answers = ChosenAnswers(self.queries)
        self.windows = windows
        self.evaluator = self.new_evaluator()

    def new_evaluator(self) -> AlarmEvaluator:
        return AlarmEvaluator(self.store, self.answers, lambda: self.windows, self.clock)

    def at(self, second: int, state: str, since: int, **changes: Any) -> tuple[AlarmChange, ...]:
        """Evaluate DEN-1 at NOW + second, in `state` since NOW + since."""
        self.clock.move_to((NOW + second) * 1_000_000)
        self.answers.now["DEN-1"] = replace(
            self.answers.now["DEN-1"],
            **{
                "state": state,
                "state_since_s": NOW + since,
                "live_to_s": NOW + second,
                "complete_up_to_s": NOW + second - 30,
                "channels_good": 4 if state == "up" else 0,
                **changes,
            },
        )
        return self.evaluator.evaluate(("DEN-1",))

    def outbox(self) -> list[tuple[str, str, str | None]]:
        return self.store.writer.execute(
            "select type, subject, withheld_reason from outbox order by sequence"
        ).fetchall()

    def events(self) -> list[dict[str, Any]]:
        rows = self.store.writer.execute("select payload from outbox order by sequence").fetchall()
        return [json.loads(text) for (text,) in rows]


@pytest.fixture
def bench(small_network: Any) -> Bench:
    return Bench(small_network)


def window(start: int, end: int, **changes: Any) -> MaintenanceWindow:
    return MaintenanceWindow(
        **{
            "id": "CHG-9", "circuit": "DEN-1", "start": NOW + start, "end": NOW + end,
            "announced_at": NOW - 900_000, "proposed_by": "carrier", "reason": "card swap",
            **changes,
        }
    )  # fmt: skip


RAISED, CLEARED = "linksla.alarm.raised", "linksla.alarm.cleared"
SUBJECT = "circuit/DEN-1/circuit_down"


def test_a_circuit_that_goes_down_and_up_is_announced_both_times(bench: Bench) -> None:
    bench.at(0, "up", -1000)
    bench.at(20, "down", 5)
    bench.at(21, "down", 5)
    bench.at(60, "up", 50)

    assert bench.outbox() == [(RAISED, SUBJECT, None), (CLEARED, SUBJECT, None)]
    event = bench.events()[0]
    assert event["specversion"] == "1.0"
    assert event["time"] == "2025-12-03T00:00:45Z"
    wanted = {
        "alarm_id", "revision", "change", "reason", "severity", "circuit_id", "channels",
        "event_at", "reported_at", "horizon", "value", "threshold", "sla_seconds_lost",
        "budget_left_seconds", "group_size", "link", "runbook", "speaks_again",
    }  # fmt: skip
    assert wanted <= event["data"].keys()
    assert event["data"]["channels"] == {"good": 0, "needed": 3, "total": 4}
    assert not {"credit", "price", "credit_percent"} & event["data"].keys()


def test_an_alarm_raised_again_keeps_its_identity(bench: Bench) -> None:
    changes = [
        *bench.at(20, "down", 5),
        *bench.at(60, "up", 50),
        *bench.at(90, "down", 80),
    ]

    assert len({change.alarm.key.alarm_id for change in changes}) == 1
    assert [change.alarm.revision for change in changes] == [1, 2, 3]
    assert len({event["id"] for event in bench.events()}) == 3


def test_an_alarm_is_read_as_it_stands_by_the_queries(bench: Bench) -> None:
    bench.at(20, "down", 5)

    (alarm,) = bench.queries.alarms(ALL, raised_only=True)

    assert (alarm.circuit_id, alarm.type, alarm.severity) == ("DEN-1", "circuit_down", "critical")
    assert alarm.event_at_s == NOW + 5


def test_a_restart_in_between_announces_the_clear_and_nothing_twice(bench: Bench) -> None:
    bench.at(20, "down", 5)
    bench.evaluator = bench.new_evaluator()
    bench.at(30, "down", 5)
    bench.evaluator = bench.new_evaluator()
    bench.at(60, "up", 50)

    assert [kind for kind, _, _ in bench.outbox()] == [RAISED, CLEARED]


def test_unmeasured_time_neither_raises_nor_clears_a_down(bench: Bench) -> None:
    bench.at(20, "unmeasured", 5)
    bench.at(30, "down", 25)
    bench.at(50, "unmeasured", 40)

    assert [(kind, subject) for kind, subject, _ in bench.outbox()] == [(RAISED, SUBJECT)]


def test_a_circuit_that_falls_silent_has_its_coverage_lost_and_found(bench: Bench) -> None:
    bench.at(0, "up", -1000)
    bench.at(99, "unmeasured", 0)  # n = 10 cells of 10 s
    before = bench.outbox()
    bench.at(100, "unmeasured", 0)
    bench.at(120, "up", 110)

    subject = "circuit/DEN-1/coverage_lost"
    assert before == []
    assert bench.outbox() == [(RAISED, subject, None), (CLEARED, subject, None)]


def test_silence_is_noticed_when_the_watermark_passes_the_last_sample(bench: Bench) -> None:
    bench.at(0, "up", -1000)
    bench.at(200, "up", -1000, live_to_s=NOW, complete_up_to_s=NOW + 110)

    assert bench.outbox() == [(RAISED, "circuit/DEN-1/coverage_lost", None)]


def test_a_muting_window_withholds_and_what_still_stands_at_its_end_is_announced(
    small_network: Any,
) -> None:
    bench = Bench(small_network, (window(0, 100),))
    bench.at(20, "down", 5)
    bench.at(99, "down", 5)
    before = bench.outbox()
    bench.at(101, "down", 5)
    bench.at(150, "up", 140)

    assert [(kind, (why or "")[:29]) for kind, _, why in before] == [
        (RAISED, "in maintenance window CHG-9 u")
    ]
    assert [(kind, why) for kind, _, why in bench.outbox()[1:]] == [(RAISED, None), (CLEARED, None)]


def test_a_down_that_ends_within_its_window_is_never_announced(small_network: Any) -> None:
    bench = Bench(small_network, (window(0, 100),))
    bench.at(20, "down", 5)
    bench.at(110, "down", 5, live_to_s=NOW + 95)  # the data do not reach the window's end yet
    bench.at(112, "up", 98)

    assert [why is None for _, _, why in bench.outbox()] == [False, False]


def test_a_down_from_before_the_window_is_announced_as_cleared_inside_it(
    small_network: Any,
) -> None:
    bench = Bench(small_network, (window(50, 100),))
    bench.at(20, "down", 5)
    bench.at(70, "up", 60)

    assert [(kind, why) for kind, _, why in bench.outbox()] == [(RAISED, None), (CLEARED, None)]


@pytest.mark.parametrize(
    "changes",
    [{"mute_alerts": False}, {"channel": "ch1"}, {"circuit": "DEN-2"},
     {"circuit": None, "site": "London"}],
)  # fmt: skip
def test_windows_that_do_not_mute_the_circuit_withhold_nothing(
    small_network: Any, changes: dict[str, Any]
) -> None:
    bench = Bench(small_network, (window(0, 100, **changes),))
    bench.at(20, "down", 5)

    assert bench.outbox() == [(RAISED, SUBJECT, None)]


def test_a_window_of_the_site_mutes_its_circuits(small_network: Any) -> None:
    bench = Bench(small_network, (window(0, 100, circuit=None, site="Denver"),))
    bench.at(20, "down", 5)

    assert bench.outbox()[0][2] is not None


def test_replaying_history_announces_nothing(bench: Bench) -> None:
    day = 86_400
    bench.clock.move_to((NOW + 5 * day) * 1_000_000)
    for step_s, state in enumerate(["up", "down", "up", "down"]):
        bench.answers.now["DEN-1"] = replace(
            bench.answers.now["DEN-1"], state=state, state_since_s=NOW + step_s * 100,
            live_to_s=NOW + step_s * 100 + 50, complete_up_to_s=NOW + step_s * 100 + 20,
        )  # fmt: skip
        bench.evaluator.evaluate(("DEN-1",))

    assert len(bench.outbox()) == 3
    assert all(why for _, _, why in bench.outbox())


def test_a_circuit_still_down_when_a_node_has_caught_up_is_announced_once(bench: Bench) -> None:
    bench.at(5000, "down", 5, live_to_s=NOW + 2000, complete_up_to_s=NOW + 2000)
    before = [why is None for _, _, why in bench.outbox()]
    bench.at(5001, "down", 5)
    bench.at(5002, "down", 5)

    assert before == [False]
    assert [why is None for _, _, why in bench.outbox()] == [False, True]


def breached(bench: Bench, *, verdict: Outcome, complete_up_to_s: int) -> None:
    summary = bench.answers.now["DEN-1"]
    assert summary.month is not None
    objectives = tuple(
        replace(one, verdict=verdict, actual="9.1", reason=f"{one.name} {verdict.value}")
        if one.name == "latency p95" else one
        for one in summary.month.objectives
    )  # fmt: skip
    month = replace(summary.month, objectives=objectives, complete_up_to_s=complete_up_to_s)
    bench.answers.now["DEN-1"] = replace(
        summary, month=month, complete_up_to_s=complete_up_to_s, live_to_s=complete_up_to_s
    )
    bench.evaluator.evaluate(("DEN-1",))


def test_a_breach_is_announced_and_so_is_its_recovery(bench: Bench) -> None:
    subject = "circuit/DEN-1/objective_breached/latency%20p95%202025-12"
    breached(bench, verdict=Outcome.MET, complete_up_to_s=NOW - 40)
    breached(bench, verdict=Outcome.BREACHED, complete_up_to_s=NOW - 20)
    breached(bench, verdict=Outcome.NOT_ASSESSABLE, complete_up_to_s=NOW - 10)
    breached(bench, verdict=Outcome.MET, complete_up_to_s=NOW)

    assert bench.outbox() == [(RAISED, subject, None), (CLEARED, subject, None)]
    assert bench.events()[0]["data"]["value"] == "9.1"


def test_a_breach_that_may_be_old_is_not_announced(bench: Bench) -> None:
    breached(bench, verdict=Outcome.MET, complete_up_to_s=NOW - 5000)
    breached(bench, verdict=Outcome.BREACHED, complete_up_to_s=NOW)

    ((_, _, why),) = bench.outbox()
    assert why is not None
    assert why.startswith("replayed history")


def test_the_small_networks_history_is_judged_and_all_of_it_withheld(bench: Bench) -> None:
    names = ("DEN-1", "DEN-2", "LON-1")
    verdicts = Evaluator(bench.store, bench.queries, bench.clock).evaluate(names)
    evaluator = AlarmEvaluator(bench.store, bench.queries, lambda: (), bench.clock)
    evaluator.evaluate(names, verdicts)

    messages = bench.outbox()
    assert sum(kind == "linksla.verdict.changed" for kind, _, _ in messages) == len(verdicts) > 6
    assert all(why for _, _, why in messages)
    assert evaluator.evaluate(names) == ()


def test_a_cut_in_the_spans_is_raised_by_the_real_queries(small_network: Any) -> None:
    end = parse_instant("2025-12-03T00:00:00Z")
    keys = "(select channel_key from channels where circuit_id = 'DEN-1')"
    small_network.store.writer.execute(
        f"update spans set end_s = {end - 300} where end_s = {end} and channel_key in {keys};"
        f"insert into spans select channel_key, {end // 86_400 - 1}, {end - 300}, {end}, 2, 8"
        f" from channels where circuit_id = 'DEN-1'"
    )
    bench = Bench(small_network)  # its queries remember what they have read once
    evaluator = AlarmEvaluator(bench.store, bench.queries, lambda: (), bench.clock)

    changes = evaluator.evaluate(("DEN-1", "DEN-2", "LON-1"))
    again = evaluator.evaluate(("DEN-1", "DEN-2", "LON-1"))

    down = [c.alarm for c in changes if c.alarm.key.type.value == "circuit_down"]
    assert [(alarm.key.circuit_id, alarm.event_at_s) for alarm in down] == [("DEN-1", end - 300)]
    assert down[0].known_outside
    assert again == ()


def test_a_changed_verdict_is_announced_with_its_numbers(bench: Bench) -> None:
    answer = bench.queries.month(ALL, "DEN-1", "2025-10")
    assert answer is not None
    bench.at(0, "up", -1000)
    current = replace(answer, calculation_version=2, complete_up_to_s=NOW - 30)
    bench.evaluator.evaluate(
        ("DEN-1",), (VerdictChange("DEN-1", "2025-10", "{}", current, "late data"),)
    )

    assert bench.outbox() == [("linksla.verdict.changed", "circuit/DEN-1/month/2025-10", None)]
    data = bench.events()[0]["data"]
    assert data["seconds"]["down"] == answer.seconds.down
    assert data["reason"] == "late data"
    assert not [key for key in data if "credit" in key]


def test_a_rebuild_makes_the_same_ids(bench: Bench) -> None:
    made = []
    for _ in range(2):
        bench.at(20, "down", 5)
        bench.at(60, "up", 50)
        made.append([event["id"] for event in bench.events()])
        bench.store.writer.execute("delete from outbox; delete from alarm_history")

    assert made[0] == made[1]


def test_alarms_and_messages_go_with_the_callers_transaction(bench: Bench) -> None:
    bench.store.writer.execute("begin")
    bench.at(20, "down", 5)
    bench.store.writer.execute("rollback")
    lost = bench.outbox()
    bench.at(21, "down", 5)

    assert lost == []
    assert bench.outbox() == [(RAISED, SUBJECT, None)]


def test_how_an_alarm_stands_is_not_read_again(bench: Bench) -> None:
    bench.at(20, "down", 5)
    bench.store.writer.execute("update alarm_history set condition = 'cleared'")

    assert bench.at(21, "down", 5) == ()


def test_an_alarm_of_the_node_does_not_stand_for_one_that_was_rolled_back(bench: Bench) -> None:
    bench.store.writer.execute("begin")
    bench.at(20, "down", 5)
    bench.store.writer.execute("rollback")
    bench.store.writer.execute(
        "insert into alarm_history values ('n', 1, '', 'stream_gap', '', 'major', 'raised', "
        "0, 0, '', '{}')"
    )
    bench.at(21, "down", 5)

    assert bench.outbox() == [(RAISED, SUBJECT, None)]


@pytest.fixture
def decisions(tmp_path: Path) -> Iterator[DecisionsStore]:
    store = DecisionsStore(tmp_path / "decisions.sqlite")
    store.start()
    yield store
    store.close()


def test_withheld_messages_reach_no_target(small_network: Any, decisions: DecisionsStore) -> None:
    bench = Bench(small_network, (window(0, 100),))
    bench.at(20, "down", 5)
    bench.at(200, "down", 5)
    target = ListTarget()
    sender = Sender(bench.store, decisions, [target], bench.clock, Meters())

    sent = sender.send_once()

    assert sent == 1
    assert "still raised at the end of its maintenance window" in target.messages[0].body
