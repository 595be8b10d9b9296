"""Circuits that start, end, change channels, bandwidth or owner inside a month: hand-worked."""

import pytest

from linksla.inventory import Bandwidth, Channel, Ownership
from linksla.stores import TelemetryStore
from sla.answers import Seconds
from sla.channel_view import ChannelView, channel_view_json
from sla.maintenance import MaintenanceWindow
from sla.queries import Queries
from sla.scope import AllCustomers, OnlyCustomers
from tests.unit.circuit_bench import HOUR, Bench, day

ALL = AllCustomers(commercial=True)


@pytest.fixture
def bench(memory_store: TelemetryStore) -> Bench:
    return Bench(memory_store)


def june(queries: Queries, scope=ALL):
    answer = queries.month(scope, "C", "2026-06")
    assert answer is not None
    assert answer.seconds.total == answer.end_s - answer.start_s
    return answer


def view_of(queries: Queries, scope=ALL) -> ChannelView:
    view = queries.channel_view(scope, "C", "2026-06")
    assert view is not None
    assert all(one.seconds.total == one.end_s - one.start_s for one in view.channels)
    return view


def test_a_circuit_that_starts_in_mid_month_is_held_to_its_part(bench) -> None:
    bench.bad = {"a": [(day(20), day(20, 100))]}

    answer = june(bench.queries(active_from=day(16)))

    assert (answer.start_s, answer.end_s) == (day(16), day(31))
    assert answer.seconds == Seconds(1_295_900, 100, 0, 0)
    assert answer.availability_contractual == "99.99228"  # 1,295,900 / 1,296,000
    assert answer.budget_allowed_seconds == 1_296


def test_a_circuit_that_ends_in_mid_month_while_down_is_down_to_its_end(bench) -> None:
    bench.bad = {"a": [(day(11, -600), day(11))]}

    answer = june(bench.queries(active_to=day(11)))

    assert (answer.end_s, answer.month_end_s) == (day(11), day(11))
    assert answer.seconds == Seconds(863_400, 600, 0, 0)
    assert answer.final
    assert answer.outages[0].down_seconds == 600


def test_a_channel_added_in_mid_month_counts_from_then_on(bench) -> None:
    bench.needed = 2
    bench.channels = (
        Channel(name="a"), Channel(name="b"), Channel(name="c", active_from=day(16)),
    )  # fmt: skip
    # b fails for an hour twice: with a alone beside it the circuit is down, with a and c it is not
    bench.bad = {"b": [(day(5), day(5, HOUR)), (day(20), day(20, HOUR))]}
    queries = bench.queries()

    assert june(queries).seconds == Seconds(2_588_400, 3_600, 0, 0)
    view = view_of(queries)
    assert [(one.channel, one.seconds) for one in view.channels] == [
        ("a", Seconds(2_592_000, 0, 0, 0)),
        ("b", Seconds(2_584_800, 7_200, 0, 0)),
        ("c", Seconds(1_296_000, 0, 0, 0)),
    ]
    assert view.channels[1].availability_contractual == "99.72222"  # 2,584,800 / 2,592,000
    assert view.channels[1].outages == 2
    assert [(one.start_s, one.end_s) for one in view.redundancy_lost] == [(day(20), day(20, HOUR))]
    assert view.redundancy_lost_seconds == 3_600


def test_a_channel_that_ended_in_mid_month_is_no_longer_missed(bench) -> None:
    bench.needed = 2
    bench.channels = (
        Channel(name="a"), Channel(name="b"), Channel(name="c", active_to=day(16)),
    )  # fmt: skip
    bench.bad = {"b": [(day(5), day(5, HOUR)), (day(20), day(20, HOUR))]}
    queries = bench.queries()

    answer, view = june(queries), view_of(queries)

    assert answer.seconds == Seconds(2_588_400, 3_600, 0, 0)
    assert answer.seconds.unmeasured == 0
    assert answer.outages[0].start_s == day(20)
    assert [(one.start_s, one.end_s) for one in view.redundancy_lost] == [(day(5), day(5, HOUR))]
    assert view.channels[2].seconds == Seconds(1_296_000, 0, 0, 0)


