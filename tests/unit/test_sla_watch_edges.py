"""The Watch hears of every second and sample that is not as expected, and of nothing else."""

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any, cast

import duckdb
import numpy as np
import pytest

from linksla.clock import MICROSECONDS
from linksla.model import EVIDENCE_BGP_ESTABLISHED, EVIDENCE_BGP_NOT, EVIDENCE_BGP_UNKNOWN
from processors.advance import Advance
from processors.channels import Channels
from processors.observations import Int64, Observations
from processors.progress import Progress
from processors.runs import LOSS_CLASS_UNKNOWN, Runs
from sla.calm import Awaits
from sla.contracts import Contract, PerformanceTerms
from sla.looks import Look
from sla.telemetry import ChannelRow
from sla.watch import Due, Watch
from tests.unit.looks_bench import BEGAN, GRID, LIVE, NOW, Present, lane

GOOD, BAD, NONE = EVIDENCE_BGP_ESTABLISHED, EVIDENCE_BGP_NOT, EVIDENCE_BGP_UNKNOWN
CELLS = {
    "G": (GOOD, 0), "B": (BAD, 0), "?": (NONE, LOSS_CLASS_UNKNOWN), "g": (GOOD, LOSS_CLASS_UNKNOWN),
    "l": (NONE, 0), **{str(number): (GOOD, number) for number in range(9)},
}  # fmt: skip
"""Evidence: its BGP class, and its loss class."""
HEALTHY = Present().look()
C, D = (("a", 1), ("b", 2)), (("a", 3), ("b", 4))


def look_of(*channels: tuple[str, int], **more: Any) -> Look:
    """Return a look at a circuit whose channels have these keys."""
    rows = tuple(ChannelRow("C", name, key, BEGAN, None) for name, key in channels)
    return Present(channels=rows, **more).look()


class Node:
    """Writes of channels with keys from 1 on, each of a circuit; the first has been noted."""

    def __init__(self, *circuits: str) -> None:
        self.watch = Watch()
        self.channels = channels_of("", *circuits)
        self.complete = np.full(len(self.channels), NOW)
        self.seen_us = np.full(len(self.channels), (LIVE - 1) * MICROSECONDS)
        self.note(0)

    def note(
        self,
        *seconds: int,
        cells: dict[int, str] | None = None,
        samples: Sequence[tuple[int, int, int, int]] = (),
        live: dict[int, int] | None = None,
        touched: Sequence[int] | None = None,
        reworked: Sequence[int] = (),
    ) -> None:
        """Note so many seconds of each channel, or of all; good where nothing else is said.

        `cells`, by key: `G10 B20`, from where the channel was complete. A sample: key, instant in
        µs, BGP class, loss. `live`, by key: the end of the last cell that was begun.
        """
        size = len(self.channels)
        before = self.complete
        grown = np.zeros(size, np.int64)
        grown[1:] = seconds if len(seconds) > 1 else seconds[0]
        self.complete = before + grown
        rows = [
            (key, at, at + many, *CELLS[kind])
            for key in range(1, size)
            for at, many, kind in _words((cells or {}).get(key, f"G{grown[key]}"), before[key])
        ]
        self.seen_us = self.seen_us.copy()
        for key, until in (live or {}).items():
            self.seen_us[key] = (until - 1) * MICROSECONDS
        self.watch.note(
            Advance(
                self.channels,
                before,
                self._progress(samples),
                Runs(*_columns(rows, 5)),
                _marked(size, reworked),
                _marked(size, ()),
                _marked(size, range(size) if touched is None else touched),
                (),
            )
        )

    def due(self) -> Due:
        return self.watch.due(cast(duckdb.DuckDBPyConnection, None))  # nothing is read

    def _progress(self, samples: Sequence[tuple[int, int, int, int]]) -> Progress:
        track, at_us, bgp, loss = _columns(samples, 4)
        tail = (Observations(track, at_us, at_us * 0, bgp, loss),)
        none = self.complete * 0
        return Progress(
            self.seen_us, none, self.complete, none, none, none, tail, cast(Any, None), {}
        )


def channels_of(*circuits: str) -> Channels:
    ones = np.ones(len(circuits), np.int64)
    grid = np.full(len(circuits), GRID)
    return Channels({}, circuits, circuits, ones, grid, ones, ones, ones, None)


def _words(text: str, at: int) -> list[tuple[int, int, str]]:
    found = []
    for word in text.split():
        found.append((at, int(word[1:]), word[0]))
        at += int(word[1:])
    return found


def _columns(rows: Sequence[Sequence[int]], width: int) -> Int64:
    return np.ascontiguousarray(np.array(rows, np.int64).reshape(-1, width).T)


def _marked(size: int, keys: Sequence[int] | range) -> Any:
    marked = np.zeros(size, np.bool_)
    marked[list(keys)] = True
    return marked


