"""Rows of the area `calendars` that are made in Python.

Belongs here: one entry a table. Does not belong here: what business time is (calendars.py).
"""

from __future__ import annotations

import pyarrow as pa

from opsla_dagster.assets.factory import PythonTable, window_of
from opsla_dagster.assets.mixtures import refuse_mixtures
from opsla_dagster.assets.scope import Scope
from opsla_dagster.calendars import business_hours, business_time, calendar_days
from opsla_dagster.minute_spine import business_minutes
from opsla_dagster.settings.calendars import team_calendars
from opsla_dagster.window import Window


def _calendar_dim(scope: Scope, part: Window | None) -> pa.Table:
    return calendar_days(scope.calendars, window_of(part))


def _business_time(scope: Scope, part: Window | None) -> pa.Table:
    return business_time(scope.calendars)


def _business_hours_dim(scope: Scope, part: Window | None) -> pa.Table:
    return business_hours(scope.calendars)


def _business_minutes_dim(scope: Scope, part: Window | None) -> pa.Table:
    return business_minutes(scope.settings.calendars, window_of(part))


def _team_calendars(scope: Scope, part: Window | None) -> pa.Table:
    return team_calendars(scope.calendars)


# None of them waits for the sources: each refuses by itself to give a warehouse the hours of another one's configuration.
CALENDARS = {
    "raw.calendar_dim": PythonTable(_calendar_dim, before=refuse_mixtures, reads_accounts=True),
    "staging.business_time": PythonTable(_business_time, before=refuse_mixtures, reads_accounts=True),
    "staging.business_hours_dim": PythonTable(_business_hours_dim, before=refuse_mixtures, reads_accounts=True),
    "staging.team_calendars": PythonTable(_team_calendars, before=refuse_mixtures),
    "staging.business_minutes_dim": PythonTable(_business_minutes_dim, before=refuse_mixtures),
}
