"""Line charts as inline SVG: static, coloured by the page's CSS (light, dark, print), read without scripts.

Belongs here: scales, ticks, paths. Does not belong here: what is drawn, and the words around it. Why not a chart library:
its SVG carries fixed colours and one size; here one drawing serves light and dark, and a phone gets its own layout.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import Literal

from markupsafe import Markup, escape

Mark = Literal["line", "dots", "area"]

#: Width of one character relative to the font size, on the safe side of common sans-serif fonts.
CHARACTER = 0.62
FONT = 12
#: Share of a line's dots that the y axis makes room for: a few odd days shall not flatten all others.
USUAL_DOTS = 0.97
#: Longer spans are marked by months.
LONGEST_IN_DAYS = 92
#: A line is not drawn across more than this many days without a value.
LONGEST_BRIDGE = 7
#: Beyond this many points nobody can aim at one, and the tooltips would outweigh the drawing.
MOST_TOOLTIPS = 400


@dataclass(frozen=True)
class Line:
    """One series: `values` beside the chart's `xs` (None: nothing to draw), `tone` the CSS class that colours it."""

    label: str
    values: Sequence[float | None]
    tone: str
    mark: Mark = "line"


@dataclass(frozen=True)
class Chart:
    """Lines over common positions.

    `key` is unique in the page. `x_ticks` are (position, label). `reference` is a level with its label. `shade_from` is
    the position from which the ground is tinted. `tooltips` has one text a position, or none. `unit` follows each number
    of the y axis.
    """

    key: str
    title: str
    description: str
    xs: Sequence[float]
    x_ticks: Sequence[tuple[float, str]]
    lines: Sequence[Line]
    unit: str = ""
    reference: tuple[float, str] | None = None
    shade_from: float | None = None
    tooltips: Sequence[str] = ()


def draw(chart: Chart, width: int, height: int) -> Markup:
    """The chart as an SVG of these design units; it scales with the page."""
    frame = _Frame.around(chart, width, height)
    parts = [
        *_opening(chart, width, height),
        *_grid(chart, frame),
        *(part for line in chart.lines for part in _line(line, chart, frame)),
        *_reference(chart, frame),
        *_end_values(chart, frame),
        *_tooltips(chart, frame),
        "</svg>",
    ]
    return Markup("".join(parts))


def positions(days: Sequence[date]) -> list[float]:
    """Where days lie on an x axis: their ordinals."""
    return [float(day.toordinal()) for day in days]


def date_ticks(days: Sequence[date], most: int) -> list[tuple[float, str]]:
    """At most `most` ticks at natural dates: days, Mondays, month starts, quarters or years, whichever fits first."""
    first, last = days[0], days[-1]
    for step in (1, 2, 7, 14) if (last - first).days < LONGEST_IN_DAYS else ():
        start = first + timedelta(days=-first.weekday() % 7) if step >= 7 else first
        chosen = [start + timedelta(days=offset) for offset in range(0, (last - start).days + 1, step)]
        if 0 < len(chosen) <= most:
            return [(day.toordinal(), f"{day.day} {day:%b}") for day in chosen]
    for months in (1, 2, 3, 6, 12, 24, 60, 120):
        chosen = [day for day in _month_starts(first, last) if _month_number(day) % months == 0]
        if len(chosen) <= most:
            return [(day.toordinal(), _month_label(day, is_first=day == chosen[0])) for day in chosen]
    return []


def nice_ticks(highest: float, most: int = 5, *, is_whole: bool = False) -> list[float]:
    """From 0 in steps of 1, 2, 2.5 or 5 times a power of ten, the last one at or above `highest`; 0 and 1 for nothing. `is_whole`: whole steps only."""
    if highest < 1e-9:
        return [0.0, 1.0]
    magnitude: float = 10.0 ** math.floor(math.log10(highest / most))
    steps = [factor * magnitude for factor in (1, 2, 2.5, 5, 10, 20, 50, 100)]
    step = next(step for step in steps if highest / step <= most and not (is_whole and step % 1))
    return [step * number for number in range(math.ceil(highest / step - 1e-9) + 1)]


def short_number(value: float) -> str:
    """An axis number: `0.5`, `40`, `1,200`, `15k`, `2.5M`."""
    for size, letter in ((1_000_000, "M"), (10_000, "k")):
        if value >= size:
            return f"{value / (1000 if letter == 'k' else size):,.10g}{letter}"
    return f"{value:,.10g}"


