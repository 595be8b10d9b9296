"""An explanation's frame: which range, which days of the ledger, and who is told parameters."""

from dataclasses import replace
from typing import Any, cast

import pytest

from linksla.clock import iso
from linksla.errors import UsageError
from linksla.inventory import Channel
from linksla.stores import TelemetryStore
from sla.answers import Bucket
from sla.contracts import MaintenanceTerms
from sla.exclusions import Decision
from sla.explain import RANGE_SECONDS_MAX, SAMPLES_MAX, _Subject, asked_of
from sla.explanation import (
    Asked,
    ChannelSpan,
    Moment,
    OutageExplained,
    Piece,
)
from sla.maintenance import MaintenanceWindow
from sla.periods import Ownership
from sla.recorded import RecordedCursor, Statement
from sla.scope import AllCustomers, OnlyCustomers, Scope
from sla.segments import judge_segments
from tests.unit.circuit_bench import Bench
from tests.unit.past_bench import DARK, DAY, DOWN, HOUR, JULY, JUNE, ONE, OUT, Past
from tests.unit.told_bench import facts, window

ALL, NOC = AllCustomers(commercial=True), AllCustomers(commercial=False)
ACME = OnlyCustomers(frozenset({"acme"}))
FAR = 2**40


def subject(
    store: TelemetryStore | None = None, past: Past | None = None, own: Ownership | None = None
) -> _Subject:
    said = past or Past()
    history, periods = said.history(), said.periods(owns=None if own is None else [own])
    judged = judge_segments(history, periods, [()] * len(periods))
    record = RecordedCursor(cast(Any, store and store.writer))
    answer = said.month(owns=None if own is None else [own])
    observed = ((),) * len(periods)
    return _Subject(record, facts(), history.circuit, answer, periods, judged, observed)


def outage(name: str, lower: int, upper: int) -> OutageExplained:
    answer = replace(Past(lost=[(JUNE, JUNE + 99, DOWN)]).month().outages[0], outage_id=name)
    return OutageExplained(answer, lower, upper, 0, "", "", ())


def closely(*outages: OutageExplained, **asked: Any) -> tuple[int, int] | None:
    found = subject()._range(Asked(**asked), outages)
    return found and (found[0] - JUNE, found[1] - JUNE)


def test_an_outage_is_looked_at_with_n_cells_on_both_sides_within_the_month() -> None:
    first, middle = outage("f", JUNE + 20, JUNE + 90), outage("m", JUNE + 500, JUNE + 700)
    last = outage("l", JULY - 90, JULY - 20)
    month = JULY - JUNE

    assert closely(first, middle, last, outage_id="m") == (470, 730)
    assert closely(first, middle, last, outage_id="f") == (0, 120)
    assert closely(first, middle, last, outage_id="l") == (month - 120, month)
    with pytest.raises(UsageError, match="no outage 'x' in 2026-06") as told:
        closely(first, middle, outage_id="x")
    assert told.value.hint == "There is: f, m."
    with pytest.raises(UsageError) as told:
        closely(outage_id="x")
    assert told.value.hint == "There is: none."


def test_a_range_is_looked_at_as_far_as_it_lies_in_the_month() -> None:
    month = JULY - JUNE

    assert closely(start_s=JUNE + 5, end_s=JUNE + 6) == (5, 6)
    assert closely(start_s=JUNE - 5, end_s=JUNE + 60) == (0, 60)
    assert closely(start_s=JULY - 60, end_s=JULY + 5) == (month - 60, month)
    assert closely(start_s=JUNE, end_s=JUNE + 7 * DAY) == (0, 7 * DAY)
    assert RANGE_SECONDS_MAX == 604_800
    for start, end in (
        (JUNE, JUNE + 7 * DAY + 1), (JUNE + 9, JUNE + 9), (JUNE + 9, JUNE + 8), (JULY, JULY + 9),
        (JUNE - 9, JUNE),
    ):  # fmt: skip
        with pytest.raises(UsageError, match="nothing of the month"):
            closely(start_s=start, end_s=end)


def test_nothing_is_looked_at_closely_unless_a_whole_range_is_asked_for() -> None:
    assert closely() is None
    assert closely(start_s=JUNE) is None
    assert closely(end_s=JULY) is None


