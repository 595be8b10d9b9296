"""A month's downtime budget: what the target allows, is left, how fast it goes (DESIGN 7.10).

The allowance follows the contract's denominator. `measured`: excluded and unmeasured seconds take
their share of it with them, `whole_period`: they do not. What is still to come counts as measured.

Burn rates after the Google SRE workbook, chapter 5 (alerting on SLOs): a rule holds when both of
its windows burn faster than its factor. Its factors 14.4, 6, 3 and 1 are those shares of 30 days;
here they follow from the real length of the month. Pure.
"""

from bisect import bisect_left
from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache
from typing import Final

from sla.answers import Bucket
from sla.budget_answers import Budget, Burn
from sla.forecast import forecast
from sla.judge import Scenario
from sla.judged import JudgedRun
from sla.segments import JudgedMonth, JudgedSegment

HOUR: Final = 3_600
RULES: Final = (
    (Fraction(2, 100), HOUR),
    (Fraction(5, 100), 6 * HOUR),
    (Fraction(10, 100), 24 * HOUR),
    (Fraction(10, 100), 72 * HOUR),
)
"""Share of the allowance, and the long window in which more than that is spent."""
SHORT: Final = 12  # the short window is a twelfth of the long one: it ends an alarm soon
CALM: Final = Fraction(1, 2)  # of the factor, below which a rule is over: between them, as before
_CALM, _CALM_OF = CALM.as_integer_ratio()
_LONGEST: Final = max(long for _, long in RULES)
_STANDSTILL: Final = Fraction(0)


def month_budget(month: JudgedMonth) -> Budget:
    """Return the budget of a judged month; rates and forecast are of its open segment."""
    found, last = month.segments, month.segments[-1]
    # whole seconds: what is allowed is rounded down, and nothing is broken by a part of a second
    balances = [
        balance_seconds(one.verdict.allowed_seconds, one.tally.contractual.down) for one in found
    ]
    over = sum([-balance for balance in balances if balance < 0])
    left = 0 if over else balances[-1]
    total = sum([one.verdict.allowed_seconds for one in found])
    period = last.period
    if not period.rest:
        return Budget(total, left, over)
    seconds = last.tally.contractual
    rates: tuple[Burn, ...] = ()
    if seconds.down or seconds.unmeasured:
        rates = burn_rates(
            period.history.runs, period.start_s, period.end_s, period.full_end_s, allowed(last)
        )
    return Budget(total, left, over, rates, forecast(last, left, over))


def allowed(one: JudgedSegment) -> Fraction:
    """Return how many seconds of a segment may be down, exactly."""
    scenario = Scenario(one.tally.contractual, one.period.rest)
    return scenario.allowed(one.contract.availability)


def balance_seconds(allowance: Fraction | int, down: int) -> int:
    """Return the whole seconds left; below 0 exactly when more is down than is allowed."""
    return allowance.__floor__() - down


def burn_rates(
    runs: Sequence[JudgedRun], start_s: int, end_s: int, full_end_s: int, allowance: Fraction
) -> tuple[Burn, ...]:
    """Return how each rule stands at `end_s`; time before `start_s` burns nothing of this month.

    `full_end_s` is where the month (or its open segment) will end. Unmeasured seconds burn
    nothing, but while they could be burning no rule is calm. Windows longer than the month are
    left out.
    """
    whole = full_end_s - start_s
    recent = _recent(runs, max(start_s, end_s - _LONGEST), end_s)
    allowed, of = allowance.as_integer_ratio()
    found = []
    for long, factor, part, parts in _rules(whole):
        short = long // SHORT
        slow, _ = _within(recent, end_s - long)
        fast, unknown = _within(recent, end_s - short)
        # the line lies at part / parts of the allowance: in the long window, a twelfth in the short
        line, unit = part * allowed, parts * of
        found.append(
            Burn(
                long,
                short,
                factor,
                _rate(slow, long, whole, allowed, of),
                _rate(fast, short, whole, allowed, of),
                burning=slow * unit > line and fast * SHORT * unit > line,
                calm=(fast + unknown) * SHORT * unit * _CALM_OF <= _CALM * line,
            )
        )
    return tuple(found)


def burning_after(
    runs: Sequence[JudgedRun], start_s: int, end_s: int, full_end_s: int, allowance: Fraction
) -> int | None:
    """Return how many seconds must be down at least, from `end_s` on, before a rule burns.

    None: one does, and goes on, for what leaves a window is never more than what is added.
    """
    recent = _recent(runs, max(start_s, end_s - _LONGEST), end_s)
    allowed, of = allowance.as_integer_ratio()
    found = []
    for long, _, part, parts in _rules(full_end_s - start_s):
        line, unit = part * allowed, parts * of
        slow, _ = _within(recent, end_s - long)
        fast, _ = _within(recent, end_s - long // SHORT)
        found.append(max(line // unit - slow, line // (SHORT * unit) - fast) + 1)
    least = min(found, default=full_end_s - end_s)
    return least if least > 0 else None


def calm_after(
    runs: Sequence[JudgedRun], start_s: int, end_s: int, full_end_s: int, allowance: Fraction
) -> int:
    """Return after how many seconds that are not down, from `end_s` on, all rules are calm.

    One at least: nobody asks this of rules that are calm already.
    """
    recent = _recent(runs, max(start_s, end_s - _LONGEST), end_s)
    allowed, of = allowance.as_integer_ratio()
    found = [1]
    for long, _, part, parts in _rules(full_end_s - start_s):
        short, unit = long // SHORT, parts * of * SHORT * _CALM_OF
        most = _CALM * part * allowed // unit  # seconds that are down, or may have been

        def spent(after: int, short: int = short) -> int:
            return sum(_within(recent, end_s + after - short))

        found.append(bisect_left(range(short), -most, key=lambda after: -spent(after)))
    return max(found)


@lru_cache(1_024)
def _rules(whole: int) -> tuple[tuple[int, Fraction, int, int], ...]:
    """Return long window, factor, and share as two integers, of the rules that fit into a month."""
    return tuple(
        (long, share * whole / long, *share.as_integer_ratio())
        for share, long in RULES
        if long <= whole
    )


def _rate(down: int, window: int, whole: int, allowed: int, of: int) -> Fraction | None:
    if not down:
        return _STANDSTILL
    return Fraction(down * whole * of, window * allowed) if allowed else None


def _recent(runs: Sequence[JudgedRun], start_s: int, end_s: int) -> list[tuple[int, int, Bucket]]:
    """Return down and unmeasured stretches of [start_s, end_s), newest first."""
    found: list[tuple[int, int, Bucket]] = []
    for run in reversed(runs):
        if run.end_s <= start_s:
            break
        if run.start_s < end_s and run.bucket in (Bucket.DOWN, Bucket.UNMEASURED):
            found.append((max(run.start_s, start_s), min(run.end_s, end_s), run.bucket))
    return found


def _within(recent: Sequence[tuple[int, int, Bucket]], start_s: int) -> tuple[int, int]:
    """Return down and unmeasured seconds from an instant on."""
    down = unknown = 0
    for lower, upper, bucket in recent:
        seconds = upper - max(lower, start_s)
        if seconds <= 0:
            break
        if bucket is Bucket.DOWN:
            down += seconds
        else:
            unknown += seconds
    return down, unknown
