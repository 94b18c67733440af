"""The minute spine: every business minute of the desk's calendar, found by walking the clock.

Belongs here: `staging.business_minutes_dim`. It is the witness of `opsla_dagster.calendars`: it shares the settings
with it and nothing else. It looks at each UTC minute, asks what the wall clock then shows, and whether that is open.
Does not belong here: anything that would make it depend on segments.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from opsla_dagster.settings.calendars import CalendarsSettings, Minutes, require_horizon
from opsla_dagster.window import ONE_DAY, Window

BUSINESS_MINUTES = pa.schema([
    ("business_date", pa.date32()), ("minute_start_at", pa.timestamp("us")), ("minute_number", pa.int64()),
])

_MINUTE = timedelta(minutes=1)
# The offsets at both ends of a UTC day, and the hours of the local dates it may touch.
_Likeness = tuple[int, int, Minutes, Minutes, Minutes]

Minutes64 = npt.NDArray[np.int64]


def business_minutes(settings: CalendarsSettings, window: Window) -> pa.Table:
    """`staging.business_minutes_dim` for the local dates in `window`: one row an open minute, in order.

    minute_number is the running count of open minutes from the horizon's start (UTC) up to and including the row's.
    Raises OpslaError when `window` reaches outside the horizon.
    """
    require_horizon(settings, window)
    walk = _walk_of(settings)
    first = max(window.start - ONE_DAY, settings.horizon.start)
    last = min(window.end + ONE_DAY, settings.horizon.end)
    before = (first - settings.horizon.start).days
    number = walk.minutes_before(before)
    dates, minutes, numbers = [], [], []
    for day in Window(first, last).dates():
        opened = walk.open_minutes(day)
        local_dates = walk.wall(day)[opened].astype("datetime64[D]")
        wanted = (local_dates >= np.datetime64(window.start)) & (local_dates < np.datetime64(window.end))
        dates.append(local_dates[wanted])
        minutes.append((np.datetime64(day, "m") + opened)[wanted])
        numbers.append((number + 1 + np.arange(len(opened)))[wanted])
        number += len(opened)
    return pa.table(
        [
            pa.array(np.concatenate(dates), pa.date32()),
            pa.array(np.concatenate(minutes).astype("datetime64[us]"), pa.timestamp("us")),
            np.concatenate(numbers),
        ],
        schema=BUSINESS_MINUTES,
    )


def _walk_of(settings: CalendarsSettings) -> _Walk:
    """The walk of these calendars; the last one is kept, for a window is asked for in parts."""
    document = settings.model_dump_json()
    if document not in _kept_walk:
        _kept_walk.clear()
        _kept_walk[document] = _Walk(settings)
    return _kept_walk[document]


class _Walk:
    """The walk over UTC days. Days that look alike are walked once, which is what makes decades affordable."""

    def __init__(self, settings: CalendarsSettings) -> None:
        calendar = settings.desk
        self._zone = ZoneInfo(calendar.zone)
        self._week = calendar.week
        self._exceptions: dict[date, Minutes] = {
            **dict.fromkeys(calendar.holiday_names(settings.horizon.window), ()),
            **calendar.own_hours(settings.horizon.window),
        }
        self._walked: dict[_Likeness, Minutes64] = {}
        self._start = settings.horizon.start
        #: Open minutes of the first so many dates of the horizon.
        self._running = [0]

    def minutes_before(self, days: int) -> int:
        """The open minutes of the horizon's first `days` UTC dates."""
        for day in range(len(self._running) - 1, days):
            self._running.append(self._running[-1] + len(self.open_minutes(self._start + timedelta(days=day))))
        return self._running[days]

    def open_minutes(self, day: date) -> Minutes64:
        """The open minutes of the UTC date, as minutes from its midnight."""
        around = (self._hours(day - ONE_DAY), self._hours(day), self._hours(day + ONE_DAY))
        if not any(around):
            return np.empty(0, dtype=np.int64)
        likeness = (self._offset(day), self._offset(day + ONE_DAY), *around)
        if likeness[0] != likeness[1]:
            return self._walk(day)
        if likeness not in self._walked:
            self._walked[likeness] = self._walk(day)
        return self._walked[likeness]

    def wall(self, day: date) -> npt.NDArray[np.datetime64]:
        """What the calendar's clock shows at each of the 1440 minutes of the UTC date."""
        utc = np.datetime64(day, "m") + np.arange(1440)
        offsets = np.full(1440, self._offset(day))
        if offsets[0] != self._offset(day + ONE_DAY):
            offsets = np.array([self._offset(day, minute) for minute in range(1440)])  # a change may fall on any minute
        wall: npt.NDArray[np.datetime64] = utc + offsets
        return wall

    def _walk(self, day: date) -> Minutes64:
        wall = self.wall(day)
        minute_of_day = (wall - wall.astype("datetime64[D]")).astype(np.int64)
        is_open = np.zeros(1440, dtype=np.bool_)
        local_dates = wall.astype("datetime64[D]")
        for local_date in np.unique(local_dates):
            for start, end in self._hours(local_date.item()):
                is_open |= (local_dates == local_date) & (minute_of_day >= start) & (minute_of_day < end)
        return np.flatnonzero(is_open)

    def _hours(self, local_date: date) -> Minutes:
        return self._exceptions.get(local_date, self._week[local_date.weekday()])

    def _offset(self, day: date, minute: int = 0) -> int:
        """How many minutes the clock is ahead of UTC at that minute of the UTC date."""
        moment = datetime(day.year, day.month, day.day, minute // 60, minute % 60, tzinfo=UTC)
        offset = moment.astimezone(self._zone).utcoffset()
        assert offset is not None  # a ZoneInfo always knows its offset
        return offset // _MINUTE


#: Calendars as a document -> their walk.
_kept_walk: dict[str, _Walk] = {}
