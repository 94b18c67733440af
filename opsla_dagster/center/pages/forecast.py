"""Forecast: what comes in on the next days, how far that can be trusted, and when the backlog is down, as now and under a change.

Belongs here: the page. Does not belong here: the arithmetic (forecasting/), and the figures that the marts have.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from opsla_dagster.center.address import parse_number
from opsla_dagster.center.drawings import in_two_sizes
from opsla_dagster.center.levers import LEAST, MOST, NOTHING_CHANGED, STEP, Changes, parse_change
from opsla_dagster.center.model import Column, Drawing, Figure, Grid, Page, Row
from opsla_dagster.center.view import View
from opsla_dagster.forecasting.backtest import AS_SERVED
from opsla_dagster.forecasting.clear_rows import METHOD, clear_rows, goals, unclear, work_of
from opsla_dagster.forecasting.clearing import Change
from opsla_dagster.reporting import wording
from opsla_dagster.reporting.charts import Chart, Line, date_ticks, positions

#: Days before today that are drawn beside those ahead.
_DAYS_BEFORE = 28
#: A change in percent: to a hundredth of what is, to ten times as much.
_LEAST_PCT, _MOST_PCT = -99.0, 900.0
_MOST_CASES = 10_000_000
GOALS = {"none open": "no case open", "only new": "what has just come in", "usual": "its usual size", "target": "the target of forecast.yml", "asked": "as asked"}
#: Of which time the two paces of a week are.
_WINDOWS = (
    "Come a week: the forecast for a usual week, without holidays. Leave a week: the business days and the other days of a usual week, as in the last 56 days, while work waited; a holiday and the six days after it are no part of them. "
    "Where more come than leave, chance may still empty the backlog once; of futures: the share in which it does."
)
_DATES = ("reached_p10_date", "reached_p50_date", "reached_p90_date")


@dataclass(frozen=True)
class Asked:
    """What the address changes, and the open cases to come down to (None: none was asked)."""

    changes: Changes = NOTHING_CHANGED
    target: int | None = None

    @property
    def is_asked(self) -> bool:
        return self != Asked()

    @property
    def change(self) -> Change:
        return Change(self.changes.heads / 100, self.changes.arrivals / 100, self.changes.handling / 100)


def read_asked(heads: str, arrivals: str, handling: str, target: str) -> Asked:
    """The change that the parameters write. Raises RefusedAddress for what is no number, or out of bounds."""
    changes = Changes(*(parse_change(name, text, _LEAST_PCT, _MOST_PCT) for name, text in (("heads", heads), ("arrivals", arrivals), ("handling", handling))))
    return Asked(changes, parse_number("target", target.strip(), 0, _MOST_CASES) if target.strip() else None)


def forecast_page(view: View, asked: Asked) -> Page:
    """The page of the queue of the address, as of now."""
    named = view.dimension
    days = view.rows("forecast_days", **named)
    before = view.rows("days", last_day=view.local_day(view.now["now_at"]), days=_DAYS_BEFORE + 1, **named) if days else []
    before = [row for row in before if row["calendar_date"] < days[0]["calendar_date"]]
    backtest, hours = view.rows("forecast_backtest", **named), view.rows("forecast_hours", **named)
    models = [row for row in backtest if row["horizon_from_days"] < row["horizon_to_days"]]
    horizons = [row for row in backtest if row["model"] == AS_SERVED and row["horizon_from_days"] == row["horizon_to_days"]]
    throughput = view.rows("forecast_throughput", **named)
    values = view.rows("forecast_values") if view.state.queue is None else []
    is_told = bool(days) and days[0]["expected_cases"] is not None
    drawings = [*([_arrivals(before, days)] if is_told else []), *_hours(hours)]
    return Page(
        template="forecast.html.j2",
        title="Forecast",
        figures=list(figures(days, models, throughput)) if is_told else [],
        drawings=drawings,
        grids=[_clear(view, days, throughput, asked), _throughput(throughput), *([_values(view, values)] if len(values) > 1 else []), _models(models), _horizons(horizons)],
        context={
            "now_at": view.now["now_at"], "is_now": view.is_now, "asked": asked, "levers": asked.changes.levers({"heads": _heads_hint(throughput)}), "least": LEAST, "most": MOST, "step": STEP, "method": METHOD, "reason": _reason(days), "heads_hint": _heads_hint(throughput), "is_told": is_told,
            "can_ask": bool(throughput) and unclear(throughput[0], days) is None,
        },
    )  # fmt: skip


def _reason(days: Sequence[Row]) -> str | None:
    if not days:
        return "Nothing came into this queue within what is loaded."
    reason: str | None = days[0]["forecast_reason"]
    return wording.sentence(reason) + "." if reason else None


def figures(days: Sequence[Row], models: Sequence[Row], throughput: Sequence[Row]) -> Iterator[Figure]:
    """The figures above the page: what is expected, how far that was off as served at the time, and what gets done."""
    ahead = next((row for row in days if row["is_business_day"]), days[0])
    yield Figure("next_day", f"Expected on {ahead['calendar_date']:%A}", ahead["expected_cases"], "count", notes=[wording.day(ahead["calendar_date"]), _between(ahead["low_cases"], ahead["high_cases"])])
    yield Figure("week", "Expected in 7 days", days[6]["total_expected_cases"], "count", notes=[_between(days[6]["total_low_cases"], days[6]["total_high_cases"])])
    served = next((row for row in models if row["model"] == AS_SERVED and row["scored_days"]), None)
    if served:
        yield Figure(
            "error", "Off by, a day", served["mean_absolute_error_cases"], "decimal",
            notes=[
                f"cases on average, of {wording.decimal(served['mean_arrived_cases'])} a day, as served at the time", _held(served), *_against_width(served),
                f"today serves: {ahead['served_model']}",
            ],
        )  # fmt: skip
    for row in throughput[:1]:
        if row["gone_cases_per_open_hour"] is not None:
            notes = [_basis(row)]
            if row["gone_cases_per_staffed_hour"]:
                notes.insert(0, f"by {wording.decimal(row['heads'])} heads ({_heads_words(row)}): {wording.rate(1 / row['gone_cases_per_staffed_hour'])} staffed hours for each case that leaves in them{_elsewhere(row)}")
            yield Figure("throughput", "Throughput: leave within an open hour while work waits", row["gone_cases_per_open_hour"], "rate", notes=[*_beside_pace(row), *notes])


def _between(low: int | None, high: int | None) -> str:
    return "interval unknown" if low is None or high is None else f"four times in five {wording.count(low)} to {wording.count(high)}"


def _held(row: Row) -> str:
    if row["covered_pct"] is None:
        return "no past interval to judge"
    return f"its 80% intervals held on {wording.percent(row['covered_pct'], 0)} of the {wording.counted(row['interval_days'], 'day')} on which cases were to be expected"


def _against_width(row: Row) -> list[str]:
    """Why the mean error may be wider than an interval: the few days that an interval misses weigh in the mean and not in the interval."""
    half, error = (row["mean_width_cases"] or 0) / 2, row["mean_absolute_error_cases"]
    if not half or error <= half:
        return []
    return [f"they reached {wording.decimal(half)} to either side on average; the mean error is larger by the days that they missed, far off as holidays are"]


def _basis(row: Row) -> str:
    if row["throughput_basis"] == "while work waited":
        return f"in {wording.counted(row['waiting_hours'], 'hour')} with work waiting, of {wording.count(row['open_hours'])} in 56 days"
    return "in all open hours of 56 days: work hardly waited, so at least"


def _beside_pace(row: Row) -> list[str]:
    """How throughput goes with the pace of the first screen, which counts other cases and other hours."""
    pace = row["left_cases_per_business_hour"]
    return [] if pace is None else [f"the page Now tells a pace of {wording.rate(pace)}: it also counts what leaves at night and on closed days, over the last 10 business days"]


def _elsewhere(row: Row) -> str:
    """What leaves by nobody knows whose hours, which is why staffed hours a case are no touch time."""
    outside = row["gone_cases_outside_hours_per_business_day"]
    return f" (not the touch time of the page Staffing: {wording.rate(outside)} more a business day leave outside open hours)" if outside else ""


def _heads_words(row: Row) -> str:
    return {"schedule": "by the schedule", "estimated": "estimated: agents who let cases go, not staff"}.get(row["heads_source"], "unknown")


def _heads_hint(throughput: Sequence[Row]) -> str:
    heads = throughput[0]["heads"] if throughput else None
    if not heads:
        return "how many there are is not known"
    return f"about {wording.decimal(heads)} today ({_heads_words(throughput[0])}), one more is {wording.decimal(100 / heads)}%"


def _arrivals(before: Sequence[Row], days: Sequence[Row]) -> Drawing:
    dates = [row["calendar_date"] for row in (*before, *days)]
    empty: list[None] = [None] * len(before)
    lines = [
        Line("from", [*empty, *(row["low_cases"] for row in days)], "tone-soft"),
        Line("to", [*empty, *(row["high_cases"] for row in days)], "tone-soft"),
        Line("came", [*(row["arrived_cases"] for row in before), *([None] * len(days))], "tone-ink", "dots"),
        Line("expected", [*empty, *(row["expected_cases"] for row in days)], "tone-a"),
    ]
    last = days[-1]
    chart = Chart(
        key="arrivals",
        title="Arrivals by day",
        description=f"Dots: cases that came in on the last {len(before)} days. Line: those expected up to {wording.day(last['calendar_date'])}, "
        f"{wording.count(last['total_expected_cases'])} in all, between the ends of the 80% interval.",
        xs=positions(dates),
        x_ticks=date_ticks(dates, 8),
        lines=lines,
        shade_from=positions([days[0]["calendar_date"]])[0],
        tooltips=[
            *("\n".join([wording.day(row["calendar_date"]), f"came {wording.count(row['arrived_cases'])}" if row["is_loaded"] else "not loaded"]) for row in before),
            *(f"{wording.day(row['calendar_date'])}\nexpected {wording.decimal(row['expected_cases'])}\n{_between(row['low_cases'], row['high_cases'])}" for row in days),
        ],
    )
    grid = Grid(
        key="days", title="Arrivals expected by day",
        columns=[
            Column("calendar_date", "Date", "day"), Column("is_business_day", "Open", "flag"), Column("is_day_of_holiday", "Holiday", "flag"),
            Column("expected_cases", "Expected", "decimal"), Column("low_cases", "From", "count"), Column("high_cases", "To", "count"),
            Column("total_expected_cases", "In all by then", "count"), Column("total_low_cases", "From", "count"), Column("total_high_cases", "To", "count"),
        ],
        rows=list(days),
    )  # fmt: skip
    return Drawing(
        "arrivals", chart.title, *in_two_sizes(chart, date_ticks(dates, 4)),
        legend=[("tone-ink", "came in"), ("tone-a", "expected"), ("tone-soft", "80% interval: four days in five lie between")],
        note="Opened, reopened and, of a queue, moved into it. Tinted: the days ahead, today first.", grid=grid,
    )  # fmt: skip


def _hours(hours: Sequence[Row]) -> list[Drawing]:
    business = [row for row in hours if row["is_business_day"]]
    if not business:
        return []
    busiest = max(business, key=lambda row: (row["share_of_day_pct"], -row["hour_of_day"]))
    chart = Chart(
        key="hours",
        title="The shape of a business day",
        description=f"Share of a business day's arrivals by hour; the busiest is {_hour(busiest['hour_of_day'])} with {wording.percent(busiest['share_of_day_pct'], 1)}.",
        xs=[float(row["hour_of_day"]) for row in business],
        x_ticks=[(float(hour), f"{hour:02d}:00") for hour in range(0, 24, 3)],
        lines=[Line("share of the day's arrivals", [row["share_of_day_pct"] for row in business], "tone-a", "area")],
        unit="%",
        tooltips=[f"{_hour(row['hour_of_day'])}\n{wording.percent(row['share_of_day_pct'], 1)}, {wording.counted(row['arrived_cases'], 'case')} in 56 days" for row in business],
    )
    grid = Grid(
        key="hours", title="Arrivals by hour of the day",
        columns=[Column("is_business_day", "Business day", "flag"), Column("hour_of_day", "Hour", "count"), Column("arrived_cases", "Cases in 56 days", "count"),
                 Column("share_of_day_pct", "Of the day", "pct")],
        rows=list(hours),
    )  # fmt: skip
    narrow = [(float(hour), f"{hour:02d}") for hour in range(0, 24, 6)]
    return [Drawing("hours", chart.title, *in_two_sizes(chart, narrow), legend=[("tone-a", "share of a business day's arrivals, by hour of the desk's time")], note="Over the last 56 days.", grid=grid)]


def _hour(hour: int) -> str:
    return f"{hour:02d}:00 to {(hour + 1) % 24:02d}:00"


def _clear(view: View, days: Sequence[Row], throughput: Sequence[Row], asked: Asked) -> Grid:
    found: list[Row] = [{**row, "goal_words": GOALS[row["goal"]]} for row in view.rows("forecast_clear", **view.dimension)]
    if asked.is_asked and throughput and unclear(throughput[0], days) is None:
        found = [*_asked_rows(throughput[0], days, asked), *found]
    # What is there already has no date to wait for: that is said in words.
    found = [{**row, **dict.fromkeys(_DATES)} if row["clear_reason"].startswith("already") else row for row in found]
    return Grid(
        key="clear",
        title="When the backlog is down",
        columns=[
            Column("what_if", "What if"), Column("goal_words", "Down to"), Column("target_cases", "That is cases open", "count"), Column("arriving_cases_per_week", "Come a week, as forecast", "count"),
            Column("leaving_cases_per_week", "Leave a week, as in the last 56 days", "count"), Column("reached_p10_date", "Early", "day"), Column("reached_p50_date", "Middle", "day"),
            Column("reached_p90_date", "Late", "day"), Column("reached_pct", "Of futures", "pct"), Column("clear_reason", "Why"),
        ],
        rows=found,
        empty="Nothing can be said of when the backlog is down: no case came in or left within what is loaded.",
        note=f"{METHOD} {_WINDOWS}",
    )  # fmt: skip


def _asked_rows(throughput: Mapping[str, Any], days: Sequence[Row], asked: Asked) -> Iterator[Row]:
    work = work_of(throughput, days)
    targets = {"asked": float(asked.target)} if asked.target is not None else goals(work, asked.change, throughput["usual_open_cases"])
    for row in clear_rows(throughput, work, targets, asked.change):
        yield {**row, "what_if": f"asked: {asked.changes.words}", "goal_words": GOALS[row["goal"]]}


def _throughput(throughput: Sequence[Row]) -> Grid:
    return Grid(
        key="throughput",
        title="Throughput: what gets done while work waits",
        columns=[
            Column("gone_cases_per_open_hour", "Leave within an open hour", "rate"), Column("left_cases_per_business_hour", "Pace of page Now, nights included", "rate"), Column("open_hours_per_business_day", "Open hours a day", "decimal"),
            Column("gone_cases_outside_hours_per_business_day", "Outside them, a business day", "rate"), Column("gone_cases_per_other_day", "On another day", "rate"),
            Column("gone_p10_cases_per_business_day", "Slow business day (p10)", "decimal"), Column("gone_p90_cases_per_business_day", "Fast one (p90)", "decimal"),
            Column("heads", "Heads", "decimal"), Column("heads_source", "Known from"), Column("staffed_hours_per_case", "Staffed hours for each case that leaves in them", "rate"),
            Column("throughput_basis", "Measured"),
        ],
        rows=[{**row, "staffed_hours_per_case": 1 / rate if (rate := row["gone_cases_per_staffed_hour"]) else None} for row in throughput if row["gone_cases_per_open_hour"] is not None],
        empty="No open hour of the last 56 days is loaded.",
        note="Cases that ended, were cancelled or moved on, in the last 56 days. Per open hour: of those open hours alone in which more cases waited than there were heads, since people without work say nothing of "
        "what they can do; what leaves at night and on other days stands in columns of its own. So staffed hours for each case are no touch time (page Staffing), which counts every case that is finished. The pace of the page Now is another figure: everything that left in the last 10 business days, nights and closed days included, spread over their open hours.",
    )  # fmt: skip


def _values(view: View, values: Sequence[Row]) -> Grid:
    rows = [{**row, "name": row["dimension_value"], "usual_words": _back_at_usual(row)} for row in values]
    return Grid(
        key="queues",
        title="All queues",
        columns=[
            Column("name", "Queue", "value", href=lambda row: None if row["dimension"] == "all" else view.state.url("/forecast", queue=row["dimension_value"])),
            Column("week_cases", "Expected in 7 days", "count"), Column("week_low_cases", "From", "count"), Column("week_high_cases", "To", "count"),
            Column("mean_absolute_error_cases", "As served, off by a day", "decimal"), Column("covered_pct", "Interval held", "pct"), Column("served_model", "Serves today"),
            Column("open_cases", "Open now", "count"), Column("target_cases", "Usually open", "count"), Column("usual_words", "Back at that"),
            Column("forecast_reason", "What cannot be said"),
        ],
        rows=rows,
        note="Queues add up to more than all: a case that is moved comes into each queue on its way. Each is forecast by itself, so they need not add up even then.",
    )  # fmt: skip


def _back_at_usual(row: Row) -> str | None:
    if row["open_cases"] is None or row["target_cases"] is None:
        return None
    if row["clear_reason"].startswith("already"):
        return "now"
    return wording.day(row["reached_p50_date"]) if row["reached_p50_date"] else str(row["clear_reason"])


def _models(models: Sequence[Row]) -> Grid:
    return Grid(
        key="models",
        title="How good the forecasts were",
        columns=[
            Column("model", "Model"), Column("is_served", "Serves today", "flag"), Column("origins", "Forecasts", "count"), Column("scored_days", "Days", "count"),
            Column("mean_absolute_error_cases", "Off by, a day", "decimal"), Column("mase", "MASE", "decimal"), Column("bias_cases", "Too high by", "decimal"),
            Column("pinball_loss_cases", "Pinball loss", "decimal"), Column("covered_pct", "Interval held", "pct"),
            Column("business_days_covered_pct", "On business days", "pct"), Column("mean_width_cases", "Its width", "decimal"), Column("forecast_reason", "Remarks"),
        ],
        rows=models,
        empty="No past forecast can be judged yet: it takes six weeks of history.",
        note="Forecasts of 14 days each, made for the last 8 fortnights with what was known at the start of each. The seasonal naive one (the same weekday last week) serves unless another was "
        "better by 5% or more. As served: what that choice, made each time with what was known then, would have shown; the figures to go by. A model that serves today was chosen on these same days, so its own figures "
        "flatter it. MASE below 1: better than the naive one was before. The interval is to hold on 80% of the days on which cases were to be expected: 0.1 "
        "or more, or an interval that reaches 1. On others none is nearly certain, and any interval holds. Known then: by when the log received each event; a move between queues that no event tells has no such instant, and counts "
        "as known when it happened.",
    )  # fmt: skip


def _horizons(rows: Sequence[Row]) -> Grid:
    return Grid(
        key="horizons",
        title="As served, by days ahead",
        columns=[
            Column("horizon_from_days", "Days ahead", "count"), Column("scored_days", "Days", "count"), Column("mean_absolute_error_cases", "Off by", "decimal"),
            Column("bias_cases", "Too high by", "decimal"), Column("covered_pct", "Interval held", "pct"), Column("mean_width_cases", "Its width", "decimal"),
        ],
        rows=rows,
    )  # fmt: skip
