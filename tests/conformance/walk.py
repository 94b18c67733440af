"""Clocks counted second by second: the witness of the oracle's interval arithmetic.

Belongs here: the wall clock of every second, read off one by one, and adding up. It takes from the oracle only when a clock
starts, stops and counts from, and from documents nothing but the data. Does not belong here: anything fast.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any, Protocol
from zoneinfo import ZoneInfo

WEEKDAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


class Wall:
    """One calendar, asked about one second at a time."""

    def __init__(self, calendar: dict[str, Any]) -> None:
        self.calendar = calendar
        self.zone = ZoneInfo(calendar["zone"])
        self.half_days = {row["date"]: row["hours"] for row in calendar.get("half_days", ())}
        worked = [row if isinstance(row, dict) else {"date": row} for row in calendar.get("working_days", ())]
        self.working_days = {row["date"]: row.get("hours") for row in worked}
        self._usual: frozenset[str] = frozenset()
        self.kind_of_minute = cache(self._kind_of_minute)

    def kind(self, at: int) -> str:
        """open, closed_hours or holiday; clocks change on whole minutes."""
        return self.kind_of_minute(at // 60)

    def _kind_of_minute(self, minute: int) -> str:
        if self.calendar.get("always_open"):
            return "open"
        wall = datetime.fromtimestamp(minute * 60, UTC).astimezone(self.zone)
        shown, today = f"{wall:%H:%M}", wall.date()
        if today in self.half_days:
            return "open" if any(_shows(shown, text) for text in self.half_days[today]) else "closed_hours"
        if today in self.working_days:
            own = self.working_days[today]
            return "open" if (any(_shows(shown, text) for text in own) if own else shown in self._usual_minutes()) else "closed_hours"
        if self._is_holiday(today):
            return "holiday"
        return "open" if self._is_open_by_weekday(shown, today) else "closed_hours"

    def _is_open_by_weekday(self, shown: str, today: date) -> bool:
        evening = any(_shows(shown, text) or (_is_night(text) and shown >= text[:5]) for text in self._hours(today))
        morning = any(_is_night(text) and shown < text[6:] for text in self._hours(today - timedelta(days=1)))
        return evening or morning

    def _usual_minutes(self) -> frozenset[str]:
        """What the clock shows while open on a usual day: the open weekday that most others are like, the first of the week among equals."""
        if not self._usual:
            monday = date(2025, 7, 7)
            shown = [f"{minute // 60:02d}:{minute % 60:02d}" for minute in range(1440)]
            week = [frozenset(each for each in shown if self._is_open_by_weekday(each, monday + timedelta(days=day))) for day in range(7)]
            counts = Counter(day for day in week if day)
            self._usual = next(day for day in week if day and counts[day] == max(counts.values()))
        return self._usual

    def _is_holiday(self, today: date) -> bool:
        for row in self.calendar.get("holidays", ()):
            if isinstance(row, date):
                row = {"date": row}
            if row.get("date") == today or ("from" in row and row["from"] <= today <= row["to"]):
                return True
        return False

    def _hours(self, day: date) -> list[str]:
        found: list[str] = []
        for key, texts in self.calendar["hours"].items():
            first, _, last = key.partition("-")
            start, end = WEEKDAYS.index(first), WEEKDAYS.index(last or first)
            if (day.weekday() - start) % 7 <= (end - start) % 7:
                found += texts
        return found


def _is_night(text: str) -> bool:
    return text[:5] >= text[6:]


def _shows(shown: str, text: str) -> bool:
    return text[:5] <= shown < text[6:]


class Kinds(Protocol):
    """What tells the kind of a second: one calendar, or several that change."""

    def kind(self, at: int) -> str: ...


def walked(
    wall: Kinds, start: int, counted_from: int, end: int, runs: list[tuple[int, int]], pauses: list[tuple[int, int]], target: int
) -> tuple[Counter[str], int | None]:
    """The seconds of [start, end) by kind, one by one, and the instant after the one that reaches the target."""
    seconds: Counter[str] = Counter()
    due_at = None
    for at in range(start, end):
        if at < counted_from:
            kind = "policy_switch"
        elif wall.kind(at) != "open":
            kind = wall.kind(at)
        elif any(begin <= at < stop for begin, stop in pauses) or not any(begin <= at < stop for begin, stop in runs):
            kind = "paused"
        else:
            kind = "running"
        seconds[kind] += 1
        if kind == "running" and seconds["running"] == target:
            due_at = at + 1
    return seconds, due_at
