"""Facts → the texts of the printed page. The Typst template only lays them out.

Numbers are those of the answers. The one thing computed here is each bucket's share of its period,
by integers: up is rounded down, all others up, so no share ever flatters.
"""

from datetime import date
from typing import Final
from zoneinfo import ZoneInfo

from linksla.clock import iso
from reports.facts import CircuitFacts, ReportFacts
from reports.money import bandwidth_words, credit_printed, credit_short, segments_printed
from reports.words import Printed, breakable, local_short
from sla.answers import (
    BucketRun,
    ExclusionAnswer,
    LedgerLine,
    MonthAnswer,
    ObjectiveAnswer,
    Outage,
    Outcome,
)
from sla.spending import month_left_words
from sla.tape import local_words, render_tape
from sla.words import duration, why_open

_VERDICT_WORDS: Final = {
    Outcome.MET: "met",
    Outcome.BREACHED: "breached",
    Outcome.AT_RISK: "at risk",
    Outcome.NOT_ASSESSABLE: "not assessable",
}
_TAPE_PIXELS: Final = 520  # with the labels 596 px on 510 pt: text of 11 px prints at 9.4 pt
_TAPE_FONT: Final = "Libertinus Serif"  # the template's; system fonts are never asked
_SHARE_DIGITS: Final = 5
_NAMED_MAX: Final = 3  # circuits in the head of the first page


def printed(facts: ReportFacts, sha256: str) -> Printed:
    """Return all that the template prints, as plain values for JSON.

    `sha256` is of the canonical `report.json`.
    """
    return {
        "title": f"SLA compliance report · {facts.customer_name} · {month_words(facts.month)}",
        "customer": breakable(facts.customer_name),
        "customer_id": breakable(facts.customer_id),
        "month": month_words(facts.month),
        "status": status_words(facts),
        "draft": True,
        "sentence": verdict_sentence(facts),
        "complete_up_to": f"{iso(facts.complete_up_to_s)} (UTC)",
        "version": str(facts.version),
        "sha256": sha256,
        "periods": _periods(facts),
        "contracts": _contracts(facts),
        "summary": [_summary_line(circuit.answer) for circuit in facts.circuits],
        "circuits": [_circuit(circuit) for circuit in facts.circuits],
        "notes": _notes(facts),
    }


def status_words(facts: ReportFacts) -> str:
    """Return what the report is worth, in words: nothing here has been issued yet."""
    if facts.final:
        return "DRAFT. The month is final; this report has not been issued."
    answers = [circuit.answer for circuit in facts.circuits if not circuit.answer.final]
    proposals = sum(len(answer.open_proposals) for answer in answers)
    is_over = all(answer.end_s == answer.month_end_s for answer in answers)
    about = [breakable(one.circuit_id) for one in answers if one.open_proposals]
    named = f" ({', '.join(about[:_NAMED_MAX])}{', …' * (len(about) > _NAMED_MAX)})" * bool(about)
    return f"DRAFT. Month not final: {why_open(is_over=is_over, proposals=proposals)}{named}."


def verdict_sentence(facts: ReportFacts) -> str:
    """Return the month of all circuits in one sentence."""
    total = len(facts.circuits)
    if facts.count(Outcome.MET) == total:
        many = "The circuit" if total == 1 else f"All {total} circuits"
        return f"{many} met every objective."
    told = [
        f"{facts.count(outcome)} {_VERDICT_WORDS[outcome]}"
        for outcome in (Outcome.BREACHED, Outcome.AT_RISK, Outcome.NOT_ASSESSABLE, Outcome.MET)
        if facts.count(outcome)
    ]
    return f"Of {total} circuit{'' if total == 1 else 's'}: {', '.join(told)}."


def ledger_words(lines: tuple[LedgerLine, ...]) -> str:
    """Return what the ledger holds of a circuit's days, by kind: `3 duplicate, 12 late`."""
    counts: dict[str, int] = {}
    for line in lines:
        counts[line.kind] = counts.get(line.kind, 0) + line.count
    told = ", ".join(
        f"{count:,} {kind.replace('_', ' ')}" for kind, count in sorted(counts.items())
    )
    return breakable(told) or "nothing late, duplicate, conflicting or rejected"


def month_words(month: str) -> str:
    """Return `2026-10` as `October 2026`."""
    return f"{date.fromisoformat(f'{month}-01'):%B %Y}"


def clock_words(seconds: int) -> str:
    """Return seconds as h:m:s: `743:55:00`."""
    sign, rest = ("-", -seconds) if seconds < 0 else ("", seconds)
    return f"{sign}{rest // 3600}:{rest // 60 % 60:02}:{rest % 60:02}"


def share_words(seconds: int, total: int, *, up: bool) -> str:
    """Return a share of the period in percent with five places; down for `up`, else up."""
    if total == 0:
        return "–"
    scale = 100 * 10**_SHARE_DIGITS
    share = seconds * scale // total if up else -(-seconds * scale // total)
    return f"{share // 10**_SHARE_DIGITS}.{share % 10**_SHARE_DIGITS:0{_SHARE_DIGITS}}"