def watching(look: Look = HEALTHY, *more: Look) -> Node:
    """Return a node of circuit C, whose keys are 1 and 2, and maybe D with 3 and 4: both calm."""
    looks = dict(zip("CD", (look, *more), strict=False))
    node = Node(*(name for name in looks for _ in range(2)))
    node.watch.look(looks, {})
    assert node.watch.restless() == ()
    node.due()
    return node


@pytest.mark.parametrize(
    ("cells", "is_due"),
    [
        ("G20", False), ("G10 B10", True), ("G10", True), ("G10 ?10", True), ("G10 g10", False),
        ("G10 l10", False), ("610 G10", False), ("710 G10", True),
    ],
)  # fmt: skip
def test_a_cell_that_is_not_good_makes_its_circuit_due(cells: str, is_due: bool) -> None:
    for key in (1, 2):
        node = watching()
        node.note(20, cells={key: cells})
        assert node.due() == (Due(("C",), ()) if is_due else Due((), ("C",)))


@pytest.mark.parametrize(
    ("bgp", "loss_ppm", "is_due"),
    [(GOOD, 0, False), (BAD, 0, True), (GOOD, 500_000, False), (GOOD, 500_001, True),
     (NONE, -1, False), (BAD, 500_001, True)],
)  # fmt: skip
def test_a_bad_sample_makes_its_circuit_due(bgp: int, loss_ppm: int, is_due: bool) -> None:
    node = watching()
    node.note(0, samples=[(2, NOW * MICROSECONDS, bgp, loss_ppm)])
    assert bool(node.due().judge) is is_due


def turning(**more: Any) -> Look:
    """Return a look at a circuit of which one channel of two is bad from 10 s after NOW on."""
    lanes = (lane("a", "bad", more.pop("turn", NOW + 10)), lane("b"))
    return Present(lanes=lanes, **more).look()


@pytest.mark.parametrize(
    ("cells", "is_due"),
    [
        ("G10 B20", False), ("G30", True), ("B30", True), ("G20 B10", True), ("B10 G20", True),
        ("G10 720", False), ("G10 B10 G10", True), ("G10 B10 ?10", True), ("G5 B25", True),
        ("B20 ?10", True),
    ],
)  # fmt: skip
def test_a_channel_that_turned_bad_is_expected_to_be_good_before_and_bad_since(
    cells: str, is_due: bool
) -> None:
    node = watching(turning())
    node.note(30, cells={1: cells})
    assert bool(node.due().judge) is is_due


@pytest.mark.parametrize(
    ("turn", "at_us", "bgp", "is_due"),
    [
        (NOW + 10, (NOW + 10) * MICROSECONDS, BAD, False),
        (NOW + 10, (NOW + 10) * MICROSECONDS, GOOD, True),
        (NOW + 10, (NOW + 10) * MICROSECONDS - 1, GOOD, False),
        (NOW + 10, (NOW + 10) * MICROSECONDS - 1, BAD, True),
        (NOW + 5, (NOW + 10) * MICROSECONDS - 1, GOOD, False),
        (NOW + 5, (NOW + 10) * MICROSECONDS, GOOD, True),
        (NOW + 5, (NOW + 10) * MICROSECONDS, BAD, False),
    ],
)  # fmt: skip
def test_samples_turn_with_the_first_whole_cell(
    turn: int, at_us: int, bgp: int, is_due: bool
) -> None:
    node = watching(turning(turn=turn))
    node.note(0, samples=[(1, at_us, bgp, 0)])
    assert bool(node.due().judge) is is_due


def test_what_was_computed_again_or_skipped_makes_its_circuit_due() -> None:
    node = watching(look_of(*C), look_of(*D))
    node.note(10, reworked=[3])
    assert node.due() == Due(("D",), ("C",))
    node.complete = node.complete + np.array([0, 0, 10, 0, 0])  # of a write that was not noted
    node.note(10)
    assert node.due() == Due(("C", "D"), ())


def test_only_circuits_that_were_touched_are_judged_or_went_on() -> None:
    node = watching(look_of(*C), look_of(*D))
    node.note(10, cells={3: "B10"}, touched=[0, 1])
    assert node.due() == Due((), ("C",)), "the channel without a circuit is none"
    assert node.watch.restless() == ("D",)
    node.note(10, touched=[0, 4])
    assert node.due() == Due(("D",), ())
    assert node.due() == Due((), ()), "nothing was touched since"


def test_a_circuit_that_is_left_alone_is_calm_whatever_instants_pass() -> None:
    node = watching(look_of(*C), look_of(*D))
    node.note(10, live={3: NOW + 200}, touched=[1])
    assert node.due() == Due((), ("C",))
    assert node.watch.restless() == ()
    node.note(10, touched=[3])
    assert node.due() == Due(("D",), ())


