"""An explanation's JSON as text: what a person reads who does not believe the number."""

from collections.abc import Iterator, Sequence
from textwrap import wrap
from typing import Any, Final
from zoneinfo import ZoneInfo

from linksla.clock import parse_instant, utc
from sla.causes import decision_word
from sla.words import why_open

_WIDTH: Final = 110
_VALUES_MAX: Final = 8
_PIECES_MAX: Final = 40


def explained(found: Any, *, sql: bool = False) -> str:
    """Return the whole explanation; `sql`: with the statements' texts and parameters."""
    lines = [
        *_head(found["answer"]),
        *_section("The number"),
        *_steps(found["steps"]),
        *_section("Every second of the period"),
        *_buckets(found),
        *_segments(found),
        *_section("Outages"),
        *_outages(found),
        *_section("Exclusions, accepted and refused"),
        *_exclusions(found),
        *_section("Channels"),
        *_channels(found["channels"]),
        *_ledger(found["ledger"]),
        *_closer(found),
        *_section("Statements that were run: all was computed again for this explanation"),
        *_statements(found["statements"], sql=sql),
    ]
    return "\n".join(line.rstrip() for line in lines)


def _head(answer: Any) -> Iterator[str]:
    zone = answer["timezone"]
    period = answer["period"]
    yield f"{answer['circuit_id']}  {answer['month']}"
    yield answer["sentence"]
    yield ""
    yield f"period          {_both(period['start'], zone)} to"
    yield f"                {_both(period['end'], zone)}: {period['seconds']:,} s"
    is_over = period["end"] == answer["month_end"]
    why = why_open(is_over=is_over, proposals=len(answer["open_proposals"]))
    final = "final" if answer["final"] else f"not final: {why}"
    yield f"complete up to  {_both(answer['complete_up_to'], zone)}; {final}"
    yield f"calculation     version {answer['calculation_version']}"


def _section(title: str) -> Iterator[str]:
    yield ""
    yield title
    yield "-" * len(title)


def _steps(steps: Sequence[Any], indent: str = "") -> Iterator[str]:
    for step in steps:
        yield from _wrapped(step["says"], indent)
        if step["working"]:
            yield from _wrapped(step["working"], indent + "    ")


def _wrapped(text: str, indent: str) -> Iterator[str]:
    yield from wrap(
        text, _WIDTH, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False
    )


def _both(instant: str, zone: str) -> str:
    """Return an instant in the contract's zone, and in UTC."""
    local = utc(parse_instant(instant)).astimezone(ZoneInfo(zone))
    return f"{local:%Y-%m-%d %H:%M:%S} {local.tzname()} ({instant})"


def _buckets(found: Any) -> Iterator[str]:
    yield f"{'':12}{'contractual s':>16}{'as experienced s':>18}"
    for one in found["buckets"]:
        was = one["as_experienced_seconds"]
        yield f"{one['bucket']:12}{one['seconds']:16,}{'-' if was is None else f'{was:,}':>18}"
    total = sum(one["seconds"] for one in found["buckets"])
    yield f"{'period':12}{total:16,}{total:18,}"
    for one in found["buckets"]:
        if one["bucket"] == "up" or not one["pieces"]:
            continue
        yield ""
        yield f"{one['bucket']}: {one['pieces_total']:,} piece(s), {one['seconds']:,} s in all"
        yield from _pieces(one["pieces"])
        yield from _more(one["pieces_total"], min(len(one["pieces"]), _PIECES_MAX), "pieces")
    if found["bad_but_not_down"]:
        yield ""
        yield f"bad but never down: {found['answer']['bad_but_not_down_seconds']:,} s of up"
        yield from _pieces(found["bad_but_not_down"])
        yield from _more(len(found["bad_but_not_down"]), _PIECES_MAX, "pieces")


def _pieces(pieces: Sequence[Any]) -> Iterator[str]:
    for one in pieces[:_PIECES_MAX]:
        yield f"  {one['start']} to {one['end']}  {one['seconds']:>9,} s  {one['why']}"


