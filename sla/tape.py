"""The availability tape: one row for the circuit, one for each channel, time to the right.

The same inline SVG stands on the page and in the PDF, so it carries everything it needs:
presentation attributes and class names, no style, no script, no font of its own. A style sheet may
restyle it by class (`tape-up`, `tape-down`, …), because CSS wins over presentation attributes.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from html import escape
from itertools import groupby, pairwise
from typing import Final
from zoneinfo import ZoneInfo

from linksla.clock import utc
from sla.answers import Bucket, Tape
from sla.words import duration

LABEL_WIDTH: Final = 72
"""Pixels left of the time area, where the rows' names stand."""

_ROW_HEIGHT: Final = 14
_ROW_PITCH: Final = 22  # 8 px above each row: room for the count of outages on one pixel
_TOP: Final = 10
_AXIS_HEIGHT: Final = 20
_RIGHT: Final = 4
_DOWN_PIXELS_MIN: Final = 2.0  # an outage of a second in a month is 0.0004 px wide; it must be seen
_OTHER_PIXELS_MIN: Final = 1.0
_LABEL_CHARACTERS: Final = 10  # what 72 px hold at 11 px; the whole name is in the row's title
_DAY_SECONDS: Final = 86_400
_FONT: Final = "Inter, system-ui, sans-serif"

_STATE_BUCKET: Final = {"good": Bucket.UP, "bad": Bucket.DOWN, "unknown": Bucket.UNMEASURED}
_PAINT_ORDER: Final = (Bucket.UP, Bucket.UNMEASURED, Bucket.EXCLUDED, Bucket.DOWN)
_WORDS: Final = {
    Bucket.UP: "up",
    Bucket.DOWN: "down",
    Bucket.EXCLUDED: "excluded",
    Bucket.UNMEASURED: "unmeasured",
}


@dataclass(frozen=True, slots=True)
class _Run:
    start_s: int
    end_s: int
    bucket: Bucket
    provisional: bool
    event: int  # runs of down with no up between them are one outage and share this number


@dataclass(frozen=True, slots=True)
class _Mark:
    """What is drawn: one run, or several that fall on the same pixels."""

    left: float
    right: float
    runs: tuple[_Run, ...]

    @property
    def seconds(self) -> int:
        return sum(run.end_s - run.start_s for run in self.runs)

    @property
    def events(self) -> int:
        return len({run.event for run in self.runs})


@dataclass(frozen=True, slots=True)
class _Scale:
    """Seconds to pixels, and seconds to words, of one drawing."""

    start_s: int
    end_s: int
    width: int
    zone: ZoneInfo

    def x(self, second: int) -> float:
        span = max(self.end_s - self.start_s, 1)
        return LABEL_WIDTH + (second - self.start_s) * self.width / span

    def local(self, second: int) -> str:
        return local_words(second, self.zone)


def render_tape(
    tape: Tape,
    *,
    width: int = 1000,
    timezone: str,
    month_ticks: bool = True,
    contractual: bool = True,
    id_suffix: str | None = None,
    font_family: str = _FONT,
) -> str:
    """Return a tape as one self-contained `<svg>` element.

    `width` is of the time area in pixels (LABEL_WIDTH stands left of it); the element carries
    `data-start`, `data-end` (epoch seconds), `data-left` and `data-width` (pixels), and each mark
    `data-start` and `data-end`, for scripts that zoom or walk. `timezone` is an IANA name: ticks
    and titles are local. `month_ticks` draws the axis below. `contractual` False shows the circuit
    as experienced, with nothing excluded. `id_suffix` makes pattern ids unique in a page that
    shows the same range twice; without it, it is a hash of circuit, range and view.

    Raises:
        ZoneInfoNotFoundError: the zone is unknown.
    """
    scale = _Scale(tape.start_s, tape.end_s, width, ZoneInfo(timezone))
    rows = _rows(tape, contractual)
    suffix = id_suffix or _hash(tape, contractual)
    bottom = _TOP + len(rows) * _ROW_PITCH
    height = bottom + (_AXIS_HEIGHT if month_ticks else 0)
    total = LABEL_WIDTH + width + _RIGHT
    label = escape(describe_tape(tape, timezone, contractual=contractual))
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="tape" role="img" aria-label="{label}" '
        f'viewBox="0 0 {total} {height}" width="{total}" height="{height}" '
        f'data-start="{tape.start_s}" data-end="{tape.end_s}" data-left="{LABEL_WIDTH}" '
        f'data-width="{width}" font-family="{escape(font_family)}" font-size="11">',
        _patterns(suffix),
    ]
    if month_ticks:
        parts += _axis(scale, bottom)
    for index, (name, runs) in enumerate(rows):
        parts += _row(scale, name, runs, _TOP + index * _ROW_PITCH, suffix)
    parts += _provisional_line(tape, scale, bottom)
    parts.append("</svg>")
    return "".join(parts)


