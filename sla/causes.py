"""Why a month's numbers are not what they were: two of its answers compared. Pure.

An answer holds all that it follows from besides samples: windows, waiting tickets, attributions,
contract versions, bandwidth and period. What differs is the cause; where what was experienced
differs although the period does not, samples came late.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

LATE_DATA: Final = "late data"
HIDDEN: Final = "a maintenance record changed"  # one that is not shown to the customer
_KINDS: Final = {"ticket": "ticket", "outage": "attribution"}  # by the first word of the scope

Answer = Mapping[str, Any]
"""DESIGN 9's body of a month, as `sla.json.to_json` makes it."""


@dataclass(frozen=True, slots=True)
class Cause:
    """One thing that changed; `who` "" where nobody in particular did it."""

    kind: str  # late data, attribution, maintenance, ticket, contract, circuit, time
    what: str
    who: str = ""
    shown: bool = True  # to the customer

    @property
    def told(self) -> str:
        """How it is said to everybody, the customer included."""
        return self.what if self.shown else HIDDEN


def causes(before: Answer, after: Answer) -> tuple[Cause, ...]:
    """Return what made one answer into the other; nothing known: no cause."""
    found = [
        *_attributions(before, after),
        *_windows(before, after),
        *_terms(before, after),
    ]
    old, new = before["period"], after["period"]
    grown = old["start"] == new["start"] and old["end"] < new["end"]
    by_terms = any(cause.kind in ("contract", "circuit") for cause in found)
    if old == new and _measured(before) != _measured(after) and not by_terms:
        found.append(Cause(LATE_DATA, "samples came late"))
    elif grown or (not found and before["final"] != after["final"]):
        found.append(Cause("time", f"complete up to {after['complete_up_to']}"))
    return tuple(found)


def basis(answer: Answer) -> Answer:
    """Return what `causes` looks at of an answer that another one follows: a tenth of it."""
    return {
        "period": answer["period"],
        "final": answer["final"],
        "as_experienced_seconds": answer["as_experienced_seconds"],
        "bad_but_not_down_seconds": answer["bad_but_not_down_seconds"],
        "month_end": answer.get("month_end"),
        "segments": [
            {
                "contract": one["contract"],
                "start": one["start"],
                "target": one.get("target"),
                "bandwidth_mbps": one.get("bandwidth_mbps"),
            }
            for one in answer["segments"]
        ],
        "outages": [
            {"attributions": [{"id": word["id"], "standing": word["standing"]} for word in words]}
            for outage in answer["outages"]
            if (words := _words(outage))
        ],
        "exclusions": answer["exclusions"],
    }


def decision_word(exclusion: Answer) -> str:
    """Return what became of a record: nobody's word yet is not a refusal."""
    if exclusion["accepted"]:
        return "accepted"
    return "not decided" if exclusion.get("open") else "refused"


def _measured(answer: Answer) -> object:
    """Return what no decision changes."""
    return answer["as_experienced_seconds"], answer["bad_but_not_down_seconds"]


def _attributions(before: Answer, after: Answer) -> Iterator[Cause]:
    old, new = (
        {word["id"]: (outage, word) for outage in one["outages"] for word in _words(outage)}
        for one in (before, after)
    )
    for name, (outage, word) in new.items():
        if name in old and old[name][1]["standing"] == word["standing"]:
            continue
        who = word["decided_by"] or word["proposed_by"]
        why = word["decided_reason"] or word["reason"]
        whose = word["attribution"].replace("_", " ")
        yield Cause(
            "attribution",
            f"outage {outage['id']} to {whose}: {word['standing']} by {who}: {why}",
            who,
        )


def _words(outage: Answer) -> Any:
    return outage.get("attributions", ())


def _windows(before: Answer, after: Answer) -> Iterator[Cause]:
    told = {
        word["id"]
        for one in (before, after)
        for outage in one["outages"]
        for word in _words(outage)
    }
    old, new = (
        {one["id"]: one for one in answer["exclusions"] if one["id"] not in told}
        for answer in (before, after)
    )
    for name in sorted(old.keys() | new.keys()):
        was, now = old.get(name), new.get(name)
        one = now or was
        assert one is not None  # noqa: S101 - the name is of one of the two
        kind = _KINDS.get(one["scope"].partition(" ")[0], "maintenance")
        said = _change(was, now)
        if said:
            who = (one.get("decided_by") if now else "") or one.get("proposed_by", "")
            yield Cause(kind, f"{name} ({one['scope']}) {said}", who, one.get("shown", True))


def _change(was: Answer | None, now: Answer | None) -> str:
    if now is None:
        return "withdrawn"
    stands = decision_word(now)
    by = now.get("decided_by") or now.get("proposed_by", "")
    if was is None:
        return f"from {now['start']} to {now['end']} announced by {by or 'somebody'}: {stands}"
    said = []
    still = all(one["reason"].endswith("still waits.") for one in (was, now))
    if was["start"] != now["start"] or (was["end"] != now["end"] and not still):
        said.append(f"moved from {was['start']}/{was['end']} to {now['start']}/{now['end']}")
    decision = [(one["accepted"], one.get("open"), one.get("decided_by")) for one in (was, now)]
    if decision[0] != decision[1]:
        said.append(f"{stands} by {by}" if now.get("decided_by") else stands)
    return " and ".join(said)


def _terms(before: Answer, after: Answer) -> Iterator[Cause]:
    """Yield what changed of contract and circuit; a segment that has only begun is no change."""
    old, new = ([_segment(one) for one in answer["segments"]] for answer in (before, after))
    began = len(new) > len(old) and before["period"] != after["period"]
    if [one[0] for one in new[: len(old)]] != [one[0] for one in old] or (
        len(new) != len(old) and not began
    ):
        yield Cause("contract", "another contract version is in force, or from another instant on")
    elif [one[1] for one in new[: len(old)]] != [one[1] for one in old]:
        yield Cause("contract", "the contract's target or the bandwidth is another")
    if before["period"]["start"] != after["period"]["start"] or (
        before.get("month_end") != after.get("month_end")
    ):
        yield Cause("circuit", "the circuit's active time, owner or zone is another")


def _segment(one: Answer) -> tuple[object, object]:
    return (one["contract"], one["start"]), (one.get("target"), one.get("bandwidth_mbps"))
