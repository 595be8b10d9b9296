"""Blocks always equal the minutes they stand for, whatever comes late and however polls are cut."""

import math
import random
from dataclasses import replace

import pytest

from linksla.stores import TelemetryStore
from processors.blocks import BLOCK_SECONDS, BlockMaker, Readable, readable
from sla.measured import Bins, Lines
from sla.observed import observed_of
from sla.performance import Asked, read_observed
from sla.readings import Readings
from sla.telemetry import ChannelRow
from tests.unit.processors_support import (
    MIDNIGHT,
    US,
    Sample,
    at,
    blocks_in,
    circuit,
    numbered,
    poll_of,
    writer_of,
)

HOURS = 5
CHANNELS = ("a", "b", "c")
KEYS = (1, 2, 3)
METRICS = ("latency", "jitter", "loss", "throughput_rx", "throughput_tx")


def measured(seed: int) -> list[Sample]:
    """Return five hours of three channels, some of them silent or lost, in order of time."""
    rng = random.Random(seed)
    return [
        at(
            second,
            channel=channel,
            latency_us=None if rng.random() < 0.1 else rng.randrange(1, 20_000),
            loss_ppm=rng.choice([None, 0, 10_000, 1_000_000]),
            jitter_us=rng.choice([None, rng.randrange(500)]),
            rx_bps=rng.choice([None, rng.randrange(2**62)]),
            tx_bps=rng.choice([None, rng.randrange(2**40)]),
            bgp_state=rng.choice([6, 6, 6, 1, 0]),
        )
        for second in range(0, HOURS * 3_600, 20)
        for channel in CHANNELS
        if rng.random() < 0.9 and not (channel == "b" and 3_600 <= second < 7_200)
    ]


def written(store: TelemetryStore, *polls: list[Sample], grid: int = 10) -> None:
    writer = writer_of(store, circuit(grid=grid, channels=CHANNELS))
    offset = 0
    for samples in polls:
        writer.write(poll_of(numbered(samples, offset)))
        offset += len(samples)


def made(store: TelemetryStore, watermark: int = HOURS * 3_600, rows: int = 60) -> int:
    """Make all blocks that may be made; return in how many pieces."""
    maker = BlockMaker(store, lambda _point: None)
    maker.start()
    pieces = 0
    while maker.make((MIDNIGHT + watermark) * US, rows):
        pieces += 1
    return pieces


Points = dict[tuple[int, int], tuple[float, float, float]]


def answers(store: TelemetryStore, step: int, upper: int) -> dict[str, Points]:
    bins = Bins(MIDNIGHT, MIDNIGHT + upper, step)
    readings = Readings(store.writer, KEYS, 60)
    rows = readings.rows([(bins.start_s, bins.end_s)], in_hours=bins.whole_hours)
    return {name: by_place(rows.lines(name, bins)) for name in METRICS}


def by_place(lines: Lines) -> Points:
    """Return what there is, by channel key and bin."""
    return {
        (int(key), at): point
        for row, key in enumerate(lines.keys)
        for at, point in enumerate(
            zip(*(of[row].tolist() for of in (lines.low, lines.middle, lines.high)), strict=True)
        )
        if not math.isnan(point[1])
    }


ASKED = [(3_600, 5 * 3_600), (7_200, 5 * 3_600), (7_200, 4 * 3_600 + 1_260), (86_400, 5 * 3_600)]


@pytest.mark.parametrize(("step", "upper"), ASKED)
def test_answers_with_blocks_are_those_without(memory_store, step: int, upper: int) -> None:
    samples = measured(1)
    written(memory_store, samples[:700], samples[700:])
    before = answers(memory_store, step, upper)

    assert made(memory_store) > 4 * len(CHANNELS)
    assert readable(memory_store.writer, KEYS).to_s == MIDNIGHT + 4 * 3_600
    assert answers(memory_store, step, upper) == before
    assert len(before["latency"]) >= len(CHANNELS)


def test_only_the_blocks_are_read_of_whole_closed_hours(memory_store) -> None:
    written(memory_store, measured(2))
    before = answers(memory_store, 3_600, 4 * 3_600)
    made(memory_store)
    memory_store.writer.execute("delete from rollup_parts")

    assert answers(memory_store, 3_600, 4 * 3_600) == before


@pytest.mark.parametrize("again", [False, True])
def test_late_and_corrected_samples_show_at_once_and_after_the_block_is_made_again(
    memory_store, again: bool
) -> None:
    samples = measured(3)
    rng = random.Random(4)
    late = rng.sample(samples[:1_500], 40)
    on_time = [sample for sample in samples if sample not in late]
    corrected = [
        replace(sample, sequence=1, latency_us=30_000) for sample in rng.sample(on_time, 10)
    ]
    written(memory_store, on_time)
    made(memory_store)
    writer = writer_of(memory_store, circuit(channels=CHANNELS))
    writer.write(poll_of(numbered([*late, *corrected], len(on_time))))
    due = readable(memory_store.writer, KEYS).due
    if again:
        assert made(memory_store) >= 1
        assert readable(memory_store.writer, KEYS).due == frozenset()
    else:
        assert len(due) >= 4

    other = TelemetryStore(None)
    other.start()
    written(other, on_time, [*late, *corrected])
    for step, upper in ASKED:
        assert answers(memory_store, step, upper) == answers(other, step, upper)
    other.close()


