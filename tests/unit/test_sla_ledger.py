"""The ledger by circuit and day: page, API and command say the same."""

import json
from pathlib import Path

import pytest

from cli.control import LedgerRequest, create_control_app
from cli.ledger import table
from cli.ledger_answer import ledger_answer
from cli.main import main
from linksla.clock import MICROSECONDS, ManualClock, parse_instant
from linksla.errors import UsageError
from linksla.settings import TimeSettings
from linksla.stores import TelemetryStore
from sla.contracts import load_contracts
from sla.queries import Queries
from sla.scope import AllCustomers, OnlyCustomers

ALL = AllCustomers(commercial=False)
ACME = OnlyCustomers(frozenset({"acme"}))
END = parse_instant("2025-12-03T00:00:00Z")
OCTOBER_9 = parse_instant("2025-10-09T00:00:00Z") // 86_400
NOVEMBER_1 = parse_instant("2025-11-01T00:00:00Z") // 86_400
ROWS = [
    ("late", "DEN-1", "ch1", OCTOBER_9, 3, ""),
    ("late", "DEN-1", "ch2", OCTOBER_9, 4, ""),
    ("late", "DEN-1", "ch2", OCTOBER_9, 5, "older than raw samples are kept"),
    ("duplicate", "DEN-1", "ch1", OCTOBER_9, 6, ""),
    ("conflicting", "DEN-1", "ch1", NOVEMBER_1, 7, ""),
    ("rejected", "DEN-1", "ch1", NOVEMBER_1, 8, "out_of_range"),
    ("rejected", "DEN-1", "ch1", NOVEMBER_1, 9, "not_finite"),
    ("rejected", None, None, NOVEMBER_1, 10, "undecodable"),
    ("late", "LON-1", "primary", OCTOBER_9, 11, ""),
    ("gap", None, None, None, 12, "deleted before it was read"),
]


def fill(store: TelemetryStore) -> None:
    store.writer.executemany(
        "insert into ledger values (?, ?, ?, ?, ?, null, null, null, null, ?)",
        [list(row) for row in ROWS],
    )
    store.writer.execute(
        "insert into restatement_causes values ('DEN-1', '2025-10', 2, $at, $at, 'late', $day, 3), "
        "('DEN-1', '2025-10', 2, $at, $at, 'conflicting', $day, 1)",
        {"day": OCTOBER_9, "at": OCTOBER_9 * 86_400},
    )
    store.writer.execute(
        "insert into verdict_history "
        "select 'DEN-1', '2025-10', 1, 0, 0, false, '{}', 'first evaluation', '{}', null union all "
        "select 'DEN-1', '2025-10', 2, 0, 0, false, '{}', 'availability: breached (was met).', "
        "'{}', null"
    )


@pytest.fixture
def queries(small_network) -> Queries:
    fill(small_network.store)
    contracts = load_contracts(small_network.folder / "contracts")
    clock = ManualClock(END * MICROSECONDS)
    return Queries(
        small_network.store, small_network.inventory, contracts, (), TimeSettings(), clock
    )


def test_a_day_has_its_counts_by_kind_and_its_reasons(queries: Queries) -> None:
    october, november = queries.ledger_days(ALL, "DEN-1")

    assert (october.circuit_id, october.day) == ("DEN-1", "2025-10-09")
    assert (october.late, october.too_late, october.duplicate) == (7, 5, 6)
    assert (october.conflicting, october.rejected, october.gap) == (0, 0, 0)
    assert (november.conflicting, november.rejected) == (7, 17)
    assert november.rejected_reasons == (("not_finite", 9), ("out_of_range", 8))


def test_a_day_names_the_verdict_that_changed_because_of_it_once(queries: Queries) -> None:
    october, november = queries.ledger_days(ALL, "DEN-1")

    (verdict,) = october.verdicts
    assert (verdict.month, verdict.calculation_version) == ("2025-10", 2)
    assert (verdict.late, verdict.conflicting) == (3, 1)
    assert verdict.reason == "availability: breached (was met)."
    assert november.verdicts == ()


def test_the_days_sum_to_the_lines_of_the_ledger(queries: Queries) -> None:
    days = queries.ledger_days(ALL)

    counted = sum(
        d.late + d.too_late + d.duplicate + d.conflicting + d.rejected + d.gap for d in days
    )
    assert counted == sum(line.count for line in queries.ledger(ALL)) == 75


def test_a_month_holds_its_days_only(queries: Queries) -> None:
    assert [day.day for day in queries.ledger_days(ALL, "DEN-1", "2025-11")] == ["2025-11-01"]
    assert queries.ledger_days(ALL, "DEN-1", "2025-12") == ()


def test_a_customer_sees_its_own_circuits_days_and_nothing_of_the_stream(queries: Queries) -> None:
    found = queries.ledger_days(ACME)

    assert {day.circuit_id for day in found} == {"DEN-1"}
    assert queries.ledger_days(ACME, "LON-1") == ()
    assert {day.circuit_id for day in queries.ledger_days(ALL)} == {"DEN-1", "LON-1", None}


def test_the_command_prints_counts_reasons_verdicts_and_sums(queries: Queries) -> None:
    said = table(ledger_answer(queries, "DEN-1", None)).splitlines()

    assert said[0].split() == [
        "UTC", "day", "late", "too", "late", "duplicate", "conflicting", "rejected", "verdict",
        "changed",
    ]  # fmt: skip
    assert said[1].split() == ["2025-10-09", "7", "5", "6", "0", "0", "yes"]
    assert (
        said[2]
        .strip()
        .startswith("2025-10 version 2, after 3 late and 1 conflicting: availability: breached")
    )
    assert said[3].split() == ["2025-11-01", "0", "0", "0", "7", "17", "no"]
    assert said[4].strip() == "rejected: not_finite 9, out_of_range 8"
    assert said[5].split() == ["in", "all", "7", "5", "6", "7", "17", "by", "1"]


def test_nothing_in_the_ledger_is_said_in_words(queries: Queries) -> None:
    answer = ledger_answer(queries, "DEN-2", "2025-10")

    assert table(answer) == ("DEN-2: nothing late, duplicate, conflicting or rejected in 2025-10")


@pytest.mark.parametrize(("circuit", "month"), [("DEN-9", None), ("DEN-1", "2025-13")])
def test_an_unknown_circuit_or_month_is_wrong_use(queries: Queries, circuit, month) -> None:
    with pytest.raises(UsageError):
        ledger_answer(queries, circuit, month)


def test_the_command_reads_a_database_that_nobody_holds(
    small_network, capsys: pytest.CaptureFixture[str]
) -> None:
    folder: Path = small_network.folder
    (folder / "linksla.yaml").write_text("data: var\n")
    store = TelemetryStore(folder / "var" / "telemetry.duckdb")
    store.start()
    fill(store)
    store.close()

    code = main(["ledger", "DEN-1", "--month", "2025-10", "--json", "--config", str(folder)])

    said = json.loads(capsys.readouterr().out)
    (day,) = said["days"]
    assert code == 0
    assert (day["day"], day["late"], day["verdict_changed"]) == ("2025-10-09", 7, True)
    assert day["verdicts"][0]["reason"] == "availability: breached (was met)."


def test_a_running_node_answers_the_same(queries: Queries) -> None:
    app = create_control_app(queries, None, ManualClock(), None)  # type: ignore[arg-type]
    (route,) = [one for one in app.routes if getattr(one, "path", "") == "/ledger"]
    answer = route.endpoint(LedgerRequest(circuit="DEN-1", month=None))  # type: ignore[attr-defined]

    assert answer == ledger_answer(queries, "DEN-1", None)
