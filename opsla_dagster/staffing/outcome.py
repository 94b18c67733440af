"""What a roster brings in drawn weeks: how many cases are kept in time, week by week.

Belongs here: serving drawn cases with heads by weekday and hour, and counting. Does not belong here: which roster (search.py).

Cases are served one by one by the event loop. Where that would be more than MOST_JOBS and targets are long against a touch, the wait is the work before a
case divided by the heads (`workload_starts`). A search looks at desks that way first too, and puts what it finds before the event loop.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from opsla_dagster.queueing.jobs import Floats, in_whole_heads, jobs, pool
from opsla_dagster.queueing.policies import earliest_due_date
from opsla_dagster.queueing.simulation import simulate
from opsla_dagster.staffing.week import Draws

#: Of the weeks an objective must hold in.
WEEKS_TO_KEEP_PCT = 95.0
#: Cases that are served one by one for one answer: a quarter of a second.
MOST_JOBS = 150_000
#: A desk is looked at as a workload where a target is as long as so many touches; shorter ones are served one by one up to more cases.
_TOUCHES_A_TARGET, _MOST_JOBS_OF_SHORT_TARGETS = 5.0, 1_000_000
_FEWEST_WEEKS, _MOST_WEEKS, _CASES_DRAWN = 20, 60, 150_000
#: Jobs that are followed one by one as a workload.
_MOST_FOLLOWED = 20_000
_HOUR_SECONDS = 3600.0


#: Of a target: up to the first part a case counts as done at once.
PARTS_OF_TARGET = (0.02, 0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True)
class OwnDelays:
    """How long cases take though a head is free: the share that is done within PARTS_OF_TARGET of the target."""

    within: tuple[float, float, float, float, float]

    def share_done(self, left: Floats) -> Floats:
        """P(done within `left`), shares of the target; straight between the parts, 0 where less than nothing is left."""
        return np.asarray(np.interp(left, PARTS_OF_TARGET, self.within) * (left >= 0))

    def of_part(self, part: float) -> OwnDelays:
        """The same in parts of a shorter target, `part` (0 to 1) of the one that these are parts of."""
        q0, q1, q2, q3, q4 = (float(np.interp(part * own, PARTS_OF_TARGET, self.within)) for own in PARTS_OF_TARGET)
        return OwnDelays((q0, q1, q2, q3, q4))

    @property
    def share_kept(self) -> float:
        """The share of cases that are kept where each finds a free head."""
        return self.within[-1]


#: Where a case is taken up as soon as a head is free.
AT_ONCE = OwnDelays((1.0, 1.0, 1.0, 1.0, 1.0))


@dataclass(frozen=True)
class Outcome:
    """What a roster brings: `week_pct` is the attainment of each judged week.

    `head_hours`: a week, of heads that are there (without shrinkage). Waits are for a head.
    """

    week_pct: Floats
    attainment_pct: float
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
    """How many weeks an answer rests on: 60, fewer where cases are many, 20 at least."""
    return int(np.clip(_CASES_DRAWN / max(cases_a_week, 1.0), _FEWEST_WEEKS, _MOST_WEEKS))


class Judge:
    """Says what heads bring in drawn weeks, for one promise.

    `is_response`: the promise is kept when a head takes the case up. Else it is kept when the case is done: what that takes after a head was free, the
    work and the waits for others, only `own` tells. `own` None: a case is taken up as soon as a head is free.
    """

    def __init__(self, draws: Draws, touch_seconds: float, *, is_response: bool, own: OwnDelays | None = None, as_workload: bool | None = None) -> None:
        """`as_workload`: whether the desk is looked at as a workload; None: where there are too many cases to serve each."""
        self.draws, self.touch_seconds, self._is_response, self._given_own = draws, touch_seconds, is_response, own
        self._own, self._takes_its_time = own or AT_ONCE, own is not None or not is_response
        number = np.arange(draws.weeks + 2)
        self._open = np.flatnonzero(draws.week.is_open)
        self._begins = (draws.week.begins[self._open][None, :] + number[:, None] * draws.week.seconds).ravel()
        has_one_target = len(np.unique(draws.target_seconds)) <= 1
        self.is_workload = has_one_target and (_is_workload(draws, touch_seconds) if as_workload is None else as_workload)
        work = draws.unit_work * touch_seconds
        self._work_hours = float(work[draws.week_number >= 0].sum() / _HOUR_SECONDS / draws.weeks)
        self._residual_seconds = touch_seconds * (1 + float(np.var(draws.unit_work)) / max(float(draws.unit_work.mean()) ** 2, 1e-9)) / 4 if len(work) else 0.0
        # Of a workload every so many cases are followed, with the work of all.
        every = max(1, -(-len(work) // _MOST_FOLLOWED)) if self.is_workload else 1
        self._followed = np.arange(0, len(work), every)
        self._work = np.add.reduceat(work, self._followed) if len(work) else work
        self._arrival, self._target = draws.arrival_seconds[self._followed], draws.target_seconds[self._followed]
        self._week = draws.week_number[self._followed]
        self._judged = np.flatnonzero((self._week >= 0) & np.isfinite(self._target))
        self._jobs = jobs(self._arrival, self._work, target_seconds=self._target)

    def as_workload(self) -> Judge:
        """The same, looking at the desk as a workload."""
        return Judge(self.draws, self.touch_seconds, is_response=self._is_response, own=self._given_own, as_workload=True)

    def outcome(self, heads: npt.ArrayLike) -> Outcome:
        """Of heads by slot (168, fractions allowed; closed slots do not count)."""
        by_slot = np.asarray(heads, dtype=np.float64)
        judged, weeks = self._judged, self.draws.weeks
        head_hours = float((by_slot * self.draws.week.open_seconds).sum() / _HOUR_SECONDS)
        if not len(judged):
            return Outcome(np.full(weeks, 100.0), 100.0, 0.0, 0.0, 0.0, head_hours)
        wait = self._starts(by_slot)[judged] - self._arrival[judged]
        target = self._target[judged]
        kept = self._own.share_done(1.0 - np.minimum(wait / target, 2.0)) if self._takes_its_time else (wait <= target).astype(np.float64)
        p50, p90 = np.quantile(wait, (0.5, 0.9), method="lower")
        return Outcome(
            week_pct=_by_week(kept, self._week[judged], weeks),
            attainment_pct=float(100.0 * kept.mean()),
            busy_pct=float(min(100.0, 100.0 * self._work_hours / head_hours)) if head_hours else 100.0,
            wait_p50_seconds=float(p50),
            wait_p90_seconds=float(p90),
            head_hours=head_hours,
        )

    def _starts(self, heads: Floats) -> Floats:
        """When each case is taken up, earliest due date first."""
        by_step = np.tile(heads[self._open], self.draws.weeks + 2)
        if self.is_workload:
            return workload_starts(self._arrival, self._work, self._begins, by_step, self._residual_seconds)
        if (by_step == np.floor(by_step)).all():
            steps = pool(by_step, self._begins)
        else:
            steps = pool(*in_whole_heads(by_step, self._begins, float(self.draws.weeks + 2) * self.draws.week.seconds))
        return simulate(self._jobs, steps, earliest_due_date(self._jobs)).start_seconds


def _is_workload(draws: Draws, touch_seconds: float) -> bool:
    """Whether there are too many cases to serve each, and the target is so long against a touch that who is busy with what does not matter."""
    cases = len(draws.arrival_seconds)
    promised = draws.target_seconds[np.isfinite(draws.target_seconds)]
    is_long = bool(len(promised)) and float(promised.min()) >= _TOUCHES_A_TARGET * touch_seconds
    return cases > MOST_JOBS and (is_long or cases > _MOST_JOBS_OF_SHORT_TARGETS)


def _by_week(kept: Floats, week: npt.NDArray[np.int64], weeks: int) -> Floats:
    """Attainment by week; a week without a case has kept every promise."""
    cases = np.bincount(week, minlength=weeks)
    return np.asarray(100.0 * np.where(cases, np.bincount(week, kept, weeks) / np.maximum(cases, 1), 1.0))


def workload_starts(arrival_seconds: Floats, work_seconds: Floats, begins: Floats, heads: Floats, residual_seconds: float) -> Floats:
    """When each job is begun, first in first out, where the heads work the work before it off together: `heads[i]` from `begins[i]` on.

    A head that is free takes a job at once, so what the busy heads have left is no wait: `residual_seconds` each; half of the mean that each has left
    when all are busy comes closest to the event loop.
    Infinite where the heads never come to it.
    """
    if not len(arrival_seconds):
        return arrival_seconds
    capacity_at = np.concatenate([[0.0], np.cumsum(np.diff(begins) * heads[:-1])])
    capacity = np.interp(arrival_seconds, begins, capacity_at)
    after_last = arrival_seconds > begins[-1]
    capacity[after_last] += (arrival_seconds[after_last] - begins[-1]) * heads[-1]
    # Work before a job less what could have been done by then; where that is at its least there was nothing left.
    debit = np.cumsum(work_seconds) - work_seconds - capacity
    waiting = debit - np.minimum.accumulate(np.minimum(debit, -capacity[0]))
    there = heads[np.clip(np.searchsorted(begins, arrival_seconds, side="right") - 1, 0, len(heads) - 1)]
    waiting = np.maximum(waiting - there * residual_seconds, 0.0)
    begun_at = capacity + waiting
    # Stretches without heads have no inverse: the first instant at which the capacity is reached is meant.
    start = np.interp(begun_at, *_rising(capacity_at, begins))
    beyond = begun_at > capacity_at[-1]
    start[beyond] = begins[-1] + (begun_at[beyond] - capacity_at[-1]) / heads[-1] if heads[-1] > 0 else np.inf
    return np.asarray(np.maximum(start, arrival_seconds))


def _rising(capacity_at: Floats, begins: Floats) -> tuple[Floats, Floats]:
    first = np.concatenate([[True], np.diff(capacity_at) > 0])
    return capacity_at[first], begins[first]


def whole_heads(heads: Sequence[float] | Floats, step: float) -> Floats:
    """Heads rounded up to multiples of `step` (1: whole heads, 0.2: a head shared by the fifth)."""
    return np.asarray(np.ceil(np.asarray(heads, dtype=np.float64) / step - 1e-9) * step)
