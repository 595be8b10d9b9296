"""What is read of observations grows with what changed: sums are taken up where they still hold."""

import random
from collections import Counter
from types import SimpleNamespace

import pytest

from linksla.inventory import Channel, Circuit
from linksla.inventory import Ownership as Owned
from sla.answers import Bucket
from sla.contracts import AvailabilityTerms, Contract, ContractInForce, PerformanceTerms
from sla.history import FAR_AHEAD_S, History
from sla.judged import JudgedRun
from sla.measures import Observed
from sla.observed import TOGETHER_SECONDS
from sla.observing import Performance
from sla.performance import Asked
from sla.periods import Ownership, Period
from sla.telemetry import ChannelRow

MINUTE, DAY = 60, 86_400
ENDS = 31 * DAY
CONTRACT = Contract(
    id="c", version=1, title="t", source="s", timezone="UTC",
    availability=AvailabilityTerms(target_percent=99, up_at_least=1, consecutive=3),
    objectives=(PerformanceTerms(name="p95", metric="latency", statistic="p95", limit="8"),),
)  # fmt: skip
TERMS = ContractInForce(CONTRACT, 0, FAR_AHEAD_S)


class Minutes:
    """Reads of minutes: of each minute and channel one latency, which no other has."""

    def __init__(self) -> None:
        self.reads: list[list[Asked]] = []

    def __call__(self, _cursor: object, asked: list[Asked]) -> list[tuple[Observed, ...]]:
        self.reads.append(asked)
        return [tuple(seen(one, row) for row in one.channels if one.pieces) for one in asked]

    @property
    def minutes(self) -> int:
        pieces = [piece for asked in self.reads for one in asked for piece in one.pieces]
        return sum(upper - lower for lower, upper in pieces) // MINUTE


