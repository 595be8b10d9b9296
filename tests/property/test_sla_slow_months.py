"""Whole months of generated circuits: `sla.queries` against the slow oracle of slow_months.py."""

import os
import random
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from linksla.clock import MICROSECONDS, ManualClock
from linksla.inventory import Channel, Circuit, Customer, Inventory, Ownership, Price
from linksla.settings import TimeSettings
from linksla.sql import statement
from linksla.stores import TelemetryStore
from linksla.wire import partition_of
from sla.attributions import Act, Attribution, AttributionWord, reclassifications
from sla.contracts import AvailabilityTerms, Contract, ExclusionTerms, MaintenanceTerms
from sla.maintenance import MaintenanceWindow
from sla.outages import outage_id
from sla.queries import Queries
from sla.schedules import PercentBands
from sla.scope import AllCustomers
from tests.property.slow_months import (
    EVIDENCE,
    GRID,
    UNIT,
    Part,
    Story,
    bounds,
    slow_month,
    whole_outages,
)

EXAMPLES = int(os.environ.get("LINKSLA_SLOW_MONTHS", "4"))  # of up to 3 circuits each
ALL = AllCustomers(commercial=True)
DAY, HOUR = 86_400, 3_600
MONTHS = [  # clocks change in all but two; Lord Howe's by half an hour, Gaza's near midnight
    ("Europe/Berlin", "2026-03"), ("Europe/Berlin", "2026-10"), ("America/New_York", "2026-11"),
    ("Australia/Lord_Howe", "2026-04"), ("America/Santiago", "2026-09"), ("UTC", "2026-02"),
    ("Asia/Kathmandu", "2026-06"),
]  # fmt: skip


def near(rng: random.Random, story_start: int, horizon: int, marks: list[int]) -> int:
    """Return an instant: anywhere, or close to a boundary."""
    at = rng.randrange(story_start, horizon, UNIT)
    if rng.random() < 0.5:
        at = rng.choice(marks) + rng.randint(-8, 8) * UNIT
    return min(max(at, story_start), horizon - UNIT)


def stories(seed: int) -> tuple[list[Story], str]:
    """Return circuits of one site and time, and the month to judge (by each one's own zone)."""
    rng = random.Random(seed)
    zone, month = rng.choice(MONTHS)
    return [story(rng, f"C{number}", zone, month) for number in range(rng.randint(1, 3))], month


