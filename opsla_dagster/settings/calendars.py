"""calendars.yml: when a desk is open.

Belongs here: the document, and the reading of it as "which minutes of a local date are open". Does not belong here:
zones applied to instants (`opsla_dagster.calendars`) and anything about cases.

A calendar is a function from a local date to the open minutes of that date. An overnight interval (22:00-06:00) is the
evening of its weekday and the morning of the next; a holiday closes its date from midnight to midnight, and a half day or a
make-up working day replaces the hours of its date, whichever weekday's interval reached into it.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from functools import cached_property, lru_cache
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from opsla_dagster.errors import OpslaError
from opsla_dagster.settings.base import Document, Place, Seconds, ZoneName, problem_at
from opsla_dagster.settings.holiday_library import country_holidays, is_known
from opsla_dagster.window import ONE_DAY, Window

#: Half-open minutes of one local date, ascending and disjoint: ((480, 1080),) is 08:00-18:00.
Minutes = tuple[tuple[int, int], ...]

#: Name of the desk's own calendar, also in SQL.
DESK_CALENDAR = "desk"
#: Categories of the `holidays` library.
_PUBLIC, _HALF_DAY = "public", "half_day"
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
    weekday_numbers(key)
    return key


def weekday_numbers(key: str) -> list[int]:
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


def _always_somewhere(value: object) -> object:
    """What never closes is open in every zone: it need not name one."""
    return {"zone": "UTC", **value} if isinstance(value, dict) and value.get("always_open") is True else value


def _plain_date(value: object) -> object:
    return value if isinstance(value, dict | Holiday | WorkingDay) else {"date": value}


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
    """Public holidays by country code, taken from the `holidays` library for the years of the horizon, with the days that make up for them."""

    country: str
    subdivision: str | None = None
    observed: bool = True
    only: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    #: Kinds of holidays of the library; those of half_day are open for half_day_hours, all others are closed.
    categories: Annotated[tuple[str, ...], Field(min_length=1)] = ("public",)
    half_day_hours: DayIntervals | None = None

    @model_validator(mode="after")
    def _half_days_have_hours(self) -> PublicHolidays:
        if "workday" in self.categories:
            raise ValueError("categories: the holidays of workday are working days, which nobody has off; leave it out")
        if (_HALF_DAY in self.categories) != (self.half_day_hours is not None):
            raise ValueError("half holidays want both: half_day among the categories, and their hours, such as half_day_hours: [09:00-13:00]")
        return self

    def names(self, horizon: Window) -> dict[date, str]:
        """Date -> name, of the closed ones. A date that the library says is worked is none."""
        worked = self.make_up_days(horizon)
        return {day: name for day, name in self._chosen(horizon, self._closing).items() if day not in worked}

    def half_day_names(self, horizon: Window) -> dict[date, str]:
        """Date -> name, of the half holidays."""
        return self._chosen(horizon, (_HALF_DAY,)) if _HALF_DAY in self.categories else {}

    def make_up_days(self, horizon: Window) -> dict[date, date | None]:
        """Days of weekends that are worked for a day off -> that day off, where the library tells it; none where `only` picks holidays."""
        if self.only is not None or _PUBLIC not in self.categories:
            return {}
        return _make_up_days(self.country, self.subdivision, horizon.start.year - 1, horizon.end.year + 1)

    def require_known(self, horizon: Window, place: Place) -> None:
        """Raises ValueError, at `place`, for a code, a category or a name the library does not know."""
        try:
            listed = self._listed(horizon, self.categories)
        except NotImplementedError as error:
            key, found = ("country", self.country) if not is_known(self.country) else ("subdivision", self.subdivision)
            raise problem_at((*place, key), f"{error}; codes are ISO 3166 such as US, and NY for a subdivision", found) from error
        except ValueError as error:
            known = ", ".join(_categories(self.country, self.subdivision))
            own = "; half days that it does not know go into half_days, by date" if _HALF_DAY in self.categories else ""
            raise problem_at((*place, "categories"), f"the library knows {known} for {self.country}{own}", list(self.categories)) from error
        for number, wanted in enumerate(self.only or ()):
            if not any(_is_called(name, wanted) for names in listed.values() for name in names):
                offered = sorted({name for names in listed.values() for name in names if "(" not in name})
                raise problem_at((*place, "only", number), f"no holiday of {self.country} is called so; known: {', '.join(offered)}", wanted)

    @property
    def _closing(self) -> tuple[str, ...]:
        return tuple(category for category in self.categories if category != _HALF_DAY)

    def _chosen(self, horizon: Window, categories: tuple[str, ...]) -> dict[date, str]:
        if not categories:
            return {}
        listed = self._listed(horizon, categories)
        if self.only is None:
            return {day: "; ".join(names) for day, names in listed.items()}
        chosen = {
            day: [name for name in names if any(_is_called(name, wanted) for wanted in self.only)]
            for day, names in listed.items()
        }
        return {day: "; ".join(names) for day, names in chosen.items() if names}

    def _listed(self, horizon: Window, categories: tuple[str, ...]) -> dict[date, tuple[str, ...]]:
        first, last = horizon.start - ONE_DAY, horizon.end + ONE_DAY  # a zone's local dates reach over the UTC edge
        return _library(self.country, self.subdivision, self.observed, first.year, last.year, categories)


@lru_cache(maxsize=64)
def _library(
    country: str, subdivision: str | None, observed: bool, first_year: int, last_year: int, categories: tuple[str, ...]
) -> dict[date, tuple[str, ...]]:
    years = range(first_year, last_year + 1)
    known = country_holidays(country, subdivision, years=years, observed=observed, categories=categories)
    return {day: tuple(known.get_list(day)) for day in sorted(known)}


@lru_cache(maxsize=64)
def _make_up_days(country: str, subdivision: str | None, first_year: int, last_year: int) -> dict[date, date | None]:
    """Of what the library calls weekend workdays, the day off that each stands for is in the name of that day off."""
    known = country_holidays(country, subdivision, years=range(first_year, last_year + 1))
    days_off: dict[date, date] = {}
    if label := getattr(known, "substituted_label", None):
        before, _, after = known.tr(label).partition("%s")
        written = known.tr(known.substituted_date_format)
        named = [(day, name) for day in sorted(known) for name in known.get_list(day)]
        for day_off, name in named:
            if name.startswith(before) and name.endswith(after):
                worked = datetime.strptime(name[len(before) : len(name) - len(after)], written).date()
                days_off.setdefault(worked, day_off)
    return {day: days_off.get(day) for day in sorted(known.weekend_workdays) if first_year <= day.year <= last_year}


def _categories(country: str, subdivision: str | None) -> tuple[str, ...]:
    return tuple(country_holidays(country, subdivision).supported_categories)


def _is_called(name: str, wanted: str) -> bool:
    """`Labor Day` is also wanted as `Labor Day (observed)`."""
    return name == wanted or name.startswith(f"{wanted} (")


class HalfDay(Document):
    """A date with hours of its own, instead of those of its weekday."""

    on: date = Field(alias="date")
    hours: DayIntervals


class WorkingDay(Document):
    """A date that is worked although its weekday or a holiday says otherwise; with the hours of a usual day where it names none."""

    on: date = Field(alias="date")
    hours: DayIntervals | None = None


class Calendar(Document):
    """One desk's opening times, in its own zone; a calendar that is always open may leave the zone out."""

    zone: ZoneName
    hours: dict[WeekdayKey, Intervals] = Field(default_factory=dict)
    always_open: bool = False
    holidays: tuple[Annotated[Holiday, BeforeValidator(_plain_date)], ...] = ()
    public_holidays: tuple[PublicHolidays, ...] = ()
    half_days: tuple[HalfDay, ...] = ()
    working_days: tuple[Annotated[WorkingDay, BeforeValidator(_plain_date)], ...] = ()
    #: Open time that `1d` of a promise stands for.
    business_day: Annotated[Seconds, Field(gt=0)] | None = None

    _zone_of_always = model_validator(mode="before")(_always_somewhere)

    @model_validator(mode="after")
    def _opens(self) -> Calendar:
        if self.always_open and (self.hours or self.holidays or self.public_holidays or self.half_days or self.working_days):
            raise ValueError(
                "always_open means 24x7 without exception; "
                "for a desk with holidays write hours: {mon-sun: [00:00-24:00]}"
            )
        if not self.always_open and not any(self.hours.values()):
            raise ValueError("never open: write hours, such as mon-fri: [08:00-18:00], or always_open: true")
        for place, days in (("half_days", [each.on for each in self.half_days]), ("working_days", [each.on for each in self.working_days])):
            twice = {day for day in days if days.count(day) > 1}
            if twice:
                raise ValueError(f"{place}: {min(twice)} is listed twice; give all its hours in one entry")
        if both := {each.on for each in self.half_days} & {each.on for each in self.working_days}:
            raise ValueError(f"working_days: {min(both)} is also among the half_days; give its hours in one of the two")
        _ = self.week  # overlapping intervals raise here
        return self

    @cached_property
    def week(self) -> tuple[Minutes, ...]:
        """The open minutes of Monday .. Sunday, nights already cut at midnight."""
        if self.always_open:
            return (((0, MINUTES_A_DAY),),) * 7
        days: list[list[tuple[int, int]]] = [[] for _ in WEEKDAYS]
        for key, texts in self.hours.items():
            for weekday in weekday_numbers(key):
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

    @cached_property
    def usual_day(self) -> Minutes:
        """The open minutes that most open weekdays have; of several the first in the order of the week."""
        opened = [day for day in self.week if day]
        return max(opened, key=opened.count)

    def half_day_minutes(self) -> dict[date, Minutes]:
        return {half_day.on: _minutes_of(half_day.hours) for half_day in self.half_days}

    def own_hours(self, horizon: Window) -> dict[date, Minutes]:
        """The open minutes of the dates that do not go by their weekday: half days, make-up working days, half holidays.

        What the calendar lists itself wins over the library, and a half day or working day over a holiday.
        """
        closed = self.holiday_names(horizon)
        own: dict[date, Minutes] = {}
        for public in self.public_holidays:
            for day, day_off in public.make_up_days(horizon).items():
                minutes = self.usual_day if day_off is None else self.week[day_off.weekday()]
                if minutes and day not in closed:
                    own[day] = minutes
            for day in public.half_day_names(horizon):
                if public.half_day_hours and day not in closed and (own.get(day) or self.week[day.weekday()]):
                    own[day] = _minutes_of(public.half_day_hours)
        own.update({each.on: _minutes_of(each.hours) if each.hours else self.usual_day for each in self.working_days})
        return {**own, **self.half_day_minutes()}

    def holiday_names(self, horizon: Window) -> dict[date, str]:
        """The closed dates and their names; a listed name wins over the library's, a half day and a working day over both."""
        names: dict[date, str] = {}
        for public in self.public_holidays:
            names.update(public.names(horizon))
        for holiday in self.holidays:
            names.update(dict.fromkeys(holiday.dates(), holiday.name))
        for day in [each.on for each in self.half_days] + [each.on for each in self.working_days]:
            names.pop(day, None)
        return names


def _minutes_of(hours: tuple[str, ...]) -> Minutes:
    return _disjoint([_interval(text) for text in hours], "these hours")


class CalendarsSettings(Document):
    """The whole of calendars.yml. The desk's own calendar is the one named `desk`."""

    horizon: Horizon
    calendars: Annotated[dict[str, Calendar], Field(min_length=1)]

    @model_validator(mode="after")
    def _known_holidays(self) -> CalendarsSettings:
        for name, calendar in self.calendars.items():
            for number, public in enumerate(calendar.public_holidays):
                public.require_known(self.horizon.window, ("calendars", name, "public_holidays", number))
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