def _more(total: int, shown: int, what: str) -> Iterator[str]:
    if total > shown:
        yield f"  and {total - shown:,} more {what} (--json has more of them)"


def _segments(found: Any) -> Iterator[str]:
    several = len(found["segments"]) > 1
    for number, one in enumerate(found["segments"], 1):
        contract, part = one["contract"], found["answer"]["segments"][number - 1]
        yield from _section(f"Segment {number}" if several else "The contract")
        yield f"{contract['id']}, version {contract['version']}: {contract['title']}"
        yield from _wrapped(f"source          {contract['source']}", "  ")
        yield f"  in force here   {one['start']} to {one['end']}"
        yield f"  bandwidth       {part['bandwidth_mbps']:,} Mbit/s"
        if part.get("price"):
            yield f"  price           {part['price']} a month"
        for owner in part["owners"]:
            yield f"  owner           {owner['customer_id']}, {owner['start']} to {owner['end']}"
        if several:
            yield f"  share           {part['share']} of the period"
            seconds = ", ".join(f"{name} {count:,}" for name, count in one["seconds"].items())
            yield f"  seconds         {seconds}"
            yield from _steps(one["steps"], "  ")
        yield "  rules"
        for clause in [*one["clauses"], *one.get("commercial", ())]:
            beside = clause["source"].removeprefix(contract["source"]).removeprefix("; ")
            yield from _wrapped(f"- {clause['text']}{beside and f' [{beside}]'}", "    ")
        for objective in one["objectives"]:
            yield from _objective(objective)
    if "credit_steps" in found:
        yield from _section("Credit")
        yield from _steps(found["credit_steps"])


def _objective(objective: Any) -> Iterator[str]:
    yield f"  objective {objective['name']}"
    yield from _wrapped(objective["reason"], "    ")
    yield from _wrapped(f"Measured over {objective['qualifying']}.", "    ")
    for one in objective["channels"]:
        value = "not measured" if one["value"] is None else one["value"]
        yield from _wrapped(
            f"{one['channel']}: {value}; n = {one['observations']:,}"
            + (f", {one['lost']:,} lost" if one["lost"] else "")
            + f"; {one['working']}",
            "      ",
        )


def _outages(found: Any) -> Iterator[str]:
    if not found["outages"]:
        yield "None."
    zone = found["answer"]["timezone"]
    known = f", not over at {_both(found['answer']['complete_up_to'], zone)}"
    for one in found["outages"]:
        ends = known if one["end"] is None else f" to {_both(one['end'], zone)}"
        yield f"{one['id']}  {_both(one['start'], zone)}{ends}"
        within = one["within"]["seconds"]
        yield (
            f"  {within:,} s in this month = down {one['down_seconds']:,} + excluded "
            f"{one['excluded_seconds']:,} + unmeasured {one['unmeasured_seconds']:,}; "
            f"attributed to {one['attribution'] or 'nobody yet'}"
        )
        yield from _wrapped(one["onset"], "  ")
        yield from _wrapped(one["ended"], "  ")
        yield from _channels(one["channels"], "  ")
    if found["outages"]:
        down = sum(one["down_seconds"] for one in found["outages"])
        yield f"down in all {len(found['outages'])}: {down:,} s, the bucket down"


def _exclusions(found: Any) -> Iterator[str]:
    if not found["exclusions"]:
        yield "None announced."
    for one in found["exclusions"]:
        yield f"{one['id']}  {one['scope']}, {one['start']} to {one['end']}: {decision_word(one)}"
        yield from _wrapped(one["reason"], "  ")
        yield f"  took out {one['seconds']:,} s"
        yield from _pieces(one["pieces"])
        yield from _more(len(one["pieces"]), _PIECES_MAX, "pieces")
        for rest in one["rest"]:
            yield f"  not taken out: {rest['seconds']:,} s, {rest['why']}"


