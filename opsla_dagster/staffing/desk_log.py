"""What the log tells of the weeks before an instant: cases as they came in, their clocks, and the heads that were there.

Belongs here: reading, and business seconds of the desk's calendar. Does not belong here: what follows from it (touch.py, replay.py).

A clock counts here when it starts as its case comes in and starts once: one job a case. Other promises (next replies) are left out, and said to be.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

import duckdb
import numpy as np

from opsla_dagster.queueing.jobs import Bools, Floats, Ints
from opsla_dagster.settings.staffing import StaffingSettings, hours_of
from opsla_dagster.staffing.week import SLOTS_A_WEEK

DESK_QUEUE = "all"
NO_QUEUE = "none"
_WEEK, _DAY = timedelta(days=7), timedelta(days=1)
_HOUR_SECONDS, _DAY_SECONDS = 3600, 86_400

_CASES_SQL = """
    select epoch(intake_ts) as intake, cast(dense_rank() over (order by coalesce(team, 'none')) - 1 as integer) as team
    from staging.case_milestones
    where intake_ts >= $from_at and intake_ts < $until_at
    order by intake_ts, case_id
"""
_TEAMS_SQL = """
    select distinct coalesce(team, 'none') as team from staging.case_milestones where intake_ts >= $from_at and intake_ts < $until_at order by team
"""
_HANDLING_SQL = """
    select positions.position, facts.handling_calendar_minutes as minutes
    from staging.case_facts as facts
    inner join (
        select case_id, row_number() over (order by intake_ts, case_id) - 1 as position
        from staging.case_milestones
        where intake_ts >= $from_at and intake_ts < $until_at
    ) as positions on facts.case_id = positions.case_id
    where facts.intake_date >= $first_date and facts.intake_date < $end_date and facts.handling_calendar_minutes > 0
"""
_COUNTED = """
    clocks.intake_date >= $first_date and clocks.intake_date < $end_date and clocks.cycle = 1 and clocks.target_seconds > 0
    and not clocks.is_superseded and list_contains($metrics, clocks.metric) and clocks.reason is distinct from 'outside_calendar_horizon'
"""
_PROMISES_SQL = f"""
    select metric, policy, target_seconds, calendar from staging.sla_clocks as clocks where {_COUNTED} group by all order by all
"""
_CLOCKS_SQL = f"""
    with cases as (
        select case_id, row_number() over (order by intake_ts, case_id) - 1 as position
        from staging.case_milestones
        where intake_ts >= $from_at and intake_ts < $until_at
    ),
    promises as (
        select *, row_number() over (order by metric, policy, target_seconds, calendar) - 1 as promise from ({_PROMISES_SQL})
    )
    select
        cast(cases.position as integer) as position, cast(promises.promise as integer) as promise,
        cast(case clocks.outcome when 'met' then 1 when 'breached' then 0 else -1 end as tinyint) as verdict,
        cast(coalesce(clocks.elapsed_seconds, -1) as integer) as elapsed_seconds
    from staging.sla_clocks as clocks
    inner join promises
        on clocks.metric = promises.metric and clocks.policy = promises.policy and clocks.target_seconds = promises.target_seconds
        and clocks.calendar = promises.calendar
    inner join cases on clocks.case_id = cases.case_id
    where {_COUNTED}
"""


@dataclass(frozen=True)
class Metric:
    """A metric whose clocks start as a case comes in. `is_response`: it is kept when somebody takes the case up, else when the case is done."""

    name: str
    is_response: bool


@dataclass(frozen=True)
class Clocks:
    """The clocks of one metric, one entry a clock: which case, which promise (position in `promises`), how long it took (-1: unknown), verdict."""

    case: Ints
    promise: Ints
    target_seconds: Floats
    elapsed_seconds: Floats
    is_met: Bools
    is_judged: Bools
    promises: tuple[tuple[str, float, str], ...]  # policy, target in seconds, calendar


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
    """Whole weeks of the desk, Monday to Sunday, up to now. One entry a case, by intake."""

    first_monday: date
    weeks: int
    zone: str
    arrival_seconds: Floats
    week: Ints
    day: Ints  # from first_monday
    slot: Ints
    is_closed: Bools
    team: Ints
    teams: tuple[str, ...]
    handling_minutes: Floats  # measured by the source; NaN where it does not tell
    metrics: tuple[Metric, ...]
    clocks: Mapping[str, Clocks]
    staff: Staff
    is_holiday: Bools  # by day
    open_seconds: Floats  # by slot, in a week without holidays
    ended_cases: Ints  # by week
    shrinkage: Floats  # by week; NaN where unknown

    def monday(self, week: int) -> date:
        return self.first_monday + week * _WEEK

    @cached_property
    def cases_by_week(self) -> Ints:
        return np.bincount(self.week, minlength=self.weeks)

    def of_queue(self, queue: str) -> Bools:
        """Which cases are of a queue; all of them of the desk's."""
        if queue == DESK_QUEUE:
            return np.ones(len(self.team), dtype=bool)
        return np.asarray(self.team == self.teams.index(queue))


