"""What a roster brings in drawn weeks: how many cases are kept in time, week by week.

Belongs here: serving drawn cases with heads by weekday and hour, and counting. Does not belong here: which roster (search.py).

Small desks are served case by case by the event loop. Where that would be more than MOST_JOBS cases, the heads are many, and a job's wait is the
work before it divided by the heads (`workload_starts`): it differs by less than a point there (tests/unit/test_staffing_outcome.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from opsla_dagster.queueing.jobs import Bools, Floats, in_whole_heads, jobs, pool
from opsla_dagster.queueing.policies import earliest_due_date
from opsla_dagster.queueing.simulation import simulate
from opsla_dagster.staffing.week import SLOTS_A_WEEK, Draws

#: Of the weeks an objective must hold in.
WEEKS_TO_KEEP_PCT = 95.0
#: Cases that are served one by one for one answer; a fraction of a second.
MOST_JOBS = 150_000
#: Heads below which they are served one by one, however many cases there are.
FEWEST_HEADS_AS_WORKLOAD = 10.0
_FEWEST_WEEKS, _MOST_WEEKS = 20, 60
_HOUR_SECONDS = 3600.0


@dataclass(frozen=True)
class OwnDelays:
    """How long cases take though a head is free: the share that is done within a quarter, half, three quarters and all of the target."""

    within: tuple[float, float, float, float]

    def share_done(self, left: Floats) -> Floats:
        """P(done within `left`), shares of the target; straight between the quarters, 0 where nothing is left."""
        return np.asarray(np.interp(left, (0.0, 0.25, 0.5, 0.75, 1.0), (0.0, *self.within)) * (left >= 0))


#: Where a case is taken up as soon as a head is free.
AT_ONCE = OwnDelays((1.0, 1.0, 1.0, 1.0))


@dataclass(frozen=True)
class Outcome:
    """What a roster brings: `week_pct` is the attainment of each judged week.

    `as_today_pct`: with the delays that the log shows of cases that found a free head. `head_hours`: a week, without shrinkage.
    """

    week_pct: Floats
    attainment_pct: float
    as_today_pct: float
    busy_pct: float
    wait_p50_seconds: float
    wait_p90_seconds: float
    head_hours: float

    def weeks_kept_pct(self, objective_pct: float) -> float:
        """The share of weeks in which the objective is reached."""
        return float(100.0 * np.mean(self.week_pct >= objective_pct - 1e-9))

    def keeps(self, objective_pct: float) -> bool:
        return self.weeks_kept_pct(objective_pct) >= WEEKS_TO_KEEP_PCT

    @property
    def lean_week_pct(self) -> float:
        """The attainment that 95 % of the weeks reach."""
        return float(np.quantile(self.week_pct, 1 - WEEKS_TO_KEEP_PCT / 100, method="lower"))


def weeks_to_draw(cases_a_week: float) -> int:
    """How many weeks an answer rests on: as many as MOST_JOBS allows, 20 to 60."""
    return int(np.clip(MOST_JOBS / max(cases_a_week, 1.0), _FEWEST_WEEKS, _MOST_WEEKS))


def judge(draws: Draws, heads: npt.ArrayLike, touch_seconds: float, *, is_response: bool, own: OwnDelays = AT_ONCE) -> Outcome:
    """The outcome of `heads` (168 slots, fractions allowed; closed slots do not count) that take `touch_seconds` a case on average.

    `is_response`: the promise is kept when a head takes the case up, else when it is done.
    """
    by_slot = np.asarray(heads, dtype=np.float64)
    work = draws.unit_work * touch_seconds
    start = _starts(draws, by_slot, work, touch_seconds)
    wait = start - draws.arrival_seconds
    judged = (draws.week_number >= 0) & np.isfinite(draws.target_seconds)
    if not judged.any():
        return Outcome(np.full(draws.weeks, 100.0), 100.0, 100.0, 0.0, 0.0, 0.0, head_hours_of(draws, by_slot))
    taken = wait if is_response else wait + work
    kept = taken[judged] <= draws.target_seconds[judged]
    left = 1.0 - wait[judged] / draws.target_seconds[judged]
    with np.errstate(invalid="ignore"):
        as_today = own.share_done(np.where(np.isfinite(left), left, -1.0))
    week_pct = _by_week(kept, draws.week_number[judged], draws.weeks)
    p50, p90 = np.quantile(wait[judged], (0.5, 0.9), method="lower")
    capacity = head_hours_of(draws, by_slot) * draws.weeks * _HOUR_SECONDS
    return Outcome(
        week_pct=week_pct,
        attainment_pct=float(100.0 * kept.mean()),
        as_today_pct=float(100.0 * as_today.mean()),
        busy_pct=float(min(100.0, 100.0 * work[draws.week_number >= 0].sum() / capacity)) if capacity else 100.0,
        wait_p50_seconds=float(p50),
        wait_p90_seconds=float(p90),
        head_hours=head_hours_of(draws, by_slot),
    )


def head_hours_of(draws: Draws, heads: Floats) -> float:
    """Head-hours of a week in the hours that the desk is open."""
    return float((heads * draws.week.open_seconds).sum() / _HOUR_SECONDS)


def _by_week(kept: Bools, week: npt.NDArray[np.int64], weeks: int) -> Floats:
    """Attainment by week; a week without a case has kept every promise."""
    cases = np.bincount(week, minlength=weeks)
    return np.asarray(100.0 * np.where(cases, np.bincount(week, kept, weeks) / np.maximum(cases, 1), 1.0))


def _starts(draws: Draws, heads: Floats, work: Floats, touch_seconds: float) -> Floats:
    """When each case is taken up, earliest due date first."""
    week, number = draws.week, np.arange(draws.weeks + 2)
    opened = np.flatnonzero(week.is_open)
    begins = (week.begins[opened][None, :] + number[:, None] * week.seconds).ravel() if len(opened) < SLOTS_A_WEEK else np.arange(len(number) * SLOTS_A_WEEK) * _HOUR_SECONDS
    by_step = np.tile(heads[opened], len(number))
    has_one_target = len(np.unique(draws.target_seconds)) <= 1
    if len(work) > MOST_JOBS and has_one_target and heads[opened].mean() >= FEWEST_HEADS_AS_WORKLOAD:
        variation = float(draws.unit_work.std())
        return workload_starts(draws.arrival_seconds, work, begins, by_step, touch_seconds * (1 + variation**2) / 2)
    served = jobs(draws.arrival_seconds, work, target_seconds=draws.target_seconds)
    if (by_step == np.floor(by_step)).all():
        steps = pool(by_step, begins)
    else:
        steps = pool(*in_whole_heads(by_step, begins, float(len(number)) * week.seconds))
    return simulate(served, steps, earliest_due_date(served)).start_seconds


def workload_starts(arrival_seconds: Floats, work_seconds: Floats, begins: Floats, heads: Floats, residual_seconds: float) -> Floats:
    """When each job is begun, first in first out, where the heads work the work before it off together: `heads[i]` from `begins[i]` on.

    A head that is free takes a job at once, so what the busy heads have left (`residual_seconds` each, when all are busy) is no wait.
    Infinite where the heads never come to it.
    """
    capacity_at = np.concatenate([[0.0], np.cumsum(np.diff(begins) * heads[:-1])])
    capacity = np.interp(arrival_seconds, begins, capacity_at)
    after_last = arrival_seconds > begins[-1]
    capacity[after_last] += (arrival_seconds[after_last] - begins[-1]) * heads[-1]
    # Work before a job less what could have been done by then; where that is at its least there was nothing left.
    debit = np.cumsum(work_seconds) - work_seconds - capacity
    waiting = debit - np.minimum.accumulate(np.minimum(debit, -capacity[0] if len(capacity) else 0.0))
    there = heads[np.clip(np.searchsorted(begins, arrival_seconds, side="right") - 1, 0, len(heads) - 1)]
    waiting = np.maximum(waiting - there * residual_seconds, 0.0)
    begun_at = capacity + waiting
    # Stretches without heads have no inverse: the first instant at which the capacity is reached is meant.
    start = np.interp(begun_at, *_rising(capacity_at, begins))
    beyond = begun_at > capacity_at[-1]
    start[beyond] = begins[-1] + (begun_at[beyond] - capacity_at[-1]) / heads[-1] if heads[-1] > 0 else np.inf
    return np.asarray(np.maximum(start, np.where(waiting > 0, arrival_seconds, arrival_seconds)))


def _rising(capacity_at: Floats, begins: Floats) -> tuple[Floats, Floats]:
    first = np.concatenate([[True], np.diff(capacity_at) > 0])
    return capacity_at[first], begins[first]


def scaled(draws: Draws, factor: float) -> Draws:
    """The same cases with so many times the work."""
    return replace(draws, unit_work=draws.unit_work * factor)


def whole_heads(heads: Sequence[float] | Floats, step: float) -> Floats:
    """Heads rounded up to multiples of `step` (1: whole heads, 0.2: a head shared by the fifth)."""
    return np.asarray(np.ceil(np.asarray(heads, dtype=np.float64) / step - 1e-9) * step)