def _percent(value: str | None) -> str:
    return "not measured" if value is None else f"{value} %"


def _periods(facts: ReportFacts) -> list[Printed]:
    """Return each distinct period once: circuits of one contract share theirs."""
    grouped: dict[tuple[int, int, str], list[str]] = {}
    for circuit in facts.circuits:
        a = circuit.answer
        grouped.setdefault((a.start_s, a.end_s, a.timezone), []).append(a.circuit_id)
    return [
        {
            "circuits": _listed(ids, len(facts.circuits)),
            "utc": f"{iso(start)} to {iso(end)}",
            "local": f"{local_words(start, ZoneInfo(zone))} to {local_words(end, ZoneInfo(zone))}",
            "zone": zone,
            "seconds": f"{end - start:,} s",
        }
        for (start, end, zone), ids in grouped.items()
    ]


def _contracts(facts: ReportFacts) -> list[Printed]:
    grouped: dict[tuple[str, int], list[CircuitFacts]] = {}
    for circuit in facts.circuits:
        for segment in circuit.answer.segments:
            key = (segment.contract_id, segment.contract_version)
            grouped.setdefault(key, []).append(circuit)
    lines: list[Printed] = []
    for (contract_id, version), circuits in grouped.items():
        contract = circuits[0].contract
        same = contract is not None and (contract.id, contract.version) == (contract_id, version)
        ids = [circuit.answer.circuit_id for circuit in circuits]
        lines.append(
            {
                "name": breakable(f"{contract_id}, version {version}"),
                "title": breakable(contract.title) if contract and same else "",
                "source": breakable(contract.source) if contract and same else "",
                "circuits": _listed(list(dict.fromkeys(ids)), len(facts.circuits)),
            }
        )
    return lines


def _listed(ids: list[str], total: int) -> str:
    if len(ids) == total:
        return "all circuits" if total > 1 else breakable(ids[0])
    shown = ", ".join(breakable(circuit_id) for circuit_id in ids[:8])
    return shown if len(ids) <= 8 else f"{shown} and {len(ids) - 8} more"


def _summary_line(answer: MonthAnswer) -> Printed:
    target = next((o.target for o in answer.objectives if o.name == "availability"), None)
    return {
        "id": breakable(answer.circuit_id),
        "contractual": _percent(answer.availability_contractual),
        "target": "–" if target is None else f"{target} %",
        "as_experienced": _percent(answer.availability_as_experienced),
        "down": clock_words(answer.seconds.down),
        "verdict": _VERDICT_WORDS[answer.verdict],
        "kind": answer.verdict.value,
        "credit": credit_short(answer),
    }


def _circuit(facts: CircuitFacts) -> Printed:
    a = facts.answer
    zone = ZoneInfo(a.timezone)
    low, high = a.availability_bounds
    return {
        "id": breakable(a.circuit_id),
        "place": _place(facts),
        "sentence": breakable(a.sentence),
        "kind": a.verdict.value,
        "tape": _tape(facts),
        "buckets": _buckets(a),
        "period_seconds": f"{a.seconds.total:,}",
        "period_clock": clock_words(a.seconds.total),
        "contractual": _percent(a.availability_contractual),
        "as_experienced": _percent(a.availability_as_experienced),
        "coverage": _percent(a.coverage),
        "bounds": f"{_percent(low)} to {_percent(high)}",
        "bad_but_not_down": f"{a.bad_but_not_down_seconds:,} s",
        "budget": _budget(a),
        "ledger": ledger_words(facts.ledger),
        "complete_up_to": f"{local_words(a.complete_up_to_s, zone)} ({iso(a.complete_up_to_s)})",
        "objectives": [_objective(objective) for objective in a.objectives],
        "outages": [_outage(outage, zone, a.complete_up_to_s) for outage in a.outages],
        "exclusions": [_exclusion(exclusion, zone) for exclusion in a.exclusions],
        "segments": segments_printed(a),
        "credit": credit_printed(a),
        "formula": a.availability_formula,
        "working": a.availability_working,
    }


def _place(facts: CircuitFacts) -> str:
    circuit, contract = facts.circuit, facts.contract
    if circuit is None:
        return ""
    gbps = bandwidth_words(circuit.bandwidth_at(facts.answer.end_s - 1))
    words = [f"{circuit.site} → {circuit.region}", gbps, f"{circuit.grid_seconds} s grid"]
    count = len(circuit.channels)
    channels = f"{count} channel{'' if count == 1 else 's'}"
    if contract is not None:
        channels += f", {contract.availability.up_at_least} needed"
    return breakable(" · ".join([*words[:2], channels, words[2]]))


def _tape(facts: CircuitFacts) -> Printed | None:
    if facts.tape is None:
        return None
    zone = facts.answer.timezone
    svg = render_tape(facts.tape, width=_TAPE_PIXELS, timezone=zone, font_family=_TAPE_FONT)
    return {"svg": svg, "alt": f"Availability tape. {_tape_words(facts.tape.circuit)}"}


