"""What is told of an explanation, statement by statement, and of an outage by its name."""

import json
import runpy
import warnings
from dataclasses import asdict, replace
from typing import Any

import pytest

from linksla.clock import MICROSECONDS, ManualClock
from linksla.errors import UsageError
from linksla.inventory import Customer, Inventory
from linksla.inventory import Ownership as Owner
from linksla.settings import TimeSettings
from linksla.sql import statement, text_of
from linksla.stores import TelemetryStore
from sla.answers import Bucket, ExclusionAnswer, LedgerLine, Outage, Seconds
from sla.contract_schema import contract_schema
from sla.contracts import Contract
from sla.explain_json import explanation_json, instant_us, piece_json
from sla.explanation import (
    BucketExplained,
    ChannelSeconds,
    ChannelSpan,
    ChannelValue,
    Clause,
    Closer,
    ExclusionExplained,
    Explanation,
    Moment,
    NotTaken,
    ObjectiveExplained,
    OutageExplained,
    Piece,
    SampleCount,
    SampleLine,
    SegmentExplained,
    Step,
)
from sla.json import exclusion_json, outage_json, to_json
from sla.outages import outage_id
from sla.queries import Queries
from sla.recorded import RecordedCursor, Statement, about
from sla.scope import AllCustomers, OnlyCustomers
from tests.unit.circuit_bench import Bench
from tests.unit.past_bench import DAY, JULY, JUNE, ONE, Past
from tests.unit.told_bench import circuit, version

ALL = AllCustomers(commercial=True)
ACME, GLOBEX = (OnlyCustomers(frozenset({name})) for name in ("acme", "globex"))
UP = Bucket.UP
PIECE = Piece(JUNE, JUNE + 60, Bucket.EXCLUDED, Bucket.DOWN, "why", "o", "W")
CHANNEL = ChannelSeconds("a", 10, 7, 2, 1, "BGP")
OUTAGE = Outage("o", "C", JUNE, None, 5, 6, "carrier", carried_in=False)
RECORD = ExclusionAnswer("W", JUNE, JULY, "circuit", accepted=True, seconds=7, reason="r")
LINE = LedgerLine("late", "C", "a", "2026-06-01", 3, "")
STATEMENT = Statement("sla/sql/x.sql", "About it.", "select 1", {"a": 1})
MONTH = Past().month()
SEGMENT = SegmentExplained(
    MONTH.segments[0], "T", "here", Seconds(1, 2, 3, 4), Seconds(5, 6, 0, 7),
    (Step("k", "s", "w"),), (Clause("c", "t", "u"),), (Clause("p", "q", "r"),),
    (ObjectiveExplained("lat", "why", 9, "steps", (ChannelValue("a", "1 ms", 2, 3, "sum"),)),),
)  # fmt: skip
FOUND = Explanation(
    answer=MONTH, commercial=False, channels_needed=1, grid_seconds=10, consecutive=3,
    steps=(Step("k", "s", "w"),), credit=(Step("m", "n", "o"),),
    buckets=(BucketExplained(Bucket.EXCLUDED, 60, None, 4, (PIECE,)),), segments=(SEGMENT,),
    outages=(OutageExplained(OUTAGE, JUNE + 1, JUNE + 9, 2, "began", "ended", (CHANNEL,)),),
    exclusions=(ExclusionExplained(RECORD, (PIECE,), (NotTaken(8, "up"),)),),
    bad_but_not_down=(PIECE,), channels=(CHANNEL,), ledger=(LINE,), closer=None,
    statements=(STATEMENT,),
)  # fmt: skip
SAID_PIECE = {
    "start": "2026-06-01T00:00:00Z", "end": "2026-06-01T00:01:00Z", "seconds": 60,
    "bucket": "excluded", "as_experienced": "down", "why": "why", "outage": "o", "exclusion": "W",
}  # fmt: skip
SAID_CHANNEL = {
    "channel": "a", "active_seconds": 10, "good_seconds": 7, "bad_seconds": 2,
    "unknown_seconds": 1, "why_bad": "BGP",
}  # fmt: skip


def said(**more: Any) -> dict[str, Any]:
    return explanation_json(replace(FOUND, **more))


