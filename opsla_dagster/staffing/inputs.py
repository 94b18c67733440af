"""What a plan starts from, of each queue and promise, as rows of marts and back again.

Belongs here: arrivals by weekday and hour, touch times and where they come from, heads as they are, shrinkage. Does not belong here: plans
(planning.py) and what the past teaches (replay.py).

`mart.staffing_hours` and `mart.staffing_inputs` are all that a plan reads, so that the run, `opsla staffing` and the command centre plan alike.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import duckdb
import numpy as np

from opsla_dagster.figures import rounded
from opsla_dagster.queueing.jobs import Bools, Floats
from opsla_dagster.settings.staffing import StaffingSettings
from opsla_dagster.staffing.desk_log import Frame, intake_metrics
from opsla_dagster.staffing.outcome import OwnDelays
from opsla_dagster.staffing.week import SLOTS_A_WEEK, Promised, Week

Row = Mapping[str, Any]
DESK_QUEUE = "all"
#: Weeks of heads and shrinkage that are the usual ones.
_WEEKS_OF_HEADS = 4
#: Cases that measured times or a queue of its own need.
_FEWEST_MEASURED, _FEWEST_CASES = 30, 20
#: Where the touch time comes from: `touch_basis`.
WRITTEN, MEASURED, FROM_WAITS, AT_MOST = "staffing.yml", "measured by the source", "estimated from waits", "at most, from staff and finished cases"
TOUCH_BASES = (WRITTEN, MEASURED, FROM_WAITS, AT_MOST)
NO_TOUCH = (
    "nobody knows how long a case takes: no source measures handling times or tells how many were at work (heads that the page Forecast estimates are of those who let a case go, and would count nobody who was idle), and staffing.yml has no touch; write touch: {minutes: 12} there "
    "(`opsla staffing` reads it at once, tables and pages have it after `opsla run`)"
)
HEADS_EXPLAIN_NOTHING = (
    "heads do not explain what this desk kept: on days with fewer heads for their cases no smaller share was in time, beyond chance. So this log tells neither how "
    "many heads would keep the objective nor how few would do; where heads are the reason all the same, write what a case takes one head in staffing.yml (touch)"
)
TOO_FEW_DAYS = (
    "there are too few days with heads and cases to tell how long a case takes; write it in staffing.yml (touch: {minutes: 12}), or wait for more days"
)
#: Reasons that end where somebody writes down, or asks with, a touch time.
OF_TOUCH = (NO_TOUCH, HEADS_EXPLAIN_NOTHING, TOO_FEW_DAYS)
OTHER_CALENDAR = "the promise counts on another calendar than the desk's, by which heads are planned"

#: The least share of more cases than usual that a plan is made for: touch times are known no better. And where 80 % of a normal distribution end.
LEAST_MARGIN, _MOST_MARGIN, _ENDS_OF_80_PCT = 0.05, 1.0, 1.2816
#: Of the clocks of a promise, the share that another queue may stop than the one whose case it is.
_MOST_ELSEWHERE_PCT = 10.0
ELSEWHERE = (
    "{percent} % of the cases that it answers first are with another queue when this promise is kept or missed, so its heads alone do not decide that; "
    "plan the whole desk (without --queue)"
)

# A case is of the queue that held it as the wait for its first answer ended: who answers needs the heads, and a team that gets the case later does not.
# An event may answer and hand over at once, so what is told at that instant counts only where nobody held the case before. Cases without an answer are of
# the first holder, which is the one at intake.
_CASE_QUEUES = """
    with answers as (
        select case_id, min(stopped_at) as answered_at
        from staging.sla_clocks
        where intake_date >= $first_date and intake_date < $end_date and cycle = 1 and not is_superseded
            and outcome in ('met', 'breached') and list_contains($answers, metric)
        group by case_id
    ),
    holders as (
        select case_id, team, held_from_at, span_number
        from staging.ownership_spans
        where intake_date >= $first_date and intake_date < $end_date and is_holding_start and team <> 'UNASSIGNED'
    ),
    held_cases as (
        select
            holders.case_id,
            coalesce(
                max_by(holders.team, holders.span_number) filter (where holders.held_from_at < answers.answered_at),
                min_by(holders.team, holders.span_number)
            ) as queue
        from holders
        left join answers on holders.case_id = answers.case_id
        group by holders.case_id
    ),
    queued_cases as (
        select cases.case_id, cases.intake_ts, coalesce(held_cases.queue, cases.team, 'none') as queue
        from staging.case_milestones as cases
        left join held_cases on cases.case_id = held_cases.case_id
        where cases.intake_ts >= $from_at and cases.intake_ts < $until_at
    )
