"""Zendesk's schedules as calendars.

Belongs here: minutes of the week, holidays, what was known of them when, and the zone names of Zendesk's screens. Does not belong here:
business time.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import ValidationError

from opsla_dagster.errors import OpslaError
from opsla_dagster.settings.calendars import MINUTES_A_DAY, Calendar
from opsla_dagster.sources.bronze.stamps import from_iso

#: Zendesk's weeks begin on Sunday.
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
#: Names of zones that are no IANA names, as Zendesk's screens have them (Ruby on Rails' list).
_ZONES = {
    "International Date Line West": "Etc/GMT+12", "Midway Island": "Pacific/Midway", "American Samoa": "Pacific/Pago_Pago",
    "Hawaii": "Pacific/Honolulu", "Alaska": "America/Juneau", "Pacific Time (US & Canada)": "America/Los_Angeles",
    "Tijuana": "America/Tijuana", "Mountain Time (US & Canada)": "America/Denver", "Arizona": "America/Phoenix",
    "Chihuahua": "America/Chihuahua", "Mazatlan": "America/Mazatlan", "Central Time (US & Canada)": "America/Chicago",
    "Saskatchewan": "America/Regina", "Guadalajara": "America/Mexico_City", "Mexico City": "America/Mexico_City",
    "Monterrey": "America/Monterrey", "Central America": "America/Guatemala", "Eastern Time (US & Canada)": "America/New_York",
    "Indiana (East)": "America/Indiana/Indianapolis", "Bogota": "America/Bogota", "Lima": "America/Lima", "Quito": "America/Lima",
    "Atlantic Time (Canada)": "America/Halifax", "Caracas": "America/Caracas", "La Paz": "America/La_Paz",
    "Santiago": "America/Santiago", "Asuncion": "America/Asuncion", "Newfoundland": "America/St_Johns",
    "Brasilia": "America/Sao_Paulo", "Buenos Aires": "America/Argentina/Buenos_Aires", "Montevideo": "America/Montevideo",
    "Georgetown": "America/Guyana", "Puerto Rico": "America/Puerto_Rico", "Greenland": "America/Godthab",
    "Mid-Atlantic": "Atlantic/South_Georgia", "Azores": "Atlantic/Azores", "Cape Verde Is.": "Atlantic/Cape_Verde",
    "Dublin": "Europe/Dublin", "Edinburgh": "Europe/London", "Lisbon": "Europe/Lisbon", "London": "Europe/London",
    "Casablanca": "Africa/Casablanca", "Monrovia": "Africa/Monrovia", "Belgrade": "Europe/Belgrade",
    "Bratislava": "Europe/Bratislava", "Budapest": "Europe/Budapest", "Ljubljana": "Europe/Ljubljana", "Prague": "Europe/Prague",
    "Sarajevo": "Europe/Sarajevo", "Skopje": "Europe/Skopje", "Warsaw": "Europe/Warsaw", "Zagreb": "Europe/Zagreb",
    "Brussels": "Europe/Brussels", "Copenhagen": "Europe/Copenhagen", "Madrid": "Europe/Madrid", "Paris": "Europe/Paris",
    "Amsterdam": "Europe/Amsterdam", "Berlin": "Europe/Berlin", "Bern": "Europe/Zurich", "Zurich": "Europe/Zurich",
    "Rome": "Europe/Rome", "Stockholm": "Europe/Stockholm", "Vienna": "Europe/Vienna", "West Central Africa": "Africa/Algiers",
    "Bucharest": "Europe/Bucharest", "Cairo": "Africa/Cairo", "Helsinki": "Europe/Helsinki", "Kyiv": "Europe/Kiev",
    "Kyev": "Europe/Kiev", "Riga": "Europe/Riga", "Sofia": "Europe/Sofia", "Tallinn": "Europe/Tallinn", "Vilnius": "Europe/Vilnius",
    "Athens": "Europe/Athens", "Istanbul": "Europe/Istanbul", "Minsk": "Europe/Minsk", "Jerusalem": "Asia/Jerusalem",
    "Harare": "Africa/Harare", "Pretoria": "Africa/Johannesburg", "Kaliningrad": "Europe/Kaliningrad", "Moscow": "Europe/Moscow",
    "St. Petersburg": "Europe/Moscow", "Volgograd": "Europe/Volgograd", "Samara": "Europe/Samara", "Kuwait": "Asia/Kuwait",
    "Riyadh": "Asia/Riyadh", "Nairobi": "Africa/Nairobi", "Baghdad": "Asia/Baghdad", "Tehran": "Asia/Tehran",
    "Abu Dhabi": "Asia/Muscat", "Muscat": "Asia/Muscat", "Baku": "Asia/Baku", "Tbilisi": "Asia/Tbilisi", "Yerevan": "Asia/Yerevan",
    "Kabul": "Asia/Kabul", "Ekaterinburg": "Asia/Yekaterinburg", "Islamabad": "Asia/Karachi", "Karachi": "Asia/Karachi",
    "Tashkent": "Asia/Tashkent", "Chennai": "Asia/Kolkata", "Kolkata": "Asia/Kolkata", "Mumbai": "Asia/Kolkata",
    "New Delhi": "Asia/Kolkata", "Kathmandu": "Asia/Kathmandu", "Dhaka": "Asia/Dhaka", "Astana": "Asia/Almaty",
    "Almaty": "Asia/Almaty", "Sri Jayawardenepura": "Asia/Colombo", "Novosibirsk": "Asia/Novosibirsk", "Rangoon": "Asia/Rangoon",
    "Bangkok": "Asia/Bangkok", "Hanoi": "Asia/Bangkok", "Jakarta": "Asia/Jakarta", "Krasnoyarsk": "Asia/Krasnoyarsk",
    "Beijing": "Asia/Shanghai", "Chongqing": "Asia/Chongqing", "Hong Kong": "Asia/Hong_Kong", "Urumqi": "Asia/Urumqi",
    "Kuala Lumpur": "Asia/Kuala_Lumpur", "Singapore": "Asia/Singapore", "Taipei": "Asia/Taipei", "Perth": "Australia/Perth",
    "Irkutsk": "Asia/Irkutsk", "Ulaanbaatar": "Asia/Ulaanbaatar", "Seoul": "Asia/Seoul", "Osaka": "Asia/Tokyo",
    "Sapporo": "Asia/Tokyo", "Tokyo": "Asia/Tokyo", "Yakutsk": "Asia/Yakutsk", "Darwin": "Australia/Darwin",
    "Adelaide": "Australia/Adelaide", "Canberra": "Australia/Canberra", "Melbourne": "Australia/Melbourne",
    "Sydney": "Australia/Sydney", "Brisbane": "Australia/Brisbane", "Hobart": "Australia/Hobart",
    "Vladivostok": "Asia/Vladivostok", "Guam": "Pacific/Guam", "Port Moresby": "Pacific/Port_Moresby", "Magadan": "Asia/Magadan",
    "Srednekolymsk": "Asia/Srednekolymsk", "Solomon Is.": "Pacific/Guadalcanal", "New Caledonia": "Pacific/Noumea",
    "Fiji": "Pacific/Fiji", "Kamchatka": "Asia/Kamchatka", "Marshall Is.": "Pacific/Majuro", "Auckland": "Pacific/Auckland",
    "Wellington": "Pacific/Auckland", "Nuku'alofa": "Pacific/Tongatapu", "Tokelau Is.": "Pacific/Fakaofo",
    "Chatham Is.": "Pacific/Chatham", "Samoa": "Pacific/Apia",
}


def schedules_as_calendars(source: str, payloads: Iterable[str]) -> dict[str, tuple[str, Calendar]]:
    """Schedule id -> (name, calendar), in the account's order: its first one is the default. Schedules that are never open are left out.

    Raises OpslaError for one that cannot be read.
    """
    schedules = sorted((json.loads(payload) for payload in payloads), key=_position)
    calendars: dict[str, tuple[str, Calendar]] = {}
    for schedule in schedules:
        if not schedule.get("intervals"):
            continue
        name = _free_name(source, f"{source}:{schedule.get('name')}", f"{schedule['id']}", calendars)
        calendars[str(schedule["id"])] = (name, _calendar(name, schedule))
    return calendars


def _free_name(source: str, name: str, number: str, taken: Mapping[str, tuple[str, Calendar]]) -> str:
    return f"{name} ({number})" if name in {known for known, _ in taken.values()} | {f"{source}:always"} else name


@dataclass(frozen=True)
class Version:
    """What was known of a schedule's hours from an instant on (None: from ever) up to another (None: to this day); UTC, naive."""

    schedule_id: str
    calendar: str
    known_from: datetime | None
    known_to: datetime | None
    is_default: bool


