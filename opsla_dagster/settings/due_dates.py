"""Promises made to single cases: the columns of a log that say when something is due, or how long it may take.

Belongs here: the setting of one such column, and whether it fits sla_policies.yml and calendars.yml. Does not belong here: reading
cells; that is `opsla_dagster.sources.event_log.due`. Rules and worked cases: docs/decisions/0021-due-dates-of-cases.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import StringConstraints, model_validator

from opsla_dagster.errors import OpslaError
from opsla_dagster.settings.base import Document
from opsla_dagster.settings.calendars import Calendar
from opsla_dagster.settings.sla_policies import Metric
from opsla_dagster.status import Signal

_NotEmpty = Annotated[str, StringConstraints(min_length=1)]
_DAY_SECONDS = 86_400


class DueSettings(Document):
    """A column with what one case was promised: an instant, or with `unit` or `calendar` a duration.

    An instant counts in calendar time, and so does a duration without `calendar`. `unit` is that of cells that are bare numbers.
    `date_format` is how a due date without a time of day is written; it means the end of that day.
    """

    column: _NotEmpty
    unit: Literal["minutes", "hours", "days"] | None = None
    calendar: _NotEmpty | None = None
    date_format: _NotEmpty | None = None

    @property
    def is_duration(self) -> bool:
        return self.unit is not None or self.calendar is not None

    @model_validator(mode="after")
    def _is_one_of_both(self) -> DueSettings:
        if self.date_format is not None and self.is_duration:
            raise ValueError("date_format is how a due date is written, unit and calendar are for durations: give one of the two")
        if self.date_format is not None and "%" not in self.date_format:
            raise ValueError(f"{self.date_format!r} is no format of a date; write one such as '%d/%m/%Y'")
        return self

    def day_seconds(self, calendars: Mapping[str, Calendar]) -> int | None:
        """How long a day of a duration is: of a calendar a business day, else 24 hours; None where the calendar's days differ."""
        return _DAY_SECONDS if self.calendar is None else calendars[self.calendar].business_day_seconds


def require_due_fits(
    place: str, due: Mapping[str, DueSettings], metrics: Mapping[str, Metric], calendars: Mapping[str, Calendar]
) -> None:
    """Raises OpslaError, beginning with `place`, for a metric or calendar that is not there or cannot have such a promise."""
    for name, item in due.items():
        here = f"{place}.{name}"
        if name not in metrics:
            raise OpslaError(f"{here}: sla_policies.yml has no metric {name!r}; known: {', '.join(metrics)}")
        metric = metrics[name]
        if Signal.INTAKE not in metric.start or metric.repeats:
            begin = "it repeats" if metric.repeats else f"it starts at {', '.join(metric.start)}"
            raise OpslaError(f"{here}: a promise to one case counts from its opening, once: expected a metric that starts at INTAKE; {begin}")
        if metric.pause and not item.is_duration:
            raise OpslaError(
                f"{here}: a due instant does not move, and this metric pauses in {', '.join(metric.pause)}: name a metric without "
                "pause, or a column with a duration (unit, calendar)"
            )
        if item.calendar is not None and item.calendar not in calendars:
            raise OpslaError(f"{here}.calendar: calendars.yml has no calendar {item.calendar!r}; known: {', '.join(calendars)}")
        if item.unit == "days" and item.day_seconds(calendars) is None:
            raise OpslaError(
                f"{here}.unit: days are business days, and those of calendar {item.calendar!r} are not equally long; say in "
                "calendars.yml how long one is (business_day: 8h), or give the duration in hours"
            )
