"""What channels have seen, packed: whatever is stored is found again, row by row."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors import seen
from processors.seen import KEYS_A_ROW, begin_seen, packed, seen_of, store_seen, unpacked
from tests.unit.processors_support import (
    at,
    circuit,
    idle_poll,
    numbered,
    poll_of,
    table_of,
    writer_of,
)

SIZE = 2 * KEYS_A_ROW + 7


def instants(seed: int, size: int = SIZE) -> np.ndarray:
    chance = np.random.default_rng(seed)
    values = 1_760_054_400_000_000 + chance.integers(0, 10**7, size)
    values[chance.random(size) < 0.2] = -1
    return values


@given(values=st.lists(st.integers(-(2**63), 2**63 - 1), max_size=KEYS_A_ROW))
def test_what_is_packed_is_found_again_and_nothing_beside_it(values: list[int]) -> None:
    found = unpacked(packed(np.array(values, np.int64)))

    assert found.tolist() == values + [-1] * (KEYS_A_ROW - len(values))


def test_instants_of_one_commit_take_less_room_than_as_numbers() -> None:
    assert len(packed(instants(1, KEYS_A_ROW))) < KEYS_A_ROW * 8 * 0.7


@pytest.mark.parametrize("keys", [[1], [4_095, 4_096], [SIZE - 1, 3], list(range(1, SIZE))])
def test_any_channels_are_asked_for_alone(memory_store, keys: list[int]) -> None:
    writer, after = memory_store.writer, instants(2)
    begin_seen(writer, SIZE)
    store_seen(writer, np.full(SIZE, -1), after)

    assert seen_of(writer, np.array(keys)).tolist() == after[keys].tolist()


def test_what_nobody_has_begun_was_never_seen(memory_store) -> None:
    assert seen_of(memory_store.writer, np.array([7, 9_000])).tolist() == [-1, -1]
    assert seen_of(memory_store.writer, np.zeros(0, np.int64)).tolist() == []


def test_rows_that_are_begun_again_stay_as_they_are(memory_store) -> None:
    writer, after = memory_store.writer, instants(3)
    begin_seen(writer, KEYS_A_ROW)
    store_seen(writer, np.full(KEYS_A_ROW, -1), after[:KEYS_A_ROW])
    begin_seen(writer, SIZE)
    store_seen(writer, after, np.where(np.arange(SIZE) < KEYS_A_ROW, after, 5))

    expected = [*after[1:KEYS_A_ROW].tolist(), *[5] * (SIZE - KEYS_A_ROW)]
    assert seen_of(writer, np.arange(1, SIZE)).tolist() == expected


def test_only_rows_in_which_anything_changed_are_written(memory_store, monkeypatch) -> None:
    writer, before = memory_store.writer, instants(4)
    begin_seen(writer, SIZE)
    after = before.copy()
    after[KEYS_A_ROW + 1] += 1
    wrote: list[list[int]] = []
    monkeypatch.setattr(
        seen, "run", lambda _, name, seen: wrote.append(seen.column("first_key").to_pylist())
    )
    store_seen(writer, before, after)
    store_seen(writer, before, before)

    assert wrote == [[KEYS_A_ROW]]


def test_a_commit_writes_no_row_a_channel_to_say_how_far_it_is(memory_store) -> None:
    writer = writer_of(memory_store, circuit(channels=("ch1", "silent")))
    before = table_of(memory_store, "channel_progress")
    writer.write(poll_of(numbered(at(10 * n) for n in range(10))))
    writer.write(idle_poll(range(8), 600))

    assert table_of(memory_store, "channel_progress") == before
    assert {row[-1] for row in table_of(memory_store, "channel_stands")} != {before[0][-1]}