def describe_tape(tape: Tape, timezone: str, *, contractual: bool = True) -> str:
    """Return in one sentence what a tape shows, for those who do not see it."""
    zone = ZoneInfo(timezone)
    runs = _rows(tape, contractual)[0][1]
    seconds = {b: sum(run.end_s - run.start_s for run in runs if run.bucket is b) for b in Bucket}
    if seconds[Bucket.UNMEASURED] == sum(seconds.values()):
        told = [_not_measured(tape, zone)]
    else:
        outages = len({run.event for run in runs if run.bucket is Bucket.DOWN})
        told = [f"{outages or 'no'} outage{'' if outages == 1 else 's'}"]
        if runs[0].start_s > tape.start_s:
            told.append(f"begins {local_words(runs[0].start_s, zone)}")
    for bucket in (Bucket.DOWN, Bucket.EXCLUDED, Bucket.UNMEASURED):
        if seconds[bucket]:
            note = _how_provisional(runs, bucket, seconds[bucket])
            told.append(f"{duration(seconds[bucket])} {_WORDS[bucket]}{note}")
    if runs and tape.end_s > tape.complete_up_to_s:
        told.append(f"complete up to {local_words(tape.complete_up_to_s, zone)}")
    return (
        f"{_clean(tape.circuit_id)} from {local_words(tape.start_s, zone)} "
        f"to {local_words(tape.end_s, zone)}: {', '.join(told)}."
    )


def _how_provisional(runs: Sequence[_Run], bucket: Bucket, seconds: int) -> str:
    """Return how much of a bucket may still change and is in no sum yet; "": nothing of it."""
    open_s = sum(r.end_s - r.start_s for r in runs if r.bucket is bucket and r.provisional)
    part = "" if open_s == seconds else f"{duration(open_s)} of it "
    return f" ({part}provisional)" if open_s else ""


def elsewhere(tape: Tape) -> tuple[int, int] | None:
    """Return a range as long as the tape's where something was measured, if in it nothing was.

    The first there is where the tape lies before it, the last where it lies after; None where it
    lies between.
    """
    if any(run.as_experienced is not Bucket.UNMEASURED for run in tape.circuit):
        return None
    length, measured = tape.end_s - tape.start_s, tape.measured
    if measured is None:
        return None
    if tape.end_s <= measured.start_s:
        return measured.start_s, measured.start_s + length
    if tape.start_s >= measured.end_s:
        return measured.end_s - length, measured.end_s
    return None


def _not_measured(tape: Tape, zone: ZoneInfo) -> str:
    measured = tape.measured
    if measured is None:
        return "nothing was measured, then or at any other time so far"
    if tape.end_s <= measured.start_s:
        return f"nothing was measured; there is data from {local_words(measured.start_s, zone)} on"
    if tape.start_s >= measured.end_s:
        return f"nothing was measured; there is data up to {local_words(measured.end_s, zone)}"
    return "nothing was measured"


def local_words(second: int, zone: ZoneInfo) -> str:
    """Return an instant in local time with its zone: `9 Oct 2025 03:11:00 MDT`."""
    moment = utc(second).astimezone(zone)
    return f"{moment.day} {moment:%b %Y %H:%M:%S %Z}"


def _rows(tape: Tape, contractual: bool) -> list[tuple[str, list[_Run]]]:
    """Return the circuit's row, then the channels' in natural order (ch2 before ch10)."""
    circuit = [
        (run.start_s, run.end_s, run.bucket if contractual else run.as_experienced)
        for run in tape.circuit
    ]
    rows = [("circuit", _runs(tape, circuit))]
    by_name = sorted(tape.channels, key=lambda run: (_natural(run.channel), run.start_s))
    for name, runs in groupby(by_name, key=lambda run: run.channel):
        states = [(run.start_s, run.end_s, _STATE_BUCKET[run.state]) for run in runs]
        rows.append((name, _runs(tape, states)))
    return rows