def story(rng: random.Random, name: str, zone: str, month: str) -> Story:
    lower, upper = bounds(month, zone)
    begins = lower + rng.choice([-2 * DAY, -2 * DAY, -GRID - UNIT, 0, 9 * DAY + UNIT])
    horizon = (upper + 3 * DAY) // GRID * GRID
    changes = rng.sample(range(lower + DAY, upper - DAY, UNIT), rng.randint(0, 2))
    prices = [Price(amount="1000", currency="USD")]
    if changes and rng.random() < 0.5:
        prices.append(Price(start=rng.choice(changes), amount="2000", currency="USD"))
    marks = [lower, upper, *changes]
    names = [f"ch{number}" for number in range(rng.choice([1, 2, 2, 3]))]
    channels = []
    for number, one in enumerate(names):
        start = end = None
        if rng.random() < (0.3 if number else 0.1):
            start = near(rng, begins, upper, marks)
        if rng.random() < (0.3 if number else 0.1):
            end = near(rng, (start or begins) + GRID, horizon, marks)
        if number and rng.random() < 0.1:
            start, end = horizon + DAY, None  # announced, and not there yet
        channels.append(Channel(name=one, active_from=start, active_to=end))
    circuit = Circuit(
        id=name, owners=(Ownership(customer="acme"),), contract=name, site="S", region="r",
        bandwidth_mbps=100, grid_seconds=GRID, active_from=begins, channels=tuple(channels),
        prices=tuple(prices),
    )  # fmt: skip
    cells = (horizon - begins // GRID * GRID) // GRID
    texts = written(rng, names, cells, begins // GRID * GRID, horizon, marks)
    versions = versions_of(rng, name, zone, sorted(changes), len(names))
    told = Story(circuit, versions, texts, horizon)
    told.windows = windows_of(rng, told, marks)
    told.words = words_of(rng, told)
    return told


def written(
    rng: random.Random, names: list[str], cells: int, first: int, horizon: int, marks: list[int]
) -> dict[str, str]:
    """Return a letter a cell for each channel: good, but for what befalls some of them."""
    letters = {name: ["G"] * cells for name in names}
    for _ in range(rng.randint(2, 14)):
        at = (near(rng, first, horizon, marks) - first) // GRID
        length = rng.choice([1, 1, 2, 2, 3, 4, 5, 8, rng.randint(1, 300)])
        letter = rng.choice("BBBBGo???lebmnu")
        hit = names if rng.random() < 0.5 else rng.sample(names, rng.randint(1, len(names)))
        for name in hit:
            for cell in range(at, min(at + length, cells)):
                letters[name][cell] = letter
    return {name: "".join(row) for name, row in letters.items()}


def versions_of(
    rng: random.Random, name: str, zone: str, changes: list[int], channels: int
) -> tuple[Contract, ...]:
    needed, cells = rng.randint(1, channels), rng.choice([1, 2, 3, 5])
    threshold = rng.choice([Fraction(1, 2), Fraction(1, 2), Fraction(1, 4), Fraction(3, 4)])
    found = []
    for number, starts in enumerate([None, *changes]):
        availability = AvailabilityTerms(
            target_percent=Fraction(rng.choice(["99.9", "99.5", "98", "100", "90"])),
            up_at_least=needed, consecutive=cells, loss_threshold=threshold,
            denominator=rng.choice(["measured", "whole_period"]),
            coverage_percent_min=Fraction(rng.choice([0, 50, 95, 99, 100])),
        )  # fmt: skip
        low = Fraction(rng.choice([95, 97]))
        bands = ((Fraction(100), Fraction(0)), (low, Fraction(10)), (Fraction(0), Fraction(100, 3)))
        cap = rng.choice([None, None, Fraction(0), Fraction(1), Fraction(17, 12), Fraction(6)])
        if found and rng.random() < 0.5:
            cap = found[-1].maintenance.cap_hours_per_month
        found.append(
            Contract(
                id=name, version=number + 1, title="T", source="here", valid_from=starts,
                timezone=zone, availability=availability,
                maintenance=MaintenanceTerms(
                    notice_hours=rng.choice([0, 24, 72]), cap_hours_per_month=cap
                ),
                exclusions=ExclusionTerms(
                    customer=rng.random() < 0.6, force_majeure=rng.random() < 0.6,
                    waiting_for_customer=rng.random() < 0.7,
                ),
                credit=(PercentBands(basis="availability_percent", bands=bands),),
            )
        )  # fmt: skip
    return tuple(found)


def windows_of(rng: random.Random, told: Story, marks: list[int]) -> list[MaintenanceWindow]:
    found = []
    events = [at for outage in whole_outages(told) for at in outage] or marks
    for number in range(rng.randint(0, 5)):
        start = near(rng, told.first, told.horizon, [*marks, *events])
        notice = rng.choice([0, 23 * HOUR, 24 * HOUR, 24 * HOUR - 1, 72 * HOUR, -HOUR])
        scope: dict[str, str] = {"circuit": told.circuit.id}
        kind = rng.choice(["circuit", "channel", "channel", "site", "ticket", "ticket"])
        if kind == "channel":
            scope["channel"] = rng.choice(told.circuit.channels).name
        elif kind == "ticket":
            scope["ticket"] = "INC-7"
        elif kind == "site":
            scope = {"site": f"site of {told.circuit.id}"}
        found.append(
            MaintenanceWindow(
                id=f"{told.circuit.id}-w{number}", start=start,
                end=start + rng.choice([1, 2, 5, 9, 40, 200]) * UNIT, announced_at=start - notice,
                proposed_by="carrier", reason="work",
                approved_by=rng.choice([None, None, "carrier", "manager", "manager"]),
                refused_by=rng.choice([None] * 8 + ["manager"]),
                exclude_from_sla=rng.random() < 0.9, **scope,
            )
        )  # fmt: skip
    return found


def words_of(rng: random.Random, told: Story) -> list[AttributionWord]:
    """Return what people said about outages, decided, refused and taken back."""
    outages, found = whole_outages(told), []
    at = told.horizon * MICROSECONDS
    for number in range(rng.randint(0, 4) if outages else 0):
        start, end = rng.choice(outages)
        name, at = f"{told.circuit.id}-p{number}", at + 10
        who = "noc"
        if end - start > UNIT and rng.random() < 0.3:  # late data has moved its ends since
            start, end = sorted(rng.sample(range(start, end + 1, UNIT), 2))
        found.append(
            AttributionWord(
                name, Act.PROPOSED, who, at, "why", told.circuit.id,
                outage_id(told.circuit.id, start), start, end, rng.choice(list(Attribution)),
            )
        )  # fmt: skip
        acts = rng.choice([
            [], [Act.APPROVED], [Act.APPROVED], [Act.APPROVED], [Act.REFUSED, Act.APPROVED],
            [Act.APPROVED, Act.REVOKED],
        ])  # fmt: skip
        for step, act in enumerate(acts, 1):
            decider = rng.choice(["manager", "manager", "manager", who])
            found.append(AttributionWord(name, act, decider, at + step, "why"))
    return found


def judged_by(store: TelemetryStore, told: list[Story]) -> Queries:
    circuits = {
        one.circuit.id: replace(one.circuit, site=f"site of {one.circuit.id}") for one in told
    }
    words = [word for one in told for word in one.words]
    return Queries(
        store, Inventory({"acme": Customer(id="acme", name="acme")}, circuits),
        {one.circuit.id: one.versions for one in told},
        tuple(window for one in told for window in one.windows), TimeSettings(),
        ManualClock((max(one.horizon for one in told) + DAY) * MICROSECONDS),
        reclassifications(words),
    )  # fmt: skip


def fill(store: TelemetryStore, told: list[Story], rng: random.Random | None = None) -> None:
    """Write what a node would have written; `rng`: the same spans, cut and ordered otherwise."""
    writer = store.writer
    for table in ("channels", "channel_progress", "spans", "offsets"):
        writer.execute(f"delete from {table}")
    horizon = max(one.horizon for one in told)
    for partition in sorted({partition_of(one.circuit.id) for one in told}):
        writer.execute(
            statement("sla", "trial_offset"), {"partition": partition, "horizon_s": horizon}
        )
    key = 0
    for one in told:
        for channel in one.circuit.channels:
            key += 1
            writer.execute(
                "insert into channels values (?, ?, ?, ?, ?, ?, ?)",
                [key, one.circuit.id, channel.name, partition_of(one.circuit.id), GRID,
                 *one.circuit.channel_active(channel)],
            )  # fmt: skip
            writer.execute(
                statement("sla", "trial_progress"), {"channel_key": key, "horizon_s": horizon}
            )
            rows = spans(one, one.texts[channel.name], rng)
            if rows:
                names = ("start_s", "end_s", "bgp", "loss_class")
                columns = dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))
                writer.execute(statement("sla", "trial_spans"), {"channel_key": key} | columns)


