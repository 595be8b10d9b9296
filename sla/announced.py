"""Maintenance as it was announced: which seconds of a window had been announced when. Pure.

A second keeps the instant of the first revision that covered it, on the same circuit, channel or
site; seconds that a later revision adds have its later instant. A withdrawal ends that: what is
announced after it is announced anew.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from linksla.announcements import BadAnnouncement, fit, read_json
from linksla.clock import MICROSECONDS
from sla.maintenance import MaintenanceWindow, fault


@dataclass(frozen=True, slots=True)
class Revision:
    """One word on a window; `window` None withdraws it. `number`: the order of hearing."""

    number: int
    announced_at_us: int
    window: MaintenanceWindow | None


@dataclass(frozen=True, slots=True)
class Word:
    """A person's decision on a window, about the revisions up to `revision_number`."""

    revision_number: int
    accepted: bool
    who: str


def read_window(key: str, value: bytes) -> MaintenanceWindow:
    """Return the window a record of `link.maintenance` describes.

    `announced_at` and `approved_by` are the proposer's own word and count for nothing: the instant
    is the record's, and somebody else approves.

    Raises:
        BadAnnouncement: key and value do not fit, or one another.
    """
    plain = read_json(value)
    window = fit({"announced_at": 0, **plain}, MaintenanceWindow)
    if window.id != key:
        raise BadAnnouncement(f"the key names another id than the value, {window.id!r}")
    if "#" in key:
        raise BadAnnouncement("a window's id has no #: it tells parts of a window apart")
    wrong = fault(window, set())
    if wrong:
        raise BadAnnouncement(f"the window {wrong}")
    return replace(window, announced_at=0, approved_by=None, refused_by=None)


def windows_in_force(
    base: Iterable[MaintenanceWindow],
    revisions: Mapping[str, Sequence[Revision]],
    words: Mapping[str, Word],
) -> tuple[MaintenanceWindow, ...]:
    """Return the windows to judge by: the file's, overridden by what was announced, by id.

    `revisions` are in order of announcement. A window whose seconds were announced at several
    instants becomes several parts: `CHG-7`, and `CHG-7#2` of what its second revision added.
    """
    found = []
    for window in base:
        if window.id not in revisions:
            found.append(_decided(window, 0, words.get(window.id)))
    for window_id, history in sorted(revisions.items()):
        for number, part in _parts(history):
            found.append(_decided(part, number, words.get(window_id)))
    return tuple(found)


def _decided(part: MaintenanceWindow, number: int, word: Word | None) -> MaintenanceWindow:
    if word is None or number > word.revision_number:  # nobody has seen these seconds yet
        return part
    if word.accepted:
        return replace(part, approved_by=word.who, refused_by=None)
    return replace(part, refused_by=word.who)


def _parts(history: Sequence[Revision]) -> list[tuple[int, MaintenanceWindow]]:
    current = history[-1].window
    if current is None:
        return []
    open_ranges = [(current.start, current.end)]
    found: list[tuple[int, MaintenanceWindow]] = []
    for ordinal, revision in _since_withdrawn(history):
        window = revision.window
        if window is None or not _announces(window, current):
            continue
        left = []
        pieces = 0
        for start, end in open_ranges:
            lower, upper = max(start, window.start), min(end, window.end)
            if lower >= upper:
                left.append((start, end))
                continue
            pieces += 1
            name = current.id if not found else f"{current.id}#{ordinal}"
            part = replace(
                current,
                id=name if pieces == 1 else f"{name}.{pieces}",
                start=lower,
                end=upper,
                announced_at=-(-revision.announced_at_us // MICROSECONDS),
            )
            found.append((revision.number, part))
            left += [(a, b) for a, b in ((start, lower), (upper, end)) if a < b]
        open_ranges = left
    return found


def _since_withdrawn(history: Sequence[Revision]) -> list[tuple[int, Revision]]:
    numbered = list(enumerate(history, 1))
    withdrawn = [at for at, (_, revision) in enumerate(numbered) if revision.window is None]
    return numbered[withdrawn[-1] + 1 :] if withdrawn else numbered


def _announces(earlier: MaintenanceWindow, current: MaintenanceWindow) -> bool:
    """Return whether who read the earlier revision knew of this kind of window there."""
    same = (earlier.circuit, earlier.channel, earlier.site) == (
        current.circuit, current.channel, current.site,
    )  # fmt: skip
    return same and earlier.exclude_from_sla >= current.exclude_from_sla