def _channels(channels: Sequence[Any], indent: str = "") -> Iterator[str]:
    yield f"{indent}{'channel':14}{'active s':>12}{'good s':>12}{'bad s':>10}{'unknown s':>11}"
    for one in channels:
        yield (
            f"{indent}{one['channel']:14}{one['active_seconds']:12,}{one['good_seconds']:12,}"
            f"{one['bad_seconds']:10,}{one['unknown_seconds']:11,}  {one['why_bad']}"
        )


def _ledger(lines: Sequence[Any]) -> Iterator[str]:
    counts: dict[str, int] = {}
    for one in lines:
        counts[one["kind"]] = counts.get(one["kind"], 0) + one["count"]
    told = ", ".join(f"{count:,} {kind}" for kind, count in sorted(counts.items()))
    yield f"samples of these days in the ledger: {told or 'none late, duplicate or rejected'}"


def _closer(found: Any) -> Iterator[str]:
    closer = found.get("closer")
    if closer is None:
        yield ""
        yield "Samples: name an outage with --outage, or a range with --from and --to."
        return
    yield from _section(f"Closely: {closer['start']} to {closer['end']}")
    needed = found["rule"]["channels_needed"]
    yield f"how channels merge (good ones needed: {needed})"
    for one in closer["moments"]:
        count = one["channels"]
        yield (
            f"  {one['start']} to {one['end']}  {one['seconds']:>8,} s  {count['good']} good, "
            f"{count['bad']} bad, {count['unknown']} unknown of {count['enabled']}: "
            f"{one['state']}; {one['as_experienced']}, counted as {one['bucket']}"
        )
    yield "what each channel said"
    for one in closer["spans"]:
        yield (
            f"  {one['channel']:12} {one['start']} to {one['end']}  {one['seconds']:>8,} s  "
            f"{one['state']:8} {one['evidence']}"
        )
    yield from _more(closer["spans_total"], len(closer["spans"]), "spans")
    yield "samples"
    if not closer["sample_counts"]:
        yield "  none is kept of this time (raw samples are removed after their retention);"
        yield "  the spans above are what was computed from them"
    for one in closer["sample_counts"]:
        yield (
            f"  {one['channel']:12} {one['samples']:,} in partition {one['partition']}, "
            f"offsets {one['first_offset']:,} to {one['last_offset']:,}"
        )
    yield from _samples(closer)


def _samples(closer: Any) -> Iterator[str]:
    if not closer["samples"]:
        return
    yield (
        f"  {'observed at':28}{'channel':12}{'latency µs':>11}{'jitter µs':>10}{'loss ppm':>9}  "
        f"{'BGP':12}{'partition':>9}{'offset':>12}{'index':>6}"
    )
    for one in closer["samples"]:
        values = ["-" if one[name] is None else f"{one[name]:,}"
                  for name in ("latency_us", "jitter_us", "loss_ppm")]  # fmt: skip
        yield (
            f"  {one['observed_at']:28}{one['channel']:12}{values[0]:>11}{values[1]:>10}"
            f"{values[2]:>9}  {one['bgp_state']:12}{one['partition']:>9}{one['offset']:>12,}"
            f"{one['index_in_message']:>6}"
        )
    if closer["next_after"]:
        yield f"  more of them: --after {closer['next_after']}"


def _statements(statements: Sequence[Any], *, sql: bool) -> Iterator[str]:
    for one in statements:
        yield f"{one['name']}: {one['about']}"
        if not sql:
            continue
        if one["parameters"] is None:
            yield "  parameters are left out: they tell of what is not yours to see"
        for name, value in (one["parameters"] or {}).items():
            yield from _wrapped(f"${name} = {_value(value)}", "  ")
        yield ""
        yield from (f"    {line}" for line in one["sql"].splitlines())
        yield ""
    if not sql:
        yield "--sql prints them with their parameters."


def _value(value: Any) -> str:
    if isinstance(value, list) and len(value) > _VALUES_MAX:
        shown = ", ".join(str(one) for one in value[:_VALUES_MAX])
        return f"[{shown}, … {len(value):,} in all]"
    return str(value)
