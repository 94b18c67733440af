"""The sections of the report: what each one found, in words and as data for its template.

Belongs here: reading the published marts and saying what they say. Does not belong here: HTML (templates/), drawing
(charts.py), business rules (sql/). A figure is counted or ranked here, or a sum of counts turned into a rate; percentiles
are taken from the marts as they are, since percentiles of parts cannot be put together.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from statistics import fmean, median
from typing import Any

import duckdb

from opsla_dagster.reporting import wording
from opsla_dagster.reporting.charts import Chart, Line, date_ticks, draw, nice_ticks, positions, short_number
from opsla_dagster.reporting.headline import DURATIONS
from opsla_dagster.reporting.marts import Row, rows
from opsla_dagster.reporting.run_summary import CheckResult, Headline, RunSummary, SlaFigures
from opsla_dagster.reporting.wording import MISSING, SLA_NAMES, SLA_SHORT_NAMES

#: Colour of each SLA variant, the same in every chart (classes of report.css).
TONES = {"sla_b": "tone-b", "sla_a_incl_wait": "tone-a", "sla_a_paused": "tone-p"}
#: A group of fewer cases is shown but named in no finding: its rate is mostly chance.
FEW_CASES = 30
#: Rows of a picture and of a table of days; the rest is in the marts.
MOST_ROWS, MOST_DAYS = 12, 400
#: Differences of rates below this many points are called the same.
SAME_POINTS = 0.25
HEAT_STEPS = 6
WEEK = 7
PERCENTILES = ("p50", "p90", "p95")


@dataclass(frozen=True)
class Table:
    """Figures as text, row by row; the first `names` columns are names, the others numbers."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    names: int = 1
    note: str = ""


@dataclass(frozen=True)
class Section:
    """One section: `data` is what its template draws (nothing to draw: empty), `table` the figures behind it."""

    key: str
    title: str
    finding: str
    tables: Sequence[str]
    how_to_read: str = ""
    definition: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
    table: Table | None = None


def all_sections(
    connection: duckdb.DuckDBPyConnection, headline: Headline, summary: RunSummary | None
) -> list[Section]:
    """Every section of the report in its order; `headline` is that of the same marts."""
    targets = {sla.sla: sla.target_minutes for sla in headline.slas}
    return [
        trend(connection, targets),
        heat_map(connection, headline),
        stages(connection),
        flow(connection),
        reopens(connection),
        scenarios(headline),
        open_clocks(connection),
        quality(summary),
        source_comparison(connection),
    ]


# --- SLA trend --------------------------------------------------------------------------------------------------------


def trend(connection: duckdb.DuckDBPyConnection, targets: Mapping[str, float | None]) -> Section:
    """Breach rates and percentiles by intake date."""
    daily = rows(connection, "select * from mart.sla_daily order by intake_date", "mart.sla_daily")
    judged = [row for row in daily if row["sla_cases"]]
    page = {"key": "trend", "title": "SLA trend", "tables": ("mart.sla_daily",)}
    if not judged:
        return Section(**page, finding="No case has both a TRIAGE and a RESOLVED event yet, so no SLA can be judged.")
    settled_until = _settled_until(daily)
    settled = [row for row in judged if row["intake_date"] <= settled_until]
    section = {
        **page,
        "finding": _trend_finding(settled or judged),
        "definition": (
            "Breach % = breached cases / cases with both TRIAGE and RESOLVED, by intake date. A case whose business time "
            f"equals the target is met. {_targets_in_words(targets)}"
        ),
        "table": _trend_table(daily),
    }
    if len(judged) < 3:
        return Section(**section, how_to_read="Too few days for a line; the table holds them.")
    unsettled = settled_until < daily[-1]["intake_date"]
    return Section(
        **section,
        how_to_read=(
            "Thick line: all cases of the trailing 7 days together. Dots: single days; weekend intakes breach first touch "
            "seldom, since the clock waits for Monday. The lower row shows business minutes: dots are each day's "
            "exact percentile, lines the middle one of the last 7 daily values."
            + (" The tinted days are not settled: their slow cases are still open and will add breaches." if unsettled else "")
        ),
        data={
            "legend": [(TONES[sla], SLA_NAMES[sla]) for sla in SLA_NAMES],
            "charts": _breach_charts(daily, settled_until if unsettled else None),
            "percentiles": [_percentile_chart(daily, sla, targets.get(sla)) for sla in SLA_NAMES],
        },
    )


def _settled_until(daily: Sequence[Row]) -> date:
    """The last intake date before the tail whose cases are clearly less often resolved than the log's as a whole."""
    opened, judged = sum(row["opened_cases"] for row in daily), sum(row["sla_cases"] for row in daily)
    usual = judged / opened if opened else 0.0
    for row in reversed(daily):
        if row["opened_cases"] and row["sla_cases"] / row["opened_cases"] >= usual - 0.05:
            settled: date = row["intake_date"]
            return settled
    last: date = daily[-1]["intake_date"]
    return last


