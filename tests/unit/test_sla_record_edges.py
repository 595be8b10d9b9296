"""Alarms and the ledger as a reader sees them, row by row and second by second."""

from typing import Any

import pytest

from linksla.inventory import Customer, Inventory
from linksla.inventory import Ownership as Owner
from linksla.sql import statement
from linksla.stores import TelemetryStore
from sla.periods import Ownership
from sla.records import NODE, read_alarms, read_ledger
from tests.unit.told_bench import circuit

DAY = 86_400
OWNERS = (Owner(customer="acme", end=500), Owner(customer="globex", start=700))
CUSTOMERS = {name: Customer(id=name, name=name) for name in ("acme", "globex")}
INVENTORY = Inventory(
    CUSTOMERS, {name: circuit(name, owners=OWNERS, active_from=0) for name in ("C", "D")}
)


def put(store: TelemetryStore, *rows: tuple[Any, ...]) -> None:
    """Alarms: id, revision, circuit, severity, condition, event_at_s."""
    for alarm, revision, name, severity, condition, at in rows:
        store.writer.execute(
            "insert into alarm_history values (?, ?, ?, 'type', 'q', ?, ?, ?, ?, ?, '{}')",
            [alarm, revision, name, severity, condition, at, at * 10, f"why {revision}"],
        )


def told(
    store: TelemetryStore, *owns: Ownership, raised_only: bool = False, whole: bool = False
) -> list[str]:
    seen = {"C": owns or (Ownership("acme", 0, 1_000),)}
    found = read_alarms(store.writer, INVENTORY, seen, raised_only=raised_only, whole_stream=whole)
    return [one.alarm_id for one in found]


def test_an_alarm_stands_as_its_highest_revision_says(memory_store: TelemetryStore) -> None:
    put(
        memory_store,
        ("a", 1, "C", "major", "raised", 10), ("a", 3, "C", "minor", "raised", 30),
        ("a", 2, "C", "major", "cleared", 20), ("b", 1, "C", "major", "raised", 40),
        ("b", 2, "C", "major", "cleared", 50), ("c", 1, "D", "major", "raised", 60),
    )  # fmt: skip
    seen = {"C": (Ownership("acme", 0, 1_000),)}

    one, two = read_alarms(memory_store.writer, INVENTORY, seen, raised_only=False)

    assert (one.alarm_id, one.revision, one.circuit_id, one.customer_id, one.type, one.qualifier,
            one.severity, one.condition, one.event_at_s, one.reported_at_us, one.reason) == (
        "a", 3, "C", "acme", "type", "q", "minor", "raised", 30, 300, "why 3")  # fmt: skip
    assert (two.alarm_id, two.revision, two.condition) == ("b", 2, "cleared")
    assert told(memory_store, raised_only=True) == ["a"]
    assert told(memory_store) == ["a", "b"]


def test_raised_ones_come_first_then_the_severest_then_the_oldest(
    memory_store: TelemetryStore,
) -> None:
    put(
        memory_store,
        ("odd", 1, "C", "strange", "raised", 1),
        ("indeterminate", 1, "C", "indeterminate", "raised", 2),
        ("warning", 1, "C", "WARNING", "raised", 3), ("minor", 1, "C", "minor", "raised", 4),
        ("major", 1, "C", "major", "raised", 5), ("z", 1, "C", "critical", "raised", 6),
        ("y", 1, "C", "critical", "raised", 7), ("x", 1, "C", "critical", "raised", 7),
        ("gone", 1, "C", "critical", "cleared", 0),
    )  # fmt: skip

    assert told(memory_store) == [
        "z", "x", "y", "major", "minor", "warning", "indeterminate", "odd", "gone"
    ]  # fmt: skip


def test_an_alarm_is_seen_by_who_may_see_its_instant(memory_store: TelemetryStore) -> None:
    put(memory_store, *((str(at), 1, "C", "major", "raised", at) for at in (99, 100, 199, 200)))
    early, late = Ownership("acme", 100, 200), Ownership("acme", 400, 500)

    assert told(memory_store, early) == ["100", "199"]
    assert told(memory_store, early, late) == ["100", "199"]
    assert told(memory_store, Ownership("acme", 0, 100), Ownership("acme", 200, 300)) == [
        "99", "200"
    ]  # fmt: skip


