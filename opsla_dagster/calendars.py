"""Business time: calendars laid over the UTC time line.

Belongs here: `raw.calendar_dim`, `staging.business_time` and `staging.business_hours_dim` as pure functions of calendars. Does not belong here:
the document itself (`settings.calendars`), the minute spine that witnesses this module (`minute_spine`), and clocks.

The rule is one line: an instant is open when the wall clock of the calendar's zone then shows an open minute. No
special case follows for DST: an hour that the clocks skip is never shown, an hour they repeat is shown twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from opsla_dagster.settings.calendars import MINUTES_A_DAY, Calendar, CalendarsSettings, Minutes, require_horizon
from opsla_dagster.window import Window

CALENDAR_DAYS = pa.schema([
    ("calendar", pa.string()), ("calendar_date", pa.date32()), ("iso_weekday", pa.int32()), ("is_weekend", pa.bool_()),
    ("is_holiday", pa.bool_()), ("holiday_name", pa.string()), ("is_business_day", pa.bool_()),
    ("open_seconds", pa.int64()), ("business_day_number", pa.int64()),
])
BUSINESS_TIME = pa.schema([
    ("calendar", pa.string()), ("utc_date", pa.date32()), ("segment_start_at", pa.timestamp("us")),
    ("segment_end_at", pa.timestamp("us")), ("is_open", pa.bool_()), ("kind", pa.string()),
    ("local_date", pa.date32()), ("open_seconds_before", pa.int64()), ("holiday_seconds_before", pa.int64()),
])
BUSINESS_HOURS = pa.schema([
    ("calendar", pa.string()), ("open_hour_number", pa.int64()), ("segment_start_at", pa.timestamp("us")),
    ("segment_end_at", pa.timestamp("us")), ("open_seconds_before", pa.int64()),
])

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

_EPOCH = date(1970, 1, 1)
_EPOCH_WEEKDAY = 3  # 1970-01-01 was a Thursday
_HOUR_SECONDS = 3600
_KINDS = np.array(["open", "closed_hours", "holiday"])
# A local date lies up to a day beside the UTC date of the same name: look that far over the edge of a horizon.
_MARGIN_DAYS = 2


def calendar_days(settings: CalendarsSettings, window: Window) -> pa.Table:
    """`raw.calendar_dim` for the local dates in `window`: one row a calendar and date, in the order of CALENDAR_DAYS.

    open_seconds are true seconds (a night on which clocks change is an hour longer or shorter); a business day is one
    with open seconds; business_day_number counts them from the horizon's start up to and including the date.
    Raises OpslaError when `window` reaches outside the horizon.
    """
    require_horizon(settings, window)
    return pa.concat_tables(
        [_days_of(name, calendar, settings, window) for name, calendar in settings.calendars.items()]
    )


def business_time(settings: CalendarsSettings) -> pa.Table:
    """`staging.business_time`: the UTC segments of every calendar, in the order of BUSINESS_TIME.

    A calendar's segments cover the horizon (its dates read as UTC) without gap or overlap, in order. None crosses a UTC
    midnight, a local midnight or an opening time. The seconds before a segment count from the horizon's start.
    """
    return pa.concat_tables([_segment_table(name, segments) for name, segments in _all_segments(settings)])


def business_hours(settings: CalendarsSettings) -> pa.Table:
    """`staging.business_hours_dim`: the inverse of F, in the order of BUSINESS_HOURS.

    The open segments of every calendar by the hours of open time, counted from the horizon's start, that they hold a part of:
    the instant at which X open seconds have gone by lies in one of the few segments of hour (X - 1) // 3600.
    """
    return pa.concat_tables([_hour_table(name, segments) for name, segments in _all_segments(settings)])


def _all_segments(settings: CalendarsSettings) -> Iterator[tuple[str, _Segments]]:
    horizon = settings.horizon.window
    for name, calendar in settings.calendars.items():
        yield name, _segments(calendar, calendar.holiday_names(horizon), calendar.own_hours(horizon), horizon)


@dataclass(frozen=True)
class _Segments:
    """Parallel arrays, ascending; `starts` and `ends` are UTC minutes, `days` local dates, both from 1970."""

    starts: Ints
    ends: Ints
    is_open: Bools
    is_holiday: Bools
    days: Ints


def _days_of(name: str, calendar: Calendar, settings: CalendarsSettings, window: Window) -> pa.Table:
    horizon = settings.horizon.window
    first_day, days = _day_number(horizon.start), np.arange(_day_number(horizon.start), _day_number(window.end))
    names = calendar.holiday_names(horizon)
    own_hours = calendar.own_hours(horizon)
    segments = _segments(calendar, names, own_hours, Window(horizon.start, window.end), margin_days=_MARGIN_DAYS)
    inside = (segments.days >= first_day) & (segments.days < first_day + len(days)) & segments.is_open
    lengths = (segments.ends - segments.starts)[inside]
    open_minutes = np.bincount(segments.days[inside] - first_day, weights=lengths, minlength=len(days)).astype(np.int64)
    wanted = slice(_day_number(window.start) - first_day, None)
    holiday_names = [names.get(day) for day in window.dates()]
    iso_weekday = (days + _EPOCH_WEEKDAY) % 7 + 1
    return pa.table(
        [
            pa.repeat(pa.scalar(name), window.days),
            _dates(days[wanted]),
            iso_weekday[wanted].astype(np.int32),
            (iso_weekday >= 6)[wanted],
            [holiday is not None for holiday in holiday_names],
            pa.array(holiday_names, pa.string()),
            (open_minutes > 0)[wanted],
            (open_minutes * 60)[wanted],
            np.cumsum(open_minutes > 0)[wanted],
        ],
        schema=CALENDAR_DAYS,
    )


def _segment_table(name: str, segments: _Segments) -> pa.Table:
    open_seconds = _open_seconds(segments)
    holiday_seconds = (segments.ends - segments.starts) * 60 * (segments.is_holiday & ~segments.is_open)
    kind = np.where(segments.is_open, 0, np.where(segments.is_holiday, 2, 1))
    return pa.table(
        [
            pa.repeat(pa.scalar(name), len(kind)),
            _dates(segments.starts // MINUTES_A_DAY),
            _instants(segments.starts),
            _instants(segments.ends),
            segments.is_open,
            pa.array(_KINDS[kind].tolist(), pa.string()),
            _dates(segments.days),
            np.cumsum(open_seconds) - open_seconds,
            np.cumsum(holiday_seconds) - holiday_seconds,
        ],
        schema=BUSINESS_TIME,
    )


def _hour_table(name: str, segments: _Segments) -> pa.Table:
    seconds = _open_seconds(segments)
    before = np.cumsum(seconds) - seconds
    opened = np.flatnonzero(segments.is_open)
    first = before[opened] // _HOUR_SECONDS
    hours = (before[opened] + seconds[opened] - 1) // _HOUR_SECONDS - first + 1
    row = np.repeat(opened, hours)
    place = np.arange(len(row)) - np.repeat(np.cumsum(hours) - hours, hours)
    return pa.table(
        [
            pa.repeat(pa.scalar(name), len(row)),
            np.repeat(first, hours) + place,
            _instants(segments.starts[row]),
            _instants(segments.ends[row]),
            before[row],
        ],
        schema=BUSINESS_HOURS,
    )


def _open_seconds(segments: _Segments) -> Ints:
    seconds: Ints = (segments.ends - segments.starts) * 60 * segments.is_open
    return seconds


def _segments(
    calendar: Calendar, holidays: Iterable[date], own_hours: Mapping[date, Minutes], window: Window, *, margin_days: int = 0
) -> _Segments:
    """The calendar, closed on `holidays` and open as `own_hours` say on their dates, over the UTC dates of `window` and `margin_days` beyond on either side."""
    first, last = _day_number(window.start) - margin_days, _day_number(window.end) + margin_days
    changes, offsets = _offsets(calendar.zone, first, last)
    days = np.arange(first - _MARGIN_DAYS, last + _MARGIN_DAYS)
    patterns, pattern_of_day, is_holiday_day = _patterns(calendar, holidays, own_hours, days)

    edges = [_utc_of(_wall_edges(patterns, pattern_of_day, days), offset, changes, offsets) for offset in set(offsets)]
    midnights = np.arange(first, last) * MINUTES_A_DAY
    starts = np.unique(np.concatenate([midnights, changes, *edges]))
    starts = starts[(starts >= first * MINUTES_A_DAY) & (starts < last * MINUTES_A_DAY)]

    local = starts + _offset_at(starts, changes, offsets)
    day, minute = np.divmod(local, MINUTES_A_DAY)
    row = day - days[0]
    open_table = np.zeros((len(patterns), MINUTES_A_DAY), dtype=np.bool_)
    for number, pattern in enumerate(patterns):
        for start, end in pattern:
            open_table[number, start:end] = True
    return _Segments(
        starts=starts,
        ends=np.append(starts[1:], last * MINUTES_A_DAY),
        is_open=open_table[pattern_of_day[row], minute],
        is_holiday=is_holiday_day[row],
        days=day,
    )


def _patterns(
    calendar: Calendar, holidays: Iterable[date], own_hours: Mapping[date, Minutes], days: Ints
) -> tuple[list[Minutes], Ints, Bools]:
    """The distinct days of the calendar, which of them each date is, and whether the date is a holiday."""
    patterns: list[Minutes] = [*calendar.week, ()]
    closed = len(patterns) - 1
    pattern_of_day = (days + _EPOCH_WEEKDAY) % 7
    is_holiday = np.zeros(len(days), dtype=np.bool_)
    for holiday in holidays:
        row = _day_number(holiday) - days[0]
        if 0 <= row < len(days):
            pattern_of_day[row], is_holiday[row] = closed, True
    for day, minutes in own_hours.items():
        row = _day_number(day) - days[0]
        if 0 <= row < len(days):
            pattern_of_day[row] = len(patterns)
            patterns.append(minutes)
    return patterns, pattern_of_day, is_holiday


def _wall_edges(patterns: list[Minutes], pattern_of_day: Ints, days: Ints) -> Ints:
    """Every wall-clock minute at which something changes: local midnights, opening and closing times."""
    edges = [days * MINUTES_A_DAY]
    for number, pattern in enumerate(patterns):
        midnights = days[pattern_of_day == number] * MINUTES_A_DAY
        edges += [midnights + minute for interval in pattern for minute in interval]
    return np.concatenate(edges)


def _utc_of(wall: Ints, offset: int, changes: Ints, offsets: Ints) -> Ints:
    """The UTC minutes at which a clock that is `offset` ahead shows the minutes of `wall`."""
    utc = wall - offset
    shown: Ints = utc[_offset_at(utc, changes, offsets) == offset]
    return shown


def _offset_at(minutes: Ints, changes: Ints, offsets: Ints) -> Ints:
    held: Ints = offsets[np.maximum(np.searchsorted(changes, minutes, side="right") - 1, 0)]
    return held


def _offsets(zone: str, first: int, last: int) -> tuple[Ints, Ints]:
    """The UTC minutes from which an offset holds, and the offset in minutes, over the days [first, last)."""
    info = ZoneInfo(zone)
    changes, offsets = [first * MINUTES_A_DAY], [_offset(info, first * MINUTES_A_DAY)]
    for day in range(first, last):
        low, high = day * MINUTES_A_DAY, (day + 1) * MINUTES_A_DAY
        after = _offset(info, high)
        if after != offsets[-1]:
            while high - low > 1:  # the change lies in (low, high]
                middle = (low + high) // 2
                low, high = (middle, high) if _offset(info, middle) == offsets[-1] else (low, middle)
            changes.append(high)
            offsets.append(after)
    return np.array(changes), np.array(offsets)


def _offset(info: ZoneInfo, minute: int) -> int:
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(minutes=minute)
    offset = moment.astimezone(info).utcoffset()
    assert offset is not None  # a ZoneInfo always knows its offset
    return int(offset.total_seconds()) // 60


def _day_number(day: date) -> int:
    return (day - _EPOCH).days


def _dates(days: Ints) -> pa.Array:
    return pa.array(days.astype("datetime64[D]"), pa.date32())


def _instants(minutes: Ints) -> pa.Array:
    return pa.array(minutes.astype("datetime64[m]").astype("datetime64[us]"), pa.timestamp("us"))
