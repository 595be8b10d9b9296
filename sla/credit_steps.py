"""How a month's credit comes to its percent and its money, with the numbers put in. Pure."""

from collections.abc import Sequence
from fractions import Fraction

from linksla.clock import iso
from sla.answers import MonthAnswer
from sla.bands import percent
from sla.calendar import month_bounds
from sla.credits import money
from sla.explanation import Step
from sla.segments import JudgedMonth, JudgedSegment


def money_working(segments: Sequence[JudgedSegment]) -> str | None:
    """Return `10 % of 2,000.00 USD = 200.00 USD`; None: there is no credit, or a price is missing.

    A segment is charged by its seconds of a whole contract month; rounded once, half up.
    """
    giving = [one for one in segments if one.credit_percent]
    charges = [one.monthly for one in giving if one.monthly is not None]
    if not giving or len(charges) < len(giving) or len({one.currency for one in charges}) != 1:
        return None
    currency, parts, total = charges[0].currency, [], Fraction(0)
    for one, charge in zip(giving, charges, strict=True):
        part = part_of_month(one)
        of = "" if part == 1 else f" × {part.numerator:,}/{part.denominator:,} of the month"
        parts.append(f"{percent(one.credit_percent)} % of {_commas(charge.amount, currency)}{of}")
        total += charge.amount * part * one.credit_percent / 100
    exact = (total * 100).denominator == 1
    said = "" if exact else ", rounded once, half up"
    return f"{' + '.join(parts)} = {_commas(total, currency)}{said}"


def part_of_month(one: JudgedSegment) -> Fraction:
    """Return a segment's seconds over those of its whole contract month."""
    lower, upper = month_bounds(
        one.period.month, one.contract.timezone, one.contract.anniversary_day
    )
    return Fraction(one.period.full_end_s - one.period.start_s, upper - lower)


def credit_steps(month: JudgedMonth, answer: MonthAnswer) -> tuple[Step, ...]:
    """Return the credit from the band to the payout; only for who may see prices."""
    whole = answer.month_end_s - answer.start_s
    found = [
        Step(
            "credit-percent",
            f"Credit: {answer.credit_percent} % of the charge",
            _percent_working(month, answer, whole),
        )
    ]
    working = money_working(month.segments)
    if working is not None:
        found.append(Step("credit-amount", "In money, at the price in force at the onset", working))
    elif any(one.credit_percent for one in month.segments):
        found.append(Step("credit-amount", "No amount: no price is known", ""))
    payout = month.segments[-1].contract.payout
    if answer.credit_amount is not None and answer.credit_currency is not None:
        least = f"{_commas(payout.minimum_amount, answer.credit_currency)}"
        said = "paid out" if answer.credit_issued else "not paid out"
        if not answer.final:
            said = f"so far, and {said} if it stays"
        more = "more than" if answer.credit_issued else "not more than"
        found.append(
            Step(
                "payout",
                f"{answer.credit_amount} {answer.credit_currency}: {said}",
                f"it is {more} the least that is paid out, {least}; at most "
                f"{percent(payout.cap_percent)} % of the charge is given back",
            )
        )
    if answer.credit_claim_by_s is not None:
        found.append(
            Step(
                "claim",
                f"To be claimed by {iso(answer.credit_claim_by_s)}",
                f"{payout.claim_within_days} days after the month's end, at local midnight in "
                f"{answer.timezone}",
            )
        )
    return tuple(found)


def _percent_working(month: JudgedMonth, answer: MonthAnswer, whole: int) -> str:
    if len(month.segments) == 1:
        return answer.credit_reason
    parts = []
    for one in month.segments:
        seconds = one.period.full_end_s - one.period.start_s
        parts.append(f"{percent(one.credit_percent)} % × {seconds:,}/{whole:,}")
    return f"{' + '.join(parts)} = {answer.credit_percent} %. {answer.credit_reason}"


def _commas(amount: Fraction, currency: str) -> str:
    """Return `2,000.00 USD`."""
    whole, dot, places = money(amount, currency).partition(".")
    return f"{int(whole):,}{dot}{places} {currency}"
