"""What judging does in fewer steps comes to what counting second by second, or Fractions, do."""

from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.alarms import AlarmKey, Muted, step
from alerts.conditions import AlarmType, Horizon, Judged, Over, Undecided
from sla.answers import Bucket, Outcome, Seconds
from sla.boundaries import State
from sla.budgets import CALM, RULES, SHORT, burn_rates
from sla.contracts import AvailabilityTerms
from sla.exclusions import Excluded
from sla.judge import AT_RISK_SHARE, Scenario, Tally, contractual_seconds, tally
from sla.judged import JudgedRun, in_buckets, since
from sla.runs import AvailabilityRun

BUCKETS = tuple(Bucket)


@st.composite
def judged_runs(draw: st.DrawFn) -> list[JudgedRun]:
    """Return runs in order, with gaps now and then."""
    found, at = [], draw(st.integers(0, 20))
    for _ in range(draw(st.integers(0, 8))):
        at += draw(st.sampled_from((0, 0, 0, 3)))
        end = at + draw(st.integers(1, 9))
        kinds = draw(st.sampled_from(BUCKETS)), draw(st.sampled_from(BUCKETS))
        found.append(JudgedRun(at, end, *kinds, bad=draw(st.booleans())))
        at = end
    return found


def counted(runs: list[JudgedRun], start_s: int, end_s: int) -> Tally:
    """Look at every second."""
    of = {second: run for run in runs for second in range(run.start_s, run.end_s)}
    here = [of.get(second) for second in range(start_s, end_s)]

    def seconds(kinds: list[Bucket]) -> Seconds:
        order = (Bucket.UP, Bucket.DOWN, Bucket.EXCLUDED, Bucket.UNMEASURED)
        return Seconds(*(kinds.count(kind) for kind in order))

    return Tally(
        seconds([Bucket.UNMEASURED if run is None else run.bucket for run in here]),
        seconds([Bucket.UNMEASURED if run is None else run.as_experienced for run in here]),
        sum(run is not None and run.bad and run.bucket is Bucket.UP for run in here),
    )


@settings(max_examples=400)
@given(runs=judged_runs(), start_s=st.integers(0, 60), length=st.integers(0, 60))
def test_seconds_are_those_of_every_second_looked_at(
    runs: list[JudgedRun], start_s: int, length: int
) -> None:
    expected = counted(runs, start_s, start_s + length)

    assert tally(runs, start_s, start_s + length) == expected
    assert contractual_seconds(runs, start_s, start_s + length) == expected.contractual
    assert list(since(runs, start_s)) == [run for run in runs if run.end_s > start_s]


@given(runs=judged_runs(), start_s=st.integers(0, 60), end_s=st.integers(0, 60))
def test_buckets_without_an_exclusion_are_those_with_one_that_takes_nothing(
    runs: list[JudgedRun], start_s: int, end_s: int
) -> None:
    known = [
        AvailabilityRun(run.start_s, run.end_s, State.BAD if run.bad else State.GOOD, run.bucket)
        for run in runs
    ]
    far_away = [Excluded(1_000, 2_000, "W")]

    assert in_buckets(known, (), start_s, end_s) == in_buckets(known, far_away, start_s, end_s)


fractions = st.fractions(min_value=0, max_value=100, max_denominator=10_000)
seconds = st.integers(0, 3_000_000)


@given(target=fractions, up=seconds, down=seconds, out=seconds, dark=seconds, rest=seconds,
       whole=st.booleans())  # fmt: skip
def test_an_outcome_is_what_fractions_say(
    target: Fraction, up: int, down: int, out: int, dark: int, rest: int, whole: bool
) -> None:
    terms = AvailabilityTerms(
        target_percent=target, up_at_least=1, consecutive=1,
        denominator="whole_period" if whole else "measured",
    )  # fmt: skip
    share = 1 - target / 100
    total = up + down + out + dark
    near = int(share * (total + rest))  # so that the line itself is tried
    for lost in {down, near, near + 1, int(near * 3 / 4), int(near * 3 / 4) + 1}:
        scenario = Scenario(Seconds(up, lost, out, dark), rest)
        allowed = ((up + lost + (out + dark if whole else 0)) + rest) * share

        assert scenario.allowed(terms) == allowed
        expected = Outcome.MET
        if lost > allowed:
            expected = Outcome.BREACHED
        elif rest and lost > AT_RISK_SHARE * allowed:
            expected = Outcome.AT_RISK
        assert scenario.outcome(terms) is expected


@settings(max_examples=200)
@given(
    cuts=st.lists(st.integers(0, 4_000_000), min_size=2, max_size=10, unique=True),
    kinds=st.lists(st.sampled_from(BUCKETS), min_size=9, max_size=9),
    allowance=st.one_of(st.just(Fraction(0)), st.fractions(0, 100_000, max_denominator=1_000)),
    whole=st.integers(3_600, 4_000_000),
    complete=st.integers(1, 4_000_000),
)
def test_burn_rates_are_what_fractions_say(
    cuts: list[int], kinds: list[Bucket], allowance: Fraction, whole: int, complete: int
) -> None:
    cuts.sort()
    runs = [
        JudgedRun(lower, upper, kind, kind, bad=False)
        for lower, upper, kind in zip(cuts, cuts[1:], kinds, strict=False)
    ]

    def lost(window: int, kind: Bucket) -> int:
        found = 0
        for run in runs:
            lower, upper = max(run.start_s, 0, complete - window), min(run.end_s, complete)
            found += max(0, upper - lower) * (run.bucket is kind)
        return found

    burns = burn_rates(runs, 0, complete, whole, allowance)
    rules = [(share, long) for share, long in RULES if long <= whole]
    assert len(burns) == len(rules)
    for burn, (share, long) in zip(burns, rules, strict=True):
        short, line = long // SHORT, share * allowance
        slow, fast = lost(long, Bucket.DOWN), lost(short, Bucket.DOWN)
        unknown = lost(short, Bucket.UNMEASURED)
        assert (burn.long_seconds, burn.short_seconds) == (long, short)
        assert burn.factor == share * whole / long
        for rate, down, window in ((burn.long_rate, slow, long), (burn.short_rate, fast, short)):
            if allowance:
                assert rate == Fraction(down * whole, window) / allowance
            else:
                assert rate == (None if down else 0)
        assert burn.burning == (slow > line and fast * SHORT > line)
        assert burn.calm == ((fast + unknown) * SHORT <= CALM * line)


@given(
    kind=st.sampled_from(AlarmType),
    over=st.booleans(),
    present=st.booleans(),
    horizon=st.sampled_from(Horizon),
    muted=st.sampled_from((None, Muted("a window"))),
    now_s=st.integers(0, 10**6),
)
def test_where_no_alarm_stands_only_what_holds_changes_anything(
    kind: AlarmType, over: bool, present: bool, horizon: Horizon, muted: Muted | None, now_s: int
) -> None:
    condition = Over(5, "it is over") if over else Undecided("nobody knows")
    judged = Judged(kind, "", condition, horizon, 5, present=present)

    found = step(AlarmKey("C", kind, ""), None, judged, now_us=now_s * 1_000_000, muted=muted)

    assert found is None
