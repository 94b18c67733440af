"""Desks whose truth is known: a usual week, and a log whose waits come from the heads that there were.

Belongs here: what the tests of staffing share. Does not belong here: tests.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import numpy as np

from opsla_dagster.queueing.jobs import Floats, jobs, pool
from opsla_dagster.queueing.simulation import simulate
from opsla_dagster.queueing.streams import streams, works
from opsla_dagster.staffing.desk_log import Clocks, DeskLog, Metric, Staff
from opsla_dagster.staffing.inputs import AT_MOST, DESK_QUEUE, FROM_WAITS, HEADS_EXPLAIN_NOTHING, DeskInputs
from opsla_dagster.staffing.replay import replay
from opsla_dagster.staffing.rows import replay_row
from opsla_dagster.staffing.week import SLOTS_A_WEEK, Week

TOUCH_SECONDS, TARGET_SECONDS, WEEK_SECONDS = 720.0, 7200.0, 180_000.0
#: Monday to Friday, 08:00 to 18:00.
OPEN_SECONDS = np.zeros((7, 24))
OPEN_SECONDS[:5, 8:18] = 3600.0


def week_of(cases: float = 1400.0, overdispersion: float = 0.0) -> Week:
    """200 tickets a day on average; 40 % come in while the desk is closed, a day of a weekend brings a third of a weekday's."""
    weekday = cases / 5.66
    hours = np.zeros((7, 24))
    for day in range(7):
        hours[day] = 0.4 / 14
        hours[day, 8:18] = 0.6 / 10
        hours[day] *= weekday if day < 5 else 0.33 * weekday
    return Week(OPEN_SECONDS.ravel(), hours.ravel(), overdispersion)


def heads(all_day: float, first_two_hours: float | None = None) -> Floats:
    """So many in every open hour, others in the first two of each day."""
    by_hour = np.where(OPEN_SECONDS > 0, all_day, 0.0)
    if first_two_hours is not None:
        by_hour[:5, 8:10] = first_two_hours
    return np.asarray(by_hour.ravel())


def queueing_log(weeks: int, heads_of: Callable[[int], int], *, cases: float = 1400.0, seed: int = 1, own_seconds: float = 0.0) -> DeskLog:
    """A log in which cases of 12 minutes (varied as exponential times) wait for the heads of each week, and then `own_seconds` on average."""
    week, random = week_of(cases), np.random.default_rng(seed)
    cell = np.repeat(np.arange(weeks * SLOTS_A_WEEK), random.poisson(np.tile(week.cases, weeks)))
    slot, number = cell % SLOTS_A_WEEK, cell // SLOTS_A_WEEK
    part = random.random(len(cell))
    order = np.lexsort((part, cell))
    cell, slot, number, part = cell[order], slot[order], number[order], part[order]
    arrival = week.begins[slot] + part * week.open_seconds[slot] + number * week.seconds
    opened = np.flatnonzero(week.is_open)
    begins = (week.begins[opened][None, :] + np.arange(weeks)[:, None] * week.seconds).ravel()
    present = np.repeat([float(heads_of(each)) for each in range(weeks)], len(opened))
    work = works(streams(seed, 1)[0], np.full(len(arrival), TOUCH_SECONDS), 1.0)
    served = simulate(jobs(arrival, work), pool(present, begins), arrival)
    elapsed = served.wait_seconds + (random.exponential(own_seconds, len(arrival)) if own_seconds else 0.0)
    done = np.flatnonzero(np.isfinite(served.start_seconds))
    met = elapsed <= TARGET_SECONDS
    ended = np.bincount(np.minimum(served.finish_seconds[np.isfinite(served.finish_seconds)] // WEEK_SECONDS, weeks - 1).astype(np.int64), minlength=weeks)
    return DeskLog(
        first_monday=date(2025, 1, 6),
        weeks=weeks,
        arrival_seconds=arrival,
        week=number,
        day=cell // 24,
        is_closed=week.open_seconds[slot] == 0,
        metrics=(Metric("first_reply", is_response=True),),
        clocks={
            "first_reply": Clocks(
                case=done,
                target_seconds=np.full(len(done), TARGET_SECONDS),
                elapsed_seconds=elapsed[done],
                is_met=met[done],
                by_week=np.bincount(number, minlength=weeks),
                met_by_week=np.bincount(number[done], met[done], weeks).astype(np.int64),
                judged_by_week=np.bincount(number[done], minlength=weeks),
            )
        },
        staff=Staff(begins, present, np.full(len(begins), 3600.0), np.repeat(np.arange(weeks), len(opened)), np.tile(opened, weeks)),
        ended_cases=ended,
        is_loaded=np.ones(weeks, dtype=np.bool_),
    )


def inputs_of(log: DeskLog) -> DeskInputs:
    """What a plan starts from, of a log of `queueing_log`: its touch time and delays are what the log tells."""
    *_, coming = replay(log)
    learnt, week, clocks = replay_row(coming), week_of(len(log.arrival_seconds) / log.weeks), log.clocks["first_reply"]
    latest = log.staff.week >= log.weeks - 4
    present = [float(log.staff.heads[latest & (log.staff.slot == slot)].mean()) if week.is_open[slot] else None for slot in range(SLOTS_A_WEEK)]
    hours = [
        {"queue": DESK_QUEUE, "iso_weekday": slot // 24 + 1, "hour_of_day": slot % 24, "open_business_minutes": week.open_seconds[slot] / 60,
         "cases_per_week": float(week.cases[slot]), "present_heads": present[slot]}
        for slot in range(SLOTS_A_WEEK)
    ]  # fmt: skip
    minutes = learnt["touch_business_minutes"]
    return DeskInputs.of(hours, [{
        **learnt, "queue": DESK_QUEUE, "policy": "desk", "target_seconds": TARGET_SECONDS, "calendar": "desk", "objective_pct": 95.0, "clock_share_pct": 100.0,
        "actual_pct": 100.0 * float(clocks.met_by_week[-8:].sum() / clocks.judged_by_week[-8:].sum()), "weeks": 8, "unloaded_weeks": 0, "cases_per_week": week.cases_a_week, "day_overdispersion": 0.0,
        "arrivals_margin_pct": 5.0, "touch_business_minutes": minutes or learnt["touch_at_most_business_minutes"], "touch_variation": 1.0,
        "touch_basis": FROM_WAITS if minutes else AT_MOST, "shrinkage_pct": None, "patience_seconds": None, "reason": None if minutes else HEADS_EXPLAIN_NOTHING,
    }])  # fmt: skip
