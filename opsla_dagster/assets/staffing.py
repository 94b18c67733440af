"""Rows of the area `staffing`, all of them made in Python.

Belongs here: one entry a table, reading the marts that a table is made from, and keeping rows that follow from the same as before. Does not belong
here: how anything is computed (staffing/).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from opsla_dagster.assets.factory import PythonTable
from opsla_dagster.assets.python_rows import as_table, held_rows, unless_unchanged
from opsla_dagster.assets.rules import settings_fingerprint
from opsla_dagster.assets.scope import Scope
from opsla_dagster.identity import identity_of_tables
from opsla_dagster.settings.calendars import DESK_CALENDAR, Calendar
from opsla_dagster.staffing import made_from
from opsla_dagster.warehouse.rows import rows_by_name
from opsla_dagster.window import Window

if TYPE_CHECKING:
    from opsla_dagster.staffing.desk_log import Frame
    from opsla_dagster.staffing.inputs import Arrivals, DeskInputs

_REPLAY, _HOURS, _INPUTS = "mart.staffing_replay", "mart.staffing_hours", "mart.staffing_inputs"
_PLAN, _OUTCOMES, _TO_GREEN = "mart.staffing_plan", "mart.staffing_outcomes", "mart.to_green_simulated"
_DESK_TIME = "(select * from staging.business_time where calendar = 'desk')"
_LOG = ["mart.desk_now", "ops.partition_as_of", "staging.case_milestones", "staging.business_time", "raw.staffing_schedule"]
_CLOCKS = ["staging.sla_clocks", "staging.sla_metric_rules", "staging.sla_policies"]
_QUEUES = ["staging.ownership_spans", "staging.sla_clocks", "staging.sla_metric_rules"]


def _desk(scope: Scope) -> Calendar:
    return scope.calendars.calendars[DESK_CALENDAR]


def _frame(scope: Scope, weeks: int) -> Frame | None:
    from opsla_dagster.staffing.desk_log import read_frame

    return read_frame(scope.connection, weeks, _desk(scope), scope.settings.staffing)


def _texts(scope: Scope) -> list[str]:
    """What of the settings and the code comes into the rows."""
    return [made_from.code(), settings_fingerprint(scope.settings), _desk(scope).model_dump_json(), scope.settings.staffing.model_dump_json()]


def _staffing_replay(scope: Scope, part: Window | None) -> pa.Table:
    """The weeks that the table has stay where they follow from the same; the others are replayed."""
    zone = _desk(scope).zone
    bounds = made_from.bounds_of(scope.connection, made_from.WEEKS_READ, zone)
    if bounds is None:
        return as_table(_REPLAY, [])
    identities = made_from.of_weeks(scope.connection, bounds, zone, _texts(scope))
    held: dict[date, list[dict[str, Any]]] = {}
    rows = held_rows(scope, _REPLAY)
    for row in [] if rows is None else rows.to_pylist():
        if row["made_from"] == identities.get(row["week_date"]):
            held.setdefault(row["week_date"], []).append(row)
    if rows is not None and sum(len(week) for week in held.values()) == rows.num_rows:
        return rows
    return as_table(_REPLAY, _replayed_rows(scope, held, identities))


def _replayed_rows(scope: Scope, held: Mapping[date, Sequence[dict[str, Any]]], identities: Mapping[date, str]) -> list[dict[str, Any]]:
    from opsla_dagster.staffing.desk_log import read_desk_log
    from opsla_dagster.staffing.replay import replay
    from opsla_dagster.staffing.rows import replay_row

    frame = _frame(scope, made_from.WEEKS_READ)
    if frame is None:
        return []
    weeks = dict(held)
    for week in replay(read_desk_log(scope.connection, frame), but=held):
        row = {**replay_row(week), "made_from": identities[week.week_date]}
        weeks[week.week_date] = [*weeks.get(week.week_date, ()), row]
    return [row for monday in sorted(weeks) for row in weeks[monday]]


@dataclass
class _ReadOnce:
    """The arrivals that two tables are made from, with the identity of what they were read from: set together, since two tables are made at a time."""

    latest: tuple[str, Arrivals | None] = ("", None)


_READ_ONCE = _ReadOnce()


def _arrivals(scope: Scope, identity: str) -> Arrivals | None:
    """None where there is no whole week."""
    from opsla_dagster.staffing.inputs import read_arrivals

    known, arrivals = _READ_ONCE.latest
    if known != identity:
        frame = _frame(scope, made_from.WEEKS_OF_ARRIVALS)
        arrivals = None if frame is None else read_arrivals(scope.connection, frame)
        _READ_ONCE.latest = (identity, arrivals)
    return arrivals


def _of_queues(scope: Scope) -> str | None:
    """The identity of the arrivals of all queues; None where nothing is loaded."""
    bounds = made_from.bounds_of(scope.connection, made_from.WEEKS_OF_ARRIVALS, _desk(scope).zone)
    return None if bounds is None else made_from.of_queues(scope.connection, bounds, _desk(scope).zone, _texts(scope))


def _staffing_hours(scope: Scope, part: Window | None) -> pa.Table:
    identity = _of_queues(scope)

    def make(identity: str) -> list[dict[str, Any]]:
        from opsla_dagster.staffing.inputs import hours_rows

        arrivals = _arrivals(scope, identity)
        return [] if arrivals is None else hours_rows(arrivals)

    return as_table(_HOURS, []) if identity is None else unless_unchanged(scope, _HOURS, identity, lambda: make(identity))


def _staffing_inputs(scope: Scope, part: Window | None) -> pa.Table:
    queues = _of_queues(scope)
    if queues is None:
        return as_table(_INPUTS, [])
    lessons = rows_by_name(scope.connection, f"select * from {_REPLAY} where week_date = (select max(week_date) from {_REPLAY}) order by metric")
    forecast = _forecast(scope)

    def make() -> list[dict[str, Any]]:
        from opsla_dagster.staffing.inputs import inputs_rows

        arrivals = _arrivals(scope, queues)
        return [] if arrivals is None else inputs_rows(scope.connection, arrivals, scope.settings.staffing, lessons, forecast)

    return unless_unchanged(scope, _INPUTS, made_from.of_promises(scope.connection, queues, [lessons, forecast]), make)


def _forecast(scope: Scope) -> tuple[float, float] | None:
    """Cases of the desk in the next 7 days: expected, and at the upper end of the 80 % interval; None without a forecast."""
    found: tuple[float, float] | None = scope.connection.execute(
        "select total_expected_cases, total_high_cases from mart.forecast_arrivals "
        "where dimension = 'all' and horizon_days = 7 and total_expected_cases is not null and total_high_cases is not null"
    ).fetchone()
    return found


def _desk_inputs(scope: Scope) -> DeskInputs:
    from opsla_dagster.staffing.inputs import DeskInputs

    return DeskInputs.of(rows_by_name(scope.connection, f"select * from {_HOURS}"), rows_by_name(scope.connection, f"select * from {_INPUTS}"))


def _can_be_planned(scope: Scope) -> bool:
    """Whether a touch time of the desk is known, or somebody wrote a roster: else there are no rows, and no identity of them to compare."""
    known = scope.connection.execute(f"select 1 from {_INPUTS} where queue = 'all' and touch_basis is not null and touch_basis not like 'at most%' limit 1")
    return bool(scope.settings.staffing.rosters) or known.fetchone() is not None


def _staffing_plan(scope: Scope, part: Window | None) -> pa.Table:
    if not _can_be_planned(scope):
        return as_table(_PLAN, [])

    def make() -> list[dict[str, Any]]:
        from opsla_dagster.staffing.rows import plan_rows

        return plan_rows(_desk_inputs(scope), scope.settings.staffing)

    return unless_unchanged(scope, _PLAN, identity_of_tables(scope.connection, [_HOURS, _INPUTS], _texts(scope)), make)


def _staffing_outcomes(scope: Scope, part: Window | None) -> pa.Table:
    def make() -> list[dict[str, Any]]:
        from opsla_dagster.staffing.rows import outcome_rows

        planned = rows_by_name(scope.connection, f"select * from {_PLAN} where queue = 'all'")
        return outcome_rows(_desk_inputs(scope), scope.settings.staffing, planned)

    return unless_unchanged(scope, _OUTCOMES, identity_of_tables(scope.connection, [_HOURS, _INPUTS, _PLAN], _texts(scope)), make)


_STANDING = f"""
    select health.*, paces.gone_cases_per_open_hour, paces.open_hours_per_business_day, paces.gone_cases_outside_hours_per_business_day,
        paces.gone_cases_per_other_day, paces.business_days, paces.other_days, days.day_seconds / 60.0 as next_day_business_minutes
    from mart.queue_health as health
    left join (
        select desk_now.now_at, days.local_date, sum(epoch_us(days.segment_end_at) - epoch_us(days.segment_start_at)) / 1000000.0 as day_seconds,
            row_number() over (order by days.local_date) as days_ahead
        from mart.desk_now as desk_now
        inner join staging.business_time as days
            on days.calendar = '{DESK_CALENDAR}' and days.is_open and days.local_date > desk_now.now_date and days.local_date < desk_now.now_date + 45
        group by desk_now.now_at, days.local_date
    ) as days on health.now_at = days.now_at and days.days_ahead = 1
    left join mart.throughput as paces on health.dimension = paces.dimension and health.dimension_value = paces.dimension_value
    where health.dimension in ('all', 'queue')
    order by health.dimension, health.dimension_value
