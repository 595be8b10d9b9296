"""Runs where channels begin, end and change at the same instant, or outside what is judged."""

import random
import re
from fractions import Fraction
from itertools import product

import pytest

from linksla.model import LOSS_LADDER_PPM
from linksla.stores import TelemetryStore
from sla.answers import Bucket
from sla.boundaries import State, UnknownAs
from sla.contracts import AvailabilityTerms, Contract
from sla.runs import (
    ChannelPart,
    Judgement,
    availability_runs,
    availability_runs_by_statement,
    cut_at_windows,
    loss_class_max,
)
from sla.spans import LiveSpan
from tests.unit.test_sla_reference import availability_of, state_of

BOTH = (availability_runs, availability_runs_by_statement)

GOOD, BAD = 1, 2  # BGP established, not


def judged(
    store: TelemetryStore,
    parts: list[tuple[int, int, int]],
    spans: list[tuple[int, int, int, int]],
    needed: int = 1,
) -> list[tuple[int, int, State, Bucket]]:
    """Judge [0, 200) with cells of 10 s, n 2. Parts: channel, from, to; spans: and BGP."""
    judgement = Judgement(
        circuit=1, needed=needed, consecutive=2, grid_seconds=10, loss_class_max=6, start_s=0,
        end_s=200,
    )  # fmt: skip
    with store.reader() as cursor:
        (runs,), (stated,) = (
            runs_of(
                cursor,
                [judgement],
                [ChannelPart(1, *part) for part in parts],
                [LiveSpan(*span, None) for span in spans],
            )
            for runs_of in BOTH
        )
    assert stated == runs
    return [(one.start_s, one.end_s, one.state, one.availability) for one in runs]


def test_an_unknown_channel_that_ends_where_anothers_span_does_no_longer_counts(
    memory_store: TelemetryStore,
) -> None:
    spans = [(2, 0, 100, GOOD), (2, 100, 200, GOOD)]

    runs = judged(memory_store, [(1, 0, 100), (2, 0, 200)], spans, needed=2)

    assert runs == [
        (0, 100, State.UNKNOWN, Bucket.UNMEASURED),
        (100, 200, State.BAD, Bucket.DOWN),
    ]


def test_a_channel_that_begins_after_the_end_or_ended_before_the_start_does_not_count(
    memory_store: TelemetryStore,
) -> None:
    spans = [(1, 0, 190, GOOD), (1, 190, 200, BAD), (2, -90, -10, BAD), (3, 300, 400, BAD)]

    for others in [(2, -100, -10)], [(3, 300, 400)], [(2, -100, 0), (3, 200, 400)]:
        assert judged(memory_store, [(1, 0, 200), *others], spans) == [
            (0, 190, State.GOOD, Bucket.UP),
            (190, 200, State.BAD, Bucket.UP),
        ]


def test_without_any_channel_a_circuit_is_bad_from_its_first_second_to_its_last(
    memory_store: TelemetryStore,
) -> None:
    assert judged(memory_store, [], []) == [(0, 200, State.BAD, Bucket.DOWN)]


GRID, CELLS, LOSS_MAX = 10, 36, 3
EVIDENCE = {  # BGP and loss class of which a cell is made
    "G": [(1, None), (1, 0), (1, LOSS_MAX), (0, LOSS_MAX), (0, 0)],
    "B": [(2, None), (2, 0), (1, LOSS_MAX + 1), (0, LOSS_MAX + 1), (2, 9)],
    "?": [None, None, (0, None)],
}