def test_sums_are_looked_at_of_circuits_that_went_on(monkeypatch: pytest.MonkeyPatch) -> None:
    node, asked = watching(look_of(*C), look_of(*D)), []

    def changed(cursor: Any, circuits: Int64, complete_s: Int64) -> Int64:
        asked.append((circuits.tolist(), complete_s[1:].tolist()))
        return circuits

    monkeypatch.setattr(node.watch._objectives, "changed", changed)
    node.note(10, 20, 30, 40, touched=[1])

    assert node.due() == Due(("C",), ())
    assert asked == [([1], [NOW + 10, NOW + 30])]


def test_a_circuit_is_complete_as_far_as_its_last_channel_and_live_as_its_first() -> None:
    node = watching(look_of(*C), look_of(*D))
    assert node.watch.checked_up_to(["C", "D", "nobody"]) == {"C": NOW, "D": NOW}
    node.note(20, 10, 30, 30)
    assert node.due() == Due((), ("C", "D"))
    assert node.watch.checked_up_to(["D", "C", "nobody"]) == {"C": NOW + 10, "D": NOW + 30}

    complete, live = node.watch._horizons()
    assert complete[1:].tolist() == [NOW + 10, NOW + 30]
    assert live.tolist()[1:] == [LIVE, LIVE]
    node.note(0, live={2: LIVE + 1, 3: LIVE - 5, 4: LIVE - 10})
    assert node.watch._horizons()[1].tolist()[1:] == [LIVE + GRID, LIVE]
    node.note(0, live={3: LIVE - 10})
    assert node.watch._horizons()[1].tolist()[1:] == [LIVE + GRID, LIVE - 10]


def test_a_circuit_that_was_never_heard_of_is_live_at_no_instant() -> None:
    node = watching(look_of(*C), look_of(*D))
    for seen_us, live in ((-1, 0), (0, GRID), (GRID * MICROSECONDS, 2 * GRID)):
        node.seen_us[3:] = -1, seen_us
        node.note(0)
        assert node.watch._horizons()[1].tolist()[1:] == [LIVE, live]


@pytest.mark.parametrize(
    ("complete", "live", "is_due"),
    [(499, 0, False), (500, 0, True), (430, 480, False), (440, 490, True), (1, 60, False),
     (0, 60, True)],
)  # fmt: skip
def test_an_instant_that_was_foretold_makes_a_circuit_due(
    complete: int, live: int, is_due: bool
) -> None:
    # judged when complete reaches its end, when live is a cell before it, and after 59 s of lag
    node = watching(Present(circuit={"active_to": NOW + 500}).look())
    node.note(complete, live=dict.fromkeys((1, 2), NOW + live))
    assert bool(node.due().judge) is is_due


def test_lag_is_as_long_as_patience_where_nothing_is_foretold() -> None:
    for live, is_due in ((60, False), (70, True)):
        node = watching(Present(ahead="U60", live_s=NOW + 60).look())
        node.note(0, live={1: NOW + live})
        assert bool(node.due().judge) is is_due


def test_the_lower_of_two_thresholds_counts_while_a_version_begins() -> None:
    strict = replace(HEALTHY.versions[0], contract=_threshold("0.1"))
    history = HEALTHY.history
    begins = replace(history, live=replace(history.live, in_force=strict))
    (part,) = history.complete
    ends = replace(history, complete=(replace(part, in_force=strict),))
    for known in (begins, ends):
        for word, loss_ppm, is_due in (("410", 100_000, False), ("510", 100_001, True)):
            node = watching(replace(HEALTHY, history=known))
            node.note(10, cells={1: word})
            assert bool(node.due().judge) is is_due
            node = watching(replace(HEALTHY, history=known))
            node.note(0, samples=[(2, NOW * MICROSECONDS, GOOD, loss_ppm)])
            assert bool(node.due().judge) is is_due


def _threshold(share: str) -> Contract:
    contract = HEALTHY.versions[0].contract
    terms = replace(contract.availability, loss_threshold=Fraction(share))
    return replace(contract, availability=terms)


def test_a_channel_that_is_not_active_may_be_dark() -> None:
    rows = (
        ChannelRow("C", "a", 1, BEGAN, None), ChannelRow("C", "b", 2, BEGAN, None),
        ChannelRow("C", "gone", 3, BEGAN, NOW - 900), ChannelRow("C", "comes", 4, NOW + 900, None),
    )  # fmt: skip
    node = Node("C", "C", "C", "C")
    node.watch.look({"C": Present(channels=rows).look()}, {})
    node.note(10, cells={3: "", 4: ""})
    assert node.due() == Due((), ("C",))
    node.note(10, cells={2: ""})
    assert node.due() == Due(("C",), ())


