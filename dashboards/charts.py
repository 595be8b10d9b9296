"""What a chart shows, in words, in a table and as points for the script: from `sla.Series` only."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

from dashboards.phrases import local, quantity
from sla.answers import Series, SeriesPoint

STEPS_SECONDS: Final = (60, 300, 900, 1800, 3600, 7200, 14_400, 21_600, 43_200, 86_400, 7 * 86_400)
POINTS_MAX: Final = 400  # a point every 2.5 px of 1,000: more cannot be seen
ROWS_MAX: Final = 32  # the table twin: a month by day

METRICS: Final = (
    ("latency", "Latency", "median; band p5 to p95"),
    ("jitter", "Jitter", "mean; band minimum to maximum"),
    ("loss", "Loss", "mean; band minimum to maximum"),
    ("throughput_rx", "Throughput, received", "mean; band minimum to maximum"),
    ("throughput_tx", "Throughput, sent", "mean; band minimum to maximum"),
)


@dataclass(frozen=True, slots=True)
class Chart:
    """One chart: title, what the line means, its sentence, points as JSON, and the table twin."""

    metric: str
    title: str
    meaning: str
    summary: str
    points: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    step_seconds: int
    measured: bool


def step_for(start_s: int, end_s: int, grid_seconds: int, points: int) -> int:
    """Return the smallest step, not below a minute or the grid, that needs at most `points`."""
    for step in STEPS_SECONDS:
        if step % max(grid_seconds, 60) == 0 and (end_s - start_s) <= points * step:
            return step
    return STEPS_SECONDS[-1]


def chart(series: Series, twin: Series, title: str, meaning: str, zone: str, now_s: int) -> Chart:
    """Return a chart of `series`; `twin` is the same range at a step that makes a short table."""
    measured = any(p.middle is not None for _, points in series.channels for p in points)
    return Chart(
        series.metric,
        title,
        meaning,
        _summary(series),
        _points(series, zone),
        ("from", *(name for name, _ in twin.channels)),
        _rows(twin, lambda second: local(second, zone, now_s)),
        twin.step_seconds,
        measured,
    )


def _summary(series: Series) -> str:
    """Say the last value, the span of values and the contract's line."""
    last: tuple[float, str] | None = None
    lows: list[float] = []
    highs: list[float] = []
    for name, points in series.channels:
        values = [p for p in points if p.middle is not None]
        lows += [p.low if p.low is not None else p.middle for p in values if p.middle is not None]
        highs += [
            p.high if p.high is not None else p.middle for p in values if p.middle is not None
        ]
        if values and values[-1].middle is not None:
            newest = (values[-1].middle, name)
            last = newest if last is None else max(last, newest)
    if last is None:
        return "Not measured in this range."
    among = "" if len(series.channels) == 1 else f" on {last[1]}, the highest channel"
    text = (
        f"Last {quantity(last[0], series.unit)}{among}; "
        f"{quantity(min(lows), series.unit)} to {quantity(max(highs), series.unit)} in this range."
    )
    if series.limit is not None:
        text += f" Contract: {series.limit_label or quantity(series.limit, series.unit)}."
    return text


def _points(series: Series, zone: str) -> str:
    """Return what the script draws: shared time axis, a line a channel, one band over all."""
    lines = [
        {"name": name, "values": [p.middle for p in points]} for name, points in series.channels
    ]
    steps = list(zip(*(points for _, points in series.channels), strict=True))
    lows = ([p.low for p in step if p.low is not None] for step in steps)
    highs = ([p.high for p in step if p.high is not None] for step in steps)
    return json.dumps(
        {
            "metric": series.metric,
            "unit": series.unit,
            "zone": zone,
            "step": series.step_seconds,
            "limit": series.limit,
            "limitLabel": series.limit_label,
            "starts": [step[0].start_s for step in steps],
            "lines": lines,
            "low": [min(low, default=None) for low in lows],
            "high": [max(high, default=None) for high in highs],
        }
    )


def _rows(twin: Series, when: Callable[[int], str]) -> tuple[tuple[str, ...], ...]:
    return tuple(
        (when(step[0].start_s), *(quantity(p.middle, twin.unit) for p in step))
        for step in zip(*(points for _, points in twin.channels), strict=True)
    )


_LABEL: Final = 72
_WIDTH: Final = 1000
_PITCH: Final = 22
_HEIGHT: Final = 14


def bgp_lane(series: Series, start_s: int, end_s: int) -> str:
    """Return the BGP state of each channel as inline SVG, on the tape's scale.

    A grey line: established throughout the step; a vermilion block: as high as the share of the
    step in which it was not; dots: not measured.
    """
    height = len(series.channels) * _PITCH + 4
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="tape lane" role="img" '
        f'aria-label="{escape(bgp_summary(series))}" viewBox="0 0 {_LABEL + _WIDTH + 4} {height}" '
        f'width="{_LABEL + _WIDTH + 4}" height="{height}" font-size="11">'
    ]
    scale = _WIDTH / max(end_s - start_s, 1)
    for row, (name, points) in enumerate(series.channels):
        top = 4 + row * _PITCH
        short = name if len(name) <= 10 else name[:9] + "…"
        parts.append(
            f'<text class="tape-label" x="0" y="{top + 11}" fill="#444">{escape(short)}</text>'
        )
        for first, last, share in _share_runs(points, series.step_seconds):
            left = _LABEL + max(first - start_s, 0) * scale
            right = _LABEL + (min(last, end_s) - start_s) * scale
            parts.append(_share_mark(left, max(right - left, 0.0), top, share))
    parts.append("</svg>")
    return "".join(parts)


def _share_runs(
    points: Sequence[SeriesPoint], step_seconds: int
) -> list[tuple[int, int, float | None]]:
    """Join steps of one share: a healthy month is one mark."""
    runs: list[tuple[int, int, float | None]] = []
    for p in points:
        end = p.start_s + step_seconds
        if runs and runs[-1][2] == p.middle and runs[-1][1] == p.start_s:
            runs[-1] = (runs[-1][0], end, p.middle)
        else:
            runs.append((p.start_s, end, p.middle))
    return runs


def _share_mark(left: float, width: float, top: int, share: float | None) -> str:
    middle = top + _HEIGHT / 2
    at = f'x="{left:.2f}" width="{max(width, 2.0 if share not in (None, 1.0) else width):.2f}"'
    if share is None:
        return (
            f'<rect class="tape-unmeasured" {at} y="{top}" height="{_HEIGHT}" fill="none" '
            'stroke="#5F6368" stroke-width="0.75" stroke-dasharray="1.5 1.5"/>'
        )
    if share >= 1:
        return f'<rect class="tape-up" {at} y="{middle - 1}" height="2" fill="#9AA0A6"/>'
    tall = max((1 - share) * _HEIGHT, 6)  # 4 px in 14 are easily missed
    return (
        f'<rect class="tape-down" {at} y="{middle - tall / 2:.1f}" height="{tall:.1f}" '
        'fill="#D1410C"/>'
    )


def bgp_summary(series: Series) -> str:
    """Say in which channels BGP was not established throughout."""
    known = [
        (n, [p.middle for p in points if p.middle is not None]) for n, points in series.channels
    ]
    if not any(values for _, values in known):
        return "BGP was not measured in this range."
    broken = [name for name, values in known if values and min(values) < 1]
    if not broken:
        return "BGP was established on every channel wherever it was measured."
    return f"BGP was not established all the time on {', '.join(broken)}."