def test_a_range_and_samples_are_asked_for_within_their_bounds() -> None:
    start, end = "2026-06-01T00:00:00Z", "2026-06-01T02:00:00 02:00"

    assert asked_of("o", start, end, 7, "1.2") == Asked("o", JUNE, JUNE, 7, "1.2")
    assert asked_of(None, None, None, 1, None) == Asked(samples_max=1)
    assert asked_of(None, None, None, 1_000, None).samples_max == SAMPLES_MAX == 1_000
    for samples in (0, 1_001):
        with pytest.raises(UsageError, match="between 1 and 1,000"):
            asked_of(None, None, None, samples, None)
    for lower, upper in ((start, None), (None, end)):
        with pytest.raises(UsageError, match="two ends"):
            asked_of(None, lower, upper, 1, None)
    with pytest.raises(UsageError, match="no instants"):
        asked_of(None, start, "soon", 1, None)


def test_what_is_asked_for_is_a_hundred_samples_and_two_hundred_rows() -> None:
    assert Asked() == Asked(None, None, None, 100, None, 200)


@pytest.fixture
def ledger(memory_store: TelemetryStore) -> TelemetryStore:
    first = JUNE // DAY
    for name, day, count in (
        ("C", first - 1, 1), ("C", first, 2), ("C", first + 1, 4), ("C", first + 29, 8),
        ("C", first + 30, 16), ("C", None, 32), ("D", first, 64), (None, first, 128),
    ):  # fmt: skip
        memory_store.writer.execute(
            "insert into ledger values ('late', ?, 'a', ?, ?, null, null, null, null, '')",
            [name, day, count],
        )
    return memory_store


def test_the_ledger_is_told_of_the_months_days_and_the_circuit_alone(
    ledger: TelemetryStore,
) -> None:
    month = subject(ledger)

    def counts(end_s: int) -> list[int]:
        part = replace(month, answer=replace(month.answer, end_s=end_s))
        return [line.count for line in part._ledger()]

    assert [line.count for line in month._ledger()] == [2, 4, 8]
    assert counts(JULY + 1) == [2, 4, 8, 16]
    assert counts(JUNE + DAY) == [2]
    assert counts(JUNE + DAY + 1) == [2, 4]
    assert counts(JUNE + 1) == [2]


def test_days_that_another_owner_had_are_not_told(ledger: TelemetryStore) -> None:
    own = Ownership("acme", JUNE + DAY, JULY)

    assert [line.count for line in subject(ledger, own=own)._ledger()] == [4, 8]


STATEMENTS = [
    Statement(f"sla/sql/{name}.sql", "", "", {"a": 1})
    for name in (
        "circuit_spans",
        "explain_samples",
        "performance_totals",
        "ledger",
        "ledger_counts",
    )
]


def told(
    own: Ownership | None = None, scope: Scope = ALL, windows: tuple[MaintenanceWindow, ...] = (),
    **circuit: Any,
) -> list[str]:  # fmt: skip
    """Return the statements whose parameters are told."""
    decisions = tuple(Decision(one, accepted=True, reason="") for one in windows)
    one = subject(past=Past(decisions=decisions, circuit=circuit), own=own)
    one.record.statements.extend(STATEMENTS)
    found = one._statements(scope)
    assert [each.name for each in found] == [each.name for each in STATEMENTS]
    return [
        each.name.removeprefix("sla/sql/").removesuffix(".sql")
        for each in found
        if each.parameters is not None
    ]


EVERY = ["circuit_spans", "explain_samples", "performance_totals", "ledger", "ledger_counts"]
OF_THE_RANGE = ["explain_samples", "performance_totals", "ledger"]


def test_parameters_are_told_to_who_sees_all_of_the_circuits_time() -> None:
    begins = JUNE - 30 * DAY

    assert told() == EVERY
    assert told(Ownership("acme", begins, FAR)) == EVERY
    assert told(Ownership("acme", begins - 1, FAR)) == EVERY
    assert told(Ownership("acme", begins + 1, FAR)) == OF_THE_RANGE
    assert told(Ownership("acme", begins, JULY)) == OF_THE_RANGE
    assert told(Ownership("acme", begins, JULY), active_to=JULY) == EVERY
    assert told(Ownership("acme", begins, JULY - 1), active_to=JULY) == OF_THE_RANGE
    assert told(Ownership("acme", begins + 1, JULY), active_to=JULY) == OF_THE_RANGE