def test_nothing_that_is_observed_counts_in_an_outage() -> None:
    objective = PerformanceTerms(name="p", metric="latency", statistic="mean", limit=Fraction(1))
    lanes = tuple(lane(name, "bad", NOW - 400) for name in "ab")
    down = Present("D400", "D30", lanes=lanes, state="down").look()

    def promising(look: Look) -> Look:
        history = look.history
        asked = replace(look.versions[0].contract, objectives=(objective,))
        in_force = replace(look.versions[0], contract=asked)
        (part,) = (replace(one, in_force=in_force) for one in history.complete)
        live = replace(history.live, in_force=in_force)
        return replace(look, history=replace(history, complete=(part,), live=live))

    node = watching(promising(down))
    node.note(10, cells={1: "B10", 2: "B10"})
    assert node.due() == Due((), ("C",))
    node.watch.look({"C": promising(HEALTHY)}, {})
    assert node.watch.restless() == ("C",), "up, and nobody knows what was observed so far"


def test_a_look_at_one_circuit_says_nothing_of_another() -> None:
    node = watching(look_of(*C), look_of(*D))
    node.watch.disturb(["nobody"])
    assert node.watch.restless() == ()
    node.watch.disturb(["C", "D"])
    node.watch.look({"nobody": HEALTHY}, {})
    assert node.watch.restless() == ("C", "D")
    node.watch.look({"C": look_of(*C), "D": look_of(*D)}, {"C": Awaits.ANYTHING})
    assert node.watch.restless() == ("C",)
    node.watch.look({"D": look_of(*D)}, {"D": Awaits.ANYTHING})
    assert node.watch.restless() == ("C", "D"), "it was calm and is no longer"


def test_a_network_that_grows_leaves_calm_circuits_alone() -> None:
    node = watching()
    node.channels = channels_of("", "C", "C", "", "D")
    node.complete = np.append(node.complete, [NOW, NOW])
    node.seen_us = np.append(node.seen_us, [(LIVE - 1) * MICROSECONDS] * 2)
    node.note(10)
    assert node.due() == Due(("D",), ("C",))
    assert node.watch.checked_up_to(["C", "D", ""]) == {"C": NOW + 10}
    node.watch.look({"D": look_of(("a", 4))}, {})
    node.note(10)
    assert node.due() == Due((), ("C", "D"))


def test_before_anything_is_noted_nobody_is_watched() -> None:
    watch = Watch()
    watch.note(None)
    assert watch.due(cast(duckdb.DuckDBPyConnection, None)) == Due((), ())
    assert watch.restless() == ()
    assert watch.checked_up_to(["C"]) == {}
    watch.look({"C": HEALTHY}, {})
    watch.disturb(["C"])


def test_what_nobody_has_looked_at_presses_only_while_it_is_in_trouble() -> None:
    node = Node(*"CCDDEEFF")
    at_us = LIVE * MICROSECONDS
    samples = [(key, at_us, int(GOOD), 100_000) for key in (1, 2, 3)]
    samples += [(4, at_us, int(BAD), 0), (6, at_us, int(GOOD), 100_001)]
    node.note(10, samples=samples)

    assert node.due() == Due(tuple("CDEF"), ())
    assert node.watch.pressing("CDEF") == ("D", "E"), "one is down, one loses more than a tenth"
    assert node.watch.pressing(["nobody", "E"]) == ("E",)

    node.watch.look({"C": HEALTHY}, {})
    assert node.watch.pressing("CDEF") == ("C", "D", "E"), "who was looked at changes, or is calm"
    node.note(10)
    assert node.watch.pressing("CDEF") == ("C", "D", "E"), "trouble stays until it is looked at"
    node.watch.look({"D": look_of(*D), "F": look_of(("a", 7), ("b", 8)), "nobody": HEALTHY}, {})
    assert node.watch.pressing(["F", "E", "nobody"]) == ("F", "E")


def test_trouble_is_noted_as_long_as_anybody_was_not_looked_at() -> None:
    node = Node(*"CCDDEE")
    node.watch.look({"D": look_of(*D), "E": look_of(("a", 5), ("b", 6))}, {})
    assert node.watch.pressing("CDE") == ("D", "E")
    node.note(10, samples=[(2, LIVE * MICROSECONDS, int(BAD), 0)])

    assert node.watch.pressing("CDE") == ("C", "D", "E"), "the first is the only one left"


def test_only_the_newest_samples_say_who_is_in_trouble() -> None:
    node = Node(*"CCDD")
    node.note(10, samples=[(1, LIVE * MICROSECONDS, int(BAD), 0)])
    node.note(10, samples=[(3, LIVE * MICROSECONDS, int(BAD), 0)])
    node.note(10, samples=[(3, LIVE * MICROSECONDS, int(GOOD), 0)])

    assert node.watch.pressing("CD") == ("C", "D")
