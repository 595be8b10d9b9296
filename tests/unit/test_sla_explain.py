"""An explanation on the small network: its arithmetic, its evidence, and who is told what."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from linksla.clock import MICROSECONDS, ManualClock, parse_instant
from linksla.errors import UsageError
from linksla.inventory import Inventory, Ownership, Price, load_inventory
from linksla.settings import TimeSettings
from processors.blocks import BlockMaker
from sla.contracts import load_contracts
from sla.explain_json import explanation_json
from sla.explanation import Asked, Explanation
from sla.maintenance import MaintenanceWindow, load_maintenance
from sla.queries import Queries
from sla.scope import AllCustomers, OnlyCustomers

ALL = AllCustomers(commercial=True)
NOC = AllCustomers(commercial=False)
ACME = OnlyCustomers(frozenset({"acme"}))
CUT = parse_instant("2025-10-09T09:11:00Z")
END = parse_instant("2025-12-03T00:00:00Z")


def queries_on(network, inventory: Inventory | None = None, windows=None) -> Queries:
    folder: Path = network.folder
    return Queries(
        network.store,
        inventory or load_inventory(folder / "inventory.yaml"),
        load_contracts(folder / "contracts"),
        load_maintenance(folder / "maintenance.yaml") if windows is None else windows,
        TimeSettings(),
        ManualClock(END * MICROSECONDS),
    )


def changed(network, circuit: str, **what: object) -> Inventory:
    circuits = dict(network.inventory.circuits)
    circuits[circuit] = replace(circuits[circuit], **what)
    return replace(network.inventory, circuits=circuits)


@pytest.fixture
def queries(small_network) -> Queries:
    priced = changed(small_network, "DEN-1", prices=(Price(amount="2713.5", currency="USD"),))
    return queries_on(small_network, priced)


def explain(queries: Queries, circuit: str = "DEN-1", asked: Asked = Asked()) -> Explanation:  # noqa: B008
    found = queries.explain(ALL, circuit, "2025-10", asked)
    assert found is not None
    return found


def outage_of(queries: Queries, circuit: str = "DEN-1") -> str:
    return explain(queries, circuit).outages[0].answer.outage_id


def insert_samples(network, *, first_s: int, count: int, channels: int = 4) -> None:
    """One sample a channel and cell, as if they had come in one message a cell."""
    for number in range(count):
        for key in range(1, channels + 1):
            network.store.writer.execute(
                "insert into samples values (?, ?, ?, 10000000, 3000, 90, 0, 1, 2, 4, 0, 'p',"
                " 5, ?, ?)",
                [key, (first_s + 10 * number) * MICROSECONDS, number, 700 + number, key - 1],
            )


def test_the_percentage_is_a_division_anyone_can_check(queries) -> None:
    steps = {step.key: step for step in explain(queries).steps}

    assert steps["contractual"].says == "Contractual availability: 99.98879 %"
    assert "9,998,879 × 2,678,400 + 2,486,400" in steps["contractual"].working
    assert 9_998_879 * 2_678_400 + 2_486_400 == 2_678_100 * 10_000_000
    assert steps["allowed"].working.endswith("2,678,400 × 0.01 / 100 = 267.84 s")
    assert steps["target"].working == (
        "300 down × 10,000 = 3,000,000 is more than 2,678,400 × 1 = 2,678,400: breached"
    )
    assert steps["verdict"].says == "Verdict: breached"


def test_what_is_unmeasured_stands_with_both_its_bounds(queries) -> None:
    found = queries.explain(ALL, "LON-1", "2025-10")

    steps = {step.key: step for step in found.steps}
    assert steps["bounds"].says.startswith("86,400 s are unmeasured: ")
    assert "all bad: 86,400 down × 20" in steps["target-bounds"].working
    (piece,) = found.by_bucket["unmeasured"].pieces
    assert (piece.seconds, piece.why) == (86_400, "nothing is known of primary")


def test_an_outage_says_why_it_began_why_it_ended_and_which_channels(queries) -> None:
    (outage,) = explain(queries).outages

    assert outage.onset == (
        "Bad from 2025-10-09T09:11:00Z: 30 cells of 10 s in a row (5 min 0 s); 10 in a row make "
        "it down, from the first of them. In the first cell 0 of 4 channels were good, 4 bad, 0 "
        "unknown; 3 good ones are needed."
    )
    assert outage.end.startswith("Good again from 2025-10-09T09:16:00Z: ")
    assert [(one.channel, one.bad_seconds) for one in outage.channels] == [
        ("ch1", 300), ("ch2", 300), ("ch3", 300), ("ch4", 300),
    ]  # fmt: skip
    assert outage.channels[0].why_bad == "BGP not established, no loss for 5 min 0 s"


def test_a_record_that_excludes_less_than_it_covers_says_who_has_the_rest(small_network) -> None:
    def window(name: str, start: str, end: str) -> MaintenanceWindow:
        return MaintenanceWindow(
            id=name, circuit="DEN-2", start=parse_instant(start), end=parse_instant(end),
            announced_at=0, proposed_by="carrier", reason="r",
        )  # fmt: skip

    windows = [
        window("A", "2025-10-20T06:00:00Z", "2025-10-20T09:00:00Z"),
        window("B", "2025-10-20T08:30:00Z", "2025-10-20T11:00:00Z"),  # a cap of 4 h
    ]
    _, late = queries_on(small_network, windows=windows).explain(ALL, "DEN-2", "2025-10").exclusions

    assert late.answer.seconds == 3_600
    assert [(one.seconds, one.why) for one in late.rest] == [
        (1_800, "A (circuit) has them already"),
        (3_600, "the month's cap is used up"),
    ]


@pytest.mark.parametrize(
    ("refused_by", "reason", "said"),
    [
        (None, "nobody has approved it", "nobody has decided yet"),
        ("noc", "refused by noc", "the record is refused"),
    ],
)
def test_a_record_that_takes_nothing_out_stands_with_its_reason(
    small_network, refused_by: str | None, reason: str, said: str
) -> None:
    (window,) = load_maintenance(small_network.folder / "maintenance.yaml")
    late = replace(window, announced_at=window.start, refused_by=refused_by)
    found = queries_on(small_network, windows=[late]).explain(ALL, "DEN-2", "2025-10")

    (refused,) = found.exclusions
    assert reason in refused.answer.reason
    assert [(one.seconds, one.why) for one in refused.rest] == [
        (1_800, f"{said}: they stay up"),
        (1_800, f"{said}: they stay down"),
    ]


def test_an_outage_looked_at_closely_shows_channels_spans_and_where_samples_lie_in_kafka(
    small_network, queries
) -> None:
    insert_samples(small_network, first_s=CUT - 200, count=80)
    asked = Asked(outage_id=outage_of(queries), samples_max=6)
    closer = explain(queries, asked=asked).closer

    assert (closer.start_s, closer.end_s) == (CUT - 100, CUT + 400)  # ten cells on each side
    assert [(m.good, m.bad, m.state, m.bucket.value) for m in closer.moments] == [
        (4, 0, "good", "up"), (0, 4, "bad", "down"), (4, 0, "good", "up"),
    ]  # fmt: skip
    assert closer.spans_count == 12
    first = closer.counts[0]
    assert (first.channel, first.partition, first.samples) == ("ch1", 5, 50)
    assert (first.first_offset, first.last_offset) == (710, 759)
    assert [(s.channel, s.offset, s.index_in_message) for s in closer.samples] == [
        ("ch1", 710, 0), ("ch2", 710, 1), ("ch3", 710, 2), ("ch4", 710, 3),
        ("ch1", 711, 0), ("ch2", 711, 1),
    ]  # fmt: skip
    assert closer.samples[0].bgp_state == "OPENSENT"


def test_samples_come_in_pages_that_miss_none_and_repeat_none(small_network, queries) -> None:
    insert_samples(small_network, first_s=CUT - 100, count=50)
    name, after, seen = outage_of(queries), None, []
    while True:
        asked = Asked(outage_id=name, samples_max=33, after=after)
        closer = explain(queries, asked=asked).closer
        seen += [(one.observed_at_us, one.channel) for one in closer.samples]
        after = closer.next_after
        if after is None:
            break

    assert seen == sorted(set(seen))
    assert len(seen) == 200 == sum(one.samples for one in closer.counts)


def test_a_sample_from_before_the_range_that_still_holds_its_first_cell_is_shown(
    small_network, queries
) -> None:
    writer = small_network.store.writer
    writer.execute(
        "insert into samples values (1, ?, 1, 40000000, 1, 1, 0, 1, 1, 6, 0, 'p', 5, 9, 0),"
        " (2, ?, 1, 10000000, 1, 1, 0, 1, 1, 6, 0, 'p', 5, 9, 1)",
        [(CUT - 30) * MICROSECONDS] * 2,
    )
    writer.execute("insert into channel_reach values (1, 40000000)")
    closer = explain(queries, asked=Asked(start_s=CUT, end_s=CUT + 60)).closer

    assert [(one.channel, one.offset) for one in closer.samples] == [("ch1", 9)]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (Asked(outage_id="nope"), "there is no outage 'nope' in 2025-10"),
        (Asked(start_s=END, end_s=END + 60), "nothing of the month in it"),
        (Asked(start_s=CUT - 864_000, end_s=CUT), "more than 7 days"),
        (Asked(start_s=CUT, end_s=CUT + 60, after="1;drop"), "after is not what"),
    ],
)
def test_what_is_not_in_the_month_is_refused_with_what_to_do(queries, asked: Asked, said) -> None:
    with pytest.raises(UsageError, match=said):
        explain(queries, asked=asked)


def test_the_statements_run_again_with_their_parameters_give_the_same_seconds(
    small_network, queries
) -> None:
    by_name = {one.name: one for one in explain(queries).statements}
    judged = by_name["sla/sql/availability_runs.sql"]

    rows = small_network.store.writer.execute(judged.sql, dict(judged.parameters)).fetchall()
    down = sum(end - start for number, start, end, _, kind in rows if number == 0 and kind == "d")
    assert down == 300
    assert judged.about.startswith("Spans of channels to runs of a circuit's availability")
    assert json.loads(json.dumps(explanation_json(explain(queries))))["statements"]


def test_money_comes_with_its_arithmetic_and_is_absent_without_the_right_to_it(queries) -> None:
    steps = {step.key: step for step in explain(queries).credit}
    assert steps["credit-amount"].working == "10 % of 2,713.50 USD = 271.35 USD"
    assert explain(queries).segments[0].commercial[0].text.startswith("By availability in percent")

    told = json.dumps(explanation_json(queries.explain(NOC, "DEN-1", "2025-10")))
    for word in ("redit", "USD", "271.35", "2713", "payout", "charge", "price"):
        assert word not in told, word


def test_another_owners_time_is_told_neither_in_words_nor_in_parameters(small_network) -> None:
    sold = CUT + 150  # in the middle of the outage
    owners = (Ownership(customer="globex", end=sold), Ownership(customer="acme", start=sold))
    queries = queries_on(small_network, changed(small_network, "DEN-1", owners=owners))
    found = queries.explain(ACME, "DEN-1", "2025-10")
    (outage,) = found.outages
    closer = queries.explain(ACME, "DEN-1", "2025-10", Asked(outage_id=outage.answer.outage_id))

    assert outage.onset == "It was down already when this ownership began."
    assert outage.seconds == 150 == found.answer.seconds.down
    assert closer.closer.start_s == sold
    assert [owner.customer_id for owner in found.answer.segments[0].owners] == ["acme"]
    hidden = {one.name for one in found.statements if one.parameters is None}
    assert "sla/sql/availability_runs.sql" in hidden
    assert "globex" not in json.dumps(explanation_json(closer))
    assert str(CUT) not in json.dumps(explanation_json(closer))


def test_out_of_scope_answers_like_what_does_not_exist(queries) -> None:
    assert queries.explain(ACME, "LON-1", "2025-10") is None
    assert queries.explain(ACME, "NONE", "2025-10") is None
    assert queries.explain(ACME, "DEN-1", "2024-01") is None
    assert queries.explain(ACME, "DEN-1", "October") is None


def test_nothing_remembered_goes_into_an_explanation(small_network, queries) -> None:
    assert queries.month(ALL, "DEN-1", "2025-10").seconds.down == 300
    small_network.store.writer.execute("update spans set bgp = 1 where bgp = 2")

    assert explain(queries).answer.seconds.down == 0


def test_a_record_that_is_not_for_customers_is_told_neither_in_words_nor_in_parameters(
    small_network,
) -> None:
    hidden = MaintenanceWindow(
        id="SECRET", circuit="DEN-1", channel="ch1", start=CUT, end=CUT + 120, announced_at=0,
        proposed_by="SECRET", reason="SECRET", show_to_customer=False,
    )  # fmt: skip
    queries = queries_on(small_network, windows=[hidden, replace(hidden, id="S2", channel=None)])
    told = queries.explain(ACME, "DEN-1", "2025-10")
    inside = queries.explain(ALL, "DEN-1", "2025-10")

    assert told.answer.seconds.excluded == 120
    assert "SECRET" not in json.dumps(explanation_json(told))
    by_name = {one.name: one.parameters for one in told.statements}
    assert by_name["sla/sql/availability_runs.sql"] is None
    assert "SECRET" in json.dumps(explanation_json(inside))


def test_each_channels_value_stands_with_its_sum_or_rank_and_the_worst_is_the_answers(
    queries,
) -> None:
    found = explain(queries)
    latency, loss = found.segments[0].objectives
    answers = {one.name: one for one in found.answer.objectives}

    assert [one.channel for one in latency.channels] == ["ch1", "ch2", "ch3", "ch4"]
    assert latency.channels[0].value == f"{answers['latency p95'].actual} ms"
    assert latency.channels[0].observations == answers["latency p95"].observations == 25_890
    assert latency.channels[0].working.startswith("rank ⌈95 % × 25,890⌉ = 24,596; ")
    assert latency.qualifying_seconds == 2_678_100  # 44,635 minutes that were up
    assert loss.channels[0].working == "0 ppm / 25,890"


def test_statements_of_objectives_sum_minutes_also_where_hours_are_packed(
    small_network, queries
) -> None:
    before = explain(queries)
    maker = BlockMaker(small_network.store, lambda _point: None)
    maker.start()
    while maker.make(END * MICROSECONDS, 10**7):
        pass
    assert small_network.store.writer.execute("select count(*) from rollup_packs").fetchall() > [
        (100,)
    ]

    after = explain(queries)

    names = {one.name for one in after.statements}
    assert {"sla/sql/performance_totals.sql", "sla/sql/performance_histogram.sql"} <= names
    assert not any("packs" in name for name in names)
    assert after.segments[0].objectives == before.segments[0].objectives
    assert len(after.segments[0].objectives) == 2
