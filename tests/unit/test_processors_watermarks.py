"""Watermarks (DESIGN 6): how far a partition is in, and who is late."""

import numpy as np
import pytest

from linksla.settings import TimeSettings
from linksla.wire import partition_of
from processors.tables import stands
from processors.watermarks import NEVER_US, PartitionProgress, advanced, before_each
from tests.unit.processors_support import (
    MIDNIGHT,
    US,
    at,
    circuit,
    idle_poll,
    numbered,
    poll_of,
    stored_spans,
    table_of,
    writer_of,
)

TIME = TimeSettings()
LATENESS = 30 * US
IDLE = 60 * US
P = partition_of("X")


@pytest.mark.parametrize(
    ("stood", "seen", "appended", "caught_up", "watermark"),
    [
        pytest.param(None, None, None, None, None, id="nothing known"),
        pytest.param(None, 1_000 * US, 1_000 * US, None, 970 * US, id="data"),
        pytest.param(990 * US, 1_000 * US, 1_000 * US, None, 990 * US, id="never back"),
        pytest.param(100 * US, None, None, None, 100 * US, id="silent, nobody asked the broker"),
        pytest.param(100 * US, 500 * US, 500 * US, 559 * US, 470 * US, id="not silent long enough"),
        pytest.param(100 * US, 500 * US, 500 * US, 560 * US, 470 * US, id="just silent enough"),
        pytest.param(100 * US, 500 * US, 500 * US, 900 * US, 810 * US, id="silent"),
        pytest.param(None, None, 880 * US, 900 * US, None, id="only rejects, but not silent"),
    ],
)
def test_a_partition_advances_by_data_or_by_confirmed_silence(
    stood: int | None,
    seen: int | None,
    appended: int | None,
    caught_up: int | None,
    watermark: int | None,
) -> None:
    after = advanced(PartitionProgress(7, stood, None), seen, appended, caught_up, TIME)

    assert after == PartitionProgress(7, watermark, appended)


def test_a_partition_without_any_message_is_silent_from_its_first_confirmation() -> None:
    first = advanced(PartitionProgress(), None, None, 900 * US, TIME)
    early = advanced(first, None, None, 959 * US, TIME)
    silent = advanced(early, None, None, 960 * US, TIME)
    filled = advanced(first, 500 * US, 905 * US, None, TIME)

    assert (first.watermark_us, early.watermark_us) == (None, None)
    assert silent.watermark_us == 870 * US
    assert filled.watermark_us == 470 * US  # history that is sent to a new topic is not late


def test_the_watermark_before_a_sample_does_not_depend_on_how_the_log_is_cut() -> None:
    partition = np.array([0, 1, 0, 0, 1, 0])
    seen = np.array([100, 500, 90, 300, 400, 310]) * US
    whole = before_each(partition, seen, {}, TIME)

    parts = []
    stands = {0: PartitionProgress(), 1: PartitionProgress()}
    for row in range(6):
        parts += before_each(partition[row : row + 1], seen[row : row + 1], stands, TIME).tolist()
        number = int(partition[row])
        stands[number] = advanced(stands[number], int(seen[row]), None, None, TIME)

    assert whole.tolist() == parts
    assert whole.tolist() == [NEVER_US, NEVER_US, 70 * US, 70 * US, 470 * US, 270 * US]


def test_a_clock_ahead_neither_drags_the_watermark_nor_makes_its_neighbours_late(
    memory_store,
) -> None:
    now = (MIDNIGHT + 100) * US
    writer = writer_of(memory_store, circuit(channels=("ch1", "ahead")))
    ahead = at(100 + 290, channel="ahead", append_time_us=now)
    good = [at(100 + 10 * n, append_time_us=now + n * 10 * US) for n in range(5)]
    written = writer.write(poll_of(numbered([ahead, *good])))

    assert (written.accepted, written.late) == (6, 0)
    ((_, _, _, watermark, _),) = table_of(memory_store, "offsets")
    assert watermark == (MIDNIGHT + 140) * US - LATENESS


def test_samples_of_unknown_circuits_move_the_watermark_and_rejected_ones_do_not(
    memory_store,
) -> None:
    writer = writer_of(memory_store, circuit(active_to=MIDNIGHT + 1_000))
    unknown = at(500, circuit_id="who", partition=P)
    inactive = at(2_000)
    written = writer.write(poll_of(numbered([at(0), unknown, inactive])))

    assert (written.accepted, written.pending, written.rejected) == (1, 1, 1)
    ((_, _, next_offset, watermark, last_append),) = table_of(memory_store, "offsets")
    assert next_offset == 3
    assert watermark == (MIDNIGHT + 500) * US - LATENESS
    assert last_append == (MIDNIGHT + 2_001) * US


def test_an_empty_poll_completes_silent_partitions_only(memory_store) -> None:
    other = next(name for name in ("a", "b", "c", "d") if partition_of(name) != P)
    writer = writer_of(memory_store, circuit(), circuit(other))
    writer.write(poll_of(numbered([at(0)])))
    before = stands(memory_store.writer).complete_up_to()
    written = writer.write(idle_poll([P], 600))

    assert written.complete_up_to_moved
    assert written.touched_circuits == {"X"}
    after = stands(memory_store.writer).complete_up_to()
    assert after["X"] == MIDNIGHT + 600
    assert after[other] == before[other]


def test_a_cell_is_folded_when_the_watermark_reaches_its_end_and_not_before(memory_store) -> None:
    writer = writer_of(memory_store, circuit())
    writer.write(poll_of(numbered([at(0), at(39.999999)])))
    early = stored_spans(memory_store)
    writer.write(poll_of(numbered([at(40)], 2)))

    assert early == []
    assert stored_spans(memory_store) == [("X", "ch1", MIDNIGHT, MIDNIGHT + 10, 1, 0)]


def test_a_silent_channel_advances_with_its_partition_as_unknown(memory_store) -> None:
    writer = writer_of(memory_store, circuit(channels=("ch1", "silent")))
    writer.write(poll_of(numbered(at(10 * n) for n in range(10))))

    progress = dict(
        memory_store.writer.execute(
            "select channel_key, folded_to_s from channel_stands"
        ).fetchall()
    )
    assert progress == {1: MIDNIGHT + 60, 2: MIDNIGHT + 60}
    assert {span[1] for span in stored_spans(memory_store)} == {"ch1"}
