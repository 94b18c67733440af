"""Intercom's office hours as calendars.

Belongs here: minutes of the week and exceptions. Does not belong here: business time.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any

from pydantic import ValidationError

from opsla_dagster.settings.calendars import MINUTES_A_DAY, Calendar

#: Intercom's weeks begin on Monday.
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
#: Years in which an exception that repeats every year is written down.
_YEARS = range(2015, 2041)


def office_hours_as_calendars(source: str, payloads: Iterable[str]) -> dict[str, tuple[str, Calendar]]:
    """Schedule id -> (name, calendar), in the workspace's order.

    A schedule that cannot be read is left out (the shape of this resource is young; what differs is in the drift report): no rows
    rest on these calendars unless sla_policies.yml names one, and then it is missing there.
    """
    schedules = sorted((json.loads(payload) for payload in payloads), key=lambda schedule: schedule.get("list_position") or 0)
    calendars: dict[str, tuple[str, Calendar]] = {}
    for schedule in schedules:
        name = f"{source}:{schedule.get('name')}"
        if name in {known for known, _ in calendars.values()} | {f"{source}:always"}:
            name = f"{name} ({schedule.get('id')})"
        try:
            calendars[str(schedule.get("id"))] = (name, _calendar(schedule))
        except (ValidationError, ValueError, KeyError, TypeError):
            continue
    return calendars


def _calendar(schedule: Mapping[str, Any]) -> Calendar:
    zone = schedule["time_zone_name"]
    if schedule.get("twenty_four_seven"):
        hours = {"mon-sun": ["00:00-24:00"]}
    else:
        hours = {}
        for number, text in _daily_hours(schedule["time_intervals"]):
            hours.setdefault(_DAYS[number % 7], []).append(text)
    holidays, half_days = [], []
    for exception in schedule.get("exceptions") or []:
        for day in _dates(exception):
            open_hours = [text for _, text in _daily_hours(exception.get("time_intervals") or [])]
            if exception.get("exception_type") == "custom_hours" and open_hours:
                half_days.append({"date": day, "hours": open_hours})
            else:
                holidays.append({"date": day, "name": exception.get("name") or "closed"})
    return Calendar.model_validate({"zone": zone, "hours": hours, "holidays": holidays, "half_days": half_days})


def _dates(exception: Mapping[str, Any]) -> Iterator[date]:
    day = date.fromisoformat(exception["exception_date"])
    if not exception.get("recurring_annually"):
        yield day
        return
    for year in _YEARS:
        if (day.month, day.day) != (2, 29) or year % 4 == 0:
            yield day.replace(year=year)


def _daily_hours(intervals: Iterable[Mapping[str, Any]]) -> Iterator[tuple[int, str]]:
    """Minutes since Monday 00:00, cut at midnight: the day's number, and its hours."""
    for interval in intervals:
        start, end = int(interval["start_minute"]), int(interval["end_minute"])
        while start < end:
            day, minute = divmod(start, MINUTES_A_DAY)
            until = min(end - day * MINUTES_A_DAY, MINUTES_A_DAY)
            yield day, f"{minute // 60:02d}:{minute % 60:02d}-{until // 60:02d}:{until % 60:02d}"
            start = day * MINUTES_A_DAY + until
