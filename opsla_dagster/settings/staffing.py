"""staffing.yml: what an operator knows of heads that no log tells: shrinkage, touch times, hours of shifts, patience, rosters to judge.

Belongs here: the typed document, and a roster's heads by weekday and hour. Does not belong here: what a roster brings (staffing/).
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from opsla_dagster.settings.base import Document, Seconds, percentage, read_document
from opsla_dagster.settings.calendars import WEEKDAYS, weekday_numbers

#: Heads by weekday (Monday first) and hour of the day.
HeadsByHour = tuple[tuple[float, ...], ...]
HOURS_A_DAY = 24
_HOURS = re.compile(r"(\d\d?):00\s*-\s*(\d\d?):00")


def _as_share(value: object) -> float:
    """`30%` or 30 as 0.3. Raises ValueError for what is no share of heads that could be missing."""
    percent = percentage(value, "30%")
    if not 0 <= percent < 100:
        raise ValueError(f"{value!r}: shrinkage lies between 0% and 100%; at 100% nobody would ever be there")
    return percent / 100


def hours_of(text: str) -> tuple[int, int]:
    """`08:00-10:00` as (8, 10), within one day. Raises ValueError for anything else."""
    match = _HOURS.fullmatch(text.strip())
    if not match:
        raise ValueError(f"{text!r}: heads are given by whole hours of one day; write 08:00-10:00")
    first, last = int(match[1]), int(match[2])
    if not 0 <= first < last <= HOURS_A_DAY:
        raise ValueError(f"{text!r}: the end lies after the start, on the same day; a night is two intervals, 22:00-24:00 and 00:00-06:00")
    return first, last


def _hours(text: str) -> str:
    hours_of(text)
    return text


def _weekdays(text: str) -> str:
    weekday_numbers(text)
    return text


Share = Annotated[float, BeforeValidator(_as_share)]
HoursText = Annotated[str, AfterValidator(_hours)]
Heads = Annotated[float, Field(ge=0, le=100_000, allow_inf_nan=False)]


class Touch(Document):
    """What a case takes one head: the mean, and how much it varies (standard deviation / mean)."""

    minutes: Annotated[float, Field(gt=0, le=10_000, allow_inf_nan=False)]
    variation: Annotated[float, Field(ge=0, le=5)] = 1.0


class QueueStaffing(Document):
    """What holds of one queue alone."""

    touch: Touch | None = None
    #: Of live chat and phone: after how long, on average, customers leave. Erlang A is for those.
    patience: Annotated[Seconds, Field(gt=0)] | None = None


class Roster(Document):
    """Heads that are there to work, by weekday and hour; hours that are not named have none."""

    title: str = ""
    #: The queue they work for; without it the whole desk.
    queue: str | None = None
    heads: Annotated[dict[Annotated[str, AfterValidator(_weekdays)], dict[HoursText, Heads]], Field(min_length=1)]

    @model_validator(mode="after")
    def _each_hour_once(self) -> Self:
        self.by_hour()
        return self

    def by_hour(self) -> HeadsByHour:
        """Heads of Monday .. Sunday, 24 hours each. Raises ValueError where an hour is named twice."""
        week: list[list[float | None]] = [[None] * HOURS_A_DAY for _ in WEEKDAYS]
        for key, hours in self.heads.items():
            for weekday in weekday_numbers(key):
                for text, heads in hours.items():
                    for hour in range(*hours_of(text)):
                        if week[weekday][hour] is not None:
                            raise ValueError(f"{WEEKDAYS[weekday]} {hour:02d}:00 has heads twice; write each hour once")
                        week[weekday][hour] = heads
        return tuple(tuple(heads or 0.0 for heads in day) for day in week)


class StaffingSettings(Document):
    """The whole of staffing.yml; all of it may be left out."""

    shrinkage: Share | None = None
    touch: Touch | None = None
    queues: dict[str, QueueStaffing] = {}
    #: Hours of the shifts that a source's staffing names; without them a head is there as long as the desk is open.
    shifts: dict[str, HoursText] = {}
    rosters: dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]*$")], Roster] = {}

    def touch_of(self, queue: str) -> Touch | None:
        """Of a queue, or the desk's; None where nobody says."""
        own = self.queues.get(queue)
        return own.touch if own is not None and own.touch is not None else self.touch

    def patience_of(self, queue: str) -> int | None:
        """Seconds after which customers of the queue leave, on average; None where they do not."""
        own = self.queues.get(queue)
        return own.patience if own is not None else None


def read_staffing(path: Path) -> StaffingSettings:
    """The document at `path`; without the file, the defaults. Raises OpslaError as `read_document` does."""
    return read_document(path, StaffingSettings) if path.exists() else StaffingSettings()


def read_roster(path: Path) -> Roster:
    """A roster in a file of its own. Raises OpslaError as `read_document` does."""
    return read_document(path, Roster)