def versions_as_calendars(source: str, records: Iterable[Mapping[str, Any]]) -> tuple[dict[str, tuple[str, Calendar]], list[Version]]:
    """The calendars as `schedules_as_calendars` has them, with those of older hours behind them, and which one was known when.

    A schedule that the account lists no more is never the default. Raises OpslaError for a schedule that cannot be read.
    """
    ordered = sorted(records, key=lambda version: (str(version["schedule_id"]), int(version["number"])))
    last = {str(version["schedule_id"]): version for version in ordered}
    listed = sorted(last.values(), key=lambda version: (bool(version.get("is_gone")), *_position(version)))
    calendars = schedules_as_calendars(source, [json.dumps({**version, "id": version["schedule_id"], "list_position": n}) for n, version in enumerate(listed)])
    default = next((key for key in calendars if not last[key].get("is_gone")), None)
    versions: list[Version] = []
    for version, following in zip(ordered, [*ordered, None][1:], strict=True):
        number = str(version["schedule_id"])
        is_last = following is None or str(following["schedule_id"]) != number
        known_to = None if is_last else from_iso(following["known_from"]) if following else None
        if not version.get("intervals"):
            continue
        if is_last:
            name = calendars[number][0]
        else:
            name = _free_name(source, f"{source}:{version.get('name')} (until {known_to:%Y-%m-%d})", str(version["id"]), calendars)
            calendars[str(version["id"])] = (name, _calendar(name, version))
        versions.append(Version(number, name, from_iso(version.get("known_from")), known_to, number == default))
    return calendars, versions


