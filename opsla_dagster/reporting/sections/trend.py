"""SLA trend: breach rates and percentiles by intake date.

Belongs here: this one section. Does not belong here: what it looks like (templates/trend.html.j2).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from functools import partial
from typing import Any

import duckdb

from opsla_dagster.reporting import wording
from opsla_dagster.reporting.charts import Chart, Line, date_ticks, draw, positions
from opsla_dagster.reporting.headline import DURATIONS
from opsla_dagster.reporting.marts import Row, rows
from opsla_dagster.reporting.run_summary import Headline
from opsla_dagster.reporting.sections.common import (
    FEW_CASES,
    FEWEST_DAYS,
    PERCENTILES,
    TONES,
    WEEK,
    Section,
    Table,
    legend,
    move,
    newest,
    rate,
    smoothing_days,
    trailing,
)

#: A day is settled when its share of judged cases is at most this far below that of the whole log.
UNSETTLED_SHARE = 0.05
#: A single day is drawn from this many judged cases on; a smoothed line needs FEW_CASES in its span.
FEWEST_FOR_A_DOT = 10
#: The finding compares this many days at both ends of the log.
COMPARED_DAYS = 28


def trend(connection: duckdb.DuckDBPyConnection, headline: Headline) -> Section | None:
    """Breach rates and percentiles by intake date; None where no case is judged by the promises that they are of."""
    section = partial(Section, key="trend", title="SLA trend", tables=("mart.sla_daily",))
    if not headline.slas:
        return None
    daily = rows(connection, "select * from mart.sla_daily order by intake_date", "mart.sla_daily")
    judged = [row for row in daily if row["sla_cases"]]
    if not judged:
        return None
    names = headline.sla_names()
    targets = {sla.sla: sla.target_minutes for sla in headline.slas}
    settled_until = _settled_until(daily)
    is_unsettled = settled_until < daily[-1]["intake_date"]
    settled = [row for row in judged if row["intake_date"] <= settled_until]
    section = partial(
        section,
        finding=_finding(settled or judged, names, "settled intake days" if is_unsettled and settled else "intake days"),
        definition=(
            "Breach % = breached cases / judged cases, those both touched and resolved, by intake date. A case whose business time "
            f"equals the target is met; time is open time of each case's own calendar. {_targets_in_words(names, targets)}"
        ).strip(),
        table=_table(daily, names),
    )
    weekly = {
        sla: _settled(daily, trailing(daily, "intake_date", partial(_smoothed_rate, sla=sla)), settled_until) for sla in names
    }
    if len(judged) < FEWEST_DAYS or not any(value is not None for values in weekly.values() for value in values):
        return section(how_to_read="Too few days or cases for a line; the table holds them.")
    span = smoothing_days(daily[0]["intake_date"], daily[-1]["intake_date"])
    return section(
        how_to_read=(
            f"Upper chart: lines take all cases of the trailing {span} days together, dots are single days. Lower charts: "
            f"dots are each day’s exact percentiles, lines their mean over {span} days, weighted by cases. Lines need "
            f"{FEW_CASES} cases, dots {FEWEST_FOR_A_DOT}; a dot on the upper edge lies above it. The figure at a line’s end is of its last "
            f"{span} days alone; the heading compares longer periods. A case taken in on a closed day seldom breaches “{names['sla_b']}”, since its clock starts when the desk opens."
            + (" Lines end where days are not settled yet (tinted): their slow cases are still open and will add breaches." * is_unsettled)
        ),
        data={
            "span": span,
            "legend": legend(names),
            "charts": _breach_charts(daily, weekly, names, settled_until if is_unsettled else None),
            "percentiles": [_percentile_chart(daily, sla, names[sla], targets.get(sla), settled_until) for sla in names],
        },
    )


def _settled_until(daily: Sequence[Row]) -> date:
    """The last intake date before the tail whose cases are clearly less often resolved than the log's as a whole."""
    opened, judged = sum(row["opened_cases"] for row in daily), sum(row["sla_cases"] for row in daily)
    usual = judged / opened if opened else 0.0
    settled = (
        row["intake_date"]
        for row in reversed(daily)
        if row["opened_cases"] and row["sla_cases"] / row["opened_cases"] >= usual - UNSETTLED_SHARE
    )
    until: date = next(settled, daily[-1]["intake_date"])
    return until


def _settled(daily: Sequence[Row], values: Sequence[float | None], settled_until: date) -> list[float | None]:
    """The values of settled days: a line that went on would end in a fall that is none."""
    return [value if row["intake_date"] <= settled_until else None for row, value in zip(daily, values, strict=True)]


