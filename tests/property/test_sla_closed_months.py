"""What is remembered of months that are over equals what judging them again comes to."""

import random
from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from linksla.stores import TelemetryStore
from sla import closed
from sla.attributions import reclassifications
from tests.property.slow_months import GRID, Story, bounds
from tests.property.test_sla_slow_months import ALL, DAY, HOUR, fill, judged_by, stories
from tests.unit.test_sla_queries import queries_on


@pytest.fixture(scope="module")
def store():
    opened = TelemetryStore(None)
    opened.start()
    yield opened
    opened.close()


def complete_up_to(store: TelemetryStore, second: int) -> None:
    store.writer.execute("update channel_progress set folded_to_s = $s", {"s": second})


def spoil_a_span(store: TelemetryStore, rng: random.Random) -> None:
    """Let a span say the opposite, as late samples would."""
    (spans,) = store.writer.execute("select count(*) from spans").fetchone()
    if spans:
        store.writer.execute(
            "update spans set bgp = case bgp when 1 then 2 else 1 end where rowid = "
            "(select rowid from spans order by start_s, channel_key limit 1 offset $n)",
            {"n": rng.randrange(spans)},
        )


def all_months(queries, told: list[Story], months: list[str]) -> list[object]:
    return [queries.month(ALL, one.circuit.id, month) for one in told for month in months]


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 2**32), decided_after=st.integers(0, 8))
@example(seed=0, decided_after=8)
@example(seed=3, decided_after=8)
@example(seed=1, decided_after=4)
@example(seed=6, decided_after=4)
def test_a_month_that_is_over_is_answered_as_if_nothing_were_remembered(
    store, seed: int, decided_after: int
) -> None:
    decided, month = stories(seed)
    told = [replace(one, windows=[], words=[]) for one in decided]
    fill(store, told)
    rng = random.Random(seed)
    _, ends = bounds(month, told[0].versions[0].timezone)
    ends = ends // GRID * GRID
    kept = judged_by(store, told)
    horizons = (-HOUR, 0, GRID, 10 * GRID, HOUR, DAY, DAY + HOUR, 2 * DAY)
    for number, further in enumerate(horizons):
        if number == decided_after:
            told = decided
            known = judged_by(store, told)
            words = reclassifications([word for one in told for word in one.words])
            kept.take_over(known._inventory, known._maintenance, words)
        complete_up_to(store, ends + further)
        for _ in range(2):
            assert all_months(kept, told, [month]) == all_months(
                judged_by(store, told), told, [month]
            )
            if rng.random() < 0.4:
                spoil_a_span(store, rng)


def test_a_month_is_judged_once_while_nothing_of_it_changes(
    small_network, monkeypatch: pytest.MonkeyPatch
) -> None:
    queries = queries_on(small_network)
    judged: list[str] = []
    judge = closed.month_answer

    def noted(history, periods, *rest):
        judged.append(periods[-1].month)
        return judge(history, periods, *rest)

    monkeypatch.setattr(closed, "month_answer", noted)
    first = queries.month(ALL, "DEN-1", "2025-10")
    small_network.store.writer.execute("update channel_progress set folded_to_s = folded_to_s - 60")
    again = queries.month(ALL, "DEN-1", "2025-10")

    assert judged == ["2025-10"]
    assert again == replace(first, complete_up_to_s=first.complete_up_to_s - 60)