def test_an_alarm_is_its_owners_at_its_instant(memory_store: TelemetryStore) -> None:
    put(memory_store, *((str(at), 1, "C", "major", "raised", at) for at in (499, 600, 700)))
    seen = {"C": (Ownership("acme", 0, 1_000),)}

    found = read_alarms(memory_store.writer, INVENTORY, seen, raised_only=False)

    assert [(one.alarm_id, one.customer_id) for one in found] == [
        ("499", "acme"), ("600", ""), ("700", "globex")
    ]  # fmt: skip


def test_the_nodes_own_alarms_are_for_who_sees_the_whole_stream(
    memory_store: TelemetryStore,
) -> None:
    put(memory_store, ("n", 4, NODE, "major", "raised", 5_000), ("c", 1, "C", "major", "raised", 5))
    seen = {"C": (Ownership("acme", 0, 1_000),)}

    _, node = read_alarms(
        memory_store.writer, INVENTORY, seen, raised_only=False, whole_stream=True
    )
    assert (node.alarm_id, node.revision, node.circuit_id, node.customer_id, node.severity,
            node.event_at_s, node.reported_at_us, node.reason) == (
        "n", 4, "", "", "major", 5_000, 50_000, "why 4")  # fmt: skip
    assert told(memory_store, whole=True) == ["c", "n"]
    assert told(memory_store) == ["c"]
    without = read_alarms(memory_store.writer, INVENTORY, seen, raised_only=False)
    assert [one.alarm_id for one in without] == ["c"]


@pytest.fixture
def ledger(memory_store: TelemetryStore) -> TelemetryStore:
    for kind, name, day, count in (
        ("late", "C", 4, 1), ("late", "C", 5, 2), ("late", "C", 7, 4), ("late", "C", 8, 8),
        ("late", "C", None, 16), ("late", "D", 5, 32), ("rejected", None, 5, 64),
        ("gap", None, None, 128),
    ):  # fmt: skip
        memory_store.writer.execute(
            "insert into ledger values (?, ?, 'a', ?, ?, null, null, null, null, 'why')",
            [kind, name, day, count],
        )
    return memory_store


def counts(store: TelemetryStore, *owns: tuple[int, int], whole_stream: bool = False) -> list[int]:
    seen = {"C": [Ownership("acme", start, end) for start, end in owns]}
    return [one.count for one in read_ledger(store.writer, seen, whole_stream=whole_stream)]


def test_a_day_of_the_ledger_is_seen_if_a_second_of_it_may_be(ledger: TelemetryStore) -> None:
    assert counts(ledger, (5 * DAY, 8 * DAY)) == [2, 4, 16]
    assert counts(ledger, (5 * DAY - 1, 8 * DAY + 1)) == [1, 2, 4, 8, 16]
    assert counts(ledger, (6 * DAY - 1, 7 * DAY + 1)) == [2, 4, 16]
    assert counts(ledger, (6 * DAY, 7 * DAY)) == [16]
    assert counts(ledger, (4 * DAY, 5 * DAY), (8 * DAY, 9 * DAY)) == [1, 8, 16]


def test_who_sees_the_whole_stream_sees_every_day_and_what_has_no_circuit(
    ledger: TelemetryStore,
) -> None:
    assert counts(ledger, (5 * DAY, 6 * DAY), whole_stream=True) == [1, 2, 4, 8, 16, 64, 128]


def test_a_line_of_the_ledger_says_its_day_in_utc(ledger: TelemetryStore) -> None:
    seen = {"C": [Ownership("acme", 0, 5 * DAY)]}

    dated, undated = read_ledger(ledger.writer, seen, whole_stream=False)

    assert (dated.kind, dated.circuit_id, dated.channel, dated.day, dated.count, dated.detail) == (
        "late", "C", "a", "1970-01-05", 1, "why"
    )  # fmt: skip
    assert undated.day is None


VERDICT = (
    "C", "2026-06", 1, 77, 100, True, "met", "first evaluation", '{"a":1}', '{"b":2}'
)  # fmt: skip
NAMES = ("circuit_id", "month", "calculation_version", "complete_up_to_s", "final", "verdicts",
         "reason", "payload", "basis")  # fmt: skip


def append(store: TelemetryStore, *rows: tuple[Any, ...]) -> None:
    columns = [list(column) for column in zip(*rows, strict=True)]
    calculated_at_us = columns.pop(3)[0]
    store.writer.execute(
        statement("sla", "verdict_insert"),
        dict(zip(NAMES, columns, strict=True)) | {"calculated_at_us": calculated_at_us},
    )