def _runs(tape: Tape, states: Iterable[tuple[int, int, Bucket]]) -> list[_Run]:
    """Cut to the tape's range and at the provisional edge; number the outages."""
    runs: list[_Run] = []
    event, edge = 0, tape.provisional_from_s
    for start, end, bucket in sorted(states, key=lambda state: state[0]):
        if bucket is Bucket.UP:
            event += 1
        low, high = max(start, tape.start_s), min(end, tape.end_s)
        cuts = (low, edge, high) if low < edge < high else (low, high)
        for lo, hi in pairwise(cuts):
            if lo < hi:
                runs.append(_Run(lo, hi, bucket, lo >= edge, event))
    return runs


def _marks(scale: _Scale, runs: Iterable[_Run]) -> Iterator[_Mark]:
    """Give each run its pixels; those that would be drawn on each other become one mark."""
    joined: list[_Run] = []
    start = stop = 0.0
    for run in runs:
        left, right = _pixels(scale, run)
        if joined and left < stop:
            joined.append(run)
            stop = max(stop, right)
            continue
        if joined:
            yield _Mark(start, stop, tuple(joined))
        joined, start, stop = [run], left, right
    if joined:
        yield _Mark(start, stop, tuple(joined))


def _pixels(scale: _Scale, run: _Run) -> tuple[float, float]:
    least = _DOWN_PIXELS_MIN if run.bucket is Bucket.DOWN else _OTHER_PIXELS_MIN
    left, right = scale.x(run.start_s), scale.x(run.end_s)
    if right - left < least:
        middle = (left + right) / 2
        left = min(max(middle - least / 2, LABEL_WIDTH), LABEL_WIDTH + scale.width - least)
        right = left + least
    return left, right


def _row(scale: _Scale, name: str, runs: list[_Run], top: int, suffix: str) -> list[str]:
    clean = _clean(name)
    short = clean if len(clean) <= _LABEL_CHARACTERS else clean[: _LABEL_CHARACTERS - 1] + "…"
    parts = [
        f'<g class="tape-row"><text class="tape-label" x="0" y="{top + 11}" fill="#444">'
        f"<title>{escape(clean)}</title>{escape(short)}</text>"
    ]
    for bucket in _PAINT_ORDER:
        for provisional in (False, True):
            chosen = [r for r in runs if r.bucket is bucket and r.provisional is provisional]
            for mark in _marks(scale, chosen):
                parts.append(_draw(scale, mark, top, suffix))
    parts.append("</g>")
    return parts


def _draw(scale: _Scale, mark: _Mark, top: int, suffix: str) -> str:
    first, last = mark.runs[0], mark.runs[-1]
    width, middle = mark.right - mark.left, top + _ROW_HEIGHT / 2
    size = _ROW_HEIGHT / 2 if first.provisional else _ROW_HEIGHT
    name = f"tape-{first.bucket}" + (" tape-provisional" if first.provisional else "")
    head = (
        f'class="{name}" x="{mark.left:.2f}" width="{width:.2f}" '
        f'data-start="{first.start_s}" data-end="{last.end_s}"'
    )
    title = f"<title>{escape(_title(scale, mark))}</title>"
    if first.bucket is Bucket.UP:  # a line, drawn as a thin bar so that it can have a title
        thick = 1 if first.provisional else 2
        box = f'y="{middle - thick / 2:.1f}" height="{thick}" fill="#9AA0A6"'
        return f"<rect {head} {box}>{title}</rect>"
    box = f'y="{middle - size / 2:.1f}" height="{size:.0f}"'
    if first.bucket is Bucket.DOWN:
        return f'<rect {head} {box} fill="#D1410C">{title}</rect>' + _count(mark, top)
    if first.bucket is Bucket.EXCLUDED:
        fill = f'fill="url(#tape-hatch-{suffix})" stroke="#5B7083" stroke-width="0.5"'
        return f"<rect {head} {box} {fill}>{title}</rect>"
    fill = f'fill="url(#tape-dots-{suffix})" stroke="#5F6368" stroke-width="0.75"'
    return f'<rect {head} {box} {fill} stroke-dasharray="1.5 1.5">{title}</rect>'


def _title(scale: _Scale, mark: _Mark) -> str:
    first, last = mark.runs[0], mark.runs[-1]
    word = _WORDS[first.bucket]
    when = f"{scale.local(first.start_s)} to {scale.local(last.end_s)}"
    note = " (provisional)" if first.provisional else ""
    if first.bucket is Bucket.DOWN and mark.events > 1:
        return f"{mark.events} outages, {when}, {duration(mark.seconds)} down in all{note}"
    return f"{word}{note}, {when}, {duration(mark.seconds)}"