def read_desk_log(
    connection: duckdb.DuckDBPyConnection, now_at: datetime, weeks: int, zone: str, week_minutes: tuple[tuple[tuple[int, int], ...], ...], staffing: StaffingSettings,
    *, first_date: date | None = None,
) -> DeskLog | None:
    """The `weeks` whole weeks before now, fewer where the log begins later; None where there is not one.

    `week_minutes`: the open minutes of Monday .. Sunday of the desk's calendar.
    """
    local_now = now_at.replace(tzinfo=UTC).astimezone(ZoneInfo(zone))
    monday = (local_now - timedelta(days=local_now.weekday())).date()
    known = connection.execute("select min(intake_date) from staging.case_milestones").fetchone()
    earliest = first_date or (known[0] if known else None)
    if earliest is None:
        return None
    whole = (monday - earliest).days // 7
    count = min(weeks, whole)
    if count < 1:
        return None
    first = monday - count * _WEEK
    return _read(connection, first, count, zone, week_minutes, staffing)


def _read(
    connection: duckdb.DuckDBPyConnection, first: date, weeks: int, zone: str, week_minutes: tuple[tuple[tuple[int, int], ...], ...], staffing: StaffingSettings
) -> DeskLog:
    end = first + weeks * _WEEK
    offsets = _Offsets(first, end, zone)
    from_at, until_at = offsets.utc(first), offsets.utc(end)
    segments = connection.execute(
        """
        select epoch(segment_start_at) as starts, epoch(segment_end_at) as ends, is_open, open_seconds_before, local_date, kind
        from staging.business_time where calendar = 'desk' and segment_end_at > $from_at and segment_start_at < $until_at order by segment_start_at
        """,
        {"from_at": from_at, "until_at": until_at},
    ).fetchnumpy()
    cases = connection.execute(_CASES_SQL, {"from_at": from_at, "until_at": until_at}).fetchnumpy()
    intake = np.asarray(cases["intake"], dtype=np.float64)
    local = intake + offsets.ahead(intake)
    since_monday = local - _epoch(first)
    axis = _Axis.of(segments)
    seconds, is_closed = axis.at(intake)
    teams = [name for (name,) in connection.execute(_TEAMS_SQL, {"from_at": from_at, "until_at": until_at}).fetchall()]
    metrics = _metrics(connection)
    bounds = {"from_at": from_at, "until_at": until_at, "first_date": first - _DAY, "end_date": end + _DAY}
    holidays = {day for day, kind in zip(np.asarray(segments["local_date"]).astype("datetime64[D]").astype(object).tolist(), np.asarray(segments["kind"]).tolist(), strict=True) if kind == "holiday"}
    days = [first + number * _DAY for number in range(weeks * 7)]
    staff, shrinkage = _staff(connection, axis, offsets, first, weeks, staffing)
    return DeskLog(
        first_monday=first,
        weeks=weeks,
        zone=zone,
        arrival_seconds=seconds - axis.origin,
        week=np.asarray(since_monday // (7 * _DAY_SECONDS), dtype=np.int64),
        day=np.asarray(since_monday // _DAY_SECONDS, dtype=np.int64),
        slot=np.asarray(since_monday % (7 * _DAY_SECONDS) // _HOUR_SECONDS, dtype=np.int64),
        is_closed=is_closed,
        team=np.asarray(cases["team"], dtype=np.int64),
        teams=tuple(teams),
        handling_minutes=_handling(connection, len(intake), bounds),
        metrics=metrics,
        clocks=_clocks(connection, metrics, bounds),
        staff=staff,
        is_holiday=np.array([day in holidays for day in days]),
        open_seconds=open_seconds_of(week_minutes),
        ended_cases=_ended(connection, first, weeks),
        shrinkage=shrinkage,
    )


def open_seconds_of(week_minutes: tuple[tuple[tuple[int, int], ...], ...]) -> Floats:
    """How long each of the 168 slots is open, of the open minutes of Monday .. Sunday."""
    opened = np.zeros((7, 1440))
    for weekday, minutes in enumerate(week_minutes):
        for start, end in minutes:
            opened[weekday, start:end] = 60.0
    return np.asarray(opened.reshape(SLOTS_A_WEEK, 60).sum(axis=1))


@dataclass(frozen=True)
class _Axis:
    """Business seconds of the desk's calendar; `origin` is what had gone by at the first segment."""

    starts: Floats
    before: Floats
    is_open: Bools
    lengths: Floats
    origin: float

    @staticmethod
    def of(segments: Mapping[str, np.ndarray]) -> _Axis:
        starts = np.asarray(segments["starts"], dtype=np.float64)
        before = np.asarray(segments["open_seconds_before"], dtype=np.float64)
        lengths = np.asarray(segments["ends"], dtype=np.float64) - starts
        return _Axis(starts, before, np.asarray(segments["is_open"], dtype=bool), lengths, float(before[0]) if len(before) else 0.0)

    def at(self, instants: Floats) -> tuple[Floats, Bools]:
        """Business seconds gone by at these instants, and whether the desk was closed then."""
        if not len(self.starts):
            return np.zeros(len(instants)), np.ones(len(instants), dtype=bool)
        where = np.clip(np.searchsorted(self.starts, instants, side="right") - 1, 0, None)
        inside = np.where(self.is_open[where], np.clip(instants - self.starts[where], 0, self.lengths[where]), 0.0)
        return self.before[where] + inside, ~self.is_open[where]


class _Offsets:
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


def _metrics(connection: duckdb.DuckDBPyConnection) -> tuple[Metric, ...]:
    """The metrics that INTAKE starts and that run once."""
    found = connection.execute(
        """
        select metric, not bool_and(signal in ('RESOLVED', 'CLOSED', 'CANCELLED', 'MERGED')) filter (where role = 'stop') as is_response
        from staging.sla_metric_rules group by metric
        having bool_or(role = 'start' and signal = 'INTAKE') and not bool_or(is_repeating) and not bool_or(role = 'after') order by metric
        """
    ).fetchall()
    return tuple(Metric(name, bool(is_response)) for name, is_response in found)


def _clocks(connection: duckdb.DuckDBPyConnection, metrics: tuple[Metric, ...], bounds: Mapping[str, object]) -> dict[str, Clocks]:
    names = [metric.name for metric in metrics]
    dates = {name: bounds[name] for name in ("first_date", "end_date")}
    promises = connection.execute(_PROMISES_SQL, {**dates, "metrics": names}).fetchall()
    found = connection.execute(_CLOCKS_SQL, {**bounds, "metrics": names}).fetchnumpy()
    promise = np.asarray(found["promise"], dtype=np.int64)
    targets = np.array([float(target) for _, _, target, _ in promises])
    clocks = {}
    for name in names:
        own = [number for number, (metric, *_) in enumerate(promises) if metric == name]
        if not own:
            continue
        chosen = (promise >= own[0]) & (promise <= own[-1])
        verdict = np.asarray(found["verdict"])[chosen]
        clocks[name] = Clocks(
            case=np.asarray(found["position"][chosen], dtype=np.int64),
            promise=promise[chosen] - own[0],
            target_seconds=targets[promise[chosen]],
            elapsed_seconds=np.asarray(found["elapsed_seconds"][chosen], dtype=np.float64),
            is_met=verdict == 1,
            is_judged=verdict >= 0,
            promises=tuple((policy, float(target), calendar) for _, policy, target, calendar in promises[own[0] : own[-1] + 1]),
        )
    return clocks


def _staff(
    connection: duckdb.DuckDBPyConnection, axis: _Axis, offsets: _Offsets, first: date, weeks: int, staffing: StaffingSettings
) -> tuple[Staff, Floats]:
    """Effective heads by open hour of the desk, and the share of planned heads that was missing, by week."""
    end = first + weeks * _WEEK
    told = connection.execute(
        "select staff_date, shift, sum(planned_heads), sum(effective_heads) from raw.staffing_schedule "
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


def _handling(connection: duckdb.DuckDBPyConnection, count: int, bounds: Mapping[str, object]) -> Floats:
    """Minutes of handling that the source measured, by case; NaN where it did not."""
    minutes = np.full(count, np.nan)
    # Most sources measure none: the join is for those that do.
    if connection.execute("select 1 from raw.source_facts where fact = 'handling_seconds' limit 1").fetchone():
        found = connection.execute(_HANDLING_SQL, bounds).fetchnumpy()
        minutes[np.asarray(found["position"], dtype=np.int64)] = np.asarray(found["minutes"], dtype=np.float64)
    return minutes


def _ended(connection: duckdb.DuckDBPyConnection, first: date, weeks: int) -> Ints:
    """Cases that ended, by week."""
    ended = np.zeros(weeks, dtype=np.int64)
    for day, cases in connection.execute(
        "select ended_date, sum(cases) from staging.daily_flow where ended_date >= $first and ended_date < $end group by ended_date",
        {"first": first, "end": first + weeks * _WEEK},
    ).fetchall():
        ended[(day - first).days // 7] += int(cases)
    return ended