def test_a_sample_for_an_hour_that_was_skipped_as_empty_is_not_lost(memory_store) -> None:
    samples = [at(second, channel="a", latency_us=900) for second in (10, 3 * 3_600 + 10)]
    written(memory_store, [*samples, at(5 * 3_600, channel="c")])
    made(memory_store)
    writer = writer_of(memory_store, circuit(channels=CHANNELS))
    writer.write(poll_of(numbered([at(3_700, channel="b", latency_us=700)], 3)))
    made(memory_store)

    assert (2, 1) in answers(memory_store, 3_600, 4 * 3_600)["latency"]


def test_a_restart_goes_on_within_an_hour(memory_store) -> None:
    written(memory_store, measured(5))
    before = answers(memory_store, 3_600, 5 * 3_600)
    for _ in range(7):
        maker = BlockMaker(memory_store, lambda _point: None)
        maker.start()
        maker.make((MIDNIGHT + HOURS * 3_600) * US, 420)
    assert answers(memory_store, 3_600, 5 * 3_600) == before
    made(memory_store)

    assert answers(memory_store, 3_600, 5 * 3_600) == before
    where = [block[:2] for block in blocks_in(memory_store)]
    assert len(where) == len(set(where)) > 4


def test_steps_that_reach_beyond_an_hour_are_never_read_from_blocks(memory_store) -> None:
    written(memory_store, measured(6), grid=7_200)
    made(memory_store)

    before = Readings(memory_store.writer, KEYS, 7_200).rows([(MIDNIGHT, MIDNIGHT + 4 * 3_600)])
    memory_store.writer.execute("delete from rollup_packs")
    after = Readings(memory_store.writer, KEYS, 7_200).rows([(MIDNIGHT, MIDNIGHT + 4 * 3_600)])
    assert [len(part.pack) for part in before.parts] == [len(part.pack) for part in after.parts]
    assert len(after.parts[0].pack) > 0


def test_folded_days_are_read_from_what_their_minutes_became(memory_store) -> None:
    written(memory_store, measured(7))
    made(memory_store)
    memory_store.writer.execute("insert into housekeeping values ('folded_to_s', $at)",
                                {"at": MIDNIGHT})  # fmt: skip

    found = readable(memory_store.writer, KEYS).split([(MIDNIGHT, MIDNIGHT + 4 * 3_600)])
    assert found.blocks == ()


def test_a_split_reads_every_second_once() -> None:
    rng = random.Random(8)
    for _ in range(300):
        cuts = sorted(rng.sample(range(0, 40_000, 60), 4))
        pieces = [(cuts[0], cuts[1]), (cuts[2], cuts[3])]
        due = frozenset(BLOCK_SECONDS * rng.randrange(12) for _ in range(rng.randrange(4)))
        hours = Readable(rng.choice([0, 3_600]), rng.randrange(0, 40_000, 3_600), due)
        split = hours.split(pieces)

        seconds = [s for lower, upper in (*split.blocks, *split.steps) for s in range(lower, upper)]
        assert sorted(seconds) == [s for lower, upper in pieces for s in range(lower, upper)]
        for lower, upper in split.blocks:
            assert lower % BLOCK_SECONDS == upper % BLOCK_SECONDS == 0
            assert hours.from_s <= lower < upper <= hours.to_s
            assert not any(lower <= hour < upper for hour in due)


@pytest.mark.parametrize("seed", range(4))
def test_objectives_are_observed_alike_with_blocks_and_without(memory_store, seed: int) -> None:
    rng = random.Random(seed)
    written(memory_store, measured(seed), grid=10)
    cuts = sorted(rng.sample(range(0, HOURS * 3_600, 60), 6))
    pieces = [(MIDNIGHT + a, MIDNIGHT + b) for a, b in zip(cuts[::2], cuts[1::2], strict=True)]
    channels = [ChannelRow("X", name, key, 0, None) for key, name in enumerate(CHANNELS, 1)]
    asked = [
        Asked(channels, pieces, 60, throughput=True),
        Asked(channels[:1], [(MIDNIGHT, MIDNIGHT + 5 * 3_600)], 60),
        Asked(channels, [], 60),
    ]
    made(memory_store)
    writer = writer_of(memory_store, circuit(channels=CHANNELS))
    late = [at(60 * n + 7, channel="a", latency_us=90_000) for n in range(0, 300, 170)]
    writer.write(poll_of(numbered(late, 5_000)))

    expected = read_observed(memory_store.writer, asked)
    assert observed_of(memory_store.writer, asked) == expected
    made(memory_store)
    assert observed_of(memory_store.writer, asked) == expected
    assert expected[1][0].latency_count > 500


def test_an_older_store_makes_its_blocks_again_from_minutes(tmp_path) -> None:
    store = TelemetryStore(tmp_path / "t.duckdb")
    store.start()
    samples = measured(12)
    written(store, samples)
    made(store)
    before = answers(store, 3_600, 5 * 3_600)
    run = store.writer.execute
    run("drop table rollup_packs")
    run("create table rollup_blocks (channel_key integer not null)")  # as it was left behind
    run("insert into rollup_blocks_due values (1, $at)", {"at": MIDNIGHT})
    run("delete from migrations where name = '0010_packs.sql'")
    store.close()

    store.start()
    with store.reader() as cursor:
        hours = readable(cursor, KEYS)
    assert (hours.to_s, hours.due) == (0, frozenset())
    assert answers(store, 3_600, 5 * 3_600) == before
    assert made(store) > 4 * len(CHANNELS)
    assert answers(store, 3_600, 5 * 3_600) == before
    assert len(blocks_in(store)) > 4
    store.close()