def test_a_hidden_record_hides_parameters_from_customers() -> None:
    shown = window(0, 1)
    hidden = replace(shown, id="H", show_to_customer=False)

    assert told(scope=ACME, windows=(shown,)) == EVERY
    assert told(scope=ACME, windows=(shown, hidden)) == OF_THE_RANGE
    assert told(scope=ACME, windows=(hidden,)) == OF_THE_RANGE
    assert told(scope=NOC, windows=(shown, hidden)) == EVERY
    half = Ownership("acme", JUNE, FAR)
    assert told(half, scope=NOC, windows=(shown,)) == OF_THE_RANGE
    assert told(half, scope=ACME) == OF_THE_RANGE


def test_buckets_are_told_with_both_numbers_and_as_many_pieces_as_are_asked_for(
    memory_store: TelemetryStore,
) -> None:
    lost = [
        (JUNE + HOUR, JUNE + HOUR + 60, DOWN), (JUNE + 2 * HOUR, JUNE + 2 * HOUR + 90, DARK),
        (JUNE + 3 * HOUR, JUNE + 3 * HOUR + 120, OUT),
    ]  # fmt: skip
    found = subject(memory_store, Past(lost=lost)).explained(Asked(rows_max=2), ALL).by_bucket

    month = JULY - JUNE
    assert [
        (name, one.seconds, one.as_experienced_seconds, one.count, len(one.pieces))
        for name, one in found.items()
    ] == [
        ("up", month - 270, month - 270, 4, 2), ("down", 60, 180, 1, 1),
        ("excluded", 120, None, 1, 1), ("unmeasured", 90, 90, 1, 1),
    ]  # fmt: skip
    assert [(p.start_s - JUNE, p.seconds) for p in found["down"].pieces] == [(HOUR, 60)]


def test_prices_are_explained_to_who_may_see_them(memory_store: TelemetryStore) -> None:
    one = subject(memory_store)

    with_prices, without = one.explained(Asked(), ALL), one.explained(Asked(), NOC)

    assert [step.key for step in with_prices.credit] == ["credit-percent"]
    assert [clause.key for clause in with_prices.segments[0].commercial] == ["credit"]
    assert (without.credit, without.segments[0].commercial) == ((), ())
    assert (with_prices.commercial, without.commercial) == (True, False)
    assert with_prices.closer is None
    assert (one._rule.needed, one._rule.consecutive, one._rule.grid_s) == (1, 3, 10)


def test_a_range_is_shown_with_how_many_spans_it_has(memory_store: TelemetryStore) -> None:
    one = subject(memory_store)

    closer = one.explained(Asked(start_s=JUNE, end_s=JUNE + 60, rows_max=0), ALL).closer

    assert closer is not None
    assert (closer.start_s, closer.end_s, closer.spans_count) == (JUNE, JUNE + 60, 1)
    assert (closer.spans, closer.moments, closer.samples, closer.next_after) == ((), (), (), None)


def test_a_monthly_cap_is_told_where_the_contract_has_one() -> None:
    terms = MaintenanceTerms(cap_hours_per_month=4)

    assert not subject()._capped
    assert subject(past=Past(versions=(replace(ONE, maintenance=terms),)))._capped


def test_what_is_not_there_is_not_explained(memory_store: TelemetryStore) -> None:
    queries = Bench(memory_store, channels=(Channel(name="a"),)).queries()

    found = queries.explain(ALL, "C", "2026-06")
    assert found is not None
    assert (found.answer.month, iso(found.answer.start_s)) == ("2026-06", "2026-06-01T00:00:00Z")
    assert [one.channel for one in found.channels] == ["a"]
    for name, month in (("X", "2026-06"), ("C", "2026-13"), ("X", "2026-13"), ("C", "2027-01")):
        assert queries.explain(ALL, name, month) is None
    assert queries.explain(OnlyCustomers(frozenset()), "C", "2026-06") is None
    for table in ("channels", "channel_progress", "spans", "offsets"):
        memory_store.writer.execute(f"delete from {table}")
    assert queries.explain(ALL, "C", "2026-06") is None


def test_lengths_of_what_explains() -> None:
    up = Bucket.UP

    assert Piece(100, 107, up, up, "").seconds == 7
    assert outage("o", 100, 109).seconds == 9
    assert ChannelSpan("a", 100, 103, "good", "").seconds == 3
    assert Moment(100, 104, 1, 1, 0, 0, "good", up, up).seconds == 4
