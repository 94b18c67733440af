"""What the log tells of the weeks before an instant: cases as they came in, their clocks, and the heads that were there.

Belongs here: reading, and business seconds of the desk's calendar. Does not belong here: what follows from it (touch.py, replay.py).

A clock counts here when it starts as its case comes in and starts once: one job a case. Other promises (next replies) are left out, and said to be.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import numpy as np

from opsla_dagster.figures import counted
from opsla_dagster.queueing.jobs import Bools, Floats, Ints
from opsla_dagster.settings.calendars import Calendar
from opsla_dagster.settings.staffing import StaffingSettings, hours_of
from opsla_dagster.staffing.week import SLOTS_A_WEEK
from opsla_dagster.window import Window, load_command, not_loaded

_WEEK, _DAY = timedelta(days=7), timedelta(days=1)
_HOUR_SECONDS, _DAY_SECONDS = 3600, 86_400
#: Where dates are not loaded, so many weeks have to be whole for anything to be said of a usual one.
FEWEST_LOADED = 4

#: Cases from which on the clocks of every so many are read: what they tell of waits is told by some of them too.
_MOST_CASES = 60_000

_CASES_SQL = """
    select epoch(intake_ts) as intake from staging.case_milestones where intake_ts >= $from_at and intake_ts < $until_at order by intake_ts
"""
_COUNTED = """
    clocks.intake_date >= $first_date and clocks.intake_date < $end_date and clocks.started_at >= $from_at and clocks.started_at < $until_at
    and clocks.cycle = 1 and clocks.target_seconds > 0 and not clocks.is_superseded and list_contains($metrics, clocks.metric)
    and clocks.reason is distinct from 'outside_calendar_horizon'
"""
_PROMISES_SQL = f"""
    select metric, policy, target_seconds, calendar from staging.sla_clocks as clocks where {_COUNTED} group by all order by all
"""
_WEEKS_SQL = f"""
    select
        metric, intake_date - cast(isodow(intake_date) - 1 as integer) as week_date, count(*) as clocks,
        count(*) filter (where outcome = 'met') as met_clocks, count(*) filter (where outcome in ('met', 'breached')) as judged_clocks
    from staging.sla_clocks as clocks where {_COUNTED} group by all order by all
