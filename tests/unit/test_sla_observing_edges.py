"""What of a month is read again when it changes, how much is remembered, and what is one read."""

from dataclasses import dataclass, replace
from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import pytest

from linksla.inventory import Bandwidth, Circuit
from sla import observing
from sla.contracts import Contract, ContractInForce, PerformanceTerms
from sla.measures import Observed
from sla.observing import Performance, _added, _close, _neighbours, _Question, _question
from sla.performance import Asked, Link
from sla.periods import Ownership, Period
from sla.telemetry import ChannelRow
from tests.unit.test_sla_observing import (
    CONTRACT,
    DAY,
    ENDS,
    MINUTE,
    TERMS,
    Minutes,
    answers,
    circuit,
    facts,
    period,
)

ROWS = tuple(ChannelRow("C", name, key, 0, None) for key, name in enumerate("abcd", 1))
ASKED = _Question("C", 0, Ownership("a", 0, ENDS), ROWS, 60, 3, (), (), True, Link())
Pieces = tuple[tuple[int, int], ...]


@pytest.mark.parametrize(
    ("before", "now", "more"),
    [
        ((), ((0, 60),), ((0, 60),)),
        (((0, 60),), ((0, 60),), ()),
        (((0, 60),), ((0, 120),), ((60, 120),)),
        (((0, 60),), ((0, 60), (120, 180)), ((120, 180),)),
        (((0, 60),), ((0, 120), (180, 240)), ((60, 120), (180, 240))),
        (((0, 60),), ((60, 120),), None),
        (((60, 120),), ((0, 120),), None),
        (((0, 120),), ((0, 60),), None),
        (((0, 60),), (), None),
        (((0, 60), (120, 180)), ((0, 60),), None),
        (((0, 60), (120, 180)), ((0, 120), (120, 180)), None),
        (((0, 60), (120, 180)), ((0, 60), (120, 240), (300, 360)), ((180, 240), (300, 360))),
        (((0, 60), (120, 180)), ((0, 60), (180, 240)), None),
    ],
)  # fmt: skip
def test_what_only_grew_is_read_from_where_it_ended(
    before: Pieces, now: Pieces, more: Pieces | None
) -> None:
    known, asked = replace(ASKED, pieces=before), replace(ASKED, pieces=now)

    assert asked.beyond(known) == more
    for other in ({"channels": ROWS[:2]}, {"step_seconds": 120}, {"ledger_count": 4}):
        assert asked.beyond(replace(known, **other)) is None


def test_channels_of_one_of_two_times_are_kept_and_those_of_both_are_summed() -> None:
    def seen(*counts: tuple[str, int]) -> list[Observed]:
        return [Observed(name, n, 0, 0, 0, 0, 0, 0, {}) for name, n in counts]

    found = _added(ROWS, seen(("d", 1), ("a", 2)), seen(("b", 4), ("d", 8)))

    assert [(one.name, one.latency_count) for one in found] == [("a", 2), ("b", 4), ("d", 9)]
    assert _added(ROWS, (), seen(("d", 1), ("a", 2))) == tuple(seen(("d", 1), ("a", 2)))


@dataclass(frozen=True)
class Task:
    """As much of a task as says which are read together."""

    keys: tuple[int, ...]
    missing: Pieces

    @property
    def question(self) -> Any:
        return replace(ASKED, channels=tuple(replace(ROWS[0], channel_key=k) for k in self.keys))


OLD: Pieces = ((0, 9_999), (10_000, 10_100))


