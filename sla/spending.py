"""What a month's budget says in words, and as the API prints it."""

from fractions import Fraction

from sla.answers import MonthAnswer, Outcome
from sla.budget_answers import Budget, Burn, Forecast, Range
from sla.words import decimal_down, decimal_up, duration, percent_down

Json = dict[str, object]


def left_words(budget: Budget) -> str:
    """Return what is left in plain words: `4 min 27 s left`, or `33 s too much`."""
    if budget.overspent_seconds:
        return f"{duration(budget.overspent_seconds)} too much"
    return f"{duration(budget.left_seconds)} left"


def month_left_words(answer: MonthAnswer) -> str:
    """Return what is left of a month in plain words."""
    left = answer.budget_left_seconds
    return left_words(answer.budget or Budget(answer.budget_allowed_seconds, left, 0))


def forecast_outcome(budget: Budget) -> Outcome | None:
    """Return the verdict that is likely: at risk where past stretches disagree.

    None: the month is over, or too little of the past is known.
    """
    if budget.forecast is None:
        return None
    if budget.overspent_seconds:
        return Outcome.BREACHED
    past = budget.forecast.past
    if past is None:
        return None
    if past.met == past.stretches:
        return Outcome.MET
    return Outcome.AT_RISK if past.met else Outcome.BREACHED


def forecast_words(budget: Budget) -> str:
    """Return the forecast in words, with the method in it; empty once the month is over."""
    ahead = budget.forecast
    if ahead is None:
        return ""
    if budget.overspent_seconds:
        return (
            f"Breached whatever comes: {duration(budget.overspent_seconds)} more were down than "
            "the target allows."
        )
    unless = f"Availability is met unless more than {duration(budget.left_seconds)} more are down."
    past = ahead.past
    if past is None:
        return (
            f"{unless} No forecast: {length(ahead.known_seconds)} of the circuit's past are too "
            f"few to compare with the {length(ahead.rest_seconds)} to come."
        )
    return (
        f"{unless} Were the {length(ahead.rest_seconds)} to come like the past, it would be met "
        f"in {past.met} of {past.stretches} cases: stretches of that length had {_range(past)}."
    )


def _range(past: Range) -> str:
    if past.low == past.high:
        return f"{duration(past.low)} down each"
    return (
        f"{duration(past.low)} to {duration(past.high)} down, {duration(past.middle)} in the middle"
    )


def burn_words(burn: Burn) -> str:
    """Return how one rule stands, in words."""
    return (
        f"the allowance goes {rate(burn.long_rate)} times as fast as the month allows over "
        f"{length(burn.long_seconds)} and {rate(burn.short_rate)} times over "
        f"{length(burn.short_seconds)}; the line is {line(burn.factor)}"
    )


def length(seconds: int) -> str:
    """Return a duration without the zeros at its end: `10 d`, `6 h`, `1 h 30 min`."""
    text = duration(seconds)
    while text.rfind(" 0 ") > 0 and text.rfind(" 0 ") > text.rfind(" ") - 3:
        text = text[: text.rfind(" 0 ")]
    return text


def rate(value: Fraction | None) -> str:
    """Return a burn rate with two places, rounded towards breach."""
    return "infinitely many" if value is None else decimal_up(value, 2)


def line(factor: Fraction) -> str:
    """Return a rule's factor with two places, rounded down: what burns prints as more than it."""
    return decimal_down(factor, 2)


def budget_json(budget: Budget) -> Json:
    """Return the API's budget: DESIGN 9's keys, then the rest."""
    body: Json = {
        "allowed_seconds": budget.allowed_seconds,
        "left_seconds": budget.left_seconds,
        "overspent_seconds": budget.overspent_seconds,
    }
    if budget.forecast is not None:
        body["burn"] = [_burn(one) for one in budget.burn]
        body["forecast"] = _forecast(budget, budget.forecast)
    return body


def _burn(one: Burn) -> Json:
    return {
        "long_seconds": one.long_seconds,
        "short_seconds": one.short_seconds,
        "factor": line(one.factor),
        "long_rate": None if one.long_rate is None else rate(one.long_rate),
        "short_rate": None if one.short_rate is None else rate(one.short_rate),
        "burning": one.burning,
    }


def _forecast(budget: Budget, ahead: Forecast) -> Json:
    outcome, past = forecast_outcome(budget), ahead.past
    body: Json = {
        "verdict": None if outcome is None else outcome.value,
        "reason": forecast_words(budget),
        "rest_seconds": ahead.rest_seconds,
    }
    if past is not None:
        ends = {"low": past.low, "middle": past.middle, "high": past.high}
        body |= {
            "further_down_seconds": ends,
            # the more is down, the less is available
            "availability": {name: _ending(ahead, further) for name, further in ends.items()},
            "stretches": past.stretches,
            "stretches_met": past.met,
        }
    return body


def _ending(ahead: Forecast, further: int) -> str | None:
    """Return the availability the month ends with, if so much more is down."""
    if not ahead.counted_seconds:
        return None
    down = min(ahead.down_seconds + further, ahead.counted_seconds)
    return percent_down(Fraction(ahead.counted_seconds - down, ahead.counted_seconds))