"""
_CLOCKS_SQL = f"""
    with promises as (
        select *, row_number() over (order by metric, policy, target_seconds, calendar) - 1 as promise from ({_PROMISES_SQL})
    )
    select
        epoch(clocks.started_at) as started, cast(promises.promise as integer) as promise, clocks.outcome = 'met' as is_met,
        cast(coalesce(clocks.elapsed_seconds, -1) as double) as elapsed_seconds
    from staging.sla_clocks as clocks
    inner join promises
        on clocks.metric = promises.metric and clocks.policy = promises.policy and clocks.target_seconds = promises.target_seconds
        and clocks.calendar = promises.calendar
    where {_COUNTED} and clocks.outcome in ('met', 'breached') and (epoch_us(clocks.started_at) // 1000000) % $every = 0
    order by clocks.started_at, promises.promise, clocks.case_id
"""


@dataclass(frozen=True)
class Metric:
    """A metric whose clocks start as a case comes in. `is_response`: it is kept when somebody takes the case up, else when the case is done."""

    name: str
    is_response: bool


@dataclass(frozen=True)
class Clocks:
    """The clocks of one metric that were met or breached, or some of very many, one entry a clock.

    `case`: the place of its case in the log; `elapsed_seconds` is -1 where it is unknown. By week, of all clocks: how many there are, were met, and
    were met or breached.
    """

    case: Ints
    target_seconds: Floats
    elapsed_seconds: Floats
    is_met: Bools
    by_week: Ints
    met_by_week: Ints
    judged_by_week: Ints


@dataclass(frozen=True)
class Staff:
    """Heads by open hour: from which business second on, how many, and on which date; NaN where no source tells them."""

    begins: Floats
    heads: Floats
    lengths: Floats
    week: Ints
    slot: Ints

    @property
    def is_known(self) -> bool:
        return bool(len(self.heads)) and bool(np.isfinite(self.heads).any())

    def seconds_of(self, weeks: Ints) -> float:
        """Head-seconds of these weeks; hours whose heads nobody tells count as none."""
        chosen = np.isin(self.week, weeks)
        return float(np.nansum(self.heads[chosen] * self.lengths[chosen]))


@dataclass(frozen=True)
class DeskLog:
    """Whole weeks of the desk, Monday to Sunday, up to now. One entry a case, by intake; `day` counts from the first Monday."""

    first_monday: date
    weeks: int
    arrival_seconds: Floats
    week: Ints
    day: Ints
    is_closed: Bools
    metrics: tuple[Metric, ...]
    clocks: Mapping[str, Clocks]
    staff: Staff
    ended_cases: Ints  # by week
    is_loaded: Bools  # by week: every date of it is loaded

    def monday(self, week: int) -> date:
        return self.first_monday + week * _WEEK


@dataclass(frozen=True)
class Frame:
    """Whole weeks of the desk's calendar, Monday to Sunday, and the heads that were there; see DeskLog.

    `unloaded`: dates of these weeks that are not loaded. A day of them is no quiet day, so that a week with one tells nothing of a usual week.
    """

    first_monday: date
    weeks: int
    offsets: Offsets
    axis: Axis
    is_holiday: Bools
    open_seconds: Floats
    staff: Staff
    shrinkage: Floats
    unloaded: Collection[date] = ()

    @property
    def is_loaded(self) -> Bools:
        """By week: every date of it is loaded."""
        return ~np.isin(np.arange(self.weeks), [(day - self.first_monday).days // 7 for day in self.unloaded])

    @property
    def unsayable(self) -> str | None:
        """Why these weeks tell no usual one; None where they do. A young log without gaps does with fewer weeks."""
        loaded = int(self.is_loaded.sum())
        if not self.unloaded or loaded >= FEWEST_LOADED:
            return None
        return (
            f"of the last {counted(self.weeks, 'whole week')} {loaded} {'has' if loaded == 1 else 'have'} every date loaded, {FEWEST_LOADED} are needed: "
            f"{not_loaded(self.unloaded)}; {load_command(self.unloaded)} loads what the sources have"
        )

    @property
    def end(self) -> date:
        return self.first_monday + self.weeks * _WEEK

    @property
    def bounds(self) -> dict[str, object]:
        """Parameters of the SELECTs: the instants between which cases came in, and generous intake dates."""
        return {
            "from_at": self.offsets.utc(self.first_monday), "until_at": self.offsets.utc(self.end),
            "first_date": self.first_monday - _DAY, "end_date": self.end + _DAY,
        }  # fmt: skip

    def seconds_since_monday(self, instants: Floats) -> Floats:
        """Seconds of the desk's clock since the first Monday."""
        return np.asarray(instants + self.offsets.ahead(instants) - _epoch(self.first_monday))


def read_frame(connection: duckdb.DuckDBPyConnection, weeks: int, desk: Calendar, staffing: StaffingSettings) -> Frame | None:
    """The `weeks` whole weeks before now, fewer where the log begins later; None where there is not one."""
    told = connection.execute("select now_at, first_intake_date from mart.desk_now").fetchone()
    if told is None:
        return None
    now_at, first_date = told
    local_now = now_at.replace(tzinfo=UTC).astimezone(ZoneInfo(desk.zone))
    monday = (local_now - timedelta(days=local_now.weekday())).date()
    count = min(weeks, (monday - first_date).days // 7)
    if count < 1:
        return None
    first = monday - count * _WEEK
    offsets = Offsets(first, monday, desk.zone)
    segments = connection.execute(
        """
        select epoch(segment_start_at) as starts, epoch(segment_end_at) as ends, is_open, open_seconds_before, local_date, kind = 'holiday' as is_holiday
        from staging.business_time where calendar = 'desk' and segment_end_at > $from_at and segment_start_at < $until_at order by segment_start_at
        """,
        {"from_at": offsets.utc(first), "until_at": offsets.utc(monday)},
    ).fetchnumpy()
    axis = Axis.of(segments)
    of_holidays = np.asarray(segments["local_date"])[np.asarray(segments["is_holiday"], dtype=bool)].astype("datetime64[D]").astype(object).tolist()
    staff, shrinkage = _staff(connection, axis, offsets, first, count, staffing)
    return Frame(
        first_monday=first,
        weeks=count,
        offsets=offsets,
        axis=axis,
        is_holiday=np.array([first + number * _DAY in set(of_holidays) for number in range(count * 7)]),
        open_seconds=open_seconds_of(desk.week),
        staff=staff,
        shrinkage=shrinkage,
        unloaded=_unloaded(connection, first, monday),
    )


def _unloaded(connection: duckdb.DuckDBPyConnection, first: date, end: date) -> list[date]:
    """The dates from `first` until before `end` that no source has loaded."""
    loaded = {day for (day,) in connection.execute("select distinct intake_date from ops.partition_as_of").fetchall()}
    return [day for day in Window(first, end).dates() if day not in loaded]


def read_desk_log(connection: duckdb.DuckDBPyConnection, frame: Frame) -> DeskLog:
    """The cases of the frame's weeks, and their clocks."""
    cases = connection.execute(_CASES_SQL, {name: frame.bounds[name] for name in ("from_at", "until_at")}).fetchnumpy()
    intake = np.asarray(cases["intake"], dtype=np.float64)
    since_monday = frame.seconds_since_monday(intake)
    seconds, is_closed = frame.axis.at(intake)
    metrics = intake_metrics(connection)
    return DeskLog(
        first_monday=frame.first_monday,
        weeks=frame.weeks,
        arrival_seconds=seconds - frame.axis.origin,
        week=np.asarray(since_monday // (7 * _DAY_SECONDS), dtype=np.int64),
        day=np.asarray(since_monday // _DAY_SECONDS, dtype=np.int64),
        is_closed=is_closed,
        metrics=metrics,
        clocks=_clocks(connection, metrics, frame, intake),
        staff=frame.staff,
        ended_cases=_ended(connection, frame.first_monday, frame.weeks),
        is_loaded=frame.is_loaded,
    )


def open_seconds_of(week_minutes: tuple[tuple[tuple[int, int], ...], ...]) -> Floats:
    """How long each of the 168 slots is open, of the open minutes of Monday .. Sunday."""
    opened = np.zeros((7, 1440))
    for weekday, minutes in enumerate(week_minutes):
        for start, end in minutes:
            opened[weekday, start:end] = 60.0
    return np.asarray(opened.reshape(SLOTS_A_WEEK, 60).sum(axis=1))


@dataclass(frozen=True)
class Axis:
    """Business seconds of the desk's calendar; `origin` is what had gone by at the first segment."""

    starts: Floats
    before: Floats
    is_open: Bools
    lengths: Floats
    origin: float

    @staticmethod
    def of(segments: Mapping[str, Any]) -> Axis:
        """From segments of staging.business_time in their order: starts, ends (UTC seconds), is_open, open_seconds_before."""
        starts = np.asarray(segments["starts"], dtype=np.float64)
        before = np.asarray(segments["open_seconds_before"], dtype=np.float64)
        lengths = np.asarray(segments["ends"], dtype=np.float64) - starts
        return Axis(starts, before, np.asarray(segments["is_open"], dtype=bool), lengths, float(before[0]) if len(before) else 0.0)

    def at(self, instants: Floats) -> tuple[Floats, Bools]:
        """Business seconds gone by at these instants, and whether the desk was closed then."""
        if not len(self.starts):
            return np.zeros(len(instants)), np.ones(len(instants), dtype=bool)
        where = np.clip(np.searchsorted(self.starts, instants, side="right") - 1, 0, None)
        inside = np.where(self.is_open[where], np.clip(instants - self.starts[where], 0, self.lengths[where]), 0.0)
        return self.before[where] + inside, ~self.is_open[where]


class Offsets:
    """By how many seconds the desk's clock is ahead of UTC, hour by hour of the weeks that are read."""

    def __init__(self, first: date, end: date, zone: str) -> None:
        self._zone = ZoneInfo(zone)
        self._from = _epoch(first) - 2 * _DAY_SECONDS
        hours = int((_epoch(end) + 2 * _DAY_SECONDS - self._from) // _HOUR_SECONDS)
        instants = (datetime.fromtimestamp(self._from + hour * _HOUR_SECONDS, self._zone) for hour in range(hours))
        self._ahead = np.array([instant.utcoffset().total_seconds() for instant in instants])  # type: ignore[union-attr]

    def ahead(self, instants: Floats) -> Floats:
        return np.asarray(self._ahead[((instants - self._from) // _HOUR_SECONDS).astype(np.int64)])

    def utc(self, day: date) -> datetime:
        """The desk's midnight that begins a date, as naive UTC."""
        return datetime(day.year, day.month, day.day, tzinfo=self._zone).astimezone(UTC).replace(tzinfo=None)


def _epoch(day: date) -> float:
    return float((day - date(1970, 1, 1)).days * _DAY_SECONDS)


def intake_metrics(connection: duckdb.DuckDBPyConnection) -> tuple[Metric, ...]:
    """The metrics that INTAKE starts and that run once."""
    found = connection.execute(
        """
        select metric, not bool_and(signal in ('RESOLVED', 'CLOSED', 'CANCELLED', 'MERGED')) filter (where role = 'stop') as is_response
        from staging.sla_metric_rules group by metric
        having bool_or(role = 'start' and signal = 'INTAKE') and not bool_or(is_repeating) and not bool_or(role = 'after') order by metric
        """
    ).fetchall()
    return tuple(Metric(name, bool(is_response)) for name, is_response in found)


def _clocks(connection: duckdb.DuckDBPyConnection, metrics: tuple[Metric, ...], frame: Frame, intake: Floats) -> dict[str, Clocks]:
    bounds = {**frame.bounds, "metrics": [metric.name for metric in metrics]}
    promises = connection.execute(_PROMISES_SQL, bounds).fetchall()
    weeks = np.zeros((len(metrics), 3, frame.weeks), dtype=np.int64)
    position = {metric.name: number for number, metric in enumerate(metrics)}
    for name, week_date, *counts in connection.execute(_WEEKS_SQL, bounds).fetchall():
        week = (week_date - frame.first_monday).days // 7
        if 0 <= week < frame.weeks:
            weeks[position[name], :, week] += counts
    every = max(1, -(-len(intake) // _MOST_CASES))
    found = connection.execute(_CLOCKS_SQL, {**bounds, "every": every}).fetchnumpy()
    promise = np.asarray(found["promise"], dtype=np.int64)
    metric_of = np.array([position[metric] for metric, *_ in promises], dtype=np.int64)
    targets = np.array([float(target) for _, _, target, _ in promises])
    # A clock starts as its case comes in.
    place = np.clip(np.searchsorted(intake, np.asarray(found["started"], dtype=np.float64)), 0, max(len(intake) - 1, 0))
    clocks = {}
    for metric in metrics:
        own = metric_of[promise] == position[metric.name]
        if weeks[position[metric.name], 2].any():
            counted, met, judged = weeks[position[metric.name]]
            clocks[metric.name] = Clocks(
                case=np.asarray(place[own], dtype=np.int64),
                target_seconds=targets[promise[own]],
                elapsed_seconds=np.asarray(found["elapsed_seconds"], dtype=np.float64)[own],
                is_met=np.asarray(found["is_met"], dtype=bool)[own],
                by_week=counted,
                met_by_week=met,
                judged_by_week=judged,
            )
    return clocks


def _staff(
    connection: duckdb.DuckDBPyConnection, axis: Axis, offsets: Offsets, first: date, weeks: int, staffing: StaffingSettings
) -> tuple[Staff, Floats]:
    """Effective heads by open hour of the desk, and the share of planned heads that was missing, by week."""
    end = first + weeks * _WEEK
    told = connection.execute(
        "select staff_date, shift, cast(sum(cast(planned_heads as decimal(28, 12))) as double), cast(sum(cast(effective_heads as decimal(28, 12))) as double) from raw.staffing_schedule "
        "where staff_date >= $first and staff_date < $end group by staff_date, shift order by staff_date, shift",
        {"first": first, "end": end},
    ).fetchall()
    by_day = np.full((weeks * 7, 24), np.nan)
    planned, present = np.zeros(weeks), np.zeros(weeks)
    for day, shift, planned_heads, effective_heads in told:
        number = (day - first).days
        hours = hours_of(staffing.shifts[shift]) if shift in staffing.shifts else (0, 24)
        by_day[number] = np.nan_to_num(by_day[number])
        by_day[number, hours[0] : hours[1]] += effective_heads
        planned[number // 7] += planned_heads
        present[number // 7] += effective_heads
    with np.errstate(invalid="ignore", divide="ignore"):
        shrinkage = np.where(planned > 0, 1 - present / planned, np.nan)
    # Each open hour of the desk is a step of the heads.
    hours_from, lengths, cells = [], [], []
    for start, before, is_open, length in zip(axis.starts.tolist(), axis.before.tolist(), axis.is_open.tolist(), axis.lengths.tolist(), strict=True):
        if not is_open:
            continue
        ahead = float(offsets.ahead(np.array([start]))[0])
        at = start
        while at < start + length:
            local = at + ahead - _epoch(first)
            until = min(start + length, at + _HOUR_SECONDS - local % _HOUR_SECONDS)
            hours_from.append(before + at - start - axis.origin)
            lengths.append(until - at)
            cells.append(int(local // _HOUR_SECONDS))
            at = until
    cell = np.array(cells, dtype=np.int64)
    inside = (cell >= 0) & (cell < weeks * SLOTS_A_WEEK)
    heads = by_day.ravel()[np.clip(cell, 0, weeks * SLOTS_A_WEEK - 1)] if len(cell) else np.array([])
    staff = Staff(
        begins=np.array(hours_from)[inside] if len(cell) else np.array([]),
        heads=heads[inside] if len(cell) else np.array([]),
        lengths=np.array(lengths)[inside] if len(cell) else np.array([]),
        week=cell[inside] // SLOTS_A_WEEK if len(cell) else cell,
        slot=cell[inside] % SLOTS_A_WEEK if len(cell) else cell,
    )
    return staff, shrinkage


def _ended(connection: duckdb.DuckDBPyConnection, first: date, weeks: int) -> Ints:
    """Cases that ended, by week."""
    ended = np.zeros(weeks, dtype=np.int64)
    for day, cases in connection.execute(
        "select ended_date, sum(cases) from staging.daily_flow where ended_date >= $first and ended_date < $end group by ended_date",
        {"first": first, "end": first + weeks * _WEEK},
    ).fetchall():
        ended[(day - first).days // 7] += int(cases)
    return ended