def test_an_explanation_is_said_field_by_field() -> None:
    assert piece_json(PIECE) == SAID_PIECE
    found = said()
    (segment,) = found.pop("segments")
    assert found == {
        "answer": to_json(MONTH, commercial=False),
        "rule": {"channels_needed": 1, "consecutive": 3, "grid_seconds": 10},
        "steps": [{"key": "k", "says": "s", "working": "w"}],
        "buckets": [{"bucket": "excluded", "seconds": 60, "as_experienced_seconds": None,
                     "pieces_total": 4, "pieces": [SAID_PIECE]}],
        "outages": [
            outage_json(OUTAGE) | {
                "within": {"start": "2026-06-01T00:00:01Z", "end": "2026-06-01T00:00:09Z",
                           "seconds": 8},
                "unmeasured_seconds": 2, "onset": "began", "ended": "ended",
                "channels": [SAID_CHANNEL],
            }
        ],
        "exclusions": [exclusion_json(RECORD) | {
            "pieces": [SAID_PIECE], "rest": [{"seconds": 8, "why": "up"}]}],
        "bad_but_not_down": [SAID_PIECE], "channels": [SAID_CHANNEL], "ledger": [asdict(LINE)],
        "statements": [{"name": "sla/sql/x.sql", "about": "About it.", "sql": "select 1",
                        "parameters": {"a": 1}}],
    }  # fmt: skip
    assert segment == {
        "contract": {"id": "c", "version": 1, "title": "T", "source": "here"},
        "start": "2026-06-01T00:00:00Z", "end": "2026-07-01T00:00:00Z",
        "seconds": {"up": 1, "down": 2, "excluded": 3, "unmeasured": 4},
        "as_experienced_seconds": {"up": 5, "down": 6, "excluded": 0, "unmeasured": 7},
        "steps": [{"key": "k", "says": "s", "working": "w"}],
        "clauses": [{"key": "c", "text": "t", "source": "u"}],
        "objectives": [{"name": "lat", "reason": "why", "qualifying_seconds": 9,
                        "qualifying": "steps", "channels": [
                            {"channel": "a", "value": "1 ms", "observations": 2, "lost": 3,
                             "working": "sum"}]}],
    }  # fmt: skip


def test_prices_are_said_to_who_may_see_them() -> None:
    found = said(commercial=True)

    assert found["credit_steps"] == [{"key": "m", "says": "n", "working": "o"}]
    assert found["segments"][0]["commercial"] == [{"key": "p", "text": "q", "source": "r"}]
    assert found["answer"] == to_json(MONTH, commercial=True)


def test_a_close_look_is_said_where_there_is_one() -> None:
    sample = SampleLine("a", JUNE * 1_000_000 + 5, 10, 1, 2, 3, 4, 5, 6, "up", None, 7, 8, 9)
    count = SampleCount("a", 1, 2, 3, 4)
    closer = Closer(
        JUNE, JUNE + 60, "o", (Moment(JUNE, JUNE + 10, 4, 2, 1, 1, "good", Bucket.DOWN, UP),),
        (ChannelSpan("a", JUNE, JUNE + 20, "bad", "BGP"),), 5, (count,), (sample,), "1.2",
    )  # fmt: skip

    assert said(closer=closer)["closer"] == {
        "start": "2026-06-01T00:00:00Z", "end": "2026-06-01T00:01:00Z", "outage": "o",
        "moments": [{"start": "2026-06-01T00:00:00Z", "end": "2026-06-01T00:00:10Z", "seconds": 10,
                     "channels": {"enabled": 4, "good": 2, "bad": 1, "unknown": 1},
                     "state": "good", "as_experienced": "down", "bucket": "up"}],
        "spans_total": 5,
        "spans": [{"channel": "a", "start": "2026-06-01T00:00:00Z", "end": "2026-06-01T00:00:20Z",
                   "seconds": 20, "state": "bad", "evidence": "BGP"}],
        "sample_counts": [asdict(count)],
        "samples": [asdict(sample) | {"observed_at": "2026-06-01T00:00:00.000005Z"}],
        "next_after": "1.2",
    }  # fmt: skip
    assert instant_us(JUNE * 1_000_000) == "2026-06-01T00:00:00Z"


@pytest.fixture
def bench(memory_store: TelemetryStore) -> Bench:
    """Return a circuit that was down for 100 s on the 3rd, 8th and 13th of June."""
    bad = [(JUNE + day * DAY, JUNE + day * DAY + 100) for day in (2, 7, 12)]
    return Bench(memory_store, bad={"a": bad})


def queries_of(
    store: TelemetryStore, inventory: Inventory, versions: tuple[Contract, ...]
) -> Queries:
    clock = ManualClock(JULY * MICROSECONDS)
    return Queries(store, inventory, {"c": versions}, (), TimeSettings(), clock)


HELD_TWICE = (
    Owner(customer="acme", end=JUNE + 5 * DAY),
    Owner(customer="globex", start=JUNE + 5 * DAY, end=JUNE + 10 * DAY),
    Owner(customer="acme", start=JUNE + 10 * DAY),
)


