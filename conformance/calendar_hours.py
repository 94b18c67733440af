"""When a desk is open: calendars.yml read anew, as plain intervals of seconds.

Belongs here: the oracle's own reading of a calendar. It shares no code with the product. Does not belong here: clocks.

An instant is open when the wall clock of the calendar's zone then shows an open time. Between two changes of the clocks wall
time and UTC run side by side, so each date's opening times are laid into each such stretch and cut at its ends: an hour that
the clocks skip is in none of them, an hour that they repeat is in two.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from conformance.documents import DocumentError, instant, moment

Pairs = list[tuple[int, int]]
HOUR, DAY = 3600, 86_400
WEEKDAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
UNITS = {"s": 1, "m": 60, "h": HOUR, "d": DAY}


class Intervals:
    """Sorted, disjoint half-open intervals of seconds, and how many of their seconds lie before an instant."""

    def __init__(self, pairs: Iterable[tuple[int, int]]) -> None:
        self.starts: list[int] = []
        self.ends: list[int] = []
        self.total_at_end: list[int] = []
        total = 0
        for start, end in sorted(pairs):
            total += end - start
            self.starts.append(start)
            self.ends.append(end)
            self.total_at_end.append(total)

    def before(self, at: int) -> int:
        """How many seconds of the intervals lie before `at`."""
        last = bisect_right(self.starts, at) - 1
        return 0 if last < 0 else self.total_at_end[last] - max(0, self.ends[last] - at)

    def between(self, start: int, end: int) -> int:
        """How many seconds of the intervals lie in [start, end)."""
        return self.before(end) - self.before(start)

    def reached(self, seconds: int) -> int | None:
        """The first instant before which `seconds` (at least 1) of the intervals lie; None when they never do."""
        number = bisect_left(self.total_at_end, seconds)
        if number == len(self.starts):
            return None
        return self.ends[number] - (self.total_at_end[number] - seconds)


class Hours:
    """One calendar over the horizon: `open` and `holiday` seconds of the UTC time line, and the length of its business day."""

    def __init__(self, calendar: Mapping[str, Any], horizon: tuple[int, int]) -> None:
        self.horizon = horizon
        if calendar.get("public_holidays"):
            raise DocumentError("public_holidays depend on a library's version; list them as holidays here")
        if calendar.get("always_open"):
            self.open, self.holiday = Intervals([horizon]), Intervals([])
            self.business_day: int | None = DAY
            return
        opening, holidays = _opening(calendar), _holidays(calendar)
        half_days = {_date(row["date"]): [_interval(text) for text in row["hours"]] for row in calendar.get("half_days", ())}
        stretches = _stretches(ZoneInfo(calendar["zone"]), horizon)
        worked = _working_days(calendar, opening)
        open_pairs: Pairs = []
        holiday_pairs: Pairs = []
        for day, midnight in _dates(horizon):
            closed = day in holidays and day not in half_days and day not in worked
            times = half_days.get(day) or worked.get(day) or ([] if closed else opening[day.weekday()])
            open_pairs += _on_the_time_line(midnight, times, stretches)
            if closed:
                holiday_pairs += _on_the_time_line(midnight, [(0, DAY)], stretches)
        self.open, self.holiday = Intervals(open_pairs), Intervals(holiday_pairs)
        self.business_day = _business_day(calendar, opening)

    def is_inside(self, at: int) -> bool:
        """Whether the calendars say anything about this instant."""
        return self.horizon[0] <= at < self.horizon[1]


class Calendars(dict[str, Hours]):
    """The calendars of a calendars.yml document, by name, each read when it is first asked for.

    The horizon's dates are UTC dates, the end exclusive.
    """

    def __init__(self, document: Mapping[str, Any]) -> None:
        super().__init__()
        self.calendars: Mapping[str, Any] = document["calendars"]
        self.horizon = (instant(document["horizon"]["start"]), instant(document["horizon"]["end"]))

    def __missing__(self, name: str) -> Hours:
        if name not in self.calendars:
            raise DocumentError(f"no calendar is called {name!r}; known: {', '.join(self.calendars)}")
        self[name] = Hours(self.calendars[name], self.horizon)
        return self[name]


def duration(text: str, business_day: int | None) -> int:
    """`90s`, `15m`, `2h`, `1h 30m`, `3d` as seconds; a day is the calendar's business day."""
    parts = re.findall(r"(\d+)\s*([smhd])", text)
    if not parts:
        raise DocumentError(f"{text!r} is no duration; write 90s, 15m, 2h, 1h 30m or 3d")
    if any(unit == "d" for _, unit in parts) and business_day is None:
        raise DocumentError(f"{text!r}: the calendar's weekdays differ in length; it must state its business_day")
    return sum(int(number) * (business_day or DAY if unit == "d" else UNITS[unit]) for number, unit in parts)


