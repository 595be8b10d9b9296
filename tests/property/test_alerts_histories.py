"""ALARMS.md's invariants over random histories of one alarm."""

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from alerts.alarms import (
    HISTORY_SECONDS,
    Alarm,
    AlarmChange,
    AlarmKey,
    Muted,
    Standing,
    Withholding,
    step,
)
from alerts.conditions import (
    AlarmType,
    Condition,
    Holds,
    Horizon,
    Judged,
    Measure,
    Over,
    Undecided,
)

KEY = AlarmKey("DEN-1", AlarmType.CIRCUIT_DOWN, "")
MEASURE = Measure("2", "3", "channels good")
START = 1_760_000_000


@dataclass(frozen=True)
class Moment:
    """What one evaluation sees: `lag` seconds of age, in a window or not."""

    seen: str  # holds, over, undecided
    after_seconds: int
    lag: int
    muted: bool


MOMENTS = st.builds(
    Moment,
    seen=st.sampled_from(["holds", "over", "undecided"]),
    after_seconds=st.integers(0, 1000),
    lag=st.one_of(st.integers(0, 60), st.integers(0, 5000)),
    muted=st.booleans(),
)
HISTORIES = st.lists(MOMENTS, max_size=40)


def play(history: list[Moment]) -> list[tuple[Moment, int, Alarm | None, AlarmChange | None]]:
    """Run a history; return each moment, its time, the alarm before it and what changed."""
    now, standing, played = START, None, []
    for moment in history:
        now += moment.after_seconds
        event = now - moment.lag
        condition: Condition = Undecided("no data")
        if moment.seen == "holds":
            condition = Holds(event, event, "down", MEASURE)
        elif moment.seen == "over":
            condition = Over(event, "up")
        judged = Judged(KEY.type, "", condition, Horizon.PROVISIONAL, event, present=True)
        change = step(
            KEY, standing, judged, now_us=now * 1_000_000,
            muted=Muted("window CHG-7") if moment.muted else None,
        )  # fmt: skip
        played.append((moment, now, standing, change))
        standing = standing if change is None else change.alarm
    return played


@given(HISTORIES)
def test_what_was_announced_as_raised_is_announced_as_cleared_once(history: list[Moment]) -> None:
    open_outside = False
    for _, _, _, change in play(history):
        if change is None:
            continue
        if change.withheld_reason is None:
            raised = change.alarm.standing is Standing.RAISED
            assert raised is not open_outside
            open_outside = raised
        elif change.alarm.standing is Standing.CLEARED:
            assert not open_outside
        assert change.alarm.known_outside is open_outside


@given(HISTORIES)
def test_a_clear_never_precedes_its_raise(history: list[Moment]) -> None:
    raised_at: int | None = None
    for _, _, _, change in play(history):
        if change is None:
            continue
        if change.alarm.standing is Standing.RAISED:
            raised_at = change.alarm.event_at_s
        else:
            assert raised_at is not None
            assert change.alarm.event_at_s >= raised_at
            raised_at = None


@given(HISTORIES)
def test_unknown_data_neither_raise_nor_clear(history: list[Moment]) -> None:
    for moment, _, before, change in play(history):
        if moment.seen == "undecided" and change is not None:
            assert before is not None
            assert before.standing is change.alarm.standing is Standing.RAISED


@given(st.lists(MOMENTS.map(lambda m: Moment(m.seen, m.after_seconds, m.lag + 901, m.muted))))
def test_replayed_history_announces_nothing(history: list[Moment]) -> None:
    for _, _, _, change in play(history):
        if change is not None:
            assert change.withheld_reason is not None


@given(HISTORIES)
def test_every_message_that_is_not_sent_has_a_reason(history: list[Moment]) -> None:
    for moment, _, _, change in play(history):
        if change is None:
            continue
        sent = change.withheld_reason is None
        assert sent is (change.alarm.withholding is Withholding.NONE)
        assert sent or change.withheld_reason
        if sent and change.alarm.standing is Standing.RAISED:
            assert not moment.muted


@given(HISTORIES)
def test_revisions_count_up_by_one(history: list[Moment]) -> None:
    revisions = [change.alarm.revision for *_, change in play(history) if change is not None]

    assert revisions == list(range(1, len(revisions) + 1))


@given(HISTORIES)
def test_what_is_raised_and_fresh_outside_a_window_is_known_outside(history: list[Moment]) -> None:
    for moment, _, before, change in play(history):
        after = before if change is None else change.alarm
        fresh = moment.seen == "holds" and moment.lag <= HISTORY_SECONDS and not moment.muted
        if fresh:
            assert after is not None
            assert after.known_outside