def test_calculations_are_appended_as_they_are_and_counted(memory_store: TelemetryStore) -> None:
    second = ("C", "2026-06", 2, 77, 200, False, "breached", "because", '{"a":2}', None)
    append(memory_store, VERDICT, second)

    kept = memory_store.writer.execute("from verdict_history order by calculation_version")
    assert kept.fetchall() == [VERDICT, second]
    count = memory_store.writer.execute(statement("sla", "verdict_count"))
    assert count.fetchall() == [(2,)]


def test_the_answers_of_the_calculations_that_are_asked_are_read(
    memory_store: TelemetryStore,
) -> None:
    append(
        memory_store,
        *((name, month, version, 0, 0, False, "", "", f"{name} {month} {version}", None)
          for name in ("C", "D") for month in ("2026-05", "2026-06") for version in (1, 2)),
    )  # fmt: skip

    found = memory_store.writer.execute(
        statement("sla", "verdict_payloads"),
        {"circuit_id": ["C", "D"], "month": ["2026-06", "2026-05"], "calculation_version": [2, 1]},
    ).fetchall()

    assert sorted(found) == [
        ("C", "2026-06", "C 2026-06 2"), ("D", "2026-05", "D 2026-05 1")
    ]  # fmt: skip


def test_what_a_changed_verdict_follows_from_is_noted(memory_store: TelemetryStore) -> None:
    row = ("C", "2026-06", 2, 100, 200, "late", 5, 7)
    names = ("circuit_id", "month", "calculation_version", "start_s", "end_s", "kind", "day",
             "samples")  # fmt: skip
    memory_store.writer.execute(
        statement("sla", "restatement_insert"), dict(zip(names, row, strict=True))
    )

    assert memory_store.writer.execute("from restatement_causes").fetchall() == [row]


def test_the_ledgers_count_of_a_circuit_is_all_it_has(ledger: TelemetryStore) -> None:
    found = ledger.writer.execute(statement("sla", "ledger_counts"), {"circuit_ids": ["C", "X"]})

    assert found.fetchall() == [("C", 31)]


def test_spans_of_many_channels_have_a_mark_that_any_change_changes(
    memory_store: TelemetryStore,
) -> None:
    writer = memory_store.writer
    for key, start, end, bgp, loss in (
        (1, 0, 10, 1, 0), (2, 0, 10, 1, None), (3, 0, 10, 1, 5), (4, 0, 10, 1, 0),
        (5, 0, 10, 1, 0), (6, 0, 10, 1, 0),
    ):  # fmt: skip
        writer.execute("insert into spans values (?, 0, ?, ?, ?, ?)", [key, start, end, bgp, loss])

    def read(first: int, last: int, *keys: int, from_s: int = 0) -> list[tuple[int, ...]]:
        asked = {"channel_keys": list(keys), "first_key": first, "last_key": last,
                 "from_s": from_s}  # fmt: skip
        return sorted(writer.execute(statement("sla", "circuits_spans"), asked).fetchall())

    assert [row[:5] for row in read(2, 5, 2, 3, 5)] == [
        (2, 0, 10, 1, -1), (3, 0, 10, 1, 5), (5, 0, 10, 1, 0)
    ]  # fmt: skip
    assert [row[0] for row in read(3, 4, 1, 2, 3, 4, 5, 6)] == [3, 4]
    marks = {row[5] for row in read(1, 6, 1, 2, 3, 4, 5, 6)}
    assert len(marks) == 6
    for change in ("start_s = 1", "end_s = 11", "bgp = 2", "loss_class = 1"):
        writer.execute(f"update spans set {change} where channel_key = 1")
        marks.add(read(1, 1, 1)[0][5])
    assert len(marks) == 10
    assert [row[1] for row in read(1, 6, 1, 2, 3, from_s=1)] == [1]
    assert read(1, 6, 1, 2, 3, from_s=2) == []


def test_steps_are_read_of_each_channel_from_where_it_is_asked(
    memory_store: TelemetryStore,
) -> None:
    writer = memory_store.writer
    for key in (1, 2, 3):
        measured = {"from_s": [0], "to_s": [240], "latency_us": [7], "jitter_us": [None]}
        more = {"loss_ppm": [None], "rx_bps": [None], "tx_bps": [None], "step_s": 60}
        writer.execute(statement("sla", "trial_rollups"), {"channel_key": key} | measured | more)

    found = writer.execute(
        statement("sla", "observed_steps"),
        {"channel_keys": [1, 2], "from_s": [60, 120], "first_key": 1, "last_key": 2,
         "first_s": 60, "last_s": 120},
    ).fetchall()  # fmt: skip

    assert sorted(row[:2] for row in found) == [(1, 60), (1, 120), (2, 120)]
    assert {row[4:6] for row in found} == {(1, 7)}
