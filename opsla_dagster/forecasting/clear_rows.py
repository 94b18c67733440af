"""From rows of the marts to a backlog that can be simulated, and from what was found to figures and words.

Belongs here: what the table and the command centre share. Does not belong here: the arithmetic (clearing.py), and reading rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import sqrt
from typing import Any

from opsla_dagster.forecasting.clearing import (
    FUTURES,
    P10_TO_P90,
    Change,
    Day,
    Reached,
    Work,
    floor,
    net_cases_per_week,
    reached,
)

Row = Mapping[str, Any]
#: Where fewer futures reach the target, it is not to be counted on.
_HALF = 0.5


def unclear(throughput: Row, days: Sequence[Row]) -> str | None:
    """Why nothing can be said of when a backlog is down; None where something can.

    `throughput`: a row of mart.throughput with `open_cases`; its columns are None where the value has none. `days`: of mart.forecast_arrivals.
    """
    if not days:
        return "arrivals unknown: they have no forecast"
    if days[0]["expected_cases"] is None:
        return f"arrivals unknown: {days[0]['forecast_reason']}"
    basis = throughput["throughput_basis"]
    if basis is None or basis == "unknown":
        return "throughput unknown: no case left within 56 days"
    return None


def work_of(throughput: Row, days: Sequence[Row]) -> Work:
    """The backlog of such rows, of which something can be said.

    Where now lies within a date, the first day is the rest of it: the backlog has what came and left earlier on it.
    """
    is_midday = throughput["is_today_begun"]
    last = days[-1]
    ahead = [Day(row["calendar_date"], row["expected_cases"], row["low_cases"], row["high_cases"], row["is_business_day"], row["is_day_of_holiday"]) for row in days]
    come = 0.0
    if is_midday:
        share = throughput["left_today_arrivals_share"]
        come = ahead[0].expected * (1 - share)
        ahead[0] = _rest_of(ahead[0], share)
    knows_total = last["total_low_cases"] is not None
    return Work(
        open_cases=throughput["open_cases"],
        days=ahead,
        total_low=last["total_low_cases"] - come if knows_total else None,
        total_high=last["total_high_cases"] - come if knows_total else None,
        done_open=done_per_business_day(throughput),
        done_other=throughput["gone_cases_per_other_day"],
        done_today=_done_today(throughput, is_open=days[0]["is_business_day"]) if is_midday else None,
        spread=throughput["gone_width_cases_per_business_day"] / P10_TO_P90,
        measured_days=throughput["business_days"],
        fewest_new=throughput["fewest_new_cases"],
        is_now_on_business_day=throughput["is_now_on_business_day"],
    )


def _rest_of(day: Day, share: float) -> Day:
    """The part of a day that is still to come: counts scatter with the root of how many they are."""
    expected, width = day.expected * share, sqrt(share)
    low = None if day.low is None else expected - (day.expected - day.low) * width
    high = None if day.high is None else expected + (day.high - day.expected) * width
    return Day(day.day, expected, low, high, day.is_open, day.is_holiday)


def _done_today(throughput: Row, *, is_open: bool) -> float:
    """Cases that leave from now to the end of its date, while work waits."""
    share: float = throughput["left_today_time_share"]
    if not is_open:
        return share * float(throughput["gone_cases_per_other_day"])
    in_hours: float = throughput["gone_cases_per_open_hour"] * throughput["left_today_open_hours"]
    return in_hours + share * float(throughput["gone_cases_outside_hours_per_business_day"])


def done_per_business_day(throughput: Row) -> float:
    """Cases that leave on a business day while work waits: in its open hours, and outside them."""
    in_hours: float = throughput["gone_cases_per_open_hour"] * throughput["open_hours_per_business_day"]
    return in_hours + float(throughput["gone_cases_outside_hours_per_business_day"])


def goals(work: Work | None, change: Change, usual: float | None) -> dict[str, float]:
    """What is asked of every backlog: open cases by goal. What has just come in is a goal where no day is without; that nothing can be reached below is said once, as now."""
    least = 0.0 if work is None else floor(work, change)
    none_open = {"none open": 0.0} if not least or change == Change() else {}
    return {**none_open, **({"only new": least} if least else {}), **({} if usual is None else {"usual": float(usual)})}


def clear_rows(throughput: Row, work: Work, targets: Mapping[str, float], change: Change) -> Iterator[dict[str, Any]]:
    """Of each goal (open cases by goal) what a simulation under the change finds, and the pace that it rests on, in the columns of mart.backlog_clear_forecast."""
    comes, goes = net_cases_per_week(work, change)
    least = floor(work, change)
    for (goal, target), found in zip(targets.items(), reached(work, list(targets.values()), change), strict=True):
        yield {
            "goal": goal, "target_cases": target, "arriving_cases_per_week": comes, "leaving_cases_per_week": goes, **clear_figures(found),
            "clear_reason": clear_words(found, throughput, target, least),
        }  # fmt: skip


def clear_figures(found: Reached | None) -> dict[str, Any]:
    """The figures of mart.backlog_clear_forecast that a simulation finds; none where the target cannot be reached."""
    if found is None:
        return {}
    return {
        "reached_pct": 100 * found.share, "reached_p10_date": found.p10, "reached_p50_date": found.p50, "reached_p90_date": found.p90,
        "reached_p10_business_days": found.p10_open_days, "reached_p50_business_days": found.p50_open_days, "reached_p90_business_days": found.p90_open_days,
    }  # fmt: skip


def clear_words(found: Reached | None, throughput: Row, target: float, least: float) -> str:
    """What the figures rest on; of a target below the `least` that is always open, why it cannot be reached."""
    if found is None:
        return f"cannot be reached: {least:,.0f} {'case' if least == 1 else 'cases'} or more are open at the end of every business day because they came in on it"
    is_there = throughput["open_cases"] <= target
    if is_there and throughput["is_now_on_business_day"]:
        return "already there"
    words = "not within half a year at this pace, in half of the futures or more" if found.share < _HALF else "at this pace"
    if throughput["throughput_basis"] == "all open hours":
        words += "; work never waited for 10 hours, so that more may be possible"
    if is_there:
        words += "; no more are open now, but now lies outside business days"
    return words


#: Said wherever such figures are shown.
METHOD = (
    f"Of {FUTURES} simulated futures, each with arrivals that err as past forecasts did and work that scatters as it did, half are down to the target by the "
    "end of the middle date, one in ten by the early one, nine in ten by the late one. Only ends of business days count; a date is missing where it would be later than in half a year. "
    "No backlog is down to nothing while cases come in: what came in on the day and is still open at its end, at least as many as on any business day of the last 56 days, is a goal of its own."
)

__all__ = ["METHOD", "clear_figures", "clear_rows", "clear_words", "done_per_business_day", "goals", "unclear", "work_of"]