@pytest.mark.parametrize(
    ("before", "task", "is_close"),
    [
        # within half an hour, whatever lies between their keys
        (((1,), ((0, 60),)), ((9_000,), ((1_740, 1_800),)), True),
        (((1,), ((0, 60),)), ((9_000,), ((1_740, 1_801),)), False),
        (((1,), ((1_740, 1_801),)), ((9_000,), ((0, 60),)), False),
        (((1,), ((0, 1_801),)), ((9_000,), ((900, 1_000),)), False),
        (((1,), ((0, 60), (1_740, 1_800))), ((9_000,), ((60, 120), (1_700, 1_800))), True),
        (((1,), ((0, 60), (1_740, 1_801))), ((9_000,), ((60, 120),)), False),
        # of one time: at most 64 keys on, from the last of one to the first of the next
        (((1, 3, 5), OLD), ((69, 70), OLD), True),
        (((1, 3, 5), OLD), ((70, 71), OLD), False),
        (((1, 3, 5), OLD), ((5, 9), OLD), True),
        (((1, 3, 5), OLD), ((4, 9), OLD), False),
        (((1,), OLD), ((2,), (*OLD[:1], (11_000, 12_000))), True),
        (((1,), OLD), ((2,), ((0, 9_998),)), False),
        (((1,), ()), ((2,), ()), True),
        (((1,), ()), ((2,), ((0, 60),)), False),
        (((1,), ((0, 60),)), ((2,), ()), False),
    ],
)  # fmt: skip
def test_what_is_new_or_of_neighbours_is_close(before: Any, task: Any, is_close: bool) -> None:
    assert _close(Task(*before), Task(*task)) is is_close  # type: ignore[arg-type]


def test_what_is_close_is_read_together_up_to_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(observing, "_TOGETHER_MAX", 2)

    def groups(*tasks: tuple[int, Pieces]) -> list[list[int]]:
        asked = [Task((key,), missing) for key, missing in tasks]
        return [[one.keys[0] for one in some] for some in _neighbours(asked)]  # type: ignore[misc]

    assert groups() == []
    assert groups((3, OLD), (1, OLD), (2, OLD)) == [[1, 2], [3]]
    assert groups((1, ((0, 9_998),)), (2, OLD), (3, ((0, 9_998),))) == [[1, 3], [2]]
    assert groups((9, OLD), (1, (*OLD[:1], (11_000, 12_000)))) == [[1, 9]]


def read_of(judge: Performance, known: Any, read: Minutes, of: Circuit, up_to: int) -> int:
    """Return how many minutes are read of a circuit that was up to some instant, and down since."""
    read.reads.clear()
    answers(judge, known, (of, period(of, [(0, up_to)], up_to + MINUTE)))
    return read.minutes


@pytest.mark.parametrize(("bytes_max", "forgotten"), [(4_192, 0), (4_191, 1)])
def test_so_many_bytes_are_remembered_and_the_oldest_months_go(
    monkeypatch: pytest.MonkeyPatch, bytes_max: int, forgotten: int
) -> None:
    # of a month 2,000, and of a channel with one bucket eleven sums and a count of 8 bytes
    monkeypatch.setattr(observing, "_REMEMBERED_BYTES_MAX", bytes_max)
    circuits = [circuit(number) for number in (1, 2, 3)]
    known, read = facts(*(rows for _, rows in circuits)), Minutes()
    judge = Performance(read)
    first, second, third = (one for one, _ in circuits)

    assert [read_of(judge, known, read, one, MINUTE) for one in (first, second)] == [1, 1]
    assert read_of(judge, known, read, second, MINUTE) == 0, "what came last stays"
    assert read_of(judge, known, read, first, MINUTE) == forgotten
    if not forgotten:
        assert read_of(judge, known, read, third, MINUTE) == 1
        assert read_of(judge, known, read, second, MINUTE) == 0
        assert read_of(judge, known, read, first, MINUTE) == 1