"""
_COUNTS_SQL = f"""
    {_CASE_QUEUES}
    select queue, epoch(date_trunc('hour', intake_ts)) as hour, count(*) as cases
    from queued_cases
    group by all order by all
"""
_PROMISES_SQL = f"""
    {_CASE_QUEUES},
    counted_clocks as (
        select *
        from staging.sla_clocks
        where intake_date >= $first_date and intake_date < $end_date
            and cycle = 1 and target_seconds > 0 and not is_superseded and list_contains($metrics, metric)
    ),
    stopping_queues as (
        select clocks.case_id, clocks.metric, clocks.policy, max_by(holders.team, holders.span_number) as queue
        from counted_clocks as clocks
        inner join holders on clocks.case_id = holders.case_id and holders.held_from_at < clocks.stopped_at
        where clocks.outcome in ('met', 'breached') and not list_contains($answers, clocks.metric)
        group by clocks.case_id, clocks.metric, clocks.policy
    )
    select
        cases.queue, clocks.metric, clocks.policy, clocks.target_seconds, clocks.calendar,
        count(*) as clocks, count(*) filter (where clocks.outcome = 'met') as met_clocks,
        count(*) filter (where clocks.outcome in ('met', 'breached')) as judged_clocks,
        count(*) filter (where stops.queue <> cases.queue) as elsewhere_clocks, max(promises.objective_pct) as objective_pct
    from counted_clocks as clocks
    inner join queued_cases as cases on clocks.case_id = cases.case_id
    left join stopping_queues as stops on clocks.case_id = stops.case_id and clocks.metric = stops.metric and clocks.policy = stops.policy
    left join staging.sla_policies as promises on clocks.policy = promises.policy and clocks.metric = promises.metric and not clocks.is_source_promise
    group by all order by all
"""
# Sums are of decimals: one of floating-point numbers depends on the order in which rows happen to lie.
_HANDLING_SQL = f"""
    {_CASE_QUEUES}
    select
        cases.queue, count(*) as cases,
        cast(sum(cast(facts.handling_calendar_minutes as decimal(28, 6))) as double) as minutes,
        cast(sum(cast(facts.handling_calendar_minutes * facts.handling_calendar_minutes as decimal(28, 6))) as double) as squares
    from staging.case_facts as facts
    inner join queued_cases as cases on facts.case_id = cases.case_id
    where facts.handling_calendar_minutes > 0
    group by all order by all
