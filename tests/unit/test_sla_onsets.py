"""Where channels of a circuit at rest turn bad is foretold: it is judged once that may be told."""

from typing import Any

import numpy as np
import pytest

from linksla.clock import MICROSECONDS
from sla.calm import Awaits
from sla.watch import Due
from tests.unit.looks_bench import NOW, Present, lane
from tests.unit.test_sla_watch_edges import (
    BAD,
    GOOD,
    HEALTHY,
    NONE,
    C,
    D,
    Node,
    look_of,
    turning,
    watching,
)  # fmt: skip

ONSET, TOLD = NOW + 10, NOW + 40  # three cells of 10 s
Word = tuple[int, int, int, int]


def at(key: int, second: float, bgp: int = GOOD, loss_ppm: int = 0) -> Word:
    return key, int(second * MICROSECONDS), bgp, loss_ppm


BEGINS = (at(1, NOW), at(1, ONSET, BAD))


def is_due(node: Node, *samples: Word, **more: Any) -> bool:
    node.note(*more.pop("seconds", (0,)), samples=samples, **more)
    return bool(node.due().judge)


def test_an_onset_is_judged_when_it_may_be_told() -> None:
    for live, due in ((TOLD - 10, False), (TOLD, True)):
        node = watching()
        assert not is_due(node, *BEGINS)
        assert is_due(node, *BEGINS, at(1, ONSET + 10, BAD), live={1: live}) is due


@pytest.mark.parametrize(
    ("cells", "due"),
    [("G10 B10", False), ("G20", True), ("B20", True), ("G10", True), ("G10 ?10", True)],
)
def test_cells_are_expected_to_turn_where_samples_did(cells: str, due: bool) -> None:
    node = watching()
    assert not is_due(node, *BEGINS)
    assert is_due(node, seconds=(20,), cells={1: cells}) is due


@pytest.mark.parametrize(
    "samples",
    [
        pytest.param((at(1, ONSET, BAD),), id="nothing is known before it"),
        pytest.param((at(1, NOW), at(1, ONSET + 10, BAD)), id="a cell is missing"),
        pytest.param((at(1, NOW, NONE, -1), at(1, ONSET, BAD)), id="the cell before says nothing"),
        pytest.param((*BEGINS, at(1, ONSET + 10)), id="it is good again"),
        pytest.param((at(1, NOW), at(1, NOW + 9, BAD)), id="good and bad in one cell"),
        pytest.param((at(1, NOW), at(1, ONSET + 1), at(1, ONSET + 2, BAD)), id="later in it"),
        pytest.param((*BEGINS, at(2, ONSET, BAD)), id="the other one without one before"),
    ],
)
def test_any_other_onset_is_judged_at_once(samples: tuple[Word, ...]) -> None:
    assert is_due(watching(), *samples)


@pytest.mark.parametrize(
    "before",
    [at(1, NOW + 9.9), at(1, NOW, NONE, 0), at(1, NOW, GOOD, -1), at(1, NOW, GOOD, 500_000)],
)
@pytest.mark.parametrize("bad", [at(1, ONSET + 9.9, BAD), at(1, ONSET, GOOD, 500_001)])
def test_a_good_cell_and_a_bad_one_behind_it_are_an_onset(before: Word, bad: Word) -> None:
    node = watching()
    assert not is_due(node, before, bad)
    assert node.watch._turn_s[1] == ONSET
    assert is_due(node, before, bad, live={1: TOLD})


def test_samples_of_an_onset_come_in_any_order_and_in_several_parts() -> None:
    node = watching()
    good, bad = BEGINS
    assert not is_due(node, at(1, ONSET + 10, BAD), bad, good, at(1, NOW - 10))
    assert node.watch._turn_s[1] == ONSET


def test_what_goes_on_after_an_onset_is_expected_and_its_end_is_not() -> None:
    node = watching()
    assert not is_due(node, *BEGINS)
    assert not is_due(node, *BEGINS, at(1, ONSET + 10, BAD), at(1, NOW + 5))
    assert is_due(node, *BEGINS, at(1, ONSET + 10))


def test_a_channel_that_follows_leaves_the_instant_where_it_was() -> None:
    second = (at(2, NOW), at(2, ONSET), at(2, ONSET + 10, BAD))
    for live, due in ((TOLD - 10, False), (TOLD, True)):
        node = watching()
        assert not is_due(node, *BEGINS)
        assert not is_due(node, *BEGINS, *second)
        assert node.watch._turn_s[1:].tolist() == [ONSET, ONSET + 10]
        assert is_due(node, *BEGINS, *second, live={1: live}) is due


def test_the_first_of_two_channels_says_when() -> None:
    node = watching()
    assert not is_due(node, at(1, NOW), at(1, ONSET), at(1, ONSET + 10, BAD), at(2, NOW),
                      at(2, ONSET, BAD))  # fmt: skip
    assert node.watch._live_before_s[1] == TOLD


def test_what_was_foretold_before_comes_first() -> None:
    node = watching(Present(circuit={"active_to": NOW + 45}).look())
    earlier = node.watch._live_before_s[1]
    assert earlier < TOLD
    assert not is_due(node, *BEGINS)
    assert node.watch._live_before_s[1] == earlier


@pytest.mark.parametrize("look", [turning(), Present(lanes=(lane("a", start=NOW + 1), lane("b")))])
def test_a_circuit_that_is_not_at_rest_is_judged_at_once(look: Any) -> None:
    look = look if not isinstance(look, Present) else look.look()
    assert is_due(watching(look), at(2, NOW), at(2, ONSET, BAD))


def test_a_circuit_whose_alarms_wait_for_something_is_judged_at_once() -> None:
    node = watching()
    node.watch.look({"C": HEALTHY}, {"C": Awaits.CHANNELS})
    node.due()
    assert is_due(node, *BEGINS)


def test_what_is_due_anyway_is_judged_with_its_onset() -> None:
    node = watching(look_of(*C), look_of(*D))
    node.note(0, samples=[*BEGINS, at(3, NOW), at(3, ONSET, BAD)], reworked=[2])
    assert node.due() == Due(("C",), ("D",))
    assert node.watch._bad[1:].tolist() == [False, False, True, False], "who judges says what C is"
    assert not np.any(node.watch._bad[:1])