def as_known_now(held: Mapping[str, Mapping[str, Any]], listed: Iterable[Mapping[str, Any]], asked_at: datetime) -> list[dict[str, Any]]:
    """What is to be stored of the schedules' hours as known at `asked_at` (UTC, naive), one record a version.

    Hours that changed since the last load are a new version, known from the schedule's own stamp on where that lies between the two loads,
    else from now on. What changes nothing of the time before, such as next year's holidays, belongs to the version that is there.
    """
    last: dict[str, Mapping[str, Any]] = {}
    for version in sorted(held.values(), key=lambda version: int(version["number"])):
        last[str(version["schedule_id"])] = version
    told: list[dict[str, Any]] = []
    for schedule in listed:
        number = str(schedule["id"])
        before = last.pop(number, None)
        known = {**schedule, "schedule_id": number, "seen_at": f"{asked_at.isoformat()}Z", "is_gone": False}
        if before is None:
            told.append({**known, "id": f"{number}.1", "number": 1, "known_from": None})
            continue
        changed_at = _changed_at(schedule, before, asked_at)
        if _hours(schedule, changed_at) == _hours(before, changed_at):
            told.append({**known, "id": before["id"], "number": before["number"], "known_from": before.get("known_from")})
        else:
            following = int(before["number"]) + 1
            told.append({**known, "id": f"{number}.{following}", "number": following, "known_from": f"{changed_at.isoformat()}Z"})
    return told + [{**gone, "is_gone": True} for gone in last.values() if not gone.get("is_gone")]


def _changed_at(schedule: Mapping[str, Any], before: Mapping[str, Any], asked_at: datetime) -> datetime:
    stamped, seen_at = from_iso(schedule.get("updated_at")), from_iso(before.get("seen_at"))
    return stamped if stamped is not None and seen_at is not None and seen_at < stamped <= asked_at else asked_at


def _hours(schedule: Mapping[str, Any], until: datetime) -> tuple[object, ...]:
    """All that the open time before `until` depends on."""
    intervals = sorted((interval.get("start_time"), interval.get("end_time")) for interval in schedule.get("intervals") or [])
    holidays = sorted(
        (str(holiday.get("start_date")), str(holiday.get("end_date")))
        for holiday in schedule.get("holidays") or []
        if str(holiday.get("start_date")) <= until.date().isoformat()
    )
    return schedule.get("time_zone"), intervals, holidays


def _position(schedule: Mapping[str, Any]) -> tuple[int, str]:
    return int(schedule.get("list_position") or 0), str(schedule.get("id"))


def _calendar(name: str, schedule: Mapping[str, Any]) -> Calendar:
    try:
        hours: dict[str, list[str]] = {}
        for interval in schedule["intervals"]:
            for day, text in _daily_hours(int(interval["start_time"]), int(interval["end_time"])):
                hours.setdefault(day, []).append(text)
        holidays = [
            {"from": holiday["start_date"], "to": holiday["end_date"], "name": str(holiday.get("name") or "holiday")}
            for holiday in schedule.get("holidays") or []
        ]
        return Calendar.model_validate({"zone": _zone(str(schedule.get("time_zone"))), "hours": hours, "holidays": holidays})
    except (ValidationError, ValueError, KeyError, TypeError) as error:
        problem = error.errors()[0]["msg"] if isinstance(error, ValidationError) else error
        raise OpslaError(f"source {name}: this schedule of the account cannot be read: {problem}") from error


def _daily_hours(start: int, end: int) -> Iterable[tuple[str, str]]:
    """Minutes since Sunday 00:00, cut at midnight."""
    while start < end:
        day, minute = divmod(start, MINUTES_A_DAY)
        until = min(end, (day + 1) * MINUTES_A_DAY)
        yield _DAYS[day % 7], f"{_clock(minute)}-{_clock(until - day * MINUTES_A_DAY)}"
        start = until


def _clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


def _zone(name: str) -> str:
    if name in _ZONES:
        return _ZONES[name]
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"unknown time zone {name!r}") from error
    return name
