"""However a stream is permuted, repeated and cut into polls, the answers are the same.

Spans and buckets are also held against a reference that looks at every cell.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from linksla.clock import ManualClock
from linksla.inventory import Customer, Inventory
from linksla.model import LOSS_LADDER_PPM
from linksla.settings import TimeSettings
from linksla.stores import TelemetryStore
from linksla.wire import partition_of
from sla.contracts import Contract, load_contracts
from sla.json import to_json
from sla.queries import Queries
from sla.scope import AllCustomers
from tests.unit.processors_support import (
    DAY,
    MIDNIGHT,
    US,
    Sample,
    Span,
    at,
    cell_evidence,
    circuit,
    idle_poll,
    inventory,
    poll_of,
    reference_spans,
    stored_spans,
    winners,
    writer_of,
)
from tests.unit.test_processors_preparing import followed_by
from tests.unit.test_sla_reference import availability_of, state_of

GRID = 10
FROM_S, TO_S = MIDNIGHT - 200, MIDNIGHT + 200
CELLS = (TO_S - FROM_S) // GRID
K, N = 1, 3
CHANNELS = ("ch1", "ch2")
PARTITION = partition_of("X")
CIRCUIT = circuit("X", GRID, CHANNELS, active_from=FROM_S, active_to=TO_S)
CONTRACT = f"""
id: c
version: 1
title: two paths
source: a test
timezone: UTC
availability: {{target_percent: 99.9, up_at_least: {K}, consecutive: {N}}}
objectives:
  - {{name: latency p95, metric: latency, statistic: p95, limit: 8}}
  - {{name: latency p50, metric: latency, statistic: p50, limit: 5}}
  - {{name: loss mean, metric: loss, statistic: mean, limit: 0.001}}
"""

samples = st.builds(
    lambda channel, second, interval, latency, loss, bgp, sequence: at(
        second,
        channel=channel,
        interval_us=interval * US,
        latency_us=latency,
        loss_ppm=loss,
        bgp_state=bgp,
        sequence=sequence,
        partition=PARTITION,
        append_time_us=(MIDNIGHT + 1_000) * US,
    ),
    st.sampled_from(CHANNELS),
    st.integers(-200, 199) | st.integers(-20, 19).map(lambda cell: cell * GRID),
    st.sampled_from([1, 5, 10, 30, 60]),
    st.none() | st.integers(0, 20_000),
    st.sampled_from([None, 0, 0, 300_000, 500_000, 500_001, 1_000_000]),
    st.sampled_from([0, 1, 6, 6, 6]),
    st.integers(0, 3),
)


@st.composite
def runs(draw: st.DrawFn) -> list[Sample]:
    """Return samples of one kind, every 10 s for a while: single ones rarely make an outage."""
    first = draw(samples)
    return [
        replace(first, observed_at_us=moved)
        for n in range(draw(st.integers(1, 12)))
        if (moved := first.observed_at_us + n * GRID * US) < TO_S * US
    ]


streams = st.lists(runs(), min_size=1, max_size=14).map(
    lambda many: [sample for run in many for sample in run]
)


@dataclass(frozen=True)
class Outcome:
    """All that a stream came to; equal whatever way it came."""

    spans: list[Span]
    rollups: list[tuple[Any, ...]]
    histogram: list[tuple[Any, ...]]
    months: list[dict[str, object]]


def contracts(folder: Path) -> dict[str, tuple[Contract, ...]]:
    (folder / "c.yaml").write_text(CONTRACT)
    return load_contracts(folder)


def outcome_of(polls: Sequence[Any], terms: dict[str, tuple[Contract, ...]]) -> Outcome:
    store = TelemetryStore(None)
    store.start()
    try:
        writer = writer_of(store, CIRCUIT)
        last = idle_poll([PARTITION], 2_000)
        for poll, following in pairwise([*polls, last]):
            writer.write(poll, followed_by(following))
        writer.write(last)
        known = Inventory({"acme": Customer(id="acme", name="Acme")}, {"X": CIRCUIT})
        assert known.circuits == inventory(CIRCUIT).circuits
        clock = ManualClock((MIDNIGHT + 60 * DAY) * US)
        queries = Queries(store, known, terms, (), TimeSettings(), clock)
        everyone = AllCustomers(commercial=True)
        answers = [queries.month(everyone, "X", m) for m in queries.months(everyone, "X")]
        execute = store.writer.execute
        return Outcome(
            stored_spans(store),
            execute("from rollups order by all").fetchall(),
            execute(
                "select channel_key, start_s, bucket, sum(count) from latency_histogram "
                "group by all order by all"
            ).fetchall(),
            [to_json(answer, commercial=True) for answer in answers if answer is not None],
        )
    finally:
        store.close()


def disturbed(stream: Sequence[Sample], chance: random.Random) -> list[Any]:
    """Return the stream as polls: shuffled, some of it twice, cut anyhow, some polled again.

    What stands may come again with a higher sequence, too: from a producer that numbers anew.
    """
    log = [*stream, *chance.choices(stream, k=chance.randint(0, len(stream)))]
    standing = list(winners(stream).values())
    again_of = chance.choices(standing, k=chance.randint(0, len(standing)))
    log += [replace(sample, sequence=sample.sequence + 10) for sample in again_of]
    chance.shuffle(log)
    log = [replace(sample, offset=n) for n, sample in enumerate(log)]
    polls, first = [], 0
    while first < len(log):
        end = first + chance.choice([1, 3, 10, 40])
        again = max(first - chance.choice([0, 0, 5, 50]), 0)
        polls += [poll_of(log[again:end])] * chance.choice([1, 1, 2])
        first = end
    return polls


def true_seconds(stream: Sequence[Sample]) -> dict[str, int]:
    """Return up, down and unmeasured seconds, looking at every cell."""
    kept = sorted(winners(stream).values(), key=lambda sample: sample.observed_at_us)
    texts = []
    for name in CHANNELS:
        own = [sample for sample in kept if sample.channel == name]
        cells = [cell_evidence(own, start, GRID) for start in range(FROM_S, TO_S, GRID)]
        texts.append("".join(letter(bgp, loss_class) for bgp, loss_class in cells))
    states = "".join(state_of(texts, K, cell) for cell in range(CELLS))
    text = availability_of(states, N)
    return {
        name: text.count(one) * GRID for name, one in (("up", "u"), ("down", "d"))
    } | {"unmeasured": text.count("?") * GRID}  # fmt: skip


def letter(bgp: int, loss_class: int | None) -> str:
    if bgp == 2 or (loss_class is not None and LOSS_LADDER_PPM[loss_class] > 500_000):
        return "B"
    return "?" if bgp == 0 and loss_class is None else "G"


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(stream=streams, seed=st.integers(0, 2**32))
def test_order_repetition_and_polls_change_no_answer(
    stream: list[Sample], seed: int, tmp_path: Path
) -> None:
    terms = contracts(tmp_path)
    in_order = sorted(stream, key=lambda sample: sample.observed_at_us)
    log = [replace(sample, offset=n) for n, sample in enumerate(in_order)]

    plain = outcome_of([poll_of(log)], terms)
    other = outcome_of(disturbed(stream, random.Random(seed)), terms)

    assert other == plain
    assert plain.spans == sorted(reference_spans(stream, CIRCUIT, FROM_S, TO_S))
    (month,) = plain.months
    seconds = month["seconds"]
    assert isinstance(seconds, dict)
    assert {key: seconds[key] for key in ("up", "down", "unmeasured")} == true_seconds(stream)
