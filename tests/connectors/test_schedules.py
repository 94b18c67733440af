"""Schedules of ticket systems as calendars."""

from __future__ import annotations

import json
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from opsla_dagster.errors import OpslaError
from opsla_dagster.sources.intercom.schedules import office_hours_as_calendars
from opsla_dagster.sources.zendesk.schedules import _ZONES, schedules_as_calendars
from opsla_dagster.window import Window


def schedule(number: int, name: str, *intervals: tuple[int, int], zone: str = "UTC", **more: Any) -> str:
    hours = [{"start_time": start, "end_time": end} for start, end in intervals]
    return json.dumps({"id": number, "name": name, "time_zone": zone, "intervals": hours, "list_position": number, **more})


def test_weeks_begin_on_sunday_and_hours_are_cut_at_midnight() -> None:
    calendars = schedules_as_calendars("acme", [schedule(1, "Night", (0, 60), (1440 * 6 + 1320, 1440 * 7), (1440 + 1380, 1440 * 2 + 60))])
    ((name, calendar),) = calendars.values()
    assert name == "acme:Night"
    assert calendar.hours == {"sun": ("00:00-01:00",), "sat": ("22:00-24:00",), "mon": ("23:00-24:00",), "tue": ("00:00-01:00",)}


def test_the_first_schedule_comes_first_names_stay_apart_and_empty_ones_are_left_out() -> None:
    payloads = [schedule(3, "A", (0, 60)), schedule(2, "Empty"), schedule(1, "A", (60, 120)), schedule(4, "always", (0, 60))]
    names = [name for name, _ in schedules_as_calendars("acme", payloads).values()]
    assert names == ["acme:A", "acme:A (3)", "acme:always (4)"]


def test_the_zones_of_the_screens_are_zones() -> None:
    for zone in set(_ZONES.values()):
        ZoneInfo(zone)
    ((_, calendar),) = schedules_as_calendars("acme", [schedule(1, "A", (0, 60), zone="Eastern Time (US & Canada)")]).values()
    assert calendar.zone == "America/New_York"
    with pytest.raises(OpslaError, match="source acme:A: this schedule of the account cannot be read: unknown time zone 'Mars'"):
        schedules_as_calendars("acme", [schedule(1, "A", (0, 60), zone="Mars")])


def test_holidays_are_closed_from_their_first_to_their_last_date() -> None:
    holidays = [{"name": "Xmas", "start_date": "2025-12-25", "end_date": "2025-12-26"}]
    ((_, calendar),) = schedules_as_calendars("acme", [schedule(1, "A", (0, 60), holidays=holidays)]).values()
    names = calendar.holiday_names(Window(date(2025, 12, 1), date(2026, 1, 1)))
    assert names == {date(2025, 12, 25): "Xmas", date(2025, 12, 26): "Xmas"}


def test_office_hours_that_cannot_be_read_are_left_out() -> None:
    always = {"id": "1", "name": "24x7", "time_zone_name": "UTC", "twenty_four_seven": True}
    odd = {"id": "2", "name": "Odd", "time_zone_name": "UTC", "days": ["mon"]}
    calendars = dict(office_hours_as_calendars("chat", [json.dumps(always), json.dumps(odd)]).values())
    assert set(calendars) == {"chat:24x7"}
    assert calendars["chat:24x7"].hours == {"mon-sun": ("00:00-24:00",)}