def _trend_finding(judged: Sequence[Row]) -> str:
    first, last = judged[0]["intake_date"], judged[-1]["intake_date"]
    days = (last - first).days + 1
    if days < 2 * WEEK:
        rates = (f"{SLA_SHORT_NAMES[sla]} {wording.percent(_rate(judged, sla), 1)}" for sla in SLA_NAMES)
        cases = wording.counted(sum(row["sla_cases"] for row in judged), "judged case")
        when = f"of {wording.day(first)}" if first == last else f"from {wording.day(first)} to {wording.day(last)}"
        return f"Of {cases} {when}, breached: {wording.listed(list(rates))}."
    part = min(28, days // 2)
    early = [row for row in judged if row["intake_date"] < first + timedelta(days=part)]
    late = [row for row in judged if row["intake_date"] > last - timedelta(days=part)]
    moves = (f"{SLA_SHORT_NAMES[sla]} {_move(_rate(early, sla), _rate(late, sla))}" for sla in SLA_NAMES)
    return f"From the first {part} intake days to the last {part}, breaches of {wording.listed(list(moves))}."


def _move(before: float | None, after: float | None) -> str:
    if before is None or after is None:
        return "cannot be compared"
    if abs(after - before) < SAME_POINTS:
        return f"stayed at {wording.percent(after, 1)}"
    return f"{'rose' if after > before else 'fell'} from {wording.percent(before, 1)} to {wording.percent(after, 1)}"


def _rate(part: Iterable[Row], sla: str) -> float | None:
    """Breach percentage of all the SLA cases of some days or groups together."""
    cases = breached = 0
    for row in part:
        cases += row["sla_cases"]
        breached += row[f"{sla}_breached_cases"]
    return 100.0 * breached / cases if cases else None


def _trailing(daily: Sequence[Row], day_column: str, figure: Callable[[Sequence[Row]], float | None]) -> list[float | None]:
    """`figure` of the rows of the trailing 7 days, at each row."""
    figures: list[float | None] = []
    start = 0
    for number, row in enumerate(daily):
        while daily[start][day_column] <= row[day_column] - timedelta(days=WEEK):
            start += 1
        figures.append(figure(daily[start : number + 1]))
    return figures


def _column(column: str, pick: Callable[[list[float]], float]) -> Callable[[Sequence[Row]], float | None]:
    """A figure of one column's values, None where there is none."""

    def of(part: Sequence[Row]) -> float | None:
        values = [row[column] for row in part if row[column] is not None]
        return pick(values) if values else None

    return of


def _breach_charts(daily: Sequence[Row], settled_until: date | None) -> Mapping[str, Any]:
    days = [row["intake_date"] for row in daily]
    weekly = {sla: _trailing(daily, "intake_date", lambda part, sla=sla: _rate(part, sla)) for sla in SLA_NAMES}  # type: ignore[misc]
    lines = [
        *(Line(SLA_SHORT_NAMES[sla], [row[f"{sla}_breach_pct"] for row in daily], TONES[sla], "dots") for sla in SLA_NAMES),
        *(Line(SLA_NAMES[sla], weekly[sla], TONES[sla]) for sla in SLA_NAMES),
    ]
    tooltips = [
        f"{wording.day(row['intake_date'])}: {wording.counted(row['sla_cases'], 'judged case')}\n"
        + "\n".join(
            f"{SLA_SHORT_NAMES[sla]} {wording.percent(row[f'{sla}_breach_pct'], 1)}"
            f" (7 days {wording.percent(weekly[sla][number], 1)})"
            for sla in SLA_NAMES
        )
        for number, row in enumerate(daily)
    ]

    def chart(size: str, ticks: int) -> Chart:
        return Chart(
            key=f"breach-{size}",
            title="Breach percentage by intake date",
            description="Three lines, one an SLA variant, each the breach percentage of the trailing 7 days; dots are days.",
            xs=positions(days),
            x_ticks=date_ticks(days, ticks),
            lines=lines,
            unit="%",
            shade_from=float(settled_until.toordinal()) + 0.5 if settled_until else None,
            tooltips=tooltips if size == "wide" else (),
        )

    return {"wide": draw(chart("wide", 13), 960, 320), "narrow": draw(chart("narrow", 5), 360, 260)}


def _percentile_chart(daily: Sequence[Row], sla: str, target: float | None) -> Mapping[str, Any]:
    days = [row["intake_date"] for row in daily]
    columns = {p: f"{DURATIONS[sla]}_{p}_business_minutes" for p in PERCENTILES}
    lines = [
        *(Line(p, [row[columns[p]] for row in daily], f"{TONES[sla]} {p}", "dots") for p in PERCENTILES),
        *(Line(p, _trailing(daily, "intake_date", _column(columns[p], median)), f"{TONES[sla]} {p}") for p in PERCENTILES),
    ]
    chart = Chart(
        key=f"percentiles-{sla}",
        title=f"{SLA_NAMES[sla]}: p50, p90 and p95 by intake date",
        description="Three lines in business minutes; dots are the exact percentiles of single days.",
        xs=positions(days),
        x_ticks=date_ticks(days, 4),
        lines=lines,
        reference=(target, f"target {wording.minutes(target)}") if target is not None else None,
    )
    return {"name": SLA_NAMES[sla], "tone": TONES[sla], "svg": draw(chart, 340, 230)}


def _trend_table(daily: Sequence[Row]) -> Table:
    shown = daily[-MOST_DAYS:]
    columns = [(sla, p, f"{DURATIONS[sla]}_{p}_business_minutes") for sla in SLA_NAMES for p in PERCENTILES]
    return Table(
        head=[
            "Intake date", "Opened", "Judged", *(f"{SLA_SHORT_NAMES[sla]} %" for sla in SLA_NAMES),
            *(f"{SLA_SHORT_NAMES[sla]} {p} min" for sla, p, _ in columns),
        ],
        rows=[
            [
                f"{row['intake_date']}", wording.count(row["opened_cases"]), wording.count(row["sla_cases"]),
                *(wording.decimal(row[f"{sla}_breach_pct"], 2) for sla in SLA_NAMES),
                *(wording.minutes(row[column]) for _, _, column in columns),
            ]
            for row in shown
        ],
        note=f"The last {MOST_DAYS} of {len(daily)} days; all are in mart.sla_daily." if len(daily) > len(shown) else "",
    )


def _targets_in_words(targets: Mapping[str, float | None]) -> str:
    known = [f"{SLA_SHORT_NAMES[sla]} {wording.minutes(target)}" for sla, target in targets.items() if target is not None]
    return f"Targets in business minutes: {wording.listed(known)}." if known else ""


# --- tier x case type -------------------------------------------------------------------------------------------------


def heat_map(connection: duckdb.DuckDBPyConnection, headline: Headline) -> Section:
    """Breach rates of each tier and case type."""
    groups = rows(connection, "select * from mart.sla_by_tier_case_type", "mart.sla_by_tier_case_type")
    groups = sorted((row for row in groups if row["sla_cases"]), key=lambda row: (_order(row["tier"]), _order(row["case_type"])))
    page = {"key": "heat-map", "title": "Tier and case type", "tables": ("mart.sla_by_tier_case_type",)}
    if not groups:
        return Section(**page, finding="No case is judged yet, so tiers and case types cannot be compared.")
    section = {
        **page,
        "definition": "Breach % = breached cases / judged cases (with TRIAGE and RESOLVED) of the tier and case type.",
        "table": _group_table(groups),
    }
    if len(groups) == 1:
        return Section(
            **section, finding="All judged cases share one tier and one case type; there is nothing to set side by side."
        )
    types = _largest(groups, "case_type")
    tiers = _largest(groups, "tier")
    left_out = sum(row["case_type"] not in types or row["tier"] not in tiers for row in groups)
    return Section(
        **section,
        finding=_heat_finding(groups, headline),
        how_to_read=(
            "Each cell is the breach percentage, with the number of judged cases below; the darker, the more breaches, each "
            f"panel from 0 to its own maximum. Cells of fewer than {FEW_CASES} cases are pale: mostly chance."
            + (f" The {left_out} smaller groups left out are in the table." if left_out else "")
        ),
        data={
            "tiers": [wording.tier(tier) for tier in tiers],
            "panels": [_heat_panel(groups, sla, tiers, types) for sla in ("sla_a_incl_wait", "sla_a_paused", "sla_b")],
        },
    )


def _largest(groups: Sequence[Row], column: str) -> list[str | None]:
    """The names in a column with most judged cases, in reading order."""
    cases: dict[str | None, int] = {}
    for row in groups:
        cases[row[column]] = cases.get(row[column], 0) + row["sla_cases"]
    most = MOST_ROWS if column == "case_type" else 6
    return sorted(sorted(cases, key=lambda name: (-cases[name], _order(name)))[:most], key=_order)


def _heat_panel(
    groups: Sequence[Row], sla: str, tiers: Sequence[str | None], types: Sequence[str | None]
) -> Mapping[str, Any]:
    cells = {(row["tier"], row["case_type"]): row for row in groups}
    shown = [cells[tier, kind] for tier in tiers for kind in types if (tier, kind) in cells]
    highest = max((row[f"{sla}_breach_pct"] for row in shown if row["sla_cases"] >= FEW_CASES), default=0.0)
    return {
        "name": SLA_NAMES[sla],
        "tone": TONES[sla],
        "rows": [
            (wording.name(kind, "no case type"), [_heat_cell(cells.get((tier, kind)), sla, highest) for tier in tiers])
            for kind in types
        ],
    }


def _heat_cell(row: Row | None, sla: str, highest: float) -> Mapping[str, Any]:
    if row is None:
        return {"rate": MISSING, "cases": "", "css": "none"}
    rate = row[f"{sla}_breach_pct"]
    step = min(int(rate / highest * HEAT_STEPS), HEAT_STEPS - 1) if highest else 0
    css = f"heat-{step}" if row["sla_cases"] >= FEW_CASES else "few"
    return {"rate": wording.percent(rate, 1), "cases": wording.count(row["sla_cases"]), "css": css}


def _heat_finding(groups: Sequence[Row], headline: Headline) -> str:
    sla = "sla_a_incl_wait"
    overall = next(figures.breach_pct for figures in headline.slas if figures.sla == sla)
    telling = [row for row in groups if row["sla_cases"] >= FEW_CASES]
    if not telling:
        return f"No tier and case type has {FEW_CASES} judged cases yet; rates of so few are mostly chance."
    worst = max(telling, key=lambda row: row[f"{sla}_breach_pct"])
    if not worst[f"{sla}_breach_pct"]:
        return "No tier and case type has breached SLA A with customer wait counted."
    best = min(telling, key=lambda row: row[f"{sla}_breach_pct"])
    return (
        f"{_group_name(worst)} breaches SLA A (customer wait counted) most: {wording.percent(worst[f'{sla}_breach_pct'], 1)} of "
        f"its cases, against {wording.percent(best[f'{sla}_breach_pct'], 1)} of {_group_name(best)} and "
        f"{wording.percent(overall, 1)} overall."
    )


def _group_name(row: Row) -> str:
    parts = [wording.tier(row["tier"])] if row["tier"] is not None else []
    parts += [wording.name(row["case_type"])] if row["case_type"] is not None else []
    return " ".join(parts) or "the group without tier and case type"


def _group_table(groups: Sequence[Row]) -> Table:
    columns = [(sla, p, f"{DURATIONS[sla]}_{p}_business_minutes") for sla in SLA_NAMES for p in PERCENTILES]
    return Table(
        head=[
            "Tier", "Case type", "Judged", *(f"{SLA_SHORT_NAMES[sla]} %" for sla in SLA_NAMES),
            *(f"{SLA_SHORT_NAMES[sla]} {p} min" for sla, p, _ in columns),
        ],
        rows=[
            [
                wording.tier(row["tier"]), wording.name(row["case_type"], "no case type"), wording.count(row["sla_cases"]),
                *(wording.decimal(row[f"{sla}_breach_pct"], 2) for sla in SLA_NAMES),
                *(wording.minutes(row[column]) for _, _, column in columns),
            ]
            for row in groups
        ],
        names=2,
    )


def _order(name: str | None) -> tuple[bool, list[tuple[int, str]]]:
    """Reading order: `2` before `10`, names without case, nothing last."""
    parts = re.findall(r"\d+|\D+", (name or "").lower())
    return name is None, [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]


# --- stages -----------------------------------------------------------------------------------------------------------

STAGES = ("triage_to_investigation", "investigation_to_review", "review_to_resolved")


def stages(connection: duckdb.DuckDBPyConnection) -> Section:
    """Business time of each stage by tier."""
    found = rows(
        connection,
        "select * from mart.driver_stage_durations where cases > 0 and p95_business_minutes is not null",
        "mart.driver_stage_durations",
    )
    found.sort(key=lambda row: (_order(row["tier"]), STAGES.index(row["stage"]) if row["stage"] in STAGES else 9, row["stage"]))
    page = {"key": "stages", "title": "Stage bottleneck", "tables": ("mart.driver_stage_durations", "mart.driver_summary")}
    if not found:
        return Section(**page, finding="No case has passed triage, investigation, review and resolution, so stages cannot be timed.")
    axis = _Axis.up_to(max(row["p95_business_minutes"] for row in found) / 60)
    tiers = sorted({row["tier"] for row in found}, key=_order)
    return Section(
        **page,
        finding=_stage_finding(found),
        how_to_read=(
            "Each bar runs from the p50 (ring) over the p90 (tick) to the p95 (dot): half, nine in ten and nineteen in twenty cases "
            "were through the stage by then. The tier's bottleneck is coloured."
        ),
        definition=(
            "Business time between the first instants of two statuses, over the cases that passed all of triage, investigation, "
            "review/QA and resolution. Bottleneck = the tier's stage with the largest p95."
        ),
        data={
            "axis": axis,
            "tiers": [
                (wording.tier(tier), [_stage_row(row, axis) for row in found if row["tier"] == tier]) for tier in tiers
            ],
            "statements": [
                row["statement"]
                for row in rows(connection, "select statement from mart.driver_summary order by finding, tier, stage", "mart.driver_summary")
                if row["statement"]
            ],
        },
    )


def _stage_row(row: Row, axis: _Axis) -> Mapping[str, Any]:
    figures = [row[f"{p}_business_minutes"] for p in PERCENTILES]
    return {
        "stage": wording.stage(row["stage"]),
        "marks": [axis.place(figure / 60) for figure in figures],
        "figures": [wording.minutes(figure) for figure in figures],
        "cases": wording.count(row["cases"]),
        "is_bottleneck": bool(row["is_tier_bottleneck"]),
    }


def _stage_finding(found: Sequence[Row]) -> str:
    worst = max(found, key=lambda row: row["p95_business_minutes"])
    longest = worst["p95_business_minutes"]
    whose = f"{wording.tier(worst['tier'])}’s" if worst["tier"] is not None else "The"
    text = (
        f"{whose} longest stage is {wording.stage(worst['stage'])}: one case in twenty takes more than "
        f"{wording.business_time(longest)}"
    )
    others = [row for row in found if row["tier"] == worst["tier"] and row is not worst and row["p95_business_minutes"]]
    if others:
        second = max(others, key=lambda row: row["p95_business_minutes"])
        text += f", {longest / second['p95_business_minutes']:.1f} times its next stage, {wording.stage(second['stage'])}"
    return text + "."


@dataclass(frozen=True)
class _Axis:
    """A scale from 0 to 100 % of a track's width, with its ticks (percentage, label)."""

    highest: float
    ticks: Sequence[tuple[float, str]]

    @classmethod
    def up_to(cls, highest: float, unit: str = "") -> _Axis:
        levels = nice_ticks(highest, 4)
        return cls(levels[-1], [(100 * level / levels[-1], short_number(level) + unit) for level in levels])

    def place(self, value: float) -> float:
        return round(100 * value / self.highest, 2)


# --- backlog and congestion -------------------------------------------------------------------------------------------


def flow(connection: duckdb.DuckDBPyConnection) -> Section:
    """Open cases, flow, staff and congestion by day, and what congestion does to breaches."""
    daily = rows(
        connection,
        """
        select flow.*, load.congestion_index, load.congestion_index_10bd_mean, staff.planned_heads, staff.effective_heads
        from mart.backlog_daily_proxy as flow
        left join mart.congestion_daily_v2 as load using (calendar_date)
        left join mart.staffing_daily as staff using (calendar_date)
        order by flow.calendar_date
        """,
        "mart.backlog_daily_proxy", "mart.congestion_daily_v2", "mart.staffing_daily",
    )
    page = {
        "key": "flow",
        "title": "Backlog and congestion",
        "tables": ("mart.backlog_daily_proxy", "mart.congestion_daily_v2", "mart.staffing_daily", "mart.driver_congestion_buckets"),
    }
    if not daily:
        return Section(**page, finding="No day of work is known yet.")
    has_staff = any(row["effective_heads"] is not None for row in daily)
    buckets = rows(connection, "select * from mart.driver_congestion_buckets order by exposure_decile", "mart.driver_congestion_buckets")
    buckets = [row for row in buckets if row["cases"]]
    section = {
        **page,
        "finding": _backlog_finding(daily),
        "definition": (
            "Backlog at the end of a day = cases with intake up to that day not resolved or cancelled by its end. "
            + ("Congestion index = (opened that day + backlog at its end) / effective staff. " if has_staff else "")
            + ("A case’s exposure is the index’s mean over the 10 business days up to its intake." if buckets else "")
        ).strip(),
        "table": _flow_table(daily),
    }
    staff_note = "" if has_staff else "The source knows no staffing, so congestion (work per head) cannot be shown."
    if len(daily) < 3:
        return Section(**section, how_to_read=f"Too few days for a line; the table holds them. {staff_note}".strip())
    return Section(
        **section,
        how_to_read="Thick lines are means of the trailing 7 days, of the congestion index of 10 business days; dots are single days.",
        data={
            "panels": _flow_panels(daily, has_staff=has_staff),
            "staff_note": staff_note,
            "buckets": _bucket_chart(buckets) if len(buckets) > 1 else None,
            "bucket_finding": _bucket_finding(buckets) if len(buckets) > 1 else "",
            "legend": [(TONES[sla], SLA_NAMES[sla]) for sla in SLA_NAMES],
        },
    )


def _backlog_finding(daily: Sequence[Row]) -> str:
    last = daily[-1]
    open_cases = last["open_backlog_cases"]
    text = f"{wording.counted(open_cases, 'case')} {'was' if open_cases == 1 else 'were'} open at the end of {wording.day(last['calendar_date'])}"
    if len(daily) < 3:
        return f"{text}; {wording.count(last['opened_cases'])} had been opened that day and {wording.count(last['ended_cases'])} ended."
    peak = max(daily, key=lambda row: row["open_backlog_cases"])
    usual = median(row["open_backlog_cases"] for row in daily)
    if peak is last:
        return f"{text}, the most of the whole period, against {wording.count(usual)} on its median day."
    return (
        f"{text}, against {wording.count(usual)} on the median day and a peak of {wording.count(peak['open_backlog_cases'])} on "
        f"{wording.day(peak['calendar_date'])}."
    )


def _flow_panels(daily: Sequence[Row], *, has_staff: bool) -> list[Mapping[str, Any]]:
    days = [row["calendar_date"] for row in daily]

    def values(column: str) -> list[float | None]:
        return [row[column] for row in daily]

    def weekly(column: str) -> list[float | None]:
        return _trailing(daily, "calendar_date", _column(column, fmean))

    def panel(key: str, name: str, lines: Sequence[Line], legend: Sequence[tuple[str, str]] = ()) -> Mapping[str, Any]:
        chart = Chart(
            key=f"flow-{key}", title=f"{name} by day", description=f"Lines over the days: {', '.join(line.label for line in lines)}.",
            xs=positions(days), x_ticks=date_ticks(days, 5), lines=lines,
            tooltips=[
                f"{wording.day(day)}\n" + "\n".join(
                    f"{line.label}: {wording.decimal(line.values[number])}" for line in lines
                )
                for number, day in enumerate(days)
            ],
        )
        return {"name": name, "legend": legend, "svg": draw(chart, 460, 220)}

    panels = [
        panel("backlog", "Open cases at the end of the day", [Line("open cases", values("open_backlog_cases"), "tone-ink", "area")]),
        panel(
            "cases", "Cases opened and ended a day",
            [
                Line("opened", values("opened_cases"), "tone-a", "dots"), Line("ended", values("ended_cases"), "tone-b", "dots"),
                Line("opened, 7-day mean", weekly("opened_cases"), "tone-a"),
                Line("ended, 7-day mean", weekly("ended_cases"), "tone-b dashed"),
            ],
            [("tone-a", "opened"), ("tone-b", "ended")],
        ),
    ]
    if has_staff:
        panels += [
            panel("congestion", "Congestion index: cases in hand a head", [
                Line("index", values("congestion_index"), "tone-ink", "dots"),
                Line("10-business-day mean", values("congestion_index_10bd_mean"), "tone-ink"),
            ]),
            panel(
                "staff", "Heads planned and effective",
                [
                    Line("planned", values("planned_heads"), "tone-soft", "dots"), Line("effective", values("effective_heads"), "tone-p", "dots"),
                    Line("planned, 7-day mean", weekly("planned_heads"), "tone-soft"),
                    Line("effective, 7-day mean", weekly("effective_heads"), "tone-p"),
                ],
                [("tone-soft", "planned"), ("tone-p", "effective, less shrinkage")],
            ),
        ]
    return panels


def _bucket_chart(buckets: Sequence[Row]) -> Any:
    chart = Chart(
        key="buckets",
        title="Breach percentage by congestion exposure",
        description="Three lines over the ten groups of cases, from the least to the most congested at intake.",
        xs=[float(row["exposure_decile"]) for row in buckets],
        x_ticks=[(float(row["exposure_decile"]), f"{row['exposure_decile']}") for row in buckets],
        lines=[Line(SLA_NAMES[sla], [row[f"{sla}_breach_pct"] for row in buckets], TONES[sla]) for sla in SLA_NAMES],
        unit="%",
        tooltips=[
            f"Group {row['exposure_decile']}: exposure {wording.decimal(row['exposure_min'])} to {wording.decimal(row['exposure_max'])}, "
            f"{wording.counted(row['cases'], 'case')}\n"
            + "\n".join(f"{SLA_SHORT_NAMES[sla]} {wording.percent(row[f'{sla}_breach_pct'], 1)}" for sla in SLA_NAMES)
            for row in buckets
        ],
    )
    return draw(chart, 460, 220)


def _bucket_finding(buckets: Sequence[Row]) -> str:
    least, most = buckets[0], buckets[-1]
    moves = []
    for sla in SLA_NAMES:
        before, after = least[f"{sla}_breach_pct"], most[f"{sla}_breach_pct"]
        if before is not None and after is not None:
            moves.append(f"{SLA_SHORT_NAMES[sla]} {wording.percent(after, 1)} against {wording.percent(before, 1)}")
    return f"Cases taken in at the most congested times breach {wording.listed(moves)} at the least congested." if moves else ""


def _flow_table(daily: Sequence[Row]) -> Table:
    shown = daily[-MOST_DAYS:]
    return Table(
        head=["Date", "Opened", "Ended", "Net flow", "Open at the end", "Planned heads", "Effective heads", "Congestion", "10-day mean"],
        rows=[
            [
                f"{row['calendar_date']}",
                *(wording.count(row[f"{what}_cases"]) for what in ("opened", "ended", "net_flow", "open_backlog")),
                *(wording.decimal(row[f"{what}_heads"]) for what in ("planned", "effective")),
                wording.decimal(row["congestion_index"]), wording.decimal(row["congestion_index_10bd_mean"]),
            ]
            for row in shown
        ],
        note=f"The last {MOST_DAYS} of {len(daily)} days." if len(daily) > len(shown) else "",
    )


# --- reopens ----------------------------------------------------------------------------------------------------------


def reopens(connection: duckdb.DuckDBPyConnection) -> Section:
    """Cases that were reopened beside those that were not."""
    found = rows(connection, "select * from mart.driver_reopen_impact where cases > 0", "mart.driver_reopen_impact")
    page = {"key": "reopens", "title": "Reopen impact", "tables": ("mart.driver_reopen_impact",)}
    reopened, others = ([row for row in found if bool(row["is_reopened"]) is wanted] for wanted in (True, False))
    if not reopened:
        judged = sum(row["cases"] for row in others)
        return Section(
            **page, finding=f"None of the {wording.count(judged)} judged cases was reopened." if judged else "No case is judged yet."
        )
    pairs = _pairs(reopened, others)
    shown = sorted(pairs[:MOST_ROWS], key=lambda pair: (_order(pair[0]["tier"]), _order(pair[0]["case_type"])))
    highest = max(row["sla_a_incl_wait_breach_pct"] or 0 for pair in shown for row in pair if row)
    axis = _Axis.up_to(highest, "%")
    return Section(
        **page,
        finding=_reopen_finding(reopened, others),
        how_to_read=(
            "Ring: cases never reopened; dot: reopened ones. The line between them is the difference in the share that breaches SLA A "
            "with customer wait counted. The resolution counted is the first one: what the reopen added is not in it."
            + (f" The {len(pairs) - len(shown)} smaller groups left out are in the table." if len(pairs) > len(shown) else "")
        ),
        definition="Judged cases (with TRIAGE and RESOLVED); reopened = any status after the first RESOLVED, CLOSED or CANCELLED.",
        data={"axis": axis, "rows": [_reopen_row(*pair, axis) for pair in shown]},
        table=_reopen_table(found),
    )


def _pairs(reopened: Sequence[Row], others: Sequence[Row]) -> list[tuple[Row, Row | None]]:
    """Reopened groups with their counterpart, those of most reopened cases first."""
    counterpart = {(row["tier"], row["case_type"]): row for row in others}
    ranked = sorted(reopened, key=lambda row: (-row["cases"], _order(row["tier"]), _order(row["case_type"])))
    return [(row, counterpart.get((row["tier"], row["case_type"]))) for row in ranked]


def _reopen_finding(reopened: Sequence[Row], others: Sequence[Row]) -> str:
    many, rest = (sum(row["cases"] for row in part) for part in (reopened, others))
    share = wording.percent(100 * many / (many + rest), 1)
    text = f"{wording.count(many)} of {wording.count(many + rest)} judged cases ({share}) were reopened"
    ours, theirs = _pooled_breach_pct(reopened), _pooled_breach_pct(others)
    if ours is None or theirs is None:
        return text + "."
    if abs(ours - theirs) < SAME_POINTS:
        return f"{text}; they breach SLA A (customer wait counted) as often as the others, in {wording.percent(ours, 1)} of cases."
    return (
        f"{text}; they breach SLA A (customer wait counted) {'more' if ours > theirs else 'less'} often than the others, in "
        f"{wording.percent(ours, 1)} of cases against {wording.percent(theirs, 1)}."
    )


def _pooled_breach_pct(part: Iterable[Row]) -> float | None:
    known = [row for row in part if row["sla_a_incl_wait_breach_pct"] is not None]
    cases = sum(row["cases"] for row in known)
    return sum(row["cases"] * row["sla_a_incl_wait_breach_pct"] for row in known) / cases if cases else None


def _reopen_row(reopened: Row, other: Row | None, axis: _Axis) -> Mapping[str, Any]:
    def place(row: Row | None) -> float | None:
        rate = row["sla_a_incl_wait_breach_pct"] if row else None
        return None if rate is None else axis.place(rate)

    return {
        "name": f"{wording.tier(reopened['tier'])} · {wording.name(reopened['case_type'], 'no case type')}",
        "cases": wording.count(reopened["cases"]),
        "marks": (place(other), place(reopened)),
        "rates": [wording.percent(row["sla_a_incl_wait_breach_pct"], 1) if row else MISSING for row in (other, reopened)],
        "p90s": [wording.minutes(row["resolution_incl_wait_p90_business_minutes"]) if row else MISSING for row in (other, reopened)],
        "is_few": reopened["cases"] < FEW_CASES,
    }


def _reopen_table(found: Sequence[Row]) -> Table:
    ordered = sorted(found, key=lambda row: (_order(row["tier"]), _order(row["case_type"]), bool(row["is_reopened"])))
    return Table(
        head=["Tier", "Case type", "Reopened", "Cases", "Average min", "p50 min", "p90 min", "p95 min", "SLA A incl. wait %"],
        rows=[
            [
                wording.tier(row["tier"]), wording.name(row["case_type"], "no case type"), "yes" if row["is_reopened"] else "no",
                wording.count(row["cases"]), wording.minutes(row["resolution_avg_business_minutes"]),
                *(wording.minutes(row[f"resolution_incl_wait_{p}_business_minutes"]) for p in PERCENTILES),
                wording.decimal(row["sla_a_incl_wait_breach_pct"], 2),
            ]
            for row in ordered
        ],
        names=3,
    )


# --- scenarios --------------------------------------------------------------------------------------------------------


def scenarios(headline: Headline) -> Section:
    """What would have been, had a lever been pulled."""
    page = {"key": "scenarios", "title": "Scenarios", "tables": ("mart.scenario_results",)}
    best = headline.best_scenario()
    if best is None:
        return Section(**page, finding="No scenario has results yet: none is configured, or no case is judged.")
    measures = sorted({row.rework_measure for row in headline.scenarios if row.rework_measure})
    levels = [rate for row in headline.scenarios for rate in (row.breach_pct_before, row.breach_pct_after) if rate is not None]
    axis = _Axis.up_to(max(levels, default=0.0), "%")
    return Section(
        **page,
        finding=(
            f"{best.scenario}, {best.description}, would have avoided {wording.count(best.breaches_avoided)} of "
            f"{wording.count(best.breaches_before)} SLA A breaches and saved {wording.count(best.hours_saved)} business hours."
        ),
        how_to_read="Ring: the breach percentage as it was; dot: as it would have been. Hours are business hours of work or waiting saved.",
        definition=(
            "Each case is counted again with the lever applied (SLA A, customer wait counted); eligible cases are those the lever touches."
            + (f" Rework of reopened cases is taken by the measure: {wording.listed(measures)}." if measures else "")
        ),
        data={
            "axis": axis,
            "rows": [
                {
                    "name": row.scenario,
                    "description": row.description,
                    "eligible": wording.count(row.eligible_cases),
                    "avoided": wording.count(row.breaches_avoided),
                    "hours": wording.count(row.hours_saved),
                    "rates": [wording.percent(rate) for rate in (row.breach_pct_before, row.breach_pct_after)],
                    "marks": [
                        None if rate is None else axis.place(rate) for rate in (row.breach_pct_before, row.breach_pct_after)
                    ],
                }
                for row in headline.scenarios
            ],
        },
    )


# --- open clocks ------------------------------------------------------------------------------------------------------

#: Bands of open clocks, from the worst: (key, words).
BANDS = (
    ("past", "past target"), ("day", "due within 24 hours"), ("later", "due later"), ("paused", "paused"),
)


def open_clocks(connection: duckdb.DuckDBPyConnection) -> Section:
    """Clocks still running: those past their target and those about to be."""
    banded = rows(
        connection,
        """
        select
            clock,
            case
                when outcome = 'breached' then 'past'
                when is_paused then 'paused'
                when due_at <= as_of_at + interval 24 hour then 'day'
                else 'later'
            end as band,
            count(*) as clocks,
            max(as_of_at) as as_of_at
        from mart.open_clocks
        group by all
        order by clock, band
        """,
        "mart.open_clocks",
    )
    page = {"key": "open-clocks", "title": "Open clocks at risk", "tables": ("mart.open_clocks",)}
    if not banded:
        return Section(**page, finding="No clock is running: every case has come to its end.")
    totals = {band: sum(row["clocks"] for row in banded if row["band"] == band) for band, _ in BANDS}
    as_of_at = max(row["as_of_at"] for row in banded)
    next_due = rows(
        connection,
        """
        select case_id, clock, tier, priority, team, elapsed_seconds, target_seconds, remaining_seconds, due_at
        from mart.open_clocks
        where outcome <> 'breached' and not is_paused
        order by due_at nulls last, remaining_seconds, case_id, clock
        limit 12
        """,
        "mart.open_clocks",
    )
    return Section(
        **page,
        finding=(
            f"{wording.counted(totals['day'], 'clock runs', 'clocks run')} out within 24 hours of {wording.instant(as_of_at)}; "
            f"{wording.counted(totals['past'], 'more is', 'more are')} past {'its' if totals['past'] == 1 else 'their'} target already."
        ),
        how_to_read="Upper part: all running clocks by what awaits them. Lower part: the clocks that run out next unless stopped or paused.",
        definition=(
            "A clock runs from its start to its stop; elapsed and target count business time, the due instant is wall-clock time (UTC). "
            "Past target = elapsed > target. A paused clock has no due instant."
        ),
        data={
            "bands": BANDS,
            "clocks": [_clock_bar(clock, banded) for clock in sorted({row["clock"] for row in banded})],
            "next_due": [_due_row(row) for row in next_due],
        },
    )


def _clock_bar(clock: str, banded: Sequence[Row]) -> Mapping[str, Any]:
    counts = {row["band"]: row["clocks"] for row in banded if row["clock"] == clock}
    total = sum(counts.values())
    return {
        "name": _clock_name(clock),
        "total": wording.count(total),
        "parts": [
            {"key": key, "words": words, "count": wording.count(counts[key]), "share": round(100 * counts[key] / total, 2)}
            for key, words in BANDS if counts.get(key)
        ],
    }


def _clock_name(clock: str) -> str:
    return SLA_NAMES.get(clock, wording.name(clock))


def _due_row(row: Row) -> Mapping[str, Any]:
    used = row["elapsed_seconds"] / row["target_seconds"] if row["target_seconds"] else 0.0
    return {
        "case_id": row["case_id"],
        "clock": SLA_SHORT_NAMES.get(row["clock"], wording.name(row["clock"])),
        "tier": wording.tier(row["tier"]) if row["tier"] is not None else MISSING,
        "priority": row["priority"] or MISSING,
        "team": row["team"] or MISSING,
        "used": round(min(100.0, 100 * used), 1),
        "remaining": wording.span(row["remaining_seconds"]),
        "due": f"{row['due_at']:%d %b %H:%M}" if row["due_at"] is not None else MISSING,
    }


# --- data quality -----------------------------------------------------------------------------------------------------


def quality(summary: RunSummary | None) -> Section:
    """The verdicts of the run's checks."""
    page = {"key": "quality", "title": "Data-quality gates", "tables": ("the run’s asset checks",)}
    if summary is None or not summary.checks:
        return Section(**page, finding="No run’s checks are at hand: this report was written from the published marts alone.")
    failed = sorted(summary.failed_checks, key=lambda check: (check.severity != "ERROR", check.asset, check.check))
    gates = sorted((check for check in summary.passed_checks if "gate" in check.check), key=lambda check: (check.asset, check.check))
    return Section(
        **page,
        finding=_quality_finding(summary.checks, failed),
        how_to_read="Failed checks first, with what they measured; then the gates that passed. A failed ERROR stops what is downstream, a WARN only tells.",
        definition="Passed / failed count the checks of this run, each on the partitions the run wrote.",
        data={"failed": [_check_row(check) for check in failed], "gates": [_check_row(check) for check in gates]},
        table=Table(
            head=["Asset", "Check", "Verdict", "Figures"],
            rows=[
                [check.asset, wording.name(check.check), "passed" if check.passed else f"failed ({check.severity})", wording.figures(check.figures)]
                for check in sorted(summary.checks, key=lambda check: (check.passed, check.asset, check.check))
            ],
            names=4,
        ),
    )


def _quality_finding(checks: Sequence[CheckResult], failed: Sequence[CheckResult]) -> str:
    if not failed:
        return f"All {wording.counted(len(checks), 'check')} passed." if len(checks) > 1 else "The only check passed."
    stopped = sum(check.severity == "ERROR" for check in failed)
    named = ", ".join(f"{wording.name(check.check)} on {check.asset}" for check in failed[:3])
    more = f" and {len(failed) - 3} more" if len(failed) > 3 else ""
    return (
        f"{wording.count(len(failed))} of {wording.counted(len(checks), 'check')} failed, "
        f"{wording.count(stopped) if stopped else 'none'} of them with severity ERROR: {named}{more}."
    )


def _check_row(check: CheckResult) -> Mapping[str, Any]:
    return {
        "asset": check.asset,
        "check": wording.name(check.check),
        "verdict": "passed" if check.passed else f"failed, {check.severity}",
        "css": "passed" if check.passed else check.severity.lower(),
        "figures": wording.figures(check.figures),
        "description": check.description,
    }


# --- the source's own verdicts ----------------------------------------------------------------------------------------


def source_comparison(connection: duckdb.DuckDBPyConnection) -> Section:
    """What the source says of itself beside what opsla says."""
    found = rows(connection, "select * from mart.source_sla_comparison order by source", "mart.source_sla_comparison")
    page = {"key": "sources", "title": "The source’s own verdicts", "tables": ("mart.source_sla_comparison",)}
    telling = [row for row in found if row["source_verdict_cases"]]
    stamped = [row for row in found if row["source_resolved_cases"]]
    if not telling and not stamped:
        return Section(**page, finding="The source gives no SLA verdicts or resolution stamps of its own to set beside these figures.")
    return Section(
        **page,
        finding=_source_finding(telling[0] if telling else None, stamped),
        how_to_read="One row a source. Agreeing cases are those where both come to the same verdict.",
        definition=(
            "The source’s breach % is over the cases it gives a verdict for. Calendar hours run from intake to the source’s own "
            "resolution stamp, around the clock."
        ),
        data={"rows": [_source_row(row) for row in found]},
    )


def _source_finding(row: Row | None, stamped: Sequence[Row]) -> str:
    if row is None:
        first = stamped[0]
        return (
            f"{first['source']} gives no verdicts of its own; by its stamps half of {wording.count(first['source_resolved_cases'])} "
            f"cases were resolved within {wording.decimal(first['source_resolution_p50_calendar_hours'])} calendar hours."
        )
    agreeing = ""
    if row["agreeing_cases"] is not None:
        share = wording.percent(100 * row["agreeing_cases"] / row["source_verdict_cases"], 1)
        agreeing = f"; the two agree on {wording.count(row['agreeing_cases'])} cases ({share})"
    return (
        f"{row['source']} calls {wording.percent(row['source_breach_pct'])} of {wording.counted(row['source_verdict_cases'], 'case')} "
        f"breached, the policies here {wording.percent(row['our_breach_pct'])}{agreeing}."
    )


def _source_row(row: Row) -> Mapping[str, Any]:
    return {
        "source": row["source"],
        "figures": [
            ("Cases", wording.count(row["cases"])),
            ("With the source’s verdict", wording.count(row["source_verdict_cases"])),
            ("Breached, source", wording.percent(row["source_breach_pct"])),
            ("Breached, here", wording.percent(row["our_breach_pct"])),
            ("Agreeing cases", wording.count(row["agreeing_cases"])),
            ("With a resolution stamp", wording.count(row["source_resolved_cases"])),
            *(
                (f"{p} calendar hours", wording.decimal(row[f"source_resolution_{p}_calendar_hours"]))
                for p in ("p50", "p75", "p90", "p95")
            ),
        ],
    }


def sla_tiles(headline: Headline) -> list[tuple[str, SlaFigures]]:
    """The SLA tiles: (tone, figures)."""
    return [(TONES[sla.sla], sla) for sla in headline.slas]
