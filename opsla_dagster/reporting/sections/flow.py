"""Backlog and congestion: open cases, flow, staff and load by day, and what load does to breaches.

Belongs here: this one section. Does not belong here: what it looks like (templates/flow.html.j2).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, time
from functools import partial
from statistics import fmean, median
from typing import Any
from zoneinfo import ZoneInfo

import duckdb

from opsla_dagster.reporting import wording
from opsla_dagster.reporting.charts import Chart, Line, date_ticks, draw, positions
from opsla_dagster.reporting.marts import Row, rows
from opsla_dagster.reporting.run_summary import Headline
from opsla_dagster.reporting.sections.common import (
    FEWEST_DAYS,
    TONES,
    Section,
    Table,
    legend,
    newest,
    of_column,
    smoothing_days,
    trailing,
)
from opsla_dagster.window import ONE_DAY

_DAILY = """
    select
        flow.calendar_date, flow.opened_cases, flow.ended_cases, flow.net_flow_cases, flow.open_backlog_cases,
        load.congestion_index, load.congestion_index_10bd_mean, staff.planned_heads, staff.effective_heads
    from mart.backlog_daily_proxy as flow
    left join mart.congestion_daily_v2 as load on load.calendar_date = flow.calendar_date
    left join mart.staffing_daily as staff on staff.calendar_date = flow.calendar_date
    order by flow.calendar_date
