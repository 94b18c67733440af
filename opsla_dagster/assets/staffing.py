"""Rows of the area `staffing`, all of them made in Python.

Belongs here: one entry a table, and reading the marts that a table is made from. Does not belong here: how anything is computed (staffing/).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from opsla_dagster.assets.factory import PythonTable
from opsla_dagster.assets.python_rows import as_table
from opsla_dagster.assets.scope import Scope
from opsla_dagster.settings.calendars import DESK_CALENDAR
from opsla_dagster.warehouse.rows import rows_by_name
from opsla_dagster.window import Window

if TYPE_CHECKING:
    from opsla_dagster.staffing.desk_log import Frame
    from opsla_dagster.staffing.inputs import DeskInputs

_LOG = ["mart.desk_now", "staging.case_milestones", "staging.business_time", "raw.staffing_schedule"]
_CLOCKS = ["staging.sla_clocks", "staging.sla_metric_rules", "staging.sla_policies"]
_QUEUES = ["staging.ownership_spans", "staging.sla_clocks", "staging.sla_metric_rules"]


def _frame(scope: Scope, weeks: int) -> Frame | None:
    from opsla_dagster.staffing.desk_log import read_frame

    return read_frame(scope.connection, weeks, scope.calendars.calendars[DESK_CALENDAR], scope.settings.staffing)


def _staffing_replay(scope: Scope, part: Window | None) -> pa.Table:
    from opsla_dagster.staffing.desk_log import read_desk_log
    from opsla_dagster.staffing.replay import WEEKS_READ, replay
    from opsla_dagster.staffing.rows import replay_row

    frame = _frame(scope, WEEKS_READ)
    found = [] if frame is None else [replay_row(week) for week in replay(read_desk_log(scope.connection, frame))]
    return as_table("mart.staffing_replay", found)


def _staffing_hours(scope: Scope, part: Window | None) -> pa.Table:
    from opsla_dagster.staffing.inputs import WEEKS_OF_ARRIVALS, hours_rows, read_arrivals

    frame = _frame(scope, WEEKS_OF_ARRIVALS)
    return as_table("mart.staffing_hours", [] if frame is None else hours_rows(read_arrivals(scope.connection, frame)))


def _staffing_inputs(scope: Scope, part: Window | None) -> pa.Table:
    from opsla_dagster.staffing.inputs import WEEKS_OF_ARRIVALS, inputs_rows, read_arrivals

    frame = _frame(scope, WEEKS_OF_ARRIVALS)
    if frame is None:
        return as_table("mart.staffing_inputs", [])
    lessons = rows_by_name(scope.connection, "select * from mart.staffing_replay where week_date = (select max(week_date) from mart.staffing_replay)")
    return as_table("mart.staffing_inputs", inputs_rows(scope.connection, read_arrivals(scope.connection, frame), scope.settings.staffing, lessons))


def _desk_inputs(scope: Scope) -> DeskInputs:
    from opsla_dagster.staffing.inputs import DeskInputs

    return DeskInputs.of(rows_by_name(scope.connection, "select * from mart.staffing_hours"), rows_by_name(scope.connection, "select * from mart.staffing_inputs"))


def _staffing_plan(scope: Scope, part: Window | None) -> pa.Table:
    from opsla_dagster.staffing.rows import plan_rows

    return as_table("mart.staffing_plan", plan_rows(_desk_inputs(scope), scope.settings.staffing))


def _staffing_outcomes(scope: Scope, part: Window | None) -> pa.Table:
    from opsla_dagster.staffing.rows import outcome_rows

    planned = rows_by_name(scope.connection, "select * from mart.staffing_plan where queue = 'all'")
    return as_table("mart.staffing_outcomes", outcome_rows(_desk_inputs(scope), scope.settings.staffing, planned))


def _to_green_simulated(scope: Scope, part: Window | None) -> pa.Table:
    from opsla_dagster.staffing.to_green import to_green_rows

    health = rows_by_name(
        scope.connection,
        f"""
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
        """,
    )
    [told] = rows_by_name(
        scope.connection,
        "select max(touch_business_minutes) filter (where reason is null) as touch_minutes "
        "from mart.staffing_inputs where queue = 'all'",
    )
    promises = rows_by_name(scope.connection, "select queue, metric, is_response, target_seconds, clock_share_pct from mart.staffing_inputs where calendar = 'desk'")
    return as_table("mart.to_green_simulated", to_green_rows(scope.connection, health, told["touch_minutes"], promises))


STAFFING = {
    "mart.staffing_replay": PythonTable(_staffing_replay, deps=[*_LOG, *_CLOCKS, "staging.daily_flow"]),
    "mart.staffing_hours": PythonTable(_staffing_hours, deps=[*_LOG, *_QUEUES]),
    "mart.staffing_inputs": PythonTable(_staffing_inputs, deps=[*_LOG, *_CLOCKS, "staging.ownership_spans", "staging.case_facts", "raw.source_facts", "mart.staffing_replay"]),
    "mart.staffing_plan": PythonTable(_staffing_plan, deps=["mart.staffing_hours", "mart.staffing_inputs"]),
    "mart.staffing_outcomes": PythonTable(_staffing_outcomes, deps=["mart.staffing_hours", "mart.staffing_inputs", "mart.staffing_plan"]),
    "mart.to_green_simulated": PythonTable(
        _to_green_simulated,
        deps=["mart.desk_now", "mart.queue_health", "mart.throughput", "mart.backlog_now", "staging.business_time", "mart.staffing_inputs"],
    ),
}