def _tape_words(runs: tuple[BucketRun, ...]) -> str:
    seconds: dict[str, int] = {}
    for run in runs:
        seconds[run.bucket.value] = seconds.get(run.bucket.value, 0) + run.end_s - run.start_s
    return ", ".join(f"{name} {duration(total)}" for name, total in sorted(seconds.items()))


def _buckets(answer: MonthAnswer) -> list[Printed]:
    contractual, total = answer.seconds, answer.seconds.total
    experienced = answer.as_experienced
    pairs = (
        ("up", contractual.up, experienced.up),
        ("down", contractual.down, experienced.down),
        ("excluded", contractual.excluded, None),
        ("unmeasured", contractual.unmeasured, experienced.unmeasured),
    )
    return [
        {
            "name": name,
            "seconds": f"{seconds:,}",
            "clock": clock_words(seconds),
            "share": f"{share_words(seconds, total, up=name == 'up')} %",
            "experienced_seconds": "–" if was is None else f"{was:,}",
            "experienced_clock": "–" if was is None else clock_words(was),
        }
        for name, seconds, was in pairs
    ]


def _budget(answer: MonthAnswer) -> str:
    return f"{duration(answer.budget_allowed_seconds)} allowed, {month_left_words(answer)}"


def _objective(objective: ObjectiveAnswer) -> Printed:
    unit = f" {objective.unit}" if objective.unit else ""
    return {
        "name": breakable(objective.name),
        "target": f"{objective.target}{unit}",
        "actual": "–" if objective.actual is None else f"{objective.actual}{unit}",
        "verdict": _VERDICT_WORDS[objective.verdict],
        "kind": objective.verdict.value,
        "observations": "" if objective.observations is None else f"{objective.observations:,}",
        "error_bound": objective.error_bound or "",
        "reason": breakable(objective.reason),
    }


def _outage(outage: Outage, zone: ZoneInfo, complete_up_to_s: int) -> Printed:
    ended = outage.end_s
    notes = [f"attributed to {outage.attribution}"] if outage.attribution else []
    if outage.carried_in:
        notes.append("began in an earlier month, where it counts as an outage")
    return {
        "id": breakable(outage.outage_id),
        "local": local_short(outage.start_s, zone),
        "utc": iso(outage.start_s),
        "end_local": "not over" if ended is None else local_short(ended, zone),
        "end_utc": f"at {iso(complete_up_to_s)}" if ended is None else iso(ended),
        "lasted": "–" if ended is None else clock_words(ended - outage.start_s),
        "down": f"{outage.down_seconds:,}",
        "excluded": f"{outage.excluded_seconds:,}",
        "notes": breakable(", ".join(notes)),
    }


def decision_word(exclusion: ExclusionAnswer) -> str:
    """Return what became of a window: nobody's word yet is not a refusal."""
    if exclusion.accepted:
        return "accepted"
    return "not decided" if exclusion.is_open else "refused"


def _exclusion(exclusion: ExclusionAnswer, zone: ZoneInfo) -> Printed:
    return {
        "id": breakable(exclusion.exclusion_id),
        "scope": breakable(exclusion.scope),
        "local": f"{local_short(exclusion.start_s, zone)} to {local_short(exclusion.end_s, zone)}",
        "utc": f"{iso(exclusion.start_s)} to {iso(exclusion.end_s)}",
        "decision": decision_word(exclusion),
        "seconds": f"{exclusion.seconds:,}",
        "reason": breakable(exclusion.reason),
    }


def _notes(facts: ReportFacts) -> list[str]:
    """Return the rules behind the numbers, with this report's own n, k and thresholds."""
    notes = [
        "Every second of the period is in exactly one bucket: up, down, excluded or unmeasured. "
        "Percentages have five places and are rounded towards breach: availability down, latency "
        "and loss up. Verdicts are by exact integers, never by printed values.",
        "As experienced is the same arithmetic with nothing excluded. The bounds are the month's "
        "availability were every unmeasured second bad, and were every one good.",
        "An outage belongs to the month of its onset; its seconds belong to the months they fall "
        "in. Unmeasured or excluded seconds inside an outage do not split it and are not down.",
        "A percentile is the nearest rank over all observations, one per sample, a lost sample "
        "counting as worse than any limit; n and the error bound stand beside it.",
        "Maintenance is excluded only with the contract's notice and within its monthly cap, or by "
        "approval of someone other than who proposed it; refused windows are listed too.",
    ]
    seen: dict[tuple[str, int], None] = {}
    for circuit in facts.circuits:
        contract = circuit.contract
        if contract is None or (contract.id, contract.version) in seen:
            continue
        seen[contract.id, contract.version] = None
        terms = contract.availability
        notes.append(
            f"{breakable(contract.id)}, version {contract.version}: a circuit is good while at "
            f"least {terms.up_at_least} of its channels are good; it is down from the onset of "
            f"{terms.consecutive} consecutive bad cells, and up again from the onset of "
            f"{terms.consecutive} consecutive good ones (RFC 4805, MEF 10). Unknown cells do not "
            "count; as many of them in a row are unmeasured."
        )
    return notes
