"""Answers on the small network: numbers, horizons, and what a scope may see."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from linksla.clock import MICROSECONDS, ManualClock, parse_instant
from linksla.errors import UsageError
from linksla.inventory import Inventory, Ownership
from linksla.settings import TimeSettings
from sla.answers import Bucket, Outcome, Seconds, or_none
from sla.contracts import load_contracts
from sla.json import to_json
from sla.maintenance import MaintenanceWindow, load_maintenance
from sla.queries import Queries
from sla.scope import AllCustomers, OnlyCustomers

ALL = AllCustomers(commercial=True)
ACME = OnlyCustomers(frozenset({"acme"}))
GLOBEX = OnlyCustomers(frozenset({"globex"}))
DAY = 86_400
OCTOBER = parse_instant("2025-10-01T00:00:00Z")
CUT = parse_instant("2025-10-09T09:11:00Z")
END = parse_instant("2025-12-03T00:00:00Z")
FOREVER = 2**40


def queries_on(network, inventory: Inventory | None = None, windows=None) -> Queries:
    folder: Path = network.folder
    return Queries(
        network.store,
        inventory or network.inventory,
        load_contracts(folder / "contracts"),
        load_maintenance(folder / "maintenance.yaml") if windows is None else windows,
        TimeSettings(),
        ManualClock(END * MICROSECONDS),
    )


@pytest.fixture
def queries(small_network) -> Queries:
    return queries_on(small_network)


def test_a_breached_month_answers_as_the_design_prints_it(queries) -> None:
    body = to_json(queries.month(ALL, "DEN-1", "2025-10"), commercial=True)

    assert list(body)[:17] == [
        "circuit_id", "month", "timezone", "period", "complete_up_to", "final",
        "calculation_version", "report_version", "segments", "seconds", "as_experienced_seconds",
        "bad_but_not_down_seconds", "coverage", "availability", "objectives", "credit", "budget",
    ]  # fmt: skip
    assert body["period"] == {
        "start": "2025-10-01T06:00:00Z", "end": "2025-11-01T06:00:00Z", "seconds": 2_678_400,
    }  # fmt: skip
    assert body["seconds"] == {"up": 2_678_100, "down": 300, "excluded": 0, "unmeasured": 0}
    assert body["availability"] == {
        "contractual": "99.98879",
        "as_experienced": "99.98879",
        "formula": "up / (up + down)",
        "bounds": ["99.98879", "99.98879"],
    }
    assert body["objectives"][0]["verdict"] == "breached"
    assert body["credit"]["percent"] == "10"
    assert body["budget"] == {"allowed_seconds": 267, "left_seconds": 0, "overspent_seconds": 33}
    assert body["final"] is True
    assert body["outages"][0]["start"] == "2025-10-09T09:11:00Z"
    assert body["outages"][0]["down_seconds"] == 300
    assert body["sentence"] == "October: breached. 5 min 0 s down, 4 min 27 s allowed."
    assert json.loads(json.dumps(body)) == body


def test_credit_is_absent_without_the_right_to_it(queries) -> None:
    answer = queries.month(ALL, "DEN-1", "2025-10")

    assert "credit" not in to_json(answer, commercial=False)
    assert to_json(answer, commercial=False)["budget"]["left_seconds"] == 0


def test_an_accepted_window_takes_its_seconds_out_and_both_numbers_stand(queries) -> None:
    answer = queries.month(ALL, "DEN-2", "2025-10")

    assert answer.seconds == Seconds(2_674_800, 0, 3_600, 0)
    assert answer.as_experienced == Seconds(2_676_600, 1_800, 0, 0)
    assert answer.availability_contractual == "100.00000"
    assert answer.availability_as_experienced == "99.93279"
    assert answer.objectives[0].verdict is Outcome.MET
    (exclusion,) = answer.exclusions
    assert (exclusion.seconds, exclusion.accepted) == (3_600, True)
    (outage,) = answer.outages
    assert (outage.down_seconds, outage.excluded_seconds) == (0, 1_800)


def test_a_window_announced_too_late_is_refused_and_the_month_breached(small_network) -> None:
    (window,) = load_maintenance(small_network.folder / "maintenance.yaml")
    late = replace(window, announced_at=window.start - 3_600)

    answer = queries_on(small_network, windows=(late,)).month(ALL, "DEN-2", "2025-10")

    assert answer.seconds == Seconds(2_676_600, 1_800, 0, 0)
    assert answer.objectives[0].verdict is Outcome.BREACHED
    assert answer.exclusions[0].reason.startswith("Not decided: announced 1 h")


def test_a_site_window_bears_on_every_circuit_of_the_site(small_network) -> None:
    window = MaintenanceWindow(
        id="S", site="Denver", start=CUT, end=CUT + 300, announced_at=0, proposed_by="c",
        reason="power",
    )  # fmt: skip
    queries = queries_on(small_network, windows=(window,))

    found = {
        name: queries.month(ALL, name, "2025-10").seconds.excluded
        for name in ("DEN-1", "DEN-2", "LON-1")
    }

    assert found == {"DEN-1": 300, "DEN-2": 300, "LON-1": 0}


def test_a_day_without_samples_is_unmeasured_and_bounded(queries) -> None:
    answer = queries.month(ALL, "LON-1", "2025-10")

    assert answer.seconds == Seconds(2_203_200, 0, 0, DAY)
    assert answer.coverage == "96.22641"
    assert answer.availability_bounds == ("96.22641", "100.00000")
    assert answer.start_s == parse_instant("2025-10-05T12:00:00Z")


def test_an_open_month_ends_where_it_is_complete(queries) -> None:
    answer = queries.month(ALL, "DEN-1", "2025-12")

    assert answer.end_s == END == answer.complete_up_to_s
    assert answer.month_end_s == parse_instant("2026-01-01T07:00:00Z")
    assert answer.seconds.total == answer.end_s - answer.start_s
    assert not answer.final
    assert queries.months(ALL, "DEN-1") == ("2025-09", "2025-10", "2025-11", "2025-12")


def test_a_month_is_final_a_day_and_n_cells_after_its_end(small_network) -> None:
    month_end = parse_instant("2025-12-01T07:00:00Z")
    settled = month_end + 10 * 10 + DAY
    queries, writer = queries_on(small_network), small_network.store.writer

    found = []
    for complete in (settled - 10, settled):
        writer.execute("update channel_progress set folded_to_s = ?", [complete])
        found.append(queries.month(ALL, "DEN-1", "2025-11").final)

    assert found == [False, True]


def test_buckets_sum_to_the_period_in_every_month_of_every_circuit(queries) -> None:
    judged = 0
    for summary in queries.circuits(ALL):
        for month in queries.months(ALL, summary.circuit_id):
            answer = queries.month(ALL, summary.circuit_id, month)
            assert answer.seconds.total == answer.end_s - answer.start_s
            assert answer.as_experienced.total == answer.end_s - answer.start_s
            judged += 1
    assert judged == 11


def test_the_tape_shows_the_circuit_above_its_channels(queries) -> None:
    tape = queries.tape(ALL, "DEN-1", CUT - 60, CUT + 360)

    assert [(run.start_s - CUT, run.end_s - CUT, run.bucket) for run in tape.circuit] == [
        (-60, 0, Bucket.UP), (0, 300, Bucket.DOWN), (300, 360, Bucket.UP),
    ]  # fmt: skip
    lane = [run.state for run in tape.channels if run.channel == "ch3"]
    assert lane == ["good", "bad", "good"]


def test_a_gap_of_a_channel_is_unknown_on_its_lane(queries) -> None:
    start = OCTOBER + 14 * DAY

    tape = queries.tape(ALL, "LON-1", start - 60, start + DAY + 60)

    assert [run.state for run in tape.channels] == ["good", "unknown", "good"]
    assert [run.bucket for run in tape.circuit] == [Bucket.UP, Bucket.UNMEASURED, Bucket.UP]


def test_outages_of_a_range_are_those_that_touch_it(queries) -> None:
    assert len(queries.outages(ALL, "DEN-1", 0, FOREVER)) == 1
    assert queries.outages(ALL, "DEN-1", CUT + 300, FOREVER) == ()


def test_the_summary_says_state_since_and_good_channels(queries) -> None:
    summary = queries.circuit(ALL, "DEN-1")

    assert (summary.state, summary.state_since_s) == ("up", CUT + 300)
    assert (summary.channels_good, summary.channels_total, summary.channels_needed) == (4, 4, 3)
    assert summary.month.month == "2025-12"
    assert summary.complete_up_to_s == END


def put_samples(store, keys, start_s: int, seconds: int, bgp: int) -> None:
    """Insert samples beyond what is folded, as the writer leaves them until the watermark."""
    store.writer.execute(
        """
        insert into samples
        select unnest($keys), s * 1000000, s, 10000000, 3000, 100, 0, 1, 1, $bgp, 0, null, 0, s, 0
        from range($start, $stop, 10) t(s)
        """,
        {"keys": keys, "start": start_s, "stop": start_s + seconds, "bgp": bgp},
    )
    store.writer.execute(
        "update channel_progress set observed_at_us_max = ? where channel_key in "
        "(select unnest(?))",
        [(start_s + seconds - 10) * MICROSECONDS, keys],
    )


def test_the_state_is_provisional_and_the_month_is_not(small_network) -> None:
    queries, store = queries_on(small_network), small_network.store
    put_samples(store, [1, 2, 3, 4], END, 100, 1)

    summary = queries.circuit(ALL, "DEN-1")
    tape = queries.tape(ALL, "DEN-1", END - 100, END + 500)

    assert (summary.state, summary.state_since_s) == ("down", END)
    assert (summary.live_to_s, summary.channels_good) == (END + 100, 0)
    assert summary.month.seconds.down == 0
    assert tape.provisional_from_s == END
    assert [run.bucket for run in tape.circuit] == [Bucket.UP, Bucket.DOWN]
    assert queries.freshness(ALL).live_to_s == END + 100


def test_nine_bad_cells_are_no_outage_yet(small_network) -> None:
    put_samples(small_network.store, [1, 2, 3, 4], END, 90, 1)

    assert queries_on(small_network).circuit(ALL, "DEN-1").state == "up"


def test_what_is_out_of_scope_answers_like_what_does_not_exist(queries) -> None:
    for name in ("LON-1", "no such circuit"):
        assert queries.circuit(ACME, name) is None
        assert queries.inventory_of(ACME, name) is None
        assert queries.contract_of(ACME, name) is None
        assert queries.month(ACME, name, "2025-10") is None
        assert queries.months(ACME, name) == ()
        assert queries.tape(ACME, name, 0, FOREVER) is None
        assert queries.outages(ACME, name, 0, FOREVER) is None
        assert queries.exclusions(ACME, name, 0, FOREVER) is None
        assert queries.series(ACME, name, "latency", OCTOBER, OCTOBER + DAY, 600) is None
        assert queries.ledger(ACME, name) == ()
    for name in ("globex", "nobody"):
        assert queries.customer_month(ACME, name, "2025-10") is None


def test_lists_hold_what_is_in_scope_only(queries) -> None:
    assert [one.circuit_id for one in queries.circuits(ACME)] == ["DEN-1", "DEN-2"]
    assert [one.circuit_id for one in queries.circuits(GLOBEX)] == ["LON-1"]
    assert [one.id for one in queries.customers(GLOBEX)] == ["globex"]
    assert queries.freshness(GLOBEX).circuits == 1
    assert len(queries.customer_month(ACME, "acme", "2025-10")) == 2


def test_alarms_and_ledger_are_those_in_scope(small_network) -> None:
    writer = small_network.store.writer
    for name in ("DEN-1", "LON-1"):
        writer.execute(
            "insert into alarm_history values (?, 1, ?, 'circuit_down', '', 'critical', 'raised', "
            "?, 0, 'why', '{}'), (?, 2, ?, 'circuit_down', '', 'critical', 'cleared', ?, 0, "
            "'up again', '{}')",
            [f"a-{name}", name, CUT, f"a-{name}", name, CUT + 300],
        )
        writer.execute(
            "insert into ledger values ('late', ?, 'ch1', ?, 2, null, null, null, null, ''), "
            "('late', ?, 'ch1', ?, 3, null, null, null, null, '')",
            [name, CUT // DAY] * 2,
        )
    writer.execute(
        "insert into ledger values ('gap', null, null, null, 1, 't', 0, 1, 2, 'accepted')"
    )
    queries = queries_on(small_network)

    (alarm,) = queries.alarms(GLOBEX)
    (line,) = queries.ledger(GLOBEX)

    assert (alarm.circuit_id, alarm.revision, alarm.condition) == ("LON-1", 2, "cleared")
    assert queries.alarms(GLOBEX, raised_only=True) == ()
    assert (line.circuit_id, line.count, line.day) == ("LON-1", 5, "2025-10-09")
    assert len(queries.ledger(ALL)) == 3
    assert len(queries.ledger(ALL, "DEN-1")) == 1


def test_who_sees_everything_sees_what_came_before_a_circuit_was_active(small_network) -> None:
    small_network.store.writer.execute(
        "insert into ledger values "
        "('rejected', 'LON-1', 'primary', ?, 1, null, null, null, null, 'inactive')",
        [OCTOBER // DAY],  # four days before LON-1
    )
    queries = queries_on(small_network)

    assert [line.count for line in queries.ledger(ALL)] == [1]
    assert queries.ledger(GLOBEX) == ()


HANDOVER = CUT + 150


@pytest.fixture
def handed_over(small_network) -> Queries:
    """DEN-1 goes from acme to globex in the middle of its outage."""
    circuits = dict(small_network.inventory.circuits)
    circuits["DEN-1"] = replace(
        circuits["DEN-1"],
        owners=(
            Ownership(customer="acme", end=HANDOVER),
            Ownership(customer="globex", start=HANDOVER),
        ),
    )
    inventory = Inventory(small_network.inventory.customers, circuits)
    return queries_on(small_network, inventory)


def test_a_circuit_that_changed_hands_shows_each_owner_its_own_part(handed_over) -> None:
    before = handed_over.month(ACME, "DEN-1", "2025-10")
    after = handed_over.month(GLOBEX, "DEN-1", "2025-10")
    whole = handed_over.month(ALL, "DEN-1", "2025-10")

    assert (before.end_s, after.start_s) == (HANDOVER, HANDOVER)
    assert (before.seconds.down, after.seconds.down, whole.seconds.down) == (150, 150, 300)
    assert (before.customer_id, after.customer_id) == ("acme", "globex")
    assert before.seconds.total + after.seconds.total == whole.seconds.total


def test_nothing_of_another_owners_time_is_seen(handed_over) -> None:
    left = handed_over.circuit(ACME, "DEN-1")
    tape = handed_over.tape(ACME, "DEN-1", CUT - 600, CUT + 600)
    (outage,) = handed_over.outages(GLOBEX, "DEN-1", 0, FOREVER)
    (ended,) = handed_over.outages(ACME, "DEN-1", 0, FOREVER)
    series = handed_over.series(ACME, "DEN-1", "loss", CUT - 600, CUT + 600, 60)
    points = dict(zip(series.starts_s, or_none(series.lines[0].middle), strict=True))

    assert handed_over.months(ACME, "DEN-1") == ("2025-09", "2025-10")
    assert (left.state, left.live_to_s, left.complete_up_to_s) == ("down", HANDOVER, HANDOVER)
    assert max(run.end_s for run in (*tape.circuit, *tape.channels)) == HANDOVER
    assert tape.complete_up_to_s == HANDOVER
    assert outage.start_s == HANDOVER
    assert ended.end_s is None
    assert ended.down_seconds == outage.down_seconds == 150
    assert all(value is None for start_s, value in points.items() if start_s >= HANDOVER)
    assert any(value is not None for value in points.values())


def test_a_series_keeps_gaps_and_draws_the_contracts_line(queries) -> None:
    start = OCTOBER + 10 * DAY - 600

    series = queries.series(ALL, "DEN-1", "latency", start, start + 1_200, 300)
    line = series.lines[0]

    assert (line.channel, series.limit) == ("ch1", 8.0)
    assert series.limit_label == "latency p95 ≤ 8 ms"
    assert [value is None for value in or_none(line.middle)] == [False, False, True, True]
    assert line.low[0] <= line.middle[0] <= line.high[0]
    assert 2.99 < line.middle[0] < 3.1


@pytest.mark.parametrize(
    ("metric", "middle"),
    [("jitter", 0.1), ("loss", 0.0), ("throughput_rx", 1e9), ("throughput_tx", 5e8), ("bgp", 0.5)],
)
def test_each_metric_comes_in_its_unit(queries, metric: str, middle: float) -> None:
    series = queries.series(ALL, "DEN-1", metric, CUT - 300, CUT + 300, 600)

    assert series.lines[0].middle[0] == pytest.approx(middle)


@pytest.mark.parametrize(
    ("metric", "start", "end", "step"),
    [
        ("temperature", 0, 600, 60),
        ("latency", 600, 600, 60),
        ("latency", 0, 600, 0),
        ("latency", 0, 60 * 10_001, 60),
    ],
)
def test_a_series_that_cannot_be_answered_is_refused(queries, metric, start, end, step) -> None:
    with pytest.raises(UsageError):
        queries.series(ALL, "DEN-1", metric, start, end, step)


@pytest.mark.parametrize("month", ["2025-13", "junk", "2024-01", "2030-01", ""])
def test_a_month_that_is_none_or_has_no_data_is_none(queries, month: str) -> None:
    assert queries.month(ALL, "DEN-1", month) is None


def test_a_circuit_nothing_is_known_of_is_unmeasured(small_network) -> None:
    small_network.store.writer.execute("delete from channel_progress")
    queries = queries_on(small_network)

    summary = queries.circuit(ALL, "DEN-1")

    assert (summary.state, summary.month, summary.state_since_s) == ("unmeasured", None, None)
    assert queries.months(ALL, "DEN-1") == ()
    assert queries.outages(ALL, "DEN-1", 0, FOREVER) == ()
    assert queries.tape(ALL, "DEN-1", 0, FOREVER).circuit == ()


def test_a_circuit_that_lags_is_named_behind(small_network) -> None:
    small_network.store.writer.execute(
        "update channel_progress set folded_to_s = folded_to_s - 121 where channel_key = 1"
    )

    fresh = queries_on(small_network).freshness(ALL)

    assert fresh.behind == ("DEN-1",)
    assert fresh.complete_up_to_s == END - 121
