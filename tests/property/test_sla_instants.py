"""Instants that are known beforehand are those at which second after second says something else."""

from dataclasses import replace
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from sla.answers import Bucket, Outcome, Seconds
from sla.budget_answers import Burn
from sla.budgets import burn_rates, burning_after, calm_after
from sla.contracts import AvailabilityTerms
from sla.judge import Scenario
from sla.judged import JudgedRun
from sla.measures import Observed, Totals
from sla.packed import Packed

ENDS = 300_000
few = st.integers(0, 400)


@settings(max_examples=300)
@given(target=st.sampled_from(("90", "99", "99.5", "100")), up=few, down=st.integers(0, 60),
       out=few, dark=few, rest=st.integers(1, 500), whole=st.booleans())  # fmt: skip
def test_an_outcome_changes_at_the_second_that_is_foretold_and_never_before(
    target: str, up: int, down: int, out: int, dark: int, rest: int, whole: bool
) -> None:
    terms = AvailabilityTerms(
        target_percent=Fraction(target), up_at_least=1, consecutive=1,
        denominator="whole_period" if whole else "measured",
    )  # fmt: skip
    now = Scenario(Seconds(up, down, out, dark), rest)

    def after(lost: int) -> Outcome:
        return Scenario(replace(now.seconds, down=down + lost), rest - lost).outcome(terms)

    # the last second of the rest is left out: then the month is over, which is an edge anyway
    changes = [lost for lost in range(1, rest) if after(lost) is not after(0)]
    told = now.worse_after(terms)
    if changes:
        assert told == changes[0]
    else:
        assert told is None or told >= rest
    assert (told is None) == (after(0) is Outcome.BREACHED)


kinds = st.sampled_from((Bucket.UP, Bucket.UP, Bucket.DOWN, Bucket.UNMEASURED))
lengths = st.sampled_from((10, 60, 400, 900, 5_000, 40_000))


def followed(pieces: list[tuple[int, Bucket]]) -> list[JudgedRun]:
    """Return what a circuit went through up to ENDS: up but for some outages and gaps."""
    runs, at = [], ENDS - sum(seconds for seconds, _ in pieces)
    for seconds, kind in pieces:
        runs.append(JudgedRun(at, at + seconds, kind, kind, bad=kind is Bucket.DOWN))
        at += seconds
    return runs


past = st.lists(st.tuples(lengths, kinds), min_size=1, max_size=7).map(followed)


allowances = st.one_of(
    st.sampled_from([Fraction(0), Fraction(267), Fraction(2_678)]),
    st.fractions(0, 60_000, max_denominator=100),
)


def going_on(runs: list[JudgedRun], kind: Bucket, seconds: int) -> list[JudgedRun]:
    return [*runs, JudgedRun(ENDS, ENDS + seconds, kind, kind, bad=kind is Bucket.DOWN)]


MONTH_S = 31 * 86_400


def rates(
    runs: list[JudgedRun], bucket: Bucket, after: int, start_s: int, allowance: Fraction
) -> tuple[Burn, ...]:
    """Return burn rates after so many more seconds of a bucket."""
    more = going_on(runs, bucket, after)
    return burn_rates(more, start_s, ENDS + after, start_s + MONTH_S, allowance)


@settings(max_examples=150)
@given(runs=past, allowance=allowances, start_s=st.sampled_from((0, 290_000)),
       tried=st.lists(st.integers(1, 20_000), max_size=6))  # fmt: skip
def test_no_rule_burns_before_so_much_more_is_down_and_one_that_burns_goes_on(
    runs: list[JudgedRun], allowance: Fraction, start_s: int, tried: list[int]
) -> None:
    told = burning_after(runs, start_s, ENDS, start_s + MONTH_S, allowance)

    def burns(after: int) -> bool:
        found = rates(runs, Bucket.DOWN, after, start_s, allowance)
        return any(one.burning for one in found)

    assert (told is None) == burns(0)
    if told is None:
        assert all(burns(after) for after in tried)
    else:
        assert not burns(told - 1)
        assert not any(burns(min(after, told - 1)) for after in tried)


@settings(max_examples=150)
@given(runs=past, allowance=allowances, start_s=st.sampled_from((0, 290_000)))
def test_rules_are_calm_at_the_second_that_is_foretold_and_never_before(
    runs: list[JudgedRun], allowance: Fraction, start_s: int
) -> None:
    told = calm_after(runs, start_s, ENDS, start_s + MONTH_S, allowance)

    def calm(after: int) -> bool:
        found = rates(runs, Bucket.UP, after, start_s, allowance)
        return all(one.calm and not one.burning for one in found)

    assert calm(told)
    assert told == 1 or not calm(told - 1)
    assert not any(calm(told * part // 7) for part in range(1, 7) if told > 7)


numbers = st.integers(0, 2**62)
counts = st.dictionaries(st.integers(0, 2**16 - 1), st.integers(1, 2**47), max_size=5)


def seen(
    name: str, sums: list[int], latency: dict[int, int], rx: bool, others: dict[str, dict[int, int]]
) -> Observed:
    # bits of a month at hundreds of Gbit/s are more than 64 bits hold
    rates = {"throughput_rx": Totals(sums[0], sums[1] << 20, sums[2])} if rx else {}
    return Observed(name, *sums[:7], latency, *sums[7:], rates, others)


channels = st.builds(
    seen,
    st.text(max_size=2),
    st.lists(numbers, min_size=10, max_size=10),
    counts,
    st.booleans(),
    st.dictionaries(st.sampled_from(("jitter", "loss")), counts, max_size=2),
)


@given(many=st.lists(channels, max_size=3))
def test_what_is_packed_is_unpacked_to_the_last_count(many: list[Observed]) -> None:
    packed = Packed.of(many)

    assert packed.observed() == tuple(many)
    assert packed == Packed.of(many)
