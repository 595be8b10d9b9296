"""Alarms of the node itself: in the history, in the list, in the outbox; raised and cleared."""

import json
from typing import Any

import pytest

from alerts.node_alarms import NodeAlarms
from linksla.clock import ManualClock
from linksla.model import Gap
from processors.housekeeping import HouseCondition
from sla.scope import AllCustomers, OnlyCustomers
from tests.unit.test_sla_queries import queries_on

US = 1_000_000
NOW_S = 1_764_720_000  # 2025-12-03T00:00:00Z
DAY = 86_400
ALL = AllCustomers(commercial=False)
ACME = OnlyCustomers(frozenset({"acme"}))
TOPIC = "link.samples"


def log_of(mib: int, *, large: bool) -> HouseCondition:
    said = "the write-ahead log is over 256 MiB" if large else "the log is in the database file"
    return HouseCondition("wal_large", large, said, str(mib), "256", "MiB of write-ahead log")


def disk_of(mib: int, *, full: bool) -> HouseCondition:
    return HouseCondition("disk_low", full, "reading pauses" if full else "room again", str(mib),
                          "1024", "MiB free")  # fmt: skip


class Bench:
    def __init__(self, network: Any) -> None:
        self.network = network
        self.clock = ManualClock(NOW_S * US)
        self.queries = queries_on(network)
        self.restart()

    def restart(self) -> None:
        self.alarms = NodeAlarms(self.network.store, self.clock, close_after_seconds=DAY)

    def listed(self) -> list[tuple[str, str, str, str, int]]:
        return [
            (one.type, one.qualifier, one.severity, one.condition, one.revision)
            for one in self.queries.alarms(ALL)
        ]

    def sent(self) -> list[dict[str, Any]]:
        rows = self.network.store.writer.execute(
            "select payload from outbox where withheld_reason is null order by sequence"
        ).fetchall()
        return [json.loads(payload) for (payload,) in rows]

    def read_to(self, partition: int, second: int) -> None:
        self.network.store.writer.execute(
            "insert or replace into offsets values (?, ?, 9, ?, ?)",
            [TOPIC, partition, second * US, second * US],
        )


@pytest.fixture
def bench(small_network: Any) -> Bench:
    return Bench(small_network)


def test_a_large_log_and_a_full_disk_are_raised_once_and_cleared(bench: Bench) -> None:
    for large, full in ((False, False), (True, False), (True, True), (True, True), (False, True)):
        bench.clock.move_to(bench.clock.now_us() + US)
        bench.alarms.evaluate([log_of(300, large=large), disk_of(12, full=full)])

    assert bench.listed() == [
        ("disk_low", "", "critical", "raised", 1), ("wal_large", "", "major", "cleared", 2),
    ]  # fmt: skip
    messages = [(one["type"], one["subject"], one["data"]["severity"]) for one in bench.sent()]
    assert messages == [
        ("linksla.alarm.raised", "node/wal_large", "major"),
        ("linksla.alarm.raised", "node/disk_low", "critical"),
        ("linksla.alarm.cleared", "node/wal_large", "major"),
    ]
    first = bench.sent()[0]["data"]
    assert (first["value"], first["threshold"], first["unit"]) == (
        "300", "256", "MiB of write-ahead log",
    )  # fmt: skip
    assert first["runbook"] == "docs/runbooks.md#wal_large"


def test_after_a_restart_what_stands_is_neither_raised_again_nor_forgotten(bench: Bench) -> None:
    bench.alarms.evaluate([log_of(300, large=True)])
    bench.restart()
    bench.alarms.evaluate([log_of(300, large=True)])
    assert len(bench.sent()) == 1

    bench.alarms.evaluate([log_of(1, large=False)])
    assert [one["type"] for one in bench.sent()][-1] == "linksla.alarm.cleared"


def test_a_gap_stays_raised_until_its_partition_is_read_a_day_past_it(bench: Bench) -> None:
    gap = Gap(3, 100, 149, 150, NOW_S * US - 7_200 * US, "deleted before it was read")
    bench.alarms.raise_gaps(TOPIC, [gap])
    bench.alarms.raise_gaps(TOPIC, [gap])  # a crash before it was accepted
    bench.restart()
    steps = []
    for second in (NOW_S, NOW_S - 7_201 + DAY, NOW_S - 7_200 + DAY):
        bench.read_to(4, NOW_S + 9 * DAY)  # others do not count
        bench.read_to(3, second)
        bench.alarms.evaluate([])
        steps.append(bench.listed()[0][3:])

    assert steps == [("raised", 1), ("raised", 1), ("cleared", 2)]
    assert bench.listed()[0][:3] == ("feed_gap", f"{TOPIC}/3 100", "major")
    raised, cleared = bench.sent()
    assert raised["data"]["value"] == "50"
    assert "deleted before it was read" in raised["data"]["reason"]
    assert "circuit_id" not in raised["data"]
    assert "read 86400 s past the gap" in cleared["data"]["reason"]


def test_two_gaps_are_two_alarms(bench: Bench) -> None:
    for first in (100, 900):
        gap = Gap(3, first, None, 0, None, "what came after is unknown")
        bench.alarms.raise_gaps(TOPIC, [gap])

    assert [one[1] for one in bench.listed()] == [f"{TOPIC}/3 100", f"{TOPIC}/3 900"]


def test_customers_see_no_alarm_of_the_node(bench: Bench) -> None:
    bench.alarms.evaluate([disk_of(12, full=True)])

    assert bench.queries.alarms(ACME) == ()
    (alarm,) = bench.queries.alarms(ALL)
    assert (alarm.circuit_id, alarm.customer_id) == ("", "")
