"""config/simulation.yml as a frozen document: the simulated desk, its load, its work and its mess.

Belongs here: the fields, their units and what makes a value impossible. Does not belong here: drawing anything.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Self

from pydantic import Field, field_validator, model_validator

from opsla_dagster.figures import rounded
from opsla_dagster.settings.base import Document, Seconds
from opsla_dagster.settings.holiday_library import country_holidays

Probability = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Name = Annotated[str, Field(min_length=1)]
Names = Annotated[tuple[Name, ...], Field(min_length=1)]

DAY_SECONDS = 86_400
#: Shares that should add up to one may miss it by rounding, not by more.
SHARE_TOLERANCE = 1e-6


class Lognormal(Document):
    """A skewed duration: half of the draws lie below `median_minutes`; `sigma` is the spread of its logarithm."""

    median_minutes: Positive
    sigma: Annotated[float, Field(ge=0, le=3)]


class Delay(Document):
    """A duration between two bounds, every second equally likely."""

    shortest: Seconds
    longest: Seconds

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.longest < self.shortest:
            raise ValueError("longest must not be shorter than shortest")
        return self


class Holidays(Document):
    """Which public holidays the desk keeps, named as the `holidays` library names them; observed days count too."""

    country: Name
    names: tuple[Name, ...]

    @model_validator(mode="after")
    def _known(self) -> Self:
        try:
            year = country_holidays(self.country, years=2025, language="en_US")
        except NotImplementedError as error:
            raise ValueError(f"unknown country {self.country!r}; use an ISO code such as US or GB") from error
        known = sorted({name for day in year for name in year.get_list(day)})
        unknown = [name for name in self.names if name not in known]
        if unknown:
            raise ValueError(f"no holiday {unknown[0]!r} in {self.country}; known are {', '.join(known)}")
        return self

    def dates(self, year: int) -> frozenset[date]:
        """The holidays of one year, the weekday on which a weekend holiday is observed included."""
        found = country_holidays(self.country, years=year, language="en_US")
        kept = {*self.names, *(f"{name} (observed)" for name in self.names)}
        return frozenset(day for day in found if day.year == year and kept.intersection(found.get_list(day)))


class Volume(Document):
    """How many cases a day brings, relative to a business day."""

    weekend_weight: NotNegative
    holiday_weight: NotNegative


class TimeOfDay(Document):
    """When on the desk's clock cases come in: three stretches of the day, uniform within each."""

    opens_hour: Annotated[int, Field(ge=1, le=22)]
    closes_hour: Annotated[int, Field(ge=2, le=23)]
    before_opening_share: Probability
    after_closing_share: Probability

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.closes_hour <= self.opens_hour:
            raise ValueError(f"closes_hour {self.closes_hour} must lie after opens_hour {self.opens_hour}")
        if self.before_opening_share + self.after_closing_share > 1:
            raise ValueError("before_opening_share and after_closing_share together exceed 1")
        return self


class Tier(Document):
    """One support tier: its share of the cases, how long they take and which ways they go."""

    share: Probability
    triage: Lognormal
    work: Lognormal
    hard_share: Probability
    escalated_share: Probability
    customer_wait_share: Probability
    review_share: Probability
    reopened_share: Probability


class CaseType(Document):
    """One kind of case: its share, how much longer or shorter its steps take, who owns it, what it is about."""

    share: Probability
    duration_factor: Positive
    team: Name
    categories: Names


class Path(Document):
    """What every case has in common, whatever its tier."""

    untriaged_share: Probability
    cancelled_share: Probability
    second_customer_wait_share: Probability
    long_customer_wait_share: Probability
    uncategorised_share: Probability
    assignment: Lognormal
    pickup: Lognormal
    customer_wait: Lognormal
    long_customer_wait: Lognormal
    review: Lognormal
    reopen_after: Lognormal
    rework: Lognormal
    hard_work_factor: Positive
    closed_day_factor: Positive


class Deterioration(Document):
    """The slow decline at the end of the window; after the window its final level stays."""

    days: Annotated[int, Field(gt=0)]
    duration_increase: NotNegative
    final_shrinkage_rate: Probability


class Mess(Document):
    """What goes wrong on the way into the log, as shares of events."""

    missing_event_ts_share: Probability
    time_zone_shift_share: Probability
    time_zone_shift_hours: Annotated[tuple[Annotated[int, Field(ge=1, le=14)], ...], Field(min_length=1)]
    late_share: Probability
    skewed_clock_share: Probability
    duplicated_share: Probability
    ingestion_delay: Delay
    late_delay: Delay
    skewed_clock_lead: Delay
    duplicate_delay: Delay


class Shift(Document):
    """Planned heads of one shift by kind of day."""

    weekday_heads: NotNegative
    weekend_heads: NotNegative
    holiday_heads: NotNegative


class Staffing(Document):
    """The plan of the shifts and how much of it is lost to leave, sickness and training."""

    shrinkage_rate: Probability
    shifts: Annotated[dict[Name, Shift], Field(min_length=1)]


class People(Document):
    """Who works on the cases: the desk's shared teams and how many agents each team has."""

    intake_team: Name
    review_team: Name
    agents_per_team: Annotated[int, Field(ge=1, le=99)]


class SimulationSettings(Document):
    """The whole of config/simulation.yml."""

    seed: Annotated[int, Field(ge=0, lt=2**63)]
    start: date
    days: Annotated[int, Field(gt=0, le=3_660)]
    cases: Annotated[int, Field(ge=0)]
    max_case_days: Annotated[int, Field(gt=0, le=3_660)]
    holidays: Holidays
    volume: Volume
    time_of_day: TimeOfDay
    tiers: Annotated[dict[Name, Tier], Field(min_length=1, max_length=9)]
    case_types: Annotated[dict[Name, CaseType], Field(min_length=1, max_length=9)]
    priorities: Annotated[dict[Name, Probability], Field(min_length=1, max_length=9)]
    path: Path
    deterioration: Deterioration
    mess: Mess
    staffing: Staffing
    people: People

    @field_validator("tiers", "case_types")
    @classmethod
    def _shares_add_up(cls, parts: dict[str, Tier] | dict[str, CaseType]) -> dict[str, Tier] | dict[str, CaseType]:
        _check_shares({name: part.share for name, part in parts.items()})
        return parts

    @field_validator("priorities")
    @classmethod
    def _priorities_add_up(cls, shares: dict[str, float]) -> dict[str, float]:
        _check_shares(shares)
        return shares

    @model_validator(mode="after")
    def _lifetime_leaves_room(self) -> Self:
        delays = (self.mess.late_delay.longest + self.mess.duplicate_delay.longest) / DAY_SECONDS
        if self.max_case_days < delays + 7:
            raise ValueError(
                f"max_case_days {self.max_case_days} leaves less than 5 days to work: late_delay and duplicate_delay alone "
                f"take up to {rounded(delays, 1)} days; expected at least 7 days more than these"
            )
        return self


def _check_shares(shares: dict[str, float]) -> None:
    total = sum(shares.values())
    if abs(total - 1) > SHARE_TOLERANCE:
        raise ValueError(f"the shares must add up to 1; they add up to {total:.6g}")
