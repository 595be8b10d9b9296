"""What a month gives back and its segments, as the printed page says them."""

from zoneinfo import ZoneInfo

from linksla.clock import iso
from reports.words import Printed, breakable, local_short
from sla.answers import MonthAnswer, Segment


def credit_printed(answer: MonthAnswer) -> Printed:
    """Return the credit: percent and money, the band's row, the arithmetic, the terms."""
    percent = f"{answer.credit_percent} %"
    amount = ""
    if answer.credit_amount is not None:
        amount = f"{answer.credit_amount} {answer.credit_currency}"
        if answer.credit_issued is False:
            amount += ", not paid out: not more than the least amount"
    elif answer.credit_percent != "0":
        amount = "no amount: no price is known"
    terms = "" if answer.credit_terms is None else answer.credit_terms.words
    if answer.credit_claim_by_s is not None:
        at = answer.credit_claim_by_s
        terms += f" To be claimed by {local_short(at, ZoneInfo(answer.timezone))} ({iso(at)})."
    return {
        "percent": percent,
        "amount": amount,
        "reason": breakable(answer.credit_reason),
        "working": answer.credit_working or "",
        "terms": terms,
    }


def bandwidth_words(mbps: int) -> str:
    """Return a bandwidth as it is sold: `10 Gbps`, `500 Mbps`."""
    return f"{mbps / 1000:g} Gbps" if mbps >= 1000 else f"{mbps} Mbps"


def credit_short(answer: MonthAnswer) -> str:
    """Return `10 % · 200.00 USD`, or the percent alone."""
    if answer.credit_amount is None:
        return f"{answer.credit_percent} %"
    return f"{answer.credit_percent} % · {answer.credit_amount} {answer.credit_currency}"


def segments_printed(answer: MonthAnswer) -> list[Printed]:
    """Return the segments of a month that has more than one; else the contract says it all."""
    if len(answer.segments) < 2:
        return []
    zone = ZoneInfo(answer.timezone)
    return [_segment(one, zone) for one in answer.segments]


def _segment(one: Segment, zone: ZoneInfo) -> Printed:
    owners = [
        owner.customer_id
        if len(one.owners) == 1
        else f"{owner.customer_id} from {local_short(owner.start_s, zone)}"
        for owner in one.owners
    ]
    return {
        "start_local": local_short(one.start_s, zone),
        "start_utc": iso(one.start_s),
        "end_local": local_short(one.end_s, zone),
        "end_utc": iso(one.end_s),
        "contract": breakable(f"{one.contract_id}, version {one.contract_version}"),
        "bandwidth": bandwidth_words(one.bandwidth_mbps or 0),
        "owner": breakable(", ".join(owners)),
        "price": one.price or "not known",
        "target": f"{one.target} %",
        "actual": "not measured" if one.availability is None else f"{one.availability} %",
        "down": "–" if one.down_seconds is None else f"{one.down_seconds:,}",
        "verdict": "–" if one.verdict is None else one.verdict.value.replace("_", " "),
        "kind": "" if one.verdict is None else one.verdict.value,
        "credit": f"{one.credit_percent} %",
        "share": f"{one.share}",
    }