def seen(asked: Asked, row: ChannelRow) -> Observed:
    minutes = [at // MINUTE for lower, upper in asked.pieces for at in range(lower, upper, MINUTE)]
    values = [minute * 7 + row.channel_key for minute in minutes]
    return Observed(
        row.channel,
        len(values),
        sum(values),
        max(values),
        0,
        0,
        0,
        0,
        dict(Counter(value % 60_000 for value in values)),
    )


def circuit(number: int) -> tuple[Circuit, tuple[ChannelRow, ...]]:
    name = f"C{number}"
    known = Circuit(
        id=name, owners=(Owned(customer="a"),), contract="c", site="s", region="r",
        bandwidth_mbps=1, grid_seconds=10, channels=(Channel(name="ch1"),), active_from=0,
    )  # fmt: skip
    return known, (ChannelRow(name, "ch1", number * 1_000 + 1, 0, None),)


def period(of: Circuit, ups: list[tuple[int, int]], ends: int) -> Period:
    """Return a month that was up in some ranges, and down in between, up to an instant."""
    runs, at = [], 0
    for lower, upper in [*ups, (ends, ends)]:
        if at < lower:
            runs.append(JudgedRun(at, lower, Bucket.DOWN, Bucket.DOWN, bad=True))
        if lower < upper:
            runs.append(JudgedRun(lower, upper, Bucket.UP, Bucket.UP, bad=False))
        at = upper
    part = History(of, TERMS, 0, ends, tuple(runs), (), (), (), ())
    own = Ownership("a", 0, FAR_AHEAD_S)
    return Period("2025-10", part, "a", 0, ends, ENDS, ends, own, ENDS)


def facts(*rows: tuple[ChannelRow, ...], ledger: int = 0) -> SimpleNamespace:
    return SimpleNamespace(
        channels={row[0].circuit_id: row for row in rows}, readings=None,
        ledger_counts={row[0].circuit_id: ledger for row in rows},
    )  # fmt: skip


def answers(judge: Performance, known: SimpleNamespace, *asked: tuple[Circuit, Period]):
    return [one.answers for one in judge.judged(None, known, asked)]


def test_an_onset_takes_back_minutes_and_reads_no_month_again() -> None:
    one, rows = circuit(1)
    read, onset = Minutes(), 20 * DAY
    judge, known = Performance(read), facts(rows)
    for ends in (DAY, onset + MINUTE, onset + 2 * MINUTE, onset + 3 * MINUTE):
        answers(judge, known, (one, period(one, [(0, ends)], ends)))
    assert read.minutes == onset // MINUTE + 3, "each minute once"

    read.reads.clear()
    down = period(one, [(0, onset)], onset + 4 * MINUTE)
    assert answers(judge, known, (one, down)) == answers(Performance(Minutes()), known, (one, down))
    assert read.minutes <= 20 * DAY // MINUTE - DAY // MINUTE, "what was summed first still holds"

    read.reads.clear()
    up = [(0, onset), (onset + 9 * MINUTE, onset + 90 * MINUTE)]
    for ends in range(onset + 10 * MINUTE, onset + 90 * MINUTE, MINUTE):
        so_far = [up[0], (up[1][0], ends)]
        answers(judge, known, (one, period(one, so_far, ends)))
    read.reads.clear()
    again = period(one, [up[0], (up[1][0], onset + 88 * MINUTE)], onset + 91 * MINUTE)
    assert answers(judge, known, (one, again)) == answers(
        Performance(Minutes()), known, (one, again)
    )
    assert 0 < read.minutes <= 70, "the second onset takes back minutes, too"


def test_what_came_late_is_read_again_whatever_was_summed() -> None:
    one, rows = circuit(1)
    read = Minutes()
    judge = Performance(read)
    for ends in (DAY, 2 * DAY, 2 * DAY + MINUTE):
        answers(judge, facts(rows), (one, period(one, [(0, ends)], ends)))
    read.reads.clear()

    answers(judge, facts(rows, ledger=1), (one, period(one, [(0, 2 * DAY)], 2 * DAY)))

    assert read.minutes == 2 * DAY // MINUTE


@pytest.mark.parametrize("seed", range(30))
def test_sums_taken_up_are_those_of_all_that_qualifies(seed: int) -> None:
    rng = random.Random(seed)
    one, rows = circuit(1)
    judge, ups, ends = Performance(Minutes()), [(0, 40 * MINUTE)], 40 * MINUTE
    for _ in range(40):
        ends += rng.choice([10, 60, 600, 4_000])
        lower, upper = ups[-1]
        change = rng.randrange(4)
        if change == 0 and len(ups) > 1:
            ups.pop()  # it was down all the time
        elif change == 1:
            ups[-1] = (lower, rng.randint(lower, upper))  # the onset was earlier
        elif change == 2:
            ups.append((rng.randint(upper, ends), ends))
        else:
            ups[-1] = (lower, ends)
        now = one, period(one, [piece for piece in ups if piece[0] < piece[1]], ends)
        known = facts(rows, ledger=rng.random() < 0.05)
        assert answers(judge, known, now) == answers(Performance(Minutes()), known, now)


def test_new_minutes_of_circuits_far_apart_are_read_together_and_old_ones_are_not() -> None:
    circuits = [circuit(number) for number in range(1, 9)]
    known = facts(*(rows for _, rows in circuits))
    read = Minutes()
    judge = Performance(read)
    at = 3 * DAY
    for ends in (at, at + 9 * MINUTE):
        asked = [
            (one, period(one, [(0, ends + number * MINUTE)], ends + number * MINUTE))
            for number, (one, _) in enumerate(circuits)
        ]
        read.reads.clear()
        answers(judge, known, *asked)
        assert len(read.reads) == (8 if ends == at else 1)
    assert max(len(asked) for asked in read.reads) == 8
    far = at + 9 * MINUTE + 2 * TOGETHER_SECONDS
    read.reads.clear()
    answers(judge, known, *((one, period(one, [(0, far)], far)) for one, _ in circuits))
    assert len(read.reads) == 8, "half an hour and more of all channels is not read for eight"