class Network:
    """Circuits at random: what each channel went through, cell by cell, and the evidence of it."""

    def __init__(self, rng: random.Random, circuits: int) -> None:
        self.texts: list[list[str]] = []
        self.windowed: list[list[str]] = []  # "w" where a channel lies under an accepted window
        self.parts: list[ChannelPart] = []
        self.live: list[LiveSpan] = []
        self.spans: list[tuple[int, int, int, int, int | None]] = []
        self.needed = [rng.randint(1, 3) for _ in range(circuits)]
        key = 0
        for circuit in range(circuits):
            channels = rng.choice([0, 1, 1, 2, 3, 4])
            self.texts.append([text(rng, "GGGBB?-") for _ in range(channels)])
            self.windowed.append([text(rng, "..w") for _ in range(channels)])
            for cells, windowed in zip(self.texts[-1], self.windowed[-1], strict=True):
                key += 1
                self._add(rng, circuit, key, cells, windowed)

    def _add(self, rng: random.Random, circuit: int, key: int, cells: str, windowed: str) -> None:
        marks = "".join(
            "-" if cell == "-" else mark for cell, mark in zip(cells, windowed, strict=True)
        )
        for lower, upper, mark in stretches(marks):
            if mark != "-":
                self.parts.append(ChannelPart(circuit, key, lower, upper, mark == "w"))
        told = cells.replace("-", rng.choice("GB?"))  # what is known of time that does not count
        for lower, upper, cell in stretches(told):
            for start in range(lower, upper, 2 * GRID):
                evidence = rng.choice(EVIDENCE[cell])
                if evidence is None:
                    continue
                span = (key, start, min(start + 2 * GRID, upper), *evidence)
                if rng.random() < 0.5:
                    self.spans.append(span)
                else:
                    self.live.append(LiveSpan(*span))

    def states(self, one: Judgement) -> str:
        """Return the circuit's state in each cell of a judgement."""
        texts = self.texts[one.circuit]
        if one.windows_good:
            texts = [
                "".join(
                    "G" if mark == "w" and cell != "-" else cell
                    for cell, mark in zip(cells, marks, strict=True)
                )
                for cells, marks in zip(texts, self.windowed[one.circuit], strict=True)
            ]
        as_what = "?GB"[one.unknown_as]
        texts = [cells.replace("?", as_what) for cells in texts]
        cells = range(one.start_s // GRID, one.end_s // GRID)
        return "".join(state_of(texts, one.needed, cell) for cell in cells)


def text(rng: random.Random, letters: str) -> str:
    found = ""
    while len(found) < CELLS:
        found += rng.choice(letters) * rng.randint(1, 9)
    return found[:CELLS]


def stretches(cells: str) -> list[tuple[int, int, str]]:
    return [
        (found.start() * GRID, found.end() * GRID, found[0][0])
        for found in re.finditer(r"(.)\1*", cells)
    ]


@pytest.mark.parametrize("seed", range(3))
def test_many_circuits_at_once_are_each_what_looking_at_every_cell_gives(
    memory_store: TelemetryStore, seed: int
) -> None:
    rng = random.Random(seed)
    network = Network(rng, 40)
    memory_store.writer.executemany("insert into spans values (?, 0, ?, ?, ?, ?)", network.spans)
    judgements = [
        Judgement(
            circuit, network.needed[circuit], rng.randint(1, 6), GRID, LOSS_MAX,
            GRID * rng.choice([0, 0, 5]), GRID * rng.choice([CELLS, CELLS, CELLS - 7]),
            rng.random() < 0.3, unknown_as, windows_good,
        )
        for circuit in range(40)
        for unknown_as in UnknownAs
        for windows_good in (False, True)
    ]  # fmt: skip
    rng.shuffle(judgements)
    rng.shuffle(network.parts)

    with memory_store.reader() as cursor:
        found, stated = (
            runs_of(cursor, judgements, network.parts, network.live) for runs_of in BOTH
        )

    assert stated == found
    for one, runs in zip(judgements, found, strict=True):
        states = network.states(one)
        told = availability_of(states, one.consecutive, "d" if one.initially_down else "u")
        assert [(run.start_s, run.end_s, "?GB"[run.state]) for run in runs] == [
            (one.start_s + lower, one.start_s + upper, state)
            for lower, upper, state in stretches(states)
        ]
        assert (
            "".join(
                {"up": "u", "down": "d"}.get(run.availability, "?")
                * ((run.end_s - run.start_s) // GRID)
                for run in runs
            )
            == told
        )


def test_where_nothing_is_asked_nothing_is_judged(memory_store: TelemetryStore) -> None:
    with memory_store.reader() as cursor:
        assert [runs_of(cursor, [], [], []) for runs_of in BOTH] == [(), ()]


@pytest.mark.parametrize(
    ("windows", "parts"),
    [
        ([], [(100, 200, False)]),
        ([(0, 100), (200, 300)], [(100, 200, False)]),
        ([(0, 101), (199, 300)], [(100, 101, True), (101, 199, False), (199, 200, True)]),
        ([(0, 300)], [(100, 200, True)]),
        ([(100, 200)], [(100, 200, True)]),
        ([(150, 160), (120, 130)], [(100, 120, False), (120, 130, True), (130, 150, False),
                                    (150, 160, True), (160, 200, False)]),
        ([(120, 150), (130, 140), (140, 160), (150, 160)], [(100, 120, False), (120, 150, True),
                                                            (150, 160, True), (160, 200, False)]),
        ([(90, 95), (120, 130), (300, 400)], [(100, 120, False), (120, 130, True),
                                              (130, 200, False)]),
    ],
)  # fmt: skip
def test_a_channels_time_is_cut_where_windows_begin_and_end(
    windows: list[tuple[int, int]], parts: list[tuple[int, int, bool]]
) -> None:
    assert cut_at_windows(3, 7, 100, 200, windows) == tuple(
        ChannelPart(3, 7, lower, upper, windowed) for lower, upper, windowed in parts
    )
    assert cut_at_windows(3, 7, 100, 100, windows) == ()


@pytest.mark.parametrize("number", range(len(LOSS_LADDER_PPM)))
def test_a_loss_above_the_threshold_is_bad_and_the_threshold_is_a_step(number: int) -> None:
    threshold = Fraction(LOSS_LADDER_PPM[number], 1_000_000)
    contract = Contract(
        id="c", version=1, title="T", source="here", timezone="UTC",
        availability=AvailabilityTerms(
            target_percent=99, up_at_least=1, consecutive=1, loss_threshold=threshold
        ),
    )  # fmt: skip

    assert loss_class_max(contract) == number


def told(
    store: TelemetryStore, texts: list[str], consecutive: int, *, down: bool = False, shift: int = 0
) -> list[str]:
    """Judge circuits of one channel, a letter a cell; return u, d and ? of each."""
    judgements, parts, live = [], [], []
    for key, cells in enumerate(texts):
        ends = shift + len(cells) * GRID
        judgements.append(Judgement(key, 1, consecutive, GRID, LOSS_MAX, shift, ends, down))
        parts.append(ChannelPart(key, key, shift, ends))
        live += [
            LiveSpan(key, shift + lower, shift + upper, 1 if cell == "G" else 2, None)
            for lower, upper, cell in stretches(cells)
            if cell != "?"
        ]
    with store.reader() as cursor:
        found, stated = (runs_of(cursor, judgements, parts, live) for runs_of in BOTH)
    assert stated == found
    letters = {"up": "u", "down": "d"}
    return [
        "".join(
            letters.get(run.availability, "?") * ((run.end_s - run.start_s) // GRID) for run in runs
        )
        for runs in found
    ]


@pytest.mark.parametrize(("consecutive", "down"), [(2, False), (2, True), (3, False)])
def test_every_story_of_six_cells_is_told_as_the_rule_says(
    memory_store: TelemetryStore, consecutive: int, down: bool
) -> None:
    texts = ["".join(cells) for cells in product("GB?", repeat=6)]

    assert told(memory_store, texts, consecutive, down=down) == [
        availability_of(cells, consecutive, "d" if down else "u") for cells in texts
    ]


@pytest.mark.parametrize("shift", [-30, -1_000_000, 10, 1_780_272_000])
def test_a_story_is_told_alike_whenever_it_happens(
    memory_store: TelemetryStore, shift: int
) -> None:
    texts = ["BBBG??G", "GGBB?BG", "BB?G??B", "?GB????"]

    assert told(memory_store, texts, 2, shift=shift) == told(memory_store, texts, 2)


def test_the_first_circuit_keeps_its_state_until_something_else_decides(
    memory_store: TelemetryStore,
) -> None:
    assert told(memory_store, ["BBG"], 2) == ["ddd"]
    assert told(memory_store, ["BB?G?B"], 2) == ["dd?d?d"]


def test_of_what_is_too_short_to_tell_anything_nothing_is_told(
    memory_store: TelemetryStore,
) -> None:
    assert told(memory_store, ["??", "?"], 3) == ["??", "?"]


def test_channels_are_found_whatever_their_numbers(memory_store: TelemetryStore) -> None:
    keys = (8, 1, 1_000, 33)
    memory_store.writer.executemany(
        "insert into spans values (?, 0, 0, 200, 2, null)", [[key] for key in keys]
    )

    runs = judged(memory_store, [(key, 0, 200) for key in keys], [])

    assert runs == [(0, 200, State.BAD, Bucket.DOWN)]
