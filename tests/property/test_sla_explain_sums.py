"""Every level of an explanation sums exactly to the one above, on generated networks."""

import itertools
from collections.abc import Iterator
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linksla.clock import MICROSECONDS, ManualClock, parse_instant
from linksla.inventory import Bandwidth, Channel, Circuit, Customer, Inventory, Ownership, Price
from linksla.settings import TimeSettings
from linksla.stores import TelemetryStore
from linksla.wire import partition_of
from sla.answers import Bucket
from sla.contracts import AvailabilityTerms, Contract, MaintenanceTerms
from sla.explanation import Asked, Explanation
from sla.maintenance import MaintenanceWindow
from sla.queries import Queries
from sla.schedules import PercentBands
from sla.scope import AllCustomers, OnlyCustomers

GRID = 60
JUNE = parse_instant("2026-06-01T00:00:00Z")
BEGIN = JUNE - 40 * GRID  # faults lie over the month's start
CELLS = 140
END = BEGIN + CELLS * GRID
NUMBERS = itertools.count(1)

texts = st.lists(
    st.tuples(st.sampled_from("GGGBLB?-"), st.integers(1, 25)), min_size=2, max_size=14
).map(lambda runs: "".join(letter * count for letter, count in runs).ljust(CELLS, "G")[:CELLS])
instants = st.integers(41, CELLS - 1).map(lambda cell: BEGIN + cell * GRID)
EVIDENCE = {"G": (1, 0), "B": (2, 0), "L": (1, 7)}


@st.composite
def networks(draw):
    channels = draw(st.lists(texts, min_size=1, max_size=3))
    window = st.tuples(
        st.one_of(st.none(), st.integers(0, len(channels) - 1)),
        st.integers(0, CELLS - 1), st.integers(1, 40), st.booleans(),
    )  # fmt: skip
    return {
        "channels": channels,
        "k": draw(st.integers(1, len(channels))),
        "n": draw(st.sampled_from([1, 2, 4])),
        "windows": draw(st.lists(window, max_size=4)),
        "cap": draw(st.sampled_from([None, Fraction(0), Fraction(1, 4), Fraction(1)])),
        "changed": draw(st.one_of(st.none(), instants)),
        "faster": draw(st.one_of(st.none(), instants)),
        "sold": draw(st.one_of(st.none(), instants)),
    }


@pytest.fixture(scope="module")
def store() -> Iterator[TelemetryStore]:
    opened = TelemetryStore(None)
    opened.start()
    yield opened
    opened.close()


def contract(network, version: int) -> Contract:
    return Contract(
        id="c", version=version, title="T", source="here", timezone="UTC",
        valid_from=network["changed"] if version == 2 else None,
        availability=AvailabilityTerms(
            target_percent=Fraction(99 - version), up_at_least=network["k"],
            consecutive=network["n"],
        ),
        maintenance=MaintenanceTerms(notice_hours=1, cap_hours_per_month=network["cap"]),
        credit=(PercentBands(basis="availability_percent",
                             bands=((Fraction(98), Fraction(0)), (Fraction(0), Fraction(10)))),),
    )  # fmt: skip


def queries_of(store: TelemetryStore, network) -> tuple[Queries, str]:
    name = f"X-{next(NUMBERS)}"
    sold = network["sold"]
    owners = (Ownership(customer="a", end=sold),)
    if sold is not None:
        owners = (*owners, Ownership(customer="b", start=sold))
    changes = (Bandwidth(start=network["faster"], mbps=2000),) if network["faster"] else ()
    circuit = Circuit(
        id=name, owners=owners, contract="c", site="S", region="r", bandwidth_mbps=1000,
        grid_seconds=GRID, active_from=BEGIN, bandwidths=changes,
        channels=tuple(Channel(name=f"ch{i}") for i in range(len(network["channels"]))),
        prices=(Price(amount="100", currency="USD"),),
    )  # fmt: skip
    for text, channel in zip(network["channels"], circuit.channels, strict=True):
        insert(store, text, name, channel.name)
    windows = [
        MaintenanceWindow(
            id=f"W{number}", circuit=name, channel=None if on is None else f"ch{on}",
            start=BEGIN + lower * GRID, end=BEGIN + (lower + cells) * GRID,
            announced_at=BEGIN - 7200 if noticed else BEGIN + CELLS * GRID,
            proposed_by="p", reason="r",
        )
        for number, (on, lower, cells, noticed) in enumerate(network["windows"])
    ]  # fmt: skip
    versions = (contract(network, 1),) + (
        () if network["changed"] is None else (contract(network, 2),)
    )
    inventory = Inventory(
        {"a": Customer(id="a", name="A"), "b": Customer(id="b", name="B")}, {name: circuit}
    )
    clock = ManualClock(END * MICROSECONDS)
    return Queries(store, inventory, {"c": versions}, windows, TimeSettings(), clock), name


