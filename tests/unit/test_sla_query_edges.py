"""Questions through the one door: order, ends of ownerships, and what is not there."""

from dataclasses import replace
from typing import Any

import pytest

from linksla.clock import MICROSECONDS, ManualClock
from linksla.inventory import Customer, Inventory
from linksla.inventory import Ownership as Owner
from linksla.settings import TimeSettings
from linksla.stores import TelemetryStore
from sla.answers import Tape
from sla.queries import Queries
from sla.scope import AllCustomers, OnlyCustomers
from tests.unit.circuit_bench import HORIZON, Bench
from tests.unit.past_bench import DAY, JULY, JUNE, ONE
from tests.unit.told_bench import circuit, version, window

ALL = AllCustomers(commercial=True)
ACME, GLOBEX = (OnlyCustomers(frozenset({name})) for name in ("acme", "globex"))
HELD_TWICE = (
    Owner(customer="acme", end=JUNE + 5 * DAY),
    Owner(customer="globex", start=JUNE + 5 * DAY, end=JUNE + 10 * DAY),
    Owner(customer="acme", start=JUNE + 10 * DAY, end=JUNE + 20 * DAY),
    Owner(customer="globex", start=JUNE + 20 * DAY),
)


def silent(store: TelemetryStore, *names: str, now_s: int = JUNE, **circuit_terms: Any) -> Queries:
    """Return queries of circuits from which nothing ever came, in the order they are named."""
    customers = {name: Customer(id=name, name=name) for name in ("zeta", "globex", "acme")}
    circuits = {name: circuit(name, **circuit_terms) for name in names}
    return Queries(
        store, Inventory(customers, circuits), {"c": (ONE, version(2, JULY))}, (), TimeSettings(),
        ManualClock(now_s * MICROSECONDS),
    )  # fmt: skip


def test_circuits_and_customers_are_told_by_name(memory_store: TelemetryStore) -> None:
    asked = silent(memory_store, "B", "C", "A")

    assert asked.circuit_ids(ALL) == ("A", "B", "C")
    assert [one.circuit_id for one in asked.circuits(ALL)] == ["A", "B", "C"]
    assert [one.circuit_id for one in asked.circuits(ALL, ["C", "X", "A"])] == ["A", "C"]
    assert asked.circuits(ALL, []) == ()
    assert [one.id for one in asked.customers(ALL)] == ["acme", "globex", "zeta"]
    assert [one.id for one in asked.customers(GLOBEX)] == ["globex"]
    assert asked.circuit(GLOBEX, "A") is None
    found = asked.circuit(ACME, "A")
    assert found is not None
    assert (found.circuit_id, found.customer_id) == ("A", "acme")
    assert asked.inventory_of(GLOBEX, "A") is None
    entry = asked.inventory_of(ACME, "A")
    assert entry is not None
    assert entry.id == "A"


def test_of_a_silent_circuit_nothing_is_known_yet(memory_store: TelemetryStore) -> None:
    asked = silent(memory_store, "A")

    assert asked.months(ALL, "A") == ()
    assert asked.month(ALL, "A", "2026-06") is None
    assert asked.outages(ALL, "A", 0, HORIZON) == ()
    assert asked.exclusions(ALL, "A", 0, HORIZON) == ()
    assert asked.tape(ALL, "A", 7, 9) == Tape("A", 7, 9, JUNE, (), (), JUNE)
    assert asked.customer_month(ALL, "acme", "2026-06") == ()
    for scope, name in ((GLOBEX, "A"), (ALL, "X")):
        assert asked.months(scope, name) == ()
        assert asked.outages(scope, name, 0, HORIZON) is None
        assert asked.exclusions(scope, name, 0, HORIZON) is None
        assert asked.tape(scope, name, 7, 9) is None
        assert asked.contract_of(scope, name) is None
        assert asked.series(scope, name, "latency", JUNE, JULY, 3_600) is None


def test_the_contract_of_a_circuit_is_that_of_what_is_complete(
    memory_store: TelemetryStore,
) -> None:
    def number(asked: Queries, scope: Any = ALL, at: int | None = None) -> int | None:
        found = asked.contract_of(scope, "C", at)
        return found and found.version

    nothing = silent(memory_store, "C")
    assert number(nothing) == 1
    assert number(nothing, at=JULY) == 2
    assert number(nothing, at=JULY - 1) == 1
    late = silent(memory_store, "C", active_from=JULY + DAY)
    assert number(late) == 2
    sold = silent(memory_store, "C", owners=(Owner(customer="acme", end=JULY - 1),
                                             Owner(customer="globex", start=JULY - 1)))  # fmt: skip
    assert number(sold, ACME, JULY + DAY) == 1
    assert number(sold, GLOBEX, JULY + DAY) == 2


