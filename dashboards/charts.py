"""What a chart shows, in words, in a table and as points for the script: from `sla.Series` only."""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

import numpy as np
import orjson
from markupsafe import Markup

from dashboards.phrases import local, quantity
from processors.observations import Float64
from sla.answers import Series, or_none

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

    @property
    def body(self) -> Markup:
        """The rows of the table as they stand on the page.

        Five charts have 800 cells: as loops of the template they took 2 ms of a page's 30.
        """
        return Markup("".join(map(_row, self.rows)))  # noqa: S704  (_row escapes every cell)


def _row(cells: Sequence[str]) -> str:
    first, *others = map(escape, cells)
    numbers = "".join([f'<td class="number">{cell}</td>' for cell in others])
    return f'<tr><th scope="row">{first}</th>{numbers}</tr>'


def step_for(start_s: int, end_s: int, grid_seconds: int, points: int) -> int:
    """Return the smallest step, not below a minute or the grid, that needs at most `points`."""
    for step in STEPS_SECONDS:
        if step % max(grid_seconds, 60) == 0 and (end_s - start_s) <= points * step:
            return step
    return STEPS_SECONDS[-1]


def chart(series: Series, twin: Series, title: str, meaning: str, zone: str, now_s: int) -> Chart:
    """Return a chart of `series`; `twin` is the same range at a step that makes a short table."""
    return Chart(
        series.metric,
        title,
        meaning,
        _summary(series),
        _points(series, zone),
        ("from", *(line.channel for line in twin.lines)),
        _rows(twin, lambda second: local(second, zone, now_s)),
        twin.step_seconds,
        any(measured(line.middle).size for line in series.lines),
    )


def measured(values: Float64) -> Float64:
    """Return the values that there are."""
    return values[~np.isnan(values)]


def _summary(series: Series) -> str:
    """Say the last value, the span of values and the contract's line."""
    last = [
        (float(values[-1]), line.channel)
        for line in series.lines
        if len(values := measured(line.middle))
    ]
    if not last:
        return "Not measured in this range."
    newest, channel = max(last)
    among = "" if len(series.lines) == 1 else f" on {channel}, the highest channel"
    low = min(float(measured(line.low).min(initial=np.inf)) for line in series.lines)
    high = max(float(measured(line.high).max(initial=-np.inf)) for line in series.lines)
    text = (
        f"Last {quantity(newest, series.unit)}{among}; "
        f"{quantity(low, series.unit)} to {quantity(high, series.unit)} in this range."
    )
    if series.limit is not None:
        text += f" Contract: {series.limit_label or quantity(series.limit, series.unit)}."
    return text


def _points(series: Series, zone: str) -> str:
    """Return what the script draws: shared time axis, a line a channel, one band over all."""
    none = np.full(len(series.starts_s), np.nan)
    low, high = (
        functools.reduce(least, of, none)
        for least, of in (
            (np.fmin, [line.low for line in series.lines]),
            (np.fmax, [line.high for line in series.lines]),
        )
    )
    points = {
        "metric": series.metric,
        "unit": series.unit,
        "zone": zone,
        "step": series.step_seconds,
        "limit": series.limit,
        "limitLabel": series.limit_label,
        "starts": list(series.starts_s),
        "lines": [
            {"name": line.channel, "values": np.ascontiguousarray(line.middle)}
            for line in series.lines
        ],
        "low": low,
        "high": high,
    }
    # Arrays as they are, NaN as null: the standard library took 1.3 ms for each of five charts.
    return orjson.dumps(points, option=orjson.OPT_SERIALIZE_NUMPY).decode()


def _rows(twin: Series, when: Callable[[int], str]) -> tuple[tuple[str, ...], ...]:
    columns = [[quantity(value, twin.unit) for value in or_none(line.middle)]
               for line in twin.lines]  # fmt: skip
    return tuple(zip(map(when, twin.starts_s), *columns, strict=True))


_LABEL: Final = 72
_WIDTH: Final = 1000
_PITCH: Final = 22
_HEIGHT: Final = 14


def bgp_lane(series: Series, start_s: int, end_s: int) -> str:
    """Return the BGP state of each channel as inline SVG, on the tape's scale.

    A grey line: established throughout the step; a vermilion block: as high as the share of the
    step in which it was not; dots: not measured.
    """
    height = len(series.lines) * _PITCH + 4
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="tape lane" role="img" '
        f'aria-label="{escape(bgp_summary(series))}" viewBox="0 0 {_LABEL + _WIDTH + 4} {height}" '
        f'width="{_LABEL + _WIDTH + 4}" height="{height}" font-size="11">'
    ]
    scale = _WIDTH / max(end_s - start_s, 1)
    for row, line in enumerate(series.lines):
        top, name = 4 + row * _PITCH, line.channel
        short = name if len(name) <= 10 else name[:9] + "…"
        parts.append(
            f'<text class="tape-label" x="0" y="{top + 11}" fill="#444">{escape(short)}</text>'
        )
        for first, last, share in _share_runs(line.middle, series.starts_s):
            left = _LABEL + max(first - start_s, 0) * scale
            right = _LABEL + (min(last, end_s) - start_s) * scale
            parts.append(_share_mark(left, max(right - left, 0.0), top, share))
    parts.append("</svg>")
    return "".join(parts)


def _share_runs(shares: Float64, starts_s: range) -> list[tuple[int, int, float | None]]:
    """Join steps of one share: a healthy month is one mark."""
    known = np.where(np.isnan(shares), -1, shares)
    begins = np.flatnonzero(np.diff(known, prepend=-2))
    ends = [*begins[1:].tolist(), len(shares)]
    step = starts_s.step
    return [
        (starts_s[first], starts_s[first] + (end - first) * step, share)
        for first, end, share in zip(begins.tolist(), ends, or_none(shares[begins]), strict=True)
    ]


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
    known = [(line.channel, measured(line.middle)) for line in series.lines]
    if not any(len(values) for _, values in known):
        return "BGP was not measured in this range."
    broken = [name for name, values in known if values.min(initial=1) < 1]
    if not broken:
        return "BGP was established on every channel wherever it was measured."
    return f"BGP was not established all the time on {', '.join(broken)}."