def insert(store: TelemetryStore, text: str, name: str, channel: str) -> None:
    """Write a channel as the writer would have; '-' at its ends is time it is not active in."""
    key = next(NUMBERS)
    from_s = BEGIN + (len(text) - len(text.lstrip("-"))) * GRID
    to_s = BEGIN + len(text.rstrip("-")) * GRID
    store.writer.execute(
        "insert into channels values (?, ?, ?, ?, ?, ?, ?)",
        [key, name, channel, partition_of(name), GRID, min(from_s, to_s), max(from_s, to_s)],
    )
    store.writer.execute(
        "insert into channel_progress values (?, ?, ?)", [key, END * MICROSECONDS, END]
    )
    at = 0
    for letter, cells in ((k, len(list(g))) for k, g in itertools.groupby(text)):
        if letter in EVIDENCE:
            lower, upper = BEGIN + at * GRID, BEGIN + (at + cells) * GRID
            store.writer.execute(
                "insert into spans values (?, ?, ?, ?, ?, ?)",
                [key, lower // 86_400, lower, upper, *EVIDENCE[letter]],
            )
        at += cells


@settings(max_examples=12, deadline=None)
@given(networks())
def test_every_level_sums_to_the_one_above_for_every_reader(store, network) -> None:
    queries, name = queries_of(store, network)
    scopes = [AllCustomers(commercial=True)]
    if network["sold"] is not None:
        scopes += [OnlyCustomers(frozenset({one})) for one in "ab"]

    for scope in scopes:
        found = queries.explain(scope, name, "2026-06")
        assert found is not None
        assert found.answer == queries.month(scope, name, "2026-06")
        check_sums(found)
        for outage in found.outages:
            closer = queries.explain(
                scope, name, "2026-06", Asked(outage_id=outage.answer.outage_id)
            )
            check_closer(closer, outage)


def check_sums(found: Explanation) -> None:
    answer, period = found.answer, found.answer.end_s - found.answer.start_s
    assert sum(one.seconds for one in found.buckets) == period
    for bucket in found.buckets:
        assert sum(piece.seconds for piece in bucket.pieces) == bucket.seconds
        assert bucket.seconds == getattr(answer.seconds, bucket.bucket.value)
    pieces = sorted((p for b in found.buckets for p in b.pieces), key=lambda p: p.start_s)
    assert [p.end_s for p in pieces[:-1]] == [p.start_s for p in pieces[1:]]
    assert (pieces[0].start_s, pieces[-1].end_s) == (answer.start_s, answer.end_s)
    for was in (Bucket.UP, Bucket.DOWN, Bucket.UNMEASURED):
        experienced = sum(p.seconds for p in pieces if p.as_experienced is was)
        assert experienced == getattr(answer.as_experienced, was.value)
    for name in ("up", "down", "excluded", "unmeasured"):
        whole = getattr(answer.seconds, name)
        assert sum(getattr(one.seconds, name) for one in found.segments) == whole
    assert sum(one.answer.down_seconds for one in found.outages) == answer.seconds.down
    assert sum(p.seconds for one in found.exclusions for p in one.pieces) == answer.seconds.excluded
    for exclusion in found.exclusions:
        own, rest = exclusion.answer, sum(one.seconds for one in exclusion.rest)
        covered = min(own.end_s, answer.end_s) - max(own.start_s, answer.start_s)
        assert sum(p.seconds for p in exclusion.pieces) == own.seconds
        assert own.seconds + rest == covered
    bad = sum(piece.seconds for piece in found.bad_but_not_down)
    assert bad == answer.bad_but_not_down_seconds
    for channel in found.channels:
        parts = channel.good_seconds + channel.bad_seconds + channel.unknown_seconds
        assert parts == channel.active_seconds <= period
    for outage in found.outages:
        own = outage.answer
        total = own.down_seconds + own.excluded_seconds + outage.unmeasured_seconds
        assert total == outage.seconds


def check_closer(found: Explanation | None, outage) -> None:
    assert found is not None
    assert found.closer is not None
    closer = found.closer
    assert sum(one.seconds for one in closer.moments) == closer.end_s - closer.start_s
    down = sum(one.seconds for one in closer.moments if one.bucket is Bucket.DOWN)
    assert down == outage.answer.down_seconds
    for moment in closer.moments:
        assert moment.good + moment.bad + moment.unknown == moment.enabled
        # merged again here from the channels, and judged there by SQL: both say the same
        assert (moment.state == "unknown") == (moment.as_experienced is Bucket.UNMEASURED)
    by_channel: dict[str, int] = {}
    for span in closer.spans:
        by_channel[span.channel] = by_channel.get(span.channel, 0) + span.seconds
    assert all(seconds <= closer.end_s - closer.start_s for seconds in by_channel.values())
    counted = {state: 0 for state in ("good", "bad", "unknown")}
    for span in closer.spans:
        counted[span.state] += span.seconds
    for state, seconds in counted.items():
        assert sum(one.seconds * getattr(one, state) for one in closer.moments) == seconds
