"""calendars.yml: when a desk is open.

Belongs here: the document, and the reading of it as "which minutes of a local date are open". Does not belong here:
zones applied to instants (`opsla_dagster.calendars`) and anything about cases.

A calendar is a function from a local date to the open minutes of that date. An overnight interval (22:00-06:00) is the
evening of its weekday and the morning of the next; a holiday closes its date from midnight to midnight, and a half day
replaces the hours of its date, whichever weekday's interval reached into it.
"""

from __future__ import annotations

import re
from datetime import date
from functools import cached_property, lru_cache
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from opsla_dagster.errors import OpslaError
from opsla_dagster.settings.base import Document, Seconds, ZoneName
from opsla_dagster.window import ONE_DAY, Window

#: Half-open minutes of one local date, ascending and disjoint: ((480, 1080),) is 08:00-18:00.
Minutes = tuple[tuple[int, int], ...]

#: Name of the desk's own calendar, also in SQL.
DESK_CALENDAR = "desk"
MINUTES_A_DAY = 1440
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_INTERVAL = re.compile(r"(\d\d?):(\d\d)\s*-\s*(\d\d?):(\d\d)")
# Offsets of zones are whole minutes from here on; the tables of future rules are a guess beyond.
_FIRST_YEAR, _LAST_YEAR = 1980, 2100


def _interval(text: str) -> tuple[int, int]:
    """`08:00-18:00` as minutes; an interval that ends at or before its start runs into the next date."""
    match = _INTERVAL.fullmatch(text.strip())
    if not match:
        raise ValueError(f"{text!r} is not an opening interval; write 08:00-18:00, or 22:00-06:00 for a night")
    start_hour, start_minute, end_hour, end_minute = map(int, match.groups())
    start, end = start_hour * 60 + start_minute, end_hour * 60 + end_minute
    if max(start_minute, end_minute) > 59 or start >= MINUTES_A_DAY or end > MINUTES_A_DAY:
        raise ValueError(f"{text!r}: times of day lie between 00:00 and 24:00")
    if start == end:
        raise ValueError(f"{text!r} is empty; write 00:00-24:00 for the whole day")
    return start, end if end > start else end + MINUTES_A_DAY


def _intervals(texts: tuple[str, ...]) -> tuple[str, ...]:
    for text in texts:
        _interval(text)
    return texts


def _within_the_day(texts: tuple[str, ...]) -> tuple[str, ...]:
    minutes = [_interval(text) for text in texts]
    for text, (_, end) in zip(texts, minutes, strict=True):
        if end > MINUTES_A_DAY:
            raise ValueError(f"{text!r} runs past midnight; a half day gives the hours of its own date only")
    _disjoint(minutes, "these hours")
    return texts


def _weekdays(key: str) -> str:
    _weekday_numbers(key)
    return key


def _weekday_numbers(key: str) -> list[int]:
    """`mon`, `mon-fri` or `sun-thu` as 0 (Monday) .. 6."""
    first, _, last = key.strip().lower().partition("-")
    if first not in WEEKDAYS or (last and last not in WEEKDAYS):
        raise ValueError(f"{key!r} is no weekday; write one of {', '.join(WEEKDAYS)}, or a range such as sun-thu")
    start, end = WEEKDAYS.index(first), WEEKDAYS.index(last or first)
    return [(start + day) % 7 for day in range((end - start) % 7 + 1)]


def _disjoint(minutes: list[tuple[int, int]], whose: str) -> Minutes:
    """In order, with the touching ones joined."""
    joined: list[tuple[int, int]] = []
    for start, end in sorted(minutes):
        if joined and start < joined[-1][1]:
            raise ValueError(f"{whose} overlap at {start // 60:02d}:{start % 60:02d}; write each open minute once")
        if joined and start == joined[-1][1]:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return tuple(joined)


def _plain_date(value: object) -> object:
    return value if isinstance(value, dict | Holiday) else {"date": value}