def _finding(judged: Sequence[Row], names: Mapping[str, str], kind_of_days: str) -> str:
    first, last = judged[0]["intake_date"], judged[-1]["intake_date"]
    compared = min(COMPARED_DAYS, ((last - first).days + 1) // 2)
    early = [row for row in judged if row["intake_date"] < first + timedelta(days=compared)]
    late = [row for row in judged if row["intake_date"] > last - timedelta(days=compared)]
    if compared < WEEK or min(_cases(early), _cases(late)) < FEW_CASES:
        rates = [f"{wording.percent(rate(judged, sla), 1)} ({name})" for sla, name in names.items()]
        cases = wording.counted(_cases(judged), "judged case")
        when = f"on {wording.day(first)}" if first == last else f"from {wording.day(first)} to {wording.day(last)}"
        settled = " of settled days" if kind_of_days.startswith("settled") else ""
        return f"Breached of {cases}{settled}, intake {when}: {wording.listed(rates)}."
    moves = [f"{words} ({wording.listed(of)})" for words, of in _alike(early, late, names).items()]
    return f"From the first {compared} {kind_of_days} to the last {compared}, breaches {wording.listed(moves)}."


def _alike(early: Sequence[Row], late: Sequence[Row], names: Mapping[str, str]) -> Mapping[str, list[str]]:
    """How the rates moved, each move with the names of those that moved so: nothing is said twice."""
    moves: dict[str, list[str]] = {}
    for sla, name in names.items():
        moves.setdefault(move(rate(early, sla), rate(late, sla)), []).append(name)
    return moves


def _cases(part: Sequence[Row]) -> int:
    return sum(row["sla_cases"] for row in part)


def _targets_in_words(names: Mapping[str, str], targets: Mapping[str, float | None]) -> str:
    known = [
        f"{wording.time_taken(target)} ({names[sla]})" for sla, target in targets.items() if target is not None
    ]
    return f"Targets: {wording.listed(known)}." if known else ""


def _breach_charts(
    daily: Sequence[Row],
    weekly: Mapping[str, Sequence[float | None]],
    names: Mapping[str, str],
    settled_until: date | None,
) -> Mapping[str, Any]:
    days = [row["intake_date"] for row in daily]
    dots = [Line(name, _single_days(daily, f"{sla}_breach_pct"), TONES[sla], "dots") for sla, name in names.items()]
    chart = partial(
        Chart,
        title="Breach percentage by intake date",
        description="Three lines, one an SLA variant, smoothed over the trailing days. Dots are single days.",
        xs=positions(days),
        lines=[*dots, *(Line(name, weekly[sla], TONES[sla]) for sla, name in names.items())],
        unit="%",
        shade_from=float(settled_until.toordinal()) + 0.5 if settled_until else None,
    )
    wide = chart(key="breach-wide", x_ticks=date_ticks(days, 13), tooltips=_tooltips(daily, weekly, names))
    narrow = chart(key="breach-narrow", x_ticks=date_ticks(days, 5))
    return {"wide": draw(wide, 960, 320), "narrow": draw(narrow, 360, 260)}


def _tooltips(
    daily: Sequence[Row], weekly: Mapping[str, Sequence[float | None]], names: Mapping[str, str]
) -> list[str]:
    return [
        "\n".join([
            f"{wording.day(row['intake_date'])}: {wording.counted(row['sla_cases'], 'judged case')}",
            *(
                f"{name} {wording.percent(row[f'{sla}_breach_pct'], 1)},"
                f" smoothed {wording.percent(weekly[sla][number], 1)}"
                for sla, name in names.items()
            ),
        ])
        for number, row in enumerate(daily)
    ]


def _percentile_chart(
    daily: Sequence[Row], sla: str, name: str, target: float | None, settled_until: date
) -> Mapping[str, Any]:
    days = [row["intake_date"] for row in daily]
    columns = {p: f"{DURATIONS[sla]}_{p}_business_minutes" for p in PERCENTILES}
    known = [row[column] for column in columns.values() for row in daily if row[column] is not None]
    unit, size = wording.fitting_unit(max([*known, target or 0.0]))
    daily = [{**row, **{column: None if row[column] is None else row[column] / size for column in columns.values()}} for row in daily]
    dots = [Line(p, _single_days(daily, column), f"{TONES[sla]} {p}", "dots") for p, column in columns.items()]
    lines = [
        Line(p, _settled(daily, trailing(daily, "intake_date", partial(_weighted, column=column)), settled_until), f"{TONES[sla]} {p}")
        for p, column in columns.items()
    ]
    chart = Chart(
        key=f"percentiles-{sla}",
        title=f"{name}: p50, p90 and p95 by intake date",
        description=f"Three lines in {unit} of open time. Dots are the exact percentiles of single days.",
        xs=positions(days),
        x_ticks=date_ticks(days, 4),
        lines=[*dots, *lines],
        reference=(target / size, f"target {wording.time_taken(target)}") if target is not None else None,
    )
    return {"name": name, "tone": TONES[sla], "unit": unit, "svg": draw(chart, 340, 230)}


def _single_days(daily: Sequence[Row], column: str) -> list[float | None]:
    return [row[column] if row["sla_cases"] >= FEWEST_FOR_A_DOT else None for row in daily]


def _smoothed_rate(part: Sequence[Row], sla: str) -> float | None:
    return rate(part, sla) if _cases(part) >= FEW_CASES else None


def _weighted(part: Sequence[Row], column: str) -> float | None:
    """The mean of a daily percentile, weighted by the days' judged cases: a smoothed line, not a percentile of the span."""
    known = [row for row in part if row[column] is not None]
    cases = _cases(known)
    return sum(row[column] * row["sla_cases"] for row in known) / cases if cases >= FEW_CASES else None


def _table(daily: Sequence[Row], names: Mapping[str, str]) -> Table:
    shown, note = newest(daily, "mart.sla_daily")
    columns = [(sla, p, f"{DURATIONS[sla]}_{p}_business_minutes") for sla in names for p in PERCENTILES]
    return Table(
        head=[
            "Intake date", "Opened", "Judged", *(f"{name} %" for name in names.values()),
            *(f"{names[sla]} {p}" for sla, p, _ in columns),
        ],
        rows=[
            [
                f"{row['intake_date']}", wording.count(row["opened_cases"]), wording.count(row["sla_cases"]),
                *(wording.decimal(row[f"{sla}_breach_pct"], 2) for sla in names),
                *(wording.time_taken(row[column]) for _, _, column in columns),
            ]
            for row in shown
        ],
        note=note,
    )