def test_an_outage_is_found_by_its_name_in_the_time_that_was_ones_own(bench: Bench) -> None:
    asked = bench.queries(owners=HELD_TWICE)
    names = {day: outage_id("C", JUNE + day * DAY) for day in (2, 7, 12)}

    for scope, own in ((ALL, (2, 7, 12)), (ACME, (2, 12)), (GLOBEX, (7,))):
        for within in (None, "C"):
            found = [asked.outage(scope, name, within) for name in names.values()]
            assert [(one.start_s - JUNE) // DAY for one in found if one] == [*own]
            assert {one.down_seconds for one in found if one} == {100}
    assert asked.outage(ALL, "nothing") is None
    assert asked.outage(ALL, names[2], "X") is None


def test_an_outage_under_a_later_version_is_found_in_a_later_hold(bench: Bench) -> None:
    bench.queries(owners=HELD_TWICE)
    asked = queries_of(bench.store, bench.inventory, (ONE, version(2, JUNE + 11 * DAY)))
    names = {day: outage_id("C", JUNE + day * DAY) for day in (2, 7, 12)}

    found = [asked.outage(ACME, name, "C") for name in names.values()]

    assert [(one.start_s - JUNE) // DAY for one in found if one] == [2, 12]


@pytest.mark.parametrize(("count", "is_told"), [(500, True), (501, False)])
def test_five_hundred_circuits_are_looked_through_and_no_more(
    memory_store: TelemetryStore, count: int, is_told: bool
) -> None:
    circuits = {str(number): circuit(str(number)) for number in range(count)}
    inventory = Inventory({"acme": Customer(id="acme", name="A")}, circuits)
    asked = queries_of(memory_store, inventory, (ONE,))

    if is_told:
        assert asked.outage(ALL, "nothing") is None
    else:
        with pytest.raises(UsageError, match="501 circuits are too many"):
            asked.outage(ALL, "nothing")


def test_too_many_circuits_are_not_looked_through(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, name = bench.queries(), outage_id("C", JUNE + 2 * DAY)

    monkeypatch.setattr("sla.decided.SEARCHED_MAX", 1)
    assert asked.outage(ALL, name) is not None
    monkeypatch.setattr("sla.decided.SEARCHED_MAX", 0)
    assert asked.outage(GLOBEX, name) is None
    with pytest.raises(UsageError, match="1 circuits are too many"):
        asked.outage(ALL, name)


def test_a_time_is_seen_if_a_second_of_it_is_ones_own(bench: Bench) -> None:
    asked = bench.queries(owners=HELD_TWICE)
    begins, ends = JUNE + 5 * DAY, JUNE + 10 * DAY

    assert asked.sees(GLOBEX, "C", begins - 9, begins + 1)
    assert not asked.sees(GLOBEX, "C", begins - 9, begins)
    assert asked.sees(GLOBEX, "C", ends - 1, ends + 9)
    assert not asked.sees(GLOBEX, "C", ends, ends + 9)
    assert asked.sees(ACME, "C", ends, ends + 9)
    assert not asked.sees(ACME, "C", begins, ends)
    assert not asked.sees(ALL, "X", begins, ends)


def test_a_circuit_is_complete_from_its_beginning_until_anything_is_known(bench: Bench) -> None:
    asked = bench.queries()

    assert asked.complete_up_to("C") == JUNE + 40 * DAY
    for table in ("channels", "channel_progress"):
        bench.store.writer.execute(f"delete from {table}")
    assert asked.complete_up_to("C") == JUNE


def test_own_statements_are_remembered_once_with_their_parameters(
    memory_store: TelemetryStore,
) -> None:
    record = RecordedCursor(memory_store.writer)
    count, ledger = statement("sla", "verdict_count"), statement("sla", "ledger_counts")

    assert record.cursor.execute("select 7").fetchall() == [(7,)]
    assert record.execute(count).fetchall() == [(0,)]
    assert record.execute(count).fetchall() == [(0,)]
    for names in (["C"], ["D"], ["C"]):
        assert record.sql(ledger, params={"circuit_ids": names}).fetchall() == []
    assert record.fetchall is not None

    assert [(one.name, one.parameters) for one in record.statements] == [
        ("sla/sql/verdict_count.sql", {}), ("sla/sql/ledger_counts.sql", {"circuit_ids": ["C"]}),
        ("sla/sql/ledger_counts.sql", {"circuit_ids": ["D"]}),
    ]  # fmt: skip
    assert record.statements[0].sql == text_of(count)
    assert record.statements[0].about == (
        "How many calculations there are: a number that only an appended or a lost one changes."
    )


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        ("-- One thing.\n-- Grain: row.\nselect 1", "One thing."),
        ("-- One thing,\n-- and more. Then this.\nselect 1\n-- not this", "One thing, and more."),
        ("-- One\n--\n-- Two\nselect 1", "One."),
        ("select 1", "."),
    ],
)
def test_a_statement_is_about_what_its_header_says_first(sql: str, told: str) -> None:
    assert about(sql) == told


def test_who_sees_what_is_said_by_the_scope() -> None:
    assert (ALL.internal, ALL.allows("acme"), ALL.commercial) == (True, True, True)
    assert (ACME.internal, ACME.commercial) == (False, True)
    assert (ACME.allows("acme"), ACME.allows("globex")) == (True, False)


def test_the_schema_is_printed_when_it_is_run_and_only_then(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # it is loaded already
        runpy.run_module("sla.contract_schema", run_name="__main__")
        assert capsys.readouterr().out == contract_schema()
        runpy.run_module("sla.contract_schema", run_name="loaded")
        assert capsys.readouterr().out == ""


def test_the_published_schema_is_readable() -> None:
    lines = contract_schema().splitlines()

    assert lines[0] == "{"
    assert lines[1].startswith(' "$')
    keys = list(json.loads(contract_schema()))
    assert keys == sorted(keys)
    assert '"title": "A contract version of linksla"' in contract_schema()