Intervals = Annotated[tuple[str, ...], AfterValidator(_intervals)]
DayIntervals = Annotated[tuple[str, ...], Field(min_length=1), AfterValidator(_within_the_day)]
WeekdayKey = Annotated[str, AfterValidator(_weekdays)]


class Horizon(Document):
    """The dates every calendar covers, `end` exclusive; an instant outside has no business time."""

    start: date
    end: date

    @model_validator(mode="after")
    def _in_order(self) -> Horizon:
        if self.end <= self.start:
            raise ValueError(f"end {self.end} must lie after start {self.start} (the end is exclusive)")
        if self.start.year < _FIRST_YEAR or self.end.year > _LAST_YEAR:
            raise ValueError(f"write dates between the years {_FIRST_YEAR} and {_LAST_YEAR}")
        return self

    @property
    def window(self) -> Window:
        return Window(self.start, self.end)


class Holiday(Document):
    """One closed date (`date`) or several (`from` and `to`, both closed)."""

    on: date | None = Field(default=None, alias="date")
    first: date | None = Field(default=None, alias="from")
    last: date | None = Field(default=None, alias="to")
    name: str = "holiday"

    @model_validator(mode="after")
    def _one_form(self) -> Holiday:
        single, span = self.on is not None, (self.first is not None, self.last is not None)
        if single == any(span) or any(span) != all(span):
            raise ValueError("write a date, {date: …, name: …} or {from: …, to: …, name: …}")
        if self.first and self.last and self.last < self.first:
            raise ValueError(f"to {self.last} lies before from {self.first}")
        return self

    def dates(self) -> list[date]:
        if self.on is not None:
            return [self.on]
        assert self.first is not None
        assert self.last is not None
        return list(Window(self.first, self.last + ONE_DAY).dates())


class PublicHolidays(Document):
    """Public holidays by country code, taken from the `holidays` library for the years of the horizon."""

    country: str
    subdivision: str | None = None
    observed: bool = True
    only: Annotated[tuple[str, ...], Field(min_length=1)] | None = None

    def names(self, horizon: Window) -> dict[date, str]:
        """Date -> name. Raises ValueError for a code or a name the library does not know."""
        first, last = horizon.start - ONE_DAY, horizon.end + ONE_DAY  # a zone's local dates reach over the UTC edge
        listed = _library(self.country, self.subdivision, self.observed, first.year, last.year)
        if self.only is None:
            return {day: "; ".join(names) for day, names in listed.items()}
        for wanted in self.only:
            if not any(_is_called(name, wanted) for names in listed.values() for name in names):
                offered = sorted({name for names in listed.values() for name in names if "(" not in name})
                raise ValueError(
                    f"only: no holiday of {self.country} is called {wanted!r}; known: {', '.join(offered)}"
                )
        chosen = {
            day: [name for name in names if any(_is_called(name, wanted) for wanted in self.only)]
            for day, names in listed.items()
        }
        return {day: "; ".join(names) for day, names in chosen.items() if names}


@lru_cache(maxsize=64)
def _library(
    country: str, subdivision: str | None, observed: bool, first_year: int, last_year: int
) -> dict[date, tuple[str, ...]]:
    import holidays  # here, because most calendars do without it and it is slow to import

    years = range(first_year, last_year + 1)
    try:
        known = holidays.country_holidays(country, subdivision, years=years, observed=observed)
    except NotImplementedError as error:
        raise ValueError(f"{error}; codes are ISO 3166 such as US, and NY for a subdivision") from error
    return {day: tuple(known.get_list(day)) for day in sorted(known)}


def _is_called(name: str, wanted: str) -> bool:
    """`Labor Day` is also wanted as `Labor Day (observed)`."""
    return name == wanted or name.startswith(f"{wanted} (")


class HalfDay(Document):
    """A date with hours of its own, instead of those of its weekday."""

    on: date = Field(alias="date")
    hours: DayIntervals