def _count(mark: _Mark, top: int) -> str:
    if mark.events < 2:
        return ""
    middle = (mark.left + mark.right) / 2
    return (
        f'<text class="tape-count" x="{middle:.2f}" y="{top - 1}" font-size="8" '
        f'text-anchor="middle" fill="#D1410C">{mark.events}</text>'
    )


def _patterns(suffix: str) -> str:
    return (
        f'<defs><pattern id="tape-hatch-{suffix}" width="5" height="5" '
        'patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
        '<rect width="1.75" height="5" fill="#5B7083"/></pattern>'
        f'<pattern id="tape-dots-{suffix}" width="4" height="4" patternUnits="userSpaceOnUse">'
        '<rect x="1.5" y="1.5" width="1" height="1" fill="#5F6368"/></pattern></defs>'
    )


def _provisional_line(tape: Tape, scale: _Scale, bottom: int) -> list[str]:
    if not tape.start_s < tape.provisional_from_s < tape.end_s:
        return []
    x = scale.x(tape.provisional_from_s)
    return [
        f'<line class="tape-edge" x1="{x:.2f}" x2="{x:.2f}" y1="{_TOP - 4}" y2="{bottom}" '
        'stroke="#5F6368" stroke-width="0.75" stroke-dasharray="2 2">'
        f"<title>complete up to {escape(scale.local(tape.provisional_from_s))}</title></line>"
    ]


def _axis(scale: _Scale, bottom: int) -> list[str]:
    parts = ['<g class="tape-axis">']
    room = LABEL_WIDTH - 1.0
    for second, text in _ticks(scale):
        x = scale.x(second)
        parts.append(
            f'<line class="tape-tick" x1="{x:.2f}" x2="{x:.2f}" y1="{_TOP - 2}" y2="{bottom}" '
            'stroke="#E3E5E8" stroke-width="0.75"/>'
        )
        needed = 5.5 * len(text) + 4  # 5.5 px a figure at 10 px; a label never touches the next
        if x >= room and x + needed <= LABEL_WIDTH + scale.width + _RIGHT:
            parts.append(
                f'<text class="tape-tick-label" x="{x + 2:.2f}" y="{bottom + 10}" font-size="10" '
                f'fill="#5F6368">{escape(text)}</text>'
            )
            room = x + needed
    parts.append("</g>")
    return parts


def _ticks(scale: _Scale) -> Iterator[tuple[int, str]]:
    """Return local midnights (hours where the range is short, months where it is long)."""
    length = scale.end_s - scale.start_s
    if length <= 2 * _DAY_SECONDS:
        yield from _clock_ticks(scale, _clock_step_minutes(length))
        return
    long, first = length > 100 * _DAY_SECONDS, True
    day: date = utc(scale.start_s).astimezone(scale.zone).date()
    while True:
        second = int(datetime(day.year, day.month, day.day, tzinfo=scale.zone).timestamp())
        if second > scale.end_s:
            return
        if second >= scale.start_s and (day.day == 1 or not long):
            named = f"{day:%b %Y}" if long else f"{day.day} {day:%b}"
            yield second, named if first or long or day.day == 1 else str(day.day)
            first = False
        day += timedelta(days=1)


def _clock_step_minutes(length: int) -> int:
    return next((m for m in (1, 5, 15, 60, 180) if length <= m * 60 * 24), 180)


def _clock_ticks(scale: _Scale, step_minutes: int) -> Iterator[tuple[int, str]]:
    grain = min(step_minutes, 15) * 60  # every zone's offset is a multiple of 15 minutes
    for second in range(-(-scale.start_s // grain) * grain, scale.end_s + 1, grain):
        moment = utc(second).astimezone(scale.zone)
        if (moment.hour * 60 + moment.minute) % step_minutes == 0:
            yield second, f"{moment:%H:%M}"


def _hash(tape: Tape, contractual: bool) -> str:
    text = f"{tape.circuit_id}\n{tape.start_s}\n{tape.end_s}\n{contractual}"
    return hashlib.sha256(text.encode()).hexdigest()[:10]


def _natural(name: str) -> list[tuple[int, str]]:
    pieces = re.findall(r"[0-9]+|[^0-9]+", name)
    return [(int(p), "") if p.isdecimal() else (-1, p) for p in pieces]


def _clean(text: str) -> str:
    """XML 1.0 has no control characters at all, escaped or not."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