def test_months_that_are_over_go_before_those_that_are_open(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(observing, "_REMEMBERED_BYTES_MAX", 4_192)  # of two
    circuits = [circuit(number) for number in (1, 2, 3)]
    known, read = facts(*(rows for _, rows in circuits)), Minutes()
    judge = Performance(read)
    (first, second, over), over_at = (one for one, _ in circuits), ENDS

    def read_again(of: Circuit) -> int:
        read.reads.clear()
        answers(judge, known, (of, period(of, [(0, MINUTE)], over_at)))
        return read.minutes

    assert read_of(judge, known, read, first, MINUTE) == 1
    assert [read_again(over), read_again(over)] == [1, 0], "there is room"
    assert read_of(judge, known, read, second, MINUTE) == 1
    assert read_again(over) == 1, "it was the first to go"
    for one in (first, second):
        assert read_of(judge, known, read, one, MINUTE) == 0


def test_a_month_that_grows_takes_the_place_of_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(observing, "_REMEMBERED_BYTES_MAX", 2 * 2_096 + 9 * 8)  # a bucket a minute
    (one, rows), (other, others) = circuit(1), circuit(2)
    known, read = facts(rows, others), Minutes()
    judge = Performance(read)
    read_of(judge, known, read, one, MINUTE)

    assert [read_of(judge, known, read, other, MINUTE * at) for at in range(1, 11)] == [1] * 10
    assert read_of(judge, known, read, one, MINUTE) == 0
    read_of(judge, known, read, other, MINUTE * 11)
    assert read_of(judge, known, read, one, MINUTE) == 1, "one bucket too many"


def grown(judge: Performance, known: Any, one: Circuit, first: int, minutes: int) -> None:
    """Let a circuit that is up be asked for each minute."""
    for minute in range(minutes + 1):
        ends = first + MINUTE * minute
        answers(judge, known, (one, period(one, [(0, ends)], ends)))


def test_two_older_sums_are_kept_half_an_hour_apart() -> None:
    one, rows = circuit(1)
    known = facts(rows)
    # asked for up to 62 minutes after DAY: what is replaced is kept at 0, 30 and 60 of them
    for onset, minutes in ((61, 1), (60, 0), (59, 29), (31, 1), (30, 0), (29, DAY // MINUTE + 29)):
        read = Minutes()
        judge = Performance(read)
        grown(judge, known, one, DAY, 62)
        assert read_of(judge, known, read, one, DAY + MINUTE * onset) == minutes


def test_older_sums_of_so_many_months_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(observing, "_ANCHORS_MAX", 1)
    (one, rows), (other, others) = circuit(1), circuit(2)
    known, read = facts(rows, others), Minutes()
    judge = Performance(read)
    for of in (one, other):
        grown(judge, known, of, DAY, 2)

    assert read_of(judge, known, read, other, DAY + MINUTE) == 1
    assert read_of(judge, known, read, one, DAY + MINUTE) == DAY // MINUTE + 1


def test_an_outage_that_is_over_has_only_what_came_after_it_read() -> None:
    one, rows = circuit(1)
    known, read = facts(rows), Minutes()
    judge = Performance(read)
    read_of(judge, known, read, one, DAY)
    read.reads.clear()
    up = [(0, DAY), (DAY + 2 * MINUTE, DAY + 5 * MINUTE)]
    answers(judge, known, (one, period(one, up, DAY + 5 * MINUTE)))
    assert read.minutes == 3


def test_the_first_late_sample_has_all_of_it_read_again() -> None:
    one, rows = circuit(1)
    known, read = facts(rows), Minutes()
    judge = Performance(read)
    known.ledger_counts.clear()  # nothing of it is in the ledger
    assert read_of(judge, known, read, one, 9 * MINUTE) == 9
    assert read_of(judge, known, read, one, 9 * MINUTE) == 0
    assert read_of(judge, facts(rows, ledger=1), read, one, 9 * MINUTE) == 9


def promising(of: Period, *terms: PerformanceTerms) -> Period:
    contract: Contract = replace(CONTRACT, objectives=terms)
    history = replace(of.history, in_force=ContractInForce(contract, 0, TERMS.end_s))
    return replace(of, history=history)


def test_who_promises_nothing_is_not_read_and_holds_up_nobody() -> None:
    (one, rows), (other, others), (last, lasts) = (circuit(number) for number in (1, 2, 3))
    known, read = facts(rows, others, lasts), Minutes()
    judge = Performance(read)
    asked = [(of, period(of, [(0, DAY)], DAY)) for of in (one, other, last)]
    asked[0] = (one, promising(asked[0][1]))

    for reads in (2, 0):
        read.reads.clear()
        found = judge.judged(None, known, asked)  # type: ignore[arg-type]
        assert [kept is None for kept in found] == [True, False, False]
        assert sum(len(some) for some in read.reads) == reads
    read.reads.clear()
    asked[2] = (last, period(last, [(0, DAY + MINUTE)], DAY + MINUTE))
    judge.judged(None, known, asked)  # type: ignore[arg-type]
    assert read.minutes == 1, "what stays as it was holds up nobody either"


@pytest.mark.parametrize(
    ("metrics", "wanted"),
    [(("latency",), False), (("latency", "throughput_rx"), True), (("throughput_tx",), True)],
)
def test_throughput_is_read_where_any_objective_is_on_it(
    metrics: tuple[Any, ...], wanted: bool
) -> None:
    one, rows = circuit(1)
    read = Minutes()
    terms = [
        PerformanceTerms(name=name, metric=name, statistic="mean", limit=Fraction(1))
        for name in metrics
    ]
    asked = promising(period(one, [(0, DAY)], DAY), *terms)
    Performance(read).judged(None, facts(rows), [(one, asked)])  # type: ignore[arg-type, list-item]
    assert [each.throughput for some in read.reads for each in some] == [wanted]


def test_a_question_knows_whether_time_is_to_come_and_the_link_at_its_last_second() -> None:
    one, rows = circuit(1)
    known: Any = facts(rows)
    now = period(one, [(0, DAY)], DAY)

    def asked(of: Circuit = one, **more: int) -> _Question:
        return _question(known, of, replace(now, **more))

    assert [asked(full_end_s=DAY + rest).is_open for rest in (0, 1)] == [False, True]
    for at, mbps in ((DAY - 2, 7), (DAY - 1, 7), (DAY, 1), (DAY + 1, 1)):
        wider = replace(one, bandwidths=(Bandwidth(start=at, mbps=7),))
        assert asked(wider).link.capacity_mbps == mbps
    assert asked().pieces == ((0, DAY),)
    assert asked().step_seconds == MINUTE
    assert Asked(rows, asked().pieces, MINUTE).throughput is False


def test_sums_say_what_was_observed_its_outcomes_and_where_the_next_step_begins() -> None:
    one, rows = circuit(1)
    asked = period(one, [(0, 150)], 150)
    (kept,) = Performance(Minutes()).judged(None, facts(rows), [(one, asked)])  # type: ignore[arg-type]
    assert kept is not None
    sums = kept.sums(asked)
    (seen,) = sums.observed
    assert (seen.latency_count, seen.latency_sum_us) == (2, 1_001 + 1_008)
    assert sums.outcomes == tuple(answer.verdict for answer in kept.answers)
    assert len(sums.outcomes) == 1
    assert sums.next_s == 120


def test_a_page_takes_what_is_missing_from_the_readings_of_each_circuit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read_from = []

    def readings_of(_cursor: object, _facts: object, of: Circuit) -> Any:
        read_from.append(of)
        return SimpleNamespace(observed=lambda asked: Minutes()(None, [asked])[0])

    monkeypatch.setattr(observing, "readings_of", readings_of)
    (one, rows), (other, others) = circuit(1), circuit(2)
    known = facts(rows, others)
    asked = [(of, period(of, [(0, DAY)], DAY)) for of in (one, other)]
    alone = answers(Performance(Minutes()), known, *asked)
    known.readings = {}

    assert answers(Performance(Minutes()), known, *asked) == alone
    assert read_from == [one, other]
