"""A verdict's arithmetic with the numbers put in: whole numbers only, so that anyone can check it.

Says what `sla.judge` decides, and never decides anything itself. Pure.
"""

from collections.abc import Sequence
from fractions import Fraction
from typing import Final

from sla.answers import Seconds
from sla.contracts import AvailabilityTerms
from sla.explanation import Step
from sla.judge import AvailabilityVerdict, Scenario, availability, coverage
from sla.segments import JudgedMonth, JudgedSegment
from sla.words import duration, percent_down, plain

_SCALE: Final = 10_000_000  # a ratio to five places of a percentage


def month_steps(month: JudgedMonth) -> tuple[Step, ...]:
    """Return the arithmetic of a month; one of several segments is judged in each of them."""
    if len(month.segments) == 1:
        return segment_steps(month.segments[0])
    terms = month.segments[-1].contract.availability
    bad = sum_seconds([one.unknown_bad for one in month.segments])
    good = sum_seconds([one.unknown_good for one in month.segments])
    return (
        *_ratios(terms, month.tally.contractual, month.tally.as_experienced),
        _bounds(terms, month.tally.contractual, bad, good),
        _allowed_together(month),
        Step(
            "target",
            f"Judged in {len(month.segments)} segments, each by its own target; the worst counts.",
            "",
        ),
        _verdict(month.verdict),
    )


def segment_steps(one: JudgedSegment) -> tuple[Step, ...]:
    """Return the arithmetic of a segment."""
    terms, seconds, rest = one.contract.availability, one.tally.contractual, one.period.rest
    return (
        *_ratios(terms, seconds, one.tally.as_experienced),
        _bounds(terms, seconds, one.unknown_bad, one.unknown_good),
        _allowed(terms, seconds, rest),
        _target(terms, seconds, rest),
        *_scenarios(terms, one, rest),
        _verdict(one.verdict),
    )


def _allowed_together(month: JudgedMonth) -> Step:
    parts = [one.verdict.allowed_seconds for one in month.segments]
    return Step(
        "allowed",
        f"Together {sum(parts):,} s may be down: {duration(sum(parts))}",
        f"{' + '.join(f'{part:,}' for part in parts)} s, segment by segment",
    )


def _verdict(verdict: AvailabilityVerdict) -> Step:
    return Step("verdict", f"Verdict: {verdict.outcome.value.replace('_', ' ')}", verdict.reason)


def _ratios(
    terms: AvailabilityTerms, contractual: Seconds, experienced: Seconds
) -> tuple[Step, ...]:
    found = [
        _ratio("contractual", "Contractual availability", terms, contractual),
        _ratio("experienced", "As experienced, with nothing excluded", terms, experienced),
    ]
    covered, countable = coverage(contractual), contractual.total - contractual.excluded
    measured = contractual.up + contractual.down
    if covered is not None:
        found.append(
            Step(
                "coverage",
                f"Coverage: {percent_down(covered)} %",
                f"(up + down) / (period - excluded) = {measured:,} / {countable:,}; "
                + division(measured, countable),
            )
        )
    return tuple(found)


def _ratio(key: str, name: str, terms: AvailabilityTerms, seconds: Seconds) -> Step:
    ratio = availability(terms, seconds)
    if terms.denominator == "whole_period":
        over, under = seconds.total - seconds.down, seconds.total
        formula = f"(period - down) / period = ({under:,} - {seconds.down:,}) / {under:,}"
    else:
        over, under = seconds.up, seconds.up + seconds.down
        formula = f"up / (up + down) = {over:,} / ({over:,} + {seconds.down:,})"
    if ratio is None:
        return Step(key, f"{name}: nothing was measured", formula)
    return Step(key, f"{name}: {percent_down(ratio)} %", f"{formula}; {division(over, under)}")