"""


def _to_green_simulated(scope: Scope, part: Window | None) -> pa.Table:
    health = rows_by_name(scope.connection, _STANDING)
    [told] = rows_by_name(scope.connection, f"select max(touch_business_minutes) as touch_minutes from {_INPUTS} where queue = 'all'")
    promises = rows_by_name(scope.connection, f"select queue, metric, is_response, target_seconds, clock_share_pct from {_INPUTS} where calendar = 'desk'")
    identity = identity_of_tables(scope.connection, ["mart.backlog_now", _DESK_TIME], [*_texts(scope), health, told, promises])

    def make() -> list[dict[str, Any]]:
        from opsla_dagster.staffing.to_green import to_green_rows

        return to_green_rows(scope.connection, health, told["touch_minutes"], promises)

    return unless_unchanged(scope, _TO_GREEN, identity, make)


STAFFING = {
    _REPLAY: PythonTable(_staffing_replay, deps=[*_LOG, *_CLOCKS, "staging.daily_flow"]),
    _HOURS: PythonTable(_staffing_hours, deps=[*_LOG, *_QUEUES]),
    _INPUTS: PythonTable(_staffing_inputs, deps=[*_LOG, *_CLOCKS, "staging.ownership_spans", "staging.case_facts", "raw.source_facts", "mart.forecast_arrivals", _REPLAY]),
    _PLAN: PythonTable(_staffing_plan, deps=[_HOURS, _INPUTS]),
    _OUTCOMES: PythonTable(_staffing_outcomes, deps=[_HOURS, _INPUTS, _PLAN]),
    _TO_GREEN: PythonTable(
        _to_green_simulated,
        deps=["mart.desk_now", "mart.queue_health", "mart.throughput", "mart.backlog_now", "staging.business_time", _INPUTS],
    ),
}
