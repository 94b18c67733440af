"""The slowest way to count business time: look at the clock on the wall once a minute, and at a case once a second.

Belongs here: that walk, from clean events to the minutes of a case. It takes the calendar's hours from the settings and
shares nothing with F, spans or clocks. Does not belong here: anything fast.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import groupby
from zoneinfo import ZoneInfo

import duckdb
import numpy as np
import numpy.typing as npt

from opsla_dagster.settings.calendars import CalendarsSettings

Seconds = npt.NDArray[np.bool_]
#: first touch, resolution with wait counted, resolution paused in wait, in open seconds; None where it would end before intake.
Measures = tuple[int | None, int | None, int | None]


def differing_cases(
    connection: duckdb.DuckDBPyConnection, calendars: CalendarsSettings, cases: int
) -> tuple[int, int]:
    """How many of up to `cases` random rows of staging.case_sla_metrics are not what the walk counts, and of how many."""
    connection.execute(f"""
        create or replace temp table walked as
        select case_id, intake_ts, first_touch_business_minutes, resolution_incl_wait_business_minutes,
            resolution_paused_business_minutes
        from staging.case_sla_metrics order by hash(case_id) limit {cases}
    """)
    found = {
        case_id: tuple(None if minutes is None else round(minutes * 60) for minutes in row)
        for case_id, *row in connection.execute("select * exclude (intake_ts) from walked").fetchall()
    }
    events = connection.execute("""
        select events.case_id, walked.intake_ts, events.canonical_ts, events.status
        from staging.events_clean as events inner join walked on events.case_id = walked.case_id
        order by events.case_id, greatest(events.canonical_ts, walked.intake_ts), events.canonical_ts,
            events.source_sequence, events.event_id
    """).fetchall()
    origin = min(min(intake, instant) for _, intake, instant, _ in events).replace(hour=0, minute=0, second=0)
    is_open = _open_seconds(calendars, origin, max(instant for _, _, instant, _ in events))
    differing = 0
    for case_id, rows in groupby(events, key=lambda row: row[0]):
        its_events = list(rows)
        intake = _second(its_events[0][1], origin)
        history = [(_second(instant, origin), status) for _, _, instant, status in its_events]
        differing += found[case_id] != _walk(intake, history, is_open)
    return differing, len(found)


def _second(instant: datetime, origin: datetime) -> int:
    return (instant - origin) // timedelta(seconds=1)


def _open_seconds(calendars: CalendarsSettings, start: datetime, last: datetime) -> Seconds:
    """Whether each second of the whole days from `start` (UTC midnight) to `last` is open."""
    calendar = calendars.desk
    zone, horizon = ZoneInfo(calendar.zone), calendars.horizon.window
    exceptions = {**dict.fromkeys(calendar.holiday_names(horizon), ()), **calendar.own_hours(horizon)}
    minutes = ((last - start).days + 1) * 24 * 60
    is_open = np.zeros(minutes, dtype=np.bool_)
    for minute in range(minutes):
        wall = (start + timedelta(minutes=minute)).replace(tzinfo=UTC).astimezone(zone)
        of_day = wall.hour * 60 + wall.minute
        hours = exceptions.get(wall.date(), calendar.week[wall.weekday()])
        is_open[minute] = any(opens <= of_day < closes for opens, closes in hours)
    return np.repeat(is_open, 60)


def _walk(intake: int, history: list[tuple[int, str]], is_open: Seconds) -> Measures:
    touched = min(second for second, status in history if status == "TRIAGE")
    resolved = min(second for second, status in history if status == "RESOLVED")
    if resolved < intake:
        return _counted(intake, touched, is_open), None, None
    waiting = np.zeros(resolved - intake, dtype=np.bool_)
    for second, status in history:
        if second < resolved:
            waiting[max(second - intake, 0):] = status == "CUSTOMER_WAIT"
    running = is_open[intake:resolved]
    return _counted(intake, touched, is_open), int(running.sum()), int((running & ~waiting).sum())


def _counted(intake: int, until: int, is_open: Seconds) -> int | None:
    return int(is_open[intake:until].sum()) if until >= intake else None