def _opening(calendar: Mapping[str, Any]) -> list[Pairs]:
    """The open seconds of a Monday .. Sunday; a night is cut at midnight."""
    week: list[Pairs] = [[] for _ in WEEKDAYS]
    for days, times in calendar["hours"].items():
        for weekday in _weekdays(days):
            for start, end in map(_interval, times):
                week[weekday].append((start, min(end, DAY)))
                if end > DAY:
                    week[(weekday + 1) % 7].append((0, end - DAY))
    return week


def _weekdays(key: str) -> list[int]:
    first, _, last = key.strip().lower().partition("-")
    start, end = WEEKDAYS.index(first), WEEKDAYS.index(last or first)
    return [(start + step) % 7 for step in range((end - start) % 7 + 1)]


def _interval(text: str) -> tuple[int, int]:
    start, end = (_time_of_day(part) for part in text.split("-"))
    return start, end if end > start else end + DAY


def _time_of_day(text: str) -> int:
    hours, minutes = text.strip().split(":")
    return int(hours) * HOUR + int(minutes) * 60


def _holidays(calendar: Mapping[str, Any]) -> set[date]:
    days: set[date] = set()
    for row in calendar.get("holidays", ()):
        if not isinstance(row, dict):
            days.add(_date(row))
        elif "date" in row:
            days.add(_date(row["date"]))
        else:
            first, last = _date(row["from"]), _date(row["to"])
            days |= {first + timedelta(days=number) for number in range((last - first).days + 1)}
    return days


def _without_seams(day: Pairs) -> Pairs:
    """The times of a day in order, those that touch as one."""
    times = sorted(day)
    starts = [start for start, _ in times if all(start != end for _, end in times)]
    ends = [end for _, end in times if all(end != start for start, _ in times)]
    return list(zip(starts, ends, strict=True))


def _working_days(calendar: Mapping[str, Any], opening: list[Pairs]) -> dict[date, Pairs]:
    """Dates that are worked whatever their weekday, with their times; those of the commonest open weekday where they name none."""
    worked: dict[date, Pairs] = {}
    opened = [_without_seams(day) for day in opening if day]
    commonest = max(opened, key=opened.count)
    for row in calendar.get("working_days", ()):
        named = row.get("hours") if isinstance(row, dict) else None
        day = _date(row["date"] if isinstance(row, dict) else row)
        worked[day] = [_interval(text) for text in named] if named else commonest
    return worked


def _date(value: object) -> date:
    return value if isinstance(value, date) else date.fromisoformat(str(value))


def _business_day(calendar: Mapping[str, Any], opening: list[Pairs]) -> int | None:
    """As stated, or the open time of a weekday where all open weekdays are equal."""
    if "business_day" in calendar:
        return duration(str(calendar["business_day"]), None)
    lengths = {sum(end - start for start, end in day) for day in opening if day}
    return lengths.pop() if len(lengths) == 1 else None


def _dates(horizon: tuple[int, int]) -> list[tuple[date, int]]:
    """Every local date that touches the horizon, with its midnight as if local time were UTC."""
    first, last = horizon[0] // DAY - 2, horizon[1] // DAY + 2
    return [(moment(day * DAY).date(), day * DAY) for day in range(first, last)]


def _stretches(zone: ZoneInfo, horizon: tuple[int, int]) -> list[tuple[int, int, int]]:
    """The horizon cut where the clocks change: (start, end, how far wall time is ahead of UTC)."""
    found: list[tuple[int, int, int]] = []
    start, at = horizon[0], horizon[0]
    while at < horizon[1]:
        after = min(at + 12 * HOUR, horizon[1])
        if _ahead(zone, after) != _ahead(zone, at):
            low, high = at, after
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (middle, high) if _ahead(zone, middle) == _ahead(zone, at) else (low, middle)
            found.append((start, high, _ahead(zone, at)))
            start, after = high, high
        at = after
    found.append((start, horizon[1], _ahead(zone, start)))
    return found


def _ahead(zone: ZoneInfo, at: int) -> int:
    offset = datetime.fromtimestamp(at, UTC).astimezone(zone).utcoffset()
    assert offset is not None
    return int(offset.total_seconds())


def _on_the_time_line(midnight: int, times: Pairs, stretches: list[tuple[int, int, int]]) -> Pairs:
    """The times of one local date as UTC seconds."""
    found: Pairs = []
    for start, end in times:
        for stretch_start, stretch_end, ahead in stretches:
            opens, closes = max(midnight + start - ahead, stretch_start), min(midnight + end - ahead, stretch_end)
            if opens < closes:
                found.append((opens, closes))
    return found