class Calendar(Document):
    """One desk's opening times, in its own zone."""

    zone: ZoneName
    hours: dict[WeekdayKey, Intervals] = Field(default_factory=dict)
    always_open: bool = False
    holidays: tuple[Annotated[Holiday, BeforeValidator(_plain_date)], ...] = ()
    public_holidays: tuple[PublicHolidays, ...] = ()
    half_days: tuple[HalfDay, ...] = ()
    #: Open time that `1d` of a promise stands for.
    business_day: Annotated[Seconds, Field(gt=0)] | None = None

    @model_validator(mode="after")
    def _opens(self) -> Calendar:
        if self.always_open and (self.hours or self.holidays or self.public_holidays or self.half_days):
            raise ValueError(
                "always_open means 24x7 without exception; "
                "for a desk with holidays write hours: {mon-sun: [00:00-24:00]}"
            )
        if not self.always_open and not any(self.hours.values()):
            raise ValueError("never open: write hours, such as mon-fri: [08:00-18:00], or always_open: true")
        half_days = [half_day.on for half_day in self.half_days]
        twice = {day for day in half_days if half_days.count(day) > 1}
        if twice:
            raise ValueError(f"half_days: {min(twice)} is listed twice; give all its hours in one entry")
        _ = self.week  # overlapping intervals raise here
        return self

    @cached_property
    def week(self) -> tuple[Minutes, ...]:
        """The open minutes of Monday .. Sunday, nights already cut at midnight."""
        if self.always_open:
            return (((0, MINUTES_A_DAY),),) * 7
        days: list[list[tuple[int, int]]] = [[] for _ in WEEKDAYS]
        for key, texts in self.hours.items():
            for weekday in _weekday_numbers(key):
                for start, end in map(_interval, texts):
                    days[weekday].append((start, min(end, MINUTES_A_DAY)))
                    if end > MINUTES_A_DAY:
                        days[(weekday + 1) % 7].append((0, end - MINUTES_A_DAY))
        return tuple(_disjoint(day, f"the hours of {name}") for name, day in zip(WEEKDAYS, days, strict=True))

    @property
    def business_day_seconds(self) -> int | None:
        """Open seconds of a business day: as stated, or of a weekday where all open ones are alike; None where they are not."""
        if self.business_day is not None:
            return self.business_day
        lengths = {sum(end - start for start, end in day) * 60 for day in self.week if day}
        return lengths.pop() if len(lengths) == 1 else None

    def half_day_minutes(self) -> dict[date, Minutes]:
        return {
            half_day.on: _disjoint([_interval(text) for text in half_day.hours], "these hours")
            for half_day in self.half_days
        }

    def holiday_names(self, horizon: Window) -> dict[date, str]:
        """The closed dates and their names; a listed name wins over the library's, a half day over both."""
        names: dict[date, str] = {}
        for public in self.public_holidays:
            names.update(public.names(horizon))
        for holiday in self.holidays:
            names.update(dict.fromkeys(holiday.dates(), holiday.name))
        for half_day in self.half_days:
            names.pop(half_day.on, None)
        return names


class CalendarsSettings(Document):
    """The whole of calendars.yml. The desk's own calendar is the one named `desk`."""

    horizon: Horizon
    calendars: Annotated[dict[str, Calendar], Field(min_length=1)]

    @model_validator(mode="after")
    def _known_holidays(self) -> CalendarsSettings:
        for name, calendar in self.calendars.items():
            for number, public in enumerate(calendar.public_holidays):
                try:
                    public.names(self.horizon.window)
                except ValueError as error:
                    raise ValueError(f"calendars.{name}.public_holidays.{number}: {error}") from error
        return self

    @property
    def desk(self) -> Calendar:
        """The desk's own calendar: its days are the desk's dates. `load_settings` refuses a document without it."""
        return self.calendars[DESK_CALENDAR]


def require_horizon(settings: CalendarsSettings, window: Window) -> None:
    """Raises OpslaError when a date of `window` has no calendar."""
    horizon = settings.horizon.window
    if window.start < horizon.start or window.end > horizon.end:
        raise OpslaError(
            f"calendars.yml: horizon: covers {horizon}, but {window} is asked for; widen horizon.start or horizon.end"
        )