def _month_starts(first: date, last: date) -> Iterator[date]:
    day = first if first.day == 1 else _next_month(first)
    while day <= last:
        yield day
        day = _next_month(day)


def _next_month(day: date) -> date:
    return date(day.year + day.month // 12, day.month % 12 + 1, 1)


def _month_number(day: date) -> int:
    return day.year * 12 + day.month - 1


def _month_label(day: date, *, is_first: bool) -> str:
    return f"{day:%b %Y}" if is_first or day.month == 1 else f"{day:%b}"


@dataclass(frozen=True)
class _Frame:
    """The plotting area and its scales."""

    left: float
    right: float
    top: float
    bottom: float
    x_low: float
    x_high: float
    y_ticks: Sequence[float]

    @classmethod
    def around(cls, chart: Chart, width: int, height: int) -> _Frame:
        y_ticks = nice_ticks(_highest(chart), is_whole=_is_of_counts(chart))
        widest = max(len(short_number(tick) + chart.unit) for tick in y_ticks)
        end_width = max((len(text) for _, text, _ in _ends(chart)), default=0)
        return cls(
            left=widest * FONT * CHARACTER + 8,
            right=width - (end_width * FONT * CHARACTER + 10 if end_width else 8),
            top=12,
            bottom=height - 24,
            x_low=min(chart.xs),
            x_high=max(chart.xs),
            y_ticks=y_ticks,
        )

    def x(self, position: float) -> float:
        reach = self.x_high - self.x_low
        share = (position - self.x_low) / reach if reach else 0.5
        return self.left + share * (self.right - self.left)

    def y(self, value: float) -> float:
        """The height of a value; what lies above the scale lies on its edge."""
        return self.bottom - min(value / self.y_ticks[-1], 1.0) * (self.bottom - self.top)


def above_the_scale(chart: Chart) -> tuple[int, float]:
    """How many dots lie above the y axis, and are drawn on its upper edge; and where that is."""
    top = nice_ticks(_highest(chart), is_whole=_is_of_counts(chart))[-1]
    return sum(value is not None and value > top for line in chart.lines if line.mark == "dots" for value in line.values), top


def _is_of_counts(chart: Chart) -> bool:
    """Half a case is nothing: counts have whole ticks."""
    return not chart.unit and all(value is None or isinstance(value, int) for line in chart.lines for value in line.values)


def _highest(chart: Chart) -> float:
    """What the y axis reaches to: every line and the reference, and nearly all of the dots."""
    levels = [chart.reference[0]] if chart.reference else []
    for line in chart.lines:
        drawn = sorted(value for value in line.values if value is not None)
        levels += drawn[: math.ceil(len(drawn) * USUAL_DOTS)][-1:] if line.mark == "dots" else drawn[-1:]
    return max(levels, default=0.0)


def _opening(chart: Chart, width: int, height: int) -> Iterator[str]:
    yield (
        f'<svg class="chart" viewBox="0 0 {width} {height}" role="img" xmlns="http://www.w3.org/2000/svg"'
        f' aria-labelledby="{escape(chart.key)}-title {escape(chart.key)}-desc">'
        f'<title id="{escape(chart.key)}-title">{escape(chart.title)}</title>'
        f'<desc id="{escape(chart.key)}-desc">{escape(chart.description)}</desc>'
    )


def _grid(chart: Chart, frame: _Frame) -> Iterator[str]:
    if chart.shade_from is not None:
        x = frame.x(chart.shade_from)
        yield (
            f'<rect class="shade" x="{x:.1f}" y="{frame.top}" width="{frame.right - x:.1f}"'
            f' height="{frame.bottom - frame.top:.1f}"/>'
        )
    for tick in frame.y_ticks:
        y = frame.y(tick)
        css = "base" if tick == 0 else "grid"
        yield f'<path class="{css}" d="M{frame.left:.1f},{y:.1f}H{frame.right:.1f}"/>'
        number = escape(short_number(tick) + chart.unit)
        yield f'<text class="tick" x="{frame.left - 6:.1f}" y="{y + 4:.1f}" text-anchor="end">{number}</text>'
    for position, label in chart.x_ticks:
        x = frame.x(position)
        half = len(label) * FONT * CHARACTER / 2
        # A label at the edge is pushed inside rather than cut off.
        middle = min(max(x, half), frame.right + 8 - half) if frame.right - frame.left > 2 * half else x
        yield f'<path class="base" d="M{x:.1f},{frame.bottom:.1f}v4"/>'
        yield f'<text class="tick" x="{middle:.1f}" y="{frame.bottom + 18:.1f}" text-anchor="middle">{escape(label)}</text>'


def _line(line: Line, chart: Chart, frame: _Frame) -> Iterator[str]:
    if line.mark == "dots":
        yield f'<path class="dots {line.tone}" d="{_dots(line, chart, frame)}"/>'
        return
    runs = list(_runs(line, chart, frame))
    if line.mark == "area":
        base = f"{frame.bottom:.1f}"
        filled = "".join(f"M{run[0][0]:.1f},{base}L{_joined(run)}L{run[-1][0]:.1f},{base}Z" for run in runs)
        yield f'<path class="area {line.tone}" d="{filled}"/>'
    # A run of one point is drawn as a dot by its round cap.
    path = "".join(f"M{_joined(run)}" if len(run) > 1 else f"M{_joined(run)}h.01" for run in runs)
    yield f'<path class="line {line.tone}" d="{path}"/>'


def _dots(line: Line, chart: Chart, frame: _Frame) -> str:
    return "".join(
        f"M{frame.x(x):.1f},{frame.y(value):.1f}h.01" for x, value in zip(chart.xs, line.values, strict=True) if value is not None
    )


def _runs(line: Line, chart: Chart, frame: _Frame) -> Iterator[list[tuple[float, float]]]:
    """The points of the line, cut where a value is missing or the next one is far off."""
    run: list[tuple[float, float]] = []
    previous = -math.inf
    for x, value in zip(chart.xs, line.values, strict=True):
        if run and (value is None or x - previous > LONGEST_BRIDGE):
            yield run
            run = []
        if value is not None:
            run.append((frame.x(x), frame.y(value)))
            previous = x
    if run:
        yield run


def _joined(run: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in run)


def _reference(chart: Chart, frame: _Frame) -> Iterator[str]:
    if chart.reference is not None:
        value, label = chart.reference
        y = frame.y(value)
        # The label goes under the line where there is no room above it.
        text_y = y - 5 if y - frame.top > 14 else y + 14
        yield f'<path class="reference" d="M{frame.left:.1f},{y:.1f}H{frame.right:.1f}"/>'
        yield f'<text class="reference-label" x="{frame.left + 4:.1f}" y="{text_y:.1f}">{escape(label)}</text>'


def _ends(chart: Chart) -> Iterator[tuple[float, str, str]]:
    """(last value, its text, tone) of every line and area that ends at the chart's right edge."""
    for line in chart.lines:
        value = line.values[-1] if line.values else None
        if line.mark in ("line", "area") and value is not None:
            digits = 0 if isinstance(value, int) or value >= 100 else 1
            yield value, f"{value:,.{digits}f}{chart.unit}", line.tone


def _end_values(chart: Chart, frame: _Frame) -> Iterator[str]:
    placed = -math.inf
    ends = sorted(_ends(chart), key=lambda end: -end[0])
    ys = []
    for value, _, _ in ends:
        placed = max(frame.y(value) + 4, placed + FONT + 1)
        ys.append(placed)
    # What was pushed below the axis is pushed back up, in order.
    lowest = frame.bottom + 4
    for number in range(len(ys) - 1, -1, -1):
        ys[number] = min(ys[number], lowest)
        lowest = ys[number] - FONT - 1
    for (_, text, tone), y in zip(ends, ys, strict=True):
        yield f'<text class="end {tone}" x="{frame.right + 6:.1f}" y="{y:.1f}">{escape(text)}</text>'


def _tooltips(chart: Chart, frame: _Frame) -> Iterator[str]:
    if not chart.tooltips or len(chart.xs) > MOST_TOOLTIPS:
        return
    between = [frame.x((one + other) / 2) for one, other in pairwise(chart.xs)]
    edges = [frame.left, *between, frame.right]
    for (left, right), text in zip(pairwise(edges), chart.tooltips, strict=True):
        yield (
            f'<rect class="hit" x="{left:.1f}" y="{frame.top}" width="{max(right - left, 0.1):.1f}"'
            f' height="{frame.bottom - frame.top:.1f}"><title>{escape(text)}</title></rect>'
        )