def test_a_bandwidth_that_changes_in_mid_month_makes_two_segments(bench) -> None:
    bench.bad = {"a": [(day(16, -100), day(16, 200))]}

    answer = june(bench.queries(bandwidths=(Bandwidth(start=day(16), mbps=10_000),)))

    assert [(one.bandwidth_mbps, one.share, one.down_seconds) for one in answer.segments] == [
        (1_000, "1/2", 100),
        (10_000, "1/2", 200),
    ]
    assert answer.seconds == Seconds(2_591_700, 300, 0, 0)
    assert len(answer.outages) == 1


def test_an_owner_who_changes_in_mid_month_answers_for_his_own_seconds_only(bench) -> None:
    bench.bad = {"a": [(day(11, -600), day(11, 900))]}
    queries = bench.queries(
        owners=(
            Ownership(customer="acme", end=day(11)),
            Ownership(customer="globex", start=day(11)),
        )
    )

    acme, globex = (june(queries, OnlyCustomers(frozenset({name}))) for name in ("acme", "globex"))

    assert (acme.seconds, acme.customer_id) == (Seconds(863_400, 600, 0, 0), "acme")
    assert (globex.seconds, globex.customer_id) == (Seconds(1_727_100, 900, 0, 0), "globex")
    assert (acme.outages[0].start_s, acme.outages[0].end_s) == (day(11, -600), None)
    assert (globex.outages[0].start_s, globex.outages[0].end_s) == (day(11), day(11, 900))
    views = [view_of(queries, OnlyCustomers(frozenset({n}))) for n in ("acme", "globex")]
    assert [view.channels[0].seconds.down for view in views] == [600, 900]
    assert june(queries).seconds.down == 1_500


def test_a_channels_window_excludes_the_channel_and_its_loss_of_redundancy(bench) -> None:
    bench.channels = (Channel(name="a"), Channel(name="b"))
    bench.bad = {"a": [(day(5), day(5, HOUR))]}
    bench.windows = (
        MaintenanceWindow(
            id="W", circuit="C", channel="a", start=day(5), end=day(5, 1_000), announced_at=0,
            proposed_by="carrier", reason="card",
        ),
    )  # fmt: skip
    queries = bench.queries()

    view = view_of(queries)

    assert june(queries).seconds == Seconds(2_592_000, 0, 0, 0)
    assert view.channels[0].seconds == Seconds(2_588_400, 2_600, 1_000, 0)
    assert view.channels[0].as_experienced == Seconds(2_588_400, 3_600, 0, 0)
    assert view.redundancy_lost_seconds == 2_600
    assert channel_view_json(view)["redundancy_lost_seconds"] == 2_600


def test_two_channels_down_at_once_lose_redundancy_once_and_an_outage_is_none(bench) -> None:
    bench.channels = (Channel(name="a"), Channel(name="b"), Channel(name="c"))
    bench.bad = {
        "a": [(day(5), day(5, 600)), (day(9), day(9, 300))],
        "b": [(day(5, 300), day(5, 900)), (day(9), day(9, 300))],
        "c": [(day(9, 100), day(9, 200))],
    }
    queries = bench.queries()

    view = view_of(queries)

    # day 5: 0 to 900; day 9: a and b down, c down too from 100 to 200: there the circuit is down
    assert june(queries).seconds.down == 100
    assert [one.seconds for one in view.redundancy_lost] == [900, 100, 100]


def test_what_is_out_of_scope_has_no_channels(bench) -> None:
    queries = bench.queries()

    assert queries.channel_view(OnlyCustomers(frozenset({"globex"})), "C", "2026-06") is None
    assert queries.channel_view(ALL, "C", "2026-05") is None
    assert queries.channel_view(ALL, "C", "no month") is None