"""


@dataclass(frozen=True)
class Arrivals:
    """Of each queue, the desk as `all` first: cases by week (axis 0) and slot (axis 1) of the weeks of a frame."""

    frame: Frame
    by_queue: Mapping[str, Floats]

    @property
    def _counted(self) -> Bools:
        """By week and weekday: no holiday, in a week of which every date is loaded."""
        return ~self.frame.is_holiday.reshape(self.frame.weeks, 7) & self.frame.is_loaded[:, None]

    def usual(self, queue: str) -> Floats:
        """Cases by slot in a mean week, holidays and weeks that are not loaded left out."""
        days = self.by_queue[queue].reshape(self.frame.weeks, 7, 24)
        counted = self._counted
        weeks = np.maximum(counted.sum(axis=0), 1)
        means = (days * counted[:, :, None]).sum(axis=0) / weeks[:, None]
        return np.asarray(means.reshape(SLOTS_A_WEEK))

    def overdispersion(self, queue: str) -> float:
        """By how much more days of a weekday differ than chance (Poisson) makes them: variance = mean + overdispersion x mean squared."""
        days = self.by_queue[queue].reshape(self.frame.weeks, 7, 24).sum(axis=2)
        counted = self._counted
        beyond, squares = 0.0, 0.0
        for weekday in range(7):
            totals = days[counted[:, weekday], weekday]
            if len(totals) >= 2 and totals.mean() > 0:
                beyond += (len(totals) - 1) * (float(totals.var(ddof=1)) - float(totals.mean()))
                squares += (len(totals) - 1) * float(totals.mean()) ** 2
        return float(max(0.0, beyond / squares)) if squares else 0.0


def read_arrivals(connection: duckdb.DuckDBPyConnection, frame: Frame) -> Arrivals:
    """The cases of the frame's weeks; queues of fewer than _FEWEST_CASES cases that count are of the desk alone."""
    found = connection.execute(_COUNTS_SQL, _bounds(connection, frame)).fetchnumpy()
    queue, hour, cases = np.asarray(found["queue"], dtype=object), np.asarray(found["hour"], dtype=np.float64), np.asarray(found["cases"], dtype=np.float64)
    cell = np.asarray(frame.seconds_since_monday(hour) // 3600, dtype=np.int64)
    cells = frame.weeks * SLOTS_A_WEEK
    # Where the weeks tell nothing all queues are named, and each says why.
    counts = np.ones(frame.weeks, dtype=bool) if frame.unsayable else frame.is_loaded
    is_counted = counts[np.clip(cell // SLOTS_A_WEEK, 0, frame.weeks - 1)]
    by_queue = {DESK_QUEUE: np.bincount(cell, cases, cells)[:cells]}
    for name in dict.fromkeys(queue.tolist()):
        own = queue == name
        if cases[own & is_counted].sum() >= _FEWEST_CASES and name != DESK_QUEUE:
            by_queue[name] = np.bincount(cell[own], cases[own], cells)[:cells]
    return Arrivals(frame, {name: counts.astype(np.float64).reshape(frame.weeks, SLOTS_A_WEEK) for name, counts in by_queue.items()})


def _bounds(connection: duckdb.DuckDBPyConnection, frame: Frame) -> dict[str, object]:
    """Parameters of the SELECTs here: the frame's, and the metrics of a first answer."""
    return {**frame.bounds, "answers": [metric.name for metric in intake_metrics(connection) if metric.is_response]}


def hours_rows(arrivals: Arrivals) -> list[dict[str, Any]]:
    """The rows of mart.staffing_hours: one a queue, weekday and hour in which the desk is open or cases come in."""
    frame = arrivals.frame
    present, is_sayable = present_heads(frame), frame.unsayable is None
    rows = []
    for queue in arrivals.by_queue:
        usual = arrivals.usual(queue)
        for slot in range(SLOTS_A_WEEK):
            if frame.open_seconds[slot] > 0 or usual[slot] > 0:
                heads = float(present[slot]) if queue == DESK_QUEUE and frame.open_seconds[slot] > 0 and np.isfinite(present[slot]) else None
                rows.append({
                    "queue": queue, "iso_weekday": slot // 24 + 1, "hour_of_day": slot % 24, "open_business_minutes": float(frame.open_seconds[slot] / 60),
                    "cases_per_week": float(usual[slot]) if is_sayable else None, "present_heads": heads,
                })  # fmt: skip
    return rows


def present_heads(frame: Frame) -> Floats:
    """Effective heads by slot, the mean of the latest weeks; NaN where no source tells them."""
    staff, present = frame.staff, np.full(SLOTS_A_WEEK, np.nan)
    latest = (staff.week >= frame.weeks - _WEEKS_OF_HEADS) & np.isfinite(staff.heads)
    many = np.bincount(staff.slot[latest], minlength=SLOTS_A_WEEK)
    sums = np.bincount(staff.slot[latest], staff.heads[latest], SLOTS_A_WEEK)
    present[many > 0] = sums[many > 0] / many[many > 0]
    return present


def inputs_rows(
    connection: duckdb.DuckDBPyConnection, arrivals: Arrivals, staffing: StaffingSettings, lessons: Sequence[Row], forecast: tuple[float, float] | None
) -> list[dict[str, Any]]:
    """The rows of mart.staffing_inputs; `lessons` are the rows of mart.staffing_replay for the week that now lies in.

    `forecast`: cases of the desk in the next 7 days, expected and at the upper end of the 80 % interval; None where there is none.
    """
    frame = arrivals.frame
    metrics = {metric.name: metric for metric in intake_metrics(connection)}
    promised = connection.execute(_PROMISES_SQL, {**_bounds(connection, frame), "metrics": list(metrics)}).fetchall()
    handling = _handling(connection, frame)
    learnt = {row["metric"]: row for row in lessons}
    shrinkage = _shrinkage(frame, staffing)
    unsayable = frame.unsayable
    margin = None if unsayable else 100.0 * _margin(arrivals, forecast)
    rows = []
    for queue in arrivals.by_queue:
        cases_per_week = None if unsayable else float(arrivals.usual(queue).sum())
        minutes, variation, basis = _touch(queue, staffing, handling, lessons)
        shortest, longest = _allowed(lessons)
        desk_hours = float(frame.open_seconds.sum() / 3600)
        for (metric, policy, target, calendar), (clocks, met, judged, elsewhere, objective) in _of_queue(promised, queue).items():
            lesson = learnt.get(metric, {})
            rows.append({
                "queue": queue, "metric": metric, "policy": policy, "target_seconds": int(target), "calendar": calendar,
                "is_response": metrics[metric].is_response, "objective_pct": objective, "clocks": int(clocks),
                "clock_share_pct": min(100.0, 100.0 * clocks / max(float(arrivals.by_queue[queue].sum()), 1.0)),
                "actual_pct": 100.0 * met / judged if judged else None,
                # Without heads nobody knows which cases found a free one.
                **{f"own_within_{part}_pct": lesson.get(f"own_within_{part}_pct") if frame.staff.is_known else None for part in PARTS},
                "first_week_date": frame.first_monday, "weeks": int(frame.is_loaded.sum()), "unloaded_weeks": int((~frame.is_loaded).sum()), "cases_per_week": cases_per_week,
                "day_overdispersion": None if unsayable else arrivals.overdispersion(queue), "arrivals_margin_pct": margin,
                "touch_shortest_business_minutes": shortest, "touch_longest_business_minutes": longest, "touch_business_minutes": minutes, "touch_variation": variation, "touch_basis": basis,
                "workload_heads": cases_per_week * minutes / 60 / desk_hours if minutes and cases_per_week is not None else None, "shrinkage_pct": shrinkage,
                "patience_seconds": staffing.patience_of(queue),
                "reason": unsayable or _reason(queue, calendar, basis, longest, 100.0 * elsewhere / judged if judged else 0.0),
            })  # fmt: skip
    return rows


def _allowed(lessons: Sequence[Row]) -> tuple[float | None, float | None]:
    """The shortest and the longest touch time that the days allow, minutes; None where that is not known."""
    told = next((row for row in lessons if row["touch_longest_business_minutes"] is not None), None)
    return (None, None) if told is None else (told["touch_shortest_business_minutes"], told["touch_longest_business_minutes"])


def _margin(arrivals: Arrivals, forecast: tuple[float, float] | None) -> float:
    """By which share more cases than usual a plan is made for: what the forecast of the desk does not rule out, less the chance that drawn weeks have anyway."""
    usual = arrivals.usual(DESK_QUEUE)
    cases = float(usual.sum())
    if forecast is None or forecast[0] <= 0 or cases <= 0:
        return LEAST_MARGIN
    days = usual.reshape(7, 24).sum(axis=1) / cases
    drawn = 1 / cases + arrivals.overdispersion(DESK_QUEUE) * float((days**2).sum())
    above = (forecast[1] / forecast[0] - 1) / _ENDS_OF_80_PCT
    return float(min(max(LEAST_MARGIN, _ENDS_OF_80_PCT * max(above**2 - drawn, 0.0) ** 0.5), _MOST_MARGIN))


def _reason(queue: str, calendar: str, basis: str | None, longest: float | None, elsewhere_pct: float) -> str | None:
    """Why a promise cannot be planned; None where it can."""
    if calendar != "desk":
        return OTHER_CALENDAR
    if queue != DESK_QUEUE and elsewhere_pct > _MOST_ELSEWHERE_PCT:
        return ELSEWHERE.format(percent=rounded(elsewhere_pct))
    if basis == AT_MOST:
        return TOO_FEW_DAYS if longest is None else HEADS_EXPLAIN_NOTHING
    return NO_TOUCH if basis is None else None


#: Parts of the target, as mart.staffing_replay names them.
PARTS = ("fiftieth", "quarter", "half", "three_quarters", "target")


def _of_queue(promised: Sequence[tuple[Any, ...]], queue: str) -> dict[tuple[Any, ...], tuple[float, float, float, float, float | None]]:
    """(metric, policy, target, calendar) -> clocks, met, judged and elsewhere judged clocks, objective, of one queue or the desk."""
    found: dict[tuple[Any, ...], tuple[float, float, float, float, float | None]] = {}
    for name, metric, policy, target, calendar, clocks, met, judged, elsewhere, objective in promised:
        if queue in (DESK_QUEUE, name):
            before = found.get((metric, policy, target, calendar), (0, 0, 0, 0, None))
            found[metric, policy, target, calendar] = (before[0] + clocks, before[1] + met, before[2] + judged, before[3] + elsewhere, objective)
    return found


def _handling(connection: duckdb.DuckDBPyConnection, frame: Frame) -> dict[str, tuple[float, float]]:
    """Queue -> mean minutes and variation of what the source measured, where it measured enough."""
    # Most sources measure none: the look at every case is for those that do.
    if not connection.execute("select 1 from raw.source_facts where fact = 'handling_seconds' limit 1").fetchone():
        return {}
    found = connection.execute(_HANDLING_SQL, _bounds(connection, frame)).fetchall()
    found.append((DESK_QUEUE, *(sum(row[column] for row in found) for column in (1, 2, 3))))
    measured = {}
    for queue, cases, minutes, squares in found:
        if cases >= _FEWEST_MEASURED:
            mean = minutes / cases
            measured[queue] = (mean, max(squares / cases - mean**2, 0.0) ** 0.5 / mean)
    return measured


def _touch(
    queue: str, staffing: StaffingSettings, handling: Mapping[str, tuple[float, float]], lessons: Sequence[Row]
) -> tuple[float | None, float | None, str | None]:
    """Minutes, variation, basis: what somebody wrote, else measured, else what the waits tell, else the most it can be; None where nobody knows."""
    written = staffing.touch_of(queue)
    if written is not None:
        return written.minutes, written.variation, WRITTEN
    if queue in handling:
        return (*handling[queue], MEASURED)
    from_waits = next((row["touch_business_minutes"] for row in lessons if row["touch_business_minutes"] is not None), None)
    if from_waits is not None:
        return from_waits, 1.0, FROM_WAITS
    at_most = next((row["touch_at_most_business_minutes"] for row in lessons if row["touch_at_most_business_minutes"] is not None), None)
    return (at_most, 1.0, AT_MOST) if at_most is not None else (None, None, None)


def _shrinkage(frame: Frame, staffing: StaffingSettings) -> float | None:
    """Percent of planned heads that are missing: as written, else the mean of the latest weeks."""
    if staffing.shrinkage is not None:
        return 100.0 * staffing.shrinkage
    latest = frame.shrinkage[-_WEEKS_OF_HEADS:]
    known = latest[np.isfinite(latest)]
    return float(100.0 * known.mean()) if len(known) else None


@dataclass(frozen=True)
class Touch:
    """Minutes that a case takes one head, how much they vary, and where they come from."""

    minutes: float
    variation: float
    basis: str


@dataclass(frozen=True)
class QueueInputs:
    """What is known of one queue: its usual week, its touch time (None: unknown), its heads by slot (None: unknown), shrinkage as a share."""

    queue: str
    week: Week
    touch: Touch | None
    present_heads: Floats | None
    shrinkage: float | None
    patience_seconds: float | None
    #: Whole weeks that the usual one is the mean of, and those beside them that are not loaded whole.
    weeks: int
    unloaded_weeks: int = 0
    #: Whether the weeks tell a usual one: `week` has no cases where they do not, and each promise says why.
    has_usual_week: bool = True
    #: By which share more cases than usual a plan is made for.
    arrivals_margin: float = LEAST_MARGIN
    #: The shortest and the longest touch time that the days of the desk allow, minutes; None where that is not known.
    allowed_minutes: tuple[float, float] | None = None


@dataclass(frozen=True)
class PromiseInputs:
    """A promise to a queue: its target and objective, the share of cases that have it, and how it stands.

    `own`: what cases take that find a free head, None where the log tells too few of them.
    """

    metric: str
    policy: str
    target_seconds: float
    objective_pct: float | None
    is_response: bool
    share: float
    attainment_pct: float | None
    own: OwnDelays | None
    reason: str | None


@dataclass(frozen=True)
class DeskInputs:
    """Both marts, read: queues by name, the desk as `all`, and the promises to each."""

    queues: Mapping[str, QueueInputs]
    promises: Mapping[str, tuple[PromiseInputs, ...]]

    @staticmethod
    def of(hours: Sequence[Row], inputs: Sequence[Row]) -> DeskInputs:
        """From rows of mart.staffing_hours and mart.staffing_inputs."""
        by_queue: dict[str, list[Row]] = {}
        for row in inputs:
            by_queue.setdefault(row["queue"], []).append(row)
        queues = {queue: _queue_inputs(queue, [row for row in hours if row["queue"] == queue], rows[0]) for queue, rows in by_queue.items()}
        return DeskInputs(queues, {queue: tuple(_promise(row) for row in rows) for queue, rows in by_queue.items()})


def as_written(desk: DeskInputs, staffing: StaffingSettings) -> DeskInputs:
    """The inputs with the touch times and the shrinkage that staffing.yml says now, which may be newer than the tables."""

    def current(queue: QueueInputs) -> QueueInputs:
        touch = staffing.touch_of(queue.queue)
        return replace(
            queue,
            touch=queue.touch if touch is None else Touch(touch.minutes, touch.variation, WRITTEN),
            shrinkage=queue.shrinkage if staffing.shrinkage is None else staffing.shrinkage,
        )

    return DeskInputs({name: current(queue) for name, queue in desk.queues.items()}, desk.promises)


def _queue_inputs(queue: str, hours: Sequence[Row], told: Row) -> QueueInputs:
    opened, cases, present = np.zeros(SLOTS_A_WEEK), np.zeros(SLOTS_A_WEEK), np.zeros(SLOTS_A_WEEK)
    knows_heads = False
    for row in hours:
        slot = (row["iso_weekday"] - 1) * 24 + row["hour_of_day"]
        opened[slot], cases[slot] = 60 * row["open_business_minutes"], row["cases_per_week"] or 0.0
        if row["present_heads"] is not None:
            present[slot], knows_heads = row["present_heads"], True
    minutes = told["touch_business_minutes"]
    return QueueInputs(
        queue=queue,
        week=Week(opened, cases, told["day_overdispersion"] or 0.0),
        touch=None if minutes is None else Touch(minutes, told["touch_variation"], told["touch_basis"]),
        present_heads=present if knows_heads else None,
        shrinkage=None if told["shrinkage_pct"] is None else told["shrinkage_pct"] / 100,
        patience_seconds=told["patience_seconds"],
        weeks=told["weeks"],
        unloaded_weeks=told["unloaded_weeks"],
        has_usual_week=told["cases_per_week"] is not None,
        arrivals_margin=LEAST_MARGIN if told["arrivals_margin_pct"] is None else told["arrivals_margin_pct"] / 100,
        allowed_minutes=None if told["touch_longest_business_minutes"] is None else (told["touch_shortest_business_minutes"], told["touch_longest_business_minutes"]),
    )


def _promise(row: Row) -> PromiseInputs:
    within = [row[f"own_within_{part}_pct"] for part in PARTS]
    own = None if any(share is None for share in within) else OwnDelays((within[0] / 100, within[1] / 100, within[2] / 100, within[3] / 100, within[4] / 100))
    return PromiseInputs(
        metric=row["metric"], policy=row["policy"], target_seconds=float(row["target_seconds"]), objective_pct=row["objective_pct"],
        is_response=row["is_response"], share=row["clock_share_pct"] / 100, attainment_pct=row["actual_pct"], own=own, reason=row["reason"],
    )  # fmt: skip


def promised(promises: Sequence[PromiseInputs], within_seconds: float | None = None) -> tuple[Promised, ...]:
    """Targets and shares to draw cases with; `within_seconds` in the place of the targets."""
    total = sum(promise.share for promise in promises)
    scale = 1 / total if total > 1 else 1.0
    return tuple(Promised(within_seconds or promise.target_seconds, promise.share * scale) for promise in promises)