def division(over: int, under: int) -> str:
    """Return a percentage as a division of whole numbers that leaves its rest.

    `300 × 10,000,000 = 1,120 × 2,678,400 + 192,000, so 0.01120 %; the rest is dropped`.
    """
    units, rest = divmod(over * _SCALE, under)
    said = f"{units // 100_000}.{units % 100_000:05d} %"
    if not rest:
        return f"{over:,} × 10,000,000 = {units:,} × {under:,}, so {said} exactly"
    return (
        f"{over:,} × 10,000,000 = {units:,} × {under:,} + {rest:,}, so {said}; the rest is "
        "dropped, which rounds towards breach"
    )


def _counted(terms: AvailabilityTerms, seconds: Seconds, rest: int) -> tuple[int, str]:
    """Return the seconds of which a share may be down, and what they are."""
    if terms.denominator == "whole_period":
        counted, what = seconds.total, "the period"
    else:
        counted, what = seconds.up + seconds.down, "up + down"
    if rest:
        what += f" + the {rest:,} s still to come"
    return counted + rest, what


def _allowed(terms: AvailabilityTerms, seconds: Seconds, rest: int) -> Step:
    counted, what = _counted(terms, seconds, rest)
    share = 100 - terms.target_percent
    exact = Scenario(seconds, rest).allowed(terms)
    left = max(0, int(exact) - seconds.down)
    said = f"{int(exact):,}{plain(exact % 1).removeprefix('0')}"
    return Step(
        "allowed",
        f"At {plain(terms.target_percent)} %, {said} s may be down: "
        f"{duration(int(exact))}, of which {duration(left)} are left",
        f"{what} = {counted:,} s; {plain(share)} % of it = {counted:,} × {plain(share)} / 100 = "
        f"{said} s",
    )


def _target(terms: AvailabilityTerms, seconds: Seconds, rest: int) -> Step:
    return Step(
        "target",
        f"Compared with the target of {plain(terms.target_percent)} %",
        compared(terms, seconds, rest),
    )


def compared(terms: AvailabilityTerms, seconds: Seconds, rest: int) -> str:
    """Return down × q against counted × p, where p/q is the share that may be down."""
    counted, _ = _counted(terms, seconds, rest)
    share = 1 - terms.target_percent / 100
    left, right = seconds.down * share.denominator, counted * share.numerator
    sign = "is more than" if left > right else "is not more than"
    return (
        f"{seconds.down:,} down × {share.denominator:,} = {left:,} {sign} "
        f"{counted:,} × {share.numerator:,} = {right:,}: "
        f"{'breached' if left > right else 'within the target'}"
    )


def _bounds(terms: AvailabilityTerms, seconds: Seconds, bad: Seconds, good: Seconds) -> Step:
    if not seconds.unmeasured:
        return Step("bounds", "Nothing is unmeasured: there is one availability only", "")
    low, high = (_percent(availability(terms, one)) for one in (bad, good))
    return Step(
        "bounds",
        f"{seconds.unmeasured:,} s are unmeasured: {low} were every unknown cell bad, {high} were "
        "every one good",
        f"all bad: up {bad.up:,} s, down {bad.down:,} s; all good: up {good.up:,} s, down "
        f"{good.down:,} s",
    )


def _scenarios(terms: AvailabilityTerms, one: JudgedSegment, rest: int) -> tuple[Step, ...]:
    """Return both bounds against the target, where something is unmeasured."""
    if not one.tally.contractual.unmeasured:
        return ()
    return (
        Step(
            "target-bounds",
            "The same were every unknown cell bad, and were every one good",
            f"all bad: {compared(terms, one.unknown_bad, rest)}; all good: "
            f"{compared(terms, one.unknown_good, rest)}",
        ),
    )


def _percent(ratio: Fraction | None) -> str:
    return "nothing measured" if ratio is None else f"{percent_down(ratio)} %"


def sum_seconds(many: Sequence[Seconds]) -> Seconds:
    """Return the sum, bucket by bucket."""
    return Seconds(
        sum(one.up for one in many),
        sum(one.down for one in many),
        sum(one.excluded for one in many),
        sum(one.unmeasured for one in many),
    )
