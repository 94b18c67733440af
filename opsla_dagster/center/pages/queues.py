"""Queues: how each stands at an instant, and how many cases each has kept open. Also by priority, tier and whatever else the sources provide.

Belongs here: the page. Does not belong here: one queue (now.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from opsla_dagster.center.drawings import in_two_sizes
from opsla_dagster.center.model import Column, Drawing, Grid, Page, Row
from opsla_dagster.center.pages.now import TREND_DAYS, standing_grid
from opsla_dagster.center.pages.standing import LIGHTS
from opsla_dagster.center.view import View
from opsla_dagster.reporting import wording
from opsla_dagster.reporting.charts import Chart, Line, date_ticks, positions
from opsla_dagster.reporting.sections.common import FEWEST_DAYS

#: What the desk can be broken down by.
DIMENSIONS = {"queue": "Queue", "priority": "Priority", "tier": "Tier", "region": "Region", "brand": "Brand", "channel": "Channel"}
_TONES = ("tone-a", "tone-b", "tone-p", "tone-ink", "tone-soft", "tone-d")


def queues_page(view: View, by: str) -> Page:
    """Every value of the dimension `by`."""
    told = view.told_dimensions
    rows = view.rows_at("health", dimension=by) if by in told else []
    days = view.rows("days_by_value", dimension=by, last_day=view.last_whole_day, days=TREND_DAYS) if by in told else []
    return Page(
        template="queues.html.j2",
        title="Queues" if by == "queue" else f"By {by}",
        grids=[standing_grid(view, by, rows)],
        drawings=_drawings(days, by, len(rows)),
        context={"by": by, "lights": LIGHTS, "told": {name: DIMENSIONS[name] for name in told}},
    )


def _drawings(days: Sequence[Row], by: str, known_values: int) -> list[Drawing]:
    """The values with most open cases at the end of the last of the days, of those that are known; the one with most first."""
    dates = sorted({row["calendar_date"] for row in days})
    if len(dates) < FEWEST_DAYS:
        return []
    values = list(dict.fromkeys(row["dimension_value"] for row in days))
    open_cases: dict[tuple[date, str], int] = {(row["calendar_date"], row["dimension_value"]): row["open_cases"] for row in days}
    # A date of mart.backlog_daily without a row for the value had nothing open of it.
    lines = [Line(value, [open_cases.get((day, value), 0) for day in dates], tone) for value, tone in zip(values, _TONES, strict=False)]
    chart = Chart(
        key="open-by-value",
        title=f"Open cases at the end of the day, by {by}",
        description=f"Lines of the {len(lines)} with most open cases on {wording.day(dates[-1])}: {wording.listed([f'{line.label} {line.values[-1]}' for line in lines])}.",
        xs=positions(dates),
        x_ticks=date_ticks(dates, 8),
        lines=lines,
        tooltips=["\n".join([wording.day(day), *(f"{line.label} {line.values[number]}" for line in lines)]) for number, day in enumerate(dates)],
    )
    most = f"the {len(lines)} of {known_values} with most open cases at the end of {wording.day(dates[-1])}" if known_values > len(lines) else f"all {len(lines)}"
    note = f"Drawn are {most}, in that order; the table above has all of them as of the instant shown."
    grid = Grid(
        key="open_by_value", title=chart.title,
        columns=[Column("calendar_date", "Date", "day"), Column("dimension_value", by.capitalize(), "value"), Column("open_cases", "Open at its end", "count")], rows=list(days),
    )  # fmt: skip
    return [Drawing("open_by_value", chart.title, *in_two_sizes(chart, date_ticks(dates, 4)), legend=[(line.tone, line.label) for line in lines], note=note, grid=grid)]
