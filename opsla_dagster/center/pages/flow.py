"""Flow: how work moves through the desk. Cumulative flow, cycle times, the age of what is open, and where the time goes.

Belongs here: the page. Does not belong here: how a chart is drawn (reporting/charts.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from zlib import crc32
from zoneinfo import ZoneInfo

from opsla_dagster.center.drawings import in_two_sizes
from opsla_dagster.center.model import Column, Drawing, Grid, Page, Row
from opsla_dagster.center.pages.report_sections import grids, shown
from opsla_dagster.center.view import View
from opsla_dagster.reporting import wording
from opsla_dagster.reporting.charts import Chart, Line, above_the_scale, date_ticks, positions
from opsla_dagster.reporting.sections.common import FEWEST_DAYS
from opsla_dagster.reporting.sections.reopens import reopens
from opsla_dagster.reporting.sections.stages import stages

#: Days that the cumulative flow and the cycle times look back.
DAYS = {"14": "14 days", "28": "28 days", "91": "91 days", "365": "a year"}
#: Dots of a scatter, besides the slowest, which are all drawn.
MOST_DOTS, SLOWEST = 1200, 50
OLDEST_SHOWN = 100
#: Statuses in their order, for the columns of the ages.
_WAY = ("INTAKE", "TRIAGE", "ASSIGNED", "INVESTIGATION", "ESCALATED", "CUSTOMER_WAIT", "VENDOR_WAIT", "ON_HOLD", "REVIEW_QA", "REOPENED")


def flow_page(view: View, days: str) -> Page:
    """The page of the instant and queue of the address, looking back `days`."""
    queue = view.require_queue()
    last_day = view.last_whole_day
    daily = view.rows("days", last_day=last_day, days=int(days), **view.dimension)
    ended = view.rows("cycle_times", at=view.at, days=int(days), queue=queue, slowest=SLOWEST, most=MOST_DOTS)
    open_cases = view.rows_at("aging", queue=queue)
    sections = shown([stages(view.connection, view.headline), reopens(view.connection, view.headline)])
    sections = sections if queue is None else []
    drawings = [
        *([_cumulative(daily)] if sum(row["is_loaded"] for row in daily) >= FEWEST_DAYS else []),
        *([_cycle_times(ended, view)] if ended else []),
        *([_ages(open_cases, view)] if open_cases else []),
    ]
    return Page(
        template="flow.html.j2",
        title="Flow",
        drawings=drawings,
        grids=[_slowest(ended, view), _oldest(open_cases, view), *grids(sections)],
        context={"sections": sections, "headline": view.headline, "days": days, "day_choices": DAYS, "ended": ended[0] if ended else None,
                 "open_cases": len(open_cases)},
    )  # fmt: skip


def _cumulative(daily: Sequence[Row]) -> Drawing:
    days = [row["calendar_date"] for row in daily]
    last = next(row for row in reversed(daily) if row["is_loaded"])
    chart = Chart(
        key="cumulative-flow",
        title="Cumulative flow",
        description=(
            f"Cases that came in and cases that left, added up from {wording.day(days[0])} to {wording.day(days[-1])}; "
            f"between the two lines lie {wording.counted(last['open_cases'], 'open case')} at the end."
        ),
        xs=positions(days),
        x_ticks=date_ticks(days, 8),
        lines=[Line("came in", [row["arrived_so_far"] for row in daily], "tone-a", "area"), Line("left", [row["gone_so_far"] for row in daily], "tone-b", "area")],
        tooltips=[
            f"{wording.day(row['calendar_date'])}\ncame in {wording.count(row['arrived_cases'])}, left {wording.count(row['gone_cases'])}\n"
            f"open at its end {wording.count(row['open_cases'])}" if row["is_loaded"] else f"{wording.day(row['calendar_date'])}\nnot loaded"
            for row in daily
        ],
    )
    return Drawing(
        "cumulative_flow", chart.title, *in_two_sizes(chart, date_ticks(days, 4)),
        legend=[("tone-a", "came in (reopened and moved in too), added up"), ("tone-b", "left (ended, cancelled, moved on), added up")],
        note="The vertical distance of the lines is the work in progress, the horizontal one how long a case takes. Lines that drift apart: more comes in than goes out.",
        grid=Grid(
            key="cumulative_flow",
            title="Cumulative flow by day",
            columns=[
                Column("calendar_date", "Date", "day"), Column("arrived_cases", "Came in", "count"), Column("gone_cases", "Left", "count"),
                Column("open_cases", "Open at its end", "count"), Column("arrived_so_far", "Came in so far", "count"),
                Column("gone_so_far", "Left so far", "count"),
            ],
            rows=list(daily),
        ),
    )  # fmt: skip


def _cycle_times(ended: Sequence[Row], view: View) -> Drawing:
    zone = ZoneInfo(view.zone)
    by_time = sorted(ended, key=lambda row: (row["ended_at"], row["case_id"]))
    xs = [_ordinal(row["ended_at"], zone) for row in by_time]
    first, last = date.fromordinal(int(xs[0])), date.fromordinal(int(xs[-1]))
    figures = ended[0]
    chart = Chart(
        key="cycle-times",
        title="Cycle time of each ended case",
        description=(
            f"Days from intake to the end by the day of the end, of {wording.counted(figures['cases'], 'case')}. Half took at most "
            f"{wording.time_taken(figures['p50_minutes'])}, 85 in 100 {wording.time_taken(figures['p85_minutes'])}, "
            f"95 in 100 {wording.time_taken(figures['p95_minutes'])}."
        ),
        xs=xs,
        x_ticks=date_ticks([first, last], 8),
        lines=[
            Line("one case", [row["cycle_days"] for row in by_time], "tone-b", "dots"),
        ],
        unit=" d",
        reference=(figures["p85_days"], f"85 in 100 within {wording.decimal(figures['p85_days'])} d"),
    )
    drawn = "" if len(ended) == figures["cases"] else f" Drawn are the {SLOWEST} slowest and an even part of the others, {wording.count(len(ended))} dots."
    return Drawing(
        "cycle_times", chart.title, *in_two_sizes(chart, date_ticks([first, last], 4)),
        legend=[("tone-b", "one ended case: days from intake to its end, by the day of the end"), ("tone-ink", "dashed: 85 in 100 took no longer")],
        note="Calendar time from intake to the end of the case, reopens included. The dashed line is what to tell a customer who asks how long it takes." + drawn + _cut_off(chart, "case"),
    )  # fmt: skip


def _cut_off(chart: Chart, one: str) -> str:
    """What to say of the dots that the scale has no room for."""
    dots, top = above_the_scale(chart)
    if not dots:
        return ""
    return f" {wording.counted(dots, f'{one} lies', f'{one}s lie')} above {wording.decimal(top)} days and {'is' if dots == 1 else 'are'} drawn on the upper edge; the table has the figures."


def _ordinal(at: datetime, zone: ZoneInfo) -> float:
    moment = at.replace(tzinfo=UTC).astimezone(zone)
    return float(moment.toordinal()) + (moment.hour * 60 + moment.minute) / 1440


def _ages(open_cases: Sequence[Row], view: View) -> Drawing:
    held = {row["status"] for row in open_cases}
    statuses = [status for status in _WAY if status in held] + sorted(held - set(_WAY))
    place = {status: number for number, status in enumerate(statuses)}
    shown_cases = open_cases[:MOST_DOTS]
    # Cases of one column lie beside each other, each always at its place.
    xs = [place[row["status"]] + 0.15 + crc32(row["case_id"].encode()) % 1000 / 1000 * 0.7 for row in shown_cases]
    ordered = sorted(zip(xs, (row["age_days"] for row in shown_cases), strict=True))
    counts = [sum(row["status"] == status for row in open_cases) for status in statuses]
    edge = float(len(statuses))
    chart = Chart(
        key="ages",
        title="Age of the work in progress",
        description="Each dot is an open case: " + ", ".join(f"{count:,} in {wording.name(status.lower())}" for status, count in zip(statuses, counts, strict=True)) + ".",
        xs=[0.0, *(x for x, _ in ordered), edge],
        x_ticks=[(place[status] + 0.5, f"{wording.name(status.lower())} {count:,}") for status, count in zip(statuses, counts, strict=True)],
        lines=[Line("one case", [None, *(age for _, age in ordered), None], "tone-a", "dots")],
        unit=" d",
    )
    short = [(place[status] + 0.5, f"{count:,}") for status, count in zip(statuses, counts, strict=True)]
    note = f"Calendar days since intake, by the status at {wording.due(view.at, view.zone)}. High dots first: they are what the next breach is made of."
    if len(statuses) > 3:
        note += " On a narrow screen the columns are, from the left: " + wording.listed([wording.name(status.lower()) for status in statuses]) + "."
    if len(open_cases) > MOST_DOTS:
        note += f" Drawn are the {wording.count(MOST_DOTS)} oldest of {wording.counted(len(open_cases), 'case')}."
    legend = [("tone-a", "one open case: calendar days since its intake, by its status")]
    return Drawing("ages", chart.title, *in_two_sizes(chart, short), legend=legend, note=note + _cut_off(chart, "case"))


def _slowest(ended: Sequence[Row], view: View) -> Grid:
    return Grid(
        key="slowest",
        title="Slowest ended cases",
        columns=[
            Column("case_id", "Case", href=lambda row: view.state.case_url(row["case_id"])), Column("queue", "Queue", "value"), Column("priority", "Priority"),
            Column("intake_ts", "Came in", "instant"), Column("ended_at", "Ended", "instant"), Column("cycle_minutes", "Took", "calendar_minutes"),
        ],
        rows=ended[:SLOWEST],
        empty="No case ended on these days.",
    )  # fmt: skip


def _oldest(open_cases: Sequence[Row], view: View) -> Grid:
    return Grid(
        key="oldest",
        title="Oldest open cases",
        columns=[
            Column("case_id", "Case", href=lambda row: view.state.case_url(row["case_id"])), Column("queue", "Queue", "value"), Column("priority", "Priority"),
            Column("status", "Status", "name"), Column("status_since_at", "Since", "instant"), Column("intake_ts", "Came in", "instant"),
            Column("age_calendar_minutes", "Age", "calendar_minutes"),
        ],
        rows=open_cases[:OLDEST_SHOWN],
        total=len(open_cases),
        empty="No case is open at this instant.",
    )  # fmt: skip