"""
_TABLES = ("mart.backlog_daily_proxy", "mart.congestion_daily_v2", "mart.staffing_daily")
_BUCKETS = "mart.driver_congestion_buckets"


def flow(connection: duckdb.DuckDBPyConnection, headline: Headline) -> Section | None:
    """Open cases and flow by day, with staff, congestion and breach rates by congestion where the source knows staffing.

    None where no day is known.
    """
    daily = rows(connection, _DAILY, *_TABLES)
    if not daily:
        return None
    names = headline.sla_names()
    buckets = rows(connection, f"select * from {_BUCKETS} where cases > 0 order by exposure_decile", _BUCKETS) if names else []
    has_staff = any(row["effective_heads"] is not None for row in daily)
    section = partial(
        Section, key="flow", title="Backlog and congestion" if has_staff else "Backlog",
        tables=(*_TABLES, _BUCKETS) if has_staff else ("mart.backlog_daily_proxy",),
        finding=_finding(daily, headline), definition=_definition(has_staff=has_staff), table=_table(daily, has_staff=has_staff),
    )
    if len(daily) < FEWEST_DAYS:
        return section(how_to_read="Too few days for a line; the table holds them.")
    return section(
        how_to_read=(
            "Counted at the end of each day are cases that have not ended for good: those that are open, and those that are resolved then and reopened later. Dots are single days, lines the means of the trailing "
            f"{smoothing_days(daily[0]['calendar_date'], daily[-1]['calendar_date'])} days"
            + " (for congestion, of 10 business days)" * has_staff + ". A dot on the upper edge lies above it."
        ),
        data={
            "panels": [*_flow_panels(daily), *(_load_panels(daily) if has_staff else [])],
            "buckets": _bucket_panel(buckets, names) if has_staff and len(buckets) > 1 else None,
            "legend": legend(names),
        },
    )


def _finding(daily: Sequence[Row], headline: Headline) -> str:
    last = daily[-1]
    many = last["open_backlog_cases"]
    text = f"{wording.counted(many, 'case')} had not ended for good at the end of {wording.day(last['calendar_date'])}, the last intake date loaded{_of_these(last, headline)}"
    if len(daily) < FEWEST_DAYS:
        opened, ended = wording.count(last["opened_cases"]), wording.count(last["ended_cases"])
        return f"{text}; {opened} had been opened that day and {ended} ended."
    usual = wording.count(median(row["open_backlog_cases"] for row in daily))
    peak = max(daily, key=lambda row: row["open_backlog_cases"])
    if peak["open_backlog_cases"] == many:
        return f"{text}, the most of all days, against {usual} on the median day."
    highest = wording.count(peak["open_backlog_cases"])
    return f"{text}, against {usual} on the median day and a peak of {highest} on {wording.day(peak['calendar_date'])}."


def _of_these(last: Row, headline: Headline) -> str:
    """How many of them were open then, as the headline and the command centre count; nothing where these count at another instant."""
    now = headline.open_cases
    if now is None or wording.local(now.now_at, headline.zone) != datetime.combine(last["calendar_date"] + ONE_DAY, time()).replace(tzinfo=ZoneInfo(headline.zone)):
        return ""
    reopened = last["open_backlog_cases"] - now.open_cases
    return f" ({wording.count(now.open_cases)} were open, the other {wording.count(reopened)} resolved and reopened later)" if reopened > 0 else ""


def _definition(*, has_staff: bool) -> str:
    backlog = (
        "Backlog at the end of a day = cases with intake up to that day that had not ended for good by its end: a case that is resolved and reopened later "
        "counts in between, too, since its work was not done. In the headline, the command centre and `opsla backlog` such a case is not open in between."
    )
    congestion = (
        " Congestion index = (opened that day + backlog at its end) / effective staff; a case’s exposure is the index’s "
        "mean over the 10 business days up to its intake."
    )
    return backlog + congestion * has_staff


def _panel(
    daily: Sequence[Row], key: str, name: str, lines: Sequence[Line], legend: Sequence[tuple[str, str]] = ()
) -> Mapping[str, Any]:
    days = [row["calendar_date"] for row in daily]
    chart = Chart(
        key=f"flow-{key}",
        title=f"{name} by day",
        description=f"Over the days: {wording.listed([line.label for line in lines])}.",
        xs=positions(days),
        x_ticks=date_ticks(days, 6),
        lines=lines,
        tooltips=[
            "\n".join([
                wording.day(day), *(f"{line.label} {wording.decimal(line.values[number])}" for line in lines)
            ])
            for number, day in enumerate(days)
        ],
    )
    return {"name": name, "legend": legend, "svg": draw(chart, 430, 210)}


def _day_and_week(daily: Sequence[Row], column: str, name: str, tone: str) -> list[Line]:
    """Single days as dots and the mean of the trailing week as a line."""
    return [
        Line(name, [row[column] for row in daily], tone, "dots"),
        Line(f"{name}, mean", trailing(daily, "calendar_date", of_column(column, fmean)), tone),
    ]


def _flow_panels(daily: Sequence[Row]) -> list[Mapping[str, Any]]:
    backlog = _day_and_week(daily, "open_backlog_cases", "not ended for good", "tone-ink")
    opened = _day_and_week(daily, "opened_cases", "opened", "tone-a")
    ended = _day_and_week(daily, "ended_cases", "ended", "tone-b")
    return [
        _panel(daily, "backlog", "Cases not ended for good", backlog),
        _panel(
            daily, "cases", "Cases a day", [opened[0], ended[0], opened[1], ended[1]],
            [("tone-a", "opened"), ("tone-b", "ended")],
        ),
    ]


def _load_panels(daily: Sequence[Row]) -> list[Mapping[str, Any]]:
    congestion = [
        Line("index", [row["congestion_index"] for row in daily], "tone-ink", "dots"),
        Line("10-business-day mean", [row["congestion_index_10bd_mean"] for row in daily], "tone-ink"),
    ]
    planned = _day_and_week(daily, "planned_heads", "planned", "tone-soft")
    effective = _day_and_week(daily, "effective_heads", "effective", "tone-p")
    return [
        _panel(daily, "congestion", "Congestion index: cases in hand per head", congestion),
        _panel(
            daily, "staff", "Heads", [planned[0], effective[0], planned[1], effective[1]],
            [("tone-soft", "planned"), ("tone-p", "effective")],
        ),
    ]


def _bucket_panel(buckets: Sequence[Row], names: Mapping[str, str]) -> Mapping[str, Any]:
    chart = Chart(
        key="buckets",
        title="Breach percentage by congestion exposure",
        description="Three lines over the groups of cases, from the least to the most congested at intake.",
        xs=[float(row["exposure_decile"]) for row in buckets],
        x_ticks=[(float(row["exposure_decile"]), f"{row['exposure_decile']}") for row in buckets],
        lines=[Line(name, [row[f"{sla}_breach_pct"] for row in buckets], TONES[sla]) for sla, name in names.items()],
        unit="%",
        tooltips=[
            "\n".join([
                f"Group {row['exposure_decile']}: {wording.counted(row['cases'], 'case')}, exposure "
                f"{wording.decimal(row['exposure_min'])} to {wording.decimal(row['exposure_max'])}",
                *(f"{name} {wording.percent(row[f'{sla}_breach_pct'], 1)}" for sla, name in names.items()),
            ])
            for row in buckets
        ],
    )
    return {
        "finding": f"Breaches in the least and the most congested group: {'; '.join(_ends(buckets, sla, names[sla]) for sla in names)}.",
        "svg": draw(chart, 430, 210),
    }


def _ends(buckets: Sequence[Row], sla: str, name: str) -> str:
    """The rates of the first and the last group, and between which all lie: they seldom rise or fall in a line."""
    rates = [row[f"{sla}_breach_pct"] for row in buckets]
    first, last, lowest, highest = (wording.percent(rate, 1) for rate in (rates[0], rates[-1], min(rates), max(rates)))
    return f"{first} and {last} ({name}; between {lowest} and {highest} in all groups)"


def _table(daily: Sequence[Row], *, has_staff: bool) -> Table:
    shown, note = newest(daily, "mart.backlog_daily_proxy")
    loads = ("planned_heads", "effective_heads", "congestion_index", "congestion_index_10bd_mean") if has_staff else ()
    heads = {"planned_heads": "Planned heads", "effective_heads": "Effective heads", "congestion_index": "Congestion",
             "congestion_index_10bd_mean": "10-business-day mean"}  # fmt: skip
    return Table(
        head=["Date", "Opened", "Ended", "Net flow", "Not ended for good", *(heads[name] for name in loads)],
        rows=[
            [
                f"{row['calendar_date']}",
                *(wording.count(row[f"{what}_cases"]) for what in ("opened", "ended", "net_flow", "open_backlog")),
                *(wording.decimal(row[name]) for name in loads),
            ]
            for row in shown
        ],
        note=note,
    )
