"""A calendar read as naively as can be: is the desk open at this minute?

Belongs here: the witness of business time for the property tests. It takes the plain YAML content of one calendar and
shares no code with the package. Does not belong here: anything fast.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

WEEKDAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


class Walk:
    """Open or not, minute by minute (hours are given in minutes), read off the wall clock."""

    def __init__(self, calendar: dict[str, Any], start: date, days: int) -> None:
        self.start = datetime(start.year, start.month, start.day)
        self.zone = ZoneInfo(calendar["zone"])
        self.calendar = calendar
        self.is_open = [self._open_at(self.start + timedelta(minutes=minute)) for minute in range(days * 1440)]
        self.before = [0]
        for opened in self.is_open:
            self.before.append(self.before[-1] + 60 * opened)

    def wall(self, moment: datetime) -> datetime:
        return moment.replace(tzinfo=UTC).astimezone(self.zone)

    def _open_at(self, moment: datetime) -> bool:
        if self.calendar.get("always_open"):
            return True
        wall = self.wall(moment)
        shown, today = f"{wall.hour:02d}:{wall.minute:02d}", wall.date()
        for half_day in (*self.calendar["half_days"], *self.calendar.get("working_days", ())):
            if half_day["date"] == today:
                return any(start <= shown < end for start, end in self._pairs(half_day["hours"]))
        if today in self.calendar["holidays"]:
            return False
        return any(
            start <= shown < end if start < end else shown >= start
            for start, end in self._pairs(self._hours_of(today))
        ) or any(
            start > end and shown < end for start, end in self._pairs(self._hours_of(today - timedelta(days=1)))
        )

    def _hours_of(self, day: date) -> list[str]:
        hours = self.calendar["hours"]
        found: list[str] = hours.get("mon-sun") or hours.get(WEEKDAYS[day.weekday()], [])
        return found

    @staticmethod
    def _pairs(intervals: list[str]) -> list[tuple[str, str]]:
        return [(text[:5], text[6:]) for text in intervals]

    def open_seconds_until(self, second: int) -> int:
        minute, rest = divmod(second, 60)
        return self.before[minute] + (rest if rest and self.is_open[minute] else 0)