def spans(told: Story, text: str, rng: random.Random | None) -> list[tuple[int, ...]]:
    rows: list[tuple[int, ...]] = []
    for cell, letter in enumerate(text):
        at, known = told.first + cell * GRID, EVIDENCE[letter]
        if known is None:
            continue
        joins = rows and rows[-1][1] == at and rows[-1][2:] == known
        if joins and (rng is None or rng.random() < 0.9):
            rows[-1] = (rows[-1][0], at + GRID, *known)
        else:
            rows.append((at, at + GRID, *known))
    if rng is not None:
        rng.shuffle(rows)
    return rows


@pytest.fixture(scope="module")
def store():
    opened = TelemetryStore(None)
    opened.start()
    yield opened
    opened.close()


def letters(seconds) -> dict[str, int]:
    known = {
        "u": seconds.up, "d": seconds.down, "x": seconds.excluded, "?": seconds.unmeasured,
    }  # fmt: skip
    return {letter: count for letter, count in known.items() if count}


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.integers(0, 2**32))
@example(0)  # these seven notice every change of availability_runs.sql that matters
@example(1)
@example(3)
@example(4)
@example(6)
@example(7)
@example(14)
def test_a_month_equals_the_slow_one_alone_and_in_a_group_and_told_again(store, seed: int) -> None:
    told, month = stories(seed)
    fill(store, told)
    queries = judged_by(store, told)
    group = {one.circuit_id: one for one in queries.customer_month(ALL, "acme", month) or ()}

    for one in told:
        found, slow = group[one.circuit.id], slow_month(one, month)
        assert letters(found.seconds) == slow.seconds
        assert found.seconds.total == found.end_s - found.start_s
        assert letters(found.as_experienced) == slow.experienced
        assert found.bad_but_not_down_seconds == slow.bad_but_not_down
        taken = {x.exclusion_id: x.seconds for x in found.exclusions if x.seconds}
        assert taken == slow.taken
        for part, expected in zip(found.segments, slow.parts, strict=True):
            assert_part(part, expected)
        assert found.verdict == slow.verdict
        assert abs(Fraction(found.credit_percent) - slow.credit) <= Fraction(1, 200_000)
        alone = judged_by(store, [one]).month(ALL, one.circuit.id, month)
        assert alone == found

    fill(store, told, random.Random(seed))
    again = judged_by(store, told).customer_month(ALL, "acme", month)
    assert {one.circuit_id: one for one in again or ()} == group


def assert_part(found, expected: Part) -> None:
    assert (found.start_s, found.end_s) == (expected.start, expected.end)
    assert found.down_seconds == expected.seconds["d"]
    assert found.verdict == expected.verdict
    assert found.allowed_seconds == expected.allowed
    assert abs(Fraction(found.credit_percent) - expected.credit) <= Fraction(1, 200_000)