def test_a_circuit_is_shown_under_its_owner_now_or_the_readers_last_hold(
    memory_store: TelemetryStore,
) -> None:
    def shown(scope: Any, day: int) -> str | None:
        asked = silent(memory_store, "C", now_s=JUNE + day * DAY, owners=HELD_TWICE)
        found = asked.circuit(scope, "C")
        return found and found.customer_id

    assert [shown(ALL, day) for day in (1, 6, 11, 21)] == ["acme", "globex", "acme", "globex"]
    assert [shown(ACME, day) for day in (1, 6, 11, 21)] == ["acme"] * 4
    assert [shown(GLOBEX, day) for day in (1, 6)] == ["globex"] * 2
    gone = silent(memory_store, "C", now_s=JULY, owners=(Owner(customer="acme", end=JUNE + 9),))
    found = gone.circuit(ALL, "C")
    assert found is not None
    assert found.customer_id == "acme"


@pytest.fixture
def bench(memory_store: TelemetryStore) -> Bench:
    """Return a circuit that was down for 100 s on the 3rd, 8th, 13th and 25th of June."""
    bad = [(JUNE + day * DAY, JUNE + day * DAY + 100) for day in (2, 7, 12, 24)]
    return Bench(memory_store, bad={"a": bad})


def test_outages_are_those_of_the_range_and_of_the_time_that_was_ones_own(bench: Bench) -> None:
    asked = bench.queries(owners=HELD_TWICE)

    def days(scope: Any, start: int, end: int) -> list[int]:
        found = asked.outages(scope, "C", start, end)
        return [(one.start_s - JUNE) // DAY for one in found or ()]

    assert days(ALL, 0, HORIZON) == [2, 7, 12, 24]
    assert days(ALL, JUNE + 3 * DAY, JUNE + 13 * DAY) == [7, 12]
    assert days(ACME, 0, HORIZON) == [2, 12]
    assert days(GLOBEX, 0, HORIZON) == [7, 24]
    assert days(GLOBEX, JUNE + 8 * DAY, HORIZON) == [24]
    assert days(GLOBEX, 0, JUNE + 8 * DAY) == [7]


def test_exclusions_are_those_of_the_range_and_of_the_time_that_was_ones_own(
    bench: Bench,
) -> None:
    bench.windows = tuple(
        replace(window(JUNE + day * DAY, JUNE + day * DAY + 200), id=f"W{day}")
        for day in (2, 7, 12, 24)
    )
    asked = bench.queries(owners=HELD_TWICE)

    def names(scope: Any, start: int, end: int) -> list[str]:
        return [one.exclusion_id for one in asked.exclusions(scope, "C", start, end) or ()]

    assert names(ALL, 0, HORIZON) == ["W2", "W7", "W12", "W24"]
    assert names(ACME, 0, HORIZON) == ["W2", "W12"]
    assert names(GLOBEX, JUNE + 8 * DAY, HORIZON) == ["W24"]
    assert names(GLOBEX, 0, JUNE + 8 * DAY) == ["W7"]


def test_a_circuit_stands_in_its_newest_month_and_answers_every_one(bench: Bench) -> None:
    asked = bench.queries()

    assert asked.months(ALL, "C") == ("2026-06", "2026-07")
    summary = asked.circuit(ALL, "C")
    assert summary is not None
    assert summary.month is not None
    assert summary.month.month == "2026-07"
    june = asked.month(ALL, "C", "2026-06")
    assert june is not None
    assert (june.month, june.seconds.down) == ("2026-06", 400)
    assert asked.month(ALL, "C", "2026-13") is None
    assert asked.month(ALL, "C", "2026-08") is None
    with bench.store.reader() as cursor:
        looks = asked.looks(cursor, ["X", "C"])
        assert list(looks) == ["C"]
        assert [one.month for one in looks["C"].answers] == ["2026-06", "2026-07"]
        assert looks["C"].summary.month is not None
        assert looks["C"].summary.month.month == "2026-07"
        part = asked.month_as_of(cursor, "C", "2026-06", JUNE + 8 * DAY)
        assert part is not None
        assert (part.end_s, part.seconds.down) == (JUNE + 8 * DAY, 200)
        assert asked.month_as_of(cursor, "C", "2026-07", JUNE + 8 * DAY) is None


def test_a_customers_month_is_that_of_each_circuit_as_it_was_held_last(bench: Bench) -> None:
    asked = bench.queries(owners=HELD_TWICE)

    def found(scope: Any, customer: str, month: str = "2026-06") -> list[int] | None:
        answers = asked.customer_month(scope, customer, month)
        return None if answers is None else [one.seconds.down for one in answers]

    assert found(ALL, "globex") == [100]
    assert found(ACME, "acme") == [100]
    assert found(ACME, "globex") is None
    assert found(ALL, "nobody") is None
    assert found(OnlyCustomers(frozenset({"nobody"})), "nobody") is None
    assert found(ALL, "acme", "2026-13") is None
    assert found(ALL, "globex", "2027-01") == []


def test_a_month_says_which_version_of_its_customers_report_was_issued(bench: Bench) -> None:
    reports: dict[tuple[str, str], int] = {}
    bench.issued = lambda: reports
    asked = bench.queries(owners=HELD_TWICE)

    def versions(scope: Any, customer: str, month: str) -> list[int | None]:
        one, many = asked.month(scope, "C", month), asked.customer_month(ALL, customer, month)
        assert one is not None
        assert many is not None
        return [answer.report_version for answer in (one, *many)]

    assert versions(GLOBEX, "globex", "2026-07") == [None, None]
    # as soon as there is one, and each its own: whole months are the last owner's
    reports |= {("globex", "2026-07"): 3, ("globex", "2026-06"): 2, ("acme", "2026-06"): 1}
    assert versions(GLOBEX, "globex", "2026-07") == [3, 3]
    assert versions(GLOBEX, "globex", "2026-06") == [2, 2]
    assert versions(ACME, "acme", "2026-06") == [1, 1]
    assert versions(ALL, "acme", "2026-06") == [2, 1]


def test_where_nobody_issues_reports_no_month_has_one(bench: Bench) -> None:
    answer = bench.queries().month(ALL, "C", "2026-06")

    assert answer is not None
    assert answer.report_version is None


def test_how_complete_circuits_are_is_told_of_those_in_scope(bench: Bench) -> None:
    asked = bench.queries()

    for scope, count in ((ALL, 1), (ACME, 1), (GLOBEX, 0)):
        found = asked.freshness(scope)
        assert found.circuits == count
        assert found.complete_up_to_s == (HORIZON if count else None)


@pytest.mark.parametrize(("after", "overdue"), [(0, False), (1, False), (10, False), (11, True)])
def test_the_broker_is_taken_to_be_heard_unless_somebody_says_it_is_not(
    bench: Bench, after: int, overdue: bool
) -> None:
    # live to the end of the newest sample's cell of 10 s; the next may come 30 s late
    bench.now_s = HORIZON + 10 + TimeSettings().allowed_lateness_seconds + after
    asked = bench.queries()

    assert list(asked.freshness(ALL).overdue) == ["C"] * overdue
    assert list(asked.freshness(ALL, heard=False).overdue) == ["C"] * (after > 0)


def test_alarms_that_are_cleared_are_told_unless_only_raised_ones_are_asked(
    bench: Bench,
) -> None:
    for alarm, condition in (("a", "raised"), ("b", "cleared")):
        bench.store.writer.execute(
            "insert into alarm_history values (?, 1, 'C', 't', '', 'major', ?, ?, 0, '', '{}')",
            [alarm, condition, JUNE],
        )
    bench.store.writer.execute(
        "insert into alarm_history values ('n', 1, '', 't', '', 'minor', 'raised', 0, 0, '', '{}')"
    )
    asked = bench.queries()

    assert [one.alarm_id for one in asked.alarms(ALL)] == ["a", "n", "b"]
    assert [one.alarm_id for one in asked.alarms(ALL, raised_only=True)] == ["a", "n"]
    assert [one.alarm_id for one in asked.alarms(ACME)] == ["a", "b"]


def test_a_customers_circuits_are_told_by_name(bench: Bench) -> None:
    asked, writer = bench.queries(), bench.store.writer
    for sql in (
        "insert into channels select 2, 'B', channel, partition, grid_seconds, active_from_s, null"
        " from channels",
        "insert into channel_progress select 2, observed_at_us_max, folded_to_s"
        " from channel_progress",
        "insert into spans select 2, day, start_s, end_s, bgp, loss_class from spans",
    ):
        writer.execute(sql)
    known = bench.inventory.circuits["C"]
    circuits = {"C": known, "B": replace(known, id="B")}

    asked.take_over(replace(bench.inventory, circuits=circuits), ())

    found = asked.customer_month(ALL, "acme", "2026-06")
    assert found is not None
    assert [(one.circuit_id, one.seconds.down) for one in found] == [("B", 400), ("C", 400)]


def test_a_circuit_of_one_month_stands_in_it(bench: Bench) -> None:
    asked = bench.queries(active_from=JULY)

    summary = asked.circuit(ALL, "C")
    assert summary is not None
    assert summary.month is not None
    with bench.store.reader() as cursor:
        look = asked.looks(cursor, ["C"])["C"]
    assert look.summary.month is not None
    assert (summary.month.month, look.summary.month.month) == ("2026-07", "2026-07")


def test_the_same_past_is_answered_under_another_contract_beside_its_own(bench: Bench) -> None:
    asked = bench.queries()

    other = asked.under((replace(ONE, id="other", version=7),))

    for one, name, number in ((asked, "c", 1), (other, "other", 7), (asked, "c", 1)):
        answer = one.month(ALL, "C", "2026-06")
        assert answer is not None
        assert answer.segments[0].contract_id == name
        assert answer.segments[0].contract_version == number
        assert answer.seconds.down == 400


def test_a_tape_and_a_series_are_those_of_the_range(bench: Bench) -> None:
    asked = bench.queries()
    begins, ends = JUNE + 2 * DAY, JUNE + 3 * DAY

    tape = asked.tape(ALL, "C", begins, ends)
    assert tape is not None
    runs = [(run.start_s - begins, run.end_s - begins, run.bucket.value) for run in tape.circuit]
    assert runs == [(0, 100, "down"), (100, DAY, "up")]
    series = asked.series(ALL, "C", "latency", begins, ends, 3_600)
    assert series is not None
    assert (series.starts_s, len(series.lines)) == (range(begins, ends, 3_600), 1)
